"""`gate:` what a model must show, and `push:` where a model that did goes."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from demandcast.schema.config.base import Section

__all__ = ["ChangeConfig", "FloorsConfig", "GateConfig", "PushConfig"]


class FloorsConfig(Section):
    """Absolute floors, overall."""

    weighted_quantile_loss_skill: float = Field(
        0.0,
        lt=1,
        description="1 - loss / loss of seasonal naive must exceed this.",
    )
    wape_skill: float = Field(
        0.0, lt=1, description="1 - WAPE / WAPE of seasonal naive must exceed this."
    )
    coverage_tolerance: float = Field(
        0.1,
        gt=0,
        le=1,
        description=(
            "How far 80 % and 90 % coverage may lie below nominal, bounds included, "
            "or above it, bounds left out."
        ),
    )
    max_absolute_bias: float | None = Field(
        None, gt=0, description="Largest |bias| of the mean, as a share of demand."
    )


class ChangeConfig(Section):
    """Comparison with the model in service, overall and per slice."""

    max_relative_loss_increase: float = Field(
        0.01,
        ge=0,
        description=(
            "Overall: weighted quantile loss may exceed the model in service's by this share."
        ),
    )
    max_relative_loss_increase_per_slice: float = Field(
        0.1, ge=0, description="The same for each slice."
    )
    min_slice_examples: int = Field(
        100, ge=1, description="Slices with fewer eval examples are reported, not judged."
    )


class GateConfig(Section):
    """What a model must show before it serves."""

    floors: FloorsConfig = Field(FloorsConfig(), description="Absolute floors.")
    change: ChangeConfig = Field(ChangeConfig(), description="Against the model in service.")
    slices: tuple[str, ...] = Field(
        (), description="Static columns by which metrics are sliced, beside demand_class."
    )


class PushConfig(Section):
    """Where a model that passed the gate goes."""

    serving_directory: str | None = Field(
        None, description="Directory that the server watches; <workspace>/serving if not given."
    )
    model_name: str = Field("demand", description="Name under which applications ask for it.")

    @field_validator("model_name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
            raise ValueError("model_name may hold letters, digits, '_', '.' and '-' only")
        return value
