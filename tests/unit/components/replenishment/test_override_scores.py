import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from order_folders import KEY, make_book

from demandcast.components.replenishment.decisions import LineState
from demandcast.components.replenishment.override_scores import (
    KINDS,
    NO_REASON_KIND,
    UNSCORED,
    interval_outcome,
    overridden_lines,
    score_overrides,
    score_totals,
)

CUTOFF = 100
"""Period of the cutoff; the protection interval of the lines is 10 periods."""


def override(quantity, user="anna", state="changed", reason="why"):
    return LineState(state, quantity, user, "now", reason, 1, user, reason)


def overridden(**quantities):
    """Lines of the order book, by the number of the item, with a person's quantities."""
    states = {
        ("store_001", f"item_{int(name[1:]):03d}"): found for name, found in quantities.items()
    }
    lines = overridden_lines(make_book(states))
    return lines.with_columns(pl.lit(CUTOFF, pl.Int64).alias("#cutoff"))


def actuals(number, demand, *, first=CUTOFF + 1, censored=False):
    return pl.DataFrame(
        {
            "store": "store_001",
            "item": f"item_{number:03d}",
            "#period": np.arange(first, first + len(demand)),
            "#demand": np.asarray(demand, float),
            "#censored": censored,
        }
    )


def score(lines, known, *, last=CUTOFF + 10, missing="unknown"):
    found = score_overrides(lines, known, series_key=KEY, last_period=last, missing_period=missing)
    return found.rows(named=True)


def test_cost_is_the_newsvendors():
    """Snyder and Shen, example 4.3: h = 0.18, p = 0.70, 56.6 ordered; by hand at two demands."""
    order = np.array([56.6, 56.6])
    short, left, cost = interval_outcome(
        np.zeros(2),
        order,
        np.array([50.0, 60.0]),
        stockout_cost=np.full(2, 0.70),
        leftover_cost=np.full(2, 0.18),
    )
    np.testing.assert_allclose(short, [0.0, 60.0 - 56.6])
    np.testing.assert_allclose(left, [56.6 - 50.0, 0.0])
    np.testing.assert_allclose(cost, [0.18 * 6.6, 0.70 * 3.4])


amounts = st.floats(0, 1e5)


@given(amounts, amounts, amounts)
def test_units_are_short_or_left_over_never_both_and_add_up(position, quantity, demand):
    arrays = [np.array([value]) for value in (position, quantity, demand)]
    one = np.ones(1)
    short, left, cost = interval_outcome(*arrays, stockout_cost=one, leftover_cost=one)
    assert min(short[0], left[0]) == 0
    np.testing.assert_allclose(left - short, position + quantity - demand, atol=1e-6)
    np.testing.assert_allclose(cost, abs(position + quantity - demand), atol=1e-6)


def test_only_lines_whose_quantity_a_person_set_are_overrides():
    states = {
        ("store_001", "item_001"): LineState("approved", 480.0, "anna", "", "", 1),
        ("store_001", "item_002"): override(48.0),
        ("store_001", "item_003"): override(0.0, state="rejected"),
        # Changed there and back: as proposed.
        ("store_001", "item_004"): override(12.0),
        ("store_001", "item_007"): override(24.0),
    }
    found = overridden_lines(make_book(states))["item"].to_list()
    assert found == ["item_002", "item_003", "item_007"]


def test_an_override_that_met_demand_saved_what_was_short():
    """6 in stock; 24 proposed, 48 ordered, 50 demanded: 20 short at 5, or 4 left at 0.1 x 7."""
    (found,) = score(overridden(i2=override(48.0)), actuals(2, [5.0] * 10))
    assert found["demand"] == 50.0
    assert (found["proposed_short"], found["proposed_left_over"]) == (20.0, 0.0)
    assert (found["person_short"], found["person_left_over"]) == (0.0, 4.0)
    assert found["proposed_cost"] == 20 * 5.0
    assert found["person_cost"] == pytest.approx(4 * 0.1 * 7)
    assert found["saved"] == pytest.approx(100 - 2.8)
    assert (found["user"], found["reason"], found["why_unscored"]) == ("anna", "why", None)
    assert found["periods"] == 10


def test_a_reject_of_what_was_needed_lost_money():
    rejected = override(0.0, "ben", "rejected")
    (found,) = score(overridden(i3=rejected), actuals(3, [3.0] * 10))
    assert (found["proposed_quantity"], found["person_quantity"]) == (36.0, 0.0)
    # 6 + 36 against 30: 12 left; 6 against 30: 24 short.
    assert found["saved"] == pytest.approx(12 * 0.7 - 24 * 5)


def test_only_the_protection_interval_counts():
    known = pl.concat([actuals(2, [1000.0], first=CUTOFF), actuals(2, [5.0] * 10 + [1000.0])])
    (found,) = score(overridden(i2=override(48.0)), known, last=CUTOFF + 11)
    assert found["demand"] == 50.0


