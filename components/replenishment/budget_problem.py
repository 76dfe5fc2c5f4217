"""What a choice of packs under shared limits is: lines, lots, limits; and filling what is left.

A line (N) takes no pack, or its smallest order, or more packs one by one. The packs of the
smallest order come together, so each of them counts as worth their mean. The worth per pack still
never rises along the line, because the first packs are the most valuable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.line_inputs import (
    BoolArray,
    FloatArray,
    IntArray,
    as_groups,
    as_lines,
    as_whole_numbers,
    refuse_lines,
)
from demandcast.components.replenishment.pack_values import as_pack_values, value_of_packs
from demandcast.components.replenishment.thresholds import packs_above
from demandcast.schema.errors import BadInputError

__all__ = ["PackLimit", "PackProblem", "SharedLimit", "fill_up", "pack_problem"]

_ROUNDING = 1e-12
"""Share of a limit by which sums of floats may pass it."""


@dataclass(frozen=True)
class SharedLimit:
    """Something that lines (N) share in groups (G): a budget, a store's volume, pallets.

    Attributes:
        name: For messages, such as "budget".
        usage_per_pack: What a pack takes of it, such as its cost; 0: nothing. Shape [N] or [].
        supply: How much of it each group has; infinity: no limit. Shape [G], or [] for one group.
        group: Group of each line, an index of the supply, such as its supplier; None: one group.
            Shape [N].
    """

    name: str
    usage_per_pack: npt.ArrayLike
    supply: npt.ArrayLike
    group: npt.ArrayLike | None = None


@dataclass(frozen=True)
class PackLimit:
    """A checked limit. Shapes [N], [N], [G].

    Attributes:
        usage: What a pack takes.
        group: Group of each line.
        supply: What each group has.
    """

    usage: FloatArray
    group: IntArray
    supply: FloatArray

    def used(self, packs: IntArray) -> FloatArray:
        """Sums what packs take, by group. Shape [G]."""
        used = np.bincount(self.group, self.usage * packs, self.supply.size)
        return used.astype(np.float64)

    def left(self, packs: IntArray) -> FloatArray:
        """Returns what packs leave, by group; rounding of sums included. Shape [G]."""
        return self.supply * (1 + _ROUNDING) - self.used(packs)

    def fitting(self, left: FloatArray, rows: IntArray) -> FloatArray:
        """Counts the packs of some lines that fit what is left, each alone. Shape [rows]."""
        room, usage = left[self.group[rows]], self.usage[rows]
        with np.errstate(over="ignore"):
            packs = np.divide(room, usage, out=np.full(rows.size, np.inf), where=usage > 0)
        return np.floor(np.maximum(packs, 0.0))


@dataclass(frozen=True)
class PackProblem:
    """Lines (N) with up to K packs, and limits that they share.

    Attributes:
        worth: Value per pack of each next lot, currency, never rising. Shape [N, K].
        smallest: Packs of the smallest order, at least 1. Shape [N].
        most: Most packs that fit the limits if nothing else is ordered: 0, or at least the
            smallest order. Shape [N].
        limits: What the lines share.
    """

    worth: FloatArray
    smallest: IntArray
    most: IntArray
    limits: tuple[PackLimit, ...]

    def packs_at(self, price: FloatArray) -> IntArray:
        """Counts the packs that each line takes if it pays a price per pack. Shape [N]."""
        return np.minimum(packs_above(self.worth, price), self.most)

    def value(self, packs: IntArray) -> float:
        """Sums the value of packs, currency."""
        return float(value_of_packs(self.worth, packs).sum())

    def fits(self, packs: IntArray) -> bool:
        """Tells whether packs keep all limits."""
        return all((limit.left(packs) >= 0).all() for limit in self.limits)

    def lots_after(self, packs: IntArray) -> IntArray:
        """Returns the packs of each line's next lot. Shape [N]."""
        return np.where(packs == 0, self.smallest, 1)


