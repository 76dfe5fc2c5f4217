"""The search: candidates, limits, and how values are put into their sections."""

import pytest
import yaml
from configurations import parse

from demandcast.schema.config import (
    Candidates,
    NetworkConfig,
    RunConfig,
    TrainingConfig,
    TuningConfig,
    with_values,
)
from demandcast.schema.errors import ConfigurationError


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("tuning.max_seconds", 0, r"tuning\.max_seconds: got 0; .*greater than 0"),
        ("tuning.max_trials", 0, r"tuning\.max_trials: got 0"),
        ("tuning.max_trials", 1000, r"tuning\.max_trials: got 1000; .*less than or equal to 999"),
        ("tuning.algorithm", "grid", r"got 'grid'; .*'bayesian', 'random' or 'hyperband'"),
        ("tuning.space", {"units": [1]}, r"tuning\.space\.units: unknown key; .*network, training"),
        ("tuning.space.network", {"units": [0, 8]}, r"network\.units: got 0; .*equal to 1"),
        (
            "tuning.space.network",
            {"unit": [8]},
            r"network\.unit cannot be searched; allowed in network: units, layers, dropout",
        ),
        (
            "tuning.space.training",
            {"epochs": [8]},
            r"training\.epochs cannot be searched; .*batch_size, learning_rate",
        ),
        ("tuning.space.training", {"seed": [8]}, r"training\.seed cannot be searched"),
        (
            "tuning.space.network",
            {"units": {"low": 1.5, "high": 8}},
            r"network\.units: got 1\.5; .*valid integer",
        ),
        (
            "tuning.space.network",
            {"dropout": {"low": 0, "high": 1}},
            r"network\.dropout: got 1; .*less than 1",
        ),
        (
            "tuning.space.training",
            {"weighting": ["equal", "loud"]},
            r"training\.weighting: got 'loud'; .*'equal', 'balanced' or 'volume'",
        ),
        ("tuning.space.network", {"units": []}, r"units: .*list of values, such as \[32, 64\]"),
        ("tuning.space.network", {"units": [8, 8]}, r"units: .*a value is given twice: \[8, 8\]"),
        ("tuning.space.network", {"units": 8}, r"space\.network\.units: got 8"),
        ("tuning.space.network", {"units": {"low": 8}}, r"units: .*low and high"),
        (
            "tuning.space.network",
            {"units": {"low": 8, "high": 8}},
            r"units: low \(8\) must be below high \(8\)",
        ),
        (
            "tuning.space.network",
            {"units": {"values": [4], "low": 8, "high": 9}},
            r"units: .*not both",
        ),
        (
            "tuning.space.network",
            {"dropout": {"low": 0, "high": 0.5, "scale": "log"}},
            r"dropout: with scale log, low must be above 0; got 0",
        ),
        (
            "tuning.space.network",
            {"units": {"from": 8}},
            r"space\.network\.units\.from: unknown key; allowed here: high, low, scale, values",
        ),
    ],
)
def test_wrong_values_are_refused_with_path_value_and_what_is_allowed(key, value, message):
    with pytest.raises(ConfigurationError, match=message):
        parse(**{key: value})


def test_a_search_needs_something_to_search():
    nothing = {"network": {}, "training": {}}
    assert not parse(**{"tuning.space": nothing}).tuning.space.candidates
    with pytest.raises(ConfigurationError, match=r"tuning: .*nothing to search"):
        parse(**{"tuning.space": nothing, "tuning.enabled": True})


def test_what_is_given_replaces_the_candidates_of_its_section():
    space = parse(**{"tuning.space": {"network": {"units": [8, 16]}}}).tuning.space
    assert list(space.candidates) == [
        "network.units",
        "training.learning_rate",
        "training.batch_size",
    ]


@pytest.mark.parametrize(
    "text", ["[32, 64]", "{low: 16, high: 128, scale: log}", "{low: 0.0, high: 0.3}", "[a, b]"]
)
def test_candidates_are_written_as_they_are_given(text):
    given = yaml.safe_load(text)
    written = Candidates.model_validate(given).model_dump(mode="json")
    assert written == given
    assert Candidates.model_validate(written) == Candidates.model_validate(given)


def test_the_section_survives_json():
    """As which it travels to the Tuner."""
    tuning = TuningConfig(max_trials=3)
    assert TuningConfig.model_validate_json(tuning.model_dump_json()) == tuning


def test_every_default_candidate_is_allowed_and_the_defaults_are_inside():
    """Else the first trial would lie outside of what the search looks at."""
    config: RunConfig = parse()
    for path, candidates in config.tuning.space.candidates.items():
        section, name = path.split(".")
        default = getattr(getattr(config, section), name)
        if candidates.values:
            assert default in candidates.values, path
        else:
            assert candidates.low <= default <= candidates.high, path


def test_values_are_put_into_their_sections_and_checked():
    network, training = with_values(
        NetworkConfig(layers=2), TrainingConfig(), {"network.units": 8, "training.batch_size": 4}
    )
    assert network == NetworkConfig(layers=2, units=8)
    assert training == TrainingConfig(batch_size=4)
    with pytest.raises(ValueError, match="units"):
        with_values(NetworkConfig(), TrainingConfig(), {"network.units": 0})