def test_a_fraction_of_a_period_counts_whole():
    lines = overridden(i2=override(48.0)).with_columns(protection_interval=9.2)
    (found,) = score(lines, actuals(2, [5.0] * 10))
    assert (found["periods"], found["demand"]) == (10, 50.0)


def test_a_period_without_a_row_is_unknown_or_without_demand():
    known = actuals(2, [5.0] * 9)
    (unknown,) = score(overridden(i2=override(48.0)), known)
    assert (unknown["why_unscored"], unknown["saved"]) == ("demand not recorded", None)
    (zero,) = score(overridden(i2=override(48.0)), known, missing="zero")
    assert (zero["why_unscored"], zero["demand"]) == (None, 45.0)
    (never,) = score(overridden(i2=override(48.0)), known.clear(), missing="zero")
    assert never["demand"] == 0.0


def test_a_period_whose_demand_is_not_known_is_not_recorded():
    known = actuals(2, [5.0] * 10).with_columns(
        pl.when(pl.col("#period") > CUTOFF + 1).then("#demand").alias("#demand")
    )
    assert score(overridden(i2=override(48.0)), known)[0]["why_unscored"] == "demand not recorded"


def test_lines_without_a_score_say_why():
    lines = overridden(i2=override(48.0), i3=override(48.0), i7=override(24.0))
    known = actuals(2, [5.0] * 10)
    early = score(lines, known, last=CUTOFF + 9)
    assert [one["why_unscored"] for one in early] == ["too early", "too early", "no position"]
    costless = lines.with_columns(stockout_cost=pl.lit(None, pl.Float64))
    assert score(costless, known)[0]["why_unscored"] == "no costs"
    assert {one["why_unscored"] for one in early} < set(UNSCORED)


def test_demand_that_an_empty_shelf_cut_short_is_marked():
    known = actuals(2, [5.0] * 10, censored=True)
    assert score(overridden(i2=override(48.0)), known)[0]["censored"] is True
    assert score(overridden(i2=override(48.0)), actuals(2, [5.0] * 10))[0]["censored"] is False


def test_nobody_overruled_anything():
    assert score(overridden(), actuals(2, [5.0])) == []


def test_what_a_person_did_is_one_of_four_kinds():
    lines = overridden(
        i1=override(0.0, state="rejected"),
        i2=override(12.0),
        i3=override(48.0),
        i6=override(40.0),
        i7=override(12.0),
    )
    kinds = [found["kind"] for found in score(lines, actuals(2, [5.0] * 10))]
    assert kinds == ["rejected", "lowered", "raised", "added", "added"]
    assert set(kinds) == set(KINDS)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Promotion: festival on Saturday", "promotion"),
        ("new item : sells like item_003", "new item"),
        ("festival on Saturday", NO_REASON_KIND),
        ("festival, from 8:00 on", NO_REASON_KIND),
        (": what", NO_REASON_KIND),
        ("from 8:00 on", NO_REASON_KIND),
        ("x" * 41 + ": y", NO_REASON_KIND),
    ],
)
def test_a_reason_may_begin_with_its_kind(reason, kind):
    (found,) = score(overridden(i2=override(48.0, reason=reason)), actuals(2, [5.0] * 10))
    assert (found["reason_kind"], found["reason"]) == (kind, reason)


def test_totals_by_month_are_in_the_order_of_months():
    scores = pl.DataFrame({"month": ["2026-07", "2026-06", "2026-07"], "saved": [1.0, -1.0, 9.0]})
    totals = score_totals(scores, "month")
    assert totals.select("month", "net").rows() == [("2026-06", -1.0), ("2026-07", 10.0)]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.floats(-1e6, 1e6)), min_size=1))
def test_totals_of_any_groups_come_to_the_same(rows):
    scores = pl.DataFrame(
        rows, {"user": pl.String, "saved": pl.Float64}, orient="row"
    ).with_columns(month=pl.lit("2026-06"))
    by_user, by_month = score_totals(scores, "user"), score_totals(scores, "month")
    for name in ("overrides", "scored", "saved_money", "lost_money", "saved", "lost", "net"):
        np.testing.assert_allclose(by_user[name].sum(), by_month[name].sum(), atol=1e-6)


def test_totals_are_by_user_who_saved_most_first():
    scores = pl.DataFrame(
        {
            "user": ["ben", "ben", "ben", "anna", "zoe"],
            "saved": [10.0, -4.0, 0.0, 7.0, None],
        }
    )
    names = ["user", "overrides", "scored", "saved_money", "lost_money", "saved", "lost", "net"]
    totals = score_totals(scores, "user")
    assert totals.columns == names
    assert totals.rows() == [
        ("anna", 1, 1, 1, 0, 7.0, 0.0, 7.0),
        ("ben", 3, 3, 1, 1, 10.0, 4.0, 6.0),
        ("zoe", 1, 0, 0, 0, 0.0, 0.0, 0.0),
    ]
