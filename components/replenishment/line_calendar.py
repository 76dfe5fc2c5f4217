"""When each line is ordered, when that arrives, and how many periods of the forecast it takes.

On a daily grid a supplier takes an order today or not. On a weekly grid orders are decided once a
week, and placed on the first weekday of it on which the supplier takes them: what is then placed
in the middle of a week counts as on its way for a period more. Closed days of the supplier move
both orders and deliveries.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.lead_time_distributions import pmf_quantiles
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.line_arrays import LineArrays, Sampler
from demandcast.components.replenishment.order_calendar import (
    Closures,
    chances,
    weekday_array,
)

__all__ = [
    "delayed_lead_times",
    "mark_short_forecasts",
    "periods_until_order",
    "with_calendar",
    "with_closed_suppliers",
]

Int64Array = npt.NDArray[np.int64]

_COVERED = 0.99
"""Share of lead times with which the forecast must reach to the end of the protection interval."""


def with_calendar(lines: pl.DataFrame, lead_times: LeadTimes, closures: Closures) -> pl.DataFrame:
    """Adds when orders are placed, when the next chance is, and how many periods that takes.

    Args:
        lines: From `choose_terms`; blocked lines get values without a meaning.
        lead_times: Of the suppliers.
        closures: When orders are decided, and when suppliers are closed.

    Returns:
        The lines, `takes_orders` (whether an order can be placed now), `periods_to_next`,
        `order_date` (the next chance from now on), `due_date`, `next_order_date` (the chance after
        the one of now), `lead_time` (mean of the supplier, periods), `delay` (periods until the
        order is placed), `closed_periods` (mean periods that the next order arrives later because
        the supplier is closed) and `needed_periods`.
    """
    calendar = closures.calendar
    row = lines["lead_time_row"].fill_null(0).to_numpy().astype(np.int64)
    wait, periods, until_next = _chances(lines, row, closures)
    day, length = calendar.order_day, calendar.days_per_period
    delay = ((wait > 0) & (length > 1)).astype(np.int64)
    slow, mean = _slow_and_mean(lead_times, row)
    lead_days = np.ceil(mean - 1e-9).astype(np.int64) * length
    due = closures.delivery_day(row, day + wait + calendar.placed_after + lead_days)
    latest = closures.arrival(row, periods + slow.astype(np.int64) + delay)
    return lines.with_columns(
        takes_orders=pl.Series(wait < length),
        periods_to_next=pl.Series(periods),
        order_date=_dates(day + wait),
        due_date=_dates(due),
        next_order_date=_dates(day + until_next),
        lead_time=pl.Series(mean),
        delay=pl.Series(delay),
        closed_periods=pl.Series(_closed_periods(lead_times, row, periods + delay, closures)),
        needed_periods=pl.Series(latest),
    )


def _chances(
    lines: pl.DataFrame, row: Int64Array, closures: Closures
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Finds the chances to order: of now, and the next one.

    Returns:
        Days until an order can be placed; periods until the next one is decided, and days until it
        can be placed. Shapes [N].
    """
    by_weekday = lines["order_days"].is_not_null().to_numpy()
    review = np.nan_to_num(lines["review_period"].to_numpy(), nan=1.0).astype(np.int64)
    review = np.where(by_weekday, 1, review)
    weekdays = weekday_array(lines["weekdays"])
    # Few suppliers, order days and review periods are shared by many lines.
    kinds = np.column_stack([row, review, weekdays @ (1 << np.arange(7))])
    _, first, kind = np.unique(kinds, axis=0, return_index=True, return_inverse=True)
    row, review, weekdays = row[first], review[first], weekdays[first]
    calendar = closures.calendar
    length, closed = calendar.days_per_period, closures.closed[row]
    periods = int(review.max(initial=1)) + closed.shape[1] + 7
    ahead = chances(calendar.order_day, weekdays, closed, last=periods * length)
    # Of each period, whether an order can be placed in it, and the first one on or after which.
    wait = ahead[:, ::length] - length * np.arange(periods + 1)
    open_period = np.where(wait < length, np.arange(periods + 1), periods)
    following = np.minimum.accumulate(open_period[:, ::-1], axis=1)[:, ::-1]
    every = np.arange(len(first))
    soonest = np.where(wait[:, 0] < length, review, 1)
    to_next = following[every, soonest]
    kind = kind.reshape(-1)
    return wait[kind, 0], to_next[kind], ahead[every, to_next * length][kind]


