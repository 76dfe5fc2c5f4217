"""What stock costs, as every closed form takes it and gives it back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.checks import (
    FloatArray,
    not_negative,
    positive,
)
from demandcast.components.replenishment.closed_forms.distributions import Demand
from demandcast.components.replenishment.closed_forms.loss_functions import leftover

__all__ = ["BaseStock", "StockCosts", "evening_cost"]


@dataclass(frozen=True)
class StockCosts:
    """Costs of having too much, of having too little and of ordering.

    Attributes:
        holding_cost: h, currency per unit and period, on what is left in the evening; above 0.
        stockout_cost: p, currency per unit short, in each period in which it is still short where
            demand waits; above 0.
        order_cost: K, currency per order; at least 0. Each of any shape; they fit each other.

    >>> StockCosts(holding_cost=1.0, stockout_cost=3.0).critical_ratio.tolist()
    0.75
    """

    holding_cost: npt.ArrayLike
    stockout_cost: npt.ArrayLike
    order_cost: npt.ArrayLike = 0.0

    def __post_init__(self) -> None:
        positive("holding_cost", self.holding_cost)
        positive("stockout_cost", self.stockout_cost)
        not_negative("order_cost", self.order_cost)

    @property
    def holding(self) -> FloatArray:
        """The holding cost as an array."""
        return np.asarray(self.holding_cost, dtype=np.float64)

    @property
    def stockout(self) -> FloatArray:
        """The stockout cost as an array."""
        return np.asarray(self.stockout_cost, dtype=np.float64)

    @property
    def order(self) -> FloatArray:
        """The order cost as an array."""
        return np.asarray(self.order_cost, dtype=np.float64)

    @property
    def critical_ratio(self) -> FloatArray:
        """What the service has to be worth: p / (p + h)."""
        return np.asarray(self.stockout / (self.stockout + self.holding))


@dataclass(frozen=True)
class BaseStock:
    """An order-up-to level and what it costs.

    Attributes:
        base_stock_level: S, units.
        cost: Currency per period, on average.
    """

    base_stock_level: FloatArray
    cost: FloatArray


def evening_cost(level: npt.ArrayLike, *, demand: Demand, costs: StockCosts) -> FloatArray:
    """Computes what is charged in an evening if stock of a level has met a demand.

    Formula: g(x) = h E[(x - D)+] + p E[(D - x)+].

    Args:
        level: x, units.
        demand: D.
        costs: h and p.

    Returns:
        Currency.
    """
    short = demand.loss(level)
    left = leftover(level, mean=demand.mean, loss=short)
    return np.asarray(costs.holding * left + costs.stockout * short)
