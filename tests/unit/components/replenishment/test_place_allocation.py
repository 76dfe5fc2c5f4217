"""Supply at several places: by hand, against an assignment problem, and one place as `allocate`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from demandcast.components.replenishment import place_allocation
from demandcast.components.replenishment.allocation import allocate
from demandcast.components.replenishment.place_allocation import allocate_from_places
from demandcast.schema.errors import BadInputError

ONE = np.zeros(2, np.int64)
"""Two lines of one item."""


def shared(supply, values, item=ONE):
    return allocate_from_places(np.array(supply), np.array(values, float), item=np.array(item))


def falling(rng, shape):
    return -np.sort(-rng.uniform(-2, 10, shape), axis=-1)


def worth(values, packs):
    """The most that packs of each line are worth, whichever comes first."""
    total = 0.0
    for line in range(values.shape[1]):
        slots = np.concatenate(
            [np.repeat(values[j, line][:, None], packs[j, line], 1) for j in range(len(values))],
            axis=1,
        )
        total += slots[optimize.linear_sum_assignment(-slots)].sum()
    return total


def best_worth(values, supply):
    """The most that all packs of an item can be worth: packs of lines assigned to units there."""
    slots = np.concatenate(
        [
            np.repeat(np.maximum(one, 0).reshape(-1, 1), n, 1)
            for one, n in zip(values, supply, strict=True)
        ],
        axis=1,
    )
    return slots[optimize.linear_sum_assignment(-slots)].sum()


def test_where_there_is_enough_each_pack_comes_from_where_it_is_worth_most():
    found = shared([[9, 9]], [[[9, 4], [8, 5]], [[7, 4.5], [9, 0]]])
    assert found.packs.tolist() == [[1, 1], [1, 1]]
    assert found.left.tolist() == [[7, 7]]
    assert found.value_of_next_pack.tolist() == [[0, 0]]
    assert found.wants_more.tolist() == [False, False]


def test_who_has_another_place_makes_room_for_who_has_none():
    # Line 0 is worth 9 from the first place and 8 from the second, line 1 only 5 from the first.
    found = shared([[1, 1]], [[[9], [5]], [[8], [0]]])
    assert found.packs.tolist() == [[0, 1], [1, 0]]


def test_the_next_pack_is_worth_what_it_would_bring_at_each_place():
    found = shared([[1, 0]], [[[9, 4], [8, 5]], [[7, 3], [6, 4]]])
    assert found.packs.tolist() == [[1, 0], [0, 0]]
    assert found.value_of_next_pack.tolist() == [[8, 6]]
    assert found.wants_more.tolist() == [True, True]


def test_items_do_not_share():
    found = shared([[1, 0], [0, 2]], [[[9, 4]] * 3, [[9, 4]] * 3], item=[0, 1, 1])
    assert found.packs.tolist() == [[1, 0, 0], [0, 1, 1]]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), whole=st.booleans(), costs_alone=st.booleans())
def test_no_way_to_share_is_better(seed, whole, costs_alone):
    rng = np.random.default_rng(seed)
    places, lines, most = rng.integers(2, 4), rng.integers(1, 6), rng.integers(1, 5)
    values = falling(rng, (places, lines, most))
    if costs_alone:
        values = values[:1] - rng.uniform(0, 3, (places, lines, 1))
    values = np.rint(values) if whole else values
    supply = rng.integers(0, 6, places)
    found = allocate_from_places(supply[None], values, item=np.zeros(lines, np.int64))
    assert (found.packs >= 0).all()
    assert (found.left[0] == supply - found.packs.sum(axis=1)).all()
    assert (found.left >= 0).all()
    assert (found.packs.sum(axis=0) <= most).all()
    assert worth(values, found.packs) == pytest.approx(best_worth(values, supply))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_with_one_place_it_is_allocate(seed):
    rng = np.random.default_rng(seed)
    values, item = np.rint(falling(rng, (1, 8, 5))), rng.integers(0, 3, 8)
    supply = rng.integers(0, 12, (3, 1))
    found = allocate_from_places(supply, values, item=item)
    expected = allocate(supply[:, 0].astype(float), values[0], item=item)
    assert found.packs[0].tolist() == expected.packs.tolist()
    assert found.left[:, 0].tolist() == expected.left_over.tolist()
    assert found.value_of_next_pack[:, 0].tolist() == expected.value_of_next_pack.tolist()


def test_programs_of_a_few_items_each_find_the_same(monkeypatch):
    rng = np.random.default_rng(3)
    values, item = falling(rng, (2, 40, 6)), np.sort(rng.integers(0, 10, 40))
    supply = rng.integers(0, 9, (10, 2))
    together = allocate_from_places(supply, values, item=item)
    monkeypatch.setattr(place_allocation, "_MOST_AT_ONCE", 40)
    assert allocate_from_places(supply, values, item=item).packs.tolist() == together.packs.tolist()


def test_without_a_solution_of_the_program_places_are_emptied_one_by_one(monkeypatch):
    class Nothing:
        x = None

    monkeypatch.setattr(place_allocation.optimize, "linprog", lambda *_, **__: Nothing())
    found = shared([[1, 1]], [[[9], [5]], [[8], [0]]])
    assert found.packs.tolist() == [[1, 0], [0, 0]]
    assert found.left.tolist() == [[0, 1]]


@pytest.mark.parametrize(("lines", "most"), [(0, 3), (2, 0), (0, 0)])
def test_nothing_to_share_has_an_answer(lines, most):
    found = shared([[3, 1]], np.zeros((2, lines, most)), item=np.zeros(lines, np.int64))
    assert found.packs.tolist() == [[0] * lines] * 2
    assert found.left.tolist() == [[3, 1]]
    assert found.wants_more.tolist() == [False] * lines


@pytest.mark.parametrize(
    ("supply", "shape", "lines"), [([[1]], (2, 2, 3), 2), ([[1]], (1, 2), 2), ([[1]], (1, 3, 2), 2)]
)
def test_shapes_that_disagree_are_refused(supply, shape, lines):
    with pytest.raises(BadInputError, match="pack_values: shape"):
        shared(supply, np.zeros(shape), item=np.zeros(lines, np.int64))
