"""The metrics of `demandcast.components.metrics` as native TFMA metrics, with their intervals.

TFMA finds them by `MetricConfig(module=..., class_name=..., config=...)`; the configuration
is what `ForecastMetric` takes: `{"quantile_levels": [...], "steps": [1, 7], ...}`. All metrics
of a range of steps share one computation per model, the sum of `tfma_statistics`; a metric only
reads it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tensorflow_model_analysis.metrics import metric_types

from demandcast.components.evaluation.tfma_intervals import interval_computation
from demandcast.components.evaluation.tfma_statistics import (
    Source,
    StatisticsPreprocessor,
    SumCombineFn,
    make_sources,
)
from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.metrics.jackknife import INTERVAL_METRICS
from demandcast.components.metrics.statistics import METRICS, Sums
from demandcast.components.metrics.steps import StepRange, steps_metric_name

__all__ = [
    "METRIC_CLASSES",
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
]


def _read_metric(
    metric: str,
    source: Source,
    key: metric_types.MetricKey,
    sums: Mapping[metric_types.MetricKey, FloatArray],
) -> dict[metric_types.MetricKey, float]:
    """Reads one metric from the summed statistics of a slice."""
    return {key: float(METRICS[metric](Sums(sums[source.key()])))}


def _computations(
    metric: str, name: str, sources: Sequence[Source]
) -> list[metric_types.MetricComputation | metric_types.DerivedMetricComputation]:
    """Builds the shared sum and the metric that reads it, for each model, then the intervals."""
    computations = []
    for source in sources:
        key = metric_types.MetricKey(name=name, model_name=source.model_name)
        computations += [
            metric_types.MetricComputation(
                keys=[source.key(), source.groups_key],
                preprocessors=[StatisticsPreprocessor(source)],
                combiner=SumCombineFn(source),
            ),
            metric_types.DerivedMetricComputation(
                keys=[key], result=functools.partial(_read_metric, metric, source, key)
            ),
        ]
    if metric in INTERVAL_METRICS:
        computations.append(interval_computation(metric, name, sources))
    return computations


class ForecastMetric(metric_types.Metric):
    """A metric of `demandcast.components.metrics.statistics.METRICS`.

    Attributes:
        METRIC: Its name there, and in TFMA unless another is given.
    """

    METRIC: ClassVar[str]

    def __init__(
        self,
        quantile_levels: Sequence[float],
        name: str | None = None,
        *,
        steps: Sequence[int] | None = None,
        series_key: Sequence[str] = (),
    ) -> None:
        """Takes what `MetricConfig.config` holds.

        Args:
            quantile_levels: Levels of the models' quantiles.
            name: Name of the metric in TFMA's results; `<metric>_steps_<first>_<last>` for a
                range of steps if not given.
            steps: First and last step that count; the whole horizon if not given.
            series_key: Features that together name a series, for the interval.
        """
        counted = None if steps is None else (steps[0], steps[1])
        super().__init__(
            _create_computations(self.METRIC),
            name=name or steps_metric_name(self.METRIC, counted),
            quantile_levels=list(quantile_levels),
            steps=counted,
            series_key=list(series_key),
        )


def _create_computations(metric: str) -> Any:
    """Returns what TFMA calls; TFMA reads the argument names to see what to pass."""

    def create(
        name: str,
        quantile_levels: Sequence[float],
        steps: StepRange | None,
        series_key: Sequence[str],
        model_names: Sequence[str] = ("",),
    ) -> list[metric_types.MetricComputation | metric_types.DerivedMetricComputation]:
        config = {"quantile_levels": quantile_levels, "steps": steps, "series_key": series_key}
        return _computations(metric, name, make_sources(model_names, config))

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
