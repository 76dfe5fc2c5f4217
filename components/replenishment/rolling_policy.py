"""Orders as `demandcast replenish` would have proposed them at each cutoff of a backtest.

At each cutoff stands what could be known there: the forecast from it, the stock of that evening,
and what intervals that had ended by then teach. The functions are those of the command.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import AnyFloats, BoolArray, FloatArray
from demandcast.components.replenishment.interval_model import (
    Backtested,
    IntervalModel,
    Intervals,
    RankedIntervals,
    learn_copulas,
    rank_intervals,
)
from demandcast.components.replenishment.line_arrays import (
    LineArrays,
    Sampler,
    sample_lead_times,
)
from demandcast.components.replenishment.stock_policies import StockState
from demandcast.components.replenishment.wanted import Aim, want
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.periods import periods_of

__all__ = [
    "LevelPlanner",
    "RollingPlanner",
    "RollingPolicy",
    "RollingRules",
    "SeriesStock",
    "SeriesTerms",
    "Teaching",
]

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SeriesTerms:
    """Terms of supply of the series (N) of a backtest.

    Attributes:
        review_period: Periods between two decisions. Shape [N].
        lead_time_row: Which lead time distribution. Shape [N].
        next_lead_time_row: The same of the order after one of now, as stock feels it. Shape [N].
        pack_size: Units. Shape [N].
        unit_cost: Currency units per unit. Shape [N].
        holding_cost: Currency units per unit and period. Shape [N].
        stockout_cost: Currency units per unit short. Shape [N].
        shelf_life: Periods; 0 where it does not end. Shape [N].
    """

    review_period: Int64Array
    lead_time_row: Int64Array
    next_lead_time_row: Int64Array
    pack_size: FloatArray
    unit_cost: FloatArray
    holding_cost: FloatArray
    stockout_cost: FloatArray
    shelf_life: Int64Array

    @property
    def unit(self) -> FloatArray:
        """What levels are raised to multiples of: 1 where packs hold whole units. Shape [N]."""
        return np.where(self.pack_size % 1 == 0, 1.0, 0.0)

    def lines(
        self,
        series: Int64Array,
        stock: SeriesStock,
        *,
        quantiles: AnyFloats,
        mean: AnyFloats,
        target: FloatArray,
    ) -> LineArrays:
        """Puts forecasts and stock beside terms; nothing limits the size of an order.

        Args:
            series: Positions. Shape [n].
            stock: Their stock.
            quantiles: Forecast, units per period. Shape [n, H, Q].
            mean: Forecast, units per period. Shape [n, H].
            target: Of the measure. Shape [n].

        Returns:
            A line per series.
        """
        return LineArrays(
            quantiles=quantiles,
            mean=mean,
            available=stock.available,
            position=stock.position,
            arrivals=stock.arrivals,
            review_period=self.review_period[series],
            lead_time_row=self.lead_time_row[series],
            next_lead_time_row=self.next_lead_time_row[series],
            pack_size=self.pack_size[series],
            moq=np.zeros(series.size),
            unit_cost=self.unit_cost[series],
            holding_cost=self.holding_cost[series],
            stockout_cost=self.stockout_cost[series],
            target=target,
            shelf_life=self.shelf_life[series],
            capacity=np.full(series.size, np.inf),
        )


@dataclass(frozen=True)
class RollingRules:
    """How levels are set.

    Attributes:
        aim: What a target is a target of.
        paths: Sample paths.
        seed: Same seed, same paths.
        memory: Newest periods whose intervals teach; None: all of them.
    """

    aim: Aim
    paths: int
    seed: int
    memory: int | None = None


class LevelPlanner(Protocol):
    """Sets levels of series (N) at cutoffs (C); what a `RollingPolicy` asks."""

    @property
    def cutoffs(self) -> Int64Array:
        """Periods of the cutoffs. Shape [C]."""

    @property
    def horizon(self) -> int:
        """Periods that it looks ahead."""

    @property
    def mean_lead_time(self) -> FloatArray:
        """Periods. Shape [N]."""

    @property
    def longest_lead_time(self) -> int:
        """Periods."""

    def with_forecast(self, cutoff: int, series: Int64Array) -> Int64Array:
        """Returns those of some series for which levels can be set at a cutoff."""

    def levels(
        self, cutoff: int, series: Int64Array, stock: SeriesStock, *, target: float
    ) -> FloatArray:
        """Sets the levels of some series (n), units. Shape [n]."""


@dataclass(frozen=True)
class RollingPlanner:
    """Decides as `demandcast replenish` would have at each cutoff of a backtest.

    Attributes:
        origins: Forecasts at cutoffs.
        terms: Of its series (N).
        rules: How levels are set.
        sampler: Paths of demand and lead times.
        teaching: Intervals that had ended by each cutoff.
        models: What they taught, by cutoff, as far as it was asked for.
    """

    origins: OriginForecasts
    terms: SeriesTerms
    rules: RollingRules
    sampler: Sampler
    teaching: Teaching
    models: dict[int, IntervalModel] = field(default_factory=dict)

    @classmethod
    def prepare(
        cls,
        origins: OriginForecasts,
        terms: SeriesTerms,
        lead_time_probabilities: FloatArray,
        *,
        rules: RollingRules,
        first: int,
    ) -> RollingPlanner:
        """Ranks the intervals and draws the paths.

        Args:
            origins: Forecasts at cutoffs.
            terms: Of its series.
            lead_time_probabilities: Of 0, 1, ... periods, by distribution. Shape [V, L + 1].
            rules: How levels are set.
            first: Position of the first cutoff at which is decided; those before it teach only.
        """
        teaching = Teaching.of(origins, terms, lead_time_probabilities, rules=rules, first=first)
        sampler = Sampler.draw(
            IntervalModel(copulas=teaching.ranked.copulas),
            lead_time_probabilities,
            origins.quantile_levels,
            horizon=origins.mean.shape[1],
            paths=rules.paths,
            seed=rules.seed,
        )
        return cls(origins, terms, rules, sampler, teaching)

    @functools.cached_property
    def cutoffs(self) -> Int64Array:
        """Periods of the cutoffs. Shape [C]."""
        return periods_of(self.origins.cutoff_days, self.origins.frequency)

    @property
    def horizon(self) -> int:
        """Periods that it looks ahead."""
        return int(self.origins.mean.shape[1])

    @property
    def mean_lead_time(self) -> FloatArray:
        """Periods. Shape [N]."""
        return self.sampler.mean_lead_time[self.terms.lead_time_row]

    @property
    def longest_lead_time(self) -> int:
        """Periods."""
        return self.teaching.longest_lead_time

    @functools.cached_property
    def _rows(self) -> Int64Array:
        return self.origins.rows_by_cutoff

    def learnt(self, cutoff: int) -> IntervalModel:
        """What intervals that had ended by a cutoff teach; learnt once."""
        if cutoff not in self.models:
            self.models[cutoff] = self.teaching.until(cutoff)
        return self.models[cutoff]

    def with_forecast(self, cutoff: int, series: Int64Array) -> Int64Array:
        """Returns those of some series that have a forecast at a cutoff."""
        return series[self._rows[cutoff, series] >= 0]

    def levels(
        self, cutoff: int, series: Int64Array, stock: SeriesStock, *, target: float
    ) -> FloatArray:
        """Sets base-stock levels of some series, which all have a forecast.

        Args:
            cutoff: Position of the cutoff.
            series: Positions. Shape [n].
            stock: Their stock.
            target: Of the measure.

        Returns:
            Units. Shape [n].
        """
        lines = self._lines(self._rows[cutoff, series], series, stock, target)
        sampler = dataclasses.replace(self.sampler, model=self.learnt(cutoff))
        return want(lines, sampler, self.rules.aim).base_stock_level

    def _lines(
        self, rows: Int64Array, series: Int64Array, stock: SeriesStock, target: float
    ) -> LineArrays:
        """Puts forecasts beside terms and stock."""
        return self.terms.lines(
            series,
            stock,
            quantiles=self.origins.quantiles[rows],
            mean=self.origins.mean[rows],
            target=np.full(series.size, target),
        )


@dataclass(frozen=True)
class SeriesStock:
    """Stock of some series (n) when an order is decided.

    Attributes:
        available: On hand less backorders, units. Shape [n].
        position: The same and what is on order, units. Shape [n].
        arrivals: Due until each period opens, summed up, units. Shape [H, n].
    """

    available: FloatArray
    position: FloatArray
    arrivals: FloatArray

    @classmethod
    def none(cls, series: int, horizon: int) -> SeriesStock:
        """Returns that of series without any."""
        nothing = np.zeros(series)
        return cls(nothing, nothing, np.zeros((horizon, series)))

    def of(self, rows: Int64Array) -> SeriesStock:
        """Returns that of some of the series."""
        return SeriesStock(self.available[rows], self.position[rows], self.arrivals[:, rows])


class RollingPolicy:
    """The policy of `demandcast replenish` in a simulation, for some of the series.

    It knows its own orders and expects each a mean lead time after it was placed; those that are
    overdue, next. Where something of them has arrived it was of the oldest ones.

    Args:
        planner: Decides.
        series: Positions of the simulated series among those of the planner. Shape [N].
        target: Of the measure.
        first: Position of the cutoff after which period 0 comes.
        reviewed: Whether an order may be placed before each period. Shape [T, N].
    """

    def __init__(
        self,
        planner: LevelPlanner,
        series: Int64Array,
        *,
        target: float,
        first: int,
        reviewed: BoolArray,
    ) -> None:
        self._planner, self._series, self._target = planner, series, target
        self._reviewed = reviewed
        self._begin = int(planner.cutoffs[first]) + 1
        self._lead_time = np.round(planner.mean_lead_time[series]).astype(np.int64)
        # Units ordered in the last periods, the newest first, as long as a lead time may be.
        self._ordered = np.zeros((planner.longest_lead_time + 1, series.size))
        self._horizon, self._asked = planner.horizon, 0

    def __call__(self, period: int, state: StockState) -> FloatArray:
        """Orders up to the level of the newest forecast."""
        self._grow_older(period)
        wanted = np.zeros(self._series.size)
        cutoffs = self._planner.cutoffs
        at = int(np.searchsorted(cutoffs, self._begin + period - 1, side="right")) - 1
        here = np.flatnonzero(self._reviewed[period])
        known = self._planner.with_forecast(at, self._series[here])
        here = here[np.isin(self._series[here], known)]
        if here.size:
            stock = self._stock(state, here)
            level = self._planner.levels(at, self._series[here], stock, target=self._target)
            wanted[here] = np.maximum(level - stock.position, 0.0)
        self._ordered[0] = wanted
        return wanted

    def _grow_older(self, period: int) -> None:
        passed = min(period - self._asked, len(self._ordered))
        self._asked = period
        if passed:
            self._ordered = np.roll(self._ordered, passed, axis=0)
            self._ordered[:passed] = 0.0

    def _stock(self, state: StockState, here: Int64Array) -> SeriesStock:
        """Guesses when what is on order arrives."""
        available = (state.on_hand - state.backorders)[here]
        placed = self._ordered[:, here]
        # The newest orders are those on their way: what exceeds them has arrived.
        until = np.minimum(np.cumsum(placed, axis=0), state.on_order[here])
        open_units = np.diff(until, axis=0, prepend=0.0)
        # What is on order from before the simulation, or in packs, counts with the oldest.
        open_units[-1] += state.on_order[here] - until[-1]
        due = self._lead_time[here] - np.arange(len(placed))[:, None]
        arrivals = np.zeros((self._horizon, here.size))
        column = np.broadcast_to(np.arange(here.size), due.shape)
        inside = due < self._horizon
        np.add.at(arrivals, (np.maximum(due, 0)[inside], column[inside]), open_units[inside])
        return SeriesStock(available, state.inventory_position[here], np.cumsum(arrivals, axis=0))


@dataclass(frozen=True)
class Teaching:
    """Intervals of all cutoffs, and when each had ended.

    Attributes:
        ranked: Their ranks.
        cutoffs: Periods. Shape [C].
        longest_lead_time: Periods.
        memory: Newest periods whose intervals teach; None: all.
    """

    ranked: RankedIntervals
    cutoffs: Int64Array
    longest_lead_time: int
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
    ) -> Teaching:
        """Ranks the intervals, with copulas from those that had ended by the first cutoff."""
        intervals = Intervals(
            review_period=terms.review_period,
            lead_time_row=terms.next_lead_time_row,
            lead_times=sample_lead_times(
                lead_time_probabilities, paths=rules.paths, seed=rules.seed
            )[1],
            unit=terms.unit,
        )
        every = Backtested.from_origins(origins, intervals, seed=rules.seed)
        cutoffs = periods_of(origins.cutoff_days, origins.frequency)
        ended = cutoffs[origins.cutoff_index] + every.length
        before = every.take(np.flatnonzero(ended <= cutoffs[first]))
        past = _known_until(before, int(cutoffs[first]))
        copulas = learn_copulas(past, origins.quantile_levels, seed=rules.seed)
        ranked = rank_intervals(
            every, copulas, origins.quantile_levels, paths=rules.paths, seed=rules.seed
        )
        longest = lead_time_probabilities.shape[1] - 1
        return cls(ranked, cutoffs, longest, rules.memory)

    def until(self, cutoff: int) -> IntervalModel:
        """Learns from what had ended by a cutoff."""
        return self.ranked.learn(self._over(self.cutoffs[cutoff]))

    def _over(self, period: int) -> BoolArray:
        ended = self.ranked.ended
        over = ended <= period
        return over if self.memory is None else over & (ended > period - self.memory)


def _known_until(backtested: Backtested, period: int) -> Backtested:
    """Forgets what was sold later: forecasts may reach beyond an interval that has ended."""
    periods = backtested.cutoff[:, None] + 1 + np.arange(backtested.known.shape[1])
    return dataclasses.replace(backtested, known=backtested.known & (periods <= period))
