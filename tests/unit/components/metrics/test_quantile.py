"""Pinball, weighted quantile loss, coverage: worked by hand, and edge series."""

import math

import numpy as np
import pytest

from demandcast.components.metrics import point, quantile

LEVELS = [0.1, 0.5, 0.9]


def test_pinball_by_hand():
    loss = quantile.pinball_loss(
        [[10.0, 20.0]],
        [[[8.0, 10.0, 15.0], [19.0, 21.0, 18.0]]],
        quantile_levels=LEVELS,
        scored_mask=[[1, 1]],
    )
    expected = [
        (0.1 * (10 - 8) + 0.1 * (20 - 19)) / 2,
        (0.5 * 0 + 0.5 * (21 - 20)) / 2,
        (0.1 * (15 - 10) + 0.9 * (20 - 18)) / 2,
    ]
    np.testing.assert_allclose(loss, [expected])


def test_pinball_of_the_median_is_half_the_absolute_error():
    rng = np.random.default_rng(1)
    actual, forecast = rng.random((3, 5)), rng.random((3, 5, 1))
    loss = quantile.pinball_loss(
        actual, forecast, quantile_levels=[0.5], scored_mask=np.ones((3, 5))
    )
    np.testing.assert_allclose(loss, np.abs(actual[..., None] - forecast).mean(axis=1) / 2)


def test_pinball_of_a_series_that_does_not_count_is_nan():
    loss = quantile.pinball_loss(
        [[1.0], [1.0]], np.ones((2, 1, 3)), quantile_levels=LEVELS, scored_mask=[[1], [0]]
    )
    assert np.isnan(loss).tolist() == [[False] * 3, [True] * 3]


def test_weighted_quantile_loss_by_hand():
    loss = quantile.weighted_quantile_loss(
        [[10.0, 20.0]],
        [[[8.0, 10.0, 15.0], [0.0, 0.0, 0.0]]],
        quantile_levels=LEVELS,
        scored_mask=[[1, 0]],
    )
    assert loss == pytest.approx(2 * (0.1 * 2 + 0.5 * 0 + 0.1 * 5) / (3 * 10))


def test_weighted_quantile_loss_of_equal_quantiles_is_wape_for_symmetric_levels():
    rng = np.random.default_rng(2)
    actual, forecast = rng.random((4, 6)), rng.random((4, 6))
    mask = np.ones((4, 6))
    loss = quantile.weighted_quantile_loss(
        actual,
        quantile.naive_quantiles(forecast, levels=3),
        quantile_levels=LEVELS,
        scored_mask=mask,
    )
    # Errors on both sides weigh the same: the mean of the levels is 0.5.
    assert loss == pytest.approx(point.wape(actual, forecast, scored_mask=mask))


def test_coverage_includes_the_bounds():
    share = quantile.coverage(
        [[1.0, 3.0, 3.1, 0.9]],
        np.tile([1.0, 2.0, 3.0], (1, 4, 1)),
        quantile_levels=LEVELS,
        scored_mask=[[1, 1, 1, 1]],
    )
    assert share == pytest.approx(2 / 4)


def test_strict_coverage_leaves_out_the_bounds_and_zero_at_a_bound_of_zero():
    share = quantile.coverage(
        [[1.0, 3.0, 2.9, 0.0, 0.1]],
        [[[1.0, 2.0, 3.0]] * 3 + [[0.0, 1.0, 2.0]] * 2],
        quantile_levels=LEVELS,
        scored_mask=np.ones((1, 5)),
        strict=True,
    )
    assert share == pytest.approx(2 / 5)


def poisson_probabilities(mean):
    """Probability of each count, far enough up for the means below."""
    return np.array([math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(400)])


def passes(actual, low, high, nominal, *, tolerance=0.1):
    """The gate's rule on intervals of every period. Shapes [P]."""
    levels = [(1 - nominal) / 2, (1 + nominal) / 2]
    quantiles = np.stack(np.broadcast_arrays(low, high, actual)[:2], axis=-1)[None]
    shares = [
        quantile.coverage(
            [actual],
            quantiles,
            quantile_levels=levels,
            scored_mask=np.ones((1, len(actual))),
            nominal=nominal,
            strict=strict,
        )
        for strict in (False, True)
    ]
    return shares[0] >= nominal - tolerance and shares[1] <= nominal + tolerance


