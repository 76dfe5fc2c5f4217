"""Reads the tables of stock, orders on their way, terms and suppliers, wherever they lie."""

from __future__ import annotations

import contextlib
import csv
import datetime
import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.examples.files import file_format, list_files, open_file
from demandcast.components.examples.fingerprint import tables_fingerprint
from demandcast.components.replenishment.lines import SupplyTables
from demandcast.components.replenishment.supply_columns import (
    PLACE,
    check_our_names,
    misspelt_columns,
    rename_columns,
)
from demandcast.schema.config import (
    ReplenishmentTableConfig,
    ReplenishmentTablesConfig,
    RunConfig,
)
from demandcast.schema.config.data import SNAPSHOT, static_table_name
from demandcast.schema.errors import BadInputError, ConfigurationError, ContractError
from demandcast.schema.periods import periods_of

__all__ = [
    "read_demand",
    "read_lead_times",
    "read_static_tables",
    "read_supply_tables",
    "read_table_file",
    "read_terms",
    "read_terms_tables",
    "supply_fingerprint",
    "terms_fingerprint",
]

logger = logging.getLogger(__name__)

_DATES_SHOWN = 3

_HEADER_BYTES = 2**16
"""Bytes at the beginning of a file in which its header is."""


def supply_fingerprint(config: RunConfig) -> str:
    """Digests the files of all tables of supply, so that a cache notices other stock.

    A table that is not there counts as that; the stage that reads it says so.

    Returns:
        Digits and "none", as many as there are tables.
    """
    marks = []
    for name, path in config.replenishment.tables.paths.items():
        try:
            marks.append(tables_fingerprint({name: path.replace(SNAPSHOT, config.data.snapshot)}))
        except ContractError:
            marks.append("none")
    return " ".join(marks)


def read_supply_tables(config: RunConfig, *, cutoff: datetime.date) -> SupplyTables:
    """Reads all tables but the history of deliveries.

    Args:
        config: The run.
        cutoff: Stock is that of its evening, where the table has more than one.

    Raises:
        ConfigurationError: A table that is needed is not configured, no snapshot is named, or a
            column is to have a name that is none of ours.
        BadInputError: A file is not there or cannot be read.
        ContractError: A column that is to be renamed is not there; the
            stock of the cutoff is not there.
    """
    reader = _Reader.of_run(config)
    if reader.tables.inventory is None:
        raise ConfigurationError(
            "replenishment.tables.inventory must be given to propose orders; "
            "docs/replenishment.md describes it"
        )
    inventory = reader.needed("inventory")
    return replace(
        read_terms(config),
        inventory=_of_the_cutoff(inventory, config.data.columns.timestamp, cutoff),
        open_orders=reader.optional("open_orders"),
        supplier_closures=reader.optional("supplier_closures"),
    )


def read_terms(config: RunConfig) -> SupplyTables:
    """Reads terms, suppliers and price breaks; no stock.

    Raises:
        ConfigurationError: No table of terms is configured, or a column is to have a name that is
            none of ours.
        BadInputError: A file is not there or cannot be read.
        ContractError: A column that is to be renamed is not there.
    """
    reader = _Reader.of_run(config)
    if reader.tables.supply_terms is None:
        raise ConfigurationError(
            "replenishment.tables.supply_terms must be given; docs/replenishment.md describes it"
        )
    return SupplyTables(
        inventory=pl.DataFrame(),
        supply_terms=reader.needed("supply_terms"),
        suppliers=reader.optional("suppliers"),
        price_breaks=reader.optional("price_breaks"),
    )


def read_lead_times(config: RunConfig) -> pl.DataFrame | None:
    """Reads the history of deliveries; None if none is configured.

    Raises:
        BadInputError: The file is not there or cannot be read.
        ContractError: A column that is to be renamed is not there.
    """
    return _Reader.of_run(config).optional("lead_times")


