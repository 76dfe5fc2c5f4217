"""Metrics of quantile forecasts, over all series and periods that count.

Which periods count is said by `scored_mask`, as in `demandcast.components.metrics.point`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import (
    BoolArray,
    FloatArray,
    check_levels,
    check_shape,
    masked_mean,
    ratio,
)
from demandcast.components.metrics.point import absolute_demand, scored_demand

__all__ = [
    "coverage",
    "covered",
    "interval_positions",
    "mean_pinball",
    "naive_quantiles",
    "pinball_loss",
    "quantile_position",
    "weighted_quantile_loss",
]


def pinball_loss(
    actual: npt.ArrayLike,
    quantiles: npt.ArrayLike,
    *,
    quantile_levels: Sequence[float],
    scored_mask: npt.ArrayLike,
) -> FloatArray:
    """Scores quantile forecasts of each series at each level; lower is better.

    Formula: L_q(y, f) = max(q (y - f), (q - 1) (y - f)), averaged over the periods that count.

    Args:
        actual: Demand, units per period. Shape [N, H].
        quantiles: Quantile forecasts, units per period. Shape [N, H, Q].
        quantile_levels: Levels of the last axis, strictly increasing in (0, 1).
        scored_mask: Above 0 where the period counts. Shape [N, H].

    Returns:
        Mean loss per series and level, units per period. Shape [N, Q].
        NaN for a series without any period that counts.

    Raises:
        ValueError: The shapes disagree, a level lies outside (0, 1) or the levels do not
            increase.

    Source:
        Koenker and Bassett (1978), Regression Quantiles, Econometrica 46(1), 33-50.

    >>> pinball_loss([[10.0]], [[[8.0, 12.0]]], quantile_levels=[0.5, 0.9], scored_mask=[[1]])
    array([[1. , 0.2]])
    """
    demand, scored = scored_demand(actual, scored_mask)
    loss = _pinball(demand, quantiles, quantile_levels, scored)
    return masked_mean(np.moveaxis(loss, -1, 1), scored[:, None, :])


def weighted_quantile_loss(
    actual: npt.ArrayLike,
    quantiles: npt.ArrayLike,
    *,
    quantile_levels: Sequence[float],
    scored_mask: npt.ArrayLike,
) -> float:
    """Scores quantile forecasts as a share of demand; lower is better.

    Formula: 2 / Q * sum_q sum L_q(y, f_q) / sum |y| over all series and periods that count.

    Args:
        actual: Demand, units per period. Shape [N, H].
        quantiles: Quantile forecasts, units per period. Shape [N, H, Q].
        quantile_levels: Levels of the last axis, strictly increasing in (0, 1).
        scored_mask: Above 0 where the period counts. Shape [N, H].

    Returns:
        Share of demand. NaN if no period counts or there is no demand.

    Raises:
        ValueError: The shapes disagree, a level lies outside (0, 1) or the levels do not
            increase.

    Source:
        Salinas, Flunkert, Gasthaus and Januschowski (2020), DeepAR, International Journal of
        Forecasting 36(3), 1181-1191.

    >>> weighted_quantile_loss(
    ...     [[10.0]], [[[8.0, 12.0]]], quantile_levels=[0.5, 0.9], scored_mask=[[1]]
    ... )
    0.12
    """
    demand, scored = scored_demand(actual, scored_mask)
    loss = mean_pinball(demand, quantiles, quantile_levels, scored)
    return float(ratio(2 * loss.sum(), absolute_demand(demand).sum()))


def coverage(
    actual: npt.ArrayLike,
    quantiles: npt.ArrayLike,
    *,
    quantile_levels: Sequence[float],
    scored_mask: npt.ArrayLike,
    nominal: float = 0.8,
    strict: bool = False,
) -> float:
    """Tells how often demand falls into the central interval; nominal is best.

    Formula: share of periods that count with f_low <= y <= f_high, the quantiles at the levels
    (1 - nominal) / 2 and (1 + nominal) / 2; strict: f_low < y < f_high.

    Demand that comes in whole units often equals a bound. True quantiles then hold at least
    nominal with the bounds and at most nominal without them.

    Args:
        actual: Demand, units per period. Shape [N, H].
        quantiles: Quantile forecasts, units per period. Shape [N, H, Q].
        quantile_levels: Levels of the last axis, strictly increasing in (0, 1).
        scored_mask: Above 0 where the period counts. Shape [N, H].
        nominal: Share of demand that the interval should hold, such as 0.8.
        strict: Whether demand at a bound is outside; so is a sale of 0 at a low bound of 0.

    Returns:
        A share. NaN if no period counts or the levels do not bound the interval. A quantile
        that is NaN covers nothing.

    Raises:
        ValueError: The shapes disagree, a level lies outside (0, 1) or the levels do not
            increase.

    >>> coverage(
    ...     [[10.0, 13.0]],
    ...     [[[8.0, 12.0], [8.0, 12.0]]],
    ...     quantile_levels=[0.1, 0.9],
    ...     scored_mask=[[1, 1]],
    ... )
    0.5
    """
    demand, scored = scored_demand(actual, scored_mask)
    inside = covered(demand, quantiles, quantile_levels, scored, nominal, strict=strict)
    return float(ratio(inside.sum(), scored.sum()))


def quantile_position(quantile_levels: Sequence[float], level: float) -> int | None:
    """Finds a level among the levels; None if it is not one of them.

    >>> quantile_position([0.1, 0.5, 0.9], 0.5), quantile_position([0.1, 0.5, 0.9], 0.4)
    (1, None)
    """
    close = np.flatnonzero(np.isclose(quantile_levels, level, rtol=0, atol=1e-6))
    return int(close[0]) if close.size else None


def interval_positions(quantile_levels: Sequence[float], nominal: float) -> tuple[int, int] | None:
    """Finds the quantiles that bound a central interval; None if one of them is missing.

    >>> interval_positions([0.05, 0.1, 0.5, 0.9, 0.95], 0.8)
    (1, 3)
    """
    low = quantile_position(quantile_levels, (1 - nominal) / 2)
    high = quantile_position(quantile_levels, (1 + nominal) / 2)
    return None if low is None or high is None else (low, high)


def mean_pinball(
    demand: FloatArray,
    quantiles: npt.ArrayLike,
    quantile_levels: Sequence[float],
    scored: BoolArray,
) -> FloatArray:
    """Averages the pinball loss over the levels; 0 where a period does not count.

    Args:
        demand: Units per period, from `scored_demand`. Shape [N, H].
        quantiles: Quantile forecasts, units per period. Shape [N, H, Q].
        quantile_levels: Levels of the last axis, strictly increasing in (0, 1).
        scored: Which periods count, from `scored_demand`. Shape [N, H].

    Returns:
        Units per period. Shape [N, H].

    Raises:
        ValueError: The shapes disagree, or the levels are wrong.
    """
    return np.asarray(_pinball(demand, quantiles, quantile_levels, scored).mean(axis=-1))


def covered(
    demand: FloatArray,
    quantiles: npt.ArrayLike,
    quantile_levels: Sequence[float],
    scored: BoolArray,
    nominal: float,
    *,
    strict: bool = False,
) -> FloatArray:
    """Marks the periods that count and whose demand lies in the central interval.

    Args:
        demand: Units per period, from `scored_demand`. Shape [N, H].
        quantiles: Quantile forecasts, units per period. Shape [N, H, Q].
        quantile_levels: Levels of the last axis, strictly increasing in (0, 1).
        scored: Which periods count, from `scored_demand`. Shape [N, H].
        nominal: Share of demand that the interval should hold.
        strict: Whether demand at a bound is outside.

    Returns:
        1 or 0; NaN everywhere if the levels do not bound the interval. Shape [N, H].

    Raises:
        ValueError: The shapes disagree, or the levels are wrong.
    """
    values = _checked(demand, quantiles, quantile_levels)
    positions = interval_positions(quantile_levels, nominal)
    if positions is None:
        return np.full(demand.shape, np.nan)
    low, high = values[..., positions[0]], values[..., positions[1]]
    inside = (low < demand) & (demand < high) if strict else (low <= demand) & (demand <= high)
    return np.asarray(scored & inside, dtype=np.float64)


def naive_quantiles(point_forecast: npt.ArrayLike, *, levels: int) -> FloatArray:
    """Makes a quantile forecast of a point forecast: all levels are equal.

    Args:
        point_forecast: Units per period. Shape [N, H].
        levels: Number of levels.

    Returns:
        A view that cannot be written to. Shape [N, H, Q].

    >>> naive_quantiles([[1.0, 2.0]], levels=3).shape
    (1, 2, 3)
    """
    values = np.asarray(point_forecast, dtype=np.float64)
    return np.broadcast_to(values[..., None], (*values.shape, levels))


def _pinball(
    demand: FloatArray,
    quantiles: npt.ArrayLike,
    quantile_levels: Sequence[float],
    scored: BoolArray,
) -> FloatArray:
    """Computes the loss of each period and level, 0 where none counts. Shape [N, H, Q]."""
    values = _checked(demand, quantiles, quantile_levels)
    levels = np.asarray(quantile_levels, dtype=np.float64)
    missed = np.where(scored[..., None], demand[..., None] - values, 0.0)
    return np.asarray(np.maximum(levels * missed, (levels - 1) * missed))


def _checked(
    demand: FloatArray, quantiles: npt.ArrayLike, quantile_levels: Sequence[float]
) -> FloatArray:
    """Refuses quantile forecasts that do not belong to the demand or the levels."""
    levels = check_levels(quantile_levels)
    values = np.asarray(quantiles, dtype=np.float64)
    check_shape("quantiles", values, (*demand.shape, levels.size))
    return values
