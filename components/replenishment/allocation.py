"""Allocation: a supply that is too small goes where the next pack is worth most.

lines (N) are stores that ask for an item; items (I) have a supply that their lines share
1. floors: each line up to its floor, fewest packs first
2. packs by value: the most valuable pack of all lines, then the next ..., until the supply
   ends or no pack is worth anything
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.line_inputs import (
    FloatArray,
    IntArray,
    as_groups,
    as_lines,
    as_whole_numbers,
    refuse_lines,
)
from demandcast.components.replenishment.pack_values import as_pack_values, value_of_packs
from demandcast.components.replenishment.thresholds import (
    level_out,
    lowest_thresholds,
    packs_above,
)
from demandcast.schema.errors import BadInputError

__all__ = ["Allocation", "allocate"]

_ROUNDING = 1e-12
"""Share of the supply that is rounding."""


@dataclass(frozen=True)
class Allocation:
    """How the supply of items (I) was shared among lines (N).

    Attributes:
        packs: What each line gets. Shape [N].
        quantity: The same, units. Shape [N].
        unlimited_packs: What each line would get if the supply were unlimited. Shape [N].
        value: Value of the packs of each line, currency. Shape [N].
        left_over: Supply that nobody gets, units: parts of a pack, or packs not worth having.
            Shape [I].
        value_of_next_pack: What one more pack of supply would bring, currency; 0 where every
            line has all it would take. Shape [I].
    """

    packs: IntArray
    quantity: FloatArray
    unlimited_packs: IntArray
    value: FloatArray
    left_over: FloatArray
    value_of_next_pack: FloatArray


def allocate(
    supply: npt.ArrayLike,
    pack_values: npt.ArrayLike,
    *,
    item: npt.ArrayLike,
    pack_size: npt.ArrayLike = 1.0,
    floor_packs: npt.ArrayLike = 0,
) -> Allocation:
    """Shares the supply of each item among its lines.

    Formula: maximises sum_i sum_(k <= n_i) v_ik with whole n_i >= min(floor_i, fair share) and
    sum n_i <= supply / pack. As the values v never rise along a line, taking the most valuable
    packs one by one is optimal. They are found at once, as those above a threshold value.

    Equal values: the line with the fewest packs so far is served first, then the earlier line.
    The same rule shares a supply that is smaller than the floors.

    Args:
        supply: Units of each item that can be shared. Shape [I].
        pack_values: Value of the k-th pack of each line, currency, not rising; above the floor
            no pack of value 0 or less is allocated. A line gets at most K. Shape [N, K].
        item: Item of each line, an index of the supply. Shape [N].
        pack_size: Units per pack of each item. Shape [I] or [].
        floor_packs: Packs that a line gets first, whatever their value, such as what a shelf
            needs to look full less what is there; at most K. Shape [N] or [].

    Returns:
        Packs, what is left, and what one more pack would bring.

    Raises:
        BadInputError: A number is NaN or out of range, or values rise; the message names the
            lines (or items, as lines of the supply).

    Source:
        Fox (1966), Discrete Optimization via Marginal Analysis, Management Science 13(3),
        210-216.

    >>> values = [[9.0, 4.0, 1.0], [8.0, 5.0, -2.0], [3.0, 0.0, 0.0]]
    >>> allocate([3.0, 9.0], values, item=[0, 0, 1]).packs.tolist()
    [1, 2, 1]
    """
    values = as_pack_values(pack_values)
    units, size = _checked_supply(supply, pack_size)
    lines, most = values.shape
    group = as_groups("item", item, lines=lines, groups=units.size)
    floors = as_whole_numbers("floor_packs", floor_packs, lines=lines)
    refuse_lines("floor_packs", floors, floors > most, allowed=f"at most {most} packs")
    whole = np.floor(np.minimum(units / size * (1 + _ROUNDING), lines * most)).astype(np.int64)
    none = np.zeros(lines, dtype=np.int64)
    unlimited = np.maximum(packs_above(values, np.zeros(lines)), floors)
    floored = level_out(none, floors, group=group, supply=whole)
    packs = _most_valuable(values, floored, unlimited, group=group, supply=whole)
    quantity = packs * size[group]
    return Allocation(
        packs=packs,
        quantity=quantity,
        unlimited_packs=unlimited,
        value=value_of_packs(values, packs),
        left_over=np.maximum(units - np.bincount(group, quantity, units.size), 0.0),
        value_of_next_pack=_next_values(values, packs, group, units.size),
    )


def _checked_supply(
    supply: npt.ArrayLike, pack_size: npt.ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Refuses wrong supplies and packs. Returns both; shape [I]."""
    units = np.asarray(supply, dtype=np.float64)
    if units.ndim != 1:
        raise BadInputError(f"supply: shape {list(units.shape)}; expected one axis [I]")
    units = as_lines("supply", units, lines=units.size, lowest=0, highest=np.inf)
    size = as_lines("pack_size", pack_size, lines=units.size)
    refuse_lines("pack_size", size, size <= 0, allowed="a number above 0")
    return units, size


def _most_valuable(
    values: FloatArray, floored: IntArray, unlimited: IntArray, *, group: IntArray, supply: IntArray
) -> IntArray:
    """Adds to the floors the packs that are worth most, as far as the supply goes. Shape [N]."""

    def packs_at(threshold: FloatArray) -> IntArray:
        above = np.maximum(packs_above(values, threshold[group]), floored)
        return np.minimum(above, unlimited)

    def asked_above(threshold: FloatArray) -> FloatArray:
        return np.bincount(group, packs_at(threshold), supply.size).astype(np.float64)

    highest = np.zeros(supply.size)
    np.maximum.at(highest, group, values.max(axis=1, initial=0.0))
    threshold = lowest_thresholds(
        asked_above, supply.astype(np.float64), lowest=np.zeros(supply.size), highest=highest
    )
    packs = packs_at(threshold)
    # What is left is fewer packs than are worth the threshold exactly.
    tied = packs_at(np.nextafter(threshold, -np.inf)) - packs
    left = supply - asked_above(threshold).astype(np.int64)
    return packs + level_out(packs, tied, group=group, supply=left)


def _next_values(values: FloatArray, packs: IntArray, group: IntArray, items: int) -> FloatArray:
    """Finds the most valuable pack of each item that was not allocated. Shape [I]."""
    lines, most = values.shape
    following = np.zeros(lines)
    more = np.flatnonzero(packs < most)
    following[more] = values[more, packs[more]]
    best = np.zeros(items)
    np.maximum.at(best, group, following)
    return best
