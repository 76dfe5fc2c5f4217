"""The search space in KerasTuner's terms; the configured values are its defaults."""

from __future__ import annotations

from collections.abc import Mapping

import keras_tuner

from demandcast.schema.config import (
    Candidates,
    NetworkConfig,
    SpaceConfig,
    TrainingConfig,
    Value,
    with_values,
)

__all__ = ["search_space", "untuned_values"]


def search_space(
    space: SpaceConfig, network: NetworkConfig, training: TrainingConfig
) -> keras_tuner.HyperParameters:
    """Declares every key that is searched.

    Args:
        space: What may be chosen.
        network: Its values are defaults, and candidates too where a list lacks them.
        training: The same.

    Returns:
        Hyperparameters named by the paths of their keys.
    """
    hyperparameters = keras_tuner.HyperParameters()
    defaults = untuned_values(space, network, training)
    for path, candidates in space.candidates.items():
        _declare(hyperparameters, path, candidates, default=defaults[path])
    return hyperparameters


def untuned_values(
    space: SpaceConfig, network: NetworkConfig, training: TrainingConfig
) -> dict[str, Value]:
    """Returns the configured values of the keys that are searched, by the paths of the keys."""
    return _values_of(space.candidates, network, training)


def _declare(
    hyperparameters: keras_tuner.HyperParameters,
    path: str,
    candidates: Candidates,
    *,
    default: Value,
) -> None:
    if candidates.values:
        # The section's own types: 0 is 0.0 for a key that holds a number with a fraction.
        values = [_as_in_section(path, value) for value in candidates.values]
        if default not in values:
            values.append(default)
        ordered = not isinstance(default, str)
        hyperparameters.Choice(path, sorted(values) if ordered else values, default=default)
        return
    make = hyperparameters.Int if isinstance(default, int) else hyperparameters.Float
    make(path, candidates.low, candidates.high, sampling=candidates.scale, default=default)


def _as_in_section(path: str, value: Value) -> Value:
    network, training = with_values(NetworkConfig(), TrainingConfig(), {path: value})
    return _values_of({path: None}, network, training)[path]


def _values_of(
    paths: Mapping[str, object], network: NetworkConfig, training: TrainingConfig
) -> dict[str, Value]:
    sections = {"network": network, "training": training}
    return {
        path: getattr(sections[path.partition(".")[0]], path.partition(".")[2]) for path in paths
    }
