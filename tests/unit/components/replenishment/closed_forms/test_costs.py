"""Costs of stock, and what an evening is charged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.closed_forms import (
    NormalDemand,
    PmfDemand,
    StockCosts,
    evening_cost,
)
from demandcast.schema.errors import BadInputError


def test_critical_ratio_by_hand():
    costs = StockCosts(holding_cost=[1.0, 2.0], stockout_cost=[3.0, 2.0])
    assert costs.critical_ratio.tolist() == [3 / 4, 1 / 2]


def test_an_evening_by_hand():
    demand = PmfDemand([0.5, 0.0, 0.0, 0.25, 0.25])
    cost = evening_cost(3.0, demand=demand, costs=StockCosts(2.0, 10.0))
    # Left: 3 units with 0.5; short: 1 unit with 0.25.
    assert cost == pytest.approx(2 * 0.5 * 3 + 10 * 0.25 * 1)


@settings(deadline=None)
@given(st.floats(-40, 200), st.floats(0.1, 40), st.floats(0.01, 20), st.floats(0.01, 200))
def test_cost_is_convex_in_the_level(level, gap, holding, stockout):
    costs = StockCosts(holding, stockout)
    low, middle, high = evening_cost(
        [level - gap, level, level + gap], demand=NormalDemand(60.0, 20.0), costs=costs
    )
    assert middle <= (low + high) / 2 + 1e-9 * high


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((0.0, 1.0), "holding_cost must be above 0"),
        ((1.0, -1.0), "stockout_cost must be above 0"),
        ((1.0, 1.0, -1.0), "order_cost must be at least 0"),
        ((np.nan, 1.0), "holding_cost must be a finite number"),
    ],
)
def test_what_is_no_cost_is_refused(values, message):
    with pytest.raises(BadInputError, match=message):
        StockCosts(*values)
