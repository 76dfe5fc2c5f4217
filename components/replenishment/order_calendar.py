"""When orders are decided: order days of suppliers, dates of orders, days until the next chance.

On days on which a supplier is closed it neither takes orders nor delivers: an order is placed on
the next day on which it does, and what would arrive comes on the next open day.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.schema.periods import Frequency, days_of, period_of

__all__ = [
    "WEEKDAYS",
    "Calendar",
    "Closures",
    "OrderMoment",
    "chances",
    "days_until_next",
    "longest_review_periods",
    "mean_review_periods",
    "order_day",
    "parse_order_days",
    "weekday_array",
]

OrderMoment = Literal["before_opening", "after_close"]
"""When on its day an order is placed."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MONDAY = 4  # 1970-01-05 was a Monday.

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Calendar:
    """When orders are decided.

    Attributes:
        cutoff: Last known period.
        frequency: Of the periods.
        order_moment: When on its day an order is placed.
    """

    cutoff: datetime.date
    frequency: Frequency
    order_moment: OrderMoment

    @property
    def days_per_period(self) -> int:
        """Length of a period, days."""
        return 1 if self.frequency == "D" else 7

    @property
    def evening(self) -> datetime.date:
        """Last known day."""
        return self.cutoff + datetime.timedelta(days=self.days_per_period - 1)

    @property
    def placed_after(self) -> int:
        """Days from the day of an order to the opening before which it counts as placed."""
        return 1 if self.order_moment == "after_close" else 0

    @property
    def order_day(self) -> int:
        """Day on which orders are decided, days since 1970-01-01."""
        return order_day(self.cutoff, self.frequency, self.order_moment)


def order_day(cutoff: datetime.date, frequency: Frequency, moment: OrderMoment) -> int:
    """Returns the day on which orders of a cutoff are placed, days since 1970-01-01.

    Before opening: the first day after the last known period. After close: the day before it.

    >>> from demandcast.schema.periods import date_of
    >>> date_of(order_day(datetime.date(2026, 6, 30), "D", "before_opening")).isoformat()
    '2026-07-01'
    >>> date_of(order_day(datetime.date(2026, 6, 29), "W-MON", "after_close")).isoformat()
    '2026-07-05'
    """
    following = int(days_of(np.array(period_of(cutoff, frequency) + 1), frequency))
    return following - (moment == "after_close")


def parse_order_days(texts: Sequence[str | None]) -> tuple[npt.NDArray[np.bool_], list[str | None]]:
    """Reads weekdays; names by their first three letters, apart by spaces, commas or '+'.

    Args:
        texts: One per line; None: every day.

    Returns:
        Whether orders are taken on Monday to Sunday, and what is wrong. Shapes [n, 7] and [n].

    >>> parse_order_days(["Mon, thursday", None, "noon"])[0].sum(axis=1).tolist()
    [2, 7, 7]
    """
    known: dict[str | None, tuple[npt.NDArray[np.bool_], str | None]] = {}
    for text in set(texts):
        known[text] = _parse_one(text)
    days = np.array([known[text][0] for text in texts], np.bool_).reshape(len(texts), 7)
    return days, [known[text][1] for text in texts]


def _parse_one(text: str | None) -> tuple[npt.NDArray[np.bool_], str | None]:
    everyday = np.ones(7, np.bool_)
    if text is None:
        return everyday, None
    names = text.replace(",", " ").replace("+", " ").lower().split()
    found = [name[:3] for name in names]
    if not found or not set(found) <= set(WEEKDAYS):
        allowed = "weekdays such as 'mon thu'"
        return everyday, f"order_days: got {text!r}; allowed: {allowed}"
    return np.isin(WEEKDAYS, found), None


def weekday_array(weekdays: pl.Series) -> npt.NDArray[np.bool_]:
    """Turns a column of lists of 7, Monday to Sunday, into an array; null is every day.

    Returns:
        Shape [n, 7].

    >>> weekday_array(pl.Series([[True] + [False] * 6, None])).sum(axis=1).tolist()
    [1, 7]
    """
    every = pl.lit(pl.Series([[True] * 7]))
    filled = pl.select(pl.lit(weekdays.cast(pl.List(pl.Boolean))).fill_null(every)).to_series()
    return np.asarray(filled.list.to_array(7).to_numpy(), np.bool_).reshape(-1, 7)


