"""How much to order at a time where demand is steady and known: the EOQ and its variants.

A period is whatever rates and costs refer to: a day or a year, the same for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.checks import (
    FloatArray,
    not_negative,
    positive,
)
from demandcast.components.replenishment.closed_forms.costs import StockCosts
from demandcast.schema.errors import BadInputError

__all__ = [
    "BackorderPlan",
    "OrderQuantity",
    "PriceBreaks",
    "economic_order_quantity",
    "economic_production_quantity",
    "order_quantity_with_backorders",
    "order_quantity_with_price_breaks",
]


@dataclass(frozen=True)
class OrderQuantity:
    """An order quantity and what it costs.

    Attributes:
        order_quantity: Q, units per order. 0 where there is no demand: nothing is ordered.
        cost: Currency per period.
    """

    order_quantity: FloatArray
    cost: FloatArray


@dataclass(frozen=True)
class BackorderPlan:
    """An order quantity, the share of it that customers wait for, and what both cost.

    Attributes:
        order_quantity: Q, units per order.
        backorder_share: x, share of each order that goes to waiting customers, from 0 to 1.
        cost: Currency per period.
    """

    order_quantity: FloatArray
    backorder_share: FloatArray
    cost: FloatArray


@dataclass(frozen=True)
class PriceBreaks:
    """Prices of a unit that fall with the size of the order; the price holds for all its units.

    Attributes:
        smallest_orders: From how many units on each price holds; the first is 0, and they
            increase. Shape [B], or [N, B] where items differ.
        unit_costs: Currency per unit, above 0. Same shape.
    """

    smallest_orders: npt.ArrayLike
    unit_costs: npt.ArrayLike

    def __post_init__(self) -> None:
        smallest = not_negative("smallest_orders", self.smallest_orders)
        prices = positive("unit_costs", self.unit_costs)
        if smallest.ndim == 0 or smallest.shape != prices.shape:
            raise BadInputError(
                f"smallest_orders {smallest.shape} and unit_costs {prices.shape} must have the "
                "same shape, one axis at least"
            )
        if (smallest[..., 0] != 0).any() or (np.diff(smallest) <= 0).any():
            raise BadInputError("smallest_orders must begin with 0 and increase")
        if (np.diff(prices) > 0).any():
            raise BadInputError("unit_costs must not rise with the size of the order")


def economic_order_quantity(
    demand_rate: npt.ArrayLike,
    *,
    order_cost: npt.ArrayLike,
    holding_cost: npt.ArrayLike,
    order_quantity: npt.ArrayLike | None = None,
) -> OrderQuantity:
    """Finds the order quantity of least cost, or says what a given one costs.

    Formula: Q* = sqrt(2 K d / h); cost(Q) = K d / Q + h Q / 2.

    Args:
        demand_rate: d, units per period, at least 0. Any shape.
        order_cost: K, currency per order, at least 0.
        holding_cost: h, currency per unit and period, above 0.
        order_quantity: Q to evaluate, units, above 0; None: the best one.

    Raises:
        BadInputError: A value is out of its range.

    Source:
        Harris (1913), How Many Parts to Make at Once; Snyder and Shen (2019), (3.4)-(3.5).

    >>> economic_order_quantity([1300.0], order_cost=8, holding_cost=0.225).cost.round(4)
    array([68.4105])
    """
    return economic_production_quantity(
        demand_rate,
        production_rate=np.inf,
        order_cost=order_cost,
        holding_cost=holding_cost,
        order_quantity=order_quantity,
    )


def economic_production_quantity(
    demand_rate: npt.ArrayLike,
    *,
    production_rate: npt.ArrayLike,
    order_cost: npt.ArrayLike,
    holding_cost: npt.ArrayLike,
    order_quantity: npt.ArrayLike | None = None,
) -> OrderQuantity:
    """Finds the lot of least cost where units arrive at a rate, or says what a given one costs.

    Formula: the EOQ with the holding cost h (1 - d / m).

    Args:
        demand_rate: d, units per period, at least 0. Any shape.
        production_rate: m, units per period, above d; infinite: the lot arrives at once.
        order_cost: K, currency per lot, at least 0.
        holding_cost: h, currency per unit and period, above 0.
        order_quantity: Q to evaluate, units, above 0; None: the best one.

    Raises:
        BadInputError: A value is out of its range.

    Source:
        Taft (1918), The Most Economical Production Lot; Snyder and Shen (2019), (3.31)-(3.32).

    >>> lot = economic_production_quantity(
    ...     [1300.0], production_rate=1700, order_cost=8, holding_cost=0.225
    ... )
    >>> lot.order_quantity.round(3)
    array([626.808])
    """
    rate = not_negative("demand_rate", demand_rate)
    capacity = np.asarray(production_rate, dtype=np.float64)
    if not (rate < capacity).all():
        raise BadInputError("demand_rate must be below production_rate")
    fixed = not_negative("order_cost", order_cost)
    holding = positive("holding_cost", holding_cost) * (1 - rate / capacity)
    if order_quantity is None:
        quantity = np.asarray(np.sqrt(2 * fixed * rate / holding))
        return OrderQuantity(quantity, np.asarray(quantity * holding))
    quantity = positive("order_quantity", order_quantity)
    return OrderQuantity(quantity, np.asarray(fixed * rate / quantity + holding * quantity / 2))


def order_quantity_with_backorders(
    demand_rate: npt.ArrayLike,
    *,
    costs: StockCosts,
    order_quantity: npt.ArrayLike | None = None,
    backorder_share: npt.ArrayLike | None = None,
) -> BackorderPlan:
    """Finds the best order quantity and share of backorders, or says what given ones cost.

    Formula: Q* = sqrt(2 K d (h + p) / (h p)), x* = h / (h + p);
    cost(Q, x) = h Q (1 - x)^2 / 2 + p Q x^2 / 2 + K d / Q.

    Args:
        demand_rate: d, units per period, at least 0. Any shape.
        costs: K, h, and p per unit and period of waiting.
        order_quantity: Q to evaluate, units, above 0; None: the best one.
        backorder_share: x to evaluate, from 0 to 1; None: the best one, for any Q.

    Raises:
        BadInputError: A value is out of its range.

    Source:
        Snyder and Shen (2019), (3.27)-(3.29).

    >>> plan = order_quantity_with_backorders([1300.0], costs=StockCosts(0.225, 5, order_cost=8))
    >>> plan.order_quantity.round(3), plan.backorder_share.round(5)
    (array([310.813]), array([0.04306]))
    """
    rate = not_negative("demand_rate", demand_rate)
    short = _share_or_best(backorder_share, costs)
    # Both costs are paid on triangles of stock: together as if stock cost this much per unit.
    per_unit = costs.holding * (1 - short) ** 2 + costs.stockout * short**2
    if order_quantity is None:
        quantity = np.asarray(np.sqrt(2 * costs.order * rate / per_unit))
        cost = quantity * per_unit
    else:
        quantity = positive("order_quantity", order_quantity)
        cost = costs.order * rate / quantity + per_unit * quantity / 2
    none = 0.0 * cost
    return BackorderPlan(quantity + none, short + none, np.asarray(cost))


def order_quantity_with_price_breaks(
    demand_rate: npt.ArrayLike,
    *,
    order_cost: npt.ArrayLike,
    holding_rate: npt.ArrayLike,
    breaks: PriceBreaks,
    order_quantity: npt.ArrayLike | None = None,
) -> OrderQuantity:
    """Finds the best order quantity under price breaks, or says what a given one costs.

    Formula: cost(Q) = c d + K d / Q + i c Q / 2 with the price c that holds for Q. The best Q is
    the EOQ of one of the prices, or the smallest order of one if its EOQ is smaller.

    Args:
        demand_rate: d, units per period, at least 0. Shape [N], or one number.
        order_cost: K, currency per order, at least 0. Shape [N], or one number.
        holding_rate: i, holding cost as a share of the price per period, above 0. As above.
        breaks: Prices and from where they hold.
        order_quantity: Q to evaluate, units, above 0. As above; None: the best one.

    Returns:
        Quantity and cost, what is paid for the goods included. Shape [N].

    Raises:
        BadInputError: A value is out of its range.

    Source:
        Snyder and Shen (2019), (3.18)-(3.19).

    >>> breaks = PriceBreaks([0, 400, 800], [0.75, 0.72, 0.68])
    >>> best = order_quantity_with_price_breaks(
    ...     [1300.0], order_cost=8, holding_rate=0.3, breaks=breaks
    ... )
    >>> best.order_quantity, best.cost.round(2)
    (array([800.]), array([978.6]))
    """
    rate = not_negative("demand_rate", demand_rate)[..., None]
    fixed = not_negative("order_cost", order_cost)[..., None]
    share = positive("holding_rate", holding_rate)[..., None]
    smallest = np.asarray(breaks.smallest_orders, dtype=np.float64)
    prices = np.asarray(breaks.unit_costs, dtype=np.float64)
    ends = np.concatenate([smallest[..., 1:], np.full((*smallest.shape[:-1], 1), np.inf)], axis=-1)
    if order_quantity is None:
        quantity = np.maximum(np.sqrt(2 * fixed * rate / (share * prices)), smallest)
    else:
        quantity = positive("order_quantity", order_quantity)[..., None] + 0 * smallest
    per_order = np.where(quantity > 0, fixed * rate / np.where(quantity > 0, quantity, 1.0), 0.0)
    cost = prices * rate + per_order + share * prices * quantity / 2
    cost = np.where((smallest <= quantity) & (quantity < ends), cost, np.inf)
    best = cost.argmin(axis=-1, keepdims=True)
    quantity = np.broadcast_to(quantity, cost.shape)
    return OrderQuantity(
        np.take_along_axis(quantity, best, axis=-1)[..., 0],
        np.take_along_axis(cost, best, axis=-1)[..., 0],
    )


def _share_or_best(backorder_share: npt.ArrayLike | None, costs: StockCosts) -> FloatArray:
    """Returns the share to evaluate, or h / (h + p)."""
    if backorder_share is None:
        return np.asarray(1 - costs.critical_ratio)
    given = not_negative("backorder_share", backorder_share)
    if (given > 1).any():
        raise BadInputError(f"backorder_share must be at most 1, not {given.max():g}")
    return given
