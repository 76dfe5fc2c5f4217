"""Slow oracles of the metrics: plain Python, one series and one period at a time."""

from __future__ import annotations

import math
from statistics import fmean, pstdev

NAN = float("nan")


def seasonal_naive(target, mask, season, horizon):
    return [_seasonal_naive(y, m, season, horizon) for y, m in zip(target, mask, strict=True)]


def _seasonal_naive(y, m, season, horizon):
    observed = [value for value, known in zip(y, m, strict=True) if known > 0]
    forecast = []
    for step in range(1, horizon + 1):
        position = len(y) - 1 + step
        while position >= len(y) or (position >= 0 and not m[position] > 0):
            position -= season
        if position >= 0:
            forecast.append(y[position])
        else:
            forecast.append(fmean(observed) if observed else 0.0)
    return forecast


def moving_average(target, mask, window, horizon):
    rows = []
    for y, m in zip(target, mask, strict=True):
        observed = [value for value, known in zip(y, m, strict=True) if known > 0]
        recent = [v for v, known in zip(y[-window:], m[-window:], strict=True) if known > 0]
        values = recent or observed or [0.0]
        rows.append([fmean(values)] * horizon)
    return rows


def croston(target, mask, smoothing, horizon):
    return [[_croston(y, m, smoothing)] * horizon for y, m in zip(target, mask, strict=True)]


def _croston(y, m, smoothing):
    size = interval = None
    waited = 0
    for value, known in zip(y, m, strict=True):
        if not known > 0 or math.isnan(value):
            continue
        waited += 1
        if value > 0:
            if size is None:
                size, interval = value, waited
            else:
                size += smoothing * (value - size)
                interval += smoothing * (waited - interval)
            waited = 0
    return 0.0 if size is None else size / interval


def naive_scales(target, mask, season):
    scales = [_naive_scales(y, m, season) for y, m in zip(target, mask, strict=True)]
    return [mae for mae, _ in scales], [rms for _, rms in scales]


def _naive_scales(y, m, season):
    for lag in (season, 1):
        differences = [y[t] - y[t - lag] for t in range(lag, len(y)) if m[t] > 0 and m[t - lag] > 0]
        if any(differences):
            return (
                fmean(abs(d) for d in differences),
                math.sqrt(fmean(d * d for d in differences)),
            )
    level = [abs(value) for value, known in zip(y, m, strict=True) if known > 0]
    scale = fmean(level) if any(level) else 1.0
    return scale, scale


def demand_class(target, mask):
    return [_demand_class(y, m) for y, m in zip(target, mask, strict=True)]


def _demand_class(y, m):
    observed = [value for value, known in zip(y, m, strict=True) if known > 0]
    demands = [value for value in observed if value > 0]
    if not demands:
        return "no_demand"
    often = len(observed) / len(demands) < 1.32
    steady = (pstdev(demands) / fmean(demands)) ** 2 < 0.49
    return {
        (True, True): "smooth",
        (True, False): "erratic",
        (False, True): "intermittent",
        (False, False): "lumpy",
    }[often, steady]


def metrics(*, actual, scored, quantiles, mean, naive, scale, rms_scale, levels):
    """All metrics of `statistics.METRICS`, as one plain loop."""
    names = ("periods", "demand", "missed", "over", "pinball", "naive", "naive_pb")
    sums = dict.fromkeys((*names, "in80", "in90", "strictly80", "strictly90"), 0.0)
    by_step = [[0.0, 0.0] for _ in actual[0]]
    mase, rmsse = [], []
    middle = levels.index(0.5)
    for n, row in enumerate(actual):
        absolute, squared = [], []
        for h, y in enumerate(row):
            if not scored[n][h] > 0 or math.isnan(y):
                continue
            error = quantiles[n][h][middle] - y
            absolute.append(abs(error))
            squared.append((mean[n][h] - y) ** 2)
            sums["periods"] += 1
            sums["demand"] += abs(y)
            sums["missed"] += abs(error)
            sums["over"] += mean[n][h] - y
            by_step[h][0] += abs(error)
            by_step[h][1] += abs(y)
            sums["pinball"] += fmean(
                _pinball(y, f, q) for f, q in zip(quantiles[n][h], levels, strict=True)
            )
            sums["naive"] += abs(naive[n][h] - y)
            sums["naive_pb"] += fmean(_pinball(y, naive[n][h], q) for q in levels)
            sums["in80"] += _inside(y, quantiles[n][h], levels, 0.1, 0.9)
            sums["in90"] += _inside(y, quantiles[n][h], levels, 0.05, 0.95)
            sums["strictly80"] += _strictly_inside(y, quantiles[n][h], levels, 0.1, 0.9)
            sums["strictly90"] += _strictly_inside(y, quantiles[n][h], levels, 0.05, 0.95)
        if absolute:
            mase.append(fmean(absolute) / scale[n])
            rmsse.append(math.sqrt(fmean(squared)) / rms_scale[n])
    return _ratios(sums, by_step, mase, rmsse)


def _ratios(sums, by_step, mase, rmsse):
    loss, naive_loss = (
        _divide(2 * sums["pinball"], sums["demand"]),
        _divide(2 * sums["naive_pb"], sums["demand"]),
    )
    wape, naive_wape = (
        _divide(sums["missed"], sums["demand"]),
        _divide(sums["naive"], sums["demand"]),
    )
    shares = [missed / demand for missed, demand in by_step if demand > 0]
    return {
        "examples": float(len(mase)),
        "periods": sums["periods"],
        "weighted_quantile_loss": loss,
        "wape": wape,
        "wape_per_step": fmean(shares) if shares else NAN,
        "bias": _divide(sums["over"], sums["demand"]),
        "mase": fmean(mase) if mase else NAN,
        "rmsse": fmean(rmsse) if rmsse else NAN,
        "coverage_80": _divide(sums["in80"], sums["periods"]),
        "coverage_90": _divide(sums["in90"], sums["periods"]),
        "strict_coverage_80": _divide(sums["strictly80"], sums["periods"]),
        "strict_coverage_90": _divide(sums["strictly90"], sums["periods"]),
        "naive_weighted_quantile_loss": naive_loss,
        "naive_wape": naive_wape,
        "weighted_quantile_loss_skill": 1 - _divide(loss, naive_loss),
        "wape_skill": 1 - _divide(wape, naive_wape),
    }


def _pinball(actual, forecast, level):
    return level * (actual - forecast) if actual >= forecast else (1 - level) * (forecast - actual)


def _inside(actual, quantiles, levels, low, high):
    if low not in levels or high not in levels:
        return NAN
    return float(quantiles[levels.index(low)] <= actual <= quantiles[levels.index(high)])


def _strictly_inside(actual, quantiles, levels, low, high):
    if low not in levels or high not in levels:
        return NAN
    return float(quantiles[levels.index(low)] < actual < quantiles[levels.index(high)])


def _divide(above, below):
    return above / below if below > 0 else NAN
