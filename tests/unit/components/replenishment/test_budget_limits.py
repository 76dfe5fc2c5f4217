"""Orders within budgets: never above, by worth, at the prices of what is left."""

import numpy as np
import polars as pl
import pytest
import replenishment_world as world

from demandcast.components.replenishment.budget_limits import (
    limit_to_budgets,
    share_scarce_units,
)


def limited(lines, ordered, *, prices=None, suppliers=None, budgets=None, budget=None):
    count = len(lines)
    computed = pl.DataFrame(
        {
            "supplier": suppliers or ["north"] * count,
            "supplier_budget": pl.Series(budgets or [None] * count, dtype=pl.Float64),
        }
    )
    return limit_to_budgets(
        computed,
        lines,
        world.sampler_of(),
        ordered=np.asarray(ordered, np.float64),
        price_of=prices or (lambda quantity: lines.unit_cost),
        budget=budget,
    )


@pytest.fixture
def lines():
    return world.line_arrays([5.0, 5.0, 5.0], spread=0.5, unit_cost=2.0)


@pytest.mark.parametrize("budget", [None, 60.0, 1e9])
def test_enough_money_changes_nothing(lines, budget):
    found, price = limited(lines, [10.0, 10.0, 10.0], budget=budget)
    assert found.tolist() == [10, 10, 10]
    assert price == 0


@pytest.mark.parametrize("budget", [0.0, 1.0, 25.0, 59.0])
def test_a_budget_is_spent_and_not_exceeded(lines, budget):
    found, price = limited(lines, [10.0, 10.0, 10.0], budget=budget)
    assert budget - 2 < (found * 2).sum() <= budget
    # A budget below the price of a unit: a little more would buy nothing either.
    assert (price > 0) == (budget >= 2)
    assert (found <= 10).all()


def test_those_go_first_that_avoid_the_least_cost(lines):
    costs = np.array([0.2, 9.0, 1.0])
    found, _ = limited(
        world.line_arrays([5.0] * 3, spread=0.5, stockout_cost=costs, target=0.5),
        [10.0] * 3,
        budget=40.0,
    )
    assert found[1] >= found[2] > found[0]


def test_budgets_of_suppliers_are_their_own(lines):
    found, price = limited(
        lines,
        [10.0, 10.0, 10.0],
        suppliers=["north", "south", "north"],
        budgets=[14.0, None, 14.0],
    )
    assert found[1] == 10
    assert found[0] + found[2] == 7
    assert price == 0  # Of the common budget, of which there is none.


def test_both_kinds_at_once(lines):
    found, _ = limited(
        lines,
        [10.0, 10.0, 10.0],
        suppliers=["north", "south", "north"],
        budgets=[14.0, None, 14.0],
        budget=20.0,
    )
    assert found.sum() * 2 <= 20
    assert (found[0] + found[2]) * 2 <= 14


def test_packs_and_smallest_orders_are_kept():
    lines = world.line_arrays([5.0] * 3, spread=0.5, pack_size=3.0, moq=6.0, unit_cost=1.0)
    for budget in range(0, 28, 2):
        found, _ = limited(lines, [9.0, 9.0, 9.0], budget=float(budget))
        assert found.sum() <= budget
        assert set(found) <= {0, 6, 9}


def test_a_large_order_goes_in_lots_of_several_packs():
    lines = world.line_arrays([300.0], spread=0.5, unit_cost=1.0)
    found, _ = limited(lines, [601.0], budget=500.0)
    assert 500 - 13 <= found[0] <= 500  # 601 packs in 48 lots are lots of 13.


def test_lines_that_order_nothing_do_no_harm():
    lines = world.line_arrays([5.0, 5.0], moq=np.array([500.0, 0.0]), unit_cost=1.0)
    found, _ = limited(lines, [0.0, 10.0], budget=4.0)
    assert found.tolist() == [0, 4]


def test_no_lines():
    found, price = limited(world.line_arrays([]), [], budget=0.0)
    assert found.shape == (0,)
    assert price == 0


def breaks(quantity):
    """1.00 from 9 units on, 2.00 below."""
    return np.where(quantity >= 9, 1.0, 2.0)


@pytest.mark.parametrize("budget", [0.0, 5.0, 9.0, 12.0, 17.0, 20.0, 29.0])
def test_what_is_cut_below_a_price_break_is_counted_at_its_price(lines, budget):
    found, _ = limited(lines, [10.0, 10.0, 10.0], prices=breaks, budget=budget)
    spent = (found * breaks(found)).sum()
    assert spent <= budget
    # Another line whole, or another unit, fits only if it has no better use.
    assert spent > budget - 10


def test_lines_without_any_worth_are_kept_while_there_is_money():
    lines = world.line_arrays([0.0, 5.0], spread=0.5, unit_cost=1.0)
    found, _ = limited(lines, [4.0, 10.0], budget=13.0)
    assert found.tolist() == [3, 10]


def shared(lines, ordered, *, rows, available):
    computed = pl.DataFrame(
        {
            "#terms_row": rows,
            "available_units": pl.Series(available, dtype=pl.Float64),
        }
    )
    sampler = world.sampler_of()
    return share_scarce_units(computed, lines, sampler, ordered=np.asarray(ordered, np.float64))


def test_enough_units_are_not_shared():
    lines = world.line_arrays([5.0] * 3)
    found = shared(lines, [10, 10, 10], rows=[0, 0, 1], available=[20, 20, None])
    assert found.tolist() == [10, 10, 10]


def test_scarce_units_go_where_they_avoid_most():
    costs = np.array([0.2, 9.0, 9.0])
    lines = world.line_arrays([5.0] * 3, spread=0.5, stockout_cost=costs, target=0.5)
    found = shared(lines, [10, 10, 10], rows=[0, 0, 1], available=[12, 12, None])
    assert found[:2].sum() == 12
    assert found[1] > found[0]
    assert found[2] == 10  # Terms of its own.


def test_what_there_is_none_of_is_not_ordered():
    lines = world.line_arrays([5.0, 5.0])
    assert shared(lines, [10, 10], rows=[0, 0], available=[0, 0]).tolist() == [0, 0]


def test_shares_are_whole_packs():
    lines = world.line_arrays([5.0, 5.0], pack_size=4.0)
    found = shared(lines, [12, 12], rows=[0, 0], available=[18, 18])
    assert found.sum() == 16
    assert (found % 4 == 0).all()
