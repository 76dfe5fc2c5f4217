"""The (R, S) policy: against stockpyl, against a simulated shelf, and what always holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stockpyl_values import close, columns, evaluations

from demandcast.components.replenishment.closed_forms import (
    NormalDemand,
    PathDemand,
    PmfDemand,
    PoissonDemand,
    ReviewCycle,
    StockCosts,
    base_stock,
    base_stock_cycle_service_level,
    base_stock_fill_rate,
    base_stock_for_cycle_service_level,
    base_stock_for_fill_rate,
)
from demandcast.schema.errors import BadInputError

CYCLES = st.builds(ReviewCycle, st.integers(0, 6), st.integers(1, 5))
TARGETS = st.floats(0.05, 0.999)
MEANS = st.floats(0.2, 100)
FAMILIES = [lambda mean: NormalDemand(mean, mean / 3), PoissonDemand]


def shelf(demand, level, cycle):
    """Plays an order-up-to policy, period by period, where demand waits.

    Returns evening net stock, units newly short, and whether each cycle had none short.
    """
    periods, lead, review = len(demand), int(cycle.lead), int(cycle.review)
    on_hand, waiting = level, 0.0
    due = np.zeros(periods + lead + 1)
    net, short = np.zeros(periods), np.zeros(periods)
    on_order = 0.0
    for period in range(periods):
        if period % review == 0:
            order = level - (on_hand + on_order - waiting)
            due[period + lead] += order
            on_order += order
        on_order -= due[period]
        met = min(waiting, on_hand + due[period])
        on_hand, waiting = on_hand + due[period] - met, waiting - met
        sold = min(demand[period], on_hand)
        on_hand, waiting = on_hand - sold, waiting + demand[period] - sold
        net[period], short[period] = on_hand - waiting, demand[period] - sold
    # The cycle of an order begins with its arrival.
    cycles = short[lead : lead + (periods - lead) // review * review].reshape(-1, review)
    return net, short, cycles.sum(axis=1) == 0


def test_one_review_per_period_is_that_of_stockpyl(stockpyl):
    cases = stockpyl["newsvendor_normal"]
    mean, sd, lead_time, level, cost = columns(
        cases, "demand_mean", "demand_sd", "lead_time", "level", "cost"
    )
    costs = StockCosts(*columns(cases, "holding_cost", "stockout_cost"))
    demand, cycle = NormalDemand(mean, sd), ReviewCycle(lead_time=lead_time)
    best = base_stock(demand, cycle=cycle, costs=costs)
    # We never propose a level below 0; where demand is wild, stockpyl does.
    usual = level > 0
    assert usual.sum() >= len(cases) - 5
    close(best.base_stock_level[usual], level[usual])
    close(best.cost[usual], cost[usual])
    for given_level, given_cost in evaluations(cases):
        given_plan = base_stock(demand, cycle=cycle, costs=costs, base_stock_level=given_level)
        close(given_plan.cost, given_cost)


@pytest.mark.parametrize(("lead", "review"), [(0, 1), (2, 1), (0, 3), (2, 3), (5, 2)])
def test_a_played_shelf_confirms_cost_and_service(lead, review):
    demand = np.random.default_rng(4).poisson(4.0, 60_000).astype(float)
    cycle, level = ReviewCycle(lead, review), 4.0 * (lead + review) + 3
    family, costs = PoissonDemand(4.0), StockCosts(1.0, 7.0, order_cost=10.0)
    net, short, untouched = shelf(demand, level, cycle)
    charged = (np.maximum(net, 0) + 7.0 * np.maximum(-net, 0)).mean() + 10 / review
    plan = base_stock(family, cycle=cycle, costs=costs, base_stock_level=level)
    # Three standard errors of a mean over dependent periods are within these tolerances.
    assert charged == pytest.approx(float(plan.cost), rel=0.02)
    rate = base_stock_fill_rate(level, demand=family, cycle=cycle)
    assert 1 - short.sum() / demand.sum() == pytest.approx(float(rate), abs=0.005)
    service = base_stock_cycle_service_level(level, demand=family, cycle=cycle)
    # What is still waiting from before the delivery does not count against the cycle.
    assert untouched.mean() == pytest.approx(float(service), abs=0.012)


def test_measures_by_hand():
    demand = PmfDemand([0.5, 0.0, 0.5])
    cycle = ReviewCycle(lead_time=1, review_period=1)
    # Two periods ask for 0, 2 or 4 with 1/4, 1/2, 1/4; the first alone for 0 or 2.
    assert base_stock_cycle_service_level(2.0, demand=demand, cycle=cycle) == pytest.approx(3 / 4)
    assert base_stock_fill_rate(2.0, demand=demand, cycle=cycle) == pytest.approx(
        1 - (1 / 4 * 2 - 0) / 1
    )
    assert base_stock_fill_rate(0.0, demand=demand, cycle=cycle) == pytest.approx(0, abs=1e-12)
    plan = base_stock(
        demand, cycle=cycle, costs=StockCosts(1.0, 3.0, order_cost=5.0), base_stock_level=2.0
    )
    assert plan.cost == pytest.approx(5 + 1 * (1 / 4 * 2) + 3 * (1 / 4 * 2))


def test_the_fill_rate_can_be_below_the_cycle_service_level():
    given_values = {"demand": PoissonDemand(1.0), "cycle": ReviewCycle()}
    assert base_stock_cycle_service_level(1.0, **given_values) == pytest.approx(2 / np.e)
    assert base_stock_fill_rate(1.0, **given_values) == pytest.approx(1 - 1 / np.e)


def test_targets_are_different_things():
    demand, cycle = NormalDemand(100.0, 20.0), ReviewCycle(lead_time=1)
    by_cycles = base_stock_for_cycle_service_level(demand, cycle=cycle, cycle_service_level=0.95)
    by_units = base_stock_for_fill_rate(demand, cycle=cycle, fill_rate=0.95)
    # 95 % of cycles without a stockout is much more than 95 % of the units.
    assert by_cycles == pytest.approx(200 + 1.644854 * 20 * np.sqrt(2))
    assert by_units < by_cycles - 20
    assert base_stock_fill_rate(by_units, demand=demand, cycle=cycle) == pytest.approx(0.95)
    assert base_stock_fill_rate(by_cycles, demand=demand, cycle=cycle) > 0.99


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None)
@given(mean=MEANS, cycle=CYCLES, target=TARGETS)
def test_levels_for_targets_are_the_lowest_that_reach_them(family, mean, cycle, target):
    demand = family(mean)
    for level_for, measure in (
        (base_stock_for_cycle_service_level, base_stock_cycle_service_level),
        (base_stock_for_fill_rate, base_stock_fill_rate),
    ):
        keyword = "fill_rate" if measure is base_stock_fill_rate else "cycle_service_level"
        level = level_for(demand, cycle=cycle, **{keyword: target})
        assert measure(level, demand=demand, cycle=cycle) >= target - 1e-9
        step = max(demand.step, 1e-4 * mean)
        if level >= step:
            assert measure(level - step, demand=demand, cycle=cycle) < target


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None)
@given(mean=MEANS, cycle=CYCLES, target=TARGETS, more=st.floats(0.001, 5))
def test_levels_rise_with_target_lead_time_and_mean(family, mean, cycle, target, more):
    higher = target + (1 - target) / 2
    longer = ReviewCycle(cycle.lead + 1, cycle.review)
    for level_for, keyword in (
        (base_stock_for_cycle_service_level, "cycle_service_level"),
        (base_stock_for_fill_rate, "fill_rate"),
    ):
        level = level_for(family(mean), cycle=cycle, **{keyword: target})
        low = level - 1e-9 * level
        assert level_for(family(mean), cycle=cycle, **{keyword: higher}) >= low
        assert level_for(family(mean), cycle=longer, **{keyword: target}) >= low
        assert level_for(family(mean + more), cycle=cycle, **{keyword: target}) >= low


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None)
@given(mean=MEANS, review=st.integers(1, 5), share=st.floats(0.1, 3))
def test_fill_rate_is_at_least_the_service_of_cycles_with_demand(family, mean, review, share):
    """What is short in a bad cycle is on average no more than what a cycle with demand asks for.

    So it is without lead time where demand is new better than used in expectation, as here. Over
    all cycles it need not be: Poisson demand of mean 1 and a level of 1 serve 74 % of the cycles
    and 63 % of the units.
    """
    cycle = ReviewCycle(lead_time=0, review_period=review)
    level = np.floor(share * mean * review)
    filled = base_stock_fill_rate(level, demand=family(mean), cycle=cycle)
    served, idle = (
        base_stock_cycle_service_level(x, demand=family(mean), cycle=cycle) for x in (level, 0.0)
    )
    # 1e-3 of normal demand is negative.
    assert 1 - filled <= (1 - served) / (1 - idle) + 2e-3


@settings(deadline=None)
@given(cycle=CYCLES, level=st.floats(0, 150), gap=st.floats(0.1, 30))
def test_cost_is_convex_and_measures_rise_in_the_level(cycle, level, gap):
    demand, levels = NormalDemand(20.0, 6.0), np.array([level, level + gap, level + 2 * gap])
    plan = base_stock(demand, cycle=cycle, costs=StockCosts(1, 9, 4), base_stock_level=levels)
    assert plan.cost[1] <= (plan.cost[0] + plan.cost[2]) / 2 + 1e-9
    for measure in (base_stock_fill_rate, base_stock_cycle_service_level):
        reached = measure(levels, demand=demand, cycle=cycle)
        assert (np.diff(reached) >= -1e-12).all()


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None)
@given(mean=MEANS, cycle=CYCLES, stockout=st.floats(0.5, 100))
def test_neighbours_of_the_best_level_cost_no_less(family, mean, cycle, stockout):
    costs = StockCosts(1.0, stockout, order_cost=3.0)
    best = base_stock(family(mean), cycle=cycle, costs=costs)
    for step in (-1.0, 1.0):
        near = base_stock(
            family(mean),
            cycle=cycle,
            costs=costs,
            base_stock_level=np.maximum(best.base_stock_level + step, 0.0),
        )
        assert near.cost >= best.cost - 1e-9 * best.cost


def test_items_with_cycles_of_their_own_are_as_alone():
    mean, lead, review = np.array([4.0, 9.0, 0.5]), np.array([0, 3, 1]), np.array([1, 2, 4])
    costs = StockCosts([1.0, 2.0, 1.0], [9.0, 5.0, 30.0], [1.0, 0.0, 7.0])
    together = base_stock(PoissonDemand(mean), cycle=ReviewCycle(lead, review), costs=costs)
    filled = base_stock_for_fill_rate(
        PoissonDemand(mean), cycle=ReviewCycle(lead, review), fill_rate=0.9
    )
    for n in range(3):
        cycle = ReviewCycle(int(lead[n]), int(review[n]))
        alone = base_stock(
            PoissonDemand(mean[n]),
            cycle=cycle,
            costs=StockCosts(costs.holding[n], costs.stockout[n], costs.order[n]),
        )
        assert together.base_stock_level[n] == alone.base_stock_level
        assert together.cost[n] == pytest.approx(float(alone.cost))
        alone_filled = base_stock_for_fill_rate(PoissonDemand(mean[n]), cycle=cycle, fill_rate=0.9)
        assert filled[n] == alone_filled


def test_sample_paths_come_near_to_their_distribution():
    paths = np.random.default_rng(5).poisson([[[6.0]], [[2.0]]], (2, 40_000, 5)).astype(float)
    cycle, costs = ReviewCycle(lead_time=2, review_period=3), StockCosts(1.0, 9.0)
    exact, near = PoissonDemand([6.0, 2.0]), PathDemand(paths)
    level = base_stock(exact, cycle=cycle, costs=costs)
    from_paths = base_stock(near, cycle=cycle, costs=costs)
    np.testing.assert_allclose(from_paths.base_stock_level, level.base_stock_level, atol=1.01)
    np.testing.assert_allclose(from_paths.cost, level.cost, rtol=0.02)
    np.testing.assert_allclose(
        base_stock_fill_rate([28.0, 9.0], demand=near, cycle=cycle),
        base_stock_fill_rate([28.0, 9.0], demand=exact, cycle=cycle),
        atol=0.005,
    )


def test_no_demand_needs_no_stock():
    cycle = ReviewCycle(lead_time=2, review_period=2)
    for demand in (PoissonDemand([0.0]), NormalDemand([0.0], 0.0), PathDemand(np.zeros((1, 3, 4)))):
        assert base_stock_for_fill_rate(demand, cycle=cycle, fill_rate=0.99).tolist() == [0]
        assert base_stock_fill_rate([0.0], demand=demand, cycle=cycle).tolist() == [1]
        assert base_stock_cycle_service_level([0.0], demand=demand, cycle=cycle).tolist() == [1]
        best = base_stock(demand, cycle=cycle, costs=StockCosts(1.0, 9.0, 4.0))
        assert best.base_stock_level.tolist() == [0]
        assert best.cost.tolist() == [2]


def test_huge_demand_is_no_trouble():
    level = base_stock_for_fill_rate(
        PoissonDemand([1e8]), cycle=ReviewCycle(lead_time=3), fill_rate=0.999
    )
    assert 3.9e8 < level[0] < 4.1e8


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ReviewCycle(lead_time=-1), "lead_time must be at least 0"),
        (lambda: ReviewCycle(lead_time=0.5), "lead_time must be a whole number"),
        (lambda: ReviewCycle(review_period=0), "review_period must be above 0"),
        (lambda: ReviewCycle(review_period=np.nan), "review_period must be a finite number"),
        (
            lambda: base_stock_for_fill_rate(
                PoissonDemand(1.0), cycle=ReviewCycle(), fill_rate=1.0
            ),
            "fill_rate must be above 0 and below 1",
        ),
        (
            lambda: base_stock_for_cycle_service_level(
                PoissonDemand(1.0), cycle=ReviewCycle(), cycle_service_level=0.0
            ),
            "cycle_service_level must be above 0 and below 1",
        ),
        (
            lambda: base_stock_fill_rate(np.nan, demand=PoissonDemand(1.0), cycle=ReviewCycle()),
            "base_stock_level must be a finite number",
        ),
        (
            lambda: base_stock(
                PathDemand(np.ones((2, 3))), cycle=ReviewCycle(3), costs=StockCosts(1, 1)
            ),
            "4 periods are asked of sample paths of 3",
        ),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(BadInputError, match=message):
        call()
