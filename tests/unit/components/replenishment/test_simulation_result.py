import math

import numpy as np
import pytest
from scipy import stats

from demandcast.components.metrics.jackknife import GROUPS
from demandcast.components.replenishment.simulation_result import (
    cycle_service_level_over_cycles,
    cycle_service_level_over_series,
    estimate_mean,
    estimate_ratio,
    fill_rate_over_demand,
    mean_on_hand_over_series,
)
from demandcast.components.replenishment.stock_policies import BaseStockPolicy
from demandcast.components.replenishment.stock_scenario import StockScenario, StockSupply
from demandcast.components.replenishment.stock_simulation import simulate_stock


@pytest.fixture
def result():
    """Two series: 4 cycles of one period, all served; 2 of two periods, one of them served."""
    demand = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 9.0]])
    scenario = StockScenario(supply=StockSupply(review=[1, 2]))
    return simulate_stock(demand, BaseStockPolicy(np.array([1.0, 3.0])), scenario=scenario)


def test_a_mean_over_cycles_weighs_series_by_their_cycles(result):
    assert result.cycles.tolist() == [4, 2]
    assert cycle_service_level_over_cycles(result).value == pytest.approx(5 / 6)
    assert cycle_service_level_over_series(result).value == pytest.approx((1.0 + 0.5) / 2)


def test_the_fill_rate_is_a_mean_over_units(result):
    # The second series sells 1, 1, 1 and 2 of 9.
    assert result.fill_rate.tolist() == [1.0, 5 / 12]
    assert fill_rate_over_demand(result).value == pytest.approx((4 + 5) / (4 + 12))


def test_the_mean_stock_is_a_mean_over_series(result):
    # Evenings of the second series: 2, 1, 2, 0.
    assert result.mean_on_hand.tolist() == [0.0, 5 / 4]
    assert mean_on_hand_over_series(result).value == pytest.approx(5 / 8)


def test_the_error_of_a_mean_is_the_textbook_one():
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0])
    found = estimate_mean(values)
    expected = stats.t.interval(0.95, 5, values.mean(), stats.sem(values))
    assert found.interval() == pytest.approx(expected, rel=1e-3)


def test_the_error_of_a_ratio_is_that_of_the_delta_method():
    """Another method: the spread of the numerator less the ratio times the denominator."""
    rng = np.random.default_rng(1)
    below = rng.gamma(4.0, 2.0, 200)
    above = 0.3 * below + rng.normal(0, 0.5, 200)
    found = estimate_ratio(above, below)
    rest = above - found.value * below
    assert found.value == above.sum() / below.sum()
    assert found.error == pytest.approx(rest.std(ddof=1) / below.mean() / math.sqrt(200), rel=0.02)


def test_series_of_one_group_are_left_out_together():
    values = np.repeat([1.0, 2.0, 3.0], 50)
    together = estimate_mean(values, groups=np.repeat([7, 9, 4], 50))
    assert together.error == pytest.approx(1 / math.sqrt(3))
    assert together.freedom == 2
    assert together.error > 5 * estimate_mean(values).error


def test_many_series_are_dealt_to_groups():
    values = np.random.default_rng(1).normal(size=20_000)
    found = estimate_mean(values)
    assert found.freedom == GROUPS - 1
    assert found.error == pytest.approx(1 / math.sqrt(20_000), rel=0.15)


def test_what_does_not_count_is_left_out():
    assert estimate_mean([1.0, math.nan, 3.0]) == estimate_mean([1.0, 3.0])


def test_one_series_has_a_value_and_no_interval():
    found = estimate_ratio([1.0], [2.0])
    assert found.value == 0.5
    assert all(math.isnan(bound) for bound in found.interval())


@pytest.mark.parametrize("values", [[], [math.nan]])
def test_nothing_that_counts_has_no_value(values):
    assert math.isnan(estimate_mean(values).value)
