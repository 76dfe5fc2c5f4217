"""What backtests teach about demand over intervals: a copula and a calibration by size of demand.

    forecasts at past cutoffs, and what was sold --ranks--> copula
              --paths with it, summed over each series' interval--> cover ranks --> calibration

Series are grouped by the demand that they expect over the interval: a slow one rounds up and has
many zeros, a fast one neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import AnyFloats, BoolArray, FloatArray
from demandcast.components.replenishment.calibration import (
    Calibration,
    cover_ranks,
    fit_calibration,
)
from demandcast.components.replenishment.carried_stock import (
    CARRIED_LEVELS,
    Chain,
    carried_ranks,
    levels_at,
)
from demandcast.components.replenishment.copula import Copula, fit_copula, random_ranks
from demandcast.components.replenishment.interval_levels import interval_demand
from demandcast.components.replenishment.paths import DemandPaths
from demandcast.components.replenishment.quantile_curves import (
    curve_knots,
    curve_levels,
    curve_ranks,
    curve_values,
)
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.periods import Frequency, periods_of

__all__ = [
    "EDGES",
    "Backtested",
    "IntervalModel",
    "Intervals",
    "MOST_ROWS",
    "RankedIntervals",
    "expected_demand",
    "interval_groups",
    "learn_copulas",
    "learn_intervals",
    "memory_of",
    "rank_intervals",
    "with_guessed_demand",
]

Int64Array = npt.NDArray[np.int64]

EDGES = (1.0, 3.0, 10.0, 30.0)
"""Expected demand over the interval, units, at which the next group begins."""

_GROUPS = len(EDGES) + 1

MOST_ROWS = 50_000
"""Rows that a proposal learns from; of more a random part."""

_DRAWS = 2
"""Stream of random numbers for rows and lengths; that of demand is the seed alone."""

_GUESSES = 3
"""Stream of random numbers for demand before empty shelves."""

_OWN_WORD = 4
"""Stream of random numbers for demand drawn from forecasts themselves."""

_CELLS = 1 << 16
"""Periods whose demand is guessed at a time."""

_PRIOR_SPANS = 2.0
"""Intervals one after the other from which on backtests count more than the forecasts' own word."""

_FAR = 1 << 32
"""More than any number of a period: makes one number of series and cutoff."""

_ROWS = 256
"""Rows computed at a time: what fits into the caches of a core."""


@dataclass(frozen=True)
class Intervals:
    """Protection intervals of series (N): how long they are, and in which units levels are set.

    Attributes:
        review_period: R, periods. Shape [N].
        lead_time_row: Which lead time distribution. Shape [N].
        lead_times: Sampled lead times by distribution, periods. Shape [V, P].
        unit: What levels are raised to multiples of; 0 for none. Shape [N].
    """

    review_period: Int64Array
    lead_time_row: Int64Array
    lead_times: Int64Array
    unit: FloatArray

    def usual(self) -> Int64Array:
        """Returns R and the mean lead time, whole periods. Shape [N]."""
        if not self.lead_times.size:
            return self.review_period
        mean = np.round(self.lead_times.mean(axis=1)).astype(np.int64)
        return np.asarray(self.review_period + mean[self.lead_time_row])


@dataclass(frozen=True)
class Backtested:
    """Forecasts of the past beside what happened; a row is a series at a cutoff.

    Attributes:
        quantiles: Units per period. Shape [B, H, Q].
        mean: Units per period. Shape [B, H].
        actual: Sold, units per period; anything where not known. Shape [B, H].
        known: Where it was recorded. Shape [B, H].
        in_stock: Where the shelf was full all the time. Shape [B, H].
        intervals: Of the series of each row. B of them.
        length: Periods of the interval that is judged, with a lead time drawn for it. Shape [B].
        series: Number of the series. Shape [B].
        cutoff: Period of the cutoff. Shape [B].
    """

    quantiles: AnyFloats
    mean: AnyFloats
    actual: AnyFloats
    known: BoolArray
    in_stock: BoolArray
    intervals: Intervals
    length: Int64Array
    series: Int64Array
    cutoff: Int64Array

    @classmethod
    def from_origins(
        cls, origins: OriginForecasts, intervals: Intervals, *, seed: int, most: int | None = None
    ) -> Backtested:
        """Takes the forecasts of a backtest, and draws how long each interval was.

        Args:
            origins: Forecasts at past cutoffs.
            intervals: Of its series (N).
            seed: Of the draws.
            most: About how many rows at most, of series drawn by chance; None: all.
        """
        draws = np.random.default_rng([seed, _DRAWS])
        rows = np.arange(len(origins.series_index))
        if most is not None and rows.size > most:
            chosen = draws.random(origins.keys.height) < most / rows.size
            rows = rows[chosen[origins.series_index]]
        at = origins.series_index[rows]
        own = replace(
            intervals,
            review_period=intervals.review_period[at],
            lead_time_row=intervals.lead_time_row[at],
            unit=intervals.unit[at],
        )
        path = draws.integers(0, intervals.lead_times.shape[1], rows.size)
        return cls(
            quantiles=origins.quantiles[rows],
            mean=origins.mean[rows],
            actual=origins.actual[rows],
            known=origins.observed_mask[rows],
            in_stock=origins.in_stock_fraction[rows] >= 1,
            intervals=own,
            length=own.review_period + intervals.lead_times[own.lead_time_row, path],
            series=at,
            cutoff=periods_of(origins.cutoff_days, origins.frequency)[origins.cutoff_index[rows]],
        )

    def take(self, rows: Int64Array) -> Backtested:
        """Picks rows."""
        arrays = {
            each.name: getattr(self, each.name)[rows]
            for each in fields(self)
            if each.name != "intervals"
        }
        own = replace(
            self.intervals,
            review_period=self.intervals.review_period[rows],
            lead_time_row=self.intervals.lead_time_row[rows],
            unit=self.intervals.unit[rows],
        )
        return Backtested(**arrays, intervals=own)


