"""Sums by slice and forecaster: against the formulas on arrays, slice by slice."""

import dataclasses

import metrics_oracles as oracle
import numpy as np
import pytest

from demandcast.components.backtest.scoring import (
    FORECASTERS,
    Scored,
    ValueCounter,
    demand_mask,
    point_forecasts,
    score,
    sums_from_json,
    sums_to_json,
)
from demandcast.components.metrics import point, quantile
from demandcast.components.metrics.statistics import metric_values, statistics_size
from demandcast.schema.errors import BadInputError

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
SERIES, HISTORY, HORIZON = 30, 60, 7


def make_scored(seed=3):
    """Poisson demand with gaps and stockouts in history and future."""
    rng = np.random.default_rng(seed)
    rate = rng.choice([0.3, 4.0, 20.0], (SERIES, 1))

    def draw(length):
        target = rng.poisson(rate, (SERIES, length)).astype(np.float32)
        observed = (rng.random(target.shape) < 0.9).astype(np.float32)
        in_stock = np.where(rng.random(target.shape) < 0.85, 1.0, 0.5).astype(np.float32)
        return target * observed, observed, in_stock

    return Scored(
        *draw(HISTORY),
        *draw(HORIZON),
        seasonal_naive=rng.poisson(rate, (SERIES, HORIZON)).astype(np.float32),
        naive_scale=rng.uniform(1, 3, SERIES),
        naive_rms_scale=rng.uniform(1, 3, SERIES),
        slices={
            "demand_class": rng.choice(["lumpy", "smooth"], SERIES),
            "store": rng.choice(["s1", "s2", "s3"], SERIES),
        },
    )


def make_quantiles(seed=4):
    rng = np.random.default_rng(seed)
    quantiles = np.sort(rng.gamma(2.0, 4.0, (SERIES, HORIZON, len(LEVELS))), axis=2)
    return quantiles, quantiles.mean(axis=2)


def scored_sums(scored):
    return score(scored, *make_quantiles(), quantile_levels=LEVELS, frequency="D")


def rows_of(scored, chosen):
    """A batch of some examples only."""
    arrays = {
        field.name: getattr(scored, field.name)[chosen]
        for field in dataclasses.fields(scored)
        if field.name != "slices"
    }
    slices = {name: values[chosen] for name, values in scored.slices.items()}
    return Scored(**arrays, slices=slices)


def test_slices_are_named_as_the_gate_names_them():
    sums = scored_sums(make_scored())
    assert set(sums) == {
        "overall",
        "demand_class=lumpy",
        "demand_class=smooth",
        "store=s1",
        "store=s2",
        "store=s3",
    }
    assert {total.shape for total in sums.values()} == {
        (len(FORECASTERS), statistics_size(HORIZON))
    }


def test_slices_of_a_column_add_up_to_all():
    sums = scored_sums(make_scored())
    stores = sum(total for name, total in sums.items() if name.startswith("store="))
    np.testing.assert_allclose(stores, sums["overall"])


def test_two_batches_add_up_to_one():
    scored = make_scored()
    quantiles, mean = make_quantiles()
    halves = [np.arange(11), np.arange(11, SERIES)]
    parts = [
        score(
            rows_of(scored, half),
            quantiles[half],
            mean[half],
            quantile_levels=LEVELS,
            frequency="D",
        )
        for half in halves
    ]
    for name, total in scored_sums(scored).items():
        np.testing.assert_allclose(sum(part.get(name, 0) for part in parts), total)


