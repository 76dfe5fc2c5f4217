"""A folder with proposals of orders, as `demandcast replenish` leaves one; nothing ever ran.

Lines have a purpose each, by the item:

    item_001   needs approval: above the value
    item_002   needs approval: critical, of another supplier
    item_003   an order that needs none
    item_004   an order that needs none, of another supplier and another day
    item_005   covered: nothing to order
    item_006   infeasible: the least order exceeds the capacity
    item_007   no forecast: nothing could be computed
    item_008   no terms: not even a supplier
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from demandcast.components.replenishment.audit_chain import digest_of
from demandcast.components.replenishment.decisions import LineState
from demandcast.components.replenishment.order_book import build_order_book
from demandcast.components.replenishment.review_rows import ReviewBasis
from demandcast.pipeline.places import orders_folder
from demandcast.schema.artifact_names import (
    PROPOSAL_FACTS_FILE,
    PROPOSAL_TERMS_FILE,
    PROPOSALS_FILE,
)
from demandcast.schema.config import ApprovalConfig, RunConfig, parse_config, resolve_paths
from demandcast.schema.config.example import example_yaml
from demandcast.schema.proposal_facts import TERMS, ProposalFacts
from demandcast.schema.proposal_table import check_proposal_table, proposal_schema

__all__ = [
    "APPROVAL",
    "CUTOFF",
    "KEY",
    "PROPOSAL_ID",
    "OrdersWorld",
    "make_book",
    "make_facts",
    "make_proposals",
    "make_terms",
    "write_proposal",
]

KEY = ("store", "item")
PROPOSAL_ID = "20260630-200000-000"
CUTOFF = datetime.date(2026, 6, 30)
APPROVAL = ApprovalConfig(min_value=1000.0, min_stockout_probability=0.4)

_WEDNESDAY, _THURSDAY = datetime.date(2026, 7, 1), datetime.date(2026, 7, 2)
_ORDER = {
    "status": "order",
    "risk_class": "low",
    "supplier": "north",
    "order_quantity": 24.0,
    "order_date": _WEDNESDAY,
    "due_date": datetime.date(2026, 7, 4),
    "unit_cost": 2.5,
    "on_hand": 6.0,
    "on_order": 0.0,
    "reserved": 0.0,
    "inventory_position": 6.0,
    "base_stock_level": 30.0,
    "review_period": 7,
    "protection_interval": 10.0,
    "expected_demand": 22.0,
    "stockout_probability_without": 0.9,
    "stockout_probability": 0.04,
    "needs_approval": False,
    "reason": "covers 10 days at 95 %; raised to the pack of 12",
}
_NOTHING = dict.fromkeys(
    name for name in _ORDER if name not in {"status", "supplier", "unit_cost", "reason"}
)
_LINES: tuple[dict[str, Any], ...] = (
    {"item": "item_001", "order_quantity": 480.0, "needs_approval": True},
    {
        "item": "item_002",
        "risk_class": "critical",
        "supplier": "south",
        "stockout_probability": 0.45,
        "needs_approval": True,
        "reason": "held back by budget",
        "status": "reduced",
    },
    {"item": "item_003", "order_quantity": 36.0},
    {"item": "item_004", "supplier": "south", "order_quantity": 12.0, "order_date": _THURSDAY},
    {"item": "item_005", "status": "covered", "order_quantity": 0.0, "reason": "stock suffices"},
    {
        "item": "item_006",
        "status": "infeasible",
        "risk_class": "high",
        "order_quantity": 0.0,
        "reason": "the least order of 60 exceeds the capacity of 40",
    },
    {**_NOTHING, "item": "item_007", "status": "no_forecast", "reason": "there is no forecast"},
    {
        **_NOTHING,
        "item": "item_008",
        "status": "no_terms",
        "supplier": None,
        "unit_cost": None,
        "reason": "no terms of supply fit",
    },
)


def make_proposals(
    lines: Sequence[Mapping[str, Any]] = _LINES, *, series_key: Sequence[str] = KEY
) -> pl.DataFrame:
    """A proposal table; what a line does not say is that of an ordinary order."""
    schema = proposal_schema(series_key)
    rows = []
    for rank, line in enumerate(lines, start=1):
        row = {"store": "store_001", "cutoff": CUTOFF, "rank": rank, "currency": "EUR"}
        row |= _ORDER | dict(line)
        if row["order_quantity"] is not None and row["unit_cost"] is not None:
            row["order_value"] = row["order_quantity"] * row["unit_cost"]
        rows.append({name: row.get(name) for name in schema})
    table = pl.DataFrame(rows, schema=schema)
    check_proposal_table(table, series_key)
    return table


def make_terms(proposals: pl.DataFrame, *, series_key: Sequence[str] = KEY) -> pl.DataFrame:
    """Terms of each line: packs of 12, at least 12, held for 0.1, short for 5 a unit."""
    values = dict(zip(TERMS, (12.0, 12.0, 0.1, 5.0), strict=True))
    columns = [pl.lit(value).alias(name) for name, value in values.items()]
    return proposals.select(*series_key, *columns)


def make_facts(**changes: Any) -> ProposalFacts:
    values = {
        "proposal_id": PROPOSAL_ID,
        "created": "2026-06-30T20:00:00+00:00",
        "cutoff": CUTOFF,
        "model_version": 7,
        "series_key": KEY,
        "service": {"measure": "cycle_service_level", "target": 0.95},
        "currency": "EUR",
        "approval": APPROVAL.model_dump(),
    }
    return ProposalFacts.model_validate(values | changes)


def make_book(
    states: Mapping[tuple[str, ...], LineState] | None = None, **changes: Any
) -> pl.DataFrame:
    """The order book of the lines above."""
    proposals = changes.get("proposals", make_proposals())
    terms = changes.get("terms", make_terms(proposals))
    approval = changes.get("approval", APPROVAL)
    return build_order_book(proposals, states or {}, terms, series_key=KEY, approval=approval)


def write_proposal(
    folder: Path,
    *,
    proposals: pl.DataFrame | None = None,
    terms: pl.DataFrame | None = None,
    **facts: Any,
) -> Path:
    """Writes a proposal into the folder of the orders; gives its folder."""
    known = make_facts(**facts)
    table = make_proposals() if proposals is None else proposals
    place = folder / known.proposal_id
    place.mkdir(parents=True)
    table.write_parquet(place / PROPOSALS_FILE)
    (make_terms(table) if terms is None else terms).write_parquet(place / PROPOSAL_TERMS_FILE)
    (place / PROPOSAL_FACTS_FILE).write_text(known.model_dump_json(), encoding="utf-8")
    return place


@dataclass
class OrdersWorld:
    """A pipeline whose orders people decide about."""

    root: Path

    @property
    def config_file(self) -> Path:
        path = self.root / "demand.yaml"
        if not path.exists():
            path.write_text(example_yaml(), encoding="utf-8")
        return path

    @property
    def config(self) -> RunConfig:
        return resolve_paths(parse_config(self.config_file.read_text()), self.root)

    @property
    def folder(self) -> Path:
        return orders_folder(self.config)

    @property
    def log(self) -> Path:
        return self.folder / "audit.jsonl"

    def propose(self, **changes: Any) -> Path:
        return write_proposal(self.folder, **changes)

    def basis(self, sequence: int = 0) -> ReviewBasis:
        content = (self.folder / PROPOSAL_ID / PROPOSALS_FILE).read_bytes()
        return ReviewBasis(PROPOSAL_ID, digest_of(content), sequence)

    def write_sales(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Writes the sales table of the configuration: store, item, date, sales, stock."""
        path = Path(self.config.data.sales)
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(rows).write_parquet(path)
