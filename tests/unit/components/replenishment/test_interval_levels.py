"""Base-stock levels: slow loops, loss functions, costs tried out, and demand with a known law."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special, stats

from demandcast.components.replenishment.copula import Copula
from demandcast.components.replenishment.interval_levels import (
    IntervalDemand,
    critical_ratios,
    fill_rates,
    implied_stockout_cost,
    interval_demand,
    levels_for_fill_rate,
    row_quantiles,
)
from demandcast.components.replenishment.paths import DemandPaths
from demandcast.components.replenishment.quantile_curves import curve_knots

units = st.integers(0, 1000).map(float)
shares = st.floats(0.01, 0.99)


@st.composite
def worlds(draw):
    """Cumulative demand [H, n, P], review periods [n] and lead times [n, P]."""
    horizon, series, paths = draw(
        st.tuples(st.integers(1, 9), st.integers(1, 3), st.integers(1, 6))
    )
    demand = draw(hnp.arrays(np.float32, (horizon, series, paths), elements=units))
    lead_time = draw(hnp.arrays(np.int64, (series, paths), elements=st.integers(0, 11)))
    review = draw(hnp.arrays(np.int64, series, elements=st.integers(1, 5)))
    return demand, review, lead_time


def samples(demand, review_period, lead_time):
    return interval_demand(
        np.cumsum(demand, axis=0), review_period=review_period, lead_time=lead_time
    )


@given(worlds())
def test_demand_over_intervals_is_that_of_slow_loops(world):
    demand, review, lead_time = world
    found = samples(*world)
    horizon, series, paths = demand.shape
    for row in range(series):
        for path in range(paths):
            lead = lead_time[row, path]
            day = demand[:, row, path]
            assert found.over_lead_time[row, path] == sum(day[: min(lead, horizon)])
            assert found.over_interval[row, path] == sum(day[: min(lead + review[row], horizon)])


def test_no_lead_time_serves_the_very_next_periods():
    demand = np.arange(1.0, 5.0, dtype=np.float32)[:, None, None]
    found = samples(demand, np.array([2]), np.zeros((1, 1), np.int64))
    assert found.over_lead_time.tolist() == [[0]]
    assert found.over_interval.tolist() == [[1 + 2]]


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=units), shares
)
def test_a_row_quantile_is_the_least_sample_that_enough_do_not_exceed(rows, probability):
    found = row_quantiles(rows, np.full(len(rows), probability))
    for row, quantile in zip(rows, found, strict=True):
        enough = [x for x in row if (row <= x).sum() >= probability * len(row) - 1e-9]
        assert quantile == min(enough)


def test_row_quantiles_are_those_of_the_inverted_distribution():
    rows = np.random.default_rng(1).gamma(2, 3, (5, 333))
    for probability in (0.013, 0.5, 0.777, 0.95):
        expected = np.quantile(rows, probability, axis=1, method="inverted_cdf")
        np.testing.assert_array_equal(row_quantiles(rows, np.full(5, probability)), expected)


@pytest.mark.parametrize("paths", [10, 20, 100, 1000])
def test_a_share_that_is_a_whole_number_of_paths_is_that_path(paths):
    row = np.arange(1.0, paths + 1)[None]
    for wanted in range(1, paths + 1):
        assert row_quantiles(row, np.array([wanted / paths])) == wanted


@pytest.mark.parametrize(("probability", "expected"), [(0.0, 1.0), (1.0, 4.0)])
def test_the_ends_are_the_least_and_the_largest_sample(probability, expected):
    assert row_quantiles(np.array([[3.0, 1.0, 4.0]]), np.array([probability])) == expected


@pytest.mark.parametrize("value", [0.0, 7.0, 1e9])
@pytest.mark.parametrize("paths", [1, 50])
def test_a_quantile_of_a_constant_is_the_constant(value, paths):
    rows = np.full((2, paths), value, np.float32)
    assert row_quantiles(rows, np.array([0.01, 0.99])).tolist() == [value, value]


def test_what_is_not_known_has_no_quantile():
    rows = np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 3.0], [1.0, 2.0, 3.0]])
    found = row_quantiles(rows, np.array([0.5, 0.1, np.nan]))
    np.testing.assert_array_equal(found, [2, np.nan, np.nan])


@given(worlds(), shares, shares)
def test_levels_do_not_fall_with_the_target(world, one, two):
    demand = samples(*world)
    low, high = (np.full(len(world[1]), target) for target in sorted((one, two)))
    assert (
        row_quantiles(demand.over_interval, low) <= row_quantiles(demand.over_interval, high)
    ).all()
    assert (levels_for_fill_rate(demand, low) <= levels_for_fill_rate(demand, high)).all()


@given(worlds(), shares, st.integers(1, 4), st.integers(0, 4))
def test_quantile_levels_do_not_fall_with_either_period(world, target, longer_lead, longer_review):
    demand, review, lead_time = world
    targets = np.full(len(review), target)
    level = row_quantiles(samples(*world).over_interval, targets)
    longer = samples(demand, review + longer_review, lead_time + longer_lead)
    assert (row_quantiles(longer.over_interval, targets) >= level).all()


@given(worlds(), shares, hnp.arrays(np.float32, (9, 3, 6), elements=units))
def test_quantile_levels_do_not_fall_with_more_demand(world, target, more):
    demand, review, lead_time = world
    targets = np.full(len(review), target)
    larger = demand + more[tuple(slice(size) for size in demand.shape)]
    level = row_quantiles(samples(*world).over_interval, targets)
    assert (row_quantiles(samples(larger, review, lead_time).over_interval, targets) >= level).all()


@given(worlds(), hnp.arrays(np.float64, 3, elements=st.floats(0, 9000, width=32)))
def test_fill_rates_are_what_a_slow_loop_leaves_short(world, levels):
    demand = samples(*world)
    found = fill_rates(demand, levels[: len(world[1])])
    for row, rate in enumerate(found):
        short = wanted = 0.0
        for before, until in zip(
            demand.over_lead_time[row], demand.over_interval[row], strict=True
        ):
            short += max(until - levels[row], 0) - max(before - levels[row], 0)
            wanted += until - before
        assert rate == pytest.approx(1 - short / wanted if wanted else 1.0, abs=1e-5)


def test_fill_rates_of_normal_demand_are_those_of_the_loss_function():
    review, lead, mean, spread, paths = 3, 4, 100.0, 20.0, 400_000
    draws = np.random.default_rng(7)
    before = draws.normal(lead * mean, math.sqrt(lead) * spread, paths)
    until = before + draws.normal(review * mean, math.sqrt(review) * spread, paths)
    demand = IntervalDemand(before.astype(np.float32)[None], until.astype(np.float32)[None])

    def loss(level, periods):
        deviation = math.sqrt(periods) * spread
        z = (level - periods * mean) / deviation
        return deviation * (stats.norm.pdf(z) - z * stats.norm.sf(z))

    for level in (500.0, 650.0, 700.0, 750.0):
        short = loss(level, lead + review) - loss(level, lead)
        # The standard error of a mean shortage is at most that of the demand of the cycle.
        error = math.sqrt(review) * spread / math.sqrt(paths) / (review * mean)
        found = fill_rates(demand, np.array([level])).item()
        assert found == pytest.approx(1 - short / (review * mean), abs=4 * error)


def test_fill_rates_are_those_of_many_cycles_with_backorders():
    review, lead, level, cycles = 2, 3, 14.0, 60_000
    days = np.random.default_rng(3).poisson(2.5, (cycles + 5) * review)
    # By hand: order up to the level each second morning; what is short waits.
    position, on_hand, due, short = level, level, {}, []
    for day, wanted in enumerate(days.tolist()):
        if day % review == 0:
            due[day + lead] = level - position
            position = level
        on_hand += due.pop(day, 0)
        short.append(min(max(wanted - max(on_hand, 0), 0), wanted))
        on_hand -= wanted
        position -= wanted
    met = 1 - sum(short) / days.sum()
    windows = np.lib.stride_tricks.sliding_window_view(days, lead + review)[:: lead + review]
    sums = windows.cumsum(axis=1).astype(np.float32)
    demand = IntervalDemand(sums[None, :, lead - 1], sums[None, :, -1])
    # Shortage of a cycle is at most its demand; cycles that overlap halve what they tell.
    error = 2 * math.sqrt(2.5 * review) / (2.5 * review) / math.sqrt(cycles / (lead + review))
    assert fill_rates(demand, np.array([level])).item() == pytest.approx(met, abs=4 * error)
    assert 0.8 < met < 0.99


@given(worlds(), shares)
def test_the_level_for_a_fill_rate_reaches_it_and_less_does_not(world, target):
    demand, targets = samples(*world), np.full(len(world[1]), target)
    levels = levels_for_fill_rate(demand, targets)
    assert (fill_rates(demand, levels) >= targets).all()
    less = levels - np.maximum(1e-4 * levels, 1e-4 * demand.over_interval.max(axis=1))
    positive = less > 0
    rates = fill_rates(demand, np.maximum(less, 0))
    assert (rates[positive] < targets[positive]).all()


def test_the_level_for_a_fill_rate_by_hand():
    # No lead time: demand of the cycle is 0 or 10, so S / 10 of it is met.
    demand = IntervalDemand(np.zeros((1, 2), np.float32), np.array([[0, 10]], np.float32))
    for target in (0.2, 0.5, 0.95, 1.0):
        level = levels_for_fill_rate(demand, np.array([target])).item()
        assert level == pytest.approx(10 * target, rel=1e-6)


def test_levels_for_fill_rates_of_edge_series():
    zeros = np.zeros((1, 5), np.float32)
    none = IntervalDemand(zeros, zeros)
    assert fill_rates(none, np.zeros(1)).tolist() == [1]
    assert levels_for_fill_rate(none, np.array([0.99])).tolist() == [0]
    huge = IntervalDemand(zeros, zeros + np.float32(1e9))
    level = levels_for_fill_rate(huge, np.array([0.9])).item()
    assert level == pytest.approx(0.9e9, rel=1e-6)
    assert levels_for_fill_rate(huge, np.array([0.0])).tolist() == [0]


def test_what_is_not_known_has_no_fill_rate_and_no_level():
    before, until = np.zeros((3, 2), np.float32), np.ones((3, 2), np.float32)
    until[1, 0] = np.nan
    demand = IntervalDemand(before, until)
    rates = fill_rates(demand, np.array([0.5, 0.5, np.nan]))
    np.testing.assert_array_equal(rates, [0.5, np.nan, np.nan])
    levels = levels_for_fill_rate(demand, np.array([0.5, 0.5, np.nan]))
    assert np.isnan(levels).tolist() == [False, True, True]


def test_the_level_at_the_critical_ratio_costs_least():
    demand = np.random.default_rng(5).gamma(2, 10, (1, 400))
    holding, stockout, review = 0.05, 1.3, 4
    ratio = critical_ratios(
        stockout_cost=np.array([stockout]),
        holding_cost=np.array([holding]),
        review_period=np.array([review]),
    )
    assert ratio == pytest.approx(stockout / (stockout + holding * review))
    costs = {
        level: (
            holding * review * np.maximum(level - demand, 0)
            + stockout * np.maximum(demand - level, 0)
        ).mean()
        for level in np.sort(demand[0])
    }
    assert row_quantiles(demand, ratio).item() == min(costs, key=costs.get)


def test_critical_ratios_at_the_ends():
    found = critical_ratios(
        stockout_cost=np.array([0.0, 0.0, 2.0, np.nan]),
        holding_cost=np.array([0.0, 1.0, 0.0, 1.0]),
        review_period=np.array([1, 1, 1, 1]),
    )
    np.testing.assert_allclose(found, [0, 0, 1, np.nan], atol=1e-8)
    assert found[2] < 1


@given(st.floats(0, 0.999), st.floats(0.001, 100), st.integers(1, 60))
def test_the_stockout_cost_that_a_target_implies_asks_for_the_target(target, holding, review):
    target, holding, review = np.array([target]), np.array([holding]), np.array([review])
    cost = implied_stockout_cost(target, holding_cost=holding, review_period=review)
    ratio = critical_ratios(stockout_cost=cost, holding_cost=holding, review_period=review)
    np.testing.assert_allclose(ratio, target, rtol=1e-9, atol=1e-12)


# The whole way, from true quantiles of a known law to the coverage of fresh demand.

QUANTILE_LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99)
REVIEW, HORIZON, SERIES, PATHS, FRESH = 7, 16, 200, 4000, 200


def negative_binomial_world(mean_range, size):
    """Curves from true quantiles, and fresh demand that follows the copula. Seeds are fixed."""
    draws = np.random.default_rng(23)
    copula = Copula(level=0.1, short=0.4, decay=0.7)
    mean = draws.uniform(*mean_range, (SERIES, 1)) * draws.uniform(0.6, 1.4, (SERIES, HORIZON))
    share = size / (size + mean)
    quantiles = stats.nbinom.ppf(np.array(QUANTILE_LEVELS), size, share[..., None])
    knots = curve_knots(quantiles, mean, QUANTILE_LEVELS)
    factor = np.linalg.cholesky(copula.correlation(HORIZON))
    scores = draws.standard_normal((SERIES, FRESH, HORIZON)) @ factor.T
    fresh = stats.nbinom.ppf(special.ndtr(scores), size, share[:, None, :])
    return copula, knots, fresh, (quantiles, draws)


def sums_over(fresh, lead_time):
    ends = (lead_time + REVIEW - 1)[..., None]
    return np.take_along_axis(fresh.cumsum(axis=-1), ends, axis=-1)[..., 0]


def test_base_stock_levels_cover_fresh_demand_as_often_as_asked():
    copula, knots, fresh, (quantiles, draws) = negative_binomial_world((20, 40), 3)
    paths = DemandPaths.draw(copula, QUANTILE_LEVELS, horizon=HORIZON, paths=PATHS, seed=5)
    demand = interval_demand(
        paths.cumulative(knots),
        review_period=np.full(SERIES, REVIEW),
        lead_time=draws.integers(2, 9, (SERIES, PATHS)),
    )
    lead_time = draws.integers(2, 9, (SERIES, FRESH))
    sums = sums_over(fresh, lead_time)
    for target in (0.9, 0.95, 0.98):
        levels = np.ceil(row_quantiles(demand.over_interval, np.full(SERIES, target)))
        covered = (sums <= levels[:, None]).mean()
        # All series share the paths, so the error is that of one quantile of 4,000; beside it
        # half a point for lines between quantiles, which lie above the curve in its upper part.
        error = math.sqrt(target * (1 - target) * (1 / PATHS + 1 / (SERIES * FRESH)))
        assert covered == pytest.approx(target, abs=4 * error + 0.005)

    # The sum of daily 95 % quantiles promises the same and stocks a quarter more.
    daily = sums_over(quantiles[:, None, :, 6], np.full((SERIES, 1), 5))[:, 0]
    levels = row_quantiles(demand.over_interval, np.full(SERIES, 0.95))
    assert (sums <= daily[:, None]).mean() > 0.98
    assert daily.mean() > 1.2 * levels.mean()


def test_levels_without_the_copula_cover_too_little():
    _, knots, fresh, (_, draws) = negative_binomial_world((20, 40), 3)
    paths = DemandPaths.draw(Copula(0, 0, 0), QUANTILE_LEVELS, horizon=HORIZON, paths=PATHS, seed=5)
    demand = interval_demand(
        paths.cumulative(knots),
        review_period=np.full(SERIES, REVIEW),
        lead_time=draws.integers(2, 9, (SERIES, PATHS)),
    )
    sums = sums_over(fresh, draws.integers(2, 9, (SERIES, FRESH)))
    levels = row_quantiles(demand.over_interval, np.full(SERIES, 0.95))
    assert (sums <= levels[:, None]).mean() < 0.93


def test_goods_that_rarely_sell_are_covered_though_their_quantiles_are_zero():
    # 3 % of days with a sale: each daily quantile up to 90 % is 0, a fifth of a fortnight is not.
    levels, series, horizon = (0.1, 0.5, 0.9), 50, 9
    mean = np.full((series, horizon), 0.03)
    knots = curve_knots(np.zeros((series, horizon, 3)), mean, levels)
    paths = DemandPaths.draw(Copula(0, 0, 0), levels, horizon=horizon, paths=PATHS, seed=5)
    demand = interval_demand(
        paths.cumulative(knots),
        review_period=np.full(series, REVIEW),
        lead_time=np.full((series, PATHS), 2),
    )
    stock = np.ceil(row_quantiles(demand.over_interval, np.full(series, 0.95)))
    assert stats.poisson.cdf(stock, 0.03 * horizon).min() >= 0.95
    assert stock.max() <= stats.poisson.ppf(0.95, 0.03 * horizon) + 1


def test_a_probability_above_one_asks_for_a_multiple_of_the_largest_sample():
    samples = np.array([[1.0, 2.0], [0.0, 0.0]])
    assert row_quantiles(samples, np.array([1.5, 3.0])).tolist() == [3.0, 0.0]
