"""Lead times of orders that overtake each other: counted in a simulation, and reached in one."""

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from demandcast.components.replenishment.delivery_history import (
    HistorySettings,
    collect_deliveries,
)
from demandcast.components.replenishment.lead_time_distributions import (
    discretised_gamma,
    draw_lead_times,
    pmf_mean,
    pmf_std,
    point_masses,
)
from demandcast.components.replenishment.order_crossing import (
    Overtaken,
    count_overtaken,
    effective_lead_times,
    felt_lead_times,
)
from demandcast.components.replenishment.stock_policies import BaseStockPolicy
from demandcast.components.replenishment.stock_scenario import (
    StockScenario,
    StockSupply,
    UnmetDemand,
)
from demandcast.components.replenishment.stock_simulation import simulate_stock
from demandcast.schema.errors import BadInputError


def one(pmf, review_period):
    return effective_lead_times(np.array([pmf], float), np.array([review_period]))[0]


@pytest.mark.parametrize("lead_time", [0, 1, 2, 5, 14])
@pytest.mark.parametrize("review_period", [1, 2, 7])
def test_a_fixed_lead_time_stays_as_it_is(lead_time, review_period):
    pmf = point_masses([lead_time])
    np.testing.assert_allclose(effective_lead_times(pmf, np.array([review_period])), pmf)


def test_orders_that_cannot_overtake_each_other_by_hand():
    """R = 5, L = 1 or 2 as likely: an order is never on its way when the next is placed.

    Ends of cycles are the ends of periods 1 and 2 of each five, half of the time each.
    """
    np.testing.assert_allclose(one([0, 0.5, 0.5], 5), [0, 0.5, 0.5])


def test_an_order_that_may_come_at_once_by_hand():
    """R = 1, L = 0 or 1 as likely.

    Before the next period opens an order comes unless the last is there already and the next one
    takes a period: 1/2 x 1/2. Of the other three quarters the last is on its way in two.
    """
    np.testing.assert_allclose(one([0.5, 0.5], 1), [1 / 3, 2 / 3])


def counted(pmf, review_period, *, reviews=200_000, seed=4):
    """Walks through periods with drawn lead times and counts, as the simulator has cycles."""
    draws = np.random.default_rng(seed)
    lead_time = draw_lead_times(np.array([pmf], float), draws.random(reviews))[0]
    placed = np.arange(reviews) * review_period
    arrival = placed + lead_time
    settled = slice(len(pmf), reviews * review_period - len(pmf))
    opens = np.zeros(reviews * review_period + len(pmf), bool)
    opens[arrival] = True
    # On their way in the evening of e: placed until e, not arrived until e.
    change = np.zeros(opens.size, np.int64)
    np.add.at(change, placed, 1)
    np.add.at(change, arrival, -1)
    on_way = np.cumsum(change)
    evening = np.arange(opens.size)[settled]
    evening = evening[opens[evening + 1]]
    phase = evening % review_period + 1
    return np.bincount(review_period * (on_way[evening] - 1) + phase, minlength=len(pmf))


@pytest.mark.parametrize("review_period", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "pmf",
    [
        [0, 0.5, 0, 0.5],
        [0.3, 0.3, 0.1, 0, 0.3],
        discretised_gamma([5.0], [2.5])[0],
        [0.9, *[0] * 12, 0.1],
    ],
)
def test_it_is_what_is_counted_at_the_ends_of_cycles(pmf, review_period):
    counts = counted(pmf, review_period)
    found = one(pmf, review_period)
    assert len(found) == len(pmf)
    # Neighbouring evenings see the same orders: as few independent ones as orders per lead time.
    error = np.sqrt(found * (1 - found) * len(pmf) / counts.sum())
    assert (np.abs(counts / counts.sum() - found) <= 4 * error + 1e-5).all()


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12).filter(lambda row: sum(row) > 0.01),
    st.integers(1, 9),
)
def test_a_distribution_comes_out(weights, review_period):
    pmf = np.array(weights) / sum(weights)
    found = one(pmf, review_period)
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("review_period", [1, 2, 3])
def test_crossing_takes_spread_away(review_period):
    pmf = discretised_gamma([6.0], [3.0])
    found = effective_lead_times(pmf, np.array([review_period]))
    assert pmf_std(found)[0] < 0.8 * pmf_std(pmf)[0]
    # The mean stays, but for the whole periods in which cycles end.
    assert pmf_mean(found)[0] == pytest.approx(pmf_mean(pmf)[0], abs=1.0)


def test_rows_are_apart_and_one_that_nobody_knows_stays_unknown():
    pmf = np.array([[0, 0.5, 0.5], [np.nan] * 3, [0.2, 0.3, 0.5]])
    found = effective_lead_times(pmf, np.array([1, 2, 4]))
    np.testing.assert_allclose(found[0], one(pmf[0], 1))
    assert np.isnan(found[1]).all()
    np.testing.assert_allclose(found[2], one(pmf[2], 4))


@pytest.mark.parametrize("review_period", [[0], [1, 1], []])
def test_review_periods_that_are_none_are_refused(review_period):
    with pytest.raises(BadInputError, match="review_period: got"):
        effective_lead_times(np.array([[0.5, 0.5]]), np.array(review_period))


