"""What goes from warehouses to stores: by hand, pack by pack, and where all is given."""

import datetime

import numpy as np
import polars as pl
import pytest
import replenishment_world as world
from hypothesis import given, settings
from hypothesis import strategies as st
from transfer_world import of_series, of_warehouse, supply, transfers

from demandcast.components.replenishment import store_transfers
from demandcast.components.replenishment.proposing import prepare
from demandcast.components.replenishment.transfer_values import Shipping, transfer_values
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.errors import ContractError

DAY = datetime.date


def quantities(found, item="007"):
    rows = (
        found.table.filter(pl.col("item") == item).group_by("store").agg(pl.col("quantity").sum())
    )
    return dict(rows.iter_rows())


def test_each_store_gets_what_it_would_lose_where_there_is_enough():
    found = transfers(supply(("w", "007", 50.0)))
    # 2 and 5 a day, 3 days to the next order's arrival.
    assert quantities(found) == {"a": 6, "b": 15}
    own = of_warehouse(found, "w", "007")
    assert (own["on_hand"], own["sent"], own["left_over"], own["series"]) == (50, 21, 50 - 21, 2)
    (row,) = of_series(found, "b", "007")
    assert (row["status"], row["total_quantity"]) == ("sent", 15)
    assert (row["expected_lost_sales_without"], row["expected_lost_sales"]) == (15, 0)
    assert (row["stockout_probability_without"], row["stockout_probability"]) == (1, 0)
    assert row["avoided_cost"] == 15 * 2.0  # A unit short counts its unit cost.
    assert row["cutoff"] == world.CUTOFF
    assert row["ship_date"] == row["arrival_date"] == DAY(2026, 7, 1)


def test_a_limited_supply_goes_where_a_unit_short_costs_most():
    dear = world.terms().with_columns(stockout_cost=pl.lit(3.0))
    changed = pl.concat(
        [
            dear.with_columns(store=pl.lit("a")),
            dear.with_columns(store=pl.lit("b"), stockout_cost=pl.lit(4.0)),
        ]
    )
    found = transfers(supply(("w", "007", 17.0)), world.situation(supply_terms=changed))
    assert quantities(found) == {"a": 17 - 15, "b": 15}
    (row,) = of_series(found, "a", "007")
    assert row["status"] == "reduced"
    assert of_warehouse(found, "w", "007")["next_pack"] == pytest.approx(3.0)


def test_who_has_stock_or_deliveries_gets_less():
    stock = world.inventory({("b", "007"): {"on_hand": 10.0}})
    orders = pl.DataFrame(
        {"store": ["a"], "item": ["007"], "quantity": [4.0], "due": ["2026-07-02"]}
    )
    of = world.situation(inventory=stock, open_orders=orders)
    # 2 of store a are lost on the first day; what comes on the second is for the others.
    assert quantities(transfers(supply(("w", "007", 50.0)), of)) == {"a": 2, "b": 15 - 10}


@pytest.mark.parametrize(
    ("days", "units", "arrival"), [(0, 15, 1), (0.5, 10, 2), (1, 10, 2), (3, 0, 4)]
)
def test_a_transfer_saves_only_what_is_lost_after_it_arrives(days, units, arrival):
    found = transfers(supply(("w", "007", 50.0), transport_days=days))
    assert quantities(found)["b"] == units
    (row,) = of_series(found, "b", "007")
    assert row["arrival_date"] == (DAY(2026, 7, arrival) if units else None)
    assert row["status"] == ("sent" if units else "covered")


@pytest.mark.parametrize(("days", "arrival"), [(0, 1), (1, 1), (2, 2)])
def test_days_count_from_the_day_of_the_order_in_the_evening_too(days, arrival):
    of = world.situation(order_moment="after_close")
    given_ = supply(("w", "007", 50.0), transport_days=days)
    (row,) = of_series(transfers(given_, of, order_moment="after_close"), "b", "007")
    assert (row["ship_date"], row["arrival_date"]) == (DAY(2026, 6, 30), DAY(2026, 7, arrival))


