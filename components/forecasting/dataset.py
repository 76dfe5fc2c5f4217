"""From transformed examples on disk to batches of windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from demandcast.components.forecasting.losses import pack_labels
from demandcast.components.forecasting.windows import Windows
from demandcast.schema import series_example
from demandcast.schema.config import TrainingConfig

__all__ = ["WindowDataset", "count_examples", "newest_cutoff", "read_records"]

_READ_SHARDS_AT_ONCE = 2


@dataclass(frozen=True)
class WindowDataset:
    """Reads transformed examples and cuts windows.

    Attributes:
        windows: The window function.
        feature_spec: How an example is parsed: the transformed feature spec.
        training: Batch size, shuffling, seed.
    """

    windows: Windows
    feature_spec: Mapping[str, Any]
    training: TrainingConfig

    def train(self, files: Sequence[str]) -> tf.data.Dataset:
        """Batches of windows at random cutoffs, reshuffled and cut anew in each epoch.

        Each series gives `windows_per_series` windows an epoch, in different batches.
        """
        training = self.training
        records = self._shuffled_records(files)
        if training.cache_in_memory:
            records = records.cache()
        batches = (
            records.shuffle(training.shuffle_buffer, seed=training.seed)
            .batch(training.batch_size)
            .map(self._parse_and_join, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        )
        seeds = tf.data.Dataset.random(seed=training.seed, rerandomize_each_iteration=True)
        seeded = tf.data.Dataset.zip(batches, seeds.batch(training.windows_per_series))
        return seeded.flat_map(
            lambda examples, draws: tf.data.Dataset.from_tensor_slices(draws).map(
                lambda draw: self._at_random_cutoffs(examples, draw)
            )
        ).prefetch(2)

    def evaluation(self, files: Sequence[str]) -> tf.data.Dataset:
        """Batches of one window per example, at its own cutoff, in the order of the files."""
        batches = read_records(files).batch(self.training.batch_size)
        return batches.map(self._at_own_cutoff).prefetch(2)

    def _shuffled_records(self, files: Sequence[str]) -> tf.data.Dataset:
        paths = tf.data.Dataset.from_tensor_slices(list(files))
        return paths.shuffle(1024, seed=self.training.seed).interleave(
            lambda path: tf.data.TFRecordDataset(path, compression_type=_compression(files)),
            cycle_length=_READ_SHARDS_AT_ONCE,
        )

    @tf.autograph.experimental.do_not_convert
    def _parse_and_join(self, records: tf.Tensor) -> dict[str, Any]:
        return self.windows.join(tf.io.parse_example(records, self.feature_spec))

    @tf.autograph.experimental.do_not_convert
    def _at_own_cutoff(self, records: tf.Tensor) -> tuple[Any, tf.Tensor]:
        joined = self._parse_and_join(records)
        return self._windows_and_labels(joined, self._last_cutoffs(joined))

    @tf.autograph.experimental.do_not_convert
    def _at_random_cutoffs(self, joined: dict[str, Any], draw: tf.Tensor) -> Any:
        """Draws a cutoff per series, evenly over those that leave a whole horizon."""
        last = self._last_cutoffs(joined)
        first = tf.minimum(last, self.windows.series.forecast.season - 1)
        uniform = tf.random.stateless_uniform(tf.shape(last), tf.stack([draw, draw + 1]))
        span = tf.cast(last - first + 1, tf.float32)
        cutoffs = first + tf.cast(tf.floor(uniform * span), tf.int64)
        return self._windows_and_labels(joined, tf.minimum(cutoffs, last))

    def _last_cutoffs(self, joined: dict[str, Any]) -> tf.Tensor:
        lengths = joined[series_example.TARGET].row_lengths()
        return lengths - 1 - self.windows.series.forecast.horizon

    def _windows_and_labels(
        self, joined: dict[str, Any], cutoffs: tf.Tensor
    ) -> tuple[dict[str, Any], tf.Tensor]:
        inputs = self.windows.cut(joined, cutoffs=cutoffs)
        labels = self.windows.labels(joined, cutoffs=cutoffs)
        scale = inputs.pop("scale")
        return inputs, pack_labels(labels["units"], labels["weight"], scale)


def read_records(files: Sequence[str]) -> tf.data.Dataset:
    """Reads the serialized examples of files, one file after the other."""
    return tf.data.TFRecordDataset(list(files), compression_type=_compression(files))


def count_examples(files: Sequence[str]) -> int:
    """Counts the records of files."""
    counted = (
        read_records(files)
        .batch(1024)
        .reduce(tf.constant(0, tf.int64), lambda total, batch: total + tf.shape(batch, tf.int64)[0])
    )
    return int(counted)


def newest_cutoff(files: Sequence[str]) -> int:
    """Returns the newest cutoff of the examples of files, days since 1970-01-01."""
    spec = {series_example.CUTOFF: tf.io.FixedLenFeature([], tf.int64)}

    def later(day: tf.Tensor, batch: tf.Tensor) -> tf.Tensor:
        cutoffs = tf.io.parse_example(batch, spec)[series_example.CUTOFF]
        return tf.maximum(day, tf.reduce_max(cutoffs))

    return int(read_records(files).batch(1024).reduce(tf.constant(tf.int64.min, tf.int64), later))


def _compression(files: Sequence[str]) -> str:
    return "GZIP" if files and files[0].endswith(".gz") else ""
