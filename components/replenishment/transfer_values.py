"""What a transfer is worth to a store: the sales that it saves until the next order is there.

On a path, lost(h) is the largest deficit by the end of period h. Units that arrive before period a
opens lower the deficits from then on, and none before. So of what is lost over the interval,

    needed = lost by the end of the interval - lost before the transfer arrives

is what they can save: min(needed, units). What is reserved beyond the stock is needed, too.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from demandcast.components.metrics.arrays import BoolArray, FloatArray
from demandcast.components.replenishment.line_arrays import LineArrays, Part, Sampler, over_parts
from demandcast.components.replenishment.line_inputs import IntArray
from demandcast.components.replenishment.pack_values import PackTerms, marginal_pack_values
from demandcast.components.replenishment.paths import Float32Array
from demandcast.components.replenishment.stock_projection import Stock, lost_sales
from demandcast.components.replenishment.storage_room import room_of_part

__all__ = ["Shipping", "most_useful_units", "transfer_values"]


@dataclass(frozen=True)
class Shipping:
    """How lines (n) are reached from places (J).

    Attributes:
        served: Whether a place has the item of the line. Shape [J, n].
        periods: Periods of demand that pass before a transfer is there. Shape [J, n].
        cost: Currency per unit brought. Shape [J, n].
        stockout_cost: Of the lines, currency per unit short. Shape [n].
    """

    served: BoolArray
    periods: IntArray
    cost: FloatArray
    stockout_cost: FloatArray

    def take(self, rows: IntArray) -> Shipping:
        """Picks lines."""
        return Shipping(
            self.served[:, rows],
            self.periods[:, rows],
            self.cost[:, rows],
            self.stockout_cost[rows],
        )


def most_useful_units(
    lines: LineArrays, sampler: Sampler, shipping: Shipping
) -> tuple[FloatArray, FloatArray]:
    """Finds the most units that a line could make use of, and for which it has room.

    Args:
        lines: The lines.
        sampler: Paths.
        shipping: How they are reached.

    Returns:
        The largest need on any path, from any place, and the least room at any arrival;
        units. Shapes [n].
    """
    needed, room = np.zeros(len(lines)), np.full(len(lines), np.inf)

    def work(part: Part) -> tuple[FloatArray, FloatArray]:
        return _needed_and_room(part, shipping.take(part.rows))

    for part, (most, least) in over_parts(sampler, lines, work):
        needed[part.rows], room[part.rows] = most, least
    return needed, np.maximum(room, 0.0)


def transfer_values(
    lines: LineArrays,
    sampler: Sampler,
    shipping: Shipping,
    *,
    start: FloatArray,
    pack_size: FloatArray,
    packs: int,
) -> FloatArray:
    """Values each further pack of a line from each place.

    Formula: stockout cost x expected sales saved, less holding cost x review period x expected
    units left over, less the cost of bringing the pack.

    Args:
        lines: The lines.
        sampler: Paths.
        shipping: How they are reached.
        start: Units that come anyway. Shape [n].
        pack_size: Units. Shape [n].
        packs: K, most packs to value.

    Returns:
        Currency per pack, not rising along the last axis; 0 where a place does not serve a line.
        Shape [J, n, K].

    Source:
        As `pack_values`; what a transfer can save is ours.
    """
    places = len(shipping.served)
    values = np.zeros((places, len(lines), packs))

    def work(part: Part) -> FloatArray:
        own, lost = shipping.take(part.rows), _lost_over_interval(part)
        size = pack_size[part.rows]
        terms = PackTerms(
            size, own.stockout_cost, part.lines.holding_cost * part.lines.review_period
        )
        found = np.zeros((places, len(part.rows), packs))
        for place in np.flatnonzero(own.served.any(axis=1)):
            needed = _needed(part, lost, own.periods[place])
            each = marginal_pack_values(needed, start[part.rows], terms=terms, packs=packs)
            found[place] = each - (own.cost[place] * size)[:, None]
        return found

    for part, found in over_parts(sampler, lines, work):
        values[:, part.rows] = found
    return np.where(shipping.served[..., None], values, 0.0)


def _needed_and_room(part: Part, shipping: Shipping) -> tuple[FloatArray, FloatArray]:
    """Computes the most that is needed, and the least room, over the places. Shapes [n]."""
    lost, limited = _lost_over_interval(part), np.isfinite(part.lines.capacity).any()
    most, room = np.zeros(len(part.rows)), np.full(len(part.rows), np.inf)
    for served, periods in zip(shipping.served, shipping.periods, strict=True):
        needed = _needed(part, lost, periods).max(axis=1)
        most = np.where(served, np.maximum(most, needed), most)
        if limited:
            arrival = np.broadcast_to(periods[:, None], part.lead_time.shape)
            there = room_of_part(dataclasses.replace(part, lead_time=arrival))
            room = np.where(served, np.minimum(room, there), room)
    return most, room


def _lost_over_interval(part: Part) -> Float32Array:
    """Projects what is lost until the next order arrives, without a transfer. Shape [n, P]."""
    interval = part.next_lead_time + part.lines.review_period[:, None]
    return lost_sales(part.cumulative, Stock(part.lines.available, part.lines.arrivals, interval))


def _needed(part: Part, lost: Float32Array, periods: IntArray) -> FloatArray:
    """Computes what units can save that arrive after some periods. Shape [n, P]."""
    lines = part.lines
    before = np.broadcast_to(periods[:, None], lost.shape)
    gone = lost_sales(part.cumulative, Stock(lines.available, lines.arrivals, before))
    at = np.minimum(periods, len(lines.arrivals) - 1)
    supply = lines.available + lines.arrivals[at, np.arange(len(lines))]
    promised = np.maximum(-supply, 0.0)[:, None]
    return np.maximum(lost - gone, 0.0).astype(np.float64) + promised
