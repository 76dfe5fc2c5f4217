"""Levels of rules of thumb: by hand, against slow loops, and without a look past the cutoff."""

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from demandcast.components.replenishment.closed_forms import (
    NormalDemand,
    power_approximation,
)
from demandcast.components.replenishment.closed_forms import StockCosts as PowerCosts
from demandcast.components.replenishment.comparison_policies import (
    YEAR,
    DemandMoments,
    KnownSupply,
    eoq_levels,
    foresight_levels,
    last_year_levels,
    min_max_levels,
    rolling_moments,
    textbook_levels,
)
from demandcast.components.replenishment.stock_policies import BaseStockPolicy
from demandcast.components.replenishment.stock_scenario import (
    OpeningStock,
    StockCosts,
    StockScenario,
    StockSupply,
    UnmetDemand,
)
from demandcast.components.replenishment.stock_simulation import simulate_stock, stock_paths
from demandcast.schema.errors import BadInputError

NOTHING = ()


@st.composite
def pasts(draw):
    """History [H, N] and demand [T, N]; the history may be empty."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    series, scale = draw(st.integers(1, 3)), draw(st.sampled_from([1.0, 0.37, 1e9]))
    history = rng.poisson(3.0, (draw(st.integers(0, 9)), series)) * scale
    return history, rng.poisson(3.0, (draw(st.integers(1, 12)), series)) * scale


def levels_of_all_rules(history, demand, window=4, year=5):
    """What each rule says before each period. Shape [rules, T, N]."""
    supply = KnownSupply(lead_time_mean=1.5, lead_time_variance=0.3, review_period=2)
    moments = rolling_moments(history, demand, window=window)
    costs = StockCosts(order_cost=9.0, holding_cost=0.5)
    eoq = eoq_levels(moments, supply, cycle_service_level=0.9, costs=costs)
    return np.stack(
        [
            textbook_levels(moments, supply, cycle_service_level=0.9),
            eoq.reorder_point,
            eoq.order_quantity,
            last_year_levels(history, demand, supply=supply, year=year),
        ]
    )


@given(pasts(), st.data())
@settings(max_examples=150, deadline=None)
def test_no_rule_looks_past_the_cutoff(past, data):
    """Other demand from period k on leaves the levels until k as they are."""
    history, demand = past
    period = data.draw(st.integers(0, len(demand) - 1))
    other = demand.copy()
    other[period:] = np.random.default_rng(1).uniform(0, 1e6, other[period:].shape)
    before = levels_of_all_rules(history, demand)[:, : period + 1]
    assert before.tolist() == levels_of_all_rules(history, other)[:, : period + 1].tolist()


@given(pasts())
@settings(max_examples=100, deadline=None)
def test_moments_are_those_of_a_slow_loop(past):
    history, demand = past
    found = rolling_moments(history, demand, window=4)
    for column in range(demand.shape[1]):
        known = history[:, column].tolist()
        for period in range(len(demand)):
            newest = known[-4:]
            mean = statistics.mean(newest) if newest else 0.0
            deviation = statistics.stdev(newest) if len(newest) > 1 else 0.0
            assert found.mean[period, column] == pytest.approx(mean)
            assert found.deviation[period, column] == pytest.approx(deviation)
            known.append(demand[period, column])


@given(pasts(), st.integers(1, 8), st.integers(0, 4))
@settings(max_examples=100, deadline=None)
def test_last_year_is_that_of_a_slow_loop(past, year, lead_time):
    history, demand = past
    supply = KnownSupply(lead_time_mean=lead_time, review_period=1)
    found = last_year_levels(history, demand, supply=supply, year=year)
    length = lead_time + 1
    for column in range(demand.shape[1]):
        known = history[:, column].tolist()
        for period in range(len(demand)):
            window = known[-length:] if len(known) < year else known[-year:][:length]
            expected = sum(window) / len(window) * length if window else 0.0
            assert found[period, column] == pytest.approx(expected)
            known.append(demand[period, column])


def test_last_year_goes_back_whole_weeks():
    assert YEAR % 7 == 0
    demand = np.arange(float(YEAR + 8))[:, None]
    supply = KnownSupply(lead_time_mean=2, review_period=1)
    found = last_year_levels(NOTHING, demand, supply=supply)
    assert found[YEAR + 7, 0] == 7 + 8 + 9


def test_a_textbook_level_is_mean_and_safety_stock():
    moments = DemandMoments(np.array([[10.0]]), np.array([[3.0]]))
    fixed = KnownSupply(lead_time_mean=3, review_period=1)
    found = textbook_levels(moments, fixed, cycle_service_level=0.95)
    assert found == pytest.approx(10 * 4 + stats.norm.ppf(0.95) * 3 * math.sqrt(4))
    spread = KnownSupply(lead_time_mean=3, lead_time_variance=2.0, review_period=1)
    found = textbook_levels(moments, spread, cycle_service_level=0.95)
    assert found == pytest.approx(40 + stats.norm.ppf(0.95) * math.sqrt(4 * 9 + 100 * 2))


def test_the_textbook_variance_is_that_of_a_random_sum():
    """The oracle: demand of a random number of periods, drawn."""
    rng = np.random.default_rng(1)
    lead = rng.choice([1, 2, 6], size=400_000)
    periods = lead + 1
    demand = rng.normal(10 * periods, 3 * np.sqrt(periods))
    moments = DemandMoments(np.array([[10.0]]), np.array([[3.0]]))
    supply = KnownSupply(lead_time_mean=3.0, lead_time_variance=14 / 3)
    one_sigma = textbook_levels(moments, supply, cycle_service_level=float(stats.norm.cdf(1.0)))
    assert one_sigma - 40 == pytest.approx(demand.std(), rel=0.01)


def test_textbook_levels_grow_with_the_target_and_never_fall_below_0():
    moments = DemandMoments(np.array([[1.0]]), np.array([[9.0]]))
    supply = KnownSupply(lead_time_mean=0)
    found = [
        textbook_levels(moments, supply, cycle_service_level=target).item()
        for target in (0.01, 0.5, 0.9, 0.99)
    ]
    assert found == sorted(found)
    assert found[0] == 0.0
    assert found[1] == 1.0


def test_the_order_quantity_is_the_cheapest():
    """Source: Snyder and Shen (2019), example 3.1; the digits are stockpyl's."""
    moments = DemandMoments(np.array([[1300.0]]), np.array([[0.0]]))
    costs = StockCosts(order_cost=8.0, holding_cost=0.225)
    supply = KnownSupply(lead_time_mean=0, review_period=0)
    lot = eoq_levels(moments, supply, cycle_service_level=0.9, costs=costs).order_quantity.item()
    assert lot == pytest.approx(304.0467800264368, rel=1e-12)

    def cost(quantity):
        return 8.0 * 1300 / quantity + 0.225 * quantity / 2

    assert cost(lot) < min(cost(0.99 * lot), cost(1.01 * lot))


