"""The supply of warehouses: which columns its table has, and what a value may be.

A missing column stops everything. A wrong value stops its own row, and says so there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from demandcast.components.replenishment.supply_columns import (
    LONGEST_DAYS,
    MOST_MONEY,
    MOST_UNITS,
    PROBLEM,
    Column,
    value_problem,
)
from demandcast.schema.errors import ContractError

__all__ = ["WAREHOUSE", "WAREHOUSE_COLUMNS", "item_columns", "warehouse_rows"]

WAREHOUSE = "warehouse"
"""Column that names the warehouse."""

WAREHOUSE_COLUMNS: Mapping[str, Column] = {
    "on_hand": Column("Units there that can be sent.", required=True, least=0, most=MOST_UNITS),
    "transport_days": Column(
        "Days from the order day to the store; 0 if not given.", least=0, most=LONGEST_DAYS
    ),
    "transport_cost": Column(
        "Cost of bringing a unit, currency units; 0 if not given.", least=0, most=MOST_MONEY
    ),
    "pack_size": Column(
        "Units per pack, the same for an item at all warehouses; whole packs are sent; 1 if not "
        "given.",
        above=0,
        most=MOST_UNITS,
    ),
}
"""Numbers beside the warehouse and the columns of the series key."""

_DEFAULTS = {"transport_days": 0.0, "transport_cost": 0.0, "pack_size": 1.0}


def item_columns(supply: pl.DataFrame, keys: Sequence[str]) -> list[str]:
    """Returns the columns of the series key by which a row finds its series.

    Raises:
        ContractError: There is none, a column that is needed is missing, or the key has its name.
    """
    clash = sorted({WAREHOUSE, *WAREHOUSE_COLUMNS} & set(keys))
    if clash:
        raise ContractError(
            f"data.columns.series_key: {clash} are columns of the supply; allowed: any other name"
        )
    missing = [name for name in (WAREHOUSE, "on_hand") if name not in supply.columns]
    if missing:
        raise ContractError(f"supply: no column {missing}; there are: {supply.columns}")
    on = [name for name in keys if name in supply.columns]
    if not on:
        raise ContractError(
            f"supply: no column of the series key {list(keys)}; there are: {supply.columns}"
        )
    return on


def warehouse_rows(supply: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Types the rows and says what is wrong with which.

    Args:
        supply: A row per warehouse and item, as it was read.
        keys: Key columns of a series.

    Returns:
        `warehouse`, the item columns as text, the numbers with their defaults, and `problem`. Rows
        as they were.

    Raises:
        ContractError: As `item_columns`.
    """
    names = [WAREHOUSE, *item_columns(supply, keys)]
    texts = {name: pl.col(name).cast(pl.String).str.strip_chars().fill_null("") for name in names}
    given = {name: one for name, one in WAREHOUSE_COLUMNS.items() if name in supply.columns}
    problems = [_missing_key(name) for name in names]
    problems += [_problem(name, column) for name, column in given.items()]
    numbers = {
        name: _number(name).fill_null(pl.lit(_DEFAULTS.get(name), pl.Float64)) for name in given
    }
    absent = {name: pl.lit(value) for name, value in _DEFAULTS.items() if name not in given}
    rows = supply.select(**texts, **numbers, **absent, **{PROBLEM: pl.coalesce(problems)})
    return rows.with_columns(**{PROBLEM: pl.coalesce(PROBLEM, *_of_several_rows(names))})


def _of_several_rows(names: Sequence[str]) -> tuple[pl.Expr, pl.Expr]:
    """Words what is wrong with rows together."""
    count, packs = pl.len().over(names), pl.col("pack_size").n_unique().over(names[1:])
    key = ", ".join(names)
    twice = pl.format(f"supply: {{}} rows of the same {key}; allowed: one", count)
    uneven = f"supply: pack_size: several for the same {', '.join(names[1:])}; allowed: one"
    return pl.when(count > 1).then(twice), pl.when(packs > 1).then(pl.lit(uneven))


def _missing_key(name: str) -> pl.Expr:
    empty = pl.col(name).cast(pl.String).str.strip_chars().fill_null("") == ""
    return pl.when(empty).then(pl.lit(f"supply: {name}: no value; it must be given"))


def _typed(name: str) -> pl.Expr:
    """Reads a number; what is none is null."""
    return pl.col(name).cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False)


def _number(name: str) -> pl.Expr:
    """Reads a number; what is none, or infinite, is null."""
    value = _typed(name)
    return pl.when(value.is_finite()).then(value)


def _problem(name: str, column: Column) -> pl.Expr:
    """Words what is wrong with a value; null where nothing is."""
    return pl.format("supply: {}", value_problem(name, column, _typed(name)))
