"""One item under (s, S): its tables, its measures, and how often an evening ends the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.closed_forms import PmfDemand
from demandcast.components.replenishment.closed_forms.min_max_item import MinMaxItem


def test_tables_are_the_distribution():
    pmf = np.array([0.2, 0.3, 0.0, 0.5])
    item, twice = MinMaxItem(pmf, 1), PmfDemand(pmf).over(2)
    levels = np.arange(-3, 12)
    np.testing.assert_allclose(item.until_evening.cdf(levels), twice.cdf(levels))
    np.testing.assert_allclose(item.until_evening.loss(levels), twice.loss(levels), atol=1e-12)
    assert item.until_evening.quantile(0.75) == twice.quantile(0.75)
    assert item.until_order.mean == pytest.approx(float(PmfDemand(pmf).mean))


def test_known_demand_by_hand():
    # 2 units each period, up to 5 at 0 or less: after reviews 5, 3, 1; evenings of 3, 1 and -1.
    item = MinMaxItem(np.array([0.0, 0.0, 1.0]), 0)
    assert item.measured(0, 5) == pytest.approx((2 / 3, 0.0, 5 / 6, 4 / 3, 1 / 3))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=5), st.integers(0, 2), st.integers(1, 40))
def test_no_evening_ends_more_often_at_the_same_stock_than_the_bound(weights, lead_time, gap):
    pmf = np.array(weights) / np.sum(weights)
    item = MinMaxItem(pmf, lead_time)
    positions = item.stays(gap)
    later = PmfDemand(pmf).over(lead_time + 1).pmf(0)
    assert np.convolve(positions, later).max() <= item.most_visits * (1 + 1e-9)
