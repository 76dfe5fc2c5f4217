"""The (s, S) policy by its service: what a given one reaches, the cheapest that reaches a target.

Orders, deliveries and positions are those of `min_max`. Three measures, never confused:

    cycle_service_level         share of reviews, here of periods, whose cycle ends without a
                                stockout: P(D(L + 1) <= y), y the position after the review
    order_cycle_service_level   share of deliveries before which nothing was short: the evening
                                before a delivery is the leanest, P(D(L) <= x), x the position
                                that an order finds
    fill_rate                   share of demand met from the shelf
                                = 1 - (E n(L + 1, y) - E n(L, y)) / mean, n the loss of D(periods)

`simulation_result` counts the same three under the same names. Where the position is after a
review follows from the renewal equation of `min_max`: at S - j with the probability m(j) / M.
Exact for demand in whole units; item by item, as `min_max`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.checks import (
    FloatArray,
    levels_in_order,
    not_negative,
    positive,
    share,
    whole,
)
from demandcast.components.replenishment.closed_forms.distributions import (
    PmfDemand,
    PoissonDemand,
)
from demandcast.components.replenishment.closed_forms.min_max import MinMax
from demandcast.components.replenishment.closed_forms.min_max_item import MinMaxItem

__all__ = [
    "MinMaxService",
    "min_max_for_cycle_service_level",
    "min_max_for_fill_rate",
    "min_max_for_order_cycle_service_level",
    "min_max_service",
]

_USUAL = 0.9
"""Share of evenings that the bound of `_stocked_for_orders` is made of; any would do."""

_WIDEST = 100_000
"""Units from s to S beyond which no search goes: no order cost of a shop is that high."""


@dataclass(frozen=True)
class MinMaxService:
    """The service of (s, S) policies, by three measures; see the head of the module.

    Attributes:
        cycle_service_level: Share of periods without a stockout. Shape [N].
        order_cycle_service_level: Share of deliveries before which nothing was short. Shape [N].
        fill_rate: Share of demand met from the shelf. Shape [N].
        mean_on_hand: Stock in the evening, units. Shape [N].
        orders: Per period, on average. Shape [N].
    """

    cycle_service_level: FloatArray
    order_cycle_service_level: FloatArray
    fill_rate: FloatArray
    mean_on_hand: FloatArray
    orders: FloatArray


def min_max_service(
    demand: PoissonDemand | PmfDemand,
    *,
    reorder_point: npt.ArrayLike,
    order_up_to_level: npt.ArrayLike,
    lead_time: int = 0,
) -> MinMaxService:
    """Says what service given (s, S) policies reach, and with how much stock and how many orders.

    Formula: with w(j) = m(j) / M(S - s) the chance of the position S - j after a review and
    o(k) = sum over j < S - s of m(j) P(D = k - j), k >= S - s, that an order finds S - k:
    cycle_service_level = sum of w(j) P(D(L + 1) <= S - j),
    order_cycle_service_level = sum of o(k) P(D(L) <= S - k), orders = 1 / M(S - s).

    Args:
        demand: Per period, in whole units; not always 0. Shape of its mean [N], or one item.
        reorder_point: s, whole units. Shape [N], or one number.
        order_up_to_level: S, whole units, above s. As above.
        lead_time: L, whole periods, the same for all items.

    Returns:
        Of each item. Shape [N], or of one item.

    Raises:
        BadInputError: A value is out of its range.

    Source:
        Zheng and Federgruen (1991), as in `min_max`, for the position; Tijms and Groenevelt
        (1984), Simple Approximations for the Reorder Point in Periodic and Continuous Review
        (s, S) Inventory Systems with Service Level Constraints, European Journal of Operational
        Research 17(2), 175-190, for the measures.

    >>> found = min_max_service(PoissonDemand([6.0]), reorder_point=4, order_up_to_level=10)
    >>> found.cycle_service_level.round(4), found.fill_rate.round(4), found.orders.round(4)
    (array([0.8464]), array([0.9382]), array([0.682]))
    """
    shapes = [demand.mean.shape, np.shape(reorder_point), np.shape(order_up_to_level)]
    shape = np.broadcast_shapes(*shapes)
    items = _items(demand, lead_time, shape)
    lows, highs = levels_in_order(reorder_point, order_up_to_level, shape)
    found = [
        item.measured(low, high - low) for item, low, high in zip(items, lows, highs, strict=True)
    ]
    table = np.array(found, dtype=np.float64).reshape(*shape, 5)
    return MinMaxService(*np.moveaxis(table, -1, 0))


def min_max_for_cycle_service_level(
    demand: PoissonDemand | PmfDemand,
    *,
    cycle_service_level: npt.ArrayLike,
    holding_cost: npt.ArrayLike,
    order_cost: npt.ArrayLike,
    lead_time: int = 0,
) -> MinMax:
    """Finds the (s, S) policy of least cost without a stockout in a share of the periods.

    Args:
        demand: Per period, in whole units; not always 0. Shape of its mean [N], or one item.
        cycle_service_level: Target: share of reviews, here of periods, whose cycle ends without
            a stockout, above 0 and below 1. Shape [N], or one number.
        holding_cost: h, currency per unit and period, on evening stock, above 0. As above.
        order_cost: K, currency per order, above 0. As above.
        lead_time: L, whole periods, the same for all items.

    Returns:
        Levels and what holding and ordering cost per period: shortage is kept low by the target
        and has no price. Shape [N], or of one item.

    Raises:
        BadInputError: A value is out of its range.

    Source:
        The search is ours: for each gap S - s the lowest s that reaches the target, gaps from 1
        up until the stock that any policy of that gap needs costs more than the best found.

    >>> best = min_max_for_cycle_service_level(
    ...     PoissonDemand([6.0]), cycle_service_level=0.95, holding_cost=1, order_cost=20
    ... )
    >>> best.reorder_point, best.order_up_to_level, best.cost.round(4)
    (array([5.]), array([22.]), array([15.4548]))
    """
    target = share("cycle_service_level", cycle_service_level)
    return _cheapest(demand, _Search(target, holding_cost, order_cost, lead_time, _CLEAN))


def min_max_for_order_cycle_service_level(
    demand: PoissonDemand | PmfDemand,
    *,
    order_cycle_service_level: npt.ArrayLike,
    holding_cost: npt.ArrayLike,
    order_cost: npt.ArrayLike,
    lead_time: int = 0,
) -> MinMax:
    """Finds the (s, S) policy of least cost without a stockout in a share of the order cycles.

    The textbooks' measure. Only the leanest evening of each cycle counts, so the same share asks
    for a higher reorder point than as a share of periods.

    Args:
        demand: As in `min_max_for_cycle_service_level`.
        order_cycle_service_level: Target: share of deliveries before which nothing was short,
            above 0 and below 1. Shape [N], or one number.
        holding_cost: As in `min_max_for_cycle_service_level`.
        order_cost: As there.
        lead_time: L, whole periods, the same for all items.

    Returns:
        As `min_max_for_cycle_service_level`.

    Raises:
        BadInputError: A value is out of its range.

    >>> best = min_max_for_order_cycle_service_level(
    ...     PoissonDemand([6.0]), order_cycle_service_level=0.95, holding_cost=1, order_cost=20
    ... )
    >>> best.reorder_point, best.order_up_to_level
    (array([8.]), array([20.]))
    """
    target = share("order_cycle_service_level", order_cycle_service_level)
    return _cheapest(demand, _Search(target, holding_cost, order_cost, lead_time, _CLEAN_ORDERS))


def min_max_for_fill_rate(
    demand: PoissonDemand | PmfDemand,
    *,
    fill_rate: npt.ArrayLike,
    holding_cost: npt.ArrayLike,
    order_cost: npt.ArrayLike,
    lead_time: int = 0,
) -> MinMax:
    """Finds the (s, S) policy of least cost that meets a share of demand from the shelf.

    Args:
        demand: As in `min_max_for_cycle_service_level`.
        fill_rate: Target: share of demand met from the shelf, above 0 and below 1. Shape [N], or
            one number.
        holding_cost: As in `min_max_for_cycle_service_level`.
        order_cost: As there.
        lead_time: L, whole periods, the same for all items.

    Returns:
        As `min_max_for_cycle_service_level`.

    Raises:
        BadInputError: A value is out of its range.

    >>> best = min_max_for_fill_rate(
    ...     PoissonDemand([6.0]), fill_rate=0.95, holding_cost=1, order_cost=20
    ... )
    >>> best.reorder_point, best.order_up_to_level
    (array([3.]), array([20.]))
    """
    target = share("fill_rate", fill_rate)
    return _cheapest(demand, _Search(target, holding_cost, order_cost, lead_time, _FILLED))


@dataclass(frozen=True)
class _Measure:
    """A measure of service.

    Attributes:
        reached: It, of an item with a reorder point and a gap.
        stocked: A share of evenings, and the units that net stock is short of at most in them, if
            a target is reached; see `_least_stock`.
    """

    reached: Callable[[MinMaxItem, int, int], float]
    stocked: Callable[[MinMaxItem, float], tuple[float, float]]


def _stocked_for_fill_rate(item: MinMaxItem, target: float) -> tuple[float, float]:
    """Bounds the evenings short of at most some mean demands, by Markov's inequality."""
    demands = max(1.0, 2 * (1 - target) / target)
    return target - (1 - target) / demands, demands * item.mean


