"""The tables beside the forecasts: which columns they have, and what a value may be.

A missing column or file, or a column of a type that cannot be meant, stops everything. A wrong
value stops its own line, and says so there, with the line of the file.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from demandcast.schema.errors import ConfigurationError, ContractError

__all__ = [
    "LONGEST_DAYS",
    "MOST_MONEY",
    "MOST_UNITS",
    "PLACE",
    "PROBLEM",
    "TABLES",
    "Column",
    "check_our_names",
    "clean_table",
    "misspelt_columns",
    "rename_columns",
    "unique_rows",
    "value_problem",
]

PROBLEM = "problem"
"""Column that says what is wrong with a row; null where nothing is."""

PLACE = "#place_in_file"
"""Column that says where a row is in its file: 'line 2' of CSV, the header being line 1, as
spreadsheets show it; 'row 1' of Parquet, and of tables that do not say."""

MOST_UNITS = 1e12
"""No business has as many units of an item; with a bound, sums and products stay finite."""

MOST_MONEY = 1e12
"""Nor is a unit or an order dearer, in any currency."""

LONGEST_DAYS = 3650
"""A lead time or a review period above ten years is a mistyped one."""

_SMALLEST_PACK = 1e-6
_LONGEST_LIFE = 1e6
_PLACES_SHOWN = 3
_ALIKE = 0.8
"""How alike the name of a column must be to one of ours, by `difflib`, to be taken for it."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        meaning: With its unit.
        kind: Type of its values.
        required: Whether it must be there; its values too.
        least: Smallest value allowed.
        most: Largest value allowed.
        above: Values must be above.
        below: Values must be below.
    """

    meaning: str
    kind: Literal["number", "whole", "date", "text"] = "number"
    required: bool = False
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None

    @property
    def allowed(self) -> str:
        """Says in words what a value may be."""
        most = [] if self.most is None else [f"at most {_bound_in_words(self.most)}"]
        return self._in_words(most)

    @property
    def allowed_if_small(self) -> str:
        """Says the same without the largest value, of which nobody thinks at a value of -1."""
        return self._in_words([])

    def _in_words(self, most: Sequence[str]) -> str:
        words = {"number": "a number", "whole": "a whole number", "date": "a date as YYYY-MM-DD"}
        bounds = [
            f"{word} {_bound_in_words(bound)}"
            for word, bound in (
                ("of at least", self.least),
                ("above", self.above),
                ("below", self.below),
            )
            if bound is not None
        ]
        return " ".join([words.get(self.kind, "text"), " and ".join([*bounds, *most])]).strip()


def _bound_in_words(bound: float) -> str:
    """Writes a bound without an exponent.

    >>> _bound_in_words(1e12), _bound_in_words(1e-6), _bound_in_words(3650)
    ('1,000,000,000,000', '0.000001', '3650')
    """
    if bound >= 10_000:
        return f"{bound:,.0f}"
    return f"{bound:.6f}".rstrip("0").rstrip(".")


_TERMS_OF_BOTH: dict[str, Column] = {
    "review_period": Column(
        "Periods between two orders; 1 if not given.", "whole", least=1, most=LONGEST_DAYS
    ),
    "order_days": Column(
        "Weekdays on which orders are taken, such as 'mon thu'; every day if not given. The "
        "review period is then the time until the next one.",
        "text",
    ),
    "currency": Column("Of the costs.", "text"),
}

TABLES: Mapping[str, Mapping[str, Column]] = {
    "inventory": {
        "on_hand": Column("Units in stock.", required=True, least=0, most=MOST_UNITS),
        "on_order": Column("Units on their way; 0 if not given.", least=0, most=MOST_UNITS),
        "reserved": Column("Units promised to others; 0 if not given.", least=0, most=MOST_UNITS),
        "storage_capacity": Column("Most units that there is room for.", above=0, most=MOST_UNITS),
    },
    "open_orders": {
        "quantity": Column("Units on their way.", required=True, least=0, most=MOST_UNITS),
        "due": Column("Day on whose morning they arrive.", "date"),
        "ordered": Column("Day of the order; due is then by the supplier's lead time.", "date"),
        "received": Column("Day of arrival; empty while on their way.", "date"),
    },
    "supply_terms": {
        "supplier": Column("Key of the supplier.", "text", required=True),
        "unit_cost": Column(
            "Cost per unit, currency units.", required=True, least=0, most=MOST_MONEY
        ),
        "moq": Column("Smallest order, units; 0 if not given.", least=0, most=MOST_UNITS),
        "pack_size": Column(
            "Units per pack; orders are whole packs; 1 if not given.",
            least=_SMALLEST_PACK,
            most=MOST_UNITS,
        ),
        "holding_cost": Column(
            "Cost per unit in stock and period; by holding_cost_rate if not given.",
            least=0,
            most=MOST_MONEY,
        ),
        "stockout_cost": Column(
            "Cost per unit asked for and not in stock; what the target implies if not given.",
            least=0,
            most=MOST_MONEY,
        ),
        "shelf_life": Column(
            "Whole periods in which a unit can be sold.", "whole", least=1, most=_LONGEST_LIFE
        ),
        "storage_capacity": Column(
            "Most units of the item that there is room for.", above=0, most=MOST_UNITS
        ),
        "available_units": Column(
            "Units that the supplier has for all series of the row together; any if not given. "
            "Where they are scarce they go where they avoid most.",
            least=0,
            most=MOST_UNITS,
        ),
        "order_cost": Column(
            "Cost of an order line, currency units; a share of the supplier's if not given.",
            least=0,
            most=MOST_MONEY,
        ),
        "service_target": Column("Of the measure; service.target if not given.", above=0, below=1),
        **_TERMS_OF_BOTH,
    },
    "suppliers": {
        "supplier": Column("Key of the supplier.", "text", required=True),
        "quoted_lead_time_days": Column(
            "Days from order to arrival that are promised; used without deliveries.",
            least=0,
            most=LONGEST_DAYS,
        ),
        "lead_time_std_days": Column(
            "Their standard deviation; 0 if not given.", least=0, most=LONGEST_DAYS
        ),
        "order_cost": Column(
            "Cost of an order, currency units, shared by the lines that it may have; 0 if not "
            "given.",
            least=0,
            most=MOST_MONEY,
        ),
        "budget": Column(
            "Most that orders with the supplier may cost, currency units.",
            least=0,
            most=MOST_MONEY * 1e6,
        ),
        **_TERMS_OF_BOTH,
    },
    "lead_times": {
        "supplier": Column("Key of the supplier.", "text", required=True),
        "ordered": Column("Day of the order.", "date", required=True),
        "received": Column("Day of arrival; empty while on its way.", "date"),
        "promised": Column("Day of arrival that was promised.", "date"),
        "quantity": Column("Units.", least=0, most=MOST_UNITS),
    },
    "price_breaks": {
        "supplier": Column("Key of the supplier.", "text", required=True),
        "from_quantity": Column(
            "Units from which the price holds.", required=True, above=0, most=MOST_UNITS
        ),
        "unit_cost": Column(
            "Cost per unit of the whole order.", required=True, least=0, most=MOST_MONEY
        ),
        "currency": Column("Of the cost; that of the terms if not given.", "text"),
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
        raise ContractError(f"{table}: no column {missing}; there are: {_shown(frame)}")
    clash = [ours for ours, name in names.items() if ours != name and ours in frame.columns]
    frame = frame.drop([name for name in clash if name not in names.values()])
    return frame.rename({name: ours for ours, name in names.items()})


def _shown(frame: pl.DataFrame) -> list[str]:
    """Lists the columns that the file has."""
    return [name for name in frame.columns if name != PLACE]


def check_our_names(names: Sequence[str], table: str, *, keys: Sequence[str]) -> None:
    """Refuses names that are none of ours; whoever gives one means a column that is not used.

    Args:
        names: Names that should be ours.
        table: Which of `TABLES`.
        keys: Other names that the table may have: those of the series key, and of the day.

    Raises:
        ConfigurationError: A name is unknown; the message has the nearest.
    """
    ours = [*dict.fromkeys([*TABLES[table], *keys])]
    for name in names:
        if name not in ours:
            near = _nearest(name, ours)
            raise ConfigurationError(
                f"replenishment.tables.{table}.columns: {name!r} is no name of ours"
                + (f"; did you mean {near!r}?" if near else "")
                + f"; allowed: {ours}"
            )


def misspelt_columns(
    columns: Sequence[str], table: str, *, keys: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Finds columns that are not used and nearly have a name of ours that is not there.

    Args:
        columns: Of the file, with our names.
        table: Which of `TABLES`.
        keys: Other names that the table may have.

    Yields:
        The name in the file, and ours.

    >>> list(misspelt_columns(["item", "on_hand", "Reserve"], "inventory", keys=["item"]))
    [('Reserve', 'reserved')]
    """
    absent = [name for name in TABLES[table] if name not in columns]
    for name in columns:
        if name not in TABLES[table] and name not in keys:
            near = _nearest(name, absent)
            if near:
                yield name, near


