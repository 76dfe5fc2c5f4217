"""The tables of an allocation: names, and that every status has a meaning."""

import polars as pl

from demandcast.schema.proposal_table import BLOCKED, STATUSES
from demandcast.schema.transfer_table import TRANSFER_STATUSES, transfer_schema, warehouse_schema


def test_keys_come_first():
    assert transfer_schema(("store", "item")).names()[:4] == ["store", "item", "cutoff", "rank"]
    assert warehouse_schema(("item",)).names()[:3] == ["warehouse", "item", "on_hand"]
    assert transfer_schema(("store",))["quantity"] == pl.Float64()


def test_lines_that_cannot_be_computed_have_the_statuses_of_proposals():
    assert set(BLOCKED) < set(TRANSFER_STATUSES)
    assert all(TRANSFER_STATUSES[status] == STATUSES[status] for status in BLOCKED)
    assert all(meaning.endswith(".") for meaning in TRANSFER_STATUSES.values())
