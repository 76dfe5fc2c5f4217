"""Purchase orders: the lines that are exported, grouped by supplier and day, as CSV or JSON.

The content of an export follows from the proposal table and from what the audit log says of the
export, so that the same file can be written again, byte for byte.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from demandcast.schema.errors import ContractError

__all__ = [
    "EXPORT_FORMATS",
    "ExportFacts",
    "ExportFormat",
    "FORMAT_NAME",
    "export_content",
    "logged_lines",
    "number_lines",
    "order_day",
    "recorded_lines",
]

ExportFormat = Literal["csv", "json"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = ("csv", "json")
FORMAT_NAME = "demandcast-purchase-orders"

_FORMAT_VERSION = 1
_ORDER, _LINE = "purchase_order", "purchase_order_line"
_PLACE: dict[str, pl.DataType] = {
    "supplier": pl.String(),
    "order_day": pl.String(),
    "on_order": pl.Float64(),
}
_LOGGED = _PLACE | {"quantity": pl.Float64(), _ORDER: pl.String(), _LINE: pl.Int64()}
"""What the audit log says of a line, beside its key."""
_VALUES = ("quantity", "unit_cost", "order_date", "due_date", "currency")


@dataclass(frozen=True)
class ExportFacts:
    """What an export says of itself.

    Attributes:
        export_id: Its identity.
        proposal_id: Proposal of its lines.
        cutoff: Last period that the forecast saw, ISO date; none if not known.
        moment: When it was made, ISO 8601, UTC.
        user: By whom, as given.
        currency: Of all costs; empty if not said.
        audit_head: Digest of the last entry of the audit log before the export's own.
    """

    export_id: str
    proposal_id: str
    cutoff: str | None
    moment: str
    user: str
    currency: str
    audit_head: str


def number_lines(lines: pl.DataFrame, export_id: str, *, series_key: Sequence[str]) -> pl.DataFrame:
    """Groups lines of the order book into purchase orders and numbers them.

    A purchase order has the lines of one supplier and one day of ordering. Orders are numbered in
    the order of suppliers and days; lines keep theirs.

    Args:
        lines: Lines to export; each has a supplier.
        export_id: Identity of the export, with which each number begins.
        series_key: Columns of the key.

    Returns:
        The key, `supplier`, `order_day` (of the order, or where none was computed the cutoff),
        `on_order` (units that the proposal saw on their way), `quantity`, `purchase_order` and
        `purchase_order_line`.

    Raises:
        ContractError: A column of the key is called as one of the export.
    """
    taken = sorted(set(series_key) & {_ORDER, _LINE, *_PLACE, *_VALUES})
    if taken:
        raise ContractError(f"data.columns.series_key: {taken} are columns of an export")
    ordered = lines.sort("supplier", "order_date", maintain_order=True, nulls_last=True)
    first = pl.struct("supplier", "order_date").rle_id()
    number = (first + 1).cast(pl.String).str.zfill(3)
    return ordered.with_columns(number.alias("#order")).select(
        *series_key,
        "supplier",
        order_day().alias("order_day"),
        pl.col("on_order").fill_null(0.0),
        pl.col("final_quantity").alias("quantity"),
        pl.concat_str(pl.lit(f"{export_id}-"), "#order").alias(_ORDER),
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("#order").alias(_LINE),
    )


def order_day() -> pl.Expr:
    """Writes the day of an order, ISO 8601; where none was computed, the cutoff stands for it."""
    return pl.coalesce("order_date", "cutoff").dt.to_string("%Y-%m-%d")


def logged_lines(numbered: pl.DataFrame, *, series_key: Sequence[str]) -> list[dict[str, Any]]:
    """Writes numbered lines as the audit log has them."""
    return [
        {"key": [row[name] for name in series_key], **{name: row[name] for name in _LOGGED}}
        for row in numbered.iter_rows(named=True)
    ]


def recorded_lines(
    lines: Sequence[Mapping[str, Any]], *, series_key: Sequence[str]
) -> pl.DataFrame:
    """Reads what `logged_lines` wrote."""
    rows = [(*line["key"], *(line.get(name) for name in _LOGGED)) for line in lines]
    schema: dict[str, pl.DataType] = dict.fromkeys(series_key, pl.String()) | _LOGGED
    return pl.DataFrame(rows, schema=schema, orient="row")


def export_content(
    numbered: pl.DataFrame,
    proposals: pl.DataFrame,
    facts: ExportFacts,
    *,
    series_key: Sequence[str],
    form: ExportFormat,
) -> bytes:
    """Writes an export.

    Args:
        numbered: Lines of `number_lines`.
        proposals: The proposal table.
        facts: What the export says of itself.
        series_key: Columns of the key.
        form: csv or json.

    Returns:
        Its bytes: CSV as in RFC 4180, UTF-8 without a mark; or JSON as in
        `schema/purchase_orders.schema.json`.
    """
    wanted = [*series_key, "supplier", "unit_cost", "order_date", "due_date", "currency"]
    lines = (
        numbered.drop("supplier")
        .join(proposals.select(wanted), on=list(series_key), how="left", maintain_order="left")
        .with_columns(pl.col("currency").fill_null(facts.currency))
    )
    if form == "csv":
        return _csv(lines, series_key)
    return _json(lines, facts, series_key)


def _csv(lines: pl.DataFrame, series_key: Sequence[str]) -> bytes:
    table = lines.select(
        _ORDER,
        _LINE,
        "supplier",
        *series_key,
        *(_decimal("quantity"), _decimal("unit_cost")),
        *("order_date", "due_date", "currency"),
    )
    buffer = io.BytesIO()
    table.write_csv(buffer, line_terminator="\r\n", date_format="%Y-%m-%d")
    return buffer.getvalue()


def _decimal(column: str) -> pl.Expr:
    """Writes numbers with a point, whole ones without decimals."""
    return pl.col(column).cast(pl.String).str.strip_suffix(".0").alias(column)


def _json(lines: pl.DataFrame, facts: ExportFacts, series_key: Sequence[str]) -> bytes:
    content = {
        "format": FORMAT_NAME,
        "format_version": _FORMAT_VERSION,
        "export_id": facts.export_id,
        "proposal_id": facts.proposal_id,
        "cutoff": facts.cutoff,
        "exported_at": facts.moment,
        "exported_by": facts.user,
        "currency": facts.currency,
        "audit_head": facts.audit_head,
        "series_key": list(series_key),
        "purchase_orders": _orders(lines, series_key),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode("utf-8")


def _orders(lines: pl.DataFrame, series_key: Sequence[str]) -> list[dict[str, Any]]:
    orders: dict[str, dict[str, Any]] = {}
    for row in lines.iter_rows(named=True):
        head = {
            _ORDER: row[_ORDER],
            "supplier": row["supplier"],
            "order_date": _date(row["order_date"]),
        }
        order = orders.setdefault(row[_ORDER], {**head, "lines": []})
        order["lines"].append(
            {
                "line": row[_LINE],
                "key": {name: row[name] for name in series_key},
                "quantity": _whole(row["quantity"]),
                "unit_cost": _whole(row["unit_cost"]),
                "due_date": _date(row["due_date"]),
            }
        )
    return list(orders.values())


def _date(value: Any) -> str | None:
    return None if value is None else value.isoformat()


def _whole(value: float | None) -> float | int | None:
    """Writes whole numbers as such.

    >>> _whole(24.0), _whole(2.5), _whole(None)
    (24, 2.5, None)
    """
    return int(value) if value is not None and value.is_integer() else value
