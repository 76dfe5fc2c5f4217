"""`forecast:` what is forecast, and `sampling:` which part of the history teaches and tests it."""

from __future__ import annotations

import datetime
import itertools
from typing import Literal

from pydantic import Field, field_validator

from demandcast.schema.config.base import Section
from demandcast.schema.periods import Frequency, season_length

__all__ = ["DEFAULT_QUANTILE_LEVELS", "ForecastConfig", "SamplingConfig", "ValidationConfig"]

DEFAULT_QUANTILE_LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


class ForecastConfig(Section):
    """The shape of a forecast."""

    frequency: Frequency = Field(
        "D", description="D: daily. W-MON to W-SUN: weekly, timestamps on that weekday."
    )
    context_length: int = Field(
        56, ge=1, le=4096, description="Past periods that the network sees (C)."
    )
    horizon: int = Field(28, ge=1, le=1024, description="Periods forecast (H).")
    quantile_levels: tuple[float, ...] = Field(
        DEFAULT_QUANTILE_LEVELS,
        description="Levels in (0, 1), strictly increasing; 0.5 must be one of them.",
    )

    @property
    def season(self) -> int:
        """Length of the main season, periods."""
        return season_length(self.frequency)

    @property
    def median_index(self) -> int:
        """Position of level 0.5."""
        return self.quantile_levels.index(0.5)

    @field_validator("quantile_levels")
    @classmethod
    def _levels_increase(cls, levels: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < level < 1 for level in levels):
            raise ValueError("levels must lie strictly between 0 and 1")
        if any(low >= high for low, high in itertools.pairwise(levels)):
            raise ValueError("levels must increase strictly")
        if 0.5 not in levels:
            raise ValueError("levels must contain 0.5, the point forecast")
        return levels


class ValidationConfig(Section):
    """What early stopping and tuning look at."""

    kind: Literal["later_cutoffs", "held_out_series"] = Field(
        "later_cutoffs",
        description=(
            "later_cutoffs: the horizons just before evaluation; training ends before them. "
            "held_out_series: other series at the end of the training period; "
            "right for short histories, because training keeps the last periods."
        ),
    )
    cutoffs: int = Field(1, ge=1, le=52, description="Rolling cutoffs, one horizon apart.")
    fraction: float = Field(
        0.1, gt=0, lt=1, description="Share of the series held out; for held_out_series."
    )


class SamplingConfig(Section):
    """Which part of the history teaches the model and which part tests it."""

    max_history: int = Field(
        1100, ge=2, description="Periods of history that an example carries at most."
    )
    min_history: int = Field(
        1, ge=1, description="A series with fewer recorded periods is not used in a split."
    )
    min_demand: float = Field(
        0.0,
        ge=0,
        description=(
            "A series with less demand in its history, units up to the cutoff, is not used in a "
            "split. Its forecasts are made all the same."
        ),
    )
    min_demand_periods: int = Field(
        0, ge=0, description="The same for a series with fewer periods of any demand up to there."
    )
    validation: ValidationConfig = Field(
        ValidationConfig(), description="What early stopping looks at."
    )
    eval_cutoffs: int = Field(
        1, ge=1, le=52, description="Rolling cutoffs at the end of the data that the gate sees."
    )
    eval_stride: int | None = Field(
        None, ge=1, description="Periods between eval cutoffs; one horizon if not given."
    )
    end: datetime.date | None = Field(
        None,
        description=(
            "Last period that the splits use: the run sees the data as they stood then; later "
            "rows are checked only. The newest period with a target if not given."
        ),
    )