def test_a_lot_lasts_a_review_period_and_is_0_without_demand():
    moments = DemandMoments(np.array([[10.0, 0.0]]), np.zeros((1, 2)))
    costs = StockCosts(order_cost=0.0, holding_cost=1.0)
    supply = KnownSupply(lead_time_mean=2, review_period=7)
    found = eoq_levels(moments, supply, cycle_service_level=0.9, costs=costs)
    assert found.order_quantity.tolist() == [[70.0, 0.0]]
    assert found.reorder_point.tolist() == [[90.0, 0.0]]


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(list(UnmetDemand)),
    st.sampled_from([1, 3, "calendar"]),
    st.sampled_from([1.0, 0.1]),
)
@settings(max_examples=150, deadline=None)
def test_foresight_meets_all_demand_after_the_first_delivery(seed, unmet, review, scale):
    """Lead times may overtake each other; it knows them."""
    rng = np.random.default_rng(seed)
    demand = rng.poisson(2.0, (40, 5)) * scale
    lead = rng.integers(0, 6, demand.shape)
    calendar = rng.random(demand.shape) < 0.4 if review == "calendar" else review
    scenario = StockScenario(
        supply=StockSupply(lead_time=lead, review=calendar), unmet_demand=unmet
    )
    policy = BaseStockPolicy(foresight_levels(demand, scenario))
    result = simulate_stock(demand, policy, scenario=scenario)
    assert result.cycles_without_stockout.tolist() == result.cycles.tolist()
    if unmet is UnmetDemand.BACKORDERED:
        # Nothing is bought that is not needed until the end, and nothing is lost.
        assert result.closing_on_hand == pytest.approx(0.0, abs=1e-9)
        assert result.closing_on_order == pytest.approx(0.0, abs=1e-9)


