"""What will become of the stock: with and without an order, over sampled demand and lead times.

With lost sales, all that is lost by the end of period h is the largest deficit so far:

    lost(h) = max over k <= h of (demand until k - stock at hand - deliveries until k)+

so a projection takes one pass over the periods, whatever arrives when.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.paths import Float32Array

__all__ = ["Outlook", "Stock", "cover_periods", "project", "stock_bands"]

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Stock:
    """Stock and deliveries of n series over H periods.

    Attributes:
        available: At hand and not reserved, before the first period opens, units; below 0 where
            more is reserved than there is. Shape [n].
        arrivals: Due of orders on their way, until each period opens, summed up, units. Shape
            [H, n].
        interval: Periods until the next order arrives, R + L, on each path. Shape [n, P].
    """

    available: FloatArray
    arrivals: FloatArray
    interval: Int64Array


@dataclass(frozen=True)
class Outlook:
    """What to expect over the protection interval. Shapes [n].

    Attributes:
        stockout_probability: That some demand is not met.
        expected_lost_sales: Units.
        expected_unit_periods: Stock in the evening, summed over the periods.
    """

    stockout_probability: FloatArray
    expected_lost_sales: FloatArray
    expected_unit_periods: FloatArray


def project(
    cumulative: Float32Array,
    stock: Stock,
    *,
    order_quantity: FloatArray,
    order_lead_time: Int64Array,
) -> Outlook:
    """Projects the stock over the protection interval; what is short is lost.

    Args:
        cumulative: Demand from the first period to each, units. Shape [H, n, P].
        stock: Stock and deliveries.
        order_quantity: Ordered now, units. Shape [n].
        order_lead_time: Periods that pass before it arrives, on each path. Shape [n, P].
    """
    horizon, count, paths = cumulative.shape
    lost = np.zeros((count, paths), np.float32)
    left = np.zeros((count, paths), np.float32)
    ordered = np.asarray(order_quantity, np.float32)[:, None]
    for period in range(min(horizon, int(stock.interval.max(initial=0)))):
        supply = (stock.available + stock.arrivals[period]).astype(np.float32)[:, None]
        balance = supply - cumulative[period]
        balance += ordered * (order_lead_time <= period)
        inside = stock.interval > period
        np.maximum(lost, -balance, out=lost, where=inside)
        np.add(left, balance + lost, out=left, where=inside)
    return Outlook(
        # Less than a hundredth of a unit is rounding, of float32 and of fractional paths.
        stockout_probability=(lost > 0.01).mean(axis=1),
        expected_lost_sales=lost.mean(axis=1, dtype=np.float64),
        expected_unit_periods=left.mean(axis=1, dtype=np.float64),
    )


def cover_periods(cumulative: Float32Array, units: FloatArray, targets: FloatArray) -> Int64Array:
    """Counts the periods that some units last with a probability.

    Args:
        cumulative: Demand from the first period to each, units. Shape [H, n, P].
        units: To last. Shape [n].
        targets: Probabilities. Shape [n].

    Returns:
        From 0 to H, which means H or more. Shape [n].
    """
    enough = np.asarray(units, np.float32)[None, :, None] + np.float32(1e-4)
    share = (cumulative <= enough).mean(axis=2)
    return np.asarray((share >= targets[None] - 1e-9).sum(axis=0), np.int64)


def stock_bands(
    cumulative: Float32Array,
    stock: Stock,
    *,
    order_quantity: FloatArray,
    order_lead_time: Int64Array,
    levels: FloatArray,
) -> FloatArray:
    """Projects quantiles of the evening's stock of each period, for pictures of a few series.

    Args:
        cumulative: Demand from the first period to each, units. Shape [H, n, P].
        stock: Stock and deliveries; its interval does not end the projection.
        order_quantity: Ordered now, units. Shape [n].
        order_lead_time: Periods that pass before it arrives, on each path. Shape [n, P].
        levels: Of the quantiles. Shape [B].

    Returns:
        Units. Shape [n, H, B].
    """
    horizon, count, paths = cumulative.shape
    lost = np.zeros((count, paths), np.float32)
    bands = np.empty((count, horizon, len(levels)))
    ordered = np.asarray(order_quantity, np.float32)[:, None]
    for period in range(horizon):
        supply = (stock.available + stock.arrivals[period]).astype(np.float32)[:, None]
        balance = supply - cumulative[period] + ordered * (order_lead_time <= period)
        np.maximum(lost, -balance, out=lost)
        bands[:, period] = np.quantile(balance + lost, levels, axis=1).T
    return bands
