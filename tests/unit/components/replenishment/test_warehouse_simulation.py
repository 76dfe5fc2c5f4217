"""A warehouse and its stores, played: against stockpyl, formulas, one shelf, and by hand."""

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
from demandcast.components.replenishment.policy_evaluation import evaluate_policy
from demandcast.components.replenishment.stock_policies import BaseStockPolicy
from demandcast.components.replenishment.stock_scenario import (
    OpeningStock,
    StockScenario,
    StockSupply,
    UnmetDemand,
)
from demandcast.components.replenishment.warehouse_simulation import (
    Rationing,
    TwoEchelonNetwork,
    evaluate_two_echelon,
    network_paths,
    warehouse_flows,
)
from demandcast.schema.errors import BadInputError

USUAL = {
    "warehouse_lead_time": 4,
    "store_lead_times": [1, 2, 0],
    "warehouse_holding_cost": 0.4,
    "holding_cost": [1.0, 1.0, 1.2],
    "stockout_cost": [19.0, 19.0, 9.0],
}


def network(**more):
    return TwoEchelonNetwork(**{**USUAL, **more})


def poisson(periods=300, items=1, stores=3, paths=4, rate=4.0, seed=3):
    size = (periods, items, stores, paths)
    return np.random.default_rng(seed).poisson(rate, size).astype(float)


def test_each_evening_is_that_of_stockpyl(stockpyl):
    cases = stockpyl["two_echelon"]
    assert [case["name"][-2:] for case in cases] == ["1a", "1b", "1c"]
    for case in cases:
        demand = np.array(case["demand"])[:, None, :]
        central, stores = case["parameters"]["levels"]
        flows = warehouse_flows(
            demand,
            network=network(
                warehouse_lead_time=case["warehouse_lead_time"],
                # Stores order there in the evening and not in the morning after.
                store_lead_times=np.array(case["store_lead_times"]) - 1,
                rationing=Rationing.IN_ORDER,
            ),
            warehouse_level=central,
        )
        nets = np.array(stores) - (flows.missing + flows.demand)[:, 0, :, 0]
        np.testing.assert_allclose(nets, case["store_nets"], atol=1e-9)
        evenings = np.array([central, *case["warehouse_net"][:-1]])
        assert flows.on_hand.item() == pytest.approx(np.maximum(evenings, 0).mean())
        assert flows.waiting.item() == pytest.approx(np.maximum(-evenings, 0).mean())
        # Shortages there were, or the rationing would not have been looked at.
        assert flows.waiting.item() > 0


@pytest.mark.parametrize("warehouse_level", [0.0, 150.0, 260.0, 330.0])
def test_formulas_lie_in_the_confidence_interval(warehouse_level):
    normal = NormalDemand([20.0, 40.0, 15.0], [6.0, 9.0, 5.0])
    plan = warehouse_and_stores(
        normal,
        warehouse=Warehouse(4, 0.4),
        costs=StockCosts(USUAL["holding_cost"], USUAL["stockout_cost"]),
        lead_times=USUAL["store_lead_times"],
        warehouse_level=warehouse_level,
    )
    draws = np.random.default_rng(1).normal(
        normal.mean[:, None], normal.sd[:, None], (600, 1, 3, 60)
    )
    found = evaluate_two_echelon(
        np.maximum(draws, 0.0),
        network=network(warm_up=50),
        warehouse_level=plan.warehouse_level,
        store_levels=plan.store_levels,
    )
    low, high = found.cost.interval(0.99)
    # The formula's spread of the backlog is an approximation, good for one percent.
    assert low[0] * 0.99 < plan.cost < high[0] * 1.01
    low, high = found.delay.interval(0.999)
    assert low[0] - 0.01 < plan.delay < high[0] + 0.01


