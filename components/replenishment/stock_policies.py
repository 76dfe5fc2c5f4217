"""Policies as the simulator asks them: how many units to order, given period and stock.

Any callable `policy(period, state)` will do; one that forecasts may compute its levels when it
is asked, for a block of periods at a time. Those here take their levels as arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from demandcast.components.replenishment.stock_scenario import FloatArray
from demandcast.schema.errors import BadInputError

__all__ = [
    "BaseStockPolicy",
    "OrderUpToPolicy",
    "ReorderPointPolicy",
    "StockPolicy",
    "StockState",
]


@dataclass(frozen=True)
class StockState:
    """What is known when orders are decided: the stock of the evening before. Units, shape [N].

    Attributes:
        on_hand: In stock.
        on_order: Ordered and not yet arrived.
        backorders: Customers wait for.
    """

    on_hand: FloatArray
    on_order: FloatArray
    backorders: FloatArray

    @property
    def inventory_position(self) -> FloatArray:
        """On hand + on order - backorders."""
        return self.on_hand + self.on_order - self.backorders


class StockPolicy(Protocol):
    """Decides orders."""

    def __call__(self, period: int, state: StockState) -> FloatArray:
        """Decides the orders that are placed before a period opens.

        Args:
            period: Number of the period, from 0.
            state: Stock of the evening before.

        Returns:
            Units wanted, 0 for none, before packs, smallest order and capacity. Series that do
            not review are asked as well; their answer is not used. Shape [N].
        """


@dataclass(frozen=True)
class BaseStockPolicy:
    """Periodic base stock (R, S): orders what the inventory position lacks to S.

    Attributes:
        base_stock_level: S, units. Shape [T, N], [T, 1], [N] or one number.

    >>> policy = BaseStockPolicy(np.array([10.0]))
    >>> policy(0, StockState(np.array([3.0]), np.array([4.0]), np.array([1.0])))
    array([4.])
    """

    base_stock_level: FloatArray

    def __call__(self, period: int, state: StockState) -> FloatArray:
        """Orders up to S."""
        level = _row("base_stock_level", self.base_stock_level, period)
        return np.maximum(level - state.inventory_position, 0.0)


@dataclass(frozen=True)
class OrderUpToPolicy:
    """(s, S): once the inventory position is at s or below, orders up to S.

    Attributes:
        reorder_point: s, units. Shape [T, N], [T, 1], [N] or one number.
        base_stock_level: S, units. Likewise.

    >>> policy = OrderUpToPolicy(np.array([3.0]), np.array([10.0]))
    >>> [policy(0, StockState(np.array([units]), np.zeros(1), np.zeros(1))) for units in (3.0, 4.0)]
    [array([7.]), array([0.])]
    """

    reorder_point: FloatArray
    base_stock_level: FloatArray

    def __call__(self, period: int, state: StockState) -> FloatArray:
        """Orders up to S where s is reached."""
        position = state.inventory_position
        short = _row("base_stock_level", self.base_stock_level, period) - position
        reached = position <= _row("reorder_point", self.reorder_point, period)
        return np.where(reached, np.maximum(short, 0.0), 0.0)


@dataclass(frozen=True)
class ReorderPointPolicy:
    """(s, Q): once the inventory position is at s or below, orders the lot Q.

    Where one lot does not bring the position above s, as many lots as do, often called (s, nQ).

    Attributes:
        reorder_point: s, units. Shape [T, N], [T, 1], [N] or one number.
        order_quantity: Q, units; 0 for no order. Likewise.

    >>> policy = ReorderPointPolicy(np.array([3.0]), np.array([2.0]))
    >>> [policy(0, StockState(np.array([units]), np.zeros(1), np.zeros(1))) for units in (3.0, 1.0)]
    [array([2.]), array([4.])]
    """

    reorder_point: FloatArray
    order_quantity: FloatArray

    def __call__(self, period: int, state: StockState) -> FloatArray:
        """Orders whole lots where s is reached."""
        short = _row("reorder_point", self.reorder_point, period) - state.inventory_position
        lot = _row("order_quantity", self.order_quantity, period)
        lots = np.floor(short / np.where(lot > 0, lot, 1.0)) + 1.0
        return np.where(short >= 0, lots * lot, 0.0)


def _row(name: str, levels: FloatArray, period: int) -> FloatArray:
    """Returns the levels of a period; those that are the same for all periods have no axis T."""
    values = np.asarray(levels, dtype=np.float64)
    if values.ndim < 2:
        return values
    if period >= len(values):
        raise BadInputError(
            f"{name}: {len(values)} periods; period {period} of the demand has no level"
        )
    return np.asarray(values[period])
