"""Copulas: known ones are found again, matrices can be factorised, slow loops as the oracle."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from demandcast.components.replenishment.copula import Copula, fit_copula, random_ranks
from demandcast.schema.errors import BadInputError

INDEPENDENT = (0.0, 0.0, 0.0)


def numbers(copula):
    return copula.level, copula.short, copula.decay


@st.composite
def copulas(draw):
    level = draw(st.floats(0, 1))
    short = draw(st.floats(0, 1)) * (1 - level)
    return Copula(level, short, draw(st.floats(0, 1, exclude_max=True)))


def test_correlation_by_hand():
    matrix = Copula(level=0.1, short=0.6, decay=0.5).correlation(3)
    one, two = 0.1 + 0.6 * 0.5, 0.1 + 0.6 * 0.25
    np.testing.assert_allclose(matrix, [[1, one, two], [one, 1, one], [two, one, 1]], rtol=1e-8)


@given(copulas(), st.integers(1, 100))
def test_every_matrix_is_a_positive_definite_correlation(copula, horizon):
    matrix = copula.correlation(horizon)
    np.testing.assert_array_equal(np.diag(matrix), np.ones(horizon))
    np.testing.assert_array_equal(matrix, matrix.T)
    np.linalg.cholesky(matrix)  # Raises if it is not positive definite.


@pytest.mark.parametrize(
    "parameters", [(1, 0, 0), (0, 1, 1 - 1e-16), (0.5, 0.5, 0.98), INDEPENDENT]
)
@pytest.mark.parametrize("horizon", [1, 2, 100])
def test_the_ends_of_the_ranges_are_positive_definite_too(parameters, horizon):
    correlation = Copula(*parameters).correlation(horizon)
    root = np.linalg.cholesky(correlation)
    np.testing.assert_allclose(root @ root.T, correlation, atol=1e-12)


@pytest.mark.parametrize(
    "wrong",
    [(-0.1, 0, 0), (0, -0.1, 0), (0.6, 0.5, 0), (0, 0.5, 1.0), (0, 0, -0.1), (math.nan, 0, 0)],
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(BadInputError, match="copula"):
        Copula(*wrong)
    with pytest.raises(BadInputError, match="copula"):
        Copula(0.0, 0.0, math.nan)


def simulated_ranks(copula, examples, horizon, seed):
    draws = np.random.default_rng(seed)
    factor = np.linalg.cholesky(copula.correlation(horizon))
    return stats.norm.cdf(draws.standard_normal((examples, horizon)) @ factor.T)


@pytest.mark.parametrize(
    "truth",
    [
        Copula(0.0, 0.0, 0.0),
        Copula(0.4, 0.0, 0.0),
        Copula(0.0, 0.8, 0.6),
        Copula(0.2, 0.5, 0.8),
        Copula(0.1, 0.3, 0.2),
    ],
)
def test_a_known_copula_is_found_again(truth):
    examples, horizon = 20_000, 14
    ranks = simulated_ranks(truth, examples, horizon, seed=5)
    found = fit_copula(ranks, np.ones(ranks.shape, bool))
    expected = truth.correlation(horizon)[0, 1:]
    # A mean product of one pair per example has this standard error, its mean square another;
    # more pairs per example only lower them.
    error = np.sqrt((1 + expected**2) / examples) + expected * np.sqrt(2 / examples)
    distance = np.abs(found.correlation(horizon)[0, 1:] - expected)
    assert (distance <= 4 * error).all()
    assert found.pairs == examples * sum(range(1, horizon))


def slow_fit(ranks, mask):
    """The definition in loops: products of each pair, then least squares for each decay."""
    scores = stats.norm.ppf(np.clip(ranks, 1e-4, 1 - 1e-4))
    squares, products = [], {}
    for row, counts in zip(scores, mask, strict=True):
        for one in range(len(row)):
            if counts[one]:
                squares.append(row[one] ** 2)
                for two in range(one + 1, len(row)):
                    if counts[two]:
                        products.setdefault(two - one, []).append(row[one] * row[two])
    lags = [lag for lag in sorted(products) if len(products[lag]) >= 30]
    observed = np.array([np.mean(products[lag]) for lag in lags]) / np.mean(squares)
    weight = np.sqrt([len(products[lag]) for lag in lags])
    fits = []
    for decay in np.linspace(0, 0.98, 50):
        design = np.stack([np.ones(len(lags)), decay ** np.array(lags)], axis=1)
        both, error = optimize.nnls(design * weight[:, None], observed * weight)
        fits.append((error, *both, decay))
    return min(fits), sum(len(products[lag]) for lag in lags)


@pytest.mark.parametrize("seed", range(6))
def test_fit_is_that_of_slow_loops_with_gaps(seed):
    draws = np.random.default_rng(seed)
    ranks = simulated_ranks(Copula(0.15, 0.4, 0.7), 60, 9, seed)
    mask = draws.random(ranks.shape) < 0.7
    ranks[~mask] = np.nan  # What does not count is not looked at.
    found = fit_copula(ranks, mask)
    (_, *expected), pairs = slow_fit(np.where(mask, ranks, 0.5), mask)
    np.testing.assert_allclose(found.correlation(9), Copula(*expected).correlation(9), atol=1e-5)
    assert found.pairs == pairs


def test_lags_with_fewer_than_thirty_pairs_are_not_believed():
    ranks = simulated_ranks(Copula(0.0, 0.9, 0.9), 29, 2, seed=1)
    assert numbers(fit_copula(ranks, np.ones(ranks.shape, bool))) == INDEPENDENT
    ranks = simulated_ranks(Copula(0.0, 0.9, 0.9), 30, 2, seed=1)
    assert fit_copula(ranks, np.ones(ranks.shape, bool)).correlation(2)[0, 1] > 0.5


@pytest.mark.parametrize(
    "ranks",
    [
        np.full((50, 1), 0.3),  # One period has no lag.
        np.full((50, 4), 0.5),  # Always the median: no score differs from 0.
        np.zeros((0, 4)),
        np.tile([0.1, 0.9], (50, 4)),  # Errors that take turns are taken as independent.
    ],
    ids=["one period", "medians", "no examples", "alternating"],
)
def test_nothing_to_learn_is_independence(ranks):
    found = fit_copula(ranks, np.ones(ranks.shape, bool))
    assert numbers(found) == INDEPENDENT


def test_everything_masked_is_independence():
    ranks = np.full((50, 4), np.nan)
    assert numbers(fit_copula(ranks, np.zeros(ranks.shape, bool))) == INDEPENDENT


@pytest.mark.parametrize("rank", [0.0, 0.2, 1.0])
def test_an_error_that_all_share_never_fades(rank):
    found = fit_copula(np.full((50, 6), rank), np.ones((50, 6), bool))
    # All correlations are 1; the copula keeps a thousandth for what is new in each period.
    np.testing.assert_allclose(found.correlation(6)[0, 1:], 0.999, rtol=1e-6)


def test_series_that_are_each_wrong_in_one_direction_never_fade():
    ranks = np.tile(np.linspace(0.05, 0.95, 50)[:, None], (1, 6))
    found = fit_copula(ranks, np.ones(ranks.shape, bool))
    np.testing.assert_allclose(found.correlation(6)[0, 1:], 0.999, rtol=1e-6)


@pytest.mark.parametrize("wrong", [-0.01, 1.01, math.nan, math.inf])
def test_ranks_outside_of_zero_to_one_are_refused_where_they_count(wrong):
    ranks = np.full((40, 3), 0.4)
    ranks[7, 1] = wrong
    mask = np.ones(ranks.shape, bool)
    with pytest.raises(BadInputError, match="ranks"):
        fit_copula(ranks, mask)
    mask[7, 1] = False
    fit_copula(ranks, mask)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="mask: shape"):
        fit_copula(np.full((4, 3), 0.5), np.ones((4, 2), bool))


@pytest.mark.parametrize("mean", [0.05, 0.7, 4.0])
def test_random_ranks_of_a_right_forecast_of_whole_units_are_uniform(mean):
    draws = np.random.default_rng(8)
    demand = draws.poisson(mean, 20_000)
    below, at_or_below = stats.poisson.cdf(demand - 1, mean), stats.poisson.cdf(demand, mean)
    ranks = random_ranks(below, at_or_below, draws)
    assert ((below <= ranks) & (ranks <= at_or_below)).all()
    assert stats.kstest(ranks, "uniform").pvalue > 0.001


def test_random_ranks_without_a_jump_are_the_rank_and_nan_stays():
    below = np.array([[0.2, np.nan], [0.0, 1.0]])
    np.testing.assert_array_equal(random_ranks(below, below, np.random.default_rng(1)), below)


def test_random_ranks_keep_neighbours_apart():
    # What is drawn between two jumps is drawn anew for each: ranks of always 0 are independent.
    shape = (20_000, 3)
    ranks = random_ranks(np.zeros(shape), np.ones(shape), np.random.default_rng(2))
    found = fit_copula(ranks, np.ones(shape, bool)).correlation(3)
    for one, two in itertools.combinations(range(3), 2):
        assert found[one, two] < 4 / math.sqrt(shape[0])
