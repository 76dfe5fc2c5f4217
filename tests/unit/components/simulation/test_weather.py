import numpy as np
import pytest

from demandcast.components.simulation.weather import MEAN_TEMPERATURE, simulate_weather

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
