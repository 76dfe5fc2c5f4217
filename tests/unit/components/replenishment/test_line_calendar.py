"""Dates of lines, delays within a week, and forecasts that are too short."""

import datetime

import numpy as np
import polars as pl
import pytest
import replenishment_world as world

from demandcast.components.replenishment.line_calendar import (
    delayed_lead_times,
    mark_short_forecasts,
    periods_until_order,
    with_calendar,
    with_closed_suppliers,
)
from demandcast.components.replenishment.order_calendar import (
    Calendar,
    Closures,
    parse_order_days,
)

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


def dated(lines, calendar=DAILY, *, closed=(), **options):
    """The line, where `north` is closed on some days."""
    options |= {"frequency": calendar.frequency, "cutoff": calendar.cutoff}
    days = pl.DataFrame(
        {"supplier": ["north"] * len(closed), "date": list(closed)},
        {"supplier": str, "date": pl.Date},
    )
    closures = Closures.of(days, ["north", "south"], calendar)
    return with_calendar(lines, lead_times(**options), closures).row(0, named=True)


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


def july(*days):
    return [DAY(2026, 7, day) for day in days]


@pytest.mark.parametrize(
    ("order_days", "closed", "order_date", "due_date", "next_order_date"),
    [
        # Ordered on the 1st, due 2 days later, and reviewed daily.
        (None, july(4), DAY(2026, 7, 1), DAY(2026, 7, 3), DAY(2026, 7, 2)),
        (None, july(3), DAY(2026, 7, 1), DAY(2026, 7, 4), DAY(2026, 7, 2)),
        (None, july(2, 3), DAY(2026, 7, 1), DAY(2026, 7, 4), DAY(2026, 7, 4)),
        (None, july(1, 2), DAY(2026, 7, 3), DAY(2026, 7, 5), DAY(2026, 7, 3)),
        ("wed", july(8), DAY(2026, 7, 1), DAY(2026, 7, 3), DAY(2026, 7, 15)),
        ("wed fri", july(1), DAY(2026, 7, 3), DAY(2026, 7, 5), DAY(2026, 7, 3)),
    ],
)
def test_closed_days_move_orders_and_deliveries(
    order_days, closed, order_date, due_date, next_order_date
):
    row = dated(line(order_days), closed=closed)
    assert row["takes_orders"] == (order_date == DAY(2026, 7, 1))
    assert row["order_date"] == order_date
    assert row["due_date"] == due_date
    assert row["next_order_date"] == next_order_date
    assert row["periods_to_next"] == (next_order_date - DAY(2026, 7, 1)).days


def test_a_later_arrival_of_the_next_order_takes_more_of_the_forecast():
    """The next order, of the 2nd, is due on the 4th, and comes on the 6th."""
    row = dated(line(), closed=july(4, 5))
    assert (row["closed_periods"], row["needed_periods"]) == (2, 1 + 2 + 2)
    other = dated(line(row=1), closed=july(4, 5))
    assert (other["closed_periods"], other["needed_periods"]) == (0, 1 + 4)


def test_a_supplier_that_is_closed_all_week_takes_no_weekly_order():
    row = dated(line(), WEEKLY, closed=july(*range(6, 14)))
    assert not row["takes_orders"]
    assert row["order_date"] == row["next_order_date"] == DAY(2026, 7, 14)
    assert row["periods_to_next"] == 1
    assert dated(line(), WEEKLY, closed=july(*range(6, 12)))["takes_orders"]


def test_paths_arrive_when_the_supplier_is_open():
    """Of two days of lead time, and of the next order, a day later."""
    sampler, lines = world.sampler_of([[0, 0, 1, 0], [0, 0, 0, 1]]), world.line_arrays([2.0, 3.0])
    closures = Closures.of(
        pl.DataFrame({"supplier": ["north", "north"], "date": july(4, 5)}), ["north"], DAILY
    )
    moved, found = with_closed_suppliers(sampler, lines, closures)
    part = moved.part(found, np.arange(2), 0)
    assert set(part.lead_time.ravel().tolist()) == {2}
    assert set(part.next_lead_time.ravel().tolist()) == {2 + 2}
    assert moved.mean_lead_time[found.lead_time_row].tolist() == [4, 4]
    nothing = Closures.of(None, ["north"], DAILY)
    assert with_closed_suppliers(sampler, lines, nothing) == (sampler, lines)


def test_blocked_lines_do_no_harm():
    lines = line().with_columns(
        weekdays=pl.lit(None, pl.List(pl.Boolean)),
        review_period=pl.lit(None, pl.Float64),
        lead_time_row=pl.lit(None, pl.Int64),
    )
    assert dated(lines)["periods_to_next"] == 1
    nobody = world.situation(suppliers=None).lead_times
    nowhere = Closures.of(None, [], DAILY)
    assert with_calendar(lines, nobody, nowhere)["lead_time"].to_list() == [0]


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


@pytest.mark.parametrize("order_days", [None, "wed", "tue", "mon thu", "sun"])
@pytest.mark.parametrize("calendar", [DAILY, WEEKLY])
@pytest.mark.parametrize("closed", [(), (DAY(2026, 7, 1), DAY(2026, 7, 6), DAY(2026, 7, 7))])
def test_periods_until_an_order_are_those_until_its_date(order_days, calendar, closed):
    row = dated(line(order_days), calendar, closed=closed)
    today = DAY(1970, 1, 1) + datetime.timedelta(days=calendar.order_day)
    wait = (row["order_date"] - today).days
    days = pl.DataFrame({"supplier": ["north"] * len(closed), "date": list(closed)}, _CLOSED)
    closures = Closures.of(days, ["north", "south"], calendar)
    periods = periods_until_order(line(order_days), np.zeros(1, np.int64), closures).item()
    assert periods == (wait if calendar is DAILY else -(-wait // 7))


_CLOSED = {"supplier": pl.String(), "date": pl.Date()}
