import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.budget_exact import best_packs
from demandcast.components.replenishment.budget_prices import (
    bound_of,
    kept_packs,
    pack_prices,
    shadow_prices,
)
from demandcast.components.replenishment.budget_problem import SharedLimit, pack_problem


def some_problem(seed):
    rng = np.random.default_rng(seed)
    lines = int(rng.integers(1, 12))
    values = -np.sort(-rng.uniform(-3, 9, (lines, 3)), axis=1)
    cost, volume, store = rng.uniform(1, 9, lines), rng.random(lines), rng.integers(0, 2, lines)
    limits = [
        SharedLimit("budget", cost, rng.random() * 2 * cost.sum()),
        SharedLimit("volume", volume, [rng.random() * volume.sum(), np.inf], store),
    ]
    problem = pack_problem(values, limits, smallest_packs=rng.integers(1, 4, lines))
    return problem, (rng.exponential(1.0, 1), np.array([rng.exponential(5.0), 0.0]))


def test_the_price_of_a_budget_by_hand():
    # Worth per euro 8, 3, 2; five euros buy 8, 3, 2 and 4; one more buys half of 1.
    problem = pack_problem([[8.0, 3.0, 2.0], [4.0, 1.0, 0.0]], [SharedLimit("b", [1.0, 2.0], 5.0)])
    prices = shadow_prices(problem)
    np.testing.assert_allclose(prices, [[0.5]])
    assert bound_of(problem, prices) == pytest.approx(8 + 3 + 2 + 4)
    problem = pack_problem([[8.0, 3.0, 2.0], [4.0, 1.0, 0.0]], [SharedLimit("b", [1.0, 2.0], 4.0)])
    np.testing.assert_allclose(shadow_prices(problem), [[2.0]])
    assert bound_of(problem, (np.array([2.0]),)) == pytest.approx(8 + 3 + (4 - 2) * 2)


def test_prices_of_a_pack_add_up_over_limits():
    limits = [SharedLimit("a", [1.0, 2.0], 1.0), SharedLimit("b", 5.0, [1.0, 1.0], group=[1, 0])]
    problem = pack_problem(np.ones((2, 1)), limits)
    prices = (np.array([10.0]), np.array([0.1, 0.2]))
    np.testing.assert_allclose(pack_prices(problem, prices), [10 + 5 * 0.2, 20 + 5 * 0.1])


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_choice_passes_the_bound_at_any_prices(seed):
    problem, any_prices = some_problem(seed)
    best = problem.value(best_packs(problem))
    lowest = bound_of(problem, shadow_prices(problem))
    assert best <= bound_of(problem, any_prices) * (1 + 1e-9)
    assert best <= lowest * (1 + 1e-9)
    # The search may stop above the lowest bound, but not above where it started.
    assert lowest <= bound_of(problem, (np.zeros(1), np.zeros(2))) * (1 + 1e-9)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_packs_keep_the_limits_from_any_prices_and_are_worth_them(seed):
    problem, any_prices = some_problem(seed)
    packs = kept_packs(problem, any_prices)
    assert problem.fits(packs)
    assert (packs <= problem.packs_at(pack_prices(problem, any_prices))).all()


def test_a_limit_that_does_not_bind_has_no_price():
    limits = [SharedLimit("a", 1.0, 1.0), SharedLimit("b", 1.0, 1e9), SharedLimit("c", 0.0, 0.0)]
    prices = shadow_prices(pack_problem(np.ones((3, 2)), limits))
    assert [price.tolist() for price in prices] == [[1.0], [0.0], [0.0]]
