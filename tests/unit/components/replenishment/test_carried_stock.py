"""Stock carried from decision to decision, beside a walk over each chain and probability."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from demandcast.components.replenishment.calibration import cover_ranks
from demandcast.components.replenishment.carried_stock import (
    CARRIED_LEVELS,
    Chain,
    carried_ranks,
    levels_at,
)

WIDTH = CARRIED_LEVELS.size


def chain(*previous, since):
    return Chain(np.array(previous, np.int64), np.array(since, np.float64))


def rising(top):
    """Levels from 0 at the least followed probability to `top` at the largest."""
    return np.linspace(0.0, top, WIDTH)


def walked(levels, sold, of):
    """The same by a walk from decision to decision, one probability at a time."""
    ranks = np.full(len(levels), np.inf)
    for row in range(len(levels)):
        line = [row]
        while of.previous[line[0]] >= 0:
            line.insert(0, int(of.previous[line[0]]))
        for at in reversed(range(WIDTH)):
            position = float(levels[line[0], at])
            left = -np.inf
            for before, here in itertools.pairwise(line):
                left = position - of.since[before]
                position = max(float(levels[here, at]), left)
            if left >= sold[row] - 1e-6:
                ranks[row] = CARRIED_LEVELS[at]
    return ranks


def test_three_decisions_by_hand():
    # Decision 0 raises the position to 10 at every probability; 4 are sold until decision 1, which
    # asks for 3 and has 6: these cover its interval of 6. Then 2 are sold: 4 are left for the
    # interval of decision 2, of 5.
    levels = np.repeat([[10.0], [3.0], [1.0]], WIDTH, axis=1)
    of = chain(-1, 0, 1, since=[4.0, 2.0, 0.0])
    found = carried_ranks(levels, np.array([0.0, 6.0, 5.0]), of)
    assert found.tolist() == [np.inf, CARRIED_LEVELS[0], np.inf]
    found = carried_ranks(levels, np.array([0.0, 7.0, 4.0]), of)
    assert found.tolist() == [np.inf, np.inf, CARRIED_LEVELS[0]]


def test_a_level_above_what_is_left_takes_its_place():
    # 10 - 8 = 2 are left, but decision 1 raises to 5: 5 - 1 = 4 cover the interval of decision 2.
    levels = np.repeat([[10.0], [5.0], [1.0]], WIDTH, axis=1)
    found = carried_ranks(levels, np.array([0.0, 3.0, 4.0]), chain(-1, 0, 1, since=[8.0, 1.0, 0.0]))
    assert found.tolist() == [np.inf, np.inf, CARRIED_LEVELS[0]]


def test_the_least_probability_that_is_enough_is_found():
    levels = np.array([rising(float(WIDTH - 1)), np.zeros(WIDTH)])
    # At place a the level is a: 20 - 5 of place 20 are the first to cover 15.
    found = carried_ranks(levels, np.array([0.0, 15.0]), chain(-1, 0, since=[5.0, 0.0]))
    assert found[1] == CARRIED_LEVELS[20]


def test_without_a_decision_before_nothing_is_carried():
    levels = np.full((2, WIDTH), 100.0)
    found = carried_ranks(levels, np.zeros(2), chain(-1, -1, since=[0.0, 0.0]))
    assert found.tolist() == [np.inf, np.inf]
    empty = Chain(np.empty(0, np.int64), np.empty(0))
    assert carried_ranks(np.empty((0, WIDTH)), np.empty(0), empty).size == 0


def test_nothing_sold_is_covered_by_nothing_left():
    levels = np.zeros((2, WIDTH))
    of = chain(-1, 0, since=[0.0, 0.0])
    assert carried_ranks(levels, np.zeros(2), of)[1] == CARRIED_LEVELS[0]
    # But not where the position is negative: 0 less 3 sold.
    assert carried_ranks(levels, np.zeros(2), chain(-1, 0, since=[3.0, 0.0]))[1] == np.inf


def test_levels_that_are_given_are_left_as_they_are():
    levels = np.repeat([[9.0], [1.0]], WIDTH, axis=1)
    before = levels.copy()
    carried_ranks(levels, np.zeros(2), chain(-1, 0, since=[1.0, 0.0]))
    np.testing.assert_array_equal(levels, before)


units = st.integers(0, 40).map(float)


@st.composite
def chains(draw):
    """Rows of several chains in any order, with levels of whole units that do not decrease."""
    lengths = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    count = sum(lengths)
    order = draw(st.permutations(range(count)))
    previous = np.full(count, -1, np.int64)
    start = 0
    for length in lengths:
        for at in range(start + 1, start + length):
            previous[order[at]] = order[at - 1]
        start += length
    steps = draw(arrays(np.int64, (count, WIDTH), elements=st.integers(0, 2), fill=st.just(0)))
    levels = draw(arrays(np.float64, (count, 1), elements=units)) + np.cumsum(steps, axis=1)
    sold = draw(arrays(np.float64, count, elements=units))
    return levels, sold, Chain(previous, draw(arrays(np.float64, count, elements=units)))


@given(chains())
def test_ranks_are_those_of_a_walk_from_decision_to_decision(case):
    levels, sold, of = case
    np.testing.assert_array_equal(carried_ranks(levels, sold, of), walked(levels, sold, of))


@given(chains(), units)
def test_a_rank_is_a_followed_probability_and_grows_with_what_is_sold(case, more):
    levels, sold, of = case
    found, later = carried_ranks(levels, sold, of), carried_ranks(levels, sold + more, of)
    assert np.isin(found, [*CARRIED_LEVELS, np.inf]).all()
    assert (found[of.previous < 0] == np.inf).all()
    assert (later >= found).all()


@given(chains(), units)
def test_what_is_sold_in_between_is_not_left(case, more):
    levels, sold, of = case
    later = carried_ranks(levels, sold, Chain(of.previous, of.since + more))
    assert (later >= carried_ranks(levels, sold, of)).all()


def test_levels_are_samples_by_rank_and_multiples_of_the_largest():
    samples = np.arange(1.0, 101.0)[None, ::-1]
    found = levels_at(samples, np.zeros(1))[0]
    by_probability = dict(zip(CARRIED_LEVELS.round(4).tolist(), found.tolist(), strict=True))
    assert by_probability[0.05] == 5
    assert by_probability[0.9] == 90
    assert by_probability[0.905] == 91  # 90.5 of 100 samples: the 91st.
    assert by_probability[0.9975] == by_probability[1.0] == 100
    assert by_probability[1.5] == pytest.approx(150)
    assert by_probability[3.0] == pytest.approx(300)


def test_levels_are_raised_to_whole_units():
    samples = np.array([[0.2, 1.2, 2.5, 3.0]] * 3)
    found = levels_at(samples, np.array([0.0, 1.0, 4.0]))
    np.testing.assert_allclose(np.unique(found[0, CARRIED_LEVELS <= 1]), [0.2, 1.2, 2.5, 3.0])
    assert np.unique(found[1, CARRIED_LEVELS <= 1]).tolist() == [1, 2, 3]
    assert np.unique(found[2, CARRIED_LEVELS <= 1]).tolist() == [4]


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 3), st.integers(1, 30)),
        elements=st.floats(0, 1e6, width=32),
    ),
    st.sampled_from([0.0, 1.0, 6.0]),
)
def test_levels_do_not_decrease_and_are_multiples(samples, unit):
    found = levels_at(samples, np.full(len(samples), unit))
    assert found.shape == (len(samples), WIDTH)
    assert (np.diff(found, axis=1) >= 0).all()
    if unit:
        np.testing.assert_allclose(found / unit, np.round(found / unit), rtol=1e-6)
    else:
        assert (found[:, CARRIED_LEVELS == 1.0] == samples.max(axis=1, keepdims=True)).all()


def test_one_sample_is_every_level():
    found = levels_at(np.array([[7.0], [0.0]]), np.zeros(2))
    assert set(found[0, CARRIED_LEVELS <= 1].tolist()) == {7.0}
    assert set(found[1].tolist()) == {0.0}


def test_followed_probabilities_increase_from_below_the_usual_targets_to_multiples():
    assert (np.diff(CARRIED_LEVELS) > 0).all()
    assert CARRIED_LEVELS[0] < 0.1
    assert {0.95, 1.0} <= set(CARRIED_LEVELS.round(6).tolist())
    assert CARRIED_LEVELS[-1] == 3.0


def test_levels_and_cover_ranks_speak_of_the_same_probabilities():
    """A level covers what was sold just where the cover rank is at most its probability."""
    draws = np.random.default_rng(3)
    samples = draws.gamma(2.0, 3.0, (200, 50)).astype(np.float32)
    unit = np.where(np.arange(200) % 2, 1.0, 0.0)
    sold = np.where(unit > 0, draws.integers(0, 12, 200), draws.gamma(2.0, 2.5, 200))
    inside = CARRIED_LEVELS <= 1
    ranks = cover_ranks(samples, sold, unit=unit)
    covers = levels_at(samples, unit)[:, inside] >= sold[:, None] - 1e-6
    np.testing.assert_array_equal(covers, ranks[:, None] <= CARRIED_LEVELS[inside] + 1 / 50 - 1e-9)
