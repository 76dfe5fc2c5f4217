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
from demandcast.components.replenishment.supplier_rows import supplier_rows
from demandcast.components.replenishment.supply_columns import (
    PLACE,
    PROBLEM,
    TABLES,
    clean_table,
    unique_rows,
)
from demandcast.schema.errors import ContractError
from demandcast.schema.proposal_table import proposal_schema

__all__ = [
    "LONGEST_OPEN_DAYS",
    "LONGEST_OVERDUE_DAYS",
    "SupplyTables",
    "closed_days",
    "gather_candidates",
    "gather_stock",
    "open_order_lines",
    "unmatched_terms",
    "unplaced_problems",
    "with_near_terms",
]

LONGEST_OVERDUE_DAYS = 90
"""An order that is overdue for longer is one that nobody closed: it does not count as on its way.
Counted, it would leave a shelf empty for good; not counted, at worst something is ordered twice."""

LONGEST_OPEN_DAYS = 730
"""The same of an order without a day of arrival, since it was ordered; as in the fit of lead times
(`HistorySettings.abandoned_after`)."""

_SHARED_COST = "#shared_cost"
"""Where the cost of an order is that of the supplier, not of the line."""

_LISTED = "#listed"
"""Whether the table of suppliers has the supplier."""

_INVALID = "invalid"

