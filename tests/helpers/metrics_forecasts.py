"""Random forecasts with gaps, stockouts and series without demand, for tests of metrics."""

from __future__ import annotations

import numpy as np

from demandcast.components.metrics.statistics import Forecasts

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)


def make_forecasts(
    series: int = 30, horizon: int = 9, levels: tuple[float, ...] = LEVELS, seed: int = 5
) -> Forecasts:
    rng = np.random.default_rng(seed)
    actual = rng.poisson(rng.choice([0.2, 3, 40], (series, 1)), (series, horizon)).astype(float)
    quantiles = np.sort(rng.gamma(2, 10, (series, horizon, len(levels))), axis=-1)
    scored = rng.random(actual.shape) < 0.7
    actual[0] = 0  # No demand.
    scored[1] = False  # All stocked out.
    actual[2, :3] = np.nan
    scored[3] = True
    return Forecasts(
        actual=actual,
        scored_mask=scored,
        quantiles=quantiles,
        mean=rng.gamma(2, 10, actual.shape),
        naive_forecast=rng.poisson(10, actual.shape).astype(float),
        naive_scale=rng.uniform(0.5, 20, series),
        naive_rms_scale=rng.uniform(0.5, 20, series),
    )
