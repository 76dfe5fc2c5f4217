import numpy as np
import pytest

from demandcast.components.simulation.assortment import (
    CATEGORIES,
    FORMATS,
    INTERMITTENT,
    LUMPY,
    REGULAR,
    simulate_items,
    simulate_stores,
    weekly_profiles,
)
from demandcast.components.simulation.config import SimulationConfig


def test_shares_are_kept():
    items = simulate_items(
        SimulationConfig(
            items=200,
            intermittent_share=0.3,
            lumpy_share=0.1,
            new_share=0.2,
            discontinued_share=0.15,
        )
    )
    assert np.bincount(items.pattern).tolist() == [120, 60, 20]
    assert (items.launch > 0).sum() == 40
    assert (items.end <= 1096).sum() == 30
    assert np.bincount(items.category).tolist() == [200 / len(CATEGORIES)] * len(CATEGORIES)


def test_names_tell_nothing_about_the_pattern():
    items = simulate_items(SimulationConfig(items=1000, intermittent_share=0.5, lumpy_share=0.0))
    position = np.arange(1000)
    correlation = np.corrcoef(position, items.pattern == INTERMITTENT)[0, 1]
    assert abs(correlation) < 4 / np.sqrt(1000)
    assert sorted(items.names) == items.names.tolist()


def test_lifetimes_are_whole_periods_inside_the_history():
    config = SimulationConfig(
        items=400, periods=60, frequency="W-SUN", new_share=0.5, discontinued_share=0.5
    )
    items = simulate_items(config)
    assert (items.launch % 7 == 0).all()
    new, gone = items.launch > 0, items.end <= 60 * 7
    assert not (new & gone).any()
    assert 40 * 7 <= items.launch[new].min() <= items.launch[new].max() == 59 * 7
    assert 31 * 7 <= items.end[gone].min() <= items.end[gone].max() == 59 * 7


@pytest.mark.parametrize("periods", [1, 2, 3])
def test_short_histories_leave_each_item_a_period(periods):
    items = simulate_items(
        SimulationConfig(items=50, periods=periods, new_share=0.5, discontinued_share=0.5)
    )
    assert (np.minimum(items.end, periods) - items.launch >= 1).all()


@pytest.mark.parametrize(
    ("intermittent", "lumpy", "pattern"), [(1, 0, INTERMITTENT), (0, 1, LUMPY), (0, 0, REGULAR)]
)
def test_one_pattern_only(intermittent, lumpy, pattern):
    items = simulate_items(
        SimulationConfig(items=7, intermittent_share=intermittent, lumpy_share=lumpy)
    )
    assert items.pattern.tolist() == [pattern] * 7
    assert (items.rate > 0).all()


def test_elasticity_is_never_positive():
    config = SimulationConfig(
        items=500, effects={"price_elasticity": -0.1, "price_elasticity_spread": 1.0}
    )
    assert simulate_items(config).elasticity.max() == 0.0


def test_stores_do_not_depend_on_their_number():
    few = simulate_stores(SimulationConfig(stores=3))
    many = simulate_stores(SimulationConfig(stores=50))
    for name in ("region", "format", "size", "growth"):
        assert getattr(few, name).tolist() == getattr(many, name)[:3].tolist()


def test_formats_have_their_shares():
    stores = simulate_stores(SimulationConfig(stores=20_000))
    shares = np.bincount(stores.format) / 20_000
    assert shares == pytest.approx([each.share for each in FORMATS], abs=0.015)
    assert sum(each.share for each in FORMATS) == pytest.approx(1.0)


def test_weekly_profiles_have_mean_zero():
    profiles = weekly_profiles()
    assert profiles.shape == (len(FORMATS), len(CATEGORIES), 7)
    assert np.abs(profiles.mean(axis=-1)).max() < 1e-15
