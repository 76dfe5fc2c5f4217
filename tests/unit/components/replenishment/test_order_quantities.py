"""From what is wanted to what is ordered: lots, days without orders, budgets, prices."""

import numpy as np
import polars as pl
import pytest
import replenishment_world as world

from demandcast.components.replenishment.order_lots import PriceBreaks
from demandcast.components.replenishment.order_quantities import decide_quantities
from demandcast.schema.config import ReplenishmentConfig


def decided(lines, *, takes_orders=True, prices=None, available=None, **config):
    computed = pl.DataFrame(
        {
            "takes_orders": [takes_orders] * len(lines),
            "supplier": ["north"] * len(lines),
            "supplier_budget": pl.Series([None] * len(lines), dtype=pl.Float64),
            "available_units": pl.Series([available] * len(lines), dtype=pl.Float64),
            "#terms_row": pl.Series([0] * len(lines), dtype=pl.Int64),
        }
    )
    usual = {"paths": 100, "unmet_demand": "backordered"}
    return decide_quantities(
        computed,
        lines,
        world.sampler_of(),
        price_breaks=prices,
        config=ReplenishmentConfig(**(usual | config)),
    )


def test_wanted_in_lots():
    lines = world.line_arrays([5.0, 5.0], position=np.array([3.0, 50.0]), pack_size=4.0)
    found, price = decided(lines)
    assert found.wanted_quantity.tolist() == [10 - 3, 0]
    assert found.order_quantity.tolist() == [8, 0]
    assert found.budget_cut.tolist() == [0, 0]
    assert price == 0


def test_on_a_day_without_orders_nothing_is_ordered_and_all_is_wanted():
    found, _ = decided(world.line_arrays([5.0]), takes_orders=False)
    assert found.wanted_quantity.tolist() == [10]
    assert found.order_quantity.tolist() == found.budget_cut.tolist() == [0]
    assert found.outlook.stockout_probability.tolist() == [1]


def test_a_budget_cuts_and_has_a_price():
    found, price = decided(world.line_arrays([5.0, 5.0], unit_cost=1.0), budget=13.0)
    assert found.order_quantity.sum() == 13
    assert found.budget_cut.sum() == 20 - 13
    assert price > 0


def test_what_the_supplier_has_is_shared_before_money_is_spent():
    lines = world.line_arrays([5.0, 5.0], unit_cost=1.0)
    found, price = decided(lines, available=13.0, budget=15.0)
    assert found.order_quantity.sum() == 13
    assert found.supply_cut.sum() == 20 - 13
    assert found.budget_cut.tolist() == [0, 0]
    assert price == 0


@pytest.mark.parametrize(("budget", "quantity", "unit_cost"), [(None, 12, 1), (11.0, 5, 2)])
def test_prices_are_of_what_is_ordered(budget, quantity, unit_cost):
    lines = world.line_arrays([5.0])
    prices = PriceBreaks(lines.unit_cost, [[12.0]], [[1.0]], lines.holding_cost, [5.0])
    found, _ = decided(lines, prices=prices, budget=budget)
    assert found.order_quantity.tolist() == [quantity]
    assert found.unit_cost.tolist() == [unit_cost]


def test_what_is_less_than_rounding_is_not_wanted():
    found, _ = decided(world.line_arrays([5.0], position=10 - 1e-12, available=10 - 1e-12))
    assert found.wanted_quantity.tolist() == [0]


def test_room_is_never_below_0():
    # 9 - 5 lie there when the order arrives; in two periods 10 sell.
    lines = world.line_arrays([5.0], available=9.0, position=9.0, capacity=3.0, shelf_life=1)
    found, _ = decided(lines)
    assert found.room.tolist() == [0]
    assert found.sellable.tolist() == [1]
    assert found.order_quantity.tolist() == [0]


def test_what_sells_before_the_order_arrives_makes_room():
    lines = world.line_arrays([5.0], available=9.0, position=9.0, capacity=9.0, review_period=2)
    found, _ = decided(lines)
    assert found.wanted_quantity.tolist() == [5 * 3 - 9]
    assert found.room.tolist() == [9 - (9 - 5)]
    assert found.order_quantity.tolist() == [5]
