"""Metrics of point forecasts, over all series and periods that count.

Every metric takes a `scored_mask`: a period counts where the mask is above 0 and the demand
is a number. `scored_periods` makes the mask: recorded and in stock all the time, because
the sale of a stocked-out period is only a lower bound of demand. What a period that does not
count holds, NaN included, has no influence.

Sign: bias = forecast - actual; positive is over-forecast.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import (
    BoolArray,
    FloatArray,
    check_shape,
    masked_mean,
    ratio,
)
from demandcast.schema.series_example import FULLY_IN_STOCK

__all__ = [
    "absolute_demand",
    "bias",
    "errors",
    "mase",
    "mean_of_shares",
    "rmsse",
    "scored_demand",
    "scored_periods",
    "skill",
    "wape",
    "wape_per_step",
]


def scored_periods(observed_mask: npt.ArrayLike, in_stock_fraction: npt.ArrayLike) -> BoolArray:
    """Tells which periods count: recorded, and in stock all the time (`FULLY_IN_STOCK`).

    Args:
        observed_mask: Above 0 where the period was recorded. Shape [N, H].
        in_stock_fraction: Share of the period in which the item could be bought. Shape [N, H].

    Returns:
        Shape [N, H].

    Raises:
        ValueError: The shapes differ.

    >>> scored_periods([[1.0, 1.0, 0.0]], [[1.0, 0.9, 1.0]])
    array([[ True, False, False]])
    """
    observed, in_stock = np.asarray(observed_mask), np.asarray(in_stock_fraction)
    check_shape("in_stock_fraction", in_stock, observed.shape)
    return np.asarray((observed > 0) & (in_stock >= FULLY_IN_STOCK))


def wape(actual: npt.ArrayLike, forecast: npt.ArrayLike, *, scored_mask: npt.ArrayLike) -> float:
    """Scores point forecasts by the share of demand that they miss; lower is better.

    Formula: sum |f - y| / sum |y| over all series and periods that count.

    Args:
        actual: Demand, units per period. Shape [N, H].
        forecast: Point forecasts (for WAPE the median), units per period. Shape [N, H].
        scored_mask: Above 0 where the period counts. Shape [N, H].

    Returns:
        Share of demand. NaN if no period counts or there is no demand.

    Raises:
        ValueError: The shapes differ.

    Source:
        Kolassa and Schuetz (2007), Advantages of the MAD/MEAN ratio over the MAPE, Foresight 6.

    >>> wape([[10.0, 20.0]], [[13.0, 21.0]], scored_mask=[[1, 0]])
    0.3
    """
    demand, scored = scored_demand(actual, scored_mask)
    missed = np.abs(errors(demand, forecast, scored))
    return float(ratio(missed.sum(), absolute_demand(demand).sum()))


def wape_per_step(
    actual: npt.ArrayLike, forecast: npt.ArrayLike, *, scored_mask: npt.ArrayLike
) -> float:
    """Scores point forecasts by the mean of the WAPE of each step; lower is better.

    Formula: mean over h of (sum_n |f_nh - y_nh| / sum_n |y_nh|). With one cutoff a step is a
    day, and this is the metric of the FreshRetailNet baseline.

    Args:
        actual: Demand, units per period. Shape [N, H].
        forecast: Point forecasts, units per period. Shape [N, H].
        scored_mask: Above 0 where the period counts. Shape [N, H].

    Returns:
        Share of demand, mean over the steps that have demand; NaN if none has.

    Raises:
        ValueError: The shapes differ.

    Source:
        Dingdong-Inc (2025), FreshRetailNet-50K.

    >>> wape_per_step([[10.0, 20.0]], [[13.0, 22.0]], scored_mask=[[1, 1]])
    0.2
    """
    demand, scored = scored_demand(actual, scored_mask)
    missed = np.abs(errors(demand, forecast, scored))
    return float(mean_of_shares(missed.sum(axis=0), absolute_demand(demand).sum(axis=0)))


def bias(actual: npt.ArrayLike, forecast: npt.ArrayLike, *, scored_mask: npt.ArrayLike) -> float:
    """Tells how far forecasts lie above demand in total; positive is over-forecast.

    Formula: sum (f - y) / sum |y| over all series and periods that count.

    Args:
        actual: Demand, units per period. Shape [N, H].
        forecast: Point forecasts (for bias the mean), units per period. Shape [N, H].
        scored_mask: Above 0 where the period counts. Shape [N, H].

    Returns:
        Share of demand. NaN if no period counts or there is no demand.

    Raises:
        ValueError: The shapes differ.

    >>> bias([[10.0, 20.0]], [[13.0, 20.0]], scored_mask=[[1, 1]])
    0.1
    """
    demand, scored = scored_demand(actual, scored_mask)
    return float(ratio(errors(demand, forecast, scored).sum(), absolute_demand(demand).sum()))


def mase(
    actual: npt.ArrayLike,
    forecast: npt.ArrayLike,
    *,
    scale: npt.ArrayLike,
    scored_mask: npt.ArrayLike,
) -> float:
    """Scores point forecasts against the seasonal differences of each history; lower is better.

    Formula: mean over series of (mean_h |f - y| / scale), over the periods that count.

    Args:
        actual: Demand, units per period. Shape [N, H].
        forecast: Point forecasts (for MASE the median), units per period. Shape [N, H].
        scale: Mean absolute seasonal difference of the history (`naive_scales`), units. Shape [N].
        scored_mask: Above 0 where the period counts. Shape [N, H].

    Returns:
        Mean over the series with a period that counts; NaN if there is none, or if the
        scale of one of them is not above 0.

    Raises:
        ValueError: The shapes differ.

    Source:
        Hyndman and Koehler (2006), Another look at measures of forecast accuracy,
        International Journal of Forecasting 22(4), 679-688.

    >>> mase([[10.0, 20.0]], [[13.0, 21.0]], scale=[4.0], scored_mask=[[1, 1]])
    0.5
    """
    demand, scored = scored_demand(actual, scored_mask)
    error = masked_mean(np.abs(errors(demand, forecast, scored)), scored)
    return _mean_scaled(error, np.asarray(scale), scored)


def rmsse(
    actual: npt.ArrayLike,
    forecast: npt.ArrayLike,
    *,
    scale: npt.ArrayLike,
    scored_mask: npt.ArrayLike,
) -> float:
    """Scores point forecasts by the root of their mean squared scaled error; lower is better.

    Formula: mean over series of (sqrt(mean_h (f - y)^2) / scale), over the periods that count.

    Args:
        actual: Demand, units per period. Shape [N, H].
        forecast: Point forecasts (for RMSSE the mean), units per period. Shape [N, H].
        scale: Root mean squared seasonal difference of the history (`naive_scales`), units.
            Shape [N].
        scored_mask: Above 0 where the period counts. Shape [N, H].

    Returns:
        Mean over the series with a period that counts; NaN if there is none, or if the
        scale of one of them is not above 0.

    Raises:
        ValueError: The shapes differ.

    Source:
        Makridakis, Spiliotis and Assimakopoulos (2022), M5 accuracy competition,
        International Journal of Forecasting 38(4), 1346-1364; here with seasonal differences.

    >>> rmsse([[10.0, 20.0]], [[13.0, 24.0]], scale=[5.0], scored_mask=[[1, 1]])
    0.7071067811865476
    """
    demand, scored = scored_demand(actual, scored_mask)
    error = np.sqrt(masked_mean(np.square(errors(demand, forecast, scored)), scored))
    return _mean_scaled(error, np.asarray(scale), scored)


def skill(value: npt.ArrayLike, reference: npt.ArrayLike) -> FloatArray:
    """Tells which share of the reference's loss is saved; positive is better than it.

    Formula: 1 - value / reference.

    Args:
        value: A loss, lower is better. Any shape.
        reference: The same loss of the reference, here seasonal naive. Same shape.

    Returns:
        At most 1 for a loss that is never negative; NaN where the reference is not above 0.
        Same shape.

    >>> skill(0.3, 0.4)
    array(0.25)
    """
    return np.asarray(1 - ratio(value, reference))


def scored_demand(
    actual: npt.ArrayLike, scored_mask: npt.ArrayLike
) -> tuple[FloatArray, BoolArray]:
    """Prepares demand for arithmetic: 0 where a period does not count, and which ones do.

    Args:
        actual: Demand, units per period. Shape [N, H].
        scored_mask: Above 0 where the period counts. Shape [N, H].

    Returns:
        The demand and the mask; demand that is NaN does not count. Shapes [N, H] and [N, H].

    Raises:
        ValueError: The shapes differ or do not have two axes.
    """
    values = np.asarray(actual, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"actual: shape {list(values.shape)}; expected two axes [N, H]")
    mask = np.asarray(scored_mask)
    check_shape("scored_mask", mask, values.shape)
    scored = (mask > 0) & ~np.isnan(values)
    return np.where(scored, values, 0.0), scored


def absolute_demand(demand: FloatArray) -> FloatArray:
    """Returns what shares are shares of. Shape [N, H]."""
    return np.abs(demand)


def errors(demand: FloatArray, forecast: npt.ArrayLike, scored: BoolArray) -> FloatArray:
    """Subtracts demand from forecasts; 0 where a period does not count.

    Args:
        demand: Units per period, from `scored_demand`. Shape [N, H].
        forecast: Units per period. Shape [N, H].
        scored: Which periods count, from `scored_demand`. Shape [N, H].

    Returns:
        Units per period; NaN where a forecast that counts is NaN. Shape [N, H].

    Raises:
        ValueError: The shapes differ.
    """
    values = np.asarray(forecast, dtype=np.float64)
    check_shape("forecast", values, demand.shape)
    return np.where(scored, values - demand, 0.0)


def mean_of_shares(missed: FloatArray, demand: FloatArray) -> FloatArray:
    """Averages missed / demand over the last axis, where there is demand; NaN where none is."""
    return masked_mean(ratio(missed, demand), demand > 0)


def _mean_scaled(error: FloatArray, scale: npt.NDArray[Any], scored: BoolArray) -> float:
    """Averages error / scale over the series with a period that counts."""
    check_shape("scale", scale, error.shape)
    return float(masked_mean(ratio(error, scale), scored.any(axis=1)))