def test_foresight_keeps_nothing_where_each_period_has_its_order():
    demand = np.random.default_rng(1).poisson(4.0, (30, 2)).astype(float)
    scenario = StockScenario(
        supply=StockSupply(lead_time=2), unmet_demand=UnmetDemand.BACKORDERED, warm_up=3
    )
    levels = foresight_levels(demand, scenario)
    result = simulate_stock(demand, BaseStockPolicy(levels), scenario=scenario)
    assert result.fill_rate == pytest.approx([1.0, 1.0])
    assert result.mean_on_hand.tolist() == [0.0, 0.0]


def test_foresight_does_without_an_order_that_is_overtaken():
    lead = np.array([[3], [1], [1], [1]])
    scenario = StockScenario(supply=StockSupply(lead_time=lead), opening=OpeningStock(on_hand=2.0))
    levels = foresight_levels(np.ones((4, 1)), scenario)
    # That of period 0 would come before 3, that of 1 before 2; that of 3 comes too late.
    assert levels.ravel().tolist() == [-math.inf, 2.0, 2.0, -math.inf]
    paths = stock_paths(np.ones((4, 1)), BaseStockPolicy(levels), scenario=scenario)
    assert paths.lost.sum() == 0


def test_nothing_known_is_a_level_of_0():
    found = levels_of_all_rules(NOTHING, [[5.0]])
    assert found.tolist() == [[[0.0]]] * 4


def test_no_demand_is_a_level_of_0():
    assert levels_of_all_rules(np.zeros((6, 2)), np.zeros((3, 2))).tolist() == [[[0.0] * 2] * 3] * 4


@pytest.mark.parametrize("target", [0.0, 1.0, -0.5, math.nan])
def test_targets_that_are_none_are_refused(target):
    moments = DemandMoments(np.ones((1, 1)), np.ones((1, 1)))
    with pytest.raises(BadInputError, match="cycle_service_level: got"):
        textbook_levels(moments, KnownSupply(lead_time_mean=1), cycle_service_level=target)


def test_a_lot_without_holding_cost_is_refused():
    moments = DemandMoments(np.ones((1, 1)), np.ones((1, 1)))
    with pytest.raises(BadInputError, match=r"holding_cost: got 0\.0; the economic order quantity"):
        eoq_levels(
            moments,
            KnownSupply(lead_time_mean=1),
            cycle_service_level=0.9,
            costs=StockCosts(holding_cost=[0.0]),
        )


@pytest.mark.parametrize(
    ("history", "demand", "message"),
    [
        ([[1.0, 2.0]], [[1.0]], r"history: shape \[1, 2\]; expected \[H, 1\]"),
        ([1.0], [[1.0]], r"history: shape \[1\]"),
        ([[math.nan]], [[1.0]], "got nan"),
        ([[1.0]], [[math.nan]], "got nan"),
    ],
)
def test_a_past_that_is_none_is_refused(history, demand, message):
    with pytest.raises(BadInputError, match=message):
        rolling_moments(history, demand, window=3)


def test_windows_that_are_none_are_refused():
    with pytest.raises(BadInputError, match="window: got 0"):
        rolling_moments(NOTHING, [[1.0]], window=0)
    with pytest.raises(BadInputError, match="year: got 0"):
        last_year_levels(NOTHING, [[1.0]], supply=KnownSupply(lead_time_mean=1), year=0)


def moments_of(mean, deviation):
    return DemandMoments(np.array([[mean]]), np.array([[deviation]]))


