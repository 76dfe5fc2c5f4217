"""One warehouse and several stores that order from it: base stock everywhere.

Order of events, in each period: stores and warehouse order what was asked for in the period
before (order up to a level each); what is due arrives; the warehouse ships what it has, first
come, first served; stores meet demand, which waits where it cannot be met; costs are charged.

What a store waits for at the warehouse is part of what its level has to cover. The mean of that
backlog is exact: B0 = (D0 - S0)+ with D0 all stores' demand over the warehouse's lead time. Mean
delay: E[B0] / demand per period (Little's law; METRIC lengthens each lead time by it). Here its
spread counts as well, as Graves (1985) showed that it has to: with f the store's part of demand,

    E[Bi] = f E[B0],    Var[Bi] = f^2 Var[B0] + t ((1 - f)^2 v_i + f^2 (v_0 - v_i)),

t = E[B0] / demand per period, v the variances of demand per period: the second term is the
chance of whose units the backlog consists, f (1 - f) E[B0] where demand is Poisson. Demand and
backlog together are then taken as normal: this, and only this, is an approximation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.checks import (
    FloatArray,
    finite,
    not_negative,
    positive,
    whole,
)
from demandcast.components.replenishment.closed_forms.costs import StockCosts, evening_cost
from demandcast.components.replenishment.closed_forms.distributions import NormalDemand
from demandcast.components.replenishment.closed_forms.loss_functions import leftover
from demandcast.schema.errors import BadInputError

__all__ = ["TwoEchelonPlan", "Warehouse", "warehouse_and_stores"]

_LOOKS = 4
_POINTS = 65
_FAR = 5.0
"""Standard deviations of demand over the lead time beyond which no warehouse level is sought."""


@dataclass(frozen=True)
class Warehouse:
    """The warehouse of each item.

    Attributes:
        lead_time: L0, whole periods from its supplier, at least 0. Shape [...].
        holding_cost: Currency per unit and period, on its evening stock, above 0. Shape [...].
    """

    lead_time: npt.ArrayLike
    holding_cost: npt.ArrayLike

    def __post_init__(self) -> None:
        not_negative("lead_time", whole("lead_time", self.lead_time))
        positive("holding_cost", self.holding_cost)


@dataclass(frozen=True)
class TwoEchelonPlan:
    """Levels of a warehouse and its stores, and what they cost.

    Attributes:
        warehouse_level: S0, local base-stock level, units. Shape [...].
        store_levels: S, local base-stock levels, units. Shape [..., M].
        delay: Mean periods that an order of a store waits at the warehouse. Shape [...].
        cost: Currency per period: stock at the warehouse, stock and shortage at the stores.
            Stock on its way costs the same under all levels and is left out. Shape [...].
    """

    warehouse_level: FloatArray
    store_levels: FloatArray
    delay: FloatArray
    cost: FloatArray


def warehouse_and_stores(
    demand: NormalDemand,
    *,
    warehouse: Warehouse,
    costs: StockCosts,
    lead_times: npt.ArrayLike,
    warehouse_level: npt.ArrayLike | None = None,
    store_levels: npt.ArrayLike | None = None,
) -> TwoEchelonPlan:
    """Finds the levels of least cost, or says what given ones cost.

    For a given warehouse level each store is a newsvendor over its backlog and L + 1 periods of
    demand. The warehouse level is sought on points from 0 up, and more closely around the best.

    Args:
        demand: Per period at each store, independent between stores. Shape [..., M].
        warehouse: Its lead time and holding cost.
        costs: h and p of the stores, p per unit short in each evening. Shape [..., M].
        lead_times: L, whole periods from warehouse to store, at least 0. Shape [..., M].
        warehouse_level: S0 to evaluate, units, at least 0. Shape [...]. None: the best one.
        store_levels: S to evaluate, units; needs S0. Shape [..., M]. None: the best ones.

    Raises:
        BadInputError: A value is out of its range, or store levels are given without S0.

    Source:
        Sherbrooke (1968), METRIC, Operations Research 16(1), 122-141; Graves (1985), A
        Multi-Echelon Inventory Model for a Repairable Item with One-for-One Replenishment,
        Management Science 31(10), 1247-1256. The backlog's spread under demand that is not
        Poisson is ours.

    >>> plan = warehouse_and_stores(
    ...     NormalDemand([10.0, 20.0], [4.0, 6.0]),
    ...     warehouse=Warehouse(lead_time=5, holding_cost=0.5),
    ...     costs=StockCosts(1.0, 19.0),
    ...     lead_times=[1, 2],
    ... )
    >>> round(float(plan.warehouse_level)), plan.store_levels.round().tolist()
    (156, [32.0, 82.0])
    """
    system = _System(demand, warehouse, costs, whole("lead_times", lead_times))
    not_negative("lead_times", lead_times)
    if warehouse_level is not None:
        level = not_negative("warehouse_level", warehouse_level)
        return system.plan(level, None if store_levels is None else finite("", store_levels))
    if store_levels is not None:
        raise BadInputError("store_levels are evaluated together with a warehouse_level")
    return system.plan(_best_level(system), None)


class _System:
    """Costs as a function of the warehouse's level."""

    def __init__(
        self, demand: NormalDemand, warehouse: Warehouse, costs: StockCosts, lead_times: FloatArray
    ) -> None:
        mean, sd = np.broadcast_arrays(demand.mean, demand.sd)
        if mean.ndim == 0:
            raise BadInputError("demand needs an axis of stores")
        self._variance, self._costs = sd**2, costs
        self._store = NormalDemand(mean, sd).over(lead_times + 1)
        self._holding = np.asarray(warehouse.holding_cost, dtype=np.float64)
        self._rate = np.asarray(mean.sum(axis=-1))
        self._part = mean / np.where(self._rate > 0, self._rate, 1.0)[..., None]
        self.central = NormalDemand(self._rate, np.sqrt(self._variance.sum(axis=-1))).over(
            warehouse.lead_time
        )

    def plan(self, level: FloatArray, store_levels: FloatArray | None) -> TwoEchelonPlan:
        """Evaluates a level of the warehouse; leading axes beyond the items' are allowed."""
        backlog = self.central.loss(level)
        delay = backlog / np.where(self._rate > 0, self._rate, 1.0)
        covered = self._covered(level, backlog, delay)
        if store_levels is None:
            store_levels = np.maximum(covered.quantile(self._costs.critical_ratio), 0.0)
        stores = evening_cost(store_levels, demand=covered, costs=self._costs)
        central = leftover(level, mean=self.central.mean, loss=backlog)
        return TwoEchelonPlan(
            np.asarray(level + 0 * delay),
            np.asarray(store_levels + 0 * stores),
            np.asarray(delay),
            np.asarray(self._holding * central + stores.sum(axis=-1)),
        )

    def _covered(self, level: FloatArray, backlog: FloatArray, delay: FloatArray) -> NormalDemand:
        """Returns what each store's level has to cover: its backlog and its own demand."""
        spread = np.maximum(2 * self.central.summed_loss(level) - backlog**2, 0.0)[..., None]
        others = self._variance.sum(axis=-1)[..., None] - self._variance
        whose = (1 - self._part) ** 2 * self._variance + self._part**2 * others
        variance = self._part**2 * spread + delay[..., None] * whose
        return NormalDemand(
            self._store.mean + self._part * backlog[..., None],
            np.sqrt(self._store.sd**2 + variance),
        )


def _best_level(system: _System) -> FloatArray:
    """Looks at levels from 0 up, then ever more closely around the best."""
    low = np.zeros(system.central.mean.shape)
    high = system.central.mean + _FAR * system.central.sd
    steps = np.linspace(0.0, 1.0, _POINTS).reshape(-1, *[1] * low.ndim)
    for _ in range(_LOOKS):
        levels = low + steps * (high - low)
        best = system.plan(levels, None).cost.argmin(axis=0)
        middle = np.take_along_axis(levels, best[None], axis=0)[0]
        width = (high - low) / (_POINTS - 1)
        low, high = np.maximum(middle - width, low), np.minimum(middle + width, high)
    return np.asarray(middle)
