"""Periods: identities on random days, and the calendar as an independent oracle."""

import datetime
import typing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.schema import periods
from demandcast.schema.periods import (
    FREQUENCIES,
    Frequency,
    date_of,
    days_of,
    on_grid,
    periods_of,
    season_length,
    year_length,
)

EPOCH = datetime.date(1970, 1, 1)
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
days = st.integers(-30_000, 60_000)
frequencies = st.sampled_from(FREQUENCIES)


def test_frequencies_are_days_and_weeks_from_each_weekday():
    assert ("D", *(f"W-{weekday}" for weekday in WEEKDAYS)) == FREQUENCIES
    assert typing.get_args(Frequency) == FREQUENCIES


@settings(deadline=None)
@given(days, frequencies)
def test_a_period_starts_on_or_before_each_of_its_days_and_the_next_one_after(day, frequency):
    period = periods_of(np.array([day]), frequency)
    length = 1 if frequency == "D" else 7
    [start], [end] = days_of(period, frequency), days_of(period + 1, frequency)
    assert start <= day < end
    assert end - start == length


@settings(deadline=None)
@given(st.integers(-5000, 9000), frequencies)
def test_periods_and_their_first_days_are_inverse(period, frequency):
    start = days_of(np.array([period]), frequency)
    assert periods_of(start, frequency) == period
    assert on_grid(start, frequency)


@settings(deadline=None)
@given(days, frequencies)
def test_the_grid_is_the_weekday_of_the_frequency(day, frequency):
    weekday = WEEKDAYS[(EPOCH + datetime.timedelta(days=day)).weekday()]
    expected = frequency in ("D", f"W-{weekday}")
    assert bool(on_grid(np.array([day]), frequency)[0]) is expected


@pytest.mark.parametrize("frequency", FREQUENCIES)
@pytest.mark.parametrize("shape", [(0,), (1,), (5,), (2, 3)])
def test_shapes_and_types_are_kept(frequency, shape):
    zeros = np.zeros(shape, np.int32)
    for result in (periods_of(zeros, frequency), days_of(zeros, frequency)):
        assert result.shape == shape
        assert result.dtype == np.int64
    assert on_grid(zeros, frequency).dtype == np.bool_


def test_far_days_do_not_overflow():
    far = np.array([2**31 - 1, -(2**31)], np.int32)
    np.testing.assert_array_equal(periods_of(far, "D"), far.astype(np.int64))
    np.testing.assert_array_equal(days_of(far, "W-THU"), far.astype(np.int64) * 7)


@settings(deadline=None)
@given(days)
def test_date_of_agrees_with_numpy(day):
    assert date_of(day) == np.datetime64(day, "D").astype(datetime.date)


def test_seasons_are_a_week_of_days_and_a_year_of_weeks():
    assert season_length("D") == 7
    assert year_length("D") == 52 * 7
    for frequency in FREQUENCIES[1:]:
        assert season_length(frequency) == year_length(frequency) == 52


def test_public_names():
    assert set(periods.__all__) >= {"Frequency", "periods_of", "days_of", "on_grid", "date_of"}
