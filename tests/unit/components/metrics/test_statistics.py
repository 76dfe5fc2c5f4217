"""Sufficient statistics: equal to the slow loop and to the plain functions, in any grouping."""

import metrics_oracles as oracle
import numpy as np
import pytest
from metrics_forecasts import LEVELS, make_forecasts

from demandcast.components.metrics import point, quantile, statistics


def loop(forecasts, rows=slice(None), levels=LEVELS):
    return oracle.metrics(
        actual=forecasts.actual[rows].tolist(),
        scored=forecasts.scored_mask[rows].tolist(),
        quantiles=forecasts.quantiles[rows].tolist(),
        mean=forecasts.mean[rows].tolist(),
        naive=forecasts.naive_forecast[rows].tolist(),
        scale=forecasts.naive_scale[rows].tolist(),
        rms_scale=forecasts.naive_rms_scale[rows].tolist(),
        levels=list(levels),
    )


@pytest.mark.parametrize("levels", [LEVELS, (0.5,), (0.1, 0.5, 0.9)])
@pytest.mark.parametrize("horizon", [1, 9])
def test_metrics_equal_loop(levels, horizon):
    forecasts = make_forecasts(horizon=horizon, levels=levels)
    rows = statistics.example_statistics(forecasts, levels)
    assert rows.shape == (30, statistics.statistics_size(horizon))
    values = statistics.metric_values(rows.sum(axis=0))
    expected = loop(forecasts, levels=levels)
    assert values.keys() == expected.keys() == statistics.METRICS.keys()
    for name, value in values.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("steps", [(1, 1), (1, 4), (5, 9), (9, 9), (1, 9)])
def test_metrics_of_steps_equal_loop_over_those_steps(steps):
    forecasts = make_forecasts()
    rows = statistics.example_statistics(forecasts, LEVELS, steps=steps)
    first, last = steps
    assert rows.shape == (30, statistics.statistics_size(last - first + 1))
    cut = statistics.Forecasts(
        **{
            name: values if values.ndim == 1 else values[:, first - 1 : last]
            for name, values in vars(forecasts).items()
        }
    )
    expected = loop(cut)
    for name, value in statistics.metric_values(rows.sum(axis=0)).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, err_msg=name)


def test_metrics_that_are_shares_lie_between_those_of_their_parts():
    forecasts = make_forecasts()
    parts = [
        statistics.example_statistics(forecasts, LEVELS, steps=steps).sum(axis=0)
        for steps in (None, (1, 3), (4, 9))
    ]
    for name in ("wape", "weighted_quantile_loss", "coverage_80"):
        whole, early, late = (statistics.metric_values(part)[name] for part in parts)
        assert min(early, late) < whole < max(early, late)


@pytest.mark.parametrize("steps", [(0, 3), (4, 3), (1, 10)])
def test_steps_outside_the_horizon_are_refused(steps):
    with pytest.raises(ValueError, match=rf"got {steps[0]} to {steps[1]}; allowed: 1 to 9"):
        statistics.example_statistics(make_forecasts(), LEVELS, steps=steps)


def test_the_scalars_of_a_row_hold_every_metric_but_those_of_single_steps():
    rows = statistics.example_statistics(make_forecasts(), LEVELS)
    total = rows.sum(axis=0)
    short = statistics.Sums(total[: statistics.SCALARS])
    values = statistics.metric_values(total)
    for name in statistics.METRICS.keys() - {"wape_per_step"}:
        np.testing.assert_array_equal(statistics.METRICS[name](short), values[name], name)