@pytest.mark.parametrize("lead_times", [(4, 1), (2, 0), (0, 2)])
def test_one_store_is_the_exact_serial_system(lead_times):
    central, store = lead_times
    system = SerialSystem([0.5, 1.0], lead_times=[central, store], stockout_cost=9.0)
    levels = np.array([3.0 * central + 1, 3.0 * store + 5])
    exact = serial_base_stock(
        PoissonDemand(3.0),
        system=system,
        echelon_base_stock_levels=[levels.sum(), levels[1]],
    )
    found = evaluate_two_echelon(
        poisson(1000, stores=1, paths=60, rate=3.0),
        network=network(
            warehouse_lead_time=central,
            store_lead_times=store,
            warehouse_holding_cost=0.5,
            holding_cost=1.0,
            stockout_cost=9.0,
            warm_up=40,
        ),
        warehouse_level=levels[0],
        store_levels=levels[1],
    )
    low, high = found.cost.interval(0.999)
    on_its_way = 0.5 * 3.0 * store
    assert low[0] + on_its_way < exact.cost < high[0] + on_its_way


@pytest.mark.parametrize("rationing", list(Rationing))
def test_a_full_warehouse_leaves_stores_on_their_own(rationing):
    demand = poisson()
    found = evaluate_two_echelon(
        demand,
        network=network(rationing=rationing),
        warehouse_level=1000.0,
        store_levels=[10.0, 13.0, 6.0],
    )
    for store, (lead, level) in enumerate([(1, 10.0), (2, 13.0), (0, 6.0)]):
        # Full shelves: what the first periods ask for is all that is on order.
        alone = evaluate_policy(
            demand[:, :, store],
            BaseStockPolicy(np.array([level])),
            scenario=StockScenario(
                supply=StockSupply(lead_time=lead),
                unmet_demand=UnmetDemand.BACKORDERED,
                opening=OpeningStock(on_hand=level),
            ),
        )
        assert found.fill_rate.value[0, store] == pytest.approx(alone.fill_rate.value[0])
        assert found.mean_on_hand.value[0, store] == pytest.approx(alone.mean_on_hand.value[0])
    assert found.delay.value.tolist() == [0.0]


def test_shortages_are_rationed_as_said():
    # 6 and 2 are asked for, then 2 and 6; the warehouse has 4 and, the morning after, gets 8.
    demand = np.array([[[6.0, 2.0]], [[2.0, 6.0]], [[0.0, 0.0]]])
    missing = {
        Rationing.FIRST_COME: ([3, 1], [1, 3]),  # 4 of the first 8; their rest, 4 of the second
        Rationing.PROPORTIONAL: ([3, 1], [5 / 3, 7 / 3]),  # 8 of 5 and 7
        Rationing.IN_ORDER: ([2, 2], [0, 4]),
    }
    assert set(missing) == set(Rationing)
    for rationing, (first, second) in missing.items():
        world = network(warehouse_lead_time=1, store_lead_times=0, rationing=rationing)
        flows = warehouse_flows(demand, network=world, warehouse_level=4.0)
        assert flows.missing[1, 0, :, 0].tolist() == first
        assert flows.missing[2, 0, :, 0].tolist() == pytest.approx(second)


def test_a_lean_warehouse_gains_by_shares_in_proportion():
    """What stores wait for is evened out, so that the same levels cost less."""
    costs = [
        evaluate_two_echelon(
            poisson(paths=20),
            network=network(rationing=rationing, store_lead_times=1),
            warehouse_level=20.0,
            store_levels=20.0,
        ).cost.value[0]
        for rationing in (Rationing.PROPORTIONAL, Rationing.FIRST_COME)
    ]
    assert costs[0] < costs[1]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(list(Rationing)))
