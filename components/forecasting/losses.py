"""What training minimises, and what early stopping watches.

Labels are packed as [B, H, 3]: units relative to the window's scale, weight of
the period (0 where unknown or censored), and the window's scale. Forecasts are
[B, H, Q + 1]: quantiles, then the mean, relative to the scale.

A quantile forecast of demand that is often zero must be able to say exactly
zero, or an interval from 0.003 upwards would miss every day without a sale.
Quantiles commute with monotone maps, so the network learns the quantiles of
demand with zero moved down (`shift_zeros`), and `clip_at_zero` moves them back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from demandcast.schema.config import TrainingConfig

__all__ = [
    "WeightedQuantileLoss",
    "clip_at_zero",
    "demand_loss",
    "pack_labels",
    "pinball",
    "shift_zeros",
]

_ZERO_SHIFT = 0.25
"""How far below zero, in scales, a period without demand lies for the quantiles."""

_LARGEST_SQUARED_ERROR = 20.0
"""Error of the mean, in scales, beyond which it counts in proportion instead of squared."""

_POWER_OF_SCALE = {"equal": 0.0, "balanced": 0.5, "volume": 1.0}
"""Weight of a series for each `training.weighting`.

The noise of demand, relative to its scale, falls about with the root of the scale (that of Poisson
demand does exactly), so with a power of 0.5 slow and fast movers have an equal share in the loss.
"""


def pack_labels(units: tf.Tensor, weight: tf.Tensor, scale: tf.Tensor) -> tf.Tensor:
    """Packs labels for Keras, which passes one tensor.

    Args:
        units: Shape [B, H].
        weight: Shape [B, H].
        scale: Units per period. Shape [B].

    Returns:
        Shape [B, H, 3].
    """
    repeated = tf.broadcast_to(scale[:, None], tf.shape(units))
    return tf.stack([units / repeated, weight, repeated], axis=2)


def shift_zeros(actual: tf.Tensor) -> tf.Tensor:
    """Moves zero demand below zero and leaves the rest; `clip_at_zero` is its inverse."""
    return tf.where(actual > 0, actual, -_ZERO_SHIFT)


def clip_at_zero(forecast: tf.Tensor) -> tf.Tensor:
    """Turns what the network says into demand: monotone, so quantiles stay quantiles."""
    return tf.nn.relu(forecast)


def pinball(actual: tf.Tensor, quantiles: tf.Tensor, levels: Sequence[float]) -> tf.Tensor:
    """Pinball loss per period, averaged over levels and doubled.

    Formula: 2 / Q * sum over q of max(q (y - f), (q - 1) (y - f)).

    Args:
        actual: Shape [B, H].
        quantiles: Shape [B, H, Q].
        levels: Q levels.

    Returns:
        Shape [B, H].
    """
    level = tf.constant(levels, tf.float32)
    error = actual[..., None] - quantiles
    return 2.0 * tf.reduce_mean(tf.maximum(level * error, (level - 1.0) * error), axis=-1)


def demand_loss(
    config: TrainingConfig, levels: Sequence[float]
) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Returns the loss: masked pinball of the quantiles plus squared error of the mean.

    Masked periods have no share in it, whatever their values. A batch without any weight
    has loss 0.
    """
    power = _POWER_OF_SCALE[config.weighting]

    def loss(labels: tf.Tensor, forecast: tf.Tensor) -> tf.Tensor:
        actual, weight, scale = tf.unstack(labels, axis=2)
        weight = weight * scale**power
        known = weight > 0
        actual = tf.where(known, actual, 0.0)
        error = pinball(shift_zeros(actual), forecast[..., :-1], levels)
        error += config.mean_loss_weight * _huber(actual - forecast[..., -1])
        total = tf.reduce_sum(tf.where(known, weight * error, 0.0))
        return total / tf.maximum(tf.reduce_sum(weight), 1e-6)

    return loss


@keras.saving.register_keras_serializable(package="demandcast")
class WeightedQuantileLoss(keras.metrics.Metric):
    """Weighted quantile loss over a whole epoch, in units: what the gate judges too.

    Formula: sum of `pinball` over periods / sum of |actual|, both in units.
    """

    def __init__(self, levels: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.levels = tuple(levels)
        self.loss = self.add_weight(name="loss", initializer="zeros")
        self.units = self.add_weight(name="units", initializer="zeros")

    def update_state(
        self, y_true: tf.Tensor, y_pred: tf.Tensor, sample_weight: tf.Tensor | None = None
    ) -> None:
        """Adds a batch; weights are part of the packed labels."""
        actual, weight, scale = tf.unstack(y_true, axis=2)
        weight = weight * scale
        actual = tf.where(weight > 0, actual, 0.0)
        # As it is served: before `clip_at_zero`, days without demand would count as missed.
        quantiles = clip_at_zero(y_pred[..., :-1])
        self.loss.assign_add(tf.reduce_sum(weight * pinball(actual, quantiles, self.levels)))
        self.units.assign_add(tf.reduce_sum(weight * actual))

    def result(self) -> Any:
        """Returns the ratio; 0 if nothing was sold."""
        return tf.math.divide_no_nan(tf.convert_to_tensor(self.loss), self.units)


def _huber(error: tf.Tensor) -> tf.Tensor:
    """Squares errors up to a bound and goes on straight: one freak sale must not own the loss."""
    size = tf.abs(error)
    bound = _LARGEST_SQUARED_ERROR
    return tf.where(size <= bound, tf.square(error), bound * (2.0 * size - bound))
