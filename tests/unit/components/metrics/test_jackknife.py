"""Standard errors: textbook cases, plain bootstrap as an oracle, coverage where truth is known."""

import math

import numpy as np
import pytest
from metrics_forecasts import LEVELS, make_forecasts
from scipy import stats

from demandcast.components.metrics import jackknife
from demandcast.components.metrics.statistics import (
    METRICS,
    SCALARS,
    Sums,
    example_statistics,
)


def ratio_rows(errors, demand):
    """Rows of statistics in which only the WAPE means something."""
    rows = np.zeros((len(errors), SCALARS))
    rows[:, 0] = 1  # Examples.
    rows[:, SCALARS - 2], rows[:, SCALARS - 1] = errors, demand
    return rows


def wape_estimate(rows, groups):
    sums = jackknife.series_sums(rows, groups)
    value = float(METRICS["wape"](Sums(sums.total)))
    return jackknife.estimate(value, METRICS["wape"](jackknife.without_each(sums.by_group)))


def draw_series(rng, series, spread):
    """Series of very different volume whose WAPE is 0.3 in truth."""
    demand = rng.lognormal(0, spread, series)
    return demand * rng.gamma(4, 0.3 / 4, series), demand


def test_the_error_of_a_mean_is_the_textbook_one():
    values = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0])
    without = (values.sum() - values) / (len(values) - 1)
    found = jackknife.estimate(values.mean(), without)
    assert found.error == pytest.approx(values.std(ddof=1) / math.sqrt(6))
    assert found.freedom == 5
    low, high = found.interval()
    expected = stats.t.interval(0.95, 5, values.mean(), stats.sem(values))
    assert (low, high) == pytest.approx(expected, rel=1e-3)


def test_what_is_the_same_in_all_groups_has_no_noise():
    assert jackknife.estimate(2.0, [2.0] * 9).interval() == (2.0, 2.0)


@pytest.mark.parametrize("without", [[], [1.0]])
def test_fewer_than_two_groups_say_nothing(without):
    found = jackknife.estimate(1.0, without)
    assert math.isnan(found.error)
    assert all(math.isnan(bound) for bound in found.interval())


def test_a_metric_that_one_group_alone_makes_possible_has_no_interval():
    rows = ratio_rows(np.array([0.0, 3.0]), np.array([0.0, 10.0]))
    assert math.isnan(wape_estimate(rows, np.array([0, 1])).error)


@pytest.mark.parametrize("metric", jackknife.INTERVAL_METRICS)
def test_the_error_agrees_with_a_bootstrap_of_series(metric):
    """Another method, another program: draw series with replacement, look at the spread."""
    rows = example_statistics(make_forecasts(series=400, seed=8), LEVELS)
    sums = jackknife.series_sums(rows, np.arange(400) % jackknife.GROUPS)
    value = float(METRICS[metric](Sums(sums.total)))
    found = jackknife.estimate(value, METRICS[metric](jackknife.without_each(sums.by_group)))
    rng = np.random.default_rng(1)
    counts = rng.multinomial(400, np.full(400, 1 / 400), size=4000)
    bootstrap = METRICS[metric](Sums(counts @ rows))
    assert found.error == pytest.approx(bootstrap.std(), rel=0.12)


def test_the_paired_difference_agrees_with_a_paired_bootstrap():
    """Two forecasts of the same series: far less noise than their losses have alone."""
    rng = np.random.default_rng(3)
    errors, demand = draw_series(rng, 1000, spread=1.0)
    ours, theirs = (
        ratio_rows(errors * rng.normal(factor, 0.05, 1000), demand) for factor in (1.02, 1.0)
    )
    groups = np.arange(1000) % jackknife.GROUPS
    wape = METRICS["wape"]
    sums = [jackknife.series_sums(rows, groups) for rows in (ours, theirs)]
    without = [wape(jackknife.without_each(part.by_group)) for part in sums]
    values = [float(wape(Sums(part.total))) for part in sums]
    found = jackknife.estimate(values[0] - values[1], without[0] - without[1])
    counts = rng.multinomial(1000, np.full(1000, 1 / 1000), size=3000)
    drawn = wape(Sums(counts @ ours)) - wape(Sums(counts @ theirs))
    assert found.error == pytest.approx(drawn.std(), rel=0.12)
    assert found.error < jackknife.estimate(values[0], without[0]).error / 5