def _stocked_for_orders(item: MinMaxItem, target: float) -> tuple[float, float]:
    """Bounds s: an order that finds s at most can only be clean if L periods ask for no more."""
    most_evenings = item.until_evening.quantile(_USUAL)
    return _USUAL, most_evenings - item.until_order.quantile(target) - 1


_CLEAN = _Measure(MinMaxItem.clean, lambda item, target: (target, 0.0))
_CLEAN_ORDERS = _Measure(MinMaxItem.clean_orders, _stocked_for_orders)
_FILLED = _Measure(MinMaxItem.filled, _stocked_for_fill_rate)


@dataclass(frozen=True)
class _Search:
    """What is looked for; values of items of any shape that fit each other."""

    target: FloatArray
    holding_cost: npt.ArrayLike
    order_cost: npt.ArrayLike
    lead_time: int
    measure: _Measure


def _cheapest(demand: PoissonDemand | PmfDemand, search: _Search) -> MinMax:
    """Goes through the items."""
    holding = positive("holding_cost", search.holding_cost)
    fixed = positive("order_cost", search.order_cost)
    shape = np.broadcast_shapes(demand.mean.shape, search.target.shape, holding.shape, fixed.shape)
    values = [np.broadcast_to(one, shape).ravel() for one in (search.target, holding, fixed)]
    found = [
        _best_gap(item, search.measure, *map(float, given))
        for item, *given in zip(_items(demand, search.lead_time, shape), *values, strict=True)
    ]
    table = np.array(found, dtype=np.float64).reshape(*shape, 3)
    return MinMax(table[..., 0], table[..., 1], table[..., 2])


