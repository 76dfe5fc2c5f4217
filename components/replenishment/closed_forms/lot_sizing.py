"""Lots for demand that is known and differs from period to period: Wagner and Whitin.

An order arrives before its period opens, so it serves that period's demand. What is left in the
evening is held. The programme goes period by period; within, all items are taken at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.checks import FloatArray, not_negative
from demandcast.schema.errors import BadInputError

__all__ = ["LotPlan", "wagner_whitin"]


@dataclass(frozen=True)
class LotPlan:
    """What to order when, and what it costs.

    Attributes:
        order_quantities: Units that arrive before each period opens. Shape [N, T].
        cost: Currency over all periods, what is paid for the goods included. Shape [N].
    """

    order_quantities: FloatArray
    cost: FloatArray


def wagner_whitin(
    demand: npt.ArrayLike,
    *,
    order_cost: npt.ArrayLike,
    holding_cost: npt.ArrayLike,
    unit_cost: npt.ArrayLike = 0.0,
    order_quantities: npt.ArrayLike | None = None,
) -> LotPlan:
    """Finds the orders of least cost, or says what given orders cost.

    Formula: theta(t) = min over s > t of K_t [demand of t ... s - 1 is not 0]
    + sum over i = t ... s - 1 of d_i (c_t + h_t + ... + h_(i-1)) + theta(s).

    Args:
        demand: d, units per period, at least 0; nothing is in stock before. Shape [N, T].
        order_cost: K, currency per order, at least 0. Shape [N, T], or one that fits it.
        holding_cost: h, currency per unit and period, at least 0, on evening stock. As above.
        unit_cost: c, currency per unit, at least 0. As above.
        order_quantities: Orders to evaluate, units, at least 0. Shape [N, T]. None: the best.

    Returns:
        Orders and their cost. An item without demand orders nothing.

    Raises:
        BadInputError: A value is out of its range, or the given orders leave demand unmet.

    Source:
        Wagner and Whitin (1958), Dynamic Version of the Economic Lot Size Model, Management
        Science 5(1), 89-96; Snyder and Shen (2019), (3.39).

    >>> plan = wagner_whitin([[90, 120, 80, 70]], order_cost=500, holding_cost=2)
    >>> plan.order_quantities, plan.cost
    (array([[210.,   0., 150.,   0.]]), array([1380.]))
    """
    needed = not_negative("demand", demand)
    if needed.ndim != 2 or needed.shape[1] == 0:
        raise BadInputError(f"demand must have the shape [N, T], T at least 1, not {needed.shape}")
    fixed, holding, price = (
        np.broadcast_to(not_negative(name, value), needed.shape)
        for name, value in (
            ("order_cost", order_cost),
            ("holding_cost", holding_cost),
            ("unit_cost", unit_cost),
        )
    )
    if order_quantities is None:
        orders = _best_orders(needed, fixed, holding, price)
    else:
        orders = np.broadcast_to(not_negative("order_quantities", order_quantities), needed.shape)
    left = np.cumsum(orders - needed, axis=1)
    # Sums of orders and of demand differ by rounding where stock runs out as planned.
    if (left < -1e-9 * (1 + needed.sum(axis=1, keepdims=True))).any():
        raise BadInputError("order_quantities leave demand unmet")
    charged = fixed * (orders > 0) + price * orders + holding * np.maximum(left, 0.0)
    return LotPlan(orders, np.asarray(charged.sum(axis=1)))


def _best_orders(
    demand: FloatArray, fixed: FloatArray, holding: FloatArray, price: FloatArray
) -> FloatArray:
    """Solves the programme from the last period to the first, then walks forward."""
    items, periods = demand.shape
    to_go = np.zeros((items, periods + 1))
    following = np.zeros((items, periods), dtype=np.int64)
    held = np.concatenate([np.zeros((items, 1)), np.cumsum(holding, axis=1)], axis=1)
    for period in reversed(range(periods)):
        ahead = demand[:, period:]
        per_unit = price[:, period, None] + held[:, period:-1] - held[:, period, None]
        lots = np.cumsum(ahead * per_unit, axis=1)
        ordered = np.cumsum(ahead, axis=1) > 0
        cost = fixed[:, period, None] * ordered + lots + to_go[:, period + 1 :]
        choice = cost.argmin(axis=1)
        following[:, period] = period + 1 + choice
        to_go[:, period] = np.take_along_axis(cost, choice[:, None], axis=1)[:, 0]
    return _walked(demand, following)


def _walked(demand: FloatArray, following: npt.NDArray[np.int64]) -> FloatArray:
    """Returns the orders that the choice of the next order's period makes."""
    until = np.concatenate([np.zeros((len(demand), 1)), np.cumsum(demand, axis=1)], axis=1)
    lots = np.take_along_axis(until, following, axis=1) - until[:, :-1]
    orders = np.zeros_like(demand)
    due = np.zeros(len(demand), dtype=np.int64)
    for period in range(demand.shape[1]):
        now = due == period
        orders[now, period] = lots[now, period]
        due = np.where(now, following[:, period], due)
    return orders
