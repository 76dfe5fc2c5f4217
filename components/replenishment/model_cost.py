"""What the stock would have cost that a model's forecasts lead to, beside that of another model.

    forecasts of eval origins ── paths ──> base-stock level S ─┐
    what was sold over the interval ───────────────────────────┴─> h R left + p short

The cost of an interval is least on average for who forecasts its true distribution: S is that
distribution's quantile at the critical ratio of the same two costs. So no model gains by
forecasting too much, too little, too sure or too careful.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import AnyFloats, BoolArray, FloatArray
from demandcast.components.metrics.grouping import sum_groups
from demandcast.components.metrics.jackknife import Estimate, estimate
from demandcast.components.replenishment.interval_levels import critical_ratios
from demandcast.components.replenishment.interval_model import (
    Backtested,
    IntervalModel,
    Intervals,
    learn_copulas,
)
from demandcast.components.replenishment.line_arrays import LineArrays, Sampler
from demandcast.components.replenishment.wanted import Aim, want

__all__ = [
    "CostDifference",
    "CostTerms",
    "IntervalCosts",
    "JudgedOrigins",
    "ModelForecasts",
    "PathRules",
    "compare_costs",
    "counted_intervals",
    "interval_costs",
    "without_tail",
]

Int64Array = npt.NDArray[np.int64]

_COVERED = 0.99
"""Share of lead times that are looked at as they are; longer ones count as the last of these."""


@dataclass(frozen=True)
class ModelForecasts:
    """What a model forecasts at the origins (B).

    Attributes:
        quantiles: Units per period. Shape [B, H, Q].
        mean: Units per period. Shape [B, H].
    """

    quantiles: AnyFloats
    mean: AnyFloats

    @property
    def fault(self) -> str | None:
        """Why no stock can be planned by them, in words; None if it can."""
        if not (np.isfinite(self.quantiles).all() and np.isfinite(self.mean).all()):
            return "a forecast is not a number"
        if (np.diff(self.quantiles, axis=-1) < 0).any():
            return "a quantile lies below that of a lower level"
        return None


@dataclass(frozen=True)
class JudgedOrigins:
    """Series at cutoffs (B) and what happened after them.

    Attributes:
        series_index: Which series each is of. Shape [B].
        actual: Sold, units per period; anything where not known. Shape [B, H].
        known: Where it was recorded. Shape [B, H].
        in_stock: Where the shelf was full all the time. Shape [B, H].
    """

    series_index: Int64Array
    actual: AnyFloats
    known: BoolArray
    in_stock: BoolArray


@dataclass(frozen=True)
class CostTerms:
    """Terms of the series (N), as far as the cost of an interval depends on them.

    Attributes:
        known: Which series have terms; the others do not count. Shape [N].
        review_period: R, periods. Shape [N].
        lead_time_row: Which lead time distribution. Shape [N].
        pack_size: Units; levels are whole units where packs hold whole units. Shape [N].
        holding_cost: h, currency units per unit and period. Shape [N].
        stockout_cost: p, currency units per unit short. Shape [N].
        lead_time_probabilities: Of 0, 1, ... periods, by distribution. Shape [V, L + 1].
    """

    known: BoolArray
    review_period: Int64Array
    lead_time_row: Int64Array
    pack_size: FloatArray
    holding_cost: FloatArray
    stockout_cost: FloatArray
    lead_time_probabilities: FloatArray

    @property
    def longest_interval(self) -> Int64Array:
        """Review period and the longest lead time that is looked at, periods. Shape [N]."""
        possible = without_tail(self.lead_time_probabilities) > 0
        last = possible.shape[1] - 1 - possible[:, ::-1].argmax(axis=1)
        last = np.where(possible.any(axis=1), last, 0)
        return np.asarray(self.review_period + last[self.lead_time_row])


@dataclass(frozen=True)
class IntervalCosts:
    """Costs of the intervals that count (M of B).

    Attributes:
        rows: Which origins these are of, increasing. Shape [M].
        level: Base-stock level that the forecast leads to, units. Shape [M].
        holding: Of what is left at the end, currency units. Shape [M].
        stockout: Of what was asked for beyond the level, currency units. Shape [M].
        shortage_probability: How often a level should fall short. Shape [M].
    """

    rows: Int64Array
    level: FloatArray
    holding: FloatArray
    stockout: FloatArray
    shortage_probability: FloatArray

    @property
    def total(self) -> FloatArray:
        """Both together, currency units. Shape [M]."""
        return self.holding + self.stockout


@dataclass(frozen=True)
class CostDifference:
    """Costs of two models over the same intervals.

    Attributes:
        holding: Of the new model, currency units.
        stockout: Of the new model.
        holding_in_service: Of the model in service.
        stockout_in_service: Of the model in service.
        increase: New total / total in service - 1, with its noise; an infinite one where only the
            new model costs anything.
        intervals: Series at cutoffs that count.
        series: Series that count.
        expected_shortages: Of these intervals, those that should have a shortage by the terms; the
            rest of the noise is little beside that of few shortages.
    """

    holding: float
    stockout: float
    holding_in_service: float
    stockout_in_service: float
    increase: Estimate
    intervals: int
    series: int
    expected_shortages: float


@dataclass(frozen=True)
class PathRules:
    """How demand over an interval is sampled.

    Attributes:
        quantile_levels: Of the forecasts.
        paths: Sample paths.
        seed: Same seed, same paths.
    """

    quantile_levels: tuple[float, ...]
    paths: int
    seed: int


def without_tail(lead_time_probabilities: FloatArray) -> FloatArray:
    """Counts lead times beyond the 0.99 quantile as that quantile.

    Who waits for the last percent needs forecasts and sales that reach far beyond all others.

    Args:
        lead_time_probabilities: Of 0, 1, ... periods; all 0 where unknown. Shape [V, L + 1].

    Returns:
        Shape [V, L + 1].

    >>> without_tail(np.array([[0.5, 0.495, 0.005]])).tolist()
    [[0.5, 0.5, 0.0]]
    """
    until = np.cumsum(lead_time_probabilities, axis=1)
    total = until[:, -1:]
    last = (until >= _COVERED * total - 1e-9).argmax(axis=1)[:, None]
    at = np.arange(until.shape[1])
    rest = total - np.concatenate([np.zeros_like(total), until[:, :-1]], axis=1)
    return np.where(at < last, lead_time_probabilities, np.where(at == last, rest, 0.0))


def counted_intervals(origins: JudgedOrigins, terms: CostTerms) -> BoolArray:
    """Tells which intervals count: recorded, never out of stock, and within the forecast.

    Where the shelf was empty on the way nobody knows what was asked for: the sale says that it
    was at least as much, which is too little for what is short and too much for what is left. To
    count it at its face would reward the model that orders less.

    Args:
        origins: Series at cutoffs.
        terms: Of their series.

    Returns:
        Shape [B].
    """
    needed = terms.longest_interval[origins.series_index]
    horizon = origins.actual.shape[1]
    inside = np.arange(horizon) < needed[:, None]
    whole = (origins.known & origins.in_stock | ~inside).all(axis=1)
    return np.asarray(whole & (needed <= horizon) & terms.known[origins.series_index])


def interval_costs(
    forecasts: ModelForecasts, origins: JudgedOrigins, terms: CostTerms, *, rules: PathRules
) -> IntervalCosts:
    """Computes what stock would have cost, had it been raised to the model's level each time.

    Levels are those of `demandcast replenish` for the least cost, where unmet demand waits: so they
    do not depend on the stock, which nobody knows here. How errors of neighbouring periods go
    together is learnt from the origins; how sure the quantiles are is not: a calibration learnt
    from the very intervals that judge would mend what is to be found.

    Formula: h R E(S - D(L + R))+ + p E(D(L + R) - S)+, over the distribution of L; S the quantile
    of the forecast of D(L + R) at p / (p + h R).

    Args:
        forecasts: Of one model, without a `fault`.
        origins: Where they were made.
        terms: Of the series.
        rules: How demand is sampled.

    Source:
        Snyder and Shen (2019), Fundamentals of Supply Chain Theory, 2nd ed., section 4.3, the
        newsvendor over L + R periods. That the true distribution costs least: Gneiting (2011),
        Quantiles as optimal point forecasts, Int. J. of Forecasting 27(2), 197-207.
    """
    probabilities = without_tail(terms.lead_time_probabilities)
    sampler = Sampler.draw(
        IntervalModel(copulas=_copulas(forecasts, origins, terms, rules)),
        probabilities,
        rules.quantile_levels,
        horizon=origins.actual.shape[1],
        paths=rules.paths,
        seed=rules.seed,
    )
    rows = np.flatnonzero(counted_intervals(origins, terms))
    lines = _lines(forecasts, rows, terms, origins.series_index[rows])
    level = want(lines, sampler, Aim("cost", "backordered")).base_stock_level
    left, short = _left_and_short(level, origins.actual[rows], lines, probabilities)
    return IntervalCosts(
        rows=rows,
        level=level,
        holding=lines.holding_cost * lines.review_period * left,
        stockout=lines.stockout_cost * short,
        shortage_probability=1.0
        - critical_ratios(
            stockout_cost=lines.stockout_cost,
            holding_cost=lines.holding_cost,
            review_period=lines.review_period,
        ),
    )


def _copulas(
    forecasts: ModelForecasts, origins: JudgedOrigins, terms: CostTerms, rules: PathRules
) -> tuple[Any, ...]:
    """Learns how errors of periods go together, as `demandcast replenish` does."""
    longest = np.arange(terms.lead_time_probabilities.shape[1], dtype=np.float64)
    mean = np.round(terms.lead_time_probabilities @ longest).astype(np.int64)
    at = origins.series_index
    intervals = Intervals(
        review_period=terms.review_period[at],
        lead_time_row=terms.lead_time_row[at],
        lead_times=mean[:, None],
        unit=_unit(terms.pack_size)[at],
    )
    backtested = Backtested(
        quantiles=forecasts.quantiles,
        mean=forecasts.mean,
        actual=origins.actual,
        known=origins.known,
        in_stock=origins.in_stock,
        intervals=intervals,
        length=intervals.usual(),
        series=at,
        cutoff=np.zeros(len(at), np.int64),  # Copulas do not depend on it.
    )
    return learn_copulas(backtested, rules.quantile_levels, seed=rules.seed)


def _unit(pack_size: FloatArray) -> FloatArray:
    return np.where(pack_size % 1 == 0, 1.0, 0.0)


def _lines(
    forecasts: ModelForecasts, rows: Int64Array, terms: CostTerms, series: Int64Array
) -> LineArrays:
    """Puts forecasts beside the terms of their series; stock is not looked at."""
    nothing = np.zeros(rows.size)
    return LineArrays(
        quantiles=forecasts.quantiles[rows],
        mean=forecasts.mean[rows],
        available=nothing,
        position=nothing,
        arrivals=np.zeros((forecasts.mean.shape[1], rows.size)),
        review_period=terms.review_period[series],
        lead_time_row=terms.lead_time_row[series],
        next_lead_time_row=terms.lead_time_row[series],
        pack_size=terms.pack_size[series],
        moq=nothing,
        unit_cost=nothing,
        holding_cost=terms.holding_cost[series],
        stockout_cost=terms.stockout_cost[series],
        target=nothing,
        shelf_life=np.zeros(rows.size, np.int64),
        capacity=np.full(rows.size, np.inf),
    )


def _left_and_short(
    level: FloatArray, actual: AnyFloats, lines: LineArrays, probabilities: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Averages units left and units short over the lead times. Shapes [M]."""
    horizon = actual.shape[1]
    sold = np.cumsum(np.nan_to_num(actual), axis=1, dtype=np.float64)
    left, short = np.zeros(len(level)), np.zeros(len(level))
    for lead_time in np.flatnonzero(probabilities.any(axis=0)):
        weight = probabilities[lines.lead_time_row, lead_time]
        # Beyond the horizon there is no weight: such intervals do not count.
        end = np.minimum(lines.review_period + lead_time, horizon) - 1
        demand = np.take_along_axis(sold, end[:, None], axis=1)[:, 0]
        left += weight * np.maximum(level - demand, 0.0)
        short += weight * np.maximum(demand - level, 0.0)
    return left, short


