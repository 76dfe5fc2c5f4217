"""A profile of the data: totals by period, a sample of series, and correlations.

Small enough to keep beside each model in service, so that the next run can tell
whether its data goes on as that data was.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from demandcast.schema.periods import Frequency

__all__ = ["BLOCK", "PROFILE_FILE", "DataProfile"]

PROFILE_FILE = "profile.json"
"""File beside the examples, and beside the model in service, with the profile of the data."""

BLOCK = 28
"""Periods whose sales of one series are added up; blocks begin at multiples of it."""


class DataProfile(BaseModel):
    """What the recorded sales of all series add up to.

    Attributes:
        frequency: Grid of the periods.
        first: First period with a record, periods since 1970-01-01.
        recorded: Series with a record, by period from `first` on.
        selling: Series that sold, by period.
        total: Units sold, by period.
        repeated: Series that sold as much as in the period before, and more than 0, by period.
        sample: Units of some series by block of `BLOCK` periods: by hash of the series and number
            of the block. The same series are chosen again as long as they are in the data.
        correlation: Of each known-future number with the sales of its own period; None where one
            of them is constant.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    frequency: Frequency
    first: int
    recorded: tuple[int, ...]
    selling: tuple[int, ...]
    total: tuple[float, ...]
    repeated: tuple[int, ...]
    sample: dict[str, dict[int, float]] = Field(default_factory=dict)
    correlation: dict[str, float | None] = Field(default_factory=dict)

    @property
    def last(self) -> int:
        """Newest period with a record."""
        return self.first + len(self.total) - 1
