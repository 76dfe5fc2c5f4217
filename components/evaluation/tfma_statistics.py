"""Sums of sufficient statistics inside TFMA: from a batch of extracts to the sum of a slice.

Statistics are computed once per batch by the extractor in `module.py`, or, under TFMA's own
extractors, once per example by the preprocessor here: slower, the same numbers.

Read from each example: the labels `future_target`, `future_observed_mask` and
`future_in_stock_fraction`; `naive_forecast`, `naive_scale`, `naive_rms_scale`; and the columns
of the series key. Read from each model: `quantiles` and `mean`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types

from demandcast.components.evaluation.resampling import series_groups
from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.metrics.jackknife import SeriesSums, merge_sums, series_sums
from demandcast.components.metrics.point import scored_periods
from demandcast.components.metrics.statistics import Forecasts, example_statistics
from demandcast.components.metrics.steps import StepRange, steps_metric_name
from demandcast.schema import series_example

__all__ = [
    "STATISTICS_KEY",
    "Source",
    "StatisticsPreprocessor",
    "SumCombineFn",
    "example_groups",
    "make_sources",
    "model_statistics",
]

STATISTICS_KEY = "forecast_statistics"
"""Extract that holds `SeriesSums` by `Source`."""

_PRIVATE_NAME = "_forecast_statistics"  # TFMA drops metrics with a leading underscore.
_MERGED_AT = 32
"""Parts after which an accumulator is added up: bounds its memory, and the time to merge."""


@dataclass(frozen=True)
class Source:
    """What a sum of statistics is computed from.

    Attributes:
        model_name: Name in the evaluation's model specs; '' if there is one model.
        quantile_levels: Levels of the model's quantiles.
        steps: First and last step that count; the whole horizon if None.
        series_key: Features that together name a series; without them noise is unknown.
    """

    model_name: str
    quantile_levels: tuple[float, ...]
    steps: StepRange | None = None
    series_key: tuple[str, ...] = ()

    def key(self, part: str = "") -> metric_types.MetricKey:
        """Names the sum, or a part of it, among the private metrics of a slice."""
        name = f"{steps_metric_name(_PRIVATE_NAME, self.steps)}{part}"
        return metric_types.MetricKey(name=name, model_name=self.model_name)

    @property
    def groups_key(self) -> metric_types.MetricKey:
        """Names the sums by group of series."""
        return self.key("_by_group")


def make_sources(model_names: Sequence[str], config: Mapping[str, Any]) -> list[Source]:
    """Reads from the configuration of a metric which sums it needs, one for each model."""
    steps = config.get("steps")
    return [
        Source(
            model_name=model_name,
            quantile_levels=tuple(config["quantile_levels"]),
            steps=None if steps is None else (steps[0], steps[1]),
            series_key=tuple(config.get("series_key", ())),
        )
        for model_name in model_names
    ]


def model_statistics(extracts: Mapping[str, Any], source: Source) -> FloatArray:
    """Computes the statistics of a batch of TFMA extracts for one model.

    Args:
        extracts: Features, labels and predictions, each with a batch axis.
        source: Which model, and which steps.

    Returns:
        Shape [B, S].

    Raises:
        ValueError: A feature or output is missing, or its shape is wrong.
    """
    features = extracts[constants.FEATURES_KEY]
    labels = extracts[constants.LABELS_KEY]
    predictions = extracts[constants.PREDICTIONS_KEY]
    if source.model_name:
        labels, predictions = labels[source.model_name], predictions[source.model_name]
    feature = functools.partial(_dense, features, kind="feature")
    output = functools.partial(_dense, predictions, kind="output")
    forecasts = Forecasts(
        actual=_dense({series_example.FUTURE_TARGET: labels}, series_example.FUTURE_TARGET),
        scored_mask=scored_periods(
            feature(series_example.FUTURE_OBSERVED_MASK),
            feature(series_example.FUTURE_IN_STOCK_FRACTION),
        ),
        quantiles=output("quantiles"),
        mean=output("mean"),
        naive_forecast=feature(series_example.NAIVE_FORECAST),
        naive_scale=_column(feature(series_example.NAIVE_SCALE)),
        naive_rms_scale=_column(feature(series_example.NAIVE_RMS_SCALE)),
    )
    return example_statistics(forecasts, source.quantile_levels, steps=source.steps)


def example_groups(
    extracts: Mapping[str, Any], series_key: Sequence[str], rows: int
) -> npt.NDArray[np.int64]:
    """Tells the group of series of each example of a batch. Shape [B].

    Raises:
        ValueError: A column of the key is missing.
    """
    features = extracts[constants.FEATURES_KEY]
    return series_groups([_column(_dense(features, name)) for name in series_key], rows)


class StatisticsPreprocessor(metric_types.Preprocessor):
    """Hands the statistics of an extract to the combiner, computing them if nobody has."""

    def __init__(self, source: Source) -> None:
        super().__init__(name=f"forecast_statistics({source})")
        self._source = source

    def process(self, extracts: Mapping[str, Any]) -> Iterator[SeriesSums]:
        """Yields the sums of one extract."""
        if STATISTICS_KEY in extracts:
            yield extracts[STATISTICS_KEY][self._source]
        else:
            batch = _with_batch_axis(
                {
                    key: extracts[key]
                    for key in (
                        constants.FEATURES_KEY,
                        constants.LABELS_KEY,
                        constants.PREDICTIONS_KEY,
                    )
                }
            )
            rows = model_statistics(batch, self._source)
            yield series_sums(rows, example_groups(batch, self._source.series_key, len(rows)))


class SumCombineFn(beam.CombineFn):
    """Adds up statistics; an accumulator is a short list of sums."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self._source = source

    def create_accumulator(self) -> list[SeriesSums]:
        """Starts with nothing."""
        return []

    def add_input(self, accumulator: list[SeriesSums], part: SeriesSums) -> list[SeriesSums]:
        """Puts a part aside, and adds up when there are many."""
        accumulator.append(part)
        return [merge_sums(accumulator)] if len(accumulator) >= _MERGED_AT else accumulator

    def merge_accumulators(self, accumulators: Iterable[list[SeriesSums]]) -> list[SeriesSums]:
        """Adds up the parts of all accumulators."""
        return self.compact([part for parts in accumulators for part in parts])

    def compact(self, accumulator: list[SeriesSums]) -> list[SeriesSums]:
        """Adds up before the accumulator travels to another worker."""
        return [merge_sums(accumulator)] if accumulator else []

    def extract_output(
        self, accumulator: list[SeriesSums]
    ) -> dict[metric_types.MetricKey, FloatArray]:
        """Names the total and the sums by group."""
        sums = merge_sums(accumulator)
        return {self._source.key(): sums.total, self._source.groups_key: sums.by_group}


def _with_batch_axis(value: Any) -> Any:
    """Adds a leading axis of length 1 to each array of a nested dictionary."""
    if isinstance(value, Mapping):
        return {key: _with_batch_axis(item) for key, item in value.items()}
    return value[None] if isinstance(value, np.ndarray) else value


def _dense(values: Mapping[str, Any], name: str, kind: str = "feature") -> npt.NDArray[Any]:
    """Takes a dense array by name, or says what is there instead."""
    value = values.get(name)
    if not isinstance(value, np.ndarray):
        found = "nothing" if value is None else type(value).__name__
        raise ValueError(
            f"{kind} {name!r}: got {found}; expected a dense tensor, "
            f"as the schema must describe it; there are: {sorted(values)}"
        )
    return value


def _column(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Drops the axis of length 1 that TFMA gives scalars. Shape [B]."""
    return values.reshape(values.shape[0])
