"""One row per series: its stock, what is on its way, and the terms of each supplier it may have.

    keys of forecasts, stock, open orders ── union ─┬─ inventory ─ open orders ─> stock [N]
                                                    └─ supply terms ─ suppliers ─> candidates

A row that cannot be used keeps its place with a status and a reason; the good ones go on.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from demandcast.components.replenishment.order_calendar import parse_order_days
from demandcast.components.replenishment.supply_columns import PROBLEM, clean_table
from demandcast.schema.errors import ContractError

__all__ = ["SupplyTables", "gather_candidates", "gather_stock", "open_order_lines"]

_INVALID = "invalid"


@dataclass(frozen=True)
class SupplyTables:
    """The tables beside the forecasts, with our names; None where there is no such table.

    Attributes:
        inventory: Stock of each series at the cutoff.
        supply_terms: Terms of each item and supplier.
        open_orders: Lines on their way.
        suppliers: Suppliers.
        price_breaks: Prices by quantity.
    """

    inventory: pl.DataFrame
    supply_terms: pl.DataFrame
    open_orders: pl.DataFrame | None = None
    suppliers: pl.DataFrame | None = None
    price_breaks: pl.DataFrame | None = None


def gather_stock(
    forecast_keys: pl.DataFrame, tables: SupplyTables, *, cutoff: datetime.date
) -> pl.DataFrame:
    """Puts stock beside every series that any table knows.

    Args:
        forecast_keys: Series with a forecast, key columns as text. Shape [M].
        tables: The tables.
        cutoff: Last period that the forecast saw; orders on their way are those of its evening.

    Returns:
        Key columns, `forecast_row` (null without a forecast), `on_hand`, `on_order`, `reserved`,
        `storage_capacity`, `status` and `reason` (null where nothing is wrong), sorted by key.

    Raises:
        ContractError: A table lacks a column.
    """
    keys = forecast_keys.columns
    stock = _unique_rows(clean_table(tables.inventory, "inventory", keys=keys), keys, "inventory")
    forecasts = forecast_keys.with_row_index("forecast_row").with_columns(
        pl.col("forecast_row").cast(pl.Int64)
    )
    parts = [forecasts.select(keys), stock.select(keys)]
    found = stock.with_columns(has_stock=pl.lit(value=True))
    open_lines = open_order_lines(tables.open_orders, keys, cutoff=cutoff)
    if open_lines is not None:
        parts.append(open_lines.select(keys))
    lines = (
        pl.concat(parts)
        .unique()
        .sort(keys)
        .join(forecasts, on=keys, how="left")
        .join(found, on=keys, how="left")
    )
    if open_lines is not None:
        lines = _with_open_orders(lines, open_lines, keys)
    return _stock_status(lines, keys)


def open_order_lines(
    open_orders: pl.DataFrame | None, keys: Sequence[str], *, cutoff: datetime.date
) -> pl.DataFrame | None:
    """Returns the lines that are on their way in the evening of the cutoff; None without a table.

    A line whose day of arrival is known beforehand is on its way until then: what came later is
    not looked at.

    Returns:
        Key columns, `supplier` where the table has it, quantity, due, ordered, problem.
    """
    if open_orders is None:
        return None
    lines = clean_table(open_orders, "open_orders", keys=keys)
    if "supplier" in open_orders.columns:
        supplier = open_orders["supplier"].cast(pl.String)
        lines = lines.with_columns(supplier=supplier)
    placed = pl.col("ordered").is_null() | (pl.col("ordered") <= cutoff)
    arrived = (pl.col("received") <= cutoff).fill_null(value=False)
    return lines.filter(placed & ~arrived)


def _with_open_orders(
    lines: pl.DataFrame, open_lines: pl.DataFrame, keys: Sequence[str]
) -> pl.DataFrame:
    """Replaces on_order by the sum of the lines on their way."""
    sums = open_lines.group_by(keys).agg(
        pl.col("quantity").sum(), pl.col(PROBLEM).drop_nulls().first().alias("order_problem")
    )
    return (
        lines.join(sums, on=keys, how="left")
        .with_columns(
            on_order=pl.col("quantity").fill_null(0.0),
            **{PROBLEM: pl.coalesce(PROBLEM, "order_problem")},
        )
        .drop("quantity", "order_problem")
    )


def _stock_status(lines: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Says which series cannot be computed, and why."""
    without_stock = pl.col("has_stock").is_null()
    without_forecast = pl.col("forecast_row").is_null()
    status = (
        pl.when(pl.col(PROBLEM).is_not_null())
        .then(pl.lit(_INVALID))
        .when(without_stock)
        .then(pl.lit("no_inventory"))
        .when(without_forecast)
        .then(pl.lit("no_forecast"))
    )
    reason = (
        pl.when(pl.col(PROBLEM).is_not_null())
        .then(pl.col(PROBLEM))
        .when(without_stock)
        .then(pl.lit("the inventory has no row of the series"))
        .when(without_forecast)
        .then(pl.lit("there is no forecast of the series: it is new, or has ended"))
    )
    return lines.select(
        *keys,
        "forecast_row",
        "on_hand",
        pl.col("on_order").fill_null(0.0),
        pl.col("reserved").fill_null(0.0),
        "storage_capacity",
        status=status,
        reason=reason,
    )