_OVERDUE: dict[str, pl.DataType] = {
    "overdue_units": pl.Float64(),
    "overdue_since": pl.Date(),
    "abandoned_units": pl.Float64(),
    "abandoned_since": pl.Date(),
}
"""Columns that say what of the orders on their way is late."""


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
    forecast_keys: pl.DataFrame,
    tables: SupplyTables,
    *,
    evening: datetime.date,
    wrong_forecasts: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Puts stock beside every series that any table knows; terms, where they have the whole key.

    Args:
        forecast_keys: Series with a forecast, key columns as text. Shape [M].
        tables: The tables.
        evening: Last known day; orders on their way are those of its evening.
        wrong_forecasts: Series with a forecast that cannot be used: key columns and `problem`;
            None without any.

    Returns:
        Key columns, `forecast_row` (null without a forecast), `on_hand`, `on_order`, `reserved`,
        `storage_capacity`, `overdue_units` and `abandoned_units` (of orders on their way, the
        latter not in `on_order`) with `overdue_since` and `abandoned_since`, `status` and `reason`
        (null where nothing is wrong), sorted by key.

    Raises:
        ContractError: A table lacks a column, or a key column has the name of one of ours.
    """
    keys = forecast_keys.columns
    _check_names(keys)
    stock = clean_table(tables.inventory, "inventory", keys=keys)
    stock = unique_rows(stock, keys, "inventory").drop(PLACE)
    forecasts = forecast_keys.with_row_index("forecast_row").with_columns(
        pl.col("forecast_row").cast(pl.Int64)
    )
    wrong = forecast_keys.clear() if wrong_forecasts is None else wrong_forecasts
    wrong = _with_text(wrong, PROBLEM).rename({PROBLEM: "forecast_problem"})
    parts = [forecasts.select(keys), stock.select(keys), wrong.select(keys)]
    found = stock.with_columns(has_stock=pl.lit(value=True))
    open_lines = _open_lines(tables.open_orders, keys, evening=evening)
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
        .join(wrong, on=keys, how="left")
    )
    lines = _with_open_orders(lines, open_lines, keys)
    if open_lines is not None:
        ordered = open_lines.select(keys).unique().with_columns(is_ordered=pl.lit(value=True))
        lines = lines.join(ordered, on=keys, how="left")
    lines = lines.join(_near_keys(lines, stock, keys), on=keys, how="left")
    near_forecasts = _near_keys(lines, forecasts, keys).rename({"near": "near_forecast"})
    return _stock_status(lines.join(near_forecasts, on=keys, how="left"), keys)


def _with_text(table: pl.DataFrame, name: str) -> pl.DataFrame:
    """Adds a column of text where it is not there."""
    if name in table.columns:
        return table
    return table.with_columns(pl.lit(None, pl.String).alias(name))


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
    """Finds for keys without a row in a table one that nearly is the same, if there is one.

    Returns:
        The key columns and `near`: the other key in words, and what is to be done.
    """
    plain = {name: pl.col(name).str.strip_chars() for name in on}
    bare = [
        text.str.to_lowercase().str.strip_chars_start("0").alias(f"#{name}")
        for name, text in plain.items()
    ]
    others = [pl.col(name).alias(f"#other_{name}") for name in on]
    there = table.select(*bare, *others).unique([f"#{name}" for name in on], keep="first")
    wanted = lines.select(on).unique().join(table.select(on).unique(), on=on, how="anti")
    found = wanted.with_columns(bare).join(there, on=[f"#{name}" for name in on], how="inner")
    pairs = [(plain[name], pl.col(f"#other_{name}").str.strip_chars()) for name in on]
    advice = (
        pl.when(pl.all_horizontal(one == other for one, other in pairs))
        .then(pl.lit("remove the spaces"))
        .when(
            pl.all_horizontal(
                one.str.to_lowercase() == other.str.to_lowercase() for one, other in pairs
            )
        )
        .then(pl.lit("mind the capitals"))
        .otherwise(pl.lit("keep zeros"))
    )
    words = pl.concat_str([pl.format("'{}'", f"#other_{name}") for name in on], separator=", ")
    return found.select(*on, near=pl.format("{}: {}", words, advice))


def with_near_terms(lines: pl.DataFrame, tables: SupplyTables, keys: Sequence[str]) -> pl.DataFrame:
    """Says where a line without terms would have some but for zeros or spaces of its key."""
    on = [name for name in keys if name in tables.supply_terms.columns]
    terms = clean_table(tables.supply_terms, "supply_terms", keys=on)
    missing = lines.filter(pl.col("status") == "no_terms")
    words = pl.format("no terms of supply fit the series; supply_terms has some of {}", "near")
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
        rows = clean.filter(lacks)
        if rows.height:
            first = ", ".join(rows[PLACE].head(3))
            count = f"{rows.height} row{'' if rows.height == 1 else 's'}"
            yield f"{name}: {', '.join(on)}: no value in {count}, first: {first}; left out"


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
    wrong = clean.filter(pl.col(PROBLEM).is_not_null())
    if wrong.height:
        rows = f"{wrong.height} row{'' if wrong.height == 1 else 's'}"
        yield f"{wrong[PROBLEM][0]}; {rows} left out"
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
    open_orders: pl.DataFrame | None, keys: Sequence[str], *, evening: datetime.date
) -> pl.DataFrame | None:
    """Returns the lines that are on their way in the evening of a day; None without a table.

    A line whose day of arrival is known beforehand is on its way until then: what came later is
    not looked at. What nobody expects any more is left out.

    Args:
        open_orders: Table `open_orders`; None without one.
        keys: Key columns.
        evening: Last known day.

    Returns:
        Key columns, quantity, due, ordered, problem.
    """
    lines = _open_lines(open_orders, keys, evening=evening)
    return None if lines is None else lines.filter(~pl.col("abandoned"))


def _open_lines(
    open_orders: pl.DataFrame | None, keys: Sequence[str], *, evening: datetime.date
) -> pl.DataFrame | None:
    """Returns the lines on their way, and of each whether it is `overdue` or even `abandoned`."""
    if open_orders is None:
        return None
    lines = clean_table(open_orders, "open_orders", keys=keys).drop(PLACE)
    due, ordered = pl.col("due"), pl.col("ordered")
    placed = ordered.is_null() | (ordered <= evening)
    arrived = (pl.col("received") <= evening).fill_null(value=False)
    late, age = ((pl.lit(evening) - day).dt.total_days() for day in (due, ordered))
    abandoned = (late > LONGEST_OVERDUE_DAYS) | (due.is_null() & (age > LONGEST_OPEN_DAYS))
    return lines.filter(placed & ~arrived).with_columns(
        overdue=(late >= 0).fill_null(value=False),
        abandoned=abandoned.fill_null(value=False),
    )


def _with_open_orders(
    lines: pl.DataFrame, open_lines: pl.DataFrame | None, keys: Sequence[str]
) -> pl.DataFrame:
    """Replaces on_order by the sum of the lines on their way, if there is a table of them."""
    if open_lines is None:
        nothing = {name: pl.lit(None, kind) for name, kind in _OVERDUE.items()}
        return lines.with_columns(**nothing)
    since = pl.coalesce("due", "ordered")
    late, gone = pl.col("overdue") & ~pl.col("abandoned"), pl.col("abandoned")
    quantity = pl.col("quantity")
    sums = open_lines.group_by(keys).agg(
        quantity.filter(~gone).sum(),
        pl.col(PROBLEM).drop_nulls().first().alias("order_problem"),
        overdue_units=quantity.filter(late).sum(),
        overdue_since=since.filter(late).min(),
        abandoned_units=quantity.filter(gone).sum(),
        abandoned_since=since.filter(gone).min(),
    )
    return (
        lines.join(sums, on=keys, how="left")
        .with_columns(
            on_order=quantity.fill_null(0.0),
            **{PROBLEM: pl.coalesce(PROBLEM, "order_problem")},
        )
        .drop("quantity", "order_problem")
    )


def _stock_status(lines: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Says which series cannot be computed, and why."""
    without_stock, without_forecast = (
        pl.col("has_stock").is_null(),
        pl.col("forecast_row").is_null() & pl.col("forecast_problem").is_null(),
    )
    ordered = pl.col("is_ordered") if "is_ordered" in lines.columns else pl.lit(value=None)
    neither = pl.format(
        "neither a forecast nor the inventory has the series, only {}: it is new, or has ended",
        pl.when(ordered.is_not_null())
        .then(pl.lit("open_orders"))
        .otherwise(pl.lit("supply_terms")),
    )
    near = pl.format("the inventory has no row of the series, but one of {}", "near")
    near_forecast = pl.format("there is no forecast of the series, but one of {}", "near_forecast")
    none = pl.lit("there is no forecast of the series: it is new, or has ended")
    rules = (
        (pl.col(PROBLEM).is_not_null(), _INVALID, pl.col(PROBLEM)),
        (without_stock & pl.col("near").is_not_null(), "no_inventory", near),
        (without_stock & without_forecast, "no_forecast", neither),
        (without_stock, "no_inventory", pl.lit("the inventory has no row of the series")),
        (pl.col("forecast_problem").is_not_null(), _INVALID, pl.col("forecast_problem")),
        (without_forecast & pl.col("near_forecast").is_not_null(), "no_forecast", near_forecast),
        (without_forecast, "no_forecast", none),
    )
    return lines.select(
        *keys,
        "forecast_row",
        "on_hand",
        pl.col("on_order").fill_null(0.0),
        pl.col("reserved").fill_null(0.0),
        "storage_capacity",
        *_OVERDUE,
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
        them), `without_lead_time` (what is missing if the supplier has none, in words),
        `problem`. Series without terms have no row.

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
    terms = unique_rows(terms, [*on, "supplier"], "supply_terms")
    terms = terms.with_columns(pl.int_range(pl.len()).alias("#terms_row"))
    terms = _with_supplier(terms, tables.suppliers)
    terms = _checked_currency(terms, currency, tables.price_breaks)
    terms = _with_lead_time_words(_with_order_days(terms), tables.suppliers)
    own = terms.drop(PLACE).rename({"storage_capacity": "terms_capacity"})
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
            terms_of=pl.format("supply_terms, {}", PLACE),
            currency_of=pl.format("supply_terms, {}", PLACE),
            **{_SHARED_COST: pl.lit(value=False), _LISTED: pl.lit(value=False)},
        )
    rows = supplier_rows(suppliers).rename({"budget": "supplier_budget"})
    rows = rows.with_columns(pl.lit(value=True).alias(_LISTED))
    joined = terms.join(rows, on="supplier", how="left", suffix="_of_supplier")
    from_terms = pl.format("supply_terms, {}", PLACE)
    from_supplier = pl.format("suppliers, {}", f"{PLACE}_of_supplier")
    return joined.with_columns(
        # For messages: which of the two tables a value is from.
        terms_of=pl.when(pl.col("order_days").is_null()).then(from_supplier).otherwise(from_terms),
        currency_of=pl.when(pl.col("currency").is_null()).then(from_supplier).otherwise(from_terms),
        **{_SHARED_COST: pl.col("order_cost").is_null()},
        **{name: pl.coalesce(name, f"{name}_of_supplier") for name in shared},
        **{PROBLEM: pl.coalesce(PROBLEM, f"{PROBLEM}_of_supplier")},
    ).drop([f"{name}_of_supplier" for name in (*shared, PROBLEM, PLACE)])


