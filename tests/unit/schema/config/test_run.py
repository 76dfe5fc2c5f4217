"""Defaults of a run, and the checks across sections."""

import pydantic
import pytest
from configurations import minimal, parse

from demandcast.schema.config import RunConfig
from demandcast.schema.errors import ConfigurationError

DEFAULTS = {
    "workspace": "runs",
    "feature_schema": None,
    "forecast": {
        "frequency": "D",
        "context_length": 56,
        "horizon": 28,
        "quantile_levels": [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95],
    },
    "sampling": {
        "max_history": 1100,
        "min_history": 1,
        "min_demand": 0.0,
        "min_demand_periods": 0,
        "validation": {"kind": "later_cutoffs", "cutoffs": 1, "fraction": 0.1},
        "eval_cutoffs": 1,
        "eval_stride": None,
        "end": None,
    },
    "features": {
        "lags": [364, 371],
        "moving_averages": [7, 28],
        "growth_window": 28,
        "price_column": None,
        "interactions": [],
        "calendar": ["day_of_week", "day_of_month", "day_of_year"],
        "holiday_column": None,
        "imputation": {
            "numeric": "mean",
            "categorical": "own_category",
            "numeric_by_column": {},
        },
        "outliers": {
            "method": "quantile",
            "lower_quantile": 0.001,
            "upper_quantile": 0.999,
            "iqr_multiple": 3.0,
            "target_scale_multiple": 10.0,
        },
        "vocabulary": {"min_count": 5, "max_size": 100_000, "oov_buckets": 1},
    },
    "network": {
        "units": 64,
        "layers": 1,
        "dropout": 0.1,
        "embedding_size": 16,
        "head_units": 64,
    },
    "training": {
        "epochs": 20,
        "windows_per_series": 4,
        "batch_size": 512,
        "learning_rate": 2e-3,
        "schedule": "cosine",
        "patience": 5,
        "max_minutes": None,
        "weighting": "balanced",
        "mean_loss_weight": 0.25,
        "gradient_clip": 1.0,
        "shuffle_buffer": 20_000,
        "cache_in_memory": True,
        "seed": 17,
    },
    "tuning": {
        "enabled": False,
        "algorithm": "bayesian",
        "max_seconds": 1800.0,
        "max_trials": 20,
        "epochs": None,
        "windows_per_series": None,
        "seed": 17,
        "space": {
            "network": {
                "units": [32, 64, 96, 128],
                "layers": [1, 2],
                "dropout": {"low": 0.0, "high": 0.3},
                "embedding_size": [8, 16, 32],
                "head_units": [32, 64, 128],
            },
            "training": {
                "learning_rate": {"low": 5e-4, "high": 1e-2, "scale": "log"},
                "batch_size": [128, 256, 512],
            },
        },
    },
    "gate": {
        "floors": {
            "weighted_quantile_loss_skill": 0.0,
            "wape_skill": 0.0,
            "coverage_tolerance": 0.1,
            "coverage_tolerance_per_slice": 0.2,
            "max_absolute_bias": 0.3,
        },
        "change": {
            "max_relative_loss_increase": 0.01,
            "max_unproven_loss_increase": 0.03,
            "max_relative_loss_increase_per_slice": 0.1,
            "max_unproven_loss_increase_per_slice": 0.3,
            "min_slice_examples": 100,
        },
        "cost": {
            "enabled": False,
            "max_cost_increase": 0.02,
            "max_unproven_cost_increase": 0.1,
            "min_expected_shortages": 10.0,
            "interval": 7,
            "holding_cost": 1.0,
            "stockout_cost": None,
        },
        "slices": [],
        "step_ranges": [],
    },
    "push": {"serving_directory": None, "model_name": "demand"},
    "serving": {
        "infra_validation": True,
        "warmup": True,
        "smoke_test": True,
        "command": [
            "demandcast",
            "serve",
            "--port={port}",
            "--rest_api_port={rest_api_port}",
            "--model_name={model_name}",
            "--model_base_path={model_base_path}",
        ],
        "address": None,
        "timeout_seconds": 300.0,
        "tries": 2,
    },
    "continuity": {
        "enabled": True,
        "max_history_change": 0.05,
        "settling_periods": 7,
        "max_series_loss": 0.2,
        "max_changed_series": 0.05,
        "max_level_ratio": 5.0,
        "max_level_surprise": 1.5,
        "max_repeated_share": 0.5,
        "max_target_correlation": 0.98,
    },
    "replenishment": {
        "enabled": False,
        "tables": {
            "inventory": None,
            "open_orders": None,
            "supply_terms": None,
            "suppliers": None,
            "lead_times": None,
            "price_breaks": None,
            "supplier_closures": None,
        },
        "service": {"measure": "cycle_service_level", "target": 0.95},
        "unmet_demand": "lost",
        "order_moment": "before_opening",
        "paths": 1_000,
        "seed": 17,
        "calibrate": True,
        "memory": None,
        "extrapolate": False,
        "holding_cost_rate": 0.25,
        "currency": "",
        "budget": None,
        "risk": {"medium": 0.05, "high": 0.15, "critical": 0.4},
        "approval": {"min_value": 1_000.0, "min_stockout_probability": 0.4, "four_eyes": False},
    },
    "retention": {
        "runs": 10,
        "run_days": None,
        "versions": 5,
        "version_days": None,
        "leftover_hours": 24.0,
    },
    "beam": {"args": [], "partitions": 16, "block_rows": 262_144},
    "kubeflow": {
        "pipeline_root": None,
        "image": None,
        "gpu_image": None,
        "image_pull_secret": None,
        "service_account": None,
        "volumes": [],
        "cache": True,
        "defaults": {
            "cpu": 2.0,
            "memory_gib": 8.0,
            "gpus": 0,
            "gpu_type": "nvidia.com/gpu",
            "disk_gib": None,
            "node_selector": {},
            "tolerations": [],
            "labels": {},
            "retries": 2,
            "backoff_seconds": 30,
            "backoff_max_seconds": 600,
            "timeout_minutes": None,
            "beam_args": None,
        },
        "stages": {},
    },
}


