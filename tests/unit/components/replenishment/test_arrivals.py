"""When what is on its way arrives, line by line and summed."""

import datetime

import numpy as np
import polars as pl
import pytest

from demandcast.components.replenishment.arrivals import arrival_periods, scheduled_arrivals
from demandcast.components.replenishment.order_calendar import Calendar

DAY = datetime.date
TUESDAY = DAY(2026, 6, 30)
KEYS = ["store", "item"]


def days(*dates):
    return np.array([(one - DAY(1970, 1, 1)).days for one in dates])


def test_daily_periods_of_arrival():
    found = arrival_periods(
        days(DAY(2026, 6, 1), TUESDAY, DAY(2026, 7, 1), DAY(2026, 7, 2)),
        cutoff=TUESDAY,
        frequency="D",
    )
    assert found.tolist() == [0, 0, 0, 1]


def test_weekly_what_comes_within_a_week_serves_the_next():
    found = arrival_periods(
        days(DAY(2026, 7, 6), DAY(2026, 7, 7), DAY(2026, 7, 13), DAY(2026, 7, 1)),
        cutoff=DAY(2026, 6, 29),
        frequency="W-MON",
    )
    assert found.tolist() == [0, 1, 1, 0]


def lines(lead_time=2.0, on_order=0.0):
    return pl.DataFrame(
        {
            "store": ["a", "b"],
            "item": ["007", "007"],
            "on_order": [on_order, 0.0],
            "lead_time": [lead_time, 1.0],
        }
    )


def arrivals(rows, *, moment="before_opening", horizon=5, lead_time=2.0):
    """Units until each period opens, of the first line."""
    placed = None
    if rows is not None:
        usual = {"store": "a", "item": "007", "quantity": 1.0, "due": None, "ordered": None}
        types = {"quantity": pl.Float64(), "due": pl.Date(), "ordered": pl.Date()}
        placed = pl.DataFrame([usual | row for row in rows], schema_overrides=types)
    found = scheduled_arrivals(
        lines(lead_time, on_order=7.0),
        placed,
        keys=KEYS,
        calendar=Calendar(TUESDAY, "D", moment),
        horizon=horizon,
    )
    assert found.shape == (horizon, 2)
    assert (found[:, 1] == 0).all()
    return found[:, 0].tolist()


def test_lines_by_their_day_are_summed_up():
    rows = [
        {"quantity": 3.0, "due": DAY(2026, 7, 2)},
        {"quantity": 2.0, "due": DAY(2026, 7, 2)},
        {"quantity": 4.0, "due": DAY(2026, 7, 4)},
        {"quantity": 9.0, "due": DAY(2027, 7, 4)},
    ]
    assert arrivals(rows) == [0, 5, 5, 9, 9]


def test_what_is_overdue_comes_first():
    assert arrivals([{"due": DAY(2026, 5, 1)}]) == [1] * 5


@pytest.mark.parametrize(
    ("moment", "expected"),
    # Two days of demand pass after the opening that follows the order.
    [("before_opening", [0, 1, 1, 1, 1]), ("after_close", [0, 0, 1, 1, 1])],
)
def test_without_a_day_it_is_a_lead_time_after_the_order(moment, expected):
    assert arrivals([{"ordered": TUESDAY}], moment=moment) == expected


def test_a_mean_lead_time_is_rounded_up():
    assert arrivals([{"ordered": TUESDAY}], lead_time=2.1) == [0, 0, 1, 1, 1]


@pytest.mark.parametrize("moment", ["before_opening", "after_close"])
def test_of_unknown_age_it_is_as_if_ordered_now_with_a_table_and_without(moment):
    assert arrivals([{"quantity": 7.0}], moment=moment) == [0, 0, 7, 7, 7]
    assert arrivals(None, moment=moment) == [0, 0, 7, 7, 7]


def test_lines_of_other_series_and_without_a_quantity_count_nothing():
    assert arrivals([{"store": "z"}, {"quantity": None}]) == [0] * 5


def test_no_lines_and_no_series():
    assert arrivals([{"store": "z"}], horizon=1) == [0]
    found = scheduled_arrivals(
        lines()[:0], None, keys=KEYS, calendar=Calendar(TUESDAY, "D", "after_close"), horizon=3
    )
    assert found.shape == (3, 0)
