"""Examples and forecasts to sums by slice and forecaster: what every metric is a ratio of.

    examples [B] --simple forecasts--> [B, H] of each forecaster --statistics--> rows [B, S]
                                                    rows --sum by slice--> [F, S] of each slice

The statistics are those of the gate (`demandcast.components.metrics.statistics`), so are the
periods that count, and so are the names of the slices.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import AnyFloats, BoolArray, FloatArray
from demandcast.components.metrics.baselines import croston, moving_average
from demandcast.components.metrics.grouping import group_rows, sum_groups
from demandcast.components.metrics.point import scored_periods
from demandcast.components.metrics.quantile import naive_quantiles
from demandcast.components.metrics.statistics import Forecasts, example_statistics
from demandcast.schema.errors import BadInputError
from demandcast.schema.periods import Frequency

__all__ = [
    "FORECASTERS",
    "MODEL",
    "OVERALL",
    "AnyFloats",
    "Scored",
    "SlicedSums",
    "SlicedSumsByCutoff",
    "ValueCounter",
    "demand_mask",
    "moving_average_window",
    "point_forecasts",
    "score",
    "sums_from_json",
    "sums_to_json",
]

MODEL = "demandcast"
FORECASTERS = (MODEL, "seasonal_naive", "moving_average", "croston")
"""The model, and the simple forecasts beside it."""

OVERALL = "overall"
"""Name of the slice that holds everything, as in the gate's verdict."""

_MOST_VALUES = 1_000
"""Values of a slice column; bounds the memory."""

SlicedSums = dict[str, FloatArray]
"""Sums of statistics by slice, of each forecaster. Shapes [F, S]."""
SlicedSumsByCutoff = dict[int, SlicedSums]
"""The same by cutoff, days since 1970-01-01."""


@dataclass(frozen=True)
class Scored:
    """What is scored of a batch of examples, as arrays.

    Attributes:
        target: History, units per period, right-aligned. Shape [B, T].
        observed_mask: Above 0 where the history was recorded. Shape [B, T].
        in_stock_fraction: Share of the period in stock. Shape [B, T].
        actual: What followed, units per period. Shape [B, H].
        actual_observed_mask: Above 0 where it was recorded. Shape [B, H].
        actual_in_stock_fraction: Share of the period in stock. Shape [B, H].
        seasonal_naive: Units per period. Shape [B, H].
        naive_scale: Scale of MASE, units. Shape [B].
        naive_rms_scale: Scale of RMSSE, units. Shape [B].
        slices: Values by slice column, as text. Shapes [B].
    """

    target: AnyFloats
    observed_mask: AnyFloats
    in_stock_fraction: AnyFloats
    actual: AnyFloats
    actual_observed_mask: AnyFloats
    actual_in_stock_fraction: AnyFloats
    seasonal_naive: AnyFloats
    naive_scale: AnyFloats
    naive_rms_scale: AnyFloats
    slices: Mapping[str, npt.NDArray[np.str_]]


def moving_average_window(frequency: Frequency) -> int:
    """Returns the periods that the moving average looks back on: 4 weeks of days, 13 weeks.

    >>> moving_average_window("D"), moving_average_window("W-MON")
    (28, 13)
    """
    return 28 if frequency == "D" else 13


def demand_mask(observed_mask: AnyFloats, in_stock_fraction: AnyFloats) -> BoolArray:
    """Tells which periods of a history show demand: recorded and in stock all the time.

    A series that was never in stock all the time shows what was recorded; any number says more
    than none.

    >>> demand_mask(np.array([[1.0, 1.0], [1.0, 0.0]]), np.array([[1.0, 0.5], [0.5, 1.0]]))
    array([[ True, False],
           [ True, False]])
    """
    shown = scored_periods(observed_mask, in_stock_fraction)
    return np.asarray(np.where(shown.any(axis=1)[:, None], shown, observed_mask > 0))


