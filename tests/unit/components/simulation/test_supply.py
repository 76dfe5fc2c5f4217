import dataclasses

import numpy as np
import pytest

from demandcast.components.simulation.assortment import CATEGORIES, simulate_items
from demandcast.components.simulation.config import SimulationConfig
from demandcast.components.simulation.supply import (
    LONGEST_LEAD_TIME,
    draw_lead_times,
    simulate_suppliers,
    simulate_supply_terms,
)


@pytest.mark.parametrize("suppliers", [1, 2, 7])
def test_terms_are_possible(suppliers):
    config = SimulationConfig(items=300, supply={"suppliers": suppliers})
    items = simulate_items(config)
    terms = simulate_supply_terms(config, items)
    assert set(terms.supplier.tolist()) == set(range(suppliers))
    assert (terms.moq % terms.pack_size == 0).all()
    assert (terms.moq >= terms.pack_size).all()
    assert (terms.pack_size >= 1).all()
    assert (terms.unit_cost < items.base_price).all()
    assert (terms.unit_cost > 0).all()
    assert (terms.holding_cost > 0).all()
    assert (terms.stockout_cost > 0).all()
    expected = terms.unit_cost * 0.25 / 365
    assert terms.holding_cost == pytest.approx(expected, abs=1e-6)


def test_fresh_goods_keep_for_longer_than_they_travel():
    config = SimulationConfig(items=300)
    terms = simulate_supply_terms(config, simulate_items(config))
    suppliers = simulate_suppliers(config)
    interval = (suppliers.review_period + np.ceil(suppliers.lead_time))[terms.supplier]
    assert (terms.shelf_life > interval).all()
    assert min(each.shelf_life for each in CATEGORIES) == terms.shelf_life.min()


def test_weekly_orders_come_in_whole_weeks():
    suppliers = simulate_suppliers(SimulationConfig(frequency="W-MON", supply={"suppliers": 20}))
    assert set(suppliers.review_period.tolist()) == {7, 14}


def test_lead_times_have_the_mean_and_the_variation_of_the_supplier():
    suppliers = dataclasses.replace(
        simulate_suppliers(SimulationConfig(supply={"suppliers": 2})),
        lead_time=np.array([5.0, 9.0]),
        variation=np.array([0.2, 0.3]),
    )
    drawn = draw_lead_times(
        suppliers, days=50_000, delay_probability=0.0, draws=np.random.default_rng(1)
    )
    assert drawn.mean(axis=1) == pytest.approx([5.0, 9.0], abs=0.05)
    # Rounding to whole days adds a variance of 1/12.
    assert drawn.var(axis=1) == pytest.approx([1.0 + 1 / 12, 2.7**2 + 1 / 12], rel=0.05)


def test_delays_add_two_to_seven_days():
    suppliers = dataclasses.replace(
        simulate_suppliers(SimulationConfig(supply={"suppliers": 1})),
        lead_time=np.array([3.0]),
        variation=np.array([1e-6]),
    )
    drawn = draw_lead_times(
        suppliers, days=20_000, delay_probability=0.1, draws=np.random.default_rng(1)
    )
    assert set(drawn[0].tolist()) == {3, 5, 6, 7, 8, 9, 10}
    assert (drawn > 3).mean() == pytest.approx(0.1, abs=0.01)


def test_lead_times_stay_between_a_day_and_the_longest():
    suppliers = dataclasses.replace(
        simulate_suppliers(SimulationConfig(supply={"suppliers": 2})),
        lead_time=np.array([0.1, 200.0]),
    )
    drawn = draw_lead_times(
        suppliers, days=500, delay_probability=0.0, draws=np.random.default_rng(1)
    )
    assert drawn[0].max() == 1
    assert drawn[1].min() == LONGEST_LEAD_TIME
