"""The policies that ours is compared with: textbook, EOQ, last year's sales, perfect foresight.

All but the last know what was known when an order was decided: the level of period k is made of
the history and of the demand of the periods before k. They see demand, not sales, so what was
lost counts as seen: with lost sales that is more than a shop would know, in their favour.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.closed_forms.costs import StockCosts as PowerCosts
from demandcast.components.replenishment.closed_forms.distributions import NormalDemand
from demandcast.components.replenishment.closed_forms.min_max import power_levels
from demandcast.components.replenishment.stock_scenario import (
    FloatArray,
    IntArray,
    StockCosts,
    StockScenario,
    checked_demand,
    prepare,
)
from demandcast.schema.errors import BadInputError

__all__ = [
    "DemandMoments",
    "KnownSupply",
    "MinMaxLevels",
    "ReorderLevels",
    "YEAR",
    "eoq_levels",
    "foresight_levels",
    "last_year_levels",
    "min_max_levels",
    "rolling_moments",
    "textbook_levels",
]

YEAR = 364
"""Periods of a year of days; whole weeks, so that weekdays stay the same."""


@dataclass(frozen=True)
class DemandMoments:
    """Mean and spread of past demand as they were known before each period.

    Attributes:
        mean: Units per period. Shape [T, N].
        deviation: Standard deviation, units per period. Shape [T, N].
    """

    mean: FloatArray
    deviation: FloatArray


@dataclass(frozen=True, kw_only=True)
class KnownSupply:
    """What a planner knows of the supply, whatever comes.

    Attributes:
        lead_time_mean: Periods. One number or [N].
        lead_time_variance: Periods squared; 0 where the lead time is fixed. One number or [N].
        review_period: Periods between order decisions. One number or [N].
    """

    lead_time_mean: npt.ArrayLike
    lead_time_variance: npt.ArrayLike = 0.0
    review_period: npt.ArrayLike = 1

    @property
    def protection_interval(self) -> FloatArray:
        """Mean periods from a decision to the arrival of the next order: L + R."""
        return np.asarray(self.lead_time_mean, np.float64) + np.asarray(self.review_period)


@dataclass(frozen=True)
class ReorderLevels:
    """Levels of a (s, Q) policy.

    Attributes:
        reorder_point: s, units. Shape [T, N].
        order_quantity: Q, units. Shape [T, N].
    """

    reorder_point: FloatArray
    order_quantity: FloatArray


@dataclass(frozen=True)
class MinMaxLevels:
    """Levels of an (s, S) policy.

    Attributes:
        reorder_point: s, units. Shape [T, N].
        base_stock_level: S, units. Shape [T, N].
    """

    reorder_point: FloatArray
    base_stock_level: FloatArray


def rolling_moments(history: npt.ArrayLike, demand: npt.ArrayLike, *, window: int) -> DemandMoments:
    """Computes mean and standard deviation of the newest periods before each period.

    Args:
        history: Units per period before period 0, the newest last. Shape [H, N], H from 0 on.
        demand: Units per period. Shape [T, N].
        window: Newest periods that count; fewer where fewer have passed.

    Returns:
        The deviation has one degree of freedom less than periods. Both are 0 before anything is
        known, and the deviation with one period.

    Raises:
        BadInputError: The series differ, a value is missing, infinite or negative, or the
            window is below 1.

    >>> rolling_moments([[4.0], [2.0]], [[6.0], [9.0]], window=2).mean.ravel()
    array([3., 4.])
    """
    if window < 1:
        raise BadInputError(f"window: got {window}; expected at least 1 period")
    past, periods = _joined(history, demand)
    begun = len(past) - periods
    mean, deviation = np.zeros((2, periods, past.shape[1]))
    for period in range(periods):
        newest = past[max(0, begun + period - window) : begun + period]
        if len(newest):
            mean[period] = newest.mean(axis=0)
        if len(newest) > 1:
            deviation[period] = newest.std(axis=0, ddof=1)
    return DemandMoments(mean, deviation)


def textbook_levels(
    moments: DemandMoments, supply: KnownSupply, *, cycle_service_level: float
) -> FloatArray:
    """Computes base-stock levels by mean and sigma: demand taken for normal and independent.

    Formula: S = m (L + R) + z sqrt((L + R) sigma^2 + m^2 Var(L)), m and sigma of past demand,
    z the normal quantile of the target.

    Args:
        moments: Of past demand.
        supply: Lead time and review period.
        cycle_service_level: Target in (0, 1).

    Returns:
        Units, at least 0. Shape [T, N].

    Raises:
        BadInputError: The target lies outside (0, 1).

    Source:
        Silver, Pyke and Thomas (2017), Inventory and Production Management in Supply Chains,
        sections 6.7 and 6.9; the variance of the lead time: section 6.10.

    >>> moments = DemandMoments(np.array([[10.0]]), np.array([[3.0]]))
    >>> supply = KnownSupply(lead_time_mean=3)
    >>> textbook_levels(moments, supply, cycle_service_level=0.5)
    array([[40.]])
    """
    factor = _safety_factor(cycle_service_level)
    until = _until_next(moments, supply)
    return np.maximum(until.mean + factor * until.sd, 0.0)


def eoq_levels(
    moments: DemandMoments,
    supply: KnownSupply,
    *,
    cycle_service_level: float,
    costs: StockCosts,
) -> ReorderLevels:
    """Computes the economic order quantity, and reorder points with the textbook's safety stock.

    Formula: Q = sqrt(2 K m / h), K the order cost, h the holding cost, at least the mean demand
    of a review period; s is the textbook's level over L + R periods, because the next chance to
    order comes R periods later.

    Args:
        moments: Of past demand.
        supply: Lead time and review period.
        cycle_service_level: Target in (0, 1).
        costs: Order and holding cost.

    Returns:
        Units. Q is 0 where there was no demand.

    Raises:
        BadInputError: The target lies outside (0, 1), or a holding cost is not above 0.

    Source:
        Harris (1913), How many parts to make at once, Factory 10(2), 135-136.

    >>> moments = DemandMoments(np.array([[10.0]]), np.array([[3.0]]))
    >>> levels = eoq_levels(
    ...     moments,
    ...     KnownSupply(lead_time_mean=3),
    ...     cycle_service_level=0.5,
    ...     costs=StockCosts(order_cost=20.0, holding_cost=1.0),
    ... )
    >>> levels.reorder_point, levels.order_quantity
    (array([[40.]]), array([[20.]]))
    """
    holding = np.asarray(costs.holding_cost, dtype=np.float64)
    if not (holding > 0).all():
        raise BadInputError(
            f"holding_cost: got {holding.min()}; the economic order quantity needs one above 0"
        )
    lot = np.sqrt(2 * np.asarray(costs.order_cost) * moments.mean / holding)
    return ReorderLevels(
        reorder_point=textbook_levels(moments, supply, cycle_service_level=cycle_service_level),
        order_quantity=np.maximum(lot, moments.mean * np.asarray(supply.review_period)),
    )


def min_max_levels(
    moments: DemandMoments,
    supply: KnownSupply,
    *,
    cycle_service_level: float,
    costs: StockCosts,
) -> MinMaxLevels:
    """Computes s and S by the revised power approximation, with the textbook's moments.

    Formula: `closed_forms.min_max.power_approximation` with a review period R in place of a
    period: its mean demand m R, the holding cost h R, and the textbook's mean and deviation over
    L + R periods. The stockout cost is the one that the target implies: p = h R target /
    (1 - target). Where Q is at most 1.5 m R, neither level is above the textbook's base stock:
    with small orders (s, S) is no more than that.

    Args:
        moments: Of past demand.
        supply: Lead time and review period.
        cycle_service_level: Target in (0, 1), of reviews.
        costs: Order and holding cost.

    Returns:
        Units, S at least 0; where an order costs nothing both are the textbook's level.

    Raises:
        BadInputError: The target lies outside (0, 1), or a holding cost is not above 0.

    Source:
        Ehrhardt and Mosier (1984), A Revision of the Power Approximation for Computing (s, S)
        Policies, Management Science 30(5), 618-622; with a review period: Silver, Pyke and Thomas
        (2017), chapter 8.

    >>> moments = DemandMoments(np.array([[10.0]]), np.array([[3.0]]))
    >>> levels = min_max_levels(
    ...     moments,
    ...     KnownSupply(lead_time_mean=3),
    ...     cycle_service_level=0.9,
    ...     costs=StockCosts(order_cost=20.0, holding_cost=1.0),
    ... )
    >>> levels.reorder_point.round(1), levels.base_stock_level.round(1)
    (array([[39.3]]), array([[58.4]]))
    """
    cap = textbook_levels(moments, supply, cycle_service_level=cycle_service_level)
    holding = np.asarray(costs.holding_cost, dtype=np.float64)
    if not (holding > 0).all():
        raise BadInputError(f"holding_cost: got {holding.min()}; (s, S) needs one above 0")
    between = holding * np.asarray(supply.review_period)
    worth = cycle_service_level / (1 - cycle_service_level)
    review_mean = moments.mean * np.asarray(supply.review_period)
    low, lot = power_levels(
        review_mean,
        until=_until_next(moments, supply),
        costs=PowerCosts(between, between * worth, order_cost=costs.order_cost),
    )
    small = lot <= 1.5 * review_mean
    high = np.maximum(np.where(small, np.minimum(low + lot, cap), low + lot), 0.0)
    low = np.where(small, np.minimum(low, cap), low)
    ordered = lot > 0
    return MinMaxLevels(np.where(ordered, low, cap), np.where(ordered, high, cap))


def last_year_levels(
    history: npt.ArrayLike, demand: npt.ArrayLike, *, supply: KnownSupply, year: int = YEAR
) -> FloatArray:
    """Takes the demand of the same periods a year ago as base-stock level; ours, no formula.

    The level of period k is the demand of the P periods from k - year on, P = L + R rounded up.
    While that is before the history it is that of the newest P periods. Where fewer than P
    periods have passed, or lie between then and now, they are scaled up to P.

    Args:
        history: Units per period before period 0, the newest last. Shape [H, N], H from 0 on.
        demand: Units per period. Shape [T, N].
        supply: Lead time and review period.
        year: Periods of a year.

    Returns:
        Units; 0 before anything is known. Shape [T, N].

    Raises:
        BadInputError: The series differ, a value is missing, infinite or negative, or the year
            has no period.

    >>> supply = KnownSupply(lead_time_mean=1)
    >>> last_year_levels([[1.0], [2.0], [3.0]], [[4.0], [5.0]], supply=supply, year=3).ravel()
    array([3., 5.])
    """
    if year < 1:
        raise BadInputError(f"year: got {year}; expected at least 1 period")
    past, periods = _joined(history, demand)
    begun, series = len(past) - periods, past.shape[1]
    until = np.vstack([np.zeros((1, series)), np.cumsum(past, axis=0)])
    length = np.broadcast_to(np.ceil(supply.protection_interval).astype(np.int64), (series,))
    levels = np.zeros((periods, series))
    for period in range(periods):
        now = begun + period
        if now:
            begin = np.maximum(now - length, 0) if now < year else np.full(series, now - year)
            end = np.minimum(begin + length, now)
            levels[period] = _between(until, begin, end) * length / (end - begin)
    return levels


def foresight_levels(demand: npt.ArrayLike, scenario: StockScenario) -> FloatArray:
    """Computes the base-stock levels of one who knows all demand and all lead times.

    The order decided at period k is to last until the next one arrives: S is the demand from k
    until before the earliest arrival of a later review's order. Where a later order arrives as
    early, this one is not needed. Demand after the last period is taken for 0.

    It is no lower bound of cost where orders cost something or units expire.

    Args:
        demand: Units per period. Shape [T, N].
        scenario: Its lead times and reviews.

    Returns:
        Units; -inf where no order is needed. Shape [T, N].

    Raises:
        BadInputError: A value or shape is wrong.

    >>> scenario = StockScenario()
    >>> foresight_levels([[3.0], [6.0], [2.0]], scenario).ravel()
    array([3., 6., 2.])
    """
    world = prepare(demand, scenario)
    periods, series = world.demand.shape
    until = np.vstack([np.zeros((1, series)), np.cumsum(world.demand, axis=0)])
    levels = np.full((periods, series), -np.inf)
    next_arrival = np.full(series, periods)
    for period in reversed(range(periods)):
        arrival = period + world.lead_times_of(period)
        needed = world.reviewed[period] & (arrival < next_arrival)
        begin = np.full(series, period)
        levels[period, needed] = _between(until, begin, next_arrival)[needed]
        next_arrival = np.where(needed, arrival, next_arrival)
    return levels


def _until_next(moments: DemandMoments, supply: KnownSupply) -> NormalDemand:
    """Returns mean and deviation of the demand over L + R periods. Shape [T, N]."""
    interval = supply.protection_interval
    variance = interval * moments.deviation**2 + moments.mean**2 * np.asarray(
        supply.lead_time_variance
    )
    return NormalDemand(moments.mean * interval, np.sqrt(variance))


def _safety_factor(cycle_service_level: float) -> float:
    """Returns the normal quantile of a target."""
    if not 0 < cycle_service_level < 1 or math.isnan(cycle_service_level):
        raise BadInputError(
            f"cycle_service_level: got {cycle_service_level}; expected a share in (0, 1)"
        )
    return NormalDist().inv_cdf(cycle_service_level)


def _joined(history: npt.ArrayLike, demand: npt.ArrayLike) -> tuple[FloatArray, int]:
    """Puts the history before the demand; returns the periods of the demand too."""
    values = checked_demand(demand)
    before = np.asarray(history, dtype=np.float64)
    if before.size == 0:
        return values, len(values)
    if before.ndim != 2 or before.shape[1] != values.shape[1]:
        raise BadInputError(
            f"history: shape {list(before.shape)}; expected [H, {values.shape[1]}], the series "
            "of the demand"
        )
    return np.vstack([checked_demand(before), values]), len(values)


def _between(until: FloatArray, begin: IntArray, end: IntArray) -> FloatArray:
    """Adds up demand from `begin` until before `end`. Shape [N]."""
    every = np.arange(until.shape[1])
    # Differences of running sums may fall below zero by rounding.
    return np.maximum(until[end, every] - until[begin, every], 0.0)
