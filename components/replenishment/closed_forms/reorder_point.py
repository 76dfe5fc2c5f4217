"""Continuous review with a reorder point and a fixed lot: the (s, Q) policy, demand waits.

As soon as the inventory position falls to s, Q units are ordered; they arrive a lead time later.
Demand comes unit by unit or flows, so the position meets s exactly: where it comes in bigger
pieces, or where stock is reviewed at intervals, s falls short and `base_stock` or simulation is
the right tool. The position is then spread evenly over (s, s + Q], and

    cost(s, Q) = (K d + sum of g(y) over the positions y from s to s + Q) / Q,

g(y) what is charged per period at stock y less the demand of the lead time. The sum is an
integral where demand is a real number. Both have closed forms through the summed loss.

    reorder_point_cycle_service_level   P(nothing is short until the order arrives) = P(D <= s)
    reorder_point_fill_rate             share of demand met from the shelf
                                        = 1 - (n(s) - n(s + Q)) / Q
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
    share,
    whole,
)
from demandcast.components.replenishment.closed_forms.costs import StockCosts, evening_cost
from demandcast.components.replenishment.closed_forms.distributions import Demand, SummableDemand
from demandcast.components.replenishment.closed_forms.search import lowest_between, lowest_from
from demandcast.schema.errors import BadInputError

__all__ = [
    "ReorderPlan",
    "reorder_point",
    "reorder_point_cycle_service_level",
    "reorder_point_fill_rate",
    "reorder_point_for_cycle_service_level",
    "reorder_point_for_fill_rate",
]

_STEPS = 200
_CLOSE = 1e-13


@dataclass(frozen=True)
class ReorderPlan:
    """A reorder point, an order quantity and what they cost.

    Attributes:
        reorder_point: s, units of inventory position.
        order_quantity: Q, units per order.
        cost: Currency per period, on average.
    """

    reorder_point: FloatArray
    order_quantity: FloatArray
    cost: FloatArray


def reorder_point(
    lead_time_demand: SummableDemand,
    *,
    demand_rate: npt.ArrayLike,
    costs: StockCosts,
    order_quantity: npt.ArrayLike | None = None,
    reorder_point: npt.ArrayLike | None = None,
) -> ReorderPlan:
    """Finds the (s, Q) policy of least cost, the best s for a given Q, or what both cost.

    Formula: cost(s, Q) as above. For a given Q the best s has g(s) = g(s + Q). The best Q has
    cost(s, Q) = g(s) = g(s + Q) as well: the set of positions is {y: g(y) < cost}. It is found
    by Newton's method on sum of (c - g(y))+ = K d, which is convex in c.

    Args:
        lead_time_demand: Demand of the lead time: normal or Poisson; samples as well if s and Q
            are given, or Q.
        demand_rate: d, units per period, at least 0. Shape [N], or one number.
        costs: h; p per unit short and period; K, above 0 where Q is to be found.
        order_quantity: Q to evaluate or to find s for, units, above 0; None: the best one.
        reorder_point: s to evaluate, units; needs Q. None: the best one.

    Returns:
        Levels and their cost, currency per period. Shape [N].

    Raises:
        BadInputError: A value is out of its range, s is given without Q, or a level is not whole
            although demand is.

    Source:
        Zheng (1992), On Properties of Stochastic Inventory Systems, Management Science 38(1),
        87-103; Federgruen and Zheng (1992), Operations Research 40(4), 808-813, for whole units;
        Snyder and Shen (2019), (5.7)-(5.9) and (5.48).

    >>> from demandcast.components.replenishment.closed_forms import PoissonDemand
    >>> best = reorder_point(
    ...     PoissonDemand([3.0]), demand_rate=1.5, costs=StockCosts(20, 150, order_cost=100)
    ... )
    >>> best.reorder_point, best.order_quantity, best.cost.round(4)
    (array([3.]), array([5.]), array([107.9236]))
    """
    rate = not_negative("demand_rate", demand_rate)
    if order_quantity is None:
        if reorder_point is not None:
            raise BadInputError("a reorder point is evaluated together with an order_quantity")
        return _best_plan(lead_time_demand, rate, costs)
    quantity = _level(
        "order_quantity", positive("order_quantity", order_quantity), lead_time_demand
    )
    if reorder_point is None:
        level = _best_reorder_point(lead_time_demand, quantity, costs)
    else:
        level = _level("reorder_point", finite("reorder_point", reorder_point), lead_time_demand)
    return _plan(lead_time_demand, level, quantity, rate, costs)


def reorder_point_for_cycle_service_level(
    lead_time_demand: Demand, *, cycle_service_level: npt.ArrayLike
) -> FloatArray:
    """Finds the lowest reorder point that reaches a cycle service level, whatever Q is.

    Args:
        lead_time_demand: Demand of the lead time.
        cycle_service_level: Target: share of order cycles without a stockout, above 0, below 1.

    Returns:
        Units, at least 0. Shape [N].

    Raises:
        BadInputError: The target is out of its range.

    >>> from demandcast.components.replenishment.closed_forms import NormalDemand
    >>> reorder_point_for_cycle_service_level(
    ...     NormalDemand([100.0], 20.0), cycle_service_level=0.95
    ... ).round(2)
    array([132.9])
    """
    target = share("cycle_service_level", cycle_service_level)
    return np.asarray(np.maximum(lead_time_demand.quantile(target), 0.0))


def reorder_point_for_fill_rate(
    lead_time_demand: Demand, *, order_quantity: npt.ArrayLike, fill_rate: npt.ArrayLike
) -> FloatArray:
    """Finds the lowest reorder point, at least 0, that reaches a fill rate with a given lot.

    Args:
        lead_time_demand: Demand of the lead time.
        order_quantity: Q, units, above 0. Shape [N], or one number.
        fill_rate: Target: share of demand met from the shelf, above 0 and below 1.

    Returns:
        Units. Shape [N].

    Raises:
        BadInputError: A value is out of its range.

    >>> from demandcast.components.replenishment.closed_forms import NormalDemand
    >>> reorder_point_for_fill_rate(
    ...     NormalDemand([100.0], 20.0), order_quantity=200, fill_rate=0.95
    ... ).round(2)
    array([96.24])
    """
    target = share("fill_rate", fill_rate)
    quantity = positive("order_quantity", order_quantity)
    mean = lead_time_demand.mean
    scale = np.where(mean > 0, mean + lead_time_demand.sd, 1.0)
    return lowest_from(
        lambda level: _filled(level, quantity, lead_time_demand) >= target,
        np.zeros(np.broadcast_shapes(mean.shape, quantity.shape, target.shape)),
        scale=np.ceil(scale) if lead_time_demand.step else scale,
        step=lead_time_demand.step,
    )


def reorder_point_cycle_service_level(
    reorder_point: npt.ArrayLike, *, lead_time_demand: Demand
) -> FloatArray:
    """Says in which share of order cycles nothing is short.

    Args:
        reorder_point: s, units. Shape [N], or one number.
        lead_time_demand: Demand of the lead time.

    Returns:
        P(D <= s). Shape [N].

    Raises:
        BadInputError: The level is not a finite number.
    """
    return lead_time_demand.cdf(finite("reorder_point", reorder_point))


def reorder_point_fill_rate(
    reorder_point: npt.ArrayLike, *, order_quantity: npt.ArrayLike, lead_time_demand: Demand
) -> FloatArray:
    """Says which share of demand is met from the shelf.

    Formula: 1 - (n(s) - n(s + Q)) / Q. The second loss is what the previous order left waiting;
    textbooks often leave it out, which is harsh where Q is small against the lead-time demand.

    Args:
        reorder_point: s, units. Shape [N], or one number.
        order_quantity: Q, units, above 0. As above.
        lead_time_demand: Demand of the lead time.

    Returns:
        From 0 to 1. Shape [N].

    Raises:
        BadInputError: A value is out of its range.

    Source:
        Hadley and Whitin (1963), Analysis of Inventory Systems, chapter 4.
    """
    level = finite("reorder_point", reorder_point)
    return _filled(level, positive("order_quantity", order_quantity), lead_time_demand)


def _filled(level: FloatArray, quantity: FloatArray, demand: Demand) -> FloatArray:
    """Returns the fill rate of checked levels."""
    rate = 1 - (demand.loss(level) - demand.loss(level + quantity)) / quantity
    return np.asarray(np.clip(rate, 0.0, 1.0))


def _level(name: str, level: FloatArray, demand: Demand) -> FloatArray:
    """Refuses levels between whole units where demand comes in whole units."""
    return whole(name, level) if demand.step else level


def _plan(
    demand: SummableDemand,
    level: FloatArray,
    quantity: FloatArray,
    rate: FloatArray,
    costs: StockCosts,
) -> ReorderPlan:
    """Evaluates a policy."""
    charged = _charged(demand, level, quantity, costs)
    cost = np.asarray((costs.order * rate + charged) / quantity)
    level, quantity, cost = np.broadcast_arrays(level, quantity, cost)
    return ReorderPlan(level, quantity, cost)


def _charged(
    demand: SummableDemand, level: FloatArray, quantity: FloatArray, costs: StockCosts
) -> FloatArray:
    """Sums g over the positions from a level, itself left out in whole units, up by a lot.

    Left over is x - mean + n(x), so both costs follow from sums of x and of n(x).
    """
    short = demand.summed_loss(level) - demand.summed_loss(level + quantity)
    positions = quantity * (level + (quantity + demand.step) / 2 - demand.mean)
    return np.asarray(costs.holding * positions + (costs.holding + costs.stockout) * short)


def _best_reorder_point(
    demand: SummableDemand, quantity: FloatArray, costs: StockCosts
) -> FloatArray:
    """Finds s with g(s) = g(s + Q): it lies within Q below the level of least g."""
    top = demand.quantile(costs.critical_ratio)
    top, quantity = np.broadcast_arrays(top, quantity)

    def right_is_dearer(level: FloatArray) -> npt.NDArray[np.bool_]:
        left = evening_cost(level + demand.step, demand=demand, costs=costs)
        right = evening_cost(level + quantity + demand.step, demand=demand, costs=costs)
        return np.asarray(right >= left)

    return lowest_between(right_is_dearer, top - quantity - 1.0, top, step=demand.step)


def _best_plan(demand: SummableDemand, rate: FloatArray, costs: StockCosts) -> ReorderPlan:
    """Finds s and Q by Newton's method on the cost, from above: it falls and never undershoots."""
    if not (costs.order > 0).all():
        raise BadInputError("order_cost must be above 0 where the order quantity is to be found")
    if not (rate > 0).all():
        raise BadInputError("demand_rate must be above 0 where the order quantity is to be found")
    least = demand.quantile(costs.critical_ratio)
    # g rises from its least by at most h and p per unit, so the deterministic cost is a bound.
    steady = costs.holding * costs.stockout / (costs.holding + costs.stockout)
    cost = evening_cost(least, demand=demand, costs=costs) + np.sqrt(
        2 * costs.order * rate * steady
    )
    least = np.broadcast_to(least, cost.shape)
    for _ in range(_STEPS):
        low, high = _positions_below(cost, least, demand, costs)
        plan = _plan(demand, low, high - low, rate, costs)
        done = cost - plan.cost <= _CLOSE * cost
        cost = plan.cost
        if done.all():
            break
    return plan


def _positions_below(
    cost: FloatArray, least: FloatArray, demand: SummableDemand, costs: StockCosts
) -> tuple[FloatArray, FloatArray]:
    """Finds the ends of the positions y with g(y) < cost.

    Real numbers: g = cost at both ends. Whole units: (low, high], low the last that is dearer.
    """
    far = 1.0 + cost / np.minimum(costs.holding, costs.stockout)
    below = np.floor(np.minimum(least, demand.mean) - far)
    above = np.ceil(np.maximum(least, demand.mean) + far)

    def cheap(level: FloatArray) -> npt.NDArray[np.bool_]:
        return np.asarray(evening_cost(level, demand=demand, costs=costs) < cost)

    low = lowest_between(cheap, below, least, step=demand.step)
    high = lowest_between(lambda level: ~cheap(level), least, above, step=demand.step)
    return low - demand.step, high - demand.step
