"""Inventory: periodic review, order-up-to levels, deliveries, lost sales.

A day: deliveries arrive, the shop sells min(demand, stock), and on a review day an
order is placed in the evening:

    position = on hand + on order
    order    = base-stock level - position, in whole packs, at least the smallest order

The base-stock level covers the protection interval (review period and lead time) by
the planner's forecast, which errs, and safety stock. Demand without stock is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from demandcast.components.simulation.supply import LONGEST_LEAD_TIME

__all__ = [
    "InventoryPath",
    "InventoryPlan",
    "base_stock_levels",
    "in_stock_fractions",
    "simulate_inventory",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Int32Array = npt.NDArray[np.int32]
Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class InventoryPlan:
    """What drives the stock of series (N) over days (T).

    Attributes:
        base_stock_level: Target of the inventory position in the evening, units. Shape [T, N].
        reviewed: Whether an order may be placed in the evening. Shape [T, N].
        lead_time: Days until an order of this evening arrives, at least 1. Shape [T, N].
        pack_size: Units per pack. Shape [N].
        moq: Smallest order, units. Shape [N].
        opening_day: Day on whose morning the opening stock arrives. Shape [N].
        opening_stock: Units. Shape [N].
    """

    base_stock_level: FloatArray
    reviewed: BoolArray
    lead_time: Int64Array
    pack_size: Int64Array
    moq: Int64Array
    opening_day: Int64Array
    opening_stock: Int64Array

    @classmethod
    def side_by_side(cls, plans: Sequence[InventoryPlan]) -> InventoryPlan:
        """Joins plans of different series over the same days; N is always the last axis."""
        return cls(
            **{
                field.name: np.concatenate([getattr(plan, field.name) for plan in plans], axis=-1)
                for field in fields(cls)
            }
        )


@dataclass(frozen=True)
class InventoryPath:
    """What happened to the stock of series (N) over days (T); units, each of shape [T, N].

    Attributes:
        sales: Sold.
        on_hand: In stock in the evening.
        on_order: Ordered and not yet arrived in the evening, tonight's order included.
        received: Arrived in the morning; the opening stock counts as received.
        ordered: Ordered in the evening.
    """

    sales: Int32Array
    on_hand: Int32Array
    on_order: Int32Array
    received: Int32Array
    ordered: Int32Array


def base_stock_levels(
    mean: FloatArray,
    *,
    protection_interval: Int64Array,
    variance_ratio: FloatArray,
    error: FloatArray,
    safety_factor: float,
) -> FloatArray:
    """Computes the order-up-to level of each evening.

    Formula: S(t) = F + z sqrt(F v), F = error(t) x mean demand of the next P days: v is the
    variance over the mean of that demand, z the safety factor.

    Args:
        mean: Mean demand, units per day. Shape [I, D]; the last day stands in beyond D.
        protection_interval: P = review period + lead time, days. Shape [I].
        variance_ratio: v of each item. Shape [I].
        error: Multiple by which the planner errs. Shape [I, D].
        safety_factor: z.

    Returns:
        Units, not rounded. Shape [I, D].
    """
    length = mean.shape[1]
    until_evening = np.cumsum(mean, axis=1)
    after = np.arange(length) + protection_interval[:, None]
    beyond = np.maximum(after - (length - 1), 0)
    ahead = np.take_along_axis(until_evening, np.minimum(after, length - 1), axis=1)
    forecast = error * (ahead - until_evening + beyond * mean[:, -1:])
    # Differences of running sums may fall below zero by rounding.
    forecast = np.maximum(forecast, 0.0)
    return np.asarray(forecast + safety_factor * np.sqrt(forecast * variance_ratio[:, None]))


def simulate_inventory(demand: Int64Array, plan: InventoryPlan) -> InventoryPath:
    """Runs the stock of all series through the days.

    Args:
        demand: Units per day. Shape [T, N].
        plan: Levels, orders and deliveries.
    """
    days, series = demand.shape
    every = np.arange(series)
    received = np.zeros((days + LONGEST_LEAD_TIME, series), dtype=np.int32)
    received[plan.opening_day, every] = plan.opening_stock
    sales, on_hand, on_order, ordered = (np.zeros((days, series), dtype=np.int32) for _ in range(4))
    stock = np.zeros(series, dtype=np.int64)
    open_units = plan.opening_stock.astype(np.int64)
    for day in range(days):
        stock = stock + received[day]
        sold = np.minimum(demand[day], stock)
        stock = stock - sold
        open_units = open_units - received[day]
        order = _order(plan, day, position=stock + open_units)
        received[day + plan.lead_time[day], every] += order
        open_units = open_units + order
        sales[day], on_hand[day], on_order[day], ordered[day] = sold, stock, open_units, order
    return InventoryPath(sales, on_hand, on_order, received[:days], ordered)


def in_stock_fractions(
    demand: Int64Array, sales: Int32Array, on_hand: Int32Array, draws: np.random.Generator
) -> FloatArray:
    """Draws the share of the day in which the shelf was not empty.

    Buyers come at times spread evenly over the day. A shelf that is empty in the evening
    went empty with the k-th of n buyers, k units sold of n asked for, so at a time that
    is beta(k, n + 1 - k) distributed.

    Args:
        demand: Units asked for. Any shape.
        sales: Units sold. Same shape.
        on_hand: Units left in the evening. Same shape.
        draws: The store's stream.

    Returns:
        1 where stock is left; 0 where there was none all day; otherwise between, rounded
        to 3 digits and never 0 or 1. Same shape.
    """
    fraction = np.ones(demand.shape)
    fraction[(on_hand == 0) & (sales == 0)] = 0.0
    ran_out = (on_hand == 0) & (sales > 0)
    sold, asked = sales[ran_out], demand[ran_out]
    share = np.round(draws.beta(sold, asked + 1 - sold), 3)
    fraction[ran_out] = np.clip(share, 0.001, 0.999)
    return fraction


def _order(plan: InventoryPlan, day: int, *, position: Int64Array) -> Int64Array:
    """Returns the units ordered in the evening. Shape [N]."""
    short = plan.base_stock_level[day] - position
    packed = np.ceil(short / plan.pack_size).astype(np.int64) * plan.pack_size
    needed = plan.reviewed[day] & (short > 0)
    return np.where(needed, np.maximum(packed, plan.moq), 0)
