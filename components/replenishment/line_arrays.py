"""Numbers of the lines that can be computed, and work on them a part at a time, on all cores."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import AnyFloats, FloatArray
from demandcast.components.replenishment.interval_model import IntervalModel, interval_groups
from demandcast.components.replenishment.paths import DemandPaths, Float32Array, stratified_uniforms
from demandcast.components.replenishment.quantile_curves import curve_knots

__all__ = ["LineArrays", "Part", "Sampler", "over_parts", "sample_lead_times"]

Int64Array = npt.NDArray[np.int64]
Result = TypeVar("Result")

_LEAD_TIMES = 1
"""Stream of random numbers for lead times; that of demand is the seed alone."""

_ROWS = 64
"""Lines computed at a time by a core: their paths fit into its caches."""


@dataclass(frozen=True)
class LineArrays:
    """Lines (n): forecast, stock and terms, ready for arithmetic.

    Attributes:
        quantiles: Forecast, units per period. Shape [n, H, Q].
        mean: Forecast, units per period. Shape [n, H].
        available: On hand less reserved, units. Shape [n].
        position: The same and what is on order, units. Shape [n].
        arrivals: Due until each period opens, units. Shape [H, n].
        review_period: Periods until the next order may be decided. Shape [n].
        lead_time_row: Which lead time distribution. Shape [n].
        next_lead_time_row: The same of the order after this one, as stock feels it. Shape [n].
        pack_size: Units. Shape [n].
        moq: Units. Shape [n].
        unit_cost: Currency units per unit. Shape [n].
        holding_cost: Currency units per unit and period. Shape [n].
        stockout_cost: Currency units per unit short. Shape [n].
        target: Of the measure. Shape [n].
        shelf_life: Periods; 0 where it does not end. Shape [n].
        capacity: Units that there is room for beside what is reserved; infinite where there is no
            limit. Shape [n].
    """

    quantiles: AnyFloats
    mean: AnyFloats
    available: FloatArray
    position: FloatArray
    arrivals: FloatArray
    review_period: Int64Array
    lead_time_row: Int64Array
    next_lead_time_row: Int64Array
    pack_size: FloatArray
    moq: FloatArray
    unit_cost: FloatArray
    holding_cost: FloatArray
    stockout_cost: FloatArray
    target: FloatArray
    shelf_life: Int64Array
    capacity: FloatArray

    def __len__(self) -> int:
        return len(self.available)

    @property
    def unit(self) -> FloatArray:
        """What base-stock levels are raised to multiples of: 1 where packs hold whole units."""
        return np.where(self.pack_size % 1 == 0, 1.0, 0.0)

    def take(self, rows: npt.NDArray[Any]) -> LineArrays:
        """Picks lines."""
        picked = {
            each.name: getattr(self, each.name)[rows]
            for each in fields(self)
            if each.name != "arrivals"
        }
        return LineArrays(**picked, arrivals=self.arrivals[:, rows])


@dataclass(frozen=True)
class Part:
    """Some lines of one group, with their paths.

    Attributes:
        rows: Positions among all lines. Shape [n].
        lines: The lines.
        group: Of the interval model.
        cumulative: Demand from the first period to each, units. Shape [H, n, P].
        lead_time: Of an order now, on each path, periods. Shape [n, P].
        next_lead_time: Of the next order. Shape [n, P].
    """

    rows: Int64Array
    lines: LineArrays
    group: int
    cumulative: Float32Array
    lead_time: Int64Array
    next_lead_time: Int64Array


@dataclass(frozen=True)
class Sampler:
    """Draws paths of demand and lead times; the same for every part of the work.

    Attributes:
        model: Copulas and calibrations by group.
        demand: Paths by group.
        lead_times: Of an order now, by distribution, periods. Shape [V, P].
        next_lead_times: Of the next order. Shape [V, P].
        quantile_levels: Of the forecasts.
        mean_lead_time: Periods, by distribution. Shape [V].
    """

    model: IntervalModel
    demand: tuple[DemandPaths, ...]
    lead_times: Int64Array
    next_lead_times: Int64Array
    quantile_levels: tuple[float, ...]
    mean_lead_time: FloatArray

    @classmethod
    def draw(
        cls,
        model: IntervalModel,
        lead_time_probabilities: FloatArray,
        quantile_levels: Sequence[float],
        *,
        horizon: int,
        paths: int,
        seed: int,
    ) -> Sampler:
        """Draws everything once.

        Args:
            model: From `learn_intervals`.
            lead_time_probabilities: Of 0, 1, ... periods, by distribution. Shape [V, L + 1].
            quantile_levels: Of the forecasts.
            horizon: Periods, H.
            paths: P.
            seed: Same seed, same paths.
        """
        first, second = sample_lead_times(lead_time_probabilities, paths=paths, seed=seed)
        demand = tuple(
            DemandPaths.draw(copula, quantile_levels, horizon=horizon, paths=paths, seed=seed)
            for copula in model.copulas
        )
        longest = np.arange(lead_time_probabilities.shape[1])
        means = lead_time_probabilities @ longest.astype(np.float64)
        return cls(model, demand, first, second, tuple(quantile_levels), means)

    def groups(self, lines: LineArrays) -> Int64Array:
        """Groups lines by the demand that they expect over their interval. Shape [n]."""
        mean = self.mean_lead_time[lines.lead_time_row]
        return interval_groups(lines.mean, lines.review_period + np.round(mean).astype(np.int64))

    def part(self, lines: LineArrays, rows: Int64Array, group: int) -> Part:
        """Computes the paths of some lines of a group."""
        picked = lines.take(rows)
        knots = curve_knots(picked.quantiles, picked.mean, self.quantile_levels)
        return Part(
            rows,
            picked,
            group,
            self.demand[group].cumulative(knots),
            self.lead_times[picked.lead_time_row],
            self.next_lead_times[picked.next_lead_time_row],
        )


def sample_lead_times(
    lead_time_probabilities: FloatArray, *, paths: int, seed: int
) -> tuple[Int64Array, Int64Array]:
    """Samples lead times of an order of now and of the next one, as evenly as paths can be.

    Args:
        lead_time_probabilities: Of 0, 1, ... periods, by distribution. Shape [V, L + 1].
        paths: P.
        seed: Same seed, same lead times.

    Returns:
        Periods. Shapes [V, P].
    """
    # A stream of its own: with that of the demand, late orders would meet high demand.
    draws = np.random.default_rng([seed, _LEAD_TIMES])
    until = np.cumsum(lead_time_probabilities, axis=1)
    first, second = (_drawn(until, stratified_uniforms(paths, draws)) for _ in range(2))
    return first, second


def _drawn(until: FloatArray, uniforms: FloatArray) -> Int64Array:
    """Reads lead times off their distribution functions [V, L + 1]. Shape [V, P]."""
    last = until.shape[1] - 1
    drawn = [np.searchsorted(row, uniforms * row[-1], side="left") for row in until]
    return np.minimum(np.array(drawn, np.int64).reshape(len(until), uniforms.size), last)


def over_parts(
    sampler: Sampler, lines: LineArrays, work: Callable[[Part], Result]
) -> Iterator[tuple[Part, Result]]:
    """Works on all lines, a part at a time, on all cores; NumPy lets threads run side by side.

    Memory does not grow with the lines: few more parts are there at once than cores.

    Yields:
        Parts, in an order that depends on the lines alone, and what the work gave.
    """
    groups = sampler.groups(lines)
    jobs = [
        (members[start : start + _ROWS], group)
        for group in np.unique(groups).tolist()
        for members in [np.flatnonzero(groups == group)]
        for start in range(0, members.size, _ROWS)
    ]

    def run(job: tuple[Int64Array, int]) -> tuple[Part, Result]:
        part = sampler.part(lines, *job)
        return part, work(part)

    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        waiting: deque[Future[tuple[Part, Result]]] = deque()
        for job in jobs:
            # One more than there are cores, so that none waits while a result is taken.
            if len(waiting) > cores:
                yield waiting.popleft().result()
            waiting.append(pool.submit(run, job))
        while waiting:
            yield waiting.popleft().result()