def _with_lead_time_words(terms: pl.DataFrame, suppliers: pl.DataFrame | None) -> pl.DataFrame:
    """Words what is missing where a supplier turns out to have no lead time."""
    near = terms.select("supplier").clear().with_columns(near=pl.lit(None, pl.String))
    if suppliers is not None:
        near = _near_keys(terms.drop_nulls("supplier"), supplier_rows(suppliers), ["supplier"])
    absent = pl.format(
        "supply_terms, {}: supplier: '{}' is not in the table suppliers{}, and has no deliveries "
        "in lead_times",
        PLACE,
        "supplier",
        pl.format(", but {}", "near").fill_null(""),
    )
    table = pl.format(
        "supply_terms, {}: supplier: '{}' has no deliveries in lead_times, and there is no table "
        "suppliers with a quoted lead time",
        PLACE,
        "supplier",
    )
    quote = pl.format(
        "suppliers: quoted_lead_time_days: no value for supplier '{}', and no deliveries in "
        "lead_times",
        "supplier",
    )
    listed = pl.col(_LISTED).fill_null(value=False)
    words = pl.when(listed).then(quote).otherwise(table if suppliers is None else absent)
    joined = terms.join(near, on="supplier", how="left", maintain_order="left")
    return joined.with_columns(without_lead_time=words).drop("near", _LISTED)


