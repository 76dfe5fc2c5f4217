"""The tables beside the forecasts: which columns they have, and what a value may be.

A missing column or file, or a column of a type that cannot be meant, stops everything. A wrong
value stops its own line, and says so there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from demandcast.schema.errors import ContractError

__all__ = ["PROBLEM", "TABLES", "Column", "clean_table", "rename_columns"]

PROBLEM = "problem"
"""Column that says what is wrong with a row; null where nothing is."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        meaning: With its unit.
        kind: Type of its values.
        required: Whether it must be there; its values too.
        least: Smallest value allowed.
        above: Values must be above.
        below: Values must be below.
    """

    meaning: str
    kind: Literal["number", "whole", "date", "text"] = "number"
    required: bool = False
    least: float | None = None
    above: float | None = None
    below: float | None = None

    @property
    def allowed(self) -> str:
        """Says in words what a value may be."""
        words = {"number": "a number", "whole": "a whole number", "date": "a date as YYYY-MM-DD"}
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (
                ("of at least", self.least),
                ("above", self.above),
                ("below", self.below),
            )
            if bound is not None
        ]
        return " ".join([words.get(self.kind, "text"), " and ".join(bounds)]).strip()


_TERMS_OF_BOTH: dict[str, Column] = {
    "review_period": Column("Periods between two orders; 1 if not given.", "whole", least=1),
    "order_days": Column(
        "Weekdays on which orders are taken, such as 'mon thu'; every day if not given. The "
        "review period is then the time until the next one.",
        "text",
    ),
    "currency": Column("Of the costs.", "text"),
}

TABLES: Mapping[str, Mapping[str, Column]] = {
    "inventory": {
        "on_hand": Column("Units in stock.", required=True, least=0),
        "on_order": Column("Units on their way; 0 if not given.", least=0),
        "reserved": Column("Units promised to others; 0 if not given.", least=0),
        "storage_capacity": Column("Most units that there is room for.", above=0),
    },
    "open_orders": {
        "quantity": Column("Units on their way.", required=True, least=0),
        "due": Column("Day on whose morning they arrive.", "date"),
        "ordered": Column("Day of the order; due is then by the supplier's lead time.", "date"),
        "received": Column("Day of arrival; empty while on their way.", "date"),
    },
    "supply_terms": {
        "supplier": Column("Key of the supplier.", "text", required=True),
        "unit_cost": Column("Cost per unit, currency units.", required=True, least=0),
        "moq": Column("Smallest order, units; 0 if not given.", least=0),
        "pack_size": Column("Units per pack; orders are whole packs; 1 if not given.", above=0),
        "holding_cost": Column(
            "Cost per unit in stock and period; by holding_cost_rate if not given.", least=0
        ),
        "stockout_cost": Column(
            "Cost per unit asked for and not in stock; what the target implies if not given.",
            least=0,
        ),
        "shelf_life": Column("Whole periods in which a unit can be sold.", "whole", least=1),
        "storage_capacity": Column("Most units of the item that there is room for.", above=0),
        "available_units": Column(
            "Units that the supplier has for all series of the row together; any if not given. "
            "Where they are scarce they go where they avoid most.",
            least=0,
        ),
        "order_cost": Column(
            "Cost of an order line, currency units; a share of the supplier's if not given.",
            least=0,
        ),
        "service_target": Column("Of the measure; service.target if not given.", above=0, below=1),
        **_TERMS_OF_BOTH,
    },
    "suppliers": {
        "supplier": Column("Key of the supplier.", "text", required=True),
        "quoted_lead_time_days": Column(
            "Days from order to arrival that are promised; used without deliveries.", least=0
        ),
        "lead_time_std_days": Column(
            "Their standard deviation; 0 if not given.",
            least=0,
        ),
        "order_cost": Column(
            "Cost of an order, currency units, shared by the lines that it may have; 0 if not "
            "given.",
            least=0,
        ),
        "budget": Column("Most that orders with the supplier may cost, currency units.", least=0),
        **_TERMS_OF_BOTH,
    },
    "lead_times": {
        "supplier": Column("Key of the supplier.", "text", required=True),
        "ordered": Column("Day of the order.", "date", required=True),
        "received": Column("Day of arrival; empty while on its way.", "date"),
        "promised": Column("Day of arrival that was promised.", "date"),
        "quantity": Column("Units.", least=0),
    },
    "price_breaks": {
        "supplier": Column("Key of the supplier.", "text", required=True),
        "from_quantity": Column("Units from which the price holds.", required=True, above=0),
        "unit_cost": Column("Cost per unit of the whole order.", required=True, least=0),
    },
    "supplier_closures": {
        "supplier": Column("Key of the supplier.", "text", required=True),
        "date": Column("Day on which it neither takes orders nor delivers.", "date", required=True),
    },
}
"""Columns by table; all but those that are required may be left out."""


def rename_columns(frame: pl.DataFrame, names: Mapping[str, str], *, table: str) -> pl.DataFrame:
    """Gives the columns our names.

    Args:
        frame: As it was read.
        names: Names in the file by ours.
        table: Its name, for messages.

    Raises:
        ContractError: The file has no such column, or already has one of our name.
    """
    missing = [name for name in names.values() if name not in frame.columns]
    if missing:
        raise ContractError(f"{table}: no column {missing}; there are: {frame.columns}")
    clash = [ours for ours, name in names.items() if ours != name and ours in frame.columns]
    frame = frame.drop([name for name in clash if name not in names.values()])
    return frame.rename({name: ours for ours, name in names.items()})


def clean_table(frame: pl.DataFrame, table: str, *, keys: Sequence[str]) -> pl.DataFrame:
    """Types the columns of a table and says what is wrong with which row.

    Args:
        frame: With our names.
        table: Which of `TABLES` it is.
        keys: Columns of text that name its rows.

    Returns:
        The keys as text, empty where there is none, the known columns with their types, null where
        a value is missing or wrong, missing columns as null, and `problem`. Rows as they were.

    Raises:
        ContractError: A key or a required column is missing, or a column has a type that its
            values cannot be read from.
    """
    columns = TABLES[table]
    own_keys = {name: _KEY for name in keys if name not in columns}
    known = {name: one for name, one in columns.items() if name in frame.columns}
    _check_columns(frame, table, known | own_keys)
    frame = _without_empty_floats(frame, known | own_keys)
    typed = {name: _typed(frame, name, one) for name, one in (own_keys | known).items()}
    problems = [_problem(name, one, typed[name], table) for name, one in (own_keys | known).items()]
    absent = {
        name: pl.lit(None, dtype=_dtype(one)) for name, one in columns.items() if name not in known
    }
    # An empty key equals no other, but for the rows that lack it too: these stay together.
    texts = {name: pl.col(name).cast(pl.String).fill_null("") for name in own_keys}
    return frame.select(
        **texts,
        **{name: _usable(one, typed[name]).alias(name) for name, one in known.items()},
        **absent,
        **{PROBLEM: pl.coalesce([*problems, pl.lit(None, dtype=pl.String)])},
    )


_KEY = Column("Key of the series.", "text", required=True)


def _check_columns(frame: pl.DataFrame, table: str, columns: Mapping[str, Column]) -> None:
    """Refuses a table that lacks a column, or has one of a type that cannot be meant."""
    required = [name for name, one in TABLES[table].items() if one.required]
    missing = [name for name in dict.fromkeys([*columns, *required]) if name not in frame.columns]
    if missing:
        raise ContractError(f"{table}: no column {missing}; there are: {frame.columns}")
    for name, column in columns.items():
        if not _readable(frame[name], column.kind):
            raise ContractError(
                f"{table}: {name}: a column of {frame.schema[name]}; "
                f"allowed: {_READABLE[column.kind]}"
            )


_READABLE = {
    "number": "numbers, or text that holds them",
    "whole": "numbers, or text that holds them",
    "date": "dates, or text as YYYY-MM-DD",
    "text": "text or whole numbers",
}


def _readable(values: pl.Series, kind: str) -> bool:
    """Tells whether values of a kind can be read from a column.

    A number is no day, and a floating point number no key: 7.0 is neither '007' nor '7'. Where
    all of an optional column is empty, pandas writes it as NaN, whatever it would hold.
    """
    found = values.dtype
    if found in (pl.String, pl.Null) or isinstance(found, pl.Categorical | pl.Enum):
        return True
    if kind in ("number", "whole"):
        return found.is_numeric()
    if found.is_float():
        return bool(values.is_nan().fill_null(value=True).all())
    return found.is_integer() if kind == "text" else isinstance(found, pl.Date | pl.Datetime)


def _without_empty_floats(frame: pl.DataFrame, columns: Mapping[str, Column]) -> pl.DataFrame:
    """Makes text of floating point columns where text or dates would be: all of them is empty."""
    empty = [
        pl.lit(None, dtype=pl.String).alias(name)
        for name, column in columns.items()
        if column.kind in ("text", "date") and frame.schema[name].is_float()
    ]
    return frame.with_columns(empty)


def _dtype(column: Column) -> pl.DataType:
    return {"date": pl.Date(), "text": pl.String()}.get(column.kind, pl.Float64())


def _typed(frame: pl.DataFrame, name: str, column: Column) -> pl.Expr:
    """Casts a column; what cannot be cast is null."""
    value, found = pl.col(name), frame.schema[name]
    if isinstance(found, pl.Categorical | pl.Enum):
        value, found = value.cast(pl.String), pl.String()
    if column.kind == "text":
        text = value.cast(pl.String).str.strip_chars()
        return pl.when(text != "").then(text)
    if found == pl.String:
        value = pl.when(value.str.strip_chars() != "").then(value.str.strip_chars())
        if column.kind == "date":
            return value.str.head(10).str.to_date("%Y-%m-%d", strict=False)
    return value.cast(_dtype(column), strict=False)


def _usable(column: Column, typed: pl.Expr) -> pl.Expr:
    """Keeps values that are allowed."""
    return pl.when(~_outside(column, typed)).then(typed)


def _outside(column: Column, typed: pl.Expr) -> pl.Expr:
    """Tells which values are there and not allowed."""
    if column.kind in ("date", "text"):
        return pl.lit(value=False)
    outside = ~typed.is_finite()
    if column.kind == "whole":
        outside |= typed.is_finite() & (typed != typed.floor())
    if column.least is not None:
        outside |= typed < column.least
    if column.above is not None:
        outside |= typed <= column.above
    if column.below is not None:
        outside |= typed >= column.below
    return outside.fill_null(value=False)


def _problem(name: str, column: Column, typed: pl.Expr, table: str) -> pl.Expr:
    """Words what is wrong with a value; null where nothing is."""
    raw = pl.col(name).cast(pl.String)
    empty = raw.is_null() | (raw.str.strip_chars() == "")
    wrong = (~empty & typed.is_null()) | _outside(column, typed)
    words = pl.format(f"{table}: {name}: got '{{}}'; allowed: {column.allowed}", raw)
    missing = pl.lit(f"{table}: {name}: no value; it must be given")
    return pl.when(wrong).then(words).when(empty & pl.lit(column.required)).then(missing)
