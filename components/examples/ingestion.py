"""What one ingestion reads and builds: configuration, tables as found, splits."""

from __future__ import annotations

import dataclasses

import numpy as np

from demandcast.components.examples.assembly import Policies
from demandcast.components.examples.roles import JoinedTable, RowTable
from demandcast.components.examples.splits import (
    SplitPlan,
    plan_backtest,
    plan_latest,
    plan_splits,
)
from demandcast.components.examples.tables import Tables
from demandcast.schema.config import (
    BeamConfig,
    DataConfig,
    ForecastConfig,
    SamplingConfig,
    SeriesSpec,
)
from demandcast.schema.periods import period_of, periods_of

__all__ = ["Ingestion"]


@dataclasses.dataclass(frozen=True)
class Ingestion:
    """All that the steps need to know; small enough to travel with each of them.

    Attributes:
        data: Policies and roles as configured.
        forecast: Frequency and horizon.
        sampling: History and splits.
        beam: Sizes of blocks and number of partitions.
        tables: Files and roles as found.
        latest: Build the newest examples without labels, not the splits.
        cutoff_day: Their cutoff, days since 1970-01-01; None: the newest period.
        backtest_cutoffs: Build the examples of a backtest at these periods, not the splits.
        looks_ahead: Known-future covariates have to reach beyond the newest period, because the
            horizon of the newest of these cutoffs does.
    """

    data: DataConfig
    forecast: ForecastConfig
    sampling: SamplingConfig
    beam: BeamConfig
    tables: Tables
    latest: bool = False
    cutoff_day: int | None = None
    backtest_cutoffs: tuple[int, ...] = ()
    looks_ahead: bool = False

    @property
    def spec(self) -> SeriesSpec:
        """Names and shapes of an example."""
        return SeriesSpec.from_config(self.data.columns, self.forecast)

    @property
    def policies(self) -> Policies:
        """What to do with odd rows."""
        return Policies.of(self.data, self.forecast.frequency)

    def plans(self, newest: int) -> tuple[SplitPlan, ...]:
        """Returns the splits, given the newest period with a target.

        None if the wanted cutoff lies after it.
        """
        if self.backtest_cutoffs:
            return plan_backtest(self.backtest_cutoffs, self.sampling)
        if not self.latest:
            return plan_splits(self.last_period(newest), self.forecast, self.sampling)
        if self.cutoff_day is None:
            return plan_latest(newest)
        cutoff = int(periods_of(np.array(self.cutoff_day), self.forecast.frequency))
        return plan_latest(cutoff) if cutoff <= newest else ()

    def last_period(self, newest: int) -> int:
        """Returns the last period that splits use: `sampling.end`, or the newest in the data."""
        if self.sampling.end is None:
            return newest
        return min(newest, period_of(self.sampling.end, self.forecast.frequency))

    @property
    def row_tables(self) -> tuple[RowTable, ...]:
        """The tables with rows of series."""
        roles = self.tables.roles
        return (roles.sales,) if roles.future is None else (roles.sales, roles.future)

    @property
    def joined_tables(self) -> tuple[JoinedTable, ...]:
        """The tables joined by key."""
        roles = self.tables.roles
        return roles.static_tables + (() if roles.calendar is None else (roles.calendar,))
