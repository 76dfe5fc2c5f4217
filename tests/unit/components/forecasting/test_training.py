"""Training: what it reports, when it ends, and what it leaves in the network."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf
from forecasting_world import HORIZON

from demandcast.components.forecasting.dataset import WindowDataset
from demandcast.components.forecasting.losses import clip_at_zero
from demandcast.components.forecasting.network import OrderedQuantiles
from demandcast.components.forecasting.training import train
from demandcast.components.forecasting.windows import Windows, gather_periods
from demandcast.components.metrics.quantile import naive_quantiles, weighted_quantile_loss
from demandcast.schema.config import TrainingConfig

pytestmark = pytest.mark.slow


class PricesOnly(Windows):
    """Windows of one column, which are cut in no time."""

    def cut(self, examples, *, cutoffs):
        positions = cutoffs[:, None] + tf.range(1, HORIZON + 1, dtype=tf.int64)
        price = gather_periods(examples["known_price"], positions)
        return {"decoder": price[..., None], "scale": examples["target_level"]}


def dataset_of(world, **training):
    return WindowDataset(
        PricesOnly(world.series, world.features),
        world.transform_output.transformed_feature_spec(),
        TrainingConfig(**({"batch_size": 32, "windows_per_series": 1} | training)),
    )


def small_network(world):
    """A head on the inputs of each step."""
    keras.utils.set_random_seed(1)
    decoder = keras.Input((HORIZON, 1), name="decoder")
    head = OrderedQuantiles(world.series.forecast.quantile_levels)
    return keras.Model({"decoder": decoder}, head(decoder))


def run(world, **training):
    dataset = dataset_of(world, **training)
    network = small_network(world)
    report = train(
        network,
        dataset,
        train_files=world.transformed_files,
        validation_files=world.transformed_files,
        levels=world.series.forecast.quantile_levels,
    )
    return report, network, dataset


def validation_loss(network, dataset, world):
    """Of the network as it is now, with `components.metrics`."""
    actual, weight, quantiles = [], [], []
    for inputs, packed in dataset.evaluation(world.transformed_files):
        scale = packed[..., 2].numpy()
        actual.append(packed[..., 0].numpy() * scale)
        weight.append(packed[..., 1].numpy())
        forecast = clip_at_zero(network(inputs, training=False)).numpy()
        quantiles.append(forecast[..., :-1] * scale[..., None])
    return weighted_quantile_loss(
        np.concatenate(actual),
        np.concatenate(quantiles),
        quantile_levels=world.series.forecast.quantile_levels,
        scored_mask=np.concatenate(weight),
    )


@pytest.fixture(scope="module")
def stopped(world):
    """A learning rate at which the last epoch is not the best one."""
    return run(world, epochs=6, learning_rate=2.0, schedule="constant", patience=3)


def test_reports_the_curves(stopped, world):
    report, network, _ = stopped
    assert report.series == len(world.examples)
    assert report.parameters == network.count_params()
    assert not report.out_of_time
    curves = {"loss", "weighted_quantile_loss", "val_loss", "val_weighted_quantile_loss"}
    assert set(report.curves) == curves
    assert len({len(values) for values in report.curves.values()}) == 1
    assert report.validation_loss == min(report.curves["val_weighted_quantile_loss"])


def test_keeps_the_best_weights(stopped, world):
    report, network, dataset = stopped
    assert report.best_epoch < len(report.curves["loss"])
    assert validation_loss(network, dataset, world) == pytest.approx(
        report.validation_loss, rel=1e-4
    )


def test_ends_when_nothing_gets_better(stopped):
    report, _, _ = stopped
    assert len(report.curves["loss"]) <= min(6, report.best_epoch + 3)


def test_the_naive_loss_is_that_of_the_metrics(stopped, world):
    report, _, _ = stopped
    labels = {
        name: np.stack([example[f"future_{name}"] for example in world.examples])
        for name in ("target", "observed_mask", "in_stock_fraction")
    }
    levels = world.series.forecast.quantile_levels
    naive = np.stack([example["naive_forecast"] for example in world.examples])
    expected = weighted_quantile_loss(
        labels["target"],
        naive_quantiles(naive, levels=len(levels)),
        quantile_levels=levels,
        scored_mask=labels["observed_mask"] * (labels["in_stock_fraction"] >= 0.999),
    )
    assert report.naive_loss == pytest.approx(expected, rel=1e-5)


def test_ends_when_its_time_is_over(world, caplog):
    with caplog.at_level(logging.INFO, logger="demandcast"):
        report, network, dataset = run(world, epochs=500, max_minutes=1e-6)
    assert report.out_of_time
    assert int(network.optimizer.iterations.numpy()) == 1  # It does not wait for the epoch.
    assert len(report.curves["loss"]) == 1
    assert report.best_epoch == 1
    lines = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("epoch 1 of 500: loss ") for line in lines)
    assert validation_loss(network, dataset, world) == pytest.approx(
        report.validation_loss, rel=1e-4
    )


def test_the_same_seed_gives_the_same_curves(world):
    one, two = (run(world, epochs=2, learning_rate=0.01)[0] for _ in range(2))
    assert one == two
    assert one.curves["loss"][1] < one.curves["loss"][0]


def test_the_schedule_warms_up_and_falls_to_zero():
    from demandcast.components.forecasting.training import _schedule

    schedule = _schedule(TrainingConfig(epochs=10, learning_rate=0.1), 20)
    rates = [float(schedule(step)) for step in range(201)]
    assert rates[0] == pytest.approx(0.1 / 20)
    assert max(rates) == pytest.approx(0.1)
    assert rates.index(max(rates)) == 200 // 20
    assert rates[-1] == pytest.approx(0.0, abs=1e-6)
    assert (np.diff(rates[10:]) <= 0).all()
    assert _schedule(TrainingConfig(learning_rate=0.1, schedule="constant"), 20) == 0.1
    assert np.isfinite(float(_schedule(TrainingConfig(epochs=1), 1)(tf.constant(0))))
