"""Thresholds: the value per pack above which what many lines ask for just fits.

Lines (N) share something in groups (G). Each line asks for its packs whose value is above the
threshold of its group, so a higher threshold asks for less.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from demandcast.components.replenishment.line_inputs import BoolArray, FloatArray, IntArray

__all__ = ["level_out", "lowest_thresholds", "packs_above"]


_FEW_PACKS = 32
"""Packs of a line up to which looking at all is faster than halving."""


def packs_above(pack_values: FloatArray, threshold: FloatArray) -> IntArray:
    """Counts the packs of each line that are worth more than a threshold.

    Args:
        pack_values: Value of the k-th pack, never more than of the one before; fastest with
            the values of each k side by side in memory. Shape [N, K].
        threshold: Shape [N].

    Returns:
        Packs from 0 to K. Shape [N].

    >>> packs_above(np.array([[5.0, 3.0, 3.0, 1.0]] * 2), np.array([3.0, 2.0])).tolist()
    [1, 3]
    """
    lines, most = pack_values.shape
    if most <= _FEW_PACKS:
        return np.count_nonzero(pack_values > threshold[:, None], axis=1).astype(np.int64)
    values, before = pack_values.T.reshape(-1), np.arange(lines) - lines
    packs = np.zeros(lines, dtype=np.int64)
    # Steps of falling powers of 2 look at log2(K) of the K values.
    for power in reversed(range(most.bit_length())):
        more = np.minimum(packs + 2**power, most)
        packs = np.where(values.take(before + more * lines) > threshold, more, packs)
    return packs


def lowest_thresholds(
    asked_above: Callable[[FloatArray], FloatArray],
    supply: FloatArray,
    *,
    lowest: FloatArray,
    highest: FloatArray,
    steps: int = 64,
) -> FloatArray:
    """Finds for each group the lowest threshold at which what is asked for fits.

    It halves the interval between the bit patterns of the bounds, which for numbers of at
    least 0 are ordered like the numbers: 64 steps find the very float, whatever the magnitude.

    Args:
        asked_above: Tells what each group asks for at thresholds, from [G] to [G]; never more
            at a higher threshold of the group, whatever those of the others.
        supply: What each group may ask for. Shape [G].
        lowest: Lowest threshold to try, at least 0. Shape [G].
        highest: A threshold that is about high enough; it is raised until it is. Shape [G].
        steps: How often the interval is halved, at most.

    Returns:
        A threshold at which what is asked for fits; `lowest` where that does. Shape [G].

    >>> asked = lambda threshold: np.array([10.0]) - threshold
    >>> lowest_thresholds(asked, np.array([4.0]), lowest=np.zeros(1), highest=np.ones(1)).tolist()
    [6.0]
    """
    start = asked_above(lowest) <= supply
    high_enough = _high_enough(asked_above, supply, np.maximum(highest, lowest))
    below, above = _as_bits(lowest), _as_bits(np.where(start, lowest, high_enough))
    for _ in range(steps):
        if (above - below <= 1).all():
            break
        middle = below + (above - below) // 2
        fits = asked_above(_as_floats(middle)) <= supply
        above, below = np.where(fits, middle, above), np.where(fits, below, middle)
    return _as_floats(above)


def level_out(packs: IntArray, more: IntArray, *, group: IntArray, supply: IntArray) -> IntArray:
    """Shares packs among lines of equal claim, round by round: fewest packs first.

    Formula: max-min fairness. Each line of a group is filled up to the same level, or as far
    as it may; what is left is less than one pack for each, and goes in the order of the lines.

    Args:
        packs: What each line has already. Shape [N].
        more: Most that each line may get now. Shape [N].
        group: Group of each line. Shape [N].
        supply: Packs to share in each group. Shape [G].

    Returns:
        Packs that each line gets now: of each group all of the supply, or all of `more`.
        Shape [N].

    >>> one = np.zeros(3, dtype=np.int64)
    >>> packs, more = np.array([4, 1, 0]), np.array([9, 9, 2])
    >>> level_out(packs, more, group=one, supply=np.array([6])).tolist()
    [1, 3, 2]
    """
    groups = supply.size

    def filled_to(level: IntArray) -> IntArray:
        return np.clip(level[group] - packs, 0, more)

    low = np.zeros(groups, dtype=np.int64)
    high = np.full(groups, (packs + more).max(initial=0))
    # The highest level whose filling the supply pays for.
    while (low < high).any():
        middle = (low + high + 1) // 2
        fits = _sums(filled_to(middle), group, groups) <= supply
        low, high = np.where(fits, middle, low), np.where(fits, high, middle - 1)
    filled = filled_to(low)
    left = supply - _sums(filled, group, groups)
    may = (packs <= low[group]) & (filled < more)
    return filled + (may & (_rank_within(group, may) < left[group]))


def _rank_within(group: IntArray, marked: BoolArray) -> IntArray:
    """Counts the marked lines of the same group before each line. Shape [N]."""
    order = np.argsort(group, kind="stable")
    before = np.cumsum(marked[order]) - marked[order]
    starts = np.concatenate([[True], np.diff(group[order]) > 0])[: group.size]
    offset = np.maximum.accumulate(np.where(starts, before, 0))
    rank = np.empty(group.size, dtype=np.int64)
    rank[order] = before - offset
    return rank


def _sums(values: IntArray, group: IntArray, groups: int) -> IntArray:
    """Sums whole numbers by group; exact below 2**53. Shape [G]."""
    return np.bincount(group, weights=values, minlength=groups).astype(np.int64)


def _high_enough(
    asked_above: Callable[[FloatArray], FloatArray], supply: FloatArray, threshold: FloatArray
) -> FloatArray:
    """Doubles thresholds until what is asked for fits. Shape [G]."""
    while True:
        short = asked_above(threshold) > supply
        if not short.any():
            return threshold
        threshold = np.where(short, np.maximum(2 * threshold, np.finfo(np.float64).tiny), threshold)


def _as_bits(numbers: FloatArray) -> IntArray:
    """Reads the bits of numbers of at least 0 as whole numbers, in the same order."""
    # Adding 0 turns a minus zero into a zero.
    return (numbers + 0.0).view(np.int64)


def _as_floats(bits: IntArray) -> FloatArray:
    """Reads whole numbers as the bits of numbers."""
    return bits.view(np.float64)
