"""Given levels on sample paths: against formulas, path by path, and how sure they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.closed_forms import (
    PoissonDemand,
    ReviewCycle,
    base_stock_cycle_service_level,
    base_stock_fill_rate,
)
from demandcast.components.replenishment.policy_evaluation import (
    SeriesEstimate,
    ServiceMeasure,
    ServiceTarget,
    demand_paths,
    evaluate_policy,
    mean_over_paths,
    ratio_over_paths,
    side_by_side,
    spread_scenario,
)
from demandcast.components.replenishment.stock_policies import (
    BaseStockPolicy,
    OrderUpToPolicy,
    ReorderPointPolicy,
)
from demandcast.components.replenishment.stock_scenario import (
    OpeningStock,
    StockCosts,
    StockScenario,
    StockSupply,
    UnmetDemand,
)
from demandcast.components.replenishment.stock_simulation import simulate_stock
from demandcast.schema.errors import BadInputError


def poisson(series=2, periods=60, paths=3, rate=3.0, seed=5):
    return np.random.default_rng(seed).poisson(rate, (periods, series, paths)).astype(float)


RICH = StockScenario(
    supply=StockSupply(
        lead_time=np.array([1, 2]),
        review=np.array([1, 3]),
        pack_size=np.array([0.0, 2.0]),
        moq=1.0,
        storage_capacity=np.array([np.inf, 30.0]),
        shelf_life=np.array([np.inf, 6.0]),
    ),
    costs=StockCosts(
        holding_cost=np.array([1.0, 0.5]), stockout_cost=9.0, order_cost=np.array([2.0, 7.0])
    ),
    opening=OpeningStock(on_hand=np.array([4.0, 0.0]), due=np.array([[0.0, 3.0], [1.0, 0.0]])),
    warm_up=10,
)


@pytest.mark.parametrize(
    "policy",
    [
        BaseStockPolicy(np.array([9.0, 14.0])),
        OrderUpToPolicy(np.array([5.0, 9.0]), np.array([9.0, 20.0])),
        ReorderPointPolicy(np.array([5.0, 9.0]), np.array([4.0, 6.0])),
        BaseStockPolicy(np.linspace(5, 15, 120).reshape(60, 2)),
    ],
)
def test_each_path_is_simulated_as_if_alone(policy):
    demand = poisson()
    found = evaluate_policy(demand, policy, scenario=RICH)
    alone = [simulate_stock(demand[..., path], policy, scenario=RICH) for path in range(3)]
    np.testing.assert_allclose(
        found.cost.value, np.mean([one.total_cost / one.periods for one in alone], axis=0)
    )
    np.testing.assert_allclose(
        found.fill_rate.value,
        sum(one.met_at_once for one in alone) / sum(one.demand for one in alone),
    )
    np.testing.assert_allclose(
        found.order_cycle_service_level.value,
        sum(one.order_cycles_without_stockout for one in alone)
        / sum(one.order_cycles for one in alone),
    )


@pytest.mark.parametrize("lead_time", [0, 2])
@pytest.mark.parametrize("review", [1, 4])
def test_formulas_lie_in_the_confidence_intervals(lead_time, review):
    demand, level = poisson(1, 1200, 60), 3.0 * (lead_time + review) + 3
    scenario = StockScenario(
        supply=StockSupply(lead_time=lead_time, review=review),
        unmet_demand=UnmetDemand.BACKORDERED,
        warm_up=48,
    )
    found = evaluate_policy(demand, BaseStockPolicy(np.array([level])), scenario=scenario)
    exact = {"demand": PoissonDemand(3.0), "cycle": ReviewCycle(lead_time, review)}
    for estimate, formula in (
        (found.cycle_service_level, base_stock_cycle_service_level),
        (found.fill_rate, base_stock_fill_rate),
    ):
        low, high = estimate.interval(0.999)
        assert low[0] < float(formula(level, **exact)) < high[0]
        assert high[0] - low[0] < 0.03


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(8)
    above, below = rng.gamma(2.0, 1.0, (4000, 12)), rng.gamma(5.0, 1.0, (4000, 12))
    low, high = ratio_over_paths(above, below).interval(0.9)
    assert np.mean((low < 2 / 5) & (high > 2 / 5)) == pytest.approx(0.9, abs=0.03)


def test_a_mean_is_a_ratio_to_the_count():
    found = mean_over_paths(np.array([[1.0, 2.0, 6.0], [4.0, 4.0, 4.0]]))
    np.testing.assert_allclose(found.value, [3.0, 4.0])
    # Deviations -2, -1, 3: the error is sqrt(14 / (3 x 2)).
    np.testing.assert_allclose(found.error, [np.sqrt(14 / 6), 0.0], atol=1e-12)
    assert found.freedom == 2


def test_one_path_tells_no_error():
    found = evaluate_policy(
        poisson(paths=1)[..., 0], BaseStockPolicy(np.array([6.0])), scenario=StockScenario()
    )
    assert np.isfinite(found.cost.value).all()
    assert np.isnan(found.cost.error).all()
    assert np.isnan(found.cost.interval()[0]).all()


def test_no_demand_has_no_fill_rate_and_no_cost():
    found = evaluate_policy(
        np.zeros((5, 1, 2)), BaseStockPolicy(np.array([0.0])), scenario=StockScenario()
    )
    assert np.isnan(found.fill_rate.value).all()
    assert found.cycle_service_level.value.tolist() == [1.0]
    assert found.cost.value.tolist() == [0.0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_service_rises_with_the_level_where_demand_waits(seed):
    rng = np.random.default_rng(seed)
    demand = rng.poisson(rng.uniform(0.2, 6), (50, 1, 4)).astype(float)
    scenario = StockScenario(
        supply=StockSupply(lead_time=rng.integers(0, 4, (50, 1)), review=int(rng.integers(1, 5))),
        unmet_demand=UnmetDemand.BACKORDERED,
    )
    found = [
        evaluate_policy(demand, BaseStockPolicy(np.array([level])), scenario=scenario)
        for level in (1.0, 4.0, 9.0, 20.0)
    ]
    for measure in ServiceMeasure:
        served = np.array([getattr(one, measure).value[0] for one in found])
        assert (np.diff(served[~np.isnan(served)]) >= -1e-12).all(), measure


def test_scenarios_are_spread_over_paths_and_copies():
    wide = spread_scenario(RICH, series=2, paths=2, copies=2)
    assert wide.supply.lead_time.tolist() == [1, 1, 2, 2] * 2
    assert wide.supply.moq == 1.0
    assert wide.costs.order_cost.tolist() == [2.0, 2.0, 7.0, 7.0] * 2
    assert wide.opening.due.tolist() == [[0, 0, 3, 3] * 2, [1, 1, 0, 0] * 2]
    shared = StockScenario(supply=StockSupply(lead_time=[3, 5], supplier=np.array([1, 0])))
    spread = spread_scenario(shared, series=2, paths=3)
    assert spread.supply.lead_time == [3, 5]
    assert spread.supply.supplier.tolist() == [1, 1, 1, 0, 0, 0]


def test_levels_are_spread_over_paths():
    wide = side_by_side(BaseStockPolicy(np.array([1.0, 2.0])), series=2, paths=2)
    assert wide.base_stock_level.tolist() == [1, 1, 2, 2]
    assert side_by_side(BaseStockPolicy(np.array(7.0)), series=2, paths=2).base_stock_level == 7


@pytest.mark.parametrize("shape", [(5,), (0, 2), (5, 2, 3, 1)])
def test_demand_of_another_shape_is_refused(shape):
    with pytest.raises(BadInputError, match=r"expected \[T, N\] or \[T, N, P\]"):
        demand_paths(np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, -1.0])
def test_demand_that_is_none_is_refused(value):
    with pytest.raises(BadInputError, match="demand: got"):
        evaluate_policy(
            np.full((3, 1, 2), value), BaseStockPolicy(np.array([1.0])), scenario=StockScenario()
        )


@pytest.mark.parametrize("share", [0.0, 1.5, np.nan, [0.9, 2.0]])
def test_targets_that_are_none_are_refused(share):
    with pytest.raises(BadInputError, match=r"fill_rate: got .* expected shares in \(0, 1\]"):
        ServiceTarget(ServiceMeasure.FILL_RATE, share)


def test_an_interval_is_symmetric():
    low, high = SeriesEstimate(np.array([2.0]), np.array([0.5]), 30).interval()
    assert high - 2.0 == pytest.approx(2.0 - low)
