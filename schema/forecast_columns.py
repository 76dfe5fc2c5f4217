"""Names of the columns of a forecast table; `demandcast.schema.forecast_table` says what they hold.

Apart from it, because that one needs polars and a client does not.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["CUTOFF", "MEAN", "STEP", "TIMESTAMP", "quantile_column", "quantile_columns"]

CUTOFF = "cutoff"
STEP = "step"
TIMESTAMP = "timestamp"
MEAN = "mean"


def quantile_column(level: float) -> str:
    """Names the column of a quantile level.

    >>> quantile_column(0.05)
    'q0.05'
    """
    return f"q{level!r}"


def quantile_columns(quantile_levels: Sequence[float]) -> tuple[str, ...]:
    """Names the columns of quantile levels, in their order.

    >>> quantile_columns([0.1, 0.5, 0.9])
    ('q0.1', 'q0.5', 'q0.9')
    """
    return tuple(quantile_column(level) for level in quantile_levels)