@dataclass(frozen=True)
class IntervalModel:
    """A copula and a calibration for each group of series; without learning, neither does anything.

    Attributes:
        copulas: One for each group.
        calibrations: One for each group.
    """

    copulas: tuple[Copula, ...] = field(
        default_factory=lambda: tuple(Copula(0.0, 0.0, 0.0) for _ in range(_GROUPS))
    )
    calibrations: tuple[Calibration, ...] = field(
        default_factory=lambda: tuple(Calibration() for _ in range(_GROUPS))
    )

    @property
    def intervals(self) -> int:
        """Intervals that it was learnt from."""
        return max(one.intervals for one in self.calibrations)


def interval_groups(mean: AnyFloats, interval: Int64Array) -> Int64Array:
    """Groups series by the demand that they expect over the interval.

    Args:
        mean: Units per period. Shape [n, H].
        interval: Periods; beyond the horizon the forecast goes on at its mean. Shape [n].

    Returns:
        From 0, the slowest, to 4. Shape [n].
    """
    return np.searchsorted(EDGES, expected_demand(mean, interval), side="right").astype(np.int64)


def expected_demand(mean: AnyFloats, interval: Int64Array) -> FloatArray:
    """Adds up the mean over an interval, units. Shape [n]."""
    horizon = mean.shape[1]
    total = np.cumsum(mean, axis=1, dtype=np.float64)
    inside = np.clip(interval, 1, horizon)
    until = np.take_along_axis(total, inside[:, None] - 1, axis=1)[:, 0]
    return np.asarray(until + np.maximum(interval - horizon, 0) * total[:, -1] / horizon)


@dataclass(frozen=True)
class RankedIntervals:
    """Cover ranks of intervals of the past (B), of which any part teaches calibrations.

    Attributes:
        copulas: With which they were ranked, one for each group.
        groups: Group of each. Shape [B].
        judged: Which can be judged: recorded, and within the horizon. Shape [B].
        ranks: Cover ranks. Shape [B].
        own_ranks: The same of demand drawn from the forecast itself. Shape [B].
        censored: Where the shelf was empty on the way. Shape [B].
        cutoff: Period of the cutoff. Shape [B].
        length: Periods. Shape [B].
    """

    copulas: tuple[Copula, ...]
    groups: Int64Array
    judged: BoolArray
    ranks: FloatArray
    own_ranks: FloatArray
    censored: BoolArray
    cutoff: Int64Array
    length: Int64Array

    @property
    def ended(self) -> Int64Array:
        """Period in which each ends. Shape [B]."""
        return self.cutoff + self.length

    def learn(self, rows: BoolArray | None = None) -> IntervalModel:
        """Learns calibrations from some of the intervals, or from all.

        A group with fewer than 100 of them takes what all groups together teach.

        Args:
            rows: Which. Shape [B].
        """
        judged = self.judged if rows is None else self.judged & rows
        pooled = self._calibration(judged)
        calibrations = []
        for group in range(len(self.copulas)):
            found = self._calibration(judged & (self.groups == group))
            calibrations.append(found if found.intervals else pooled)
        return IntervalModel(self.copulas, tuple(calibrations))

    def _calibration(self, rows: BoolArray) -> Calibration:
        """Learns from some intervals, and believes it as far as their time goes.

        Intervals of the same weeks share their luck, however many series there are: what counts
        is how many intervals, one after the other, the weeks hold.

        Formula: weight n / (n + k), n the periods from the first cutoff to the last end over the
        mean length, k = 2; the rest has what would be learnt if the forecasts were right: that
        whole units round up.

        Source:
            Bühlmann and Gisler (2005), A Course in Credibility Theory, section 3.1, for the form;
            k is ours.
        """
        found = fit_calibration(self.ranks[rows], self.censored[rows])
        if not found.intervals:
            return found
        spanned = self.ended[rows].max() - self.cutoff[rows].min()
        spans = float(spanned / self.length[rows].mean())
        own_word = fit_calibration(self.own_ranks[rows], np.zeros(int(rows.sum()), np.bool_))
        return found.mixed(own_word, spans / (spans + _PRIOR_SPANS))


