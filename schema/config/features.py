"""`features:` what the network sees beside the raw context."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from demandcast.schema.config.base import Section

__all__ = [
    "CalendarPart",
    "WEEKLY_DEFAULTS",
    "FeaturesConfig",
    "ImputationConfig",
    "Interaction",
    "NumericImputation",
    "OutlierConfig",
    "VocabularyConfig",
]

CalendarPart = Literal["day_of_week", "day_of_month", "day_of_year", "week_of_year", "month"]
NumericImputation = Literal["mean", "median", "zero"]


WEEKLY_DEFAULTS: dict[str, object] = {
    "lags": (52, 53),
    "moving_averages": (4, 13),
    "growth_window": 13,
    "calendar": ("week_of_year", "day_of_month"),
}
"""What `features` has instead of its own defaults where a period is a week."""


class ImputationConfig(Section):
    """What stands in for a missing covariate value."""

    numeric: NumericImputation = Field(
        "mean", description="Missing numbers: mean or median over the training data, or zero."
    )
    categorical: Literal["own_category", "most_frequent"] = Field(
        "own_category", description="Missing categories: one of their own, or the most frequent."
    )
    numeric_by_column: dict[str, NumericImputation] = Field(
        {}, description="Exceptions by column name."
    )


class OutlierConfig(Section):
    """Bounds for inputs of the network; labels are never altered."""

    method: Literal["none", "quantile", "iqr"] = Field(
        "quantile",
        description=(
            "quantile: clip covariates to two quantiles of the training data. "
            "iqr: to the quartiles, plus and minus a multiple of their distance. none: keep."
        ),
    )
    lower_quantile: float = Field(
        0.001, ge=0, lt=0.5, description="Lower bound, for quantile; 0: none."
    )
    upper_quantile: float = Field(
        0.999, gt=0.5, le=1, description="Upper bound, for quantile; 1: none."
    )
    iqr_multiple: float = Field(3.0, gt=0, description="Multiple of the distance, for iqr.")
    target_scale_multiple: float = Field(
        10.0,
        gt=1,
        description="History of the target is clipped to this multiple of the window's scale.",
    )


class VocabularyConfig(Section):
    """How text becomes numbers."""

    min_count: int = Field(
        5,
        ge=1,
        description=(
            "A category seen less often is rare and shares a bucket; "
            "counted in series where static, else in periods."
        ),
    )
    max_size: int = Field(100_000, ge=1, description="Most frequent categories kept.")
    oov_buckets: int = Field(
        1, ge=1, le=1000, description="Buckets that rare and unseen categories share, by hash."
    )


class Interaction(Section):
    """Two categorical or numeric known columns whose combination matters."""

    columns: tuple[str, str] = Field(
        description="Two static or known_future columns; numbers multiply, categories cross."
    )

    @field_validator("columns")
    @classmethod
    def _differ(cls, columns: tuple[str, str]) -> tuple[str, str]:
        if columns[0] == columns[1]:
            raise ValueError("the two columns are the same; name two that differ")
        return columns

    @property
    def name(self) -> str:
        """Name of the resulting feature."""
        return "_x_".join(self.columns)


class FeaturesConfig(Section):
    """What the network sees beside the raw context."""

    lags: tuple[int, ...] = Field(
        (364, 371),
        description=(
            "Target values this many periods before each step, such as the same weekday "
            "last year. At least one horizon. Masked where the history is shorter. "
            "Weekly: 52 and 53 if not given."
        ),
    )
    moving_averages: tuple[int, ...] = Field(
        (7, 28),
        description=(
            "Trailing means of the observed target, periods. Weekly: 4 and 13 if not given."
        ),
    )
    growth_window: int | None = Field(
        28,
        ge=1,
        description=(
            "Growth rate: mean of this window over the mean of the one before, periods. "
            "Weekly: 13 if not given."
        ),
    )
    price_column: str | None = Field(
        None,
        description="known_future numeric column of prices; adds its average and relative price.",
    )
    interactions: tuple[Interaction, ...] = Field((), description="Products of named columns.")
    calendar: tuple[CalendarPart, ...] = Field(
        ("day_of_week", "day_of_month", "day_of_year"),
        description=(
            "Parts of the date, as points on a circle. "
            "Weekly: week_of_year and day_of_month if not given."
        ),
    )
    holiday_column: str | None = Field(
        None,
        description=(
            "known_future column that is non-zero (or not empty) on holidays; "
            "adds the distance in periods to the nearest one before and after."
        ),
    )
    imputation: ImputationConfig = Field(ImputationConfig(), description="Missing covariates.")
    outliers: OutlierConfig = Field(OutlierConfig(), description="Bounds of inputs.")
    vocabulary: VocabularyConfig = Field(VocabularyConfig(), description="Categories.")

    @model_validator(mode="after")
    def _no_repetition(self) -> FeaturesConfig:
        for key in ("lags", "moving_averages", "calendar"):
            values = getattr(self, key)
            if len(set(values)) != len(values):
                raise ValueError(f"{key} has a value twice: {list(values)}")
        if any(window < 1 for window in self.moving_averages):
            raise ValueError("moving_averages must be 1 or more")
        return self
