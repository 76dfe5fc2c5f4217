"""A batch of forecasts beside what happened, as rows of the origins table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.backtest.scoring import AnyFloats, Scored
from demandcast.schema import origins_table
from demandcast.schema.config import SeriesSpec
from demandcast.schema.forecast_table import CUTOFF, MEAN, STEP, TIMESTAMP, quantile_columns
from demandcast.schema.periods import days_of, periods_of

__all__ = ["origins_frame"]


def origins_frame(
    keys: pl.DataFrame,
    cutoff_day: int,
    *,
    scored: Scored,
    quantiles: AnyFloats,
    mean: AnyFloats,
    series: SeriesSpec,
) -> pl.DataFrame:
    """Lays out a batch at one cutoff, one row per series and step.

    Args:
        keys: Series key as text. Shape [B, key columns].
        cutoff_day: Last known period, days since 1970-01-01.
        scored: What happened; its slices have the demand class.
        quantiles: Units per period. Shape [B, H, Q].
        mean: Units per period. Shape [B, H].
        series: Names, frequency, horizon and levels.

    Returns:
        Rows as `demandcast.schema.origins_table` has them, sorted. Shape [B * H].
    """
    rows, horizon = np.shape(mean)
    names = quantile_columns(series.forecast.quantile_levels)
    frequency = series.forecast.frequency
    period = periods_of(np.array(cutoff_day), frequency)
    step = np.arange(1, horizon + 1)
    recorded = np.where(scored.actual_observed_mask > 0, scored.actual, np.nan)
    classes = scored.slices[origins_table.DEMAND_CLASS]
    columns = {
        **{name: _repeated(keys[name], horizon) for name in series.series_key},
        CUTOFF: _dates(np.full(rows * horizon, cutoff_day)),
        STEP: pl.Series(np.tile(step.astype(np.int32), rows)),
        TIMESTAMP: _dates(np.tile(days_of(period + step, frequency), rows)),
        origins_table.ACTUAL: pl.Series(recorded.astype(np.float64).reshape(-1)).fill_nan(None),
        origins_table.IN_STOCK_FRACTION: scored.actual_in_stock_fraction.reshape(-1),
        origins_table.DEMAND_CLASS: _repeated(pl.Series(classes.tolist()), horizon),
        MEAN: np.reshape(mean, -1),
        **{name: quantiles[:, :, level].reshape(-1) for level, name in enumerate(names)},
    }
    frame = pl.DataFrame(columns, schema_overrides=origins_table.origins_schema(series))
    return frame.sort(origins_table.origins_order(series))


def _repeated(values: pl.Series, times: int) -> pl.Series:
    """Repeats each value."""
    return values.gather(pl.Series(np.repeat(np.arange(len(values), dtype=np.uint32), times)))


def _dates(days: npt.NDArray[np.int64]) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date)
