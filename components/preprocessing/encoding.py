"""Numbers and categories as a network reads them; the constants come from the training data.

Built on tf.Transform's analyzers: each call adds a full pass over the training
split, whose result becomes a constant of the graph that is saved with the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import tensorflow as tf
import tensorflow_transform as tft

from demandcast.components.preprocessing.history import Ragged
from demandcast.schema.config import OutlierConfig, VocabularyConfig

__all__ = ["MISSING_CATEGORY", "Distribution", "category_index", "clip", "impute", "scale_numeric"]

MISSING_CATEGORY = "<missing>"
"""Text that stands for a category that was not given."""

_QUANTILE_BUCKETS = 1000


@dataclass(frozen=True)
class Distribution:
    """How a numeric column is distributed in the training data; scalars of the graph.

    One analyzer, the quantiles, gives all of it, so that Transform reads the data once:
    moments are those of 999 quantiles after clipping, which no freak value can move.
    """

    lower: tf.Tensor
    upper: tf.Tensor
    median: tf.Tensor
    mean: tf.Tensor
    deviation: tf.Tensor


def scale_numeric(values: Ragged, *, outliers: OutlierConfig, imputation: str, name: str) -> Ragged:
    """Clips outliers, fills in missing values and scales to mean 0 and deviation 1.

    Args:
        values: NaN where missing. Shape [B, T].
        outliers: How bounds are found.
        imputation: `mean`, `median` or `zero`: what stands in for a missing value.
        name: Column, for the names of the graph's nodes.

    Returns:
        Shape [B, T]; 0 for what a constant column holds, and for a column that is always missing.
    """
    with tf.name_scope(name):
        known = tf.boolean_mask(values.flat_values, tf.math.is_finite(values.flat_values))
        found = _distribution(known, outliers)
        replacement = {"mean": found.mean, "median": found.median, "zero": 0.0 * found.mean}
        filled = clip(impute(values.flat_values, replacement[imputation]), found, outliers)
        return values.with_flat_values(_divided(filled - found.mean, found.deviation))


def _divided(values: tf.Tensor, learnt: tf.Tensor) -> tf.Tensor:
    """Divides float32 by what training learnt, to the same last bit wherever that is a constant.

    TensorFlow multiplies by the reciprocal of a constant instead. In float64 both ways round to
    the same float32, that of the division: no quotient of two of them lies as near to the middle
    of two others as float64 is exact.
    """
    precise = tf.cast(values, tf.float64) / tf.cast(learnt, tf.float64)
    return tf.cast(precise, tf.float32)


def impute(values: tf.Tensor, replacement: tf.Tensor) -> tf.Tensor:
    """Replaces what is not finite by a constant, or by 0 if that is not finite either."""
    safe = tf.where(tf.math.is_finite(replacement), replacement, 0.0)
    return tf.where(tf.math.is_finite(values), values, safe)


def clip(values: tf.Tensor, bounds: Distribution, outliers: OutlierConfig) -> tf.Tensor:
    """Moves what lies outside the bounds onto them."""
    if outliers.method == "none":
        return values
    return tf.clip_by_value(values, bounds.lower, bounds.upper)


def category_index(
    values: Ragged | tf.Tensor, *, vocabulary: VocabularyConfig, missing: str, name: str
) -> Ragged | tf.Tensor:
    """Numbers categories by falling frequency; rare and unseen ones share buckets after them.

    Args:
        values: Text, empty where missing. Shape [B] or [B, T].
        vocabulary: How rare is rare, and how many buckets there are.
        missing: `own_category`, or `most_frequent` to take the most frequent one.
        name: Name of the vocabulary, under which its size is found again.

    Returns:
        Int64 from 0 to vocabulary size + buckets - 1. Shape as the input.
    """
    flat = values.flat_values if isinstance(values, tf.RaggedTensor) else values
    absent = tf.equal(flat, "")
    named = tf.where(absent, MISSING_CATEGORY, flat) if missing == "own_category" else flat
    index = tft.compute_and_apply_vocabulary(
        named,
        top_k=vocabulary.max_size,
        frequency_threshold=vocabulary.min_count,
        num_oov_buckets=vocabulary.oov_buckets,
        vocab_filename=name,
        name=name,
    )
    if missing == "most_frequent":
        index = tf.where(absent, tf.zeros_like(index), index)
    return values.with_flat_values(index) if isinstance(values, tf.RaggedTensor) else index


def _distribution(known: tf.Tensor, outliers: OutlierConfig) -> Distribution:
    quantiles = tft.quantiles(known, num_buckets=_QUANTILE_BUCKETS, epsilon=0.0005)[0]
    # A column without any value has no quantiles: it becomes 0 throughout.
    quantiles = tf.where(tf.math.is_finite(quantiles), quantiles, 0.0)

    def at(level: float) -> tf.Tensor:
        if level in (0.0, 1.0):  # Open on this side.
            return tf.constant(-math.inf if level == 0.0 else math.inf, tf.float32)
        position = round(level * _QUANTILE_BUCKETS) - 1
        return quantiles[min(max(position, 0), _QUANTILE_BUCKETS - 2)]

    lower, upper = at(outliers.lower_quantile), at(outliers.upper_quantile)
    if outliers.method == "iqr":
        reach = outliers.iqr_multiple * (at(0.75) - at(0.25))
        # Most values equal, such as a flag: there is no spread to judge by, so nothing is clipped.
        reach = tf.where(reach > 0, reach, math.inf)
        lower, upper = at(0.25) - reach, at(0.75) + reach
    kept = quantiles if outliers.method == "none" else tf.clip_by_value(quantiles, lower, upper)
    # In float64: rounding must not give a constant column a deviation, nor huge values overflow.
    precise = tf.cast(kept, tf.float64)
    mean, deviation = tf.reduce_mean(precise), tf.math.reduce_std(precise)
    varies = deviation > 1e-6 * tf.abs(mean)
    return Distribution(
        lower=lower,
        upper=upper,
        median=at(0.5),
        mean=tf.cast(mean, tf.float32),
        deviation=tf.cast(tf.where(varies, deviation, 1.0), tf.float32),
    )
