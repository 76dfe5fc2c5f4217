"""The (s, Q) policy: against stockpyl, against sums over positions, and what always holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from stockpyl_values import close, columns, evaluations

from demandcast.components.replenishment.closed_forms import (
    NormalDemand,
    PoissonDemand,
    SampleDemand,
    StockCosts,
    evening_cost,
    reorder_point,
    reorder_point_cycle_service_level,
    reorder_point_fill_rate,
    reorder_point_for_cycle_service_level,
    reorder_point_for_fill_rate,
)
from demandcast.schema.errors import BadInputError

MEANS = st.floats(0.5, 200)
COSTS = st.builds(
    StockCosts,
    holding_cost=st.floats(0.1, 10),
    stockout_cost=st.floats(0.5, 100),
    order_cost=st.floats(0.5, 300),
)
FAMILIES = [lambda mean: NormalDemand(mean, mean / 3), PoissonDemand]


def normal_case(cases):
    # stockpyl's (r, Q) covers lead_time periods, not one more: review is continuous.
    mean, sd, lead_time = columns(cases, "demand_mean", "demand_sd", "lead_time")
    costs = StockCosts(*columns(cases, "holding_cost", "stockout_cost", "fixed_cost"))
    return NormalDemand(mean, sd).over(lead_time), mean, costs


def test_normal_costs_are_those_of_stockpyl(stockpyl):
    cases = stockpyl["rq_normal"]
    demand, rate, costs = normal_case(cases)
    for level, quantity, cost in evaluations(cases):
        plan = reorder_point(
            demand, demand_rate=rate, costs=costs, order_quantity=quantity, reorder_point=level
        )
        close(plan.cost, cost)


def test_normal_reorder_point_for_a_quantity_is_that_of_stockpyl(stockpyl):
    cases = stockpyl["rq_normal"]
    demand, rate, costs = normal_case(cases)
    level, quantity, cost = np.array([case["for_quantity"] for case in cases]).T
    plan = reorder_point(demand, demand_rate=rate, costs=costs, order_quantity=quantity)
    close(plan.cost, cost)
    # stockpyl halves an interval until g(r) and g(r + Q) agree to 1e-9.
    np.testing.assert_allclose(plan.reorder_point, level, rtol=1e-6, atol=1e-6)


def test_no_plan_of_stockpyl_beats_the_best_normal_one(stockpyl):
    cases = stockpyl["rq_normal"]
    demand, rate, costs = normal_case(cases)
    best = reorder_point(demand, demand_rate=rate, costs=costs)
    for _, _, cost in evaluations(cases):
        assert (best.cost <= cost * (1 + 1e-12)).all()
    for position in (best.reorder_point, best.reorder_point + best.order_quantity):
        # Zheng (1992): at the best (s, Q) the cost is that of either end.
        close(evening_cost(position, demand=demand, costs=costs), best.cost)


@pytest.mark.parametrize("number", range(5))
def test_a_search_of_scipy_finds_no_better_normal_plan(stockpyl, number):
    demand, rate, costs = normal_case(stockpyl["rq_normal"][number : number + 1])

    def cost(point):
        return reorder_point(
            demand,
            demand_rate=rate,
            costs=costs,
            reorder_point=point[0],
            order_quantity=np.exp(point[1]),
        ).cost.item()

    best = reorder_point(demand, demand_rate=rate, costs=costs)
    start = [best.reorder_point.item() * 1.1, np.log(best.order_quantity.item() * 1.2)]
    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    found = optimize.minimize(cost, start, method="Nelder-Mead", options=options)
    assert best.cost.item() == pytest.approx(found.fun, rel=1e-9)
    assert best.order_quantity.item() == pytest.approx(np.exp(found.x[1]), rel=1e-3)


def test_poisson_plans_are_those_of_stockpyl(stockpyl):
    cases = stockpyl["rq_poisson"]
    rate, lead_time, level, quantity, cost = columns(
        cases, "demand_mean", "lead_time", "level", "order_quantity", "cost"
    )
    costs = StockCosts(*columns(cases, "holding_cost", "stockout_cost", "fixed_cost"))
    demand = PoissonDemand(rate).over(lead_time)
    best = reorder_point(demand, demand_rate=rate, costs=costs)
    close(best.reorder_point, level)
    close(best.order_quantity, quantity)
    close(best.cost, cost)
    given_quantity = reorder_point(demand, demand_rate=rate, costs=costs, order_quantity=quantity)
    close(given_quantity.reorder_point, level)
    for given_level, given_quantity, given_cost in evaluations(cases):
        plan = reorder_point(
            demand,
            demand_rate=rate,
            costs=costs,
            order_quantity=given_quantity,
            reorder_point=given_level,
        )
        close(plan.cost, given_cost)


def test_poisson_cost_and_fill_rate_are_means_over_positions():
    demand, level, quantity = PoissonDemand(7.3), 6, 5
    positions = np.arange(level + 1, level + quantity + 1)
    costs = StockCosts(2.0, 11.0, order_cost=30.0)
    plan = reorder_point(
        demand, demand_rate=4.0, costs=costs, reorder_point=level, order_quantity=quantity
    )
    units = np.arange(100)
    pmf = stats.poisson.pmf(units, 7.3)
    charged = [
        (2.0 * np.maximum(y - units, 0) + 11.0 * np.maximum(units - y, 0)) @ pmf for y in positions
    ]
    assert plan.cost == pytest.approx(30 * 4 / quantity + np.mean(charged))
    # A customer is met if stock is above 0 as he comes: position above the demand since.
    met = np.mean([pmf[:y].sum() for y in positions])
    rate = reorder_point_fill_rate(level, order_quantity=quantity, lead_time_demand=demand)
    assert rate == pytest.approx(met)


def test_a_played_shelf_confirms_the_measures():
    rng = np.random.default_rng(8)
    level, quantity, lead_time, rate, customers = 5, 6, 1.5, 3.0, 100_000
    times = np.cumsum(rng.exponential(1 / rate, customers))
    # The position starts at s + Q and orders with every Q-th customer.
    orders = times[quantity - 1 :: quantity]
    arrived = np.searchsorted(orders + lead_time, times) * quantity
    net = level + quantity + arrived - np.arange(customers)
    demand = PoissonDemand(rate * lead_time)
    filled = reorder_point_fill_rate(level, order_quantity=quantity, lead_time_demand=demand)
    assert (net > 0).mean() == pytest.approx(float(filled), abs=0.006)
    during = np.searchsorted(times, orders + lead_time) - np.searchsorted(times, orders) - 1
    service = reorder_point_cycle_service_level(level, lead_time_demand=demand)
    assert (during[:-5] <= level).mean() == pytest.approx(float(service), abs=0.012)


def test_targets_are_different_things():
    demand = NormalDemand([100.0], 20.0)
    by_cycles = reorder_point_for_cycle_service_level(demand, cycle_service_level=0.95)
    by_units = reorder_point_for_fill_rate(demand, order_quantity=200.0, fill_rate=0.95)
    np.testing.assert_allclose(by_cycles, [100 + 1.644854 * 20], rtol=1e-6)
    # Lots of 200 hide what is short in one lead time: below the mean is enough for 95 %.
    assert by_units < 100
    filled = reorder_point_fill_rate(by_units, order_quantity=200.0, lead_time_demand=demand)
    np.testing.assert_allclose(filled, [0.95])


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None)
@given(mean=MEANS, quantity=st.integers(1, 300), target=st.floats(0.05, 0.999))
def test_levels_for_targets_are_the_lowest_that_reach_them(family, mean, quantity, target):
    demand = family(mean)
    step = max(demand.step, 1e-4 * mean)
    by_units = reorder_point_for_fill_rate(demand, order_quantity=quantity, fill_rate=target)
    by_cycles = reorder_point_for_cycle_service_level(demand, cycle_service_level=target)
    for level, measure in (
        (
            by_units,
            lambda s: reorder_point_fill_rate(s, order_quantity=quantity, lead_time_demand=demand),
        ),
        (by_cycles, lambda s: reorder_point_cycle_service_level(s, lead_time_demand=demand)),
    ):
        assert measure(level) >= target - 1e-9
        if level >= step:
            assert measure(level - step) < target


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None)
@given(
    mean=MEANS, quantity=st.integers(1, 300), target=st.floats(0.05, 0.99), more=st.floats(0.01, 9)
)
def test_levels_rise_with_target_and_mean_and_fall_with_the_lot(
    family, mean, quantity, target, more
):
    def level(m, lot, rate):
        found = reorder_point_for_fill_rate(family(m), order_quantity=lot, fill_rate=rate)
        return float(found) * (1 + 1e-9)

    usual = level(mean, quantity, target) / (1 + 1e-9)
    assert level(mean, quantity, target + (1 - target) / 2) >= usual
    assert level(mean + more, quantity, target) >= usual
    assert level(mean, quantity, target) >= level(mean, quantity + 5, target) / (1 + 2e-9)


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None)
@given(mean=MEANS, rate=st.floats(0.5, 300), costs=COSTS)
def test_neighbours_of_the_best_plan_cost_no_less(family, mean, rate, costs):
    best = reorder_point(family(mean), demand_rate=rate, costs=costs)
    for level, quantity in ((-1, 0), (1, 0), (0, 1), (0, -1), (-1, 1), (1, -1)):
        if best.order_quantity + quantity > 0:
            near = reorder_point(
                family(mean),
                demand_rate=rate,
                costs=costs,
                reorder_point=best.reorder_point + level,
                order_quantity=best.order_quantity + quantity,
            )
            assert near.cost >= best.cost * (1 - 1e-9)


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None)
@given(mean=MEANS, quantity=st.integers(1, 300), costs=COSTS, level=st.integers(-20, 300))
def test_cost_is_convex_in_the_reorder_point(family, mean, quantity, costs, level):
    low, middle, high = (
        reorder_point(
            family(mean),
            demand_rate=mean,
            costs=costs,
            order_quantity=quantity,
            reorder_point=float(level + by),
        ).cost
        for by in (-3, 0, 3)
    )
    assert middle <= (low + high) / 2 + 1e-9 * high


def test_many_items_at_once_are_as_alone():
    mean, rate = np.array([3.0, 40.0, 0.2]), np.array([1.5, 9.0, 0.1])
    costs = StockCosts([20.0, 1.0, 2.0], [150.0, 9.0, 8.0], [100.0, 50.0, 3.0])
    together = reorder_point(PoissonDemand(mean), demand_rate=rate, costs=costs)
    for n in range(3):
        alone = reorder_point(
            PoissonDemand(mean[n]),
            demand_rate=rate[n],
            costs=StockCosts(costs.holding[n], costs.stockout[n], costs.order[n]),
        )
        assert together.reorder_point[n] == alone.reorder_point
        assert together.order_quantity[n] == alone.order_quantity
        assert together.cost[n] == pytest.approx(float(alone.cost))


def test_steady_demand_is_the_eoq_with_backorders():
    costs = StockCosts(0.225, 5.0, order_cost=8.0)
    best = reorder_point(NormalDemand([100.0], 0.0), demand_rate=1300.0, costs=costs)
    np.testing.assert_allclose(best.order_quantity, [310.81255515896464])
    np.testing.assert_allclose(best.cost, [66.92136355097325])
    np.testing.assert_allclose(best.reorder_point, [100 - 310.81255516 * 0.0430622])


def test_samples_of_lead_time_demand_come_near_to_their_distribution():
    samples = np.random.default_rng(9).normal(100, 20, (1, 100_000))
    costs = StockCosts(0.225, 7.5, order_cost=8.0)
    for quantity in (60.0, 300.0):
        near, exact = (
            reorder_point(demand, demand_rate=1300.0, costs=costs, order_quantity=quantity)
            for demand in (SampleDemand(samples), NormalDemand([100.0], 20.0))
        )
        np.testing.assert_allclose(near.reorder_point, exact.reorder_point, rtol=5e-3)
        np.testing.assert_allclose(near.cost, exact.cost, rtol=5e-3)


def test_no_lead_time_demand():
    assert reorder_point_for_fill_rate(
        PoissonDemand([0.0]), order_quantity=4, fill_rate=0.9
    ).tolist() == [0]
    best = reorder_point(PoissonDemand([0.0]), demand_rate=2.0, costs=StockCosts(1.0, 4.0, 10.0))
    # Whole-unit EOQ with backorders, by trying all.
    tried = {
        (s, q): float(
            reorder_point(
                PoissonDemand([0.0]),
                demand_rate=2.0,
                costs=StockCosts(1.0, 4.0, 10.0),
                reorder_point=s,
                order_quantity=q,
            ).cost[0]
        )
        for s in range(-6, 3)
        for q in range(1, 20)
    }
    assert best.cost[0] == pytest.approx(min(tried.values()))


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"reorder_point": 3}, "evaluated together with an order_quantity"),
        ({"order_quantity": 0}, "order_quantity must be above 0"),
        ({"order_quantity": 2.5}, "order_quantity must be a whole number"),
        ({"order_quantity": 2, "reorder_point": 0.5}, "reorder_point must be a whole number"),
        ({"order_quantity": 2, "reorder_point": np.nan}, "reorder_point must be a finite number"),
        ({"demand_rate": -1}, "demand_rate must be at least 0"),
        ({"demand_rate": 0}, "demand_rate must be above 0 where the order quantity"),
        ({"costs": StockCosts(1, 1)}, "order_cost must be above 0 where the order quantity"),
    ],
)
def test_what_is_refused(levels, message):
    usual = {"demand_rate": 2.0, "costs": StockCosts(1, 9, 5)}
    with pytest.raises(BadInputError, match=message):
        reorder_point(PoissonDemand(3.0), **{**usual, **levels})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda d: reorder_point_for_fill_rate(d, order_quantity=1, fill_rate=1),
            "fill_rate must be above 0 and below 1",
        ),
        (
            lambda d: reorder_point_for_fill_rate(d, order_quantity=0, fill_rate=0.5),
            "order_quantity must be above 0",
        ),
        (
            lambda d: reorder_point_for_cycle_service_level(d, cycle_service_level=np.nan),
            "cycle_service_level must be a finite number",
        ),
        (
            lambda d: reorder_point_fill_rate(np.inf, order_quantity=1, lead_time_demand=d),
            "reorder_point must be a finite number",
        ),
        (
            lambda d: reorder_point_cycle_service_level(np.nan, lead_time_demand=d),
            "reorder_point must be a finite number",
        ),
    ],
)
def test_what_measures_refuse(call, message):
    with pytest.raises(BadInputError, match=message):
        call(PoissonDemand(3.0))
