"""Examples of three series for tests of the schema: as columns, statistics and files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from demandcast.schema.config import CovariatesConfig, ForecastConfig, SeriesSpec
from demandcast.schema.feature_schema import compose_schema

__all__ = ["SERIES", "columns", "record_batch", "statistics_of", "write_split"]

SERIES = SeriesSpec(
    series_key=("store", "item"),
    static=("store", "item", "category"),
    known_future=CovariatesConfig(numeric=("price",), categorical=("promotion",)),
    observed_past=CovariatesConfig(numeric=("temperature",), categorical=("sky",)),
    forecast=ForecastConfig(context_length=4, horizon=2),
)

_ARROW_TYPES = {1: pa.binary(), 2: pa.int64(), 3: pa.float32()}
NAN = float("nan")


def columns(**changes: Any) -> dict[str, list[Any]]:
    """Three series of 3, 1 and 2 periods of history and 2 of future, with missing covariates."""
    values: dict[str, list[Any]] = {
        "store": [[b"s1"], [b"s1"], [b"s2"]],
        "item": [[b"i1"], [b"i2"], [b"i1"]],
        "category": [[b"dairy"], [b"bread"], [b"dairy"]],
        "cutoff": [[20000], [20000], [20000]],
        "target": [[1.0, 0.0, 2.0], [0.0], [3.0, 4.0]],
        "observed_mask": [[1.0, 0.0, 1.0], [1.0], [1.0, 1.0]],
        "in_stock_fraction": [[1.0, 1.0, 0.25], [0.0], [1.0, 1.0]],
        "price": [[1.5, NAN, 2.0, 2.0, 1.0], [NAN] * 3, [1.0, 1.0, 9.5, NAN]],
        "promotion": [[b"", b"a", b"b", b"", b"a"], [b""] * 3, [b"a", b"a", b"b", b""]],
        "temperature": [[20.5, NAN, -3.0], [NAN], [NAN, NAN]],
        "sky": [[b"clear", b"", b"rain"], [b""], [b"", b"rain"]],
        "future_target": [[1.0, 2.0], [0.0, 0.0], [3.0, 0.0]],
        "future_observed_mask": [[1.0, 1.0], [1.0, 1.0], [1.0, 0.0]],
        "future_in_stock_fraction": [[1.0, 1.0], [0.5, 1.0], [1.0, 1.0]],
        "demand_class": [[b"smooth"], [b"no_demand"], [b"erratic"]],
        "naive_scale": [[1.0], [1e-3], [2.0]],
        "naive_rms_scale": [[1.5], [1e-3], [2.5]],
        "naive_forecast": [[2.0, 2.0], [0.0, 0.0], [4.0, 4.0]],
    }
    return values | changes


def record_batch(values: Mapping[str, list[Any] | None]) -> pa.RecordBatch:
    """One row per example; a feature of None is left out, a row of None has no value."""
    kinds = {feature.name: feature.type for feature in compose_schema(SERIES, None).feature}
    arrays = {
        name: pa.array(rows, pa.large_list(_ARROW_TYPES[_kind_of(rows, kinds.get(name))]))
        for name, rows in values.items()
        if rows is not None
    }
    return pa.RecordBatch.from_pydict(arrays)


def _kind_of(rows: list[Any], expected: int | None) -> int:
    """The type of the values themselves, so that tests can plant a wrong one."""
    found = {type(value) for row in rows if row for value in row}
    kinds = {bytes: 1, int: 2, float: 3}
    return kinds[found.pop()] if len(found) == 1 else expected or 3


def statistics_of(values: Mapping[str, list[Any] | None]) -> Any:
    """Statistics as StatisticsGen computes them, in memory."""
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.statistics import stats_impl

    with np.errstate(all="ignore"):
        return stats_impl.generate_statistics_in_memory(record_batch(values), tfdv.StatsOptions())


def write_split(folder: Path, split: str, values: Mapping[str, list[Any] | None]) -> None:
    """Writes examples where an Examples artifact keeps those of a split."""
    import tensorflow as tf
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

    target = folder / f"Split-{split}"
    target.mkdir(parents=True)
    encoder = RecordBatchToExamplesEncoder()
    with tf.io.TFRecordWriter(str(target / "examples-00000-of-00001.gz"), "GZIP") as writer:
        for example in encoder.encode(record_batch(values)):
            writer.write(example)
