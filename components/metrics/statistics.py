"""Sufficient statistics of forecasts, and each metric as a ratio of their sums.

`example_statistics` turns a batch into one row of numbers per example. Rows may be added in
any order and over any group: a slice, a batch, a whole data set. `METRICS` reads every metric
from a sum. NumPy, TFMA and backtests therefore share one definition:

    forecasts [N, H, Q]  --example_statistics-->  rows [N, S]  --sum-->  [S]  --METRICS-->  wape

Rows may be those of a range of steps only; the metrics then are those of that range. The first
`SCALARS` numbers of a row are all that metrics need but for `wape_per_step`.

The functions of `point` and `quantile` compute the same numbers straight from arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import (
    BoolArray,
    FloatArray,
    check_shape,
    masked_mean,
    ratio,
)
from demandcast.components.metrics.point import (
    absolute_demand,
    errors,
    mean_of_shares,
    scored_demand,
    skill,
)
from demandcast.components.metrics.quantile import (
    covered,
    mean_pinball,
    naive_quantiles,
    quantile_position,
)
from demandcast.components.metrics.steps import StepRange, check_steps

__all__ = [
    "METRICS",
    "SCALARS",
    "Forecasts",
    "Sums",
    "example_statistics",
    "metric_values",
    "statistics_size",
]

_SCALARS = (
    "examples",  # With a period that counts.
    "periods",
    "error_of_mean",
    "scaled_absolute_error",
    "scaled_root_squared_error",
    "pinball",
    "covered_80",
    "covered_90",
    "strictly_covered_80",
    "strictly_covered_90",
    "naive_absolute_error",
    "naive_pinball",
    "absolute_error",
    "demand",
)
_PER_STEP = ("absolute_error", "demand")

SCALARS = len(_SCALARS)
"""Numbers at the start of a row of statistics that are not of single steps."""


@dataclass(frozen=True)
class Forecasts:
    """Forecasts beside what happened.

    Attributes:
        actual: Demand, units per period. Shape [N, H].
        scored_mask: Above 0 where the period counts (`point.scored_periods`). Shape [N, H].
        quantiles: Quantile forecasts, units per period. Shape [N, H, Q].
        mean: Mean forecasts, units per period. Shape [N, H].
        naive_forecast: Seasonal-naive forecasts, units per period. Shape [N, H].
        naive_scale: Scale of MASE, units. Shape [N].
        naive_rms_scale: Scale of RMSSE, units. Shape [N].
    """

    actual: npt.ArrayLike
    scored_mask: npt.ArrayLike
    quantiles: npt.ArrayLike
    mean: npt.ArrayLike
    naive_forecast: npt.ArrayLike
    naive_scale: npt.ArrayLike
    naive_rms_scale: npt.ArrayLike

    def of_steps(self, steps: StepRange) -> Forecasts:
        """Keeps a range of steps; scales are those of the history and stay.

        Raises:
            ValueError: The horizon does not hold the range.
        """
        first, last = check_steps(steps, np.shape(self.actual)[1])
        cut = {
            name: np.asarray(getattr(self, name))[:, first - 1 : last]
            for name in ("actual", "scored_mask", "quantiles", "mean", "naive_forecast")
        }
        return replace(self, **cut)


def statistics_size(horizon: int) -> int:
    """Returns the length S of a row of statistics of so many steps.

    >>> statistics_size(28)
    70
    """
    return SCALARS + len(_PER_STEP) * horizon


def example_statistics(
    forecasts: Forecasts, quantile_levels: Sequence[float], *, steps: StepRange | None = None
) -> FloatArray:
    """Computes what every metric needs of each example, so that rows may simply be added.

    Args:
        forecasts: Forecasts beside what happened, N examples.
        quantile_levels: Levels of the quantiles, strictly increasing in (0, 1); 0.5 is one
            of them.
        steps: First and last step that count, such as (1, 7); the whole horizon if None.

    Returns:
        One row per example, to be read through `Sums`; all 0 for an example without a period
        that counts. Shape [N, S], S = `statistics_size(H)`, H the number of steps that count.

    Raises:
        ValueError: The shapes disagree, the levels are wrong or lack 0.5, or the horizon does
            not hold the steps.
    """
    if steps is not None:
        forecasts = forecasts.of_steps(steps)
    middle = quantile_position(quantile_levels, 0.5)
    if middle is None:
        raise ValueError(f"quantile_levels: got {list(quantile_levels)}; 0.5 must be one of them")
    demand, scored = scored_demand(forecasts.actual, forecasts.scored_mask)
    quantiles = np.asarray(forecasts.quantiles, dtype=np.float64)
    naive = naive_quantiles(forecasts.naive_forecast, levels=len(quantile_levels))
    pinball = mean_pinball(demand, quantiles, quantile_levels, scored)
    missed = np.abs(errors(demand, quantiles[..., middle], scored))
    error_of_mean = errors(demand, forecasts.mean, scored)
    volume = absolute_demand(demand)
    columns = {
        "examples": scored.any(axis=1),
        "periods": scored.sum(axis=1),
        "error_of_mean": error_of_mean.sum(axis=1),
        "scaled_absolute_error": _scaled(masked_mean(missed, scored), forecasts.naive_scale),
        "scaled_root_squared_error": _scaled(
            np.sqrt(masked_mean(np.square(error_of_mean), scored)), forecasts.naive_rms_scale
        ),
        "pinball": pinball.sum(axis=1),
        **_covered(demand, quantiles, quantile_levels, scored),
        "naive_absolute_error": np.abs(errors(demand, naive[..., 0], scored)).sum(axis=1),
        "naive_pinball": mean_pinball(demand, naive, quantile_levels, scored).sum(axis=1),
        "absolute_error": missed.sum(axis=1),
        "demand": volume.sum(axis=1),
    }
    scalars = np.stack([columns[name] for name in _SCALARS], axis=1).astype(np.float64)
    rows = np.concatenate([scalars, missed, volume], axis=1)
    return np.where(scored.any(axis=1)[:, None], rows, 0.0)


@dataclass(frozen=True)
class Sums:
    """Reads sums of rows of statistics by name.

    Attributes:
        values: Sums of rows from `example_statistics`, or of the first `SCALARS` numbers of
            them. Shape [..., S].
    """

    values: FloatArray

    def __getitem__(self, name: str) -> FloatArray:
        """Returns a statistic over all steps. Shape [...]."""
        return np.asarray(self.values[..., _SCALARS.index(name)])

    def steps(self, name: str) -> FloatArray:
        """Returns a statistic of each step. Shape [..., H]."""
        steps = np.split(self.values[..., SCALARS:], len(_PER_STEP), axis=-1)
        return np.asarray(steps[_PER_STEP.index(name)])


def _wape(sums: Sums) -> FloatArray:
    return ratio(sums["absolute_error"], sums["demand"])


def _naive_wape(sums: Sums) -> FloatArray:
    return ratio(sums["naive_absolute_error"], sums["demand"])


def _quantile_loss(sums: Sums) -> FloatArray:
    return ratio(2 * sums["pinball"], sums["demand"])


def _naive_quantile_loss(sums: Sums) -> FloatArray:
    return ratio(2 * sums["naive_pinball"], sums["demand"])


METRICS: Mapping[str, Callable[[Sums], FloatArray]] = MappingProxyType(
    {
        "examples": lambda sums: sums["examples"],
        "periods": lambda sums: sums["periods"],
        "weighted_quantile_loss": _quantile_loss,
        "wape": _wape,
        "wape_per_step": lambda sums: mean_of_shares(
            sums.steps("absolute_error"), sums.steps("demand")
        ),
        "bias": lambda sums: ratio(sums["error_of_mean"], sums["demand"]),
        "mase": lambda sums: ratio(sums["scaled_absolute_error"], sums["examples"]),
        "rmsse": lambda sums: ratio(sums["scaled_root_squared_error"], sums["examples"]),
        "coverage_80": lambda sums: ratio(sums["covered_80"], sums["periods"]),
        "coverage_90": lambda sums: ratio(sums["covered_90"], sums["periods"]),
        "strict_coverage_80": lambda sums: ratio(sums["strictly_covered_80"], sums["periods"]),
        "strict_coverage_90": lambda sums: ratio(sums["strictly_covered_90"], sums["periods"]),
        "naive_weighted_quantile_loss": _naive_quantile_loss,
        "naive_wape": _naive_wape,
        "weighted_quantile_loss_skill": lambda sums: skill(
            _quantile_loss(sums), _naive_quantile_loss(sums)
        ),
        "wape_skill": lambda sums: skill(_wape(sums), _naive_wape(sums)),
    }
)
"""Every metric by name, as a function of sums. The formulas are in `point` and `quantile`:

