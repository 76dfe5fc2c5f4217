"""Days of orders: moments, weekdays, and days until the next chance, against a slow walk."""

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.replenishment.order_calendar import (
    WEEKDAYS,
    Calendar,
    Closures,
    chances,
    days_until_next,
    longest_review_periods,
    mean_review_periods,
    order_day,
    parse_order_days,
    weekday_array,
)
from demandcast.schema.periods import date_of

TUESDAY = datetime.date(2026, 6, 30)
MONDAY = datetime.date(2026, 6, 29)


@pytest.mark.parametrize(
    ("cutoff", "frequency", "moment", "expected"),
    [
        (TUESDAY, "D", "before_opening", "2026-07-01"),
        (TUESDAY, "D", "after_close", "2026-06-30"),
        (MONDAY, "W-MON", "before_opening", "2026-07-06"),
        (MONDAY, "W-MON", "after_close", "2026-07-05"),
        (datetime.date(2026, 12, 31), "D", "before_opening", "2027-01-01"),
    ],
)
def test_the_day_of_the_order(cutoff, frequency, moment, expected):
    assert date_of(order_day(cutoff, frequency, moment)).isoformat() == expected
    assert Calendar(cutoff, frequency, moment).order_day == order_day(cutoff, frequency, moment)


def test_what_a_calendar_counts_by():
    daily = Calendar(TUESDAY, "D", "before_opening")
    weekly = Calendar(MONDAY, "W-MON", "after_close")
    assert (daily.days_per_period, daily.placed_after) == (1, 0)
    assert (weekly.days_per_period, weekly.placed_after) == (7, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mon", "mon"),
        ("Mon, Thursday", "mon thu"),
        ("MON+FRI", "mon fri"),
        ("  sun   sat ", "sat sun"),
        ("mon mon", "mon"),
        (None, " ".join(WEEKDAYS)),
    ],
)
def test_weekdays_in_words(text, expected):
    (days,), (wrong,) = parse_order_days([text])
    assert [name for name, day in zip(WEEKDAYS, days, strict=True) if day] == expected.split()
    assert wrong is None


@pytest.mark.parametrize("text", ["", " ", "noon", "mon noon", "1", "mo", "daily", "lundi"])
def test_what_is_no_weekday_is_named_and_taken_for_every_day(text):
    days, (wrong,) = parse_order_days([text])
    assert days.all()
    assert wrong == f"order_days: got {text!r}; allowed: weekdays such as 'mon thu'"


def test_no_lines():
    days, wrong = parse_order_days([])
    assert days.shape == (0, 7)
    assert wrong == []


@given(st.lists(st.none() | st.lists(st.booleans(), min_size=7, max_size=7)))
def test_a_column_of_weekdays(rows):
    found = weekday_array(pl.Series(rows, dtype=pl.List(pl.Boolean)))
    assert found.shape == (len(rows), 7)
    assert found.tolist() == [[True] * 7 if row is None else row for row in rows]


@given(st.integers(0, 40_000), st.sets(st.integers(0, 6), min_size=1))
def test_the_next_chance_against_a_walk_over_the_days(day, weekdays):
    order_days = np.array([[at in weekdays for at in range(7)]])
    today, ahead = days_until_next(day, order_days)
    assert today[0] == (date_of(day).weekday() in weekdays)
    walk = next(n for n in range(1, 8) if date_of(day + n).weekday() in weekdays)
    assert ahead[0] == walk


def test_lines_are_told_apart():
    order_days = np.array([[True] * 7, [True] + [False] * 6])
    today, ahead = days_until_next(4, order_days)  # A Monday.
    assert today.tolist() == [True, True]
    assert ahead.tolist() == [1, 7]


@given(
    st.integers(0, 40_000),
    st.sets(st.integers(0, 6), min_size=1),
    st.sets(st.integers(0, 30)),
    st.integers(0, 20),
)
def test_chances_against_a_walk_over_the_days(day, weekdays, closed, last):
    order_days = np.array([[at in weekdays for at in range(7)]])
    days = np.array([[at in closed for at in range(31)]])
    (found,) = chances(day, order_days, days, last=last).tolist()
    for start in range(last + 1):
        walk = next(
            at
            for at in range(start, 1_000)
            if date_of(day + at).weekday() in weekdays and at not in closed
        )
        assert found[start] == walk


@given(st.integers(0, 40_000), st.sets(st.integers(0, 6), min_size=1))
def test_without_closures_chances_are_the_next_order_days(day, weekdays):
    order_days = np.array([[at in weekdays for at in range(7)]])
    today, ahead = days_until_next(day, order_days)
    found = chances(day, order_days, np.zeros((1, 0), np.bool_), last=1)[0]
    assert (found[0] == 0) == today[0]
    assert found[1] == ahead[0]


DAILY = Calendar(TUESDAY, "D", "before_opening")
WEEKLY = Calendar(MONDAY, "W-MON", "before_opening")  # The next week begins on 6 July.


