"""Policies simulated after a backtest's first cutoff: reviews, demand, chunks, what is compared."""

import dataclasses

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from rolling_world import demand_of, origins_of, planner_of, rules_of, terms_of, without, world_of

from demandcast.components.replenishment import rolling_simulation
from demandcast.components.replenishment.rolling_policy import RollingPolicy
from demandcast.components.replenishment.rolling_simulation import (
    OURS,
    RollingWorld,
    demand_after,
    review_periods,
    simulate_policies,
)
from demandcast.components.replenishment.stock_scenario import (
    OpeningStock,
    StockCosts,
    StockScenario,
    StockSupply,
    UnmetDemand,
)
from demandcast.components.replenishment.stock_simulation import simulate_stock, stock_paths
from demandcast.components.replenishment.wanted import Aim
from demandcast.schema.errors import BadInputError

SERIES, PERIODS, FIRST = 7, 60, 20
RULES = ("textbook", "eoq", "min_max", "last_year", "perfect_foresight")


def reviews(periods, review, *, cutoffs=None, phase=None):
    review = np.asarray(review)
    return review_periods(
        periods,
        review,
        cutoffs=np.arange(periods) if cutoffs is None else np.asarray(cutoffs),
        phase=np.zeros(review.size, np.int64) if phase is None else np.asarray(phase),
    )


def test_reviews_come_every_review_period_from_their_phase_on():
    found = reviews(8, [1, 3, 3], phase=[0, 0, 2])
    assert [np.flatnonzero(column).tolist() for column in found.T] == [
        list(range(8)),
        [0, 3, 6],
        [2, 5],
    ]


def test_without_a_cutoff_before_a_period_nobody_decides():
    found = reviews(10, [1, 2, 3], cutoffs=[0, 2, 4, 6])
    assert [np.flatnonzero(column).tolist() for column in found.T] == [
        [0, 2, 4, 6],
        [0, 2, 4, 6],
        [0, 6],
    ]


@given(
    periods=st.integers(1, 40),
    review=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    data=st.data(),
)
def test_two_reviews_are_a_multiple_of_the_review_period_apart(periods, review, data):
    phase = [data.draw(st.integers(0, one - 1)) for one in review]
    found = reviews(periods, review, phase=phase)
    for column, length, begin in zip(found.T, review, phase, strict=True):
        assert np.flatnonzero(column).tolist() == list(range(begin, periods, length))


def test_demand_after_a_cutoff_is_put_together_of_all_forecasts():
    demand = demand_of(30, 3)
    origins = origins_of(demand, cutoffs=[0, 7, 14])
    found, known = demand_after(origins, first=1, last=22)
    # Cutoff 7 is followed by period 8, the row 7 of the demand; the horizon is 8 periods.
    np.testing.assert_array_equal(found, demand[7:22])
    assert known.all()
    found, known = demand_after(origins, first=1, last=25)
    assert known.sum(axis=0).tolist() == [15] * 3
    assert (found[15:] == 0).all()
    assert not known[15:].any()


def test_of_a_series_without_a_forecast_nothing_is_known():
    demand = demand_of(30, 2)
    origins = without(origins_of(demand, cutoffs=[0, 14]), 1, 0)
    found, known = demand_after(origins, first=1, last=22)
    assert known.sum(axis=0).tolist() == [0, 8]
    np.testing.assert_array_equal(found[:, 1], demand[14:22, 1])


@pytest.fixture(scope="module")
def demand():
    return demand_of(PERIODS, SERIES)


@pytest.fixture(scope="module")
def planner(demand):
    return planner_of(origins_of(demand), first=FIRST)


def world(demand, **changes):
    return world_of(demand[FIRST:], history=demand[:FIRST], first=FIRST, **changes)


def simulated(world, planner, *, levels=None, targets=(0.9, 0.98), reference="textbook"):
    return simulate_policies(
        world, planner, levels=levels or {}, targets=targets, reference=reference
    )


@pytest.fixture(scope="module")
def table(demand, planner):
    return simulated(world(demand), planner)