@pytest.mark.parametrize("spread", [0.5, 1.0])
@pytest.mark.parametrize("series", [100, 2000])
def test_95_of_100_intervals_hold_the_truth(series, spread):
    rng = np.random.default_rng(17)
    trials, held = 1000, 0
    for _ in range(trials):
        rows = ratio_rows(*draw_series(rng, series, spread))
        low, high = wape_estimate(rows, rng.integers(jackknife.GROUPS, size=series)).interval()
        held += low <= 0.3 <= high
    # Three standard deviations of a share of 1000 are 0.02; demand of few series is skewed.
    assert 0.92 <= held / trials <= 0.97


def test_examples_of_one_series_do_not_count_as_more_series():
    """Four cutoffs that all show the same error: the noise is that of the series."""
    rng = np.random.default_rng(2)
    rows = ratio_rows(*draw_series(rng, 200, spread=0.5))
    groups = np.arange(200)
    once = wape_estimate(rows, groups)
    four_times = wape_estimate(np.tile(rows, (4, 1)), np.tile(groups, 4))
    assert four_times.error == pytest.approx(once.error)
    as_if_independent = wape_estimate(
        np.tile(rows, (4, 1)), rng.permutation(np.tile(np.arange(jackknife.GROUPS), 4))[:800]
    )
    assert as_if_independent.error < 0.7 * once.error


def test_sums_do_not_depend_on_how_the_data_is_cut():
    rng = np.random.default_rng(5)
    rows = rng.random((500, SCALARS + 4))
    groups = rng.integers(jackknife.GROUPS, size=500)
    whole = jackknife.series_sums(rows, groups)
    parts = [
        jackknife.series_sums(rows[part], groups[part]) for part in np.split(np.arange(500), 20)
    ]
    merged = jackknife.merge_sums([jackknife.merge_sums(parts[:3]), *parts[3:]])
    np.testing.assert_array_equal(merged.groups, whole.groups)
    np.testing.assert_allclose(merged.by_group, whole.by_group)
    np.testing.assert_allclose(merged.total, whole.total)
    np.testing.assert_allclose(whole.by_group.sum(axis=0), whole.total[:SCALARS])


def test_sums_by_slice_are_the_sums_of_each_slice():
    rng = np.random.default_rng(6)
    rows, slices = rng.random((200, SCALARS)), rng.permutation(np.arange(200) % 7)
    groups = rng.integers(3, size=200)
    for index, found in enumerate(jackknife.sums_by_slice(rows, slices, groups, count=7)):
        expected = jackknife.series_sums(rows[slices == index], groups[slices == index])
        np.testing.assert_array_equal(found.groups, expected.groups)
        np.testing.assert_allclose(found.by_group, expected.by_group)
        np.testing.assert_allclose(found.total, expected.total)


def test_a_group_without_an_example_that_counts_is_not_left_out():
    rows = ratio_rows(np.array([1.0, 2.0, 0.0]), np.array([4.0, 5.0, 0.0]))
    rows[2] = 0
    assert wape_estimate(rows, np.arange(3)).freedom == 1


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 10, 30, 255])
@pytest.mark.parametrize("level", [1e-6, 0.1, 0.5, 0.9, 0.975, 0.999, 0.999975, 1 - 1e-7])
def test_t_quantile_is_students(freedom, level):
    expected = stats.t.ppf(level, freedom)
    assert jackknife.t_quantile(level, freedom) == pytest.approx(expected, rel=1e-8, abs=1e-12)
