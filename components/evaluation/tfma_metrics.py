"""The metrics of `demandcast.components.metrics` as native TFMA metrics.

TFMA finds them by `MetricConfig(module=..., class_name=..., config='{"quantile_levels": ...}')`.
All of them share one computation per model, the sum of sufficient statistics; a metric only
reads it. The statistics are computed once per batch by the extractor in `module.py`, or, under
TFMA's own extractors, once per example by the preprocessor here: slower, the same numbers.

Read from each example: the labels `future_target`, `future_observed_mask` and
`future_in_stock_fraction`, and `naive_forecast`, `naive_scale`, `naive_rms_scale`. Read from
each model: `quantiles` and `mean`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import apache_beam as beam
import numpy as np
import numpy.typing as npt
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.metrics import metric_types

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.metrics.point import scored_periods
from demandcast.components.metrics.statistics import (
    METRICS,
    Forecasts,
    Sums,
    example_statistics,
)
from demandcast.schema import series_example

__all__ = [
    "METRIC_CLASSES",
    "STATISTICS_KEY",
    "Bias",
    "Coverage80",
    "Coverage90",
    "ForecastMetric",
    "Mase",
    "NaiveWape",
    "NaiveWeightedQuantileLoss",
    "Rmsse",
    "ScoredExamples",
    "ScoredPeriods",
    "StrictCoverage80",
    "StrictCoverage90",
    "Wape",
    "WapePerStep",
    "WapeSkill",
    "WeightedQuantileLoss",
    "WeightedQuantileLossSkill",
    "model_statistics",
]

STATISTICS_KEY = "forecast_statistics"
"""Extract that holds statistics by model name; one model has the name ''."""

_PRIVATE_NAME = "_forecast_statistics"  # TFMA drops metrics with a leading underscore.


def model_statistics(
    extracts: Mapping[str, Any], quantile_levels: Sequence[float], model_name: str
) -> FloatArray:
    """Computes the statistics of a batch of TFMA extracts for one model.

    Args:
        extracts: Features, labels and predictions, each with a batch axis.
        quantile_levels: Levels of the model's quantiles.
        model_name: Name in the evaluation's model specs; '' if there is one model.

    Returns:
        Shape [B, S].

    Raises:
        ValueError: A feature or output is missing, or its shape is wrong.
    """
    features = extracts[constants.FEATURES_KEY]
    labels = extracts[constants.LABELS_KEY]
    predictions = extracts[constants.PREDICTIONS_KEY]
    if model_name:
        labels, predictions = labels[model_name], predictions[model_name]
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
    return example_statistics(forecasts, quantile_levels)


class _StatisticsPreprocessor(metric_types.Preprocessor):
    """Hands the statistics of an extract to the combiner, computing them if nobody has."""

    def __init__(self, model_name: str, quantile_levels: Sequence[float]) -> None:
        super().__init__(name=f"forecast_statistics({model_name}, {list(quantile_levels)})")
        self._model_name = model_name
        self._quantile_levels = tuple(quantile_levels)

    def process(self, extracts: Mapping[str, Any]) -> Iterator[FloatArray]:
        if STATISTICS_KEY in extracts:
            yield extracts[STATISTICS_KEY][self._model_name]
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
            yield model_statistics(batch, self._quantile_levels, self._model_name)[0]


class _SumCombineFn(beam.CombineFn):
    """Adds rows of statistics."""

    def __init__(self, key: metric_types.MetricKey) -> None:
        super().__init__()
        self._key = key

    def create_accumulator(self) -> FloatArray:
        return np.zeros(())  # Takes the length of the first row that is added.

    def add_input(self, accumulator: FloatArray, row: FloatArray) -> FloatArray:
        return np.asarray(accumulator + row)

    def merge_accumulators(self, accumulators: Iterable[FloatArray]) -> FloatArray:
        return functools.reduce(np.add, accumulators, self.create_accumulator())

    def extract_output(self, accumulator: FloatArray) -> dict[metric_types.MetricKey, FloatArray]:
        return {self._key: accumulator}


def _read_metric(
    metric: str,
    source: metric_types.MetricKey,
    key: metric_types.MetricKey,
    sums: Mapping[metric_types.MetricKey, FloatArray],
) -> dict[metric_types.MetricKey, float]:
    """Reads one metric from the summed statistics of a slice."""
    return {key: float(METRICS[metric](Sums(sums[source])))}


def _computations(
    metric: str,
    *,
    name: str,
    quantile_levels: Sequence[float],
    model_names: Sequence[str] = ("",),
) -> list[metric_types.MetricComputation | metric_types.DerivedMetricComputation]:
    """Builds the shared sum and the metric that reads it, for each model."""
    computations = []
    for model_name in model_names:
        source = metric_types.MetricKey(name=_PRIVATE_NAME, model_name=model_name)
        key = metric_types.MetricKey(name=name, model_name=model_name)
        computations += [
            metric_types.MetricComputation(
                keys=[source],
                preprocessors=[_StatisticsPreprocessor(model_name, quantile_levels)],
                combiner=_SumCombineFn(source),
            ),
            metric_types.DerivedMetricComputation(
                keys=[key], result=functools.partial(_read_metric, metric, source, key)
            ),
        ]
    return computations


class ForecastMetric(metric_types.Metric):
    """A metric of `demandcast.components.metrics.statistics.METRICS`.

    Attributes:
        METRIC: Its name there, and in TFMA unless another is given.
    """

    METRIC: ClassVar[str]

    def __init__(self, quantile_levels: Sequence[float], name: str | None = None) -> None:
        """Takes what `MetricConfig.config` holds.

        Args:
            quantile_levels: Levels of the models' quantiles.
            name: Name of the metric in TFMA's results.
        """
        super().__init__(
            _create_computations(self.METRIC),
            name=name or self.METRIC,
            quantile_levels=list(quantile_levels),
        )


def _create_computations(metric: str) -> Any:
    """Returns what TFMA calls; TFMA reads the argument names to see what to pass."""

    def create(
        name: str, quantile_levels: Sequence[float], model_names: Sequence[str]
    ) -> list[metric_types.MetricComputation | metric_types.DerivedMetricComputation]:
        return _computations(
            metric, name=name, quantile_levels=quantile_levels, model_names=model_names
        )

    return create


class ScoredExamples(ForecastMetric):
    """Examples with a period that counts."""

    METRIC = "examples"


class ScoredPeriods(ForecastMetric):
    """Periods that count: recorded, and in stock all the time."""

    METRIC = "periods"


class WeightedQuantileLoss(ForecastMetric):
    """`demandcast.components.metrics.quantile.weighted_quantile_loss`."""

    METRIC = "weighted_quantile_loss"


class Wape(ForecastMetric):
    """`demandcast.components.metrics.point.wape` of the median."""

    METRIC = "wape"


class WapePerStep(ForecastMetric):
    """`demandcast.components.metrics.point.wape_per_step` of the median."""

    METRIC = "wape_per_step"


class Bias(ForecastMetric):
    """`demandcast.components.metrics.point.bias` of the mean; positive is over-forecast."""

    METRIC = "bias"


class Mase(ForecastMetric):
    """`demandcast.components.metrics.point.mase` of the median."""

    METRIC = "mase"


class Rmsse(ForecastMetric):
    """`demandcast.components.metrics.point.rmsse` of the mean."""

    METRIC = "rmsse"


class Coverage80(ForecastMetric):
    """`demandcast.components.metrics.quantile.coverage` of the central 80 % interval."""

    METRIC = "coverage_80"


class Coverage90(ForecastMetric):
    """`demandcast.components.metrics.quantile.coverage` of the central 90 % interval."""

    METRIC = "coverage_90"


class StrictCoverage80(ForecastMetric):
    """`Coverage80` where demand at a bound of the interval is outside."""

    METRIC = "strict_coverage_80"


class StrictCoverage90(ForecastMetric):
    """`Coverage90` where demand at a bound of the interval is outside."""

    METRIC = "strict_coverage_90"


class NaiveWeightedQuantileLoss(ForecastMetric):
    """Weighted quantile loss of the seasonal-naive forecast."""

    METRIC = "naive_weighted_quantile_loss"


class NaiveWape(ForecastMetric):
    """WAPE of the seasonal-naive forecast."""

    METRIC = "naive_wape"


class WeightedQuantileLossSkill(ForecastMetric):
    """1 - weighted quantile loss / that of the seasonal-naive forecast."""

    METRIC = "weighted_quantile_loss_skill"


class WapeSkill(ForecastMetric):
    """1 - WAPE / that of the seasonal-naive forecast."""

    METRIC = "wape_skill"


METRIC_CLASSES: Mapping[str, type[ForecastMetric]] = {
    cls.METRIC: cls
    for cls in (
        ScoredExamples,
        ScoredPeriods,
        WeightedQuantileLoss,
        Wape,
        WapePerStep,
        Bias,
        Mase,
        Rmsse,
        Coverage80,
        Coverage90,
        StrictCoverage80,
        StrictCoverage90,
        NaiveWeightedQuantileLoss,
        NaiveWape,
        WeightedQuantileLossSkill,
        WapeSkill,
    )
}
"""The class of each metric of `demandcast.components.metrics.statistics.METRICS`."""


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