def learn_intervals(
    backtested: Backtested,
    quantile_levels: Sequence[float],
    *,
    paths: int,
    seed: int,
    memory: int,
) -> IntervalModel:
    """Learns copulas and calibrations.

    A group with few intervals takes what all groups together teach.

    Args:
        backtested: Forecasts and actuals.
        quantile_levels: Of the quantiles.
        paths: Paths by which intervals are summed.
        seed: Of the paths, and of ranks within jumps.
        memory: Newest periods whose intervals teach calibrations.
    """
    copulas = learn_copulas(backtested, quantile_levels, seed=seed)
    ranked = rank_intervals(backtested, copulas, quantile_levels, paths=paths, seed=seed)
    newest = ranked.ended[ranked.judged].max(initial=0)
    return ranked.learn(ranked.ended > newest - memory)


def memory_of(given: int | None, frequency: Frequency) -> int:
    """Returns the newest periods whose intervals teach: 28 days or 13 weeks if nobody says.

    >>> memory_of(None, "D"), memory_of(None, "W-MON"), memory_of(10, "D")
    (28, 13, 10)
    """
    return given or (28 if frequency == "D" else 13)


def learn_copulas(
    backtested: Backtested, quantile_levels: Sequence[float], *, seed: int
) -> tuple[Copula, ...]:
    """Learns the copula of each group; one with few pairs of periods takes that of all.

    Args:
        backtested: Forecasts and actuals.
        quantile_levels: Of the quantiles.
        seed: Of ranks within jumps.
    """
    groups = interval_groups(backtested.mean, backtested.intervals.usual())
    # Periods in stock alone would be the quiet ones: all too low together, as it seems.
    backtested = with_guessed_demand(backtested, quantile_levels, seed=seed)
    known = backtested.known
    ranks = _ranks(backtested, quantile_levels, seed)
    every = fit_copula(ranks, known)
    own = [fit_copula(ranks[groups == one], known[groups == one]) for one in range(_GROUPS)]
    return tuple(one if one.pairs else every for one in own)


def rank_intervals(
    backtested: Backtested,
    copulas: Sequence[Copula],
    quantile_levels: Sequence[float],
    *,
    paths: int,
    seed: int,
) -> RankedIntervals:
    """Ranks what was sold over each interval.

    Args:
        backtested: Forecasts and actuals.
        copulas: One for each group.
        quantile_levels: Of the quantiles.
        paths: Paths by which intervals are summed; as many as there are sampled lead times.
        seed: Of the paths.
    """
    intervals = backtested.intervals
    groups = interval_groups(backtested.mean, intervals.usual())
    horizon = backtested.actual.shape[1]
    inside = np.arange(horizon) < backtested.length[:, None]
    fits = (backtested.length >= 1) & (backtested.length <= horizon)
    judged = fits & (backtested.known | ~inside).all(axis=1)
    empty = (inside & ~backtested.in_stock).sum(axis=1)
    # With no period in stock nothing is known but a bound.
    censored = empty >= backtested.length
    backtested = with_guessed_demand(backtested, quantile_levels, seed=seed)
    sold = np.where(inside, np.nan_to_num(backtested.actual), 0.0).sum(axis=1, dtype=np.float64)
    ranks, own_ranks = np.ones(len(groups)), np.ones(len(groups))
    own_path = np.random.default_rng([seed, _OWN_WORD]).integers(0, paths, len(groups))
    levels = np.zeros((len(groups), len(CARRIED_LEVELS)), np.float32)
    for group, copula in enumerate(copulas):
        drawn = DemandPaths.draw(copula, quantile_levels, horizon=horizon, paths=paths, seed=seed)
        members = np.flatnonzero(judged & (groups == group))
        for part in _slices(members.size):
            rows = members[part]
            knots = curve_knots(backtested.quantiles[rows], backtested.mean[rows], quantile_levels)
            demand = interval_demand(
                drawn.cumulative(knots),
                review_period=intervals.review_period[rows],
                lead_time=intervals.lead_times[intervals.lead_time_row[rows]],
            )
            unit = intervals.unit[rows]
            ranks[rows] = cover_ranks(demand.over_interval, sold[rows], unit=unit)
            drawn_demand = demand.over_interval[np.arange(rows.size), own_path[rows]]
            own_ranks[rows] = cover_ranks(
                demand.over_interval, _to_units(drawn_demand, unit), unit=unit
            )
            levels[rows] = levels_at(demand.over_interval, unit)
    carried = carried_ranks(levels, sold, _chain(backtested))
    return RankedIntervals(
        copulas=tuple(copulas),
        groups=groups,
        judged=judged,
        ranks=np.minimum(ranks, carried),
        own_ranks=own_ranks,
        censored=censored,
        cutoff=backtested.cutoff,
        length=backtested.length,
    )


