"""When what is on its way arrives: units due until each period opens."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.order_calendar import Calendar
from demandcast.schema.periods import Frequency, on_grid, period_of, periods_of

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
    calendar: Calendar,
    horizon: int,
) -> FloatArray:
    """Adds up what arrives until each period opens.

    A line without a day of arrival is expected a mean lead time after its order; as if it were
    ordered now if that is unknown too, and so is `on_order` where there is no table of the lines.

    Args:
        lines: Key columns, `on_order` and `lead_time` (mean of the line's supplier, periods), one
            row per series.
        open_lines: From `open_order_lines`; None without a table.
        keys: Key columns.
        calendar: When orders are decided.
        horizon: Periods, H. What arrives later counts nowhere.

    Returns:
        Units, not decreasing over the periods. Shape [H, N].
    """
    lead_time = np.ceil(lines["lead_time"].fill_null(0.0).to_numpy() - 1e-9).astype(np.int64)
    shape = (horizon, lines.height)
    if open_lines is None:
        return _summed(np.arange(lines.height), lead_time, lines["on_order"].to_numpy(), shape)
    # Names with # are none of a key column.
    numbered = lines.select(*keys, pl.int_range(pl.len(), dtype=pl.Int64).alias("#row"))
    placed = open_lines.join(numbered, on=keys, how="inner")
    row = placed["#row"].to_numpy()
    day = _expected_days(placed, lead_time[row], calendar=calendar)
    period = arrival_periods(day, cutoff=calendar.cutoff, frequency=calendar.frequency)
    return _summed(row, period, placed["quantity"].fill_null(0.0).to_numpy(), shape)


def _expected_days(
    placed: pl.DataFrame, lead_time: Int64Array, *, calendar: Calendar
) -> Int64Array:
    """Returns the day of arrival of each line: as given, or by its order and a lead time."""
    due = placed["due"].cast(pl.Int32).cast(pl.Int64)
    ordered = placed["ordered"].cast(pl.Int32).cast(pl.Int64).fill_null(calendar.order_day)
    # A lead time begins with the opening before which the order is placed.
    opening = ordered.to_numpy() + calendar.placed_after
    guessed = opening + lead_time * calendar.days_per_period
    return np.where(due.is_null().to_numpy(), guessed, due.fill_null(0).to_numpy())


def _summed(
    row: Int64Array, period: Int64Array, quantity: FloatArray, shape: tuple[int, int]
) -> FloatArray:
    """Sums quantities by period and row, then over the periods."""
    total = np.zeros(shape)
    inside = period < shape[0]
    np.add.at(total, (period[inside], row[inside]), quantity[inside])
    return np.cumsum(total, axis=0)
