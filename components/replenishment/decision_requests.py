"""Checks what people want to decide, all of it before any of it counts.

A table of requests has the series key and the columns of `REQUEST_COLUMNS`; '#' keeps them apart
from any column of the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from demandcast.components.replenishment.audit_chain import AuditEntry
from demandcast.components.replenishment.decisions import ACTIONS, APPROVE, CHANGE, REJECT
from demandcast.components.replenishment.order_book import series_text

__all__ = [
    "REFUSAL_SCHEMA",
    "REQUEST_COLUMNS",
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
"""Row of the file (null: none); what is wanted; units (null: not said); why; whether pack and
least order are overruled; last entry of the log that the asker saw (null: all)."""

REFUSAL_SCHEMA: dict[str, pl.DataType] = {
    "row": pl.Int64(),
    "series": pl.String(),
    "column": pl.String(),
    "value": pl.String(),
    "allowed": pl.String(),
}
"""Columns of a table of refusals; the first is null if there is no file."""

_TOLERANCE = 1e-6
"""Packs may be fractions such as 0.1, of which no float is a whole multiple."""

_ACTION, _QUANTITY, _REASON = pl.col("#action"), pl.col("#quantity"), pl.col("#reason")
_STATE, _FINAL = pl.col("line_state"), pl.col("final_quantity")
_STANDS = pl.when(_FINAL > 0).then(_FINAL).otherwise(pl.col("order_quantity").fill_null(0.0))
"""Units that an approval agrees to: those that stand, or of a rejected line the proposed ones."""


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
        forced: Whether pack and least order are overruled.
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
    requests: pl.DataFrame, book: pl.DataFrame, *, series_key: Sequence[str]
) -> pl.DataFrame:
    """Finds the requests that cannot be granted.

    Args:
        requests: What is wanted, columns of `request_schema`.
        book: The order book.
        series_key: Columns of the key.

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
    found += _refusals_of_lines(joined.filter(known), series_key)
    return pl.concat(found).sort("#at", maintain_order=True).select(list(REFUSAL_SCHEMA))


def _joined(requests: pl.DataFrame, book: pl.DataFrame, series_key: Sequence[str]) -> pl.DataFrame:
    lines = book.with_columns(pl.lit(value=True).alias("#known"))
    return requests.join(lines, on=list(series_key), how="left", maintain_order="left")


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
    nothing = open_lines & _ACTION.is_in([APPROVE, REJECT]) & (_STANDS <= 0)
    yield refused(nothing, "#action", "change, with a quantity: the line has no order")
    yield refused(
        open_lines & _ACTION.is_in([REJECT, CHANGE]) & (_REASON == ""), "#reason", "a reason"
    )
    yield from _refused_quantities(lines.filter(open_lines), series_key)


def _refused_quantities(lines: pl.DataFrame, series_key: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Refuses quantities that do not go with the decision."""

    def refused(broken: pl.Expr, allowed: str | pl.Expr) -> pl.DataFrame:
        return _refused(lines, broken, series_key, "#quantity", allowed)

    yield refused(
        (_ACTION == APPROVE) & _QUANTITY.is_not_null() & ~_close(_QUANTITY, _STANDS),
        pl.format("nothing, or {}, with approve; change sets another", _number(_STANDS)),
    )
    yield refused((_ACTION == REJECT) & (_QUANTITY.fill_null(0.0) != 0.0), "nothing, with reject")
    changes = lines.filter(_ACTION == CHANGE)
    usable = ((_QUANTITY > 0) & _QUANTITY.is_finite()).fill_null(value=False)
    unusable = "units above 0, with change; reject orders nothing"
    yield _refused(changes, ~usable, series_key, "#quantity", unusable)
    supplied = "lines with a supplier; the terms of supply name it"
    yield _refused(changes, pl.col("supplier").is_null(), series_key, "supplier", supplied)
    yield from _refused_changes(changes.filter(usable), series_key)


def _refused_changes(changes: pl.DataFrame, series_key: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Refuses changes to what stands already, or against the terms of the line."""

    def refused(broken: pl.Expr, allowed: str | pl.Expr) -> pl.DataFrame:
        return _refused(changes, broken, series_key, "#quantity", allowed)

    pack, moq = pl.col("pack_size").fill_null(0.0), pl.col("moq").fill_null(0.0)
    packs, bound = _QUANTITY / pack, ~pl.col("#forced")
    yield refused(
        (_STATE != "rejected") & _close(_QUANTITY, _FINAL),
        "another quantity than the one that stands, or approve",
    )
    yield refused(
        bound & (pack > 0) & ((packs - packs.round(0)).abs() > _TOLERANCE),
        pl.format("whole packs of {}, or --force", _number(pl.col("pack_size"))),
    )
    yield refused(
        bound & (moq - _QUANTITY > _TOLERANCE),
        pl.format("at least {}, the least order, or --force", _number(pl.col("moq"))),
    )


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
    return ((one - other).abs() <= _TOLERANCE).fill_null(value=False)


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
    """
    after = (
        pl.when(_ACTION == CHANGE).then(_QUANTITY).when(_ACTION == REJECT).then(0.0)
    ).otherwise(_STANDS)
    known = pl.coalesce(pl.col("order_quantity"), pl.when(_STATE != "proposed").then(_FINAL))
    # Null stays null: before the first decision nothing stood on a blocked line.
    before = pl.when(known.is_not_null()).then(_FINAL)
    rows = _joined(requests, book, series_key).select(
        *series_key, "#action", "#reason", "#forced", before.alias("#before"), after.alias("#after")
    )
    return [
        AuditEntry(
            action=row["#action"],
            moment="",
            user="",
            key={name: row[name] for name in series_key},
            before=row["#before"],
            after=row["#after"],
            reason=row["#reason"],
            forced=row["#forced"] and row["#action"] == CHANGE,
        )
        for row in rows.iter_rows(named=True)
    ]
