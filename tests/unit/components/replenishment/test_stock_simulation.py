"""The simulator against a slow one, against formulas, and against what must be conserved."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from stock_reference import ReferenceWorld, reference_stock

from demandcast.components.replenishment.simulation_result import (
    StockResult,
    cycle_service_level_over_cycles,
    cycle_service_level_over_series,
    estimate_mean,
    fill_rate_over_demand,
    mean_on_hand_over_series,
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
from demandcast.components.replenishment.stock_simulation import (
    StockChunk,
    simulate_chunks,
    simulate_stock,
    stock_paths,
)
from demandcast.schema.errors import BadInputError

SURE = 0.9999
"""Confidence of the intervals: of a hundred checks, one in a hundred runs would fail by chance."""


def level(units):
    return BaseStockPolicy(np.asarray(units, dtype=np.float64))


def run(demand, policy, *, unmet=UnmetDemand.LOST, costs=None, opening=None, warm_up=0, **supply):
    scenario = StockScenario(
        supply=StockSupply(**supply),
        costs=costs or StockCosts(),
        unmet_demand=unmet,
        opening=opening or OpeningStock(),
        warm_up=warm_up,
    )
    return simulate_stock(demand, policy, scenario=scenario)


def test_a_lead_time_of_0_serves_the_very_next_period():
    result = run([[3.0], [3.0]], level([3.0]))
    assert result.sales == 6
    assert result.lost == 0


def test_an_order_with_a_lead_time_of_2_is_passed_by_2_periods_of_demand():
    scenario = StockScenario(supply=StockSupply(lead_time=2))
    paths = stock_paths([[1.0]] * 4, level([3.0]), scenario=scenario)
    assert paths.ordered[:, 0].tolist() == [3, 0, 0, 1]
    assert paths.received[:, 0].tolist() == [0, 0, 3, 0]
    assert paths.lost[:, 0].tolist() == [1, 1, 0, 0]
    assert paths.on_hand[:, 0].tolist() == [0, 0, 2, 1]
    assert paths.on_order[:, 0].tolist() == [3, 3, 0, 1]


def test_orders_may_overtake_each_other():
    lead = np.array([[3], [1], [1], [1]])
    scenario = StockScenario(supply=StockSupply(lead_time=lead))
    policy = level([[1.0], [3.0], [3.0], [3.0]])
    paths = stock_paths(np.zeros((4, 1)), policy, scenario=scenario)
    assert paths.ordered[:, 0].tolist() == [1, 2, 0, 0]
    assert paths.received[:, 0].tolist() == [0, 0, 2, 1]


def test_units_with_a_shelf_life_are_sold_oldest_first_and_wasted_after_their_last_period():
    # 2 units that keep for 2 periods, then 3 more: one of the first is sold, one wasted.
    scenario = StockScenario(supply=StockSupply(shelf_life=2))
    policy = level([[2.0], [5.0], [0.0]])
    paths = stock_paths([[0.0], [1.0], [2.0]], policy, scenario=scenario)
    assert paths.ordered[:, 0].tolist() == [2, 3, 0]
    assert paths.waste[:, 0].tolist() == [0, 1, 1]
    assert paths.on_hand[:, 0].tolist() == [2, 3, 0]


def test_those_who_wait_are_served_first():
    scenario = StockScenario(supply=StockSupply(lead_time=1), unmet_demand=UnmetDemand.BACKORDERED)
    paths = stock_paths([[4.0], [2.0]], level([5.0]), scenario=scenario)
    assert paths.sales[:, 0].tolist() == [0, 5]
    assert paths.met_at_once[:, 0].tolist() == [0, 1]
    assert paths.backorders[:, 0].tolist() == [4, 1]


def test_costs_are_prices_times_what_was_counted():
    costs = StockCosts(
        holding_cost=2.0, stockout_cost=5.0, order_cost=7.0, unit_cost=11.0, waste_cost=13.0
    )
    # Orders 3 before period 0, sells 1 of them, then 2 of which 4 were asked for.
    result = run([[1.0], [4.0]], level([[3.0], [0.0]]), costs=costs)
    assert result.costs.holding == 2.0 * 2
    assert result.costs.stockout == 5.0 * 2
    assert result.costs.ordering == 7.0
    assert result.costs.purchase == 11.0 * 3
    assert result.costs.waste == 0
    assert result.total_cost == 4 + 10 + 7 + 33
    assert result.operating_cost == 4 + 10 + 7
    wasted = run([[1.0]], level([3.0]), costs=costs, shelf_life=1)
    assert wasted.costs.waste == 13.0 * 2
    assert wasted.costs.holding == 0


def test_units_that_wait_cost_in_each_evening():
    costs = StockCosts(stockout_cost=5.0)
    demand = [[2.0], [0.0], [0.0], [0.0]]
    result = run(demand, level([0.0]), costs=costs, unmet=UnmetDemand.BACKORDERED, review=3)
    # The order before period 3 ends the wait.
    assert result.backorders == 2 * 3
    assert result.costs.stockout == 5.0 * 2 * 3


def test_orders_are_raised_to_packs_and_the_smallest_order():
    result = run([[0.0]] * 3, level([[1.0], [13.0], [14.0]]), pack_size=6, moq=7)
    # 1 is raised to 12, 1 more to 12 again; then the position 24 is above 14.
    assert result.ordered == 24
    assert result.orders == 2


def test_the_position_stays_within_the_capacity():
    result = run(
        np.zeros((3, 3)),
        level([50.0]),
        storage_capacity=[20.0, 20.0, 5.0],
        pack_size=[0.0, 6.0, 6.0],
    )
    assert result.closing_on_hand.tolist() == [20.0, 18.0, 0.0]


def test_a_cycle_is_the_periods_between_two_arrival_opportunities():
    # Reviews before 0, 3, 6, 9; lead time 1: cycles are 1-3, 4-6, 7-9; the last is cut.
    demand = np.ones((12, 1))
    demand[6] = 9.0
    demand[11] = 9.0
    result = run(demand, level([4.0]), lead_time=1, review=3)
    assert result.cycles == 3
    assert result.cycles_without_stockout == 2


def test_after_the_last_period_a_review_period_is_known_and_a_calendar_is_not():
    assert run([[1.0]], level([1.0])).cycles == 1
    assert run([[1.0]], level([1.0]), review=np.array([[True]])).cycles == 0
    assert run([[1.0]], level([1.0]), lead_time=np.array([[0]])).cycles == 0


def test_orders_that_overtake_make_one_cycle():
    # Opportunities before 2, 2, 3, 4: cycles 2, 3, and the one from 4 to the end is cut.
    lead = np.array([[2], [1], [1], [1], [1]])
    assert run(np.zeros((5, 1)), level([0.0]), lead_time=lead).cycles == 3


def test_customers_who_wait_make_a_stockout_even_without_demand():
    opening = OpeningStock(backorders=1.0)
    quiet = np.zeros((3, 1))
    waiting = run(quiet, level([0.0]), opening=opening, unmet=UnmetDemand.BACKORDERED, lead_time=1)
    assert waiting.stockout_periods == 1


def test_order_cycles_end_with_deliveries_only():
    demand = np.ones((6, 1))
    policy = ReorderPointPolicy(np.array([0.0]), np.array([2.0]))
    result = run(demand, policy)
    # Deliveries before 0, 2, 4; the last order cycle is cut, the six cycles of a review are not.
    assert result.order_cycles == 2
    assert result.cycles == 6


def rule_of(policy, column):
    """What a policy wants, for the slow simulator."""
    if isinstance(policy, BaseStockPolicy):
        return lambda period, position: policy.base_stock_level[period, column] - position
    if isinstance(policy, OrderUpToPolicy):
        return lambda period, position: (
            policy.base_stock_level[period, column] - position
            if position <= policy.reorder_point[period, column]
            else 0.0
        )

    def lots(period, position):
        wanted = 0.0
        while wanted + position <= policy.reorder_point[period, column]:
            wanted += policy.order_quantity[period, column]
        return wanted

    return lots


@st.composite
def worlds(draw):
    """A random small world: demand [T, N], policy, scenario."""
    periods, series = draw(st.integers(1, 14)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (periods, series)
    upper = rng.integers(0, 20, shape).astype(float)
    policy = {
        "base": BaseStockPolicy(upper),
        "up_to": OrderUpToPolicy(upper - rng.integers(0, 9, shape), upper),
        "lots": ReorderPointPolicy(upper, rng.integers(1, 9, shape).astype(float)),
    }[draw(st.sampled_from(["base", "up_to", "lots"]))]
    lost = draw(st.booleans())
    supply = StockSupply(
        lead_time=draw(
            st.sampled_from([0, 3, rng.integers(0, 4, series), rng.integers(0, 6, shape)])
        ),
        review=draw(st.sampled_from([1, 3, rng.integers(1, 4, series), rng.random(shape) < 0.5])),
        pack_size=draw(st.sampled_from([0.0, 3.0, rng.integers(0, 4, series).astype(float)])),
        moq=draw(st.sampled_from([0.0, 4.0, rng.integers(0, 7, series).astype(float)])),
        storage_capacity=draw(st.sampled_from([np.inf, 15.0, rng.integers(0, 25, series)])),
        shelf_life=draw(
            st.sampled_from([np.inf, 1.0, 3.0, rng.choice([1.0, 2.0, 5.0, np.inf], series)])
        ),
    )
    scenario = StockScenario(
        supply=supply,
        unmet_demand=UnmetDemand.LOST if lost else UnmetDemand.BACKORDERED,
        opening=OpeningStock(
            on_hand=rng.integers(0, 9, series).astype(float),
            due=rng.integers(0, 5, (draw(st.integers(1, 8)), series)).astype(float),
            backorders=0.0,
        ),
        warm_up=draw(st.integers(0, periods - 1)),
    )
    return rng.poisson(rng.choice([0.0, 1.0, 4.0]), shape).astype(float), policy, scenario


def reference_world(demand, scenario, column):
    """The same world as the slow simulator has it."""
    periods, series = demand.shape
    supply, opening = scenario.supply, scenario.opening

    def own(values):
        return float(np.broadcast_to(values, (series,))[column])

    lead = np.asarray(supply.lead_time)
    lead = lead if lead.ndim == 2 else np.broadcast_to(lead, (periods + 1, series))
    review = np.asarray(supply.review)
    if review.dtype != bool:
        review = np.arange(periods + 1)[:, None] % np.broadcast_to(review, (series,)) == 0
    return ReferenceWorld(
        demand=demand[:, column].tolist(),
        lead_time=lead[:, column].tolist(),
        reviewed=review[:, column].tolist(),
        backorder=scenario.unmet_demand is UnmetDemand.BACKORDERED,
        pack_size=own(supply.pack_size),
        moq=own(supply.moq),
        capacity=own(supply.storage_capacity),
        shelf_life=own(supply.shelf_life),
        on_hand=own(opening.on_hand),
        due=opening.due[:, column].tolist(),
        warm_up=scenario.warm_up,
    )


@given(worlds())
@settings(max_examples=400, deadline=None)
def test_all_that_is_counted_is_what_the_slow_simulator_counts(world):
    demand, policy, scenario = world
    result = simulate_stock(demand, policy, scenario=scenario)
    for column in range(demand.shape[1]):
        expected = reference_stock(
            reference_world(demand, scenario, column), rule_of(policy, column)
        )
        found = {name: float(getattr(result, name)[column]) for name in expected}
        assert found == pytest.approx(expected, abs=1e-9)


def test_the_slow_simulator_is_asked_for_all_that_is_counted():
    names = set(reference_stock(ReferenceWorld([1.0], [0], [True]), lambda *_: 0.0))
    assert {one.name for one in dataclasses.fields(StockResult)} - names == {
        "periods",
        "demand",
        "costs",
    }


@given(worlds(), st.floats(0.01, 1e6))
@settings(max_examples=200, deadline=None)
def test_units_are_conserved(world, scale):
    """Fractional and huge units too."""
    demand, policy, scenario = world
    result = simulate_stock(demand * scale, policy, scenario=scenario)
    close = {"rel": 1e-9, "abs": 1e-9 * max(1.0, scale)}
    assert result.opening_on_hand + result.received == pytest.approx(
        result.sales + result.waste + result.closing_on_hand, **close
    )
    assert result.opening_on_order + result.ordered == pytest.approx(
        result.received + result.closing_on_order, **close
    )
    assert result.opening_backorders + result.demand == pytest.approx(
        result.sales + result.lost + result.closing_backorders, **close
    )
    for one in dataclasses.fields(StockResult):
        if one.name not in ("periods", "costs"):
            assert (getattr(result, one.name) >= 0).all(), one.name


@given(st.integers(0, 2**32 - 1), st.sampled_from(list(UnmetDemand)), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_service_and_stock_grow_with_the_level(seed, unmet, lead_time):
    """One series per level on the same demand; lead times fixed, so orders do not overtake."""
    demand = np.random.default_rng(seed).poisson(2.0, (40, 1)) * np.ones((1, 25))
    result = run(demand, level(np.arange(25.0)), unmet=unmet, lead_time=lead_time, review=2)
    # Lost sales with a lead time grow on average only: what is lost today is left tomorrow.
    if unmet is UnmetDemand.BACKORDERED or lead_time == 0:
        assert (np.diff(result.fill_rate) >= -1e-9).all()
        assert (np.diff(result.cycles_without_stockout) >= 0).all()
        assert (np.diff(result.mean_on_hand) >= -1e-9).all()


def test_on_average_the_fill_rate_grows_with_the_level_when_sales_are_lost():
    demand = np.random.default_rng(3).poisson(2.0, (4000, 1)) * np.ones((1, 25))
    result = run(demand, level(np.arange(25.0)), lead_time=3, review=2)
    assert (np.diff(result.fill_rate[:20]) > 0).all()
    assert result.fill_rate[0] == 0
    assert result.fill_rate[20] > 0.99


def agrees(estimate, expected):
    low, high = estimate.interval(SURE)
    assert low <= expected <= high
    # An interval that holds everything would prove nothing.
    assert high - low < 0.05 * max(1.0, abs(expected))


@pytest.mark.parametrize(("lead_time", "review", "stock"), [(0, 1, 4), (3, 1, 12), (2, 5, 18)])
def test_base_stock_with_poisson_demand_serves_as_the_formula_says(lead_time, review, stock):
    """The level covers the demand of L + R periods; stock and waiting by loss functions.

    Source: Zipkin (2000), Foundations of Inventory Management, sections 6.2 and 9.6.
    """
    rate, series, periods = 2.0, 600, 150 * review
    demand = np.random.default_rng(lead_time).poisson(rate, (periods + 60, series))
    result = run(
        demand,
        level([float(stock)]),
        unmet=UnmetDemand.BACKORDERED,
        lead_time=lead_time,
        review=review,
        warm_up=60,
        opening=OpeningStock(on_hand=float(stock)),
    )
    units = np.arange(400)

    def waiting(days):
        """Mean of what is short of the demand of some days: the loss function."""
        return float(np.sum(np.maximum(units - stock, 0) * stats.poisson.pmf(units, rate * days)))

    # The first to the last evening of a cycle: demand of L + 1 to L + R periods has passed.
    evenings = [lead_time + passed for passed in range(1, review + 1)]
    short = np.mean([waiting(days) for days in evenings])
    kept = np.mean([stock - rate * days + waiting(days) for days in evenings])
    agrees(cycle_service_level_over_cycles(result), stats.poisson.cdf(stock, rate * evenings[-1]))
    agrees(estimate_mean(result.mean_backorders), short)
    agrees(mean_on_hand_over_series(result), kept)
    agrees(estimate_mean(result.mean_on_order), rate * lead_time)


def test_base_stock_with_normal_demand_serves_as_the_formula_says():
    """Source: Silver, Pyke and Thomas (2017), Inventory and Production Management, 6.9 and 6.10."""
    mean, sigma, lead_time, review, target = 50.0, 4.0, 4, 1, 0.95
    interval = lead_time + review
    safety = stats.norm.ppf(target) * sigma * math.sqrt(interval)
    demand = np.random.default_rng(5).normal(mean, sigma, (420, 800))
    result = run(
        demand,
        level([mean * interval + safety]),
        unmet=UnmetDemand.BACKORDERED,
        lead_time=lead_time,
        opening=OpeningStock(on_hand=mean * interval + safety),
        warm_up=20,
    )
    z = stats.norm.ppf(target)
    loss = sigma * math.sqrt(interval) * (stats.norm.pdf(z) - z * (1 - target))
    agrees(cycle_service_level_over_cycles(result), target)
    agrees(cycle_service_level_over_series(result), target)
    agrees(estimate_mean(result.mean_backorders), loss)
    agrees(mean_on_hand_over_series(result), safety + loss)


def test_random_lead_times_serve_as_the_mixture_says():
    """With reviews far enough apart, orders do not overtake: L is that of the next order."""
    rate, review, stock = 2.0, 5, 20
    rng = np.random.default_rng(8)
    demand = rng.poisson(rate, (210, 800))
    lead = rng.choice([1, 2, 4], p=[0.5, 0.3, 0.2], size=demand.shape)
    result = run(
        demand,
        level([float(stock)]),
        unmet=UnmetDemand.BACKORDERED,
        lead_time=lead,
        review=review,
        warm_up=10,
    )
    expected = sum(
        share * stats.poisson.cdf(stock, rate * (review + days))
        for days, share in ((1, 0.5), (2, 0.3), (4, 0.2))
    )
    agrees(cycle_service_level_over_cycles(result), expected)


def test_a_shelf_life_of_1_is_the_newsvendor():
    """Expected sales, waste and cost of a period; the best level is at the critical ratio.

    Source: Snyder and Shen (2019), Fundamentals of Supply Chain Theory, section 4.3.
    """
    shape, scale, cost, price = 4.0, 5.0, 0.3, 0.7
    demand = np.random.default_rng(2).gamma(shape, scale, (300, 400))
    best = stats.gamma.ppf(price / (price + cost), shape, scale=scale)
    costs = StockCosts(stockout_cost=price, waste_cost=cost)
    result = run(demand, level([best]), shelf_life=1, costs=costs)
    left, _ = integrate.quad(lambda units: stats.gamma.cdf(units, shape, scale=scale), 0, best)
    sold = best - left
    agrees(cycle_service_level_over_cycles(result), price / (price + cost))
    agrees(estimate_mean(result.waste / result.periods), left)
    agrees(fill_rate_over_demand(result), sold / (shape * scale))
    agrees(
        estimate_mean(result.total_cost / result.periods),
        cost * left + price * (shape * scale - sold),
    )
    for other in (0.8 * best, 1.25 * best):
        dearer = run(demand, level([other]), shelf_life=1, costs=costs)
        assert dearer.total_cost.sum() > result.total_cost.sum()


def test_reorder_points_cost_as_the_markov_chain_says():
    """(s, S) with lost sales and a lead time of 0: the stock in the evening is a Markov chain."""
    rate, reorder_point, upper = 3.0, 4, 14
    costs = StockCosts(holding_cost=1.0, stockout_cost=9.0, order_cost=20.0)
    states = np.arange(upper + 1)
    chance = stats.poisson.pmf(np.arange(200), rate)
    moves, price = np.zeros((upper + 1, upper + 1)), np.zeros(upper + 1)
    for evening in states:
        orders = evening <= reorder_point
        morning = upper if orders else evening
        price[evening] = 20.0 * orders
        for units, share in enumerate(chance):
            left = max(morning - units, 0)
            moves[evening, left] += share
            price[evening] += share * (left + 9.0 * max(units - morning, 0))
    equations = np.vstack([moves.T - np.eye(upper + 1), np.ones(upper + 1)])
    stationary = np.linalg.lstsq(equations, np.r_[np.zeros(upper + 1), 1.0], rcond=None)[0]
    demand = np.random.default_rng(4).poisson(rate, (450, 300))
    policy = OrderUpToPolicy(np.array([float(reorder_point)]), np.array([float(upper)]))
    result = run(demand, policy, costs=costs, warm_up=50)
    agrees(estimate_mean(result.total_cost / result.periods), stationary @ price)


def test_without_demand_there_is_stock_and_service_but_no_fill_rate():
    result = run(np.zeros((5, 2)), level([3.0]))
    assert result.cycle_service_level.tolist() == [1.0, 1.0]
    assert np.isnan(result.fill_rate).all()
    assert math.isnan(fill_rate_over_demand(result).value)
    assert result.mean_on_hand.tolist() == [3.0, 3.0]


def test_without_stock_every_cycle_is_stocked_out():
    result = run(np.ones((5, 2)), level([0.0]))
    assert result.cycle_service_level.tolist() == [0.0, 0.0]
    assert result.fill_rate.tolist() == [0.0, 0.0]
    assert result.lost.tolist() == [5.0, 5.0]
    assert result.orders.tolist() == [0.0, 0.0]


def test_a_single_period_and_series():
    result = run([[2.5]], level([2.0]))
    assert result.sales == 2.0
    assert result.cycles == 1
    assert result.cycles_without_stockout == 0


def test_huge_units_are_counted():
    result = run(np.full((4, 1), 1e15), level([1e15]))
    assert result.sales == 4e15
    assert result.cycle_service_level == 1.0


def test_tenths_do_not_make_stockouts_by_rounding():
    """0.1 three times is not 0.3 in floating-point numbers; a lead time makes them add up."""
    result = run(np.full((300, 1), 0.1), level([0.4]), lead_time=2, review=2, warm_up=4)
    assert result.cycle_service_level == 1.0
    packs = run(np.full((300, 1), 0.1), level([0.3]), pack_size=0.1)
    assert packs.mean_on_hand == pytest.approx(0.2)


def tenths():
    """Demand in tenths, with idle periods; sums of tenths are never quite what they should be."""
    return np.random.default_rng(6).integers(0, 4, (400, 30)) / 10


def test_nothing_is_ordered_for_what_rounding_makes_of_demand():
    demand = tenths()
    demand[-1] = 0.0
    result = run(demand, level([1.7]), lead_time=2, unmet=UnmetDemand.BACKORDERED)
    # The first fills up; each other replaces the demand of the period before, if there was any.
    assert result.orders.tolist() == (1 + (demand > 0).sum(axis=0)).tolist()


def test_nothing_is_left_on_the_shelf_or_on_order_by_rounding():
    demand = tenths()
    levels = np.full((400, 1), 1.7)
    # Low enough that nothing is ordered for those who wait either.
    levels[300:] = -1e6
    scenario = StockScenario(
        supply=StockSupply(lead_time=3, shelf_life=2), unmet_demand=UnmetDemand.BACKORDERED
    )
    paths = stock_paths(demand, level(levels), scenario=scenario)
    assert (paths.on_hand[305:] == 0).all()
    assert (paths.on_order >= 0).all()
    assert paths.on_order[305:] == pytest.approx(0.0, abs=1e-12)
    assert (paths.waste[:300] > 0).any()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_demand_that_is_none_is_refused(wrong):
    demand = np.ones((3, 2))
    demand[1, 1] = wrong
    with pytest.raises(BadInputError, match=r"demand: got .* at \[1, 1\] and 1 such"):
        run(demand, level([1.0]))


def test_a_level_that_is_missing_is_refused():
    levels = np.ones((3, 2))
    levels[1, 0] = np.nan
    with pytest.raises(BadInputError, match="wants orders of nan units before period 1 for 1"):
        run(np.ones((3, 2)), level(levels))
    with pytest.raises(BadInputError, match="2 periods; period 2 of the demand has no level"):
        run(np.ones((3, 2)), level(np.ones((2, 2))))


def test_orders_of_a_policy_without_review_are_not_used():
    levels = np.array([[1.0], [np.nan], [1.0]])
    assert run(np.ones((3, 1)), level(levels), review=2).orders == 2


def test_orders_of_another_shape_are_refused():
    with pytest.raises(BadInputError, match=r"orders of shape \[3\] before period 0"):
        run(np.ones((3, 2)), lambda period, state: np.ones(3))


@pytest.mark.parametrize("price", [-1.0, np.nan, [1.0, 2.0, 3.0]])
def test_a_price_that_is_none_is_refused(price):
    with pytest.raises(BadInputError, match="holding_cost"):
        run(np.ones((3, 2)), level([1.0]), costs=StockCosts(holding_cost=price))


def test_chunks_of_series_add_up():
    rng = np.random.default_rng(1)
    demand, levels = rng.poisson(2.0, (30, 10)).astype(float), rng.integers(2, 9, (30, 10)) * 1.0
    scenario = StockScenario(costs=StockCosts(holding_cost=1.0), warm_up=3)
    whole = simulate_stock(demand, level(levels), scenario=scenario)
    parts = simulate_chunks(
        StockChunk(demand[:, begin : begin + 4], level(levels[:, begin : begin + 4]), scenario)
        for begin in range(0, 10, 4)
    )
    for one in dataclasses.fields(StockResult):
        if one.name not in ("periods", "costs"):
            assert getattr(parts, one.name).tolist() == getattr(whole, one.name).tolist()
    assert parts.costs.holding.tolist() == whole.costs.holding.tolist()
    assert parts.periods == whole.periods == 27


def test_no_chunk_is_refused():
    with pytest.raises(BadInputError, match="results of"):
        simulate_chunks([])


def test_a_policy_may_compute_levels_when_it_is_asked():
    asked = []

    def policy(period, state):
        asked.append(period)
        return np.maximum(4.0 - state.inventory_position, 0.0)

    demand = np.random.default_rng(1).poisson(2.0, (9, 3))
    lazily = run(demand, policy, review=2, lead_time=1)
    assert asked == [0, 2, 4, 6, 8]
    assert lazily.sales.tolist() == run(demand, level([4.0]), review=2, lead_time=1).sales.tolist()
