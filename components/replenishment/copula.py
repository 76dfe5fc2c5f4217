"""How forecast errors of periods go together: a Gaussian copula, learnt from backtests.

A series that sold more than its median today tends to do so tomorrow, and demand over an interval
is then more uncertain than the sum of its days would say if they were independent.

    rank of each actual in its forecast --normal scores--> correlation by lag --fit--> two numbers
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from demandcast.components.metrics.arrays import BoolArray, FloatArray, check_shape
from demandcast.schema.errors import BadInputError

__all__ = ["Copula", "fit_copula", "random_ranks"]

_LEAST_PAIRS = 30
"""Pairs of periods from which on the correlation at a lag is believed at all."""

_DECAYS = np.linspace(0.0, 0.98, 50)

_NEVER_THE_SAME = 1e-9
"""What any two periods lack to a correlation of 1, so that matrices can always be factorised."""


@dataclass(frozen=True)
class Copula:
    """Correlation of the normal scores of two periods k apart: level + short x decay^k; 1 at k = 0.

    Attributes:
        level: What never fades: the whole series was too low or too high. In [0, 1].
        short: What fades. At least 0, level + short at most 1.
        decay: How much of it is left after a period. In [0, 1).
        pairs: Pairs of periods that it was learnt from; 0 for an assumed one.

    Raises:
        BadInputError: A number is outside of its range, or NaN.
    """

    level: float
    short: float
    decay: float
    pairs: int = 0

    def __post_init__(self) -> None:
        together = self.level + self.short
        # Written so that NaN does not pass; the sum of two shares may be a hair above 1.
        if not (self.level >= 0 and self.short >= 0 and together <= 1 + 1e-12):
            raise BadInputError(
                f"copula: level {self.level} and short {self.short}; "
                "both must be at least 0, together at most 1"
            )
        if not 0 <= self.decay < 1:
            raise BadInputError(f"copula: decay {self.decay}; it must be at least 0 and below 1")

    def correlation(self, horizon: int) -> FloatArray:
        """Returns the correlation matrix of periods; positive definite for any horizon.

        The sum of a constant, a decaying and a diagonal part, none of them negative definite; a
        billionth is kept for the diagonal.

        Args:
            horizon: Periods, H.

        Returns:
            Shape [H, H].

        >>> Copula(level=0.2, short=0.4, decay=0.5).correlation(3).round(3)[0].tolist()
        [1.0, 0.4, 0.3]
        """
        lag = np.abs(np.subtract.outer(np.arange(horizon), np.arange(horizon)))
        matrix = self.level + self.short * self.decay ** lag.astype(np.float64)
        matrix *= 1 - _NEVER_THE_SAME
        np.fill_diagonal(matrix, 1.0)
        return matrix


def random_ranks(
    below: FloatArray, at_or_below: FloatArray, draws: np.random.Generator
) -> FloatArray:
    """Draws a rank between P(demand < actual) and P(demand <= actual).

    Whole units and many zeros make jumps in a distribution; drawn so, the ranks of a right
    forecast are uniform all the same. What is drawn is independent between periods, so the
    correlation of much tied ranks comes out too small rather than too large.

    Args:
        below: P(demand < actual). Any shape.
        at_or_below: P(demand <= actual). Same shape.
        draws: Source of chance.

    Returns:
        Ranks in [0, 1]; NaN for NaN. Same shape.

    Source:
        Smith (1985), Diagnostic checks of non-standard time series models, J. of Forecasting 4.
    """
    return below + draws.random(below.shape) * (at_or_below - below)


def fit_copula(ranks: FloatArray, mask: BoolArray) -> Copula:
    """Learns the copula from ranks of actuals in their forecasts.

    Formula: r_k = mean product of the normal scores of periods k apart over all examples, over
    the mean square; level, short >= 0 and decay by least squares, weighted by the pairs.

    The mean of the scores is not subtracted: of a few cutoffs it is the error that all series
    shared then, and at the next cutoff they share another one.

    Args:
        ranks: Of each actual in its forecast, in [0, 1]. Shape [B, H].
        mask: Which count. Shape [B, H].

    Returns:
        The copula; independence where there are fewer than 30 pairs at lag 1.

    Raises:
        BadInputError: A rank that counts is not within 0 and 1.
        ValueError: The shapes differ.
    """
    check_shape("mask", mask, ranks.shape)
    if not ((ranks >= 0) & (ranks <= 1) | ~mask).all():
        raise BadInputError("ranks: one that counts is outside of 0 to 1, or NaN")
    scores = np.where(mask, special.ndtri(np.clip(ranks, 1e-4, 1 - 1e-4)), 0.0)
    count = mask.sum()
    if count == 0:
        return Copula(0.0, 0.0, 0.0)
    variance = (scores**2).sum() / count
    lags = np.arange(1, ranks.shape[1])
    pairs = np.array([(mask[:, lag:] & mask[:, :-lag]).sum() for lag in lags], np.int64)
    products = np.array([(scores[:, lag:] * scores[:, :-lag]).sum() for lag in lags])
    enough = pairs >= _LEAST_PAIRS
    if not enough[:1].any() or variance <= 0:
        return Copula(0.0, 0.0, 0.0)
    observed = products[enough] / pairs[enough] / variance
    return _fit_decay(lags[enough], observed, pairs[enough])


def _fit_decay(
    lags: npt.NDArray[np.int64], observed: FloatArray, pairs: npt.NDArray[np.int64]
) -> Copula:
    """Tries each decay; level and short follow from two normal equations."""
    weight = np.sqrt(pairs / pairs.sum())
    best: tuple[float, float, float, float] | None = None
    for decay in _DECAYS:
        fading = decay**lags
        level, short = _non_negative(np.stack([np.ones(lags.size), fading], 1), observed, weight)
        error = float((((level + short * fading - observed) * weight) ** 2).sum())
        if best is None or error < best[0] - 1e-12:
            best = (error, level, short, float(decay))
    if best is None:
        raise ValueError("no decay was tried")
    _, level, short, decay = best
    scale = min(1.0, 0.999 / max(level + short, 1e-12))
    return Copula(level * scale, short * scale, decay, int(pairs.sum()))


def _non_negative(
    columns: FloatArray, observed: FloatArray, weight: FloatArray
) -> tuple[float, float]:
    """Solves weighted least squares of two columns with coefficients of at least 0."""
    design, wanted = columns * weight[:, None], observed * weight
    both = np.linalg.lstsq(design, wanted, rcond=None)[0]
    if (both >= 0).all():
        return float(both[0]), float(both[1])
    alone = np.maximum(design.T @ wanted / np.maximum((design**2).sum(axis=0), 1e-12), 0.0)
    errors = ((design * alone - wanted[:, None]) ** 2).sum(axis=0)
    return (float(alone[0]), 0.0) if errors[0] <= errors[1] else (0.0, float(alone[1]))
