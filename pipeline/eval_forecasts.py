"""The eval split as arrays: what models forecast there, and what happened."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import tensorflow as tf

from demandcast.components.evaluation.example_forecasts import sample_records
from demandcast.components.evaluation.resampling import series_groups
from demandcast.components.inference.prediction import Predictor
from demandcast.components.metrics.grouping import group_rows
from demandcast.components.replenishment.model_cost import JudgedOrigins, ModelForecasts
from demandcast.schema import series_example
from demandcast.schema.config import SeriesSpec
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.periods import date_of

__all__ = ["EvalOrigins", "forecast_origins", "read_origins"]

_MOST_EXAMPLES = 20_000
"""Series at cutoffs that are looked at; of more a part that depends on nothing but the records."""


@dataclass(frozen=True)
class EvalOrigins:
    """Series at cutoffs (B).

    Attributes:
        records: Serialized examples. Length B.
        keys: Series key as text, each series once. N rows.
        cutoff_days: Last known period of each row, days since 1970-01-01. Shape [B].
        groups: Group of each row's series, for noise. Shape [B].
        happened: What was sold.
    """

    records: Sequence[bytes]
    keys: pl.DataFrame
    cutoff_days: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]
    happened: JudgedOrigins

    @property
    def first_cutoff(self) -> datetime.date:
        """Earliest cutoff."""
        return date_of(int(self.cutoff_days.min()))

    def beside(self, forecasts: ModelForecasts, series: SeriesSpec) -> OriginForecasts:
        """Puts a model's forecasts beside what happened, as a backtest has them."""
        cutoffs, cutoff_index = np.unique(self.cutoff_days, return_inverse=True)
        happened = self.happened
        return OriginForecasts(
            keys=self.keys,
            cutoff_days=cutoffs,
            series_index=happened.series_index,
            cutoff_index=cutoff_index.astype(np.int64),
            actual=np.where(happened.known, happened.actual, np.nan).astype(np.float64),
            observed_mask=happened.known,
            in_stock_fraction=happened.in_stock.astype(np.float32),
            demand_class=np.full(len(self.records), "", np.str_),
            quantiles=forecasts.quantiles.astype(np.float32),
            mean=forecasts.mean.astype(np.float32),
            quantile_levels=series.forecast.quantile_levels,
            frequency=series.forecast.frequency,
        )


def read_origins(split_directory: str, series: SeriesSpec) -> EvalOrigins:
    """Reads the examples of a split, at most 20,000 of them.

    Args:
        split_directory: Folder with its TFRecords; at least one record.
        series: Key and horizon.
    """
    files = sorted(tf.io.gfile.glob(f"{split_directory}/*"))
    records = sample_records((_records(file) for file in files), _MOST_EXAMPLES)
    horizon = series.forecast.horizon
    spec: dict[str, Any] = dict.fromkeys(
        series_example.LABELS, tf.io.FixedLenFeature([horizon], tf.float32)
    )
    spec |= dict.fromkeys(series.series_key, tf.io.FixedLenFeature([], tf.string))
    spec[series_example.CUTOFF] = tf.io.FixedLenFeature([], tf.int64)
    parsed = {
        name: values.numpy()
        for name, values in tf.io.parse_example(tf.constant(records, tf.string), spec).items()
    }
    names = [parsed[name] for name in series.series_key]
    index, first_rows = group_rows([name.astype(np.bytes_) for name in names], len(records))
    return EvalOrigins(
        records=records,
        keys=pl.DataFrame(
            {
                key: [value.decode("utf-8", "replace") for value in values[first_rows]]
                for key, values in zip(series.series_key, names, strict=True)
            }
        ),
        cutoff_days=parsed[series_example.CUTOFF],
        groups=series_groups(names, len(records)),
        happened=JudgedOrigins(
            series_index=index,
            actual=parsed[series_example.FUTURE_TARGET],
            known=parsed[series_example.FUTURE_OBSERVED_MASK] > 0,
            in_stock=parsed[series_example.FUTURE_IN_STOCK_FRACTION]
            >= series_example.FULLY_IN_STOCK,
        ),
    )


def forecast_origins(
    model_directory: str, origins: EvalOrigins, series: SeriesSpec
) -> ModelForecasts:
    """Lets a model forecast the origins.

    Args:
        model_directory: SavedModel with the signature `serving_examples`.
        origins: The examples.
        series: Horizon and levels that are asked for.

    Raises:
        ServingError: It cannot be loaded, or answers with another horizon or other levels.
    """
    quantiles, mean = Predictor.load(model_directory, series).answer(origins.records)
    return ModelForecasts(quantiles, mean)


def _records(file: str) -> Iterator[bytes]:
    compression = "GZIP" if file.endswith(".gz") else ""
    for record in tf.data.TFRecordDataset(file, compression_type=compression):
        yield record.numpy()
