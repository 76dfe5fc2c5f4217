"""One warehouse and several stores: played period by period, limits, and what always holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.closed_forms import (
    NormalDemand,
    ReviewCycle,
    SerialSystem,
    StockCosts,
    Warehouse,
    base_stock,
    serial_base_stock,
    warehouse_and_stores,
)
from demandcast.schema.errors import BadInputError

DEMAND = NormalDemand([20.0, 40.0, 15.0], [6.0, 9.0, 5.0])
COSTS = StockCosts([1.0, 1.0, 1.2], [19.0, 19.0, 9.0])
LEADS = np.array([1, 2, 0])
WAREHOUSE = Warehouse(lead_time=4, holding_cost=0.4)


def played(plan, *, lead_time, leads, costs, holding, periods=60_000):
    """Plays the policy by cumulative flows, first come, first served.

    Returns the mean cost per period and the mean delay at the warehouse.
    """
    rng = np.random.default_rng(7)
    demand = np.maximum(rng.normal(DEMAND.mean, DEMAND.sd, (periods, 3)), 0.0)
    asked = np.concatenate([np.zeros((1, 3)), np.cumsum(demand, axis=0)])
    # By the morning of period t stores have ordered asked[t]; the warehouse's supplier has
    # brought what had been ordered lead_time periods before.
    total = asked.sum(axis=1)
    supplied = float(plan.warehouse_level) + total[np.maximum(np.arange(periods) - lead_time, 0)]
    shipped = np.minimum(total[:-1], supplied)
    evening_stock = supplied - shipped
    cost, start = holding * evening_stock, 50
    for store in range(3):
        # First come, first served: a store has what it had ordered when the total was shipped.
        sent = np.interp(shipped, total, asked[:, store])
        there = sent[np.maximum(np.arange(periods) - leads[store], 0)]
        net = float(plan.store_levels[store]) + there - asked[1:, store]
        cost = cost + costs.holding[store] * np.maximum(net, 0)
        cost = cost + costs.stockout[store] * np.maximum(-net, 0)
    backlog = total[:-1] - shipped
    return cost[start:].mean(), backlog[start:].mean() / demand.sum(axis=1).mean()


@pytest.mark.parametrize("warehouse_level", [None, 0.0, 150.0, 260.0, 330.0])
def test_played_flows_confirm_cost_and_delay(warehouse_level):
    plan = warehouse_and_stores(
        DEMAND,
        warehouse=WAREHOUSE,
        costs=COSTS,
        lead_times=LEADS,
        warehouse_level=warehouse_level,
    )
    cost, delay = played(plan, lead_time=4, leads=LEADS, costs=COSTS, holding=0.4)
    # How many periods of orders the backlog consists of is approximated.
    assert cost == pytest.approx(float(plan.cost), rel=0.01)
    assert delay == pytest.approx(float(plan.delay), abs=0.02)


def test_neglecting_the_spread_of_the_backlog_would_cost():
    """What METRIC's delay alone would choose, played, is worse than what we choose."""
    level = 260.0
    plan = warehouse_and_stores(
        DEMAND, warehouse=WAREHOUSE, costs=COSTS, lead_times=LEADS, warehouse_level=level
    )
    longer = DEMAND.over(LEADS + 1 + float(plan.delay))
    metric = warehouse_and_stores(
        DEMAND,
        warehouse=WAREHOUSE,
        costs=COSTS,
        lead_times=LEADS,
        warehouse_level=level,
        store_levels=longer.quantile(COSTS.critical_ratio),
    )
    given_values = {"lead_time": 4, "leads": LEADS, "costs": COSTS, "holding": 0.4}
    assert played(plan, **given_values)[0] < played(metric, **given_values)[0]


def test_a_full_warehouse_leaves_stores_on_their_own():
    plan = warehouse_and_stores(
        DEMAND, warehouse=WAREHOUSE, costs=COSTS, lead_times=LEADS, warehouse_level=5000.0
    )
    alone = base_stock(DEMAND, cycle=ReviewCycle(lead_time=LEADS), costs=COSTS)
    np.testing.assert_allclose(plan.store_levels, alone.base_stock_level, rtol=1e-9)
    assert plan.delay == pytest.approx(0, abs=1e-12)
    assert plan.cost == pytest.approx(0.4 * (5000 - 4 * 75) + alone.cost.sum(), rel=1e-9)


@pytest.mark.parametrize(
    ("demand", "tolerance"),
    # Exact where variances are in proportion to means, as those of Poisson demand are.
    [(NormalDemand(DEMAND.mean, np.sqrt(2 * DEMAND.mean)), 1e-6), (DEMAND, 1e-2)],
)
def test_an_empty_warehouse_adds_its_lead_time(demand, tolerance):
    plan = warehouse_and_stores(
        demand, warehouse=WAREHOUSE, costs=COSTS, lead_times=LEADS, warehouse_level=0.0
    )
    alone = base_stock(demand, cycle=ReviewCycle(lead_time=LEADS + 4), costs=COSTS)
    assert plan.delay == pytest.approx(4, rel=1e-6)
    np.testing.assert_allclose(plan.store_levels, alone.base_stock_level, rtol=tolerance)
    assert plan.cost == pytest.approx(alone.cost.sum(), rel=tolerance)


