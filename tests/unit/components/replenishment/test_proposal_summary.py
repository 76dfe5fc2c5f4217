"""What a proposal table comes to: sums by hand, and what is not known of blocked lines."""

import datetime
import math

import polars as pl
import pytest
from proposal_tables import (
    CUTOFF,
    FACTS,
    KEYS,
    blocked_row,
    chain,
    chain_summary,
    proposal_row,
    proposals,
)

from demandcast.components.replenishment.proposal_summary import (
    EXCEPTIONS,
    LARGEST_GROUPS,
    summarise_proposals,
    write_summary,
)
from demandcast.schema.errors import ContractError
from demandcast.schema.proposal_summary import AT_RISK, ProposalSummary, RiskCount
from demandcast.schema.proposal_table import BLOCKED, STATUSES


def summed(*rows, **options):
    return summarise_proposals(proposals(*rows), FACTS, series_key=KEYS, **options)


ORDER = proposal_row()
COVERED = proposal_row(
    item="jam",
    rank=2,
    status="covered",
    supplier="south",
    order_quantity=0.0,
    wanted_quantity=0.0,
    order_value=0.0,
    unit_cost=3.0,
    on_hand=50.0,
    excess_units=20.0,
    expected_demand=30.0,
    stockout_probability=0.01,
    stockout_probability_without=0.01,
    expected_lost_sales=0.5,
    expected_lost_sales_without=0.5,
    expected_stockout_cost=1.0,
    cover_periods=28.0,
)
BLOCKED_LINE = blocked_row(rank=3)


def test_totals_are_the_sums_of_the_lines():
    terms = pl.DataFrame(
        {
            "store": ["s1", "s1"],
            "item": ["milk", "jam"],
            "holding_cost": [0.01, 0.02],
            "stockout_cost": [4.0, 2.0],
        }
    )
    totals = summed(ORDER, COVERED, BLOCKED_LINE, terms=terms).totals
    assert totals.model_dump() == {
        "lines": 3,
        "computed": 2,
        "orders": 1,
        "need_approval": 0,
        "suppliers": 1,
        "order_value": 24 * 2.0,
        "stock_value": 10 * 2.0 + 50 * 3.0,
        "unpriced": 1,
        "excess_value": 20 * 3.0,
        "excess_holding_cost": 20 * 0.02,
        "expected_demand": 20.0 + 30.0,
        "expected_lost_sales": 1.0 + 0.5,
        "expected_lost_sales_without": 11.0 + 0.5,
        "fill_rate": pytest.approx(1 - 1.5 / 50),
        "fill_rate_without": pytest.approx(1 - 11.5 / 50),
        "stockout_probability": pytest.approx((0.04 + 0.01) / 2),
        "stockout_probability_without": pytest.approx((0.9 + 0.01) / 2),
        "expected_holding_cost": 3.0 + 3.0,
        "expected_stockout_cost": 4.0 + 1.0,
        "expected_stockout_cost_without": 11 * 4.0 + 0.5 * 2.0,
    }


def test_without_terms_costs_without_orders_are_not_known():
    totals = summed(ORDER, COVERED).totals
    assert totals.expected_stockout_cost_without is None
    assert totals.excess_holding_cost is None


def test_groups_are_weighted_by_expected_demand():
    attributes = pl.DataFrame({"item": ["milk", "jam", "new"], "category": ["a", "a", None]})
    groups = summed(ORDER, COVERED, BLOCKED_LINE, attributes=attributes).groups
    found = {(one.column, one.value): one for one in groups}
    # Within a column the largest expected lost sales come first.
    assert list(found) == [
        ("store", "s1"),
        ("item", "milk"),
        ("item", "jam"),
        ("item", "new"),
        ("category", "a"),
        ("category", None),
    ]
    both = found["category", "a"]
    assert both.stockout_probability == pytest.approx((0.04 * 20 + 0.01 * 30) / 50)
    assert both.fill_rate == pytest.approx(1 - 1.5 / 50)
    assert both.cover_periods == (12 + 28) / 2
    assert (both.lines, both.blocked, both.orders, both.order_value) == (2, 0, 1, 48.0)
    assert (both.stock_value, both.excess_value) == (170.0, 60.0)
    nothing = found["category", None]
    assert (nothing.lines, nothing.blocked, nothing.stock_value) == (1, 1, 0.0)
    assert nothing.stockout_probability is None
    assert nothing.fill_rate is None
    assert nothing.cover_periods is None


