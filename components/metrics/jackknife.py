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

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

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


def t_quantile(level: float, freedom: int) -> float:
    """Computes a quantile of Student's t distribution.

    Formula: exact for 1 and 2 degrees of freedom; beyond, the expansion around the normal
    quantile z, z + (z^3 + z) / 4n + (5 z^5 + 16 z^3 + 3 z) / 96 n^2 + ..., n the degrees of
    freedom; its error at levels up to 0.999 is below 3 % for 3 of them, below 0.1 % from 10.

    Args:
        level: Probability in (0, 1).
        freedom: Degrees of freedom, at least 1.

    Source:
        Abramowitz and Stegun (1964), Handbook of Mathematical Functions, 26.7.5.

    >>> round(t_quantile(0.975, 255), 3), round(t_quantile(0.975, 5), 3)
    (1.969, 2.57)
    """
    if freedom == 1:
        return math.tan(math.pi * (level - 0.5))
    if freedom == 2:
        return (2 * level - 1) / math.sqrt(2 * level * (1 - level))
    z = NormalDist().inv_cdf(level)
    terms: tuple[Callable[[float], float], ...] = (
        lambda z: (z**3 + z) / 4,
        lambda z: (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        lambda z: (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        lambda z: (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term(z) / freedom**power for power, term in enumerate(terms, start=1))
