"""From the quantiles of a forecast to a whole distribution: knots between which it is linear.

    level      0    q_1 ... q_Q    u_1 ... u_6
    value     a_0   the quantiles  an exponential tail whose mean agrees with the forecast's mean

A distribution that is linear between fixed levels has a property that everything here lives on:
the value at a level is a weighted sum of the knots, and the weights depend on the level alone.
Paths of all series are then one matrix product (`demandcast.components.replenishment.paths`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import AnyFloats, FloatArray, check_levels, check_shape

__all__ = ["curve_knots", "curve_levels", "curve_ranks", "curve_values", "interpolation_weights"]


_TAIL = np.array([0.5, 0.2, 0.1, 0.04, 0.02, 0.004])
"""Shares of the last bin, (1 - level) / (1 - q_Q), at which the tail has knots."""

_TAIL_RANGE = (0.5, 2.0)
"""How far the mean may bend the tail that the last two quantiles suggest."""


def curve_levels(quantile_levels: Sequence[float]) -> FloatArray:
    """Returns the levels of the knots: 0, those of the quantiles, and some of the upper tail.

    Returns:
        Strictly increasing from 0, below 1. Shape [K], K = Q + 7.

    Raises:
        ValueError: There are fewer than two levels, or they do not increase within (0, 1).

    >>> curve_levels([0.1, 0.9]).round(4).tolist()
    [0.0, 0.1, 0.9, 0.95, 0.98, 0.99, 0.996, 0.998, 0.9996]
    """
    levels = _two_levels(quantile_levels)
    return np.concatenate([[0.0], levels, 1 - (1 - levels[-1]) * _TAIL])


def _two_levels(quantile_levels: Sequence[float]) -> FloatArray:
    """Refuses levels that do not make a distribution."""
    levels = check_levels(quantile_levels)
    if levels.size < 2:
        raise ValueError("quantile_levels: two at least are needed for a distribution")
    return levels


def curve_knots(
    quantiles: AnyFloats, mean: AnyFloats, quantile_levels: Sequence[float]
) -> npt.NDArray[np.float32]:
    """Completes the quantiles of forecasts to curves.

    Below the first quantile the line through the first two goes on, not below 0. Above the last
    one the tail is exponential:

    Formula: F^-1(u) = q_Q + b ln((1 - l_Q) / (1 - u)), where b makes the mean of the curve that
    of the forecast, between 0.5 and 2 times (q_Q - q_{Q-1}) / ln((1 - l_{Q-1}) / (1 - l_Q)); as
    large as the mean asks for where q_Q does not exceed it, as with demand once in 30 days.

    Args:
        quantiles: Units per period, not decreasing in the last axis. Shape [..., Q].
        mean: Units per period. Shape [...].
        quantile_levels: Levels l of the quantiles, two at least.

    Returns:
        Units per period at `curve_levels`, not decreasing. NaN in, NaN out: of one quantile for
        it and what is computed from it, of the mean for the tail. Shape [..., K].

    Raises:
        ValueError: The axes disagree, a level is wrong, or quantiles decrease.

    Source:
        The tail is ours; linear between quantiles as in Koenker and Bassett's regression quantiles.

    >>> curve_knots(np.array([[0.0, 0.0]]), np.array([0.05]), [0.5, 0.9])[0, :4].round(2)
    array([0.  , 0.  , 0.  , 0.33], dtype=float32)
    """
    levels = _two_levels(quantile_levels)
    values = np.asarray(quantiles, np.float64)
    check_shape("quantiles", values, (*np.shape(mean), levels.size))
    if (np.diff(values, axis=-1) < 0).any():
        raise ValueError("quantiles: one is less than that of the level below it")
    step = (values[..., 1] - values[..., 0]) / (levels[1] - levels[0])
    first = np.minimum(np.maximum(values[..., 0] - levels[0] * step, 0.0), values[..., 0])
    body = np.concatenate([first[..., None], values], axis=-1)
    scale = _tail_scale(body, np.asarray(mean, np.float64), levels)
    tail = values[..., -1:] + scale[..., None] * -np.log(_TAIL)
    return np.concatenate([body, tail], axis=-1).astype(np.float32)


def _tail_scale(body: FloatArray, mean: FloatArray, levels: FloatArray) -> FloatArray:
    """Finds b of the exponential tail. Shape [...]."""
    last = 1 - levels[-1]
    widths = np.diff(np.concatenate([[0.0], levels]))
    below = ((body[..., :-1] + body[..., 1:]) / 2 * widths).sum(axis=-1)
    wanted = ((mean - below) / last - body[..., -1]) / _unit_tail_mean()
    suggested = (body[..., -1] - body[..., -2]) / np.log((1 - levels[-2]) / last)
    low, high = _TAIL_RANGE
    # A last quantile not above the mean saw none of the rare demand: only the mean knows of it.
    unseen = body[..., -1] <= mean
    return np.clip(wanted, low * suggested, np.where(unseen, np.inf, high * suggested))


def _unit_tail_mean() -> float:
    """Returns the mean of a tail with b = 1 as it is drawn: lines between knots lie above it."""
    shares = np.concatenate([[1.0], _TAIL])
    heights = -np.log(shares)
    lines = ((heights[:-1] + heights[1:]) / 2 * -np.diff(shares)).sum()
    return float(lines + heights[-1] * shares[-1])


def interpolation_weights(
    levels: FloatArray, uniforms: npt.NDArray[np.float64]
) -> npt.NDArray[np.float32]:
    """Computes the weights of the knots at given levels; beyond the last knot it stands for all.

    Args:
        levels: Of the knots, from `curve_levels`. Shape [K].
        uniforms: Levels to read the curves at, in [0, 1]. Shape [..., P].

    Returns:
        Two neighbours share 1. Shape [..., K, P]: knots [n, K] @ weights [K, P] are values [n, P].

    >>> interpolation_weights(np.array([0.0, 0.5, 0.9]), np.array([0.25, 0.8, 0.95])).T.tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.25, 0.75], [0.0, 0.0, 1.0]]
    """
    at = np.clip(np.searchsorted(levels, uniforms, side="right") - 1, 0, levels.size - 2)
    share = np.clip((uniforms - levels[at]) / (levels[at + 1] - levels[at]), 0.0, 1.0).round(6)
    weights = np.zeros((levels.size, *uniforms.shape))
    np.put_along_axis(weights, at[None], 1 - share[None], axis=0)
    np.put_along_axis(weights, at[None] + 1, share[None], axis=0)
    return np.moveaxis(weights, 0, -2).astype(np.float32)


def curve_ranks(knots: AnyFloats, levels: FloatArray, values: AnyFloats) -> FloatArray:
    """Reads curves backwards: the level at which each reaches a value.

    Args:
        knots: From `curve_knots`. Shape [..., K].
        levels: From `curve_levels`. Shape [K].
        values: Units per period. Shape [...].

    Returns:
        The share of the distribution at or below the value: where the curve is flat at it, the
        upper end; 0 below the first knot, 1 at the last one and beyond. NaN for NaN, of the value
        or of a knot. Shape [...].

    Raises:
        ValueError: The axes disagree.

    >>> knots = np.array([[0.0, 0.0, 4.0]])  # half of the time 0
    >>> [curve_ranks(knots, np.array([0.0, 0.5, 0.9]), np.array([x])).item() for x in (0.0, 1.0)]
    [0.5, 0.6]
    """
    last = levels.size - 1
    check_shape("knots", knots, (*np.shape(values), levels.size))
    value = np.asarray(values, np.float64)[..., None]
    reached = (knots <= value).sum(axis=-1)  # Knots at or below; the curve does not decrease.
    at = np.clip(reached - 1, 0, last - 1)
    low = np.take_along_axis(knots, at[..., None], axis=-1)[..., 0].astype(np.float64)
    high = np.take_along_axis(knots, at[..., None] + 1, axis=-1)[..., 0].astype(np.float64)
    width = np.where(high > low, high - low, 1.0)
    share = np.clip((value[..., 0] - low) / width, 0.0, 1.0)
    inside = levels[at] + share * (levels[at + 1] - levels[at])
    rank = np.where(reached == 0, 0.0, np.where(reached > last, 1.0, inside))
    unknown = np.isnan(value[..., 0]) | np.isnan(knots).any(axis=-1)
    return np.where(unknown, np.nan, rank)


def curve_values(knots: AnyFloats, levels: FloatArray, ranks: FloatArray) -> FloatArray:
    """Reads curves at one level each.

    Args:
        knots: From `curve_knots`. Shape [..., K].
        levels: From `curve_levels`. Shape [K].
        ranks: In [0, 1]; beyond the last knot it stands for all. Shape [...].

    Returns:
        Units per period. Shape [...].

    >>> knots = np.array([[0.0, 2.0, 4.0]])
    >>> curve_values(knots, np.array([0.0, 0.5, 0.9]), np.array([0.7])).tolist()
    [3.0]
    """
    at = np.clip(np.searchsorted(levels, ranks, side="right") - 1, 0, levels.size - 2)
    share = np.clip((ranks - levels[at]) / (levels[at + 1] - levels[at]), 0.0, 1.0)
    low = np.take_along_axis(knots, at[..., None], axis=-1)[..., 0].astype(np.float64)
    high = np.take_along_axis(knots, at[..., None] + 1, axis=-1)[..., 0].astype(np.float64)
    return np.asarray(low + share * (high - low))
