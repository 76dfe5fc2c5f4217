"""Levels of a warehouse and its stores by simulation: formulas, targets, and neighbours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.closed_forms import (
    NormalDemand,
    PoissonDemand,
    SerialSystem,
    StockCosts,
    Warehouse,
    serial_base_stock,
    warehouse_and_stores,
)
from demandcast.components.replenishment.policy_evaluation import ServiceMeasure, ServiceTarget
from demandcast.components.replenishment.warehouse_search import search_two_echelon
from demandcast.components.replenishment.warehouse_simulation import (
    TwoEchelonNetwork,
    evaluate_two_echelon,
)
from demandcast.schema.errors import BadInputError

USUAL = {
    "warehouse_lead_time": 3,
    "store_lead_times": [1, 0],
    "warehouse_holding_cost": 0.5,
    "holding_cost": 1.0,
    "stockout_cost": 19.0,
    "warm_up": 30,
}


def network(**more):
    return TwoEchelonNetwork(**{**USUAL, **more})


def poisson(periods=250, items=1, stores=2, paths=10, rate=4.0, seed=3):
    size = (periods, items, stores, paths)
    return np.random.default_rng(seed).poisson(rate, size).astype(float)


def test_levels_cost_what_those_of_the_formula_do():
    normal = NormalDemand([20.0, 40.0], [6.0, 9.0])
    plan = warehouse_and_stores(
        normal,
        warehouse=Warehouse(3, 0.5),
        costs=StockCosts(1.0, 19.0),
        lead_times=USUAL["store_lead_times"],
    )
    mean, sd = normal.mean[:, None], normal.sd[:, None]
    draws, fresh = (
        np.maximum(np.random.default_rng(seed).normal(mean, sd, (400, 1, 2, 20)), 0.0)
        for seed in (1, 2)
    )
    found = search_two_echelon(draws, network=network())
    levels = {
        "search": (found.warehouse_level, found.store_levels),
        "formula": (plan.warehouse_level, plan.store_levels),
    }

    def costs(paths):
        return {
            name: evaluate_two_echelon(
                paths, network=network(), warehouse_level=central, store_levels=stores
            ).cost.value[0]
            for name, (central, stores) in levels.items()
        }

    # On the paths of the search nothing is cheaper, but for whole units; on others the two
    # are as good as each other.
    here, elsewhere = costs(draws), costs(fresh)
    assert here["search"] <= here["formula"] * 1.001
    assert elsewhere["search"] == pytest.approx(elsewhere["formula"], rel=0.02)
    assert found.outcome.cost.value[0] == pytest.approx(here["search"])


def test_one_store_is_the_serial_system():
    system = SerialSystem([0.5, 1.0], lead_times=[3, 1], stockout_cost=19.0)
    exact = serial_base_stock(PoissonDemand(4.0), system=system)
    found = search_two_echelon(
        poisson(400, stores=1, paths=40), network=network(store_lead_times=1)
    )
    low, high = found.outcome.cost.interval(0.999)
    # 0.5 x 4 units on their way to the store.
    assert low[0] + 2.0 < exact.cost < high[0] + 2.0
    echelon = found.warehouse_level[0] + found.store_levels[0, 0]
    assert echelon == pytest.approx(exact.echelon_base_stock_levels[0], abs=3)


@pytest.mark.parametrize("measure", ["cycle_service_level", "fill_rate"])
def test_each_store_reaches_its_target_and_not_by_a_step_too_much(measure):
    target = ServiceTarget(ServiceMeasure(measure), [[0.9, 0.98]])
    world = network(stockout_cost=0.0)
    found = search_two_echelon(poisson(), network=world, target=target)
    assert (getattr(found.outcome, measure).value >= [[0.9, 0.98]]).all()
    for store in range(2):
        levels = found.store_levels.copy()
        levels[0, store] -= 1
        fewer = evaluate_two_echelon(
            poisson(), network=world, warehouse_level=found.warehouse_level, store_levels=levels
        )
        assert getattr(fewer, measure).value[0, store] < [0.9, 0.98][store]


def test_the_measures_are_not_confused():
    levels = {
        measure: search_two_echelon(
            poisson(rate=20.0),
            network=network(stockout_cost=0.0),
            target=ServiceTarget(ServiceMeasure(measure), 0.95),
        )
        for measure in ("cycle_service_level", "fill_rate")
    }
    costs = {name: one.outcome.cost.value[0] for name, one in levels.items()}
    assert costs["fill_rate"] < 0.8 * costs["cycle_service_level"]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_neighbours_cost_no_less_on_the_same_paths(seed):
    rng = np.random.default_rng(seed)
    demand = poisson(60, items=2, paths=3, rate=rng.uniform(0.5, 5), seed=seed)
    world = network(
        warehouse_lead_time=rng.integers(0, 4, 2),
        store_lead_times=rng.integers(0, 3, (2, 2)),
        stockout_cost=rng.uniform(2, 30, (2, 2)),
        warm_up=5,
    )
    found = search_two_echelon(demand, network=world)
    least = found.outcome.cost.value
    for store in range(2):
        for move in (-1.0, 1.0):
            levels = found.store_levels.copy()
            levels[:, store] += move
            other = evaluate_two_echelon(
                demand, network=world, warehouse_level=found.warehouse_level, store_levels=levels
            )
            assert (other.cost.value >= least - 1e-9).all()
    emptied = evaluate_two_echelon(
        demand, network=world, warehouse_level=0.0, store_levels=found.store_levels
    )
    assert (emptied.cost.value >= least - 1e-9).all()


def test_items_are_searched_as_if_alone():
    demand = poisson(80, items=2)
    together = search_two_echelon(demand, network=network(warehouse_lead_time=[1, 4]))
    for item, lead in enumerate((1, 4)):
        alone = search_two_echelon(demand[:, [item]], network=network(warehouse_lead_time=lead))
        assert together.outcome.cost.value[item] == pytest.approx(alone.outcome.cost.value[0])


@pytest.mark.parametrize("demand", [np.zeros((40, 1, 2)), np.full((40, 1, 2), 1e6)])
def test_edge_series(demand):
    found = search_two_echelon(demand, network=network(), step=max(1.0, demand.max() / 2))
    # Known demand: what a store covers is its lead time and a period, and what the warehouse
    # has not got in time.
    served = evaluate_two_echelon(
        demand,
        network=network(),
        warehouse_level=found.warehouse_level,
        store_levels=found.store_levels,
    )
    assert (served.cycle_service_level.value == 1).all()
    if not demand.any():
        assert found.outcome.cost.value.tolist() == [0.0]
        assert found.store_levels.tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"network": network(stockout_cost=0.0)}, "stockout_cost: got 0 and no target"),
        ({"step": 0.0}, "step: got 0"),
        (
            {"target": ServiceTarget(ServiceMeasure.ORDER_CYCLE_SERVICE_LEVEL, 0.9)},
            "stores order in each period",
        ),
        ({"demand": np.ones((4, 3))}, "expected periods, items and stores"),
    ],
)
def test_what_is_refused(more, message):
    arguments = {"demand": poisson(20), "network": network(warm_up=3), **more}
    with pytest.raises(BadInputError, match=message):
        search_two_echelon(arguments.pop("demand"), **arguments)
