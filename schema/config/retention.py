"""`retention:` how much of the past is kept."""

from __future__ import annotations

from pydantic import Field

from demandcast.schema.config.base import Section

__all__ = ["RetentionConfig"]


class RetentionConfig(Section):
    """How much of the past is kept; what is in service, and the way back, always is."""

    runs: int | None = Field(
        10,
        ge=1,
        description=(
            "Newest runs whose artifacts are kept, and as many of the newest that have a model; "
            "as many searches, and as many models of backtests; null keeps all."
        ),
    )
    run_days: float | None = Field(
        None, gt=0, description="Age in days from which what `runs` counts goes all the same."
    )
    versions: int | None = Field(
        5,
        ge=1,
        description="Newest versions kept in the serving directory; null keeps all.",
    )
    version_days: float | None = Field(
        None, gt=0, description="Age in days from which a version goes all the same."
    )
    leftover_hours: float = Field(
        24.0, gt=0, description="Age in hours from which what dead runs left half-written goes."
    )
