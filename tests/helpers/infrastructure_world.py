"""Examples and models for tests of the infrastructure check: sound ones and broken ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts

HORIZON = 3
LEVELS = (0.1, 0.5, 0.9)
SERIES = 5
REMARK = "label-of-the-future"
"""In every example, as a feature that no model reads."""


def write_examples(folder: Path) -> standard_artifacts.Examples:
    """Writes a split `eval`: `target` of series i is i + 1 ones, twos, ...; T differs."""
    split = folder / "Split-eval"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data.gz"), options="GZIP") as file:
        for index in range(SERIES):
            file.write(example(index).SerializeToString())
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(["eval"])
    return artifact


def example(index: int) -> Any:
    """One series: a store, a day, a history of `index + 2` periods of demand `index + 1`."""
    periods = index + 2
    feature = tf.train.Feature

    def floats(value: float, count: int) -> Any:
        return feature(float_list=tf.train.FloatList(value=[value] * count))

    def texts(*values: str) -> Any:
        encoded = [value.encode() for value in values]
        return feature(bytes_list=tf.train.BytesList(value=encoded))

    return tf.train.Example(
        features=tf.train.Features(
            feature={
                "store": texts(f"store {index}"),
                "cutoff": feature(int64_list=tf.train.Int64List(value=[20_000 + index])),
                "target": floats(index + 1, periods),
                "observed_mask": floats(1, periods),
                "in_stock_fraction": floats(1, periods),
                "price": floats(2.5, periods + HORIZON),
                "promotion": texts(*(["none"] * (periods + HORIZON))),
                "future_target": floats(9, HORIZON),
                "remark": texts(REMARK),
            }
        )
    )


class _Model(tf.Module):
    """Mean demand, times a factor for each level; the price must be known H ahead."""

    def __init__(self, factors: tuple[float, ...], *, raw_factor: float) -> None:
        super().__init__()
        self.factors = tf.Variable(factors)
        self.raw_factor = raw_factor

    def answer(self, target: Any, mask: Any) -> dict[str, Any]:
        mean = tf.reduce_sum(target * mask, 1) / tf.reduce_sum(mask, 1)
        steps = mean[:, tf.newaxis] * tf.ones([1, HORIZON])
        return {"mean": steps, "quantiles": steps[..., tf.newaxis] * self.factors}

    def raw(self, **tensors: Any) -> dict[str, Any]:
        return self.answer(tensors["target"] * self.raw_factor, tensors["observed_mask"])

    def examples(self, examples: Any) -> dict[str, Any]:
        kinds = {"target": tf.float32, "observed_mask": tf.float32}
        parsed = tf.io.parse_example(
            examples, {name: tf.io.RaggedFeature(kind) for name, kind in kinds.items()}
        )
        return self.answer(parsed["target"].to_tensor(), parsed["observed_mask"].to_tensor())


def save_model(
    folder: Path, *, factors: tuple[float, ...] = (0.5, 1.0, 1.5), raw_factor: float = 1.0
) -> standard_artifacts.Model:
    """Saves a model as the Trainer does, with both signatures."""
    floats, texts = tf.float32, tf.string
    specs = {
        "store": tf.TensorSpec([None], texts, "store"),
        "cutoff": tf.TensorSpec([None], tf.int64, "cutoff"),
        **{
            name: tf.TensorSpec([None, None], floats, name)
            for name in ("target", "observed_mask", "in_stock_fraction", "price")
        },
        "promotion": tf.TensorSpec([None, None], texts, "promotion"),
    }
    model = _Model(factors, raw_factor=raw_factor)
    signatures = {
        "serving_default": tf.function(model.raw).get_concrete_function(**specs),
        "serving_examples": tf.function(model.examples).get_concrete_function(
            examples=tf.TensorSpec([None], texts, "examples")
        ),
    }
    path = folder / "Format-Serving"
    tf.saved_model.save(model, str(path), signatures=signatures)
    artifact = standard_artifacts.Model()
    artifact.uri = str(folder)
    return artifact


def expected_mean(index: int) -> float:
    """What a sound model answers for a series: its demand."""
    return float(np.float32(index + 1))