@pytest.mark.parametrize("name", ["overall", "store=s2", "demand_class=smooth"])
def test_metrics_equal_the_formulas_on_the_rows_of_the_slice(name):
    """Stocked-out and unrecorded periods have no influence on any forecaster."""
    scored = make_scored()
    quantiles, mean = make_quantiles()
    column, _, value = name.partition("=")
    chosen = np.arange(SERIES) if not value else np.flatnonzero(scored.slices[column] == value)
    part = rows_of(scored, chosen)
    counts = (part.actual_observed_mask > 0) & (part.actual_in_stock_fraction >= 1)
    assert 0 < counts.sum() < counts.size
    points = point_forecasts(part, "D")
    values = metric_values(scored_sums(scored)[name])
    for position, forecaster in enumerate(FORECASTERS):
        if forecaster == "demandcast":
            levels, centre, average = quantiles[chosen], quantiles[chosen][..., 2], mean[chosen]
        else:
            centre = average = points[forecaster]
            levels = np.repeat(centre[..., None], len(LEVELS), axis=2)
        expected = {
            "weighted_quantile_loss": quantile.weighted_quantile_loss(
                part.actual, levels, quantile_levels=LEVELS, scored_mask=counts
            ),
            "wape": point.wape(part.actual, centre, scored_mask=counts),
            "bias": point.bias(part.actual, average, scored_mask=counts),
            "mase": point.mase(part.actual, centre, scale=part.naive_scale, scored_mask=counts),
            "rmsse": point.rmsse(
                part.actual, average, scale=part.naive_rms_scale, scored_mask=counts
            ),
        }
        for metric, number in expected.items():
            np.testing.assert_allclose(values[metric][position], number, err_msg=metric)


def test_seasonal_naive_is_what_skill_is_measured_against():
    values = metric_values(scored_sums(make_scored())["overall"])
    naive = FORECASTERS.index("seasonal_naive")
    for metric in ("weighted_quantile_loss", "wape"):
        np.testing.assert_allclose(values[metric][naive], values[f"naive_{metric}"][naive])
        np.testing.assert_allclose(values[f"{metric}_skill"][naive], 0, atol=1e-12)


def test_simple_forecasts_pass_over_stockouts():
    scored = make_scored()
    shown = (scored.observed_mask > 0) & (scored.in_stock_fraction == 1)
    forecasts = point_forecasts(scored, "D")
    np.testing.assert_allclose(
        forecasts["moving_average"],
        oracle.moving_average(scored.target.tolist(), shown.tolist(), 28, HORIZON),
        rtol=1e-6,
    )
    np.testing.assert_allclose(
        forecasts["croston"],
        oracle.croston(scored.target.tolist(), shown.tolist(), 0.1, HORIZON),
        rtol=1e-6,
    )
    np.testing.assert_array_equal(forecasts["seasonal_naive"], scored.seasonal_naive)


def test_a_week_of_weeks_is_a_quarter():
    scored = make_scored()
    shown = demand_mask(scored.observed_mask, scored.in_stock_fraction)
    np.testing.assert_allclose(
        point_forecasts(scored, "W-MON")["moving_average"],
        oracle.moving_average(scored.target.tolist(), shown.tolist(), 13, HORIZON),
        rtol=1e-6,
    )


def test_a_series_that_was_always_stocked_out_shows_what_it_sold():
    observed, in_stock = np.array([[1.0, 1.0, 0.0]]), np.array([[0.5, 0.0, 1.0]])
    assert demand_mask(observed, in_stock).tolist() == [[True, True, False]]
    assert demand_mask(0 * observed, in_stock).tolist() == [[False, False, False]]
    assert demand_mask(observed[:, :0], in_stock[:, :0]).shape == (1, 0)


def test_sums_travel_as_text():
    overall = scored_sums(make_scored())["overall"]
    text = sums_to_json([((19723, "overall"), overall), ((19730, "overall"), 2 * overall)])
    back = sums_from_json(text)
    assert set(back) == {19723, 19730}
    np.testing.assert_array_equal(back[19730]["overall"], 2 * overall)
    assert sums_from_json(sums_to_json([])) == {}


def test_columns_with_too_many_values_are_refused():
    counter = ValueCounter()
    counter.add({"item": np.arange(900).astype(str), "store": np.array(["s"])})
    counter.add({"item": np.arange(1000).astype(str)})
    with pytest.raises(BadInputError, match="column 'item' has more than 1,000 values"):
        counter.add({"item": np.array(["one more"])})
