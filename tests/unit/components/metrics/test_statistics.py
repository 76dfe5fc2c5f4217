"""Sufficient statistics: equal to the slow loop and to the plain functions, in any grouping."""

import metrics_oracles as oracle
import numpy as np
import pytest

from demandcast.components.metrics import point, quantile, statistics

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)


def make_forecasts(series=30, horizon=9, levels=LEVELS, seed=5):
    rng = np.random.default_rng(seed)
    actual = rng.poisson(rng.choice([0.2, 3, 40], (series, 1)), (series, horizon)).astype(float)
    quantiles = np.sort(rng.gamma(2, 10, (series, horizon, len(levels))), axis=-1)
    scored = rng.random(actual.shape) < 0.7
    actual[0] = 0  # No demand.
    scored[1] = False  # All stocked out.
    actual[2, :3] = np.nan
    scored[3] = True
    return statistics.Forecasts(
        actual=actual,
        scored_mask=scored,
        quantiles=quantiles,
        mean=rng.gamma(2, 10, actual.shape),
        naive_forecast=rng.poisson(10, actual.shape).astype(float),
        naive_scale=rng.uniform(0.5, 20, series),
        naive_rms_scale=rng.uniform(0.5, 20, series),
    )


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
