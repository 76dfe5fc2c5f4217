"""Joint replenishment: against stockpyl, by trying all, and what is refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stockpyl_values import close

from demandcast.components.replenishment.closed_forms import (
    economic_order_quantity,
    joint_replenishment,
)
from demandcast.schema.errors import BadInputError


def costs_of(parameters):
    return {
        "shared_order_cost": parameters["shared_fixed_cost"],
        "order_costs": parameters["individual_fixed_costs"],
        "holding_costs": parameters["holding_costs"],
    }


def test_plans_are_those_of_stockpyl(stockpyl):
    for case in stockpyl["jrp"]:
        rates, costs = case["parameters"]["demand_rates"], costs_of(case["parameters"])
        plan = joint_replenishment(rates, **costs)
        close(plan.multiples, case["multiples"])
        close(plan.cycle, case["cycle"])
        close(plan.order_quantities, case["order_quantities"])
        close(plan.cost, case["cost"])


def test_families_are_planned_at_once_as_alone(stockpyl):
    cases = [case["parameters"] for case in stockpyl["jrp"] if len(case["multiples"]) == 7]
    together = joint_replenishment(
        [case["demand_rates"] for case in cases],
        shared_order_cost=[case["shared_fixed_cost"] for case in cases],
        order_costs=[case["individual_fixed_costs"] for case in cases],
        holding_costs=[case["holding_costs"] for case in cases],
    )
    alone = [joint_replenishment(case["demand_rates"], **costs_of(case)) for case in cases]
    np.testing.assert_allclose(together.cost, [plan.cost for plan in alone])
    np.testing.assert_array_equal(together.multiples, [plan.multiples for plan in alone])


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 5))
def test_no_other_cycle_is_better_for_the_multiples(seed, factor):
    rng = np.random.default_rng(seed)
    rates = rng.uniform(1, 90, 4)
    costs = {
        "shared_order_cost": rng.uniform(1, 90),
        "order_costs": rng.uniform(0, 90, 4),
        "holding_costs": rng.uniform(0.1, 9, 4),
    }
    best = joint_replenishment(rates, **costs)
    other = joint_replenishment(rates, **costs, multiples=best.multiples, cycle=factor * best.cycle)
    assert other.cost >= best.cost * (1 - 1e-12)
    assert other.cost / best.cost == pytest.approx((factor + 1 / factor) / 2)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_heuristic_is_near_the_best_of_all_multiples(seed):
    rng = np.random.default_rng(seed)
    rates = rng.uniform(10, 90, 3)
    costs = {
        "shared_order_cost": rng.uniform(20, 90),
        "order_costs": rng.uniform(1, 90, 3),
        "holding_costs": rng.uniform(1, 9, 3),
    }
    tried = np.array(list(itertools.product(range(1, 20), repeat=3)))
    every = joint_replenishment(np.tile(rates, (len(tried), 1)), **costs, multiples=tried)
    best = joint_replenishment(rates, **costs)
    assert every.cost.min() <= best.cost * (1 + 1e-12)
    assert best.cost <= every.cost.min() * 1.15


def test_one_item_alone_is_the_eoq():
    plan = joint_replenishment(
        [1300.0], shared_order_cost=5, order_costs=[3], holding_costs=[0.225]
    )
    alone = economic_order_quantity([1300.0], order_cost=8, holding_cost=0.225)
    np.testing.assert_allclose(plan.order_quantities, alone.order_quantity)
    np.testing.assert_allclose(plan.cost, alone.cost)
    assert plan.multiples.tolist() == [1]


def test_a_given_plan_by_hand():
    plan = joint_replenishment(
        [10.0, 4.0],
        shared_order_cost=6,
        order_costs=[2, 8],
        holding_costs=[1, 3],
        multiples=[1, 2],
        cycle=0.5,
    )
    assert plan.order_quantities.tolist() == [5, 4]
    assert plan.cost == pytest.approx((6 + 2 + 8 / 2) / 0.5 + 0.25 * (10 + 3 * 2 * 4))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"shared_order_cost": -1}, "shared_order_cost must be at least 0"),
        ({"order_costs": [1.0, np.nan]}, "order_costs must be a finite number"),
        ({"holding_costs": [1.0, 0.0]}, "holding_costs must be above 0"),
        ({"shared_order_cost": 0, "order_costs": [0, 5]}, "ordered most often, together, must"),
        ({"multiples": [1, 0]}, "multiples must be above 0"),
        ({"multiples": [1, 1.5]}, "multiples must be a whole number"),
        ({"cycle": 0}, "cycle must be above 0"),
    ],
)
def test_what_is_refused(more, message):
    usual = {"shared_order_cost": 5, "order_costs": [1, 2], "holding_costs": [1, 1]}
    with pytest.raises(BadInputError, match=message):
        joint_replenishment([3.0, 4.0], **{**usual, **more})
    with pytest.raises(BadInputError, match="demand_rates must be above 0"):
        joint_replenishment([3.0, 0.0], **usual)
