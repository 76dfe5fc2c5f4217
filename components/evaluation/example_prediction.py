"""Reads a sample of the eval split, forecasts it, and writes the examples to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf

from demandcast.components.evaluation.example_forecasts import (
    Example,
    ExampleForecasts,
    choose_examples,
    sample_records,
)
from demandcast.components.metrics.arrays import FloatArray
from demandcast.schema import series_example
from demandcast.schema.artifact_names import FORECAST_EXAMPLES_FILE
from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.model_series import MODEL_SERIES_FILE

__all__ = ["forecast_examples", "parse_example", "write_example_forecasts"]

_SAMPLE = 1000
_EXAMPLES_PER_CALL = 250
_SIGNATURE = "serving_examples"


def write_example_forecasts(split_directory: str, model_directory: str, output: str) -> bool:
    """Forecasts a sample of the eval split and writes `forecast_examples.json`.

    Args:
        split_directory: Folder with the TFRecords of the split.
        model_directory: SavedModel that says what it was trained on.
        output: Folder of the evaluation.

    Returns:
        False if the model does not say what it was trained on; nothing is written then.
    """
    described = f"{model_directory}/{MODEL_SERIES_FILE}"
    if not tf.io.gfile.exists(described):
        return False
    with tf.io.gfile.GFile(described) as file:
        spec = SeriesSpec.model_validate_json(file.read())
    files = sorted(tf.io.gfile.glob(f"{split_directory}/*"))
    records = sample_records((_records(file) for file in files), _SAMPLE)
    found = forecast_examples(records, tf.saved_model.load(model_directory), spec)
    with tf.io.gfile.GFile(f"{output}/{FORECAST_EXAMPLES_FILE}", "w") as file:
        file.write(found.model_dump_json())
    return True


def forecast_examples(
    records: Sequence[bytes], model: tf.Module, spec: SeriesSpec
) -> ExampleForecasts:
    """Forecasts serialized examples and takes good, median and worst ones.

    Args:
        records: Serialized examples with their labels.
        model: Loaded SavedModel with the signature `serving_examples`.
        spec: What the model was trained on.
    """
    quantiles, means = [], []
    for start in range(0, len(records), _EXAMPLES_PER_CALL):
        batch = tf.constant(records[start : start + _EXAMPLES_PER_CALL], tf.string)
        answer = model.signatures[_SIGNATURE](examples=batch)
        quantiles.append(answer["quantiles"].numpy())
        means.append(answer["mean"].numpy())
    horizon, levels = spec.forecast.horizon, len(spec.forecast.quantile_levels)
    return choose_examples(
        [parse_example(record, spec) for record in records],
        np.concatenate([np.zeros((0, horizon, levels)), *quantiles]),
        np.concatenate([np.zeros((0, horizon)), *means]),
        spec,
    )


def parse_example(record: bytes, spec: SeriesSpec) -> Example:
    """Reads what is drawn and scored of a serialized example."""
    features = tf.train.Example.FromString(record).features.feature

    def numbers(name: str) -> FloatArray:
        return np.array(features[name].float_list.value, dtype=np.float64)

    def text(name: str) -> str:
        return str(features[name].bytes_list.value[0].decode())

    return Example(
        series={name: text(name) for name in spec.series_key},
        cutoff=features[series_example.CUTOFF].int64_list.value[0],
        demand_class=text(series_example.DEMAND_CLASS),
        target=numbers(series_example.TARGET),
        observed_mask=numbers(series_example.OBSERVED_MASK),
        in_stock_fraction=numbers(series_example.IN_STOCK_FRACTION),
        future_target=numbers(series_example.FUTURE_TARGET),
        future_observed_mask=numbers(series_example.FUTURE_OBSERVED_MASK),
        future_in_stock_fraction=numbers(series_example.FUTURE_IN_STOCK_FRACTION),
    )


def _records(file: str) -> Iterator[bytes]:
    compression = "GZIP" if file.endswith(".gz") else ""
    for record in tf.data.TFRecordDataset(file, compression_type=compression):
        yield record.numpy()
