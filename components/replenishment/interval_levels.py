"""Base-stock levels from sampled demand over the protection interval.

    measure                what it asks                              level S
    cycle_service_level    P(demand of the interval <= S) = target   a quantile of the sum
    fill_rate              share of a cycle's demand met = target    by bisection
    cost                   least holding and stockout cost           quantile at the critical ratio

The quantile is that of the sampled sums, never the sum of the periods' quantiles, which covers too
much: the periods do not all run high at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import AnyFloats, FloatArray
from demandcast.components.replenishment.paths import Float32Array

__all__ = [
    "IntervalDemand",
    "critical_ratios",
    "fill_rates",
    "interval_demand",
    "implied_stockout_cost",
    "levels_for_fill_rate",
    "row_quantiles",
]

Int64Array = npt.NDArray[np.int64]

_HALVINGS = 30
"""Steps of the bisection: to a part in 1e-9 of the largest demand, finer than float32 is."""


@dataclass(frozen=True)
class IntervalDemand:
    """Sampled demand that an order decided now has to do with. Units, shapes [n, P].

    Attributes:
        over_lead_time: Until the next order arrives, less a review period: L periods.
        over_interval: Until the next order arrives: R + L periods.
    """

    over_lead_time: Float32Array
    over_interval: Float32Array


def interval_demand(
    cumulative: Float32Array, *, review_period: Int64Array, lead_time: Int64Array
) -> IntervalDemand:
    """Reads the demand over random intervals off cumulative paths.

    An interval that goes beyond the last period is cut there, and so is its demand: who calls
    makes sure that forecasts reach as far as L + R.

    Args:
        cumulative: Demand from the first period to each, units. Shape [H, n, P].
        review_period: R, at least 1, periods. Shape [n].
        lead_time: L of the next order on each path, at least 0, periods. Shape [n, P].
    """
    horizon = cumulative.shape[0]
    end = np.minimum(lead_time + review_period[:, None], horizon)
    start = np.minimum(lead_time, horizon)
    until_end = np.take_along_axis(cumulative, np.maximum(end - 1, 0)[None], axis=0)[0]
    until_start = np.take_along_axis(cumulative, np.maximum(start - 1, 0)[None], axis=0)[0]
    return IntervalDemand(np.where(start > 0, until_start, np.float32(0)), until_end)


def row_quantiles(samples: AnyFloats, probabilities: FloatArray) -> FloatArray:
    """Returns the least sample that at least a share of its row does not exceed.

    Args:
        samples: Units. Shape [n, P].
        probabilities: One per row; 0 asks for the least sample, 1 for the largest, and what is
            above 1 for that multiple of it. Shape [n].

    Returns:
        Units; NaN where the probability or a sample is. Shape [n].

    >>> row_quantiles(np.array([[3.0, 1.0, 2.0, 4.0]]), np.array([0.5]))
    array([2.])
    """
    count = samples.shape[1]
    unknown = np.isnan(probabilities)
    # A share such as 0.95 x 1,000 may come out a hair above the whole number that it is.
    rank = np.ceil(np.where(unknown, 0.0, probabilities) * count - 1e-9).astype(np.int64)
    at = np.clip(rank - 1, 0, count - 1)
    ordered = np.sort(samples, axis=1)  # NaN comes last.
    chosen = np.take_along_axis(ordered, at[:, None], axis=1)[:, 0]
    chosen = chosen.astype(np.float64) * np.maximum(np.where(unknown, 1.0, probabilities), 1.0)
    return np.where(unknown | np.isnan(ordered[:, -1]), np.nan, chosen)


def fill_rates(demand: IntervalDemand, levels: FloatArray) -> FloatArray:
    """Computes the share of a cycle's demand that is met at given base-stock levels.

    Formula: 1 - E[(D(R + L) - S)+ - (D(L) - S)+] / E[D(R + L) - D(L)]; 1 without demand. What is
    met of a path, D(R + L) - D(L) less what is short, is min(max(D(L), S), D(R + L)) - D(L).

    Demand that is not met waits; where it is lost instead, the rate is higher than this.

    Args:
        demand: Samples.
        levels: S, units. Shape [n].

    Returns:
        In [0, 1]; NaN where a sample or the level is. Shape [n].

    Source:
        Zipkin (2000), Foundations of Inventory Management, section 6.4, periodic review.
    """
    return _met_shares(demand, levels, _means(demand.over_lead_time), _means(demand.over_interval))


def _met_shares(
    demand: IntervalDemand, levels: FloatArray, before: FloatArray, until: FloatArray
) -> FloatArray:
    """Computes `fill_rates` from the means of the samples, for who asks often."""
    stocked = np.maximum(demand.over_lead_time, levels[:, None].astype(np.float32))
    np.minimum(stocked, demand.over_interval, out=stocked)
    met, wanted = _means(stocked) - before, until - before
    rate = np.clip(met / np.where(wanted > 0, wanted, 1.0), 0.0, 1.0)
    return np.where(wanted <= 0, 1.0, rate)


def _means(samples: Float32Array) -> FloatArray:
    """Averages rows, in float64. Shape [n]."""
    return np.asarray(samples.mean(axis=1, dtype=np.float64))


def levels_for_fill_rate(demand: IntervalDemand, targets: FloatArray) -> FloatArray:
    """Finds the least base-stock levels with a fill rate of at least the target.

    Args:
        demand: Samples.
        targets: Fill rates in [0, 1]. Shape [n].

    Returns:
        Units; 0 where there is no demand, NaN where a sample or the target is. Shape [n].
    """
    before, until = _means(demand.over_lead_time), _means(demand.over_interval)
    low = np.zeros(len(targets))
    high = demand.over_interval.max(axis=1).astype(np.float64)
    high[np.isnan(targets)] = np.nan
    reached = _met_shares(demand, low, before, until) >= targets
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        enough = _met_shares(demand, middle, before, until) >= targets
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    return np.where(reached, 0.0, high)


def critical_ratios(
    *, stockout_cost: FloatArray, holding_cost: FloatArray, review_period: Int64Array
) -> FloatArray:
    """Computes the probability of no stockout in a cycle that costs least.

    Formula: p / (p + h R): a unit more is short with 1 - F, or lies there for a cycle with F.

    Args:
        stockout_cost: p, currency units per unit short. Shape [n].
        holding_cost: h, currency units per unit and period. Shape [n].
        review_period: R, periods. Shape [n].

    Returns:
        In [0, 1); 0 where no shortage costs anything, NaN for NaN. Shape [n].

    Source:
        Snyder and Shen (2019), Fundamentals of Supply Chain Theory, 2nd ed., section 4.3.4.

    >>> critical_ratios(stockout_cost=np.array([0.9]), holding_cost=np.array([0.05]),
    ...                 review_period=np.array([2])).round(3)
    array([0.9])
    """
    per_cycle = holding_cost * review_period
    both = stockout_cost + per_cycle
    ratio = stockout_cost / np.where(both > 0, both, 1.0)
    return np.clip(ratio, 0.0, 1 - 1e-9)


def implied_stockout_cost(
    targets: FloatArray, *, holding_cost: FloatArray, review_period: Int64Array
) -> FloatArray:
    """Returns the stockout cost that a target implies, for where none is given.

    Formula: `critical_ratios` solved for p: h R target / (1 - target).

    Args:
        targets: Probabilities of no stockout in a cycle, in [0, 1). Shape [n].
        holding_cost: h, currency units per unit and period. Shape [n].
        review_period: R, periods. Shape [n].

    Returns:
        Currency units per unit short. Shape [n].
    """
    return np.asarray(holding_cost * review_period * targets / (1 - targets))
