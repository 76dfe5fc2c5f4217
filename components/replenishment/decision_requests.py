"""Checks what people want to decide, all of it before any of it counts.

Who asks to approve a line with another quantity than the one that stands asks for both: to change
it, and to approve that change.

A table of requests has the series key and the columns of `REQUEST_COLUMNS`; '#' keeps them apart
from any column of the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from demandcast.components.replenishment.approvals import SAME_UNITS, same_person
from demandcast.components.replenishment.audit_chain import AuditEntry
from demandcast.components.replenishment.change_limits import (
    MOST_UNITS,
    change_doubts,
    change_refusals,
    with_supply_left,
)
from demandcast.components.replenishment.decisions import ACTIONS, APPROVE, CHANGE, REJECT
from demandcast.components.replenishment.order_book import series_text

__all__ = [
    "REFUSAL_SCHEMA",
    "REQUEST_COLUMNS",
    "doubtful_requests",
    "check_requests",
    "entries_of",
    "make_requests",
    "request_schema",
    "without_repetitions",
]

REQUEST_COLUMNS: dict[str, pl.DataType] = {
    "#row": pl.Int64(),
    "#action": pl.String(),
    "#quantity": pl.Float64(),
    "#reason": pl.String(),
    "#forced": pl.Boolean(),
    "#seen": pl.Int64(),
}
"""Row of the file (null: none); what is wanted; units (null: not said); why; whether limits of the
quantity are overruled; last entry of the log that the asker saw (null: all)."""

REFUSAL_SCHEMA: dict[str, pl.DataType] = {
    "row": pl.Int64(),
    "series": pl.String(),
    "column": pl.String(),
    "value": pl.String(),
    "allowed": pl.String(),
}
"""Columns of a table of refusals; the first is null if there is no file."""

_ACTION, _QUANTITY, _REASON = pl.col("#action"), pl.col("#quantity"), pl.col("#reason")
_STATE, _FINAL = pl.col("line_state"), pl.col("final_quantity")
_STANDS = pl.when(_FINAL > 0).then(_FINAL).otherwise(pl.col("order_quantity").fill_null(0.0))
"""Units that an approval agrees to: those that stand, or of a rejected line the proposed ones."""
_USABLE = ((_QUANTITY > 0) & (_QUANTITY <= MOST_UNITS)).fill_null(value=False)
_SETS = pl.col("#sets")
"""Whether a request sets a quantity: with change, and with approve if it is another one."""


def request_schema(series_key: Sequence[str]) -> dict[str, pl.DataType]:
    """Returns the columns of a table of requests with their types."""
    return dict.fromkeys(series_key, pl.String()) | REQUEST_COLUMNS


def make_requests(
    series: pl.DataFrame, action: str, *, quantity: float | None, reason: str, forced: bool
) -> pl.DataFrame:
    """Asks the same for several series.

    Args:
        series: Columns of the key.
        action: approve, reject or change.
        quantity: Units; None if not said.
        reason: Why; may be empty.
        forced: Whether limits of the quantity are overruled.
    """
    return series.with_columns(
        pl.lit(None, pl.Int64).alias("#row"),
        pl.lit(action).alias("#action"),
        pl.lit(quantity, pl.Float64).alias("#quantity"),
        pl.lit(reason.strip()).alias("#reason"),
        pl.lit(forced).alias("#forced"),
        pl.lit(None, pl.Int64).alias("#seen"),
    )


def without_repetitions(
    requests: pl.DataFrame, book: pl.DataFrame, *, series_key: Sequence[str]
) -> pl.DataFrame:
    """Leaves out requests for what is already so; a file can be applied twice."""
    joined = _joined(requests, book, series_key)
    same_quantity = _QUANTITY.is_null() | _close(_QUANTITY, _FINAL)
    repeated = (
        ((_ACTION == APPROVE) & (_STATE == "approved") & same_quantity)
        | ((_ACTION == REJECT) & (_STATE == "rejected") & _QUANTITY.fill_null(0.0).eq(0.0))
        | (
            (_ACTION == CHANGE)
            & (_STATE == "changed")
            & same_quantity
            & _QUANTITY.is_not_null()
            & (pl.col("decision_reason") == _REASON)
        )
    )
    return joined.filter(~repeated.fill_null(value=False)).select(requests.columns)


def check_requests(
    requests: pl.DataFrame,
    book: pl.DataFrame,
    *,
    series_key: Sequence[str],
    approver: str | None = None,
) -> pl.DataFrame:
    """Finds the requests that cannot be granted.

    Args:
        requests: What is wanted, columns of `request_schema`.
        book: The order book.
        series_key: Columns of the key.
        approver: Who asks, if nobody may approve what they changed themselves; None: anybody may.

    Returns:
        Columns of `REFUSAL_SCHEMA`: one row per request and broken rule, in the order of the
        requests; empty if all can be granted.
    """
    joined = _joined(requests, book, series_key).with_row_index("#at")
    known = pl.col("#known").fill_null(value=False)
    once = ~pl.struct(*series_key).is_duplicated()
    found = [
        _refused(joined, ~known, series_key, ", ".join(series_key), "a series of the proposal"),
        _refused(joined, ~once, series_key, ", ".join(series_key), "each series once"),
    ]
    lines = joined.filter(known)
    found += _refusals_of_lines(lines, series_key)
    if approver is not None:
        found += _refusals_of_approver(lines, series_key, approver)
    found += _refused_limits(lines, book, series_key)
    return pl.concat(found).sort("#at", maintain_order=True).select(list(REFUSAL_SCHEMA))


def doubtful_requests(
    requests: pl.DataFrame, book: pl.DataFrame, *, series_key: Sequence[str]
) -> list[str]:
    """Words quantities that can be granted and are many times what is usual."""
    changes = _joined(requests, book, series_key).filter(_SETS)
    return change_doubts(changes, series_key=series_key)


def _joined(requests: pl.DataFrame, book: pl.DataFrame, series_key: Sequence[str]) -> pl.DataFrame:
    lines = book.with_columns(pl.lit(value=True).alias("#known"))
    joined = requests.join(lines, on=list(series_key), how="left", maintain_order="left")
    other = _QUANTITY.is_not_null() & ~_close(_QUANTITY, _STANDS)
    sets = (_ACTION == CHANGE) | ((_ACTION == APPROVE) & other)
    return joined.with_columns(sets.fill_null(value=False).alias("#sets"))


def _refusals_of_lines(lines: pl.DataFrame, series_key: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Refuses requests about lines that are in the book."""

    def refused(broken: pl.Expr, column: str, allowed: str | pl.Expr) -> pl.DataFrame:
        return _refused(lines, broken, series_key, column, allowed)

    exported = _STATE == "exported"
    seen = pl.col("#seen").fill_null(2**62)
    yield refused(~_ACTION.is_in(ACTIONS), "#action", ", ".join(ACTIONS))
    yield refused(
        exported,
        "line_state",
        pl.format("nothing more: it is in export {}", pl.col("export_id")),
    )
    yield refused(
        ~exported & (pl.col("decision_sequence") > seen),
        "line_state",
        pl.format(
            "a newer review: {} decided about it at {}", pl.col("decided_by"), pl.col("decided_at")
        ),
    )
    open_lines = ~exported
    nothing = open_lines & _ACTION.is_in([APPROVE, REJECT]) & ~_SETS & (_STANDS <= 0)
    yield refused(nothing, "#action", "change, with a quantity: the line has no order")
    yield refused(
        open_lines & ((_ACTION == REJECT) | _SETS) & (_REASON == ""), "#reason", "a reason"
    )
    yield from _refused_quantities(lines.filter(open_lines), series_key)


