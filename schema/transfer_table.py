"""The tables of an allocation: what goes from which warehouse to which series, and what stays."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from demandcast.schema.proposal_table import BLOCKED, STATUSES

__all__ = ["TRANSFER_STATUSES", "transfer_schema", "warehouse_schema"]

TRANSFER_STATUSES: dict[str, str] = {
    "sent": "It gets all that is worth bringing.",
    "reduced": "It gets less than is worth bringing: supply or room end before.",
    "held_back": "Something is worth bringing, and others make more of all there is.",
    "covered": "Nothing is worth bringing: stock and orders on their way suffice, or what would "
    "be avoided costs less than to bring and to hold it.",
    "no_supply": "No warehouse has units of it.",
    **{status: STATUSES[status] for status in STATUSES if status in BLOCKED},
}
"""Statuses of a series, and what each means."""

_TEXT, _NUMBER, _DATE, _COUNT = pl.String(), pl.Float64(), pl.Date(), pl.Int32()

_COLUMNS: dict[str, pl.DataType] = {
    "rank": _COUNT,
    "status": _TEXT,
    "warehouse": _TEXT,
    "quantity": _NUMBER,
    "ship_date": _DATE,
    "arrival_date": _DATE,
    "transport_cost": _NUMBER,
    "total_quantity": _NUMBER,
    "on_hand": _NUMBER,
    "on_order": _NUMBER,
    "stockout_probability_without": _NUMBER,
    "stockout_probability": _NUMBER,
    "expected_lost_sales_without": _NUMBER,
    "expected_lost_sales": _NUMBER,
    "avoided_cost": _NUMBER,
    "currency": _TEXT,
    "reason": _TEXT,
}


def transfer_schema(series_key: Sequence[str]) -> pl.Schema:
    """Returns the columns of the table of transfers in their order, with their types.

    A row per series, and a further one for each further warehouse that serves it. Of the
    warehouse: `quantity` (units), `ship_date`, `arrival_date`, `transport_cost` (currency units).
    Of the series, the same in each of its rows: all else. `..._without` is what it has to expect
    without any transfer, over the protection interval of its terms; `avoided_cost` the cost of
    the sales that transfers save, currency units.
    """
    keys: dict[str, pl.DataType] = dict.fromkeys(series_key, _TEXT)
    return pl.Schema(keys | {"cutoff": _DATE} | _COLUMNS)


def warehouse_schema(item_key: Sequence[str]) -> pl.Schema:
    """Returns the columns of the table of warehouses: a row per row of the supply.

    Units: `on_hand`, `sent`, `left_over`. `series` counts those that get some. `next_pack` is what
    one more pack would avoid beyond its costs, currency units.
    """
    keys: dict[str, pl.DataType] = dict.fromkeys(item_key, _TEXT)
    numbers = ("on_hand", "sent", "left_over")
    return pl.Schema(
        {"warehouse": _TEXT}
        | keys
        | dict.fromkeys(numbers, _NUMBER)
        | {"series": _COUNT, "next_pack": _NUMBER, "reason": _TEXT}
    )
