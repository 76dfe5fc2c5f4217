"""What the network sees in training and in serving: bit by bit the same, on 10,000 examples.

Sales tables with gaps, stockouts and missing covariates become examples as in the pipeline. One
way leads through Transform's output on disk and the input pipeline of training, the other through
the graph that is exported, from the raw examples.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import polars as pl
import pytest
import tensorflow as tf
from examples_tables import batches_of, make_data
from forecasting_world import HORIZON, features_config, run_transform, series_spec
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.public.tfxio import RecordBatchToExamplesEncoder

from demandcast.components.examples.splits import SplitPlan
from demandcast.components.forecasting.dataset import WindowDataset
from demandcast.components.forecasting.exporting import ForecastModule, export, request_spec
from demandcast.components.forecasting.job import TrainingJob
from demandcast.components.forecasting.windows import Windows
from demandcast.components.preprocessing.module import preprocessing_fn
from demandcast.schema.config import (
    AvailabilityConfig,
    ColumnsConfig,
    CovariatesConfig,
    NetworkConfig,
    SeriesSpec,
    TrainingConfig,
)
from demandcast.schema.feature_schema import compose_schema_text
from demandcast.schema.model_training import ModelTraining

pytestmark = pytest.mark.slow

PERIODS, CUTOFFS, MAX_HISTORY, BATCH = 90, 4, 40, 256

COLUMNS = ColumnsConfig(
    series_key=("store", "item"),
    timestamp="date",
    target="sales",
    static=("category",),
    known_future=CovariatesConfig(numeric=("price", "display"), categorical=("event",)),
    observed_past=CovariatesConfig(numeric=("temperature",), categorical=("sky",)),
    availability=AvailabilityConfig(column="in_stock"),
)


def sales_table(count: int, *, days_per_period: int) -> pl.DataFrame:
    """Simulates `count` series: late starts, long gaps, stockouts, missing covariates."""
    rng = np.random.default_rng(29)
    series, period = (a.ravel() for a in np.mgrid[:count, :PERIODS])
    # A level of its own, a week, a start of its own, and a gap of up to 30 periods.
    level = rng.gamma(1.0, 8.0, count)[series]
    start = rng.integers(0, PERIODS - CUTOFFS * HORIZON - 1, count)[series]
    gap = rng.integers(0, PERIODS, count)[series]
    width = rng.integers(0, 30, count)[series]
    kept = (period >= start) & ~((period > gap) & (period <= gap + width))
    kept &= rng.random(len(series)) > 0.05

    def words(*choices: str | None) -> pl.Series:
        return pl.Series(choices)[rng.integers(0, len(choices), len(series)).tolist()]

    def numbers(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.where(rng.random(len(series)) < 0.05, np.nan, values)

    frame = pl.DataFrame(
        {
            "store": series % 50,
            "item": series // 50,
            "date": np.datetime64("2024-01-01") + period * days_per_period,
            "sales": rng.poisson(level * (1.5 + np.sin(period * 2 * np.pi / 7))).astype(float),
            "category": np.array(["dairy", "fruit", "snacks"])[series % 3],
            "price": numbers(5 + rng.random(len(series))),
            "display": numbers(rng.integers(0, 2, len(series)).astype(float)),
            "event": words("feast", "fair", None, None, None),
            "temperature": numbers(rng.normal(15, 8, len(series))),
            "sky": words("clear", "cloudy", None),
            "in_stock": np.where(rng.random(len(series)) > 0.1, 1.0, rng.random(len(series))),
        }
    )
    numeric = ("price", "display", "temperature")
    return frame.filter(pl.Series(kept)).with_columns(pl.col(numeric).fill_nan(None))


def encoded_examples(folder: Path, series: SeriesSpec, *, count: int) -> list[bytes]:
    """Walks from the table to serialized eval examples, as ingestion does."""
    days = 1 if series.forecast.frequency == "D" else 7
    path = folder / "sales.parquet"
    sales_table(count // CUTOFFS, days_per_period=days).write_parquet(path)
    batches = batches_of(
        make_data(path, columns=COLUMNS),
        series.forecast,
        lambda newest: [
            SplitPlan("eval", tuple(newest - HORIZON * (1 + k) for k in range(CUTOFFS)))
        ],
        max_history=MAX_HISTORY,
        block_rows=1_000_000,
    )
    encoder = RecordBatchToExamplesEncoder()
    return [example for batch in batches for example in encoder.encode(batch.columns)]


@dataclasses.dataclass(frozen=True)
class Ways:
    """Both ways from the same examples to the network.

    Attributes:
        encoded: Serialized raw examples.
        folder: Transform's graph and its output.
        windows: The window function.
    """

    encoded: list[bytes]
    folder: Path
    windows: Windows

    def trained_on(self, batch_size: int) -> list[dict[str, np.ndarray[Any, Any]]]:
        """Batches as training reads them from Transform's output."""
        dataset = WindowDataset(
            self.windows,
            self.job.transform_output.transformed_feature_spec(),
            TrainingConfig(batch_size=batch_size),
        )
        batches = dataset.evaluation(list(self.job.validation_files))
        return [{name: value.numpy() for name, value in inputs.items()} for inputs, _ in batches]

    def served(self, batch_size: int) -> list[dict[str, np.ndarray[Any, Any]]]:
        """Batches as the exported graph makes them from raw examples."""
        parts = [self.encoded[i : i + batch_size] for i in range(0, len(self.encoded), batch_size)]
        return [
            {name: value.numpy() for name, value in self.exported(tf.constant(part)).items()}
            for part in parts
        ]

    @functools.cached_property
    def job(self) -> TrainingJob:
        import tensorflow_transform as tft

        files = tuple(sorted(map(str, (self.folder / "transformed").glob("data*"))))
        output = tft.TFTransformOutput(str(self.folder / "transform"))
        return TrainingJob(self.windows, output, files, files)

    @functools.cached_property
    def module(self) -> ForecastModule:
        """A network that never learnt anything: its weights do not matter here."""
        keras.utils.set_random_seed(3)
        return ForecastModule(
            windows=self.windows,
            transform=self.job.transform_output.transform_features_layer(),
            network=self.job.build(NetworkConfig(units=8, head_units=8), use_cudnn=False),
        )

    @functools.cached_property
    def exported(self) -> Any:
        """The graph from serialized examples to what the network sees, saved and loaded."""
        saved = tf.Module()
        saved.module = self.module
        spec = request_spec(self.windows.series)
        saved.inputs = tf.function(
            lambda examples: self.module.network_inputs(tf.io.parse_example(examples, spec)),
            input_signature=[tf.TensorSpec([None], tf.string)],
            autograph=False,
        )
        tf.saved_model.save(saved, str(self.folder / "inputs"))
        return tf.saved_model.load(str(self.folder / "inputs")).inputs