def point_forecasts(scored: Scored, frequency: Frequency) -> dict[str, AnyFloats]:
    """Computes the simple forecasts.

    Seasonal naive is the gate's and repeats what was sold, stockouts included. The others pass
    over stocked-out periods, as the model's own loss does.

    Returns:
        Units per period by forecaster. Shapes [B, H].
    """
    shown = demand_mask(scored.observed_mask, scored.in_stock_fraction)
    horizon = scored.actual.shape[1]
    window = moving_average_window(frequency)
    return {
        "seasonal_naive": scored.seasonal_naive,
        "moving_average": moving_average(scored.target, shown, window=window, horizon=horizon),
        "croston": croston(scored.target, shown, horizon=horizon),
    }


def score(
    scored: Scored,
    quantiles: AnyFloats,
    mean: AnyFloats,
    *,
    quantile_levels: Sequence[float],
    frequency: Frequency,
) -> SlicedSums:
    """Scores all forecasters on a batch and adds up by slice.

    A simple forecast is a point: it stands for its mean and for each of its quantiles, as the
    seasonal-naive forecast does in the gate.

    Args:
        scored: The examples.
        quantiles: The model's quantiles, units per period. Shape [B, H, Q].
        mean: The model's mean, units per period. Shape [B, H].
        quantile_levels: Levels of the quantiles.
        frequency: Of the periods.

    Returns:
        Sums of `example_statistics` by slice, forecasters in the order of `FORECASTERS`.
    """
    levels = len(quantile_levels)
    forecasts = {MODEL: (quantiles, mean)} | {
        name: (naive_quantiles(point, levels=levels), point)
        for name, point in point_forecasts(scored, frequency).items()
    }
    mask = scored_periods(scored.actual_observed_mask, scored.actual_in_stock_fraction)
    rows = [
        example_statistics(
            Forecasts(
                actual=scored.actual,
                scored_mask=mask,
                quantiles=forecasts[name][0],
                mean=forecasts[name][1],
                naive_forecast=scored.seasonal_naive,
                naive_scale=scored.naive_scale,
                naive_rms_scale=scored.naive_rms_scale,
            ),
            quantile_levels,
        )
        for name in FORECASTERS
    ]
    return _sums_by_slice(np.stack(rows, axis=1), scored.slices)


def _sums_by_slice(rows: FloatArray, slices: Mapping[str, npt.NDArray[np.str_]]) -> SlicedSums:
    """Adds rows [B, F, S] by each value of each column, and all of them."""
    size = len(rows)
    flat = rows.reshape(size, -1)
    sums = {OVERALL: rows.sum(axis=0)}
    for column, values in slices.items():
        groups, members = group_rows([values], size)
        totals = sum_groups(flat, groups, len(members)).reshape(len(members), *rows.shape[1:])
        names = (f"{column}={value}" for value in values[members])
        sums |= dict(zip(names, totals, strict=True))
    return sums


class ValueCounter:
    """Refuses slice columns with too many values, before their sums fill the memory."""

    def __init__(self) -> None:
        self._values: dict[str, set[str]] = {}

    def add(self, slices: Mapping[str, npt.NDArray[np.str_]]) -> None:
        """Counts the values of a batch.

        Raises:
            BadInputError: A column has more than 1,000 values by now.
        """
        for column, values in slices.items():
            seen = self._values.setdefault(column, set())
            seen.update(np.unique(values).tolist())
            if len(seen) > _MOST_VALUES:
                raise BadInputError(
                    f"slices: column {column!r} has more than {_MOST_VALUES:,} values; slices are "
                    "groups of series, such as a category or a region"
                )


def sums_to_json(sums: Iterable[tuple[tuple[int, str], FloatArray]]) -> str:
    """Writes sums by cutoff and slice as text that another process reads."""
    values: dict[int, dict[str, Any]] = {}
    for (cutoff, name), total in sums:
        values.setdefault(cutoff, {})[name] = total.tolist()
    return json.dumps(values)


def sums_from_json(text: str) -> SlicedSumsByCutoff:
    """Reads what `sums_to_json` wrote."""
    return {
        int(cutoff): {name: np.array(total) for name, total in slices.items()}
        for cutoff, slices in json.loads(text).items()
    }
