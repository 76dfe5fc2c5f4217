"""What the page of an allocation shows: read from its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from demandcast.components.reporting.page_transfers import (
    TransferRow,
    TransfersPart,
    WarehouseRow,
)

__all__ = ["transfers_part"]


def transfers_part(
    table: pl.DataFrame, warehouses: pl.DataFrame, facts: Mapping[str, Any]
) -> TransfersPart:
    """Takes what a page shows out of the tables and facts of an allocation.

    Args:
        table: Transfers.
        warehouses: What was sent, and what stays.
        facts: As `allocation.json` has them.
    """
    return TransfersPart(
        cutoff=facts["cutoff"],
        currency=facts["currency"],
        rows=tuple(_row(row, facts["series_key"]) for row in table.iter_rows(named=True)),
        warehouses=tuple(
            _warehouse(row, facts["item_key"]) for row in warehouses.iter_rows(named=True)
        ),
        counts=dict(facts["statuses"]),
        units_sent=facts["units_sent"],
        units_left=facts["units_left"],
        avoided_cost=facts["avoided_cost"],
        transport_cost=facts["transport_cost"],
    )


def _row(values: Mapping[str, Any], keys: list[str]) -> TransferRow:
    return TransferRow(
        series=_words(values, keys),
        status=values["status"],
        warehouse=values["warehouse"] or "",
        quantity=values["quantity"],
        lost_without=values["expected_lost_sales_without"],
        lost=values["expected_lost_sales"],
        avoided_cost=values["avoided_cost"],
        transport_cost=values["transport_cost"],
        reason=values["reason"],
    )


def _warehouse(values: Mapping[str, Any], on: list[str]) -> WarehouseRow:
    names = ("warehouse", "on_hand", "sent", "left_over", "series", "reason")
    return WarehouseRow(item=_words(values, on), **{name: values[name] for name in names})


def _words(values: Mapping[str, Any], keys: list[str]) -> str:
    return "/".join(str(values[key]) for key in keys)
