"""When each line is ordered, when that arrives, and how many periods of the forecast it takes.

On a daily grid a supplier takes an order today or not. On a weekly grid orders are decided once a
week, and placed on the first weekday of it on which the supplier takes them: what is then placed
in the middle of a week counts as on its way for a period more.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.lead_time_distributions import pmf_quantiles
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.order_calendar import (
    Calendar,
    days_until_next,
    weekday_array,
)

__all__ = ["delayed_lead_times", "mark_short_forecasts", "with_calendar"]

Int64Array = npt.NDArray[np.int64]

_COVERED = 0.99
"""Share of lead times with which the forecast must reach to the end of the protection interval."""


def with_calendar(lines: pl.DataFrame, lead_times: LeadTimes, calendar: Calendar) -> pl.DataFrame:
    """Adds when orders are placed, when the next chance is, and how many periods that takes.

    Args:
        lines: From `choose_terms`; blocked lines get values without a meaning.
        lead_times: Of the suppliers.
        calendar: When orders are decided.

    Returns:
        The lines, `takes_orders` (whether an order can be placed now), `periods_to_next`,
        `order_date` (the next chance from now on), `due_date`, `next_order_date` (the chance after
        the one of now), `lead_time` (mean of the supplier, periods), `delay` (periods until the
        order is placed) and `needed_periods`.
    """
    day, length = calendar.order_day, calendar.days_per_period
    today, ahead = days_until_next(day, weekday_array(lines["weekdays"]))
    wait = np.where(today, 0, ahead)
    by_weekday = lines["order_days"].is_not_null().to_numpy()
    review = np.nan_to_num(lines["review_period"].to_numpy(), nan=1.0)
    periods = np.where(by_weekday, np.ceil(ahead / length), review).astype(np.int64)
    until_next = np.where(by_weekday, ahead, periods * length)
    if length > 1:
        until_next = wait + periods * length
    delay = (wait > 0) & (length > 1)
    row = lines["lead_time_row"].fill_null(0).to_numpy()
    slow, mean = _slow_and_mean(lead_times, row)
    lead_days = np.ceil(mean - 1e-9).astype(np.int64) * length
    return lines.with_columns(
        takes_orders=pl.Series(today | (length > 1)),
        periods_to_next=pl.Series(periods),
        order_date=_dates(day + wait),
        due_date=_dates(day + wait + calendar.placed_after + lead_days),
        next_order_date=_dates(day + until_next),
        lead_time=pl.Series(mean),
        delay=pl.Series(delay.astype(np.int64)),
        needed_periods=pl.Series(periods + slow.astype(np.int64) + delay),
    )


def delayed_lead_times(lead_times: LeadTimes) -> FloatArray:
    """Puts the distributions of lead times above the same a period later. Shape [2 V, L + 2].

    A line that is placed within the period has the row of its supplier plus V.
    """
    pmf = np.nan_to_num(lead_times.pmf)
    return np.vstack([np.pad(pmf, ((0, 0), (0, 1))), np.pad(pmf, ((0, 0), (1, 0)))])


def _slow_and_mean(lead_times: LeadTimes, row: Int64Array) -> tuple[FloatArray, FloatArray]:
    """Returns the lead time that nearly all orders keep, and the mean, periods. Shapes [N]."""
    if not len(lead_times.mean):
        return np.zeros(row.size), np.zeros(row.size)
    slow = np.nan_to_num(pmf_quantiles(lead_times.pmf, [_COVERED])[:, 0])
    return slow[row], np.nan_to_num(lead_times.mean)[row]


def _dates(days: Int64Array) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


def mark_short_forecasts(lines: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """Gives lines whose protection interval ends after the forecast a status, and says why.

    Args:
        lines: From `with_calendar`.
        horizon: Periods of the forecast.
    """
    short = pl.col("status").is_null() & (pl.col("needed_periods") > horizon)
    words = pl.format(
        "the forecast has {} periods, and {} are needed: {} to the next order and {} until it "
        "arrives; replenishment.extrapolate goes on with the last season",
        pl.lit(horizon),
        "needed_periods",
        "periods_to_next",
        pl.col("needed_periods") - pl.col("periods_to_next"),
    )
    return lines.with_columns(
        status=pl.when(short).then(pl.lit("short_forecast")).otherwise("status"),
        reason=pl.when(short).then(words).otherwise("reason"),
    )
