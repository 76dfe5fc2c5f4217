"""The page of an allocation, from its tables."""

import datetime

import polars as pl

from demandcast.pipeline.allocation_page import transfers_part
from demandcast.schema.transfer_table import transfer_schema, warehouse_schema

FACTS = {
    "cutoff": "2026-06-30",
    "currency": "EUR",
    "series_key": ["store", "item"],
    "item_key": ["item"],
    "statuses": {"sent": 1},
    "units_sent": 6.0,
    "units_left": 2.0,
    "avoided_cost": 12.0,
    "transport_cost": 0.6,
}


def tables():
    sent = {
        "store": "s1",
        "item": "007",
        "status": "sent",
        "warehouse": "w",
        "quantity": 6.0,
        "arrival_date": datetime.date(2026, 7, 1),
        "transport_cost": 0.6,
        "expected_lost_sales_without": 9.0,
        "expected_lost_sales": 3.0,
        "avoided_cost": 12.0,
        "reason": "because",
    }
    nothing = {"store": "s2", "item": "007", "status": "invalid", "reason": "wrong"}
    stays = {"warehouse": "w", "item": "007", "on_hand": 8.0, "sent": 6.0, "left_over": 2.0}
    return (
        pl.DataFrame([sent, nothing], schema=transfer_schema(("store", "item"))),
        pl.DataFrame([stays | {"series": 1, "reason": "left"}], schema=warehouse_schema(("item",))),
    )


def test_rows_have_their_numbers_and_keys_in_words():
    part = transfers_part(*tables(), FACTS)
    first, second = part.rows
    assert (first.series, first.warehouse) == ("s1/007", "w")
    assert (first.quantity, first.transport_cost, first.avoided_cost) == (6, 0.6, 12)
    assert (second.series, second.warehouse) == ("s2/007", "")
    assert second.quantity is None
    (stays,) = part.warehouses
    assert (stays.item, stays.left_over, stays.series) == ("007", 2, 1)
    assert (part.transfers, part.counts, part.cutoff) == (1, {"sent": 1}, "2026-06-30")


def test_tables_without_rows():
    table, warehouses = tables()
    part = transfers_part(table[:0], warehouses[:0], FACTS)
    assert (part.rows, part.warehouses, part.transfers) == ((), (), 0)
