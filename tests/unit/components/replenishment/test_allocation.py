"""Allocation: by hand, every way on small cases, an integer program, one pack at a time."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from demandcast.components.replenishment.allocation import allocate
from demandcast.components.replenishment.pack_values import PackTerms, marginal_pack_values
from demandcast.schema.errors import BadInputError


def falling(rng, lines, most, *, low=-5, high=20):
    """Whole values, many of them equal."""
    return -np.sort(-rng.integers(low, high, (lines, most)).astype(float), axis=1)


def best_by_trying(values, supply):
    """The largest value of all ways to share."""
    ways = itertools.product(range(values.shape[1] + 1), repeat=len(values))
    return max(
        sum(values[line, :packs].sum() for line, packs in enumerate(way))
        for way in ways
        if sum(way) <= supply
    )


def test_the_most_valuable_packs_win():
    found = allocate([3.0], [[9.0, 4.0, 1.0], [8.0, 5.0, -2.0]], item=[0, 0])
    assert found.packs.tolist() == [1, 2]
    assert found.value.tolist() == [9.0, 8.0 + 5.0]
    assert found.value_of_next_pack.tolist() == [4.0]
    assert found.unlimited_packs.tolist() == [3, 2]
    assert found.left_over.tolist() == [0.0]


@pytest.mark.parametrize("seed", range(20))
def test_no_way_to_share_is_better(seed):
    rng = np.random.default_rng(seed)
    values = falling(rng, 3, 4)
    for supply in (0, 1, 5, 8, 20):
        found = allocate([float(supply)], values, item=[0, 0, 0])
        assert found.value.sum() == best_by_trying(values, supply)


def test_equals_an_integer_program():
    rng = np.random.default_rng(5)
    values, supply = falling(rng, 30, 6, high=200), 55
    found = allocate([float(supply)], values, item=np.zeros(30, dtype=int))
    solved = optimize.milp(
        -values.ravel(),
        constraints=optimize.LinearConstraint(np.ones((1, values.size)), ub=supply),
        bounds=optimize.Bounds(0, 1),
        integrality=np.ones(values.size),
    )
    assert found.value.sum() == pytest.approx(-solved.fun)


def one_pack_at_a_time(values, supply, floors):
    """The stated rules as a loop: floors by fewest packs, then value, fewest packs, line order."""
    packs = [0] * len(values)
    for _ in range(supply):
        below = [i for i in range(len(values)) if packs[i] < floors[i]]
        worth = [
            i for i in range(len(values)) if packs[i] < values.shape[1] and values[i, packs[i]] > 0
        ]
        if below:
            packs[min(below, key=lambda i: (packs[i], i))] += 1
        elif worth:
            packs[min(worth, key=lambda i: (-values[i, packs[i]], packs[i], i))] += 1
    return packs


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 25), min_size=1, max_size=4))
def test_many_items_at_once_equal_one_pack_at_a_time(seed, supply):
    rng = np.random.default_rng(seed)
    lines = int(rng.integers(1, 12))
    item = rng.integers(0, len(supply), lines)
    values, floors = falling(rng, lines, 4, high=6), rng.integers(0, 3, lines)
    found = allocate(np.array(supply, float), values, item=item, floor_packs=floors)
    for number, units in enumerate(supply):
        own = item == number
        assert found.packs[own].tolist() == one_pack_at_a_time(values[own], units, floors[own])
        left = units - found.packs[own].sum()
        assert found.left_over[number] == left
        # All of it is given away where there is a use for all of it.
        assert found.packs[own].sum() == min(units, found.unlimited_packs[own].sum())


def test_equal_stores_share_evenly_and_the_rest_goes_in_order():
    found = allocate([7.0], np.full((3, 5), 2.0), item=[0, 0, 0])
    assert found.packs.tolist() == [3, 2, 2]


def test_scarce_floors_are_shared_fewest_packs_first():
    found = allocate([5.0], np.zeros((3, 9)), item=[0, 0, 0], floor_packs=[1, 8, 8])
    assert found.packs.tolist() == [1, 2, 2]


def test_floors_come_before_value():
    values = [[9.0, 9.0, 9.0], [0.0, -1.0, -2.0]]
    assert allocate([4.0], values, item=[0, 0], floor_packs=[0, 2]).packs.tolist() == [2, 2]


def test_parts_of_a_pack_stay():
    found = allocate([31.0, 0.3], np.ones((2, 9)), item=[0, 1], pack_size=[12.0, 0.1])
    assert found.packs.tolist() == [2, 3]
    np.testing.assert_allclose(found.quantity, [24.0, 0.3])
    np.testing.assert_allclose(found.left_over, [7.0, 0.0], atol=1e-15)


@pytest.mark.parametrize(("supply", "packs"), [(0.0, [0, 0]), (np.inf, [2, 1]), (1e300, [2, 1])])
def test_no_supply_and_more_than_enough(supply, packs):
    values = [[1e300, 1.0, 0.0], [1e-300, 0.0, -1.0]]
    found = allocate([supply], values, item=[0, 0])
    assert found.packs.tolist() == packs
    assert found.value_of_next_pack.tolist() == [1e300 if supply == 0 else 0.0]


def test_what_is_worth_nothing_is_not_allocated():
    found = allocate([5.0], np.zeros((2, 3)), item=[0, 0])
    assert (found.packs.tolist(), found.left_over.tolist()) == ([0, 0], [5.0])


def test_an_item_without_lines_keeps_its_supply():
    found = allocate([5.0, 2.0], [[1.0]], item=[1])
    assert (found.packs.tolist(), found.left_over.tolist()) == ([1], [5.0, 1.0])
    assert allocate([5.0], np.empty((0, 3)), item=[]).left_over.tolist() == [5.0]


def test_scarcity_equalises_the_chance_of_a_stockout():
    # Equal costs: the next unit of every store has about the same chance of being short.
    rng = np.random.default_rng(6)
    samples = rng.poisson([[5.0], [20.0], [80.0]], (3, 4000)).astype(float)
    values = marginal_pack_values(samples, 0.0, terms=PackTerms(1.0, 1.0, 0.0), packs=150)
    packs = allocate([95.0], values, item=[0, 0, 0]).packs
    chances = (samples > packs[:, None]).mean(axis=1)
    next_value = allocate([95.0], values, item=[0, 0, 0]).value_of_next_pack[0]
    assert packs.sum() == 95
    assert chances.max() == next_value
    before = (samples > packs[:, None] - 1).mean(axis=1)
    assert before.min() >= next_value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"supply": [np.nan]}, "supply: got nan at line 0"),
        ({"supply": [-1.0]}, "supply: got -1.0"),
        ({"supply": 1.0}, r"supply: shape \[\]"),
        ({"pack_values": [[1.0], [np.nan]]}, "pack_values: got nan at line 1"),
        ({"item": [0, 1]}, "item: got 1 at line 1; expected an index below 1"),
        ({"pack_size": 0.0}, "pack_size: got 0.0"),
        ({"floor_packs": [0, 2]}, "floor_packs: got 2 at line 1; expected at most 1 packs"),
        ({"floor_packs": 0.5}, "floor_packs: got 0.5"),
    ],
)
def test_wrong_input_is_refused(change, message):
    given_input = {"supply": [1.0], "pack_values": [[1.0], [1.0]], "item": [0, 0]} | change
    with pytest.raises(BadInputError, match=message):
        allocate(given_input.pop("supply"), given_input.pop("pack_values"), **given_input)
