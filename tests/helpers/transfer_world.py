"""Transfers in the situation of `replenishment_world`: what is short is lost."""

from __future__ import annotations

from typing import Any

import polars as pl
import replenishment_world as world

from demandcast.components.replenishment.proposing import Situation, prepare
from demandcast.components.replenishment.store_transfers import Transfers, allocate_supply
from demandcast.schema.config import ReplenishmentConfig

__all__ = ["of_series", "of_warehouse", "supply", "transfers"]


def supply(*rows: tuple[str, str, float], **columns: Any) -> pl.DataFrame:
    """Rows of warehouse, item and units; `columns` are lists, or one value for all."""
    names = {"warehouse": pl.String(), "item": pl.String(), "on_hand": pl.Float64()}
    table = pl.DataFrame(rows, schema=names, orient="row")
    values = {
        name: pl.Series(value if isinstance(value, list) else [value] * len(rows))
        for name, value in columns.items()
    }
    return table.with_columns(**values)


def transfers(given: pl.DataFrame, of: Situation | None = None, **config: Any) -> Transfers:
    """What goes where; by default every series has nothing, and L + R is 2 + 1 days."""
    situation = of or world.situation()
    settings = ReplenishmentConfig(**({"paths": 100} | config))
    ready = prepare(situation, settings)
    return allocate_supply(ready, given, keys=world.KEYS, calendar=situation.calendar(settings))


def of_series(found: Transfers, store: str, item: str) -> list[dict[str, Any]]:
    """The rows of a series, by warehouse."""
    own = found.table.filter((pl.col("store") == store) & (pl.col("item") == item))
    return own.sort("warehouse").to_dicts()


def of_warehouse(found: Transfers, warehouse: str, item: str) -> dict[str, Any]:
    """The row of a warehouse and item."""
    own = found.warehouses.filter((pl.col("warehouse") == warehouse) & (pl.col("item") == item))
    (row,) = own.to_dicts()
    return row
