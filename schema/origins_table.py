"""The origins table: what was forecast at each cutoff of a backtest, beside what happened.

One row per series, cutoff and step: the columns of the forecast table, and before `mean` what
was recorded at `timestamp`. A backtest keeps it as a folder of Parquet files, one per cutoff:

    origins/2024-06-02.parquet     every series that has a forecast at this cutoff,
    origins/2024-06-09.parquet     sorted by its key and by step

A series is not at a cutoff before it has `sampling.min_history` recorded periods, and not where
nothing was recorded of it in the horizon.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import polars as pl

from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.forecast_table import (
    CUTOFF,
    MEAN,
    STEP,
    column_complaints,
    forecast_complaints,
    forecast_schema,
    row_complaints,
)
from demandcast.schema.series_example import DEMAND_CLASS, DEMAND_CLASSES, IN_STOCK_FRACTION

__all__ = [
    "ACTUAL",
    "DEMAND_CLASS",
    "IN_STOCK_FRACTION",
    "ORIGINS_FOLDER",
    "check_origins_table",
    "cutoff_of_file",
    "origins_file",
    "origins_order",
    "origins_schema",
]

ORIGINS_FOLDER = "origins"
"""Folder of the table beside `backtest.json`."""

ACTUAL = "actual"
"""Units sold in the period; null where it was not recorded. Where `in_stock_fraction` is below 1,
a lower bound of demand."""

_SUFFIX = ".parquet"


def origins_schema(series: SeriesSpec) -> pl.Schema:
    """Returns the columns of an origins table in their order, with their types.

    Raises:
        BadInputError: A column of the series key is called `actual`, as a column of the table is.
    """
    if ACTUAL in series.series_key:
        raise BadInputError(
            f"data.columns.series_key: a table of forecasts beside what happened has a column "
            f"{ACTUAL!r} of its own; rename the key column {ACTUAL!r}"
        )
    recorded = {ACTUAL: pl.Float64(), IN_STOCK_FRACTION: pl.Float32(), DEMAND_CLASS: pl.String()}
    columns: dict[str, pl.DataType] = {}
    for name, kind in forecast_schema(series).items():
        if name == MEAN:
            columns |= recorded
        columns[name] = kind
    return pl.Schema(columns)


def origins_order(series: SeriesSpec) -> list[str]:
    """Names the columns by which the rows are sorted: cutoff, key, step."""
    return [CUTOFF, *series.series_key, STEP]


def origins_file(cutoff: datetime.date) -> str:
    """Names the file of a cutoff.

    >>> origins_file(datetime.date(2024, 6, 2))
    '2024-06-02.parquet'
    """
    return f"{cutoff.isoformat()}{_SUFFIX}"


def cutoff_of_file(name: str) -> datetime.date | None:
    """Reads the cutoff from the name of a file; None if it is no file of the table.

    >>> cutoff_of_file("2024-06-02.parquet"), cutoff_of_file("notes.txt")
    (datetime.date(2024, 6, 2), None)
    """
    try:
        cutoff = datetime.date.fromisoformat(name.removesuffix(_SUFFIX))
    except ValueError:
        return None
    return cutoff if name == origins_file(cutoff) else None


def check_origins_table(table: pl.DataFrame, series: SeriesSpec) -> None:
    """Checks an origins table, or a part of it, against its contract; an empty one keeps it.

    Raises:
        ContractError: Its forecasts break the contract of the forecast table
            (`check_forecast_table`); a column is missing, unknown, out of order or of another
            type; `actual` is not finite, `in_stock_fraction` is missing or outside 0 to 1, or
            `demand_class` is unknown or changes within a horizon; rows are not sorted by cutoff,
            key and step. Each complaint names the column.
    """
    expected = origins_schema(series)
    if table.schema != expected or table.columns != expected.names():
        complaints = [*column_complaints(table.schema, expected)]
    else:
        forecasts = table.select(forecast_schema(series).names())
        complaints = [
            *forecast_complaints(forecasts, series),
            *_recorded_complaints(table, series),
            *_order_complaints(table, series),
        ]
    if complaints:
        raise ContractError("\n".join(f"origins table: {line}" for line in complaints))


def _recorded_complaints(table: pl.DataFrame, series: SeriesSpec) -> Iterator[str]:
    actual, stock, kind = pl.col(ACTUAL), pl.col(IN_STOCK_FRACTION), pl.col(DEMAND_CLASS)
    yield from row_complaints(
        table, ~actual.is_finite(), f"NaN or infinite in {ACTUAL!r}, null where not recorded"
    )
    outside = stock.is_null() | ~stock.is_between(0, 1)
    yield from row_complaints(table, outside, f"{IN_STOCK_FRACTION!r} missing or outside 0 to 1")
    unknown = kind.is_null() | ~kind.is_in(DEMAND_CLASSES)
    yield from row_complaints(table, unknown, f"{DEMAND_CLASS!r} not in {list(DEMAND_CLASSES)}")
    several = kind.n_unique().over([*series.series_key, CUTOFF]) > 1
    yield from row_complaints(table, several, f"{DEMAND_CLASS!r} changes within a horizon")


def _order_complaints(table: pl.DataFrame, series: SeriesSpec) -> Iterator[str]:
    order = origins_order(series)
    columns = table.select(order)
    if not columns.equals(columns.sort(order)):
        yield f"rows are not sorted by {order}"
