"""A season that ends: reorder points and order-up-to levels of each period, by dynamic programming.

In each period stock is raised at once (lead time 0), demand follows, what is left or short in the
evening is charged; demand waits. After the last period what is left over or still owed is charged
once more. With a cost per order the best policy is (s_t, S_t); without, base stock with s_t = S_t:
below s_t order up to S_t. Demand and prices may differ from period to period.

Stock and demand are in whole units; normal demand is rounded to them, while what an evening costs
is that of normal demand.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.checks import (
    FloatArray,
    not_negative,
    whole,
)
from demandcast.components.replenishment.closed_forms.distributions import (
    NormalDemand,
    PmfDemand,
    PoissonDemand,
)
from demandcast.components.replenishment.closed_forms.loss_functions import leftover
from demandcast.schema.errors import BadInputError

__all__ = ["HorizonCosts", "HorizonPlan", "finite_horizon"]

_REACH = 9.0
"""Standard deviations beyond which normal demand is left out: 1e-19 of it."""

Season = NormalDemand | PoissonDemand | PmfDemand


@dataclass(frozen=True, kw_only=True)
class HorizonCosts:
    """What stock costs in each period and after the last; each at least 0.

    Attributes:
        holding_cost: h, currency per unit, on what is left in the evening. Shape [N, T], or one
            that fits it.
        stockout_cost: p, currency per unit short in the evening. As above.
        order_cost: K, currency per order. As above.
        unit_cost: c, currency per unit ordered. As above.
        discount_factor: What a unit of currency of tomorrow is worth today, above 0 and at most
            1. As above.
        terminal_holding_cost: Currency per unit left over after the last period; what it costs
            to be rid of it. Shape [N], or one number.
        terminal_stockout_cost: Currency per unit still owed after the last period. As above.
    """

    holding_cost: npt.ArrayLike
    stockout_cost: npt.ArrayLike
    order_cost: npt.ArrayLike = 0.0
    unit_cost: npt.ArrayLike = 0.0
    discount_factor: npt.ArrayLike = 1.0
    terminal_holding_cost: npt.ArrayLike = 0.0
    terminal_stockout_cost: npt.ArrayLike = 0.0

    def __post_init__(self) -> None:
        for one in fields(self):
            not_negative(one.name, getattr(self, one.name))
        factor = np.asarray(self.discount_factor, dtype=np.float64)
        if not ((factor > 0) & (factor <= 1)).all():
            raise BadInputError(f"discount_factor must be above 0 and at most 1, not {factor}")


@dataclass(frozen=True)
class HorizonPlan:
    """Levels of each period and what they cost.

    Attributes:
        reorder_points: s, units: order if stock is at most this; below all stock that can be
            where no order is worth its cost. Shape [N, T].
        order_up_to_levels: S, units. Shape [N, T].
        cost: Currency over the whole season, discounted, from the opening stock on. Shape [N].
    """

    reorder_points: FloatArray
    order_up_to_levels: FloatArray
    cost: FloatArray


def finite_horizon(
    demand: Season,
    *,
    costs: HorizonCosts,
    opening_stock: npt.ArrayLike = 0.0,
    reorder_points: npt.ArrayLike | None = None,
    order_up_to_levels: npt.ArrayLike | None = None,
) -> HorizonPlan:
    """Finds the levels of least cost for a season, or says what given ones cost.

    Formula: theta_t(x) = min over y >= x of K [y > x] + c (y - x) + g_t(y)
    + gamma E theta_(t+1)(y - D_t), theta_(T+1)(x) = h_T x+ + p_T x-,
    g_t(y) = h E[(y - D_t)+] + p E[(D_t - y)+].

    All items at once; a table of stock by periods and units, so for items that sell up to some
    thousand units in a season.

    Args:
        demand: Of each period, independent of each other. Shape of its mean [N, T].
        costs: Of each period and of the end.
        opening_stock: Whole units before period 1, negative where customers wait. Shape [N], or
            one number.
        reorder_points: s to evaluate, whole units; needs S. Shape [N, T], or one that fits it.
        order_up_to_levels: S to evaluate, whole units, at least s. As above.

    Returns:
        Levels of each item and period, and the cost of each item.

    Raises:
        BadInputError: A value is out of its range, or one of s and S is missing.

    Source:
        Scarf (1960), The Optimality of (S, s) Policies in the Dynamic Inventory Problem, in
        Mathematical Methods in the Social Sciences, Stanford University Press; Snyder and Shen
        (2019), sections 4.3.3 and 4.4.3, algorithm 4.1.

    >>> season = NormalDemand(np.full((1, 3), 18.0), 3.0)
    >>> costs = HorizonCosts(
    ...     holding_cost=1, stockout_cost=25, order_cost=40, unit_cost=1, terminal_stockout_cost=25
    ... )
    >>> plan = finite_horizon(season, costs=costs)
    >>> plan.reorder_points, plan.order_up_to_levels
    (array([[17., 18., 18.]]), array([[42., 42., 23.]]))
    """
    if (reorder_points is None) != (order_up_to_levels is None):
        raise BadInputError("reorder_points and order_up_to_levels are evaluated together")
    if demand.mean.ndim != 2 or demand.mean.size == 0:
        raise BadInputError(f"demand must have the shape [N, T], not {demand.mean.shape}")
    opening = np.broadcast_to(whole("opening_stock", opening_stock), demand.mean.shape[:1])
    season = _Season(demand, costs, opening)
    if reorder_points is None or order_up_to_levels is None:
        return season.best()
    low, high = (
        np.broadcast_to(whole(name, values), demand.mean.shape)
        for name, values in (
            ("reorder_points", reorder_points),
            ("order_up_to_levels", order_up_to_levels),
        )
    )
    if not (low <= high).all():
        raise BadInputError("reorder_points must not be above order_up_to_levels")
    return season.given(low, high)


class _Season:
    """Costs to go as tables of items and stock, from the last period to the first."""

    def __init__(self, demand: Season, costs: HorizonCosts, opening: FloatArray) -> None:
        shape = demand.mean.shape
        self._demand, self._opening = demand, opening
        self._holding, self._stockout, self._order, self._unit, self._discount = (
            np.broadcast_to(np.asarray(values, dtype=np.float64), shape)
            for values in (
                costs.holding_cost,
                costs.stockout_cost,
                costs.order_cost,
                costs.unit_cost,
                costs.discount_factor,
            )
        )
        self._ends = [
            np.broadcast_to(np.asarray(values, dtype=np.float64), shape[:1])[:, None]
            for values in (costs.terminal_holding_cost, costs.terminal_stockout_cost)
        ]
        self._pmfs = [_pmf(demand, period) for period in range(shape[1])]
        self._reach = sum(pmf.shape[1] - 1 for pmf in self._pmfs)

    def best(self) -> HorizonPlan:
        """Finds the best levels."""
        stock = self._stock(np.minimum(self._opening, 0), self._opening)
        low, high = np.zeros(self._demand.mean.shape), np.zeros(self._demand.mean.shape)
        to_go = self._end(stock)
        for period in reversed(range(low.shape[1])):
            after = self._after(period, stock, to_go)
            high[:, period], low[:, period] = _levels(stock, after, self._order[:, period])
            to_go = self._decided(period, stock, after, low[:, period], high[:, period])
        return HorizonPlan(low, high, self._at_opening(stock, to_go))

    def given(self, low: FloatArray, high: FloatArray) -> HorizonPlan:
        """Evaluates levels."""
        stock = self._stock(np.minimum(self._opening, low.min()), high.max())
        to_go = self._end(stock)
        for period in reversed(range(low.shape[1])):
            after = self._after(period, stock, to_go)
            to_go = self._decided(period, stock, after, low[:, period], high[:, period])
        return HorizonPlan(low, high, self._at_opening(stock, to_go))

    def _stock(self, lowest: FloatArray, highest: npt.ArrayLike) -> FloatArray:
        """Returns all stock that can be: all demand below the lowest, or ordered ahead."""
        most = max(float(np.max(highest)), 0.0) + self._reach
        return np.arange(float(np.min(lowest)) - self._reach, most + 1)

    def _end(self, stock: FloatArray) -> FloatArray:
        """Charges what is left over or owed after the last period. Shape [N, stock]."""
        left, owed = self._ends
        return np.asarray(left * np.maximum(stock, 0) + owed * np.maximum(-stock, 0))

    def _after(self, period: int, stock: FloatArray, to_go: FloatArray) -> FloatArray:
        """Returns c y + g(y) + what follows, y the stock after the order. Shape [N, stock]."""
        demand = _of_period(self._demand, period)
        short = demand.loss(stock)
        left = leftover(stock, mean=demand.mean, loss=short)
        charged = self._holding[:, period, None] * left + self._stockout[:, period, None] * short
        follows = _expected(to_go, self._pmfs[period])
        bought = self._unit[:, period, None] * stock
        return np.asarray(bought + charged + self._discount[:, period, None] * follows)

    def _decided(
        self, period: int, stock: FloatArray, after: FloatArray, low: FloatArray, high: FloatArray
    ) -> FloatArray:
        """Returns the cost to go before the order: up to S at s or below."""
        raised = np.take_along_axis(after, _at(stock, high), axis=1) + self._order[:, period, None]
        # At S itself there is nothing to order.
        ordered = (stock <= low[:, None]) & (stock < high[:, None])
        chosen = np.where(ordered, raised, after)
        return np.asarray(chosen - self._unit[:, period, None] * stock)

    def _at_opening(self, stock: FloatArray, to_go: FloatArray) -> FloatArray:
        return np.take_along_axis(to_go, _at(stock, self._opening), axis=1)[:, 0]


def _at(stock: FloatArray, level: FloatArray) -> npt.NDArray[np.int64]:
    """Returns where levels are in the table of stock. Shape [N, 1]."""
    return (level - stock[0]).astype(np.int64)[:, None]


def _levels(
    stock: FloatArray, after: FloatArray, order_cost: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Returns S, the cheapest stock, and s, the highest below it that is worth an order."""
    best = after.argmin(axis=1)
    least = np.take_along_axis(after, best[:, None], axis=1)
    worth = (after > least + order_cost[:, None]) & (np.arange(stock.size) < best[:, None])
    highest = stock.size - 1 - worth[:, ::-1].argmax(axis=1)
    low = np.where(worth.any(axis=1), stock[highest], stock[0] - 1)
    # Without a cost per order all stock below S is raised.
    return stock[best], np.where(order_cost > 0, low, stock[best])


