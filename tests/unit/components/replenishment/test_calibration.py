"""Calibration: each probability tried out, an independent Kaplan-Meier, and coverage restored."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from demandcast.components.replenishment.calibration import (
    Calibration,
    cover_ranks,
    fit_calibration,
)
from demandcast.schema.errors import BadInputError


def raised(level, unit):
    return level if unit == 0 else math.ceil(round(level / unit, 9)) * unit


def least_probability(samples, actual, unit):
    """Tries k / P from the least: its level is the k-th sample, raised to whole units."""
    for number, level in enumerate(sorted(samples), start=1):
        if raised(level, unit) >= actual - 1e-9:
            return number / len(samples)
    return None


@given(
    hnp.arrays(np.float64, st.integers(1, 25), elements=st.integers(0, 80).map(lambda n: n / 4)),
    st.integers(0, 22),
    st.sampled_from([0.0, 1.0, 2.0, 6.0, 0.5, 0.3]),
)
def test_cover_ranks_are_the_least_probability_that_covers(samples, pieces, unit):
    actual = pieces * (unit or 1.0)
    found = cover_ranks(samples[None], np.array([actual]), unit=np.array([unit])).item()
    expected = least_probability(samples, actual, unit)
    if expected is not None:
        assert found == pytest.approx(expected)
        return
    # No sample suffices: a multiple of the largest does, and nothing less than it.
    assert 1 < found <= 3
    largest = max(samples)
    if found < 3 and largest > 0:
        assert raised(largest * found * (1 + 1e-6), unit) >= actual - 1e-6
        assert raised(largest * found * (1 - 1e-6), unit) <= actual + 1e-6


@given(
    hnp.arrays(np.float64, st.integers(1, 25), elements=st.floats(0, 20, width=32)),
    st.floats(0, 22, width=32),
)
def test_cover_ranks_of_demand_that_is_not_in_whole_units(samples, actual):
    found = cover_ranks(samples[None], np.array([actual]), unit=np.zeros(1)).item()
    short = sum(sample < actual for sample in samples)
    if short < len(samples):
        assert found == (short + 1) / len(samples)
    elif max(samples) > 0:
        assert found == pytest.approx(min(max(actual / max(samples), 1), 3))
    else:
        assert found == 3


def test_cover_ranks_of_edge_series():
    zeros = np.zeros((2, 4))
    assert cover_ranks(zeros, np.zeros(2), unit=np.array([0.0, 1.0])).tolist() == [1 / 4, 1 / 4]
    # No multiple of 0 is enough: the largest there is.
    assert cover_ranks(zeros, np.ones(2), unit=np.array([0.0, 1.0])).tolist() == [3, 3]
    doubled = cover_ranks(np.full((1, 4), 5.0), np.array([10.0]), unit=np.zeros(1))
    assert doubled.tolist() == [10 / 5]
    assert cover_ranks(np.array([[3.0]]), np.array([3.0]), unit=np.ones(1)).tolist() == [1]
    huge = np.full((1, 4), 1e9)
    assert cover_ranks(huge, np.array([1e9]), unit=np.ones(1)).tolist() == [1 / 4]


def test_a_multiple_that_has_no_binary_fraction_is_itself():
    # 2.1 / 0.3 is a hair above 7; 2.0 is raised to 2.1, which covers 2.1.
    assert 2.1 / 0.3 > 7
    ranks = cover_ranks(np.array([[2.0, 3.0]]), np.array([2.1]), unit=np.array([0.3]))
    assert ranks.tolist() == [1 / 2]


def test_cover_ranks_of_what_is_not_known_are_nan():
    samples = np.array([[1.0, 2.0], [1.0, np.nan], [1.0, 2.0], [1.0, 2.0]])
    actual, unit = np.array([np.nan, 1.0, 1.0, 1.0]), np.array([1.0, 1.0, np.nan, 1.0])
    assert np.isnan(cover_ranks(samples, actual, unit=unit)).tolist() == [True, True, True, False]


def kaplan_meier(ranks, censored):
    """Share covered at each rank that happened, by the textbook: d events among n at risk."""
    kept, shares = 1.0, {}
    for rank in sorted(set(ranks[~censored])):
        at_risk = (ranks >= rank).sum()
        events = ((ranks == rank) & ~censored).sum()
        kept *= 1 - events / at_risk
        shares[rank] = 1 - kept
    return shares


@pytest.mark.parametrize("censored_share", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("ties", [10, 1000])
def test_levels_are_those_of_an_independent_kaplan_meier(censored_share, ties):
    draws = np.random.default_rng(9)
    ranks = draws.integers(1, ties + 1, 900) / ties
    censored = draws.random(900) < censored_share
    calibration = fit_calibration(ranks, censored)
    shares = kaplan_meier(ranks, censored)
    for target in np.linspace(0.001, 0.999, 999):
        covering = [rank for rank, share in shares.items() if share >= target - 1e-12]
        if covering:
            assert calibration.level(np.array(target)) == pytest.approx(min(covering))
    assert calibration.intervals == 900


def test_levels_without_censoring_are_quantiles_of_the_ranks():
    ranks = np.random.default_rng(2).beta(3, 1, 1234)
    calibration = fit_calibration(ranks, np.zeros(1234, bool))
    targets = np.array([0.1, 0.5, 0.9, 0.95, 0.98])
    expected = np.quantile(ranks, targets, method="inverted_cdf")
    np.testing.assert_allclose(calibration.level(targets), expected)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(100, 400),
    st.floats(0, 0.7),
    st.sampled_from([3, 50, 999]),
)
def test_levels_do_not_fall_and_go_up_to_the_largest_rank(seed, intervals, censored_share, ties):
    draws = np.random.default_rng(seed)
    ranks = draws.integers(1, ties + 2, intervals) / ties
    calibration = fit_calibration(ranks, draws.random(intervals) < censored_share)
    levels = calibration.level(np.linspace(0, 1, 2001))
    assert (np.diff(levels) >= 0).all()
    assert levels[0] == 0
    assert levels[-1] <= max(1, ranks.max())
    assert (np.diff(calibration.shares) > 0).all()
    assert len(calibration.shares) == len(calibration.levels) <= 1003


def test_fewer_than_a_hundred_events_change_nothing():
    ranks = np.full(150, 0.5)
    for censored in (51, 150):
        calibration = fit_calibration(ranks, np.arange(150) < censored)
        assert calibration == Calibration()
        assert calibration.level(np.array([0.3, 0.95])).tolist() == [0.3, 0.95]
    assert fit_calibration(ranks, np.arange(150) < 50).intervals == 150
    assert fit_calibration(np.zeros(0), np.zeros(0, bool)) == Calibration()


def test_ranks_that_are_all_the_same_ask_for_that_probability():
    calibration = fit_calibration(np.full(200, 0.7), np.zeros(200, bool))
    np.testing.assert_allclose(calibration.level(np.array([0.01, 0.5, 0.99])), 0.7)


def test_what_no_sample_covered_asks_for_a_multiple_of_the_largest():
    ranks = np.r_[np.full(150, 0.5), np.full(50, 1.25)]
    calibration = fit_calibration(ranks, np.zeros(200, bool))
    assert calibration.level(np.array([0.75, 0.76, 0.99])).tolist() == [0.5, 1.25, 1.25]
    # The largest sample itself covers what the ranks below cover.
    assert calibration.share(np.array([0.5])).item() == pytest.approx(0.75)


def test_above_the_largest_share_known_levels_go_up_to_the_largest_sample():
    # A fifth has a rank above 0.6, how much is not known.
    ranks = np.r_[np.full(160, 0.5), np.full(40, 0.6)]
    calibration = fit_calibration(ranks, np.arange(200) >= 160)
    np.testing.assert_allclose(calibration.level(np.array([0.8, 0.9, 1.0])), [0.5, 0.75, 1.0])


def test_ranks_that_are_nan_or_of_another_shape_are_refused():
    ranks = np.full(200, 0.5)
    ranks[3] = np.nan
    with pytest.raises(BadInputError, match="ranks: one is NaN"):
        fit_calibration(ranks, np.zeros(200, bool))
    with pytest.raises(ValueError, match="censored: shape"):
        fit_calibration(ranks, np.zeros(199, bool))


PATHS, INTERVALS = 1000, 4000
TARGETS = np.array([0.8, 0.9, 0.95])


def over_confident(seed, unit):
    """Demand over intervals, and samples of a forecaster who sees 80 % of its spread."""
    draws = np.random.default_rng(seed)
    mean = draws.uniform(200, 1000, INTERVALS)
    demand = mean * (1 + 0.4 * draws.standard_normal(INTERVALS))
    samples = mean[:, None] * (1 + 0.32 * draws.standard_normal((INTERVALS, PATHS)))
    if unit:
        demand = np.round(demand / unit) * unit
    return np.maximum(demand, 0), np.maximum(samples, 0), draws


def stocked(samples, probabilities, unit):
    """Levels at some probabilities: samples in order, raised to whole units."""
    at = np.ceil(probabilities * PATHS - 1e-9).astype(int) - 1
    levels = np.sort(samples, axis=1)[:, np.clip(at, 0, PATHS - 1)]
    return np.ceil(levels / unit) * unit if unit else levels


@pytest.mark.parametrize("unit", [0.0, 1.0, 12.0])
@pytest.mark.parametrize("stock_share", [None, 1.3])
def test_coverage_of_an_over_confident_forecaster_is_restored(unit, stock_share):
    demand, samples, draws = over_confident(31, unit)
    # Where the shelf held less than was asked for, no more than that was sold.
    shelf = np.full(INTERVALS, np.inf)
    if stock_share is not None:
        shelf = demand.mean() * draws.uniform(0.5, 1.5 * stock_share, INTERVALS)
    ranks = cover_ranks(samples, np.minimum(demand, shelf), unit=np.full(INTERVALS, unit))
    calibration = fit_calibration(ranks, demand > shelf)

    fresh_demand, fresh_samples, _ = over_confident(32, unit)
    plain = stocked(fresh_samples, TARGETS, unit)
    levels = stocked(fresh_samples, calibration.level(TARGETS), unit)
    before = (fresh_demand[:, None] <= plain).mean(axis=0)
    after = (fresh_demand[:, None] <= levels).mean(axis=0)
    # Noise of the ranks, of which censoring takes a part, and of the fresh intervals.
    learnt = (demand <= shelf).sum()
    noise = 3 * np.sqrt(TARGETS * (1 - TARGETS) * (1 / learnt + 1 / INTERVALS))
    assert (before < TARGETS - noise).all()
    assert (np.abs(after - TARGETS) <= noise + 1 / PATHS).all()


def test_taking_what_was_sold_for_demand_would_cover_too_little():
    demand, samples, draws = over_confident(31, 0.0)
    shelf = demand.mean() * draws.uniform(0.3, 1.5, INTERVALS)
    ranks = cover_ranks(samples, np.minimum(demand, shelf), unit=np.zeros(INTERVALS))
    naive = fit_calibration(ranks, np.zeros(INTERVALS, bool))
    right = fit_calibration(ranks, demand > shelf)
    assert (naive.level(TARGETS) < right.level(TARGETS)).all()


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_calibrations_are_mixed_by_their_levels(weight):
    """At shares of either, and so between them too: both are straight there."""
    one = Calibration((0.0, 0.5, 0.8, 1.0), (0.0, 0.7, 0.9, 1.25), 100)
    other = Calibration((0.0, 0.3, 1.0), (0.0, 0.2, 1.0), 7)
    mixed = one.mixed(other, weight)
    shares = np.linspace(0, 1, 101)
    expected = weight * one.level(shares) + (1 - weight) * other.level(shares)
    np.testing.assert_allclose(mixed.level(shares), expected)
    assert mixed.intervals == 100
