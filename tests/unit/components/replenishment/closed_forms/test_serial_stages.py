"""Stages in a row: against stockpyl, nested integrals, a lattice, and played stages."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, optimize, stats
from stockpyl_values import close

from demandcast.components.replenishment.closed_forms import (
    NormalDemand,
    PmfDemand,
    PoissonDemand,
    ReviewCycle,
    SerialSystem,
    StockCosts,
    base_stock,
    newsvendor,
    normal_loss,
    serial_base_stock,
    serial_newsvendor_levels,
)
from demandcast.schema.errors import BadInputError

TEXTBOOK = SerialSystem([2, 4, 7], lead_times=[2, 1, 1], stockout_cost=37.12, review_period=0)
COARSE = 1e-3
"""stockpyl takes 100 steps of normal demand, each moved to the nearest of 1000 levels, and leaves
3e-5 of each tail out: three digits. Of whole units both agree to 1e-6, and so they do of normal
demand that stockpyl is given in ever smaller units."""


def system_of(parameters):
    # stockpyl's lead times are of continuous review, and its costs are those of echelons.
    return SerialSystem(
        np.cumsum(parameters["echelon_holding_cost"]),
        lead_times=parameters["lead_time"],
        stockout_cost=parameters["stockout_cost"],
        review_period=0,
    )


def demand_of(parameters):
    if parameters["demand_type"] == "N":
        return NormalDemand(parameters["demand_mean"], parameters["demand_sd"])
    if parameters["demand_type"] == "P":
        return PoissonDemand(parameters["demand_mean"])
    return PmfDemand(parameters["probabilities"])


def cases_of(stockpyl, *kinds):
    return [case for case in stockpyl["serial"] if case["parameters"]["demand_type"] in kinds]


def test_whole_units_are_those_of_stockpyl(stockpyl):
    cases = cases_of(stockpyl, "P", "CD")
    assert len(cases) == 7
    for case in cases:
        system, demand = system_of(case["parameters"]), demand_of(case["parameters"])
        best = serial_base_stock(demand, system=system)
        assert best.echelon_base_stock_levels.tolist() == case["levels"]
        close(best.cost, case["cost"])
        for levels, cost in case["evaluated"]:
            plan = serial_base_stock(demand, system=system, echelon_base_stock_levels=levels)
            close(plan.cost, cost)


def test_normal_demand_is_that_of_stockpyl_as_far_as_its_grid_goes(stockpyl):
    cases = cases_of(stockpyl, "N")
    assert len(cases) == 5
    for case in cases:
        system, demand = system_of(case["parameters"]), demand_of(case["parameters"])
        best = serial_base_stock(demand, system=system)
        close(best.cost, case["cost"], relative=COARSE)
        np.testing.assert_allclose(best.echelon_base_stock_levels, case["levels"], rtol=5e-3)
        for levels, cost in case["evaluated"]:
            plan = serial_base_stock(demand, system=system, echelon_base_stock_levels=levels)
            close(plan.cost, cost, relative=3 * COARSE)


def test_normal_demand_is_that_of_stockpyl_in_ever_smaller_units(stockpyl):
    cases = stockpyl["serial_rounded"]
    assert {case["name"] for case in cases} == {
        case["name"] for case in cases_of(stockpyl, "N") if not case["name"].endswith("_adj")
    }
    for case in cases:
        plan = serial_base_stock(
            demand_of(case["parameters"]),
            system=system_of(case["parameters"]),
            echelon_base_stock_levels=case["levels"],
        )
        coarse, fine = case["costs"]
        # Rounding costs in proportion to the square of the unit: half of it leaves a quarter.
        close(plan.cost, fine + (fine - coarse) / 3)


def test_newsvendor_levels_are_those_of_stockpyl(stockpyl):
    for case in cases_of(stockpyl, "N", "P"):
        system, demand = system_of(case["parameters"]), demand_of(case["parameters"])
        close(serial_newsvendor_levels(demand, system=system), case["heuristic"])


def test_half_the_period_is_half_the_cost(stockpyl):
    cases = {case["name"]: case for case in stockpyl["serial"]}
    for name in ("problem_6_2a", "problem_6_2b"):
        whole, half = (cases[key]["parameters"] for key in (name, f"{name}_adj"))
        long = serial_base_stock(demand_of(whole), system=system_of(whole))
        short = serial_base_stock(demand_of(half), system=system_of(half))
        np.testing.assert_allclose(
            short.echelon_base_stock_levels, long.echelon_base_stock_levels, rtol=1e-6
        )
        close(short.cost, long.cost / 2)


@pytest.mark.parametrize("lead_times", [[2.0, 1.0], [0.1, 4.0], [4.0, 0.1]])
def test_two_normal_stages_are_nested_integrals(lead_times):
    mean, sd, own, penalty = 20.0, 4.0, (2.0, 5.0), 24.0 + 7.0
    upper, lower = (
        NormalDemand(mean, sd).over(lead_times[0]),
        NormalDemand(mean, sd).over(lead_times[1]),
    )

    def store(y):
        return own[1] * (y - lower.mean) + penalty * normal_loss(y, mean=lower.mean, sd=lower.sd)

    best_store = newsvendor(lower, costs=StockCosts(5.0, 26.0)).base_stock_level.item()

    def system_cost(level, store_level):
        reach = float(upper.mean - 9 * upper.sd), float(upper.mean + 9 * upper.sd)
        kink = min(max(level - store_level, reach[0]), reach[1])
        value = own[0] * float(level - upper.mean)
        for start, end in ((reach[0], kink), (kink, reach[1])):
            value += integrate.quad(
                lambda d: (
                    float(store(min(store_level, level - d)))
                    * stats.norm.pdf(d, upper.mean, upper.sd)
                ),
                start,
                end,
                epsabs=1e-11,
                epsrel=1e-12,
                limit=200,
            )[0]
        return value

    system = SerialSystem([2, 7], lead_times=lead_times, stockout_cost=24.0, review_period=0)
    plan = serial_base_stock(NormalDemand(mean, sd), system=system)
    found = optimize.minimize_scalar(
        lambda y: system_cost(y, best_store),
        bracket=(plan.echelon_base_stock_levels[0] - 2, plan.echelon_base_stock_levels[0] + 3),
        tol=1e-9,
    )
    assert plan.cost == pytest.approx(found.fun, rel=1e-8)
    assert plan.echelon_base_stock_levels[0] == pytest.approx(found.x, rel=1e-5)
    assert plan.echelon_base_stock_levels[1] == pytest.approx(best_store, rel=1e-7)
    for levels in ([best_store + 70.0, best_store + 3.0], [best_store - 9.0, best_store]):
        given_plan = serial_base_stock(
            NormalDemand(mean, sd), system=system, echelon_base_stock_levels=levels
        )
        assert given_plan.cost == pytest.approx(system_cost(*levels), rel=1e-8)


def test_normal_demand_is_the_limit_of_ever_finer_whole_units():
    costs = []
    best = serial_base_stock(NormalDemand(5.0, 1.0), system=TEXTBOOK)
    for fineness in (20, 40, 80):
        edges = (np.arange(13 * fineness + 2) - 0.5) / fineness
        pmf = np.diff(stats.norm.cdf(edges, 5, 1))
        system = SerialSystem(
            np.array([2, 4, 7]) / fineness,
            lead_times=[2, 1, 1],
            stockout_cost=37.12 / fineness,
            review_period=0,
        )
        # The same levels, which are whole at every fineness.
        levels = np.array([22.7, 12.0, 6.5]) * fineness
        plan = serial_base_stock(
            PmfDemand(pmf / pmf.sum()), system=system, echelon_base_stock_levels=np.rint(levels)
        )
        costs.append(plan.cost)
    given_plan = serial_base_stock(
        NormalDemand(5.0, 1.0), system=TEXTBOOK, echelon_base_stock_levels=[22.7, 12.0, 6.5]
    )
    # The error of rounding demand falls with the square of the fineness. 3e-7 of normal demand
    # is below 0, which whole units are not.
    extrapolated = costs[2] + (costs[2] - costs[1]) / 3
    assert given_plan.cost == pytest.approx(extrapolated, rel=1e-6)
    assert best.cost < given_plan.cost


@pytest.mark.parametrize(
    ("lead_times", "review_period", "levels"),
    [
        ([2, 0, 1], 1, [43.0, 23.0, 21.0]),
        ([2, 0, 1], 1, [43.0, 20.0, 21.0]),
        ([0, 0, 1], 1, [25.0, 23.0, 21.0]),
        ([1, 2, 0], 0, [31.0, 21.5, 0.5]),
        ([1, 0, 0], 0, [11.5, 1.0, 0.5]),
        ([3, 1, 1], 1, [51.0, 30.0, 20.0]),
    ],
)
def test_stages_without_lead_time_and_lean_levels_are_limits_as_well(
    lead_times, review_period, levels
):
    costs = []
    holding = np.array([1.0, 2.0, 4.0])
    for fineness in (20, 40):
        edges = (np.arange(20 * fineness + 2) - 0.5) / fineness
        pmf = np.diff(stats.norm.cdf(edges, 10, 1))
        fine = SerialSystem(holding / fineness, lead_times, 20.0 / fineness, review_period)
        plan = serial_base_stock(
            PmfDemand(pmf / pmf.sum()),
            system=fine,
            echelon_base_stock_levels=np.array(levels) * fineness,
        )
        costs.append(plan.cost)
    system = SerialSystem(holding, lead_times, 20.0, review_period)
    plan = serial_base_stock(
        NormalDemand(10.0, 1.0), system=system, echelon_base_stock_levels=levels
    )
    assert plan.cost == pytest.approx(costs[1] + (costs[1] - costs[0]) / 3, rel=1e-8)


def test_a_store_that_covers_no_demand_needs_no_stock():
    system = SerialSystem([1, 2], lead_times=[2, 0], stockout_cost=20, review_period=0)
    best = serial_base_stock(NormalDemand(10.0, 1.0), system=system)
    assert best.echelon_base_stock_levels[1] == 0


def played(system, levels, demand):
    """Plays echelon base stock in whole periods; returns the mean cost per period."""
    holding, leads = np.asarray(system.holding_costs), np.asarray(system.lead_times, dtype=int)
    stages = len(leads)
    stock = np.zeros(stages)
    pipeline = [np.zeros(lead + 1) for lead in leads]
    waiting, charged, first = 0.0, 0.0, 200
    for period, asked in enumerate(demand):
        # Upstream first: what arrives at a stage this morning can go on this morning.
        for stage in range(stages):
            below = stock[stage:].sum() + sum(p.sum() for p in pipeline[stage:]) - waiting
            order = max(levels[stage] - below, 0.0)
            sent = order if stage == 0 else min(order, stock[stage - 1])
            if stage:
                stock[stage - 1] -= sent
            pipeline[stage][-1] += sent
            stock[stage] += pipeline[stage][0]
            pipeline[stage] = np.append(pipeline[stage][1:], 0.0)
        met = min(waiting + asked, stock[-1])
        stock[-1] -= met
        waiting += asked - met
        if period >= first:
            moving = [pipeline[stage + 1].sum() for stage in range(stages - 1)]
            charged += holding @ stock + holding[:-1] @ moving + system.stockout_cost * waiting
    return charged / (len(demand) - first)


@pytest.mark.parametrize("lead_times", [[2, 1], [1, 0], [0, 2], [3, 2, 1]])
def test_played_stages_confirm_the_cost_of_periodic_review(lead_times):
    holding = [1.0, 2.5, 3.0][-len(lead_times) :]
    system = SerialSystem(holding, lead_times=lead_times, stockout_cost=12.0)
    best = serial_base_stock(PoissonDemand(3.0), system=system)
    demand = np.random.default_rng(5).poisson(3.0, 60_000).astype(float)
    simulated = played(system, best.echelon_base_stock_levels, demand)
    assert simulated == pytest.approx(best.cost, rel=0.015)
    leaner = best.echelon_base_stock_levels - np.arange(len(lead_times), 0, -1)
    plan = serial_base_stock(PoissonDemand(3.0), system=system, echelon_base_stock_levels=leaner)
    assert played(system, leaner, demand) == pytest.approx(plan.cost, rel=0.02)


@pytest.mark.parametrize("demand", [NormalDemand(20.0, 5.0), PoissonDemand(6.0)])
@pytest.mark.parametrize("lead_time", [0, 3])
def test_one_stage_is_base_stock(demand, lead_time):
    system = SerialSystem([2.0], lead_times=[lead_time], stockout_cost=15.0)
    plan = serial_base_stock(demand, system=system)
    alone = base_stock(demand, cycle=ReviewCycle(lead_time), costs=StockCosts(2.0, 15.0))
    assert plan.cost == pytest.approx(float(alone.cost), rel=1e-8)
    assert plan.echelon_base_stock_levels[0] == pytest.approx(float(alone.base_stock_level))


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.floats(0.1, 3), min_size=2, max_size=3),
    st.floats(2, 60),
    st.floats(0.5, 6),
    st.integers(0, 3),
)
def test_neighbours_of_the_best_levels_cost_no_less(own, stockout, mean, lead_time):
    system = SerialSystem(np.cumsum(own), lead_times=[lead_time] * len(own), stockout_cost=stockout)
    for demand in (PoissonDemand(mean), NormalDemand(mean, mean / 3)):
        best = serial_base_stock(demand, system=system)
        bounds = [
            serial_newsvendor_levels(demand, system=system, weight=weight)
            for weight in (1 - 1e-9, 1e-9)
        ]
        assert (best.echelon_base_stock_levels >= bounds[0] - 1e-4).all()
        assert (best.echelon_base_stock_levels <= bounds[1] + 1e-4).all()
        for stage in range(len(own)):
            for step in (-1.0, 1.0):
                levels = best.echelon_base_stock_levels.copy()
                levels[stage] += step
                near = serial_base_stock(demand, system=system, echelon_base_stock_levels=levels)
                assert near.cost >= best.cost * (1 - 1e-8)


def test_no_demand_needs_no_stock():
    system = SerialSystem([1, 2], lead_times=[1, 1], stockout_cost=9)
    plan = serial_base_stock(PoissonDemand(0.0), system=system)
    assert plan.echelon_base_stock_levels.tolist() == [0, 0]
    assert plan.cost == 0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (([2, 1], [1, 1], 9.0), "must not fall from one stage to the next"),
        (([1, 2], [1], 9.0), r"holding_costs \(2,\) and lead_times \(1,\)"),
        (([], [], 9.0), "one value for each stage"),
        (([1, 2], [1, -1], 9.0), "lead_times must be at least 0"),
        (([1, 2], [1, 1], 0.0), "stockout_cost must be above 0"),
        (([1, np.nan], [1, 1], 9.0), "holding_costs must be a finite number"),
        (([1, 2], [1, 1], 9.0, 2), "review_period must be 0 or 1, not 2"),
    ],
)
def test_systems_that_are_refused(values, message):
    with pytest.raises(BadInputError, match=message):
        SerialSystem(*values)


@pytest.mark.parametrize(
    ("demand", "levels", "message"),
    [
        (PoissonDemand([1.0, 2.0]), None, "a serial system has one item, not 2"),
        (PoissonDemand(1.0), [3, 2], "there are 3 stages, but levels of shape"),
        (PoissonDemand(1.0), [3, 2, 0.5], "echelon_base_stock_levels must be a whole number"),
        (PoissonDemand(1.0), [3, 2, np.nan], "echelon_base_stock_levels must be a finite number"),
        (NormalDemand(1.0, 0.0), None, "standard deviation of demand must be above 0"),
    ],
)
def test_what_is_refused(demand, levels, message):
    with pytest.raises(BadInputError, match=message):
        serial_base_stock(demand, system=TEXTBOOK, echelon_base_stock_levels=levels)