def compare_costs(
    candidate: IntervalCosts,
    in_service: IntervalCosts,
    *,
    series_index: Int64Array,
    groups: Int64Array,
) -> CostDifference:
    """Adds up the costs of both models, and says how sure their difference is.

    Formula: increase = sum of the new costs / sum of those in service - 1, its standard error by
    leaving out one group of series after the other, as for the metrics of the gate.

    Args:
        candidate: Of the new model.
        in_service: Of the model in service, over the same intervals.
        series_index: Series of each origin. Shape [B].
        groups: Group of the series of each origin, as for the metrics of the gate. Shape [B].

    Raises:
        ValueError: The intervals are not the same.
    """
    if not np.array_equal(candidate.rows, in_service.rows):
        raise ValueError("the costs of two models are compared over the same intervals")
    rows = candidate.rows
    both = np.stack([candidate.total, in_service.total], axis=1)
    present, positions = np.unique(groups[rows], return_inverse=True)
    total = both.sum(axis=0)
    without = _increases(total - sum_groups(both, positions.astype(np.int64), len(present)))
    return CostDifference(
        holding=float(candidate.holding.sum()),
        stockout=float(candidate.stockout.sum()),
        holding_in_service=float(in_service.holding.sum()),
        stockout_in_service=float(in_service.stockout.sum()),
        increase=estimate(
            float(_increases(total[None])[0]), np.where(np.isfinite(without), without, np.nan)
        ),
        intervals=len(rows),
        series=len(np.unique(series_index[rows])),
        expected_shortages=float(candidate.shortage_probability.sum()),
    )


def _increases(costs: FloatArray) -> FloatArray:
    """Divides new costs by those in service, less 1; without a cost in service infinite or 0."""
    new, before = costs[:, 0], costs[:, 1]
    share = new / np.where(before > 0, before, 1.0) - 1
    return np.where(before > 0, share, np.where(new > 0, np.inf, 0.0))
