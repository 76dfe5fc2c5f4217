"""The forecast table: its columns, and the check that every writer of one runs.

One row per series, cutoff and step: the series key columns, `cutoff` and
`timestamp` (starts of periods), `step` 1 to H, `mean` and a column per quantile
level, such as `q0.05`; demand in units per period.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import polars as pl

from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.errors import ContractError
from demandcast.schema.forecast_columns import (
    CUTOFF,
    MEAN,
    STEP,
    TIMESTAMP,
    quantile_column,
    quantile_columns,
)
from demandcast.schema.periods import days_of, on_grid, periods_of

__all__ = [
    "CUTOFF",
    "MEAN",
    "STEP",
    "TIMESTAMP",
    "check_forecast_table",
    "column_complaints",
    "forecast_complaints",
    "forecast_schema",
    "quantile_column",
    "quantile_columns",
    "row_complaints",
]

_ROWS_SHOWN = 3


def forecast_schema(series: SeriesSpec) -> pl.Schema:
    """Returns the columns of a forecast table in their order, with their types."""
    keys: dict[str, pl.DataType] = {name: pl.String() for name in series.series_key}
    time = {CUTOFF: pl.Date(), STEP: pl.Int32(), TIMESTAMP: pl.Date()}
    values = (MEAN, *quantile_columns(series.forecast.quantile_levels))
    return pl.Schema(keys | time | {name: pl.Float32() for name in values})


def check_forecast_table(table: pl.DataFrame, series: SeriesSpec) -> None:
    """Checks a forecast table against its contract; an empty table keeps it.

    Raises:
        ContractError: A column is missing, unknown, out of order or of another type; a value
            is missing, not finite or negative; quantiles cross; a series and cutoff does not
            have each step from 1 to H once; a cutoff does not start a period, or a timestamp
            is not `step` periods after it. Each complaint has the number of rows and the
            first of them.
    """
    expected = forecast_schema(series)
    if table.schema != expected or table.columns != expected.names():
        complaints = [*column_complaints(table.schema, expected)]
    else:
        complaints = [*forecast_complaints(table, series)]
    if complaints:
        raise ContractError("\n".join(f"forecast table: {line}" for line in complaints))


def column_complaints(found: pl.Schema, expected: pl.Schema) -> Iterator[str]:
    """Words what is wrong with the columns of a table: missing, of another type, or not known."""
    for name, kind in expected.items():
        if name not in found:
            yield f"no column {name!r} ({kind})"
        elif found[name] != kind:
            yield f"column {name!r} is {found[name]}; it must be {kind}"
    for name in found:
        if name not in expected:
            yield f"unknown column {name!r}; columns: {expected.names()}"
    if set(found) == set(expected) and found.names() != expected.names():
        yield f"columns are {found.names()}; their order is {expected.names()}"


def forecast_complaints(table: pl.DataFrame, series: SeriesSpec) -> Iterator[str]:
    """Words what is wrong with the rows of a table that has the columns of `forecast_schema`."""
    yield from _value_complaints(table, series)
    yield from _crossing_complaints(table, series)
    yield from _step_complaints(table, series)
    yield from _time_complaints(table, series)


def _value_complaints(table: pl.DataFrame, series: SeriesSpec) -> Iterator[str]:
    values = (MEAN, *quantile_columns(series.forecast.quantile_levels))
    for name in table.columns:
        missing = pl.col(name).is_null()
        shown = (name,) if name in values else ()
        if shown:
            missing |= ~pl.col(name).is_finite()
            yield from row_complaints(table, pl.col(name) < 0, f"negative {name!r}", name)
        yield from row_complaints(table, missing, f"no value, NaN or infinite in {name!r}", *shown)


def _crossing_complaints(table: pl.DataFrame, series: SeriesSpec) -> Iterator[str]:
    names = quantile_columns(series.forecast.quantile_levels)
    for low, high in itertools.pairwise(names):
        yield from row_complaints(
            table, pl.col(low) > pl.col(high), f"{low!r} exceeds {high!r}", low, high
        )


def _step_complaints(table: pl.DataFrame, series: SeriesSpec) -> Iterator[str]:
    horizon, step = series.forecast.horizon, pl.col(STEP)
    yield from row_complaints(
        table, ~step.is_between(1, horizon), f"{STEP!r} outside 1 to {horizon}"
    )
    origin = [*series.series_key, CUTOFF]
    repeated = pl.struct(*origin, STEP).is_duplicated()
    yield from row_complaints(table, repeated, "a series has a step of a cutoff twice")
    incomplete = step.n_unique().over(origin) != horizon
    yield from row_complaints(
        table, incomplete, f"a series has not all {horizon} steps of a cutoff"
    )


def _time_complaints(table: pl.DataFrame, series: SeriesSpec) -> Iterator[str]:
    frequency = series.forecast.frequency
    cutoff = table[CUTOFF].to_physical().fill_null(0).to_numpy()
    step = table[STEP].fill_null(0).to_numpy()
    off_grid = pl.lit(pl.Series(~on_grid(cutoff, frequency)))
    yield from row_complaints(table, off_grid, f"{CUTOFF!r} does not start a period of {frequency}")
    days = pl.Series(days_of(periods_of(cutoff, frequency) + step, frequency), dtype=pl.Int32)
    off = pl.col(TIMESTAMP) != pl.lit(days.cast(pl.Date))
    yield from row_complaints(table, off, f"{TIMESTAMP!r} is not {STEP!r} periods after {CUTOFF!r}")


def row_complaints(table: pl.DataFrame, broken: pl.Expr, what: str, *shown: str) -> Iterator[str]:
    """Words the rows that break a rule, if any: key and time of the first, and named columns."""
    rows = table.filter(broken.fill_null(value=False))
    if rows.is_empty():
        return
    columns = [*table.columns[: table.columns.index(MEAN)], *shown]
    first = rows.head(_ROWS_SHOWN).select(columns).iter_rows(named=True)
    words = ["; ".join(f"{name}={value}" for name, value in row.items()) for row in first]
    yield f"{what}: {rows.height} rows, first: {' | '.join(words)}"
