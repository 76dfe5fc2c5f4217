"""Timestamps come to the shop's clock, whatever they are stored as."""

import datetime
import doctest
import zoneinfo

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.examples import moments
from demandcast.components.examples.moments import parse_moments
from demandcast.schema.config import TransactionsConfig

HOUR = 3600 * 10**6
DAY = 24 * HOUR
LONDON = "Europe/London"


def parsed(values, dtype=None, **rules):
    return parse_moments(pl.Series(values, dtype=dtype), TransactionsConfig(**rules))


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(moments).failed == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-02", DAY),
        (" 1970-01-02 ", DAY),
        ("1970-01-02 01:00", DAY + HOUR),
        ("1970-01-02T01:00:00", DAY + HOUR),
        ("1970-01-02 01:00:00.5", DAY + HOUR + 500_000),
        ("1970-01-02 01:00:00Z", DAY + HOUR),
        ("1970-01-02T01:00:00+01:00", DAY),
        ("1970-01-02 01:00-0130", DAY + HOUR + HOUR + HOUR // 2),
    ],
)
def test_text(text, expected):
    found = parsed([text])
    assert found.moments.tolist() == [expected]
    assert not found.failed.any()
    assert not found.missing.any()


def test_what_is_missing_and_what_is_no_timestamp():
    found = parsed([None, "", "NA", "yesterday", "1970-13-01", "1970-01-02"])
    assert found.missing.tolist() == [True, True, True, False, False, False]
    assert found.failed.tolist() == [False, False, False, True, True, False]
    assert found.moments.tolist() == [0, 0, 0, 0, 0, DAY]


def test_a_format_of_its_own():
    found = parsed(["2/1/1970 1:00", "31/2/1970 1:00"], timestamp_format="%d/%m/%Y %H:%M")
    assert found.moments.tolist() == [DAY + HOUR, 0]
    assert found.failed.tolist() == [False, True]


@pytest.mark.parametrize("dtype", [pl.Datetime("ms"), pl.Datetime("us"), pl.Datetime("ns")])
def test_stored_timestamps_of_each_unit(dtype):
    assert parsed([datetime.datetime(1970, 1, 2, 1)], dtype).moments.tolist() == [DAY + HOUR]


def test_a_stored_date_is_that_date_in_each_zone():
    day = [datetime.date(1970, 1, 2), None]
    found = parsed(day, pl.Date, time_zone=LONDON, recorded_time_zone="UTC")
    assert found.moments.tolist() == [DAY, 0]
    assert found.missing.tolist() == [False, True]


def test_a_number_is_no_timestamp():
    assert parsed([5]).failed.tolist() == [True]


def test_categories_are_read_as_text():
    assert parsed(["1970-01-02"], pl.Categorical).moments.tolist() == [DAY]


@pytest.mark.parametrize(
    ("rules", "hour"),
    [({}, 23), ({"time_zone": LONDON}, 23), ({"recorded_time_zone": "UTC"}, 23)],
)
def test_without_two_zones_a_clock_is_as_recorded(rules, hour):
    assert parsed(["2024-07-01 23:00"], **rules).moments[0] % DAY == hour * HOUR


def test_a_sale_late_in_the_evening_belongs_to_the_day_of_the_shop():
    """In July, 23:00 UTC is midnight in London."""
    rules = {"time_zone": LONDON, "recorded_time_zone": "UTC"}
    first = (datetime.date(2024, 7, 1) - datetime.date(1970, 1, 1)).days
    times = ["2024-07-01 22:59", "2024-07-01 23:00", "2024-07-01 23:00:00Z"]
    assert parsed(times, **rules).days.tolist() == [first, first + 1, first + 1]
    assert parsed(times[2:], time_zone=LONDON).days.tolist() == [first + 1]


def test_an_hour_that_no_clock_showed_is_no_timestamp_and_of_two_it_is_the_first():
    rules = {"recorded_time_zone": LONDON, "time_zone": "UTC"}
    found = parsed(["2011-03-27 01:30", "2011-10-30 01:30"], **rules)
    assert found.failed.tolist() == [True, False]
    assert found.moments[1] % DAY == HOUR // 2  # Still summer time: 00:30 UTC.


@given(st.datetimes(datetime.datetime(2000, 1, 1), datetime.datetime(2030, 1, 1)))
def test_zones_agree_with_the_standard_library(moment):
    moment = moment.replace(microsecond=0)
    rules = {"time_zone": "America/New_York", "recorded_time_zone": "UTC"}
    there = moment.replace(tzinfo=datetime.UTC).astimezone(zoneinfo.ZoneInfo("America/New_York"))
    expected = there.replace(tzinfo=None)
    since = expected - datetime.datetime(1970, 1, 1)
    microseconds = since // datetime.timedelta(microseconds=1)
    for value in ([moment], [moment.isoformat()], [f"{moment.isoformat()}+00:00"]):
        found = parsed(value, **rules)
        assert np.array_equal(found.moments, [microseconds])
        assert found.days.tolist() == [microseconds // DAY]
