"""Seasonal naive, moving average, Croston, naive scales: against loops, and edge series."""

import metrics_oracles as oracle
import numpy as np
import pytest

from demandcast.components.metrics import baselines


def random_histories(seed, series=40, length=50):
    rng = np.random.default_rng(seed)
    target = rng.poisson(rng.choice([0.2, 2, 30], (series, 1)), (series, length)).astype(np.float32)
    mask = (rng.random(target.shape) < rng.choice([0.1, 0.7, 1.0], (series, 1))).astype(np.float32)
    mask[0] = 0  # Nothing observed.
    mask[1, :-1] = 0  # One period.
    target[2] = 5  # Constant.
    target[3] = 0  # Never any demand.
    return target * mask, mask


@pytest.mark.parametrize("season", [1, 7, 52])
@pytest.mark.parametrize("horizon", [1, 28])
def test_seasonal_naive_equals_loop(season, horizon):
    target, mask = random_histories(season)
    forecast = baselines.seasonal_naive(target, mask, season=season, horizon=horizon)
    expected = oracle.seasonal_naive(target.tolist(), mask.tolist(), season, horizon)
    assert forecast.shape == (40, horizon)
    np.testing.assert_allclose(forecast, expected, rtol=1e-6)


def test_seasonal_naive_repeats_the_newest_season():
    forecast = baselines.seasonal_naive([[1, 2, 3, 4, 5]], [[1] * 5], season=3, horizon=7)
    assert forecast.tolist() == [[3, 4, 5, 3, 4, 5, 3]]


def test_seasonal_naive_takes_an_older_season_where_the_newest_is_unknown():
    forecast = baselines.seasonal_naive([[1, 2, 0, 0]], [[1, 1, 0, 0]], season=2, horizon=2)
    assert forecast.tolist() == [[1, 2]]


def test_seasonal_naive_of_an_unknown_phase_is_the_mean():
    forecast = baselines.seasonal_naive([[2, 4]], [[1, 1]], season=3, horizon=3)
    assert forecast.tolist() == [[(2 + 4) / 2, 2, 4]]


def test_seasonal_naive_of_length_one_and_of_nothing():
    assert baselines.seasonal_naive([[6.0]], [[1]], season=7, horizon=2).tolist() == [[6, 6]]
    assert baselines.seasonal_naive([[6.0]], [[0]], season=7, horizon=2).tolist() == [[0, 0]]
    assert baselines.seasonal_naive(
        np.zeros((1, 0)), np.zeros((1, 0)), season=7, horizon=2
    ).tolist() == [[0, 0]]


@pytest.mark.parametrize("window", [1, 7, 500])
def test_moving_average_equals_loop(window):
    target, mask = random_histories(window)
    forecast = baselines.moving_average(target, mask, window=window, horizon=3)
    expected = oracle.moving_average(target.tolist(), mask.tolist(), window, 3)
    np.testing.assert_allclose(forecast, expected, rtol=1e-6)


def test_moving_average_of_an_unknown_window_is_the_mean_of_all():
    forecast = baselines.moving_average([[2, 4, 0]], [[1, 1, 0]], window=1, horizon=1)
    assert forecast.tolist() == [[(2 + 4) / 2]]


