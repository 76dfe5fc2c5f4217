"""Trains the network: schedule, early stopping, time limit, and a report of what happened."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from demandcast.components.forecasting.dataset import (
    WindowDataset,
    count_examples,
    read_records,
)
from demandcast.components.forecasting.losses import WeightedQuantileLoss, demand_loss, pinball
from demandcast.components.forecasting.report import TrainingReport
from demandcast.schema import series_example
from demandcast.schema.config import TrainingConfig

__all__ = ["train"]

logger = logging.getLogger(__name__)

_WATCHED = "val_weighted_quantile_loss"
_SECONDS_BETWEEN_LINES = 20.0


@dataclass
class _Progress(keras.callbacks.Callback):
    """Says once an epoch how far training is, and ends it when its time is over."""

    windows_per_epoch: int
    epochs: int
    max_minutes: float | None

    def __post_init__(self) -> None:
        super().__init__()
        self._start = time.monotonic()
        self._windows_said = self._start
        self.out_of_time = False

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Says within long epochs how far they are, and stops where the time is over."""
        now = time.monotonic()
        if now - self._windows_said > _SECONDS_BETWEEN_LINES:
            self._windows_said = now
            logger.info("batch %s of this epoch", f"{batch + 1:,}")
        if self.max_minutes and now - self._start > 60 * self.max_minutes:
            self._stop()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Logs the losses; called by Keras."""
        self._windows_said = time.monotonic()
        elapsed = self._windows_said - self._start
        values = logs or {}
        logger.info(
            "epoch %d of %d: loss %.4f, validation quantile loss %.4f, %s windows/s, %.0f s",
            epoch + 1,
            self.epochs,
            values.get("loss", float("nan")),
            values.get(_WATCHED, float("nan")),
            f"{self.windows_per_epoch * (epoch + 1) / elapsed:,.0f}",
            elapsed,
        )
        # Another epoch would end after the limit: keep what there is.
        if self.max_minutes and elapsed * (epoch + 2) / (epoch + 1) > 60 * self.max_minutes:
            self._stop()

    def _stop(self) -> None:
        self.out_of_time = True
        self.model.stop_training = True


def train(
    network: keras.Model,
    dataset: WindowDataset,
    *,
    train_files: Sequence[str],
    validation_files: Sequence[str],
    levels: Sequence[float],
) -> TrainingReport:
    """Trains a network in place and leaves the best weights in it.

    Args:
        network: From `build_network`.
        dataset: Reads the files and cuts windows.
        train_files: Transformed examples of the train split.
        validation_files: Transformed examples of the validation split.
        levels: Quantile levels.

    Returns:
        Curves and what came of them. Its `warnings` name a loss that became NaN and a model
        that is worse than the seasonal-naive forecast on the validation split.
    """
    config = dataset.training
    keras.utils.set_random_seed(config.seed)
    series = count_examples(train_files)
    steps = _batches(series, config) * config.windows_per_series
    checks = _batches(count_examples(validation_files), config)
    logger.info("network of %s weights", f"{network.count_params():,}")
    network.compile(
        optimizer=keras.optimizers.Adam(_schedule(config, steps), clipnorm=config.gradient_clip),
        loss=demand_loss(config, levels),
        metrics=[WeightedQuantileLoss(levels, name="weighted_quantile_loss")],
    )
    progress = _Progress(series * config.windows_per_series, config.epochs, config.max_minutes)
    history = network.fit(
        # Keras makes two iterators per epoch over data that ends, and both read ahead; over data
        # without an end it keeps one.
        dataset.train(train_files).repeat(),
        steps_per_epoch=steps,
        validation_data=dataset.evaluation(validation_files).repeat(),
        validation_steps=checks,
        epochs=config.epochs,
        shuffle=False,  # The dataset shuffles.
        verbose=0,
        callbacks=[
            progress,
            keras.callbacks.TerminateOnNaN(),
            keras.callbacks.EarlyStopping(
                _WATCHED, mode="min", patience=config.patience, restore_best_weights=True
            ),
        ],
    )
    return TrainingReport.from_history(
        {name: [float(value) for value in values] for name, values in history.history.items()},
        series=series,
        parameters=network.count_params(),
        naive_loss=_naive_loss(dataset, validation_files, levels),
        out_of_time=progress.out_of_time,
    )


def _batches(examples: int, config: TrainingConfig) -> int:
    return -(-examples // config.batch_size)


def _schedule(config: TrainingConfig, steps_per_epoch: int) -> Any:
    if config.schedule == "constant":
        return config.learning_rate
    total = steps_per_epoch * config.epochs
    warm_up = max(1, min(total // 20, 500))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=config.learning_rate / 20,
        warmup_target=config.learning_rate,
        warmup_steps=warm_up,
        decay_steps=max(1, total - warm_up),
    )


def _naive_loss(
    dataset: WindowDataset, files: Sequence[str], levels: Sequence[float]
) -> float | None:
    """Weighted quantile loss of the seasonal-naive forecast on the same windows; None if none."""
    loss = units = 0.0
    for batch in read_records(files).batch(dataset.training.batch_size):
        examples = tf.io.parse_example(batch, dataset.feature_spec)
        joined = dataset.windows.join(examples)
        last = examples[series_example.TARGET].row_lengths() - 1
        labels = dataset.windows.labels(joined, cutoffs=last)
        naive = examples[series_example.NAIVE_FORECAST]
        quantiles = tf.repeat(naive[..., None], len(levels), axis=2)
        weight = labels["weight"]
        loss += float(tf.reduce_sum(weight * pinball(labels["units"], quantiles, levels)))
        units += float(tf.reduce_sum(weight * labels["units"]))
    return loss / units if units > 0 else None
