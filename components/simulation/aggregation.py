"""From days to periods: one day, or the seven days of a week."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from demandcast.components.simulation.plans import PROMOTIONS

__all__ = [
    "join_names",
    "main_promotions",
    "mean_fractions",
    "period_ends",
    "period_means",
    "period_sums",
]

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]


def period_sums(values: npt.NDArray[Any], days: int) -> npt.NDArray[Any]:
    """Adds up the days of each period. Shape [..., P x days] to [..., P].

    >>> period_sums(np.arange(4), 2).tolist()
    [1, 5]
    """
    return np.asarray(_by_period(values, days).sum(axis=-1))


def period_means(values: npt.NDArray[Any], days: int) -> FloatArray:
    """Averages the days of each period. Shape [..., P x days] to [..., P]."""
    return np.asarray(_by_period(values, days).mean(axis=-1))


def period_ends(values: npt.NDArray[Any], days: int) -> npt.NDArray[Any]:
    """Takes the last day of each period. Shape [..., P x days] to [..., P]."""
    return _by_period(values, days)[..., -1]


def mean_fractions(values: FloatArray, days: int) -> FloatArray:
    """Averages fractions to 3 digits; below 1 if one of them is. Shape as `period_means`.

    >>> mean_fractions(np.array([1.0, 0.9999]), 2).tolist()
    [0.999]
    """
    means = np.round(period_means(values, days), 3)
    complete = (_by_period(values, days) == 1).all(axis=-1)
    return np.where(complete, 1.0, np.minimum(means, 0.999))


def main_promotions(values: Int64Array, days: int) -> Int64Array:
    """Takes the promotion of most days of each period. Shape as `period_sums`.

    >>> main_promotions(np.array([0, 0, 0, 0, 2, 2, 1]), 7).tolist()
    [0]
    """
    if days == 1:
        return values
    grouped = _by_period(values, days)
    # On equal counts a promotion wins over none: argmax takes the first of the largest.
    kinds = np.array([*range(1, len(PROMOTIONS)), 0])
    counts = np.stack([(grouped == kind).sum(axis=-1) for kind in kinds], axis=-1)
    return np.asarray(kinds[counts.argmax(axis=-1)])


def join_names(names: npt.NDArray[np.str_], days: int) -> list[str]:
    """Joins the names of each period; empty without any.

    >>> join_names(np.array(["", "Christmas Eve", "Christmas Day"]), 3)
    ['Christmas Eve, Christmas Day']
    """
    return [", ".join(name for name in period if name) for period in _by_period(names, days)]


def _by_period(values: npt.NDArray[Any], days: int) -> npt.NDArray[Any]:
    """Splits the last axis into periods and days."""
    return values.reshape(*values.shape[:-1], -1, days)