def test_on_a_weekly_grid_what_arrives_within_a_week_serves_the_next():
    quotes = world.suppliers(quoted_lead_time_days=7)
    quotes = quotes.with_columns(quoted_lead_time_days=pl.lit(7))
    of = world.situation(frequency="W-MON", cutoff=DAY(2026, 6, 29), suppliers=quotes)
    for days, units in ((0, 10), (1, 5), (7, 5), (8, 0)):
        found = transfers(supply(("w", "007", 50.0), transport_days=days), of)
        assert quantities(found)["b"] == units


def test_what_bringing_costs_is_weighed():
    short = world.situation(supply_terms=world.terms(stockout_cost=3.0))
    assert quantities(transfers(supply(("w", "007", 50.0), transport_cost=2.9), short))["b"] == 15
    found = transfers(supply(("w", "007", 50.0), transport_cost=3.1), short)
    (row,) = of_series(found, "b", "007")
    assert (row["status"], row["quantity"]) == ("covered", 0)
    assert of_warehouse(found, "w", "007")["left_over"] == 50


def test_whole_packs_are_sent():
    found = transfers(supply(("w", "007", 20.0), pack_size=6.0))
    # 18 fit; of the second pack of b 6 of 6 sell, of its third 3, and of a's first all.
    assert quantities(found) == {"a": 6, "b": 12}
    own = of_warehouse(found, "w", "007")
    assert (own["sent"], own["left_over"]) == (18, 2)


def test_two_warehouses_share_the_stores():
    found = transfers(supply(("near", "007", 6.0), ("far", "007", 9.0), transport_days=[0, 1]))
    rows = of_series(found, "a", "007") + of_series(found, "b", "007")
    assert sum(row["quantity"] for row in rows if row["warehouse"] == "near") == 6
    assert sum(row["quantity"] for row in rows if row["warehouse"] == "far") == 9
    # From far at most what is lost from the second day on, by both.
    assert of_warehouse(found, "far", "007")["left_over"] == 0
    assert {row["total_quantity"] for row in of_series(found, "b", "007")} == {
        sum(row["quantity"] for row in of_series(found, "b", "007"))
    }


def test_the_cheaper_warehouse_is_emptied_first():
    found = transfers(
        supply(("dear", "007", 50.0), ("cheap", "007", 8.0), transport_cost=[0.5, 0.1])
    )
    assert of_warehouse(found, "cheap", "007")["sent"] == 8
    assert of_warehouse(found, "dear", "007")["sent"] == 21 - 8
    costs = found.table["transport_cost"].sum()
    assert costs == pytest.approx(8 * 0.1 + 13 * 0.5)


def test_a_row_may_be_of_one_store():
    given_ = supply(("w", "007", 50.0)).with_columns(store=pl.lit("a"))
    assert quantities(transfers(given_)) == {"a": 6, "b": 0}


def test_room_is_kept():
    of = world.situation(supply_terms=world.terms({"007": {"storage_capacity": 4.0}}))
    found = transfers(supply(("w", "007", 50.0)), of)
    assert quantities(found) == {"a": 4, "b": 4}
    (row,) = of_series(found, "b", "007")
    assert row["status"] == "reduced"


def test_every_series_is_there_whatever_the_supply():
    stock = world.inventory({("b", "008"): {"on_hand": -1.0}})
    found = transfers(supply(("w", "007", 50.0)), world.situation(inventory=stock))
    statuses = {(row["store"], row["item"]): row["status"] for row in found.table.to_dicts()}
    assert set(statuses) == set(world.DEMAND)
    assert statuses[("b", "008")] == "invalid"
    assert statuses[("a", "008")] == "no_supply"
    assert found.table["rank"].to_list() == list(range(1, 7))
    assert found.table["item"][0] == "008"


@pytest.mark.parametrize("units", [0.0, 0.4])
def test_a_warehouse_without_a_unit(units):
    found = transfers(supply(("w", "007", units)))
    assert quantities(found) == {"a": 0, "b": 0}
    expected = "held_back" if units else "no_supply"
    assert of_series(found, "b", "007")[0]["status"] == expected
    assert of_warehouse(found, "w", "007")["next_pack"] == pytest.approx(2.0)


