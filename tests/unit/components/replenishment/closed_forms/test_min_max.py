"""The (s, S) policy: against stockpyl, against a played shelf, and by trying all."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from stockpyl_values import close, columns, evaluations

from demandcast.components.replenishment.closed_forms import (
    NormalDemand,
    PmfDemand,
    PoissonDemand,
    StockCosts,
    capped_power_approximation,
    min_max,
    newsvendor,
    power_approximation,
)
from demandcast.schema.errors import BadInputError


def test_poisson_plans_are_those_of_stockpyl(stockpyl):
    cases = stockpyl["ss_poisson"]
    costs = StockCosts(*columns(cases, "holding_cost", "stockout_cost", "fixed_cost"))
    demand = PoissonDemand(*columns(cases, "demand_mean"))
    low, high, cost = columns(cases, "low", "high", "cost")
    best = min_max(demand, costs=costs)
    close(best.reorder_point, low)
    close(best.order_up_to_level, high)
    close(best.cost, cost)
    for given_low, given_high, given_cost in evaluations(cases):
        plan = min_max(demand, costs=costs, reorder_point=given_low, order_up_to_level=given_high)
        close(plan.cost, given_cost)


def test_power_approximation_is_that_of_stockpyl(stockpyl):
    cases = stockpyl["ss_power"]
    costs = StockCosts(*columns(cases, "holding_cost", "stockout_cost", "fixed_cost"))
    near = power_approximation(
        NormalDemand(*columns(cases, "demand_mean", "demand_sd")), costs=costs
    )
    low, high = np.array([case["levels"] for case in cases]).T
    close(near.reorder_point, low)
    close(near.order_up_to_level, high)
    assert np.isnan(near.cost).all()


def test_probabilities_give_what_poisson_gives():
    pmf = stats.poisson.pmf(np.arange(60), 6)
    costs = StockCosts(1.0, 4.0, order_cost=5.0)
    by_pmf = min_max(PmfDemand(pmf / pmf.sum()), costs=costs, lead_time=2)
    by_name = min_max(PoissonDemand(6.0), costs=costs, lead_time=2)
    assert by_pmf.reorder_point == by_name.reorder_point
    assert by_pmf.order_up_to_level == by_name.order_up_to_level
    assert by_pmf.cost == pytest.approx(float(by_name.cost), rel=1e-9)


@pytest.mark.parametrize("lead_time", [0, 3])
def test_a_played_shelf_confirms_the_cost(lead_time):
    probabilities = np.array([0.5, 0.1, 0.2, 0.1, 0.1])
    low, high, periods = 3 + lead_time, 11 + lead_time, 120_000
    demand = np.random.default_rng(6).choice(5, periods, p=probabilities)
    position, after, orders = high, np.zeros(periods), 0
    for period in range(periods):
        if position <= low:
            position, orders = high, orders + 1
        after[period] = position
        position -= demand[period]
    # What is there L evenings later: the position less the demand of L + 1 periods.
    window = np.convolve(demand, np.ones(lead_time + 1), mode="valid")
    net = after[: window.size] - window
    charged = np.maximum(net, 0).mean() + 6.0 * np.maximum(-net, 0).mean() + 20.0 * orders / periods
    plan = min_max(
        PmfDemand(probabilities),
        costs=StockCosts(1.0, 6.0, order_cost=20.0),
        lead_time=lead_time,
        reorder_point=low,
        order_up_to_level=high,
    )
    assert charged == pytest.approx(float(plan.cost), rel=0.015)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0.01, 1), min_size=2, max_size=5),
    st.floats(0.2, 5),
    st.floats(0.5, 40),
    st.floats(0.1, 60),
)
def test_trying_all_levels_finds_no_better_plan(weights, holding, stockout, fixed):
    demand = PmfDemand(np.array(weights) / np.sum(weights))
    costs = StockCosts(holding, stockout, order_cost=fixed)
    best = min_max(demand, costs=costs)
    low, high = int(best.reorder_point), int(best.order_up_to_level)
    pairs = [(s, t) for s in range(low - 3, low + 4) for t in range(high - 3, high + 4) if s < t]
    tried = min_max(
        PmfDemand(np.tile(demand.probabilities, (len(pairs), 1))),
        costs=costs,
        reorder_point=[s for s, _ in pairs],
        order_up_to_level=[t for _, t in pairs],
    )
    assert tried.cost.min() >= best.cost * (1 - 1e-9)


@given(st.floats(0.5, 20), st.floats(0.5, 40))
@settings(max_examples=25, deadline=None)
def test_a_vanishing_order_cost_leaves_the_newsvendor(mean, stockout):
    costs = StockCosts(1.0, stockout, order_cost=1e-9)
    best = min_max(PoissonDemand(mean), costs=costs)
    level = newsvendor(PoissonDemand(mean), costs=costs)
    assert best.order_up_to_level == level.base_stock_level
    assert best.cost == pytest.approx(float(level.cost), rel=1e-6)


def test_levels_rise_with_the_lead_time_and_the_gap_with_the_order_cost():
    costs = StockCosts(1.0, 9.0, order_cost=np.array([1.0, 10.0, 100.0]))
    plans = [min_max(PoissonDemand(4.0), costs=costs, lead_time=lead) for lead in range(4)]
    for sooner, later in itertools.pairwise(plans):
        assert (later.reorder_point > sooner.reorder_point).all()
        assert (np.diff(later.order_up_to_level - later.reorder_point) > 0).all()


def test_approximations_cost_little_more_than_the_best():
    mean, sd, costs = 190.0, 48.0, StockCosts(2.0, 36.0, order_cost=[60.0, 2500.0])
    units = np.arange(600)
    pmf = stats.norm.pdf(units, mean, sd)
    demand = PmfDemand(np.tile(pmf / pmf.sum(), (2, 1)))
    best = min_max(demand, costs=costs)
    excess = []
    for approximate in (power_approximation, capped_power_approximation):
        near = approximate(NormalDemand([mean, mean], sd), costs=costs)
        plan = min_max(
            demand,
            costs=costs,
            reorder_point=np.rint(near.reorder_point),
            order_up_to_level=np.maximum(
                np.rint(near.order_up_to_level), np.rint(near.reorder_point) + 1
            ),
        )
        assert (plan.cost >= best.cost).all()
        excess.append(plan.cost / best.cost - 1)
    # With orders of several periods' demand both are near; with small ones the cap matters.
    assert excess[0][1] < 0.02
    assert excess[1][1] == excess[0][1]
    assert excess[1][0] < 0.1
    assert excess[1][0] < excess[0][0]


def test_demand_of_a_single_size_is_walked_exactly():
    # 3 units each period, order up to 9 at 0 or less: stock of 6, 3 and 0 in the evenings.
    plan = min_max(
        PmfDemand([0.0, 0.0, 0.0, 1.0]),
        costs=StockCosts(1.0, 50.0, order_cost=12.0),
        reorder_point=0,
        order_up_to_level=9,
    )
    assert plan.cost == pytest.approx((12 + 6 + 3 + 0) / 3)


@pytest.mark.parametrize(
    ("given_values", "message"),
    [
        ({"reorder_point": 1}, "evaluated together"),
        ({"reorder_point": 5, "order_up_to_level": 5}, "must be below order_up_to_level"),
        ({"reorder_point": 0.5, "order_up_to_level": 5}, "reorder_point must be a whole number"),
        ({"costs": StockCosts(1, 1)}, "order_cost must be above 0"),
        ({"lead_time": -1}, "lead_time must be at least 0"),
        ({"lead_time": 0.5}, "lead_time must be a whole number"),
        ({"demand": PoissonDemand(0.0)}, "mean of demand must be above 0"),
    ],
)
def test_what_is_refused(given_values, message):
    usual = {"demand": PoissonDemand(3.0), "costs": StockCosts(1, 9, 5)}
    arguments = {**usual, **given_values}
    with pytest.raises(BadInputError, match=message):
        min_max(arguments.pop("demand"), **arguments)


def test_approximation_refuses_demand_without_spread():
    with pytest.raises(BadInputError, match="standard deviation of demand must be above 0"):
        power_approximation(NormalDemand(5.0, 0.0), costs=StockCosts(1, 9, 5))