def _closed_periods(
    lead_times: LeadTimes, row: Int64Array, ordered: Int64Array, closures: Closures
) -> FloatArray:
    """Averages by how many periods an order arrives later, as its supplier is closed. Shape [N].

    Args:
        lead_times: Of the suppliers.
        row: Of the supplier. Shape [N].
        ordered: Period from which its lead time counts. Shape [N].
        closures: Of the suppliers.
    """
    if not closures.closed.any() or not len(lead_times.pmf):
        return np.zeros(row.size)
    kinds, kind = np.unique(np.column_stack([row, ordered]), axis=0, return_inverse=True)
    due = kinds[:, 1:] + np.arange(lead_times.pmf.shape[1])
    later = closures.arrival(kinds[:, :1], due) - due
    mean = (np.nan_to_num(lead_times.pmf)[kinds[:, 0]] * later).sum(axis=1)
    return np.asarray(mean[kind.reshape(-1)])


def with_closed_suppliers(
    sampler: Sampler, lines: LineArrays, closures: Closures
) -> tuple[Sampler, LineArrays]:
    """Lets what would arrive while a supplier is closed arrive on its next day of delivery.

    Args:
        sampler: With a distribution of lead times for each supplier, and the same a period later.
        lines: By these distributions.
        closures: Of the suppliers.

    Returns:
        Both, with a distribution for each supplier and review period; as they were if no supplier
        is closed. Paths stay the same, but for what arrives later.
    """
    if not closures.closed.any() or not len(lines):
        return sampler, lines
    kinds = np.column_stack([lines.lead_time_row, lines.next_lead_time_row, lines.review_period])
    kinds, kind = np.unique(kinds, axis=0, return_inverse=True)
    row, review = kinds[:, 0], kinds[:, 2:]
    supplier = (row % len(closures.closed))[:, None]
    usual = sampler.next_lead_times[kinds[:, 1]]
    now = closures.arrival(supplier, sampler.lead_times[row])
    following = closures.arrival(supplier, review + usual) - review
    later = (following - usual).mean(axis=1)
    moved = replace(
        sampler,
        lead_times=now,
        next_lead_times=following,
        mean_lead_time=sampler.mean_lead_time[row] + later,
    )
    kind = kind.reshape(-1).astype(np.int64)
    return moved, replace(lines, lead_time_row=kind, next_lead_time_row=kind)


def periods_until_order(lines: pl.DataFrame, row: Int64Array, closures: Closures) -> Int64Array:
    """Counts the periods until suppliers take an order; what waits within a week counts as one.

    Args:
        lines: `order_days`, `review_period` and `weekdays`.
        row: Of the supplier. Shape [n].
        closures: When orders are decided, and when suppliers are closed.

    Returns:
        0 where it takes one now. Shape [n].
    """
    wait, _, _ = _chances(lines, row, closures)
    return -(-wait // closures.calendar.days_per_period)


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


def mark_short_forecasts(lines: pl.DataFrame, horizon: int | pl.Expr) -> pl.DataFrame:
    """Gives lines whose protection interval ends after the forecast a status, and says why.

    Args:
        lines: From `with_calendar`.
        horizon: Periods of the forecast; of each line, if they differ.
    """
    known = horizon if isinstance(horizon, pl.Expr) else pl.lit(horizon)
    short = pl.col("status").is_null() & (pl.col("needed_periods") > known)
    words = pl.format(
        "the forecast has {} periods, and {} are needed: {} to the next order and {} until it "
        "arrives; replenishment.extrapolate goes on with the last season",
        known,
        "needed_periods",
        "periods_to_next",
        pl.col("needed_periods") - pl.col("periods_to_next"),
    )
    return lines.with_columns(
        status=pl.when(short).then(pl.lit("short_forecast")).otherwise("status"),
        reason=pl.when(short).then(words).otherwise("reason"),
    )
