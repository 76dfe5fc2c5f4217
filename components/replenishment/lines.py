"""One row per series: its stock, what is on its way, and the terms of each supplier it may have.

    keys of forecasts, stock, open orders, terms ── union ─┬─ inventory ─ open orders ─> stock [N]
                                                           └─ supply terms ─ suppliers ─> candidates

A row that cannot be used keeps its place with a status and a reason; the good ones go on.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from demandcast.components.replenishment.order_calendar import parse_order_days
from demandcast.components.replenishment.price_breaks import with_price_problems
from demandcast.components.replenishment.supply_columns import PROBLEM, TABLES, clean_table
from demandcast.schema.errors import ContractError
from demandcast.schema.proposal_table import proposal_schema

__all__ = [
    "SupplyTables",
    "closed_days",
    "gather_candidates",
    "gather_stock",
    "open_order_lines",
    "unmatched_terms",
    "unplaced_problems",
    "with_near_terms",
]

_SHARED_COST = "#shared_cost"
"""Where the cost of an order is that of the supplier, not of the line."""

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
        supplier_closures: Days on which suppliers neither take orders nor deliver.
    """

    inventory: pl.DataFrame
    supply_terms: pl.DataFrame
    open_orders: pl.DataFrame | None = None
    suppliers: pl.DataFrame | None = None
    price_breaks: pl.DataFrame | None = None
    supplier_closures: pl.DataFrame | None = None


def gather_stock(
    forecast_keys: pl.DataFrame, tables: SupplyTables, *, cutoff: datetime.date
) -> pl.DataFrame:
    """Puts stock beside every series that any table knows; terms, where they have the whole key.

    Args:
        forecast_keys: Series with a forecast, key columns as text. Shape [M].
        tables: The tables.
        cutoff: Last period that the forecast saw; orders on their way are those of its evening.

    Returns:
        Key columns, `forecast_row` (null without a forecast), `on_hand`, `on_order`, `reserved`,
        `storage_capacity`, `status` and `reason` (null where nothing is wrong), sorted by key.

    Raises:
        ContractError: A table lacks a column, or a key column has the name of one of ours.
    """
    keys = forecast_keys.columns
    _check_names(keys)
    stock = _unique_rows(clean_table(tables.inventory, "inventory", keys=keys), keys, "inventory")
    forecasts = forecast_keys.with_row_index("forecast_row").with_columns(
        pl.col("forecast_row").cast(pl.Int64)
    )
    parts = [forecasts.select(keys), stock.select(keys)]
    found = stock.with_columns(has_stock=pl.lit(value=True))
    open_lines = open_order_lines(tables.open_orders, keys, cutoff=cutoff)
    if open_lines is not None:
        parts.append(open_lines.select(keys))
    if set(keys) <= set(tables.supply_terms.columns):
        parts.append(_keys_of_terms(tables.supply_terms, keys))
    lines = (
        pl.concat(parts)
        .unique()
        .sort(keys)
        .join(forecasts, on=keys, how="left")
        .join(found, on=keys, how="left")
    )
    if open_lines is not None:
        lines = _with_open_orders(lines, open_lines, keys)
        ordered = open_lines.select(keys).unique().with_columns(is_ordered=pl.lit(value=True))
        lines = lines.join(ordered, on=keys, how="left")
    missing = lines.filter(pl.col("has_stock").is_null())
    return _stock_status(lines.join(_near_keys(missing, stock, keys), on=keys, how="left"), keys)


def _check_names(keys: Sequence[str]) -> None:
    """Refuses key columns that a table beside the forecasts or the proposals have too."""
    ours = {name for columns in TABLES.values() for name in columns} | set(proposal_schema(()))
    clash = [name for name in keys if name in ours]
    if clash:
        raise ContractError(
            f"data.columns.series_key: {clash} are columns of the tables of replenishment; "
            "allowed: any other name"
        )


