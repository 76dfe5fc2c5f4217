"""The weather of each region: temperature with seasons and persistence, rain in spells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.simulation.randomness import stream

__all__ = [
    "MEAN_TEMPERATURE",
    "Weather",
    "continue_weather",
    "simulate_weather",
    "year_angle",
]

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

MEAN_TEMPERATURE = 11.0
"""Mean over regions and days, degrees Celsius."""

_DAYS_PER_YEAR = 365.2425
_COLDEST_DAY = 20  # of the year
_SEASONAL_SWING = 9.0  # degrees Celsius
_PERSISTENCE = 0.8  # of temperature anomalies from day to day
_ANOMALY = 3.0  # standard deviation, degrees Celsius
_RAIN_AFTER_DRY, _RAIN_AFTER_RAIN = 0.25, 0.6  # probabilities
_RAIN_SHAPE, _RAIN_SCALE = 0.8, 7.0  # gamma distribution, mm


@dataclass(frozen=True)
class Weather:
    """Daily weather by region.

    Attributes:
        temperature: Daily mean, degrees Celsius, one decimal. Shape [R, D].
        rain: Daily sum, mm, one decimal. Shape [R, D].
        usual_temperature: Of the day of the year there, degrees Celsius. Shape [R, D].
    """

    temperature: FloatArray
    rain: FloatArray
    usual_temperature: FloatArray


def year_angle(days: Int64Array) -> FloatArray:
    """Returns the position in the year as an angle; 1970-01-01 is 0."""
    return np.asarray(2 * np.pi * (days / _DAYS_PER_YEAR))


def simulate_weather(days: Int64Array, *, regions: int, seed: int) -> Weather:
    """Draws the weather of regions (R) over days (D), each region from its own stream.

    Args:
        days: Days since 1970-01-01, without gaps. Shape [D].
        regions: Number of regions (R).
        seed: Seed of the simulation.
    """
    normal = np.empty((regions, len(days)))
    uniform, amount = np.empty_like(normal), np.empty_like(normal)
    offset = np.empty((regions, 1))
    for region in range(regions):
        draws = stream(seed, "weather", region)
        offset[region] = draws.normal(0.0, 2.0)
        normal[region] = draws.normal(size=len(days))
        uniform[region] = draws.random(len(days))
        amount[region] = draws.gamma(_RAIN_SHAPE, _RAIN_SCALE, len(days))
    season = -np.cos(year_angle(days) - 2 * np.pi * _COLDEST_DAY / _DAYS_PER_YEAR)
    usual = MEAN_TEMPERATURE + offset + _SEASONAL_SWING * season
    rain = np.where(_rains(uniform), np.maximum(amount, 0.1), 0.0)
    return Weather(
        temperature=np.round(usual + _anomalies(normal), 1),
        rain=np.round(rain, 1),
        usual_temperature=usual,
    )


def continue_weather(
    weather: Weather, region: int, *, days: slice, paths: int, draws: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draws what the weather of a region may become after the day before some days.

    Args:
        weather: What is known until then, and the usual temperatures.
        region: The region.
        days: Days that follow (D).
        paths: Number of paths (P).
        draws: Source of chance.

    Returns:
        Temperature and rain, in the units of `Weather`. Shapes [D, P].
    """
    today, usual = days.start - 1, weather.usual_temperature[region, days]
    anomaly = weather.temperature[region, today] - weather.usual_temperature[region, today]
    normal = draws.normal(size=(paths, 1 + len(usual)))
    normal[:, 0] = anomaly / _ANOMALY
    temperature = usual[:, None] + _anomalies(normal)[:, 1:].T
    wet = _rains(draws.random((paths, len(usual))), wet_before=weather.rain[region, today] > 0)
    amount = draws.gamma(_RAIN_SHAPE, _RAIN_SCALE, (paths, len(usual)))
    return temperature, np.where(wet, np.maximum(amount, 0.1), 0.0).T


def _anomalies(normal: FloatArray) -> FloatArray:
    """Turns white noise into a stationary first-order autoregression. Shape [R, D]."""
    anomalies = _ANOMALY * normal
    innovation = np.sqrt(1 - _PERSISTENCE**2)
    for day in range(1, normal.shape[1]):
        anomalies[:, day] = _PERSISTENCE * anomalies[:, day - 1] + innovation * anomalies[:, day]
    return anomalies


def _rains(uniform: FloatArray, *, wet_before: bool = False) -> npt.NDArray[np.bool_]:
    """Draws wet days as a two-state Markov chain. Shape [R, D]."""
    wet = np.zeros(uniform.shape, dtype=np.bool_)
    before = np.full(len(uniform), wet_before)
    for day in range(uniform.shape[1]):
        before = uniform[:, day] < np.where(before, _RAIN_AFTER_RAIN, _RAIN_AFTER_DRY)
        wet[:, day] = before
    return wet
