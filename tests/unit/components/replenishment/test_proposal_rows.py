"""Rows of the table: statuses, approval, order, and what a blocked line does not say."""

import polars as pl
import pytest
import replenishment_world as world

from demandcast.schema.proposal_table import BLOCKED, proposal_schema


def statuses(table):
    return dict(zip(table["item"], table["status"], strict=True))


@pytest.fixture
def table():
    """Store a: one line of each kind; store b has enough of everything."""
    demand = {("a", f"{at:03}"): 5.0 for at in range(1, 9)} | {("b", "001"): 5.0}
    stock = pl.DataFrame(
        {
            "store": ["a"] * 7 + ["b"],
            "item": ["001", "002", "003", "004", "005", "006", "007", "001"],
            "on_hand": [0.0, -1.0, 0.0, 5.0, 0.0, 0.0, 0.0, 99.0],
            "reserved": [0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0],
            "storage_capacity": [None, None, 20.0, 5.0, None, 10.0, None, None],
        }
    )
    changes = {
        "003": {"moq": 50.0},
        "005": {"order_days": "thu"},
        "007": {"supplier": "nobody"},
    }
    items = [f"{at:03}" for at in range(1, 9)]
    of = world.situation(
        world.forecasts(demand), inventory=stock, supply_terms=world.terms(changes, items=items)
    )
    return world.proposed(of)


def test_a_line_of_each_kind(table):
    assert statuses(table.filter(pl.col("store") == "a")) == {
        "001": "order",
        "002": "invalid",
        "003": "infeasible",
        "004": "infeasible",
        "005": "not_due",
        "006": "reduced",
        "007": "no_lead_time",
        "008": "no_inventory",
    }
    assert statuses(table.filter(pl.col("store") == "b")) == {"001": "covered"}


def test_exceptions_come_first(table):
    assert table["status"].to_list()[:6] == [
        "invalid",
        "infeasible",
        "infeasible",
        "no_lead_time",
        "no_inventory",
        "reduced",
    ]
    assert table["rank"].to_list() == list(range(1, 10))


def test_a_blocked_line_has_no_numbers_that_nobody_gave(table):
    blocked = table.filter(pl.col("status").is_in(sorted(BLOCKED)))
    given = {"rank", "status", "supplier", "unit_cost", "currency", "reason", "cutoff", *world.KEYS}
    given |= {"on_hand", "on_order", "reserved"}
    for name in set(proposal_schema(world.KEYS)) - given:
        assert blocked[name].is_null().all(), name
    assert blocked["reason"].is_not_null().all()
    assert blocked["cutoff"].to_list() == [world.CUTOFF] * 3


def test_a_computed_line_has_all_of_them(table):
    computed = table.filter(~pl.col("status").is_in(sorted(BLOCKED)))
    assert computed.null_count().sum_horizontal().item() == 0


@pytest.mark.parametrize(
    ("approval", "waiting"),
    [
        ({"min_value": None, "min_stockout_probability": None}, set()),
        ({"min_value": 30.0, "min_stockout_probability": None}, {"001"}),
        ({"min_value": 20.0, "min_stockout_probability": None}, {"001", "006"}),
        ({"min_value": None, "min_stockout_probability": 1.0}, {"001", "006"}),
    ],
)
def test_what_waits_for_approval(approval, waiting):
    demand = {("a", "001"): 5.0, ("a", "006"): 5.0, ("b", "001"): 5.0}
    stock = pl.DataFrame(
        {
            "store": ["a", "a", "b"],
            "item": ["001", "006", "001"],
            "on_hand": [0.0, 0.0, 99.0],
            "storage_capacity": [None, 10.0, None],
        }
    )
    terms = world.terms(items=["001", "006"])
    of = world.situation(world.forecasts(demand), inventory=stock, supply_terms=terms)
    found = world.proposed(of, approval=approval)
    assert set(found.filter(pl.col("needs_approval"))["item"]) == waiting


def test_risk_classes_follow_the_configuration():
    risk = {"medium": 0.1, "high": 0.2, "critical": 0.3}
    stock = world.inventory({("a", "007"): {"on_hand": 99.0}})
    found = world.proposed(world.situation(inventory=stock), risk=risk)
    assert world.line(found, "a", "007")["risk_class"] == "low"
    assert world.line(found, "b", "007")["risk_class"] == "critical"
