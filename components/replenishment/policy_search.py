"""Levels where no formula gives them: sought by simulation, for all series at once.

Lost sales, shelf lives, packs, capacities, random lead times, calendars, demand that is not
independent from period to period: the simulator knows them, formulas do not. Each search finds
the levels of least cost, or of least cost among those that reach a service, on given sample paths:

    search_base_stock       S; of perishables too: a shelf life is part of the scenario
    search_reorder_point    s and Q
    search_min_max          s and S

All candidates are played on the same paths and lead times (common random numbers), so one is
better than another on these paths without doubt; how good it is on others, paths that took no
part in the search tell (`evaluate_policy`). Levels are whole multiples of a step.

How: the lowest level that reaches a service is found by halving, as service rises with the level;
the level of least cost by looking at points and then ever more closely around the best. Where there
are two levels, that is done for points of the second, and ends with a walk: from the best to a
neighbour for as long as one is cheaper. So no neighbour of what is returned costs less on the
same paths; that nothing farther away does is certain only where cost is convex.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.policy_candidates import (
    Candidates,
    Played,
    least_between,
    longest_interval,
    lowest_reaching,
    most_demand,
    narrowed,
    points_between,
)
from demandcast.components.replenishment.policy_evaluation import (
    LevelPolicy,
    PolicyOutcome,
    ServiceTarget,
    demand_paths,
    evaluate_policy,
)
from demandcast.components.replenishment.stock_policies import (
    BaseStockPolicy,
    OrderUpToPolicy,
    ReorderPointPolicy,
)
from demandcast.components.replenishment.stock_scenario import (
    BoolArray,
    FloatArray,
    IntArray,
    StockScenario,
    UnmetDemand,
)

__all__ = ["SearchedPolicy", "search_base_stock", "search_min_max", "search_reorder_point"]

_UP_AND_DOWN = np.array([(1, 0), (-1, 0)])
_MOVES = np.array([(1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1)])
"""To neighbours: steps of the first level and of the gap or lot."""
_ROUNDING = 1e-12
_WALK = 1000
"""Steps of the walk at most."""
_BEYOND = 4.0
"""Economic order quantities within which the lot is sought, beyond the demand of the interval."""


@dataclass(frozen=True)
class SearchedPolicy:
    """What a search found.

    Attributes:
        policy: With levels of each series, units. Shape [N].
        reached: Whether the target is reached on the paths; true without a target. Where no
            level reaches it, as with a capacity that is too small, the levels are the highest
            that were tried. Shape [N].
        outcome: What the policy comes to on the paths of the search; on them it looks a little
            better than it is.
    """

    policy: LevelPolicy
    reached: BoolArray
    outcome: PolicyOutcome


def search_base_stock(
    demand: npt.ArrayLike,
    *,
    scenario: StockScenario,
    target: ServiceTarget | None = None,
    step: float = 1.0,
) -> SearchedPolicy:
    """Finds the base-stock level of least cost, among those that reach a target if there is one.

    With a shelf life in the scenario this is the newsvendor of perishables over many periods:
    what is left serves the next periods until it expires, the oldest first.

    Args:
        demand: Units per period. Shape [T, N], or [T, N, P] for P paths of each series.
        scenario: Supply, costs, what becomes of unmet demand. `warm_up` should outlast the
            opening stock.
        target: A service to reach, or None for the least cost alone.
        step: Units: levels are its multiples.

    Returns:
        A `BaseStockPolicy` and what it comes to.

    Raises:
        BadInputError: A value or shape is wrong.

    Source:
        Of the form: Nahmias (1975), Optimal Ordering Policies for Perishable Inventory II,
        Operations Research 23(4), 735-749, who shows that for goods that keep for several
        periods the best order depends on all ages; one level for the position is close to it.

    >>> from demandcast.components.replenishment.stock_scenario import StockCosts
    >>> demand = np.random.default_rng(1).poisson(6.0, (300, 1, 20)).astype(float)
    >>> scenario = StockScenario(costs=StockCosts(holding_cost=1, stockout_cost=9))
    >>> search_base_stock(demand, scenario=scenario).policy.base_stock_level
    array([9.])
    """
    paths = demand_paths(demand)
    candidates = Candidates(paths, scenario, target, _base_stock, step)
    top = _top(candidates)
    found = _best_first(candidates, np.zeros_like(top), top)
    return _searched(candidates, *_walked(candidates, (found, 0 * found), _UP_AND_DOWN))


def search_reorder_point(
    demand: npt.ArrayLike,
    *,
    scenario: StockScenario,
    target: ServiceTarget | None = None,
    step: float = 1.0,
) -> SearchedPolicy:
    """Finds the (s, Q) policy of least cost, among those that reach a target if there is one.

    Args:
        demand: As in `search_base_stock`.
        scenario: As there.
        target: As there.
        step: As there.

    Returns:
        A `ReorderPointPolicy` and what it comes to.

    Raises:
        BadInputError: A value or shape is wrong.
    """
    candidates = Candidates(demand_paths(demand), scenario, target, ReorderPointPolicy, step)
    return _searched(candidates, *_best_pair(candidates))


def search_min_max(
    demand: npt.ArrayLike,
    *,
    scenario: StockScenario,
    target: ServiceTarget | None = None,
    step: float = 1.0,
) -> SearchedPolicy:
    """Finds the (s, S) policy of least cost, among those that reach a target if there is one.

    Args:
        demand: As in `search_base_stock`.
        scenario: As there.
        target: As there.
        step: As there.

    Returns:
        An `OrderUpToPolicy` and what it comes to.

    Raises:
        BadInputError: A value or shape is wrong.
    """
    candidates = Candidates(demand_paths(demand), scenario, target, _min_max, step)
    return _searched(candidates, *_best_pair(candidates))


def _base_stock(level: FloatArray, _: FloatArray) -> BaseStockPolicy:
    """Makes the policy of a level; the gap plays no part."""
    return BaseStockPolicy(level)


def _min_max(reorder_point: FloatArray, gap: FloatArray) -> OrderUpToPolicy:
    """Makes the policy of s and S - s."""
    return OrderUpToPolicy(reorder_point, reorder_point + gap)


def _searched(candidates: Candidates, *levels: IntArray) -> SearchedPolicy:
    """Evaluates what was found. Levels of shape [1, N]."""
    policy = candidates.build(*(one[0] * candidates.step for one in levels))
    return SearchedPolicy(
        policy,
        candidates.play(*levels).reached[0],
        evaluate_policy(candidates.paths, policy, scenario=candidates.scenario),
    )


def _top(candidates: Candidates) -> IntArray:
    """Returns multiples of the step beyond which a level is of no more use. Shape [1, N]."""
    interval = longest_interval(candidates.scenario.supply, len(candidates.paths))
    most = most_demand(candidates.paths, interval)
    return np.maximum(np.ceil(most / candidates.step), 1.0).astype(np.int64)[None]


def _widest(candidates: Candidates) -> IntArray:
    """Returns multiples of the step beyond which a lot is too large. Shape [1, N]."""
    costs = candidates.scenario.costs
    rate, total = candidates.paths.mean(axis=(0, 2)), candidates.paths.sum(axis=0).max(axis=1)
    order, holding, stockout = (
        np.broadcast_to(np.asarray(one, dtype=np.float64), rate.shape)
        for one in (costs.order_cost, costs.holding_cost, costs.stockout_cost)
    )
    waiting = holding / np.where(stockout > 0, stockout, np.inf)
    free = np.where(holding > 0, holding, 1.0)
    lot = np.sqrt(2 * order * rate * (1 + waiting) / free)
    lot = np.where((holding > 0) | (order == 0), _BEYOND * lot, total)
    units = np.minimum(np.ceil(lot / candidates.step) + _top(candidates)[0], total)
    return np.maximum(np.ceil(units), 1.0).astype(np.int64)[None]


def _best_first(candidates: Candidates, gap: IntArray, high: IntArray) -> IntArray:
    """Finds the best first level for each gap or lot. Shape [C, N]."""
    low, high = _floor(candidates)(gap), np.broadcast_to(high, gap.shape)

    def played(levels: IntArray) -> Played:
        return candidates.play(levels, np.tile(gap, (len(levels) // len(gap), 1)))

    if candidates.target is None:
        return least_between(played, low, high)
    found = lowest_reaching(played, low, high)
    if not np.any(candidates.scenario.costs.stockout_cost):
        return found
    # What costs the least may be more than what the target asks for.
    return least_between(played, found, high)


def _best_pair(candidates: Candidates) -> tuple[IntArray, IntArray]:
    """Finds s and the gap or lot: points of the second, the best first of each; then a walk."""
    low, high = np.ones_like(_top(candidates)), _widest(candidates)
    while True:
        gaps = points_between(low[0], high[0])
        firsts = _best_first(candidates, gaps, _top(candidates))
        value = candidates.play(firsts, gaps).value
        best, below, above, done = narrowed(gaps, value)
        if done:
            first = np.take_along_axis(firsts, value.argmin(axis=0)[None], axis=0)
            return _walked(candidates, (first, best[None]), _MOVES)
        low, high = below[None], above[None]


def _floor(candidates: Candidates) -> Callable[[IntArray], IntArray]:
    """Returns the lowest s for a gap: customers may wait for a lot; where they leave, no order."""
    if candidates.scenario.unmet_demand is UnmetDemand.LOST:
        return lambda gap: -np.minimum(gap, 1)
    return np.negative


def _walked(
    candidates: Candidates, start: tuple[IntArray, IntArray], moves: IntArray
) -> tuple[IntArray, IntArray]:
    """Goes on to the cheapest neighbour for as long as one is cheaper. Shapes [1, N]."""
    floor, least_gap = _floor(candidates), np.minimum(start[1], 1)

    def value(first: IntArray, gap: IntArray) -> FloatArray:
        possible = (gap >= least_gap) & (first >= floor(gap))
        tried = candidates.play(first, np.maximum(gap, least_gap)).value
        return np.where(possible, tried, np.inf)

    first, gap = start
    least = value(first, gap)
    for _ in range(_WALK):
        firsts, gaps = first + moves[:, :1], gap + moves[:, 1:]
        tried = value(firsts, gaps)
        at = tried.argmin(axis=0)[None]
        better = np.take_along_axis(tried, at, axis=0) < least * (1 - _ROUNDING)
        if not better.any():
            break
        first, gap, least = (
            np.where(better, np.take_along_axis(new, at, axis=0), old)
            for new, old in ((firsts, first), (gaps, gap), (tried, least))
        )
    return first, gap
