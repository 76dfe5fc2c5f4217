"""Distributions of demand: each answers as scipy does, and adds up over periods."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from demandcast.components.replenishment.closed_forms import (
    LognormalDemand,
    NormalDemand,
    PathDemand,
    PmfDemand,
    PoissonDemand,
    SampleDemand,
)
from demandcast.schema.errors import BadInputError

PAIRS = [
    (NormalDemand(20.0, 6.0), stats.norm(20, 6)),
    (PoissonDemand(3.5), stats.poisson(3.5)),
    (LognormalDemand(2.0, 0.4), stats.lognorm(0.4, 0, np.exp(2))),
    (PmfDemand([0.2, 0.5, 0.3]), stats.rv_discrete(values=([0, 1, 2], [0.2, 0.5, 0.3]))),
]
DEMANDS = [*(demand for demand, _ in PAIRS), SampleDemand([0.0, 3.0, 3.0, 7.5])]


@pytest.mark.parametrize(("demand", "oracle"), PAIRS)
def test_moments_cdf_and_quantiles_are_those_of_scipy(demand, oracle):
    assert demand.mean == pytest.approx(oracle.mean())
    assert demand.sd == pytest.approx(oracle.std())
    for level in (-1.0, 0.0, 1.0, 2.5, 20.0):
        assert demand.cdf(level) == pytest.approx(oracle.cdf(level))
    for probability in (0.01, 0.3, 0.7, 0.99):
        assert demand.quantile(probability) == pytest.approx(oracle.ppf(probability))


@pytest.mark.parametrize("demand", DEMANDS)
@settings(deadline=None)
@given(probability=st.floats(0.001, 0.999))
def test_a_quantile_is_the_lowest_level_that_reaches(demand, probability):
    level = demand.quantile(probability)
    assert demand.cdf(level) >= probability - 1e-9
    assert demand.cdf(level - max(demand.step, 1e-6)) <= probability + 1e-9


@pytest.mark.parametrize("demand", DEMANDS)
def test_losses_begin_with_the_mean(demand):
    assert demand.loss(0.0) == pytest.approx(float(demand.mean), rel=2e-3)


def test_samples_are_ranked():
    demand = SampleDemand([[3.0, 1.0, 2.0, 4.0, 5.0], [0.0, 0.0, 0.0, 0.0, 9.0]])
    assert demand.quantile(0.8).tolist() == [4, 0]
    assert demand.quantile([0.81, 0.81]).tolist() == [5, 9]
    assert demand.cdf([3.0, 0.0]).tolist() == [0.6, 0.8]
    np.testing.assert_allclose(demand.sd, [np.sqrt(2), np.sqrt((4 * 1.8**2 + 7.2**2) / 5)])


def test_ranks_are_exact_where_floats_are_not():
    # 0.95 x 20 is 19, and 0.07 x 100 is 7.000000000000001 in floats.
    assert SampleDemand(np.arange(1.0, 21)).quantile(0.95) == 19
    assert SampleDemand(np.arange(1.0, 101)).quantile(0.07) == 7


def test_normal_and_poisson_add_up():
    assert NormalDemand(10.0, 3.0).over(4).mean == 40
    assert NormalDemand(10.0, 3.0).over([1, 4]).sd.tolist() == [3, 6]
    assert PoissonDemand([2.0, 3.0]).over([2, 0]).mean.tolist() == [4, 0]


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6), st.integers(0, 7))
def test_probabilities_add_up_as_convolutions_do(weights, periods):
    pmf = np.array(weights) / np.sum(weights)
    expected = np.ones(1)
    for _ in range(periods):
        expected = np.convolve(expected, pmf)
    np.testing.assert_allclose(PmfDemand(pmf).over(periods).probabilities, expected, atol=1e-14)


def test_probabilities_of_many_items_add_up_at_once():
    pmf = np.array([[0.5, 0.5], [0.0, 1.0]])
    assert PmfDemand(pmf).over(3).mean.tolist() == pytest.approx([1.5, 3])
    with pytest.raises(BadInputError, match="one whole number for all items"):
        PmfDemand(pmf).over([1, 2])
    with pytest.raises(BadInputError, match="one whole number for all items"):
        PmfDemand(pmf).over(1.5)


def test_paths_are_summed_over_the_first_periods():
    demand = PathDemand(np.array([[[1.0, 2.0, 4.0], [0.0, 0.0, 8.0]], [[1.0, 1.0, 1.0]] * 2]))
    assert demand.over(2).samples.tolist() == [[3, 0], [2, 2]]
    assert demand.over([3, 1]).samples.tolist() == [[7, 8], [1, 1]]
    with pytest.raises(BadInputError, match="4 periods are asked of sample paths of 3"):
        demand.over([1, 4])


def test_poisson_probabilities_are_all_but_complete():
    pmf = PoissonDemand([4.0, 700.0]).pmf(1)
    assert pmf.sum() == pytest.approx(1, abs=1e-12)
    assert PoissonDemand([0.0]).pmf(0).tolist() == [1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NormalDemand(np.nan, 1.0), "mean of demand must be a finite"),
        (lambda: NormalDemand(1.0, -1.0), "standard deviation of demand must be at least 0"),
        (lambda: PoissonDemand([-1.0]), "mean of demand must be at least 0"),
        (lambda: LognormalDemand(1.0, 0.0), "sd of the logarithm must be above 0"),
        (lambda: PmfDemand([0.5, 0.6]), "must sum to 1, not 1.1"),
        (lambda: PmfDemand([1.5, -0.5]), "probability of demand must be at least 0"),
        (lambda: PmfDemand(1.0), "must sum to 1"),
        (lambda: SampleDemand([[1.0, np.nan]]), "sample of demand must be a finite"),
        (lambda: SampleDemand([]), "at least one sample"),
        (lambda: PathDemand([1.0, 2.0]), "an axis of paths"),
        (lambda: PathDemand([[-1.0]]), "sample path of demand must be at least 0"),
    ],
)
def test_what_is_no_demand_is_refused(make, message):
    with pytest.raises(BadInputError, match=message):
        make()
