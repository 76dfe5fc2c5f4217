"""Loss functions: against stockpyl, against sums and integrals, and their identities."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from stockpyl_values import close, columns

from demandcast.components.replenishment.closed_forms import loss_functions as losses


def test_normal_losses_are_those_of_stockpyl(stockpyl):
    cases = stockpyl["losses"]
    mean, sd, level = columns(cases, "mean", "sd", "level")
    loss = losses.normal_loss(level, mean=mean, sd=sd)
    expected, left, summed = columns(cases, "normal", "normal_left", "normal_summed")
    close(loss, expected)
    close(losses.leftover(level, mean=mean, loss=loss), left)
    close(losses.normal_summed_loss(level, mean=mean, sd=sd), summed)


def test_poisson_losses_are_those_of_stockpyl(stockpyl):
    cases = stockpyl["losses"]
    mean, units = columns(cases, "mean", "units")
    loss = losses.poisson_loss(units, mean=mean)
    expected, left, summed = columns(cases, "poisson", "poisson_left", "poisson_summed")
    close(loss, expected)
    close(losses.leftover(units, mean=mean, loss=loss), left)
    close(losses.poisson_summed_loss(units, mean=mean), summed)


def test_lognormal_loss_is_that_of_stockpyl(stockpyl):
    cases = stockpyl["losses"]
    mean, sd, level, expected = columns(cases, "mean", "sd", "level", "lognormal")
    close(losses.lognormal_loss(level, log_mean=np.log(mean), log_sd=0.1 + sd / 100), expected)


@pytest.mark.parametrize("level", [-3.0, 0.0, 4.0, 7.5, 20.0])
def test_normal_losses_are_integrals(level):
    loss, _ = integrate.quad(lambda x: stats.norm.sf(x, 6, 2), level, 60, epsabs=1e-12)
    assert losses.normal_loss(level, mean=6, sd=2) == pytest.approx(loss, rel=1e-8, abs=1e-12)
    summed, _ = integrate.quad(
        lambda x: float(losses.normal_loss(x, mean=6, sd=2)), level, 60, epsabs=1e-12
    )
    assert losses.normal_summed_loss(level, mean=6, sd=2) == pytest.approx(
        summed, rel=1e-8, abs=1e-12
    )


@pytest.mark.parametrize("level", [-2.5, -1.0, 0.0, 0.4, 3.0, 3.999, 12.0, 60.0])
def test_poisson_loss_is_a_sum_at_any_level(level):
    units = np.arange(200)
    expected = (np.maximum(units - level, 0) * stats.poisson.pmf(units, 3.7)).sum()
    assert losses.poisson_loss(level, mean=3.7) == pytest.approx(expected, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("level", [-2, 0, 3, 9])
def test_summed_losses_of_whole_units_are_sums_of_losses(level):
    beyond = np.arange(level + 1, 200)
    pmf = stats.poisson.pmf(np.arange(200), 3.7)
    expected = losses.poisson_loss(beyond, mean=3.7).sum()
    assert losses.poisson_summed_loss(level, mean=3.7) == pytest.approx(expected, rel=1e-9)
    assert losses.pmf_summed_loss(level, pmf=pmf) == pytest.approx(expected, rel=1e-9)
    assert losses.pmf_loss(level, pmf=pmf) == pytest.approx(
        float(losses.poisson_loss(level, mean=3.7)), rel=1e-9
    )


def test_losses_of_samples_by_hand():
    samples = [[1.0, 5.0, 9.0], [0.0, 0.0, 0.0]]
    loss = losses.sample_loss([4.0, 1.0], samples=samples)
    np.testing.assert_allclose(loss, [(0 + 1 + 5) / 3, 0])
    summed = losses.sample_summed_loss([4.0, -2.0], samples=samples)
    np.testing.assert_allclose(summed, [(0 + 1**2 / 2 + 5**2 / 2) / 3, 2**2 / 2])


def test_lognormal_loss_below_zero_is_the_whole_gap():
    mean = np.exp(1 + 0.5**2 / 2)
    loss = losses.lognormal_loss([-2.0, 0.0], log_mean=1.0, log_sd=0.5)
    np.testing.assert_allclose(loss, [mean + 2, mean])


def test_demand_without_spread_is_short_by_the_gap():
    assert losses.normal_loss([2.0, 5.0, 8.0], mean=5, sd=0).tolist() == [3, 0, 0]
    assert losses.normal_summed_loss([2.0, 5.0], mean=5, sd=0).tolist() == [4.5, 0]


def test_no_demand_is_never_short():
    assert losses.poisson_loss([0.0, 3.0], mean=0).tolist() == [0, 0]
    assert losses.poisson_summed_loss([0.0, 3.0], mean=0).tolist() == [0, 0]
    assert losses.sample_loss([0.0], samples=[[0.0]]).tolist() == [0]


def test_far_levels_leave_nothing_or_everything():
    assert losses.normal_loss([1e9], mean=5, sd=2).tolist() == [0]
    np.testing.assert_allclose(losses.normal_loss([-1e9], mean=5, sd=2), [1e9 + 5])
    assert losses.poisson_loss([1e9], mean=5).tolist() == [0]


@settings(deadline=None)
@given(st.floats(-50, 150), st.floats(0.1, 30), st.floats(0.01, 40))
def test_loss_falls_with_the_level_by_at_most_one_per_unit(level, sd, rise):
    for loss in (
        lambda x: losses.normal_loss(x, mean=40.0, sd=sd),
        lambda x: losses.poisson_loss(x, mean=sd),
        lambda x: losses.lognormal_loss(x, log_mean=3.0, log_sd=sd / 30),
    ):
        fall = float(loss(level) - loss(level + rise))
        assert -1e-9 <= fall <= rise + 1e-9


@settings(deadline=None)
@given(st.floats(-50, 150), st.floats(0.1, 30))
def test_what_is_short_and_what_is_left_differ_by_the_gap(level, sd):
    short = losses.normal_loss(level, mean=40.0, sd=sd)
    mirrored = losses.normal_loss(-level, mean=-40.0, sd=sd)
    left = losses.leftover(level, mean=40.0, loss=short)
    np.testing.assert_allclose(left, mirrored, rtol=1e-9, atol=1e-9)
