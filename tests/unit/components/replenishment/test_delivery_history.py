"""Order lines become deliveries: what a lead time is, what is open, refused, or late."""

import datetime

import numpy as np
import polars as pl
import pytest

from demandcast.components.replenishment.delivery_history import (
    HistorySettings,
    collect_deliveries,
)
from demandcast.components.replenishment.supply_columns import PLACE
from demandcast.schema.errors import BadInputError, ContractError

MONDAY = datetime.date(2026, 1, 5)


def day(number):
    """Days after Monday; None stays None."""
    return None if number is None else MONDAY + datetime.timedelta(days=number)


def table(rows, **more):
    """Order lines of (supplier, ordered, received), in days after Monday."""
    return pl.DataFrame(
        {
            "supplier": pl.Series([row[0] for row in rows], dtype=pl.String),
            "ordered": pl.Series([day(row[1]) for row in rows], dtype=pl.Date),
            "received": pl.Series([day(row[2]) for row in rows], dtype=pl.Date),
            **more,
        }
    )


def how(frequency="D", order_moment="before_opening", as_of=60, **more):
    return HistorySettings(frequency, order_moment, day(as_of), **more)


@pytest.mark.parametrize(
    ("order_moment", "received", "lead_time"),
    [
        # Ordered on Monday; there before opening on the same day, on Tuesday, on Wednesday.
        ("before_opening", 0, 0),
        ("before_opening", 1, 1),
        ("before_opening", 2, 2),
        ("after_close", 0, 0),
        ("after_close", 1, 0),
        ("after_close", 2, 1),
    ],
)
def test_lead_time_counts_the_days_of_demand_that_pass(order_moment, received, lead_time):
    history = collect_deliveries(table([("a", 0, received)]), how(order_moment=order_moment))
    assert history.lead_time.tolist() == [lead_time]
    assert history.arrived.tolist() == [True]


@pytest.mark.parametrize(
    ("order_moment", "received", "weeks"),
    [
        ("before_opening", 0, 0),
        ("before_opening", 1, 1),  # Tuesday does not serve the week from its opening.
        ("before_opening", 7, 1),
        ("before_opening", 9, 2),
        ("after_close", 1, 0),
        ("after_close", 8, 1),
        ("after_close", 9, 2),
    ],
)
def test_weeks_that_are_begun_count(order_moment, received, weeks):
    lines = table([("a", 0, received)])
    for frequency in ("W-MON", "W-THU"):
        history = collect_deliveries(lines, how(frequency, order_moment))
        assert history.lead_time.tolist() == [weeks]


@pytest.mark.parametrize(
    ("frequency", "order_moment", "as_of", "shortest"),
    [
        # Known through the evening of as_of: it can be there tomorrow before opening.
        ("D", "before_opening", 0, 1),
        ("D", "after_close", 0, 0),
        ("D", "after_close", 5, 5),
        ("W-MON", "before_opening", 6, 1),
        ("W-MON", "before_opening", 7, 2),
        ("W-MON", "after_close", 7, 1),
    ],
)
def test_an_open_order_has_the_lead_time_that_it_would_have_tomorrow(
    frequency, order_moment, as_of, shortest
):
    settings = how(frequency, order_moment, as_of)
    history = collect_deliveries(table([("a", 0, None)]), settings)
    assert history.arrived.tolist() == [False]
    assert history.lead_time.tolist() == [shortest]
    tomorrow = collect_deliveries(
        table([("a", 0, as_of + 1)]), how(frequency, order_moment, as_of + 1)
    )
    assert tomorrow.lead_time.tolist() == [shortest]


def test_a_past_day_is_judged_by_what_was_known_then():
    lines = table([("a", 0, 3), ("a", 1, 9), ("a", 8, 9), ("b", 8, 12)])
    history = collect_deliveries(lines, how(as_of=7))
    assert history.arrived.tolist() == [True, False]
    assert history.lead_time.tolist() == [3, 7]
    # Supplier b has not been asked yet, but is one.
    assert history.keys["supplier"].to_list() == ["a", "b"]


def test_lines_with_the_same_dates_are_one_delivery():
    lines = table([("a", 0, 3), ("a", 0, 3), ("a", 0, 4), ("b", 0, 3), ("a", 0, None)])
    history = collect_deliveries(lines, how(as_of=4))
    assert history.supplier.tolist() == [0, 0, 0, 1]
    assert history.arrived.tolist() == [False, True, True, True]
    assert history.lines.tolist() == [1, 2, 1, 1]
    # Four lines are the order of a.
    assert history.order.tolist() == [0, 0, 0, 1]
    assert history.share.tolist() == [1 / 4, 2 / 4, 1 / 4, 1]


