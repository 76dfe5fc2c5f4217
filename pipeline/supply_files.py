"""Reads the tables of stock, orders on their way, terms and suppliers, wherever they lie."""

from __future__ import annotations

import datetime
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.examples.files import file_format, list_files, open_file
from demandcast.components.examples.fingerprint import tables_fingerprint
from demandcast.components.replenishment.lines import SupplyTables
from demandcast.components.replenishment.supply_columns import rename_columns
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

_DATES_SHOWN = 3


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
        ConfigurationError: A table that is needed is not configured, or no snapshot is named.
        BadInputError: A file is not there or cannot be read.
        ContractError: A column that is to be renamed is not there; the stock of the cutoff is
            not there.
    """
    tables, snapshot = config.replenishment.tables, config.data.snapshot
    if tables.inventory is None:
        raise ConfigurationError(
            "replenishment.tables.inventory must be given to propose orders; "
            "docs/replenishment.md describes it"
        )
    inventory = _read("inventory", tables.inventory, snapshot)
    return replace(
        read_terms(config),
        inventory=_of_the_cutoff(inventory, config.data.columns.timestamp, cutoff),
        open_orders=_read_optional("open_orders", tables.open_orders, snapshot),
        supplier_closures=_read_optional("supplier_closures", tables.supplier_closures, snapshot),
    )


def read_terms(config: RunConfig) -> SupplyTables:
    """Reads terms, suppliers and price breaks; no stock.

    Raises:
        ConfigurationError: No table of terms is configured.
        BadInputError: A file is not there or cannot be read.
        ContractError: A column that is to be renamed is not there.
    """
    tables, snapshot = config.replenishment.tables, config.data.snapshot
    if tables.supply_terms is None:
        raise ConfigurationError(
            "replenishment.tables.supply_terms must be given; docs/replenishment.md describes it"
        )
    return SupplyTables(
        inventory=pl.DataFrame(),
        supply_terms=_read("supply_terms", tables.supply_terms, snapshot),
        suppliers=_read_optional("suppliers", tables.suppliers, snapshot),
        price_breaks=_read_optional("price_breaks", tables.price_breaks, snapshot),
    )


def read_lead_times(config: RunConfig) -> pl.DataFrame | None:
    """Reads the history of deliveries; None if none is configured.

    Raises:
        BadInputError: The file is not there or cannot be read.
        ContractError: A column that is to be renamed is not there.
    """
    table = config.replenishment.tables.lead_times
    return _read_optional("lead_times", table, config.data.snapshot)


def read_terms_tables(
    tables: ReplenishmentTablesConfig, *, snapshot: str
) -> tuple[SupplyTables, pl.DataFrame | None]:
    """Reads what terms of supply are made of: no stock, and no orders on their way.

    Args:
        tables: Where they lie; `supply_terms` must be given.
        snapshot: Fills in `{snapshot}` in the paths.

    Returns:
        The tables, and the history of deliveries; None if none is configured.

    Raises:
        BadInputError: A file is not there or cannot be read.
        ContractError: A column that is to be renamed is not there.
    """
    terms = _read_optional("supply_terms", tables.supply_terms, snapshot)
    supply = SupplyTables(
        inventory=pl.DataFrame(),
        supply_terms=pl.DataFrame() if terms is None else terms,
        suppliers=_read_optional("suppliers", tables.suppliers, snapshot),
    )
    return supply, _read_optional("lead_times", tables.lead_times, snapshot)


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
    frame = _read_file(str(file), "demand")
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


def _read_optional(
    name: str, table: ReplenishmentTableConfig | None, snapshot: str
) -> pl.DataFrame | None:
    return None if table is None else _read(name, table, snapshot)


def _read(name: str, table: ReplenishmentTableConfig, snapshot: str) -> pl.DataFrame:
    """Reads a table of one file or several, with our names."""
    if SNAPSHOT in table.path and not snapshot:
        raise ConfigurationError(
            f"replenishment.tables.{name}: {table.path!r} has {SNAPSHOT}, and data.snapshot is "
            "empty; expected the name of a snapshot there"
        )
    pattern = table.path.replace(SNAPSHOT, snapshot)
    parts = [_read_file(file, name) for file in list_files(pattern, table=name)]
    try:
        frame = pl.concat(parts, how="vertical_relaxed")
    except pl.exceptions.PolarsError as error:
        raise ContractError(f"{name}: the files of {pattern} have different columns") from error
    return rename_columns(frame, table.columns, table=name)


def _read_file(file: str, name: str) -> pl.DataFrame:
    """Reads CSV as text, so that keys keep their zeros, and Parquet as it is."""
    kind = file_format(file, table=name)
    try:
        with open_file(file) as stream:
            content = io.BytesIO(stream.read())
        if kind == "csv":
            return pl.read_csv(content, infer_schema=False)
        return pl.read_parquet(content)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise BadInputError(
            f"{name}: {file} cannot be read: {error}; expected CSV or Parquet"
        ) from error


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


def read_table_file(file: Path, table: str) -> pl.DataFrame:
    """Reads a table that an option names: CSV as text, Parquet as it is.

    Args:
        file: CSV or Parquet.
        table: Its name, for messages.

    Raises:
        BadInputError: It is not there or cannot be read.
    """
    return _read_file(str(file), table)