def gather_candidates(
    lines: pl.DataFrame, tables: SupplyTables, *, keys: Sequence[str], currency: str
) -> pl.DataFrame:
    """Puts the terms of each supplier that a series may have beside it.

    Args:
        lines: From `gather_stock`.
        tables: The tables.
        keys: Key columns of a series.
        currency: That costs must have; empty: the one that most terms have.

    Returns:
        One row per series and supplier: key columns, the columns of `supply_terms`, those of the
        supplier filled in, `weekdays` (list of 7), `quoted_lead_time_days`,
        `lead_time_std_days`, `supplier_budget`, `problem`. Series without terms have no row.

    Raises:
        ContractError: A table lacks a column, or the terms share no column with the series key.
    """
    on = [name for name in keys if name in tables.supply_terms.columns]
    if not on:
        raise ContractError(
            f"supply_terms: no column of the series key {list(keys)}; "
            f"there are: {tables.supply_terms.columns}"
        )
    names = [*on, "supplier"]
    terms = clean_table(tables.supply_terms, "supply_terms", keys=on)
    terms = _unique_rows(terms, names, "supply_terms")
    terms = _with_supplier(terms, tables.suppliers)
    terms = _checked_currency(terms, currency)
    days, wrong = parse_order_days(terms["order_days"].to_list())
    terms = terms.with_columns(
        weekdays=pl.Series(days.tolist(), dtype=pl.List(pl.Boolean)),
        **{PROBLEM: pl.coalesce(PROBLEM, pl.Series(wrong, dtype=pl.String))},
    )
    own = terms.rename({"storage_capacity": "terms_capacity"})
    return (
        lines.select(*keys, "storage_capacity")
        .join(own, on=on, how="inner")
        .with_columns(pl.min_horizontal("storage_capacity", "terms_capacity"))
        .drop("terms_capacity")
        .sort(*keys, "supplier")
    )


def _with_supplier(terms: pl.DataFrame, suppliers: pl.DataFrame | None) -> pl.DataFrame:
    """Fills in what the terms leave to the supplier."""
    shared = ("review_period", "order_cost", "order_days", "currency")
    if suppliers is None:
        return terms.with_columns(
            quoted_lead_time_days=pl.lit(None, pl.Float64),
            lead_time_std_days=pl.lit(None, pl.Float64),
            supplier_budget=pl.lit(None, pl.Float64),
        )
    rows = clean_table(suppliers, "suppliers", keys=[])
    rows = _unique_rows(rows, ["supplier"], "suppliers")
    rows = rows.rename({"budget": "supplier_budget"})
    joined = terms.join(rows, on="supplier", how="left", suffix="_of_supplier")
    return joined.with_columns(
        **{name: pl.coalesce(name, f"{name}_of_supplier") for name in shared},
        **{PROBLEM: pl.coalesce(PROBLEM, f"{PROBLEM}_of_supplier")},
    ).drop([f"{name}_of_supplier" for name in (*shared, PROBLEM)])


def _checked_currency(terms: pl.DataFrame, currency: str) -> pl.DataFrame:
    """Marks terms in another currency."""
    if not currency:
        counts = terms["currency"].drop_nulls().value_counts(sort=True)
        currency = str(counts["currency"][0]) if counts.height else ""
    words = pl.format(
        "currency: got '{}'; all costs must be in '{}'", pl.col("currency"), pl.lit(currency)
    )
    other = (pl.col("currency") != currency).fill_null(value=False)
    return terms.with_columns(
        currency=pl.col("currency").fill_null(currency),
        **{PROBLEM: pl.coalesce(PROBLEM, pl.when(other).then(words))},
    )


def _unique_rows(table: pl.DataFrame, keys: Sequence[str], name: str) -> pl.DataFrame:
    """Keeps one row per key; says where there were several."""
    counted = table.with_columns(rows=pl.len().over(keys))
    several = pl.format(f"{name}: {{}} rows of the same key {list(keys)}; expected one", "rows")
    counted = counted.with_columns(
        **{PROBLEM: pl.when(pl.col("rows") > 1).then(several).otherwise(pl.col(PROBLEM))}
    )
    return counted.unique(keys, keep="first", maintain_order=True).drop("rows")
