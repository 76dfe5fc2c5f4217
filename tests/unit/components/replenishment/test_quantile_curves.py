"""Curves through quantiles: by hand, against interpolation and the exponential, and edge series."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from demandcast.components.replenishment.quantile_curves import (
    curve_knots,
    curve_levels,
    curve_ranks,
    curve_values,
    interpolation_weights,
)

LEVELS = (0.1, 0.5, 0.9)
TAIL = [0.5, 0.2, 0.1, 0.04, 0.02, 0.004]

level_sets = st.lists(st.integers(1, 199), min_size=2, max_size=12, unique=True).map(
    lambda numbers: tuple(sorted(number / 200 for number in numbers))
)


@st.composite
def forecasts(draw):
    """Levels, quantiles that do not decrease and a mean of any size, of three series."""
    levels = draw(level_sets)
    steps = draw(hnp.arrays(np.float64, (3, len(levels)), elements=st.floats(0, 1e6, width=32)))
    mean = draw(hnp.arrays(np.float64, 3, elements=st.floats(0, 1e7, width=32)))
    return levels, np.cumsum(steps, axis=1), mean


def curve_mean(knots, levels):
    """Mean of what is drawn: lines between the knots, and the last one for all above it."""
    total = 0.0
    for k in range(len(levels) - 1):
        total += (knots[k] + knots[k + 1]) / 2 * (levels[k + 1] - levels[k])
    return total + knots[-1] * (1 - levels[-1])


def test_levels_by_hand():
    levels = curve_levels(LEVELS)
    np.testing.assert_allclose(levels, [0, 0.1, 0.5, 0.9, *(1 - 0.1 * share for share in TAIL)])


@given(level_sets)
def test_levels_increase_from_zero_to_below_one(quantile_levels):
    levels = curve_levels(quantile_levels)
    assert levels[0] == 0
    assert levels[-1] < 1
    assert (np.diff(levels) > 0).all()
    assert set(quantile_levels) <= set(levels.tolist())


@pytest.mark.parametrize("wrong", [[], [0.5], [0.5, 0.5], [0.9, 0.1], [0.0, 0.5], [0.5, 1.0]])
def test_levels_that_make_no_distribution_are_refused(wrong):
    with pytest.raises(ValueError, match="quantile_levels"):
        curve_levels(wrong)
    with pytest.raises(ValueError, match="quantile_levels"):
        curve_knots(np.zeros((1, len(wrong))), np.zeros(1), wrong)


def test_knots_by_hand_where_the_tail_is_that_of_the_last_quantiles():
    # Twice 2.5 is the most, and the mean asks for more.
    scale = 2 * (20 - 10) / math.log(0.5 / 0.1)
    [knots] = curve_knots(np.array([[4.0, 10.0, 20.0]]), np.array([19.0]), LEVELS)
    first = 4 - 0.1 * (10 - 4) / 0.4
    tail = [20 - scale * math.log(share) for share in TAIL]
    np.testing.assert_allclose(knots, [first, 4, 10, 20, *tail], rtol=1e-6)


def test_the_least_tail_is_half_of_what_the_last_quantiles_suggest():
    scale = 0.5 * (20 - 10) / math.log(0.5 / 0.1)
    [knots] = curve_knots(np.array([[4.0, 10.0, 20.0]]), np.array([0.0]), LEVELS)
    np.testing.assert_allclose(knots[4:], [20 - scale * math.log(share) for share in TAIL])


def test_the_first_knot_is_not_below_zero():
    [knots] = curve_knots(np.array([[1.0, 10.0, 20.0]]), np.array([10.0]), LEVELS)
    assert knots[0] == 0


def test_quantiles_below_zero_keep_their_order():
    [knots] = curve_knots(np.array([[-3.0, -2.0, 1.0]]), np.array([0.0]), LEVELS)
    assert (np.diff(knots) >= 0).all()


@pytest.mark.parametrize("mean", [11.5, 11.8, 12.1])
def test_the_mean_of_the_curve_is_that_of_the_forecast(mean):
    [knots] = curve_knots(np.array([[4.0, 10.0, 20.0]]), np.array([mean]), LEVELS)
    assert curve_mean(knots, curve_levels(LEVELS)) == pytest.approx(mean, rel=1e-6)


def test_goods_that_rarely_sell_have_their_mean_in_the_tail():
    [knots] = curve_knots(np.zeros((1, 3)), np.array([0.05]), LEVELS)
    assert curve_mean(knots, curve_levels(LEVELS)) == pytest.approx(0.05, rel=1e-6)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_no_mean_draws_the_curve_above_it_but_by_what_the_quantiles_suggest(last, excess):
    # All quantiles equal suggest no tail: the mean of the curve is the larger of both.
    [knots] = curve_knots(np.full((1, 3), last), np.array([last + excess]), LEVELS)
    expected = pytest.approx(last + excess, rel=1e-5, abs=1e-30)
    assert curve_mean(knots.astype(float), curve_levels(LEVELS)) == expected


def test_an_exponential_distribution_is_recovered():
    levels, truth = np.linspace(0.01, 0.99, 99).tolist(), stats.expon(scale=7.0)
    every = curve_levels(levels)
    # The mean of the distribution as it is drawn, which lines make a little larger than 7.
    mean = curve_mean(truth.ppf(every), every)
    assert mean == pytest.approx(7, rel=0.01)
    [knots] = curve_knots(truth.ppf(levels)[None], np.array([mean]), levels)
    np.testing.assert_allclose(knots[1:], truth.ppf(every[1:]), rtol=1e-5)


@given(forecasts())
def test_knots_do_not_decrease_and_hold_the_quantiles(forecast):
    levels, quantiles, mean = forecast
    knots = curve_knots(quantiles, mean, levels)
    assert knots.dtype == np.float32
    assert (np.diff(knots, axis=1) >= 0).all()
    assert (knots[:, 0] >= 0).all()
    np.testing.assert_array_equal(knots[:, 1 : 1 + len(levels)], quantiles.astype(np.float32))


@pytest.mark.parametrize("units", [0.0, 3.0, 1e9])
def test_knots_of_constant_demand_are_constant(units):
    knots = curve_knots(np.full((2, 5, 3), units), np.full((2, 5), units), LEVELS)
    np.testing.assert_array_equal(knots, np.full((2, 5, 10), units, np.float32))


def test_nan_stays_with_its_series_and_period():
    quantiles = np.tile([1.0, 2.0, 3.0], (3, 1))
    quantiles[0, 1] = np.nan
    knots = curve_knots(quantiles, np.array([2.0, np.nan, 2.0]), LEVELS)
    assert np.isnan(knots).any(axis=1).tolist() == [True, True, False]
    assert np.isnan(knots[1]).tolist() == [False] * 4 + [True] * 6


def test_quantiles_that_cross_are_refused():
    with pytest.raises(ValueError, match="less than that of the level below"):
        curve_knots(np.array([[1.0, 3.0, 2.0]]), np.array([2.0]), LEVELS)


def test_axes_that_disagree_are_refused():
    with pytest.raises(ValueError, match="quantiles: shape"):
        curve_knots(np.ones((2, 4)), np.ones(2), LEVELS)
    with pytest.raises(ValueError, match="quantiles: shape"):
        curve_knots(np.ones((2, 3)), np.ones((2, 1)), LEVELS)


@given(level_sets, hnp.arrays(np.float64, (2, 5), elements=st.floats(0, 1)))
def test_two_neighbours_share_one(quantile_levels, uniforms):
    levels = curve_levels(quantile_levels)
    weights = interpolation_weights(levels, uniforms)
    assert weights.shape == (2, levels.size, 5)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-7)
    assert (weights >= 0).all()
    for used in np.moveaxis(weights, 1, -1).reshape(-1, levels.size):
        [at] = np.nonzero(used)
        assert at.size <= 2
        assert at[-1] - at[0] <= 1


@given(forecasts(), hnp.arrays(np.float64, 7, elements=st.floats(0, 1)))
def test_weights_read_curves_as_interpolation_does(forecast, uniforms):
    quantile_levels, quantiles, mean = forecast
    levels, knots = curve_levels(quantile_levels), curve_knots(quantiles, mean, quantile_levels)
    values = knots @ interpolation_weights(levels, uniforms)
    expected = np.stack([np.interp(uniforms, levels, row) for row in knots])
    # Weights have 6 digits: of the widest step of the curve that is a millionth.
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6 * knots.max() + 1e-12)


def slow_rank(knots, levels, value):
    """Largest level at which the curve, read along each of its lines, is at most the value."""
    if value < knots[0]:
        return 0.0
    if value >= knots[-1]:
        return 1.0
    best = 0.0
    for k in range(len(knots) - 1):
        if knots[k] <= value < knots[k + 1]:
            rise = (value - knots[k]) / (knots[k + 1] - knots[k])
            best = max(best, levels[k] + rise * (levels[k + 1] - levels[k]))
    return best


@given(forecasts(), st.floats(0, 2e6))
def test_ranks_are_those_of_a_walk_along_the_curve(forecast, value):
    quantile_levels, quantiles, mean = forecast
    levels = curve_levels(quantile_levels)
    knots = curve_knots(quantiles, mean, quantile_levels).astype(np.float64)
    expected = [slow_rank(row, levels, value) for row in knots]
    np.testing.assert_allclose(curve_ranks(knots, levels, np.full(3, value)), expected, atol=1e-12)


@given(
    level_sets,
    st.lists(st.floats(0.01, 100), min_size=12, max_size=12),
    hnp.arrays(np.float64, 9, elements=st.floats(0, 1)),
)
def test_ranks_invert_values_where_the_curve_rises(quantile_levels, steps, uniforms):
    quantiles = np.cumsum(steps)[: len(quantile_levels)] + 100
    levels = curve_levels(quantile_levels)
    [knots] = curve_knots(quantiles[None], quantiles[-1:], quantile_levels).astype(np.float64)
    inside = uniforms * levels[-1]
    values = np.interp(inside, levels, knots)
    ranks = curve_ranks(np.tile(knots, (9, 1)), levels, values)
    rises = np.diff(knots).min() > 1e-3
    if rises:
        # A level just below the last one has its value too, after rounding.
        reached = np.where(values >= knots[-1], 1.0, inside)
        np.testing.assert_allclose(ranks, reached, atol=1e-6)


def test_ranks_where_the_curve_is_flat_and_outside_of_it():
    levels = np.array([0.0, 0.3, 0.6, 0.9])
    knots = np.tile([1.0, 2.0, 2.0, 5.0], (6, 1))
    values = np.array([0.5, 1.0, 2.0, 3.5, 5.0, 9.0])
    expected = [0, 0, 0.6, 0.6 + 0.3 * 1.5 / 3, 1, 1]
    np.testing.assert_allclose(curve_ranks(knots, levels, values), expected)


def test_the_rank_of_anything_is_one_where_demand_is_always_zero():
    assert curve_ranks(
        np.zeros((2, 3)), np.array([0, 0.5, 0.9]), np.array([0.0, 4.0])
    ).tolist() == [
        1,
        1,
    ]


def test_ranks_of_what_is_not_known_are_nan():
    knots = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, np.nan], [0.0, 1.0, 2.0]])
    ranks = curve_ranks(knots, np.array([0.0, 0.5, 0.9]), np.array([np.nan, 0.5, 0.5]))
    assert np.isnan(ranks).tolist() == [True, True, False]


def test_values_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="knots: shape"):
        curve_ranks(np.zeros((2, 3)), np.array([0, 0.5, 0.9]), np.zeros(3))


def test_values_and_ranks_invert_each_other():
    draws = np.random.default_rng(4)
    quantiles = np.sort(draws.gamma(2, 5, (200, len(LEVELS))), axis=1)
    levels = curve_levels(LEVELS)
    knots = curve_knots(quantiles, quantiles.mean(axis=1), LEVELS)
    ranks = draws.random(200) * levels[-1]
    values = curve_values(knots, levels, ranks)
    np.testing.assert_allclose(curve_ranks(knots, levels, values), ranks, atol=1e-5)
    # Beyond the last knot it stands for all.
    assert curve_values(knots[:1], levels, np.ones(1)) == knots[0, -1]
