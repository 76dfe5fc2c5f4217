"""Base-stock levels as they would have been set at each cutoff of a backtest.

At each cutoff stands what could be known there: the forecast from it, and what intervals that had
ended by then teach. The levels are those of `demandcast replenish`, by the same functions.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import BoolArray, FloatArray
from demandcast.components.replenishment.interval_model import (
    Backtested,
    IntervalModel,
    RankedIntervals,
    learn_copulas,
    rank_intervals,
)
from demandcast.components.replenishment.line_arrays import LineArrays, Sampler
from demandcast.components.replenishment.wanted import Measure, want
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.periods import periods_of

__all__ = ["RollingLevels", "RollingRules", "SeriesTerms", "rolling_levels"]

_LOG = logging.getLogger(__name__)
_SECONDS_BETWEEN_LINES = 5.0

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SeriesTerms:
    """Terms of supply of the series (N) of a backtest.

    Attributes:
        review_period: Periods between two decisions. Shape [N].
        lead_time_row: Which lead time distribution. Shape [N].
        pack_size: Units. Shape [N].
        unit_cost: Currency units per unit. Shape [N].
        holding_cost: Currency units per unit and period. Shape [N].
        stockout_cost: Currency units per unit short. Shape [N].
        shelf_life: Periods; 0 where it does not end. Shape [N].
    """

    review_period: Int64Array
    lead_time_row: Int64Array
    pack_size: FloatArray
    unit_cost: FloatArray
    holding_cost: FloatArray
    stockout_cost: FloatArray
    shelf_life: Int64Array

    @property
    def unit(self) -> FloatArray:
        """What levels are raised to multiples of: 1 where packs hold whole units. Shape [N]."""
        return np.where(self.pack_size % 1 == 0, 1.0, 0.0)


@dataclass(frozen=True)
class RollingLevels:
    """Levels at cutoffs (C) of series (N).

    Attributes:
        levels: By target, units; NaN without a forecast, and at cutoffs before the first.
            Shapes [C, N].
        intervals: Intervals that had taught by each cutoff. Shape [C].
    """

    levels: dict[float, FloatArray]
    intervals: Int64Array


@dataclass(frozen=True)
class RollingRules:
    """How levels are set.

    Attributes:
        measure: What a target is a target of.
        targets: Levels are set for each.
        paths: Sample paths.
        seed: Same seed, same paths.
        memory: Newest periods whose intervals teach; None: all of them.
    """

    measure: Measure
    targets: tuple[float, ...]
    paths: int
    seed: int
    memory: int | None = None


def rolling_levels(
    origins: OriginForecasts,
    terms: SeriesTerms,
    lead_time_probabilities: FloatArray,
    *,
    rules: RollingRules,
    first: int,
) -> RollingLevels:
    """Sets levels at each cutoff from the first on; those before it teach only.

    Args:
        origins: Forecasts at cutoffs.
        terms: Of its series.
        lead_time_probabilities: Of 0, 1, ... periods, by distribution. Shape [V, L + 1].
        rules: How levels are set.
        first: Position of the first cutoff with levels.
    """
    teaching = _Teaching.of(origins, terms, lead_time_probabilities, rules=rules, first=first)
    shape = (len(origins.cutoff_days), origins.keys.height)
    levels = {target: np.full(shape, np.nan) for target in rules.targets}
    taught = np.zeros(shape[0], np.int64)
    sampler = Sampler.draw(
        IntervalModel(copulas=teaching.ranked.copulas),
        lead_time_probabilities,
        origins.quantile_levels,
        horizon=origins.mean.shape[1],
        paths=rules.paths,
        seed=rules.seed,
    )
    rows_by_cutoff = origins.rows_by_cutoff
    said = time.monotonic()
    for cutoff in range(first, shape[0]):
        rows = rows_by_cutoff[cutoff]
        series = np.flatnonzero(rows >= 0)
        model = teaching.until(cutoff)
        taught[cutoff] = model.intervals
        lines = _lines(origins, terms, rows[series], series)
        known = dataclasses.replace(sampler, model=model)
        for target in rules.targets:
            aimed = dataclasses.replace(lines, target=np.full(series.size, target))
            levels[target][cutoff, series] = want(aimed, known, rules.measure).base_stock_level
        if time.monotonic() - said > _SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            _LOG.info("levels at %d of %d cutoffs", cutoff + 1 - first, shape[0] - first)
    return RollingLevels(levels, taught)


@dataclass(frozen=True)
class _Teaching:
    """Intervals of all cutoffs, and when each had ended.

    Attributes:
        ranked: Their ranks.
        ended: Period in which each ends. Shape [B].
        cutoffs: Periods. Shape [C].
        memory: Newest periods whose intervals teach; None: all.
    """

    ranked: RankedIntervals
    ended: Int64Array
    cutoffs: Int64Array
    memory: int | None

    @classmethod
    def of(
        cls,
        origins: OriginForecasts,
        terms: SeriesTerms,
        lead_time_probabilities: FloatArray,
        *,
        rules: RollingRules,
        first: int,
    ) -> _Teaching:
        """Ranks the intervals, with copulas from those that had ended by the first cutoff."""
        longest = np.arange(lead_time_probabilities.shape[1], dtype=np.float64)
        mean = np.round(lead_time_probabilities @ longest).astype(np.int64)
        interval = terms.review_period + mean[terms.lead_time_row]
        every = Backtested.of_rows(
            origins,
            np.arange(len(origins.series_index)),
            interval=interval,
            unit=terms.unit,
        )
        cutoffs = periods_of(origins.cutoff_days, origins.frequency)
        ended = cutoffs[origins.cutoff_index] + every.interval
        before = np.flatnonzero(ended <= cutoffs[first])
        copulas = learn_copulas(every.take(before), origins.quantile_levels, seed=rules.seed)
        ranked = rank_intervals(
            every, copulas, origins.quantile_levels, paths=rules.paths, seed=rules.seed
        )
        return cls(ranked, ended, cutoffs, rules.memory)

    def until(self, cutoff: int) -> IntervalModel:
        """Learns from what had ended by a cutoff."""
        return self.ranked.learn(self._over(self.cutoffs[cutoff]))

    def _over(self, period: int) -> BoolArray:
        over = self.ended <= period
        return over if self.memory is None else over & (self.ended > period - self.memory)


def _lines(
    origins: OriginForecasts, terms: SeriesTerms, rows: Int64Array, series: Int64Array
) -> LineArrays:
    """Puts forecasts of a cutoff beside the terms of their series; stock is not looked at."""
    nothing = np.zeros(series.size)
    return LineArrays(
        quantiles=origins.quantiles[rows],
        mean=origins.mean[rows],
        available=nothing,
        position=nothing,
        arrivals=np.zeros((origins.mean.shape[1], series.size)),
        review_period=terms.review_period[series],
        lead_time_row=terms.lead_time_row[series],
        pack_size=terms.pack_size[series],
        moq=nothing,
        unit_cost=terms.unit_cost[series],
        holding_cost=terms.holding_cost[series],
        stockout_cost=terms.stockout_cost[series],
        target=nothing,
        shelf_life=terms.shelf_life[series],
        capacity=np.full(series.size, np.inf),
    )