def _expected(to_go: FloatArray, pmf: FloatArray) -> FloatArray:
    """Returns the mean of the cost to go after demand. Shape [N, stock]."""
    # Stock from which the table's lowest could be fallen below is never reached from the opening.
    total = np.zeros(np.broadcast_shapes(to_go.shape, (pmf.shape[0], 1)))
    size = to_go.shape[1]
    for units in range(min(pmf.shape[1], size)):
        total[:, units:] += pmf[:, units, None] * to_go[:, : size - units]
        if units:
            total[:, :units] += pmf[:, units, None] * to_go[:, :1]
    return total


def _of_period(demand: Season, period: int) -> Season:
    """Returns the demand of a period, with an axis for stock. Shape of its mean [N, 1]."""
    if isinstance(demand, PmfDemand):
        return PmfDemand(demand.probabilities[:, period, None, :])
    mean = demand.mean[:, period, None]
    if isinstance(demand, PoissonDemand):
        return PoissonDemand(mean)
    return NormalDemand(mean, np.broadcast_to(demand.sd, demand.mean.shape)[:, period, None])


def _pmf(demand: Season, period: int) -> FloatArray:
    """Returns the probabilities of 0, 1, ... units of a period. Shape [N, K]."""
    if isinstance(demand, PmfDemand):
        return demand.probabilities[:, period, :]
    one = _of_period(demand, period)
    if isinstance(one, PoissonDemand):
        most = max(one.pmf(item).size for item in range(one.mean.size))
        below = one.cdf(np.arange(most))
    else:
        most = int(np.ceil((one.mean + _REACH * one.sd).max())) + 1
        below = one.cdf(np.arange(most) + 0.5)
    below[:, -1] = 1.0
    return np.diff(below, axis=1, prepend=0.0)