def test_order_of_lines_does_not_matter():
    rows = [("a", 0, 3), ("b", 2, 3), ("a", 5, None), ("c", 1, 4)]
    one, other = (collect_deliveries(table(each), how()) for each in (rows, rows[::-1]))
    assert one.keys.equals(other.keys)
    for name in ("supplier", "ordered", "lead_time", "arrived"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_refused_lines_are_counted_and_the_first_are_named():
    rows = [("a", 5, 4), ("a", None, 3), (None, 0, 1), ("b", 0, 1), ("a", 0, 3651)]
    history = collect_deliveries(table(rows), how(as_of=4000))
    assert [(one.problem, one.count, one.rows) for one in history.refused] == [
        ("no supplier", 1, ("row 3: supplier None, ordered 2026-01-05, received 2026-01-06",)),
        ("no date in ordered", 1, ("row 2: supplier a, ordered None, received 2026-01-08",)),
        (
            "received before ordered",
            1,
            ("row 1: supplier a, ordered 2026-01-10, received 2026-01-09",),
        ),
        (
            "a lead time above 3650 days",
            1,
            ("row 5: supplier a, ordered 2026-01-05, received 2036-01-04",),
        ),
    ]
    # All lines of a are refused, and it appears.
    assert history.keys["supplier"].to_list() == ["a", "b"]
    assert history.lead_time.tolist() == [1]


def test_only_the_first_five_refused_lines_are_named():
    history = collect_deliveries(table([("a", 5, 4)] * 7), how())
    (refused,) = history.refused
    assert refused.count == 7
    assert [row[:5] for row in refused.rows] == [f"row {number}" for number in range(1, 6)]


def test_refused_lines_are_named_by_their_place_in_the_file():
    lines = table([("a", 5, 4)]).with_columns(pl.lit("line 7").alias(PLACE))
    (refused,) = collect_deliveries(lines, how()).refused
    assert refused.rows == ("line 7: supplier a, ordered 2026-01-10, received 2026-01-09",)


def test_lateness_is_against_the_promise_or_else_the_quote():
    lines = table(
        [("a", 0, 6), ("a", 1, 6), ("a", 2, None), ("a", 30, None), ("b", 0, 1)],
        promised=pl.Series([day(5), None, None, day(31), None], dtype=pl.Date),
    )
    quoted = pl.DataFrame({"supplier": ["a", "c"], "quoted_lead_time": [6, 1]})
    settings = how(order_moment="after_close", as_of=30)
    history = collect_deliveries(lines, settings, quoted=quoted)
    # The quote of 6 after Tuesday's close is due 7 days later.
    np.testing.assert_array_equal(
        history.days_late, [6 - 5, 6 - (1 + 7), 31 - (2 + 7), 31 - 31, np.nan]
    )
    np.testing.assert_array_equal(history.quoted, [6, np.nan, 1])


def test_a_quote_on_a_weekly_grid_is_due_after_whole_weeks():
    quoted = pl.DataFrame({"supplier": ["a"], "quoted_lead_time": [2]})
    history = collect_deliveries(table([("a", 0, 15)]), how("W-MON"), quoted=quoted)
    assert history.days_late.tolist() == [1]


def test_orders_open_for_too_long_are_abandoned():
    lines = table([("a", 0, None), ("a", 40, None), ("b", 0, 55)])
    history = collect_deliveries(lines, how(abandoned_after=50))
    assert history.abandoned.tolist() == [1, 0]
    assert history.lead_time.tolist() == [60 + 1 - 40, 55]


def test_two_years_are_too_long_by_default():
    assert how().longest_open == 728
    assert how("W-SUN").longest_open == 104


def test_share_in_full_counts_received_lines_with_both_quantities():
    lines = table(
        [("a", 0, 1), ("a", 0, 1), ("a", 2, None), ("a", 3, 4), ("b", 0, 1)],
        quantity=[10, 10, 10, 10, None],
        received_quantity=[10, 9, 0, 12, 5],
    )
    history = collect_deliveries(lines, how())
    np.testing.assert_array_equal(history.in_full_share, [2 / 3, np.nan])


def test_more_columns_tell_suppliers_apart():
    lines = table([("a", 0, 1), ("a", 0, 5)], warehouse=["north", "south"])
    history = collect_deliveries(lines, how(by=("supplier", "warehouse")))
    assert history.keys.rows() == [("a", "north"), ("a", "south")]
    assert history.lead_time.tolist() == [1, 5]


def test_no_lines_and_no_quotes_are_no_suppliers():
    history = collect_deliveries(table([]), how())
    assert len(history.keys) == 0
    assert history.lead_time.shape == history.quoted.shape + (0,) * 0 == (0,)
    assert history.refused == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines.drop("received"), "order lines: no column received; there are"),
        (lambda lines: lines.drop("supplier"), "order lines: no column supplier"),
        (
            lambda lines: lines.with_columns(ordered=pl.lit("5-Jan-26")),
            "ordered: got String; expected Date",
        ),
        (
            lambda lines: lines.with_columns(promised=pl.lit(1)),
            "promised: got Int32; expected Date",
        ),
        (
            lambda lines: lines.with_columns(quantity=pl.lit("12")),
            "quantity: got String; expected a number",
        ),
    ],
)
def test_lines_that_break_the_contract_are_refused(change, words):
    with pytest.raises(ContractError, match=words):
        collect_deliveries(change(table([("a", 0, 1)])), how())


@pytest.mark.parametrize(
    ("quoted", "words"),
    [
        ({"supplier": ["a"]}, "quotes: no column quoted_lead_time"),
        ({"supplier": ["a"], "quoted_lead_time": [1.5]}, "expected whole periods"),
        ({"supplier": ["a"], "quoted_lead_time": [-1]}, "1 rows repeat a supplier or are negative"),
        ({"supplier": ["a", "a"], "quoted_lead_time": [1, 2]}, "2 rows repeat a supplier"),
    ],
)
def test_quotes_that_break_the_contract_are_refused(quoted, words):
    with pytest.raises(ContractError, match=words):
        collect_deliveries(table([("a", 0, 1)]), how(), quoted=pl.DataFrame(quoted))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frequency": "M"}, "frequency: got 'M'"),
        ({"order_moment": "noon"}, "order_moment: got 'noon'"),
        ({"by": ()}, "by: got no column"),
        ({"abandoned_after": 0}, "abandoned_after: got 0"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes, words):
    with pytest.raises(BadInputError, match=words):
        how(**changes)
