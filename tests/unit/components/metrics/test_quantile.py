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
