import numpy as np
import pytest

from demandcast.components.simulation.inventory import (
    InventoryPlan,
    base_stock_levels,
    in_stock_fractions,
    simulate_inventory,
)


def loop_over_one_series(demand, level, reviewed, lead_time, *, pack, moq, opening_day, opening):
    """The same policy for one series in plain Python, with a list of open orders."""
    stock, open_orders, rows = 0, [], []
    for day, asked in enumerate(demand):
        arrived = sum(units for arrival, units in open_orders if arrival == day)
        open_orders = [each for each in open_orders if each[0] > day]
        if day == opening_day:
            arrived += opening
        stock += arrived
        sold = min(asked, stock)
        stock -= sold
        order = 0
        short = level[day] - stock - sum(units for _, units in open_orders)
        if day < opening_day:
            short -= opening
        if reviewed[day] and short > 0:
            order = max(-(-short // pack) * pack, moq)
            open_orders.append((day + lead_time[day], order))
        waiting = sum(units for _, units in open_orders) + (opening if day < opening_day else 0)
        rows.append((sold, stock, waiting, arrived, order))
    return rows


def test_equals_a_loop_over_one_series():
    rng = np.random.default_rng(4)
    days, series = 120, 25
    demand = rng.negative_binomial(2, 0.2, (days, series))
    pack = rng.integers(1, 8, series)
    plan = InventoryPlan(
        base_stock_level=rng.uniform(5, 60, (days, series)),
        reviewed=rng.random((days, series)) < 0.4,
        lead_time=rng.integers(1, 9, (days, series)),
        pack_size=pack,
        moq=pack * rng.integers(1, 4, series),
        opening_day=rng.integers(0, 30, series),
        opening_stock=rng.integers(0, 40, series),
    )
    path = simulate_inventory(demand, plan)
    for number in range(series):
        expected = loop_over_one_series(
            demand[:, number],
            plan.base_stock_level[:, number],
            plan.reviewed[:, number],
            plan.lead_time[:, number],
            pack=pack[number],
            moq=plan.moq[number],
            opening_day=plan.opening_day[number],
            opening=plan.opening_stock[number],
        )
        names = ("sales", "on_hand", "on_order", "received", "ordered")
        found = np.stack([getattr(path, name)[:, number] for name in names], axis=1)
        assert found.tolist() == [list(map(int, row)) for row in expected]


def small_plan(days, *, level, reviewed=True, moq=1, pack=1, lead=1, opening=0):
    return InventoryPlan(
        base_stock_level=np.full((days, 1), float(level)),
        reviewed=np.full((days, 1), reviewed),
        lead_time=np.full((days, 1), lead),
        pack_size=np.array([pack]),
        moq=np.array([moq]),
        opening_day=np.array([0]),
        opening_stock=np.array([opening]),
    )


def test_textbook_days():
    # Level 10, packs of 6, two days: sell 4 of 9, order 6 (5 + 6 > 10), which arrive on day 2.
    path = simulate_inventory(
        np.array([[4], [7], [1]]), small_plan(3, level=10, pack=6, lead=2, opening=9)
    )
    assert path.sales[:, 0].tolist() == [4, 5, 1]
    assert path.on_hand[:, 0].tolist() == [5, 0, 5]
    assert path.received[:, 0].tolist() == [9, 0, 6]
    assert path.ordered[:, 0].tolist() == [6, 6, 0]
    assert path.on_order[:, 0].tolist() == [6, 12, 6]


def test_never_restocked_sells_the_opening_stock():
    path = simulate_inventory(
        np.full((5, 1), 3), small_plan(5, level=100, reviewed=False, opening=7)
    )
    assert path.sales[:, 0].tolist() == [3, 3, 1, 0, 0]
    assert path.on_order.sum() == 0


def test_smallest_order_counts():
    path = simulate_inventory(np.array([[0]]), small_plan(1, level=1, moq=24, pack=12))
    assert path.ordered.tolist() == [[24]]


def test_no_series_and_one_day():
    plan = small_plan(1, level=3, opening=2)
    path = simulate_inventory(np.array([[5]]), plan)
    assert (path.sales[0, 0], path.on_hand[0, 0], path.ordered[0, 0]) == (2, 0, 3)


def test_base_stock_covers_the_protection_interval():
    mean = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    level = base_stock_levels(
        mean,
        protection_interval=np.array([2]),
        variance_ratio=np.array([4.0]),
        error=np.array([[1.0, 1.0, 2.0, 1.0, 1.0]]),
        safety_factor=0.5,
    )
    # Beyond the last day it sells as on the last day.
    forecast = np.array([2 + 3, 3 + 4, 2 * (4 + 5), 5 + 5, 5 + 5])
    assert level[0] == pytest.approx(forecast + 0.5 * np.sqrt(4 * forecast))


def test_base_stock_of_an_item_that_ends_is_zero():
    level = base_stock_levels(
        np.array([[3.0, 0.0, 0.0, 0.0]]),
        protection_interval=np.array([2]),
        variance_ratio=np.array([1.0]),
        error=np.ones((1, 4)),
        safety_factor=2.0,
    )
    assert level.tolist() == [[0.0] * 4]


def test_fraction_of_the_cases():
    demand = np.array([5, 0, 4, 3, 9])
    sales = np.array([5, 0, 0, 3, 2])
    on_hand = np.array([1, 0, 0, 0, 0])
    fraction = in_stock_fractions(demand, sales, on_hand, np.random.default_rng(1))
    assert fraction[:3].tolist() == [1.0, 0.0, 0.0]  # stock left; empty all day, twice
    assert ((fraction[3:] > 0) & (fraction[3:] < 1)).all()


def test_fraction_is_the_time_of_the_last_sale():
    """Oracle: buyers at uniform times; the k-th of n empties the shelf."""
    draws = np.random.default_rng(2)
    asked, sold, count = 7, 3, 40_000
    fraction = in_stock_fractions(
        np.full(count, asked), np.full(count, sold), np.zeros(count, int), draws
    )
    times = np.sort(draws.random((count, asked)), axis=1)[:, sold - 1]
    assert fraction.mean() == pytest.approx(sold / (asked + 1), abs=0.004)
    assert np.quantile(fraction, [0.1, 0.5, 0.9]) == pytest.approx(
        np.quantile(times, [0.1, 0.5, 0.9]), abs=0.01
    )
