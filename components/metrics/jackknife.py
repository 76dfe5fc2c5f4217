"""How far a metric may lie from its true value by chance: standard errors by resampling series.

Examples of one series, at several cutoffs, are not independent of each other; series are taken
to be. So whole series are left out, not examples: they are hashed into at most `GROUPS` groups,
statistics are added up by group, and each metric is computed once without each group. That needs
one pass over the data, a bounded number of rows, and no random numbers; and because any metric
is a function of sums, it holds for ratios, skills and differences alike:

    rows [N, S], groups [N]  --series_sums-->  sums by group [G, K]  --without_each-->  [G, K]
                                               --METRICS-->  [G]  --estimate-->  value, error
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.metrics.grouping import sum_groups
from demandcast.components.metrics.statistics import SCALARS, Sums

__all__ = [
    "CONFIDENCE",
    "GROUPS",
    "INTERVAL_METRICS",
    "Estimate",
    "SeriesSums",
    "estimate",
    "merge_sums",
    "series_sums",
    "sums_by_slice",
    "t_quantile",
    "without_each",
]

GROUPS = 256
"""Groups of series at most; the standard error then has itself an error of 4 %."""

CONFIDENCE = 0.95
"""Share of intervals that hold the true value."""

INTERVAL_METRICS = (
    "weighted_quantile_loss",
    "wape",
    "bias",
    "mase",
    "rmsse",
    "coverage_80",
    "coverage_90",
    "strict_coverage_80",
    "strict_coverage_90",
    "weighted_quantile_loss_skill",
    "wape_skill",
)
"""Metrics of `statistics.METRICS` that are reported with an interval."""

_HALVINGS = 54
"""Of a right angle, until two numbers are neighbours."""

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SeriesSums:
    """Sums of statistics, in total and by group of series; of any part of the data.

    Attributes:
        total: Sum of all rows. Shape [S].
        groups: Groups with a row, increasing. Shape [G].
        by_group: Sums of the first `SCALARS` numbers of the rows. Shape [G, K].
    """

    total: FloatArray
    groups: Int64Array
    by_group: FloatArray


@dataclass(frozen=True)
class Estimate:
    """A metric and its noise.

    Attributes:
        value: The metric over all series.
        error: Standard error; NaN where series cannot tell, as with a single one.
        freedom: Degrees of freedom of the error.
    """

    value: float
    error: float
    freedom: int

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Bounds a symmetric interval that holds the true value with this probability.

        >>> low, high = Estimate(value=0.5, error=0.1, freedom=255).interval()
        >>> round(low, 3), round(high, 3)
        (0.303, 0.697)
        """
        if math.isnan(self.error) or self.freedom < 1:
            return math.nan, math.nan
        half = t_quantile((1 + confidence) / 2, self.freedom) * self.error
        return self.value - half, self.value + half


def series_sums(rows: FloatArray, groups: Int64Array) -> SeriesSums:
    """Adds up rows of statistics by group.

    Args:
        rows: From `statistics.example_statistics`. Shape [N, S].
        groups: Group of the series of each row, from 0 to `GROUPS - 1`. Shape [N].
    """
    (sums,) = sums_by_slice(rows, np.zeros(len(rows), np.int64), groups, count=1)
    return sums


def sums_by_slice(
    rows: FloatArray, slices: Int64Array, groups: Int64Array, *, count: int
) -> list[SeriesSums]:
    """Adds up rows of statistics by slice, and in each slice by group.

    Args:
        rows: From `statistics.example_statistics`. Shape [N, S].
        slices: Slice of each row, from 0 to count - 1. Shape [N].
        groups: Group of the series of each row, from 0 to `GROUPS - 1`. Shape [N].
        count: Number of slices, each with a row.

    Returns:
        The sums of each slice.
    """
    pairs, positions = np.unique(slices * GROUPS + groups, return_inverse=True)
    by_group = sum_groups(rows[:, :SCALARS], positions.astype(np.int64), len(pairs))
    totals = sum_groups(rows, slices, count)
    ends = np.searchsorted(pairs, np.arange(1, count + 1) * GROUPS)
    parts = zip(np.split(pairs % GROUPS, ends[:-1]), np.split(by_group, ends[:-1]), strict=True)
    return [SeriesSums(total, *part) for total, part in zip(totals, parts, strict=True)]


def merge_sums(parts: Sequence[SeriesSums]) -> SeriesSums:
    """Adds up the sums of several parts of the data; a group may be in any of them."""
    groups = np.concatenate([part.groups for part in parts])
    present, positions = np.unique(groups, return_inverse=True)
    by_group = np.concatenate([part.by_group for part in parts])
    total = np.sum([part.total for part in parts], axis=0)
    merged = sum_groups(by_group, positions.astype(np.int64), len(present))
    return SeriesSums(total, present.astype(np.int64), merged)


def without_each(by_group: FloatArray) -> Sums:
    """Leaves out one group after the other.

    Args:
        by_group: Sums by group. Shape [G, K].

    Returns:
        Sums over all other groups, for each group with an example that counts. Shape [G', K].
    """
    counting = Sums(by_group)["examples"] > 0
    return Sums(by_group.sum(axis=0) - by_group[counting])


def estimate(value: float, without: npt.ArrayLike) -> Estimate:
    """Estimates the standard error of a metric from its values without each group.

    Formula: error^2 = (G - 1) / G * sum_g (m_g - mean m)^2, m_g the metric without group g.

    Args:
        value: The metric over all groups.
        without: The metric without each group. Shape [G].

    Returns:
        With G - 1 degrees of freedom; an error of NaN for fewer than two groups, or where the
        metric cannot be computed without one of them.

    Source:
        Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 11; in groups:
        Kott (2001), The delete-a-group jackknife, Journal of Official Statistics 17(4), 521-526.

    >>> estimate(2.0, [2.5, 2.0, 1.5])  # The mean of 1, 2, 3: its error is 1 / sqrt(3).
    Estimate(value=2.0, error=0.5773502691896257, freedom=2)
    """
    values = np.asarray(without, dtype=np.float64)
    count = values.size
    if count < 2:
        return Estimate(float(value), math.nan, 0)
    squares = np.square(values - values.mean()).sum()
    return Estimate(float(value), math.sqrt((count - 1) / count * squares), count - 1)


@functools.cache
def t_quantile(level: float, freedom: int) -> float:
    """Computes a quantile of Student's t distribution, to about ten digits.

    The distribution function is a finite sum over the angle atan(t / sqrt(n)), n the degrees of
    freedom; the angle is found by bisection.

    Args:
        level: Probability in (0, 1).
        freedom: Degrees of freedom, at least 1; time and the number of terms grow with them.

    >>> round(t_quantile(0.975, 255), 3), round(t_quantile(0.975, 5), 3)
    (1.969, 2.571)
    """
    inside = abs(2 * level - 1)
    low, high = 0.0, math.pi / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _share_inside(middle, freedom) < inside:
            low = middle
        else:
            high = middle
    return math.copysign(math.sqrt(freedom) * math.tan(low), level - 0.5)


def _share_inside(angle: float, freedom: int) -> float:
    """Computes the probability of |t| <= sqrt(freedom) * tan(angle).

    Source:
        Abramowitz and Stegun (1964), Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    odd = freedom % 2
    cosine = math.cos(angle)
    term, total = cosine**odd, 0.0
    for power in range(odd, freedom - 1, 2):
        total += term
        term *= cosine**2 * (power + 1) / (power + 2)
    share = math.sin(angle) * total
    return (angle + share) * 2 / math.pi if odd else share
