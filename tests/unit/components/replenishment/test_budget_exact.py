from types import SimpleNamespace

import numpy as np
import pytest

from demandcast.components.replenishment import budget_exact
from demandcast.components.replenishment.budget import choose_packs
from demandcast.components.replenishment.budget_exact import best_packs, count_lots
from demandcast.components.replenishment.budget_problem import SharedLimit, pack_problem


def test_lots_worth_something_are_counted():
    limits = [SharedLimit("budget", [1.0, 1.0, 1.0, 9.0], 5.0)]
    values = [[4.0, 3.0, 2.0, -1.0]] * 4
    problem = pack_problem(values, limits, smallest_packs=[1, 2, 4, 1])
    # Three single packs; two and one; four together, as their mean is above 0; too dear.
    assert count_lots(problem) == 3 + 2 + 1 + 0


def test_no_pack_comes_without_its_smallest_order():
    # The third pack alone would be the best use of 1; it costs 3 with its smallest order.
    problem = pack_problem(
        [[9.0, 9.0, 9.0], [1.0, 0.0, 0.0]],
        [SharedLimit("budget", 1.0, 2.5), SharedLimit("free", 0.0, 0.0)],
        smallest_packs=[2, 1],
    )
    assert best_packs(problem).tolist() == [2, 0]
    problem = pack_problem(
        [[9.0, 9.0, 9.0], [1.0, 0.0, 0.0]],
        [SharedLimit("budget", [1.0, 1.0], 4.0), SharedLimit("volume", [1.0, 1.0], 1.5)],
        smallest_packs=[2, 1],
    )
    assert best_packs(problem).tolist() == [0, 1]


def test_nothing_to_choose():
    assert best_packs(pack_problem(np.zeros((2, 3)), [])).tolist() == [0, 0]
    assert best_packs(pack_problem(np.empty((0, 3)), [])).tolist() == []


@pytest.mark.parametrize("answer", [None, np.ones(3)])
def test_an_answer_that_is_none_or_over_the_budget_leaves_the_fast_choice(monkeypatch, answer):
    monkeypatch.setattr(budget_exact.optimize, "milp", lambda *_, **__: SimpleNamespace(x=answer))
    limits = [SharedLimit("budget", 1.0, 2.0)]
    values = [[3.0], [2.0], [1.0]]
    assert best_packs(pack_problem(values, limits)) is None
    assert choose_packs(values, limits).packs.tolist() == [1, 1, 0]