* `examples`, `periods`: how many have a period that counts, and how many periods count;
* the median is the point forecast of `wape`, `wape_per_step` and `mase`, the mean that of
  `bias` (forecast - actual; positive is over-forecast) and `rmsse`;
* `coverage_...` counts demand at a bound of the interval as inside, `strict_coverage_...` as
  outside;
* `naive_...`: the same of the seasonal-naive forecast, whose quantiles are all equal;
* `..._skill`: 1 - metric / metric of the seasonal-naive forecast.

NaN where the denominator is not above 0.
"""


def metric_values(sums: npt.ArrayLike) -> dict[str, FloatArray]:
    """Computes all metrics from sums of statistics.

    Args:
        sums: Sums of rows from `example_statistics`, of any groups. Shape [..., S].

    Returns:
        Each metric of `METRICS`. Shapes [...].

    Raises:
        ValueError: The last axis cannot be a row of statistics.
    """
    values = np.asarray(sums, dtype=np.float64)
    width = values.shape[-1] if values.ndim else 0
    steps = (width - SCALARS) // len(_PER_STEP)
    if steps < 1 or width != statistics_size(steps):
        raise ValueError(f"sums: shape {list(values.shape)}; the last axis is no statistics row")
    return {name: metric(Sums(values)) for name, metric in METRICS.items()}


def _covered(
    demand: FloatArray, quantiles: FloatArray, levels: Sequence[float], scored: BoolArray
) -> dict[str, FloatArray]:
    """Counts the periods inside each interval, with its bounds and without. Shapes [N]."""
    return {
        f"{name}_{percent}": covered(
            demand, quantiles, levels, scored, percent / 100, strict=strict
        ).sum(axis=1)
        for name, strict in (("covered", False), ("strictly_covered", True))
        for percent in (80, 90)
    }


def _scaled(error: FloatArray, scale: npt.ArrayLike) -> FloatArray:
    """Divides the error of each example by its scale. Shape [N]."""
    values = np.asarray(scale)
    check_shape("scale", values, error.shape)
    return ratio(error, values)
