"""The search space in KerasTuner's terms."""

import pytest

from demandcast.schema.config import NetworkConfig, SpaceConfig, TrainingConfig

pytestmark = pytest.mark.slow


def declared(network=None, training=None, **configured):
    """Hyperparameters by name."""
    from demandcast.components.tuning.space import search_space

    space = SpaceConfig.model_validate({"network": network or {}, "training": training or {}})
    made = search_space(space, NetworkConfig(**configured), TrainingConfig())
    return {each.name: each for each in made.space}


def test_a_list_is_a_choice_and_its_default_is_the_configured_value():
    (units,) = declared({"units": [32, 64, 128]}).values()
    assert (units.name, units.values, units.default) == ("network.units", [32, 64, 128], 64)
    assert units.ordered


def test_the_configured_value_is_a_candidate_where_the_list_lacks_it():
    (units,) = declared({"units": [128, 32]}, units=48).values()
    assert (units.values, units.default) == ([32, 48, 128], 48)


def test_values_take_the_type_of_their_key():
    """YAML says 0 for 0.0; KerasTuner refuses a list of both."""
    (dropout,) = declared({"dropout": [0, 0.1]}).values()
    assert dropout.values == [0.0, 0.1]
    assert {type(value) for value in dropout.values} == {float}


def test_words_have_no_order():
    (weighting,) = declared(None, {"weighting": ["equal", "balanced"]}).values()
    assert (weighting.values, weighting.default) == (["equal", "balanced"], "balanced")
    assert not weighting.ordered


@pytest.mark.parametrize(
    ("section", "name", "spread", "kind"),
    [
        ("network", "units", {"low": 16, "high": 256, "scale": "log"}, "Int"),
        ("network", "units", {"low": 16, "high": 256}, "Int"),
        ("network", "dropout", {"low": 0, "high": 0.5}, "Float"),
        ("training", "learning_rate", {"low": 1e-4, "high": 1e-2, "scale": "log"}, "Float"),
    ],
)
def test_a_range_gives_values_inside_it_of_the_type_of_its_key(section, name, spread, kind):
    (made,) = declared(**{section: {name: spread}}).values()
    assert type(made).__name__ == kind
    drawn = [made.random_sample(seed) for seed in range(200)]
    assert all(spread["low"] <= value <= spread["high"] for value in drawn)
    assert {type(value) for value in drawn} == {int if kind == "Int" else float}
    assert len(set(drawn)) > 50


def test_a_log_range_is_even_in_exponents():
    (rate,) = declared(
        None, {"learning_rate": {"low": 1e-4, "high": 1e-2, "scale": "log"}}
    ).values()
    below = sum(rate.random_sample(seed) < 1e-3 for seed in range(1000))
    assert 430 < below < 570  # Half of the exponents from -4 to -2 lie below -3.


def test_untuned_values_are_the_configured_ones():
    from demandcast.components.tuning.space import untuned_values

    space = SpaceConfig.model_validate(
        {"network": {"units": [8]}, "training": {"schedule": ["constant"]}}
    )
    values = untuned_values(space, NetworkConfig(units=5), TrainingConfig())
    assert values == {"network.units": 5, "training.schedule": "cosine"}
