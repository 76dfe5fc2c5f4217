"""From what an application sends to what Transform's graph takes: histories as examples have them.

Features of equal lengths share one partition into rows, so that what follows from it is computed
once and not once per feature. Letters of shapes: B batch, T history, H horizon, N values of all
rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from demandcast.schema import series_example

__all__ = ["from_first_record", "from_padded", "with_shared_rows"]

Tensors = dict[str, Any]


def from_padded(tensors: Mapping[str, tf.Tensor], *, ahead: Mapping[str, int]) -> Tensors:
    """Reads histories as rows of one length each.

    Args:
        tensors: Features by name: histories [B, T], those that are known ahead [B, T + H].
        ahead: H by name of what is known ahead.

    Returns:
        The same with histories as ragged tensors that share their rows.

    Raises:
        tf.errors.InvalidArgumentError: A history has another shape; the message names all.
    """
    more = {name: ahead.get(name, 0) for name, value in tensors.items() if value.shape.rank == 2}
    sizes = tf.shape(tensors[series_example.TARGET], tf.int64)
    found = tf.stack([tf.shape(tensors[name], tf.int64) for name in more])
    expected = sizes + tf.constant([[0, periods] for periods in more.values()], tf.int64)
    with tf.control_dependencies(_checks(tf.reduce_any(found != expected, axis=1), more)):
        ends = tf.range(sizes[0] + 1)
        splits = {periods: ends * (sizes[1] + periods) for periods in set(more.values())}
        return {
            name: _ragged(tf.reshape(value, [-1]), splits[more[name]]) if name in more else value
            for name, value in tensors.items()
        }


def with_shared_rows(raw: Mapping[str, Any], *, ahead: Mapping[str, int]) -> Tensors:
    """Lets ragged histories share their rows; arguments, returns and errors as `from_padded`."""
    more = {name: ahead.get(name, 0) for name, value in raw.items() if _is_history(value)}
    own = raw[series_example.TARGET].row_splits
    ends = tf.range(tf.size(own, tf.int64))
    splits = {periods: own + periods * ends for periods in set(more.values())}
    wrong = [tf.reduce_any(raw[name].row_splits != splits[more[name]]) for name in more]
    with tf.control_dependencies(_checks(tf.stack(wrong), more)):
        splits = {periods: tf.identity(value) for periods, value in splits.items()}
        return {
            name: _ragged(tf.identity(value.flat_values), splits[more[name]])
            if name in more
            else value
            for name, value in raw.items()
        }


def from_first_record(raw: Mapping[str, Any], *, ahead: Mapping[str, int]) -> Tensors:
    """Lets each history begin at its first recorded period, as examples do.

    A history that was never recorded keeps its last period, which is masked.

    Args:
        raw: Features that share their rows.
        ahead: As for `from_padded`.
    """
    raw = _with_sound_history(raw)
    observed = raw[series_example.OBSERVED_MASK]
    rows = _Rows.of(observed.row_splits)
    recorded = tf.where(observed.flat_values > 0, rows.position, tf.int64.max)
    first = tf.math.unsorted_segment_min(recorded, rows.row, tf.size(rows.lengths))
    first = tf.maximum(tf.minimum(first, rows.lengths - 1), 0)
    kept = {0: rows.without_first(first)}
    for name, periods in ahead.items():
        if periods not in kept:
            kept[periods] = _Rows.of(raw[name].row_splits).without_first(first)
    return {
        name: kept[ahead.get(name, 0)](value) if _is_history(value) else value
        for name, value in raw.items()
    }


def _with_sound_history(raw: Mapping[str, Any]) -> Tensors:
    """Reads a history as examples have it: 0 where not recorded, never NaN, never negative."""
    observed, target = raw[series_example.OBSERVED_MASK], raw[series_example.TARGET]
    recorded = (observed.flat_values > 0) & tf.math.is_finite(target.flat_values)
    units = tf.where(recorded, tf.maximum(target.flat_values, 0.0), 0.0)
    return {
        **raw,
        series_example.TARGET: target.with_flat_values(units),
        series_example.OBSERVED_MASK: observed.with_flat_values(tf.cast(recorded, tf.float32)),
    }


@dataclass(frozen=True)
class _Rows:
    """Where the values of a ragged tensor belong.

    Attributes:
        row: Of each value; int64, shape [N].
        position: Of each value in its row; int64, shape [N].
        lengths: Of each row; int64, shape [B].
    """

    row: tf.Tensor
    position: tf.Tensor
    lengths: tf.Tensor

    @classmethod
    def of(cls, splits: tf.Tensor) -> _Rows:
        starts, ends = splits[:-1], splits[1:]
        values = tf.range(splits[-1])
        row = tf.searchsorted(ends, values, side="right", out_type=tf.int64)
        return cls(row, values - tf.gather(splits, row), ends - starts)

    def without_first(self, count: tf.Tensor) -> _Kept:
        """Leaves out the first `count` [B] values of each row."""
        kept = tf.where(self.position >= tf.gather(count, self.row))[:, 0]
        lengths = tf.maximum(self.lengths - count, 0)
        return _Kept(kept, tf.concat([[0], tf.cumsum(lengths)], axis=0))


@dataclass(frozen=True)
class _Kept:
    """Takes some values of ragged tensors of the same rows.

    Attributes:
        places: Of the values that stay; int64.
        splits: Of the rows that they then make; int64, shape [B + 1].
    """

    places: tf.Tensor
    splits: tf.Tensor

    def __call__(self, values: tf.RaggedTensor) -> tf.RaggedTensor:
        return _ragged(tf.gather(values.flat_values, self.places), self.splits)


def _checks(wrong: tf.Tensor, more: Mapping[str, int]) -> Sequence[tf.Tensor]:
    """Refuses covariates of a wrong length, which would be read as missing values."""
    messages = [
        f"{name}: expected one value per period of {series_example.TARGET}"
        + (f" and {periods} after it" if periods else "")
        for name, periods in more.items()
    ]

    def refuse() -> tf.Tensor:
        found = tf.strings.reduce_join(tf.boolean_mask(messages, wrong), separator="; ")
        with tf.control_dependencies([tf.raw_ops.Assert(condition=False, data=[found])]):
            return tf.constant(False)

    # One branch for all features, and in it all that only a refusal needs.
    return [tf.cond(tf.reduce_any(wrong), refuse, lambda: tf.constant(True))]


def _ragged(flat: tf.Tensor, splits: tf.Tensor) -> tf.RaggedTensor:
    return tf.RaggedTensor.from_row_splits(flat, splits, validate=False)


def _is_history(value: Any) -> bool:
    return isinstance(value, tf.RaggedTensor)
