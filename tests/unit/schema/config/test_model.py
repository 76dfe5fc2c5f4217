"""The network and its training: ranges."""

import pytest
from configurations import parse

from demandcast.schema.errors import ConfigurationError


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("network.units", 0, r"network\.units: got 0"),
        ("network.layers", 5, r"network\.layers: got 5; .*less than or equal to 4"),
        ("network.dropout", 1, r"network\.dropout: got 1; .*less than 1"),
        ("network.dropout", -0.1, r"network\.dropout: got -0\.1"),
        ("training.epochs", 0, r"training\.epochs: got 0"),
        ("training.learning_rate", 0, r"training\.learning_rate: got 0"),
        ("training.schedule", "step", r"training\.schedule: got 'step'; .*'cosine' or 'constant'"),
        (
            "training.weighting",
            "x",
            r"training\.weighting: got 'x'; .*'equal', 'balanced' or 'volume'",
        ),
        ("training.seed", -1, r"training\.seed: got -1"),
        ("training.max_minutes", 0, r"training\.max_minutes: got 0"),
        ("training.cache_in_memory", "maybe", r"cache_in_memory: got 'maybe'; .*boolean"),
    ],
)
def test_wrong_values_are_refused_with_path_value_and_what_is_allowed(key, value, message):
    with pytest.raises(ConfigurationError, match=message):
        parse(**{key: value})


def test_numbers_in_exponent_form_are_numbers():
    assert parse(**{"training.learning_rate": 1e-05}).training.learning_rate == 1e-05
