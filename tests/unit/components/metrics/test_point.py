"""WAPE, bias, MASE, RMSSE, skill: worked by hand, and edge series."""

import math

import numpy as np
import pytest

from demandcast.components.metrics import point
from demandcast.schema.series_example import FULLY_IN_STOCK

ALL = [[1, 1], [1, 1]]
ACTUAL = [[10.0, 20.0], [0.0, 30.0]]
FORECAST = [[13.0, 18.0], [1.0, 30.0]]


def test_wape_by_hand():
    assert point.wape(ACTUAL, FORECAST, scored_mask=ALL) == pytest.approx((3 + 2 + 1 + 0) / 60)


def test_wape_per_step_by_hand():
    value = point.wape_per_step(ACTUAL, FORECAST, scored_mask=ALL)
    assert value == pytest.approx(((3 + 1) / 10 + (2 + 0) / 50) / 2)


def test_wape_per_step_leaves_out_steps_without_demand():
    value = point.wape_per_step([[0.0, 10.0]], [[5.0, 12.0]], scored_mask=[[1, 1]])
    assert value == pytest.approx(2 / 10)


def test_wape_per_step_does_not_hide_a_forecast_that_is_not_a_number():
    value = point.wape_per_step([[5.0, 10.0]], [[np.nan, 12.0]], scored_mask=[[1, 1]])
    assert math.isnan(value)


def test_bias_by_hand():
    assert point.bias(ACTUAL, FORECAST, scored_mask=ALL) == pytest.approx((3 - 2 + 1 + 0) / 60)


def test_bias_is_positive_when_forecast_exceeds_actual():
    assert point.bias([[10.0]], [[12.0]], scored_mask=[[1]]) == pytest.approx(+0.2)
    assert point.bias([[10.0]], [[8.0]], scored_mask=[[1]]) == pytest.approx(-0.2)


def test_mase_by_hand():
    value = point.mase(ACTUAL, FORECAST, scale=[5.0, 0.5], scored_mask=ALL)
    assert value == pytest.approx(((3 + 2) / 2 / 5 + (1 + 0) / 2 / 0.5) / 2)


def test_rmsse_by_hand():
    value = point.rmsse(ACTUAL, FORECAST, scale=[5.0, 0.5], scored_mask=ALL)
    first, second = math.sqrt((9 + 4) / 2) / 5, math.sqrt(1 / 2) / 0.5
    assert value == pytest.approx((first + second) / 2)


def test_series_without_a_period_that_counts_is_left_out_of_scaled_errors():
    mask = [[1, 1], [0, 0]]
    assert point.mase(ACTUAL, FORECAST, scale=[5.0, 0.0], scored_mask=mask) == pytest.approx(0.5)


def test_scale_of_zero_gives_nan():
    assert math.isnan(point.mase(ACTUAL, FORECAST, scale=[5.0, 0.0], scored_mask=ALL))


@pytest.mark.parametrize("metric", [point.wape, point.bias, point.wape_per_step])
def test_masked_periods_have_no_influence(metric):
    noisy = metric([[10.0, np.nan]], [[13.0, np.inf]], scored_mask=[[1, 0]])
    assert noisy == metric([[10.0]], [[13.0]], scored_mask=[[1]])


@pytest.mark.parametrize("metric", [point.wape, point.bias, point.wape_per_step])
@pytest.mark.parametrize(
    ("actual", "mask"),
    [([[0.0, 0.0]], [[1, 1]]), ([[5.0, 5.0]], [[0, 0]]), ([[np.nan, np.nan]], [[1, 1]])],
    ids=["all zero", "all stocked out", "all unknown"],
)
def test_no_demand_gives_nan(metric, actual, mask):
    assert math.isnan(metric(actual, [[1.0, 1.0]], scored_mask=mask))


@pytest.mark.parametrize("metric", [point.wape, point.bias])
def test_forecast_that_is_not_a_number_gives_nan(metric):
    assert math.isnan(metric([[5.0]], [[np.nan]], scored_mask=[[1]]))


def test_huge_values():
    actual = np.full((1, 2), 3e38, dtype=np.float32)
    assert point.wape(actual, np.zeros((1, 2)), scored_mask=[[1, 1]]) == pytest.approx(1)
    assert point.rmsse(
        actual, np.zeros((1, 2)), scale=[3e38], scored_mask=[[1, 1]]
    ) == pytest.approx(1)


def test_period_counts_if_recorded_and_in_stock_all_the_time():
    scored = point.scored_periods([[1, 1, 0, 1]], [[1.0, 0.99, 1.0, 1 - 1e-7]])
    assert scored.tolist() == [[True, False, False, True]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_stock_means_the_same_as_in_training(dtype):
    fraction = np.array([[FULLY_IN_STOCK, FULLY_IN_STOCK - 1e-4]], dtype=dtype)
    assert point.scored_periods(np.ones((1, 2)), fraction).tolist() == [[True, False]]


def test_skill():
    assert point.skill(0.3, 0.4) == pytest.approx(0.25)
    assert point.skill(0.5, 0.4) == pytest.approx(-0.25)
    assert np.isnan(point.skill([0.5, np.nan], [0.0, 1.0])).all()


@pytest.mark.parametrize(
    ("actual", "forecast", "mask", "message"),
    [
        ([1.0], [1.0], [1], r"actual: shape \[1\]"),
        ([[1.0]], [[1.0, 2.0]], [[1]], r"forecast: shape \[1, 2\]; expected \[1, 1\]"),
        ([[1.0]], [[1.0]], [[1, 1]], r"scored_mask: shape \[1, 2\]; expected \[1, 1\]"),
    ],
)
def test_shapes_must_agree(actual, forecast, mask, message):
    with pytest.raises(ValueError, match=message):
        point.wape(actual, forecast, scored_mask=mask)


def test_scale_needs_one_value_per_series():
    with pytest.raises(ValueError, match=r"scale: shape \[1\]; expected \[2\]"):
        point.mase(ACTUAL, FORECAST, scale=[1.0], scored_mask=ALL)
