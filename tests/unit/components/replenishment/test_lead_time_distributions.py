"""Distributions of lead times: moments kept, quantiles by hand, draws that follow them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from demandcast.components.replenishment import lead_time_distributions as distributions
from demandcast.schema.errors import BadInputError


def random_pmf(rng, suppliers, longest):
    weights = rng.random((suppliers, longest + 1)) * (rng.random((suppliers, longest + 1)) < 0.6)
    weights[:, rng.integers(longest + 1)] += 0.1
    return weights / weights.sum(axis=1, keepdims=True)


def test_a_lead_time_that_never_varies_has_one_column():
    pmf = distributions.point_masses([2, 0, np.nan])
    np.testing.assert_array_equal(pmf[:2], [[0, 0, 1], [1, 0, 0]])
    assert np.isnan(pmf[2]).all()


@pytest.mark.parametrize("wrong", [-1, 1.5, np.inf, distributions.LONGEST_SUPPORT + 1])
def test_lead_times_that_are_no_whole_periods_are_refused(wrong):
    with pytest.raises(
        BadInputError, match=r"lead_time: whole periods .*got 1 others: .* in row 1"
    ):
        distributions.point_masses([3, wrong])


@pytest.mark.parametrize("mean", [0.4, 1.0, 2.5, 7.0, 40.3])
@pytest.mark.parametrize("variation", [0.6, 1.0, 2.0])
def test_a_gamma_keeps_mean_and_deviation(mean, variation):
    std = variation * max(mean, 1.0)
    pmf = distributions.discretised_gamma([mean], [std])
    assert pmf.sum() == pytest.approx(1, abs=1e-12)
    assert (pmf >= 0).all()
    assert distributions.pmf_mean(pmf)[0] == pytest.approx(mean, rel=1e-6)
    assert distributions.pmf_std(pmf)[0] == pytest.approx(std, rel=1e-6)


def test_each_part_of_a_gamma_is_shared_by_the_two_whole_numbers_beside_it():
    # Wide against a period, so that little variance is taken off; found again by its moments.
    mean, std = 6.0, 3.0
    pmf = distributions.discretised_gamma([mean], [std])[0]

    def hat_probability(sigma, place):
        gamma = stats.gamma(mean**2 / sigma**2, scale=sigma**2 / mean)
        value, _ = integrate.quad(
            lambda x: max(0.0, 1 - abs(x - place)) * gamma.pdf(x),
            max(place - 1, 0),
            place + 1,
            points=[place],
        )
        return value

    # Sharing adds the mean of f (1 - f): about 1/6, as over a uniform fraction f.
    sigma = np.sqrt(std**2 - 1 / 6)
    expected = [hat_probability(sigma, place) for place in range(12)]
    np.testing.assert_allclose(pmf[:12], expected, atol=2e-4)


@pytest.mark.parametrize("std", [0.0, 5e-324, 0.2, np.sqrt(0.25 * 0.75)])
def test_a_deviation_below_what_whole_periods_allow_gives_the_two_beside_the_mean(std):
    pmf = distributions.discretised_gamma([3.25], [std])
    np.testing.assert_allclose(pmf[0, 3:5], [0.75, 0.25], atol=1e-6)
    assert distributions.pmf_mean(pmf)[0] == pytest.approx(3.25)


def test_terms_of_many_suppliers_are_those_of_each_alone():
    means, stds = np.array([0.0, 1.0, 9.0, 30.0]), np.array([0.0, 0.5, 0.0, 12.0])
    together = distributions.discretised_gamma(means, stds)
    for row, (mean, std) in enumerate(zip(means, stds, strict=True)):
        alone = distributions.discretised_gamma([mean], [std])[0]
        np.testing.assert_allclose(together[row, : len(alone)], alone, atol=1e-9)
        assert together[row, len(alone) :].sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("mean", "std", "words"),
    [
        (np.nan, 1.0, "mean: a finite number"),
        (-1.0, 1.0, "mean: a finite number"),
        (1.0, np.inf, "std: a finite number"),
        (0.0, 1.0, "at most 1,000 times the mean"),
        (1e-300, 1.0, "at most 1,000 times the mean"),
        (3000.0, 3000.0, "up to 4,000 are allowed"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused(mean, std, words):
    with pytest.raises(BadInputError, match=words):
        distributions.discretised_gamma([mean], [std])


def test_quantiles_by_hand():
    pmf = np.array([[0.5, 0.4, 0.05, 0.05], [0.0, 0.0, 0.0, 1.0], [np.nan] * 4])
    quantiles = distributions.pmf_quantiles(pmf, [0.5, 0.9, 0.95])
    np.testing.assert_array_equal(quantiles, [[0, 1, 2], [3, 3, 3], [np.nan] * 3])


def test_a_quantile_does_not_depend_on_rounding():
    # 0.1 + 0.2 is above 0.3 and seven times 0.1 is below 0.7 in binary.
    tenths = np.full((1, 10), 0.1)
    levels = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    np.testing.assert_array_equal(distributions.pmf_quantiles(tenths, levels), [np.arange(9)])


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), suppliers=st.integers(1, 6), longest=st.integers(0, 30))
def test_draws_are_the_inverse_of_the_distribution(seed, suppliers, longest):
    rng = np.random.default_rng(seed)
    pmf = random_pmf(rng, suppliers, longest)
    uniforms = np.sort(rng.random(40))
    drawn = distributions.draw_lead_times(pmf, uniforms)
    below = np.cumsum(pmf, axis=1)
    expected = [[int((row <= u).sum()) for u in uniforms] for row in below]
    np.testing.assert_array_equal(drawn, np.minimum(expected, longest))
    # Larger uniforms never give shorter lead times, and none that cannot be.
    assert (np.diff(drawn, axis=1) >= 0).all()
    assert (np.take_along_axis(pmf, drawn.astype(np.int64), axis=1) > 0).all()


def test_evenly_spread_uniforms_give_each_lead_time_its_share():
    pmf = np.array([[0.25, 0.0, 0.5, 0.25], [0.0, 1.0, 0.0, 0.0]])
    drawn = distributions.draw_lead_times(pmf, (np.arange(8) + 0.5) / 8)
    assert [np.bincount(row, minlength=4).tolist() for row in drawn] == [[2, 0, 4, 2], [0, 8, 0, 0]]


def test_the_largest_uniform_stays_within_what_can_be():
    suppliers = 5000  # v + u is rounded to v + 1 for the last of them.
    pmf = np.tile([0.3, 0.7, 0.0], (suppliers, 1))
    largest = np.nextafter(1.0, 0.0)
    assert (distributions.draw_lead_times(pmf, [largest, 0.0]) == [1, 0]).all()


def test_each_supplier_may_have_uniforms_of_its_own():
    pmf = np.array([[0.5, 0.5], [0.5, 0.5]])
    drawn = distributions.draw_lead_times(pmf, [[0.1, 0.9], [0.9, 0.1]])
    assert drawn.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("pmf", "uniforms", "words"),
    [
        ([[1.0], [np.nan]], [0.5], r"1 unknown lead times, in rows \[1\]"),
        ([[1.0]], [1.0], r"outside \[0, 1\)"),
        ([[1.0]], [np.nan], r"outside \[0, 1\)"),
        ([[1.0]], [[0.5], [0.5]], r"shape \[2, 1\]; expected \[P\] or \[1, P\]"),
    ],
)
def test_what_cannot_be_drawn_is_refused(pmf, uniforms, words):
    with pytest.raises(ValueError, match=words):
        distributions.draw_lead_times(np.array(pmf), uniforms)


# --- quotes -------------------------------------------------------------------------------------

DAILY = {"days_per_period": 1, "days_before_placed": 0}


@given(days=st.integers(0, 60), share=st.floats(0.01, 1.0))
def test_a_spread_below_the_quote_keeps_its_mean(days, share):
    pmf = distributions.quoted_distributions([days], [share * days], **DAILY)
    assert distributions.pmf_mean(pmf) == pytest.approx([days], abs=1e-6)
    assert pmf.sum() == pytest.approx(1)


@given(days=st.integers(0, 30), std=st.floats(1.5, 60.0))
def test_a_spread_above_the_quote_is_the_distance_from_it(days, std):
    if std <= days:
        return
    pmf = distributions.quoted_distributions([days], [std], **DAILY)
    distance = np.sqrt(pmf[0] @ (np.arange(pmf.shape[1]) - days) ** 2.0)
    assert distance == pytest.approx(std, rel=1e-3)


def test_both_are_the_same_where_the_spread_is_the_quote():
    one, other = (
        distributions.quoted_distributions([5.0], [std], **DAILY)[0] for std in (5.0, 5.0 + 1e-9)
    )
    np.testing.assert_allclose(one, other[: len(one)], atol=1e-6)


@given(days=st.integers(0, 40), std=st.floats(0, 20), length=st.sampled_from([1, 7]))
def test_periods_are_those_of_deliveries_after_so_many_days(days, std, length):
    """An oracle: each number of days by itself, as a delivery would be counted."""
    whole = distributions.quoted_distributions([days], [std], **DAILY)[0]
    for before in (0, 1):
        pmf = distributions.quoted_distributions(
            [days], [std], days_per_period=length, days_before_placed=before
        )[0]
        expected = np.zeros(len(pmf))
        for number, probability in enumerate(whole):
            expected[int(np.ceil(max(number - before, 0) / length))] += probability
        np.testing.assert_allclose(pmf, expected, atol=1e-12)


def test_a_quote_that_reaches_too_far_is_said_before_it_is_refused():
    assert distributions.quoted_reach([100.0], [500.0])[0] > distributions.LONGEST_SUPPORT
    with pytest.raises(BadInputError, match="up to 4,000 are allowed"):
        distributions.quoted_distributions([100.0], [500.0], **DAILY)
    assert (distributions.quoted_reach([0.0, 7.0, 0.0], [0.0, 0.0, 1.0])[:2] == [0, 7]).all()
