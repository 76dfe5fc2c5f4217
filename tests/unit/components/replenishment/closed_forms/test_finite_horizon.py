"""A season that ends: against stockpyl, known demand, the newsvendor, and by trying neighbours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stockpyl_values import close

from demandcast.components.replenishment.closed_forms import (
    HorizonCosts,
    NormalDemand,
    PmfDemand,
    PoissonDemand,
    StockCosts,
    finite_horizon,
    min_max,
    newsvendor,
    wagner_whitin,
)
from demandcast.schema.errors import BadInputError

NAMES = {
    "holding_cost": "holding_cost",
    "stockout_cost": "stockout_cost",
    "order_cost": "fixed_cost",
    "unit_cost": "purchase_cost",
    "discount_factor": "discount_factor",
    "terminal_holding_cost": "terminal_holding_cost",
    "terminal_stockout_cost": "terminal_stockout_cost",
}


def season_of(parameters):
    shape = (1, parameters["num_periods"])
    mean, sd = (np.broadcast_to(parameters[f"demand_{one}"], shape) for one in ("mean", "sd"))
    costs = HorizonCosts(**{ours: parameters[theirs] for ours, theirs in NAMES.items()})
    return NormalDemand(mean, sd), costs, parameters["initial_inventory_level"]


def test_levels_and_costs_are_those_of_stockpyl(stockpyl):
    cases = stockpyl["finite_horizon"]
    assert [case["name"] for case in cases[:2]] == ["problem_4_29", "problem_4_30"]
    assert len(cases) == 6
    for case in cases:
        demand, costs, opening = season_of(case["parameters"])
        plan = finite_horizon(demand, costs=costs, opening_stock=opening)
        close(plan.cost, case["cost"])
        close(plan.order_up_to_levels[0], case["high"])
        # stockpyl counts S itself to what is raised to S where S - 1 is.
        theirs = np.array(case["low"])
        highest = plan.order_up_to_levels[0] - (case["parameters"]["fixed_cost"] > 0)
        close(plan.reorder_points[0], np.minimum(theirs, highest))


def test_given_levels_cost_what_stockpyl_says(stockpyl):
    for case in stockpyl["finite_horizon"]:
        demand, costs, opening = season_of(case["parameters"])
        low, high, cost = case["evaluated"]
        plan = finite_horizon(
            demand,
            costs=costs,
            opening_stock=opening,
            reorder_points=[low],
            order_up_to_levels=[high],
        )
        close(plan.cost, cost)


def test_one_period_is_the_newsvendor():
    demand = PoissonDemand(np.array([[8.0], [0.3], [40.0]]))
    plan = finite_horizon(demand, costs=HorizonCosts(holding_cost=1, stockout_cost=9))
    single = newsvendor(demand, costs=StockCosts(1.0, 9.0))
    np.testing.assert_allclose(plan.order_up_to_levels, single.base_stock_level)
    np.testing.assert_allclose(plan.reorder_points, single.base_stock_level)
    np.testing.assert_allclose(plan.cost, single.cost[:, 0], rtol=1e-9)


def test_a_season_without_prices_is_a_newsvendor_in_each_period():
    # What is left over can be sold for what it cost: the periods do not concern each other.
    demand = PmfDemand(np.array([[[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.6, 0.4, 0.0]]]))
    plan = finite_horizon(demand, costs=HorizonCosts(holding_cost=1, stockout_cost=4))
    each = newsvendor(demand, costs=StockCosts(1.0, 4.0))
    assert plan.order_up_to_levels.tolist() == [[1.0, 2.0, 1.0]]
    np.testing.assert_allclose(each.base_stock_level, plan.order_up_to_levels)
    # Stock of 2 before the last period, if nothing was asked for, is one more than is wanted:
    # 0.1 of it costs what lies above the best of that period.
    wanted = newsvendor(PmfDemand([0.6, 0.4]), costs=StockCosts(1.0, 4.0), base_stock_level=2)
    more = 0.1 * (wanted.cost - each.cost[0, 2])
    np.testing.assert_allclose(plan.cost, each.cost.sum() + more)


def test_known_demand_is_planned_as_by_wagner_and_whitin():
    needed = np.array([[9, 12, 0, 7, 3], [2, 0, 0, 5, 1]])
    demand = PmfDemand(np.eye(13)[needed])
    plan = finite_horizon(
        demand,
        costs=HorizonCosts(
            holding_cost=1, stockout_cost=1e4, order_cost=[[15.0]] * 2, terminal_stockout_cost=1e4
        ),
    )
    known = wagner_whitin(needed, order_cost=15, holding_cost=1)
    np.testing.assert_allclose(plan.cost, known.cost)


def test_a_long_season_begins_as_if_it_never_ended():
    demand = PoissonDemand(np.full((1, 40), 6.0))
    costs = HorizonCosts(holding_cost=1, stockout_cost=4, order_cost=5, terminal_stockout_cost=4)
    plan = finite_horizon(demand, costs=costs)
    forever = min_max(PoissonDemand(6.0), costs=StockCosts(1, 4, order_cost=5))
    assert plan.reorder_points[0, 0] == forever.reorder_point
    assert plan.order_up_to_levels[0, 0] == forever.order_up_to_level
    longer = finite_horizon(PoissonDemand(np.full((1, 41), 6.0)), costs=costs)
    assert longer.cost - plan.cost == pytest.approx(float(forever.cost), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_neighbour_of_the_best_levels_costs_less(seed):
    rng = np.random.default_rng(seed)
    weights = rng.random((2, 3, 4))
    demand = PmfDemand(weights / weights.sum(axis=-1, keepdims=True))
    costs = HorizonCosts(
        holding_cost=rng.uniform(0.2, 2, (2, 3)),
        stockout_cost=rng.uniform(3, 20, (2, 3)),
        order_cost=rng.uniform(0.5, 9, (2, 3)),
        unit_cost=rng.uniform(0, 1, (2, 3)),
        discount_factor=0.95,
        terminal_holding_cost=rng.uniform(0, 1, 2),
        terminal_stockout_cost=rng.uniform(3, 20, 2),
    )
    opening = rng.integers(-3, 4, 2)
    best = finite_horizon(demand, costs=costs, opening_stock=opening)

    def cost(low, high):
        return finite_horizon(
            demand,
            costs=costs,
            opening_stock=opening,
            reorder_points=low,
            order_up_to_levels=high,
        ).cost

    low, high = best.reorder_points, best.order_up_to_levels
    np.testing.assert_allclose(cost(low, high), best.cost, rtol=1e-12)
    for period in range(3):
        step = np.zeros(3)
        step[period] = 1
        for other in ((low - step, high), (low, high + step), (low + step, high + step)):
            assert (cost(*other) >= best.cost * (1 - 1e-12)).all()


def test_nothing_is_ordered_where_it_is_not_worth_its_price():
    plan = finite_horizon(
        PoissonDemand(np.full((1, 2), 1.0)),
        costs=HorizonCosts(holding_cost=1, stockout_cost=1, unit_cost=50),
    )
    assert (plan.order_up_to_levels < 0).all()
    # Demand waits and is never bought: one unit in the first evening, two in the second.
    assert plan.cost == pytest.approx(1 + 2)


def test_no_demand_needs_no_order():
    plan = finite_horizon(
        PoissonDemand(np.zeros((1, 3))),
        costs=HorizonCosts(holding_cost=1, stockout_cost=9, order_cost=4),
        opening_stock=2,
    )
    assert plan.order_up_to_levels.max() <= 0
    assert plan.cost == pytest.approx(2 * 3)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"demand": PoissonDemand(3.0)}, r"shape \[N, T\]"),
        ({"reorder_points": 1}, "evaluated together"),
        ({"reorder_points": 5, "order_up_to_levels": 4}, "must not be above"),
        ({"reorder_points": 0.5, "order_up_to_levels": 4}, "must be a whole number"),
        ({"opening_stock": 0.5}, "opening_stock must be a whole number"),
    ],
)
def test_what_is_refused(more, message):
    usual = {
        "demand": PoissonDemand(np.full((1, 2), 3.0)),
        "costs": HorizonCosts(holding_cost=1, stockout_cost=9),
    }
    arguments = {**usual, **more}
    with pytest.raises(BadInputError, match=message):
        finite_horizon(arguments.pop("demand"), **arguments)


@pytest.mark.parametrize("factor", [0.0, 1.1])
def test_a_discount_that_is_none_is_refused(factor):
    with pytest.raises(BadInputError, match="discount_factor must be above 0 and at most 1"):
        HorizonCosts(holding_cost=1, stockout_cost=1, discount_factor=factor)


def test_costs_below_nothing_are_refused():
    with pytest.raises(BadInputError, match="holding_cost must be at least 0"):
        HorizonCosts(holding_cost=-1, stockout_cost=1)