def test_metrics_equal_plain_functions():
    forecasts = make_forecasts()
    rows = statistics.example_statistics(forecasts, LEVELS)
    values = statistics.metric_values(rows.sum(axis=0))
    actual, scored = forecasts.actual, forecasts.scored_mask
    median = forecasts.quantiles[..., LEVELS.index(0.5)]
    loss = quantile.weighted_quantile_loss(
        actual, forecasts.quantiles, quantile_levels=LEVELS, scored_mask=scored
    )
    naive = quantile.naive_quantiles(forecasts.naive_forecast, levels=len(LEVELS))
    naive_loss = quantile.weighted_quantile_loss(
        actual, naive, quantile_levels=LEVELS, scored_mask=scored
    )
    expected = {
        "weighted_quantile_loss": loss,
        "weighted_quantile_loss_skill": point.skill(loss, naive_loss),
        "wape": point.wape(actual, median, scored_mask=scored),
        "wape_per_step": point.wape_per_step(actual, median, scored_mask=scored),
        "naive_wape": point.wape(actual, forecasts.naive_forecast, scored_mask=scored),
        "bias": point.bias(actual, forecasts.mean, scored_mask=scored),
        "mase": point.mase(actual, median, scale=forecasts.naive_scale, scored_mask=scored),
        "rmsse": point.rmsse(
            actual, forecasts.mean, scale=forecasts.naive_rms_scale, scored_mask=scored
        ),
        "coverage_80": quantile.coverage(
            actual, forecasts.quantiles, quantile_levels=LEVELS, scored_mask=scored, nominal=0.8
        ),
        "coverage_90": quantile.coverage(
            actual, forecasts.quantiles, quantile_levels=LEVELS, scored_mask=scored, nominal=0.9
        ),
        "strict_coverage_80": quantile.coverage(
            actual, forecasts.quantiles, quantile_levels=LEVELS, scored_mask=scored, strict=True
        ),
        "strict_coverage_90": quantile.coverage(
            actual,
            forecasts.quantiles,
            quantile_levels=LEVELS,
            scored_mask=scored,
            nominal=0.9,
            strict=True,
        ),
    }
    for name, value in expected.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-12, err_msg=name)


def test_rows_may_be_added_over_any_groups_at_once():
    forecasts = make_forecasts()
    rows = statistics.example_statistics(forecasts, LEVELS)
    values = statistics.metric_values(rows.reshape(3, 10, -1).sum(axis=1))
    for group in range(3):
        expected = loop(forecasts, slice(10 * group, 10 * group + 10))
        for name, value in values.items():
            np.testing.assert_allclose(value[group], expected[name], rtol=1e-9, err_msg=name)


def test_example_that_does_not_count_adds_nothing():
    rows = statistics.example_statistics(make_forecasts(), LEVELS)
    assert not rows[1].any()


def test_nothing_that_counts_gives_nan_and_no_examples():
    values = statistics.metric_values(np.zeros(statistics.statistics_size(4)))
    assert {name for name, value in values.items() if not np.isnan(value)} == {
        "examples",
        "periods",
    }


def test_bias_is_positive_when_forecast_exceeds_actual():
    forecasts = make_forecasts()
    high = statistics.Forecasts(**{**vars(forecasts), "mean": np.nan_to_num(forecasts.actual) + 1})
    rows = statistics.example_statistics(high, LEVELS)
    assert statistics.metric_values(rows.sum(axis=0))["bias"] > 0


def test_median_must_be_a_level():
    with pytest.raises(ValueError, match=r"0\.5 must be one of them"):
        statistics.example_statistics(make_forecasts(levels=(0.1, 0.9)), (0.1, 0.9))


@pytest.mark.parametrize("shape", [(), (3,), (13,), (2, 15)])
def test_what_is_no_row_of_statistics_is_refused(shape):
    with pytest.raises(ValueError, match="no statistics row"):
        statistics.metric_values(np.zeros(shape))


def test_scale_needs_one_value_per_example():
    forecasts = make_forecasts()
    wrong = statistics.Forecasts(**{**vars(forecasts), "naive_scale": np.ones(29)})
    with pytest.raises(ValueError, match=r"scale: shape \[29\]; expected \[30\]"):
        statistics.example_statistics(wrong, LEVELS)
