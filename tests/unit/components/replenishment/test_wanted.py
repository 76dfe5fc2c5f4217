"""Base-stock levels of lines, by hand and by their measures."""

import numpy as np
import pytest
import replenishment_world as world

from demandcast.components.replenishment.calibration import Calibration
from demandcast.components.replenishment.interval_model import EDGES, IntervalModel
from demandcast.components.replenishment.wanted import Aim, in_whole_units, want

WAITS = Aim(unmet_demand="backordered")


def levels(lines, aim=WAITS, **sampler):
    return want(lines, world.sampler_of(**sampler), aim).base_stock_level


def test_the_demand_of_the_interval():
    found = want(world.line_arrays([3.0, 0.0]), world.sampler_of(), WAITS)
    np.testing.assert_allclose(found.base_stock_level, [3 * (1 + 1), 0])
    np.testing.assert_allclose(found.expected_demand, [6, 0], atol=1e-3)
    np.testing.assert_allclose(found.demand_median, [6, 0], atol=1e-3)
    assert found.probability.tolist() == [0.95, 0.95]
    assert np.isinf(found.shelf_life_cap).all()


def test_a_quantile_of_one_uniform_period():
    # Demand of one period, uniform on [0, 20], and no lead time.
    lines = world.line_arrays([10.0], spread=1.0, pack_size=0.5, target=0.75)
    assert levels(lines, lead_times=[[1.0]]) == pytest.approx([15], abs=0.1)


def test_the_quantile_of_a_sum_lies_below_the_sum_of_quantiles():
    lines = world.line_arrays([10.0], spread=1.0, pack_size=0.5, review_period=4)
    (level,) = levels(lines, lead_times=[[1.0]])
    # 40 + z x sqrt(4 x 20^2 / 12), the normal approximation; the sum of quantiles is 76.
    assert level == pytest.approx(40 + 1.645 * np.sqrt(4 * 400 / 12), abs=1.0)


def test_random_lead_times():
    lines = world.line_arrays([10.0], target=0.9)
    # 0 or 4 periods: a target above a half needs the longer one.
    assert levels(lines, lead_times=[[0.5, 0, 0, 0, 0.5]]).tolist() == [50]
    low = world.line_arrays([10.0], target=0.4)
    assert levels(low, lead_times=[[0.5, 0, 0, 0, 0.5]]).tolist() == [10]


def test_an_interval_beyond_the_horizon_is_cut():
    assert levels(world.line_arrays([1.0], review_period=100)).tolist() == [8]


@pytest.mark.parametrize(
    ("available", "arrivals", "level"),
    [(0.0, 0.0, 15 - 10), (4.0, 0.0, 15 - 6), (12.0, 0.0, 15), (0.0, 7.0, 15 - 3)],
)
def test_what_is_lost_on_the_way_is_not_needed(available, arrivals, level):
    lines = world.line_arrays(
        [5.0],
        available=available,
        position=available + arrivals,
        arrivals=np.full((8, 1), arrivals),
    )
    assert levels(lines, Aim(), lead_times=[[0, 0, 1.0]]).tolist() == [level]
    assert levels(lines, WAITS, lead_times=[[0, 0, 1.0]]).tolist() == [15]


def test_the_least_cost_is_the_critical_ratio():
    # 1.9 / (1.9 + 0.1): 95 %.
    lines = world.line_arrays([10.0], spread=1.0)
    cost = want(lines, world.sampler_of(), Aim("cost", "backordered"))
    assert cost.probability == pytest.approx([0.95])
    np.testing.assert_array_equal(cost.base_stock_level, levels(lines))
    free = world.line_arrays([10.0], spread=1.0, stockout_cost=0.0)
    assert levels(free, Aim("cost", "backordered")).tolist() == [0]


def test_a_fill_rate_asks_for_less_than_a_cycle_service_level():
    lines = world.line_arrays([10.0], spread=1.0, review_period=5)
    fill = want(lines, world.sampler_of(), Aim("fill_rate", "backordered"))
    assert 0 < fill.base_stock_level[0] < levels(lines)[0]
    assert 0.3 < fill.probability[0] < 0.95


@pytest.mark.parametrize(("target", "lead_time"), [(0.05, 0), (0.95, 0), (0.95, 2)])
def test_a_fill_rate_of_a_steady_demand(target, lead_time):
    # The level covers no interval whole: of each cycle's 10, a share is met.
    lines = world.line_arrays([10.0], target=target, pack_size=0.5)
    found = levels(lines, Aim("fill_rate", "backordered"), lead_times=[np.eye(3)[lead_time]])
    np.testing.assert_allclose(found, [10 * (lead_time + target)], atol=0.02)


def test_a_calibrated_fill_rate_is_shifted_as_the_quantile_is():
    lines = world.line_arrays([100.0], spread=1.0, target=0.9, pack_size=0.5)
    more = Calibration((0.0, 0.5, 1.0), (0.0, 0.9, 1.0), 100)
    model = IntervalModel(calibrations=(more,) * (len(EDGES) + 1))
    aim = Aim("fill_rate", "backordered")
    assert levels(lines, aim, model=model) > levels(lines, aim) + 1


def test_calibration_asks_for_another_quantile():
    lines = world.line_arrays([100.0], spread=1.0, target=0.5)
    more = Calibration((0.0, 0.5, 1.0), (0.0, 0.9, 1.0), 100)
    model = IntervalModel(calibrations=(more,) * (len(EDGES) + 1))
    plain, raised = levels(lines), levels(lines, model=model)
    np.testing.assert_array_equal(
        raised, levels(world.line_arrays([100.0], spread=1.0, target=0.9))
    )
    assert raised > plain


@pytest.mark.parametrize(("life", "periods"), [(1, 2), (3, 4), (100, 8)])
def test_what_sells_until_it_expires(life, periods):
    lines = world.line_arrays([5.0], shelf_life=life, stockout_cost=2.0, unit_cost=2.0)
    found = want(lines, world.sampler_of(), WAITS)
    # A lead time of 1, then its life; no further than the forecast.
    assert found.shelf_life_cap.tolist() == [5 * periods]


def test_what_may_expire_is_weighed_by_its_costs():
    costs = np.array([0.1, 2.0, 50.0])
    lines = world.line_arrays([10.0] * 3, spread=1.0, shelf_life=1, stockout_cost=costs)
    caps = want(lines, world.sampler_of(), WAITS).shelf_life_cap
    assert (np.diff(caps) > 0).all()
    free = world.line_arrays([10.0], shelf_life=1, stockout_cost=0.0, unit_cost=0.0)
    assert want(free, world.sampler_of(), WAITS).shelf_life_cap.tolist() == [20]


@pytest.mark.parametrize(
    ("level", "unit", "expected"),
    [(2.0, 1.0, 2), (2.0000001, 1.0, 2), (2.1, 1.0, 3), (0.0, 1.0, 0), (2.1, 0.0, 2.1)],
)
def test_whole_units(level, unit, expected):
    (found,) = in_whole_units(np.array([level]), np.array([unit]))
    assert found == expected
    assert not np.signbit(found)
