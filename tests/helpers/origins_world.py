"""Small origins tables, built row by row for the tests of their contract, reader and writer."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import polars as pl

from demandcast.schema.config import CovariatesConfig, ForecastConfig, SeriesSpec
from demandcast.schema.origins_table import origins_order, origins_schema

__all__ = ["LEVELS", "MONDAY", "origin_row", "origins_frame_of", "spec"]

MONDAY = datetime.date(2024, 1, 1)
LEVELS = (0.1, 0.5, 0.9)


def spec(horizon: int = 2, *, keys: tuple[str, ...] = ("store", "item"), frequency: str = "D"):
    """What the tables of this module hold."""
    return SeriesSpec(
        series_key=keys,
        static=keys,
        known_future=CovariatesConfig(),
        observed_past=CovariatesConfig(),
        forecast=ForecastConfig(frequency=frequency, horizon=horizon, quantile_levels=LEVELS),
    )


def origin_row(
    store: str, day: int, step: int, *, actual: float | None, mean: float = 1.0, **changes
) -> dict[str, object]:
    """One row of item x; quantiles are the mean less and plus 1."""
    cutoff = MONDAY + datetime.timedelta(day)
    return {
        "store": store,
        "item": "x",
        "cutoff": cutoff,
        "step": step,
        "timestamp": cutoff + datetime.timedelta(step),
        "actual": actual,
        "in_stock_fraction": 1.0,
        "demand_class": "smooth",
        "mean": mean,
        "q0.1": mean - 1,
        "q0.5": mean,
        "q0.9": mean + 1,
    } | changes


def origins_frame_of(rows: Sequence[dict[str, object]], horizon: int = 2) -> pl.DataFrame:
    """A table of rows, sorted as the contract asks."""
    series = spec(horizon)
    table = pl.DataFrame(list(rows), schema=origins_schema(series), orient="row")
    return table.sort(origins_order(series))
