"""The order book: the lines of a proposal with what people made of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from demandcast.components.replenishment.approvals import approval_words, same_person
from demandcast.components.replenishment.decisions import LineState
from demandcast.schema.config import ApprovalConfig
from demandcast.schema.errors import ContractError
from demandcast.schema.proposal_facts import LIMITS, TERMS

__all__ = ["BOOK_COLUMNS", "SEPARATOR", "build_order_book", "series_text"]

SEPARATOR = "/"
"""Between the parts of a key where a series is written as one word."""

BOOK_COLUMNS: dict[str, str] = {
    "pack_size": "Units per pack; null if not known.",
    "moq": "Least order, units; null if not known.",
    "holding_cost": "Currency units per unit and period; null if not known.",
    "stockout_cost": "Currency units per unit short; null if not known.",
    "storage_room": "Units that there is room for when they arrive; null without a limit.",
    "available_units": "Units that the supplier has for all lines of `terms_row`; null: any.",
    "terms_row": "Lines of the same share `available_units`; null if not known.",
    "line_state": "One of `decisions.STATES`.",
    "final_quantity": "Units that are to be ordered, or were; 0 where nothing is.",
    "final_value": "Currency units; the unit cost is that of the proposed quantity.",
    "approval_reason": "Why a person must approve it as it stands; null if nobody must.",
    "waiting": "Whether it cannot be exported until somebody decides.",
    "exportable": "Whether it can be exported.",
    "decided_by": "Who decided last, or exported; null if nobody.",
    "decided_at": "When, ISO 8601, UTC.",
    "decision_reason": "Why.",
    "decision_sequence": "Number of the entry of the log; 0 if there is none.",
    "override_by": "Who set a quantity other than the proposed one; null if it stands.",
    "override_reason": "Why.",
    "export_id": "Export in which the line is; null if in none.",
}
"""Columns that the book adds to those of the proposal table."""

_STATE_SCHEMA: dict[str, pl.DataType] = {
    "line_state": pl.String(),
    "#quantity": pl.Float64(),
    "decided_by": pl.String(),
    "decided_at": pl.String(),
    "decision_reason": pl.String(),
    "decision_sequence": pl.Int64(),
    "override_by": pl.String(),
    "override_reason": pl.String(),
    "export_id": pl.String(),
}


def series_text(series_key: Sequence[str]) -> pl.Expr:
    """Writes the key of a row as one word, such as store_001/item_002."""
    return pl.concat_str([pl.col(name) for name in series_key], separator=SEPARATOR)


def build_order_book(
    proposals: pl.DataFrame,
    states: Mapping[tuple[str, ...], LineState],
    terms: pl.DataFrame | None,
    *,
    series_key: Sequence[str],
    approval: ApprovalConfig,
) -> pl.DataFrame:
    """Joins proposals, terms and decisions.

    Args:
        proposals: A proposal table that keeps its contract.
        states: State by series, of `decisions.fold_decisions`.
        terms: Table of terms; None if there is none.
        series_key: Columns of the key.
        approval: Thresholds of the proposal.

    Returns:
        The rows of the proposal table in their order, with the columns of `BOOK_COLUMNS`.

    Raises:
        ContractError: A column of the key is called as one of the book; or somebody decided
            about a series that is not in the proposal.
    """
    taken = sorted(set(series_key) & BOOK_COLUMNS.keys())
    if taken:
        raise ContractError(f"data.columns.series_key: {taken} are columns of the order book")
    decided = _state_table(states, series_key)
    strangers = decided.join(proposals, on=list(series_key), how="anti")
    if strangers.height:
        first = strangers.select(series_key).row(0)
        raise ContractError(
            f"the audit log decides about {strangers.height} series that are not in the proposal, "
            f"first: {first}"
        )
    known = _terms_table(terms, series_key)
    joined = proposals.join(known, on=list(series_key), how="left", maintain_order="left").join(
        decided, on=list(series_key), how="left", maintain_order="left"
    )
    return _with_consequences(joined, approval).select(*proposals.columns, *BOOK_COLUMNS)


def _terms_table(terms: pl.DataFrame | None, series_key: Sequence[str]) -> pl.DataFrame:
    """Takes the terms that a book has; what is not known is null."""
    kinds: dict[str, pl.DataType] = dict.fromkeys(TERMS, pl.Float64()) | LIMITS
    if terms is None:
        terms = pl.DataFrame(schema=dict.fromkeys(series_key, pl.String()))
    known = terms.with_columns(
        pl.lit(None, kind).alias(name) for name, kind in kinds.items() if name not in terms.columns
    )
    numbers = [name for name, kind in kinds.items() if kind == pl.Float64]
    return known.select(*series_key, *kinds).with_columns(pl.col(numbers).fill_nan(None))


def _state_table(
    states: Mapping[tuple[str, ...], LineState], series_key: Sequence[str]
) -> pl.DataFrame:
    rows = [
        (
            *key,
            state.state,
            state.quantity,
            state.user,
            state.moment,
            state.reason,
            state.sequence,
            state.override_by or None,
            state.override_reason or None,
            state.export_id or None,
        )
        for key, state in states.items()
    ]
    schema = dict.fromkeys(series_key, pl.String()) | _STATE_SCHEMA
    return pl.DataFrame(rows, schema=schema, orient="row")


def _with_consequences(joined: pl.DataFrame, approval: ApprovalConfig) -> pl.DataFrame:
    """Adds what follows from the state: the quantity, its value, and what may be exported."""
    state = pl.col("line_state")
    needs = pl.col("approval_reason").is_not_null()
    approved = state == "approved"
    if approval.four_eyes:
        approved &= ~same_person(pl.col("decided_by"), pl.col("override_by"))
    free = state.is_in(["proposed", "changed", "approved"]) & ~needs
    ordered, supplied = pl.col("final_quantity") > 0, pl.col("supplier").is_not_null()
    return (
        joined.with_columns(
            state.fill_null("proposed"),
            pl.col("decision_sequence").fill_null(0),
            final_quantity=pl.coalesce("#quantity", "order_quantity", pl.lit(0.0)),
        )
        .with_columns(final_value=pl.col("final_quantity") * pl.col("unit_cost"))
        .with_columns(approval_reason=approval_words(approval))
        .with_columns(exportable=ordered & supplied & (free | approved))
        .with_columns(waiting=ordered & ~pl.col("exportable") & (state != "exported"))
    )
