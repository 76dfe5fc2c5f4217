"""Wagner and Whitin: against stockpyl, by trying all, and what is refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stockpyl_values import close

from demandcast.components.replenishment.closed_forms import wagner_whitin
from demandcast.schema.errors import BadInputError


def test_plans_are_those_of_stockpyl(stockpyl):
    for case in stockpyl["wagner_whitin"]:
        given_values = case["parameters"]
        plan = wagner_whitin(
            [given_values["demand"]],
            order_cost=given_values["fixed_cost"],
            holding_cost=given_values["holding_cost"],
            unit_cost=[given_values.get("purchase_cost", 0.0)]
            if isinstance(given_values.get("purchase_cost"), list)
            else given_values.get("purchase_cost", 0.0),
        )
        close(plan.order_quantities, [case["order_quantities"]])
        close(plan.cost, [case["cost"]])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(0, 60)] * 5), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
)
def test_trying_all_order_periods_finds_no_better_plan(demand, seed):
    rng = np.random.default_rng(seed)
    demand = np.array(demand, dtype=float)
    costs = {
        "order_cost": rng.uniform(0, 90, demand.shape),
        "holding_cost": rng.uniform(0, 3, demand.shape),
        "unit_cost": rng.uniform(0, 5, demand.shape),
    }
    best = wagner_whitin(demand, **costs)
    least = np.full(len(demand), np.inf)
    for chosen in itertools.product([False, True], repeat=4):
        starts = [0, *(period for period, order in enumerate(chosen, start=1) if order), 5]
        orders = np.zeros(demand.shape)
        for start, end in itertools.pairwise(starts):
            orders[:, start] = demand[:, start:end].sum(axis=1)
        least = np.minimum(least, wagner_whitin(demand, **costs, order_quantities=orders).cost)
    np.testing.assert_allclose(best.cost, least, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(best.order_quantities.sum(axis=1), demand.sum(axis=1))


def test_given_orders_by_hand():
    plan = wagner_whitin(
        [[10, 20, 0]],
        order_cost=100,
        holding_cost=[[2, 3, 4]],
        unit_cost=[[1, 5, 5]],
        order_quantities=[[25, 10, 0]],
    )
    # Evenings hold 15, 5 and 5.
    assert plan.cost.tolist() == [2 * 100 + 25 * 1 + 10 * 5 + 15 * 2 + 5 * 3 + 5 * 4]


def test_items_are_planned_at_once_as_alone():
    demand = np.random.default_rng(2).integers(0, 50, (20, 8)).astype(float)
    fixed = np.random.default_rng(3).uniform(1, 200, (20, 1))
    together = wagner_whitin(demand, order_cost=fixed, holding_cost=1.0)
    alone = [
        wagner_whitin(demand[n : n + 1], order_cost=fixed[n], holding_cost=1.0) for n in range(20)
    ]
    np.testing.assert_allclose(together.cost, [plan.cost[0] for plan in alone])


def test_edges():
    plan = wagner_whitin([[7.0]], order_cost=3, holding_cost=1, unit_cost=2)
    assert (plan.order_quantities.tolist(), plan.cost.tolist()) == ([[7]], [17])
    plan = wagner_whitin([[0.0, 0.0]], order_cost=3, holding_cost=1)
    assert (plan.order_quantities.tolist(), plan.cost.tolist()) == ([[0, 0]], [0])
    plan = wagner_whitin([[1e12, 1e12]], order_cost=1, holding_cost=1)
    assert plan.order_quantities.tolist() == [[1e12, 1e12]]


@pytest.mark.parametrize(
    ("demand", "more", "message"),
    [
        ([1.0, 2.0], {}, r"must have the shape \[N, T\]"),
        ([[]], {}, r"must have the shape \[N, T\]"),
        ([[1.0, np.nan]], {}, "demand must be a finite number, not nan at position 0, 1"),
        ([[1.0, -1.0]], {}, "demand must be at least 0"),
        ([[1.0, 1.0]], {"unit_cost": -1}, "unit_cost must be at least 0"),
        ([[1.0, 1.0]], {"order_quantities": [[1, 0]]}, "leave demand unmet"),
        ([[1.0, 1.0]], {"order_quantities": [[0, 2]]}, "leave demand unmet"),
    ],
)
def test_what_is_refused(demand, more, message):
    with pytest.raises(BadInputError, match=message):
        wagner_whitin(demand, order_cost=1.0, holding_cost=1.0, **more)
