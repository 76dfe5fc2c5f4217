"""Values of packs: by hand, against the newsvendor, samples against quantiles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from demandcast.components.replenishment import pack_values
from demandcast.components.replenishment.pack_values import (
    PackTerms,
    as_pack_values,
    marginal_pack_values,
    marginal_pack_values_of_quantiles,
    value_of_packs,
)
from demandcast.schema.errors import BadInputError

TERMS = PackTerms(pack_size=3.0, stockout_cost=5.0, overage_cost=2.0)


def cost(samples, stock, terms):
    """The newsvendor's expected cost of a stock, line by line."""
    short = np.maximum(samples - stock[:, None], 0).mean(axis=1)
    left = np.maximum(stock[:, None] - samples, 0).mean(axis=1)
    return terms.stockout_cost * short + terms.overage_cost * left


def test_by_hand():
    # Stock 1, demand 2 or 6, packs of 3: the first avoids 1 or 3, the second 0 or 2.
    values = marginal_pack_values(np.array([[2.0, 6.0]]), 1.0, terms=TERMS, packs=3)
    first, second = (1 + 3) / 2, (0 + 2) / 2
    expected = [5 * first - 2 * (3 - first), 5 * second - 2 * (3 - second), -2 * 3]
    np.testing.assert_allclose(values, [expected])


@settings(deadline=None)
@given(
    arrays.arrays(np.float64, (4, 7), elements=st.integers(0, 40)),
    arrays.arrays(np.float64, 4, elements=st.integers(0, 30)),
)
def test_values_are_what_the_cost_falls_by_and_never_rise(samples, position):
    values = marginal_pack_values(samples, position, terms=TERMS, packs=6)
    steps = [cost(samples, position + 3 * number, TERMS) for number in range(7)]
    np.testing.assert_allclose(values, -np.diff(steps, axis=0).T, atol=1e-9)
    assert (np.diff(values, axis=1) <= 0).all()


def test_packs_worth_having_reach_the_quantile_of_the_critical_ratio():
    samples = np.random.default_rng(3).poisson(20, (50, 999)).astype(float)
    terms = PackTerms(1.0, stockout_cost=9.0, overage_cost=1.0)
    values = marginal_pack_values(samples, 0.0, terms=terms, packs=60)
    expected = np.quantile(samples, 0.9, axis=1, method="inverted_cdf")
    assert (values > 0).sum(axis=1).tolist() == expected.tolist()


def test_blocks_of_lines_change_nothing(monkeypatch):
    samples = np.random.default_rng(4).gamma(2.0, 5.0, (11, 13)).astype(np.float32)
    position = np.arange(11.0) - 3
    whole = marginal_pack_values(samples, position, terms=TERMS, packs=4)
    monkeypatch.setattr(pack_values, "_NUMBERS_AT_ONCE", 30)
    parts = marginal_pack_values(samples, position, terms=TERMS, packs=4)
    np.testing.assert_array_equal(whole, parts)


def test_quantiles_value_packs_like_samples_of_the_same_distribution():
    levels = [0.1, 0.4, 0.5, 0.9]
    quantiles = np.array([[2.0, 5.0, 5.0, 30.0], [0.0, 0.0, 0.0, 0.0], [-2.0, 0.0, 7.0, 7.5]])
    chances = (np.arange(200_000) + 0.5) / 200_000
    samples = np.stack([np.interp(chances, levels, line) for line in quantiles])
    position = np.array([-1.0, 0.0, 3.0])
    found = marginal_pack_values_of_quantiles(
        quantiles, position, quantile_levels=levels, terms=TERMS, packs=12
    )
    expected = marginal_pack_values(samples, position, terms=TERMS, packs=12)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_one_level_is_certain_demand():
    found = marginal_pack_values_of_quantiles(
        [[7.0]], 0.0, quantile_levels=[0.5], terms=TERMS, packs=4
    )
    np.testing.assert_allclose(found, [[15.0, 15.0, 5 * 1 - 2 * 2, -6.0]])


@pytest.mark.parametrize("demand", [0.0, 1e200])
def test_zero_and_huge_demand(demand):
    samples = np.full((1, 5), demand)
    values = marginal_pack_values(samples, 0.0, terms=TERMS, packs=2)
    np.testing.assert_allclose(values, [[15.0, 15.0] if demand else [-6.0, -6.0]])


def test_no_lines_and_no_packs():
    assert marginal_pack_values(np.empty((0, 3)), 0.0, terms=TERMS, packs=2).shape == (0, 2)
    assert marginal_pack_values(np.ones((2, 3)), 0.0, terms=TERMS, packs=0).shape == (2, 0)


@pytest.mark.parametrize(
    ("samples", "position", "terms", "message"),
    [
        ([[1.0], [np.nan]], 0.0, TERMS, "demand_samples: got nan at line 1"),
        ([[1.0, np.inf]], 0.0, TERMS, "demand_samples: got inf at line 0"),
        ([1.0], 0.0, TERMS, r"demand_samples: shape \[1\]"),
        ([[]], 0.0, TERMS, r"demand_samples: shape \[1, 0\]"),
        ([[1.0]], np.nan, TERMS, "position: got nan"),
        ([[1.0]], 0.0, PackTerms(0.0, 1.0, 1.0), "pack_size: got 0.0"),
        ([[1.0]], 0.0, PackTerms(1.0, np.nan, 1.0), "stockout_cost: got nan"),
        ([[1.0]], 0.0, PackTerms(1.0, 1.0, -1.0), "overage_cost: got -1.0"),
    ],
)
def test_wrong_input_is_refused_by_line(samples, position, terms, message):
    with pytest.raises(BadInputError, match=message):
        marginal_pack_values(np.array(samples), position, terms=terms, packs=2)


@pytest.mark.parametrize(
    ("quantiles", "message"),
    [
        ([[1.0, np.nan]], "quantiles: got nan at line 0"),
        ([[1.0, 2.0], [2.0, 1.0]], "quantiles: got 1.0 at line 1; .* do not cross"),
        ([[1.0]], r"quantiles: shape \[1, 1\]; expected \[N, 2\]"),
    ],
)
def test_wrong_quantiles_are_refused_by_line(quantiles, message):
    with pytest.raises(BadInputError, match=message):
        marginal_pack_values_of_quantiles(
            quantiles, 0.0, quantile_levels=[0.1, 0.9], terms=TERMS, packs=2
        )


def test_values_that_rise_are_refused_but_for_rounding():
    assert as_pack_values([[1.0, 1.0 + 1e-12]]).tolist() == [[1.0, 1.0]]
    with pytest.raises(BadInputError, match=r"pack_values: got 2.0 at line 1; expected no more"):
        as_pack_values([[2.0, 1.0], [1.0, 2.0]])
    with pytest.raises(BadInputError, match="pack_values: got nan at line 0"):
        as_pack_values([[np.nan]])
    with pytest.raises(BadInputError, match=r"pack_values: shape \[1\]"):
        as_pack_values([1.0])


def test_values_add_up():
    values = np.array([[5.0, 3.0, -1.0]] * 4)
    assert value_of_packs(values, np.arange(4)).tolist() == [0.0, 5.0, 8.0, 7.0]
