"""With which network and training a model was made, and what of it a search chose."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from demandcast.schema.config import NetworkConfig, TrainingConfig, Value, with_values

__all__ = ["ModelSettings", "value_text", "values_text"]


class ModelSettings(BaseModel):
    """What a model was trained with.

    Attributes:
        network: The network, with what the Tuner chose.
        training: How it learned, with what the Tuner chose.
        tuned: What the Tuner chose, by the path of the key; empty without a Tuner.
    """

    model_config = ConfigDict(frozen=True)

    network: NetworkConfig
    training: TrainingConfig
    tuned: dict[str, Value] = Field(default_factory=dict)

    @classmethod
    def combine(
        cls, network: NetworkConfig, training: TrainingConfig, *, tuned: Mapping[str, Value]
    ) -> ModelSettings:
        """Puts tuned values into the configured sections.

        >>> settings = ModelSettings.combine(
        ...     NetworkConfig(), TrainingConfig(), tuned={"network.units": 96})
        >>> settings.network.units, settings.tuned
        (96, {'network.units': 96})
        """
        network, training = with_values(network, training, tuned)
        return cls(network=network, training=training, tuned=dict(tuned))


def value_text(value: Value) -> str:
    """Writes a value for people.

    >>> value_text(64), value_text(0.00123456), value_text("volume")
    ('64', '0.001235', 'volume')
    """
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def values_text(values: Mapping[str, Value]) -> str:
    """Writes values on one line, each under the last part of its key.

    >>> values_text({"network.units": 64, "training.learning_rate": 0.002})
    'units 64, learning_rate 0.002'
    """
    return ", ".join(
        f"{path.rpartition('.')[2]} {value_text(value)}" for path, value in values.items()
    )
