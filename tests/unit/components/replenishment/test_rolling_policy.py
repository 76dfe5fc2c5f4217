"""Our policy in a rolling simulation: what it knows, what it expects, what it orders."""

import dataclasses

import numpy as np
import pytest
from rolling_world import (
    HORIZON,
    LEAD_TIMES,
    demand_of,
    origins_of,
    planner_of,
    rules_of,
    terms_of,
    without,
)

from demandcast.components.replenishment.interval_model import IntervalModel
from demandcast.components.replenishment.line_arrays import LineArrays, Sampler
from demandcast.components.replenishment.rolling_policy import (
    RollingPlanner,
    RollingPolicy,
    SeriesStock,
)
from demandcast.components.replenishment.stock_policies import BaseStockPolicy, StockState
from demandcast.components.replenishment.wanted import Aim, want

SERIES, PERIODS, FIRST = 30, 24, 12


@pytest.fixture(scope="module")
def origins():
    return origins_of(demand_of(PERIODS, SERIES))


def nothing(series):
    """Stock of series that have none."""
    return SeriesStock(np.zeros(series), np.zeros(series), np.zeros((HORIZON, series)))


def levels(planner, cutoff, *, target=0.9, series=SERIES):
    return planner.levels(cutoff, np.arange(series), nothing(series), target=target)


def changed_after(origins, cutoff):
    """Three times as much was sold in all periods after a cutoff."""
    at = origins.cutoff_days[origins.cutoff_index][:, None] + 1 + np.arange(HORIZON)
    later = at > origins.cutoff_days[cutoff]
    return dataclasses.replace(origins, actual=np.where(later, 3 * origins.actual, origins.actual))


@pytest.mark.parametrize("cutoff", [FIRST, FIRST + 5])
def test_what_came_after_a_cutoff_changes_no_level_until_it(origins, cutoff):
    # Quarters may be ordered: whole units would hide a small difference.
    terms = terms_of(SERIES, pack_size=0.25)
    known = planner_of(origins, first=FIRST, terms=terms)
    other = planner_of(changed_after(origins, cutoff), first=FIRST, terms=terms)
    for at in range(FIRST, cutoff + 1):
        np.testing.assert_array_equal(levels(known, at), levels(other, at), err_msg=str(at))
    # What it knew later does change its levels: otherwise the test could not fail.
    assert (levels(other, cutoff + 6) > levels(known, cutoff + 6)).all()


def with_empty_shelves(origins):
    """The shelf was empty now and then, the same whichever forecast looks at it."""
    period = origins.cutoff_days[origins.cutoff_index][:, None] + 1 + np.arange(HORIZON)
    empty = (period + origins.series_index[:, None]) % 5 == 0
    full = np.where(empty, 0.5, 1.0).astype(np.float32)
    return dataclasses.replace(origins, in_stock_fraction=full)


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_what_came_later_is_not_known_where_shelves_were_empty_either(origins, unmet):
    scarce = with_empty_shelves(origins)
    rules = rules_of(aim=Aim("cycle_service_level", unmet))
    terms = terms_of(SERIES, pack_size=0.25)
    known = planner_of(scarce, first=FIRST, terms=terms, rules=rules)
    other = planner_of(changed_after(scarce, FIRST + 2), first=FIRST, terms=terms, rules=rules)
    for at in range(FIRST, FIRST + 3):
        np.testing.assert_array_equal(levels(known, at), levels(other, at), err_msg=str(at))
    assert (levels(other, FIRST + 8) != levels(known, FIRST + 8)).any()


def test_copulas_know_nothing_after_the_first_decision(origins):
    """The horizon of an interval that has ended may reach further than it."""
    known = planner_of(origins, first=FIRST)
    other = planner_of(changed_after(origins, FIRST), first=FIRST)
    assert known.learnt(FIRST).copulas == other.learnt(FIRST).copulas
    before = planner_of(changed_after(origins, 3), first=FIRST)
    assert known.learnt(FIRST).copulas != before.learnt(FIRST).copulas


