"""Distributions of lead times in whole periods: from terms, their moments, and draws.

A distribution is a row of probabilities: column l holds the probability that an order placed
before period k opens arrives before period k + l opens. A row of NaN is a lead time that nobody
knows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special

from demandcast.components.metrics.arrays import BoolArray, FloatArray, check_levels
from demandcast.schema.errors import BadInputError

__all__ = [
    "LONGEST_SUPPORT",
    "discretised_gamma",
    "draw_lead_times",
    "pmf_mean",
    "pmf_quantiles",
    "pmf_std",
    "point_masses",
    "quoted_distributions",
    "quoted_reach",
]

Int32Array = npt.NDArray[np.int32]

LONGEST_SUPPORT = 4000
"""Periods; terms that reach beyond are taken for a mistake of units."""

_TAIL = 1e-12  # Probability that a support may cut off; it goes to the last column.
_HALVINGS = 60  # Of an interval that starts a few periods wide: to the last bit.
_ROUNDING = 1e-12  # What sums of probabilities may lose; a quantile must not depend on it.
_WIDEST = 1000  # Times the mean; a wider gamma variable is 0 but for less than the tail.
_STEADIEST = 1e-9  # Times the mean; what varies less is constant.
_REFUSED_SHOWN = 5


def point_masses(lead_time: npt.ArrayLike) -> FloatArray:
    """Makes the distributions of lead times that never vary.

    Args:
        lead_time: Whole periods, at least 0; NaN where nobody knows. Shape [V].

    Returns:
        Probabilities; a row of NaN where the lead time is NaN. Shape [V, L + 1].

    Raises:
        BadInputError: A lead time is negative, infinite, not whole, or above `LONGEST_SUPPORT`.

    >>> point_masses([1, 0])
    array([[0., 1.],
           [1., 0.]])
    """
    values = np.atleast_1d(np.asarray(lead_time, dtype=np.float64))
    unknown = np.isnan(values)
    whole = np.where(unknown, 0.0, values)
    wrong = (whole < 0) | (whole > LONGEST_SUPPORT) | (whole != np.floor(whole))
    _refuse(wrong, values, f"lead_time: whole periods from 0 to {LONGEST_SUPPORT} are allowed")
    pmf = np.zeros((len(values), int(whole.max(initial=0)) + 1))
    pmf[np.arange(len(values)), whole.astype(np.int64)] = 1.0
    pmf[unknown] = np.nan
    return pmf


def discretised_gamma(mean: npt.ArrayLike, std: npt.ArrayLike) -> FloatArray:
    """Makes distributions over whole periods that have a mean and a standard deviation.

    Formula: p(0) = 1 - M(1), p(l) = 2 M(l) - M(l - 1) - M(l + 1), where M(l) = E[min(X, l)] of a
    gamma variable X: each part of its mass is shared between the two whole numbers beside it so
    that the mean stays. That adds variance, so the spread of X is chosen (by halving) such that
    the *result* has the variance asked for.

    Args:
        mean: Periods, at least 0. Shape [V].
        std: Periods, at least 0. Shape [V].

    Returns:
        Probabilities. Shape [V, L + 1]. Where `std` is smaller than whole periods allow (below
        sqrt(f (1 - f)) for a mean with the fraction f), the narrowest distribution of that mean:
        the two whole numbers beside it.

    Raises:
        BadInputError: A value is negative or not finite, a deviation is above 1,000 times its
            mean, or a distribution would reach beyond `LONGEST_SUPPORT` periods.

    Source:
        Klugman, Panjer and Willmot (2012), Loss Models, 4th edition, section 9.6.5 (local moment
        matching of the mean). The choice of the spread is ours: of two gamma variables with one
        mean the wider is larger in convex order, and so are their discrete versions.

    >>> pmf = discretised_gamma([2.5], [1.5])
    >>> pmf_mean(pmf).round(6), pmf_std(pmf).round(6)
    (array([2.5]), array([1.5]))
    """
    means, stds = np.broadcast_arrays(
        np.atleast_1d(np.asarray(mean, np.float64)), np.atleast_1d(np.asarray(std, np.float64))
    )
    _refuse(~((means >= 0) & np.isfinite(means)), means, "mean: a finite number from 0 is allowed")
    _refuse(~((stds >= 0) & np.isfinite(stds)), stds, "std: a finite number from 0 is allowed")
    _refuse(stds > _WIDEST * means, stds, f"std: at most {_WIDEST:,} times the mean is allowed")
    periods = np.arange(_longest(means, stds) + 1)
    low, high = np.zeros_like(stds), stds.copy()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        too_wide = pmf_std(_spread(means, middle, periods)) > stds
        low, high = np.where(too_wide, low, middle), np.where(too_wide, middle, high)
    return _spread(means, low, periods)


def quoted_distributions(
    days: npt.ArrayLike, std: npt.ArrayLike, *, days_per_period: int, days_before_placed: int
) -> FloatArray:
    """Makes distributions over whole periods from a promise in days and its deviation.

    Formula: lead time = ceil(max(T - b, 0) / n), as deliveries count (`delivery_history`), T the
    days from the order to its arrival, b days before the order counts as placed, n days in a
    period. T is a gamma variable in whole days with the mean D and the deviation s; where s is
    above D, an exponential one with the mean m = (D + sqrt(2 s^2 - D^2)) / 2.

    Nothing arrives before it is ordered, so days about a promise of 0 with a deviation of 1 can
    only be late: D is then no mean. m is the mean of the exponential variable whose root mean
    square distance from D is s; where s = D both are the same.

    Args:
        days: Promised from order to arrival, whole, at least 0. Shape [V].
        std: Their standard deviation, at least 0. Shape [V].
        days_per_period: n.
        days_before_placed: b.

    Returns:
        Probabilities. Shape [V, L + 1].

    Raises:
        BadInputError: A value is negative or not finite, or a distribution would reach beyond
            `LONGEST_SUPPORT` days; `quoted_reach` says which.

    Source:
        Ours.

    >>> daily = {"days_per_period": 1, "days_before_placed": 0}
    >>> pmf_mean(quoted_distributions([3.0, 0.0], [1.0, 1.0], **daily)).round(3)
    array([3.   , 0.707])
    """
    means, stds = _arrival_moments(days, std)
    by_day = discretised_gamma(means, stds)
    waited = np.maximum(np.arange(by_day.shape[1]) - days_before_placed, 0)
    period = -(-waited // days_per_period)
    pmf = np.zeros((len(by_day), int(period.max(initial=0)) + 1))
    np.add.at(pmf.T, period, by_day.T)
    return pmf


def quoted_reach(days: npt.ArrayLike, std: npt.ArrayLike) -> FloatArray:
    """Returns how many days an order of such a promise may take; above `LONGEST_SUPPORT`, too many.

    Args:
        days: As in `quoted_distributions`. Shape [V].
        std: Likewise.

    Returns:
        Days. Shape [V].

    >>> quoted_reach([3.0, 300.0], [0.0, 3000.0]).astype(int).tolist()
    [3, 62612]
    """
    return _reach(*_arrival_moments(days, std))


def _arrival_moments(days: npt.ArrayLike, std: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Returns mean and deviation of the days that a delivery takes. Shapes [V]."""
    means, stds = np.broadcast_arrays(
        np.atleast_1d(np.asarray(days, np.float64)), np.atleast_1d(np.asarray(std, np.float64))
    )
    late = stds > means
    shifted = (means + np.sqrt(np.where(late, 2 * stds**2 - means**2, 0.0))) / 2
    return np.where(late, shifted, means), np.where(late, shifted, stds)


