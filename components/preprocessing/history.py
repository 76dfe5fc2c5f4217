"""Features of a series from its whole history, as TensorFlow graph code on ragged batches.

Each function keeps one rule: the value at period t depends on periods up to t
only (lags: on period t - lag). A series may be left-padded with periods whose
`usable` mask is 0; that changes no value at the other periods, so that a
request with padding and an example without it agree.
Letters of shapes: B batch, T history (differs per series), H horizon.
"""

from __future__ import annotations

from typing import TypeAlias

import tensorflow as tf

__all__ = [
    "Ragged",
    "causal_mean",
    "expanding_mean",
    "growth_rate",
    "lagged",
    "rows_of_values",
    "trailing_mean",
]

Ragged: TypeAlias = tf.RaggedTensor

_EPSILON = 1e-6


def lagged(values: Ragged, *, lag: int, horizon: int) -> Ragged:
    """Shifts a history into the future: position t holds the value of period t - lag.

    Args:
        values: Shape [B, T].
        lag: Periods; at least `horizon`, so that the whole result is known at the cutoff.
        horizon: Periods after the history that the result covers.

    Returns:
        Shape [B, T + H]; 0 where the history does not reach back so far.
    """
    splits = values.row_splits + horizon * tf.range(tf.size(values.row_splits, tf.int64))
    lengths = splits[1:] - splits[:-1]
    dense = tf.pad(values.to_tensor(), [[0, 0], [lag, 0]])
    # The shifted history is `lag - horizon` longer than the result: what is behind it is not read.
    return Ragged.from_row_splits(_of_rows(dense, lengths), splits, validate=False)


def trailing_mean(values: Ragged, exposure: Ragged, *, window: int) -> Ragged:
    """Averages per unit of exposure over the last `window` periods, the present one included.

    Formula: sum of values / sum of exposure over periods t - window + 1 to t.

    Args:
        values: Units per period, 0 where exposure is 0. Shape [B, T].
        exposure: Share of the period in which it could sell and was recorded. Shape [B, T].
        window: Periods.

    Returns:
        Units per fully exposed period; 0 where there was no exposure. Shape [B, T].
    """
    mean, _ = _trailing(values.to_tensor(), exposure.to_tensor(), window)
    return _ragged_as(values, mean)


def expanding_mean(values: Ragged, exposure: Ragged) -> Ragged:
    """Averages per unit of exposure over all periods up to and including t.

    Args:
        values: Shape [B, T].
        exposure: Weights; 0 leaves a period out. Shape [B, T].

    Returns:
        0 before the first exposure. Shape [B, T].
    """
    total, exposed = (
        tf.cumsum(tf.cast(part.to_tensor(), tf.float64), axis=1) for part in (values, exposure)
    )
    return _ragged_as(values, _ratio(total, exposed))


def growth_rate(values: Ragged, exposure: Ragged, *, window: int) -> Ragged:
    """Compares the last `window` periods with the `window` before them.

    Formula: log((m1 + e) / (m0 + e)) with e a hundredth of their sum; between -4.7 and 4.7.

    Args:
        values: Units per period. Shape [B, T].
        exposure: As for `trailing_mean`. Shape [B, T].
        window: Periods.

    Returns:
        Logarithm of the growth factor; 0 where either window had no exposure. Shape [B, T].
    """
    recent, exposed = _trailing(values.to_tensor(), exposure.to_tensor(), window)
    before, exposed_before = _shifted(recent, window), _shifted(exposed, window)
    small = 0.01 * (recent + before) + _EPSILON
    growth = tf.math.log((recent + small) / (before + small))
    return _ragged_as(values, exposed * exposed_before * growth)


def causal_mean(values: Ragged, known: Ragged) -> Ragged:
    """Averages a covariate over the periods up to t at which it is known.

    Args:
        values: Numbers, anything where unknown. Shape [B, T].
        known: 1 where the value is known. Shape [B, T].

    Returns:
        0 before the first known value. Shape [B, T].
    """
    numbers = tf.where(known.flat_values > 0, values.flat_values, 0.0)
    return expanding_mean(values.with_flat_values(numbers), known)


def rows_of_values(values: Ragged) -> tf.Tensor:
    """Number of the row that each flat value belongs to; int64."""
    splits = values.row_splits
    return tf.searchsorted(splits[1:], tf.range(splits[-1]), side="right", out_type=tf.int64)


def _trailing(values: tf.Tensor, exposure: tf.Tensor, window: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Mean over each window, and 1 where the window had exposure; all shapes [B, T]."""

    def windowed_sum(dense: tf.Tensor) -> tf.Tensor:
        total = tf.cumsum(tf.cast(dense, tf.float64), axis=1)
        return total - _shifted(total, window)

    exposed = windowed_sum(exposure)
    return _ratio(windowed_sum(values), exposed), tf.cast(exposed > _EPSILON, tf.float32)


def _shifted(dense: tf.Tensor, periods: int) -> tf.Tensor:
    return tf.pad(dense, [[0, 0], [periods, 0]])[:, : tf.shape(dense)[1]]


def _ratio(total: tf.Tensor, exposed: tf.Tensor) -> tf.Tensor:
    # Cumulative sums are float64: differences of long float32 sums lose small values.
    ratio = tf.where(exposed > _EPSILON, total / tf.maximum(exposed, _EPSILON), 0.0)
    return tf.cast(ratio, tf.float32)


def _ragged_as(values: Ragged, dense: tf.Tensor) -> Ragged:
    # Arithmetic on ragged tensors checks their rows at each step: that doubles the graph.
    return values.with_flat_values(_of_rows(dense, values.row_lengths()))


def _of_rows(dense: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
    """Takes the first values of each row, row by row; shape [sum of lengths].

    Where they are follows from the lengths alone, so features of equal lengths share it.
    """
    return tf.gather_nd(dense, tf.where(tf.sequence_mask(lengths)))
