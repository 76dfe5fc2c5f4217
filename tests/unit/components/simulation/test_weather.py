import dataclasses

import numpy as np
import pytest

from demandcast.components.simulation.weather import (
    MEAN_TEMPERATURE,
    continue_weather,
    simulate_weather,
)

DAYS = np.arange(18_000, 18_000 + 40 * 365)


@pytest.fixture(scope="module")
def weather():
    return simulate_weather(DAYS, regions=6, seed=1)


def test_july_is_warmer_than_january(weather):
    month = DAYS.astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12
    gap = weather.temperature[:, month == 6].mean() - weather.temperature[:, month == 0].mean()
    assert gap == pytest.approx(2 * 9.0, abs=1.5)
    assert weather.temperature.mean() == pytest.approx(MEAN_TEMPERATURE, abs=3.0)


def test_anomalies_persist(weather):
    # A difference over a year removes the season; its lag-1 correlation is that of the anomalies.
    anomaly = weather.temperature[:, 365:] - weather.temperature[:, :-365]
    correlation = [np.corrcoef(each[1:], each[:-1])[0, 1] for each in anomaly]
    assert np.mean(correlation) == pytest.approx(0.8, abs=0.03)


def test_rain_falls_in_spells(weather):
    wet = weather.rain > 0
    assert (weather.rain >= 0).all()
    assert wet[:, 1:][wet[:, :-1]].mean() == pytest.approx(0.6, abs=0.02)
    assert wet[:, 1:][~wet[:, :-1]].mean() == pytest.approx(0.25, abs=0.02)


def test_a_region_does_not_depend_on_the_number_of_regions(weather):
    alone = simulate_weather(DAYS, regions=1, seed=1)
    assert alone.temperature.tolist() == weather.temperature[:1].tolist()
    assert alone.rain.tolist() == weather.rain[:1].tolist()


def test_one_day():
    weather = simulate_weather(np.array([0]), regions=2, seed=1)
    assert weather.temperature.shape == weather.rain.shape == (2, 1)


PATHS = 20_000


def continued(weather, today, days=12):
    return continue_weather(
        weather,
        1,
        days=slice(today + 1, today + 1 + days),
        paths=PATHS,
        draws=np.random.default_rng(3),
    )


@pytest.mark.parametrize("today", [50, 200, 300])
def test_the_temperature_goes_back_to_what_is_usual(weather, today):
    """From an anomaly of t the mean is usual + a^k t after k days, the variance 9 (1 - a^2k)."""
    temperature, _ = continued(weather, today)
    left = 0.8 ** np.arange(1, 13)
    anomaly = weather.temperature[1, today] - weather.usual_temperature[1, today]
    usual = weather.usual_temperature[1, today + 1 : today + 13]
    assert abs(anomaly) > 0.5
    np.testing.assert_allclose(temperature.mean(axis=1), usual + left * anomaly, atol=0.12)
    np.testing.assert_allclose(temperature.var(axis=1), 9 * (1 - left**2), rtol=0.06)


@pytest.mark.parametrize("wet", [True, False])
def test_rain_goes_on_from_the_day(weather, wet):
    """P(wet) = 0.6 after a wet day, 0.25 after a dry one, and from day to day by both."""
    today = 20 + int(np.flatnonzero((weather.rain[1, 20:] > 0) == wet)[0])
    _, rain = continued(weather, today)
    share = float(wet)
    for day in range(12):
        share = 0.6 * share + 0.25 * (1 - share)
        assert (rain[day] > 0).mean() == pytest.approx(share, abs=0.02)
    assert rain[rain > 0].mean() == pytest.approx(0.8 * 7.0, rel=0.05)


def test_what_comes_is_not_looked_at(weather):
    later = weather.temperature.copy()
    later[:, 101:] = 99.0
    other = dataclasses.replace(weather, temperature=later, rain=np.where(later > 50, 50.0, 0.0))
    known = dataclasses.replace(weather, rain=np.zeros(later.shape))
    for one, two in zip(continued(known, 100), continued(other, 100), strict=True):
        np.testing.assert_array_equal(one, two)