def read_terms_tables(
    tables: ReplenishmentTablesConfig, *, series_key: Sequence[str], snapshot: str
) -> tuple[SupplyTables, pl.DataFrame | None]:
    """Reads what terms of supply are made of: no stock, and no orders on their way.

    Args:
        tables: Where they lie; `supply_terms` must be given.
        series_key: Key columns of a series.
        snapshot: Fills in `{snapshot}` in the paths.

    Returns:
        The tables, and the history of deliveries; None if none is configured.

    Raises:
        BadInputError: A file is not there or cannot be read.
        ContractError: A column that is to be renamed is not there.
    """
    reader = _Reader(tables, snapshot, tuple(series_key))
    terms = reader.optional("supply_terms")
    supply = SupplyTables(
        inventory=pl.DataFrame(),
        supply_terms=pl.DataFrame() if terms is None else terms,
        suppliers=reader.optional("suppliers"),
    )
    return supply, reader.optional("lead_times")


def terms_fingerprint(tables: ReplenishmentTablesConfig, *, snapshot: str) -> str:
    """Digests the files that `read_terms_tables` reads; empty without terms of supply.

    Raises:
        ContractError: A table has no file.
    """
    paths = tables.terms_paths
    if not paths:
        return ""
    return tables_fingerprint(
        {name: path.replace(SNAPSHOT, snapshot) for name, path in paths.items()}
    )


def read_demand(
    file: Path, config: RunConfig, *, keys: pl.DataFrame, periods: range
) -> npt.NDArray[np.float64]:
    """Reads what was asked for: series key, timestamp and `demand`, one row each.

    Args:
        file: CSV or Parquet.
        config: Names of the columns, and the frequency.
        keys: Series wanted, as text. N rows.
        periods: Periods wanted.

    Returns:
        Units, 0 without a row. Shape [T, N].

    Raises:
        BadInputError: The file cannot be read.
        ContractError: A column is missing, or a value cannot be used.
    """
    timestamp = config.data.columns.timestamp
    frame = read_table_file(str(file), table="demand")
    missing = [name for name in (*keys.columns, timestamp, "demand") if name not in frame.columns]
    if missing:
        raise ContractError(f"demand: no column {missing}; there are: {frame.columns}")
    rows = _readable_demand(frame, timestamp, keys.columns)
    rows = rows.join(keys.with_row_index("place"), on=keys.columns, how="inner")
    period = periods_of(rows["day"].to_numpy(), config.forecast.frequency) - periods.start
    inside = (period >= 0) & (period < len(periods))
    demand = np.zeros((len(periods), keys.height))
    at = (period[inside], rows["place"].to_numpy()[inside])
    np.add.at(demand, at, rows["demand"].to_numpy()[inside])
    return demand


def read_static_tables(config: RunConfig, series: pl.DataFrame) -> pl.DataFrame:
    """Looks up attributes of series in the static tables.

    Args:
        config: The run.
        series: Key columns as text, and attributes that are known, one row per series.

    Returns:
        The series with the static columns that these tables hold; null without a row. A table
        that is joined by a column that the series do not have is passed over.

    Raises:
        BadInputError: A file is not there or cannot be read.
    """
    wanted = config.data.columns.static
    for index, table in enumerate(config.data.static_tables):
        name = static_table_name(index)
        frame = _read(name, ReplenishmentTableConfig(path=table.path), config.data.snapshot)
        columns = [one for one in wanted if one in frame.columns and one not in series.columns]
        on = list(table.on)
        if columns and set(on) <= set(series.columns) & set(frame.columns):
            rows = frame.select(pl.col([*on, *columns]).cast(pl.String)).unique(on, keep="first")
            series = series.join(rows, on=on, how="left", maintain_order="left")
    return series


