"""The forecast table as arrays, and what happens where it is too short."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.schema.errors import ContractError
from demandcast.schema.forecast_columns import CUTOFF, MEAN, STEP, quantile_columns

__all__ = ["ForecastArrays", "extended", "forecast_arrays"]

Float32Array = npt.NDArray[np.float32]
Int64Array = npt.NDArray[np.int64]

_WEEK = 7


@dataclass(frozen=True)
class ForecastArrays:
    """Forecasts of series (M) from one cutoff.

    Attributes:
        keys: Key columns as text, sorted. M rows.
        quantiles: Units per period. Shape [M, H, Q].
        mean: Units per period. Shape [M, H].
        quantile_levels: Of the quantiles.
        steps: Periods that the table has of each series; beyond, the last season is repeated.
            None: H of all. Shape [M].
        problems: Further series, whose forecast cannot be used: key columns and `problem`; None
            without any.
    """

    keys: pl.DataFrame
    quantiles: Float32Array
    mean: Float32Array
    quantile_levels: tuple[float, ...]
    steps: Int64Array | None = None
    problems: pl.DataFrame | None = None

    @property
    def horizon(self) -> int:
        """Periods, H."""
        return int(self.mean.shape[1])

    @property
    def known_periods(self) -> Int64Array:
        """Periods that are forecast, of each series. Shape [M]."""
        return np.full(self.keys.height, self.horizon) if self.steps is None else self.steps

    def variance(self) -> FloatArray:
        """Approximates the variance of a period from the widest interval. Shape [M].

        Formula: mean over periods of ((q_Q - q_1) / (z_Q - z_1))^2, exact for normal demand.
        """
        from scipy import special

        ends = special.ndtri([self.quantile_levels[0], self.quantile_levels[-1]])
        width = self.quantiles[:, :, -1].astype(np.float64) - self.quantiles[:, :, 0]
        return np.asarray(((width / (ends[1] - ends[0])) ** 2).mean(axis=1))


def forecast_arrays(
    table: pl.DataFrame,
    series_key: Sequence[str],
    quantile_levels: Sequence[float],
    *,
    season: int = _WEEK,
) -> ForecastArrays:
    """Lays a forecast table out as arrays.

    Args:
        table: As `demandcast.schema.forecast_table` has it; a series may end before the others.
        series_key: Key columns.
        quantile_levels: Of the quantiles.
        season: Periods that are repeated where a series ends before the others.

    Raises:
        ContractError: There is no row or more than one cutoff, or a series lacks a step.
    """
    keys = list(series_key)
    cutoffs = table[CUTOFF].unique().to_list()
    if not cutoffs:
        raise ContractError("forecast table: no row: there is no forecast to order by")
    if len(cutoffs) != 1:
        shown = ", ".join(sorted(map(str, cutoffs))[:3])
        raise ContractError(
            f"forecast table: {len(cutoffs)} cutoffs ({shown}); orders are decided at one"
        )
    ordered = table.with_columns(pl.col(keys).cast(pl.String)).sort(*keys, STEP)
    names, counts = _runs(ordered, keys)
    horizon = int(counts.max(initial=0))
    step = np.arange(1, horizon + 1)
    there = step <= counts[:, None]
    if not np.array_equal(ordered[STEP].to_numpy(), np.broadcast_to(step, there.shape)[there]):
        raise ContractError("forecast table: not every series has each step from 1 to its last")
    levels = quantile_columns(quantile_levels)
    # Rows of the table by series and step.
    at = (np.cumsum(counts) - counts)[:, None] + _repeated(counts, horizon, season)
    return ForecastArrays(
        names,
        ordered.select(levels).to_numpy().astype(np.float32)[at],
        ordered[MEAN].to_numpy().astype(np.float32)[at],
        tuple(quantile_levels),
        steps=counts,
    )


def _runs(ordered: pl.DataFrame, keys: list[str]) -> tuple[pl.DataFrame, Int64Array]:
    """Returns the series of a sorted table, and how many rows each has. M rows, shape [M]."""
    counted = ordered.group_by(keys, maintain_order=True).agg(pl.len().alias("#rows"))
    return counted.select(keys), counted["#rows"].to_numpy().astype(np.int64)


def _repeated(counts: Int64Array, horizon: int, season: int) -> Int64Array:
    """Returns steps from 0; beyond the last of a series those of its last season. Shape [M, H]."""
    step, count = np.arange(horizon), counts[:, None]
    last = np.minimum(season, count)
    return np.where(step < count, step, count - last + (step - count) % last)


def extended(forecasts: ForecastArrays, horizon: int, *, season: int) -> ForecastArrays:
    """Goes on beyond the last period by repeating the last season of the forecast.

    Args:
        forecasts: Up to their horizon.
        horizon: Periods wanted; fewer than there are change nothing.
        season: Periods of a season; all of a shorter forecast is its season.

    Returns:
        Forecasts of `horizon` periods at least.
    """
    missing = horizon - forecasts.horizon
    if missing <= 0:
        return forecasts
    last = min(season, forecasts.horizon)
    at = np.arange(forecasts.horizon, horizon) - forecasts.horizon
    again = forecasts.horizon - last + at % last
    every = np.concatenate([np.arange(forecasts.horizon), again])
    return ForecastArrays(
        forecasts.keys,
        forecasts.quantiles[:, every],
        forecasts.mean[:, every],
        forecasts.quantile_levels,
        forecasts.steps,
        forecasts.problems,
    )
