"""Room: what the storage still takes when an order of now arrives.

What sells until then makes room, what is on its way takes it; what is reserved lies there.
"""

from __future__ import annotations

import numpy as np

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.interval_levels import row_quantiles
from demandcast.components.replenishment.line_arrays import LineArrays, Part, Sampler, over_parts
from demandcast.components.replenishment.paths import Float32Array
from demandcast.components.replenishment.stock_projection import Stock, lost_sales

__all__ = ["FITTING", "room_of_part", "storage_room"]

FITTING = 0.95
"""Share of cases in which what is ordered finds room: a careful view of what sells until then."""

_ROUNDING = 0.01
"""Units that are rounding, of float32 and of fractional paths."""


def storage_room(lines: LineArrays, sampler: Sampler) -> FloatArray:
    """Computes the units that fit when an order of now arrives.

    Formula: capacity - the 95 % quantile, over paths of demand and lead times, of the most units
    that lie there from the arrival on without the order:

        max over k >= L of (available + deliveries until k - demand before k) + lost before L

    with k the openings of periods and L that of the arrival. Sales that are lost before the
    order arrives leave the shelf empty, not below.

    Args:
        lines: The lines; their capacity is beside what is reserved.
        sampler: Paths.

    Returns:
        Units, whole where packs are; infinite without a limit, below 0 where it is overfull.
        Shape [n].

    Source:
        The balance with lost sales as in `stock_projection`; the quantile is ours.
    """
    room = np.full(len(lines), np.inf)
    limited = np.flatnonzero(np.isfinite(lines.capacity))
    for part, found in over_parts(sampler, lines.take(limited), room_of_part):
        room[limited[part.rows]] = found
    return room


def room_of_part(part: Part) -> FloatArray:
    """Computes the same of lines whose paths are there; `part.lead_time` is that of the arrival.

    Args:
        part: Lines and paths.
    """
    lines = part.lines
    level = np.full(len(lines), FITTING)
    room = lines.capacity - row_quantiles(_fullest(part), level)
    return np.where(lines.unit > 0, np.floor(room + _ROUNDING), room)


def _fullest(part: Part) -> Float32Array:
    """Finds the most units that lie there from the arrival of an order on. Shape [n, P]."""
    lines, cumulative = part.lines, part.cumulative
    supply = (lines.available + lines.arrivals)[:, :, None].astype(np.float32)
    # An order that arrives after the forecast is looked at where that ends.
    arrival = np.minimum(part.lead_time, len(cumulative) - 1)
    fullest = np.full(cumulative.shape[1:], -np.inf, np.float32)
    for period in range(len(cumulative)):
        before = cumulative[period - 1] if period else np.float32(0)
        there = np.where(arrival <= period, supply[period] - before, -np.inf)
        np.maximum(fullest, there, out=fullest)
    return fullest + lost_sales(cumulative, Stock(lines.available, lines.arrivals, arrival))