def row(table, policy, target=None):
    of = table.filter(pl.col("policy") == policy)
    (found,) = (of if target is None else of.filter(pl.col("target") == target)).to_dicts()
    return found


def test_policies_stand_side_by_side(table):
    assert table["policy"].unique(maintain_order=True).to_list() == [OURS, *RULES]
    targets = {name: part["target"].to_list() for (name,), part in table.group_by(["policy"])}
    assert (
        targets[OURS] == targets["textbook"] == targets["eoq"] == targets["min_max"] == [0.9, 0.98]
    )
    assert targets["last_year"] == targets["perfect_foresight"] == [None]
    assert set(table["series"]) == {SERIES}


def test_all_policies_are_judged_on_the_same_cycles(table):
    # A cycle a period: reviews before the periods 1 to 37, whose orders come two periods later,
    # open those that begin after the warm-up of 3.
    assert set(table["cycles"]) == {SERIES * (PERIODS - FIRST - 3)}


def test_the_reference_is_1_of_itself(table):
    for target in (0.9, 0.98):
        found = row(table, "textbook", target)
        for name in ("mean_on_hand", "operating_cost", "total_cost"):
            assert found[f"{name}_ratio"] == pytest.approx(1.0)
        assert found["operating_cost_ratio_low"] == pytest.approx(1.0)
        assert found["operating_cost_ratio_high"] == pytest.approx(1.0)


def test_ratios_are_those_of_the_costs(table):
    for target in (0.9, 0.98):
        ours, other = row(table, OURS, target), row(table, "textbook", target)
        ratio = ours["operating_cost"] / other["operating_cost"]
        assert ours["operating_cost_ratio"] == pytest.approx(ratio)


def test_foresight_has_no_stockout_and_the_least_stock(table):
    found = row(table, "perfect_foresight")
    assert found["cycle_service_level"] == found["fill_rate"] == 1.0
    assert found["stockout_cost"] == 0.0
    assert found["mean_on_hand"] == table["mean_on_hand"].min()


def test_a_higher_target_holds_more_and_fails_less(table):
    low, high = row(table, OURS, 0.9), row(table, OURS, 0.98)
    assert high["mean_on_hand"] > low["mean_on_hand"]
    assert high["cycle_service_level"] > low["cycle_service_level"]
    assert high["holding_cost"] > low["holding_cost"]
    assert high["stockout_cost"] < low["stockout_cost"]


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("unmet", list(UnmetDemand))
def test_chunks_change_nothing(demand, monkeypatch, size, unmet):
    lead_times = ((0.0, 0.5, 0.3, 0.2), (0.0, 0.0, 1.0, 0.0))
    rows = np.arange(SERIES) % 2
    changes = {
        "lead_times": lead_times,
        "lead_time_row": rows,
        "unmet_demand": unmet,
        "pack_size": np.where(np.arange(SERIES) % 3, 1.0, 6.0),
        "shelf_life": np.where(np.arange(SERIES) % 2, np.inf, 5.0),
    }
    planner = planner_of(
        origins_of(demand),
        first=FIRST,
        terms=terms_of(SERIES, lead_time_row=rows),
        lead_times=lead_times,
        rules=rules_of(aim=Aim("cycle_service_level", unmet.value)),
    )
    levels = {"given": {0.9: demand[FIRST:] + 10.0}}
    of = world(demand, **changes)
    whole = simulated(of, planner, levels=levels, targets=[0.9])
    monkeypatch.setattr(rolling_simulation, "_CHUNK", size)
    assert_frame_equal(whole, simulated(of, planner, levels=levels, targets=[0.9]))
    assert row(whole, "given", 0.9)["series"] == SERIES


def scenario_of(world):
    """The same supply with fixed lead times, for our policy on its own."""
    return StockScenario(
        supply=StockSupply(
            lead_time=2,
            review=world.reviewed,
            pack_size=world.pack_size,
            moq=world.moq,
            shelf_life=world.shelf_life,
        ),
        costs=world.costs,
        unmet_demand=world.unmet_demand,
        opening=OpeningStock(on_hand=world.opening),
        warm_up=world.warm_up,
    )