@pytest.mark.parametrize("target", [0.9, 0.95, 0.98])
@pytest.mark.parametrize("review_period", [1, 3])
def test_levels_by_it_reach_their_target_where_orders_overtake_each_other(review_period, target):
    """Poisson demand, backorders. Levels by the lead times themselves reach more than was asked."""
    pmf, mean, periods, series = discretised_gamma([6.0], [3.0]), 40.0, 1000, 60
    draws = np.random.default_rng(7)
    demand = draws.poisson(mean, (periods, series)).astype(float)
    lead_time = draw_lead_times(pmf, draws.random(periods * series)).reshape(periods, series)

    def reached(lead_times):
        units = np.arange(2000)
        covered = sum(
            share * stats.poisson(mean * (lead + review_period)).cdf(units)
            for lead, share in enumerate(lead_times)
        )
        level = np.searchsorted(covered, target)
        scenario = StockScenario(
            supply=StockSupply(lead_time=lead_time, review=review_period),
            unmet_demand=UnmetDemand.BACKORDERED,
            warm_up=50,
        )
        result = simulate_stock(
            demand, BaseStockPolicy(np.array([float(level)])), scenario=scenario
        )
        return result.cycles_without_stockout.sum() / result.cycles.sum(), covered[level]

    found, expected = reached(effective_lead_times(pmf, np.array([review_period]))[0])
    too_careful, _ = reached(pmf[0])
    assert found == pytest.approx(expected, abs=0.006)
    assert too_careful > found


def deliveries(*orders, by_supplier=("north",)):
    """A history of (day of order, lead time) of each supplier, days."""
    start = datetime.date(2025, 1, 1)
    rows = [
        (supplier, start + datetime.timedelta(days=day), day + lead_time)
        for supplier in by_supplier
        for day, lead_time in orders
    ]
    lines = pl.DataFrame(
        {
            "supplier": [row[0] for row in rows],
            "ordered": [row[1] for row in rows],
            "received": [start + datetime.timedelta(days=row[2]) for row in rows],
        }
    )
    return collect_deliveries(
        lines, HistorySettings("D", "before_opening", start + datetime.timedelta(days=5000))
    )


def test_orders_that_overtook_each_other_by_hand():
    """Ordered on days 0, 1, 3, 4; there on 3, 2, 5, 5: the second overtook the first alone.

    Of neighbours a day apart, two pairs, the later one does if it takes 1 day and the other 3; no
    order can overtake one that is two days ahead.
    """
    history = deliveries((0, 3), (1, 1), (3, 2), (4, 1))
    pmf = np.array([[0.0, 0.5, 0.25, 0.25]])
    found = count_overtaken(history, pmf)
    assert found == Overtaken(1, pytest.approx(2 * 0.5 * 0.25))


def test_neighbours_of_different_suppliers_do_not_overtake_each_other():
    history = deliveries((0, 9), by_supplier=("north", "south"))
    assert count_overtaken(history, np.full((2, 10), 0.1)) == Overtaken(0, 0.0)


def test_a_history_without_arrivals_tells_nothing():
    history = deliveries((6000, 1))
    assert count_overtaken(history, np.ones((1, 1))) == Overtaken()
    assert not Overtaken().independent


@pytest.mark.parametrize("length", [1, 2, 4])
def test_the_expected_number_is_that_of_independent_lead_times(length):
    pmf, draws = discretised_gamma([6.0], [3.0]), np.random.default_rng(3)
    days = np.arange(0, 2000 * length, length)
    lead_time = draw_lead_times(pmf, draws.random(days.size))[0]
    history = deliveries(*zip(days.tolist(), lead_time.tolist(), strict=True))
    found = count_overtaken(history, pmf)
    # Neighbouring pairs share an order, so the deviation is a little above the binomial one.
    assert found.observed == pytest.approx(found.expected, abs=6 * found.expected**0.5)
    assert found.independent


def test_orders_in_sequence_are_not_independent():
    """Each waits for the one before it."""
    pmf, draws = discretised_gamma([6.0], [3.0]), np.random.default_rng(3)
    days = np.arange(2000)
    arrival = np.maximum.accumulate(days + draw_lead_times(pmf, draws.random(days.size))[0])
    history = deliveries(*zip(days.tolist(), (arrival - days).tolist(), strict=True))
    found = count_overtaken(history, pmf)
    assert found.observed == 0
    assert found.expected > 100
    assert not found.independent


def test_lines_feel_the_lead_times_of_their_supplier_and_review_period():
    pmf = np.array([[0, 0.5, 0, 0.5], [1.0, 0, 0, 0], [np.nan] * 4])
    supplier, review = np.array([0, 1, 0, 0]), np.array([1, 1, 3, 1])
    more, row = felt_lead_times(pmf, supplier, review)
    np.testing.assert_array_equal(more[:3], pmf)
    assert len(more) == 3 + 3  # Pairs of supplier and review period.
    for line in range(4):
        np.testing.assert_allclose(more[row[line]], one(pmf[supplier[line]], review[line]))


def test_no_lines_feel_nothing():
    pmf = np.array([[0.5, 0.5]])
    nothing = np.zeros(0, np.int64)
    more, row = felt_lead_times(pmf, nothing, nothing)
    np.testing.assert_array_equal(more, pmf)
    assert row.shape == (0,)
