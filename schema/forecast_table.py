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
    "check_forecast_columns",
    "check_forecast_table",
    "column_complaints",
    "forecast_complaints",
    "forecast_schema",
    "quantile_column",
    "quantile_columns",
    "row_complaints",
    "row_rules",
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
    check_forecast_columns(table, series)
    _refuse(forecast_complaints(table, series))


def check_forecast_columns(table: pl.DataFrame, series: SeriesSpec) -> None:
    """Checks the columns of a forecast table against its contract, whatever its rows hold.

    Raises:
        ContractError: A column is missing, unknown, out of order or of another type.
    """
    _refuse(column_complaints(table.schema, forecast_schema(series)))


def _refuse(complaints: Iterator[str]) -> None:
    lines = [f"forecast table: {line}" for line in complaints]
    if lines:
        raise ContractError("\n".join(lines))


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
    for broken, what, shown in row_rules(table, series):
        yield from row_complaints(table, broken, what, *shown)
    horizon = series.forecast.horizon
    incomplete = pl.col(STEP).n_unique().over([*series.series_key, CUTOFF]) != horizon
    yield from row_complaints(
        table, incomplete, f"a series has not all {horizon} steps of a cutoff"
    )


def row_rules(
    table: pl.DataFrame, series: SeriesSpec
) -> Iterator[tuple[pl.Expr, str, tuple[str, ...]]]:
    """Yields what no row may be: when it is so, in words, and the columns that show it.

    Args:
        table: With the columns of `forecast_schema`; conditions are of its rows as they are.
        series: What it must be of.
    """
    yield from _value_rules(table, series)
    yield from _crossing_rules(series)
    yield from _step_rules(series)
    yield from _time_rules(table, series)


_Rules = Iterator[tuple[pl.Expr, str, tuple[str, ...]]]


def _value_rules(table: pl.DataFrame, series: SeriesSpec) -> _Rules:
    values = (MEAN, *quantile_columns(series.forecast.quantile_levels))
    for name in table.columns:
        missing = pl.col(name).is_null()
        shown = (name,) if name in values else ()
        if shown:
            missing |= ~pl.col(name).is_finite()
            yield pl.col(name) < 0, f"negative {name!r}", shown
        yield missing, f"no value, NaN or infinite in {name!r}", shown


def _crossing_rules(series: SeriesSpec) -> _Rules:
    names = quantile_columns(series.forecast.quantile_levels)
    for low, high in itertools.pairwise(names):
        yield pl.col(low) > pl.col(high), f"{low!r} exceeds {high!r}", (low, high)


def _step_rules(series: SeriesSpec) -> _Rules:
    horizon = series.forecast.horizon
    yield ~pl.col(STEP).is_between(1, horizon), f"{STEP!r} outside 1 to {horizon}", ()
    repeated = pl.struct(*series.series_key, CUTOFF, STEP).is_duplicated()
    yield repeated, "a series has a step of a cutoff twice", ()


def _time_rules(table: pl.DataFrame, series: SeriesSpec) -> _Rules:
    frequency = series.forecast.frequency
    cutoff = table[CUTOFF].to_physical().fill_null(0).to_numpy()
    step = table[STEP].fill_null(0).to_numpy()
    off_grid = pl.lit(pl.Series(~on_grid(cutoff, frequency)))
    yield off_grid, f"{CUTOFF!r} does not start a period of {frequency}", ()
    days = pl.Series(days_of(periods_of(cutoff, frequency) + step, frequency), dtype=pl.Int32)
    off = pl.col(TIMESTAMP) != pl.lit(days.cast(pl.Date))
    yield off, f"{TIMESTAMP!r} is not {STEP!r} periods after {CUTOFF!r}", ()


def row_complaints(table: pl.DataFrame, broken: pl.Expr, what: str, *shown: str) -> Iterator[str]:
    """Words the rows that break a rule, if any: key and time of the first, and named columns."""
    rows = table.filter(broken.fill_null(value=False))
    if rows.is_empty():
        return
    columns = [*table.columns[: table.columns.index(MEAN)], *shown]
    first = rows.head(_ROWS_SHOWN).select(columns).iter_rows(named=True)
    words = ["; ".join(f"{name}={value}" for name, value in row.items()) for row in first]
    yield f"{what}: {rows.height} rows, first: {' | '.join(words)}"
