"""Features of a history equal a loop, see no later period, and ignore left-padding."""

import forecasting_oracle as oracle
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.preprocessing import history

pytestmark = pytest.mark.slow

HORIZON = 4

FUNCTIONS = {
    "lagged": (
        lambda values, _: history.lagged(values, lag=6, horizon=HORIZON),
        lambda values, _: oracle.lagged(values, lag=6, horizon=HORIZON),
    ),
    "lagged by one horizon": (
        lambda values, _: history.lagged(values, lag=HORIZON, horizon=HORIZON),
        lambda values, _: oracle.lagged(values, lag=HORIZON, horizon=HORIZON),
    ),
    "lagged beyond every history": (
        lambda values, _: history.lagged(values, lag=500, horizon=HORIZON),
        lambda values, _: oracle.lagged(values, lag=500, horizon=HORIZON),
    ),
    "trailing_mean": (
        lambda values, exposure: history.trailing_mean(values, exposure, window=5),
        lambda values, exposure: oracle.trailing_mean(values, exposure, window=5),
    ),
    "trailing_mean of one period": (
        lambda values, exposure: history.trailing_mean(values, exposure, window=1),
        lambda values, exposure: oracle.trailing_mean(values, exposure, window=1),
    ),
    "expanding_mean": (history.expanding_mean, oracle.expanding_mean),
    "growth_rate": (
        lambda values, exposure: history.growth_rate(values, exposure, window=3),
        lambda values, exposure: oracle.growth_rate(values, exposure, window=3),
    ),
    "causal_mean": (
        lambda values, exposure: history.causal_mean(values, tf.math.ceil(exposure)),
        oracle.causal_mean,
    ),
}


def ragged(rows):
    return tf.ragged.constant([list(map(float, row)) for row in rows], ragged_rank=1)


def rows_of(seed):
    """Histories of many lengths, and the edges."""
    rng = np.random.default_rng(seed)
    batch = []
    for length in (1, 2, *rng.integers(3, 40, 6)):
        exposure = rng.choice([0.0, 0.25, 1.0], length, p=[0.3, 0.2, 0.5])
        batch.append((rng.poisson(3, length) * (exposure > 0), exposure))
    ones, gap = np.ones(20), np.r_[np.ones(5), np.zeros(10), np.ones(5)]
    edges = [
        (np.zeros(20), ones),  # never sold
        (np.zeros(20), np.zeros(20)),  # never recorded
        (7 * gap, gap),  # a long gap
        (np.full(20, 4), ones),  # constant
        (np.where(np.arange(20) == 3, 1e12, 2.0), ones),  # one freak sale
        (np.full(20, 1e30), ones),  # huge throughout
        ([5.0], [1.0]),
        ([0.0], [0.0]),
    ]
    return [*batch, *((np.asarray(v, float), np.asarray(e, float)) for v, e in edges)]


def both(batch):
    return ragged([values for values, _ in batch]), ragged([exposure for _, exposure in batch])


@pytest.mark.parametrize("name", FUNCTIONS)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_equals_a_loop_over_series_and_periods(name, seed):
    batch = rows_of(seed)
    function, slow = FUNCTIONS[name]
    found = function(*both(batch)).to_list()
    for row, (values, exposure) in zip(found, batch, strict=True):
        expected = np.array(slow(np.float32(values).astype(float), exposure))
        # One freak sale of 1e12 costs the sums behind it at most 1e-15 of itself per period.
        np.testing.assert_allclose(row, expected, rtol=2e-5, atol=1e-6 + 1e-13 * values.max())


@pytest.mark.parametrize("name", FUNCTIONS)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=5, deadline=None)
def test_later_periods_change_nothing_up_to_now(name, seed):
    batch = rows_of(seed)
    rng = np.random.default_rng(seed)
    cutoffs = [int(rng.integers(0, len(values))) for values, _ in batch]
    changed = []
    for (values, exposure), now in zip(batch, cutoffs, strict=True):
        other_values, other_exposure = values.copy(), exposure.copy()
        other_values[now + 1 :] = rng.poisson(50, len(values) - now - 1)
        other_exposure[now + 1 :] = rng.random(len(values) - now - 1)
        changed.append((other_values, other_exposure))
    function, _ = FUNCTIONS[name]
    before, after = function(*both(batch)).to_list(), function(*both(changed)).to_list()
    for old, new, now in zip(before, after, cutoffs, strict=True):
        assert old[: now + 1] == new[: now + 1]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("extra", [1, 8])
def test_unusable_periods_on_the_left_change_nothing(name, extra):
    batch = rows_of(extra)
    padded = [(np.r_[np.zeros(extra), v], np.r_[np.zeros(extra), e]) for v, e in batch]
    function, _ = FUNCTIONS[name]
    without, with_padding = function(*both(batch)).to_list(), function(*both(padded)).to_list()
    for short, long in zip(without, with_padding, strict=True):
        np.testing.assert_allclose(long[extra:], short, rtol=1e-6)


def test_tiny_exposure_on_the_left_of_a_window_counts_the_same_with_padding():
    values, exposure = [0.0, 1.0, 1.0, 1.0], [2e-6, 1.0, 1.0, 1.0]
    short = history.growth_rate(ragged([values]), ragged([exposure]), window=1)
    long = history.growth_rate(ragged([[0, 0, *values]]), ragged([[0, 0, *exposure]]), window=1)
    assert long.to_list()[0][2:] == short.to_list()[0]


def test_rows_of_a_batch_do_not_touch_each_other():
    batch = rows_of(1)
    for function, _ in FUNCTIONS.values():
        together = function(*both(batch)).to_list()
        for row, expected in zip(batch, together, strict=True):
            np.testing.assert_allclose(function(*both([row])).to_list()[0], expected, rtol=1e-6)


def test_growth_is_bounded():
    values = ragged([[1e9, 1e9, 0, 0, 0, 0, 1e9, 1e9]])
    growth = history.growth_rate(values, tf.ones_like(values), window=2).numpy()[0]
    assert growth.min() == pytest.approx(np.log(0.01 / 1.01), rel=1e-5)
    assert growth.max() == pytest.approx(np.log(1.01 / 0.01), rel=1e-5)


def test_what_is_unknown_may_be_anything():
    values = ragged([[np.nan, 2.0, np.inf, 4.0, -np.inf]])
    known = ragged([[0, 1, 0, 1, 0]])
    assert history.causal_mean(values, known).to_list() == [[0.0, 2.0, 2.0, 3.0, 3.0]]
