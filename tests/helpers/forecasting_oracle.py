"""Slow oracles of preprocessing and forecasting: one series and one period at a time."""

from __future__ import annotations

import datetime
import math

import numpy as np

EXPOSED = 1e-6


def lagged(values, *, lag, horizon):
    shifted = []
    for t in range(len(values) + horizon):
        shifted.append(values[t - lag] if 0 <= t - lag < len(values) else 0.0)
    return shifted


def trailing_mean(values, exposure, *, window):
    return [
        _mean(values[max(t - window + 1, 0) : t + 1], exposure[max(t - window + 1, 0) : t + 1])
        for t in range(len(values))
    ]


def expanding_mean(values, exposure):
    return [_mean(values[: t + 1], exposure[: t + 1]) for t in range(len(values))]


def causal_mean(values, known):
    means = []
    for t in range(len(values)):
        given = [v for v, k in zip(values[: t + 1], known[: t + 1], strict=True) if k > 0]
        means.append(math.fsum(given) / len(given) if given else 0.0)
    return means


def growth_rate(values, exposure, *, window):
    growth = []
    for t in range(len(values)):
        end, middle, start = t + 1, max(t + 1 - window, 0), max(t + 1 - 2 * window, 0)
        recent, before = slice(middle, end), slice(start, middle)
        if min(sum(exposure[recent]), sum(exposure[before])) <= EXPOSED:
            growth.append(0.0)
            continue
        m1, m0 = _mean(values[recent], exposure[recent]), _mean(values[before], exposure[before])
        small = 0.01 * (m1 + m0) + EXPOSED
        growth.append(math.log((m1 + small) / (m0 + small)))
    return growth


def _mean(values, exposure):
    exposed = math.fsum(exposure)
    return math.fsum(values) / exposed if exposed > EXPOSED else 0.0


def holiday_nearness(flags, *, reach=28):
    """Nearness of the last holiday and of the next one, at each period."""
    holidays = [t for t, flag in enumerate(flags) if flag]
    before, after = [], []
    for t in range(len(flags)):
        since = [t - h for h in holidays if h <= t]
        until = [h - t for h in holidays if h >= t]
        before.append(max(1 - min(since) / reach, 0.0) if since else 0.0)
        after.append(max(1 - min(until) / reach, 0.0) if until else 0.0)
    return before, after


