"""Toy models, eval examples and artifacts for tests of the Evaluator.

An example carries its own forecasts (`toy_quantiles`, `toy_mean`); a toy model answers them
times a factor, which may differ for one demand class. What lies above the median may be stretched
or pressed. So a test says exactly how good a model is, overall, in one slice, or on good days.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import standard_artifacts

from demandcast.components.metrics import baselines, classification
from demandcast.schema.config.data import CovariatesConfig
from demandcast.schema.config.forecast import ForecastConfig
from demandcast.schema.config.series import SeriesSpec

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
NO_COVARIATES = CovariatesConfig()


def make_series(horizon: int, levels: tuple[float, ...] = LEVELS) -> SeriesSpec:
    return SeriesSpec(
        series_key=("item",),
        static=("item", "store"),
        known_future=NO_COVARIATES,
        observed_past=NO_COVARIATES,
        forecast=ForecastConfig(context_length=14, horizon=horizon, quantile_levels=levels),
    )


@dataclass(frozen=True)
class EvalSet:
    """Columns of eval examples; arrays [N, ...]."""

    target: npt.NDArray[np.float32]
    future_target: npt.NDArray[np.float32]
    future_observed_mask: npt.NDArray[np.float32]
    future_in_stock_fraction: npt.NDArray[np.float32]
    demand_class: npt.NDArray[np.str_]
    store: npt.NDArray[np.str_]
    naive_scale: npt.NDArray[np.float32]
    naive_rms_scale: npt.NDArray[np.float32]
    naive_forecast: npt.NDArray[np.float32]
    quantiles: npt.NDArray[np.float32]
    mean: npt.NDArray[np.float32]


def make_eval_set(
    *, examples: int, horizon: int, stores: int, seed: int = 7, history: int = 42
) -> EvalSet:
    """Poisson demand of various rates with gaps and stockouts, forecast by its true law."""
    rng = np.random.default_rng(seed)
    rate = rng.choice([0.3, 2.0, 20.0], size=(examples, 1))
    season = 1 + 0.5 * np.sin(2 * np.pi * np.arange(history + horizon) / 7)
    demand = rng.poisson(rate * season).astype(np.float32)
    target, future = demand[:, :history], demand[:, history:]
    observed = np.ones_like(target)
    naive_scale, naive_rms_scale = baselines.naive_scales(target, observed, season=7)
    expected = (rate * season)[:, history:]
    spread = np.sqrt(expected)
    offsets = np.array([-1.64, -1.28, -0.67, 0.0, 0.67, 1.28, 1.64])
    quantiles = np.maximum(expected[..., None] + spread[..., None] * offsets, 0)
    return EvalSet(
        target=target,
        future_target=future,
        future_observed_mask=(rng.random(future.shape) < 0.9).astype(np.float32),
        future_in_stock_fraction=np.where(rng.random(future.shape) < 0.9, 1.0, 0.4).astype("f4"),
        demand_class=classification.demand_class(target, observed),
        store=np.char.add("store_", rng.integers(stores, size=examples).astype(str)),
        naive_scale=naive_scale.astype(np.float32),
        naive_rms_scale=naive_rms_scale.astype(np.float32),
        naive_forecast=baselines.seasonal_naive(target, observed, season=7, horizon=horizon).astype(
            np.float32
        ),
        quantiles=quantiles.astype(np.float32),
        mean=expected.astype(np.float32),
    )


def write_examples(eval_set: EvalSet, folder: Path) -> standard_artifacts.Examples:
    """Writes the split `eval` as compressed records."""
    split = folder / "Split-eval"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data.gz"), "GZIP") as writer:
        for index in range(len(eval_set.target)):
            writer.write(_example(eval_set, index).SerializeToString())
    examples = standard_artifacts.Examples()
    examples.uri = str(folder)
    examples.split_names = '["eval"]'
    examples.set_string_custom_property("payload_format", "FORMAT_TF_EXAMPLE")
    examples.set_string_custom_property("file_format", "tfrecords_gzip")
    return examples


def _example(eval_set: EvalSet, index: int) -> tf.train.Example:
    def floats(values: npt.ArrayLike) -> tf.train.Feature:
        return tf.train.Feature(float_list=tf.train.FloatList(value=np.ravel(values)))

    def text(value: str) -> tf.train.Feature:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))

    row = {name: values[index] for name, values in vars(eval_set).items()}
    feature = {
        "item": text(f"item_{index}"),
        "store": text(row["store"]),
        "cutoff": tf.train.Feature(int64_list=tf.train.Int64List(value=[20_000])),
        "demand_class": text(row["demand_class"]),
        # Histories differ in length, as those of real series do.
        "target": floats(row["target"][index % 14 :]),
        "observed_mask": floats(np.ones_like(row["target"][index % 14 :])),
        "in_stock_fraction": floats(np.ones_like(row["target"][index % 14 :])),
        "toy_quantiles": floats(row["quantiles"]),
        "toy_mean": floats(row["mean"]),
    }
    for name in (
        "future_target",
        "future_observed_mask",
        "future_in_stock_fraction",
        "naive_scale",
        "naive_rms_scale",
        "naive_forecast",
    ):
        feature[name] = floats(row[name])
    return tf.train.Example(features=tf.train.Features(feature=feature))


def write_schema(horizon: int, folder: Path) -> standard_artifacts.Schema:
    """Writes a schema that reads the examples: dense labels, a ragged history."""
    schema = schema_pb2.Schema()
    representations = schema.tensor_representation_group[""].tensor_representation
    for name in ("item", "store", "demand_class"):
        schema.feature.add(name=name, type=schema_pb2.BYTES)
        representations[name].dense_tensor.column_name = name
    lengths = {
        "future_target": horizon,
        "future_observed_mask": horizon,
        "future_in_stock_fraction": horizon,
        "naive_forecast": horizon,
        "naive_scale": None,
        "naive_rms_scale": None,
        "toy_quantiles": horizon * len(LEVELS),
        "toy_mean": horizon,
    }
    for name, length in lengths.items():
        schema.feature.add(name=name, type=schema_pb2.FLOAT)
        representations[name].dense_tensor.column_name = name
        if length is not None:
            representations[name].dense_tensor.shape.dim.add(size=length)
    target = schema.feature.add(name="target", type=schema_pb2.FLOAT)
    target.value_count.min = 1
    representations["target"].ragged_tensor.feature_path.step.append("target")
    folder.mkdir(parents=True)
    (folder / "schema.pbtxt").write_text(text_format.MessageToString(schema))
    artifact = standard_artifacts.Schema()
    artifact.uri = str(folder)
    return artifact


class ToyModel(tf.Module):
    """Answers the example's own forecasts times a factor."""

    def __init__(
        self, horizon: int, factor: float, in_class: dict[str, float], upper: float
    ) -> None:
        super().__init__()
        self.horizon = horizon
        self.upper = upper
        self.factor = factor
        self.in_class = in_class

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        parsed = tf.io.parse_example(
            examples,
            {
                "toy_quantiles": tf.io.FixedLenFeature([self.horizon, len(LEVELS)], tf.float32),
                "toy_mean": tf.io.FixedLenFeature([self.horizon], tf.float32),
                "demand_class": tf.io.FixedLenFeature([], tf.string),
                "target": tf.io.RaggedFeature(tf.float32),
            },
        )
        factor = tf.fill(tf.shape(parsed["demand_class"]), self.factor)
        for name, value in self.in_class.items():
            factor = tf.where(parsed["demand_class"] == name, value, factor)
        quantiles = parsed["toy_quantiles"]
        median = quantiles[..., LEVELS.index(0.5), None]
        above = tf.maximum(quantiles - median, 0.0)
        return {
            "quantiles": (quantiles + (self.upper - 1) * above) * factor[:, None, None],
            "mean": parsed["toy_mean"] * factor[:, None],
        }


def save_model(
    folder: Path,
    *,
    horizon: int,
    factor: float = 1.0,
    in_class: dict[str, float] | None = None,
    upper: float = 1.0,
) -> standard_artifacts.Model:
    """Saves a toy model where TFX expects a serving model."""
    toy = ToyModel(horizon, factor, in_class or {}, upper)
    serving = folder / "Format-Serving"
    tf.saved_model.save(toy, str(serving), signatures={"serving_examples": toy.serve})
    model = standard_artifacts.Model()
    model.uri = str(folder)
    return model