def _readable_demand(frame: pl.DataFrame, timestamp: str, keys: Sequence[str]) -> pl.DataFrame:
    """Takes rows with key, `day` since 1970-01-01 and `demand`; where one is empty there is none.

    Raises:
        ContractError: A value is no date, or no number of at least 0.
    """
    day = pl.col(timestamp)
    if frame.schema[timestamp] == pl.String:
        day = day.str.head(10).str.to_date("%Y-%m-%d", strict=False)
    rows = frame.drop_nulls([*keys, timestamp, "demand"]).select(
        pl.col(keys).cast(pl.String),
        day=day.cast(pl.Date).cast(pl.Int32).cast(pl.Int64),
        demand=pl.col("demand").cast(pl.Float64, strict=False),
        given=pl.format("{} {}", pl.col(timestamp), pl.col("demand")),
    )
    number = pl.col("demand").is_finite() & (pl.col("demand") >= 0)
    wrong = rows.filter(pl.col("day").is_null() | ~number.fill_null(value=False))
    if wrong.height:
        raise ContractError(
            f"demand: {wrong.height:,} rows have no date such as 2026-06-30 or no number of at "
            f"least 0; first: {wrong['given'][0]!r}"
        )
    return rows.drop("given")


@dataclass(frozen=True)
class _Reader:
    """Reads tables of replenishment.

    Attributes:
        tables: Where they lie.
        snapshot: Fills in `{snapshot}` in the paths.
        names: Names of columns that are ours in every table: the series key, and the day.
    """

    tables: ReplenishmentTablesConfig
    snapshot: str
    names: tuple[str, ...]

    @classmethod
    def of_run(cls, config: RunConfig) -> _Reader:
        """Reads the tables of a run."""
        columns = config.data.columns
        names = (*columns.series_key, columns.timestamp)
        return cls(config.replenishment.tables, config.data.snapshot, names)

    def needed(self, name: str) -> pl.DataFrame:
        """Reads a table that is configured, and says which of its columns look misspelt."""
        table: ReplenishmentTableConfig = getattr(self.tables, name)
        check_our_names(list(table.columns), name, keys=self.names)
        frame = _read(name, table, self.snapshot)
        for column, ours in misspelt_columns(frame.columns, name, keys=self.names):
            logger.warning(
                "%s: column %r of %s is not used; did you mean %r?",
                name,
                column,
                Path(table.path).name,
                ours,
            )
        return frame

    def optional(self, name: str) -> pl.DataFrame | None:
        """Reads a table; None where none is configured."""
        return None if getattr(self.tables, name) is None else self.needed(name)


