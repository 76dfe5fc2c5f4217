"""Planners of levels meet the same demand and lead times as each other."""

import numpy as np
import polars as pl
import pytest

from demandcast.components.replenishment.rolling_simulation import (
    OURS,
    RollingWorld,
    simulate_policies,
)
from demandcast.components.replenishment.stock_scenario import StockCosts, UnmetDemand

PERIODS, SERIES = 12, 3


class SteadyPlanner:
    """Keeps the position of every series at a level."""

    cutoffs = np.arange(PERIODS)
    horizon = 4
    mean_lead_time = np.ones(SERIES)
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


def world():
    ones = np.ones(SERIES)
    return RollingWorld(
        demand=np.full((PERIODS, SERIES), 2.0),
        history=np.full((40, SERIES), 2.0),
        reviewed=np.ones((PERIODS, SERIES), bool),
        review_period=np.ones(SERIES, np.int64),
        lead_time_row=np.zeros(SERIES, np.int64),
        lead_time_probabilities=np.array([[0.0, 1.0]]),
        pack_size=ones,
        moq=0 * ones,
        shelf_life=np.full(SERIES, np.inf),
        costs=StockCosts(holding_cost=0.5 * ones, stockout_cost=3.0 * ones),
        unmet_demand=UnmetDemand.LOST,
        opening=4 * ones,
        frequency="D",
        warm_up=2,
        seed=1,
        first=0,
    )


def simulated(ours, others, levels=None):
    table = simulate_policies(
        world(), ours, levels=levels or {}, targets=[0.9], reference=OURS, others=others
    )
    return {row["policy"]: row for row in table.iter_rows(named=True)}


def test_each_planner_is_a_policy_beside_the_rules_of_thumb():
    rows = simulated(SteadyPlanner(4.0), {"rich": SteadyPlanner(6.0), "poor": SteadyPlanner(2.0)})
    assert list(rows)[:3] == [OURS, "rich", "poor"]
    assert {"textbook", "last_year", "perfect_foresight"} < set(rows)
    # Two periods of 2 units pass until an order of 4 in all is there; what is above stays.
    assert [rows[name]["mean_on_hand"] for name in (OURS, "rich")] == [0.0, 2.0]
    assert [rows[name]["fill_rate"] for name in (OURS, "rich")] == [1.0, 1.0]
    assert rows["poor"]["fill_rate"] == pytest.approx(0.5)
    assert rows["rich"]["holding_cost"] == 2.0 * 0.5 * (PERIODS - 2) * SERIES


def test_planners_and_given_levels_are_the_same_policy_if_the_levels_are():
    given = {"given": {0.9: np.full((PERIODS, SERIES), 6.0)}}
    rows = simulated(SteadyPlanner(4.0), {"planned": SteadyPlanner(6.0)}, given)
    planned, same = (pl.Series(list(rows[name].values())[1:]) for name in ("planned", "given"))
    assert planned.equals(same)


def test_a_planner_is_asked_at_the_newest_cutoff_with_the_stock_of_its_own_policy():
    rich = SteadyPlanner(6.0)
    simulated(SteadyPlanner(4.0), {"rich": rich})
    assert [cutoff for cutoff, _, _ in rich.asked] == list(range(PERIODS))
    assert {target for _, target, _ in rich.asked} == {0.9}
    assert rich.asked[0][2] == [4.0] * SERIES
    assert rich.asked[-1][2] == [4.0] * SERIES  # 6 less the 2 of the day.
