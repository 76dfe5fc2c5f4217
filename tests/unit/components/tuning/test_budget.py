"""The wall time of a search."""

from demandcast.components.tuning.budget import Budget


def test_time_runs_from_the_making():
    now = [100.0]
    budget = Budget(10.0, clock=lambda: now[0])
    now[0] = 104.0
    assert (budget.spent, budget.left) == (104 - 100, 10 - 4)


def test_earlier_attempts_count():
    budget = Budget(10.0, clock=lambda: 0.0)
    budget.earlier = 12.0
    assert (budget.spent, budget.left) == (12, 10 - 12)
