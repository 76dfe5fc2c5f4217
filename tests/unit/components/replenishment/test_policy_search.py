"""Levels by simulation: those of the formulas where there are some, and no neighbour is cheaper."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.closed_forms import (
    PmfDemand,
    PoissonDemand,
    ReviewCycle,
    base_stock,
    base_stock_for_fill_rate,
    min_max,
    min_max_for_order_cycle_service_level,
    reorder_point,
)
from demandcast.components.replenishment.closed_forms import StockCosts as FormulaCosts
from demandcast.components.replenishment.policy_evaluation import (
    ServiceMeasure,
    ServiceTarget,
    evaluate_policy,
)
from demandcast.components.replenishment.policy_search import (
    search_base_stock,
    search_min_max,
    search_reorder_point,
)
from demandcast.components.replenishment.stock_policies import (
    BaseStockPolicy,
    OrderUpToPolicy,
    ReorderPointPolicy,
)
from demandcast.components.replenishment.stock_scenario import (
    StockCosts,
    StockScenario,
    StockSupply,
    UnmetDemand,
)
from demandcast.schema.errors import BadInputError

RATES = np.array([6.0, 2.0])


def poisson(periods=400, paths=30, seed=1, rates=RATES):
    size = (periods, len(rates), paths)
    return np.random.default_rng(seed).poisson(rates[:, None], size).astype(float)


def waiting(*, order_cost=0.0, stockout_cost=9.0, **supply):
    return StockScenario(
        supply=StockSupply(**supply),
        costs=StockCosts(holding_cost=1.0, stockout_cost=stockout_cost, order_cost=order_cost),
        unmet_demand=UnmetDemand.BACKORDERED,
        warm_up=40,
    )


def of_the_same_luck(policy, exact, *, scenario):
    """Costs of both on paths that took no part in the search, and the error of their gap."""
    fresh = poisson(paths=60, seed=99)
    ours, theirs = (evaluate_policy(fresh, one, scenario=scenario) for one in (policy, exact))
    return ours.cost, theirs.cost


@pytest.mark.parametrize("lead_time", [0, 2])
@pytest.mark.parametrize("review", [1, 3])
def test_base_stock_is_that_of_the_formula(lead_time, review):
    scenario = waiting(lead_time=lead_time, review=review)
    found = search_base_stock(poisson(), scenario=scenario)
    exact = base_stock(
        PoissonDemand(RATES),
        cycle=ReviewCycle(lead_time, review),
        costs=FormulaCosts(1.0, 9.0),
    )
    assert (np.abs(found.policy.base_stock_level - exact.base_stock_level) <= 1).all()
    low, high = found.outcome.cost.interval(0.999)
    assert ((low < exact.cost) & (exact.cost < high)).all()
    ours, theirs = of_the_same_luck(
        found.policy, BaseStockPolicy(exact.base_stock_level), scenario=scenario
    )
    # On other paths it costs little more than the best there is.
    assert (ours.value <= theirs.value * 1.01 + 2 * theirs.error).all()


@pytest.mark.parametrize("lead_time", [0, 2])
def test_min_max_is_that_of_the_exact_algorithm(lead_time):
    scenario = waiting(lead_time=lead_time, order_cost=20.0)
    found = search_min_max(poisson(paths=15), scenario=scenario)
    exact = min_max(
        PoissonDemand(RATES), costs=FormulaCosts(1.0, 9.0, order_cost=20.0), lead_time=lead_time
    )
    low, high = found.outcome.cost.interval(0.999)
    assert ((low < exact.cost) & (exact.cost < high)).all()
    assert (np.abs(found.policy.reorder_point - exact.reorder_point) <= 2).all()
    assert (np.abs(found.policy.base_stock_level - exact.order_up_to_level) <= 3).all()
    best = OrderUpToPolicy(exact.reorder_point, exact.order_up_to_level)
    ours, theirs = of_the_same_luck(found.policy, best, scenario=scenario)
    assert (ours.value <= theirs.value * 1.01).all()
    # On the paths of the search nothing beats what it found.
    here = evaluate_policy(poisson(paths=15), best, scenario=scenario)
    assert (found.outcome.cost.value <= here.cost.value + 1e-9).all()


def test_reorder_points_are_those_of_the_formulas_where_units_come_one_by_one():
    # At most one unit in a period: the position meets s, so (s, Q) is (s, S) with S = s + Q, for
    # which there is an exact algorithm, and nearly continuous review.
    demand = (np.random.default_rng(4).random((2000, 1, 10)) < 0.12).astype(float)
    scenario = waiting(lead_time=24, order_cost=4.0, stockout_cost=3.0)
    found = search_reorder_point(demand, scenario=scenario)
    costs = FormulaCosts(1.0, 3.0, order_cost=4.0)
    exact = min_max(PmfDemand([0.88, 0.12]), costs=costs, lead_time=24)
    low, high = found.outcome.cost.interval(0.999)
    assert low[0] < exact.cost < high[0]
    flowing = reorder_point(PoissonDemand(0.12 * 25), demand_rate=0.12, costs=costs)
    for formula in (exact.reorder_point, flowing.reorder_point):
        assert abs(found.policy.reorder_point[0] - formula) <= 1
    quantity = exact.order_up_to_level - exact.reorder_point
    for formula in (quantity, flowing.order_quantity):
        assert abs(found.policy.order_quantity[0] - formula) <= 1


def test_a_fill_rate_is_reached_by_the_lowest_level():
    target = ServiceTarget(ServiceMeasure.FILL_RATE, 0.95)
    scenario = waiting(lead_time=1, review=2, stockout_cost=0.0)
    found = search_base_stock(poisson(), scenario=scenario, target=target)
    exact = base_stock_for_fill_rate(PoissonDemand(RATES), cycle=ReviewCycle(1, 2), fill_rate=0.95)
    assert found.reached.all()
    assert (np.abs(found.policy.base_stock_level - exact) <= 1).all()
    assert (found.outcome.fill_rate.value >= 0.95 - 1e-12).all()
    lower = evaluate_policy(
        poisson(), BaseStockPolicy(found.policy.base_stock_level - 1), scenario=scenario
    )
    assert (lower.fill_rate.value < 0.95).all()


def test_min_max_reaches_its_target_as_the_exact_search_does():
    target = ServiceTarget(ServiceMeasure.ORDER_CYCLE_SERVICE_LEVEL, 0.9)
    scenario = waiting(lead_time=1, order_cost=20.0, stockout_cost=0.0)
    found = search_min_max(poisson(paths=15), scenario=scenario, target=target)
    exact = min_max_for_order_cycle_service_level(
        PoissonDemand(RATES),
        order_cycle_service_level=0.9,
        holding_cost=1.0,
        order_cost=20.0,
        lead_time=1,
    )
    assert found.reached.all()
    # Whole units: luck may move a level by one, and the cost with it.
    assert (np.abs(found.outcome.cost.value - exact.cost) < 1.2).all()


def test_a_stockout_cost_may_ask_for_more_than_the_target():
    target = ServiceTarget(ServiceMeasure.CYCLE_SERVICE_LEVEL, [0.3, 0.999])
    scenario = waiting(stockout_cost=9.0)
    both = search_base_stock(poisson(), scenario=scenario, target=target).policy.base_stock_level
    cheapest = search_base_stock(poisson(), scenario=scenario).policy.base_stock_level
    assert both[0] == cheapest[0]
    assert both[1] > cheapest[1]


def test_perishables_carry_less_the_shorter_they_keep():
    lives = np.array([1.0, 2.0, 4.0, np.inf])
    demand = np.repeat(poisson(rates=np.array([6.0])), 4, axis=1)
    costs = StockCosts(holding_cost=0.1, stockout_cost=3.0, waste_cost=2.0)
    scenario = StockScenario(
        supply=StockSupply(lead_time=1, shelf_life=lives), costs=costs, warm_up=40
    )
    found = search_base_stock(demand, scenario=scenario)
    level = found.policy.base_stock_level
    assert (np.diff(level) >= 0).all()
    assert level[0] < level[-1]
    assert (np.diff(found.outcome.cost.value) < 0).all()
    neighbours = [
        evaluate_policy(demand, BaseStockPolicy(level + move), scenario=scenario).cost.value
        for move in (-1.0, 1.0)
    ]
    assert (np.array(neighbours) >= found.outcome.cost.value - 1e-12).all()


def test_goods_of_a_day_are_the_newsvendor():
    # Lead time 0, a shelf life of one period: each day is a lot of its own.
    demand = poisson(paths=40)
    scenario = StockScenario(
        supply=StockSupply(shelf_life=1), costs=StockCosts(stockout_cost=3.0, waste_cost=1.0)
    )
    found = search_base_stock(demand, scenario=scenario).policy.base_stock_level
    samples = np.sort(np.moveaxis(demand, 1, 0).reshape(2, -1), axis=1)
    # The lowest sample that 3 / (3 + 1) of all do not exceed.
    expected = samples[:, int(np.ceil(0.75 * samples.shape[1])) - 1]
    assert found.tolist() == expected.tolist()


def test_a_target_out_of_reach_is_said():
    scenario = StockScenario(supply=StockSupply(storage_capacity=[1.0, 100.0]), warm_up=5)
    target = ServiceTarget(ServiceMeasure.FILL_RATE, 0.9)
    found = search_base_stock(poisson(), scenario=scenario, target=target)
    assert found.reached.tolist() == [False, True]
    assert found.outcome.fill_rate.value[0] < 0.9


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([None, *ServiceMeasure]))
def test_no_neighbour_is_cheaper_on_the_same_paths(seed, lost, measure):
    rng = np.random.default_rng(seed)
    demand = rng.poisson(rng.uniform(0.5, 4), (60, 1, 3)).astype(float)
    scenario = StockScenario(
        supply=StockSupply(lead_time=int(rng.integers(0, 3)), review=int(rng.integers(1, 3))),
        costs=StockCosts(holding_cost=1.0, stockout_cost=5.0, order_cost=rng.uniform(0, 12)),
        unmet_demand=UnmetDemand.LOST if lost else UnmetDemand.BACKORDERED,
        warm_up=10,
    )
    target = None if measure is None else ServiceTarget(measure, 0.8)
    found = search_min_max(demand, scenario=scenario, target=target)
    least = found.outcome.cost.value[0]
    low, high = found.policy.reorder_point[0], found.policy.base_stock_level[0]
    for other in ((low - 1, high), (low + 1, high), (low, high - 1), (low, high + 1)):
        impossible = other[0] >= other[1] or (lost and other[0] < 0) or other[1] < 0
        if impossible or not found.reached[0]:
            continue
        policy = OrderUpToPolicy(np.array([other[0]]), np.array([other[1]]))
        tried = evaluate_policy(demand, policy, scenario=scenario)
        missed = measure is not None and getattr(tried, measure).value[0] < 0.8 - 1e-12
        assert missed or tried.cost.value[0] >= least * (1 - 1e-9)


def test_series_are_searched_as_if_alone():
    scenario = waiting(order_cost=8.0, lead_time=1)
    demand = poisson(periods=120, paths=4)
    together = search_min_max(demand, scenario=scenario).policy
    for series in range(2):
        alone = search_min_max(demand[:, series : series + 1], scenario=scenario).policy
        ours = OrderUpToPolicy(
            together.reorder_point[[series]], together.base_stock_level[[series]]
        )
        part = demand[:, series : series + 1]
        costs = [
            evaluate_policy(part, one, scenario=scenario).cost.value[0] for one in (ours, alone)
        ]
        # The points that are looked at depend on the series alone.
        assert costs[0] == pytest.approx(costs[1])


@pytest.mark.parametrize("search", [search_base_stock, search_min_max, search_reorder_point])
@pytest.mark.parametrize(
    "demand", [np.zeros((4, 1)), np.full((1, 1, 2), 3.0), np.full((6, 1), 1e9)]
)
def test_edge_series(search, demand):
    scenario = StockScenario(costs=StockCosts(holding_cost=1.0, stockout_cost=9.0))
    found = search(demand, scenario=scenario, step=max(1.0, demand.max() / 4))
    assert np.isfinite(found.outcome.cost.value).all()
    if not demand.any():
        assert found.outcome.cost.value.tolist() == [0.0]


def test_levels_are_multiples_of_the_step():
    found = search_reorder_point(
        poisson(periods=100, paths=4), scenario=waiting(order_cost=5.0), step=2.5
    ).policy
    for levels in (found.reorder_point, found.order_quantity):
        assert (levels / 2.5 == np.rint(levels / 2.5)).all()
    assert isinstance(found, ReorderPointPolicy)


def test_missing_demand_is_refused():
    with pytest.raises(BadInputError, match="demand"):
        search_base_stock(np.full((4, 1), np.nan), scenario=StockScenario())
