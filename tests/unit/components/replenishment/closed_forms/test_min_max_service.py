"""The service of (s, S): against a played shelf, base stock, the continuous limit, all levels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from demandcast.components.replenishment.closed_forms import (
    PmfDemand,
    PoissonDemand,
    ReviewCycle,
    base_stock_cycle_service_level,
    base_stock_fill_rate,
    min_max,
    min_max_for_cycle_service_level,
    min_max_for_fill_rate,
    min_max_for_order_cycle_service_level,
    min_max_service,
)
from demandcast.components.replenishment.closed_forms import StockCosts as FormulaCosts
from demandcast.components.replenishment.policy_evaluation import evaluate_policy
from demandcast.components.replenishment.stock_policies import OrderUpToPolicy
from demandcast.components.replenishment.stock_scenario import (
    StockScenario,
    StockSupply,
    UnmetDemand,
)
from demandcast.schema.errors import BadInputError

MEASURES = ("cycle_service_level", "order_cycle_service_level", "fill_rate")
SEARCHES = {
    "cycle_service_level": min_max_for_cycle_service_level,
    "order_cycle_service_level": min_max_for_order_cycle_service_level,
    "fill_rate": min_max_for_fill_rate,
}


@pytest.mark.parametrize("lead_time", [0, 3])
def test_simulated_shelves_agree_within_their_confidence_intervals(lead_time):
    probabilities = np.array([0.5, 0.1, 0.2, 0.1, 0.1])
    low, high = 1 + lead_time, 9 + lead_time
    demand = np.random.default_rng(6).choice(5, (1200, 1, 60), p=probabilities).astype(float)
    scenario = StockScenario(
        supply=StockSupply(lead_time=lead_time),
        unmet_demand=UnmetDemand.BACKORDERED,
        warm_up=200,
    )
    played = evaluate_policy(
        demand, OrderUpToPolicy(np.array([low]), np.array([high])), scenario=scenario
    )
    exact = min_max_service(
        PmfDemand(probabilities), reorder_point=low, order_up_to_level=high, lead_time=lead_time
    )
    for measure in (*MEASURES, "mean_on_hand"):
        bottom, top = getattr(played, measure).interval(0.999)
        assert bottom[0] < getattr(exact, measure) < top[0], measure
        # Intervals so narrow that they tell the measures from each other.
        assert top[0] - bottom[0] < 0.15, measure


def test_orders_and_stock_make_up_the_cost():
    demand, costs = PoissonDemand([3.0, 11.0]), FormulaCosts(2.0, 9.0, order_cost=30.0)
    found = min_max_service(demand, reorder_point=[6, 30], order_up_to_level=[19, 55], lead_time=2)
    plan = min_max(
        demand, costs=costs, lead_time=2, reorder_point=[6, 30], order_up_to_level=[19, 55]
    )
    # Stock less backorders is the mean position less the demand of L + 1 periods; the rest of
    # the cost is 2 of stock and 30 of orders.
    waiting = (plan.cost - 2.0 * found.mean_on_hand - 30.0 * found.orders) / 9.0
    assert (waiting > 0).all()
    # Net stock in the evening is the position less 3 periods of demand: between s and S.
    for position, (low, high) in enumerate([(6, 19), (30, 55)]):
        net = found.mean_on_hand[position] - waiting[position] + 3 * demand.mean[position]
        assert low < net <= high


@pytest.mark.parametrize("demand", [PoissonDemand([0.4, 5.0]), PmfDemand([[0.2, 0.3, 0.5]] * 2)])
@pytest.mark.parametrize("lead_time", [0, 2])
def test_a_gap_of_one_is_base_stock(demand, lead_time):
    cycle, level = ReviewCycle(lead_time), np.array([3.0, 12.0])
    found = min_max_service(
        demand, reorder_point=level - 1, order_up_to_level=level, lead_time=lead_time
    )
    np.testing.assert_allclose(
        found.cycle_service_level, base_stock_cycle_service_level(level, demand=demand, cycle=cycle)
    )
    np.testing.assert_allclose(
        found.fill_rate, base_stock_fill_rate(level, demand=demand, cycle=cycle), atol=1e-12
    )
    # An order in each period with demand.
    np.testing.assert_allclose(found.orders, 1 - demand.cdf(np.zeros(2)))


def test_demand_of_a_single_unit_meets_the_reorder_point():
    # Without overshoot the order cycle service is that of the (s, Q) policy: P(D(L) <= s).
    demand = PmfDemand([0.4, 0.6])
    found = min_max_service(demand, reorder_point=2, order_up_to_level=9, lead_time=4)
    assert found.order_cycle_service_level == pytest.approx(stats.binom.cdf(2, 4, 0.6))
    assert found.orders == pytest.approx(0.6 / 7)
    # Positions 3 ... 9 are as likely as each other.
    expected = np.mean([stats.binom.cdf(y, 5, 0.6) for y in range(3, 10)])
    assert found.cycle_service_level == pytest.approx(expected)


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from(MEASURES),
    st.lists(st.floats(0.02, 1), min_size=2, max_size=5),
    st.floats(0.3, 0.97),
    st.floats(0.5, 40),
    st.integers(0, 2),
)
def test_no_other_levels_reach_the_target_for_less(measure, weights, target, fixed, lead_time):
    demand = PmfDemand(np.array(weights) / np.sum(weights))
    best = SEARCHES[measure](
        demand, **{measure: target}, holding_cost=1.5, order_cost=fixed, lead_time=lead_time
    )
    low, high = int(best.reorder_point), int(best.order_up_to_level)
    own = min_max_service(demand, reorder_point=low, order_up_to_level=high, lead_time=lead_time)
    assert getattr(own, measure) >= target - 1e-12
    assert best.cost == pytest.approx(1.5 * own.mean_on_hand + fixed * own.orders)
    pairs = np.array(
        [(s, t) for s in range(-8, low + 12) for t in range(s + 1, max(high + 25, s + 2))]
    )
    many = PmfDemand(np.tile(demand.probabilities, (len(pairs), 1)))
    tried = min_max_service(
        many, reorder_point=pairs[:, 0], order_up_to_level=pairs[:, 1], lead_time=lead_time
    )
    cost = 1.5 * tried.mean_on_hand + fixed * tried.orders
    assert cost[getattr(tried, measure) >= target].min() >= best.cost - 1e-9


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(MEASURES), st.floats(0.5, 30), st.integers(0, 3))
def test_service_rises_with_the_levels_and_the_cost_with_the_target(measure, mean, lead_time):
    demand, lows = PoissonDemand(mean), np.arange(-3, 60)
    served = getattr(
        min_max_service(
            demand, reorder_point=lows, order_up_to_level=lows + 7, lead_time=lead_time
        ),
        measure,
    )
    assert (np.diff(served) >= -1e-12).all()
    best = SEARCHES[measure](
        demand,
        **{measure: [0.6, 0.8, 0.9, 0.99]},
        holding_cost=1,
        order_cost=15,
        lead_time=lead_time,
    )
    assert (np.diff(best.cost) >= -1e-9).all()


def test_the_measures_ask_for_different_levels():
    # Of fast movers: a stockout of a few units costs a cycle, but little of the fill rate.
    asked = {
        measure: float(
            search(PoissonDemand(20.0), **{measure: 0.95}, holding_cost=1, order_cost=60).cost
        )
        for measure, search in SEARCHES.items()
    }
    assert asked["fill_rate"] < asked["cycle_service_level"] < asked["order_cycle_service_level"]


def test_the_cheapest_for_its_own_service_is_the_cheapest_of_all():
    """Lagrange: levels of least cost reach their fill rate at the least of the other costs."""
    demand, costs = PoissonDemand(6.0), FormulaCosts(1.0, 9.0, order_cost=20.0)
    best = min_max(demand, costs=costs)
    own = min_max_service(
        demand, reorder_point=best.reorder_point, order_up_to_level=best.order_up_to_level
    )
    # With L = 0 what is newly short in a period is what is short in its evening less what was
    # before, so the two prices differ; the search may do better, but by little.
    again = min_max_for_fill_rate(
        demand, fill_rate=own.fill_rate - 1e-12, holding_cost=1, order_cost=20
    )
    spent = own.mean_on_hand + 20 * own.orders
    assert spent * 0.97 <= again.cost <= spent * (1 + 1e-12)


def test_demand_of_a_single_size_is_walked_exactly():
    # 3 units each period, order up to 9 at 0 or less: evenings of 6, 3 and 0 units.
    found = min_max_service(PmfDemand([0, 0, 0, 1.0]), reorder_point=0, order_up_to_level=9)
    assert found.cycle_service_level == 1
    assert found.fill_rate == 1
    assert found.mean_on_hand == pytest.approx((6 + 3 + 0) / 3)
    assert found.orders == pytest.approx(1 / 3)
    # One unit less: the third evening lacks one of nine units.
    found = min_max_service(PmfDemand([0, 0, 0, 1.0]), reorder_point=-1, order_up_to_level=8)
    assert found.cycle_service_level == pytest.approx(2 / 3)
    assert found.order_cycle_service_level == 0
    assert found.fill_rate == pytest.approx(8 / 9)


def test_many_units_and_high_targets_end():
    best = min_max_for_cycle_service_level(
        PoissonDemand([0.01, 200.0]),
        cycle_service_level=[0.9, 0.9999],
        holding_cost=1,
        order_cost=50,
    )
    assert best.order_up_to_level[0] == 0
    found = min_max_service(
        PoissonDemand([0.01, 200.0]),
        reorder_point=best.reorder_point,
        order_up_to_level=best.order_up_to_level,
    )
    assert (found.cycle_service_level >= [0.9, 0.9999]).all()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"fill_rate": 1.0}, "fill_rate must be above 0 and below 1"),
        ({"fill_rate": np.nan}, "fill_rate must be a finite number"),
        ({"holding_cost": 0}, "holding_cost must be above 0"),
        ({"order_cost": 0}, "order_cost must be above 0"),
        ({"lead_time": -1}, "lead_time must be at least 0"),
        ({"lead_time": 0.5}, "lead_time must be a whole number"),
        ({"demand": PoissonDemand(0.0)}, "mean of demand must be above 0"),
    ],
)
def test_what_is_refused(more, message):
    usual = {
        "demand": PoissonDemand(3.0),
        "fill_rate": 0.9,
        "holding_cost": 1,
        "order_cost": 5,
    }
    arguments = {**usual, **more}
    with pytest.raises(BadInputError, match=message):
        min_max_for_fill_rate(arguments.pop("demand"), **arguments)


def test_levels_out_of_order_are_refused():
    with pytest.raises(BadInputError, match="must be below order_up_to_level"):
        min_max_service(PoissonDemand(3.0), reorder_point=4, order_up_to_level=4)
