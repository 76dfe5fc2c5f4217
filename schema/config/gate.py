"""`gate:` what a model must show, and `push:` where a model that did goes."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from demandcast.schema.config.base import Section

__all__ = ["ChangeConfig", "CostConfig", "FloorsConfig", "GateConfig", "PushConfig"]


class FloorsConfig(Section):
    """Absolute floors."""

    weighted_quantile_loss_skill: float = Field(
        0.0,
        lt=1,
        description=(
            "1 - loss / loss of seasonal naive must exceed this, its 95 % confidence interval too."
        ),
    )
    wape_skill: float = Field(
        0.0,
        lt=1,
        description="1 - WAPE / WAPE of seasonal naive must exceed this, its interval too.",
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
    coverage_tolerance_per_slice: float = Field(
        0.2,
        gt=0,
        le=1,
        description=(
            "The same for each slice and range of steps; refused only if noise cannot be the "
            "reason."
        ),
    )
    max_absolute_bias: float | None = Field(
        0.3, gt=0, description="Largest |bias| of the mean, as a share of demand; null for any."
    )


class ChangeConfig(Section):
    """Comparison with the model in service, overall, per slice and per range of steps."""

    max_relative_loss_increase: float = Field(
        0.01,
        ge=0,
        description=(
            "Overall: weighted quantile loss may exceed the model in service's by this share; "
            "refused if the 95 % confidence interval of the increase lies above it."
        ),
    )
    max_unproven_loss_increase: float = Field(
        0.03,
        ge=0,
        description=(
            "Overall: where that interval holds the share above, so that noise could be the "
            "reason, the increase itself may be at most this."
        ),
    )
    max_relative_loss_increase_per_slice: float = Field(
        0.1,
        ge=0,
        description="As max_relative_loss_increase, for each slice and range of steps.",
    )
    max_unproven_loss_increase_per_slice: float = Field(
        0.3,
        ge=0,
        description="As max_unproven_loss_increase, for each slice and range of steps.",
    )
    min_slice_examples: int = Field(
        100,
        ge=1,
        description=(
            "Slices with fewer eval examples are reported, not judged; with fewer overall, "
            "max_unproven_loss_increase does not apply."
        ),
    )


class CostConfig(Section):
    """Cost of the stock that a model's forecasts would have led to, against the one in service."""

    enabled: bool = Field(
        False, description="Refuse a model whose stock costs more, whatever its loss is."
    )
    max_cost_increase: float = Field(
        0.02,
        ge=0,
        description=(
            "Cost over the eval origins may exceed the model in service's by this share; refused "
            "if the 95 % confidence interval of the increase lies above it."
        ),
    )
    max_unproven_cost_increase: float = Field(
        0.1,
        ge=0,
        description=(
            "Where that interval holds the share above, so that noise could be the reason, the "
            "increase itself may be at most this."
        ),
    )
    min_expected_shortages: float = Field(
        10.0,
        ge=0,
        description=(
            "Shortages that the intervals which count should have, such as 5 in 100 at a target "
            "of 0.95; with fewer the cost is reported, not judged, for chance decides it."
        ),
    )
    interval: int = Field(
        7,
        ge=1,
        description=(
            "Periods of demand that stock has to cover, the same for each series; used without "
            "replenishment.tables.supply_terms, as are the two below."
        ),
    )
    holding_cost: float = Field(
        1.0, gt=0, description="Cost per unit in stock and period, of each series."
    )
    stockout_cost: float | None = Field(
        None,
        gt=0,
        description=(
            "Cost per unit short, of each series, where replenishment.service.measure is cost; "
            "null: what replenishment.service.target implies."
        ),
    )


class GateConfig(Section):
    """What a model must show before it serves."""

    floors: FloorsConfig = Field(FloorsConfig(), description="Absolute floors.")
    change: ChangeConfig = Field(ChangeConfig(), description="Against the model in service.")
    cost: CostConfig = Field(
        CostConfig(), description="Cost of stock against the model in service."
    )
    slices: tuple[str, ...] = Field(
        (), description="Static columns by which metrics are sliced, beside demand_class."
    )
    step_ranges: tuple[tuple[int, int], ...] = Field(
        (),
        description=(
            "First and last step of parts of the horizon that are reported and judged beside "
            "the whole of it, such as [[1, 7], [8, 28]]."
        ),
    )

    @field_validator("step_ranges")
    @classmethod
    def _ranges_are_ranges(cls, ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        wrong = [list(steps) for steps in ranges if not 1 <= steps[0] <= steps[1]]
        if wrong:
            raise ValueError(
                f"a range is [first, last], from 1, the first not after the last: {wrong}"
            )
        if len(set(ranges)) < len(ranges):
            raise ValueError("a range may be given once")
        return ranges


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