def _checked_currency(
    terms: pl.DataFrame, currency: str, price_breaks: pl.DataFrame | None
) -> pl.DataFrame:
    """Marks terms in another currency than the given one, or than most."""
    currency = currency or _most_frequent(terms["currency"])
    if not currency and price_breaks is not None and "currency" in price_breaks.columns:
        currency = _most_frequent(price_breaks["currency"].cast(pl.String).str.strip_chars())
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


def _most_frequent(values: pl.Series) -> str:
    """Returns the text that is most frequent, of several the first by name; empty without any."""
    counts = values.filter(values.str.len_chars() > 0).rename("value").value_counts()
    most = counts.sort(["count", "value"], descending=[True, False])["value"]
    return str(most[0]) if most.len() else ""


def _with_order_days(terms: pl.DataFrame) -> pl.DataFrame:
    """Reads the weekdays on which orders are taken."""
    days, wrong = parse_order_days(terms["order_days"].to_list())
    words = pl.format("{}: {}", "terms_of", pl.lit(pl.Series(wrong, dtype=pl.String)))
    return terms.with_columns(
        weekdays=pl.Series(days.tolist(), dtype=pl.List(pl.Boolean)),
        **{PROBLEM: pl.coalesce(PROBLEM, words)},
    ).drop("terms_of", "currency_of")