def _nearest(name: str, ours: Sequence[str]) -> str | None:
    """Returns the name that is most alike, if one is alike at all."""
    plain = name.strip().lower().replace(" ", "_").replace("-", "_")
    return next(iter(difflib.get_close_matches(plain, ours, n=1, cutoff=_ALIKE)), None)


def clean_table(frame: pl.DataFrame, table: str, *, keys: Sequence[str]) -> pl.DataFrame:
    """Types the columns of a table and says what is wrong with which row.

    Args:
        frame: With our names.
        table: Which of `TABLES` it is.
        keys: Columns of text that name its rows.

    Returns:
        The keys as text, empty where there is none, the known columns with their types, null where
        a value is missing or wrong, missing columns as null, `problem`, and `PLACE`. Rows as they
        were.

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
    problem = pl.coalesce(
        [value_problem(name, one, typed[name]) for name, one in (own_keys | known).items()]
        or [pl.lit(None, dtype=pl.String)]
    )
    place = (
        pl.col(PLACE)
        if PLACE in frame.columns
        else pl.format("row {}", pl.int_range(1, pl.len() + 1))
    )
    absent = {
        name: pl.lit(None, dtype=_dtype(one)) for name, one in columns.items() if name not in known
    }
    # An empty key equals no other, but for the rows that lack it too: these stay together.
    texts = {name: pl.col(name).cast(pl.String).fill_null("") for name in own_keys}
    return frame.select(
        **texts,
        **{name: _usable(one, typed[name]).alias(name) for name, one in known.items()},
        **absent,
        **{PROBLEM: pl.format(f"{table}, {{}}: {{}}", place, problem), PLACE: place},
    )


def unique_rows(table: pl.DataFrame, keys: Sequence[str], name: str) -> pl.DataFrame:
    """Keeps one row per key; says where there were several.

    Args:
        table: From `clean_table`.
        keys: Columns that should name a row.
        name: Of the table, for messages.

    Returns:
        The first row of each key.
    """
    first = pl.col(PLACE).head(_PLACES_SHOWN).implode().over(keys).list.join(", ")
    counted = table.with_columns(pl.len().over(keys).alias("#rows"), first.alias("#first"))
    several = pl.format(
        f"{name}: {{}} rows of the same {', '.join(keys)}, first: {{}}; allowed: one",
        "#rows",
        "#first",
    )
    # Rows without a key are no duplicates of each other: that they have none is what is wrong.
    whole = pl.all_horizontal(pl.col(key).fill_null("") != "" for key in keys)
    repeated = (pl.col("#rows") > 1) & whole
    counted = counted.with_columns(
        **{PROBLEM: pl.when(repeated).then(several).otherwise(pl.col(PROBLEM))}
    )
    kept = counted.unique(keys, keep="first", maintain_order=True)
    return kept.drop("#rows", "#first")


_KEY = Column("Key of the series.", "text", required=True)


def _check_columns(frame: pl.DataFrame, table: str, columns: Mapping[str, Column]) -> None:
    """Refuses a table that lacks a column, or has one of a type that cannot be meant."""
    required = [name for name, one in TABLES[table].items() if one.required]
    missing = [name for name in dict.fromkeys([*columns, *required]) if name not in frame.columns]
    if missing:
        raise ContractError(f"{table}: no column {missing}; there are: {_shown(frame)}")
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
    if column.most is not None:
        outside |= typed > column.most
    if column.above is not None:
        outside |= typed <= column.above
    if column.below is not None:
        outside |= typed >= column.below
    return outside.fill_null(value=False)


def value_problem(name: str, column: Column, typed: pl.Expr) -> pl.Expr:
    """Words what is wrong with a value; null where nothing is.

    Args:
        name: Of the column, as it was read.
        column: What is allowed in it.
        typed: Its values; null where one cannot be read.
    """
    raw = pl.col(name).cast(pl.String)
    empty = raw.is_null() | (raw.str.strip_chars() == "")
    wrong = (~empty & typed.is_null()) | _outside(column, typed)
    words = pl.format(f"{name}: got '{{}}'; allowed: {column.allowed_if_small}", raw)
    if column.most is not None:
        large = pl.format(f"{name}: got '{{}}'; allowed: {column.allowed}", raw)
        words = pl.when(typed.is_finite() & (typed > column.most)).then(large).otherwise(words)
    missing = pl.lit(f"{name}: no value; it must be given")
    return pl.when(wrong).then(words).when(empty & pl.lit(column.required)).then(missing)
