"""Periodic review with an order-up-to level: the (R, S) policy, where demand waits.

Every R periods the inventory position is raised to S; the order arrives after L periods of
demand. So S has to cover the protection interval of L + R periods: the last evening before the
next delivery is the leanest. In the r-th evening after a delivery (r = 1 ... R),
net stock = S - demand of L + r periods.

    cycle_service_level   P(nothing is short until the next delivery) = P(D(L + R) <= S)
    fill_rate             share of demand met from the shelf
                          = 1 - (n(L + R, S) - n(L, S)) / mean of D(R),  n the loss of D(periods)

What was short before the delivery, n(L, S), was counted in the cycle before. The two measures
differ: never read one as the other. An item without demand has both at 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.checks import (
    BoolArray,
    FloatArray,
    finite,
    not_negative,
    positive,
    share,
    whole,
)
from demandcast.components.replenishment.closed_forms.costs import (
    BaseStock,
    StockCosts,
    evening_cost,
)
from demandcast.components.replenishment.closed_forms.distributions import Demand, RepeatedDemand
from demandcast.components.replenishment.closed_forms.search import lowest_from

__all__ = [
    "ReviewCycle",
    "base_stock",
    "base_stock_cycle_service_level",
    "base_stock_fill_rate",
    "base_stock_for_cycle_service_level",
    "base_stock_for_fill_rate",
]


@dataclass(frozen=True)
class ReviewCycle:
    """When orders are decided and when they arrive.

    Attributes:
        lead_time: L, whole periods of demand from the order to its arrival, at least 0: one of 0
            serves the very next period. Shape [N], or one number.
        review_period: R, whole periods between orders, at least 1. As above.
    """

    lead_time: npt.ArrayLike = 0
    review_period: npt.ArrayLike = 1

    def __post_init__(self) -> None:
        not_negative("lead_time", whole("lead_time", self.lead_time))
        positive("review_period", whole("review_period", self.review_period))

    @property
    def lead(self) -> FloatArray:
        """The lead time as an array."""
        return np.asarray(self.lead_time, dtype=np.float64)

    @property
    def review(self) -> FloatArray:
        """The review period as an array."""
        return np.asarray(self.review_period, dtype=np.float64)

    @property
    def protection_interval(self) -> FloatArray:
        """L + R, periods of demand that the level has to cover.

        >>> ReviewCycle(lead_time=[0, 2], review_period=1).protection_interval.tolist()
        [1.0, 3.0]
        """
        return np.asarray(self.lead + self.review)


def base_stock(
    demand: RepeatedDemand,
    *,
    cycle: ReviewCycle,
    costs: StockCosts,
    base_stock_level: npt.ArrayLike | None = None,
) -> BaseStock:
    """Finds the order-up-to level of least cost, or says what a given one costs.

    Formula: cost(S) = K / R + 1 / R sum over r = 1 ... R of g(S; L + r), g what is charged in an
    evening (`evening_cost`). S* is the lowest level, at least 0, at which the mean of
    P(D(L + r) <= S) over r reaches p / (p + h); for R = 1 the quantile of the protection interval.

    Args:
        demand: Per period: normal, Poisson, by probabilities or sample paths.
        cycle: L and R.
        costs: h; p per unit short in each evening; K, charged at every review.
        base_stock_level: S to evaluate, units; None: the best one.

    Returns:
        The level and its cost, currency per period. Shape [N].

    Raises:
        BadInputError: The level is not a finite number, or sample paths are too short.

    Source:
        Snyder and Shen (2019), section 4.3, for R = 1; the mean over the evenings is ours.

    >>> from demandcast.components.replenishment.closed_forms import NormalDemand
    >>> best = base_stock(
    ...     NormalDemand([50.0], 8.0), cycle=ReviewCycle(lead_time=4), costs=StockCosts(0.18, 0.70)
    ... )
    >>> best.base_stock_level.round(3), best.cost.round(4)
    (array([264.767]), array([4.4668]))
    """
    evenings = _evenings(demand, cycle)
    if base_stock_level is None:
        level = _lowest(
            lambda x: _mean([stage.cdf(x) for stage, _ in evenings], evenings, cycle),
            costs.critical_ratio,
            demand=demand.over(cycle.protection_interval),
        )
    else:
        level = finite("base_stock_level", base_stock_level)
    charged = [evening_cost(level, demand=stage, costs=costs) for stage, _ in evenings]
    cost = costs.order / cycle.review + _mean(charged, evenings, cycle)
    return BaseStock(np.asarray(level + 0 * cost), np.asarray(cost))


def base_stock_for_cycle_service_level(
    demand: RepeatedDemand, *, cycle: ReviewCycle, cycle_service_level: npt.ArrayLike
) -> FloatArray:
    """Finds the lowest order-up-to level that reaches a cycle service level.

    Formula: S = lowest S >= 0 with P(D(L + R) <= S) >= target.

    Args:
        demand: Per period.
        cycle: L and R.
        cycle_service_level: Target: share of cycles without a stockout, above 0 and below 1.

    Returns:
        Units. Shape [N].

    Raises:
        BadInputError: The target is out of its range.

    >>> from demandcast.components.replenishment.closed_forms import PoissonDemand
    >>> base_stock_for_cycle_service_level(
    ...     PoissonDemand([2.0]), cycle=ReviewCycle(lead_time=3), cycle_service_level=0.95
    ... )
    array([13.])
    """
    target = share("cycle_service_level", cycle_service_level)
    level = demand.over(cycle.protection_interval).quantile(target)
    return np.asarray(np.maximum(level, 0.0))


def base_stock_for_fill_rate(
    demand: RepeatedDemand, *, cycle: ReviewCycle, fill_rate: npt.ArrayLike
) -> FloatArray:
    """Finds the lowest order-up-to level that reaches a fill rate.

    Formula: S = lowest S >= 0 with 1 - (n(L + R, S) - n(L, S)) / mean of D(R) >= target.

    Args:
        demand: Per period.
        cycle: L and R.
        fill_rate: Target: share of demand met from the shelf, above 0 and below 1.

    Returns:
        Units; 0 for an item without demand. Shape [N].

    Raises:
        BadInputError: The target is out of its range.

    >>> from demandcast.components.replenishment.closed_forms import NormalDemand
    >>> base_stock_for_fill_rate(
    ...     NormalDemand([50.0], 8.0), cycle=ReviewCycle(lead_time=4), fill_rate=0.95
    ... ).round(2)
    array([262.75])
    """
    target = share("fill_rate", fill_rate)
    return _lowest(
        lambda level: base_stock_fill_rate(level, demand=demand, cycle=cycle),
        target,
        demand=demand.over(cycle.protection_interval),
    )


def base_stock_cycle_service_level(
    base_stock_level: npt.ArrayLike, *, demand: RepeatedDemand, cycle: ReviewCycle
) -> FloatArray:
    """Says in which share of cycles nothing is short.

    Args:
        base_stock_level: S, units. Shape [N], or one number.
        demand: Per period.
        cycle: L and R.

    Returns:
        P(D(L + R) <= S). Shape [N].

    Raises:
        BadInputError: The level is not a finite number.
    """
    level = finite("base_stock_level", base_stock_level)
    return demand.over(cycle.protection_interval).cdf(level)


def base_stock_fill_rate(
    base_stock_level: npt.ArrayLike, *, demand: RepeatedDemand, cycle: ReviewCycle
) -> FloatArray:
    """Says which share of demand is met from the shelf.

    Args:
        base_stock_level: S, units. Shape [N], or one number.
        demand: Per period.
        cycle: L and R.

    Returns:
        1 - (n(L + R, S) - n(L, S)) / mean of D(R), from 0 to 1; 1 without demand. Shape [N].

    Raises:
        BadInputError: The level is not a finite number.

    Source:
        Johnson, Lee, Davis and Hall (1995), Expressions for Item Fill Rates in Periodic Inventory
        Systems, Naval Research Logistics 42(1), 57-80.
    """
    level = finite("base_stock_level", base_stock_level)
    until_next = demand.over(cycle.protection_interval)
    until_delivery = demand.over(cycle.lead)
    short = until_next.loss(level) - until_delivery.loss(level)
    # Of sample paths, demand after the delivery is what counts, whatever came before it.
    asked = until_next.mean - until_delivery.mean
    rate = 1 - short / np.where(asked > 0, asked, 1.0)
    return np.where(asked > 0, np.clip(rate, 0.0, 1.0), 1.0)


def _evenings(demand: RepeatedDemand, cycle: ReviewCycle) -> list[tuple[Demand, BoolArray]]:
    """Returns the demand until each evening of a cycle, and which items have that evening."""
    most = int(cycle.review.max())
    return [
        (demand.over(cycle.lead + np.minimum(evening, cycle.review)), evening <= cycle.review)
        for evening in range(1, most + 1)
    ]


def _mean(
    values: list[FloatArray], evenings: list[tuple[Demand, BoolArray]], cycle: ReviewCycle
) -> FloatArray:
    """Averages values over the evenings that each item has."""
    had = [np.where(has, value, 0.0) for value, (_, has) in zip(values, evenings, strict=True)]
    return np.asarray(np.sum(np.broadcast_arrays(*had), axis=0) / cycle.review)


def _lowest(
    measure: Callable[[FloatArray], FloatArray], target: FloatArray, *, demand: Demand
) -> FloatArray:
    """Finds the lowest level, at least 0, at which a measure reaches a target."""
    shape = np.broadcast_shapes(demand.mean.shape, target.shape, measure(np.zeros(())).shape)
    scale = np.where(demand.mean > 0, demand.mean + demand.sd, 1.0)
    return lowest_from(
        lambda level: measure(level) >= target,
        np.zeros(shape),
        scale=np.ceil(scale) if demand.step else scale,
        step=demand.step,
    )