def days_until_next(
    day: int, order_days: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Tells whether orders are taken on a day, and how long it is until the next chance.

    Args:
        day: Days since 1970-01-01.
        order_days: Whether orders are taken on Monday to Sunday. Shape [n, 7].

    Returns:
        Whether they are today, and days from today to the next order day, 1 to 7. Shapes [n].

    >>> monday = np.array([[True] + [False] * 6])
    >>> days_until_next(5, monday)  # 1970-01-06 was a Tuesday
    (array([False]), array([6]))
    """
    today = (day - _MONDAY) % 7
    ahead = (today + 1 + np.arange(7)) % 7
    return order_days[:, today], 1 + order_days[:, ahead].argmax(axis=1)


def chances(
    day: int, order_days: BoolArray, closed: BoolArray, *, last: int
) -> npt.NDArray[np.int64]:
    """Finds the first day on which orders are taken, from each day on.

    Args:
        day: Days since 1970-01-01.
        order_days: Whether orders are taken on Monday to Sunday; one day at least. Shape [n, 7].
        closed: Whether the supplier is closed on `day` and the days after it; open later. Shape
            [n, D].
        last: Last day asked about, from `day` on.

    Returns:
        Days from `day` to the first chance on it or later, for each day until `last`. Shape
        [n, last + 1].

    >>> monday_and_tuesday = np.array([[True] * 2 + [False] * 5])
    >>> chances(4, monday_and_tuesday, np.array([[True, True]]), last=2)  # 1970-01-05: a Monday
    array([[7, 7, 7]])
    """
    # Behind the last closed day there is a chance within a week.
    width = max(closed.shape[1], last + 1) + 7
    weekday = (day - _MONDAY + np.arange(width)) % 7
    refused = ~order_days[:, weekday]
    refused[:, : closed.shape[1]] |= closed
    return _first_open(refused)[:, : last + 1]


@dataclass(frozen=True)
class Closures:
    """Days on which suppliers (V) are closed.

    Attributes:
        calendar: When orders are decided.
        closed: Whether a supplier is closed on the order day and the days after it; all are open
            later. Shape [V, D].
    """

    calendar: Calendar
    closed: BoolArray

    @classmethod
    def of(
        cls, table: pl.DataFrame | None, suppliers: Sequence[str], calendar: Calendar
    ) -> Closures:
        """Reads the days of suppliers; others and past days do not matter.

        Args:
            table: `supplier` and `date`; None without closures.
            suppliers: In the order of V; without any there is one row that is always open.
            calendar: When orders are decided.
        """
        if table is None:
            return cls(calendar, np.zeros((max(len(suppliers), 1), 0), np.bool_))
        rows = pl.DataFrame({"supplier": suppliers}, schema={"supplier": pl.String})
        placed = table.join(rows.with_row_index("row"), on="supplier", how="inner")
        ahead = placed["date"].cast(pl.Int32).cast(pl.Int64).to_numpy() - calendar.order_day
        at, row = ahead[ahead >= 0], placed["row"].to_numpy()[ahead >= 0]
        closed = np.zeros((max(len(suppliers), 1), int(at.max(initial=-1)) + 1), np.bool_)
        closed[row, at] = True
        return cls(calendar, closed)

    def delivery_day(
        self, row: npt.NDArray[np.int64], day: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Returns the first day of delivery on a day or later. Shapes [n]."""
        order_day = self.calendar.order_day
        return order_day + _looked_up(_first_open(self.closed), row, day - order_day)

    def arrival(
        self, row: npt.NDArray[np.int64], period: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """Returns in which period what is due in one arrives: the first with a day of delivery.

        Weeks without any are passed over on a weekly grid; a single closed day moves nothing to
        another week.

        Args:
            row: Of the supplier. Shape [n, ...].
            period: 0 is the one before whose opening orders of now count as placed. Shape [n, ...].

        Returns:
            Shape [n, ...].
        """
        return _looked_up(_first_open(self._without_delivery()), row, period)

    def _without_delivery(self) -> BoolArray:
        """Tells which periods have no day of delivery until they open. Shape [V, K]."""
        # What comes in the week before an opening is there when it opens.
        length, before = self.calendar.days_per_period, self.calendar.placed_after
        days = np.pad(self.closed[:, before:], ((0, 0), (length - 1, 0)))
        periods = -(-days.shape[1] // length)
        whole = np.pad(days, ((0, 0), (0, periods * length - days.shape[1])))
        return np.asarray(whole.reshape(len(days), periods, length).all(axis=2))


def _first_open(closed: BoolArray) -> npt.NDArray[np.int64]:
    """Finds the first open place at each one or later; behind the last all are. Shape [n, D]."""
    width = closed.shape[1]
    at = np.where(closed, width, np.arange(width))
    return np.minimum.accumulate(at[:, ::-1], axis=1)[:, ::-1]


def _looked_up(
    places: npt.NDArray[np.int64], row: npt.NDArray[np.int64], at: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Reads places [V, D] at given ones; what lies before or behind stays where it is."""
    width = places.shape[1]
    if not width:
        return at
    inside = np.clip(at, 0, width - 1)
    return np.where((at >= 0) & (at < width), places[row, inside], at)


def mean_review_periods(terms: pl.DataFrame, frequency: Frequency) -> npt.NDArray[np.float64]:
    """Returns the mean periods between two orders, as the calendar of the supplier has them.

    Args:
        terms: `review_period` (null: 1), `order_days` and `weekdays`; the days count where there
            are some.
        frequency: Of the periods.

    Returns:
        Periods, at least 1; of orders on Monday and Thursday 3.5 days. Shape [n].
    """
    return _review_periods(terms, 7 / weekday_array(terms["weekdays"]).sum(axis=1), frequency)


def longest_review_periods(terms: pl.DataFrame, frequency: Frequency) -> npt.NDArray[np.int64]:
    """Returns the most periods between two orders, as the calendar of the supplier has them.

    Args:
        terms: As `mean_review_periods` reads them.
        frequency: Of the periods.

    Returns:
        Whole periods, at least 1; of orders on Monday and Thursday 4 days. Shape [n].
    """
    weekdays = weekday_array(terms["weekdays"])
    longest = np.max([days_until_next(day, weekdays)[1] for day in range(7)], axis=0)
    return np.ceil(_review_periods(terms, longest, frequency)).astype(np.int64)


def _review_periods(
    terms: pl.DataFrame, gap_days: npt.NDArray[Any], frequency: Frequency
) -> npt.NDArray[np.float64]:
    """Takes the gap of the weekdays where there are some, else the review period. Shape [n]."""
    given = terms["review_period"].cast(pl.Float64).fill_null(1.0).to_numpy()
    # On a weekly grid orders are decided once a week, whatever the days.
    gap = np.maximum(gap_days / (1 if frequency == "D" else 7), 1.0)
    return np.where(terms["order_days"].is_not_null().to_numpy(), gap, given)