def test_columns_with_too_many_values_and_fractions_are_no_groups():
    table, _ = chain(1, LARGEST_GROUPS + 1)
    attributes = pl.DataFrame(
        {
            "item": table["item"],
            "category": [str(row % LARGEST_GROUPS) for row in range(LARGEST_GROUPS + 1)],
            "metres": [row / 2 for row in range(LARGEST_GROUPS + 1)],
            "shelf": [row % 3 for row in range(LARGEST_GROUPS + 1)],
        }
    )
    found = summarise_proposals(table, FACTS, series_key=KEYS, attributes=attributes)
    counts = {}
    for group in found.groups:
        counts[group.column] = counts.get(group.column, 0) + 1
    assert counts == {"store": 1, "category": LARGEST_GROUPS, "shelf": 3}


def test_an_attribute_may_be_called_as_a_column_of_the_table():
    attributes = pl.DataFrame({"store": ["s1"], "supplier": ["x"], "status": ["y"]})
    found = summed(ORDER, attributes=attributes)
    assert [(one.column, one.value) for one in found.groups] == [
        ("store", "s1"),
        ("item", "milk"),
        ("supplier", "x"),
        ("status", "y"),
    ]
    assert found.suppliers[0].name == "north"
    assert found.statuses == {"order": 1}


def test_risk_classes_count_lines_with_and_without_orders():
    critical = proposal_row(
        item="b", risk_class="critical", stockout_probability=0.4, stockout_probability_without=0.4
    )
    just_below = proposal_row(
        item="c", stockout_probability_without=0.15 - 1e-9, stockout_probability=0.0
    )
    assert summed(ORDER, critical, just_below, BLOCKED_LINE).risk_classes == (
        RiskCount(name="low", lines=2, lines_without=0),
        RiskCount(name="medium", lines=0, lines_without=1),
        RiskCount(name="high", lines=0, lines_without=0),
        RiskCount(name="critical", lines=1, lines_without=2),
    )


def test_suppliers_come_by_order_value():
    later = CUTOFF + datetime.timedelta(days=9)
    found = summed(
        ORDER,
        proposal_row(item="b", supplier="south", order_value=100.0, needs_approval=True),
        proposal_row(item="c", due_date=later, order_value=10.0),
        COVERED,
    ).suppliers
    assert [(one.name, one.orders, one.need_approval, one.order_value) for one in found] == [
        ("south", 1, 1, 100.0),
        ("north", 2, 0, 58.0),
    ]
    assert (found[1].first_due, found[1].last_due) == ("2026-03-18", "2026-03-23")


def test_more_suppliers_than_a_table_can_show_are_counted():
    rows = [
        proposal_row(item=f"i{number}", supplier=f"s{number}", order_value=float(number + 1))
        for number in range(LARGEST_GROUPS + 3)
    ]
    found = summed(*rows)
    assert len(found.suppliers) == LARGEST_GROUPS
    assert found.totals.suppliers == LARGEST_GROUPS + 3
    assert found.suppliers[0].order_value == LARGEST_GROUPS + 3


def test_the_riskiest_cost_most_and_equal_costs_go_by_probability():
    rows = [
        proposal_row(item="cheap", expected_stockout_cost=1.0, stockout_probability=0.99),
        proposal_row(item="dear", expected_stockout_cost=9.0, stockout_probability=0.1),
        proposal_row(item="likely", expected_stockout_cost=9.0, stockout_probability=0.2),
        proposal_row(item="never", expected_stockout_cost=0.0, stockout_probability=0.0),
        proposal_row(item="no cost", expected_stockout_cost=math.nan, stockout_probability=0.5),
        BLOCKED_LINE,
    ]
    found = [one.series["item"] for one in summed(*rows).riskiest]
    assert found == ["likely", "dear", "cheap", "no cost"]


def test_no_more_than_ten_lines_are_listed():
    rows = [
        proposal_row(item=f"i{number:02d}", excess_units=number + 1.0, rank=number)
        for number in range(30)
    ]
    found = summed(*rows)
    assert [one.series["item"] for one in found.overstocked] == [f"i{29 - at}" for at in range(10)]
    # All at the same risk: in the order of the table.
    assert [one.series["item"] for one in found.riskiest] == [f"i{at:02d}" for at in range(10)]


def test_the_overstocked_tie_up_most_money():
    many = proposal_row(item="many", excess_units=100.0, unit_cost=0.1)
    dear = proposal_row(item="dear", excess_units=2.0, unit_cost=40.0, cover_periods=28.0)
    first, second = summed(ORDER, many, dear).overstocked
    assert (first.series["item"], first.excess_value, first.covers_beyond) == ("dear", 80.0, 18.0)
    assert (second.series["item"], second.excess_value) == ("many", pytest.approx(10.0))


def test_a_cover_within_the_protection_interval_is_not_beyond_it():
    (line,) = summed(proposal_row(cover_periods=4.0)).riskiest
    assert line.covers_beyond == 0.0
    assert line.due_date == "2026-03-18"