def test_a_warehouse_without_lead_time_holds_nothing():
    plan = warehouse_and_stores(DEMAND, warehouse=Warehouse(0, 0.4), costs=COSTS, lead_times=LEADS)
    assert plan.warehouse_level == 0
    assert plan.cost == pytest.approx(
        base_stock(DEMAND, cycle=ReviewCycle(lead_time=LEADS), costs=COSTS).cost.sum()
    )


@pytest.mark.parametrize("lead_times", [(4, 1), (2, 3), (6, 0)])
def test_one_store_is_the_exact_serial_system(lead_times):
    warehouse, store = lead_times
    plan = warehouse_and_stores(
        NormalDemand([50.0], 12.0),
        warehouse=Warehouse(warehouse, 0.5),
        costs=StockCosts(1.0, 19.0),
        lead_times=[store],
    )
    system = SerialSystem([0.5, 1.0], lead_times=[warehouse, store], stockout_cost=19.0)
    one = NormalDemand(50.0, 12.0)
    # Echelon levels of the plan: the warehouse's own and the store's together.
    levels = [float(plan.warehouse_level + plan.store_levels[0]), float(plan.store_levels[0])]
    same = serial_base_stock(one, system=system, echelon_base_stock_levels=levels)
    on_its_way = 0.5 * 50 * store
    assert plan.cost + on_its_way == pytest.approx(same.cost, rel=1e-7)
    exact = serial_base_stock(one, system=system)
    assert plan.cost + on_its_way == pytest.approx(exact.cost, rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_other_level_beats_the_best(seed):
    rng = np.random.default_rng(seed)
    mean = rng.uniform(1, 60, 3)
    given_values = {
        "demand": NormalDemand(mean, mean * rng.uniform(0.05, 0.5, 3)),
        "warehouse": Warehouse(int(rng.integers(0, 7)), rng.uniform(0.05, 1)),
        "costs": StockCosts(rng.uniform(0.5, 2, 3), rng.uniform(3, 60, 3)),
        "lead_times": rng.integers(0, 4, 3),
    }
    demand = given_values.pop("demand")
    best = warehouse_and_stores(demand, **given_values)
    for level in rng.uniform(0, 1.5, 8) * (float(best.warehouse_level) + 20):
        other = warehouse_and_stores(demand, **given_values, warehouse_level=level)
        assert other.cost >= best.cost * (1 - 1e-6)
    for step in (-1.0, 1.0):
        other = warehouse_and_stores(
            demand,
            **given_values,
            warehouse_level=best.warehouse_level,
            store_levels=best.store_levels + step,
        )
        assert other.cost >= best.cost * (1 - 1e-9)


def test_items_are_planned_at_once_as_alone():
    mean = np.array([[20.0, 40.0, 15.0], [2.0, 8.0, 5.0]])
    warehouse = Warehouse(lead_time=[4, 2], holding_cost=[0.4, 0.1])
    together = warehouse_and_stores(
        NormalDemand(mean, mean / 4), warehouse=warehouse, costs=COSTS, lead_times=LEADS
    )
    for n, (lead_time, holding) in enumerate([(4, 0.4), (2, 0.1)]):
        alone = warehouse_and_stores(
            NormalDemand(mean[n], mean[n] / 4),
            warehouse=Warehouse(lead_time, holding),
            costs=COSTS,
            lead_times=LEADS,
        )
        np.testing.assert_allclose(together.store_levels[n], alone.store_levels)
        assert together.cost[n] == pytest.approx(float(alone.cost))


def test_no_demand_needs_no_stock():
    plan = warehouse_and_stores(
        NormalDemand([0.0, 0.0], 0.0),
        warehouse=WAREHOUSE,
        costs=StockCosts(1.0, 9.0),
        lead_times=1,
    )
    assert plan.warehouse_level == 0
    assert plan.store_levels.tolist() == [0, 0]
    assert plan.cost == 0


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"store_levels": [1, 1, 1]}, "evaluated together with a warehouse_level"),
        ({"warehouse_level": -1}, "warehouse_level must be at least 0"),
        ({"warehouse_level": 1, "store_levels": [1, 1, np.nan]}, "store_levels must be a finite"),
        ({"lead_times": [1, 1, -1]}, "lead_times must be at least 0"),
        ({"lead_times": [1, 1, 0.5]}, "lead_times must be a whole number"),
    ],
)
def test_what_is_refused(more, message):
    usual = {"warehouse": WAREHOUSE, "costs": COSTS, "lead_times": LEADS}
    with pytest.raises(BadInputError, match=message):
        warehouse_and_stores(DEMAND, **{**usual, **more})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Warehouse(-1, 1.0), "lead_time must be at least 0"),
        (lambda: Warehouse(1.5, 1.0), "lead_time must be a whole number"),
        (lambda: Warehouse(1, 0.0), "holding_cost must be above 0"),
        (
            lambda: warehouse_and_stores(
                NormalDemand(1.0, 1.0), warehouse=WAREHOUSE, costs=StockCosts(1, 1), lead_times=1
            ),
            "demand needs an axis of stores",
        ),
    ],
)
def test_what_is_refused_at_once(call, message):
    with pytest.raises(BadInputError, match=message):
        call()