@pytest.fixture(scope="module", params=[("D", 10_000), ("W-MON", 2_000)], ids=["daily", "weekly"])
def ways(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ways:
    frequency, count = request.param
    folder = tmp_path_factory.mktemp(f"skew-{frequency}")
    series, features = series_spec(frequency), features_config()
    encoded = encoded_examples(folder, series, count=count)
    assert count * 0.9 <= len(encoded) <= count
    configs = {"series": series.model_dump_json(), "features": features.model_dump_json()}
    run_transform(
        folder,
        encoded,
        schema=text_format.Parse(compose_schema_text(series, None), schema_pb2.Schema()),
        preprocess=lambda inputs: preprocessing_fn(inputs, configs),
    )
    return Ways(encoded, folder, Windows(series, features))


def test_inputs_are_bit_equal_in_batches_of_the_same_size(ways):
    trained, served = ways.trained_on(BATCH), ways.served(BATCH)
    assert sum(len(batch["encoder"]) for batch in trained) == len(ways.encoded)
    assert len(trained) == len(served)
    for left, right in zip(trained, served, strict=True):
        assert set(left) == set(right) - {"scale"}
        for name, values in left.items():
            assert values.tobytes() == right[name].tobytes(), name
    # Examples that are all alike would prove nothing.
    assert len(np.unique(np.concatenate([batch["encoder"] for batch in served]), axis=0)) > 0.9 * (
        len(ways.encoded)
    )


@pytest.mark.parametrize("batch_size", [1000, 7])
def test_inputs_agree_in_batches_of_any_size(ways, batch_size):
    first = 1_000
    whole = ways.trained_on(BATCH)
    other = ways.served(batch_size) if batch_size > BATCH else None
    if other is None:
        few = dataclasses.replace(ways, encoded=ways.encoded[:first])
        other = few.served(batch_size)
    for name in whole[0]:
        left, right = (np.concatenate([batch[name] for batch in part]) for part in (whole, other))
        np.testing.assert_allclose(left[: len(right)], right, rtol=0, atol=1e-6, err_msg=name)


def test_the_served_signature_answers_from_these_inputs(ways, tmp_path):
    """The signature's own answers are the network's, given the inputs of training."""
    seen = ModelTraining(seen_until=datetime.date(2024, 2, 1))
    export(ways.module, str(tmp_path / "model"), series=ways.windows.series, training=seen)
    signature = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_examples"]
    quantiles = signature(examples=tf.constant(ways.encoded[:BATCH]))["quantiles"].numpy()
    scale = ways.served(BATCH)[0]["scale"][:, None, None]
    raw = ways.module.network(ways.trained_on(BATCH)[0], training=False).numpy()
    expected = np.maximum(raw, 0)[..., :-1] * scale
    np.testing.assert_allclose(quantiles, expected, rtol=1e-5, atol=1e-6)
