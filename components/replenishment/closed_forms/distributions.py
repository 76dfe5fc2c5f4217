"""Demand as a distribution: what every formula here asks of it.

One class per family; each holds many items at once (axis N). `step` is 1 where demand comes in
whole units, so levels do as well, and 0 where it is a real number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from demandcast.components.replenishment.closed_forms import loss_functions
from demandcast.components.replenishment.closed_forms.checks import (
    FloatArray,
    finite,
    not_negative,
    positive,
)
from demandcast.schema.errors import BadInputError

__all__ = [
    "Demand",
    "LognormalDemand",
    "NormalDemand",
    "PathDemand",
    "PmfDemand",
    "PoissonDemand",
    "RepeatedDemand",
    "SampleDemand",
    "SummableDemand",
]


class Demand(Protocol):
    """Demand over one stretch of time."""

    @property
    def mean(self) -> FloatArray:
        """Mean, units."""

    @property
    def sd(self) -> FloatArray:
        """Standard deviation, units."""

    @property
    def step(self) -> float:
        """1 where demand comes in whole units, otherwise 0."""

    def cdf(self, level: npt.ArrayLike) -> FloatArray:
        """Probability that demand is at most the level."""

    def quantile(self, probability: npt.ArrayLike) -> FloatArray:
        """Lowest level that demand does not exceed with that probability."""

    def loss(self, level: npt.ArrayLike) -> FloatArray:
        """Units short on average at the level."""


class SummableDemand(Demand, Protocol):
    """Demand whose losses beyond a level are known in sum."""

    def summed_loss(self, level: npt.ArrayLike) -> FloatArray:
        """Losses beyond the level, summed; see `loss_functions`."""


class RepeatedDemand(Protocol):
    """Demand per period that can be added over periods."""

    def over(self, periods: npt.ArrayLike) -> Demand:
        """Demand of that many periods, counted from the first."""


@dataclass(frozen=True)
class NormalDemand:
    """Normal demand.

    Attributes:
        mean: Units, at least 0. Any shape.
        sd: Standard deviation, units, at least 0. Shape of the mean, or one that fits it.
    """

    mean: FloatArray
    sd: FloatArray
    step = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", not_negative("the mean of demand", self.mean))
        object.__setattr__(self, "sd", not_negative("the standard deviation of demand", self.sd))

    def cdf(self, level: npt.ArrayLike) -> FloatArray:
        """Probability that demand is at most the level."""
        gap = np.asarray(level, dtype=np.float64) - self.mean
        spread = np.where(self.sd > 0, self.sd, 1.0)
        return np.where(self.sd > 0, special.ndtr(gap / spread), np.where(gap >= 0, 1.0, 0.0))

    def quantile(self, probability: npt.ArrayLike) -> FloatArray:
        """Level that demand does not exceed with that probability."""
        return np.asarray(self.mean + special.ndtri(probability) * self.sd)

    def loss(self, level: npt.ArrayLike) -> FloatArray:
        """Units short on average at the level."""
        return loss_functions.normal_loss(level, mean=self.mean, sd=self.sd)

    def summed_loss(self, level: npt.ArrayLike) -> FloatArray:
        """Losses beyond the level, integrated."""
        return loss_functions.normal_summed_loss(level, mean=self.mean, sd=self.sd)

    def over(self, periods: npt.ArrayLike) -> NormalDemand:
        """Demand of that many periods, independent of each other; fractions are allowed.

        >>> NormalDemand(10.0, 3.0).over(4).sd.tolist()
        6.0
        """
        count = not_negative("periods", periods)
        return NormalDemand(self.mean * count, self.sd * np.sqrt(count))


@dataclass(frozen=True)
class PoissonDemand:
    """Poisson demand.

    Attributes:
        mean: Units, at least 0. Any shape.
    """

    mean: FloatArray
    step = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", not_negative("the mean of demand", self.mean))

    @property
    def sd(self) -> FloatArray:
        """Standard deviation, units."""
        return np.asarray(np.sqrt(self.mean))

    def cdf(self, level: npt.ArrayLike) -> FloatArray:
        """Probability that demand is at most the level."""
        return np.asarray(stats.poisson.cdf(level, self.mean))

    def quantile(self, probability: npt.ArrayLike) -> FloatArray:
        """Lowest whole level that demand does not exceed with that probability."""
        return np.asarray(stats.poisson.ppf(probability, self.mean))

    def loss(self, level: npt.ArrayLike) -> FloatArray:
        """Units short on average at the level."""
        return loss_functions.poisson_loss(level, mean=self.mean)

    def summed_loss(self, level: npt.ArrayLike) -> FloatArray:
        """Losses beyond the whole level, summed."""
        return loss_functions.poisson_summed_loss(level, mean=self.mean)

    def over(self, periods: npt.ArrayLike) -> PoissonDemand:
        """Demand of that many periods; fractions are allowed."""
        return PoissonDemand(self.mean * not_negative("periods", periods))

    def pmf(self, position: int) -> FloatArray:
        """Probabilities of 0, 1, ... units for one item, all but 1e-16 of them. Shape [K]."""
        mean = float(np.ravel(self.mean)[position])
        most = int(stats.poisson.isf(1e-16, mean)) + 1 if mean > 0 else 0
        return np.asarray(stats.poisson.pmf(np.arange(most + 1), mean))


@dataclass(frozen=True)
class LognormalDemand:
    """Lognormal demand.

    Attributes:
        log_mean: Mean of the logarithm of demand. Any shape.
        log_sd: Standard deviation of the logarithm of demand, above 0.
    """

    log_mean: FloatArray
    log_sd: FloatArray
    step = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_mean", finite("the mean of the logarithm", self.log_mean))
        object.__setattr__(self, "log_sd", positive("the sd of the logarithm", self.log_sd))

    @property
    def mean(self) -> FloatArray:
        """Mean, units."""
        return np.asarray(np.exp(self.log_mean + self.log_sd**2 / 2))

    @property
    def sd(self) -> FloatArray:
        """Standard deviation, units."""
        return np.asarray(self.mean * np.sqrt(np.expm1(self.log_sd**2)))

    def cdf(self, level: npt.ArrayLike) -> FloatArray:
        """Probability that demand is at most the level."""
        x = np.asarray(level, dtype=np.float64)
        z = (np.log(np.where(x > 0, x, 1.0)) - self.log_mean) / self.log_sd
        return np.where(x > 0, special.ndtr(z), 0.0)

    def quantile(self, probability: npt.ArrayLike) -> FloatArray:
        """Level that demand does not exceed with that probability."""
        return np.asarray(np.exp(self.log_mean + special.ndtri(probability) * self.log_sd))

    def loss(self, level: npt.ArrayLike) -> FloatArray:
        """Units short on average at the level."""
        return loss_functions.lognormal_loss(level, log_mean=self.log_mean, log_sd=self.log_sd)


@dataclass(frozen=True)
class PmfDemand:
    """Demand in whole units whose probabilities are known.

    Attributes:
        probabilities: Of 0, 1, ... units; they sum to 1. Shape [..., K].
    """

    probabilities: FloatArray
    step = 1.0

    def __post_init__(self) -> None:
        given = not_negative("a probability of demand", self.probabilities)
        total = given.sum(axis=-1)
        if given.ndim == 0 or not np.allclose(total, 1.0, rtol=0, atol=1e-9):
            raise BadInputError(f"probabilities of demand must sum to 1, not {np.ravel(total)[0]}")
        object.__setattr__(self, "probabilities", given)

    @property
    def mean(self) -> FloatArray:
        """Mean, units."""
        return np.asarray(self.probabilities @ self._units)

    @property
    def sd(self) -> FloatArray:
        """Standard deviation, units."""
        square = self.probabilities @ self._units**2
        return np.asarray(np.sqrt(np.maximum(square - self.mean**2, 0.0)))

    def cdf(self, level: npt.ArrayLike) -> FloatArray:
        """Probability that demand is at most the level."""
        inside = self._units <= np.asarray(level, dtype=np.float64)[..., None]
        return np.asarray((inside * self.probabilities).sum(axis=-1))

    def quantile(self, probability: npt.ArrayLike) -> FloatArray:
        """Lowest whole level that demand does not exceed with that probability."""
        below = np.cumsum(self.probabilities, axis=-1)
        # Sums of probabilities fall short of a level such as 0.3 by rounding.
        short = below < np.asarray(probability, dtype=np.float64)[..., None] - 1e-12
        return np.asarray(np.minimum(short.sum(axis=-1), self._units[-1]), dtype=np.float64)

    def loss(self, level: npt.ArrayLike) -> FloatArray:
        """Units short on average at the level."""
        return loss_functions.pmf_loss(level, pmf=self.probabilities)

    def summed_loss(self, level: npt.ArrayLike) -> FloatArray:
        """Losses beyond the whole level, summed."""
        return loss_functions.pmf_summed_loss(level, pmf=self.probabilities)

    def over(self, periods: npt.ArrayLike) -> PmfDemand:
        """Demand of that many whole periods, independent of each other; the same for all items.

        >>> PmfDemand([0.5, 0.5]).over(2).probabilities
        array([0.25, 0.5 , 0.25])
        """
        counts = np.unique(not_negative("periods", periods))
        if counts.size != 1 or counts[0] != np.rint(counts[0]):
            raise BadInputError(f"periods must be one whole number for all items, not {counts}")
        count = counts[0]
        size = int(count) * (self.probabilities.shape[-1] - 1) + 1
        spectrum = np.fft.rfft(self.probabilities, n=size + size % 2, axis=-1) ** int(count)
        summed = np.fft.irfft(spectrum, n=size + size % 2, axis=-1)[..., :size]
        # The transform leaves rounding of either sign where there is no probability.
        summed = np.where(summed < 1e-17, 0.0, summed)
        return PmfDemand(summed / summed.sum(axis=-1, keepdims=True))

    def pmf(self, position: int) -> FloatArray:
        """Probabilities of 0, 1, ... units for one item. Shape [K]."""
        return self.probabilities.reshape(-1, self.probabilities.shape[-1])[position]

    @property
    def _units(self) -> FloatArray:
        return np.arange(self.probabilities.shape[-1], dtype=np.float64)


@dataclass(frozen=True)
class SampleDemand:
    """Demand of which there are samples, all as likely.

    Attributes:
        samples: Units. Shape [..., P].
    """

    samples: FloatArray
    step = 0.0

    def __post_init__(self) -> None:
        given = not_negative("a sample of demand", self.samples)
        if given.ndim == 0 or given.shape[-1] == 0:
            raise BadInputError("samples of demand need an axis of at least one sample")
        object.__setattr__(self, "samples", given)

    @property
    def mean(self) -> FloatArray:
        """Mean, units."""
        return np.asarray(self.samples.mean(axis=-1))

    @property
    def sd(self) -> FloatArray:
        """Standard deviation of the samples, units."""
        return np.asarray(self.samples.std(axis=-1))

    def cdf(self, level: npt.ArrayLike) -> FloatArray:
        """Share of samples of at most the level."""
        return np.asarray((self.samples <= np.asarray(level)[..., None]).mean(axis=-1))

    def quantile(self, probability: npt.ArrayLike) -> FloatArray:
        """Lowest sample that demand does not exceed with that probability.

        >>> SampleDemand([[3.0, 1.0, 2.0, 4.0]]).quantile(0.75)
        array([3.])
        """
        count = self.samples.shape[-1]
        wanted = np.broadcast_to(probability, self.samples.shape[:-1])
        # 0.95 of 20 samples is the 19th, whatever 0.95 x 20 is in floats.
        rank = np.clip(np.ceil(wanted * count - 1e-9).astype(np.int64) - 1, 0, count - 1)
        ordered = np.sort(self.samples, axis=-1)
        return np.asarray(np.take_along_axis(ordered, rank[..., None], axis=-1)[..., 0])

    def loss(self, level: npt.ArrayLike) -> FloatArray:
        """Units short on average at the level."""
        return loss_functions.sample_loss(level, samples=self.samples)

    def summed_loss(self, level: npt.ArrayLike) -> FloatArray:
        """Losses beyond the level, integrated."""
        return loss_functions.sample_summed_loss(level, samples=self.samples)


@dataclass(frozen=True)
class PathDemand:
    """Demand period by period, of which there are sample paths, all as likely.

    Attributes:
        paths: Units per period. Shape [..., P, T].
    """

    paths: FloatArray

    def __post_init__(self) -> None:
        given = not_negative("a sample path of demand", self.paths)
        if given.ndim < 2 or given.shape[-2] == 0:
            raise BadInputError("sample paths need an axis of paths and an axis of periods")
        object.__setattr__(self, "paths", given)

    def over(self, periods: npt.ArrayLike) -> SampleDemand:
        """Demand of the first periods.

        Args:
            periods: Whole numbers, at most T. Shape [...], or one number.

        Raises:
            BadInputError: The paths are shorter, or a number is not whole.
        """
        length = self.paths.shape[-1]
        count = not_negative("periods", periods)
        if (count > length).any() or (count != np.rint(count)).any():
            raise BadInputError(
                f"{np.max(count):g} periods are asked of sample paths of {length}: "
                "it takes whole periods, and no more than the paths have"
            )
        inside = np.arange(length) < np.asarray(count)[..., None]
        return SampleDemand(np.where(inside[..., None, :], self.paths, 0.0).sum(axis=-1))
