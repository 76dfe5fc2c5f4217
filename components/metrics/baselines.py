"""Forecasts that any model must beat, and the scales of scaled errors.

Histories are dense, right-aligned arrays [N, T]: the last column is the cutoff, shorter
series are padded on the left with mask 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import (
    BoolArray,
    FloatArray,
    as_history,
    check_positive,
    masked_mean,
    ratio,
)

__all__ = ["croston", "moving_average", "naive_scales", "seasonal_naive"]


def seasonal_naive(
    target: npt.ArrayLike, observed_mask: npt.ArrayLike, *, season: int, horizon: int
) -> FloatArray:
    """Repeats the newest observed value of the same phase of the season.

    Formula: f_h = y_{h - k m} for the smallest k with h - k m <= 0 that was observed, m the
    season.

    Args:
        target: Units per period. Shape [N, T].
        observed_mask: Above 0 where the period was recorded. Shape [N, T].
        season: Periods after which the pattern repeats.
        horizon: Periods to forecast.

    Returns:
        Units per period. A phase never observed gets the mean of the observed history; a
        series never observed gets 0. Shape [N, H].

    Raises:
        ValueError: The shapes differ, or season or horizon is below 1.

    Source:
        Hyndman and Athanasopoulos (2021), Forecasting: Principles and Practice, section 5.2.

    >>> seasonal_naive([[1.0, 2.0, 3.0, 4.0]], [[1, 1, 1, 0]], season=2, horizon=3)
    array([[3., 2., 3.]])
    """
    check_positive("season", season)
    check_positive("horizon", horizon)
    values, known = as_history(target, observed_mask)
    # Rows of one season each, newest first: [N, K, season], the last column is the cutoff.
    cycles, cycles_known = _by_season(values, season), _by_season(known, season)
    newest = cycles_known.argmax(axis=1)[:, None, :]
    by_phase = np.take_along_axis(cycles, newest, axis=1)[:, 0, :].astype(np.float64)
    fallback = np.nan_to_num(masked_mean(values, known), nan=0.0)
    by_phase = np.where(cycles_known.any(axis=1), by_phase, fallback[:, None])
    return by_phase[:, np.arange(horizon) % season]


def moving_average(
    target: npt.ArrayLike, observed_mask: npt.ArrayLike, *, window: int, horizon: int
) -> FloatArray:
    """Repeats the mean of the observed periods among the last `window`.

    Args:
        target: Units per period. Shape [N, T].
        observed_mask: Above 0 where the period was recorded. Shape [N, T].
        window: Periods before the cutoff that are averaged; fewer if the history is shorter.
        horizon: Periods to forecast.

    Returns:
        Units per period, the same for each step. A window without any observed period gets
        the mean of the observed history; a series never observed gets 0. Shape [N, H].

    Raises:
        ValueError: The shapes differ, or window or horizon is below 1.

    >>> moving_average([[9.0, 1.0, 3.0]], [[1, 1, 1]], window=2, horizon=2)
    array([[2., 2.]])
    """
    check_positive("window", window)
    check_positive("horizon", horizon)
    values, known = as_history(target, observed_mask)
    recent = masked_mean(values[:, -window:], known[:, -window:])
    level = np.where(np.isnan(recent), masked_mean(values, known), recent)
    return np.repeat(np.nan_to_num(level, nan=0.0)[:, None], horizon, axis=1)


def croston(
    target: npt.ArrayLike, observed_mask: npt.ArrayLike, *, horizon: int, smoothing: float = 0.1
) -> FloatArray:
    """Divides the usual size of a demand by the usual interval between demands.

    Formula: at each period with demand, z <- z + a (y - z) and p <- p + a (q - p), q the observed
    periods since the demand before; the first demand sets z = y, p = q, q counted from the first
    observed period. f_h = z / p. Since sizes and intervals get the same weights,
    f_h = sum_i w_i y_i / sum_i w_i q_i with w_i = a (1 - a)^k for the demand that k others
    follow, and (1 - a)^k for the first.

    Args:
        target: Units per period; demand is what lies above 0. Shape [N, T].
        observed_mask: Above 0 where the period was recorded; others pass unnoticed: they
            lengthen no interval. Shape [N, T].
        horizon: Periods to forecast.
        smoothing: Weight a of the newest demand, above 0 and at most 1.

    Returns:
        Units per period, the same for each step; 0 for a series without demand. Shape [N, H].

    Raises:
        ValueError: The shapes differ, horizon is below 1, or the smoothing is out of bounds.

    Source:
        Croston (1972), Forecasting and stock control for intermittent demands, Operational
        Research Quarterly 23(3), 289-303.

    >>> croston([[0.0, 6.0, 0.0, 0.0, 9.0]], [[1] * 5], horizon=2, smoothing=0.5)
    array([[3., 3.]])
    """
    check_positive("horizon", horizon)
    if not 0 < smoothing <= 1:
        raise ValueError(f"smoothing: got {smoothing}; it must lie above 0 and be at most 1")
    values, known = as_history(target, observed_mask)
    demand = known & (values > 0)
    # Observed periods up to each demand; intervals are the differences of neighbours.
    elapsed = np.where(demand, np.cumsum(known, axis=1), 0)
    before = np.maximum.accumulate(np.pad(elapsed, ((0, 0), (1, 0))), axis=1)[:, :-1]
    weights = _weights_from_newest(demand, smoothing)
    sizes = np.sum(weights * values, axis=1, where=demand)
    intervals = np.sum(weights * (elapsed - before), axis=1, where=demand)
    rate = np.nan_to_num(ratio(sizes, intervals), nan=0.0)
    return np.repeat(rate[:, None], horizon, axis=1)


def naive_scales(
    target: npt.ArrayLike, observed_mask: npt.ArrayLike, *, season: int
) -> tuple[FloatArray, FloatArray]:
    """Measures how far a series moves from season to season: the scales of MASE and RMSSE.

    Formula: mae = mean |y_t - y_{t-m}|, rms = sqrt(mean (y_t - y_{t-m})^2), over the periods
    where both values were observed, m the season.

    Args:
        target: Units per period. Shape [N, T].
        observed_mask: Above 0 where the period was recorded. Shape [N, T].
        season: Periods after which the pattern repeats.

    Returns:
        mae and rms, units per period, always positive. Where no seasonal difference is known,
        or all are 0, differences of neighbours take their place, then the mean |y|, then 1.
        Shapes [N] and [N].

    Raises:
        ValueError: The shapes differ, or the season is below 1.

    Source:
        Hyndman and Koehler (2006), Another look at measures of forecast accuracy,
        International Journal of Forecasting 22(4), 679-688. The fallbacks are ours.

    >>> naive_scales([[1.0, 5.0, 2.0, 9.0], [3.0, 3.0, 3.0, 3.0]], [[1] * 4, [1] * 4], season=2)
    (array([2.5, 3. ]), array([2.91547595, 3.        ]))
    """
    check_positive("season", season)
    values, known = as_history(target, observed_mask)
    level = masked_mean(np.abs(values), known)
    mae, rms = _mean_differences(values, known, season)
    neighbour_mae, neighbour_rms = _mean_differences(values, known, 1)
    one = np.ones_like(level)
    return (
        _first_positive(mae, neighbour_mae, level, one),
        _first_positive(rms, neighbour_rms, level, one),
    )


def _by_season(values: npt.NDArray[np.generic], season: int) -> npt.NDArray[np.generic]:
    """Folds [N, T] into [N, K, season], newest cycle first, padded with 0 on the left."""
    series, length = values.shape
    missing = -length % season if length else season
    padded = np.pad(values, ((0, 0), (missing, 0)))
    return padded.reshape(series, -1, season)[:, ::-1, :]


def _weights_from_newest(events: BoolArray, smoothing: float) -> FloatArray:
    """Weighs events as exponential smoothing does that begins with the first. Shape [N, T]."""
    count: npt.NDArray[np.int64] = np.cumsum(events, axis=1)
    kept = np.power(1.0 - smoothing, count[:, -1:] - count)
    return np.asarray(np.where(count > 1, smoothing, 1.0) * kept)


def _mean_differences(
    values: npt.NDArray[np.floating[Any]], known: BoolArray, lag: int
) -> tuple[FloatArray, FloatArray]:
    """Averages |y_t - y_{t-lag}| and its square where both are known; NaN where never."""
    both = known[:, lag:] & known[:, :-lag]
    difference = np.subtract(values[:, lag:], values[:, :-lag], dtype=np.float64)
    mae = masked_mean(np.abs(difference), both)
    return mae, np.sqrt(masked_mean(np.square(difference), both))


def _first_positive(*candidates: FloatArray) -> FloatArray:
    """Takes, element by element, the first candidate above 0; NaN is not above 0."""
    return np.select([candidate > 0 for candidate in candidates], list(candidates))