@pytest.mark.parametrize("memory", [None, 4])
def test_only_intervals_that_had_ended_teach(origins, memory):
    review, lead_time = 1, 2
    planner = planner_of(origins, first=FIRST, rules=rules_of(memory=memory))
    for cutoff in (FIRST, FIRST + 4):
        # One of each series has ended after each cutoff up to this one less its length.
        count = cutoff - (review + lead_time) + 1
        if memory is not None:
            count = min(count, memory)
        assert planner.learnt(cutoff).intervals == count * SERIES


def test_with_few_intervals_nothing_is_learnt():
    planner = planner_of(origins_of(demand_of(10, 3)), first=5)
    assert planner.learnt(5).intervals == 0


@pytest.mark.parametrize("measure", ["cycle_service_level", "fill_rate", "cost"])
@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_levels_are_those_of_a_proposal_with_the_same_inputs(origins, measure, unmet):
    rules = rules_of(aim=Aim(measure, unmet))
    terms = terms_of(SERIES, review_period=2, stockout_cost=np.linspace(0.5, 5.0, SERIES))
    planner = planner_of(origins, first=FIRST, terms=terms, rules=rules)
    series = np.array([4, 7, 8])
    stock = SeriesStock(
        available=np.array([0.0, 3.0, 9.0]),
        position=np.array([2.0, 3.0, 14.0]),
        arrivals=np.cumsum(np.eye(HORIZON, 3) * [2.0, 0.0, 5.0], axis=0),
    )
    found = planner.levels(FIRST, series, stock, target=0.9)

    rows = FIRST * SERIES + series
    lines = LineArrays(
        quantiles=origins.quantiles[rows],
        mean=origins.mean[rows],
        available=stock.available,
        position=stock.position,
        arrivals=stock.arrivals,
        review_period=terms.review_period[series],
        lead_time_row=terms.lead_time_row[series],
        next_lead_time_row=terms.lead_time_row[series],
        pack_size=terms.pack_size[series],
        moq=np.zeros(3),
        unit_cost=terms.unit_cost[series],
        holding_cost=terms.holding_cost[series],
        stockout_cost=terms.stockout_cost[series],
        target=np.full(3, 0.9),
        shelf_life=terms.shelf_life[series],
        capacity=np.full(3, np.inf),
    )
    sampler = Sampler.draw(
        planner.learnt(FIRST),
        np.array(LEAD_TIMES),
        origins.quantile_levels,
        horizon=HORIZON,
        paths=rules.paths,
        seed=rules.seed,
    )
    np.testing.assert_array_equal(found, want(lines, sampler, rules.aim).base_stock_level)


def test_levels_of_known_demand_by_hand():
    # 5 a period, never more or less: 3 periods to the arrival of the next order.
    origins = origins_of(np.full((10, 2), 5.0))
    sure = dataclasses.replace(origins, quantiles=np.full_like(origins.quantiles, 5.0))
    planner = planner_of(sure, first=5)
    assert planner.learnt(5).calibrations == IntervalModel().calibrations
    assert levels(planner, 5, series=2).tolist() == [15.0, 15.0]


def test_series_without_a_forecast_are_told_apart(origins):
    planner = planner_of(without(origins, FIRST, 4), first=FIRST)
    assert planner.with_forecast(FIRST, np.array([3, 4, 5])).tolist() == [3, 5]
    assert planner.with_forecast(FIRST + 1, np.array([3, 4, 5])).tolist() == [3, 4, 5]


class Asked:
    """Levels that a test sets in place of the planner's, and what was asked for them."""

    def __init__(self, monkeypatch, level):
        self.calls = []

        def answer(planner, cutoff, series, stock, *, target):
            self.calls.append((cutoff, series.tolist(), stock, target))
            return np.broadcast_to(np.asarray(level(cutoff), np.float64), series.shape)

        monkeypatch.setattr(RollingPlanner, "levels", answer)

    @property
    def arrivals(self):
        """Due until each period opens, when it was asked the last time."""
        return self.calls[-1][2].arrivals


