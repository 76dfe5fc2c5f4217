"""How orders, the audit log and scores are shown: tables for people, rows for scripts."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

import polars as pl

from demandcast.components.replenishment.audit_chain import AuditEntry
from demandcast.components.replenishment.order_book import SEPARATOR
from demandcast.pipeline.cli.results import table_text
from demandcast.pipeline.orders.exports import Export
from demandcast.pipeline.orders.words import counted

__all__ = [
    "book_rows",
    "book_table",
    "decided_text",
    "exported_text",
    "log_rows",
    "log_table",
    "score_table",
    "totals_table",
]

_NOTHING = "-"
_PAST = {"approve": "approved", "reject": "rejected", "change": "changed"}


def book_rows(lines: pl.DataFrame, series_key: Sequence[str]) -> list[dict[str, Any]]:
    """The lines of an order book for scripts: every column, and the key as one word."""
    return [{"series": _series(row, series_key), **row} for row in lines.iter_rows(named=True)]


def book_table(lines: pl.DataFrame, series_key: Sequence[str]) -> str:
    """Lays out lines of an order book, in the order given, each with its reason."""
    header = ["series", "status", "risk", "supplier", "state", "by", "proposed", "order", "value"]
    rows, reasons = [], ["why"]
    for row in lines.iter_rows(named=True):
        rows.append(
            [
                _series(row, series_key),
                row["status"],
                row["risk_class"] or _NOTHING,
                row["supplier"] or _NOTHING,
                row["line_state"] + (" *" if row["waiting"] else ""),
                row["decided_by"] or _NOTHING,
                _units(row["order_quantity"]),
                _units(row["final_quantity"]),
                _money(row["final_value"]),
            ]
        )
        reasons.append(row["decision_reason"] or row["reason"])
    text = _table(header, rows, reasons, left=6)
    waiting = int(lines["waiting"].sum())
    verb = "waits" if waiting == 1 else "wait"
    return text + (f"\n* {waiting:,} {verb} for a person" if waiting else "")


def log_rows(entries: Sequence[AuditEntry]) -> list[dict[str, Any]]:
    """Entries of the log for scripts."""
    return [dataclasses.asdict(entry) for entry in entries]


def log_table(entries: Sequence[AuditEntry]) -> str:
    """Lays out entries of the log, oldest first, each with its reason."""
    header = ["no", "moment", "user", "action", "proposal", "series", "before", "after"]
    rows, reasons = [], ["reason"]
    for entry in entries:
        rows.append(
            [
                str(entry.sequence),
                entry.moment[:19].replace("T", " "),
                entry.user,
                entry.action + (" (forced)" if entry.forced else ""),
                entry.proposal_id or _NOTHING,
                SEPARATOR.join(entry.key.values()) if entry.key else _NOTHING,
                _units(entry.before),
                _units(entry.after),
            ]
        )
        reasons.append(entry.reason or _details(entry))
    return _table(header, rows, reasons, left=6)


def decided_text(entries: Sequence[AuditEntry], *, verb: str) -> str:
    """Says what was decided, in a line per kind of decision."""
    if not entries:
        return "nothing to decide: all of it is so already"
    counts = Counter(entry.action for entry in entries)
    lines = []
    for action, count in counts.items():
        chosen = [entry for entry in entries if entry.action == action]
        units = sum(entry.after or 0.0 for entry in chosen)
        what = counted(count, "line")
        plural = verb if count == 1 else verb.replace("was", "were")
        what_of = f": {_units(units)} {'unit' if units == 1 else 'units'}"
        after = "" if action == "reject" else what_of
        lines.append(f"{what} {plural} {_PAST[action]}{after}")
    return "\n".join(lines)


def exported_text(found: Export) -> str:
    """Says what was exported, in a line."""
    wait = "waits" if len(found.waiting) == 1 else "wait"
    waiting = f"; {counted(len(found.waiting), 'line')} {wait} for a person"
    before = f"; {counted(len(found.ordered_before), 'line')} ordered before"
    return (
        f"{found.file}: export {found.export_id}, "
        f"{counted(found.purchase_orders, 'purchase order')}, {counted(found.lines, 'line')}, "
        f"value {found.value:,.2f}{waiting * bool(found.waiting)}"
        f"{before * bool(found.ordered_before)}"
    )


def score_table(scores: pl.DataFrame, series_key: Sequence[str]) -> str:
    """Lays out scored overrides; a line without a score says why."""
    header = ["series", "user", "state", "demand", "proposed", "person"]
    header += ["short", "(person)", "left", "(person)", "saved"]
    rows, notes = [], [""]
    for row in scores.iter_rows(named=True):
        at_least = "at least " if row["censored"] else ""
        rows.append(
            [
                _series(row, series_key),
                row["user"],
                row["line_state"],
                _NOTHING if row["demand"] is None else at_least + _units(row["demand"]),
                _units(row["proposed_quantity"]),
                _units(row["person_quantity"]),
                _units(row["proposed_short"]),
                _units(row["person_short"]),
                _units(row["proposed_left_over"]),
                _units(row["person_left_over"]),
                _money(row["saved"]),
            ]
        )
        notes.append(row["why_unscored"] or row["reason"])
    return _table(header, rows, notes, left=3)


def totals_table(totals: pl.DataFrame, by: str) -> str:
    """Lays out totals by a column of the scores."""
    header = [
        by.replace("_", " "),
        "overrides",
        "scored",
        "saved money",
        "lost money",
        "saved",
        "lost",
        "net",
    ]
    rows = [
        [
            row[by],
            *(str(row[name]) for name in ("overrides", "scored", "saved_money", "lost_money")),
            *(_money(row[name]) for name in ("saved", "lost", "net")),
        ]
        for row in totals.iter_rows(named=True)
    ]
    return table_text(header, [[_one_line(cell) for cell in row] for row in rows])


def _table(
    header: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[str], *, left: int
) -> str:
    """Lays out a table whose last column is of words, which are not made equally long."""
    safe = [[_one_line(cell) for cell in row] for row in rows]
    lines = table_text(header, safe, left=left).split("\n")
    return "\n".join(
        f"{line}  {_one_line(why)}".rstrip() for line, why in zip(lines, words, strict=True)
    )


def _series(row: dict[str, Any], series_key: Sequence[str]) -> str:
    return SEPARATOR.join(row[name] for name in series_key)


def _details(entry: AuditEntry) -> str:
    details = entry.details or {}
    if "export_id" in details:
        lines = counted(len(details["lines"]), "line")
        return f"{details['export_id']}: {lines} in {details['file']}"
    return f"{details['bytes']} bytes in {details['file']}" if "bytes" in details else ""


def _units(value: float | None) -> str:
    """Writes units, whole ones as such.

    >>> _units(24.0), _units(1234.5), _units(None)
    ('24', '1,234.5', '-')
    """
    return _NOTHING if value is None else f"{value:,.10g}"


def _money(value: float | None) -> str:
    """Writes an amount of money; zero has no sign.

    >>> _money(1234.5), _money(-0.001), _money(None)
    ('1,234.50', '0.00', '-')
    """
    return _NOTHING if value is None else f"{value:z,.2f}"


def _one_line(text: str | None) -> str:
    """Keeps what people wrote from breaking a table, or a terminal."""
    return "".join(mark if mark.isprintable() else " " for mark in text or "")
