import datetime

import numpy as np
import pytest

from demandcast.components.simulation.chain import (
    first_day,
    simulate_chain,
    simulate_stock,
    simulate_store,
)
from demandcast.components.simulation.config import SimulationConfig, preset
from demandcast.schema.periods import FREQUENCIES, date_of


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_first_day_is_the_first_on_the_grid(frequency):
    for start in range(7):
        wanted = datetime.date(2024, 2, 26) + datetime.timedelta(days=start)
        found = date_of(first_day(SimulationConfig(start=wanted, frequency=frequency)))
        assert 0 <= (found - wanted).days < 7
        if frequency == "D":
            assert found == wanted
        else:
            assert found.strftime("W-%a").upper() == frequency


def test_a_store_does_not_depend_on_its_neighbours():
    chain = simulate_chain(preset("tiny"))
    days = [simulate_store(chain, store) for store in range(3)]
    together = simulate_stock(chain, range(3), days)
    for store in range(3):
        alone = simulate_stock(chain, [store], [simulate_store(chain, store)])
        part = slice(store * 8, (store + 1) * 8)
        for name in ("sales", "on_hand", "on_order", "received", "ordered"):
            found = getattr(together.path, name)[:, part]
            assert (found == getattr(alone.path, name)).all()
        assert (together.in_stock_fraction[:, part] == alone.in_stock_fraction).all()


def test_a_store_does_not_depend_on_the_number_of_stores():
    few = simulate_store(simulate_chain(preset("tiny")), 2)
    many = simulate_store(simulate_chain(preset("tiny", stores=30)), 2)
    assert (few.demand == many.demand).all()
    assert (few.plan.price == many.plan.price).all()


def test_a_realistic_share_of_days_is_censored():
    chain = simulate_chain(preset("quickstart", stores=4))
    days = [simulate_store(chain, store) for store in range(4)]
    stock = simulate_stock(chain, range(4), days)
    day = np.arange(chain.history_days)[:, None]
    sold = np.tile((day >= chain.items.launch) & (day < chain.items.end), 4)
    censored = (stock.in_stock_fraction < 1)[sold].mean()
    assert 0.03 < censored < 0.08


def test_the_mean_beats_seasonal_naive_by_far():
    """What could be learnt is there: the simulated mean is the best forecast there is."""
    chain = simulate_chain(preset("quickstart", stores=3))
    old = (chain.items.launch == 0) & (chain.items.end > chain.history_days)
    stores = [simulate_store(chain, store) for store in range(3)]
    mean = np.concatenate([each.mean[old, : chain.history_days] for each in stores])
    demand = np.concatenate([each.demand[old] for each in stores])
    naive = np.tile(demand[:, -35:-28], 4)
    error = np.abs(demand[:, -28:] - mean[:, -28:]).sum()
    assert error < 0.7 * np.abs(demand[:, -28:] - naive).sum()
