"""Which kind of demand a series shows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import as_history
from demandcast.schema import series_example

__all__ = ["INTERVAL_LIMIT", "VARIATION_LIMIT", "demand_class"]

INTERVAL_LIMIT = 1.32
"""Average demand interval, periods, from which demand is intermittent or lumpy."""
VARIATION_LIMIT = 0.49
"""Squared coefficient of variation from which demand is erratic or lumpy."""

# Position in the table: 2 * (interval at the limit) + (variation at the limit).
_BY_LIMITS = np.array(["smooth", "erratic", "intermittent", "lumpy"])
_NO_DEMAND = "no_demand"


def demand_class(target: npt.ArrayLike, observed_mask: npt.ArrayLike) -> npt.NDArray[np.str_]:
    """Classifies each history as smooth, erratic, intermittent, lumpy or without demand.

    Formula: ADI = observed periods / observed periods with demand; CV^2 = (standard deviation
    / mean)^2 of the demand of those periods. ADI >= 1.32 is intermittent, CV^2 >= 0.49 erratic,
    both lumpy, neither smooth.

    Args:
        target: Units per period; demand is what lies above 0. Shape [N, T].
        observed_mask: Above 0 where the period was recorded. Shape [N, T].

    Returns:
        Values of `series_example.DEMAND_CLASSES`; "no_demand" where no observed period has
        demand. Shape [N].

    Raises:
        ValueError: The shapes differ.

    Source:
        Syntetos, Boylan and Croston (2005), On the categorization of demand patterns,
        Journal of the Operational Research Society 56(5), 495-503.

    >>> demand_class([[5.0, 5.0, 6.0], [0.0, 0.0, 4.0], [0.0, 0.0, 0.0]], [[1] * 3] * 3).tolist()
    ['smooth', 'intermittent', 'no_demand']
    """
    values, known = as_history(target, observed_mask)
    positive = known & (values > 0)
    periods, demands = known.sum(axis=1), positive.sum(axis=1)
    # A series without demand is divided by one instead of zero and overwritten below.
    divisor = np.maximum(demands, 1)
    mean = np.sum(values, axis=1, dtype=np.float64, where=positive) / divisor
    unit = values / np.where(demands > 0, mean, 1.0)[:, None]
    variation = np.sum(np.square(unit - 1), axis=1, where=positive) / divisor
    interval = periods / divisor
    index = 2 * (interval >= INTERVAL_LIMIT) + (variation >= VARIATION_LIMIT)
    return np.where(demands > 0, _BY_LIMITS[index], _NO_DEMAND).astype(_WIDTH)


_WIDTH = np.array(series_example.DEMAND_CLASSES).dtype
