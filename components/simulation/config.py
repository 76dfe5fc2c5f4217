"""`SimulationConfig`: how large the simulated chain is and how strongly each effect acts."""

from __future__ import annotations

import datetime
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from demandcast.schema.config.base import Section
from demandcast.schema.errors import ConfigurationError
from demandcast.schema.periods import Frequency

__all__ = [
    "EffectsConfig",
    "PRESETS",
    "PromotionsConfig",
    "SimulationConfig",
    "SupplyConfig",
    "preset",
]


class EffectsConfig(Section):
    """How strongly each effect moves demand; 0 switches it off."""

    weekly: float = Field(1.0, ge=0, le=3, description="Multiple of the built-in weekly profiles.")
    yearly: float = Field(1.0, ge=0, le=3, description="Multiple of the built-in yearly waves.")
    holiday: float = Field(1.0, ge=0, le=3, description="Multiple of the built-in holiday effects.")
    weather: float = Field(1.0, ge=0, le=3, description="Multiple of the built-in weather effects.")
    trend_spread: float = Field(
        0.08, ge=0, le=1, description="Standard deviation of the yearly growth of items, log."
    )
    level_spread: float = Field(
        0.12, ge=0, le=1, description="Standard deviation of the slowly wandering level, log."
    )
    price_elasticity: float = Field(
        -1.8, ge=-6, le=0, description="Change of log demand per change of log price, mean."
    )
    price_elasticity_spread: float = Field(
        0.2, ge=0, le=1, description="Standard deviation of the elasticity over items."
    )
    dispersion: float = Field(
        0.08,
        ge=0,
        le=5,
        description=(
            "Median over items of a in variance = mean + a mean^2; 0 gives Poisson demand."
        ),
    )
    mean_demand: float = Field(
        8.0, gt=0, le=10_000, description="Median daily demand of a regular item, units."
    )


class PromotionsConfig(Section):
    """How often items are promoted, and what a promotion does beside its price."""

    share: float = Field(
        0.1, ge=0, lt=0.9, description="Share of the weeks in which an item is promoted."
    )
    store_share: float = Field(
        0.85, ge=0, le=1, description="Share of the stores that take part in a campaign."
    )
    discount_lift: float = Field(
        1.1, gt=0, le=20, description="Lift of a price cut beyond what its price explains."
    )
    display_lift: float = Field(
        1.5, gt=0, le=20, description="Lift of a second placement at the normal price."
    )
    flyer_lift: float = Field(
        1.8, gt=0, le=20, description="Lift of a printed price cut beyond what its price explains."
    )
    cannibalisation: float = Field(
        0.4,
        ge=0,
        le=1,
        description="Share of the extra volume that is taken from other items of the category.",
    )


class SupplyConfig(Section):
    """How stores are replenished."""

    suppliers: int = Field(6, ge=1, le=1_000, description="Number of suppliers.")
    safety_factor: float = Field(
        0.7,
        ge=-5,
        le=10,
        description="Safety stock in standard deviations; lower values cause more stockouts.",
    )
    forecast_error: float = Field(
        0.25, ge=0, le=2, description="Standard deviation of the planner's forecast error, log."
    )
    delay_probability: float = Field(
        0.03, ge=0, le=1, description="Probability that a delivery is some days late."
    )


class SimulationConfig(Section):
    """A simulated retail chain: size, time span, seed, mix of items, strength of effects."""

    stores: int = Field(20, ge=1, le=1_000_000, description="Number of stores.")
    items: int = Field(50, ge=1, le=100_000, description="Number of items; each store sells all.")
    periods: int = Field(1096, ge=1, le=20_000, description="Periods of history.")
    start: datetime.date = Field(
        datetime.date(2022, 3, 7),
        ge=datetime.date(1900, 1, 1),
        le=datetime.date(2200, 1, 1),
        description="First day; weekly data start at the first period on or after it.",
    )
    frequency: Frequency = Field(
        "D", description="D: daily rows. W-MON to W-SUN: weekly rows that start on that weekday."
    )
    horizon: int = Field(
        28, ge=0, le=1024, description="Periods after the last sale for which plans are written."
    )
    seed: int = Field(17, ge=0, description="Same seed, same data.")
    intermittent_share: float = Field(
        0.15, ge=0, le=1, description="Share of items that sell now and then, a few at a time."
    )
    lumpy_share: float = Field(
        0.06, ge=0, le=1, description="Share of items that sell now and then, in varied amounts."
    )
    new_share: float = Field(
        0.08, ge=0, le=1, description="Share of items launched in the last third of the history."
    )
    discontinued_share: float = Field(
        0.06, ge=0, le=1, description="Share of items that end before the history does."
    )
    regions: int = Field(4, ge=1, le=1_000, description="Regions, each with its own weather.")
    effects: EffectsConfig = Field(EffectsConfig(), description="What moves demand.")
    promotions: PromotionsConfig = Field(PromotionsConfig(), description="Promotion plan.")
    supply: SupplyConfig = Field(SupplyConfig(), description="Replenishment of the stores.")
    chunk_stores: int = Field(
        5, ge=1, description="Stores simulated at a time; bounds the memory, changes no data."
    )
    format: Literal["parquet", "csv"] = Field("parquet", description="Format of the files.")

    @property
    def days_per_period(self) -> int:
        """Length of a period, days."""
        return 1 if self.frequency == "D" else 7

    @model_validator(mode="after")
    def _shares_fit(self) -> SimulationConfig:
        for first, second in (
            ("intermittent_share", "lumpy_share"),
            ("new_share", "discontinued_share"),
        ):
            total = getattr(self, first) + getattr(self, second)
            if total > 1:
                raise ValueError(f"{first} + {second} must be at most 1, got {total:g}")
        return self


_PRESETS: dict[str, dict[str, Any]] = {
    "standard": {},
    "quickstart": {
        "stores": 10,
        "items": 40,
        "periods": 800,
        "start": datetime.date(2023, 1, 2),
    },
    "tiny": {"stores": 3, "items": 8, "periods": 430, "start": datetime.date(2024, 1, 1)},
}

PRESETS = tuple(_PRESETS)
"""Names of the ready sizes: about 1,000,000, 300,000 and 10,000 rows of sales."""


def preset(name: str, **changes: Any) -> SimulationConfig:
    """Returns a ready configuration, with changes.

    Args:
        name: One of `PRESETS`.
        **changes: Fields of `SimulationConfig` that differ from the preset.

    Raises:
        ConfigurationError: There is no such preset, or a change is wrong; all are listed.

    >>> preset("tiny", seed=3).items
    8
    """
    if name not in _PRESETS:
        raise ConfigurationError(f"preset: got {name!r}; allowed: {', '.join(PRESETS)}")
    try:
        return SimulationConfig(**{**_PRESETS[name], **changes})
    except ValidationError as error:
        raise ConfigurationError("\n".join(map(_complaint, error.errors()))) from error


def _complaint(details: ErrorDetails) -> str:
    """Words one pydantic error as key, value, what is allowed."""
    message = details["msg"].removeprefix("Value error, ")
    if not details["loc"]:  # A check across keys: its message names them.
        return message
    key = ".".join(map(str, details["loc"]))
    return f"{key}: got {details['input']!r}; {message}"
