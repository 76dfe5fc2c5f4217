"""`continuity:` how far new data may differ from what the model in service was made from."""

from __future__ import annotations

from pydantic import Field

from demandcast.schema.config.base import Section

__all__ = ["ContinuityConfig"]


class ContinuityConfig(Section):
    """Compares the data with that of the model in service, and the newest periods with the last.

    A table may keep its contract and its schema and still be the wrong one: another unit, a feed
    loaded twice, shifted dates. A model trained on it agrees with itself, so no gate on its
    accuracy can tell.
    """

    enabled: bool = Field(True, description="Stop the run where the data does not go on as it was.")
    max_history_change: float = Field(
        0.05,
        ge=0,
        description=(
            "Share by which the sales of periods that the model in service knew already may "
            "differ, per period and per series, summed over all."
        ),
    )
    settling_periods: int = Field(
        7, ge=0, description="Newest known periods that may still be corrected; not compared."
    )
    max_series_loss: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Share of the series recorded of late that may be missing in the new data.",
    )
    max_changed_series: float = Field(
        0.05,
        ge=0,
        le=1,
        description=(
            "Share of the series whose known sales may differ by more than a fifth, or be gone."
        ),
    )
    max_level_ratio: float | None = Field(
        5.0,
        gt=1,
        description=(
            "How many times higher or lower than in the periods before the newest week (weekly "
            "data: month) may sell; null: any."
        ),
    )
    max_level_surprise: float | None = Field(
        1.5,
        ge=1,
        description=(
            "How many times stronger than any change in a history of a year or more the change "
            "into the newest weeks may be, of all sales and of their mix of series; null: any."
        ),
    )
    max_repeated_share: float | None = Field(
        0.5,
        gt=0,
        le=1,
        description=(
            "Share of the sales above 0 that may repeat the number of the period before, in the "
            "newest week (month), if it is also three times the usual; null: any."
        ),
    )
    max_target_correlation: float | None = Field(
        0.98,
        gt=0,
        le=1,
        description=(
            "Largest correlation of a known-future number with the sales of its own period: "
            "beyond it the column is taken for a copy of the answer; null: any."
        ),
    )