def pmf_mean(pmf: FloatArray) -> FloatArray:
    """Computes the mean of each row, periods; NaN of an unknown lead time. Shape [V]."""
    return np.asarray(pmf @ np.arange(pmf.shape[1], dtype=np.float64))


def pmf_std(pmf: FloatArray) -> FloatArray:
    """Computes the standard deviation of each row, periods; NaN if unknown. Shape [V]."""
    away = np.arange(pmf.shape[1]) - pmf_mean(pmf)[:, None]
    return np.asarray(np.sqrt((pmf * away**2).sum(axis=1)))


def pmf_quantiles(pmf: FloatArray, quantile_levels: Sequence[float]) -> FloatArray:
    """Finds quantiles of each row.

    Formula: q(level) = min {l : P(L <= l) >= level}.

    Args:
        pmf: Probabilities. Shape [V, L + 1].
        quantile_levels: Strictly increasing in (0, 1).

    Returns:
        Whole periods; NaN if the lead time is unknown. Shape [V, Q].

    Raises:
        ValueError: A level lies outside (0, 1) or the levels do not increase.

    >>> pmf_quantiles(np.array([[0.5, 0.4, 0.1]]), [0.5, 0.9, 0.95])
    array([[0., 1., 2.]])
    """
    levels = check_levels(quantile_levels)
    below = _cumulative(pmf)
    places = [(below < level - _ROUNDING).sum(axis=1) for level in levels]
    known = ~np.isnan(pmf).any(axis=1)
    return np.where(known[:, None], np.stack(places, axis=1), np.nan)


