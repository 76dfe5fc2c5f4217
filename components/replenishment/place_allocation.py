"""Supply at several places: which place serves which line, by marginal value.

A line may get each of its packs from any place of the item; from one it arrives sooner, or costs
less to bring, than from another, so a pack is worth more or less. Where each place has enough of
what is worth most from it, nothing needs to be weighed; what is left is a transportation problem.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import optimize, sparse

from demandcast.components.metrics.arrays import BoolArray
from demandcast.components.replenishment.allocation import allocate
from demandcast.components.replenishment.line_inputs import FloatArray, IntArray
from demandcast.schema.errors import BadInputError

__all__ = ["PlaceAllocation", "allocate_from_places"]

_MOST_AT_ONCE = 200_000
"""Packs times places of a linear program; HiGHS solves so many in a few seconds."""


@dataclass(frozen=True)
class PlaceAllocation:
    """How the supply of places (J) was shared among lines (N).

    Attributes:
        packs: What each line gets from each place. Shape [J, N].
        left: Packs that stay at the places of each item (I). Shape [I, J].
        value_of_next_pack: What one more pack there would bring, currency; 0 where nobody would
            take it. Shape [I, J].
        wants_more: Whether a line would take one more pack from some place. Shape [N].
    """

    packs: IntArray
    left: IntArray
    value_of_next_pack: FloatArray
    wants_more: BoolArray


def allocate_from_places(
    supply: IntArray, pack_values: FloatArray, *, item: IntArray
) -> PlaceAllocation:
    """Shares the packs at the places of each item among its lines.

    Formula: maximises sum v_jik x_jik with sum over j of x_jik <= 1 for each pack k of line i, and
    sum over i and k of x_jik <= supply_j. With one place it is `allocate`.

    The k-th pack of a line is valued as if those before came from the same place: exact where
    places differ in what bringing costs, an approximation where they differ in time.

    Args:
        supply: Packs at each place of each item. Shape [I, J].
        pack_values: Value of the k-th pack of each line from each place, currency, not rising
            along the last axis; 0 or less is never taken. Shape [J, N, K].
        item: Item of each line. Shape [N].

    Returns:
        Packs by place, and what is left.

    Raises:
        BadInputError: Shapes disagree.

    Source:
        Transportation problem: Hitchcock (1941), Journal of Mathematics and Physics 20, 224-230;
        its vertices are whole numbers.

    >>> near, far = [[9.0, 4.0], [8.0, 6.0]], [[7.0, 2.0], [2.0, 1.0]]
    >>> both = np.array([near, far])
    >>> allocate_from_places(np.array([[2, 2]]), both, item=np.array([0, 0])).packs.tolist()
    [[0, 2], [2, 0]]
    """
    places, lines, _ = _checked(supply, pack_values, item)
    packs, left = np.zeros((places, lines), dtype=np.int64), supply.astype(np.int64)
    # A place without any packs takes part in nothing.
    values = np.where(left.T[:, item, None] > 0, pack_values, 0.0)
    best = _best_places(values)
    contended = (_asked(best, item, len(left)) > left).any(axis=1)
    several = (left > 0).sum(axis=1) > 1
    for chunk in _chunks(values, item, contended & several):
        best[:, chunk] = _best_by_program(values[:, chunk], item[chunk], left)
    for place in range(places):
        counted = np.arange(values.shape[2]) < best[place].sum(axis=1)[:, None]
        _take(packs, left, np.where(counted, values[place], 0.0), place=place, item=item)
    for place in range(places):
        _take(packs, left, _following(values[place], packs), place=place, item=item)
    return _described(packs, left, pack_values, item)


def _checked(supply: IntArray, pack_values: FloatArray, item: IntArray) -> tuple[int, int, int]:
    """Refuses shapes that disagree. Returns J, N and K."""
    shape = pack_values.shape
    if len(shape) != 3 or supply.ndim != 2 or shape[:2] != (supply.shape[1], *item.shape):
        raise BadInputError(
            f"pack_values: shape {list(shape)}; expected [J, N, K] with supply [I, J], here "
            f"{list(supply.shape)}, and item [N], here {list(item.shape)}"
        )
    return shape


def _best_places(values: FloatArray) -> BoolArray:
    """Marks the place from which each pack is worth most; none where that is 0 or less."""
    marked = np.zeros(values.shape, np.bool_)
    best = values.argmax(axis=0, keepdims=True)
    np.put_along_axis(marked, best, np.take_along_axis(values, best, axis=0) > 0, axis=0)
    return marked


def _asked(marked: BoolArray, item: IntArray, items: int) -> IntArray:
    """Counts the marked packs of each item and place. Shape [I, J]."""
    asked = np.zeros((items, len(marked)), np.int64)
    for place, of_place in enumerate(marked):
        np.add.at(asked[:, place], item, of_place.sum(axis=1))
    return asked


def _chunks(values: FloatArray, item: IntArray, wanted: BoolArray) -> Iterator[IntArray]:
    """Yields the lines of some items, whole items at a time, in programs of bounded size."""
    items = np.flatnonzero(wanted)
    sizes = np.bincount(item, (values > 0).sum(axis=(0, 2)), wanted.size)[items]
    part = np.cumsum(sizes) // _MOST_AT_ONCE
    for number in np.unique(part):
        yield np.flatnonzero(np.isin(item, items[part == number]))


def _best_by_program(values: FloatArray, item: IntArray, supply: IntArray) -> BoolArray:
    """Solves the transportation problem of some lines with HiGHS. Shape [J, N, K]."""
    marked = np.zeros(values.shape, np.bool_)
    place, line, number = np.nonzero(values > 0)
    _, pack = np.unique(line * values.shape[2] + number, return_inverse=True)
    _, source = np.unique(item[line] * len(values) + place, return_inverse=True)
    of_source = np.zeros(int(source.max(initial=-1)) + 1)
    of_source[source] = supply[item[line], place]
    packs = int(pack.max(initial=-1)) + 1
    columns = np.arange(place.size)
    matrix = sparse.csr_matrix(
        (
            np.ones(2 * columns.size),
            (np.concatenate([pack, packs + source]), np.concatenate([columns, columns])),
        ),
        shape=(packs + of_source.size, columns.size),
    )
    worth = values[place, line, number]
    bound = np.concatenate([np.ones(packs), of_source])
    solved = optimize.linprog(-worth / worth.max(), A_ub=matrix, b_ub=bound, bounds=(0, 1))
    if solved.x is None:  # What is left is then shared place by place.
        return marked
    marked[place, line, number] = solved.x > 0.5
    return marked


def _take(
    packs: IntArray, left: IntArray, values: FloatArray, *, place: int, item: IntArray
) -> None:
    """Allocates what a place has left, and books it."""
    more = allocate(left[:, place].astype(np.float64), values, item=item).packs
    packs[place] += more
    left[:, place] -= np.bincount(item, more, len(left)).astype(np.int64)


def _following(values: FloatArray, packs: IntArray) -> FloatArray:
    """Returns the values of the packs after those that a line has; 0 beyond the last."""
    most = values.shape[1]
    at = np.arange(most) + packs.sum(axis=0)[:, None]
    padded = np.pad(np.maximum(values, 0.0), ((0, 0), (0, 1)))
    return np.take_along_axis(padded, np.minimum(at, most), axis=1)


def _described(
    packs: IntArray, left: IntArray, pack_values: FloatArray, item: IntArray
) -> PlaceAllocation:
    """Adds what one more pack would bring."""
    most, best = pack_values.shape[2], np.zeros(left.shape)
    wants_more = np.zeros(item.size, np.bool_)
    for place, values in enumerate(pack_values):
        following = _following(values, packs)[:, 0] if most else np.zeros(item.size)
        np.maximum.at(best[:, place], item, following)
        wants_more |= following > 0
    return PlaceAllocation(packs, left, best, wants_more)