def test_min_max_is_the_power_approximation_of_the_closed_forms():
    costs = StockCosts(holding_cost=2.0, order_cost=90.0)
    found = min_max_levels(
        moments_of(12.0, 5.0),
        KnownSupply(lead_time_mean=3),
        cycle_service_level=0.9,
        costs=costs,
    )
    # p / (p + h) = 0.9: p is 9 times h.
    exact = power_approximation(
        NormalDemand(12.0, 5.0), costs=PowerCosts(2.0, 18.0, order_cost=90.0), lead_time=3
    )
    assert found.reorder_point.item() == pytest.approx(float(exact.reorder_point))
    assert found.base_stock_level.item() == pytest.approx(float(exact.order_up_to_level))


def test_a_review_period_is_a_longer_period_of_dearer_stock():
    costs = StockCosts(holding_cost=2.0, order_cost=400.0)
    weekly = min_max_levels(
        moments_of(12.0, 5.0),
        KnownSupply(lead_time_mean=14, review_period=7),
        cycle_service_level=0.95,
        costs=costs,
    )
    as_weeks = min_max_levels(
        moments_of(84.0, 5.0 * np.sqrt(7)),
        KnownSupply(lead_time_mean=2),
        cycle_service_level=0.95,
        costs=StockCosts(holding_cost=14.0, order_cost=400.0),
    )
    assert weekly.reorder_point.item() == pytest.approx(as_weeks.reorder_point.item())
    assert weekly.base_stock_level.item() == pytest.approx(as_weeks.base_stock_level.item())


def test_small_and_free_orders_leave_base_stock():
    supply, moments = KnownSupply(lead_time_mean=3), moments_of(12.0, 5.0)
    cap = textbook_levels(moments, supply, cycle_service_level=0.95).item()
    for order_cost in (0.0, 1.0):
        found = min_max_levels(
            moments,
            supply,
            cycle_service_level=0.95,
            costs=StockCosts(holding_cost=2.0, order_cost=order_cost),
        )
        assert found.base_stock_level.item() <= cap + 1e-9
        assert found.reorder_point.item() <= found.base_stock_level.item()
    free = min_max_levels(
        moments, supply, cycle_service_level=0.95, costs=StockCosts(holding_cost=2.0)
    )
    assert free.reorder_point.item() == free.base_stock_level.item() == pytest.approx(cap)


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 0.0), (5.0, 0.0), (1e-9, 1e-5), (1e9, 1e8)])
def test_min_max_has_levels_for_edge_series(mean, deviation):
    found = min_max_levels(
        moments_of(mean, deviation),
        KnownSupply(lead_time_mean=2, lead_time_variance=1.0),
        cycle_service_level=0.9,
        costs=StockCosts(holding_cost=1.0, order_cost=30.0),
    )
    assert np.isfinite(found.reorder_point).all()
    assert (found.base_stock_level >= found.reorder_point).all()
    assert (found.base_stock_level >= 0).all()
    if mean == 0:
        assert found.base_stock_level.item() == 0


@settings(max_examples=50, deadline=None)
@given(st.floats(0.1, 100), st.floats(0.05, 60), st.floats(0.5, 400), st.integers(0, 9))
def test_min_max_rises_with_the_target(mean, deviation, order_cost, lead_time):
    levels = [
        min_max_levels(
            moments_of(mean, deviation),
            KnownSupply(lead_time_mean=lead_time),
            cycle_service_level=target,
            costs=StockCosts(holding_cost=1.0, order_cost=order_cost),
        )
        for target in (0.7, 0.9, 0.99)
    ]
    for lower, higher in itertools.pairwise(levels):
        assert higher.reorder_point.item() >= lower.reorder_point.item() - 1e-9
        assert higher.base_stock_level.item() >= lower.base_stock_level.item() - 1e-9


def test_min_max_refuses_free_stock():
    with pytest.raises(BadInputError, match="needs one above 0"):
        min_max_levels(
            moments_of(1.0, 1.0),
            KnownSupply(lead_time_mean=0),
            cycle_service_level=0.9,
            costs=StockCosts(order_cost=1.0),
        )
