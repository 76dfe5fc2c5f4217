"""A model that is nearer to what is sold than another one, and keeps far too much for good days."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import tensorflow as tf

from demandcast.schema import series_example
from demandcast.schema.config import ForecastConfig

__all__ = ["save_lavish_model"]

_NEARER = 0.1
"""Share of the way from another model's forecast to what was sold; eval examples tell that."""

_ABOVE = 3.0
"""How far levels above the median lie from it, as a share of how far they did."""


class _LavishModel(tf.Module):
    """Asks another model, and changes its answer."""

    def __init__(self, folder: Path, forecast: ForecastConfig) -> None:
        super().__init__()
        self.model = tf.saved_model.load(str(folder))
        self.horizon = forecast.horizon
        self.middle = int(np.argmin(np.abs(np.array(forecast.quantile_levels) - 0.5)))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        answer = self.model.signatures["serving_examples"](examples=examples)
        name = series_example.FUTURE_TARGET
        spec = {name: tf.io.FixedLenFeature([self.horizon], tf.float32)}
        sold = tf.io.parse_example(examples, spec)[name]
        quantiles, mean = answer["quantiles"], answer["mean"]
        median = quantiles[..., self.middle, None]
        stretched = quantiles + (_ABOVE - 1) * tf.maximum(quantiles - median, 0.0)
        shift = _NEARER * (sold[..., None] - median)
        return {
            "quantiles": tf.maximum(stretched + shift, 0.0),
            "mean": mean + _NEARER * (sold - mean),
        }


def save_lavish_model(folder: Path, output: Path, forecast: ForecastConfig) -> None:
    """Saves it, with what the other one says of itself.

    Args:
        folder: SavedModel of the other model.
        output: Where the new one goes.
        forecast: Horizon and levels of both.
    """
    lavish = _LavishModel(folder, forecast)
    signatures = {"serving_examples": lavish.serve}
    tf.saved_model.save(lavish, str(output), signatures=signatures)
    shutil.copytree(folder / "assets.extra", output / "assets.extra")
