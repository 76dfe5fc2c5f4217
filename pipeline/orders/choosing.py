"""Chooses lines of an order book, and entries of the log, by what people ask for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from demandcast.components.replenishment.audit_chain import AuditEntry
from demandcast.components.replenishment.decisions import APPROVE, STATES
from demandcast.components.replenishment.order_book import SEPARATOR
from demandcast.schema.errors import BadInputError
from demandcast.schema.proposal_table import RISK_CLASSES, STATUSES

__all__ = ["WAITING", "choose_lines", "filter_book", "filter_log"]

WAITING = "waiting"
"""Stands among the states for lines that cannot be exported until a person decides."""


def filter_book(
    book: pl.DataFrame,
    *,
    status: Sequence[str] = (),
    risk: Sequence[str] = (),
    state: Sequence[str] = (),
    supplier: str | None = None,
) -> pl.DataFrame:
    """Takes the lines that fit all that is asked for, exceptions first.

    Args:
        book: The order book.
        status: Statuses of the proposal table; any if none.
        risk: Its classes of risk; any if none.
        state: States of lines, or `WAITING`; any if none.
        supplier: The supplier; any if none.

    Raises:
        BadInputError: A word is unknown.
    """
    _check("--status", status, tuple(STATUSES))
    _check("--risk", risk, RISK_CLASSES)
    _check("--state", state, (*STATES, WAITING))
    lines = book
    if status:
        lines = lines.filter(pl.col("status").is_in(list(status)))
    if risk:
        lines = lines.filter(pl.col("risk_class").is_in(list(risk)))
    if state:
        waits = pl.col("waiting") & pl.lit(WAITING in state)
        lines = lines.filter(pl.col("line_state").is_in(list(state)) | waits)
    return _of_supplier(lines, book, supplier).sort("rank", maintain_order=True, nulls_last=True)


def choose_lines(
    book: pl.DataFrame, action: str, *, supplier: str | None, below: float | None
) -> pl.DataFrame:
    """Takes the lines that a decision about many is meant for.

    Args:
        book: The order book.
        action: approve: lines that wait for a person; reject: lines with an order that nobody has
            decided about.
        supplier: Only lines of this one; all if None.
        below: Only lines that cost less, currency units; all if None.

    Raises:
        BadInputError: There is no such supplier, or no such line.
    """
    fits = pl.col("waiting")
    if action != APPROVE:
        fits = (pl.col("line_state") == "proposed") & (pl.col("final_quantity") > 0)
    if below is not None:
        fits &= pl.col("final_value") < below
    lines = _of_supplier(book, book, supplier).filter(fits.fill_null(value=False))
    if not lines.height:
        raise BadInputError(f"no line to {action} fits; 'demandcast orders list' shows all")
    return lines


def filter_log(
    entries: Iterable[AuditEntry],
    *,
    proposal: str | None = None,
    user: str | None = None,
    action: str | None = None,
    series: str | None = None,
) -> list[AuditEntry]:
    """Takes the entries that fit all that is asked for; any if it is None."""
    return [
        entry
        for entry in entries
        if (proposal is None or entry.proposal_id == proposal)
        and (user is None or entry.user == user)
        and (action is None or entry.action == action)
        and (series is None or series in _series_of(entry))
    ]


def _series_of(entry: AuditEntry) -> set[str]:
    if entry.key is not None:
        return {SEPARATOR.join(entry.key.values())}
    lines = (entry.details or {}).get("lines", ())
    return {SEPARATOR.join(line["key"]) for line in lines}


def _of_supplier(lines: pl.DataFrame, book: pl.DataFrame, supplier: str | None) -> pl.DataFrame:
    if supplier is None:
        return lines
    known = book["supplier"].drop_nulls().unique().sort().to_list()
    _check("--supplier", (supplier,), known)
    return lines.filter(pl.col("supplier") == supplier)


def _check(option: str, words: Sequence[str], allowed: Sequence[str]) -> None:
    unknown = [word for word in words if word not in allowed]
    if unknown:
        raise BadInputError(
            f"{option}: got {unknown[0]!r}; allowed: {', '.join(allowed) or 'none'}"
        )
