"""Finds levels at which something is reached, for many items at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from demandcast.components.replenishment.closed_forms.checks import BoolArray, FloatArray

__all__ = ["lowest_between", "lowest_from"]

_HALVINGS = 200
_DOUBLINGS = 200


def lowest_between(
    reached: Callable[[FloatArray], BoolArray], low: FloatArray, high: FloatArray, *, step: float
) -> FloatArray:
    """Finds the lowest level at which something is reached, by halving an interval.

    Args:
        reached: Whether it is reached at levels of the shape of `low`; once reached, it stays so.
        low: Not reached here. Units. Any shape.
        high: Reached here. Units. Same shape.
        step: 1 for whole units; 0 for as fine as floats are.

    Returns:
        Levels where it is reached. Same shape.
    """
    low, high = np.broadcast_arrays(low, high)
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2
        middle = np.floor(middle) if step else middle
        open_still = (middle > low) & (middle < high)
        if not open_still.any():
            break
        there = reached(middle)
        high = np.where(open_still & there, middle, high)
        low = np.where(open_still & ~there, middle, low)
    return np.array(high, dtype=np.float64)


def lowest_from(
    reached: Callable[[FloatArray], BoolArray],
    floor: FloatArray,
    *,
    scale: FloatArray,
    step: float,
) -> FloatArray:
    """Finds the lowest level, not below a floor, at which something is reached.

    Args:
        reached: Whether it is reached at levels of the shape of `floor`; once reached, it stays
            so, and some level above the floor reaches it.
        floor: Where the search begins. Units. Any shape.
        scale: How far the first look beyond the floor goes, above 0. Units. Same shape.
        step: 1 for whole units, floor and scale included; 0 for as fine as floats are.

    Returns:
        The floor where it is reached there; levels above it elsewhere. Same shape.
    """
    floor, scale = np.broadcast_arrays(floor, scale)
    at_floor = reached(floor)
    high, width = floor + scale, scale
    for _ in range(_DOUBLINGS):
        there = reached(high)
        if there.all():
            break
        width = np.where(there, width, 2 * width)
        high = np.where(there, high, floor + width)
    return np.where(at_floor, floor, lowest_between(reached, floor, high, step=step))