def pack_problem(
    pack_values: npt.ArrayLike, limits: Sequence[SharedLimit], *, smallest_packs: npt.ArrayLike = 1
) -> PackProblem:
    """Reads a choice of packs.

    Args:
        pack_values: Value of the k-th pack, currency, not rising. Shape [N, K].
        limits: What the lines share.
        smallest_packs: The MOQ in packs; 0 or 1: none. Shape [N] or [].

    Returns:
        The problem, checked.

    Raises:
        BadInputError: A number is NaN or out of range, values rise, or a smallest order is more
            than K packs; the message names the lines.
    """
    worth = as_pack_values(pack_values)
    lines, packs = worth.shape
    smallest = as_whole_numbers("smallest_packs", smallest_packs, lines=lines)
    refuse_lines("smallest_packs", smallest, smallest > packs, allowed=f"at most {packs} packs")
    smallest = np.maximum(smallest, 1)
    lumpy = smallest > 1
    together = np.arange(packs) < smallest[lumpy, None]
    mean = value_of_packs(worth[lumpy], smallest[lumpy]) / smallest[lumpy]
    # The mean of equal values may be below them by rounding; worth must not rise.
    mean = np.maximum(mean, worth[lumpy, smallest[lumpy] - 1])
    worth[lumpy] = np.where(together, mean[:, None], worth[lumpy])
    checked = tuple(_checked_limit(limit, lines) for limit in limits)
    every = np.arange(lines)
    alone = np.full(lines, float(packs))
    for limit in checked:
        alone = np.minimum(alone, limit.fitting(limit.supply * (1 + _ROUNDING), every))
    most = np.where(alone >= smallest, alone, 0.0).astype(np.int64)
    return PackProblem(worth, smallest, most, checked)


def fill_up(problem: PackProblem, packs: IntArray, price: FloatArray) -> IntArray:
    """Adds lots that still fit, best worth per price first, until none fits.

    Args:
        problem: Lines and limits.
        packs: A choice that keeps the limits. Shape [N].
        price: What a pack takes of the limits, at their shadow prices. Shape [N].

    Returns:
        A choice that keeps the limits. Equal lines are served in their order. Shape [N].
    """
    packs, rows = packs.copy(), np.flatnonzero(packs < problem.most)
    while rows.size:
        now = packs[rows]
        worth = problem.worth[rows, now]
        # Packs of equal worth come together: long runs of them would be many rounds.
        equal = packs_above(problem.worth[rows], np.nextafter(worth, -np.inf))
        left = [limit.left(packs) for limit in problem.limits]
        count = np.minimum(equal, problem.most[rows]).astype(np.float64) - now
        for limit, rest in zip(problem.limits, left, strict=True):
            count = np.minimum(count, limit.fitting(rest, rows))
        # What is left only shrinks: a line whose next lot does not fit is done.
        going = (worth > 0) & (count >= problem.lots_after(packs)[rows])
        rows, count, worth = rows[going], count[going].astype(np.int64), worth[going]
        ranked = np.argsort(-_per_price(worth, price[rows]), kind="stable")
        rows, count = rows[ranked], count[ranked]
        accepted = np.ones(rows.size, dtype=bool)
        for limit, rest in zip(problem.limits, left, strict=True):
            accepted &= _fit_in_order(limit, rest, rows, count)
        packs[rows[accepted]] += count[accepted]
        rows = np.sort(rows)
        rows = rows[packs[rows] < problem.most[rows]]
    return packs


def _checked_limit(limit: SharedLimit, lines: int) -> PackLimit:
    """Refuses a wrong limit, by its name."""
    supply = np.atleast_1d(np.asarray(limit.supply, dtype=np.float64))
    if supply.ndim != 1 or (limit.group is None and supply.size != 1):
        raise BadInputError(
            f"{limit.name}, supply: shape {list(np.shape(limit.supply))}; expected one number, or "
            "[G] with the group of each line"
        )
    usage = as_lines(f"{limit.name}, usage_per_pack", limit.usage_per_pack, lines=lines, lowest=0)
    groups = np.zeros(lines) if limit.group is None else limit.group
    return PackLimit(
        usage=usage,
        group=as_groups(f"{limit.name}, group", groups, lines=lines, groups=supply.size),
        supply=as_lines(
            f"{limit.name}, supply", supply, lines=supply.size, lowest=0, highest=np.inf
        ),
    )


def _per_price(worth: FloatArray, price: FloatArray) -> FloatArray:
    """Divides; infinity where the price is 0."""
    with np.errstate(over="ignore"):
        return np.divide(worth, price, out=np.full(worth.size, np.inf), where=price > 0)


def _fit_in_order(limit: PackLimit, left: FloatArray, rows: IntArray, count: IntArray) -> BoolArray:
    """Marks the lots that fit after all before them in the same group. Shape [rows]."""
    group = limit.group[rows]
    order = np.argsort(group, kind="stable")
    taken = np.cumsum((limit.usage[rows] * count)[order])
    sorted_group = group[order]
    first = np.searchsorted(sorted_group, sorted_group, side="left")
    before = np.where(first > 0, taken[np.maximum(first - 1, 0)], 0.0)
    fits = np.empty(rows.size, dtype=bool)
    # A difference of running sums may miss the first of its group by rounding; it does fit.
    fits[order] = (taken - before <= left[sorted_group]) | (first == np.arange(rows.size))
    return fits