def test_rows_that_cannot_be_used_stop_themselves_alone():
    found = transfers(supply(("w", "007", 50.0), ("v", "007", -1.0), ("w", "999", 3.0)))
    assert quantities(found) == {"a": 6, "b": 15}
    wrong = of_warehouse(found, "v", "007")
    assert wrong["reason"].startswith("supply: on_hand: got '-1.0'")
    assert (wrong["sent"], wrong["series"]) == (None, None)
    assert of_warehouse(found, "w", "999")["left_over"] == 3


def test_an_empty_supply_is_no_error():
    found = transfers(supply())
    assert set(found.table["status"]) == {"no_supply"}
    assert found.warehouses.is_empty()


def test_no_series_that_can_be_computed():
    found = transfers(supply(("w", "007", 5.0)), world.situation(supply_terms=world.terms()[:0]))
    assert set(found.table["status"]) == {"no_terms"}
    assert of_warehouse(found, "w", "007")["left_over"] == 5


def test_a_supply_without_a_column_is_refused():
    with pytest.raises(ContractError, match="supply: no column"):
        transfers(supply(("w", "007", 5.0)).drop("on_hand"))


def test_a_huge_supply_and_huge_demand_are_shared_in_ever_finer_lots():
    demand = {("a", "007"): 20_000.0, ("b", "007"): 30_000.0}
    of = world.situation(world.forecasts(demand))
    total = 3 * (20_000 + 30_000)
    found = transfers(supply(("w", "007", total - 7.0)), of)
    assert of_warehouse(found, "w", "007")["sent"] == total - 7
    assert of_warehouse(found, "w", "007")["left_over"] == 0
    assert sum(quantities(found).values()) == total - 7


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_sharing_in_lots_is_nearly_as_good_as_pack_by_pack(seed):
    rng = np.random.default_rng(seed)
    demand = {(store, "007"): float(rng.uniform(1, 60)) for store in "abcdef"}
    stock = pl.DataFrame(
        {
            "store": list("abcdef"),
            "item": ["007"] * 6,
            "on_hand": rng.integers(0, 60, 6).astype(float),
        }
    )
    terms = world.terms(items=["007"], stockout_cost=2.0)
    of = world.situation(world.forecasts(demand, spread=0.9), inventory=stock, supply_terms=terms)
    units = int(rng.integers(0, 400))
    found = transfers(supply(("w", "007", float(units))), of)
    ready = prepare(of, ReplenishmentConfig(paths=100))
    ship = Shipping(np.ones((1, 6), bool), np.zeros((1, 6), int), np.zeros((1, 6)), np.full(6, 2.0))
    values = transfer_values(
        ready.arrays, ready.sampler, ship, start=np.zeros(6), pack_size=np.ones(6), packs=400
    )[0]
    best = np.sort(values[values > 0])[::-1][:units].sum()
    got = dict(zip(ready.computed["store"], range(6), strict=True))
    quantity = found.table.group_by("store").agg(pl.col("quantity").sum())
    worth = sum(values[got[store], : int(n)].sum() for store, n in quantity.iter_rows())
    assert worth <= best + 1e-6
    assert worth >= 0.99 * best
    assert quantity["quantity"].sum() <= units


def test_finer_lots_change_little(monkeypatch):
    demand = {("a", "007"): 11.0, ("b", "007"): 17.0}
    of = world.situation(world.forecasts(demand, spread=0.9))
    given_ = supply(("w", "007", 60.0), ("v", "007", 9.0), transport_days=[0, 1])
    coarse = transfers(given_, of)
    monkeypatch.setattr(store_transfers, "_LOTS", 10_000)
    fine = transfers(given_, of)
    assert coarse.table["avoided_cost"].sum() == pytest.approx(
        fine.table["avoided_cost"].sum(), rel=0.02
    )
