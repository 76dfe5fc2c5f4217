"""Features of a series from its whole history, as TensorFlow graph code on ragged batches.

Each function keeps one rule: the value at period t depends on periods up to t
only (lags: on period t - lag). A series may be left-padded with periods whose
`usable` mask is 0; that changes no value at the other periods, so that a
request with padding and an example without it agree.
Letters of shapes: B batch, T history (differs per series), H horizon.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

__all__ = ["Ragged", "causal_mean", "expanding_mean", "growth_rate", "lagged", "trailing_mean"]

Ragged = tf.RaggedTensor

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
    lengths = values.row_lengths() + horizon
    dense = tf.pad(values.to_tensor(), [[0, 0], [lag, 0]])
    width = tf.cast(tf.reduce_max(lengths), tf.int32)
    # The shifted history is `lag - horizon` longer than the result: crop it.
    return tf.RaggedTensor.from_tensor(dense[:, :width], lengths=lengths)


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

    def windowed_sum(dense: tf.Tensor) -> tf.Tensor:
        total = tf.cumsum(dense, axis=1)
        earlier = tf.pad(total, [[0, 0], [window, 0]])[:, : tf.shape(total)[1]]
        return total - earlier

    return _ratio(values, exposure, windowed_sum)


def expanding_mean(values: Ragged, exposure: Ragged) -> Ragged:
    """Averages per unit of exposure over all periods up to and including t.

    Args:
        values: Shape [B, T].
        exposure: Weights; 0 leaves a period out. Shape [B, T].

    Returns:
        0 before the first exposure. Shape [B, T].
    """
    return _ratio(values, exposure, lambda dense: tf.cumsum(dense, axis=1))


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
    recent = trailing_mean(values, exposure, window=window)
    exposed = _windowed_any(exposure, window=window)
    before = _shifted(recent, periods=window)
    both = exposed * _shifted(exposed, periods=window)
    small = 0.01 * (recent + before) + _EPSILON
    return both * tf.math.log((recent + small) / (before + small))


def causal_mean(values: Ragged, known: Ragged) -> Ragged:
    """Averages a covariate over the periods up to t at which it is known.

    Args:
        values: Numbers, anything where unknown. Shape [B, T].
        known: 1 where the value is known. Shape [B, T].

    Returns:
        0 before the first known value. Shape [B, T].
    """
    return expanding_mean(values * known, known)


def _windowed_any(exposure: Ragged, *, window: int) -> Ragged:
    ones = tf.ones_like(exposure)
    mean = trailing_mean(exposure, ones, window=window)
    return tf.cast(mean > _EPSILON, tf.float32)


def _shifted(values: Ragged, *, periods: int) -> Ragged:
    dense = tf.pad(values.to_tensor(), [[0, 0], [periods, 0]])
    width = tf.cast(tf.reduce_max(values.row_lengths()), tf.int32)
    return tf.RaggedTensor.from_tensor(dense[:, :width], lengths=values.row_lengths())


def _ratio(values: Ragged, exposure: Ragged, total: Callable[[tf.Tensor], tf.Tensor]) -> Ragged:
    # Cumulative sums in float64: differences of long float32 sums lose small values.
    numerator = total(tf.cast(values.to_tensor(), tf.float64))
    denominator = total(tf.cast(exposure.to_tensor(), tf.float64))
    ratio = tf.where(denominator > _EPSILON, numerator / tf.maximum(denominator, _EPSILON), 0.0)
    return tf.RaggedTensor.from_tensor(tf.cast(ratio, tf.float32), lengths=values.row_lengths())
