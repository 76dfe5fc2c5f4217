import datetime

import numpy as np
import pytest
from dateutil import easter

from demandcast.components.simulation.calendar import (
    HOLIDAYS,
    easter_sunday,
    nth_weekday,
    simulate_calendar,
    weekday_of,
)

EPOCH = datetime.date(1970, 1, 1)


def day_number(year, month, day):
    return (datetime.date(year, month, day) - EPOCH).days


def test_easter_equals_dateutil():
    years = range(1900, 2300)
    assert [easter_sunday(year) for year in years] == [easter.easter(year) for year in years]


def test_nth_weekday_starts_with_the_first_day_of_the_month():
    assert nth_weekday(2024, 9, weekday=6, n=1) == datetime.date(2024, 9, 1)  # a Sunday
    assert nth_weekday(2024, 11, weekday=3, n=4) == datetime.date(2024, 11, 28)  # Thanksgiving


def test_weekday_equals_datetime():
    days = np.arange(-1000, 40_000, 13)
    expected = [(EPOCH + datetime.timedelta(days=int(day))).weekday() for day in days]
    assert weekday_of(days).tolist() == expected


def test_holidays_of_a_year():
    calendar = simulate_calendar(day_number(2024, 1, 1), 366)
    found = {
        str(name): EPOCH + datetime.timedelta(days=int(day))
        for day, name in zip(calendar.days, calendar.holidays, strict=True)
        if name
    }
    assert found == {
        "New Year's Day": datetime.date(2024, 1, 1),
        "Valentine's Day": datetime.date(2024, 2, 14),
        "Good Friday": datetime.date(2024, 3, 29),
        "Easter Sunday": datetime.date(2024, 3, 31),
        "Easter Monday": datetime.date(2024, 4, 1),
        "Labour Day": datetime.date(2024, 5, 1),
        "Mother's Day": datetime.date(2024, 5, 12),
        "Halloween": datetime.date(2024, 10, 31),
        "Black Friday": datetime.date(2024, 11, 29),
        "Christmas Eve": datetime.date(2024, 12, 24),
        "Christmas Day": datetime.date(2024, 12, 25),
        "Boxing Day": datetime.date(2024, 12, 26),
        "New Year's Eve": datetime.date(2024, 12, 31),
    }


def test_no_two_holidays_share_a_day():
    calendar = simulate_calendar(day_number(1900, 1, 1), 365 * 400)
    years = np.unique(calendar.days.astype("datetime64[D]").astype("datetime64[Y]"))[:-1]
    complete = calendar.days.astype("datetime64[D]").astype("datetime64[Y]") <= years[-1]
    assert (calendar.holidays[complete] != "").sum() == len(HOLIDAYS) * len(years)


def test_eve_rises_linearly_to_the_holiday():
    calendar = simulate_calendar(day_number(2024, 10, 20), 12)  # until Halloween
    week_before = 0.2 * np.arange(1, 8) / 7
    assert calendar.gain == pytest.approx([0, 0, 0, 0, *week_before, 0.25])
    assert calendar.loss.tolist() == [0.0] * 12


def test_eve_of_a_holiday_after_the_last_day_counts():
    full = simulate_calendar(day_number(2023, 12, 1), 60)
    for length in (1, 12, 23, 31):
        part = simulate_calendar(day_number(2023, 12, 1), length)
        assert part.gain.tolist() == full.gain[:length].tolist()
        assert part.loss.tolist() == full.loss[:length].tolist()
        assert part.holidays.tolist() == full.holidays[:length].tolist()