def _keys_of_terms(terms: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
    """Returns the keys that terms name, each once; those with an empty part name nothing."""
    texts = terms.select(pl.col(on).cast(pl.String).fill_null(""))
    return texts.filter(pl.all_horizontal(pl.col(name) != "" for name in on)).unique()


def _near_keys(lines: pl.DataFrame, table: pl.DataFrame, on: Sequence[str]) -> pl.DataFrame:
    """Finds for keys the one in a table that is the same but for leading zeros, if there is one.

    Returns:
        The key columns and `near`, the other key in words.
    """
    bare = [pl.col(name).str.strip_chars_start("0").alias(f"#{name}") for name in on]
    words = pl.concat_str([pl.format("'{}'", name) for name in on], separator=", ")
    there = table.select(*bare, near=words).unique([f"#{name}" for name in on], keep="first")
    wanted = lines.select(*on, *bare).unique(on)
    return wanted.join(there, on=[f"#{name}" for name in on], how="inner").select(*on, "near")


def with_near_terms(lines: pl.DataFrame, tables: SupplyTables, keys: Sequence[str]) -> pl.DataFrame:
    """Says where a line without terms would have some but for leading zeros of its key."""
    on = [name for name in keys if name in tables.supply_terms.columns]
    terms = clean_table(tables.supply_terms, "supply_terms", keys=on)
    missing = lines.filter(pl.col("status") == "no_terms")
    words = pl.format(
        "no terms of supply fit the series; supply_terms has some of {}: keep zeros", "near"
    )
    return (
        lines.join(_near_keys(missing, terms, on), on=on, how="left", maintain_order="left")
        .with_columns(
            reason=pl.when((pl.col("status") == "no_terms") & pl.col("near").is_not_null())
            .then(words)
            .otherwise("reason")
        )
        .drop("near")
    )


def unplaced_problems(tables: SupplyTables, keys: Sequence[str]) -> Iterator[str]:
    """Words rows that are of no series, as they lack its key: no line can say so.

    Args:
        tables: The tables.
        keys: Key columns of a series.

    Yields:
        A sentence for each table that has such rows.
    """
    yield from _closure_problems(tables)
    for name in ("supply_terms", "price_breaks", "suppliers"):
        table = getattr(tables, name)
        if table is None:
            continue
        on = ["supplier"] if name == "suppliers" else [key for key in keys if key in table.columns]
        clean = clean_table(table, name, keys=[key for key in on if key != "supplier"])
        lacks = pl.any_horizontal(pl.col(key).fill_null("") == "" for key in on)
        rows = clean.with_row_index("#row").filter(lacks)
        if rows.height:
            first = ", ".join(str(row) for row in rows["#row"].head(3))
            yield f"{name}: {', '.join(on)}: no value in {rows.height} rows, first: {first}"


def closed_days(tables: SupplyTables) -> pl.DataFrame | None:
    """Returns `supplier` and `date` of the days on which suppliers are closed; None without any.

    Rows that cannot be read are left out; `unplaced_problems` says which.
    """
    if tables.supplier_closures is None:
        return None
    clean = clean_table(tables.supplier_closures, "supplier_closures", keys=[])
    return clean.filter(pl.col(PROBLEM).is_null()).select("supplier", "date")


def _closure_problems(tables: SupplyTables) -> Iterator[str]:
    """Words closed days that cannot be read, or are of a supplier that nothing is ordered from."""
    if tables.supplier_closures is None:
        return
    clean = clean_table(tables.supplier_closures, "supplier_closures", keys=[])
    wrong = clean.with_row_index("#row").filter(pl.col(PROBLEM).is_not_null())
    if wrong.height:
        first = ", ".join(str(row) for row in wrong["#row"].head(3))
        yield f"{wrong[PROBLEM][0]}; in {wrong.height} of the rows, first: {first}"
    known = tables.supply_terms.get_column("supplier", default=pl.Series([], dtype=pl.String))
    others = set(clean["supplier"].drop_nulls()) - set(known.cast(pl.String).str.strip_chars())
    if others:
        named = ", ".join(sorted(others)[:3])
        yield f"supplier_closures: supplier: no terms of {len(others)} of them, first: {named}"


def unmatched_terms(tables: SupplyTables, series: pl.DataFrame) -> Iterator[str]:
    """Words terms that fit no series: of an item that no store stocks, orders or forecasts.

    Terms with the whole key are lines of their own; those of an item alone name no store that a
    line could be of.

    Args:
        tables: The tables.
        series: Key columns of all lines, as text.

    Yields:
        A sentence, if there are any.
    """
    on = [name for name in series.columns if name in tables.supply_terms.columns]
    if not on:
        return
    known = _keys_of_terms(tables.supply_terms, on)
    lonely = known.join(series, on=on, how="anti").sort(on)
    if lonely.height:
        names = lonely.head(3).select(pl.concat_str(on, separator="/")).to_series().to_list()
        yield (
            f"supply_terms: {lonely.height:,} of no series that is forecast, in stock or on order, "
            f"first {', '.join(names)}: {', '.join(on)} alone names no line"
        )


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
    ordered = pl.col("is_ordered") if "is_ordered" in lines.columns else pl.lit(value=None)
    neither = pl.format(
        "neither a forecast nor the inventory has the series, only {}: it is new, or has ended",
        pl.when(ordered.is_not_null())
        .then(pl.lit("open_orders"))
        .otherwise(pl.lit("supply_terms")),
    )
    near = pl.format("the inventory has no row of the series, but one of {}: keep zeros", "near")
    rules = (
        (pl.col(PROBLEM).is_not_null(), _INVALID, pl.col(PROBLEM)),
        (without_stock & pl.col("near").is_not_null(), "no_inventory", near),
        (without_stock & pl.col("forecast_row").is_null(), "no_forecast", neither),
        (without_stock, "no_inventory", pl.lit("the inventory has no row of the series")),
        (
            pl.col("forecast_row").is_null(),
            "no_forecast",
            pl.lit("there is no forecast of the series: it is new, or has ended"),
        ),
    )
    return lines.select(
        *keys,
        "forecast_row",
        "on_hand",
        pl.col("on_order").fill_null(0.0),
        pl.col("reserved").fill_null(0.0),
        "storage_capacity",
        status=pl.coalesce(pl.when(rule).then(pl.lit(status)) for rule, status, _ in rules),
        reason=pl.coalesce(pl.when(rule).then(words) for rule, _, words in rules),
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
        `lead_time_std_days`, `supplier_budget`, `#terms_row` (which terms, series may share
        them), `problem`. Series without terms have no row.

    Raises:
        ContractError: A table lacks a column, or the terms share no column with the series key.
    """
    on = [name for name in keys if name in tables.supply_terms.columns]
    if not on:
        raise ContractError(
            f"supply_terms: no column of the series key {list(keys)}; "
            f"there are: {tables.supply_terms.columns}"
        )
    terms = clean_table(tables.supply_terms, "supply_terms", keys=on)
    terms = _unique_rows(terms, [*on, "supplier"], "supply_terms")
    terms = terms.with_columns(pl.int_range(pl.len()).alias("#terms_row"))
    terms = _with_supplier(terms, tables.suppliers)
    terms = _with_order_days(_checked_currency(terms, currency))
    own = terms.rename({"storage_capacity": "terms_capacity"})
    candidates = (
        lines.select(*keys, "storage_capacity")
        .join(own, on=on, how="inner")
        .with_columns(pl.min_horizontal("storage_capacity", "terms_capacity"))
        .drop("terms_capacity")
        .sort(*keys, "supplier")
    )
    candidates = _with_line_cost(candidates, [name for name in keys if name not in on])
    return with_price_problems(candidates, tables.price_breaks, keys)


def _with_line_cost(candidates: pl.DataFrame, place: Sequence[str]) -> pl.DataFrame:
    """Shares the cost of an order with a supplier among the lines that it may have.

    Args:
        candidates: One row per series and supplier.
        place: Key columns that terms do not name, such as the store; an order is of one place.
    """
    share = pl.col("order_cost") / pl.len().over([*place, "supplier"])
    cost = pl.when(pl.col(_SHARED_COST)).then(share).otherwise("order_cost")
    return candidates.with_columns(order_cost=cost).drop(_SHARED_COST)


def _with_supplier(terms: pl.DataFrame, suppliers: pl.DataFrame | None) -> pl.DataFrame:
    """Fills in what the terms leave to the supplier."""
    shared = ("review_period", "order_cost", "order_days", "currency")
    if suppliers is None:
        return terms.with_columns(
            quoted_lead_time_days=pl.lit(None, pl.Float64),
            lead_time_std_days=pl.lit(None, pl.Float64),
            supplier_budget=pl.lit(None, pl.Float64),
            terms_of=pl.lit("supply_terms"),
            currency_of=pl.lit("supply_terms"),
            **{_SHARED_COST: pl.lit(value=False)},
        )
    rows = clean_table(suppliers, "suppliers", keys=[])
    rows = _unique_rows(rows, ["supplier"], "suppliers")
    rows = rows.rename({"budget": "supplier_budget"})
    joined = terms.join(rows, on="supplier", how="left", suffix="_of_supplier")
    from_terms, from_supplier = pl.lit("supply_terms"), pl.lit("suppliers")
    return joined.with_columns(
        # For messages: which of the two tables a value is from.
        terms_of=pl.when(pl.col("order_days").is_null()).then(from_supplier).otherwise(from_terms),
        currency_of=pl.when(pl.col("currency").is_null()).then(from_supplier).otherwise(from_terms),
        **{_SHARED_COST: pl.col("order_cost").is_null()},
        **{name: pl.coalesce(name, f"{name}_of_supplier") for name in shared},
        **{PROBLEM: pl.coalesce(PROBLEM, f"{PROBLEM}_of_supplier")},
    ).drop([f"{name}_of_supplier" for name in (*shared, PROBLEM)])


def _checked_currency(terms: pl.DataFrame, currency: str) -> pl.DataFrame:
    """Marks terms in another currency than the given one, or than most."""
    if not currency:
        counts = terms["currency"].drop_nulls().value_counts()
        most = counts.sort(["count", "currency"], descending=[True, False])["currency"]
        currency = str(most[0]) if most.len() else ""
    words = pl.format(
        "{}: currency: got '{}'; allowed: '{}', as all costs",
        "currency_of",
        "currency",
        pl.lit(currency),
    )
    other = (pl.col("currency") != currency).fill_null(value=False)
    return terms.with_columns(
        currency=pl.col("currency").fill_null(currency),
        **{PROBLEM: pl.coalesce(PROBLEM, pl.when(other).then(words))},
    )


def _with_order_days(terms: pl.DataFrame) -> pl.DataFrame:
    """Reads the weekdays on which orders are taken."""
    days, wrong = parse_order_days(terms["order_days"].to_list())
    words = pl.format("{}: {}", "terms_of", pl.lit(pl.Series(wrong, dtype=pl.String)))
    return terms.with_columns(
        weekdays=pl.Series(days.tolist(), dtype=pl.List(pl.Boolean)),
        **{PROBLEM: pl.coalesce(PROBLEM, words)},
    ).drop("terms_of", "currency_of")


def _unique_rows(table: pl.DataFrame, keys: Sequence[str], name: str) -> pl.DataFrame:
    """Keeps one row per key; says where there were several."""
    counted = table.with_columns(pl.len().over(keys).alias("#rows"))
    several = pl.format(f"{name}: {{}} rows of the same {', '.join(keys)}; allowed: one", "#rows")
    # Rows without a key are no duplicates of each other: that they have none is what is wrong.
    whole = pl.all_horizontal(pl.col(key).fill_null("") != "" for key in keys)
    repeated = (pl.col("#rows") > 1) & whole
    counted = counted.with_columns(
        **{PROBLEM: pl.when(repeated).then(several).otherwise(pl.col(PROBLEM))}
    )
    return counted.unique(keys, keep="first", maintain_order=True).drop("#rows")
