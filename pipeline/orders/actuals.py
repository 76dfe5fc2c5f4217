"""What was demanded after a cutoff: from the sales tables of the configuration, or from a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from demandcast.components.examples.assembly import Partition, Policies, assemble
from demandcast.components.examples.blocks import CODE, IN_STOCK, PERIOD, TARGET, Piece, cut_block
from demandcast.components.examples.lines import check_rows
from demandcast.components.examples.parsing import parse_days, parse_numbers, parse_text
from demandcast.components.examples.readers import MalformedRow, read_blocks
from demandcast.components.examples.report import Report, merge_reports
from demandcast.components.examples.tables import Tables, open_tables
from demandcast.components.examples.violations import contract_error
from demandcast.schema.config import CovariatesConfig, DataConfig, RunConfig
from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.periods import Frequency, periods_of

__all__ = ["Actuals", "actuals_of_file", "actuals_of_sales"]

_TIMESTAMP, _DEMAND = "timestamp", "demand"
_WHOLLY_IN_STOCK = 1.0


class Actuals(NamedTuple):
    """Demand by series and period.

    Attributes:
        table: The series key, `#period`, `#demand` (units; null: not known) and `#censored`.
        last_period: Last period of which anything is known.
    """

    table: pl.DataFrame
    last_period: int


def actuals_of_sales(config: RunConfig, *, after: int) -> Actuals:
    """Reads sales after a period, with the rules that the pipeline itself reads them by.

    Where an item was out of stock, sales are the least that demand can have been.

    Args:
        config: The pipeline.
        after: Periods up to this one are left out.

    Raises:
        ContractError: The sales break their contract, or cannot be read.
    """
    data = _sales_alone(config.data)
    tables = open_tables(data)
    reports: list[Report] = []
    pieces = list(_pieces(config, data, tables, reports))
    if data.transactions is None:
        # Lines of a till are settled with those before them, such as a return with its sale.
        pieces = [_after(piece, after) for piece in pieces]
    policies = Policies.of(data, config.forecast.frequency)
    partition, found = assemble(pieces, [], tables.roles, policies, joined={}, calendar=None)
    report = merge_reports([*reports, found])
    if report.violations:
        raise contract_error(report.violations, tables.files)
    if partition is None or report.newest is None:
        raise ContractError(f"sales: {data.sales} has no row with a sale")
    return Actuals(_demand(partition, config.series.series_key, after), int(report.newest))


def _after(piece: Piece, period: int) -> Piece:
    return Piece(piece.partition, piece.series, piece.rows.filter(pl.col(PERIOD) > period))


def _sales_alone(data: DataConfig) -> DataConfig:
    """Reads key, time, target and stockouts, and no other column or table."""
    columns = data.columns.model_copy(
        update={
            "static": (),
            "known_future": CovariatesConfig(),
            "observed_past": CovariatesConfig(),
        }
    )
    others = {"static_tables": (), "calendar": None, "future": None}
    return data.model_copy(update={"columns": columns, **others})


def _pieces(
    config: RunConfig, data: DataConfig, tables: Tables, reports: list[Report]
) -> Iterator[Piece]:
    """Reads and checks block by block, as the first stage of the pipeline does."""
    table, malformed = tables.roles.sales, list[MalformedRow]()
    for task in tables.tasks[table.name]:
        for frame in read_blocks(
            task, table.columns, block_rows=config.beam.block_rows, malformed=malformed
        ):
            block = check_rows(frame, table, data, frequency=config.forecast.frequency)
            reports.append(block.report)
            yield from cut_block(block, 1)
    if malformed:
        raise ContractError(
            f"sales: row {malformed[0].row} has {malformed[0].values} values; expected "
            f"{malformed[0].expected_values} ({len(malformed)} such rows)"
        )


def _demand(partition: Partition, series_key: Sequence[str], after: int) -> pl.DataFrame:
    rows = partition.sales.filter(pl.col(PERIOD) > after)
    series = partition.series.select(series_key)[rows[CODE].to_numpy()]
    in_stock = rows[IN_STOCK] if IN_STOCK in rows.columns else None
    censored = pl.Series([False]).new_from_index(0, rows.height)
    if in_stock is not None:
        censored = in_stock.fill_null(_WHOLLY_IN_STOCK) < _WHOLLY_IN_STOCK
    return series.with_columns(
        rows[PERIOD].cast(pl.Int64).alias("#period"),
        rows[TARGET].cast(pl.Float64).alias("#demand"),
        censored.alias("#censored"),
    )


def actuals_of_file(path: Path, *, series_key: Sequence[str], frequency: Frequency) -> Actuals:
    """Reads demand from a file: the series key, `timestamp` and `demand`.

    Several rows of a series and period are added up; further columns are passed over.

    Raises:
        BadInputError: It cannot be read, or is neither CSV nor Parquet.
        ContractError: A column is missing, or a value cannot be used: row, value, what is allowed.
    """
    frame = _read_table(path)
    wanted = [*series_key, _TIMESTAMP, _DEMAND]
    missing = [name for name in wanted if name not in frame.columns]
    if missing:
        raise ContractError(
            f"--actuals: {path}: no column {missing}; expected {wanted}; found {frame.columns}"
        )
    days = parse_days(frame[_TIMESTAMP])
    numbers = parse_numbers(frame[_DEMAND])
    demand = numbers.values.alias("#demand")
    no_day = pl.Series(days.missing | days.failed | days.inside_day)
    _refuse(path, frame[_TIMESTAMP], no_day, "a date as YYYY-MM-DD")
    _refuse(path, frame[_DEMAND], demand.is_null() | (demand < 0), "units, 0 or more")
    periods = periods_of(days.days, frequency)
    table = frame.select(parse_text(frame[name]).alias(name) for name in series_key).with_columns(
        pl.Series("#period", periods, pl.Int64), demand
    )
    summed = table.group_by(*series_key, "#period").agg(pl.col("#demand").sum())
    if not summed.height:
        raise ContractError(f"--actuals: {path}: has no rows")
    censored = summed.with_columns(pl.lit(value=False).alias("#censored"))
    return Actuals(censored, int(periods.max()))


def _read_table(path: Path) -> pl.DataFrame:
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path)
        if path.suffix.lower() == ".csv":
            return pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInputError(f"--actuals: {path}: cannot be read: {error}") from error
    raise BadInputError(f"--actuals: {path}: the name must end in .csv or .parquet")


def _refuse(path: Path, column: pl.Series, bad: pl.Series, allowed: str) -> None:
    """Refuses a column with a value that cannot be used."""
    rows = bad.fill_null(value=True).arg_true()
    if len(rows):
        value = column[int(rows[0])]
        raise ContractError(
            f"--actuals: {path}: row {int(rows[0]) + 1}: column {column.name!r}: got {value!r}; "
            f"allowed: {allowed} ({len(rows)} such rows)"
        )
