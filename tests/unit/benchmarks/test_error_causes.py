"""The causes add up to the mean of the simulation, and the sums are those of their definitions."""

import numpy as np
import polars as pl
import pytest
from error_causes import CONTEXT, HORIZON, causes_of, loss, spread, true_days, true_mean

from demandcast.components.simulation.chain import first_day, simulate_chain, simulate_conditions
from demandcast.components.simulation.config import preset


@pytest.fixture(scope="module")
def chain():
    return simulate_chain(preset("tiny"))


def test_the_causes_are_all_there_is(chain):
    """Of the logarithm of the mean nothing is left but what each item sells without any."""
    conditions = simulate_conditions(chain, 1)
    mean = true_mean(chain, conditions)
    causes = causes_of(chain, conditions, mean)
    sold = mean > 0
    assert sold.mean() > 0.8
    np.testing.assert_allclose(sum(causes.values())[sold], np.log(mean[sold]), rtol=1e-9, atol=1e-9)


def test_days_stand_beside_the_truth(chain):
    cutoff = 300
    table = pl.concat(list(true_days(chain, [first_day(chain.config) + cutoff])))
    stores, items = len(chain.stores.names), len(chain.items.names)
    assert len(table) == stores * items * HORIZON
    one = table.filter(store=str(chain.stores.names[2]), item=str(chain.items.names[3]))
    assert one["step"].to_list() == list(range(1, HORIZON + 1))
    conditions = simulate_conditions(chain, 2)
    mean = true_mean(chain, conditions)
    ahead = slice(cutoff + 1, cutoff + 1 + HORIZON)
    np.testing.assert_array_equal(one["true_mean"], mean[3, ahead])
    price = causes_of(chain, conditions, mean)["regular price"][3]
    before = price[cutoff + 1 - CONTEXT : cutoff + 1].mean()
    np.testing.assert_allclose(one["regular price"], price[ahead] - before, atol=1e-12)
    # A median day is about the mean of what may come.
    ratio = table["true_0.5"].sum() / table["true_mean"].sum()
    assert 0.8 < ratio < 1.1


def test_the_loss_is_that_of_the_gate():
    demand = np.array([4.0, 0.0])
    quantiles = np.tile([1.0, 1.0, 1.0, 2.0, 4.0, 4.0, 8.0], (2, 1))
    # Doubled pinball of 4: under by 3, 3, 3 at 0.05, 0.1, 0.25, by 2 at 0.5, over by 4 at 0.95.
    first = 2 * (0.05 * 3 + 0.1 * 3 + 0.25 * 3 + 0.5 * 2 + 0.05 * 4)
    # Of 0: over by each.
    second = 2 * (0.95 + 0.9 + 0.75 + 0.5 * 2 + 0.25 * 4 + 0.1 * 4 + 0.05 * 8)
    assert loss(demand, quantiles) == pytest.approx((first + second) / 7 / 4)


def test_spread_is_a_weighted_deviation():
    values, weight = np.array([1.0, 1.0, 4.0]), np.array([1.0, 1.0, 1.0])
    assert spread(values, weight) == pytest.approx(values.std())
    assert spread(values, np.array([1.0, 1.0, 0.0])) == 0.0