def calendar_points(day, parts):
    """Sine and cosine of each part of a date."""
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=int(day))
    in_leap_year = date.replace(year=2000).timetuple().tm_yday - 1
    phase = {
        "day_of_week": date.weekday() / 7,
        "day_of_month": (date.day - 1) / 31,
        "month": (date.month - 1) / 12,
        "week_of_year": (in_leap_year // 7) / 53,
        "day_of_year": in_leap_year / 366,
    }
    points = []
    for part in parts:
        points += [math.sin(2 * math.pi * phase[part]), math.cos(2 * math.pi * phase[part])]
    return points


class Window:
    """One series at one cutoff, read with plain Python: what the network should see."""

    def __init__(self, example, *, cutoff, series, features):
        self.example, self.cutoff = example, cutoff
        self.series, self.features = series, features
        forecast = series.forecast
        self.past = range(cutoff - forecast.context_length + 1, cutoff + 1)
        self.future = range(cutoff + 1, cutoff + forecast.horizon + 1)

    def at(self, name, t):
        values = self.example[name]
        return float(values[t]) if 0 <= t < len(values) else 0.0

    def exposure(self, t):
        return self.at("observed_mask", t) * self.at("in_stock_fraction", t)

    def units(self, t):
        return self.at("target", t) if self.exposure(t) > 0 else 0.0

    @property
    def scale(self):
        units = math.fsum(self.units(t) for t in self.past)
        exposure = math.fsum(self.exposure(t) for t in self.past)
        return (units + 0.1 * self.example["target_level"]) / (exposure + 0.1)

    def relative(self, units):
        bound = self.features.outliers.target_scale_multiple
        return math.log1p(min(units / self.scale, bound))

    def dates(self, t):
        """Calendar and holidays of a period."""
        length = 1 if self.series.forecast.frequency == "D" else 7
        last = len(self.example["target"]) - 1
        day = self.example["cutoff"] + (t - last) * length
        whole = [*self.past, *self.future]
        flags = [self.at("holiday", at) for at in whole]
        before, after = holiday_nearness(flags)
        position = whole.index(t)
        return [
            *calendar_points(day, self.features.calendar),
            flags[position],
            before[position],
            after[position],
        ]

    def lags(self, t):
        names = [f"lag_{lag}" for lag in self.features.lags]
        return [self.relative(self.at(name, t)) for name in names] + [
            self.at(f"{name}_mask", t) for name in names
        ]

    def encoder(self, known, past, averages):
        rows = []
        for t in self.past:
            stock = self.exposure(t)
            rows.append(
                [
                    self.relative(self.at("target", t)),
                    self.at("observed_mask", t),
                    stock,
                    float(stock >= 0.999),
                    *(self.at(name, t) for name in (*known, *past)),
                    *(self.relative(self.at(name, t)) for name in averages),
                    *self.lags(t),
                    *(value if t >= 0 else 0.0 for value in self.dates(t)),
                ]
            )
        return np.array(rows)

    def profile(self, t):
        """Mean of the context at the phase of a step, drawn to the scale by one period."""
        season = self.series.forecast.season
        same = [at for at in self.past if (t - at) % season == 0]
        units = math.fsum(self.units(at) for at in same) + self.scale
        return units / (math.fsum(self.exposure(at) for at in same) + 1.0)

    @property
    def short_season(self):
        return self.series.forecast.season if self.series.forecast.frequency == "D" else 8

    def recent(self, width):
        """Mean of the last periods, drawn to the scale by half a period."""
        periods = list(self.past)[-width:]
        return (math.fsum(map(self.units, periods)) + 0.5 * self.scale) / (
            math.fsum(map(self.exposure, periods)) + 0.5
        )

    def growth(self, lag):
        """Late demand over demand one lag before it, over the periods that both know."""
        now = then = 2.0 * self.scale
        for t in list(self.past)[-(self.features.growth_window or 4 * self.short_season) :]:
            if self.exposure(t) > 0 and self.at(f"lag_{lag}_mask", t) > 0:
                now += self.units(t)
                then += self.at(f"lag_{lag}", t)
        return min(max(now / then, 0.25), 4.0)

    def reference(self):
        """Simple forecasts of each step in scales; -1 where there is none."""
        season, bound = self.short_season, self.features.outliers.target_scale_multiple
        rows = []
        for t in self.future:
            row = [self.profile(t), self.recent(season), self.recent(2 * season)]
            row = [min(units / self.scale, bound) for units in row]
            for lag in self.features.lags:
                units = self.at(f"lag_{lag}", t)
                for forecast in (units, units * self.growth(lag)):
                    known = self.at(f"lag_{lag}_mask", t) > 0
                    row.append(min(forecast / self.scale, bound) if known else -1.0)
            rows.append(row)
        return np.array(rows)

    def change(self, name, t):
        """What a covariate has become since the level was measured."""
        exposed = math.fsum(map(self.exposure, self.past))
        if exposed == 0:
            return 0.0
        before = math.fsum(self.at(name, at) * self.exposure(at) for at in self.past)
        return self.at(name, t) - before / exposed

    def level(self, averages):
        forecast, season = self.series.forecast, self.short_season
        length = forecast.context_length
        return [
            *(
                math.log(self.recent(width) / self.scale)
                for width in (season // 2, season, 2 * season)
            ),
            *(math.log(self.growth(lag)) for lag in self.features.lags),
            *(self.relative(self.at(name, self.cutoff)) for name in averages),
            math.log(self.scale / self.example["target_level"]) / 3.0,
            math.fsum(map(self.exposure, self.past)) / length,
            sum(t >= 0 for t in self.past) / length,
        ]

    def decoder(self, known, averages):
        horizon = self.series.forecast.horizon
        return np.array(
            [
                [
                    *(self.at(name, t) for name in known),
                    *(self.change(name, t) for name in known),
                    *self.lags(t),
                    *self.dates(t),
                    self.relative(self.profile(t)),
                    step / horizon,
                    *self.level(averages),
                ]
                for step, t in enumerate(self.future, 1)
            ]
        )
