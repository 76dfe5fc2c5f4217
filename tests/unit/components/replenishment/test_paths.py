"""Sample paths: exact in each period, correlated as asked, the same whoever else is computed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from demandcast.components.replenishment.copula import Copula
from demandcast.components.replenishment.paths import DemandPaths, path_levels, stratified_uniforms
from demandcast.components.replenishment.quantile_curves import curve_knots, curve_levels

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
COPULA = Copula(level=0.2, short=0.4, decay=0.7)


def draw_paths(copula=COPULA, *, horizon=5, paths=200, seed=3):
    return DemandPaths.draw(copula, LEVELS, horizon=horizon, paths=paths, seed=seed)


def some_knots(series, horizon, seed=1):
    draws = np.random.default_rng(seed)
    mean = draws.uniform(1, 50, (series, horizon))
    quantiles = np.stack([stats.gamma.ppf(level, 2, scale=mean / 2) for level in LEVELS], axis=-1)
    return curve_knots(quantiles, mean, LEVELS)


def middles(paths):
    return (np.arange(paths) + 0.5) / paths


@pytest.mark.parametrize("paths", [1, 2, 7, 1000])
def test_stratified_uniforms_are_the_middles_in_another_order(paths):
    uniforms = stratified_uniforms(paths, np.random.default_rng(2))
    np.testing.assert_allclose(np.sort(uniforms), middles(paths))


def test_stratified_uniforms_are_in_random_order():
    draws = np.random.default_rng(2)
    one, two = stratified_uniforms(1000, draws), stratified_uniforms(1000, draws)
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 / np.sqrt(1000)


@given(st.integers(1, 40), st.integers(1, 60), st.integers(0, 99))
def test_each_period_has_every_middle_once(horizon, paths, seed):
    levels = path_levels(COPULA, horizon=horizon, paths=paths, draws=np.random.default_rng(seed))
    assert levels.shape == (horizon, paths)
    np.testing.assert_allclose(np.sort(levels, axis=1), np.tile(middles(paths), (horizon, 1)))


@pytest.mark.parametrize(
    "copula", [Copula(0, 0, 0), COPULA, Copula(0, 0.9, 0.9), Copula(0.999, 0, 0)]
)
def test_scores_of_paths_have_the_correlation_of_the_copula(copula):
    paths = 4000
    levels = path_levels(copula, horizon=12, paths=paths, draws=np.random.default_rng(4))
    found = np.corrcoef(stats.norm.ppf(levels))
    expected = copula.correlation(12)
    # Four standard errors of a plain sample; what chance correlated has been taken out, besides.
    assert (np.abs(found - expected) <= 4 * (1 - expected**2) / np.sqrt(paths) + 1e-3).all()


def test_what_periods_share_by_chance_is_taken_out():
    draws = np.random.default_rng(4)
    levels = path_levels(Copula(0, 0, 0), horizon=12, paths=1000, draws=draws)
    found = np.corrcoef(stats.norm.ppf(levels)) - np.eye(12)
    # Plain draws would be off by 0.03 each, the largest of 66 by more than twice that.
    assert np.abs(found).max() < 0.01


def test_fewer_paths_than_periods_still_follow_the_copula():
    draws = np.random.default_rng(6)
    found = np.mean(
        [
            np.corrcoef(path_levels(COPULA, horizon=20, paths=10, draws=draws).T[:, :2].T)[0, 1]
            for _ in range(400)
        ]
    )
    # Levels of normal scores correlate by 6 / pi arcsin(r / 2). One correlation of 10 pairs has a
    # standard error of at most 1/3, and is too small by at most a tenth of itself.
    expected = 6 / np.pi * np.arcsin((0.2 + 0.4 * 0.7) / 2)
    assert found == pytest.approx(0.95 * expected, abs=0.05 * expected + 4 / 3 / np.sqrt(400))


@pytest.mark.parametrize(("horizon", "paths"), [(0, 5), (5, 0), (-1, 5)])
def test_no_period_or_no_path_is_refused(horizon, paths):
    with pytest.raises(ValueError, match="at least 1"):
        draw_paths(horizon=horizon, paths=paths)


def test_each_period_has_exactly_the_quantiles_of_its_curve():
    knots = some_knots(3, 5)
    demand = draw_paths().demand(knots)
    assert demand.dtype == np.float32
    assert demand.shape == (5, 3, 200)
    for series in range(3):
        for period in range(5):
            expected = np.interp(middles(200), curve_levels(LEVELS), knots[series, period])
            np.testing.assert_allclose(np.sort(demand[period, series]), expected, rtol=1e-4)


def test_means_of_paths_are_those_of_the_forecasts():
    quantiles = np.array([[[2.0, 4.0, 7.0, 11.0, 16.0, 30.0]]])
    knots = curve_knots(quantiles, np.array([[8.7]]), LEVELS)
    demand = draw_paths(horizon=1, paths=1000).demand(knots)
    # The middles of P strata leave out half a stratum at the very end of the tail.
    assert demand.mean() == pytest.approx(8.7, rel=2e-3)


def test_a_series_does_not_depend_on_the_others():
    knots, paths = some_knots(9, 5), draw_paths()
    together = paths.demand(knots)
    for series in range(9):
        alone = paths.demand(knots[series : series + 1])
        np.testing.assert_allclose(alone[:, 0], together[:, series], rtol=1e-6)


def test_the_same_seed_gives_the_same_paths_and_another_one_others():
    np.testing.assert_array_equal(draw_paths(seed=1).weights, draw_paths(seed=1).weights)
    assert (draw_paths(seed=1).weights != draw_paths(seed=2).weights).any()


def test_fewer_periods_than_the_paths_have_are_the_first_of_them():
    knots, paths = some_knots(2, 5), draw_paths()
    np.testing.assert_allclose(paths.demand(knots[:, :3]), paths.demand(knots)[:3], rtol=1e-6)


@pytest.mark.parametrize("horizon", [1, 5])
def test_more_periods_than_the_paths_have_are_refused(horizon):
    with pytest.raises(ValueError, match="the paths have"):
        draw_paths(horizon=horizon).demand(some_knots(2, horizon + 1))


def test_cumulative_is_the_sum_of_demand_and_does_not_fall():
    knots, paths = some_knots(4, 5), draw_paths()
    cumulative = paths.cumulative(knots)
    expected = np.cumsum(paths.demand(knots).astype(np.float64), axis=0)
    np.testing.assert_allclose(cumulative, expected, rtol=1e-6)
    assert (np.diff(cumulative, axis=0) >= 0).all()


@pytest.mark.parametrize(("copula", "share"), [(Copula(1, 0, 0), 1.0), (Copula(0, 0, 0), 1 / 7)])
def test_variance_of_the_sum_is_that_of_the_dependence(copula, share):
    # Of 7 equal periods: 49 times the variance of one if they move together, 7 times if not.
    knots = np.repeat(some_knots(1, 1), 7, axis=1)
    paths = draw_paths(copula, horizon=7, paths=1000)
    one, total = paths.demand(knots)[0, 0].var(), paths.cumulative(knots)[-1, 0].var()
    assert total == pytest.approx(49 * share * one, rel=0.1 if share < 1 else 1e-3)


def test_a_sum_that_moves_together_has_the_sum_of_quantiles():
    knots = some_knots(2, 6)
    paths = draw_paths(Copula(1, 0, 0), horizon=6, paths=100)
    sums = np.sort(paths.cumulative(knots)[-1], axis=1)
    np.testing.assert_allclose(sums, np.sort(paths.demand(knots), axis=2).sum(axis=0), rtol=1e-4)


def test_one_path_of_one_period_is_the_median():
    paths = draw_paths(horizon=1, paths=1)
    assert (paths.horizon, paths.count) == (1, 1)
    knots = some_knots(2, 1)
    np.testing.assert_allclose(paths.cumulative(knots)[0, :, 0], knots[:, 0, 3], rtol=1e-6)


@pytest.mark.parametrize("units", [0.0, 3.0, 1e9])
def test_paths_of_constant_demand_are_constant(units):
    knots = curve_knots(np.full((2, 5, 6), units), np.full((2, 5), units), LEVELS)
    cumulative = draw_paths().cumulative(knots)
    expected = np.broadcast_to(units * np.arange(1, 6)[:, None, None], cumulative.shape)
    np.testing.assert_allclose(cumulative, expected, rtol=1e-6)


def test_nan_stays_with_its_series():
    knots = some_knots(3, 5)
    knots[1, 2, 4] = np.nan
    unknown = np.isnan(draw_paths().cumulative(knots))
    assert not unknown[:, [0, 2]].any()
    assert unknown[2:, 1].all()
    assert not unknown[:2, 1].any()