def test_exceptions_come_by_urgency_with_what_is_missing():
    none = {"order_quantity": 0.0, "order_value": 0.0}
    rows = [
        ORDER,
        proposal_row(item="b", status="reduced", wanted_quantity=30.0, order_quantity=24.0),
        proposal_row(item="c", status="held_back", expected_lost_sales=5.0, rank=2, **none),
        proposal_row(item="d", status="held_back", expected_lost_sales=7.0, rank=1, **none),
        proposal_row(item="e", status="not_due", risk_class="high", **none),
        proposal_row(item="f", status="not_due", risk_class="medium", **none),
        proposal_row(item="g", status="infeasible", **none),
        blocked_row("no_forecast", item="h"),
        blocked_row("invalid", item="i"),
    ]
    found = summed(*rows).exceptions
    assert [(one.kind, one.lines, one.missing_value, one.expected_lost_sales) for one in found] == [
        ("invalid", 1, 0.0, 0.0),
        ("infeasible", 1, 20 * 2.0, 1.0),
        ("held_back", 2, 40 * 2.0, 12.0),
        (AT_RISK, 1, 20 * 2.0, 1.0),
        ("no_forecast", 1, 0.0, 0.0),
        ("reduced", 1, 6 * 2.0, 1.0),
    ]
    held_back = found[2]
    assert [line.series["item"] for line in held_back.first] == ["d", "c"]
    assert found[0].first[0].reason == "on_hand: got -4; at least 0"


def test_every_blocked_status_is_an_exception():
    assert set(EXCEPTIONS) - {AT_RISK} <= set(STATUSES)
    assert set(EXCEPTIONS) > BLOCKED


def test_an_order_above_what_is_wanted_misses_nothing():
    row = proposal_row(status="reduced", wanted_quantity=20.0, order_quantity=24.0)
    assert summed(row).exceptions[0].missing_value == 0.0


def test_an_empty_table_is_answered():
    found = summed()
    assert found.totals.lines == 0
    assert found.totals.fill_rate is None
    assert found.totals.stockout_probability is None
    assert found.totals.order_value == 0.0
    assert (found.cutoff, found.order_date) == (None, None)
    assert [one.lines for one in found.risk_classes] == [0, 0, 0, 0]
    assert (found.suppliers, found.groups, found.exceptions) == ((), (), ())
    assert (found.riskiest, found.overstocked) == ((), ())


def test_a_table_of_blocked_lines_is_answered():
    found = summed(*(blocked_row(status, item=status) for status in sorted(BLOCKED)))
    assert (found.totals.lines, found.totals.computed) == (len(BLOCKED), 0)
    assert found.totals.fill_rate is None
    assert len(found.exceptions) == len(BLOCKED)
    assert found.riskiest == ()


def test_a_line_without_demand_has_no_fill_rate():
    row = proposal_row(expected_demand=0.0, expected_lost_sales=0.0)
    found = summed(row)
    assert found.totals.fill_rate is None
    assert found.groups[0].stockout_probability is None


def test_one_date_and_one_cutoff_are_told():
    found = summed(ORDER, proposal_row(item="b", order_date=CUTOFF + datetime.timedelta(days=3)))
    assert (found.cutoff, found.order_date) == ("2026-03-14", "2026-03-15")


def test_it_is_read_as_it_was_written(tmp_path):
    summary = chain_summary(3, 20)
    file = write_summary(summary, tmp_path)
    assert file == tmp_path / "proposal_summary.json"
    assert ProposalSummary.model_validate_json(file.read_bytes()) == summary


def test_sums_of_groups_are_the_totals():
    summary = chain_summary()
    for column in ("store", "item", "category"):
        rows = [one for one in summary.groups if one.column == column]
        assert sum(one.lines for one in rows) == summary.totals.lines
        assert sum(one.orders for one in rows) == summary.totals.orders
        for name in ("order_value", "stock_value", "excess_value", "expected_demand"):
            total = sum(getattr(one, name) for one in rows)
            assert total == pytest.approx(getattr(summary.totals, name))
    assert sum(one.order_value for one in summary.suppliers) == pytest.approx(
        summary.totals.order_value
    )
    assert sum(summary.statuses.values()) == summary.totals.lines


@pytest.mark.parametrize("name", ["attributes", "terms"])
def test_tables_beside_it_must_say_which_series_they_mean(name):
    costs = {"holding_cost": [1.0, 2.0], "stockout_cost": [1.0, 2.0]}
    twice = pl.DataFrame({"item": ["milk", "milk"], **costs})
    with pytest.raises(ContractError, match=rf"{name}: a key is there twice: 2 rows.*'milk'"):
        summed(ORDER, **{name: twice})
    with pytest.raises(ContractError, match=rf"{name}: no column of the series key"):
        summed(ORDER, **{name: pl.DataFrame({"sku": ["a", "b"], **costs})})


def test_a_broken_table_is_refused():
    with pytest.raises(ContractError, match="unknown status"):
        summed(proposal_row(status="lost"))
