"""Candidates side by side: as if alone, how they are narrowed down, how far to look."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.replenishment import policy_candidates
from demandcast.components.replenishment.policy_candidates import (
    Candidates,
    Played,
    least_between,
    longest_interval,
    lowest_reaching,
    most_demand,
    narrowed,
    points_between,
)
from demandcast.components.replenishment.policy_evaluation import (
    ServiceMeasure,
    ServiceTarget,
    evaluate_policy,
)
from demandcast.components.replenishment.stock_policies import OrderUpToPolicy
from demandcast.components.replenishment.stock_scenario import (
    StockCosts,
    StockScenario,
    StockSupply,
)
from demandcast.schema.errors import BadInputError

SCENARIO = StockScenario(
    supply=StockSupply(lead_time=np.array([1, 0])),
    costs=StockCosts(holding_cost=np.array([1.0, 2.0]), stockout_cost=5.0, order_cost=3.0),
    warm_up=5,
)
LOWS, HIGHS = np.array([[2, 1], [4, 3], [0, 6]]), np.array([[9, 4], [5, 8], [7, 7]])


def played_alone(demand, step=1.0):
    return [
        evaluate_policy(demand, OrderUpToPolicy(low * step, high * step), scenario=SCENARIO)
        for low, high in zip(LOWS, HIGHS, strict=True)
    ]


@pytest.mark.parametrize("cells", [1, 1000, 10**9])
@pytest.mark.parametrize("measure", list(ServiceMeasure))
def test_candidates_side_by_side_are_as_if_alone(cells, measure, monkeypatch):
    monkeypatch.setattr(policy_candidates, "_CELLS", cells)
    demand = np.random.default_rng(2).poisson(2.0, (40, 2, 3)).astype(float)
    target = ServiceTarget(measure, [0.8, 0.9])
    candidates = Candidates(demand, SCENARIO, target, OrderUpToPolicy, 0.5)
    found = candidates.play(LOWS, HIGHS)
    alone = played_alone(demand, step=0.5)
    np.testing.assert_allclose(found.cost, [one.cost.value for one in alone])
    served = np.array([getattr(one, measure).value for one in alone])
    assert (found.reached == (served >= [0.8, 0.9])).all()
    assert (np.isinf(found.value) == ~found.reached).all()


def test_without_a_target_all_is_reached():
    candidates = Candidates(np.ones((9, 2, 1)), SCENARIO, None, OrderUpToPolicy, 1.0)
    assert candidates.play(LOWS, HIGHS).reached.all()


def test_nothing_to_serve_is_served():
    target = ServiceTarget(ServiceMeasure.FILL_RATE, 0.99)
    candidates = Candidates(np.zeros((9, 2, 1)), SCENARIO, target, OrderUpToPolicy, 1.0)
    assert candidates.play(0 * LOWS - 1, 0 * HIGHS).reached.all()


@given(st.integers(-50, 50), st.integers(0, 400), st.integers(-60, 500))
def test_the_lowest_and_the_least_are_found(low, width, wanted):
    ends = np.array([[low]]), np.array([[low + width]])

    def played(levels):
        return Played(np.abs(levels - wanted) * 1.0, levels >= wanted)

    expected = min(max(wanted, low), low + width)
    assert lowest_reaching(played, *ends).tolist() == [[expected]]

    def cost_alone(levels):
        return Played(np.abs(levels - wanted) * 1.0, np.ones(levels.shape, dtype=bool))

    assert least_between(cost_alone, *ends).tolist() == [[expected]]


def test_points_hold_both_ends_and_of_equal_ones_the_lowest_is_best():
    levels = points_between(np.array([0, 5]), np.array([16, 5]))
    assert levels[0].tolist() == [0, 5]
    assert levels[-1].tolist() == [16, 5]
    best, low, high, done = narrowed(levels, np.zeros(levels.shape))
    assert best.tolist() == low.tolist() == [0, 5]
    assert high.tolist() == [2, 5]
    assert done


def test_how_far_to_look():
    calendar = np.zeros((10, 1), dtype=bool)
    calendar[[0, 4, 5]] = True
    assert longest_interval(StockSupply(lead_time=3, review=7), 100) == 10
    # From the last review on, five periods without one.
    assert longest_interval(StockSupply(lead_time=1, review=calendar), 100) == 1 + 5
    assert longest_interval(StockSupply(lead_time=0, shelf_life=[4, np.inf]), 100) == 0 + 1 + 4
    assert longest_interval(StockSupply(lead_time=9), 4) == 4
    demand = np.array([[[1.0, 0.0]], [[5.0, 2.0]], [[0.0, 9.0]]])
    assert most_demand(demand, 1).tolist() == [9.0]
    assert most_demand(demand, 2).tolist() == [11.0]
    assert most_demand(demand, 3).tolist() == [11.0]


@pytest.mark.parametrize("step", [0.0, -1.0, np.nan, np.inf])
def test_steps_that_are_none_are_refused(step):
    with pytest.raises(BadInputError, match="step: got"):
        Candidates(np.ones((2, 1, 1)), SCENARIO, None, OrderUpToPolicy, step)
