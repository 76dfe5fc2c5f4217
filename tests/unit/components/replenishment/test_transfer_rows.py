"""Reasons of transfers and of what stays, in words."""

import polars as pl
import pytest
import replenishment_world as world
from transfer_world import of_series, of_warehouse, supply, transfers

from demandcast.schema.proposal_table import BLOCKED
from demandcast.schema.transfer_table import transfer_schema, warehouse_schema

UNTIL = "expected to be short until the next order arrives"


def reason(found, store="b", item="007"):
    return " | ".join(row["reason"] for row in of_series(found, store, item))


@pytest.mark.parametrize(
    ("given", "terms", "words"),
    [
        (
            supply(("w", "007", 50.0)),
            {},
            f"15 units from w, there on 2026-07-01; saves 15 of the 15 units {UNTIL}",
        ),
        (
            supply(("w", "007", 1.0)),
            {"storage_capacity": 99.0},
            f"1 unit from w, there on 2026-07-01; saves 1 of the 15 units {UNTIL}; "
            "more would be worth bringing, and no pack is left",
        ),
        (
            supply(("w", "007", 50.0)),
            {"storage_capacity": 4.0},
            f"4 units from w, there on 2026-07-01; saves 4 of the 15 units {UNTIL}; "
            "there is room for 4 units",
        ),
        (
            supply(("w", "007", 0.5)),
            {},
            f"15 units {UNTIL}; other stores make more of all there is",
        ),
        (supply(("w", "008", 5.0)), {}, f"no warehouse has units of it; 15 units {UNTIL}"),
        (
            supply(("w", "007", 5.0), transport_cost=99.0),
            {},
            f"15 units {UNTIL}; a pack avoids less than it costs to bring and to hold",
        ),
    ],
)
def test_what_a_series_is_told(given, terms, words):
    only_b = world.inventory().filter(pl.col("store") == "b")
    demand = {key: units for key, units in world.DEMAND.items() if key[0] == "b"}
    of = world.situation(
        world.forecasts(demand), inventory=only_b, supply_terms=world.terms({"007": terms})
    )
    assert reason(transfers(given, of)) == words


def test_who_has_enough_is_told_so():
    of = world.situation(inventory=world.inventory(on_hand=99.0))
    found = transfers(supply(("w", "007", 5.0)), of)
    assert reason(found) == "stock and orders on their way suffice"


def test_two_warehouses_are_two_rows_of_the_same_series():
    given = supply(("near", "007", 6.0), ("far", "007", 50.0), transport_cost=[0.0, 0.1])
    found = transfers(given)
    rows = of_series(found, "b", "007")
    assert [row["warehouse"] for row in rows] == sorted(row["warehouse"] for row in rows)
    assert len({row["reason"].split("; ", 1)[1] for row in rows}) == 1
    assert len({row["avoided_cost"] for row in rows}) == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            supply(("w", "007", 0.0)),
            "nothing is there; one more pack would avoid 2.0 beyond its costs",
        ),
        (supply(("w", "009", 0.0), transport_cost=99.0), "nothing is there"),
        (supply(("w", "404", 5.0)), "no series that can be computed takes the item"),
        (
            supply(("w", "007", 20.0)),
            "all of it is sent; one more pack would avoid 2.0 beyond its costs",
        ),
        (supply(("w", "007", 21.0)), "all of it is sent, and no more is worth bringing"),
        (
            supply(("w", "007", 7.0), pack_size=4.0),
            "what is left is less than a pack; one more pack would avoid 8.0 beyond its costs",
        ),
        (
            supply(("w", "007", 99.0)),
            "what is left avoids less than it costs to bring and to hold",
        ),
    ],
)
def test_what_a_warehouse_is_told(given, words):
    (row,) = transfers(given).warehouses.to_dicts()
    assert row["reason"] == words


def test_tables_have_their_columns_and_blocked_lines_no_numbers():
    stock = world.inventory({("b", "007"): {"on_hand": -1.0}})
    found = transfers(supply(("w", "007", 50.0)), world.situation(inventory=stock))
    assert found.table.schema == transfer_schema(world.KEYS)
    assert found.warehouses.schema == warehouse_schema(["item"])
    blocked = found.table.filter(pl.col("status").is_in(sorted(BLOCKED)))
    given = {"cutoff", "rank", "status", "reason", *world.KEYS}
    for name in set(transfer_schema(world.KEYS)) - given:
        assert blocked[name].is_null().all(), name
    computed = found.table.filter(~pl.col("status").is_in(sorted(BLOCKED)))
    of_warehouses = {"warehouse", "ship_date", "arrival_date", "transport_cost"}
    for name in set(transfer_schema(world.KEYS)) - of_warehouses:
        assert computed[name].is_not_null().all(), name


def test_what_is_most_at_risk_comes_first():
    found = transfers(supply(("w", "007", 50.0)))
    assert found.table["rank"].to_list() == list(range(1, found.table.height + 1))
    lost = found.table["expected_lost_sales"].to_list()
    assert lost == sorted(lost, reverse=True)
    assert of_warehouse(found, "w", "007")["sent"] == 21
