"""What a proposal table does not say of itself: when it was made, from what, for whom.

<workspace>/<name>/orders/<proposal_id>/
    proposals.parquet         the table (`proposal_table.py`)
    proposal_terms.parquet    pack, least order and costs of its lines, if known
    proposals.json            these facts
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

import polars as pl
from pydantic import ConfigDict, Field

from demandcast.schema.config.base import Section
from demandcast.schema.errors import ContractError

__all__ = ["LIMITS", "TERMS", "ProposalFacts", "check_proposal_terms"]

TERMS = ("pack_size", "moq", "holding_cost", "stockout_cost")
"""Columns of the table of terms beside the series key: units, units, currency units per unit and
period, currency units per unit short; null where not known."""

LIMITS: dict[str, pl.DataType] = {
    "storage_room": pl.Float64(),
    "available_units": pl.Float64(),
    "terms_row": pl.Int64(),
}
"""Further columns, which may be missing: units that there is room for when they arrive, units that
the supplier has, and which lines share these; null where there is no limit, or none is known."""


class ProposalFacts(Section):
    """Facts of one proposal; keys that a later release may add are passed over."""

    model_config = ConfigDict(extra="ignore")

    proposal_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", description="Its identity.")
    created: str = Field(description="When it was made, ISO 8601, UTC.")
    cutoff: datetime.date | None = Field(None, description="Last period that the forecast saw.")
    model_version: int | None = Field(None, description="Version of the model that forecast.")
    series_key: tuple[str, ...] = Field(min_length=1, description="Columns that name a series.")
    service: Mapping[str, Any] = Field({}, description="What stock had to achieve.")
    currency: str = Field("", description="Of all costs; empty if not said.")
    approval: Mapping[str, Any] = Field({}, description="Which lines a person must approve.")


def check_proposal_terms(table: pl.DataFrame, series_key: tuple[str, ...]) -> None:
    """Checks the table of terms; `LIMITS` may be missing, further columns are passed over.

    Raises:
        ContractError: A column is missing or of another type, or a series is there twice.
    """
    expected: dict[str, pl.DataType] = dict.fromkeys(series_key, pl.String())
    expected |= dict.fromkeys(TERMS, pl.Float64())
    expected |= {name: kind for name, kind in LIMITS.items() if name in table.columns}
    wrong = [f"{name}: {kind}" for name, kind in expected.items() if table.schema.get(name) != kind]
    if wrong:
        found = dict(table.schema)
        raise ContractError(f"proposal terms: expected the columns {wrong}; found {found}")
    twice = table.filter(pl.struct(*series_key).is_duplicated())
    if twice.height:
        raise ContractError(
            f"proposal terms: a series is there twice: {twice.height} rows, first: "
            f"{twice.select(series_key).row(0)}"
        )
