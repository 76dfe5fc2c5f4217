"""Policies simulated over the periods after a backtest's first cutoff, on what was asked for then.

origins ─ actuals ──────────────> demand [T, N]
─ rolling levels ───────> ours
history before ─ rules of thumb > textbook, EOQ, last year
demand itself ──────────────────> perfect foresight
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import BoolArray, FloatArray
from demandcast.components.replenishment.comparison_policies import KnownSupply
from demandcast.components.replenishment.lead_time_distributions import (
    draw_lead_times,
    pmf_mean,
    pmf_std,
)
from demandcast.components.replenishment.policy_comparison import (
    ComparedChunk,
    PastDemand,
    TargetPolicy,
    compare_chunks,
    given_levels,
    standard_policies,
)
from demandcast.components.replenishment.rolling_policy import LevelPlanner, RollingPolicy
from demandcast.components.replenishment.stock_scenario import (
    OpeningStock,
    StockCosts,
    StockScenario,
    StockSupply,
    UnmetDemand,
)
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.periods import Frequency, periods_of, year_length

__all__ = [
    "OURS",
    "RollingWorld",
    "demand_after",
    "review_periods",
    "simulate_policies",
]

Int64Array = npt.NDArray[np.int64]

OURS = "demandcast"
"""Name of the policy of `demandcast replenish`."""

_CHUNK = 1_000
"""Series simulated at a time; bounds the memory."""

_WINDOW = {"D": 91}
"""Periods of which the textbook takes mean and deviation; half a year of weeks otherwise."""


@dataclass(frozen=True)
class RollingWorld:
    """Demand of series (N) over the periods (T) after the first simulated cutoff, and its supply.

    Attributes:
        demand: Units asked for per period. Shape [T, N].
        history: The same before, the newest last. Shape [H, N].
        reviewed: Whether an order may be placed before each period opens. Shape [T, N].
        review_period: Periods between decisions. Shape [N].
        lead_time_row: Which lead time distribution. Shape [N].
        lead_time_probabilities: Of 0, 1, ... periods. Shape [V, L + 1].
        pack_size: Units. Shape [N].
        moq: Units. Shape [N].
        shelf_life: Periods; infinite where it does not end. Shape [N].
        costs: Of stock and shortage.
        unmet_demand: Whether it is lost or waits.
        opening: Units at hand in the beginning, the same for all policies. Shape [N].
        frequency: Of the periods.
        warm_up: First periods that are not counted.
        seed: Of the lead times.
        first: Position of the cutoff after which the periods come.
    """

    demand: FloatArray
    history: FloatArray
    reviewed: BoolArray
    review_period: Int64Array
    lead_time_row: Int64Array
    lead_time_probabilities: FloatArray
    pack_size: FloatArray
    moq: FloatArray
    shelf_life: FloatArray
    costs: StockCosts
    unmet_demand: UnmetDemand
    opening: FloatArray
    frequency: Frequency
    warm_up: int
    seed: int
    first: int


def demand_after(
    origins: OriginForecasts, *, first: int, last: int
) -> tuple[FloatArray, BoolArray]:
    """Lays out what was sold in the periods after a cutoff.

    Args:
        origins: Forecasts beside actuals; together they must reach over the periods.
        first: Position of the cutoff.
        last: Last period, on the grid of the frequency.

    Returns:
        Units, 0 where nothing is known, and where something is. Shapes [T, N].
    """
    cutoffs = periods_of(origins.cutoff_days, origins.frequency)
    begin = int(cutoffs[first]) + 1
    shape = (last - begin + 1, origins.keys.height)
    demand, known = np.zeros(shape), np.zeros(shape, np.bool_)
    for step in range(origins.actual.shape[1]):
        period = cutoffs[origins.cutoff_index] + 1 + step - begin
        inside = (period >= 0) & (period < shape[0]) & origins.observed_mask[:, step]
        at = (period[inside], origins.series_index[inside])
        demand[at] = origins.actual[inside, step]
        known[at] = True
    return demand, known


def review_periods(
    periods: int, review_period: Int64Array, *, cutoffs: Int64Array, phase: Int64Array
) -> BoolArray:
    """Marks the periods before which orders may be placed: every R, where there is a forecast.

    Args:
        periods: T.
        review_period: R. Shape [N].
        cutoffs: Periods that follow a cutoff, counted from the first simulated one. Shape [C].
        phase: Period of the first review. Shape [N].

    Returns:
        Shape [T, N].
    """
    period = np.arange(periods)
    due = (period[:, None] >= phase) & ((period[:, None] - phase) % review_period == 0)
    return np.asarray(due & np.isin(period, cutoffs)[:, None])


def simulate_policies(
    world: RollingWorld,
    planner: LevelPlanner,
    *,
    levels: Mapping[str, Mapping[float, FloatArray]],
    targets: Sequence[float],
    reference: str,
    others: Mapping[str, LevelPlanner] | None = None,
) -> pl.DataFrame:
    """Simulates our policy, given levels and the rules of thumb on the same demand.

    Args:
        world: Demand and supply.
        planner: Decides our orders.
        levels: Base-stock levels of further policies by target. Shapes [T, N].
        targets: Cycle service levels.
        reference: Policy by which the others are divided.
        others: Planners of further policies, by name, of the same series.

    Returns:
        As `compare_chunks` has it.
    """
    chunks = _chunks(world, {OURS: planner, **(others or {})}, levels)
    return compare_chunks(chunks, targets=targets, reference=reference)


def _chunks(
    world: RollingWorld,
    planners: Mapping[str, LevelPlanner],
    levels: Mapping[str, Mapping[float, FloatArray]],
) -> Iterator[ComparedChunk]:
    """Yields some series at a time."""
    for start in range(0, world.demand.shape[1], _CHUNK):
        part = slice(start, start + _CHUNK)
        scenario = _scenario(world, part)
        planned = {
            name: TargetPolicy(functools.partial(_planned, world, planner, part))
            for name, planner in planners.items()
        }
        given = {
            name: given_levels({target: one[:, part] for target, one in by_target.items()})
            for name, by_target in levels.items()
        }
        rules = standard_policies(
            world.demand[:, part],
            scenario,
            supply=_known_supply(world, part),
            past=PastDemand(
                history=world.history[:, part],
                window=_WINDOW.get(world.frequency, 26),
                year=year_length(world.frequency),
            ),
        )
        yield ComparedChunk(world.demand[:, part], {**planned, **given, **rules}, scenario)


def _planned(
    world: RollingWorld, planner: LevelPlanner, part: slice, target: float
) -> RollingPolicy:
    series = np.arange(world.demand.shape[1])[part]
    return RollingPolicy(
        planner, series, target=target, first=world.first, reviewed=world.reviewed[:, part]
    )


def _lead_times(world: RollingWorld, part: slice) -> Int64Array:
    """Draws the lead time of each series' order before each period. Shape [T, n].

    Series of a supplier have lead times of their own, though its lorry may bring them together:
    means are the same, and less of the result is luck with a few lorries.
    """
    row = world.lead_time_row[part]
    bits = np.random.PCG64(world.seed)
    # Those of the series before: the same draws, however many are simulated at a time.
    bits.advance(part.start * len(world.demand))
    uniforms = np.random.Generator(bits).random((len(row), len(world.demand)))
    return draw_lead_times(world.lead_time_probabilities[row], uniforms).T.astype(np.int64)


def _scenario(world: RollingWorld, part: slice) -> StockScenario:
    costs = {
        name: np.broadcast_to(getattr(world.costs, name), world.pack_size.shape)[part]
        for name in ("holding_cost", "stockout_cost", "order_cost", "unit_cost", "waste_cost")
    }
    return StockScenario(
        supply=StockSupply(
            lead_time=_lead_times(world, part),
            review=world.reviewed[:, part],
            pack_size=world.pack_size[part],
            moq=world.moq[part],
            shelf_life=world.shelf_life[part],
        ),
        costs=StockCosts(**costs),
        unmet_demand=world.unmet_demand,
        opening=OpeningStock(on_hand=world.opening[part]),
        warm_up=world.warm_up,
    )


def _known_supply(world: RollingWorld, part: slice) -> KnownSupply:
    pmf, row = world.lead_time_probabilities, world.lead_time_row[part]
    return KnownSupply(
        lead_time_mean=pmf_mean(pmf)[row],
        lead_time_variance=pmf_std(pmf)[row] ** 2,
        review_period=world.review_period[part],
    )
