"""The loss and the watched metric, against `components.metrics` and arithmetic."""

import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from demandcast.components.forecasting.losses import (
    WeightedQuantileLoss,
    clip_at_zero,
    demand_loss,
    pack_labels,
    pinball,
    shift_zeros,
)
from demandcast.components.metrics.quantile import pinball_loss, weighted_quantile_loss
from demandcast.schema.config import TrainingConfig

pytestmark = pytest.mark.slow

LEVELS = (0.1, 0.5, 0.9)
EQUAL = TrainingConfig(weighting="equal")
BALANCED = TrainingConfig(weighting="balanced")
VOLUME = TrainingConfig(weighting="volume")


def random_batch(seed, *, size=6, horizon=5):
    """Units, weights, scales, and forecasts before `clip_at_zero`: some quantiles negative."""
    rng = np.random.default_rng(seed)
    units = rng.poisson(1.5, (size, horizon)).astype(np.float32)
    weight = (rng.random((size, horizon)) > 0.3).astype(np.float32)
    scale = rng.uniform(0.2, 20, size).astype(np.float32)
    quantiles = np.sort(rng.normal(0.5, 1, (size, horizon, len(LEVELS))), axis=2)
    mean = rng.uniform(0, 2, (size, horizon, 1))
    return units, weight, scale, np.float32(np.concatenate([quantiles, mean], axis=2))


def packed(units, weight, scale):
    return pack_labels(tf.constant(units), tf.constant(weight), tf.constant(scale))


def test_labels_are_packed_relative_to_the_scale():
    labels = packed(np.float32([[6, 0]]), np.float32([[1, 0]]), np.float32([4]))
    assert labels.numpy().tolist() == [[[6 / 4, 1, 4], [0, 0, 4]]]


