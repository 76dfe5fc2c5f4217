"""One warehouse and several stores that order from it: base stock everywhere.

Order of events, in each period: stores and warehouse order what was asked for in the period
before (order up to a level each); what is due arrives; the warehouse ships what it has, first
come, first served; stores meet demand, which waits where it cannot be met; costs are charged.

What a store waits for at the warehouse is part of what its level has to cover. The backlog is
B0 = (D0 - S0)+, D0 all stores' demand over the warehouse's lead time; its mean over the demand per
period is the mean delay (Little's law; METRIC lengthens each lead time by it). Here its whole
distribution counts: given B0 = b, what store i waits for has

    mean f b,    variance w ((1 - f)^2 v_i + f^2 (v_0 - v_i)),

f the store's part of mean demand, v the variances of demand per period, w how many periods of
orders the backlog consists of: b / (b + S0) of the lead time, and of a period that is shipped in
part a part of each order. The variance is the chance of whose units are waiting; where demand is
Poisson it is that of Graves (1985) but for w. The cost is that of normal demand given b,
integrated over b. With one store it is exact; with several, w is an approximation, which the tests
hold to 1 % of the cost of flows that are played.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

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

_LOOKS = 5
_POINTS = 17
_FAR = 8.0
"""Standard deviations beyond which normal demand is left out: 1e-15 of it."""
_NODES, _WEIGHTS = special.roots_legendre(32)
_HIGHEST = 5.0
"""Standard deviations of demand over the lead time beyond which no warehouse level is sought."""
_NEWTON_STEPS = 100
_CLOSE = 1e-12


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
    demand. The warehouse level is sought on points from 0 up, and more closely around the best:
    some ten milliseconds per item, which is slower than the other formulas here.

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
        Management Science 31(10), 1247-1256. The integral over the
        backlog and its spread under demand that is not Poisson are ours.

    >>> plan = warehouse_and_stores(
    ...     NormalDemand([10.0, 20.0], [4.0, 6.0]),
    ...     warehouse=Warehouse(lead_time=5, holding_cost=0.5),
    ...     costs=StockCosts(1.0, 19.0),
    ...     lead_times=[1, 2],
    ... )
    >>> round(float(plan.warehouse_level)), plan.store_levels.round().tolist()
    (161, [31.0, 80.0])
    """
    system = _System(demand, warehouse, costs, whole("lead_times", lead_times))
    not_negative("lead_times", lead_times)
    if warehouse_level is not None:
        level = not_negative("warehouse_level", warehouse_level)
        return system.plan(
            level, None if store_levels is None else finite("store_levels", store_levels)
        )
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
        self._costs = costs
        self._store = NormalDemand(mean, sd).over(lead_times + 1)
        self._lead = np.asarray(warehouse.lead_time, dtype=np.float64)
        self._holding = np.asarray(warehouse.holding_cost, dtype=np.float64)
        self._rate = np.asarray(np.where(mean.sum(axis=-1) > 0, mean.sum(axis=-1), 1.0))
        self._part = mean / self._rate[..., None]
        variance = sd**2
        total = variance.sum(axis=-1)
        others = total[..., None] - variance
        self._whose = (1 - self._part) ** 2 * variance + self._part**2 * others
        self.central = NormalDemand(mean.sum(axis=-1), np.sqrt(total)).over(warehouse.lead_time)

    def plan(self, level: FloatArray, store_levels: FloatArray | None) -> TwoEchelonPlan:
        """Evaluates a level of the warehouse; leading axes beyond the items' are allowed."""
        backlog = self.central.loss(level)
        delay = backlog / self._rate
        covered = self._covered(level)
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

    def _covered(self, level: FloatArray) -> _Mixture:
        """Returns what each store's level has to cover: its backlog and its own demand."""
        backlogs, weights = _backlogs(level, self.central)
        asked = backlogs + level[..., None]
        waiting = self._lead[..., None] * backlogs / np.where(asked > 0, asked, 1.0)
        # Of the period that is shipped in part, each store gets its part.
        waiting = np.floor(waiting) + (waiting - np.floor(waiting)) ** 2
        variance = self._whose[..., None] * waiting[..., None, :]
        backlogs = backlogs[..., None, :]
        return _Mixture(
            NormalDemand(
                self._store.mean[..., None] + self._part[..., None] * backlogs,
                np.sqrt(self._store.sd[..., None] ** 2 + variance),
            ),
            weights[..., None, :],
        )


