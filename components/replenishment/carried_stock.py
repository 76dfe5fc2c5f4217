"""Stock that was ordered for an earlier cycle and is still there: it covers this one as well.

A base-stock level that has fallen since the last decision orders nothing, and the position stays
above it. Had the same probability been asked for at each decision of a backtest, the position
after the decision at a cutoff would be

    position(c) = max(level(c), position(c - R) - demand since)

so a cycle may be covered at a lower probability than its own level says.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import AnyFloats, FloatArray

__all__ = ["CARRIED_LEVELS", "Chain", "carried_ranks", "levels_at"]

Int64Array = npt.NDArray[np.int64]

CARRIED_LEVELS = np.concatenate(
    [
        np.linspace(0.05, 0.9, 35),
        np.linspace(0.905, 0.995, 19),
        [0.9975, 0.999, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0],
    ]
)
"""Probabilities that are followed from decision to decision; above 1 multiples of the largest
sample, as a `Calibration` has them."""


@dataclass(frozen=True)
class Chain:
    """Which decision came before which (B).

    Attributes:
        previous: Row of the decision of the same series a review period before; -1 without one.
            Shape [B].
        since: Demand over the review period after each, units. Shape [B].
    """

    previous: Int64Array
    since: FloatArray


def levels_at(samples: AnyFloats, unit: FloatArray) -> npt.NDArray[np.float32]:
    """Reads base-stock levels off samples, at all followed probabilities.

    Args:
        samples: Demand over the interval, units. Shape [n, P].
        unit: What levels are raised to multiples of; 0 where they are not. Shape [n].

    Returns:
        Units. Shape [n, A].
    """
    count = samples.shape[1]
    ordered = np.sort(samples, axis=1)
    inside = np.minimum(CARRIED_LEVELS, 1.0)
    at = np.clip(np.ceil(inside * count - 1e-9).astype(np.int64) - 1, 0, count - 1)
    levels = ordered[:, at] * np.maximum(CARRIED_LEVELS, 1.0)
    step = np.where(unit > 0, unit, 1.0)[:, None]
    raised = np.ceil(levels / step - 1e-6) * step
    return np.where(unit[:, None] > 0, raised, levels).astype(np.float32)


def carried_ranks(levels: AnyFloats, sold: FloatArray, chain: Chain) -> FloatArray:
    """Finds the least followed probability at which carried stock alone covers the interval.

    Args:
        levels: From `levels_at`, not decreasing along A. Shape [B, A].
        sold: Over the interval, units. Shape [B].
        chain: Which decision came before which.

    Returns:
        Infinite where stock that is carried over is not enough, or there is none. Shape [B].
    """
    position = levels.copy()
    ranks = np.full(len(levels), np.inf)
    depth = _depths(chain)
    for step in range(1, int(depth.max(initial=0)) + 1):
        rows = np.flatnonzero(depth == step)
        before = chain.previous[rows]
        left = position[before] - chain.since[before, None].astype(np.float32)
        position[rows] = np.maximum(position[rows], left)
        enough = left >= sold[rows, None] - 1e-6
        first = enough.argmax(axis=1)
        ranks[rows] = np.where(enough.any(axis=1), CARRIED_LEVELS[first], np.inf)
    return ranks


def _depths(chain: Chain) -> Int64Array:
    """Counts the decisions before each in its chain. Shape [B]."""
    depth = np.zeros(len(chain.previous), np.int64)
    pending = chain.previous.copy()
    while (pending >= 0).any():
        reached = pending >= 0
        depth[reached] += 1
        pending[reached] = chain.previous[pending[reached]]
    return depth
