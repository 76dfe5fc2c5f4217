"""The gate as data: an `EvalConfig` for TFMA.

What TFMA judges itself, overall and by the estimates: the floors, and the widest change against
the model in service. What it cannot judge: slices, because its thresholds know no minimum size,
and noise. Those rules are applied to its numbers by `demandcast.components.evaluation.judging`.
"""

from __future__ import annotations

import itertools
import json
import math

from google.protobuf import wrappers_pb2
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.proto import config_pb2

from demandcast.components.evaluation import tfma_metrics
from demandcast.components.evaluation.answers import SIGNATURE
from demandcast.components.metrics.quantile import interval_positions
from demandcast.components.metrics.steps import steps_metric_name
from demandcast.schema import series_example
from demandcast.schema.config.gate import FloorsConfig, GateConfig
from demandcast.schema.config.series import SeriesSpec

__all__ = ["INTERVALS", "make_eval_config"]

INTERVALS = {
    "coverage_80": 0.8,
    "coverage_90": 0.9,
    "strict_coverage_80": 0.8,
    "strict_coverage_90": 0.9,
}
"""Nominal coverage of the central intervals, by metric."""


def make_eval_config(series: SeriesSpec, gate: GateConfig) -> config_pb2.EvalConfig:
    """Describes to TFMA what is evaluated, by which slices, and what a model must show.

    Slices: overall, by demand class, and by each column of `gate.slices`. Coverage of an
    interval is left out, and not judged, if the quantile levels do not bound it. Its lower
    limit is set to coverage with the bounds, its upper one to coverage without them: demand
    in whole units often equals a bound, which says nothing against the interval.

    Args:
        series: What an example holds.
        gate: Floors, change against the model in service, slices.

    Returns:
        A configuration with a candidate and a baseline; TFX drops the baseline and the
        change when no model is in service.
    """
    columns = dict.fromkeys((series_example.DEMAND_CLASS, *gate.slices))
    return config_pb2.EvalConfig(
        model_specs=[_model_spec(constants.CANDIDATE_KEY), _model_spec(constants.BASELINE_KEY)],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            *(config_pb2.SlicingSpec(feature_keys=[column]) for column in columns),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=_metrics(series, gate))],
        # Keras' own metrics of the saved model: the network's loss is not one of ours.
        options=config_pb2.Options(include_default_metrics=wrappers_pb2.BoolValue(value=False)),
    )


def _model_spec(name: str) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        name=name,
        model_type=constants.TF_GENERIC,  # Or TFMA loads the model once more to find out.
        signature_name=SIGNATURE,
        label_key=series_example.FUTURE_TARGET,
        is_baseline=name == constants.BASELINE_KEY,
    )


def _metrics(series: SeriesSpec, gate: GateConfig) -> list[config_pb2.MetricConfig]:
    """Lists the metrics that the levels allow, with their thresholds, then those of steps."""
    levels = list(series.forecast.quantile_levels)
    thresholds = _floors(gate.floors)
    limits = gate.change.max_relative_loss_increase, gate.change.max_unproven_loss_increase
    thresholds["weighted_quantile_loss"] = config_pb2.MetricThreshold(
        change_threshold=config_pb2.GenericChangeThreshold(
            direction=config_pb2.LOWER_IS_BETTER,
            relative=_double(max(limits)),
        )
    )
    metrics = []
    for steps, (metric, cls) in itertools.product(
        (None, *gate.step_ranges), tfma_metrics.METRIC_CLASSES.items()
    ):
        if metric in INTERVALS and interval_positions(levels, INTERVALS[metric]) is None:
            continue
        name = steps_metric_name(metric, steps)
        values = {"name": name, "quantile_levels": levels, "series_key": series.series_key}
        config = config_pb2.MetricConfig(
            module=tfma_metrics.__name__,
            class_name=cls.__name__,
            config=json.dumps(values | ({} if steps is None else {"steps": steps})),
        )
        if name in thresholds:
            # A bare threshold would judge every slice; an empty slicing spec is overall.
            overall = config_pb2.PerSliceMetricThreshold(
                slicing_specs=[config_pb2.SlicingSpec()], threshold=thresholds[name]
            )
            config.per_slice_thresholds.append(overall)
        metrics.append(config)
    return metrics


def _floors(floors: FloorsConfig) -> dict[str, config_pb2.MetricThreshold]:
    """Words the floors as bounds; TFMA's bounds are inclusive, a skill must exceed its floor."""
    tolerance = floors.coverage_tolerance
    bounds: dict[str, tuple[float | None, float | None]] = {
        name: (None, nominal + tolerance)
        if name.startswith("strict_")
        else (nominal - tolerance, None)
        for name, nominal in INTERVALS.items()
    }
    for name in ("weighted_quantile_loss_skill", "wape_skill"):
        bounds[name] = (math.nextafter(getattr(floors, name), math.inf), None)
    if floors.max_absolute_bias is not None:
        bounds["bias"] = (-floors.max_absolute_bias, floors.max_absolute_bias)
    return {
        name: config_pb2.MetricThreshold(
            value_threshold=config_pb2.GenericValueThreshold(
                lower_bound=_double(low), upper_bound=_double(high)
            )
        )
        for name, (low, high) in bounds.items()
    }


def _double(value: float | None) -> wrappers_pb2.DoubleValue | None:
    return None if value is None else wrappers_pb2.DoubleValue(value=value)
