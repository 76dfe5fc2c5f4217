"""Statistics of lead times by supplier (V) from deliveries (B), all suppliers at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from demandcast.components.metrics.arrays import BoolArray, FloatArray, ratio

__all__ = [
    "FEWEST_FOR_TREND",
    "MOST_BORROWED",
    "Trend",
    "credibility_constant",
    "effective_count",
    "fences",
    "fit_trend",
    "grouped_quantiles",
    "kaplan_meier",
]

Int64Array = npt.NDArray[np.int64]

FEWEST_FOR_TREND = 8
"""Deliveries below which no trend is computed."""

MOST_BORROWED = 1000.0
"""Largest credibility constant: suppliers of whom no difference shows share one distribution."""

_WITHOUT_REPEATS = 5.0  # Credibility constant if no supplier has two orders; ours.
_ROUNDING = 1e-9  # Of sums of shares.
_FAR_OUT = 3.0  # Tukey's multiple of the interquartile range.
_DAYS_PER_YEAR = 365.25
_TREND_LEVEL = 0.975  # Two-sided test at 5 %.


@dataclass(frozen=True)
class Trend:
    """How lead times change with the date of the order.

    Attributes:
        slope: Periods per year; above 0 they grow longer. NaN with too few deliveries. Shape [V].
        standard_error: Of the slope, periods per year. Shape [V].
        distinguishable: Whether it differs from 0 by a two-sided t test at 5 %: of 20 suppliers
            without any trend one shows one. Shape [V].
    """

    slope: FloatArray
    standard_error: FloatArray
    distinguishable: BoolArray


def kaplan_meier(arrived: FloatArray, still_open: FloatArray) -> FloatArray:
    """Estimates distributions from what arrived and what is still open.

    Formula: h(l) = arrived(l) / (sum_{j >= l} arrived(j) + sum_{j > l} open(j)),
    p(l) = h(l) prod_{j < l} (1 - h(j)). What is left behind the last arrival lies at the longest
    open order (Efron): it will arrive, and no earlier.

    Args:
        arrived: Weight of deliveries with a lead time of l. Shape [V, L + 1].
        still_open: Weight of open orders whose lead time is at least l. Shape [V, L + 1].

    Returns:
        Probabilities; NaN for a supplier without any delivery. Shape [V, L + 1].

    Source:
        Kaplan and Meier (1958), JASA 53, 457-481; Efron (1967), The two sample problem with
        censored data, Fifth Berkeley Symposium 4, 831-853.

    >>> kaplan_meier(np.array([[0.0, 2.0, 1.0]]), np.array([[0.0, 0.0, 1.0]]))
    array([[0. , 0.5, 0.5]])
    """
    beyond = _sum_from(still_open) - still_open
    hazard = np.nan_to_num(ratio(arrived, _sum_from(arrived) + beyond))
    survival = np.cumprod(1 - hazard, axis=1)
    before = np.concatenate([np.ones((len(arrived), 1)), survival[:, :-1]], axis=1)
    pmf = before * hazard
    known = arrived.sum(axis=1) > 0
    longest = arrived.shape[1] - 1 - np.argmax((arrived + still_open)[:, ::-1] > 0, axis=1)
    pmf[np.arange(len(pmf)), longest] += survival[:, -1]
    return np.where(known[:, None], pmf, np.nan)


def effective_count(weights: FloatArray, supplier: Int64Array, suppliers: int) -> FloatArray:
    """Counts orders of unequal weight by what they are worth together.

    Formula: (sum w)^2 / sum w^2; the plain count if all weigh the same.

    Args:
        weights: At least 0. Shape [B].
        supplier: Row of the supplier. Shape [B].
        suppliers: V.

    Returns:
        Orders; 0 without any. Shape [V].

    Source:
        Kish (1965), Survey Sampling, section 11.7.

    >>> effective_count(np.array([1.0, 1.0, 0.5]), np.array([0, 0, 1]), 3)
    array([2., 1., 0.])
    """
    total = np.bincount(supplier, weights, suppliers)
    return np.nan_to_num(ratio(total**2, np.bincount(supplier, weights**2, suppliers)))


def credibility_constant(
    lead_time: Int64Array, weights: FloatArray, supplier: Int64Array, suppliers: int
) -> float:
    """Estimates how many orders the common distribution counts for.

    Formula: k = s^2 / t^2 with s^2 the variance within suppliers, sum w (x - mean_v)^2 / (n - V),
    and t^2 the variance between their means, (sum n_v (mean_v - mean)^2 - (V - 1) s^2) /
    (n - sum n_v^2 / n), where n_v and n are sums of weights. For
    distributions that are draws of a Dirichlet process this ratio is its concentration, so k is
    the weight of the common distribution in orders.

    Args:
        lead_time: Periods, of what has arrived. Shape [B].
        weights: Orders that each stands for: its share of one. Shape [B].
        supplier: Row of the supplier. Shape [B].
        suppliers: V.

    Returns:
        Orders, from 0 to `MOST_BORROWED`: the latter if no difference between suppliers shows.
        5 if no supplier has two orders; 0 if there is one supplier.

    Source:
        Bühlmann and Gisler (2005), A Course in Credibility Theory, section 4.8; Ferguson (1973), A
        Bayesian analysis of some nonparametric problems, Annals of Statistics 1, 209-230.

    >>> days, supplier = np.array([1, 3, 7, 9]), np.array([0, 0, 1, 1])
    >>> credibility_constant(days, np.ones(4), supplier, 2)  # 2 / 17
    0.11764705882352941
    """
    counts = np.bincount(supplier, weights, suppliers)
    total, seen = counts.sum(), int((counts > 0).sum())
    if seen < 2:
        return 0.0
    if total - seen < _ROUNDING * total:
        return _WITHOUT_REPEATS
    means = np.nan_to_num(ratio(np.bincount(supplier, weights * lead_time, suppliers), counts))
    within = (weights * (lead_time - means[supplier]) ** 2).sum() / (total - seen)
    spread = (counts * (means - np.average(lead_time, weights=weights)) ** 2).sum()
    between = (spread - (seen - 1) * within) / (total - (counts**2).sum() / total)
    if between <= within / MOST_BORROWED:
        return MOST_BORROWED
    return float(within / between)


def grouped_quantiles(
    values: npt.NDArray[np.generic], groups: Int64Array, count: int, *, level: float
) -> FloatArray:
    """Computes a quantile of each group, between neighbours by straight lines (Hyndman's type 7).

    Args:
        values: Shape [B].
        groups: Shape [B].
        count: Number of groups.
        level: In [0, 1].

    Returns:
        NaN for an empty group. Shape [count].

    >>> grouped_quantiles(np.array([3, 1, 2, 9]), np.array([0, 0, 0, 2]), 3, level=0.75)
    array([2.5, nan, 9. ])
    """
    sizes = np.bincount(groups, minlength=count)
    ordered = np.append(values[np.lexsort((values, groups))].astype(np.float64), np.nan)
    place = np.maximum(sizes - 1, 0) * level
    low, first = np.floor(place).astype(np.int64), np.cumsum(sizes) - sizes
    lower = ordered[np.where(sizes > 0, first + low, -1)]
    upper = ordered[np.where(sizes > 0, first + np.minimum(low + 1, sizes - 1), -1)]
    return np.asarray(lower + (place - low) * (upper - lower))


def fences(
    lead_time: Int64Array, supplier: Int64Array, suppliers: int
) -> tuple[FloatArray, FloatArray]:
    """Computes the bounds outside of which a lead time is an outlier of its supplier.

    Formula: first quartile - 3 d, third quartile + 3 d; d is the interquartile range, but at
    least one period, so that not every day's difference from a steady supplier is an outlier.

    Args:
        lead_time: Periods, of what has arrived. Shape [B].
        supplier: Row of the supplier. Shape [B].
        suppliers: V.

    Returns:
        Lower and upper bound, periods; NaN without a delivery. Shapes [V] and [V].

    Source:
        Tukey (1977), Exploratory Data Analysis, section 2D ("far out" values). The floor of one
        period is ours.
    """
    first, third = (
        grouped_quantiles(lead_time, supplier, suppliers, level=level) for level in (0.25, 0.75)
    )
    distance = _FAR_OUT * np.maximum(third - first, 1.0)
    return first - distance, third + distance


def fit_trend(
    day: Int64Array, lead_time: FloatArray, supplier: Int64Array, suppliers: int
) -> Trend:
    """Fits a straight line to the lead times of each supplier by the day of the order.

    Formula: least squares; standard error^2 = (sum of squared residuals / (n - 2)) / sum (x - mean
    x)^2. Deliveries count as independent; those of a supplier in trouble are not, so the
    standard error is rather too small.

    Args:
        day: Of the order. Shape [B].
        lead_time: Periods, best winsorised: least squares follow single outliers. Shape [B].
        supplier: Row of the supplier. Shape [B].
        suppliers: V.

    Returns:
        The trend; NaN with fewer than `FEWEST_FOR_TREND` deliveries, or all of one day.

    Source:
        Draper and Smith (1998), Applied Regression Analysis, 3rd edition, section 1.4.
    """
    count = np.bincount(supplier, minlength=suppliers).astype(np.float64)
    x = _centred(day / _DAYS_PER_YEAR, supplier, count)
    y = _centred(lead_time, supplier, count)
    width = np.bincount(supplier, x**2, suppliers)
    enough = (count >= FEWEST_FOR_TREND) & (width > 0)
    slope = np.where(enough, ratio(np.bincount(supplier, x * y, suppliers), width), np.nan)
    error = y - np.nan_to_num(slope)[supplier] * x
    variance = ratio(np.bincount(supplier, error**2, suppliers), (count - 2) * width)
    deviation = np.where(enough, np.sqrt(variance), np.nan)
    critical = special.stdtrit(np.maximum(count - 2, 1), _TREND_LEVEL)
    beyond = np.abs(np.nan_to_num(slope)) > np.nan_to_num(critical * deviation)
    return Trend(slope, deviation, enough & beyond)


def _centred(values: FloatArray, supplier: Int64Array, count: FloatArray) -> FloatArray:
    means = np.nan_to_num(ratio(np.bincount(supplier, values, len(count)), count))
    return np.asarray(values - means[supplier])


def _sum_from(values: FloatArray) -> FloatArray:
    """Sums each row from a column to its end."""
    return np.asarray(np.cumsum(values[:, ::-1], axis=1)[:, ::-1])
