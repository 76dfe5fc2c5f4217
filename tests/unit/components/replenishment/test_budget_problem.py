import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.budget_problem import SharedLimit, fill_up, pack_problem


def test_packs_of_a_smallest_order_are_worth_their_mean():
    problem = pack_problem([[9.0, 5.0, 1.0, 0.5]] * 3, [], smallest_packs=[0, 2, 4])
    first = [[9.0, 5.0, 1.0, 0.5], [7.0, 7.0, 1.0, 0.5], [(9 + 5 + 1 + 0.5) / 4] * 4]
    np.testing.assert_allclose(problem.worth, first)
    assert problem.smallest.tolist() == [1, 2, 4]


@pytest.mark.parametrize("value", [0.1, 0.7, 1 / 3, 1e-300])
def test_the_mean_of_equal_values_does_not_fall_below_them(value):
    worth = pack_problem([[value] * 9], [], smallest_packs=7).worth
    assert (np.diff(worth) <= 0).all()


def test_what_does_not_fit_alone_is_out():
    limits = [
        SharedLimit("budget", [2.0, 2.0, 0.0], 7.0),
        SharedLimit("volume", 1.0, [1.5, 9.0], group=[0, 1, 1]),
    ]
    problem = pack_problem(np.ones((3, 5)), limits, smallest_packs=[2, 3, 5])
    # The first: one pack by volume, below two; the second: three by money; the third: nine.
    assert problem.most.tolist() == [0, 3, 5]


def test_the_price_decides_and_a_smallest_order_stays_whole():
    problem = pack_problem([[9.0, 5.0, 1.0]] * 4, [], smallest_packs=2)
    assert problem.packs_at(np.array([7.0, 6.9, 0.9, 0.0])).tolist() == [0, 2, 3, 3]
    assert problem.value(np.array([0, 2, 3, 3])) == 14 + 15 + 15


def test_used_left_and_fitting_by_group():
    limit = pack_problem(
        np.ones((3, 9)), [SharedLimit("volume", [2.0, 3.0, 0.0], [10.0, 4.0], [0, 0, 1])]
    ).limits[0]
    packs = np.array([1, 2, 9])
    assert limit.used(packs).tolist() == [2 + 6, 0]
    np.testing.assert_allclose(limit.left(packs), [2, 4])
    assert limit.fitting(limit.left(packs), np.arange(3)).tolist() == [1, 0, np.inf]


def one_lot_at_a_time(problem, packs, price):
    """Adds the lot of best worth per price that fits, the earlier line if equal."""
    packs = packs.copy()
    while True:
        best = None
        for line in range(packs.size):
            size = problem.smallest[line] if packs[line] == 0 else 1
            more = packs.copy()
            more[line] += size
            if more[line] > problem.most[line] or not problem.fits(more):
                continue
            worth = problem.worth[line, packs[line]]
            if worth > 0 and (best is None or worth / price[line] > best[0]):
                best = (worth / price[line], more)
        if best is None:
            return packs
        packs = best[1]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_filling_equals_one_lot_at_a_time(seed):
    rng = np.random.default_rng(seed)
    lines = int(rng.integers(1, 8))
    # Runs of equal packs within a line; between lines no two are equal.
    values = np.repeat(-np.sort(-rng.uniform(-2, 6, (lines, 3)), axis=1), 2, axis=1)
    usage, group = rng.integers(1, 4, lines), rng.integers(0, 2, lines)
    limits = [SharedLimit("budget", usage, rng.integers(0, 25, 2).astype(float), group)]
    problem = pack_problem(values, limits, smallest_packs=rng.integers(1, 4, lines))
    none, price = np.zeros(lines, dtype=np.int64), rng.integers(1, 4, lines).astype(float)
    found, expected = fill_up(problem, none, price), one_lot_at_a_time(problem, none, price)
    assert found.tolist() == expected.tolist()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_filling_under_several_limits_ends_where_no_lot_fits(seed):
    rng = np.random.default_rng(seed)
    lines = int(rng.integers(1, 8))
    values = -np.sort(-rng.integers(-2, 6, (lines, 4)).astype(float), axis=1)
    limits = [
        SharedLimit("budget", rng.integers(0, 4, lines), float(rng.integers(0, 40))),
        SharedLimit("packs", 1.0, rng.integers(0, 12, 2), rng.integers(0, 2, lines)),
    ]
    problem = pack_problem(values, limits, smallest_packs=rng.integers(1, 4, lines))
    price = rng.uniform(0.5, 2.0, lines)
    found = fill_up(problem, np.zeros(lines, dtype=np.int64), price)
    assert problem.fits(found)
    assert one_lot_at_a_time(problem, found, price).tolist() == found.tolist()


def test_filling_prefers_worth_per_price_and_what_costs_nothing():
    limits = [SharedLimit("budget", [3.0, 1.0, 0.0], 3.0)]
    problem = pack_problem([[8.0], [3.0], [0.1]], limits)
    none = np.zeros(3, dtype=np.int64)
    assert fill_up(problem, none, np.array([3.0, 1.0, 0.0])).tolist() == [0, 1, 1]
    assert fill_up(problem, none, np.array([1.0, 1.0, 0.0])).tolist() == [1, 0, 1]