def _refused_quantities(lines: pl.DataFrame, series_key: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Refuses quantities that do not go with the decision."""

    def refused(broken: pl.Expr, allowed: str | pl.Expr) -> pl.DataFrame:
        return _refused(lines, broken, series_key, "#quantity", allowed)

    yield refused((_ACTION == REJECT) & (_QUANTITY.fill_null(0.0) != 0.0), "nothing, with reject")
    changes = lines.filter(_SETS)
    unusable = f"units above 0, up to {MOST_UNITS:,.0f}; reject orders nothing"
    yield _refused(changes, ~_USABLE, series_key, "#quantity", unusable)
    supplied = "lines with a supplier; the terms of supply name it"
    yield _refused(changes, pl.col("supplier").is_null(), series_key, "supplier", supplied)
    stands = (_STATE != "rejected") & _close(_QUANTITY, _FINAL)
    another = "another quantity than the one that stands, or approve"
    yield _refused(changes.filter(_USABLE), stands, series_key, "#quantity", another)


def _refused_limits(
    lines: pl.DataFrame, book: pl.DataFrame, series_key: Sequence[str]
) -> Iterator[pl.DataFrame]:
    """Refuses quantities beyond what terms, room, supplier and demand allow, unless forced."""
    changes = lines.filter(_SETS & _USABLE & (_STATE != "exported"))
    changes = with_supply_left(changes, book, series_key=series_key)
    for broken, allowed in change_refusals():
        yield _refused(changes, broken & ~pl.col("#forced"), series_key, "#quantity", allowed)


def _refusals_of_approver(
    lines: pl.DataFrame, series_key: Sequence[str], approver: str
) -> Iterator[pl.DataFrame]:
    """Refuses what only another person may approve."""
    rule = "(replenishment.approval.four_eyes)"
    own = same_person(pl.col("override_by"), pl.lit(approver)) & (_STATE == "changed")
    needs = pl.col("approval_reason").is_not_null()
    mine = (_ACTION == APPROVE) & ~_SETS & own & needs
    another = pl.format(
        "approve, by another person than {} {}", pl.col("override_by"), pl.lit(rule)
    )
    yield _refused(lines, mine, series_key, "#action", another)
    both = (_ACTION == APPROVE) & _SETS
    yield _refused(lines, both, series_key, "#action", f"change; another person approves it {rule}")


def _refused(
    lines: pl.DataFrame,
    broken: pl.Expr,
    series_key: Sequence[str],
    column: str,
    allowed: str | pl.Expr,
) -> pl.DataFrame:
    """Words the requests that break a rule."""
    value = _number(pl.col(column)) if column == "#quantity" else None
    if value is None:
        name = column if column in lines.columns else None
        value = pl.col(name).cast(pl.String) if name else series_text(series_key)
    words = pl.lit(allowed) if isinstance(allowed, str) else allowed
    return lines.filter(broken.fill_null(value=False)).select(
        "#at",
        pl.col("#row").alias("row"),
        series_text(series_key).alias("series"),
        pl.lit(column.removeprefix("#").replace("action", "decision")).alias("column"),
        value.fill_null("").alias("value"),
        words.alias("allowed"),
    )


def _close(one: pl.Expr, other: pl.Expr) -> pl.Expr:
    return ((one - other).abs() <= SAME_UNITS).fill_null(value=False)


def _number(value: pl.Expr) -> pl.Expr:
    """Writes units: whole ones as such."""
    text = value.cast(pl.String)
    return text.str.strip_suffix(".0")


def entries_of(
    requests: pl.DataFrame, book: pl.DataFrame, *, series_key: Sequence[str]
) -> list[AuditEntry]:
    """Turns requests that can be granted into entries; who, when and which proposal are missing.

    Args:
        requests: Requests that `check_requests` found nothing against.
        book: The order book before them.
        series_key: Columns of the key.

    Returns:
        An entry per request; two where one asks to approve another quantity.
    """
    known = pl.coalesce(pl.col("order_quantity"), pl.when(_STATE != "proposed").then(_FINAL))
    # Null stays null: before the first decision nothing stood on a blocked line.
    before = pl.when(known.is_not_null()).then(_FINAL)
    after = pl.when(_SETS).then(_QUANTITY).when(_ACTION == REJECT).then(0.0).otherwise(_STANDS)
    rows = _joined(requests, book, series_key).with_columns(
        before.alias("#before"), after.alias("#after")
    )
    return [
        _entry(row, action, series_key)
        for row in rows.iter_rows(named=True)
        for action in ([CHANGE, APPROVE] if _is_both(row) else [row["#action"]])
    ]


def _is_both(row: Mapping[str, Any]) -> bool:
    return bool(row["#sets"]) and row["#action"] == APPROVE


def _entry(row: Mapping[str, Any], action: str, series_key: Sequence[str]) -> AuditEntry:
    """Words one decision of a request; to approve comes after the change that it agrees to."""
    follows = action == APPROVE and _is_both(row)
    return AuditEntry(
        action=action,
        moment="",
        user="",
        key={name: row[name] for name in series_key},
        before=row["#after"] if follows else row["#before"],
        after=row["#after"],
        reason=row["#reason"],
        forced=row["#forced"] and action == CHANGE,
    )
