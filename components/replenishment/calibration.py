"""Which level has to be asked for so that a share of intervals is covered: learnt from backtests.

A forecast may be too sure or too careful, a copula too simple, and whole units round up. For each
interval of a backtest the *cover rank* is the least probability whose base-stock level would have
covered what was sold. If 95 % of these ranks are at most 0.97, the level for 95 % is the 0.97
quantile.

An interval with an empty shelf all the time shows only that demand was at least as much: its rank
is censored, and counts as in a Kaplan-Meier estimate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from demandcast.components.metrics.arrays import AnyFloats, BoolArray, FloatArray, check_shape
from demandcast.schema.errors import BadInputError

__all__ = ["Calibration", "cover_ranks", "fit_calibration"]


_ABOVE_ONE = float(np.nextafter(1.0, 2.0))
_LARGEST_MULTIPLE = 3.0
"""Of the largest sample: what went beyond it says nothing of other series."""

_LEAST_INTERVALS = 100
"""Intervals from which on a calibration is believed; with fewer, levels are taken as they are."""


@dataclass(frozen=True)
class Calibration:
    """Turns the share of intervals that is to be covered into the probability to ask for.

    A level above 1 asks for that multiple of the largest sample: what happened went beyond it.

    Attributes:
        shares: Covered shares, increasing. Shape [M].
        levels: Probabilities that cover them, not decreasing. Shape [M].
        intervals: Intervals it was learnt from; 0: every share is its own level.
    """

    shares: tuple[float, ...] = (0.0, 1.0)
    levels: tuple[float, ...] = (0.0, 1.0)
    intervals: int = 0

    def level(self, targets: FloatArray) -> FloatArray:
        """Returns the probabilities to ask for. Any shape.

        >>> Calibration((0.0, 0.5, 1.0), (0.0, 0.7, 1.0), 100).level(np.array([0.5, 0.75])).tolist()
        [0.7, 0.85]
        """
        return np.interp(targets, self.shares, self.levels)

    def share(self, levels: FloatArray) -> FloatArray:
        """Returns the share of intervals that a probability covers: `level` read backwards.

        >>> Calibration((0.0, 0.5, 1.0), (0.0, 0.7, 1.0), 100).share(np.array([0.7, 0.85])).tolist()
        [0.5, 0.75]
        """
        return np.interp(levels, self.levels, self.shares)

    def mixed(self, other: Calibration, weight: float) -> Calibration:
        """Mixes the levels of a share with those of another calibration.

        Args:
            other: The other one.
            weight: Of this one, in [0, 1]; the other has the rest.

        >>> Calibration((0.0, 0.5, 1.0), (0.0, 0.7, 1.0), 100).mixed(Calibration(), 0.5).levels
        (0.0, 0.6, 1.0)
        """
        shares = np.union1d(self.shares, other.shares)
        levels = weight * self.level(shares) + (1 - weight) * other.level(shares)
        return replace(self, shares=tuple(shares.tolist()), levels=tuple(levels.tolist()))


def cover_ranks(samples: AnyFloats, actual: FloatArray, *, unit: FloatArray) -> FloatArray:
    """Computes the least probability whose base-stock level covers what was sold.

    The level of a probability a is the sample of rank ceil(a P), raised to whole units.

    Formula: (number of samples whose level does not cover + 1) / P; where none does, the multiple
    of the largest sample that would, from 1 to 3.

    Args:
        samples: Demand over the interval, units. Shape [n, P].
        actual: What was sold over it, units. Shape [n].
        unit: What levels are raised to multiples of; 0 where they are not. Shape [n].

    Returns:
        From 1 / P to 1; above 1 where no sample suffices. NaN where a number is. Shape [n].

    >>> samples = np.array([[0.4, 1.2, 2.5, 3.0]])
    >>> cover_ranks(samples, np.array([2.0]), unit=np.array([1.0]))  # 1.2 is raised to 2
    array([0.5])
    """
    count = samples.shape[1]
    step = unit[:, None]
    # S = ceil(x / u) u covers a multiple of u if x exceeds the multiple below it.
    # A multiple may come out a hair above the whole number that it is, as 1.1 of 0.1.
    multiples = actual[:, None] / np.where(step > 0, step, 1.0)
    needed = np.where(step > 0, np.ceil(multiples - 1e-9), 0.0)
    short = np.where(step > 0, samples <= (needed - 1) * step, samples < actual[:, None])
    unknown = np.isnan(actual) | np.isnan(unit) | np.isnan(samples).any(axis=1)
    number = short.sum(axis=1)
    threshold = np.where(unit > 0, (needed[:, 0] - 1) * unit, actual)
    largest = samples.max(axis=1).astype(np.float64)
    multiple = threshold / np.where(largest > 0, largest, 1.0)
    beyond = np.where(largest > 0, np.clip(multiple, _ABOVE_ONE, _LARGEST_MULTIPLE), np.inf)
    beyond = np.minimum(beyond, _LARGEST_MULTIPLE)
    return np.where(unknown, np.nan, np.where(number < count, (number + 1) / count, beyond))


def fit_calibration(ranks: FloatArray, censored: BoolArray) -> Calibration:
    """Learns a calibration from cover ranks.

    Formula: the share covered at rank r is 1 - the product over ranks r_i <= r of intervals that
    were not censored of (1 - 1 / n_i), n_i of them having a rank of at least r_i.

    Args:
        ranks: From `cover_ranks`. Shape [B].
        censored: Where what was sold is less than what was asked for. Shape [B].

    Returns:
        The calibration; one that changes nothing where fewer than 100 intervals are uncensored.
        What lies above the largest share known, where the largest ranks are all censored, gets
        the largest level known, and 1 at least.

    Raises:
        BadInputError: A rank is NaN.
        ValueError: The shapes differ.

    Source:
        Kaplan and Meier (1958), J. American Statistical Association 53; as a calibration of
        quantiles: Kuleshov et al. (2018), Accurate uncertainties for deep learning, ICML.
    """
    check_shape("censored", censored, ranks.shape)
    if np.isnan(ranks).any():
        raise BadInputError("ranks: one is NaN; intervals that are not known must be left out")
    if (~censored).sum() < _LEAST_INTERVALS:
        return Calibration()
    # Where ranks are equal what happened comes first: the censored ones were still at risk.
    order = np.lexsort((censored, ranks))
    at_risk = np.arange(ranks.size, 0, -1)
    happened = ~censored[order]
    covered = 1 - np.cumprod(np.where(happened, 1 - 1 / at_risk, 1.0))
    return _thinned(covered[happened], ranks[order][happened], int(ranks.size))


def _thinned(shares: FloatArray, levels: FloatArray, intervals: int) -> Calibration:
    """Keeps 1,000 points at most: the largest level of each step of the share."""
    steps = np.unique(np.concatenate([np.linspace(0.001, 0.999, 999), [shares[-1]]]))
    steps = steps[steps <= shares[-1]]
    at = np.searchsorted(shares, steps - 1e-12)
    kept, level = [0.0, *steps.tolist()], [0.0, *levels[at].tolist()]
    if kept[-1] < 1:
        kept, level = [*kept, 1.0], [*level, max(level[-1], 1.0)]
    return Calibration(tuple(kept), tuple(level), intervals)
