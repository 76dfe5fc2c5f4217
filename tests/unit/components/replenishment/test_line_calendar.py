"""Dates of lines, delays within a week, and forecasts that are too short."""

import datetime

import numpy as np
import polars as pl
import pytest
import replenishment_world as world

from demandcast.components.replenishment.line_calendar import (
    delayed_lead_times,
    mark_short_forecasts,
    with_calendar,
)
from demandcast.components.replenishment.order_calendar import Calendar, parse_order_days

DAY = datetime.date


def lead_times(days=(2, 4), **options):
    """`north` and `south`, as quoted."""
    quotes = {
        name: {"quoted_lead_time_days": one}
        for name, one in zip(("north", "south"), days, strict=True)
    }
    return world.situation(suppliers=world.suppliers(quotes), **options).lead_times


def line(order_days=None, *, review_period=1.0, row=0):
    days, _ = parse_order_days([order_days])
    return pl.DataFrame(
        {
            "weekdays": pl.Series(days.tolist(), dtype=pl.List(pl.Boolean)),
            "order_days": pl.Series([order_days], dtype=pl.String),
            "review_period": [review_period],
            "lead_time_row": [row],
            "status": pl.Series([None], dtype=pl.String),
            "reason": pl.Series([None], dtype=pl.String),
        }
    )


DAILY = Calendar(world.CUTOFF, "D", "before_opening")
WEEKLY = Calendar(DAY(2026, 6, 29), "W-MON", "before_opening")


def dated(lines, calendar=DAILY):
    options = {"frequency": calendar.frequency, "cutoff": calendar.cutoff}
    return with_calendar(lines, lead_times(**options), calendar).row(0, named=True)


def test_every_day():
    row = dated(line(review_period=3.0, row=1))
    assert row["takes_orders"]
    assert (row["periods_to_next"], row["lead_time"], row["needed_periods"]) == (3, 4, 3 + 4)
    assert row["order_date"] == DAY(2026, 7, 1)
    assert row["due_date"] == DAY(2026, 7, 5)
    assert row["next_order_date"] == DAY(2026, 7, 4)
    assert row["delay"] == 0


@pytest.mark.parametrize(
    ("days", "today", "until", "order_date"),
    [
        ("wed", True, 7, DAY(2026, 7, 1)),
        ("wed sat", True, 3, DAY(2026, 7, 1)),
        ("thu", False, 1, DAY(2026, 7, 2)),
        ("tue", False, 6, DAY(2026, 7, 7)),
        ("mon tue wed thu fri sat sun", True, 1, DAY(2026, 7, 1)),
    ],
)
def test_order_days(days, today, until, order_date):
    row = dated(line(days, review_period=30.0))
    assert row["takes_orders"] == today
    assert row["periods_to_next"] == until  # Not the review period.
    assert row["order_date"] == order_date
    assert row["due_date"] == order_date + datetime.timedelta(days=2)
    assert row["next_order_date"] == DAY(2026, 7, 1) + datetime.timedelta(days=until)


@pytest.mark.parametrize(
    ("days", "delay", "order_date"),
    [(None, 0, DAY(2026, 7, 6)), ("mon fri", 0, DAY(2026, 7, 6)), ("fri", 1, DAY(2026, 7, 10))],
)
def test_weekly(days, delay, order_date):
    row = dated(line(days), WEEKLY)
    assert row["takes_orders"]
    assert (row["periods_to_next"], row["delay"]) == (1, delay)
    assert row["needed_periods"] == 1 + 1 + delay
    assert row["order_date"] == order_date
    assert row["next_order_date"] == order_date + datetime.timedelta(days=7)


def test_a_weekly_review_period_of_several_weeks():
    row = dated(line(review_period=3.0), WEEKLY)
    assert row["periods_to_next"] == 3
    assert row["next_order_date"] == DAY(2026, 7, 27)


def test_blocked_lines_do_no_harm():
    lines = line().with_columns(
        weekdays=pl.lit(None, pl.List(pl.Boolean)),
        review_period=pl.lit(None, pl.Float64),
        lead_time_row=pl.lit(None, pl.Int64),
    )
    assert dated(lines)["periods_to_next"] == 1
    nobody = world.situation(suppliers=None).lead_times
    assert with_calendar(lines, nobody, DAILY)["lead_time"].to_list() == [0]


def test_the_same_distributions_a_period_later():
    found = delayed_lead_times(lead_times((1, 2)))
    expected = [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(found, expected)


def test_a_forecast_that_ends_too_early_is_said_and_what_was_wrong_stays():
    lines = pl.DataFrame(
        {
            "status": [None, None, "invalid"],
            "reason": [None, None, "that"],
            "needed_periods": [14, 15, 99],
            "periods_to_next": [1, 3, 1],
        }
    )
    found = mark_short_forecasts(lines, 14)
    assert found["status"].to_list() == [None, "short_forecast", "invalid"]
    reasons = found["reason"].to_list()
    assert reasons[::2] == [None, "that"]
    assert reasons[1].startswith(
        "the forecast has 14 periods, and 15 are needed: 3 to the next order and 12 until"
    )
