"""Periodic review with a reorder point and an order-up-to level: the (s, S) policy.

In each period an order up to S is placed if the inventory position is at most s; it arrives
after L periods of demand. Demand waits. The order raises the position to y, and L evenings after
the coming one g(y) is charged: y less the demand of L + 1 periods (`evening_cost`).

The exact algorithm goes item by item: it walks through levels whose number differs between
items. The power approximation takes all items at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.checks import (
    FloatArray,
    levels_in_order,
    not_negative,
    positive,
    whole,
)
from demandcast.components.replenishment.closed_forms.costs import StockCosts, evening_cost
from demandcast.components.replenishment.closed_forms.distributions import (
    Demand,
    NormalDemand,
    PmfDemand,
    PoissonDemand,
)
from demandcast.components.replenishment.closed_forms.renewal import Stays
from demandcast.schema.errors import BadInputError

__all__ = [
    "MinMax",
    "capped_power_approximation",
    "min_max",
    "power_approximation",
    "power_levels",
]


@dataclass(frozen=True)
class MinMax:
    """Levels of an (s, S) policy and what they cost.

    Attributes:
        reorder_point: s, units: order if the inventory position is at most this.
        order_up_to_level: S, units.
        cost: Currency per period, on average; NaN where a formula does not give it.
    """

    reorder_point: FloatArray
    order_up_to_level: FloatArray
    cost: FloatArray


def min_max(
    demand: PoissonDemand | PmfDemand,
    *,
    costs: StockCosts,
    lead_time: int = 0,
    reorder_point: npt.ArrayLike | None = None,
    order_up_to_level: npt.ArrayLike | None = None,
) -> MinMax:
    """Finds the (s, S) policy of least cost, or says what a given one costs. Item by item.

    Formula: cost(s, S) = (K + sum over j = 0 ... S - s - 1 of m(j) g(S - j)) / M(S - s), m(j) the
    mean number of periods that the position spends at S - j until the next order, M their sum.

    Args:
        demand: Per period, in whole units; not always 0. Shape of its mean [N], or one item.
        costs: h; p per unit short in each evening; K, above 0. Shape [N], or one number each.
        lead_time: L, whole periods, the same for all items.
        reorder_point: s to evaluate, whole units; needs S. Shape [N], or one number.
        order_up_to_level: S to evaluate, whole units, above s. As above.

    Returns:
        Levels and their cost. Shape [N], or of one item.

    Raises:
        BadInputError: A value is out of its range, or one of s and S is missing.

    Source:
        Zheng and Federgruen (1991), Finding Optimal (s, S) Policies Is About As Simple As
        Evaluating a Single Policy, Operations Research 39(4), 654-665.

    >>> best = min_max(PoissonDemand([6.0]), costs=StockCosts(1, 4, order_cost=5))
    >>> best.reorder_point, best.order_up_to_level, best.cost.round(4)
    (array([4.]), array([10.]), array([8.0341]))
    """
    if (reorder_point is None) != (order_up_to_level is None):
        raise BadInputError("reorder_point and order_up_to_level are evaluated together")
    positive("order_cost", costs.order)
    positive("the mean of demand", demand.mean)
    cycle_demand = demand.over(1 + not_negative("lead_time", whole("lead_time", lead_time)))
    levels = [np.shape(x) for x in (reorder_point, order_up_to_level) if x is not None]
    shape = np.broadcast_shapes(
        demand.mean.shape, costs.critical_ratio.shape, costs.order.shape, *levels
    )
    items = [
        _Item(demand, cycle_demand, costs, position, shape)
        for position in range(int(np.prod(shape)))
    ]
    if reorder_point is None or order_up_to_level is None:
        found = [item.best() for item in items]
    else:
        lows, highs = levels_in_order(reorder_point, order_up_to_level, shape)
        found = [
            (low, high, item.cost(low, high))
            for item, low, high in zip(items, lows, highs, strict=True)
        ]
    table = np.array(found, dtype=np.float64).reshape(*shape, 3)
    return MinMax(table[..., 0], table[..., 1], table[..., 2])


def power_approximation(demand: NormalDemand, *, costs: StockCosts, lead_time: int = 0) -> MinMax:
    """Approximates the best (s, S) policy from mean and standard deviation; all items at once.

    Formula: Q = 1.3 mean^0.494 (K / h)^0.506 (1 + (sd_L / mean)^2)^0.116,
    z = sqrt(Q h / (sd_L p)), s = 0.973 mean_L + sd_L (0.183 / z + 1.063 - 2.192 z), S = s + Q,
    with mean_L and sd_L those of the demand of L + 1 periods.

    Args:
        demand: Per period; mean and standard deviation above 0. Shape [N].
        costs: h, p and K, each above 0.
        lead_time: L, whole periods.

    Returns:
        Levels, not rounded; the cost is NaN.

    Raises:
        BadInputError: A value is out of its range.

    Source:
        Ehrhardt and Mosier (1984), A Revision of the Power Approximation for Computing (s, S)
        Policies, Management Science 30(5), 618-622.

    >>> near = power_approximation(NormalDemand([50.0], 8.0), costs=StockCosts(0.18, 0.7, 2.5))
    >>> near.reorder_point.round(3), near.order_up_to_level.round(3)
    (array([40.195]), array([74.29]))
    """
    mean = positive("the mean of demand", demand.mean)
    positive("the standard deviation of demand", demand.sd)
    positive("order_cost", costs.order)
    until = demand.over(1 + not_negative("lead_time", whole("lead_time", lead_time)))
    low, quantity = power_levels(mean, until=until, costs=costs)
    return MinMax(low, np.asarray(low + quantity), np.full(np.shape(low), np.nan))


def power_levels(
    review_mean: npt.ArrayLike, *, until: NormalDemand, costs: StockCosts
) -> tuple[FloatArray, FloatArray]:
    """Computes s and Q = S - s by the formula of `power_approximation`, of any moments.

    Args:
        review_mean: Mean demand from one review to the next, units.
        until: Demand until the order after the next review arrives; it may have no spread.
        costs: h and p per unit and time between reviews, K.

    Returns:
        s and Q, units, not rounded; Q is 0 without demand or without a cost per order, where the
        formula gives no s either: it is that demand then.
    """
    mean = np.asarray(review_mean, dtype=np.float64)
    asked = np.where(mean > 0, mean, 1.0)
    spread = (1 + (until.sd / asked) ** 2) ** 0.116
    quantity = 1.3 * mean**0.494 * (costs.order / costs.holding) ** 0.506 * spread
    # z of the formula, taken apart: without a spread neither term below divides by 0.
    lot = np.where(quantity > 0, quantity, 1.0) * costs.holding / costs.stockout
    above = until.sd * (0.183 * np.sqrt(until.sd / lot) + 1.063) - 2.192 * np.sqrt(until.sd * lot)
    low = np.where(quantity > 0, 0.973 * until.mean + above, until.mean)
    return np.asarray(low), np.asarray(quantity)


def capped_power_approximation(
    demand: NormalDemand, *, costs: StockCosts, lead_time: int = 0
) -> MinMax:
    """Approximates the best (s, S) policy, with the authors' rule for small orders.

    Formula: as `power_approximation`; where Q is at most 1.5 times the mean demand of a period,
    neither level is above the best order-up-to level without a cost per order.

    Args:
        demand: Per period; mean and standard deviation above 0. Shape [N].
        costs: h, p and K, each above 0.
        lead_time: L, whole periods.

    Returns:
        Levels, not rounded; the cost is NaN.

    Raises:
        BadInputError: A value is out of its range.

    Source:
        Ehrhardt and Mosier (1984), as above.
    """
    plain = power_approximation(demand, costs=costs, lead_time=lead_time)
    cap = demand.over(1 + lead_time).quantile(costs.critical_ratio)
    small = plain.order_up_to_level - plain.reorder_point <= 1.5 * demand.mean
    low, high = (
        np.where(small, np.minimum(level, cap), level)
        for level in (plain.reorder_point, plain.order_up_to_level)
    )
    return MinMax(low, high, plain.cost)


class _Item:
    """One item: its charges and how long its position stays where."""

    def __init__(
        self,
        demand: PoissonDemand | PmfDemand,
        cycle_demand: Demand,
        costs: StockCosts,
        position: int,
        shape: tuple[int, ...],
    ) -> None:
        single = demand.mean.size == 1
        self._fixed = float(np.broadcast_to(costs.order, shape).flat[position])
        self._costs = StockCosts(
            float(np.broadcast_to(costs.holding, shape).flat[position]),
            float(np.broadcast_to(costs.stockout, shape).flat[position]),
        )
        self._demand = _one(cycle_demand, 0 if single else position)
        self._stays = Stays(demand.pmf(0 if single else position))
        self._charges: dict[int, float] = {}

    def cost(self, low: int, high: int) -> float:
        """Evaluates levels."""
        stays = self._stays.until(high - low)
        charges = np.array([self._charge(high - below) for below in range(high - low)])
        return float((self._fixed + stays @ charges) / stays.sum())

    def best(self) -> tuple[int, int, float]:
        """Finds the levels of least cost.

        Raise S from the level of least g for as long as g(S) is below the least cost so far;
        whenever S does better, s follows: the last position that it costs less to leave.
        """
        high = int(self._demand.quantile(self._costs.critical_ratio))
        low = high - 1
        while self.cost(low, high) > self._charge(low):
            low -= 1
        best, least = high, self.cost(low, high)
        high += 1
        while self._charge(high) <= least:
            if self.cost(low, high) < least:
                best = high
                while self.cost(low, best) <= self._charge(low + 1):
                    low += 1
                least = self.cost(low, best)
            high += 1
        return low, best, least

    def _charge(self, level: int) -> float:
        """Returns g at a position."""
        if level not in self._charges:
            # One call for a stretch of positions is as dear as one for a position.
            stretch = np.arange(level - 32, level + 33)
            charged = evening_cost(stretch, demand=self._demand, costs=self._costs)
            self._charges.update(zip(stretch.tolist(), np.ravel(charged).tolist(), strict=True))
        return self._charges[level]


def _one(demand: Demand, position: int) -> Demand:
    """Returns the demand of one item."""
    if isinstance(demand, PmfDemand):
        return PmfDemand(demand.pmf(position))
    return PoissonDemand(np.ravel(demand.mean)[position])
