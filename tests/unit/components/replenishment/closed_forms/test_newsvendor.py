"""The newsvendor: against stockpyl, by hand, and what always holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stockpyl_values import close, columns, evaluations

from demandcast.components.replenishment.closed_forms import (
    LognormalDemand,
    Margins,
    NormalDemand,
    PmfDemand,
    PoissonDemand,
    SampleDemand,
    StockCosts,
    newsvendor,
    selling_window,
)
from demandcast.schema.errors import BadInputError

COSTS = st.floats(0.05, 50)


def agrees(cases, demand, costs):
    """Best level, its cost, and costs of other levels, of all cases at once."""
    level, cost = columns(cases, "level", "cost")
    best = newsvendor(demand, costs=costs)
    close(best.base_stock_level, level)
    close(best.cost, cost)
    for given_level, given_cost in evaluations(cases):
        close(newsvendor(demand, costs=costs, base_stock_level=given_level).cost, given_cost)


def test_normal_demand_is_that_of_stockpyl(stockpyl):
    cases = stockpyl["newsvendor_normal"]
    mean, sd, lead_time = columns(cases, "demand_mean", "demand_sd", "lead_time")
    # stockpyl's newsvendor covers lead_time + 1 periods: our protection interval with R = 1.
    demand = NormalDemand(mean, sd).over(lead_time + 1)
    agrees(cases, demand, StockCosts(*columns(cases, "holding_cost", "stockout_cost")))


def test_poisson_demand_is_that_of_stockpyl(stockpyl):
    cases = stockpyl["newsvendor_poisson"]
    demand = PoissonDemand(*columns(cases, "demand_mean"))
    agrees(cases, demand, StockCosts(*columns(cases, "holding_cost", "stockout_cost")))


def test_lognormal_demand_is_that_of_stockpyl(stockpyl):
    cases = stockpyl["newsvendor_lognormal"]
    demand = LognormalDemand(*columns(cases, "mu", "sigma"))
    agrees(cases, demand, StockCosts(*columns(cases, "holding_cost", "stockout_cost")))


def test_demand_by_probabilities_is_that_of_stockpyl(stockpyl):
    cases = stockpyl["newsvendor_discrete"]
    probabilities = np.zeros((len(cases), 16))
    for row, case in zip(probabilities, cases, strict=True):
        for units, probability in case["parameters"]["demand_pmf"].items():
            row[int(units)] = probability
    costs = StockCosts(*columns(cases, "holding_cost", "stockout_cost"))
    agrees(cases, PmfDemand(probabilities), costs)


def test_margins_are_those_of_stockpyl(stockpyl):
    cases = stockpyl["newsvendor_explicit"]
    names = ("revenue", "purchase_cost", "salvage_value", "holding_cost", "stockout_cost")
    margins = Margins(*columns(cases, *names))
    mean, sd = columns(cases, "demand_mean", "demand_sd")
    level, profit, units, poisson_profit = columns(
        cases, "level", "profit", "poisson_level", "poisson_profit"
    )
    best = newsvendor(NormalDemand(mean, sd), costs=margins.costs)
    close(best.base_stock_level, level)
    close(margins.profit(mean, cost=best.cost), profit)
    whole = newsvendor(PoissonDemand(mean), costs=margins.costs)
    close(whole.base_stock_level, units)
    close(margins.profit(mean, cost=whole.cost), poisson_profit)
    for given_level, given_profit in evaluations(cases):
        cost = newsvendor(
            NormalDemand(mean, sd), costs=margins.costs, base_stock_level=given_level
        ).cost
        close(margins.profit(mean, cost=cost), given_profit)


def test_samples_by_hand():
    demand = SampleDemand([[1.0, 4.0, 2.0, 3.0]])
    best = newsvendor(demand, costs=StockCosts(1.0, 3.0))
    assert best.base_stock_level.tolist() == [3]
    np.testing.assert_allclose(best.cost, [(1 * (2 + 1 + 0) + 3 * 1) / 4])


def test_many_samples_come_near_to_their_distribution():
    rng = np.random.default_rng(3)
    costs = StockCosts(0.18, 0.70)
    near = newsvendor(SampleDemand(rng.normal(50, 8, (2, 200_000))), costs=costs)
    exact = newsvendor(NormalDemand([50.0, 50.0], 8.0), costs=costs)
    np.testing.assert_allclose(near.base_stock_level, exact.base_stock_level, rtol=2e-3)
    np.testing.assert_allclose(near.cost, exact.cost, rtol=1e-2)


@settings(deadline=None)
@given(COSTS, COSTS, st.floats(1, 200))
def test_neighbours_of_the_best_level_cost_no_less(holding, stockout, mean):
    costs = StockCosts(holding, stockout)
    samples = np.random.default_rng(int(mean)).gamma(2, mean / 2, 50)
    for demand in (NormalDemand(mean, mean / 4), PoissonDemand(mean), SampleDemand(samples)):
        best = newsvendor(demand, costs=costs)
        for step in (-1.0, 1.0):
            near = newsvendor(demand, costs=costs, base_stock_level=best.base_stock_level + step)
            assert near.cost >= best.cost * (1 - 1e-9)


@settings(deadline=None)
@given(COSTS, st.floats(0.1, 20), st.floats(0.1, 20), st.floats(1, 200))
def test_level_rises_with_the_stockout_cost_and_with_demand(holding, stockout, more, mean):
    for family in (lambda m: NormalDemand(m, 5.0), PoissonDemand):
        level = newsvendor(family(mean), costs=StockCosts(holding, stockout)).base_stock_level
        dearer = newsvendor(family(mean), costs=StockCosts(holding, stockout + more))
        busier = newsvendor(family(mean + more), costs=StockCosts(holding, stockout))
        assert dearer.base_stock_level >= level
        assert busier.base_stock_level >= level


def test_waste_that_costs_lowers_the_level():
    demand = NormalDemand(100.0, 30.0)
    sold_off = Margins(revenue=5.0, unit_cost=2.0, salvage_value=1.0)
    wasted = Margins(revenue=5.0, unit_cost=2.0, salvage_value=-1.0)
    assert sold_off.costs.critical_ratio == pytest.approx(3 / 4)
    assert wasted.costs.critical_ratio == pytest.approx(3 / 6)
    assert newsvendor(demand, costs=wasted.costs).base_stock_level == pytest.approx(100)


def test_a_short_shelf_life_shortens_what_a_lot_is_bought_for():
    periods = selling_window([3, 10], shelf_life=[5, 5])
    levels = newsvendor(NormalDemand(10.0, 2.0).over(periods), costs=StockCosts(1.0, 1.0))
    assert levels.base_stock_level.tolist() == [30, 50]


def test_demand_without_spread_costs_nothing():
    best = newsvendor(NormalDemand([7.0, 0.0], 0.0), costs=StockCosts(1.0, 9.0))
    assert best.base_stock_level.tolist() == [7, 0]
    assert best.cost.tolist() == [0, 0]


def test_no_demand_and_huge_demand():
    best = newsvendor(PoissonDemand([0.0, 1e9]), costs=StockCosts(1.0, 9.0))
    assert best.base_stock_level[0] == 0
    assert best.cost[0] == 0
    assert best.base_stock_level[1] == pytest.approx(1e9 + 1.2816 * np.sqrt(1e9), rel=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: newsvendor(PoissonDemand(1.0), costs=StockCosts(1, 1), base_stock_level=np.nan),
            "base_stock_level must be a finite number",
        ),
        (lambda: Margins(1.0, 1.0, 0.0), "unit_cost must be below revenue"),
        (lambda: Margins(2.0, 1.0, 1.0), "salvage_value must be below unit_cost"),
        (lambda: Margins(2.0, 1.0, 0.0, holding_cost=-1.0), "holding_cost must be at least 0"),
        (lambda: selling_window(0, shelf_life=1), "protection_interval must be above 0"),
        (lambda: selling_window(1, shelf_life=np.nan), "shelf_life must be a finite number"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(BadInputError, match=message):
        call()
