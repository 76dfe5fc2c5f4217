"""Statistics of lead times: against SciPy, by hand, and on edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from demandcast.components.replenishment import lead_time_statistics as statistics


def counts(values, width):
    return np.bincount(np.asarray(values, dtype=np.int64), minlength=width).astype(float)


def test_kaplan_meier_by_hand():
    # At 1: four at risk, one arrives. At 2: one is open from 2 on, so two at risk. At 4: one left.
    pmf = statistics.kaplan_meier(counts([1, 2, 4], 5)[None], counts([2], 5)[None])
    np.testing.assert_allclose(pmf, [[0, 1 / 4, 3 / 4 * 1 / 2, 0, 3 / 4 * 1 / 2 * 1]])


@settings(max_examples=60, deadline=None)
@given(
    arrived=st.lists(st.integers(0, 15), min_size=1, max_size=25),
    still_open=st.lists(st.integers(1, 18), max_size=12),
)
def test_kaplan_meier_agrees_with_scipy(arrived, still_open):
    pmf = statistics.kaplan_meier(counts(arrived, 20)[None], counts(still_open, 20)[None])[0]
    # An order whose lead time is at least l is censored between l - 1 and l.
    data = stats.CensoredData(
        uncensored=np.array(arrived, float), right=np.array(still_open, float) - 0.5
    )
    expected = stats.ecdf(data).cdf
    last = max(arrived)
    below = np.cumsum(pmf)[: last + 1]
    if max(still_open, default=0) <= last:
        below = below[:-1]  # The rest of the mass lies at the last arrival.
    np.testing.assert_allclose(below, expected.evaluate(np.arange(len(below)) + 0.25), atol=1e-12)
    assert pmf.sum() == pytest.approx(1)
    # Open orders can only make lead times longer than the arrivals alone say.
    assert pmf @ np.arange(20) >= np.mean(arrived) - 1e-9


def test_without_open_orders_kaplan_meier_is_the_share_of_each_lead_time():
    rng = np.random.default_rng(4)
    arrived = rng.integers(0, 5, (3, 9)).astype(float)
    pmf = statistics.kaplan_meier(arrived, np.zeros((3, 9)))
    np.testing.assert_allclose(pmf, arrived / arrived.sum(axis=1, keepdims=True))


def test_what_is_left_behind_the_last_arrival_lies_at_the_longest_open_order():
    pmf = statistics.kaplan_meier(counts([1, 1, 1], 8)[None], counts([5], 8)[None])
    np.testing.assert_allclose(pmf, [[0, 3 / 4, 0, 0, 0, 1 / 4, 0, 0]])


def test_a_supplier_without_deliveries_has_no_distribution():
    pmf = statistics.kaplan_meier(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 2.0]] * 2))
    assert np.isnan(pmf[0]).all()
    assert not np.isnan(pmf[1]).any()


def test_no_suppliers_have_no_distributions():
    assert statistics.kaplan_meier(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0, 3)


def test_effective_count_by_hand():
    weights, supplier = np.array([1.0, 0.5, 0.5, 2.0]), np.array([0, 0, 0, 2])
    worth = statistics.effective_count(weights, supplier, 3)
    np.testing.assert_allclose(worth, [2**2 / 1.5, 0, 1])


def test_credibility_constant_by_hand():
    # Within: (2 + 2 + 8) / 3. Means 2, 8, 5 of two each, the third one's twice as spread.
    lead_time, supplier = np.array([1, 3, 7, 9, 3, 7]), np.array([0, 0, 1, 1, 2, 2])
    within = (2 + 2 + 8) / 3
    between = (2 * (9 + 9 + 0) - 2 * within) / (6 - 3 * 4 / 6)
    constant = statistics.credibility_constant(lead_time, np.ones(6), supplier, 3)
    assert constant == pytest.approx(within / between)


def test_credibility_constant_finds_the_concentration_of_a_dirichlet_process():
    rng = np.random.default_rng(5)
    base = np.array([0.1, 0.3, 0.3, 0.2, 0.1])
    concentration, suppliers, each = 6.0, 3000, 20
    shares = rng.dirichlet(concentration * base, suppliers)
    uniforms = rng.random((suppliers, each, 1))
    lead_time = (uniforms > np.cumsum(shares, axis=1)[:, None, :4]).sum(axis=2)
    supplier = np.repeat(np.arange(suppliers), each)
    found = statistics.credibility_constant(
        lead_time.ravel(), np.ones(supplier.size), supplier, suppliers
    )
    assert found == pytest.approx(concentration, rel=0.08)


def test_parts_of_an_order_count_for_credibility_as_one():
    whole = statistics.credibility_constant(
        np.array([1, 3, 7, 9]), np.ones(4), np.array([0, 0, 1, 1]), 2
    )
    parts = statistics.credibility_constant(
        np.array([1, 3, 3, 3, 7, 9]),
        np.array([1, 1 / 3, 1 / 3, 1 / 3, 1, 1]),
        np.array([0, 0, 0, 0, 1, 1]),
        2,
    )
    assert parts == pytest.approx(whole)


@pytest.mark.parametrize(
    ("lead_time", "supplier", "expected"),
    [
        ([], [], 0.0),
        ([1, 2, 9], [1, 1, 1], 0.0),  # One supplier has nobody to learn from.
        ([1, 9], [0, 1], 5.0),
        ([3, 3, 3, 3], [0, 0, 1, 1], statistics.MOST_BORROWED),
        ([1, 9, 1, 9], [0, 0, 1, 1], statistics.MOST_BORROWED),
        ([1, 1, 9, 9], [0, 0, 1, 1], 0.0),
    ],
)
def test_credibility_constant_always_has_an_answer(lead_time, supplier, expected):
    constant = statistics.credibility_constant(
        np.array(lead_time, np.int64), np.ones(len(supplier)), np.array(supplier, np.int64), 2
    )
    assert constant == expected


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), max_size=30),
    level=st.floats(0, 1),
)
def test_grouped_quantiles_are_those_of_numpy(values, level):
    groups = np.array([group for group, _ in values], np.int64)
    numbers = np.array([number for _, number in values], np.int64)
    found = statistics.grouped_quantiles(numbers, groups, 4, level=level)
    for group in range(4):
        mine = numbers[groups == group]
        expected = np.quantile(mine, level) if mine.size else np.nan
        np.testing.assert_allclose(found[group], expected, atol=1e-9)


def test_fences_by_hand():
    # Quartiles 2 and 4 of the first; a steady supplier has a period's room times three.
    lead_time, supplier = np.array([1, 2, 3, 4, 5, 7, 7, 7]), np.array([0] * 5 + [2] * 3)
    low, high = statistics.fences(lead_time, supplier, 3)
    np.testing.assert_array_equal(low, [2 - 3 * 2, np.nan, 7 - 3])
    np.testing.assert_array_equal(high, [4 + 3 * 2, np.nan, 7 + 3])


def test_trend_agrees_with_scipy():
    rng = np.random.default_rng(6)
    supplier = rng.integers(0, 3, 90)
    day = rng.integers(20_000, 21_000, 90)
    lead_time = 5 + 0.004 * supplier * (day - 20_000) + rng.normal(0, 1, 90)
    trend = statistics.fit_trend(day, lead_time, supplier, 4)
    for one in range(3):
        mine = supplier == one
        expected = stats.linregress(day[mine] / 365.25, lead_time[mine])
        assert trend.slope[one] == pytest.approx(expected.slope, rel=1e-8)
        assert trend.standard_error[one] == pytest.approx(expected.stderr, rel=1e-8)
        assert trend.distinguishable[one] == (expected.pvalue < 0.05)
    assert np.isnan([trend.slope[3], trend.standard_error[3]]).all()
    assert not trend.distinguishable[3]


def test_one_of_twenty_suppliers_without_a_trend_shows_one():
    rng = np.random.default_rng(7)
    suppliers, each = 4000, 12
    supplier = np.repeat(np.arange(suppliers), each)
    trend = statistics.fit_trend(
        rng.integers(0, 700, suppliers * each),
        rng.normal(9, 2, suppliers * each),
        supplier,
        suppliers,
    )
    # Three standard errors of a share of 4000.
    assert trend.distinguishable.mean() == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 4000))


@pytest.mark.parametrize(
    ("count", "days"), [(statistics.FEWEST_FOR_TREND - 1, 9), (20, 1)], ids=["few", "one day"]
)
def test_too_little_has_no_trend(count, days):
    day = np.arange(count) % days
    trend = statistics.fit_trend(day, np.arange(count, dtype=float), np.zeros(count, int), 1)
    assert np.isnan(trend.slope[0])
    assert not trend.distinguishable[0]


def test_a_constant_lead_time_has_no_trend_and_a_perfect_line_has_one():
    day = np.arange(0, 3650, 365)
    supplier = np.repeat([0, 1], 10)
    lead_time = np.concatenate([np.full(10, 4.0), np.arange(10.0)])
    trend = statistics.fit_trend(np.tile(day, 2), lead_time, supplier, 2)
    np.testing.assert_allclose(trend.slope, [0, 365.25 / 365])
    assert trend.distinguishable.tolist() == [False, True]