def test_pinball_is_twice_the_mean_over_levels():
    units, _, _, forecast = random_batch(1)
    quantiles = forecast[..., :-1]
    found = pinball(tf.constant(units), tf.constant(quantiles), LEVELS).numpy()
    one_period = pinball_loss(
        units.reshape(-1, 1),
        quantiles.reshape(-1, 1, len(LEVELS)),
        quantile_levels=LEVELS,
        scored_mask=np.ones((units.size, 1)),
    )
    np.testing.assert_allclose(found.ravel(), 2 * one_period.mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize("actual", [0.0, 1e-30, 0.1, 0.25, 1.0, 1e30])
def test_clip_at_zero_undoes_shift_zeros(actual):
    assert float(clip_at_zero(shift_zeros(tf.constant(actual)))) == np.float32(actual)


def test_zero_lies_below_every_demand():
    shifted = shift_zeros(tf.constant([0.0, 1e-6, 1.0])).numpy()
    assert shifted[0] == -0.25
    assert (np.diff(shifted) > 0).all()


def test_a_forecast_that_is_not_a_number_stays_one():
    assert np.isnan(clip_at_zero(tf.constant([np.nan]))).all()


def test_one_period_by_hand():
    # Units 6 at scale 4 are 1.5; quantiles 1, 1, 2; mean 0.5.
    labels = packed(np.float32([[6]]), np.float32([[1]]), np.float32([4]))
    forecast = tf.constant([[[1.0, 1.0, 2.0, 0.5]]])
    expected = 2 / 3 * (0.1 * 0.5 + 0.5 * 0.5 + 0.1 * 0.5) + 0.25 * (1.5 - 0.5) ** 2
    assert float(demand_loss(EQUAL, LEVELS)(labels, forecast)) == pytest.approx(expected)


def test_no_demand_by_hand():
    # Zero demand lies at -0.25 for the quantiles, at 0 for the mean.
    labels = packed(np.float32([[0]]), np.float32([[1]]), np.float32([4]))
    forecast = tf.constant([[[-0.25, 0.0, 1.0, 0.5]]])
    expected = 2 / 3 * (0 + 0.5 * 0.25 + 0.1 * 1.25) + 0.25 * 0.5**2
    assert float(demand_loss(EQUAL, LEVELS)(labels, forecast)) == pytest.approx(expected)


def test_weighting():
    # Two series whose quantiles and mean are off by 1 and 2 scales, of scales 1 and 9.
    labels = packed(np.float32([[2], [27]]), np.float32([[1], [1]]), np.float32([1, 9]))
    forecast = tf.constant([[[1.0, 1, 1, 1]], [[1.0, 1, 1, 1]]])
    small = 2 / 3 * (0.1 + 0.5 + 0.9) * 1 + 0.25 * 1**2
    large = 2 / 3 * (0.1 + 0.5 + 0.9) * 2 + 0.25 * 2**2
    equal, balanced, volume = (
        float(demand_loss(config, LEVELS)(labels, forecast)) for config in (EQUAL, BALANCED, VOLUME)
    )
    assert equal == pytest.approx((small + large) / 2)
    assert balanced == pytest.approx((1 * small + 3 * large) / (1 + 3))
    assert volume == pytest.approx((1 * small + 9 * large) / (1 + 9))


def test_balanced_gives_slow_and_fast_movers_an_equal_share():
    """Loss of the true quantiles of Poisson demand: between them lie a factor of 100 in scale."""
    shares = []
    for scale in (5, 50, 500):
        quantiles = scipy.stats.poisson.ppf(LEVELS, scale)
        units = np.float32(np.random.default_rng(scale).poisson(scale, (1, 20_000)))
        forecast = np.broadcast_to(np.append(quantiles, scale) / scale, (1, units.size, 4))
        labels = packed(units, np.ones_like(units), np.float32([scale]))
        without_mean = TrainingConfig(weighting="equal", mean_loss_weight=0.0)
        loss = float(demand_loss(without_mean, LEVELS)(labels, tf.constant(forecast, tf.float32)))
        shares.append(0.5 * np.log(scale) + np.log(loss))
    assert np.ptp(shares) < np.log(1.1)


def test_a_freak_sale_does_not_own_the_squared_error():
    labels = packed(np.float32([[1e6]]), np.float32([[1]]), np.float32([1]))
    forecast = tf.constant([[[1e6, 1e6, 1e6, 0.0]]])
    assert float(demand_loss(EQUAL, LEVELS)(labels, forecast)) == pytest.approx(
        0.25 * 20 * (2 * 1e6 - 20)
    )


@pytest.mark.parametrize("config", [EQUAL, BALANCED, VOLUME])
@pytest.mark.parametrize("behind", [0.0, 1e30, np.inf, np.nan, -5.0])
def test_what_is_behind_the_mask_changes_nothing(config, behind):
    units, weight, scale, forecast = random_batch(2)
    weight[3] = 0.0
    loss = demand_loss(config, LEVELS)

    def loss_and_gradient(values):
        variable = tf.Variable(forecast)
        with tf.GradientTape() as tape:
            value = loss(packed(values, weight, scale), variable)
        return float(value), tape.gradient(value, variable).numpy()

    expected_loss, expected_gradient = loss_and_gradient(units)
    found_loss, found_gradient = loss_and_gradient(np.where(weight > 0, units, np.float32(behind)))
    assert found_loss == expected_loss
    assert found_gradient.tolist() == expected_gradient.tolist()
    assert (found_gradient[weight == 0] == 0).all()
    assert np.isfinite(found_gradient).all()
    assert (found_gradient[weight > 0] != 0).any()


@pytest.mark.parametrize("config", [EQUAL, BALANCED, VOLUME])
def test_a_batch_without_any_weight(config):
    units, weight, scale, forecast = random_batch(3)
    variable = tf.Variable(forecast)
    with tf.GradientTape() as tape:
        value = demand_loss(config, LEVELS)(packed(units, 0 * weight, scale), variable)
    assert float(value) == 0.0
    assert (tape.gradient(value, variable).numpy() == 0).all()


def test_the_watched_metric_is_that_of_the_gate():
    metric = WeightedQuantileLoss(LEVELS)
    batches = [random_batch(seed, size=size) for seed, size in ((1, 6), (2, 1), (3, 9))]
    for units, weight, scale, forecast in batches:
        metric.update_state(packed(units, weight, scale), tf.constant(forecast))
    expected = weighted_quantile_loss(
        np.concatenate([units for units, *_ in batches]),
        np.concatenate(
            [np.maximum(f[..., :-1], 0) * scale[:, None, None] for _, _, scale, f in batches]
        ),
        quantile_levels=LEVELS,
        scored_mask=np.concatenate([weight for _, weight, *_ in batches]),
    )
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_the_watched_metric_begins_anew_with_each_epoch():
    metric = WeightedQuantileLoss(LEVELS)
    units, weight, scale, forecast = random_batch(4)
    metric.update_state(packed(units, weight, scale), tf.constant(forecast))
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_the_watched_metric_ignores_what_is_behind_the_mask():
    units, weight, scale, forecast = random_batch(5)
    results = []
    for behind in (0.0, np.nan, 1e30):
        metric = WeightedQuantileLoss(LEVELS)
        values = np.where(weight > 0, units, np.float32(behind))
        metric.update_state(packed(values, weight, scale), tf.constant(forecast))
        results.append(float(metric.result()))
    assert results[0] == results[1] == results[2] > 0