def test_units_are_conserved_and_more_stock_delays_less(seed, rationing):
    rng = np.random.default_rng(seed)
    demand = rng.poisson(3.0, (40, 2, 3, 2)).astype(float)
    world = network(
        warehouse_lead_time=rng.integers(0, 4, 2),
        store_lead_times=rng.integers(0, 3, (2, 3)),
        rationing=rationing,
    )
    before = None
    for level in (0.0, 10.0, 40.0, 1000.0):
        flows = warehouse_flows(demand, network=world, warehouse_level=level)
        # Nothing is missing that was not ordered, and nothing comes that was not.
        ordered = np.concatenate([np.zeros((1, 2, 3, 2)), np.cumsum(demand, axis=0)[:-1]])
        assert (flows.missing >= -1e-9).all()
        assert (flows.missing <= ordered + 1e-9).all()
        total = flows.missing.sum(axis=2)
        if before is not None:
            assert (flows.waiting <= before[0] + 1e-9).all()
            assert (total.mean(axis=0) <= before[1] + 1e-9).all()
        before = flows.waiting, total.mean(axis=0)
    np.testing.assert_allclose(before[0], 0.0, atol=1e-9)


def test_items_are_played_as_if_alone():
    demand = poisson(80, items=2)
    world = network(
        warehouse_lead_time=[1, 3],
        store_lead_times=[[1, 2, 0], [0, 1, 4]],
        warehouse_holding_cost=[0.4, 0.2],
        holding_cost=np.array([[1.0, 1.0, 1.2], [2.0, 2.0, 2.0]]),
        stockout_cost=np.array([[9.0, 9.0, 9.0], [5.0, 5.0, 5.0]]),
    )
    levels = np.array([[9.0, 12.0, 6.0], [7.0, 9.0, 20.0]])
    together = evaluate_two_echelon(
        demand, network=world, warehouse_level=[15.0, 40.0], store_levels=levels
    )
    for item in range(2):
        part = {name: np.asarray(getattr(world, name))[item] for name in USUAL}
        alone = evaluate_two_echelon(
            demand[:, [item]],
            network=TwoEchelonNetwork(**part),
            warehouse_level=[15.0, 40.0][item],
            store_levels=levels[item],
        )
        assert together.cost.value[item] == pytest.approx(alone.cost.value[0])
        np.testing.assert_allclose(together.fill_rate.value[item], alone.fill_rate.value[0])


def test_no_demand_leaves_all_as_it_was():
    found = evaluate_two_echelon(
        np.zeros((5, 1, 3)), network=network(), warehouse_level=2.0, store_levels=1.0
    )
    assert found.cost.value.tolist() == [pytest.approx(0.4 * 2 + 1 + 1 + 1.2)]
    assert np.isnan(found.fill_rate.value).all()
    assert (found.cycle_service_level.value == 1).all()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"warehouse_lead_time": 0.5}, "warehouse_lead_time: got"),
        ({"store_lead_times": [1, -1, 0]}, "store_lead_times: got"),
        ({"stockout_cost": np.nan}, "stockout_cost: got"),
        ({"holding_cost": 0.0}, "holding_cost: got 0"),
    ],
)
def test_networks_that_are_refused(more, message):
    with pytest.raises(BadInputError, match=message):
        network(**more)


@pytest.mark.parametrize(
    ("demand", "world", "levels", "message"),
    [
        (np.ones((4, 3)), {}, (1.0, 1.0), r"expected periods, items and stores"),
        (np.full((4, 1, 3), np.nan), {}, (1.0, 1.0), "missing, infinite or negative"),
        (np.ones((4, 1, 3)), {"warm_up": 4}, (1.0, 1.0), "warm_up: got 4"),
        (np.ones((4, 1, 3)), {}, (-1.0, 1.0), "warehouse_level: got"),
        (np.ones((4, 1, 3)), {}, (1.0, np.inf), "store_levels: got"),
    ],
)
def test_what_is_refused(demand, world, levels, message):
    with pytest.raises(BadInputError, match=message):
        evaluate_two_echelon(
            demand,
            network=network(**world),
            warehouse_level=levels[0],
            store_levels=levels[1],
        )


def test_demand_gets_an_axis_of_paths():
    assert network_paths(np.ones((4, 1, 3))).shape == (4, 1, 3, 1)