def ours(world, planner, target=0.9):
    series = np.arange(world.demand.shape[1])
    return RollingPolicy(planner, series, target=target, first=FIRST, reviewed=world.reviewed)


@pytest.mark.parametrize("unmet", list(UnmetDemand))
@pytest.mark.parametrize("pack", [1.0, 6.0])
def test_units_are_conserved(demand, unmet, pack):
    of = world(
        demand,
        review=3,
        unmet_demand=unmet,
        pack_size=np.full(SERIES, pack),
        shelf_life=np.full(SERIES, 4.0),
    )
    planner = planner_of(
        origins_of(demand),
        first=FIRST,
        terms=terms_of(SERIES, review_period=3, pack_size=pack),
        rules=rules_of(aim=Aim("cycle_service_level", unmet.value)),
    )
    found = simulate_stock(of.demand, ours(of, planner), scenario=scenario_of(of))
    np.testing.assert_allclose(
        found.opening_on_hand + found.received, found.sales + found.waste + found.closing_on_hand
    )
    np.testing.assert_allclose(
        found.opening_on_order + found.ordered, found.received + found.closing_on_order
    )
    np.testing.assert_allclose(
        found.opening_backorders + found.demand,
        found.sales + found.lost + found.closing_backorders,
    )
    assert (found.ordered > 0).all()


def test_the_comparison_simulates_our_policy_and_nothing_else(demand, planner):
    """The row of ours is what our policy alone comes to on the same demand and lead times."""
    of = world(demand)
    alone = simulate_stock(of.demand, ours(of, planner), scenario=scenario_of(of))
    found = row(simulated(of, planner), OURS, 0.9)
    assert found["operating_cost"] == pytest.approx(alone.costs.operating.sum())
    assert found["mean_on_hand"] == pytest.approx(alone.mean_on_hand.mean())
    assert found["cycles"] == alone.cycles.sum()


def test_orders_are_placed_at_reviews_only(demand):
    of = world(demand, review=4)
    planner = planner_of(origins_of(demand), first=FIRST, terms=terms_of(SERIES, review_period=4))
    found = stock_paths(of.demand, ours(of, planner), scenario=scenario_of(of))
    assert (found.ordered[~of.reviewed] == 0).all()
    assert (found.ordered[of.reviewed] > 0).mean() > 0.9


def test_levels_of_others_are_compared_as_well(demand, planner):
    plenty = np.full((PERIODS - FIRST, SERIES), 1000.0)
    levels = {"plenty": {0.9: plenty, 0.98: plenty}}
    found = row(simulated(world(demand), planner, levels=levels, reference="plenty"), "plenty", 0.9)
    assert (found["cycle_service_level"], found["operating_cost_ratio"]) == (1.0, 1.0)


def test_a_reference_that_nobody_simulates_is_refused(demand, planner):
    with pytest.raises(BadInputError, match=r"reference: got nobody; the policies are \["):
        simulated(world(demand), planner, reference="nobody")


def test_the_seed_draws_the_lead_times(demand):
    lead_times = ((0.0, 0.3, 0.4, 0.3),)
    planner = planner_of(origins_of(demand), first=FIRST, lead_times=lead_times)
    of = world(demand, lead_times=lead_times)
    first, again = simulated(of, planner), simulated(of, planner)
    assert_frame_equal(first, again)
    other = simulated(dataclasses.replace(of, seed=6), planner)
    assert row(first, OURS, 0.9)["mean_on_hand"] != row(other, OURS, 0.9)["mean_on_hand"]


def test_one_series_is_simulated_and_no_demand_costs_only_stock():
    demand = np.zeros((30, 1))
    planner = planner_of(origins_of(demand, mean=0.0), first=10)
    of = world_of(demand[10:], history=demand[:10], first=10)
    found = row(simulated(of, planner, targets=[0.9]), OURS, 0.9)
    # 10 units at hand in all 17 counted evenings, at 0.1 each.
    assert found["operating_cost"] == pytest.approx(10 * 17 * 0.1)
    assert found["orders"] == 0
    assert found["fill_rate"] is None