def closures(days, calendar=DAILY, suppliers=("a", "b")):
    """`b` is closed on some days of July 2026."""
    dates = [datetime.date(2026, 7, day) for day in days]
    table = pl.DataFrame(
        {"supplier": ["b"] * len(days), "date": dates}, {"supplier": pl.String, "date": pl.Date}
    )
    return Closures.of(table, list(suppliers), calendar)


def arrivals(found, row, periods):
    given = np.array(periods)
    return found.arrival(np.full(given.size, row), given).tolist()


def test_days_count_from_the_order_day_and_of_those_asked_about():
    found = closures([1, 3])
    assert found.closed.tolist() == [[False] * 3, [True, False, True]]
    assert closures([1], suppliers=["a"]).closed.tolist() == [[]]
    assert Closures.of(None, ["a", "b"], DAILY).closed.shape == (2, 0)
    assert Closures.of(None, [], DAILY).closed.shape == (1, 0)


def test_past_days_do_not_matter():
    past = pl.DataFrame({"supplier": ["a"], "date": [TUESDAY]})
    assert Closures.of(past, ["a"], DAILY).closed.shape == (1, 0)


@pytest.mark.parametrize(
    ("moment", "days", "expected"),
    [
        # Periods 0, 1, 2, 3 begin on 1, 2, 3, 4 July, whichever the moment.
        ("before_opening", [2, 3], [0, 3, 3, 3]),
        ("after_close", [2, 3], [0, 3, 3, 3]),
        ("before_opening", [], [0, 1, 2, 3]),
        ("before_opening", [4], [0, 1, 2, 4]),
    ],
)
def test_what_is_due_on_a_closed_day_comes_on_the_next_open_one(moment, days, expected):
    found = closures(days, Calendar(TUESDAY, "D", moment))
    assert arrivals(found, 1, [0, 1, 2, 3]) == expected
    assert arrivals(found, 0, [0, 1, 2, 3]) == [0, 1, 2, 3]


def test_only_a_closed_week_moves_a_delivery_to_another_one():
    """Period 1 opens on Monday 13 July: what comes from 7 July on is there by then."""
    week = range(7, 14)
    assert arrivals(closures(week, WEEKLY), 1, [0, 1, 2]) == [0, 2, 2]
    assert arrivals(closures(week[1:], WEEKLY), 1, [0, 1, 2]) == [0, 1, 2]


def test_the_day_of_delivery():
    found = closures([2, 3])
    first = found.calendar.order_day
    days = found.delivery_day(np.array([1, 1, 0, 1]), first + np.array([0, 1, 1, 9]))
    assert (days - first).tolist() == [0, 3, 1, 9]


def terms_of(order_days, review_period=None):
    days, _ = parse_order_days([order_days])
    return pl.DataFrame(
        {
            "weekdays": pl.Series(days.tolist(), dtype=pl.List(pl.Boolean)),
            "order_days": pl.Series([order_days], dtype=pl.String),
            "review_period": pl.Series([review_period], dtype=pl.Float64),
        }
    )


@pytest.mark.parametrize(
    ("order_days", "review_period", "frequency", "mean", "longest"),
    [
        (None, None, "D", 1, 1),
        (None, 3.0, "D", 3, 3),
        ("tue", None, "D", 7, 7),
        ("tue", 7.0, "D", 7, 7),
        ("tue", 1.0, "D", 7, 7),  # The calendar says it better.
        ("mon thu", None, "D", 7 / 2, 4),
        ("mon tue wed thu fri sat", None, "D", 7 / 6, 2),
        ("mon tue wed thu fri sat sun", 5.0, "D", 1, 1),
        ("tue", None, "W-MON", 1, 1),
        ("mon thu", 9.0, "W-MON", 1, 1),
        (None, 2.0, "W-MON", 2, 2),
    ],
)
def test_periods_between_orders(order_days, review_period, frequency, mean, longest):
    terms = terms_of(order_days, review_period)
    assert mean_review_periods(terms, frequency) == pytest.approx([mean])
    assert longest_review_periods(terms, frequency).tolist() == [longest]


@given(st.sets(st.sampled_from(WEEKDAYS), min_size=1))
def test_the_mean_gap_is_that_of_a_walk_over_a_week(days):
    orders = terms_of(" ".join(sorted(days)))
    chances = [
        day
        for day in range(7)
        if days_until_next(day - 1, weekday_array(orders["weekdays"]))[1] == 1
    ]
    gaps = [days_until_next(day, weekday_array(orders["weekdays"]))[1].item() for day in chances]
    assert sum(gaps) == 7
    assert mean_review_periods(orders, "D") == pytest.approx([sum(gaps) / len(gaps)])
    assert longest_review_periods(orders, "D").tolist() == [max(gaps)]


def test_no_terms_have_no_periods():
    empty = terms_of(None)[:0]
    assert mean_review_periods(empty, "D").tolist() == longest_review_periods(empty, "D").tolist()