def state(on_hand, on_order=0.0, backorders=0.0):
    return StockState(
        *(np.atleast_1d(np.asarray(one, np.float64)) for one in (on_hand, on_order, backorders))
    )


def policy_of(planner, *, series=(0,), reviewed=None, first=FIRST, target=0.9):
    places = np.array(series)
    if reviewed is None:
        reviewed = np.ones((PERIODS - first, places.size), bool)
    return RollingPolicy(planner, places, target=target, first=first, reviewed=reviewed)


LATE = ((0.0, 0.0, 0.5, 0.0, 0.5),)
"""Two or four periods, three on average."""


def test_orders_raise_the_position_to_the_level(origins, monkeypatch):
    asked = Asked(monkeypatch, lambda cutoff: [10.0, 10.0, 10.0])
    policy = policy_of(planner_of(origins, first=FIRST), series=(0, 1, 2))
    now = state([4.0, 1.0, 25.0], [2.0, 0.0, 0.0], [0.0, 3.0, 0.0])
    assert policy(0, now).tolist() == [4.0, 12.0, 0.0]
    cutoff, series, stock, target = asked.calls[-1]
    assert (cutoff, series, target) == (FIRST, [0, 1, 2], 0.9)
    assert stock.available.tolist() == [4.0, -2.0, 25.0]
    assert stock.position.tolist() == [6.0, -2.0, 25.0]


def test_orders_are_expected_a_mean_lead_time_after_they_were_placed(origins, monkeypatch):
    targets = iter([10.0, 14.0, 14.0, 14.0, 14.0])
    asked = Asked(monkeypatch, lambda cutoff: next(targets))
    policy = policy_of(planner_of(origins, first=FIRST, lead_times=LATE))
    # Placed before period 0: due before period 3 opens.
    assert policy(0, state(0.0)).tolist() == [10.0]
    assert not asked.arrivals.any()
    assert policy(1, state(0.0, 10.0)).tolist() == [4.0]
    assert asked.arrivals[:, 0].tolist() == [0.0, 0.0] + [10.0] * 6
    assert policy(2, state(0.0, 14.0)).tolist() == [0.0]
    assert asked.arrivals[:, 0].tolist() == [0.0, 10.0] + [14.0] * 6
    policy(3, state(0.0, 14.0))
    assert asked.arrivals[:, 0].tolist() == [10.0] + [14.0] * 7
    # The first is late: it is expected next.
    policy(4, state(0.0, 14.0))
    assert asked.arrivals[:, 0].tolist() == [14.0] * 8


def test_what_has_arrived_was_of_the_oldest_order(origins, monkeypatch):
    targets = iter([10.0, 14.0, 0.0])
    asked = Asked(monkeypatch, lambda cutoff: next(targets))
    policy = policy_of(planner_of(origins, first=FIRST, lead_times=LATE))
    policy(0, state(0.0))
    policy(1, state(0.0, 10.0))
    # 8 of 14 have arrived: 2 of the first order and the 4 of the second are on their way.
    policy(2, state(8.0, 6.0))
    assert asked.arrivals[:, 0].tolist() == [0.0, 2.0] + [6.0] * 6


def test_what_was_ordered_before_the_simulation_is_expected_next(origins, monkeypatch):
    asked = Asked(monkeypatch, lambda cutoff: 9.0)
    policy = policy_of(planner_of(origins, first=FIRST, lead_times=LATE))
    assert policy(0, state(1.0, 5.0)).tolist() == [3.0]
    assert asked.arrivals[:, 0].tolist() == [5.0] * 8


