"""Confidence intervals of our metrics, in TFMA's own form.

TFMA's jackknife and bootstrap resample extracts. One of ours is a batch's share of a slice, and
under TFMA's own extractors it would be an example: neither is a series. So series are resampled
by `demandcast.components.metrics.jackknife` in the same pass that computes the metrics, and TFMA
gets the result where it puts those of its own: a value with standard error and degrees of
freedom. It writes them as confidence intervals, and its thresholds look at the value alone.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy.typing as npt
from tensorflow_model_analysis.api import types
from tensorflow_model_analysis.metrics import metric_types

from demandcast.components.evaluation.tfma_statistics import Source
from demandcast.components.evaluation.verdict import LOSS, LOSS_INCREASE
from demandcast.components.metrics.arrays import ratio
from demandcast.components.metrics.jackknife import estimate, without_each
from demandcast.components.metrics.statistics import METRICS
from demandcast.components.metrics.steps import steps_metric_name

__all__ = ["interval_computation"]


def interval_computation(
    metric: str, name: str, sources: Sequence[Source]
) -> metric_types.CIDerivedMetricComputation:
    """Builds what gives a metric, and its difference between two models, an interval.

    Args:
        metric: Name in `METRICS`.
        name: Its name in TFMA's results.
        sources: The sum of each model.
    """
    keys = [metric_types.MetricKey(name=name, model_name=source.model_name) for source in sources]
    return metric_types.CIDerivedMetricComputation(
        keys=keys,
        result=functools.partial(_add_intervals, metric, dict(zip(keys, sources, strict=True))),
    )


def _add_intervals(
    metric: str,
    sources: Mapping[metric_types.MetricKey, Source],
    results: Mapping[metric_types.MetricKey, Any],
) -> dict[metric_types.MetricKey, Any]:
    """Replaces values of a slice by values with intervals."""
    without = {
        key: METRICS[metric](without_each(results[source.groups_key]))
        for key, source in sources.items()
    }
    found = {key: _with_error(results[key], without[key]) for key in sources}
    for candidate, baseline in _compared(list(sources), results):
        difference = candidate.make_diff_key()
        found[difference] = _with_error(results[difference], without[candidate] - without[baseline])
        if metric == LOSS:
            name = steps_metric_name(LOSS_INCREASE, sources[candidate].steps)
            found[difference._replace(name=name)] = _with_error(
                float(ratio(results[candidate], results[baseline])) - 1,
                ratio(without[candidate], without[baseline]) - 1,
            )
    return found


def _compared(
    keys: Sequence[metric_types.MetricKey], results: Mapping[metric_types.MetricKey, Any]
) -> Iterator[tuple[metric_types.MetricKey, metric_types.MetricKey]]:
    """Finds candidate and baseline: TFMA has computed a difference for the candidate."""
    for candidate in keys:
        if candidate.make_diff_key() in results:
            yield from ((candidate, other) for other in keys if other != candidate)


def _with_error(value: float, without: npt.ArrayLike) -> Any:
    """Adds the standard error that leaving out groups of series shows, if it shows one."""
    found = estimate(value, without)
    if not (math.isfinite(found.value) and math.isfinite(found.error)):
        return value
    return types.ValueWithTDistribution(found.value, found.error, found.freedom, found.value)
