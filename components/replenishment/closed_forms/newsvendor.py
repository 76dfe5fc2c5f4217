"""One order for one stretch of demand: the newsvendor.

The order is there before demand comes. What is left over costs h per unit, what is short p:
    S* = lowest S with P(D <= S) >= p / (p + h)
Demand is that of the whole stretch. For goods that are ordered again and again, that is the
protection interval (`base_stock` says what each period costs); for perishables, the time in
which the lot can be sold (`selling_window`).
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
)
from demandcast.components.replenishment.closed_forms.costs import (
    BaseStock,
    StockCosts,
    evening_cost,
)
from demandcast.components.replenishment.closed_forms.distributions import Demand
from demandcast.schema.errors import BadInputError

__all__ = ["Margins", "newsvendor", "selling_window"]


@dataclass(frozen=True)
class Margins:
    """What a unit brings and costs, from which overage and underage costs follow.

    Attributes:
        revenue: r, currency per unit sold; above the unit cost.
        unit_cost: c, currency per unit bought; above the salvage value.
        salvage_value: v, currency per unit that is left over: what it still brings. Negative
            where waste has to be paid for, as with perishables that have expired.
        holding_cost: Currency per unit left over, beyond c - v; at least 0.
        stockout_cost: Currency per unit short, beyond the lost margin r - c, such as goodwill;
            at least 0.
    """

    revenue: npt.ArrayLike
    unit_cost: npt.ArrayLike
    salvage_value: npt.ArrayLike
    holding_cost: npt.ArrayLike = 0.0
    stockout_cost: npt.ArrayLike = 0.0

    def __post_init__(self) -> None:
        not_negative("holding_cost", self.holding_cost)
        not_negative("stockout_cost", self.stockout_cost)
        _increasing("unit_cost", self.unit_cost, "revenue", self.revenue)
        _increasing("salvage_value", self.salvage_value, "unit_cost", self.unit_cost)

    @property
    def costs(self) -> StockCosts:
        """Overage and underage costs per unit: h = c - v and p = r - c, and what is beyond them.

        >>> margins = Margins(revenue=1.0, unit_cost=0.25, salvage_value=0.0)
        >>> margins.costs.critical_ratio.tolist()
        0.75
        """
        unit_cost = np.asarray(self.unit_cost, dtype=np.float64)
        return StockCosts(
            holding_cost=unit_cost - np.asarray(self.salvage_value) + np.asarray(self.holding_cost),
            stockout_cost=np.asarray(self.revenue) - unit_cost + np.asarray(self.stockout_cost),
        )

    def profit(self, mean: npt.ArrayLike, *, cost: npt.ArrayLike) -> FloatArray:
        """Computes the mean profit from the mean cost.

        Formula: (r - c) E[D] - cost: the margin of all demand, less what mismatch costs.

        Args:
            mean: E[D], units.
            cost: Of `newsvendor` with the costs of these margins, currency.

        Returns:
            Currency.
        """
        margin = np.asarray(self.revenue, dtype=np.float64) - np.asarray(self.unit_cost)
        return np.asarray(margin * np.asarray(mean) - np.asarray(cost))


def newsvendor(
    demand: Demand, *, costs: StockCosts, base_stock_level: npt.ArrayLike | None = None
) -> BaseStock:
    """Finds the best level for one stretch of demand, or says what a given level costs.

    Formula: S* = lowest S with P(D <= S) >= p / (p + h); cost = h E[(S - D)+] + p E[(D - S)+].

    Args:
        demand: D of the stretch: normal, lognormal, Poisson, by probabilities or samples.
        costs: h and p per unit; the cost per order plays no part.
        base_stock_level: S to evaluate, units; None: the best one.

    Returns:
        The level and its cost, currency per stretch.

    Raises:
        BadInputError: The level is not a finite number.

    Source:
        Arrow, Harris and Marschak (1951), Optimal Inventory Policy, Econometrica 19(3), 250-272;
        Snyder and Shen (2019), section 4.3.

    >>> from demandcast.components.replenishment.closed_forms import NormalDemand
    >>> best = newsvendor(NormalDemand([50.0], 8.0), costs=StockCosts(0.18, 0.70))
    >>> best.base_stock_level.round(4), best.cost.round(4)
    (array([56.604]), array([1.9976]))
    """
    if base_stock_level is None:
        level = demand.quantile(costs.critical_ratio)
    else:
        level = finite("base_stock_level", base_stock_level)
    return BaseStock(np.asarray(level), evening_cost(level, demand=demand, costs=costs))


def selling_window(protection_interval: npt.ArrayLike, *, shelf_life: npt.ArrayLike) -> FloatArray:
    """Computes for how many periods of demand one lot can be bought.

    Goods that keep for fewer periods than pass until the next delivery are sold in fewer.

    Args:
        protection_interval: Periods that the order has to cover, above 0.
        shelf_life: Periods in which a unit can be sold after its arrival, above 0.

    Returns:
        Periods.

    >>> selling_window([3, 10], shelf_life=5).tolist()
    [3.0, 5.0]
    """
    interval = positive("protection_interval", protection_interval)
    return np.asarray(np.minimum(interval, positive("shelf_life", shelf_life)))


def _increasing(lower: str, low: npt.ArrayLike, higher: str, high: npt.ArrayLike) -> None:
    """Refuses values that are not below those that have to be above them."""
    below, above = finite(lower, low), finite(higher, high)
    if not (below < above).all():
        raise BadInputError(f"{lower} must be below {higher}, not {below} against {above}")
