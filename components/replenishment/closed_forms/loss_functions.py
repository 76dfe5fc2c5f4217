"""Loss functions: how many units are short, on average, at a level.

    loss          n(x) = E[(X - x)+]
    summed loss   n2(x) = the losses beyond x, summed: the integral of n over y > x where demand
                  is a real number, the sum of n(y) over y = x + 1, x + 2, ... where it is whole

What is left over, on average, follows: E[(x - X)+] = x - E[X] + n(x) (`leftover`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from demandcast.components.replenishment.closed_forms.checks import FloatArray

__all__ = [
    "leftover",
    "lognormal_loss",
    "normal_loss",
    "normal_summed_loss",
    "pmf_loss",
    "pmf_summed_loss",
    "poisson_loss",
    "poisson_summed_loss",
    "sample_loss",
    "sample_summed_loss",
]

_ROOT_OF_TWO_PI = np.sqrt(2 * np.pi)


def leftover(level: npt.ArrayLike, *, mean: npt.ArrayLike, loss: npt.ArrayLike) -> FloatArray:
    """Computes the units left over on average from the units short on average.

    Formula: E[(x - X)+] = x - E[X] + n(x).

    Args:
        level: x, units. Any shape.
        mean: Mean demand, units.
        loss: n(x), units.

    Returns:
        Units, at least 0.

    >>> leftover([12.0], mean=10.0, loss=1.0)
    array([3.])
    """
    left = np.asarray(level) - np.asarray(mean) + np.asarray(loss)
    return np.asarray(np.maximum(left, 0.0), dtype=np.float64)


def normal_loss(level: npt.ArrayLike, *, mean: npt.ArrayLike, sd: npt.ArrayLike) -> FloatArray:
    """Computes the loss of normal demand.

    Formula: n(x) = sd (phi(z) - z (1 - Phi(z))), z = (x - mean) / sd; (mean - x)+ for sd = 0.

    Args:
        level: x, units. Any shape.
        mean: Mean demand, units.
        sd: Standard deviation of demand, units, at least 0.

    Returns:
        Units, at least 0.

    Source:
        Snyder and Shen (2019), Fundamentals of Supply Chain Theory, 2nd edition, (C.31).

    >>> normal_loss([18.6], mean=15, sd=3).round(6)
    array([0.168307])
    """
    x, mean, sd = _floats(level, mean, sd)
    z = _standardised(x, mean, sd)
    loss = sd * (_density(z) - z * special.ndtr(-z))
    return np.where(sd > 0, np.maximum(loss, 0.0), np.maximum(mean - x, 0.0))


def normal_summed_loss(
    level: npt.ArrayLike, *, mean: npt.ArrayLike, sd: npt.ArrayLike
) -> FloatArray:
    """Computes the summed loss of normal demand.

    Formula: n2(x) = sd^2 / 2 ((z^2 + 1) (1 - Phi(z)) - z phi(z)), which is E[((X - x)+)^2] / 2.

    Args:
        level: x, units. Any shape.
        mean: Mean demand, units.
        sd: Standard deviation of demand, units, at least 0.

    Returns:
        Units squared, at least 0.

    Source:
        Snyder and Shen (2019), (C.33).

    >>> normal_summed_loss([18.6], mean=15, sd=3).round(6)
    array([0.21486])
    """
    x, mean, sd = _floats(level, mean, sd)
    z = _standardised(x, mean, sd)
    summed = sd**2 / 2 * ((z**2 + 1) * special.ndtr(-z) - z * _density(z))
    return np.where(sd > 0, np.maximum(summed, 0.0), np.maximum(mean - x, 0.0) ** 2 / 2)


def lognormal_loss(
    level: npt.ArrayLike, *, log_mean: npt.ArrayLike, log_sd: npt.ArrayLike
) -> FloatArray:
    """Computes the loss of lognormal demand.

    Formula: n(x) = E[X] Phi((m + v^2 - ln x) / v) - x Phi((m - ln x) / v) with m and v the mean
    and standard deviation of ln X; E[X] - x for x <= 0.

    Args:
        level: x, units. Any shape.
        log_mean: Mean of the logarithm of demand.
        log_sd: Standard deviation of the logarithm of demand, above 0.

    Returns:
        Units, at least 0.

    Source:
        Snyder and Shen (2019), (4.102).

    >>> lognormal_loss([10.0], log_mean=2, log_sd=0.3).round(6)
    array([0.28365])
    """
    x, log_mean, log_sd = _floats(level, log_mean, log_sd)
    mean = np.exp(log_mean + log_sd**2 / 2)
    gap = log_mean - np.log(np.where(x > 0, x, 1.0))
    loss = mean * special.ndtr((gap + log_sd**2) / log_sd) - x * special.ndtr(gap / log_sd)
    return np.where(x > 0, np.maximum(loss, 0.0), mean - x)


def poisson_loss(level: npt.ArrayLike, *, mean: npt.ArrayLike) -> FloatArray:
    """Computes the loss of Poisson demand, at levels between whole units as well.

    Formula: n(x) = mean P(X >= k) - x P(X > k), k the whole part of x.

    Args:
        level: x, units. Any shape.
        mean: Mean demand, units, at least 0.

    Returns:
        Units, at least 0.

    Source:
        Snyder and Shen (2019), (C.41), for whole x.

    >>> poisson_loss([18.0], mean=15).round(6)
    array([0.51761])
    """
    x, mean = _floats(level, mean)
    below = np.floor(x)
    beyond = stats.poisson.sf(below, mean)
    return np.maximum(mean * (beyond + stats.poisson.pmf(below, mean)) - x * beyond, 0.0)


def poisson_summed_loss(level: npt.ArrayLike, *, mean: npt.ArrayLike) -> FloatArray:
    """Computes the summed loss of Poisson demand at whole levels.

    Formula: n2(x) = (((x - mean)^2 + x) P(X > x) - mean (x - mean) P(X = x)) / 2, which is
    E[((X - x)(X - x - 1))+] / 2.

    Args:
        level: x, whole units. Any shape.
        mean: Mean demand, units, at least 0.

    Returns:
        Units squared, at least 0.

    Source:
        Snyder and Shen (2019), appendix C.

    >>> poisson_summed_loss([18.0], mean=15).round(6)
    array([0.84834])
    """
    x, mean = _floats(level, mean)
    above = x - mean
    beyond = (above**2 + x) * stats.poisson.sf(x, mean)
    return np.maximum((beyond - mean * above * stats.poisson.pmf(x, mean)) / 2, 0.0)


def pmf_loss(level: npt.ArrayLike, *, pmf: npt.ArrayLike) -> FloatArray:
    """Computes the loss of demand in whole units whose probabilities are known.

    Formula: n(x) = sum over k of (k - x)+ P(X = k).

    Args:
        level: x, units. Shape [...].
        pmf: Probability of 0, 1, ... units. Shape [..., K].

    Returns:
        Units. Shape [...].

    >>> pmf_loss([1.0], pmf=[[0.5, 0.0, 0.25, 0.25]])
    array([0.75])
    """
    x, pmf = _floats(level, pmf)
    short = np.maximum(np.arange(pmf.shape[-1]) - x[..., None], 0.0)
    return np.asarray((short * pmf).sum(axis=-1))


def pmf_summed_loss(level: npt.ArrayLike, *, pmf: npt.ArrayLike) -> FloatArray:
    """Computes the summed loss of demand in whole units, at whole levels.

    Formula: n2(x) = sum over k > x of (k - x)(k - x - 1) / 2 P(X = k).

    Args:
        level: x, whole units. Shape [...].
        pmf: Probability of 0, 1, ... units. Shape [..., K].

    Returns:
        Units squared. Shape [...].

    >>> pmf_summed_loss([0.0], pmf=[[0.5, 0.0, 0.25, 0.25]])
    array([1.])
    """
    x, pmf = _floats(level, pmf)
    short = np.maximum(np.arange(pmf.shape[-1]) - x[..., None], 0.0)
    return np.asarray((short * np.maximum(short - 1, 0.0) / 2 * pmf).sum(axis=-1))


def sample_loss(level: npt.ArrayLike, *, samples: npt.ArrayLike) -> FloatArray:
    """Computes the loss of demand of which there are samples, all as likely.

    Formula: n(x) = mean over samples of (X - x)+.

    Args:
        level: x, units. Shape [...].
        samples: Units. Shape [..., P].

    Returns:
        Units. Shape [...].

    >>> sample_loss([4.0], samples=[[1.0, 5.0, 9.0]])
    array([2.])
    """
    x, samples = _floats(level, samples)
    return np.asarray(np.maximum(samples - x[..., None], 0.0).mean(axis=-1))


def sample_summed_loss(level: npt.ArrayLike, *, samples: npt.ArrayLike) -> FloatArray:
    """Computes the summed loss of samples, taken as real numbers.

    Formula: n2(x) = mean over samples of ((X - x)+)^2 / 2.

    Args:
        level: x, units. Shape [...].
        samples: Units. Shape [..., P].

    Returns:
        Units squared. Shape [...].

    >>> sample_summed_loss([4.0], samples=[[1.0, 6.0]])
    array([1.])
    """
    x, samples = _floats(level, samples)
    return np.asarray((np.maximum(samples - x[..., None], 0.0) ** 2 / 2).mean(axis=-1))


def _floats(*values: npt.ArrayLike) -> tuple[FloatArray, ...]:
    """Returns all as arrays of floats."""
    return tuple(np.asarray(value, dtype=np.float64) for value in values)


def _standardised(x: FloatArray, mean: FloatArray, sd: FloatArray) -> FloatArray:
    """Returns (x - mean) / sd; sd = 0 divides by 1, its value is not used."""
    return np.asarray((x - mean) / np.where(sd > 0, sd, 1.0))


def _density(z: FloatArray) -> FloatArray:
    """Returns the density of the standard normal distribution."""
    return np.asarray(np.exp(-(z**2) / 2) / _ROOT_OF_TWO_PI)
