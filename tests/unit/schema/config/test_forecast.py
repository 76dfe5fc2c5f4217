"""Shape of the forecast, and of the splits."""

import pytest
from configurations import parse

from demandcast.schema.config import DEFAULT_QUANTILE_LEVELS, ForecastConfig, SamplingConfig
from demandcast.schema.errors import ConfigurationError


def test_default_levels_contain_the_intervals_that_coverage_needs():
    assert {0.05, 0.1, 0.5, 0.9, 0.95} <= set(DEFAULT_QUANTILE_LEVELS)


@pytest.mark.parametrize("levels", [(0.5,), (0.1, 0.5), DEFAULT_QUANTILE_LEVELS])
def test_the_median_is_found(levels):
    forecast = ForecastConfig(quantile_levels=levels)
    assert levels[forecast.median_index] == 0.5


@pytest.mark.parametrize(("frequency", "season"), [("D", 7), ("W-MON", 52), ("W-SUN", 52)])
def test_season_follows_the_frequency(frequency, season):
    assert ForecastConfig(frequency=frequency).season == season


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([0.0, 0.5], "strictly between 0 and 1"),
        ([0.5, 1.0], "strictly between 0 and 1"),
        ([0.5, 0.1], "increase strictly"),
        ([0.5, 0.5], "increase strictly"),
        ([0.1, 0.9], r"must contain 0\.5"),
        ([], r"must contain 0\.5"),
        ([float("nan"), 0.5], "finite number"),
        ([0.5, float("inf")], "finite number"),
    ],
)
def test_wrong_levels_are_refused(levels, message):
    with pytest.raises(ConfigurationError, match=rf"forecast\.quantile_levels.*: got .*{message}"):
        parse(**{"forecast.quantile_levels": levels})


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("forecast.horizon", 0, r"forecast\.horizon: got 0; .*greater than or equal to 1"),
        ("forecast.horizon", 1025, r"forecast\.horizon: got 1025; .*less than or equal to 1024"),
        ("forecast.horizon", 1.5, r"forecast\.horizon: got 1\.5; .*valid integer"),
        ("forecast.horizon", "many", r"forecast\.horizon: got 'many'"),
        ("forecast.context_length", 5000, r"forecast\.context_length: got 5000"),
        ("forecast.frequency", "M", r"forecast\.frequency: got 'M'; .*'D', 'W-MON'"),
        ("sampling.max_history", 1, r"sampling\.max_history: got 1"),
        ("sampling.eval_cutoffs", 0, r"sampling\.eval_cutoffs: got 0"),
        ("sampling.eval_stride", 0, r"sampling\.eval_stride: got 0"),
        (
            "sampling.validation.kind",
            "random",
            r"validation\.kind: got 'random'; .*'later_cutoffs'",
        ),
        ("sampling.validation.fraction", 1, r"sampling\.validation\.fraction: got 1"),
    ],
)
def test_wrong_values_are_refused_with_path_value_and_what_is_allowed(key, value, message):
    with pytest.raises(ConfigurationError, match=message):
        parse(**{key: value})


def test_boundaries_are_allowed():
    assert ForecastConfig(horizon=1024, context_length=4096)
    assert ForecastConfig(horizon=1, context_length=1)
    assert SamplingConfig(max_history=2, min_history=1, eval_cutoffs=52)