def _best_gap(
    item: MinMaxItem, measure: _Measure, target: float, holding: float, fixed: float
) -> tuple[int, int, float]:
    """Tries gaps from 1 up for as long as they may be cheaper than the best so far."""
    best, least, low = (0, 1), np.inf, 0
    for gap in range(1, _WIDEST):
        periods = float(item.stays(gap).sum())
        if holding * _least_stock(item, measure, target, item.most_visits / periods) >= least:
            break
        low = _lowest(item, measure, gap, target, low)
        cost = holding * item.on_hand(low, gap) + fixed / periods
        if cost < least:
            best, least = (low, low + gap), cost
    return best[0], best[1], least


def _lowest(item: MinMaxItem, measure: _Measure, gap: int, target: float, near: int) -> int:
    """Finds the lowest reorder point that reaches a target: that of the gap before is near."""

    def reached(low: int) -> bool:
        return measure.reached(item, low, gap) >= target

    # With S below 0 nothing is ever met: not reached there.
    bottom, width = -gap - 1, 1
    if reached(near):
        high = near
        while high - width > bottom and reached(high - width):
            high, width = high - width, 2 * width
        bottom = max(high - width, bottom)
    else:
        bottom = near
        while not reached(near + width):
            bottom, width = near + width, 2 * width
        high = near + width
    while high - bottom > 1:
        middle = (bottom + high) // 2
        bottom, high = (bottom, middle) if reached(middle) else (middle, high)
    return high


def _least_stock(item: MinMaxItem, measure: _Measure, target: float, most: float) -> float:
    """Bounds the evening stock of all policies of a gap that reach a target, from below.

    No net stock of an evening is more likely than `most`. So a share of evenings in which it is
    at least 0 has at least the stock of a spread as dense as that over 0, 1, 2, ...; in which it
    is at least -c, c units less. As gaps widen `most` falls, and the bound rises.

    A fill rate says that in its share of periods there is stock in the morning, and what is
    newly short on average. A share of clean deliveries says how high s is at least, and so how
    much is short if no more is asked for in L + 1 periods than in most of them.
    """
    wanted, short = measure.stocked(item, target)
    full = np.floor(wanted / most)
    return float(most * full * (full - 1) / 2 + (wanted - most * full) * full - short)


def _items(
    demand: PoissonDemand | PmfDemand, lead_time: int, shape: tuple[int, ...]
) -> list[MinMaxItem]:
    """Returns the items, one after the other."""
    positive("the mean of demand", demand.mean)
    periods = int(not_negative("lead_time", whole("lead_time", lead_time)))
    single = demand.mean.size == 1
    where = np.broadcast_to(np.arange(demand.mean.size).reshape(demand.mean.shape), shape)
    if single:
        # All share what one has worked out.
        return [MinMaxItem(demand.pmf(0), periods)] * where.size
    return [MinMaxItem(demand.pmf(int(at)), periods) for at in where.ravel()]
