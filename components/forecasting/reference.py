"""Simple forecasts that the network starts from: what usually is, and what was a season ago.

A network that had to make the level of each week of the year from nothing would
need more years than most tables have. It gets these instead, and learns how far
each is to be trusted (`network.Reference`).
Letters of shapes: B windows, C context, H horizon.
"""

from __future__ import annotations

import tensorflow as tf

__all__ = ["growth_since", "recent_level", "seasonal_profile"]

_LARGEST_GROWTH = 4.0


def seasonal_profile(
    units: tf.Tensor, exposure: tf.Tensor, *, scale: tf.Tensor, season: int, horizon: int
) -> tf.Tensor:
    """Averages the context at the same phase of the season as each step.

    Formula: (sum of units + scale) / (sum of exposure + 1): one period at the scale is added,
    so that a phase without any exposure has the scale.

    Args:
        units: Recorded units, 0 where exposure is 0. Shape [B, C].
        exposure: Share of each period in which they could sell. Shape [B, C].
        scale: Units per period, positive. Shape [B].
        season: Periods.
        horizon: H.

    Returns:
        Units per period. Shape [B, H].
    """
    context = units.shape[1]
    past = tf.range(context)[:, None]
    future = tf.range(context, context + horizon)[None]
    same_phase = tf.cast((future - past) % season == 0, tf.float32)
    return (tf.matmul(units, same_phase) + scale[:, None]) / (tf.matmul(exposure, same_phase) + 1.0)


def recent_level(
    units: tf.Tensor, exposure: tf.Tensor, *, scale: tf.Tensor, width: int
) -> tf.Tensor:
    """Averages the last periods of the context, drawn to the scale by half a period.

    Args:
        units: As for `seasonal_profile`. Shape [B, C].
        exposure: As for `seasonal_profile`. Shape [B, C].
        scale: Units per period, positive. Shape [B].
        width: Periods.

    Returns:
        Units per fully exposed period, positive. Shape [B].
    """
    return (tf.reduce_sum(units[:, -width:], 1) + 0.5 * scale) / (
        tf.reduce_sum(exposure[:, -width:], 1) + 0.5
    )


def growth_since(
    units: tf.Tensor, earlier: tf.Tensor, both: tf.Tensor, *, scale: tf.Tensor
) -> tf.Tensor:
    """Compares periods with those one lag before them, where both are known.

    Formula: (sum of units + 2 scale) / (sum of earlier + 2 scale), from 1/4 to 4: without any
    period that both know it is 1.

    Args:
        units: Units per period now. Shape [B, L].
        earlier: Units per period one lag before. Shape [..., B, L].
        both: 1 where both are known, else 0. Shape [..., B, L].
        scale: Units per period, positive. Shape [B].

    Returns:
        Factor of growth. Shape [..., B].
    """
    now, then = (tf.reduce_sum(part * both, -1) + 2.0 * scale for part in (units, earlier))
    return tf.clip_by_value(now / then, 1.0 / _LARGEST_GROWTH, _LARGEST_GROWTH)
