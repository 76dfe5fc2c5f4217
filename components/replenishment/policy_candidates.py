"""Levels that are tried: played many at once on the same paths, and how far a search has to look.

Axes: candidates C, series N, paths P. All candidates of all series are columns of one simulation,
as many at a time as `_CELLS` allows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import ratio
from demandcast.components.replenishment.closed_forms.search import lowest_between
from demandcast.components.replenishment.policy_evaluation import (
    LevelPolicy,
    ServiceMeasure,
    ServiceTarget,
    spread_scenario,
)
from demandcast.components.replenishment.simulation_result import StockResult
from demandcast.components.replenishment.stock_scenario import (
    BoolArray,
    FloatArray,
    IntArray,
    StockScenario,
    StockSupply,
)
from demandcast.components.replenishment.stock_simulation import simulate_stock
from demandcast.schema.errors import BadInputError

__all__ = [
    "Candidates",
    "Played",
    "least_between",
    "longest_interval",
    "lowest_reaching",
    "most_demand",
    "narrowed",
    "points_between",
]

_CELLS = 4_000_000
"""Numbers of demand in one simulation: 32 MB."""

_POINTS = 9

_SUMS: dict[ServiceMeasure, Callable[[StockResult], tuple[FloatArray, FloatArray]]] = {
    ServiceMeasure.CYCLE_SERVICE_LEVEL: lambda one: (one.cycles_without_stockout, one.cycles),
    ServiceMeasure.ORDER_CYCLE_SERVICE_LEVEL: lambda one: (
        one.order_cycles_without_stockout,
        one.order_cycles,
    ),
    ServiceMeasure.FILL_RATE: lambda one: (one.met_at_once, one.demand),
}


@dataclass(frozen=True)
class Played:
    """What candidates came to; each of shape [C, N].

    Attributes:
        cost: Currency per period, mean over the paths.
        reached: Whether the target is reached; everywhere without one.
    """

    cost: FloatArray
    reached: BoolArray

    @property
    def value(self) -> FloatArray:
        """The cost where the target is reached, infinite elsewhere."""
        return np.where(self.reached, self.cost, np.inf)


@dataclass(frozen=True)
class Candidates:
    """A family of policies on given paths.

    Attributes:
        paths: Units per period. Shape [T, N, P].
        scenario: Of the series.
        target: A service to reach, or None.
        build: Makes a policy of levels in units, of any shape [columns].
        step: Units: levels are its multiples.
    """

    paths: FloatArray
    scenario: StockScenario
    target: ServiceTarget | None
    build: Callable[..., LevelPolicy]
    step: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.step) and self.step > 0):
            raise BadInputError(f"step: got {self.step}; expected a number of units above 0")

    def play(self, *levels: npt.NDArray[np.int64]) -> Played:
        """Simulates candidates.

        Args:
            levels: Multiples of the step. Shape [C, N] each.
        """
        size = max(1, _CELLS // self.paths.size)
        parts = [
            self._played([one[start : start + size] for one in levels])
            for start in range(0, len(levels[0]), size)
        ]
        return Played(
            np.concatenate([part.cost for part in parts]),
            np.concatenate([part.reached for part in parts]),
        )

    def _played(self, levels: list[IntArray]) -> Played:
        periods, series, count = self.paths.shape
        copies = len(levels[0])
        result = simulate_stock(
            np.tile(self.paths.reshape(periods, -1), copies),
            self.build(*(np.repeat(one.ravel() * self.step, count) for one in levels)),
            scenario=spread_scenario(self.scenario, series=series, paths=count, copies=copies),
        )

        def of(counted: FloatArray) -> FloatArray:
            return np.asarray(counted.reshape(copies, series, count).sum(axis=-1))

        cost = of(result.total_cost) / (count * result.periods)
        if self.target is None:
            return Played(cost, np.ones(cost.shape, dtype=np.bool_))
        above, below = map(of, _SUMS[self.target.measure](result))
        service = ratio(above, below)
        # Where there is nothing to serve, it is served. A sum of shares may miss its target by
        # rounding.
        enough = np.isnan(service) | (service >= np.asarray(self.target.share) - 1e-12)
        return Played(cost, enough)


def lowest_reaching(
    played: Callable[[IntArray], Played], low: IntArray, high: IntArray
) -> IntArray:
    """Finds the lowest level that reaches the target, by halving; the highest where none does.

    Args:
        played: Plays levels. Shape [C, N].
        low: Lowest level that is possible. Shape [C, N].
        high: Highest. Shape [C, N].
    """
    found = lowest_between(
        lambda level: played(level.astype(np.int64)).reached,
        (low - 1).astype(np.float64),
        high.astype(np.float64),
        step=1.0,
    )
    return found.astype(np.int64)


def least_between(played: Callable[[IntArray], Played], low: IntArray, high: IntArray) -> IntArray:
    """Finds the level of least cost, by points that move closer around the best.

    Args:
        played: Plays levels, [points x C, N]: those of the same point are next to each other.
        low: Lowest level that is possible. Shape [C, N].
        high: Highest. Shape [C, N].
    """
    while True:
        levels = points_between(low, high)
        value = played(levels.reshape(-1, low.shape[-1])).value.reshape(levels.shape)
        best, low, high, done = narrowed(levels, value)
        if done:
            return best


def points_between(low: IntArray, high: IntArray) -> IntArray:
    """Spreads points evenly over whole numbers, both ends included. Shape [points, ...]."""
    parts = np.arange(_POINTS).reshape(-1, *[1] * low.ndim)
    return np.asarray(low + (high - low) * parts // (_POINTS - 1))


def narrowed(levels: IntArray, value: FloatArray) -> tuple[IntArray, IntArray, IntArray, bool]:
    """Returns the best points, the neighbours between which a better one may lie, and if none is.

    Args:
        levels: From `points_between`. Shape [points, ...].
        value: What they cost; of several that cost the least the lowest is the best.
    """
    at = value.argmin(axis=0)[None]
    best, low, high = (
        np.take_along_axis(levels, np.clip(at + move, 0, len(levels) - 1), axis=0)[0]
        for move in (0, -1, 1)
    )
    return best, low, high, bool((high - low <= 2).all())


def longest_interval(supply: StockSupply, periods: int) -> int:
    """Returns periods after which an order of today no longer matters: L + R and the shelf life.

    Args:
        supply: Lead times, reviews and shelf lives.
        periods: Of the demand; no interval is longer.
    """
    review = np.asarray(supply.review)
    if review.dtype == np.bool_:
        last = np.where(review, np.arange(len(review))[:, None], -1)
        review = np.arange(len(review))[:, None] - np.maximum.accumulate(last, axis=0) + 1
    lives = np.asarray(supply.shelf_life, dtype=np.float64)
    life = lives[np.isfinite(lives)].max(initial=0.0)
    return int(min(np.max(supply.lead_time) + review.max() + life, periods))


def most_demand(paths: FloatArray, interval: int) -> FloatArray:
    """Returns the most that is asked for in so many periods on any path. Shape [N]."""
    until = np.cumsum(paths, axis=0)
    before = np.concatenate([np.zeros((1, *paths.shape[1:])), until])
    asked = before[interval:] - before[:-interval]
    return np.asarray(asked.max(axis=(0, 2)))
