"""When orders are decided: order days of suppliers, dates of orders, days until the next chance."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.schema.periods import Frequency, days_of, period_of

__all__ = [
    "WEEKDAYS",
    "Calendar",
    "OrderMoment",
    "days_until_next",
    "order_day",
    "parse_order_days",
    "weekday_array",
]

OrderMoment = Literal["before_opening", "after_close"]
"""When on its day an order is placed."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MONDAY = 4  # 1970-01-05 was a Monday.


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