@pytest.mark.parametrize("smoothing", [0.1, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_croston_equals_loop(seed, smoothing):
    target, mask = random_histories(seed)
    target[5, 20:30] = np.nan
    forecast = baselines.croston(target, mask, horizon=3, smoothing=smoothing)
    expected = oracle.croston(target.tolist(), mask.tolist(), smoothing, 3)
    np.testing.assert_allclose(forecast, expected, rtol=1e-6)


def test_croston_by_hand():
    """Demands 4, 6, 2 after 2, 3, 1 periods; the zeros at the end change nothing."""
    history = [0, 4, 0, 0, 6, 2, 0, 0]
    size = 4
    size += 0.2 * (6 - size)
    size += 0.2 * (2 - size)
    interval = 2
    interval += 0.2 * (3 - interval)
    interval += 0.2 * (1 - interval)
    forecast = baselines.croston([history], [[1] * 8], horizon=1, smoothing=0.2)
    np.testing.assert_allclose(forecast, [[size / interval]])


def test_croston_smooths_exponentially_where_each_period_has_demand():
    forecast = baselines.croston([[10, 20]], [[1, 1]], horizon=1)
    np.testing.assert_allclose(forecast, [[10 + 0.1 * (20 - 10)]])


@pytest.mark.parametrize(
    ("target", "mask", "expected"),
    [
        ([0, 0, 0], [1, 1, 1], 0),  # All zero.
        ([7], [1], 7),  # Length one.
        ([7], [0], 0),  # Nothing observed.
        ([], [], 0),  # No history.
        ([0, 0, 0, 6], [1, 1, 1, 1], 6 / 4),  # The first demand comes late.
        ([0, 0, 0, 6], [1, 0, 0, 1], 6 / 2),  # Gaps lengthen no interval ...
        ([3, 99, 3, 99, 3], [1, 0, 1, 0, 1], 3),  # ... and what they hold does not count.
        ([5, 5, 5], [1, 1, 1], 5),  # Constant.
        ([np.nan, 2], [1, 1], 2),  # NaN is not observed.
        ([3e38, 3e38], [1, 1], 3e38),  # Huge.
    ],
)
def test_croston_of_edge_series(target, mask, expected):
    history = np.array([target], dtype=np.float32)
    forecast = baselines.croston(history, np.array([mask]), horizon=2)
    np.testing.assert_allclose(forecast, [[expected, expected]], rtol=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, -0.1, 1.1, np.nan])
def test_croston_refuses_a_smoothing_out_of_bounds(smoothing):
    with pytest.raises(ValueError, match="smoothing: got"):
        baselines.croston([[1.0]], [[1]], horizon=1, smoothing=smoothing)


@pytest.mark.parametrize("season", [1, 7, 52])
def test_scales_equal_loop(season):
    target, mask = random_histories(season)
    mae, rms = baselines.naive_scales(target, mask, season=season)
    expected = oracle.naive_scales(target.tolist(), mask.tolist(), season)
    np.testing.assert_allclose(mae, expected[0], rtol=1e-6)
    np.testing.assert_allclose(rms, expected[1], rtol=1e-6)
    assert (mae > 0).all()
    assert (rms > 0).all()


def test_scales_by_hand():
    mae, rms = baselines.naive_scales([[1, 5, 4, 9]], [[1, 1, 1, 1]], season=2)
    assert mae.tolist() == [(abs(4 - 1) + abs(9 - 5)) / 2]
    assert rms.tolist() == [np.sqrt((3**2 + 4**2) / 2)]


@pytest.mark.parametrize(
    ("target", "mask", "scale"),
    [
        ([4.0, 1.0], [1, 1], abs(1 - 4)),  # Too short for a season: neighbours.
        ([3.0, 3.0, 3.0], [1, 1, 1], 3.0),  # Constant: its level.
        ([8.0], [1], 8.0),  # Length one: its level.
        ([0.0, 0.0], [1, 1], 1.0),  # No demand.
        ([9.0, 9.0], [0, 0], 1.0),  # Nothing observed.
        ([np.nan, 2.0], [1, 1], 2.0),  # NaN is not observed.
        ([3e38, 0.0], [1, 1], 3e38),  # Huge.
    ],
)
def test_scales_fall_back(target, mask, scale):
    history = np.array([target], dtype=np.float32)
    mae, rms = baselines.naive_scales(history, [mask], season=7)
    np.testing.assert_allclose([mae[0], rms[0]], [scale, scale], rtol=1e-6)


@pytest.mark.parametrize("arguments", [{"season": 0, "horizon": 1}, {"season": 1, "horizon": 0}])
def test_season_and_horizon_must_be_positive(arguments):
    with pytest.raises(ValueError, match="at least 1"):
        baselines.seasonal_naive([[1.0]], [[1]], **arguments)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"observed_mask: shape \[1, 2\]; expected \[1, 1\]"):
        baselines.moving_average([[1.0]], [[1, 1]], window=1, horizon=1)
