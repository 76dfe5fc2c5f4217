"""What TFMA wrote, read back: metrics with their intervals by slice, and broken thresholds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.slicer import slicer_lib

from demandcast.components.evaluation.verdict import OVERALL, Difference, SliceResult
from demandcast.components.metrics.jackknife import INTERVAL_METRICS
from demandcast.components.metrics.steps import split_metric_name

__all__ = ["read_failures", "read_slices"]


def read_slices(evaluation_uri: str) -> list[SliceResult]:
    """Reads TFMA's metrics by slice."""
    return [
        _slice_result(
            slicer_lib.deserialize_slice_key(record.slice_key), record.metric_keys_and_values
        )
        for record in tfma.load_metrics(evaluation_uri)
    ]


def read_failures(evaluation_uri: str) -> set[str]:
    """Reads the metrics whose thresholds TFMA found broken."""
    result = tfma.load_validation_result(evaluation_uri)
    failures = {
        failure.metric_key.name
        for part in result.metric_validations_per_slice
        for failure in part.failures
    }
    if not failures and not result.validation_ok:
        return {"a slice with a threshold is missing"}
    return failures


def _slice_result(slice_key: Iterable[tuple[str, Any]], items: Iterable[Any]) -> SliceResult:
    """Sorts the numbers of a slice by model."""
    values: dict[str, dict[str, float | None]] = {}
    bounds: dict[str, dict[str, tuple[float, float] | None]] = {}
    difference: dict[str, Difference] = {}
    groups = 0
    for item in items:
        if not item.value.HasField("double_value"):
            continue
        name, value = item.key.name, item.value.double_value.value
        interval = _interval(item)
        if interval is not None:
            groups = max(groups, int(item.confidence_interval.degrees_of_freedom.value) + 1)
        if not item.key.is_diff:
            values.setdefault(item.key.model_name, {})[name] = _finite(value)
            if split_metric_name(name)[0] in INTERVAL_METRICS:
                bounds.setdefault(item.key.model_name, {})[name] = interval
        elif interval is not None:
            difference[name] = Difference(value=value, low=interval[0], high=interval[1])
    candidate = constants.CANDIDATE_KEY if constants.CANDIDATE_KEY in values else ""
    return SliceResult(
        name=", ".join(f"{column}={value}" for column, value in slice_key) or OVERALL,
        candidate=values.get(candidate, {}),
        in_service=values.get(constants.BASELINE_KEY, {}),
        intervals=bounds.get(candidate, {}),
        difference=difference,
        groups=groups,
    )


def _interval(item: Any) -> tuple[float, float] | None:
    """Reads a confidence interval; none if it is missing or says nothing."""
    if not item.HasField("confidence_interval"):
        return None
    found = item.confidence_interval
    low, high = found.lower_bound.double_value.value, found.upper_bound.double_value.value
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
