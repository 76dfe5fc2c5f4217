"""From arrays of a batch to rows of the forecast table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.schema import forecast_table
from demandcast.schema.config import SeriesSpec
from demandcast.schema.periods import days_of, periods_of

__all__ = ["forecast_frame"]

Float32Array = npt.NDArray[np.float32]


def forecast_frame(
    keys: pl.DataFrame, *, quantiles: Float32Array, mean: Float32Array, series: SeriesSpec
) -> pl.DataFrame:
    """Lays out the forecasts of a batch, one row per series and step.

    Args:
        keys: The series key columns (text) and `cutoff` (date). Shape [B].
        quantiles: Units per period. Shape [B, H, Q].
        mean: Units per period. Shape [B, H].
        series: Names, frequency, horizon and levels.

    Returns:
        Rows as `demandcast.schema.forecast_table` has them. Shape [B * H].
    """
    rows, horizon = mean.shape
    step = np.tile(np.arange(1, horizon + 1, dtype=np.int32), rows)
    cutoff = keys[forecast_table.CUTOFF].cast(pl.Int32).to_numpy().repeat(horizon)
    frequency = series.forecast.frequency
    day = days_of(periods_of(cutoff.astype(np.int64), frequency) + step, frequency)
    index = np.repeat(np.arange(rows, dtype=np.uint32), horizon)
    names = forecast_table.quantile_columns(series.forecast.quantile_levels)
    return pl.DataFrame(
        {
            **{name: keys[name].gather(pl.Series(index)) for name in series.series_key},
            forecast_table.CUTOFF: pl.Series(cutoff.astype(np.int32)).cast(pl.Date),
            forecast_table.STEP: step,
            forecast_table.TIMESTAMP: pl.Series(day.astype(np.int32)).cast(pl.Date),
            forecast_table.MEAN: mean.reshape(-1),
            **{name: quantiles[:, :, level].reshape(-1) for level, name in enumerate(names)},
        },
        schema=forecast_table.forecast_schema(series),
    )
