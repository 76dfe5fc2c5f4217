"""A small world of raw examples, Transform's graph over them, and a trained model.

Built once per test session; the tests of preprocessing and forecasting share it.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from demandcast.schema import series_example as names
from demandcast.schema.config import (
    ColumnsConfig,
    CovariatesConfig,
    FeaturesConfig,
    ForecastConfig,
    Interaction,
    NetworkConfig,
    SeriesSpec,
    TrainingConfig,
)

CONTEXT, HORIZON = 14, 7


def series_spec(frequency: str = "D") -> SeriesSpec:
    """Two keys, a category, price and event known ahead, a temperature and a sky seen after."""
    columns = ColumnsConfig(
        series_key=("store", "item"),
        timestamp="date",
        target="sales",
        static=("category",),
        known_future=CovariatesConfig(numeric=("price", "display"), categorical=("event",)),
        observed_past=CovariatesConfig(numeric=("temperature",), categorical=("sky",)),
    )
    forecast = ForecastConfig(
        frequency=frequency,
        context_length=CONTEXT,
        horizon=HORIZON,
        quantile_levels=(0.05, 0.1, 0.5, 0.9, 0.95),
    )
    return SeriesSpec.from_config(columns, forecast)


def features_config() -> FeaturesConfig:
    """Every kind of feature at once."""
    return FeaturesConfig(
        lags=(7, 21),
        moving_averages=(3, 7),
        growth_window=7,
        price_column="price",
        holiday_column="event",
        interactions=(
            Interaction(columns=("price", "display")),
            Interaction(columns=("store", "category")),
            Interaction(columns=("category", "event")),
        ),
    )


def raw_example(rng: np.random.Generator, *, length: int, number: int) -> dict[str, Any]:
    """One raw example: weekly demand of a level of its own, some gaps, some stockouts."""
    total = length + HORIZON
    day = 19_000 - total + np.arange(total)
    level = 2.0 + number % 5
    demand = rng.poisson(level * (1 + 0.5 * np.sin(2 * np.pi * day / 7))).astype(np.float32)
    observed = (rng.random(total) > 0.05).astype(np.float32)
    observed[0] = 1.0
    stock = np.where(rng.random(total) > 0.1, 1.0, 0.5).astype(np.float32)
    stock = np.where(observed > 0, stock, 1.0).astype(np.float32)
    target = np.where(observed > 0, demand, 0.0).astype(np.float32)
    price = (10 + rng.random(total)).astype(np.float32)
    price[rng.random(total) < 0.05] = np.nan
    event = np.where(day % 30 == 0, b"feast", b"").astype(object)
    return {
        "store": f"s{number % 3}".encode(),
        "item": f"i{number}".encode(),
        "category": f"c{number % 2}".encode(),
        names.CUTOFF: int(day[length - 1]),
        names.TARGET: target[:length],
        names.OBSERVED_MASK: observed[:length],
        names.IN_STOCK_FRACTION: stock[:length],
        "price": price,
        "display": (rng.random(total) > 0.7).astype(np.float32),
        "event": event,
        "temperature": rng.normal(15, 5, length).astype(np.float32),
        "sky": np.where(rng.random(length) > 0.5, b"clear", b"cloudy").astype(object),
        names.FUTURE_TARGET: target[length:],
        names.FUTURE_OBSERVED_MASK: observed[length:],
        names.FUTURE_IN_STOCK_FRACTION: stock[length:],
        names.DEMAND_CLASS: b"smooth",
        names.NAIVE_SCALE: 1.0,
        names.NAIVE_RMS_SCALE: 1.0,
        names.NAIVE_FORECAST: np.full(HORIZON, target[:length].mean(), np.float32),
    }


def raw_examples(count: int = 60, seed: int = 3) -> list[dict[str, Any]]:
    """Examples of many lengths, from a single period on."""
    rng = np.random.default_rng(seed)
    lengths = [1, 2, CONTEXT, CONTEXT + 1, *rng.integers(20, 60, count).tolist()][:count]
    return [raw_example(rng, length=int(n), number=i) for i, n in enumerate(lengths)]


def request_of(example: dict[str, Any]) -> dict[str, Any]:
    """What an application sends: no labels."""
    return {
        name: value
        for name, value in example.items()
        if not name.startswith(("future_", "naive_", names.DEMAND_CLASS))
    }


def serialize(example: dict[str, Any]) -> bytes:
    """Encodes one example, the slow and obvious way."""
    import tensorflow as tf

    features = {}
    for name, value in example.items():
        values = np.atleast_1d(np.asarray(value))
        if values.dtype.kind in "OS":
            feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=list(values)))
        elif values.dtype.kind == "i":
            feature = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
        else:
            feature = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        features[name] = feature
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def raw_tensors(examples: list[dict[str, Any]]) -> dict[str, Any]:
    """Tensors as Transform gets them: lists of variable length are ragged."""
    import tensorflow as tf

    tensors: dict[str, Any] = {}
    for name, first in examples[0].items():
        rows = [example[name] for example in examples]
        if not isinstance(first, np.ndarray):
            tensors[name] = tf.constant(rows, tf.int64 if isinstance(first, int) else None)
        elif name in (*names.LABELS, names.NAIVE_FORECAST):
            tensors[name] = tf.constant(np.stack(rows))
        else:
            tensors[name] = tf.RaggedTensor.from_row_lengths(
                tf.constant(np.concatenate(rows)), np.array([len(row) for row in rows], np.int64)
            )
    return tensors


def left_padded(
    examples: list[dict[str, Any]], spec: SeriesSpec, *, extra: int = 0
) -> dict[str, Any]:
    """Tensors of `serving_default`: histories left-padded with mask 0, `extra` periods wider."""
    width = max(len(example[names.TARGET]) for example in examples) + extra
    texts = set(spec.known_future.categorical + spec.observed_past.categorical)
    future = set(spec.known_future.names)
    batch: dict[str, Any] = {
        name: np.array([example[name] for example in examples])
        for name in (*spec.static, names.CUTOFF)
    }
    padding = {names.TARGET: 0.0, names.OBSERVED_MASK: 0.0, names.IN_STOCK_FRACTION: 1.0}
    for name in (*padding, *spec.known_future.names, *spec.observed_past.names):
        length = width + (HORIZON if name in future else 0)
        empty: Any = b"" if name in texts else padding.get(name, np.nan)
        rows = np.full((len(examples), length), empty, object if name in texts else np.float32)
        for row, example in zip(rows, examples, strict=True):
            row[length - len(example[name]) :] = example[name]
        batch[name] = rows
    return batch


@dataclasses.dataclass(frozen=True)
class World:
    """What a trained pipeline leaves behind, small."""

    folder: Path
    examples: list[dict[str, Any]] = dataclasses.field(repr=False)
    series: SeriesSpec
    features: FeaturesConfig

    @functools.cached_property
    def transform_output(self) -> Any:
        import tensorflow_transform as tft

        return tft.TFTransformOutput(str(self.folder / "transform"))

    @functools.cached_property
    def transform_layer(self) -> Any:
        """Transform's graph, as a function of raw tensors."""
        return self.transform_output.transform_features_layer()

    @property
    def transformed_files(self) -> list[str]:
        return sorted(map(str, (self.folder / "transformed").glob("data*")))

    @functools.cached_property
    def served(self) -> Any:
        """The exported model, loaded."""
        import tensorflow as tf

        return tf.saved_model.load(self.model)

    @property
    def model(self) -> str:
        return str(self.folder / "model")

    @property
    def configs(self) -> dict[str, str]:
        return {
            "series": self.series.model_dump_json(),
            "features": self.features.model_dump_json(),
            "network": NetworkConfig(units=12, head_units=12).model_dump_json(),
            "training": TrainingConfig(
                epochs=3, batch_size=16, windows_per_series=2
            ).model_dump_json(),
        }

    def trainer_arguments(self, folder: Path, **configs: str) -> SimpleNamespace:
        """What TFX's Trainer gives to `run_fn`."""
        return SimpleNamespace(
            custom_config=self.configs | configs,
            transform_graph_path=str(self.folder / "transform"),
            hyperparameters=None,
            train_files=[str(self.folder / "transformed" / "data*")],
            eval_files=[str(self.folder / "transformed" / "data*")],
            model_run_dir=str(folder / "run"),
            serving_model_dir=str(folder / "model"),
        )


