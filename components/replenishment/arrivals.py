"""When what is on its way arrives: units due until each period opens."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.schema.periods import Frequency, days_of, on_grid, period_of, periods_of

__all__ = ["arrival_periods", "scheduled_arrivals"]

Int64Array = npt.NDArray[np.int64]


def arrival_periods(days: Int64Array, *, cutoff: datetime.date, frequency: Frequency) -> Int64Array:
    """Turns days of arrival into periods after the cutoff: 0 is the first that is forecast.

    What arrives on the morning of a day serves the period that starts then; within a period, the
    next one. What is overdue is expected for the first.

    >>> arrival_periods(np.array([4, 5, 30]), cutoff=datetime.date(1970, 1, 6), frequency="D")
    array([ 0,  0, 24])
    """
    period = periods_of(days, frequency) + ~on_grid(days, frequency)
    return np.maximum(period - period_of(cutoff, frequency) - 1, 0)


def scheduled_arrivals(
    lines: pl.DataFrame,
    open_lines: pl.DataFrame | None,
    *,
    keys: Sequence[str],
    cutoff: datetime.date,
    frequency: Frequency,
    horizon: int,
) -> FloatArray:
    """Adds up what arrives until each period opens.

    A line without a day of arrival is expected a mean lead time after its order, or after the
    cutoff if that is unknown too; so is `on_order` where there is no table of the lines.

    Args:
        lines: Key columns, `on_order` and `lead_time` (mean of the line's supplier, periods), one
            row per series.
        open_lines: From `open_order_lines`; None without a table.
        keys: Key columns.
        cutoff: Last period that the forecast saw.
        frequency: Of the periods.
        horizon: Periods, H. What arrives later counts nowhere.

    Returns:
        Units, not decreasing over the periods. Shape [H, N].
    """
    lead_time = np.ceil(lines["lead_time"].fill_null(0.0).to_numpy() - 1e-9).astype(np.int64)
    if open_lines is None:
        return _summed(
            np.arange(lines.height),
            lead_time,
            lines["on_order"].to_numpy(),
            (horizon, lines.height),
        )
    numbered = lines.select(*keys, row=pl.int_range(pl.len(), dtype=pl.Int64))
    placed = open_lines.join(numbered, on=keys, how="inner")
    row = placed["row"].to_numpy()
    due = placed["due"].cast(pl.Int32).cast(pl.Int64)
    ordered = placed["ordered"].cast(pl.Int32).cast(pl.Int64).fill_null(_day(cutoff))
    guessed = days_of(periods_of(ordered.to_numpy(), frequency) + lead_time[row], frequency)
    day = np.where(due.is_null().to_numpy(), guessed, due.fill_null(0).to_numpy())
    period = arrival_periods(day, cutoff=cutoff, frequency=frequency)
    quantity = placed["quantity"].fill_null(0.0).to_numpy()
    return _summed(row, period, quantity, (horizon, lines.height))


def _day(date: datetime.date) -> int:
    return (date - datetime.date(1970, 1, 1)).days


def _summed(
    row: Int64Array, period: Int64Array, quantity: FloatArray, shape: tuple[int, int]
) -> FloatArray:
    """Sums quantities by period and row, then over the periods."""
    total = np.zeros(shape)
    inside = period < shape[0]
    np.add.at(total, (period[inside], row[inside]), quantity[inside])
    return np.cumsum(total, axis=0)
