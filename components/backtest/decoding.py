"""Serialized examples as the arrays that are scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from demandcast.components.backtest.scoring import Scored
from demandcast.schema import series_example

__all__ = ["decode_examples", "decode_sales"]

_HISTORY = (
    series_example.TARGET,
    series_example.OBSERVED_MASK,
    series_example.IN_STOCK_FRACTION,
)
_AHEAD = (*series_example.LABELS, series_example.NAIVE_FORECAST)
_SCALES = (series_example.NAIVE_SCALE, series_example.NAIVE_RMS_SCALE)


def decode_examples(examples: Sequence[bytes], *, horizon: int, slices: Sequence[str]) -> Scored:
    """Parses a batch of examples with their labels.

    Args:
        examples: Serialized `tf.Example`s. Shape [B].
        horizon: Periods of the labels, H.
        slices: Columns of text by which is sliced.
    """
    spec: dict[str, Any] = dict.fromkeys(_HISTORY, tf.io.RaggedFeature(tf.float32))
    spec |= dict.fromkeys(_AHEAD, tf.io.FixedLenFeature([horizon], tf.float32))
    spec |= dict.fromkeys(_SCALES, tf.io.FixedLenFeature([], tf.float32))
    spec |= dict.fromkeys(slices, tf.io.FixedLenFeature([], tf.string))
    parsed = tf.io.parse_example(tf.constant(list(examples), tf.string), spec)
    arrays = {name: _right_aligned(parsed[name]) for name in _HISTORY}
    arrays |= {name: parsed[name].numpy() for name in (*_AHEAD, *_SCALES)}
    return Scored(
        target=arrays[series_example.TARGET],
        observed_mask=arrays[series_example.OBSERVED_MASK],
        in_stock_fraction=arrays[series_example.IN_STOCK_FRACTION],
        actual=arrays[series_example.FUTURE_TARGET],
        actual_observed_mask=arrays[series_example.FUTURE_OBSERVED_MASK],
        actual_in_stock_fraction=arrays[series_example.FUTURE_IN_STOCK_FRACTION],
        seasonal_naive=arrays[series_example.NAIVE_FORECAST],
        naive_scale=arrays[series_example.NAIVE_SCALE],
        naive_rms_scale=arrays[series_example.NAIVE_RMS_SCALE],
        slices={name: _text(parsed[name]) for name in slices},
    )


def decode_sales(examples: Sequence[bytes], *, periods: int) -> npt.NDArray[np.float32]:
    """Parses what was sold in the newest periods of each history.

    Args:
        examples: Serialized `tf.Example`s. Shape [B].
        periods: T.

    Returns:
        Units per period, the newest last; 0 where nothing was recorded. Shape [B, T].
    """
    spec = {series_example.TARGET: tf.io.RaggedFeature(tf.float32)}
    parsed = tf.io.parse_example(tf.constant(list(examples), tf.string), spec)
    sales = _right_aligned(parsed[series_example.TARGET])[:, -periods:]
    return np.pad(sales, ((0, 0), (periods - sales.shape[1], 0)))


def _right_aligned(values: tf.RaggedTensor) -> npt.NDArray[np.float32]:
    """Lays histories under each other, their ends in the last column; 0 before the short ones."""
    dense: npt.NDArray[np.float32] = values[:, ::-1].to_tensor().numpy()
    return dense[:, ::-1]


def _text(values: tf.Tensor) -> npt.NDArray[np.str_]:
    return np.array([value.decode("utf-8", "replace") for value in values.numpy()], np.str_)
