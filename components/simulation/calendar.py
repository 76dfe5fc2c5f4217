"""The calendar: holidays by rule, and how each moves demand on and before its day."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.schema.periods import date_of

__all__ = [
    "Calendar",
    "HOLIDAYS",
    "Holiday",
    "easter_sunday",
    "nth_weekday",
    "simulate_calendar",
    "weekday_of",
]

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

_EPOCH = datetime.date(1970, 1, 1)
_THURSDAY, _SUNDAY = 3, 6


def easter_sunday(year: int) -> datetime.date:
    """Returns the date of Western Easter.

    Source:
        Meeus (1991), Astronomical Algorithms, chapter 8: the Gregorian computus.

    >>> easter_sunday(2024).isoformat()
    '2024-03-31'
    """
    golden = year % 19
    century, year_of_century = divmod(year, 100)
    shift = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - century // 4 - shift + 15) % 30
    weekday = (
        32 + 2 * (century % 4) + 2 * (year_of_century // 4) - epact - year_of_century % 4
    ) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return datetime.date(year, month, day + 1)


def nth_weekday(year: int, month: int, *, weekday: int, n: int) -> datetime.date:
    """Returns the n-th given weekday of a month; Monday is 0.

    >>> nth_weekday(2024, 5, weekday=6, n=2).isoformat()
    '2024-05-12'
    """
    first = datetime.date(year, month, 1)
    return first + datetime.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


@dataclass(frozen=True)
class Holiday:
    """A holiday: when it falls, and what it does to demand.

    Attributes:
        name: Text of the calendar table.
        rule: Year to date.
        on_day: Change of log demand on the day.
        before: Change of log demand on the eve; falls linearly to 0 towards the past.
        days_before: Days before the holiday that feel it.
    """

    name: str
    rule: Callable[[int], datetime.date]
    on_day: float
    before: float = 0.0
    days_before: int = 0


def _fixed(month: int, day: int) -> Callable[[int], datetime.date]:
    return lambda year: datetime.date(year, month, day)


def _from_easter(days: int) -> Callable[[int], datetime.date]:
    return lambda year: easter_sunday(year) + datetime.timedelta(days=days)


def _mothers_day(year: int) -> datetime.date:
    return nth_weekday(year, 5, weekday=_SUNDAY, n=2)


def _black_friday(year: int) -> datetime.date:
    thanksgiving = nth_weekday(year, 11, weekday=_THURSDAY, n=4)
    return thanksgiving + datetime.timedelta(days=1)


HOLIDAYS = (
    Holiday("New Year's Day", _fixed(1, 1), -0.8),
    Holiday("Valentine's Day", _fixed(2, 14), 0.2, before=0.15, days_before=3),
    Holiday("Good Friday", _from_easter(-2), -0.2, before=0.35, days_before=6),
    Holiday("Easter Sunday", _from_easter(0), -0.6),
    Holiday("Easter Monday", _from_easter(1), -0.3),
    Holiday("Labour Day", _fixed(5, 1), -0.3, before=0.2, days_before=2),
    Holiday("Mother's Day", _mothers_day, 0.2, before=0.2, days_before=3),
    Holiday("Halloween", _fixed(10, 31), 0.25, before=0.2, days_before=7),
    Holiday("Black Friday", _black_friday, 0.45, before=0.1, days_before=3),
    Holiday("Christmas Eve", _fixed(12, 24), 0.35, before=0.5, days_before=14),
    Holiday("Christmas Day", _fixed(12, 25), -1.4),
    Holiday("Boxing Day", _fixed(12, 26), -0.4),
    Holiday("New Year's Eve", _fixed(12, 31), 0.35, before=0.3, days_before=4),
)
"""The rules keep any two holidays on different days."""


@dataclass(frozen=True)
class Calendar:
    """The days of the simulation.

    Attributes:
        days: Days since 1970-01-01, without gaps. Shape [D].
        holidays: Name of the holiday; empty on other days. Shape [D].
        gain: Sum of the positive holiday effects on log demand. Shape [D].
        loss: Sum of the negative ones, 0 or below. Shape [D].
    """

    days: Int64Array
    holidays: npt.NDArray[np.str_]
    gain: FloatArray
    loss: FloatArray


def simulate_calendar(first_day: int, length: int) -> Calendar:
    """Lays holidays and their effects over a span of days.

    Args:
        first_day: Days since 1970-01-01.
        length: Number of days (D), at least 1.

    >>> calendar = simulate_calendar(19723 + 85, 8)  # from 2024-03-26
    >>> calendar.holidays.tolist()
    ['', '', '', 'Good Friday', '', 'Easter Sunday', 'Easter Monday', '']
    """
    days = first_day + np.arange(length, dtype=np.int64)
    names = np.full(length, "", dtype="<U32")
    gain, loss = np.zeros(length), np.zeros(length)
    last = days[-1]
    # The year after the last may begin with a holiday whose eve still lies inside.
    for year in range(date_of(first_day).year, date_of(int(last)).year + 2):
        for holiday in HOLIDAYS:
            day = (holiday.rule(year) - _EPOCH).days - first_day
            _add(gain if holiday.on_day > 0 else loss, day, holiday.on_day)
            for eve in range(1, holiday.days_before + 1):
                share = 1 - (eve - 1) / holiday.days_before
                _add(gain if holiday.before > 0 else loss, day - eve, share * holiday.before)
            if 0 <= day < length:
                names[day] = holiday.name
    return Calendar(days=days, holidays=names, gain=gain, loss=loss)


def _add(effect: FloatArray, day: int, value: float) -> None:
    """Adds an effect on a day, if the day lies inside."""
    if 0 <= day < len(effect):
        effect[day] += value


def weekday_of(days: Int64Array) -> Int64Array:
    """Returns the weekday of each day; Monday is 0.

    >>> weekday_of(np.array([4])).tolist()  # 1970-01-05 was a Monday
    [0]
    """
    return np.asarray((days + _THURSDAY) % 7)