def make_world(folder: Path) -> World:
    """Runs Transform over the examples and trains a model on what comes out."""
    from demandcast.components.forecasting.module import run_fn

    world = World(folder, raw_examples(), series_spec(), features_config())
    transform_examples(folder, world.examples, configs=world.configs)
    run_fn(world.trainer_arguments(folder))
    return world


def transform_examples(
    folder: Path, examples: list[dict[str, Any]], *, configs: dict[str, str]
) -> None:
    """Runs Transform as the pipeline does."""
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    from demandcast.components.preprocessing.module import preprocessing_fn
    from demandcast.schema.feature_schema import compose_schema_text

    series = SeriesSpec.model_validate_json(configs["series"])
    run_transform(
        folder,
        [serialize(example) for example in examples],
        schema=text_format.Parse(compose_schema_text(series, None), schema_pb2.Schema()),
        preprocess=lambda inputs: preprocessing_fn(inputs, configs),
    )


def run_transform(
    folder: Path, encoded: list[bytes], *, schema: Any, preprocess: Callable[[Any], Any]
) -> None:
    """Writes Transform's graph to `transform` and the transformed examples to `transformed`."""
    import apache_beam as beam
    import tensorflow_transform.beam as tft_beam
    from tfx_bsl.public import tfxio

    source = tfxio.TFExampleBeamRecord(
        physical_format="inmem", telemetry_descriptors=["test"], schema=schema
    )
    with (
        beam.Pipeline(runner="FnApiRunner") as pipeline,
        tft_beam.Context(temp_dir=str(folder / "tmp")),
    ):
        # Not reshuffled: the tests compare row by row with what was given.
        examples = pipeline | beam.Create(encoded, reshuffle=False)
        batches = examples | source.BeamSource(batch_size=len(encoded))
        (data, metadata), transform_fn = (
            batches,
            source.TensorAdapterConfig(),
        ) | tft_beam.AnalyzeAndTransformDataset(preprocess, output_record_batches=True)
        _ = transform_fn | tft_beam.WriteTransformFn(str(folder / "transform"))
        _ = (
            data
            | beam.FlatMap(
                lambda pair, final: tfxio.RecordBatchToExamplesEncoder(final.schema).encode(
                    pair[0]
                ),
                beam.pvalue.AsSingleton(metadata.deferred_metadata),
            )
            | beam.io.WriteToTFRecord(
                str(folder / "transformed" / "data"), file_name_suffix=".gz", num_shards=1
            )
        )