@dataclass(frozen=True)
class _Mixture:
    """Normal demand given a backlog, for some backlogs (axis K) of different weight.

    Attributes:
        parts: Demand given each backlog. Shape [..., M, K].
        weights: They sum to 1. Shape [..., 1, K].
    """

    parts: NormalDemand
    weights: FloatArray
    step = 0.0

    @property
    def mean(self) -> FloatArray:
        """Mean, units."""
        return np.asarray((self.parts.mean * self.weights).sum(axis=-1))

    @property
    def sd(self) -> FloatArray:
        """Standard deviation, units."""
        square = ((self.parts.mean**2 + self.parts.sd**2) * self.weights).sum(axis=-1)
        return np.asarray(np.sqrt(np.maximum(square - self.mean**2, 0.0)))

    def cdf(self, level: npt.ArrayLike) -> FloatArray:
        """Probability that demand is at most the level."""
        given = self.parts.cdf(np.asarray(level, dtype=np.float64)[..., None])
        return np.asarray((given * self.weights).sum(axis=-1))

    def loss(self, level: npt.ArrayLike) -> FloatArray:
        """Units short on average at the level."""
        given = self.parts.loss(np.asarray(level, dtype=np.float64)[..., None])
        return np.asarray((given * self.weights).sum(axis=-1))

    def quantile(self, probability: npt.ArrayLike) -> FloatArray:
        """Level that demand does not exceed with that probability, by Newton's method.

        It lies between the quantiles given each backlog; a step that leaves what is still
        possible is replaced by halving it.
        """
        wanted = np.asarray(probability, dtype=np.float64)
        given = self.parts.quantile(wanted[..., None])
        low, high = given.min(axis=-1), given.max(axis=-1)
        level = np.asarray((given * self.weights).sum(axis=-1))
        for _ in range(_NEWTON_STEPS):
            gap = self.cdf(level) - wanted
            low, high = np.where(gap < 0, level, low), np.where(gap >= 0, level, high)
            if ((np.abs(gap) < _CLOSE) | (high - low <= _CLOSE * np.abs(high))).all():
                break
            density = self._density(level)
            step = level - gap / np.where(density > 0, density, 1.0)
            inside = (density > 0) & (low < step) & (step < high)
            level = np.where(inside, step, (low + high) / 2)
        return level

    def _density(self, level: FloatArray) -> FloatArray:
        """Returns the density at the level."""
        sd = np.where(self.parts.sd > 0, self.parts.sd, 1.0)
        z = (level[..., None] - self.parts.mean) / sd
        density = np.where(self.parts.sd > 0, np.exp(-(z**2) / 2) / (sd * np.sqrt(2 * np.pi)), 0.0)
        return np.asarray((density * self.weights).sum(axis=-1))


def _backlogs(level: FloatArray, central: NormalDemand) -> tuple[FloatArray, FloatArray]:
    """Returns backlogs at the warehouse and their weights. Shape [..., 1 + nodes] each.

    The first is 0, with the chance that there is none; the rest are Gauss and Legendre's nodes.
    """
    gap = level - central.mean
    spread = np.where(central.sd > 0, central.sd, 1.0)
    certain = np.where(gap < 0, -_FAR, _FAR)
    start = np.where(central.sd > 0, np.clip(gap / spread, -_FAR, _FAR), certain)[..., None]
    z = start + (_FAR - start) * (_NODES + 1) / 2
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    weights = (_FAR - start) / 2 * _WEIGHTS * density
    weights = np.concatenate([special.ndtr(start), weights], axis=-1)
    backlogs = np.maximum(z * central.sd[..., None] - gap[..., None], 0.0)
    backlogs = np.concatenate([np.zeros(start.shape), backlogs], axis=-1)
    return backlogs, weights / weights.sum(axis=-1, keepdims=True)


def _best_level(system: _System) -> FloatArray:
    """Looks at levels from 0 up, then ever more closely around the best."""
    low = np.zeros(system.central.mean.shape)
    high = system.central.mean + _HIGHEST * system.central.sd
    steps = np.linspace(0.0, 1.0, _POINTS).reshape(-1, *[1] * low.ndim)
    for _ in range(_LOOKS):
        levels = low + steps * (high - low)
        best = system.plan(levels, None).cost.argmin(axis=0)
        middle = np.take_along_axis(levels, best[None], axis=0)[0]
        width = (high - low) / (_POINTS - 1)
        low, high = np.maximum(middle - width, low), np.minimum(middle + width, high)
    return np.asarray(middle)