def test_periods_between_two_reviews_pass_as_well(origins, monkeypatch):
    asked = Asked(monkeypatch, lambda cutoff: 10.0)
    policy = policy_of(planner_of(origins, first=FIRST, lead_times=LATE))
    policy(0, state(0.0))
    policy(2, state(3.0, 10.0))
    # Placed before period 0, due before period 3: a period after the next one.
    assert asked.arrivals[:, 0].tolist() == [0.0] + [10.0] * 7
    policy(11, state(0.0, 10.0))
    assert asked.arrivals[:, 0].tolist() == [10.0] * 8


def test_the_newest_forecast_decides(monkeypatch):
    origins = origins_of(demand_of(PERIODS, 2), cutoffs=[0, 3, 6, 9])
    asked = Asked(monkeypatch, lambda cutoff: 1.0)
    policy = policy_of(planner_of(origins, first=1), first=1)
    for period in range(8):
        policy(period, state(0.0))
    # Period 0 follows cutoff 3, position 1 of the cutoffs; cutoffs 6 and 9 precede 3 and 6.
    assert [cutoff for cutoff, *_ in asked.calls] == [1, 1, 1, 2, 2, 2, 3, 3]


def test_series_that_are_not_reviewed_order_nothing(origins, monkeypatch):
    asked = Asked(monkeypatch, lambda cutoff: 10.0)
    reviewed = np.array([[True, False], [False, False]])
    policy = policy_of(planner_of(origins, first=FIRST), series=(3, 5), reviewed=reviewed)
    assert policy(0, state([0.0, 0.0], [0.0, 0.0], [0.0, 0.0])).tolist() == [10.0, 0.0]
    assert policy(1, state([0.0, 0.0], [0.0, 0.0], [0.0, 0.0])).tolist() == [0.0, 0.0]
    assert [series for _, series, *_ in asked.calls] == [[3]]


def test_a_series_without_a_forecast_orders_nothing(origins):
    planner = planner_of(without(origins, FIRST, 1), first=FIRST)
    policy = policy_of(planner, series=(0, 1, 2))
    empty = state(np.zeros(3), np.zeros(3), np.zeros(3))
    first, second = policy(0, empty), policy(1, empty)
    assert (first > 0).tolist() == [True, False, True]
    assert (second > 0).all()


def test_of_part_of_the_series_orders_are_the_same(origins):
    planner = planner_of(origins, first=FIRST)
    everything = policy_of(planner, series=range(SERIES))
    part = policy_of(planner, series=(7, 11))
    zeros = np.zeros(SERIES)
    all_orders = everything(0, state(np.arange(SERIES), zeros, zeros))
    assert part(0, state([7.0, 11.0], [0.0, 0.0], [0.0, 0.0])).tolist() == (
        all_orders[[7, 11]].tolist()
    )


def test_stock_above_the_level_orders_nothing_and_zero_demand_neither():
    origins = origins_of(np.zeros((10, 2)), mean=0.0)
    policy = policy_of(planner_of(origins, first=5), series=(0, 1), first=5)
    assert policy(0, state([0.0, 50.0], [0.0, 0.0], [0.0, 0.0])).tolist() == [0.0, 0.0]


def test_where_unmet_demand_waits_orders_are_those_of_base_stock(origins):
    """Stock on its way changes no level there: the policy is (R, S) with the planner's levels."""
    planner = planner_of(origins, first=FIRST)
    policy = policy_of(planner, series=range(SERIES))
    draws = np.random.default_rng(2)
    for period in range(3):
        now = state(*draws.integers(0, 15, (3, SERIES)).astype(float))
        expected = BaseStockPolicy(levels(planner, FIRST + period))(0, now)
        np.testing.assert_array_equal(policy(period, now), expected)


@pytest.mark.parametrize(("pack", "unit"), [(1.0, 1.0), (6.0, 1.0), (0.25, 0.0), (1.5, 0.0)])
def test_whole_packs_hold_whole_units(pack, unit):
    assert terms_of(2, pack_size=pack).unit.tolist() == [unit, unit]
