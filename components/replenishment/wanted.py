"""What each line wants: its base-stock level, before packs, capacities and budgets.

An order of now is there to serve the cycle from its arrival to that of the next order. What is
lost before it arrives is lost whatever is ordered, and need not be covered a second time:

    needed = demand until the next order arrives - sales lost until this one does

The level is a quantile of what is needed, so it depends on the stock at hand; where unmet demand
waits, nothing is lost and the level is the classical one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.calibration import Calibration
from demandcast.components.replenishment.interval_levels import (
    IntervalDemand,
    critical_ratios,
    interval_demand,
    levels_for_fill_rate,
    row_quantiles,
)
from demandcast.components.replenishment.line_arrays import LineArrays, Part, Sampler, over_parts
from demandcast.components.replenishment.stock_projection import Stock, lost_sales

__all__ = ["Aim", "Measure", "Wanted", "in_whole_units", "want", "want_part"]

Measure = Literal["cycle_service_level", "fill_rate", "cost"]


@dataclass(frozen=True)
class Aim:
    """What is aimed at.

    Attributes:
        measure: What the target of a line is a target of; for `cost` it is not looked at.
        unmet_demand: What becomes of demand that stock cannot meet.
    """

    measure: Measure = "cycle_service_level"
    unmet_demand: Literal["lost", "backordered"] = "lost"


@dataclass(frozen=True)
class Wanted:
    """What each line wants. Shapes [n].

    Attributes:
        base_stock_level: Units that the position is to be raised to.
        probability: Share of intervals that it is to cover.
        expected_demand: Mean demand over the protection interval, units.
        demand_median: Its median, units.
        shelf_life_cap: Most units that the position may hold so that they sell before they
            expire; infinite without a shelf life.
    """

    base_stock_level: FloatArray
    probability: FloatArray
    expected_demand: FloatArray
    demand_median: FloatArray
    shelf_life_cap: FloatArray

    @property
    def lasting(self) -> FloatArray:
        """Probability with which stock is said to last: what is less likely than not is none."""
        return np.maximum(self.probability, 0.5)


def want(lines: LineArrays, sampler: Sampler, aim: Aim) -> Wanted:
    """Computes base-stock levels and what else is read off the demand over the interval.

    Args:
        lines: The lines.
        sampler: Paths.
        aim: What is aimed at.
    """
    result = Wanted(*(np.empty(len(lines)) for _ in range(5)))

    def work(part: Part) -> tuple[FloatArray, ...]:
        wanted = want_part(part, sampler.model.calibrations[part.group], aim)
        return tuple(getattr(wanted, name) for name in Wanted.__dataclass_fields__)

    for part, values in over_parts(sampler, lines, work):
        for name, value in zip(Wanted.__dataclass_fields__, values, strict=True):
            getattr(result, name)[part.rows] = value
    return result


def want_part(part: Part, calibration: Calibration, aim: Aim) -> Wanted:
    """Computes what some lines want whose paths are there.

    Args:
        part: Lines and paths.
        calibration: Of their group.
        aim: What is aimed at.
    """
    lines = part.lines
    demand = interval_demand(
        part.cumulative, review_period=lines.review_period, lead_time=part.next_lead_time
    )
    needed = _NEEDED[aim.unmet_demand](part, demand)
    probability, level = _LEVELS[aim.measure](lines, needed, calibration)
    samples = demand.over_interval
    return Wanted(
        in_whole_units(level, lines.unit),
        probability,
        samples.mean(axis=1, dtype=np.float64),
        np.median(samples, axis=1).astype(np.float64),
        _shelf_life_cap(part),
    )


def _all_of_it(part: Part, demand: IntervalDemand) -> IntervalDemand:
    """Returns the demand: what cannot be met waits, and is needed all the same."""
    del part
    return demand


def _what_is_not_lost(part: Part, demand: IntervalDemand) -> IntervalDemand:
    """Returns the demand less what is lost before an order of now arrives."""
    until_arrival = Stock(part.lines.available, part.lines.arrivals, part.lead_time)
    lost = lost_sales(part.cumulative, until_arrival)
    return IntervalDemand(demand.over_lead_time - lost, demand.over_interval - lost)


_NEEDED: dict[str, Callable[[Part, IntervalDemand], IntervalDemand]] = {
    "backordered": _all_of_it,
    "lost": _what_is_not_lost,
}


def in_whole_units(levels: FloatArray, unit: FloatArray) -> FloatArray:
    """Raises levels to multiples of a unit; 0 leaves a level as it is. Shape [n].

    >>> in_whole_units(np.array([2.1, 2.1]), np.array([1.0, 0.0])).tolist()
    [3.0, 2.1]
    """
    step = np.where(unit > 0, unit, 1.0)
    # Adding 0.0 makes 0 of the -0 to which a level of 0 is rounded.
    return np.where(unit > 0, np.ceil(levels / step - 1e-6) * step + 0.0, levels)


_Levels = tuple[FloatArray, FloatArray]
"""Share of intervals that are to be covered, and the level that does it."""


def _cycle_levels(lines: LineArrays, demand: IntervalDemand, calibration: Calibration) -> _Levels:
    return lines.target, _covering(demand, lines.target, calibration)


def _cost_levels(lines: LineArrays, demand: IntervalDemand, calibration: Calibration) -> _Levels:
    probability = critical_ratios(
        stockout_cost=lines.stockout_cost,
        holding_cost=lines.holding_cost,
        review_period=lines.review_period,
    )
    # Where no shortage costs anything there is nothing to cover.
    return probability, np.where(probability > 0, _covering(demand, probability, calibration), 0.0)


def _fill_rate_levels(
    lines: LineArrays, demand: IntervalDemand, calibration: Calibration
) -> _Levels:
    """Returns levels for a fill rate; calibration shifts them as it does the quantile there.

    Of a steady demand nearly all can be met with a level that covers no interval whole.
    """
    level = levels_for_fill_rate(demand, lines.target)
    share = (demand.over_interval <= level.astype(np.float32)[:, None]).mean(axis=1)
    shift = _covering(demand, share, calibration) - row_quantiles(demand.over_interval, share)
    return share, np.maximum(level + shift, 0.0)


def _covering(
    demand: IntervalDemand, probability: FloatArray, calibration: Calibration
) -> FloatArray:
    """Returns the levels that cover a share of intervals, as backtests teach. Shape [n]."""
    return row_quantiles(demand.over_interval, calibration.level(probability))


_LEVELS: dict[Measure, Callable[[LineArrays, IntervalDemand, Calibration], _Levels]] = {
    "cycle_service_level": _cycle_levels,
    "fill_rate": _fill_rate_levels,
    "cost": _cost_levels,
}


def _shelf_life_cap(part: Part) -> FloatArray:
    """Returns the position from which on another unit is likelier to expire than to be missed.

    Formula: the p / (p + c) quantile of the demand until an order of now expires, p the stockout
    cost and c the unit cost: the newsvendor's, an unsold unit being lost.

    Source:
        Snyder and Shen (2019), section 4.3.2.
    """
    lines, horizon = part.lines, part.cumulative.shape[0]
    perishable = lines.shelf_life > 0
    cap = np.full(len(lines), np.inf)
    if not perishable.any():
        return cap
    end = np.clip(part.lead_time[perishable] + lines.shelf_life[perishable, None], 1, horizon)
    sold = np.take_along_axis(part.cumulative[:, perishable], end[None] - 1, axis=0)[0]
    both = lines.stockout_cost[perishable] + lines.unit_cost[perishable]
    ratio = np.where(both > 0, lines.stockout_cost[perishable] / np.maximum(both, 1e-12), 1.0)
    cap[perishable] = in_whole_units(row_quantiles(sold, ratio), lines.unit[perishable])
    return cap
