"""Periods: integer arithmetic on the time grid of a forecast.

A *period* is the number of a grid cell since 1970-01-01, so that neighbours
differ by one at every frequency. A *day* is a date as days since 1970-01-01.
`D` has a cell per day; `W-MON` to `W-SUN` have a cell per week whose timestamp
(the start of the period) falls on that weekday.
"""

from __future__ import annotations

import datetime
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

__all__ = [
    "Frequency",
    "FREQUENCIES",
    "date_of",
    "days_of",
    "on_grid",
    "period_of",
    "periods_of",
    "season_length",
    "year_length",
]

Frequency = Literal["D", "W-MON", "W-TUE", "W-WED", "W-THU", "W-FRI", "W-SAT", "W-SUN"]
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)

_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_WEEKDAY_OF_DAY_ZERO = 3  # 1970-01-01 was a Thursday.

Int64Array = npt.NDArray[np.int64]


def _length_and_offset(frequency: Frequency) -> tuple[int, int]:
    """Returns days per period, and the day on which period 0 starts."""
    if frequency == "D":
        return 1, 0
    weekday = _WEEKDAYS.index(frequency.removeprefix("W-"))
    return 7, (weekday - _WEEKDAY_OF_DAY_ZERO) % 7


def on_grid(days: Int64Array, frequency: Frequency) -> npt.NDArray[np.bool_]:
    """Tells which days start a period.

    >>> on_grid(np.array([4, 5]), "W-MON")  # 1970-01-05 was a Monday
    array([ True, False])
    """
    length, offset = _length_and_offset(frequency)
    return np.asarray((np.asarray(days) - offset) % length == 0)


def periods_of(days: Int64Array, frequency: Frequency) -> Int64Array:
    """Converts days to periods; a day inside a period belongs to it.

    >>> periods_of(np.array([4, 11, 17]), "W-MON")
    array([0, 1, 1])
    """
    length, offset = _length_and_offset(frequency)
    return np.asarray((np.asarray(days, np.int64) - offset) // length)


def days_of(periods: Int64Array, frequency: Frequency) -> Int64Array:
    """Converts periods to the day on which each starts.

    >>> days_of(np.array([0, 1]), "W-MON")
    array([ 4, 11])
    """
    length, offset = _length_and_offset(frequency)
    return np.asarray(np.asarray(periods, np.int64) * length + offset)


def date_of(day: int) -> datetime.date:
    """Returns the date of a day number.

    >>> date_of(4).isoformat()
    '1970-01-05'
    """
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=int(day))


def period_of(date: datetime.date, frequency: Frequency) -> int:
    """Returns the period to which a date belongs.

    >>> period_of(datetime.date(1970, 1, 14), "W-MON")  # A Wednesday.
    1
    """
    day = (date - datetime.date(1970, 1, 1)).days
    return int(periods_of(np.array(day), frequency))


def season_length(frequency: Frequency) -> int:
    """Returns the length of the main season, periods: a week of days, a year of weeks."""
    return 7 if frequency == "D" else 52


def year_length(frequency: Frequency) -> int:
    """Returns a year in whole seasons, periods: 364 days keep the weekday, or 52 weeks."""
    return 364 if frequency == "D" else 52