def test_defaults_are_pinned():
    values = parse().model_dump(mode="json")
    assert {key: values[key] for key in DEFAULTS} == DEFAULTS
    assert set(values) == {*DEFAULTS, "name", "data"}


def test_a_configuration_is_frozen():
    config = parse()
    for section, key in ((config, "name"), (config.forecast, "horizon")):
        with pytest.raises(pydantic.ValidationError, match="frozen"):
            setattr(section, key, 1)


def test_a_configuration_survives_json():
    config = parse(**{"gate.slices": ["store"], "features.lags": [28]})
    assert RunConfig.model_validate_json(config.model_dump_json()) == config


def test_series_spec_takes_names_types_and_shapes():
    config = parse(
        **{
            "data.columns.static": ["category"],
            "data.columns.known_future": {"numeric": ["price"], "categorical": ["promotion"]},
            "data.columns.observed_past": {"numeric": ["rain"]},
            "forecast.horizon": 7,
        }
    )
    series = config.series
    assert series.series_key == ("store", "item")
    assert series.static == ("store", "item", "category")
    assert series.known_future.names == ("price", "promotion")
    assert series.observed_past.names == ("rain",)
    assert series.forecast == config.forecast


@pytest.mark.parametrize("name", ["", "a b", "a/b", "é"])
def test_names_of_pipelines_are_letters_digits_and_dashes(name):
    with pytest.raises(ConfigurationError, match=r"name: got .*; name may hold letters"):
        parse(name=name)
    assert parse(name="A-b_9").name == "A-b_9"


def test_lags_reach_back_at_least_one_horizon():
    assert parse(**{"forecast.horizon": 28, "features.lags": [28]}).features.lags == (28,)
    with pytest.raises(ConfigurationError, match=r"at least forecast\.horizon \(28\).*\[27\]"):
        parse(**{"forecast.horizon": 28, "features.lags": [27, 364]})


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "gate.slices",
            ["colour"],
            r"gate\.slices: no such column \['colour'\]; allowed: \['store",
        ),
        ("features.price_column", "p", r"features\.price_column: no such column \['p'\]"),
        ("features.price_column", "promotion", r"price_column: no such column \['promotion'\]"),
        ("features.holiday_column", "h", r"holiday_column: no such column \['h'\]; .*'price'"),
        (
            "features.imputation.numeric_by_column",
            {"promotion": "zero"},
            r"numeric_by_column: no such column \['promotion'\]; allowed: \['price', 'rain'\]",
        ),
        (
            "features.interactions",
            [{"columns": ["store", "rain"]}],
            r"features\.interactions: no such column \['rain'\]",
        ),
    ],
)
def test_named_columns_must_exist_in_the_right_role(key, value, message):
    columns = {
        "data.columns.known_future": {"numeric": ["price"], "categorical": ["promotion"]},
        "data.columns.observed_past": {"numeric": ["rain"]},
    }
    with pytest.raises(ConfigurationError, match=message):
        parse(**columns, **{key: value})


def test_a_history_holds_a_context():
    given = {"forecast.context_length": 30}
    with pytest.raises(
        ConfigurationError,
        match=r"sampling\.max_history: got 29; allowed: forecast\.context_length \(30\) or more",
    ):
        parse(**given, **{"sampling.max_history": 29})
    assert parse(**given, **{"sampling.max_history": 30})


def test_required_keys_are_name_and_data():
    required = {name for name, field in RunConfig.model_fields.items() if field.is_required()}
    assert required == set(minimal())


def test_weekly_defaults_of_features_are_weeks():
    features = parse(**{"forecast.frequency": "W-FRI", "forecast.horizon": 13}).features
    assert features.lags == (52, 53)
    assert features.moving_averages == (4, 13)
    assert features.growth_window == 13
    assert features.calendar == ("week_of_year", "day_of_month")


def test_what_is_given_for_weekly_features_is_kept():
    given = {"forecast.frequency": "W-MON", "forecast.horizon": 4, "features.lags": [4]}
    config = parse(**given, **{"features.calendar": []})
    assert config.features.lags == (4,)
    assert config.features.calendar == ()


@pytest.mark.parametrize("name", ["Unit Price", "price€", "_price", "1st", "a-b", "a.b", ""])
def test_names_that_a_model_cannot_have_are_refused(name):
    with pytest.raises(ConfigurationError, match="inputs of the served model"):
        parse(**{"data.columns.known_future": {"numeric": [name]}})


@pytest.mark.parametrize(
    ("columns", "features", "twice"),
    [
        ({"known_future": {"numeric": ["p", "relative_price"]}}, {"price_column": "p"}, "relative"),
        ({"observed_past": {"numeric": ["growth"]}}, {}, "past_growth"),
        (
            {"static": ["store_x_item"]},
            {"interactions": [{"columns": ["store", "item"]}]},
            "static_store_x_item",
        ),
    ],
)
def test_a_column_named_like_a_feature_is_refused(columns, features, twice):
    changes = {f"data.columns.{key}": value for key, value in columns.items()}
    changes |= {f"features.{key}": value for key, value in features.items()}
    with pytest.raises(ConfigurationError, match=f"made twice.*{twice}"):
        parse(**changes)


def test_a_remote_workspace_is_refused():
    with pytest.raises(ConfigurationError, match="workspace: got 'gs://b/w'"):
        parse(workspace="gs://b/w")