DAYS, ITEMS = 12, 3


class SteadyPlanner:
    """Keeps the position of every series at a level."""

    cutoffs = np.arange(DAYS)
    horizon = 4
    mean_lead_time = np.ones(ITEMS)
    longest_lead_time = 1

    def __init__(self, level):
        self._level = level
        self.asked = []

    def with_forecast(self, cutoff, series):
        del cutoff
        return series

    def levels(self, cutoff, series, stock, *, target):
        self.asked.append((cutoff, target, stock.position.tolist()))
        return np.full(series.size, self._level)


def steady_world():
    ones = np.ones(ITEMS)
    return RollingWorld(
        demand=np.full((DAYS, ITEMS), 2.0),
        history=np.full((40, ITEMS), 2.0),
        reviewed=np.ones((DAYS, ITEMS), bool),
        review_period=np.ones(ITEMS, np.int64),
        lead_time_row=np.zeros(ITEMS, np.int64),
        lead_time_probabilities=np.array([[0.0, 1.0]]),
        pack_size=ones,
        moq=0 * ones,
        shelf_life=np.full(ITEMS, np.inf),
        costs=StockCosts(holding_cost=0.5 * ones, stockout_cost=3.0 * ones),
        unmet_demand=UnmetDemand.LOST,
        opening=4 * ones,
        frequency="D",
        warm_up=2,
        seed=1,
        first=0,
    )


def side_by_side(ours, others, levels=None):
    table = simulate_policies(
        steady_world(), ours, levels=levels or {}, targets=[0.9], reference=OURS, others=others
    )
    return {row["policy"]: row for row in table.iter_rows(named=True)}


def test_each_planner_is_a_policy_beside_the_rules_of_thumb():
    rows = side_by_side(
        SteadyPlanner(4.0), {"rich": SteadyPlanner(6.0), "poor": SteadyPlanner(2.0)}
    )
    assert list(rows)[:3] == [OURS, "rich", "poor"]
    assert {"textbook", "last_year", "perfect_foresight"} < set(rows)
    # Two periods of 2 units pass until an order of 4 in all is there; what is above stays.
    assert [rows[name]["mean_on_hand"] for name in (OURS, "rich")] == [0.0, 2.0]
    assert [rows[name]["fill_rate"] for name in (OURS, "rich")] == [1.0, 1.0]
    assert rows["poor"]["fill_rate"] == pytest.approx(0.5)
    assert rows["rich"]["holding_cost"] == 2.0 * 0.5 * (DAYS - 2) * ITEMS


def test_planners_and_given_levels_are_the_same_policy_if_the_levels_are():
    given = {"given": {0.9: np.full((DAYS, ITEMS), 6.0)}}
    rows = side_by_side(SteadyPlanner(4.0), {"planned": SteadyPlanner(6.0)}, given)
    planned, same = (pl.Series(list(rows[name].values())[1:]) for name in ("planned", "given"))
    assert planned.equals(same)


def test_a_planner_is_asked_at_the_newest_cutoff_with_the_stock_of_its_own_policy():
    rich = SteadyPlanner(6.0)
    side_by_side(SteadyPlanner(4.0), {"rich": rich})
    assert [cutoff for cutoff, _, _ in rich.asked] == list(range(DAYS))
    assert {target for _, target, _ in rich.asked} == {0.9}
    assert rich.asked[0][2] == [4.0] * ITEMS
    assert rich.asked[-1][2] == [4.0] * ITEMS  # 6 less the 2 of the day.


def test_orders_of_a_supplier_have_lead_times_of_their_own(demand):
    """One series or all of them: a series' lead times are the same, and not those of another."""
    of = world(demand, lead_times=((0.0, 0.25, 0.25, 0.25, 0.25),))
    every = rolling_simulation._lead_times(of, slice(0, SERIES))
    assert every.shape == of.demand.shape
    np.testing.assert_array_equal(rolling_simulation._lead_times(of, slice(2, 3)), every[:, 2:3])
    assert (every[:, 0] != every[:, 1]).any()