def _read(name: str, table: ReplenishmentTableConfig, snapshot: str) -> pl.DataFrame:
    """Reads a table of one file or several, with our names, and the place of each row."""
    if SNAPSHOT in table.path and not snapshot:
        raise ConfigurationError(
            f"replenishment.tables.{name}: {table.path!r} has {SNAPSHOT}, and data.snapshot is "
            "empty; expected the name of a snapshot there"
        )
    pattern = table.path.replace(SNAPSHOT, snapshot)
    files = list_files(pattern, table=name)
    parts = [read_table_file(file, table=name) for file in files]
    if len(files) > 1:
        parts = [
            part.with_columns(pl.format("{} of '{}'", PLACE, pl.lit(Path(file).name)).alias(PLACE))
            for file, part in zip(files, parts, strict=True)
        ]
    try:
        frame = pl.concat(parts, how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        raise ContractError(f"{name}: the files of {pattern} have different columns") from error
    return rename_columns(frame, table.columns, table=name)


def read_table_file(file: str, *, table: str, schema: pl.Schema | None = None) -> pl.DataFrame:
    """Reads CSV as text, so that keys keep their zeros, and Parquet as it is.

    Args:
        file: CSV or Parquet.
        table: Its name, for messages.
        schema: Types that columns of CSV have if all of their values can be read so.

    Returns:
        The rows, without blank ones, and where each is, as `PLACE` has it.

    Raises:
        BadInputError: The file cannot be read; the message says in which line, if in one.
    """
    kind = file_format(file, table=table)
    try:
        with open_file(file) as stream:
            content = stream.read()
        if kind == "parquet":
            frame = pl.read_parquet(io.BytesIO(content))
            return _placed(frame, "row", first=1)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInputError(
            f"{table}: {file} cannot be read: {_first_line(error)}; expected CSV or Parquet"
        ) from error
    header, line = _header(content)
    _check_header(header, f"{table}: {file}")
    frame = _csv_frame(content, f"{table}: {file}", schema)
    placed = _placed(frame, "line", first=line + 1)
    return placed.filter(pl.any_horizontal(pl.col(frame.columns).is_not_null()))


def _csv_frame(content: bytes, file: str, schema: pl.Schema | None) -> pl.DataFrame:
    """Reads CSV with the types that are wanted, or as text where that fails."""
    if schema is not None:
        with contextlib.suppress(pl.exceptions.PolarsError):
            return pl.read_csv(io.BytesIO(content), infer_schema=False, schema_overrides=schema)
    try:
        return pl.read_csv(io.BytesIO(content), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise BadInputError(f"{file}: {_csv_problem(content, error)}") from error


def _placed(frame: pl.DataFrame, what: str, *, first: int) -> pl.DataFrame:
    """Says where each row is."""
    number = pl.int_range(first, pl.len() + first)
    return frame.with_columns(pl.format(f"{what} {{}}", number).alias(PLACE))


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _records(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Reads the records of CSV as spreadsheets number them, from 1."""
    text = content.decode("utf-8-sig", errors="replace")
    yield from enumerate(csv.reader(io.StringIO(text, newline="")), start=1)


def _header(content: bytes) -> tuple[list[str], int]:
    """Returns the names of the columns, and their line; none where there are none."""
    try:
        found = ((names, line) for line, names in _records(content[:_HEADER_BYTES]) if names)
        return next(found, ([], 1))
    except csv.Error:
        return [], 1


def _check_header(header: Sequence[str], file: str) -> None:
    """Refuses a header of which it is not clear what it means.

    Raises:
        BadInputError: It names a column twice, or has no comma.
    """
    twice = [name for name in dict.fromkeys(header) if name.strip() and header.count(name) > 1]
    if twice:
        raise BadInputError(f"{file}: the header has {twice} twice; allowed: once")
    others = {";": "semicolons", "\t": "tabs"}
    for mark, name in others.items():
        if len(header) == 1 and mark in header[0]:
            raise BadInputError(f"{file}: columns are apart by {name}; expected commas")


def _csv_problem(content: bytes, error: Exception) -> str:
    """Says what is wrong with CSV that cannot be read, and where."""
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = content[: wrong.start].count(b"\n") + 1
        return f"line {line} cannot be read: it is no UTF-8 text; save the file as CSV in UTF-8"
    header, _ = _header(content)
    try:
        for line, fields in _records(content):
            if len(fields) > len(header):
                return (
                    f"line {line} has {len(fields)} fields, and the header has {len(header)}; "
                    "a text with a comma must be in double quotes"
                )
    except csv.Error:
        pass
    return f"cannot be read: {_first_line(error)}; expected CSV or Parquet"


def _of_the_cutoff(inventory: pl.DataFrame, timestamp: str, cutoff: datetime.date) -> pl.DataFrame:
    """Keeps the rows of the cutoff where the stock of several days is given."""
    if timestamp not in inventory.columns:
        return inventory
    day = pl.col(timestamp)
    if inventory.schema[timestamp] == pl.String:
        day = day.str.head(10).str.to_date("%Y-%m-%d", strict=False)
    rows = inventory.filter(day.cast(pl.Date, strict=False) == cutoff)
    if not rows.height:
        newest = inventory.select(day.cast(pl.Date, strict=False).alias("day"))["day"]
        last = newest.drop_nulls().unique().sort(descending=True).head(_DATES_SHOWN)
        raise ContractError(
            f"inventory: no row of {cutoff}, the last period that the forecast saw; the newest "
            f"are of {[str(one) for one in last.to_list()]}"
        )
    return rows.drop(timestamp)