def draw_lead_times(pmf: FloatArray, uniforms: npt.ArrayLike) -> Int32Array:
    """Draws lead times by the inverse of the distribution function.

    The same uniforms give two suppliers, or two policies, their late orders on the same paths:
    common random numbers, with which differences show in fewer paths.

    Args:
        pmf: Probabilities. Shape [V, L + 1].
        uniforms: In [0, 1), such as `rng.random(paths)`. Shape [P], common to all suppliers, or
            [V, P].

    Returns:
        Whole periods; larger uniforms never give shorter lead times. Shape [V, P].

    Raises:
        ValueError: A lead time is unknown, a uniform lies outside [0, 1), or the shapes disagree.

    Source:
        Devroye (1986), Non-Uniform Random Variate Generation, section III.2.1; common random
        numbers: Law (2015), Simulation Modeling and Analysis, 5th edition, section 11.2.

    >>> draw_lead_times(np.array([[0.5, 0.5, 0.0], [0.0, 0.1, 0.9]]), [0.2, 0.7])
    array([[0, 1],
           [2, 2]], dtype=int32)
    """
    draws = np.atleast_1d(np.asarray(uniforms, dtype=np.float64))
    _check_draws(pmf, draws)
    suppliers, width = pmf.shape
    draws = np.broadcast_to(draws, (suppliers, draws.shape[-1]))
    # Row v lies in (v, v + 1], so that one search serves all rows.
    rows = np.arange(suppliers, dtype=np.float64)[:, None]
    places = np.searchsorted((_cumulative(pmf) + rows).ravel(), draws + rows, side="right")
    last = width - 1 - np.argmax(pmf[:, ::-1] > 0, axis=1)
    # v + u rounds up to v + 1 for the largest uniforms.
    drawn = np.minimum(places - width * np.arange(suppliers)[:, None], last[:, None])
    return drawn.astype(np.int32)


def _cumulative(pmf: FloatArray) -> FloatArray:
    """Sums up each row; exactly 1 from the last column with a probability on."""
    below = np.cumsum(pmf, axis=1)
    return np.asarray(below / below[:, -1:])


def _reach(means: FloatArray, stds: FloatArray) -> FloatArray:
    """Returns how far distributions reach: beyond is next to nothing. Shape [V]."""
    varies = stds > _STEADIEST * means
    scale = stds[varies] ** 2 / means[varies]
    reach = means.astype(np.float64)
    reach[varies] = np.maximum(
        special.gammainccinv(means[varies] / scale, _TAIL) * scale, means[varies]
    )
    return reach


def _longest(means: FloatArray, stds: FloatArray) -> int:
    """Returns the last column that a distribution of these terms needs."""
    longest = float(_reach(means, stds).max(initial=0.0))
    if longest > LONGEST_SUPPORT:
        raise BadInputError(
            f"lead times: mean and std reach {longest:,.0f} periods; up to {LONGEST_SUPPORT:,} "
            "are allowed"
        )
    return int(np.ceil(longest)) + 1


def _spread(means: FloatArray, stds: FloatArray, periods: npt.NDArray[np.int64]) -> FloatArray:
    """Shares the mass of gamma variables between whole periods, each mean kept."""
    limited = _limited_means(means, stds, periods.astype(np.float64))
    # Past the last column nothing is left: the mean is reached there.
    limited[:, -1] = means
    steps = np.diff(limited, axis=1, append=means[:, None])
    pmf = np.concatenate([1 - steps[:, :1], -np.diff(steps, axis=1)], axis=1)
    pmf = np.maximum(pmf, 0.0)  # Differences of equal numbers may fall below zero by rounding.
    return np.asarray(pmf / pmf.sum(axis=1, keepdims=True))


def _limited_means(means: FloatArray, stds: FloatArray, limits: FloatArray) -> FloatArray:
    """Computes E[min(X, limit)]; X is constant where its deviation is next to nothing."""
    certain = stds <= _STEADIEST * means
    shape = np.where(certain, 1.0, means / np.where(certain, 1.0, stds)) ** 2
    scale = np.where(certain, 1.0, means / shape)
    at = limits / np.where(scale > 0, scale, 1.0)[:, None]
    gamma = means[:, None] * special.gammainc(shape[:, None] + 1, at)
    gamma += limits * special.gammaincc(shape[:, None], at)
    return np.where(certain[:, None], np.minimum(means[:, None], limits), gamma)


def _check_draws(pmf: FloatArray, draws: FloatArray) -> None:
    if draws.ndim > 2 or (draws.ndim == 2 and draws.shape[0] not in (1, len(pmf))):
        raise ValueError(
            f"uniforms: shape {list(draws.shape)}; expected [P] or [{len(pmf)}, P] for a pmf of "
            f"shape {list(pmf.shape)}"
        )
    if not ((draws >= 0) & (draws < 1)).all():
        raise ValueError("uniforms: a value lies outside [0, 1)")
    unknown = np.flatnonzero(np.isnan(pmf).any(axis=1))
    if unknown.size:
        raise ValueError(
            f"pmf: {unknown.size} unknown lead times, in rows {unknown[:_REFUSED_SHOWN].tolist()}"
        )


def _refuse(wrong: BoolArray, values: FloatArray, allowed: str) -> None:
    """Refuses terms; the message names the first."""
    rows = np.flatnonzero(wrong)
    if rows.size:
        shown = ", ".join(f"{values[row]:g} in row {row}" for row in rows[:_REFUSED_SHOWN])
        raise BadInputError(f"{allowed}; got {rows.size} others: {shown}")
