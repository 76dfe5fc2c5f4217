"""`tuning:` the search for better values of `network` and `training`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError, model_serializer, model_validator

from demandcast.schema.config.base import Section
from demandcast.schema.config.model import NetworkConfig, TrainingConfig

__all__ = ["Candidates", "SpaceConfig", "TuningConfig", "Value", "with_values"]

Value = int | float | str
"""A value that a search may choose."""

_SECTIONS: Mapping[str, type[Section]] = {"network": NetworkConfig, "training": TrainingConfig}

_NOT_SEARCHED = frozenset(
    {"epochs", "patience", "max_minutes", "shuffle_buffer", "cache_in_memory", "seed"}
)
"""Keys that bound time or memory, or draw the luck: more is better, or nothing is."""


class Candidates(Section):
    """What a search may choose for one key: a list of values, or a range.

    In YAML a list may stand for itself: `[32, 64]` means `{values: [32, 64]}`.
    """

    values: tuple[Value, ...] = Field((), description="Values to try.")
    low: int | float | None = Field(None, description="Least value of a range.")
    high: int | float | None = Field(None, description="Largest value of a range.")
    scale: Literal["linear", "log"] = Field(
        "linear", description="How values of a range are spread; log: evenly in their exponents."
    )

    @model_validator(mode="before")
    @classmethod
    def _list_is_values(cls, given: Any) -> Any:
        return {"values": given} if isinstance(given, list | tuple) else given

    @model_validator(mode="after")
    def _is_a_list_or_a_range(self) -> Candidates:
        if self.values:
            if self.low is not None or self.high is not None:
                raise ValueError("give a list of values, or low and high, not both")
            if len(set(self.values)) < len(self.values):
                raise ValueError(f"a value is given twice: {list(self.values)}")
            return self
        if self.low is None or self.high is None:
            raise ValueError("give a list of values, such as [32, 64], or low and high")
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"with scale log, low must be above 0; got {self.low}")
        return self

    @model_serializer
    def _shortest(self) -> list[Value] | dict[str, Any]:
        """Writes it as a person would."""
        if self.values:
            return list(self.values)
        limits: dict[str, Any] = {"low": self.low, "high": self.high}
        return limits | ({"scale": self.scale} if self.scale != "linear" else {})


def _complaints(path: str, candidates: Candidates) -> Iterator[str]:
    """Asks the key's own section what it thinks of each candidate."""
    section, _, name = path.partition(".")
    allowed = [key for key in _SECTIONS[section].model_fields if key not in _NOT_SEARCHED]
    if name not in allowed:
        yield f"{path} cannot be searched; allowed in {section}: {', '.join(allowed)}"
        return
    for value in candidates.values or (candidates.low, candidates.high):
        try:
            _SECTIONS[section].model_validate({name: value})
        except ValidationError as error:
            yield f"{path}: got {value!r}; {error.errors()[0]['msg']}"


class SpaceConfig(Section):
    """Which keys are searched, and what may be chosen; keys that are not named keep their value."""

    network: dict[str, Candidates] = Field(
        {
            "units": Candidates(values=(32, 64, 96, 128)),
            "layers": Candidates(values=(1, 2)),
            "dropout": Candidates(low=0.0, high=0.3),
            "embedding_size": Candidates(values=(8, 16, 32)),
            "head_units": Candidates(values=(32, 64, 128)),
        },
        description=(
            "Keys of `network`, each with a list of values, such as [32, 64], or a range, "
            "such as {low: 16, high: 256, scale: log}. What is given replaces all of it."
        ),
    )
    training: dict[str, Candidates] = Field(
        {
            "learning_rate": Candidates(low=5e-4, high=1e-2, scale="log"),
            "batch_size": Candidates(values=(128, 256, 512)),
        },
        description=(
            "The same of `training`, but for keys that bound time or memory and for the seed."
        ),
    )

    @property
    def candidates(self) -> dict[str, Candidates]:
        """All of them by the path of their key, such as `network.units`."""
        return {
            f"{section}.{name}": candidates
            for section in _SECTIONS
            for name, candidates in getattr(self, section).items()
        }

    @model_validator(mode="after")
    def _fits_the_keys(self) -> SpaceConfig:
        complaints = [
            complaint
            for path, candidates in self.candidates.items()
            for complaint in _complaints(path, candidates)
        ]
        if complaints:
            raise ValueError("; ".join(complaints))
        return self


class TuningConfig(Section):
    """A search before training: trials of other values, the best of which the Trainer takes."""

    enabled: bool = Field(
        False, description="Whether to search; false trains with `network` and `training` as given."
    )
    algorithm: Literal["bayesian", "random", "hyperband"] = Field(
        "bayesian",
        description=(
            "bayesian: a model of the trials so far proposes the next, good for 10 to 30 trials. "
            "random: independent draws. "
            "hyperband: many short trials, the best of which are trained longer."
        ),
    )
    max_seconds: float = Field(
        1800, gt=0, description="Wall time of the search; a trial that it meets is cut short."
    )
    max_trials: int = Field(
        20, ge=1, le=999, description="Trials at most, the one with untuned values included."
    )
    epochs: int | None = Field(
        None, ge=1, description="Epochs of a trial at most; null: those of `training`."
    )
    windows_per_series: int | None = Field(
        None, ge=1, description="Windows per series and epoch of a trial; null: as in `training`."
    )
    seed: int = Field(17, ge=0, description="Seed of the choice of values.")
    space: SpaceConfig = Field(SpaceConfig(), description="What is searched.")

    @model_validator(mode="after")
    def _searches_something(self) -> TuningConfig:
        if self.enabled and not self.space.candidates:
            raise ValueError("space: nothing to search; name a key of network or training")
        return self


def with_values(
    network: NetworkConfig, training: TrainingConfig, values: Mapping[str, Value]
) -> tuple[NetworkConfig, TrainingConfig]:
    """Returns both sections with values put in by the paths of their keys.

    >>> network, training = with_values(
    ...     NetworkConfig(), TrainingConfig(), {"network.units": 8, "training.batch_size": 32})
    >>> network.units, training.batch_size, training.epochs
    (8, 32, 20)
    """
    changed = {"network": network.model_dump(), "training": training.model_dump()}
    for path, value in values.items():
        section, _, name = path.partition(".")
        changed[section][name] = value
    return (
        NetworkConfig.model_validate(changed["network"]),
        TrainingConfig.model_validate(changed["training"]),
    )
