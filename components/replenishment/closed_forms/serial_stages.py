"""Stages in a row, such as warehouse and store: the exact echelon levels of Clark and Scarf.

    supplier -> stage 1 (most upstream) -> ... -> stage J (the store) -> demand, which waits

Stage j raises its echelon position (its stock, all that is downstream or on the way there, less
what customers wait for) to S_j as far as the stage before has stock; units arrive after its lead
time. Local holding costs do not fall downstream: their differences are the echelon holding costs.

Order of events: with review_period = 1 that of all of replenishment (orders arrive before the
period opens, costs are charged in the evening), so the store covers its lead time and one period
more. With review_period = 0 review is continuous, as in textbooks.

One system at a time: the functions of one stage are integrals of those of the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import interpolate, optimize, special

from demandcast.components.replenishment.closed_forms.checks import (
    FloatArray,
    finite,
    not_negative,
    positive,
    share,
    whole,
)
from demandcast.components.replenishment.closed_forms.distributions import (
    NormalDemand,
    PmfDemand,
    PoissonDemand,
)
from demandcast.schema.errors import BadInputError

__all__ = ["SerialPlan", "SerialSystem", "serial_base_stock", "serial_newsvendor_levels"]

Values = Callable[[FloatArray], FloatArray]

_REACH = 9.0
"""Standard deviations beyond which normal demand is left out: 1e-19 of it."""
_FINENESS = 24
"""Points of interpolation per standard deviation."""
_PANELS = 6
_NODES, _WEIGHTS = special.roots_legendre(16)


@dataclass(frozen=True)
class SerialSystem:
    """Stages from the most upstream to the store.

    Attributes:
        holding_costs: Local, currency per unit and period, above 0; on what is at the stage and
            on its way to the next. They do not fall downstream. Shape [J].
        lead_times: Periods from the stage before to this one, at least 0. Shape [J].
        stockout_cost: p, currency per unit short at the store and period, above 0.
        review_period: 1: orders each morning, costs each evening; 0: continuous review.
    """

    holding_costs: npt.ArrayLike
    lead_times: npt.ArrayLike
    stockout_cost: float
    review_period: int = 1

    def __post_init__(self) -> None:
        holding = positive("holding_costs", self.holding_costs)
        lead = not_negative("lead_times", self.lead_times)
        positive("stockout_cost", self.stockout_cost)
        if holding.ndim != 1 or holding.shape != lead.shape or holding.size == 0:
            raise BadInputError(
                f"holding_costs {holding.shape} and lead_times {lead.shape} must have one value "
                "for each stage"
            )
        if (np.diff(holding) < 0).any():
            raise BadInputError("holding_costs must not fall from one stage to the next")
        if self.review_period not in (0, 1):
            raise BadInputError(f"review_period must be 0 or 1, not {self.review_period}")

    @property
    def echelon_costs(self) -> FloatArray:
        """What each stage adds to the holding cost. Shape [J]."""
        return np.diff(np.asarray(self.holding_costs, dtype=np.float64), prepend=0.0)

    @property
    def covered(self) -> FloatArray:
        """Periods of demand that each stage covers on its own. Shape [J]."""
        periods = np.array(self.lead_times, dtype=np.float64)
        periods[-1] += self.review_period
        return periods


@dataclass(frozen=True)
class SerialPlan:
    """Echelon levels and what they cost.

    Attributes:
        echelon_base_stock_levels: S, units, from the most upstream stage to the store. Shape [J].
        cost: Currency per period, on average, stock on its way included.
    """

    echelon_base_stock_levels: FloatArray
    cost: float


def serial_base_stock(
    demand: NormalDemand | PoissonDemand | PmfDemand,
    *,
    system: SerialSystem,
    echelon_base_stock_levels: npt.ArrayLike | None = None,
) -> SerialPlan:
    """Finds the echelon levels of least cost, or says what given ones cost.

    Formula: from the store upstream, with h_j the echelon holding costs and D_j the demand that
    stage j covers: u(x) = (p + sum of h) x-, then g_j(y) = h_j (y - E[D_j]) + E[u(y - D_j)],
    S_j = argmin g_j, and u(x) = g_j(min(S_j, x)) for the stage before. The cost is g(S) of the
    first stage, less one period's demand at the holding cost of each stage above the store where
    costs are charged in the evening: that demand has left the system by then.

    Whole units are exact up to 1e-16 of demand. Real ones are integrated by Gauss and Legendre's
    rule between points of interpolation, which is good for nine digits.

    Args:
        demand: Per period at the store, of one item; normal demand with a spread.
        system: The stages.
        echelon_base_stock_levels: S to evaluate, units; whole where demand is. Shape [J]. None:
            the best ones.

    Raises:
        BadInputError: A value is out of its range, or demand is of several items.

    Source:
        Clark and Scarf (1960), Optimal Policies for a Multi-Echelon Inventory Problem,
        Management Science 6(4), 475-490; Chen and Zheng (1994), Lower Bounds for Multi-Echelon
        Stochastic Inventory Systems, Management Science 40(11), 1426-1443.

    >>> system = SerialSystem([2, 4, 7], lead_times=[2, 1, 1], stockout_cost=37.12, review_period=0)
    >>> plan = serial_base_stock(NormalDemand(5.0, 1.0), system=system)
    >>> plan.echelon_base_stock_levels.round(2), round(plan.cost, 3)
    (array([22.71, 12.02,  6.49]), 47.66)
    """
    if demand.mean.size != 1:
        raise BadInputError(f"a serial system has one item, not {demand.mean.size}")
    given = None
    if echelon_base_stock_levels is not None:
        given = _given_levels(demand, system, echelon_base_stock_levels)
    mean = float(np.ravel(demand.mean)[0])
    charged_early = system.review_period * mean * system.echelon_costs[:-1].sum()
    if isinstance(demand, NormalDemand):
        found, cost = _continuous(demand, system, given)
    else:
        found, cost = _whole_units(demand, system, given)
    return SerialPlan(np.array(found), float(cost - charged_early))


def serial_newsvendor_levels(
    demand: NormalDemand | PoissonDemand | PmfDemand, *, system: SerialSystem, weight: float = 0.5
) -> FloatArray:
    """Approximates the best echelon levels by two newsvendors per stage.

    Formula: S_j = w F(a / (p + H)) + (1 - w) F(a / (a + h_j)), F the quantile of the demand that
    stage j and all after it cover, a = p + echelon costs of the stages before j, H the sum of
    all. The two newsvendors bound the best level from below and above.

    Args:
        demand: Per period at the store, of one item.
        system: The stages.
        weight: w of the lower bound, above 0 and below 1.

    Returns:
        Units, from the most upstream stage to the store, not rounded. Shape [J].

    Raises:
        BadInputError: A value is out of its range.

    Source:
        Shang and Song (2003), Newsvendor Bounds and Heuristic for Optimal Policies in Serial
        Supply Chains, Management Science 49(5), 618-638.

    >>> system = SerialSystem([2, 4, 7], lead_times=[2, 1, 1], stockout_cost=37.12, review_period=0)
    >>> serial_newsvendor_levels(NormalDemand(5.0, 1.0), system=system).round(3)
    array([22.634, 12.027,  6.491])
    """
    part = share("weight", weight)
    own = system.echelon_costs
    above = system.stockout_cost + np.cumsum(own) - own
    covered = np.cumsum(system.covered[::-1])[::-1]
    lower, upper = above / (system.stockout_cost + own.sum()), above / (above + own)
    levels = []
    for periods, low, high in zip(covered, lower, upper, strict=True):
        stage = demand.over(periods)
        levels.append(part * stage.quantile(low) + (1 - part) * stage.quantile(high))
    return np.ravel(levels)


def _given_levels(
    demand: NormalDemand | PoissonDemand | PmfDemand, system: SerialSystem, levels: npt.ArrayLike
) -> list[float]:
    """Returns the levels to evaluate, one for each stage."""
    checked = finite("echelon_base_stock_levels", levels)
    if demand.step:
        whole("echelon_base_stock_levels", checked)
    if checked.shape != system.echelon_costs.shape:
        raise BadInputError(
            f"there are {system.echelon_costs.size} stages, but levels of shape {checked.shape}"
        )
    return list(map(float, checked))


def _whole_units(
    demand: PoissonDemand | PmfDemand, system: SerialSystem, given: list[float] | None
) -> tuple[list[float], float]:
    """Goes through the stages, from the store upstream, on whole units."""
    own, covered = system.echelon_costs, system.covered
    penalty = system.stockout_cost + own.sum()
    # Below 0 and below all levels, whatever is ordered is short already: g is a straight line.
    bottom = int(min([0.0, *(given or [])])) - 1
    slope, values = -penalty, -penalty * np.arange(bottom, 1)
    top, levels, cost = 0, [0.0] * own.size, 0.0
    for stage in reversed(range(own.size)):
        reached = demand.over(covered[stage]).pmf(0)
        top = max(top + reached.size, int(given[stage]) if given else 0)
        around = np.arange(bottom - reached.size + 1, top + 1) - bottom
        under = values[np.clip(around, 0, values.size - 1)] + slope * np.minimum(around, 0)
        slope += own[stage]
        mean = float(reached @ np.arange(reached.size))
        held = own[stage] * (np.arange(bottom, top + 1) - mean)
        values = held + np.convolve(under, reached, mode="valid")
        best = int(given[stage]) - bottom if given else int(values.argmin())
        levels[stage], cost = float(best + bottom), float(values[best])
        values = values[: best + 1]
    return levels, cost


def _continuous(
    demand: NormalDemand, system: SerialSystem, given: list[float] | None
) -> tuple[list[float], float]:
    """Goes through the stages, from the store upstream, on real numbers."""
    positive("the standard deviation of demand", demand.sd)
    own, covered = system.echelon_costs, system.covered
    slope = -(system.stockout_cost + own.sum())
    mean, sd = float(np.ravel(demand.mean)[0]), float(np.ravel(demand.sd)[0])
    curve = _Curve(_straight(slope), kink=0.0, smooth=np.inf)
    levels, cost, periods = [0.0] * own.size, 0.0, 0.0
    for stage in reversed(range(own.size)):
        periods += covered[stage]
        slope += own[stage]
        around = _REACH * sd * max(np.sqrt(periods), 1.0)
        low, high = mean * periods - around, mean * periods + around
        if given:
            low, high = min(low, min(given) - around), max(high, given[stage])
        step = NormalDemand(mean * covered[stage], sd * np.sqrt(covered[stage]))
        curve = _next_curve(curve, step, cost=float(own[stage]), ends=(low, high), slope=slope)
        level = given[stage] if given else _least(curve, low, high)
        cost = float(curve.values(np.array([level]))[0])
        curve = replace(curve, kink=level, flat=cost)
        levels[stage] = level
    return levels, cost


@dataclass(frozen=True)
class _Curve:
    """A cost function of one stage, constant beyond its level.

    Attributes:
        values: The function.
        kink: The level; beyond it the function is `flat`.
        smooth: Spread of the demand that smoothed it, units.
        flat: Value beyond the level.
        bends: Where it is not smooth: levels of stages that cover no demand of their own.
    """

    values: Values
    kink: float
    smooth: float
    flat: float = 0.0
    bends: tuple[float, ...] = ()

    def capped(self, x: FloatArray) -> FloatArray:
        """Returns the function, constant beyond the level."""
        return np.where(x < self.kink, self.values(np.minimum(x, self.kink)), self.flat)


def _next_curve(
    curve: _Curve, step: NormalDemand, *, cost: float, ends: tuple[float, float], slope: float
) -> _Curve:
    """Returns g of a stage from the capped function of the stage after it."""
    mean, sd = float(step.mean), float(step.sd)
    if sd == 0:
        return _Curve(
            lambda y: cost * y + curve.capped(y),
            kink=np.inf,
            smooth=curve.smooth,
            bends=(*curve.bends, curve.kink),
        )
    points = int(np.ceil((ends[1] - ends[0]) / sd * _FINENESS)) + 6
    grid = np.linspace(*ends, points)
    total = _expected(curve, grid, mean, sd)
    spline = interpolate.make_interp_spline(grid, cost * (grid - mean) + total, k=5)
    first = float(spline(ends[0]))

    def values(y: FloatArray) -> FloatArray:
        inside = spline(np.clip(y, *ends))
        return np.where(y < ends[0], first + slope * (y - ends[0]), inside)

    return _Curve(values, kink=np.inf, smooth=sd)


def _expected(curve: _Curve, grid: FloatArray, mean: float, sd: float) -> FloatArray:
    """Returns the mean of a capped function at the points of a grid less normal demand."""
    low, high = mean - _REACH * sd, mean + _REACH * sd
    panels = int(np.ceil(_PANELS * max(1.0, sd / curve.smooth)))
    # Below the level, between bends, the function is smooth: integrate part by part.
    bends = [min(bend, curve.kink) for bend in sorted(curve.bends, reverse=True)]
    starts = [np.clip(grid - bend, low, high) for bend in (curve.kink, *bends)]
    total = curve.flat * special.ndtr((grid - curve.kink - mean) / sd)
    for start, end in zip(starts, [*starts[1:], np.full(grid.shape, high)], strict=True):
        width = (end - start) / panels
        for panel in range(panels):
            drawn = start[:, None] + width[:, None] * (panel + (_NODES + 1) / 2)
            density = np.exp(-(((drawn - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))
            below = curve.values(np.minimum(grid[:, None] - drawn, curve.kink))
            total = total + width / 2 * ((below * density) @ _WEIGHTS)
    return np.asarray(total)


def _straight(slope: float) -> Values:
    """Returns what is short at a net stock below 0, at a cost per unit; 0 above."""
    return lambda x: slope * np.minimum(x, 0.0)


def _least(curve: _Curve, low: float, high: float) -> float:
    """Finds the level of least cost: a look at points, then a closer one, and at bends."""
    points = np.linspace(low, high, 1001)
    best = int(curve.values(points).argmin())
    bracket = points[max(best - 1, 0)], points[min(best + 1, 1000)]
    width = (high - low) * 1e-6

    def rise(level: float) -> float:
        around = curve.values(np.array([level - width, level + width]))
        return float(around[1] - around[0])

    candidates = np.array([optimize.brentq(rise, *bracket, xtol=1e-12), *curve.bends])
    return float(candidates[curve.values(candidates).argmin()])