def with_guessed_demand(
    backtested: Backtested, quantile_levels: Sequence[float], *, seed: int
) -> Backtested:
    """Draws what would have been asked for where the shelf was empty.

    Formula: F^-1(u), u uniform between F(sold) and 1, F the forecast of the period: demand was at
    least what was sold. As right or wrong as the forecast, so that intervals with an empty shelf
    neither drop out, which would leave the quiet ones, nor count as infinite.

    Args:
        backtested: Forecasts and actuals.
        quantile_levels: Of the quantiles.
        seed: Of the draws.

    Source:
        Single imputation from the truncated predictive distribution: Little and Rubin (2019),
        Statistical Analysis with Missing Data, 3rd ed., chapter 4.
    """
    wanted = backtested.known & ~backtested.in_stock
    rows, steps = np.nonzero(wanted)
    if not rows.size:
        return backtested
    draws = np.random.default_rng([seed, _GUESSES])
    levels = curve_levels(quantile_levels)
    demand = np.array(backtested.actual, np.float64)
    uniform = draws.random(rows.size)
    for part in _slices(rows.size, _CELLS):
        row, step = rows[part], steps[part]
        knots = curve_knots(
            backtested.quantiles[row, step], backtested.mean[row, step], quantile_levels
        )
        sold = demand[row, step]
        least = curve_ranks(knots, levels, sold)
        guess = curve_values(knots, levels, least + uniform[part] * (1 - least))
        whole = _to_units(guess, backtested.intervals.unit[row])
        demand[row, step] = np.maximum(whole, sold)
    return replace(backtested, actual=demand)


def _to_units(demand: AnyFloats, unit: FloatArray) -> FloatArray:
    """Rounds demand to whole units; 0 leaves it as it is. Shapes [n]."""
    whole = np.round(demand / np.where(unit > 0, unit, 1.0)) * unit
    return np.where(unit > 0, whole, demand).astype(np.float64)


def _chain(backtested: Backtested) -> Chain:
    """Finds the decision before each, a review period earlier, and what was sold since."""
    review, count = backtested.intervals.review_period, len(backtested.series)
    previous = np.full(count, -1, np.int64)
    key = backtested.series * _FAR + backtested.cutoff
    wanted = key - review
    sorted_rows = np.argsort(key, kind="stable")
    at = np.searchsorted(key[sorted_rows], wanted)
    found = np.minimum(at, count - 1)
    match = key[sorted_rows][found] == wanted
    previous[match] = sorted_rows[found][match]
    horizon = backtested.actual.shape[1]
    inside = np.arange(horizon) < review[:, None]
    since = np.where(inside, np.nan_to_num(backtested.actual), 0.0).sum(axis=1)
    return Chain(previous, since)


def _ranks(backtested: Backtested, quantile_levels: Sequence[float], seed: int) -> FloatArray:
    """Ranks what was sold in its forecast; whole units share a jump evenly. Shape [B, H]."""
    draws = np.random.default_rng(seed)
    levels = curve_levels(quantile_levels)
    unit = backtested.intervals.unit
    half = np.where(unit > 0, 0.5 * unit, 0.0)
    ranks = np.empty(backtested.actual.shape)
    for rows in _slices(len(ranks)):
        knots = curve_knots(backtested.quantiles[rows], backtested.mean[rows], quantile_levels)
        actual = np.nan_to_num(np.asarray(backtested.actual[rows], np.float64))
        around = half[rows, None]
        upper = curve_ranks(knots, levels, actual + around)
        lower = curve_ranks(knots, levels, np.maximum(actual - around, 0.0))
        lower = np.where(actual <= 0, 0.0, lower)
        ranks[rows] = random_ranks(lower, upper, draws)
    return ranks


def _slices(count: int, size: int = _ROWS) -> Iterator[slice]:
    for start in range(0, count, size):
        yield slice(start, start + size)
