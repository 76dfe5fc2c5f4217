"""EOQ and its variants: against stockpyl, by hand, and what always holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stockpyl_values import close, columns, evaluations

from demandcast.components.replenishment.closed_forms import (
    PriceBreaks,
    StockCosts,
    economic_order_quantity,
    economic_production_quantity,
    order_quantity_with_backorders,
    order_quantity_with_price_breaks,
)
from demandcast.schema.errors import BadInputError

NUMBERS = st.floats(0.05, 500)


def test_eoq_is_that_of_stockpyl(stockpyl):
    cases = stockpyl["eoq"]
    rate, fixed, holding = columns(cases, "demand_rate", "fixed_cost", "holding_cost")
    quantity, cost = columns(cases, "order_quantity", "cost")
    best = economic_order_quantity(rate, order_cost=fixed, holding_cost=holding)
    close(best.order_quantity, quantity)
    close(best.cost, cost)
    for given_quantity, given_cost in evaluations(cases):
        other = economic_order_quantity(
            rate, order_cost=fixed, holding_cost=holding, order_quantity=given_quantity
        )
        close(other.cost, given_cost)


def test_backorders_are_those_of_stockpyl(stockpyl):
    cases = stockpyl["eoqb"]
    (rate,) = columns(cases, "demand_rate")
    costs = StockCosts(*columns(cases, "holding_cost", "stockout_cost", "fixed_cost"))
    quantity, share, cost = columns(cases, "order_quantity", "share", "cost")
    best = order_quantity_with_backorders(rate, costs=costs)
    close(best.order_quantity, quantity)
    close(best.backorder_share, share)
    close(best.cost, cost)
    for given_quantity, given_share, given_cost in evaluations(cases):
        other = order_quantity_with_backorders(
            rate, costs=costs, order_quantity=given_quantity, backorder_share=given_share
        )
        close(other.cost, given_cost)


def test_epq_is_that_of_stockpyl(stockpyl):
    cases = stockpyl["epq"]
    rate, capacity, fixed, holding = columns(
        cases, "demand_rate", "production_rate", "fixed_cost", "holding_cost"
    )
    given_costs = {"production_rate": capacity, "order_cost": fixed, "holding_cost": holding}
    quantity, cost = columns(cases, "order_quantity", "cost")
    best = economic_production_quantity(rate, **given_costs)
    close(best.order_quantity, quantity)
    close(best.cost, cost)
    for given_quantity, given_cost in evaluations(cases):
        other = economic_production_quantity(rate, **given_costs, order_quantity=given_quantity)
        close(other.cost, given_cost)


def test_price_breaks_are_those_of_stockpyl(stockpyl):
    cases = stockpyl["discounts"]
    rate, fixed, share = columns(cases, "demand_rate", "fixed_cost", "holding_cost_rate")
    breaks = PriceBreaks(*columns(cases, "breakpoints", "unit_costs"))
    quantity, cost = columns(cases, "order_quantity", "cost")
    best = order_quantity_with_price_breaks(
        rate, order_cost=fixed, holding_rate=share, breaks=breaks
    )
    close(best.order_quantity, quantity)
    close(best.cost, cost)


def test_price_breaks_by_hand():
    breaks = PriceBreaks([0, 100], [4.0, 3.0])
    # 60 units cost 4 each; 100 cost 3 each, and are the least that do.
    for quantity, price in ((60, 4), (99.9, 4), (100, 3), (250, 3)):
        plan = order_quantity_with_price_breaks(
            [50.0], order_cost=8, holding_rate=0.1, breaks=breaks, order_quantity=quantity
        )
        expected = price * 50 + 8 * 50 / quantity + 0.1 * price * quantity / 2
        np.testing.assert_allclose(plan.cost, [expected])


@settings(deadline=None)
@given(NUMBERS, NUMBERS, st.floats(0.05, 5), st.floats(0.5, 1000))
def test_no_quantity_beats_the_best_under_price_breaks(rate, fixed, share, quantity):
    given_costs = {
        "order_cost": fixed,
        "holding_rate": share,
        "breaks": PriceBreaks([0, 40, 300], [5.0, 4.9, 3.0]),
    }
    best = order_quantity_with_price_breaks(rate, **given_costs)
    other = order_quantity_with_price_breaks(rate, **given_costs, order_quantity=quantity)
    assert other.cost >= best.cost * (1 - 1e-12)
    again = order_quantity_with_price_breaks(
        rate, **given_costs, order_quantity=best.order_quantity
    )
    assert again.cost == pytest.approx(float(best.cost))


@settings(deadline=None)
@given(NUMBERS, NUMBERS, NUMBERS, st.floats(0.1, 10))
def test_cost_of_a_quantity_off_by_a_factor_depends_on_the_factor_alone(
    rate, fixed, holding, factor
):
    best = economic_order_quantity(rate, order_cost=fixed, holding_cost=holding)
    off = economic_order_quantity(
        rate, order_cost=fixed, holding_cost=holding, order_quantity=factor * best.order_quantity
    )
    assert off.cost / best.cost == pytest.approx((factor + 1 / factor) / 2)


@settings(deadline=None)
@given(NUMBERS, NUMBERS, NUMBERS)
def test_where_waiting_is_dear_nobody_waits(rate, fixed, holding):
    plan = order_quantity_with_backorders(rate, costs=StockCosts(holding, 1e12, fixed))
    plain = economic_order_quantity(rate, order_cost=fixed, holding_cost=holding)
    assert plan.order_quantity == pytest.approx(float(plain.order_quantity))
    assert plan.cost == pytest.approx(float(plain.cost))
    assert plan.backorder_share == pytest.approx(0, abs=1e-6)


@settings(deadline=None)
@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.floats(0, 1), st.floats(0.1, 10))
def test_no_plan_beats_the_best_with_backorders(rate, fixed, holding, stockout, share, factor):
    costs = StockCosts(holding, stockout, fixed)
    best = order_quantity_with_backorders(rate, costs=costs)
    for given_levels in (
        {"backorder_share": share},
        {"order_quantity": factor * best.order_quantity},
        {"order_quantity": factor * best.order_quantity, "backorder_share": share},
    ):
        other = order_quantity_with_backorders(rate, costs=costs, **given_levels)
        assert other.cost >= best.cost * (1 - 1e-9)


def test_no_demand_orders_nothing():
    plan = economic_order_quantity([0.0], order_cost=8, holding_cost=1)
    assert (plan.order_quantity.tolist(), plan.cost.tolist()) == ([0], [0])
    plan = order_quantity_with_price_breaks(
        [0.0], order_cost=8, holding_rate=1, breaks=PriceBreaks([0, 5], [2.0, 1.0])
    )
    assert (plan.order_quantity.tolist(), plan.cost.tolist()) == ([0], [0])


def test_items_with_breaks_of_their_own():
    breaks = PriceBreaks([[0, 400, 800], [0, 1200, 2400]], [[0.75, 0.72, 0.68], [1490, 1220, 1100]])
    plan = order_quantity_with_price_breaks(
        [1300.0, 182500.0], order_cost=[8, 2250], holding_rate=[0.3, 0.25], breaks=breaks
    )
    assert plan.order_quantity.tolist() == [800, 2400]


def test_huge_numbers_do_not_overflow():
    plan = economic_order_quantity([1e12], order_cost=1e9, holding_cost=1e-6)
    np.testing.assert_allclose(plan.order_quantity, [np.sqrt(2 * 1e12 * 1e9 / 1e-6)])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: economic_order_quantity(-1, order_cost=1, holding_cost=1),
            "demand_rate must be at least 0",
        ),
        (
            lambda: economic_order_quantity(np.nan, order_cost=1, holding_cost=1),
            "demand_rate must be a finite number",
        ),
        (
            lambda: economic_order_quantity(1, order_cost=1, holding_cost=0),
            "holding_cost must be above 0",
        ),
        (
            lambda: economic_order_quantity(1, order_cost=1, holding_cost=1, order_quantity=0),
            "order_quantity must be above 0",
        ),
        (
            lambda: economic_production_quantity(
                5, production_rate=5, order_cost=1, holding_cost=1
            ),
            "demand_rate must be below production_rate",
        ),
        (
            lambda: order_quantity_with_backorders(
                1, costs=StockCosts(1, 1, 1), backorder_share=1.5
            ),
            "backorder_share must be at most 1, not 1.5",
        ),
        (lambda: PriceBreaks([1, 5], [2, 1]), "must begin with 0 and increase"),
        (lambda: PriceBreaks([0, 5, 5], [3, 2, 1]), "must begin with 0 and increase"),
        (lambda: PriceBreaks([0, 5], [1, 2]), "must not rise"),
        (lambda: PriceBreaks([0, 5], [1]), r"smallest_orders \(2,\) and unit_costs \(1,\)"),
        (lambda: PriceBreaks([0, 5], [1, 0]), "unit_costs must be above 0"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(BadInputError, match=message):
        call()