@pytest.mark.parametrize("nominal", [0.8, 0.9])
@pytest.mark.parametrize("mean", [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 20, 150])
def test_true_quantiles_of_discrete_demand_pass_the_rule(mean, nominal):
    probabilities = poisson_probabilities(mean)
    below = np.cumsum(probabilities)
    low, high = np.searchsorted(below, [(1 - nominal) / 2, (1 + nominal) / 2])
    # Every count as often as it is likely, of 20 000 periods: no chance, but rounding.
    actual = np.repeat(np.arange(400.0), np.rint(20_000 * probabilities).astype(int))
    # Alone, the true quantiles hold at least nominal with the bounds and at most without.
    assert passes(actual, low, high, nominal, tolerance=0.001)
    assert passes(actual, low, high, nominal)


def test_inclusive_coverage_alone_would_refuse_true_quantiles():
    probabilities = poisson_probabilities(0.2)
    low, high = np.searchsorted(np.cumsum(probabilities), [0.1, 0.9])
    assert probabilities[low : high + 1].sum() > 0.8 + 0.1


def test_width_of_intervals_of_continuous_demand_is_judged_on_both_sides():
    actual = np.random.default_rng(3).normal(100, 10, 20_000)
    width = 10 * 1.2816
    assert passes(actual, 100 - width, 100 + width, 0.8)
    assert not passes(actual, 100 - 2 * width, 100 + 2 * width, 0.8)
    assert not passes(actual, 100 - width / 2, 100 + width / 2, 0.8)


def test_coverage_ignores_what_does_not_count():
    share = quantile.coverage(
        [[1.0, 9.0]],
        np.tile([1.0, 2.0, 3.0], (1, 2, 1)),
        quantile_levels=LEVELS,
        scored_mask=[[1, 0]],
    )
    assert share == 1


def test_coverage_is_nan_if_the_levels_do_not_bound_the_interval():
    share = quantile.coverage(
        [[1.0]], np.ones((1, 1, 3)), quantile_levels=LEVELS, scored_mask=[[1]], nominal=0.9
    )
    assert math.isnan(share)


def test_quantile_that_is_not_a_number_covers_nothing():
    share = quantile.coverage(
        [[1.0]], np.full((1, 1, 3), np.nan), quantile_levels=LEVELS, scored_mask=[[1]]
    )
    assert share == 0


@pytest.mark.parametrize(
    ("actual", "mask"),
    [([[0.0]], [[1]]), ([[3.0]], [[0]]), ([[np.nan]], [[1]])],
    ids=["all zero", "all stocked out", "all unknown"],
)
def test_no_demand_gives_nan(actual, mask):
    loss = quantile.weighted_quantile_loss(
        actual, np.ones((1, 1, 3)), quantile_levels=LEVELS, scored_mask=mask
    )
    assert math.isnan(loss)


def test_forecast_that_is_not_a_number_gives_nan():
    loss = quantile.weighted_quantile_loss(
        [[3.0]], np.full((1, 1, 3), np.nan), quantile_levels=LEVELS, scored_mask=[[1]]
    )
    assert math.isnan(loss)


def test_levels_are_found_in_spite_of_rounding():
    single = np.array([0.05, 0.1, 0.9, 0.95], dtype=np.float32).astype(float)
    assert quantile.interval_positions(single, 0.8) == (1, 2)
    assert quantile.interval_positions(single, 0.9) == (0, 3)
    assert quantile.interval_positions(single, 0.5) is None


def test_last_axis_must_match_the_levels():
    with pytest.raises(ValueError, match=r"quantiles: shape \[1, 1, 2\]; expected \[1, 1, 3\]"):
        quantile.weighted_quantile_loss(
            [[1.0]], np.ones((1, 1, 2)), quantile_levels=LEVELS, scored_mask=[[1]]
        )


def test_levels_must_increase():
    with pytest.raises(ValueError, match="increase strictly"):
        quantile.coverage(
            [[1.0]], np.ones((1, 1, 2)), quantile_levels=[0.9, 0.1], scored_mask=[[1]]
        )
