"""Levels of a warehouse and its stores, sought by simulation: by cost, or to reach a service.

For a level of the warehouse one simulation says what each store's level has to cover
(`warehouse_simulation`); the best level of a store on these paths is then a quantile, or the
lowest that reaches its target, and needs no further play. The warehouse's own level is sought by
points that move closer around the best, all on the same paths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.search import lowest_between
from demandcast.components.replenishment.policy_candidates import (
    most_demand,
    narrowed,
    points_between,
)
from demandcast.components.replenishment.policy_evaluation import ServiceMeasure, ServiceTarget
from demandcast.components.replenishment.stock_scenario import BoolArray, FloatArray, IntArray
from demandcast.components.replenishment.warehouse_simulation import (
    TwoEchelonNetwork,
    TwoEchelonOutcome,
    WarehouseFlows,
    network_paths,
    outcome_of_levels,
    warehouse_flows,
)
from demandcast.schema.errors import BadInputError

__all__ = ["SearchedTwoEchelon", "search_two_echelon"]


@dataclass(frozen=True)
class SearchedTwoEchelon:
    """What a search found.

    Attributes:
        warehouse_level: S0, units. Shape [N].
        store_levels: S, units. Shape [N, M].
        outcome: What they come to on the paths of the search; on them they look a little better
            than they are.
    """

    warehouse_level: FloatArray
    store_levels: FloatArray
    outcome: TwoEchelonOutcome


def search_two_echelon(
    demand: npt.ArrayLike,
    *,
    network: TwoEchelonNetwork,
    target: ServiceTarget | None = None,
    step: float = 1.0,
) -> SearchedTwoEchelon:
    """Finds the levels of least cost, among those whose stores reach a target if there is one.

    Args:
        demand: Units per period at the stores. Shape [T, N, M] or [T, N, M, P].
        network: Lead times, costs, rationing; without a target stockouts have to cost something.
        target: A service that each store has to reach: a cycle service level, of periods, or a
            fill rate. Its shares are of shape [N, M], or one that fits it.
        step: Units: levels are its multiples.

    Returns:
        Levels and what they come to.

    Raises:
        BadInputError: A value or shape is wrong, or neither a target nor a stockout cost is given.

    Source:
        Levels first of stores, given that of the warehouse: Axsäter (1990), Simple Solution
        Procedures for a Class of Two-Echelon Inventory Problems, Operations Research 38(1), 64-69.

    >>> network = TwoEchelonNetwork(
    ...     warehouse_lead_time=2,
    ...     store_lead_times=1,
    ...     warehouse_holding_cost=0.5,
    ...     holding_cost=1.0,
    ...     warm_up=20,
    ... )
    >>> demand = np.random.default_rng(3).poisson(5.0, (400, 1, 3, 10)).astype(float)
    >>> target = ServiceTarget(ServiceMeasure.FILL_RATE, 0.95)
    >>> found = search_two_echelon(demand, network=network, target=target)
    >>> found.warehouse_level, found.store_levels
    (array([30.]), array([[15., 15., 15.]]))
    """
    paths = network_paths(demand)
    _check(network, target, step)
    wanted = _Wanted(paths, network, target, step)
    low, high = np.zeros(paths.shape[1], dtype=np.int64), _top(paths, network, step)
    while True:
        levels = points_between(low, high)
        found = [wanted.best(one) for one in levels]
        value = np.stack([outcome.cost.value for _, outcome in found])
        best, low, high, done = narrowed(levels, value)
        if done:
            stores, outcome = wanted.best(best)
            return SearchedTwoEchelon(best * step, stores, outcome)


def _check(network: TwoEchelonNetwork, target: ServiceTarget | None, step: float) -> None:
    """Refuses a search that has no aim."""
    if not (np.isfinite(step) and step > 0):
        raise BadInputError(f"step: got {step}; expected a number of units above 0")
    if target is None and not (np.asarray(network.stockout_cost) > 0).all():
        raise BadInputError("stockout_cost: got 0 and no target; nothing would be stocked")
    if target is not None and target.measure is ServiceMeasure.ORDER_CYCLE_SERVICE_LEVEL:
        raise BadInputError(
            "order_cycle_service_level: stores order in each period; give a cycle_service_level"
        )


def _top(paths: FloatArray, network: TwoEchelonNetwork, step: float) -> IntArray:
    """Returns multiples of the step beyond which no store ever waits. Shape [N]."""
    lead = int(np.max(network.warehouse_lead_time))
    interval = min(lead, len(paths))
    if interval == 0:
        return np.ones(paths.shape[1], dtype=np.int64)
    most = most_demand(paths.sum(axis=2), interval)
    return np.maximum(np.ceil(most / step), 1.0).astype(np.int64)


@dataclass(frozen=True)
class _Wanted:
    """What is looked for, on which paths."""

    paths: FloatArray
    network: TwoEchelonNetwork
    target: ServiceTarget | None
    step: float

    def best(self, warehouse_level: IntArray) -> tuple[FloatArray, TwoEchelonOutcome]:
        """Returns the best levels of the stores for a level of the warehouse."""
        flows = warehouse_flows(
            self.paths, network=self.network, warehouse_level=warehouse_level * self.step
        )
        needed = _Needed(flows, self.step)
        levels = np.zeros(needed.shape)
        if np.any(self.network.stockout_cost):
            levels = needed.cheapest(self.network)
        if self.target is not None:
            # Costs are convex: beyond the cheapest level the lowest that is enough costs least.
            levels = np.maximum(levels, needed.reaching(self.target))
        return levels, outcome_of_levels(flows, network=self.network, store_levels=levels)


class _Needed:
    """What the levels of stores have to cover: samples of all counted periods and paths."""

    def __init__(self, flows: WarehouseFlows, step: float) -> None:
        def samples(values: FloatArray) -> FloatArray:
            return np.moveaxis(values, 0, -1).reshape(*values.shape[1:3], -1)

        self._step = step
        self._morning, self._demand = samples(flows.missing), samples(flows.demand)
        self._evening = self._morning + self._demand
        self.shape = self._evening.shape[:2]

    def cheapest(self, network: TwoEchelonNetwork) -> FloatArray:
        """Finds the levels of least cost: convex, so the first whose next costs no less."""
        held, missed = (
            np.broadcast_to(np.asarray(cost, dtype=np.float64), self.shape)
            for cost in (network.holding_cost, network.stockout_cost)
        )

        def cost(level: FloatArray) -> FloatArray:
            net = level[..., None] - self._evening
            left, short = np.maximum(net, 0.0).mean(axis=-1), np.maximum(-net, 0.0).mean(axis=-1)
            return np.asarray(held * left + missed * short)

        return self._lowest(lambda level: cost(level + self._step) >= cost(level))

    def reaching(self, target: ServiceTarget) -> FloatArray:
        """Finds the lowest levels that reach a target."""
        served = {
            ServiceMeasure.CYCLE_SERVICE_LEVEL: self._clean,
            ServiceMeasure.FILL_RATE: self._filled,
        }[target.measure]
        share = np.broadcast_to(np.asarray(target.share, dtype=np.float64), self.shape)
        # A mean of shares may miss its target by rounding.
        return self._lowest(lambda level: served(level) >= share - 1e-12)

    def _clean(self, level: FloatArray) -> FloatArray:
        near = 1e-9 * (1 + self._demand.max())
        return np.asarray((self._evening <= level[..., None] + near).mean(axis=-1))

    def _filled(self, level: FloatArray) -> FloatArray:
        short, owed = (
            np.maximum(needed - level[..., None], 0.0).mean(axis=-1)
            for needed in (self._evening, self._morning)
        )
        asked = self._demand.mean(axis=-1)
        return np.where(asked > 0, 1 - (short - owed) / np.where(asked > 0, asked, 1.0), 1.0)

    def _lowest(self, reached: Callable[[FloatArray], BoolArray]) -> FloatArray:
        """Finds the lowest multiples of the step from 0 on."""
        high = np.ceil(self._evening.max(axis=-1) / self._step)
        found = lowest_between(
            lambda count: reached(count * self._step), np.full(self.shape, -1.0), high, step=1.0
        )
        return np.asarray(found * self._step)
