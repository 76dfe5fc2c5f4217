"""The gate as data."""

import json

import pytest
from evaluation_models import LEVELS, make_series

from demandcast.components.evaluation import tfma_metrics
from demandcast.components.evaluation.eval_config import make_eval_config
from demandcast.components.metrics.statistics import METRICS
from demandcast.schema.config.gate import ChangeConfig, FloorsConfig, GateConfig

pytestmark = pytest.mark.slow


def metrics_of(config):
    return {json.loads(m.config)["name"]: m for spec in config.metrics_specs for m in spec.metrics}


def overall_threshold(config, name):
    (threshold,) = metrics_of(config)[name].per_slice_thresholds
    (spec,) = threshold.slicing_specs
    assert not spec.feature_keys
    assert not spec.feature_values
    return threshold.threshold


def test_candidate_and_baseline():
    candidate, baseline = make_eval_config(make_series(14), GateConfig()).model_specs
    assert (candidate.name, candidate.is_baseline) == ("candidate", False)
    assert (baseline.name, baseline.is_baseline) == ("baseline", True)
    for spec in (candidate, baseline):
        assert spec.signature_name == "serving_examples"
        assert spec.label_key == "future_target"


def test_slices_are_overall_demand_class_and_the_configured_columns():
    gate = GateConfig(slices=("store", "demand_class", "item"))
    specs = make_eval_config(make_series(14), gate).slicing_specs
    assert [list(spec.feature_keys) for spec in specs] == [
        [],
        ["demand_class"],
        ["store"],
        ["item"],
    ]


def test_every_metric_is_there_with_the_levels():
    metrics = metrics_of(make_eval_config(make_series(14), GateConfig()))
    assert metrics.keys() == METRICS.keys()
    for metric in metrics.values():
        assert json.loads(metric.config)["quantile_levels"] == list(LEVELS)
        assert metric.module == "demandcast.components.evaluation.tfma_metrics"
        assert issubclass(getattr(tfma_metrics, metric.class_name), tfma_metrics.ForecastMetric)


def test_coverage_is_left_out_if_the_levels_do_not_bound_it():
    metrics = metrics_of(make_eval_config(make_series(14, levels=(0.1, 0.5, 0.9)), GateConfig()))
    assert METRICS.keys() - metrics.keys() == {"coverage_90", "strict_coverage_90"}


def test_every_range_of_steps_has_every_metric():
    gate = GateConfig(step_ranges=((1, 7), (8, 14)))
    metrics = metrics_of(make_eval_config(make_series(14), gate))
    assert metrics.keys() == {
        f"{name}{suffix}" for name in METRICS for suffix in ("", "_steps_1_7", "_steps_8_14")
    }
    config = json.loads(metrics["wape_steps_8_14"].config)
    assert config == {
        "name": "wape_steps_8_14",
        "quantile_levels": list(LEVELS),
        "series_key": ["item"],
        "steps": [8, 14],
    }
    assert not metrics["wape_skill_steps_1_7"].per_slice_thresholds


@pytest.mark.parametrize("name", ["weighted_quantile_loss_skill", "wape_skill"])
@pytest.mark.parametrize("floor", [0.0, 0.05, -0.5])
def test_skill_must_exceed_its_floor(name, floor):
    gate = GateConfig(floors=FloorsConfig(**{name: floor}))
    value = overall_threshold(make_eval_config(make_series(14), gate), name).value_threshold
    assert value.lower_bound.value > floor
    assert value.lower_bound.value == pytest.approx(floor, abs=1e-12)
    assert not value.HasField("upper_bound")


@pytest.mark.parametrize(("name", "nominal"), [("coverage_80", 0.8), ("coverage_90", 0.9)])
def test_coverage_is_bounded_on_both_sides(name, nominal):
    gate = GateConfig(floors=FloorsConfig(coverage_tolerance=0.05))
    config = make_eval_config(make_series(14), gate)
    value = overall_threshold(config, name).value_threshold
    assert value.lower_bound.value == pytest.approx(nominal - 0.05)
    assert not value.HasField("upper_bound")
    value = overall_threshold(config, f"strict_{name}").value_threshold
    assert value.upper_bound.value == pytest.approx(nominal + 0.05)
    assert not value.HasField("lower_bound")


def test_bias_is_judged_unless_any_will_do():
    gate = GateConfig(floors=FloorsConfig(max_absolute_bias=None))
    assert not metrics_of(make_eval_config(make_series(14), gate))["bias"].per_slice_thresholds
    gate = GateConfig(floors=FloorsConfig(max_absolute_bias=0.1))
    value = overall_threshold(make_eval_config(make_series(14), gate), "bias").value_threshold
    assert (value.lower_bound.value, value.upper_bound.value) == (-0.1, 0.1)


def test_change_of_the_loss_is_judged_overall():
    gate = GateConfig(change=ChangeConfig(max_relative_loss_increase=0.03))
    threshold = overall_threshold(
        make_eval_config(make_series(14), gate), "weighted_quantile_loss"
    ).change_threshold
    assert threshold.relative.value == 0.03
