"""How the verdict writes numbers."""

from __future__ import annotations

import math

__all__ = ["TFMA_REFUSED", "as_number", "as_percent", "as_span"]

TFMA_REFUSED = "TFMA did not validate"
"""Begins a reason that TFMA found, and the rules here did not."""


def as_number(value: float | None) -> str:
    """Writes a metric.

    >>> as_number(0.36601), as_number(None)
    ('0.3660', '-')
    """
    return "-" if value is None else f"{value:.4f}"


def as_percent(share: float, decimals: int | None = None) -> str:
    """Writes a share; as short as it may be if no decimals are asked for.

    >>> as_percent(0.305), as_percent(0.305, 2)
    ('30.5 %', '30.50 %')
    """
    number = f"{100 * share:g}" if decimals is None else f"{100 * share:.{decimals}f}"
    return f"{number} %"


def as_span(low: float, high: float, *, share: bool = True) -> str:
    """Writes an interval, of shares or numbers; nothing where noise is unknown.

    >>> as_span(-0.005, 0.045), as_span(0.7, 0.75, share=False), as_span(-math.inf, math.inf)
    ('-0.5 % to 4.5 %', '0.7000 to 0.7500', '')
    """
    if math.isinf(low) or math.isinf(high):
        return ""
    if share:
        return f"{as_percent(low, 1)} to {as_percent(high, 1)}"
    return f"{as_number(low)} to {as_number(high)}"
