"""Projections: against a shop that is kept by hand, path by path and day by day."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from demandcast.components.replenishment.stock_projection import (
    Stock,
    cover_periods,
    lost_sales,
    project,
    stock_bands,
)

units = st.integers(0, 100).map(float)


@st.composite
def worlds(draw):
    """Demand [H, n, P] in whole units, stock, and an order with its lead times."""
    horizon, series, paths = draw(
        st.tuples(st.integers(1, 8), st.integers(1, 3), st.integers(1, 5))
    )
    lead_times = st.integers(0, 10)
    demand = draw(hnp.arrays(np.float32, (horizon, series, paths), elements=units))
    deliveries = draw(hnp.arrays(np.float64, (horizon, series), elements=units))
    stock = Stock(
        available=draw(hnp.arrays(np.float64, series, elements=st.integers(-150, 400).map(float))),
        arrivals=np.cumsum(deliveries, axis=0),
        interval=draw(hnp.arrays(np.int64, (series, paths), elements=st.integers(1, 12))),
    )
    quantity = draw(hnp.arrays(np.float64, series, elements=units))
    lead_time = draw(hnp.arrays(np.int64, (series, paths), elements=lead_times))
    return demand, stock, quantity, lead_time


def kept_by_hand(demand, stock, quantity, lead_time):
    """A shop for each series and path; what is reserved waits, what is short is lost.

    Returns sold and lost units and the evening's stock of each period, shapes [H, n, P].
    """
    horizon, series, paths = demand.shape
    sold, lost, evening = (np.zeros(demand.shape) for _ in range(3))
    for row in range(series):
        for path in range(paths):
            on_hand, arrived = stock.available[row], 0.0  # Below 0: owed to reservations.
            for day in range(horizon):
                on_hand += stock.arrivals[day, row] - arrived
                arrived = stock.arrivals[day, row]
                on_hand += quantity[row] if lead_time[row, path] == day else 0.0
                wanted = demand[day, row, path]
                sold[day, row, path] = min(max(on_hand, 0.0), wanted)
                lost[day, row, path] = wanted - sold[day, row, path]
                on_hand -= sold[day, row, path]
                evening[day, row, path] = max(on_hand, 0.0)
    return sold, lost, evening


def projected(demand, stock, quantity, lead_time):
    return project(
        np.cumsum(demand, axis=0), stock, order_quantity=quantity, order_lead_time=lead_time
    )


@given(worlds())
def test_projection_is_that_of_shops_kept_by_hand(world):
    demand, stock, _, _ = world
    sold, lost, evening = kept_by_hand(*world)
    np.testing.assert_array_equal(sold + lost, demand)  # The shops lose no unit and find none.
    inside = np.arange(len(demand))[:, None, None] < stock.interval
    total = (lost * inside).sum(axis=0)
    outlook = projected(*world)
    np.testing.assert_allclose(outlook.expected_lost_sales, total.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(outlook.stockout_probability, (total > 0).mean(axis=1))
    np.testing.assert_allclose(
        outlook.expected_unit_periods, (evening * inside).sum(axis=0).mean(axis=1), rtol=1e-5
    )


@given(worlds())
def test_what_is_lost_without_an_order_is_that_of_shops_kept_by_hand(world):
    demand, stock, quantity, lead_time = world
    _, lost, _ = kept_by_hand(demand, stock, np.zeros_like(quantity), lead_time)
    inside = np.arange(len(demand))[:, None, None] < stock.interval
    found = lost_sales(np.cumsum(demand, axis=0), stock)
    np.testing.assert_allclose(found, (lost * inside).sum(axis=0), rtol=1e-5)


@given(worlds())
def test_units_are_conserved(world):
    # Over the whole horizon: stock and deliveries are sold, lie there, or go to reservations.
    demand, stock, quantity, lead_time = world
    horizon = len(demand)
    whole = Stock(stock.available, stock.arrivals, np.full_like(stock.interval, horizon))
    lost = projected(demand, whole, quantity, lead_time).expected_lost_sales
    sold = demand.sum(axis=0).mean(axis=1) - lost
    left = stock_bands(
        np.cumsum(demand, axis=0),
        whole,
        order_quantity=quantity,
        order_lead_time=lead_time,
        levels=np.linspace(0, 1, demand.shape[2]),  # With as many levels as paths: each path.
    )[:, -1].mean(axis=1)
    arrived = (quantity[:, None] * (lead_time < horizon)).mean(axis=1)
    if demand.shape[2] > 1 and (stock.available >= 0).all():
        supply = stock.available + stock.arrivals[-1] + arrived
        np.testing.assert_allclose(sold + left, supply, rtol=1e-5, atol=1e-3)


@given(worlds())
def test_bands_are_quantiles_of_the_evenings_of_shops_kept_by_hand(world):
    demand, stock, quantity, lead_time = world
    levels = np.array([0.1, 0.5, 0.95])
    found = stock_bands(
        np.cumsum(demand, axis=0),
        stock,
        order_quantity=quantity,
        order_lead_time=lead_time,
        levels=levels,
    )
    _, _, evening = kept_by_hand(*world)
    expected = np.quantile(evening, levels, axis=2).transpose(2, 1, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert (np.diff(found, axis=2) >= 0).all()


@given(worlds(), st.integers(1, 80))
def test_a_larger_order_loses_no_more(world, more):
    demand, stock, quantity, lead_time = world
    one, two = projected(*world), projected(demand, stock, quantity + more, lead_time)
    assert (two.expected_lost_sales <= one.expected_lost_sales).all()
    assert (two.stockout_probability <= one.stockout_probability).all()
    assert (two.expected_unit_periods >= one.expected_unit_periods).all()


@given(worlds(), st.integers(1, 5))
def test_a_later_order_loses_no_less(world, later):
    demand, stock, quantity, lead_time = world
    one, two = projected(*world), projected(demand, stock, quantity, lead_time + later)
    assert (two.expected_lost_sales >= one.expected_lost_sales).all()


def one_shop(available, demand, *, interval=None, arrivals=None):
    """One series on one path."""
    demand = np.asarray(demand, np.float32)[:, None, None]
    arrivals = np.zeros(len(demand)) if arrivals is None else np.asarray(arrivals, np.float64)
    interval = len(demand) if interval is None else interval
    return demand, Stock(np.array([float(available)]), arrivals[:, None], np.array([[interval]]))


def numbers(outlook):
    return (
        outlook.stockout_probability.item(),
        outlook.expected_lost_sales.item(),
        outlook.expected_unit_periods.item(),
    )


def test_projection_by_hand():
    # Evenings: 10 - 4 = 6, 6 - 4 = 2, 2 short of 4 (2 lost), then 5 arrive: 5 - 4 = 1.
    demand, stock = one_shop(10, [4, 4, 4, 4])
    outlook = projected(demand, stock, np.array([5.0]), np.array([[3]]))
    assert numbers(outlook) == (1.0, 2.0, 6 + 2 + 0 + 1)


def test_reservations_wait_and_are_not_lost_sales():
    # 5 are owed; the 6 that arrive before the second day pay for them and leave 1 for 4.
    demand, stock = one_shop(-5, [3, 4], arrivals=[0, 6])
    outlook = projected(demand, stock, np.zeros(1), np.array([[0]]))
    assert numbers(outlook) == (1.0, 3 + 3, 0.0)


def test_what_is_short_after_the_interval_does_not_count():
    demand, stock = one_shop(4, [4, 4], interval=1)
    assert numbers(projected(demand, stock, np.zeros(1), np.array([[0]]))) == (0.0, 0.0, 0.0)


def test_an_interval_beyond_the_last_period_is_cut():
    demand, stock = one_shop(9, [4, 4], interval=99)
    assert numbers(projected(demand, stock, np.zeros(1), np.array([[99]]))) == (0.0, 0.0, 5 + 1)


@pytest.mark.parametrize("value", [0.0, 3.0, 1e9])
def test_stock_for_exactly_the_demand_has_no_stockout(value):
    demand, stock = one_shop(28 * value, [value] * 28)
    probability, lost, _ = numbers(projected(demand, stock, np.zeros(1), np.array([[0]])))
    assert probability == 0
    assert lost <= 1e-6 * 28 * value


def test_rounding_of_huge_demand_is_not_a_stockout_and_a_real_one_is():
    # Thirds of a billion have no float32, and their sums are off by whole units.
    days = [1e9 / 3] * 28
    for stock_share, expected in ((1.0, 0.0), (0.9999, 1.0)):
        demand, stock = one_shop(stock_share * sum(days), days)
        assert numbers(projected(demand, stock, np.zeros(1), np.array([[0]])))[0] == expected


def test_without_demand_nothing_is_lost_and_all_lies_there():
    demand, stock = one_shop(3, [0, 0])
    assert numbers(projected(demand, stock, np.array([2.0]), np.array([[1]]))) == (0, 0, 3 + 5)


@pytest.mark.parametrize("unknown", ["demand", "available", "quantity"])
def test_what_is_not_known_has_no_outlook(unknown):
    demand = np.ones((3, 2, 4), np.float32)
    available, quantity = np.full(2, 2.0), np.zeros(2)
    if unknown == "demand":
        demand[1, 0, 2] = np.nan
    elif unknown == "available":
        available[0] = np.nan
    else:
        quantity[0] = np.nan
    stock = Stock(available, np.zeros((3, 2)), np.full((2, 4), 3))
    lead_time = np.ones((2, 4), np.int64)
    outlook = projected(demand, stock, quantity, lead_time)
    for values in (
        outlook.stockout_probability,
        outlook.expected_lost_sales,
        outlook.expected_unit_periods,
    ):
        assert np.isnan(values).tolist() == [True, False]
    bands = stock_bands(
        np.cumsum(demand, axis=0),
        stock,
        order_quantity=quantity,
        order_lead_time=lead_time,
        levels=np.array([0.5]),
    )
    assert np.isnan(bands[:, -1, 0]).tolist() == [True, False]


@given(worlds(), st.integers(0, 800), st.sampled_from([0.2, 0.5, 0.9, 0.95, 1.0]))
def test_cover_is_counted_day_by_day(world, lasting, target):
    demand = world[0]
    horizon, series, paths = demand.shape
    found = cover_periods(
        np.cumsum(demand, axis=0), np.full(series, float(lasting)), np.full(series, target)
    )
    for row in range(series):
        days = 0
        while days < horizon:
            last = sum(demand[: days + 1, row, path].sum() <= lasting for path in range(paths))
            if last < target * paths - 1e-9:
                break
            days += 1
        assert found[row] == days


@given(worlds(), st.integers(0, 300), st.integers(0, 300))
def test_cover_does_not_fall_with_units_nor_rise_with_the_target(world, some, more):
    cumulative = np.cumsum(world[0], axis=0)
    series = cumulative.shape[1]

    def cover(lasting, target):
        return cover_periods(cumulative, np.full(series, float(lasting)), np.full(series, target))

    assert (cover(some + more, 0.9) >= cover(some, 0.9)).all()
    assert (cover(some, 0.5) >= cover(some, 0.9)).all()


def test_cover_of_edge_series():
    constant = np.cumsum(np.full((5, 1, 3), 1e9 / 3, np.float32), axis=0)
    assert cover_periods(constant, np.array([1e9]), np.array([0.95])).tolist() == [3]
    # Five thirds of a billion come out larger in float32 than they are.
    assert constant[4, 0, 0] > 5e9 / 3 + 1
    assert cover_periods(constant, np.array([5e9 / 3]), np.array([0.95])).tolist() == [5]
    assert cover_periods(constant, np.array([4.999e9 / 3]), np.array([0.95])).tolist() == [4]
    assert cover_periods(0 * constant, np.array([0.0]), np.array([0.95])).tolist() == [5]
    assert cover_periods(constant, np.array([np.nan]), np.array([0.95])).tolist() == [0]
    assert cover_periods(constant, np.array([1e9]), np.array([np.nan])).tolist() == [0]
