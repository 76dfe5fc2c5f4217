"""The table in which people review lines, and what comes back of it; files are elsewhere.

A review has a row per line: what was proposed and why, and three columns to fill in: `decision`,
`quantity` and `reason`. `proposal_id` and `basis` at its end tell what it was written from. Rows
and columns may come back in another order, and with others among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from demandcast.components.replenishment.decision_requests import REFUSAL_SCHEMA, request_schema
from demandcast.components.replenishment.decisions import ACTIONS
from demandcast.components.replenishment.order_book import series_text
from demandcast.schema.errors import BadInputError, ContractError

__all__ = ["INPUTS", "RawTable", "ReviewBasis", "read_review", "review_table"]

INPUTS = ("decision", "quantity", "reason")
"""Columns that people fill in."""

_ORIGIN = ("proposal_id", "basis")
_BEFORE_INPUTS = ("status", "risk_class", "supplier", "order_quantity", "needs_approval")
_AFTER_INPUTS = (
    "line_state",
    "final_quantity",
    "approval_reason",
    "decided_by",
    "decision_reason",
    "proposal_reason",
    "unit_cost",
    "order_value",
    "currency",
    "pack_size",
    "moq",
    "storage_room",
    "order_date",
    "due_date",
    "on_hand",
    "on_order",
    "reserved",
    "expected_demand",
    "demand_at_target",
    "stockout_probability_without",
    "stockout_probability",
    "cover_periods",
    "excess_units",
)
_NUMBER = r"^\d+(\.\d+)?$"
_MAYBE_THOUSANDS = r"^[1-9]\d{0,2}[.,]\d{3}$"
"""Where commas and points are both decimal marks, nobody can tell 1.000 from a thousand."""
_SHOWN_DIGITS = 0.01
"""Largest difference that rounding for the eye makes, units."""


@dataclass(frozen=True)
class ReviewBasis:
    """What a review is written from.

    Attributes:
        proposal_id: The proposal.
        proposals: SHA-256 of its table.
        sequence: Last entry of the log; 0 if there is none.
    """

    proposal_id: str
    proposals: str
    sequence: int

    def __str__(self) -> str:
        """Writes it as the column `basis` has it.

        >>> str(ReviewBasis("p", "0123456789abcdef", 7))
        '0123456789ab@7'
        """
        return f"{self._digest}@{self.sequence}"

    @property
    def _digest(self) -> str:
        return self.proposals[:12]

    def complaint(self, proposal_id: str, basis: str) -> tuple[str, str, str] | None:
        """Says which column of a row shows that it is of another review: name, value, allowed."""
        if proposal_id != self.proposal_id:
            return "proposal_id", proposal_id, self.proposal_id
        digest, _, sequence = basis.partition("@")
        if digest != self._digest or not sequence.isdecimal() or int(sequence) > self.sequence:
            allowed = "as a review of these proposals has it; they have changed since, or the file"
            return "basis", basis, allowed
        return None


@dataclass(frozen=True)
class RawTable:
    """A table as a file has it, as texts.

    Attributes:
        header: Names of the columns.
        rows: Number of the row in the file, the header's being 1; and a text per column.
        decimal_comma: Whether numbers may have a comma for their point.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    decimal_comma: bool = False


def review_table(
    book: pl.DataFrame, basis: ReviewBasis, *, series_key: Sequence[str]
) -> pl.DataFrame:
    """Lays out the lines of an order book for people, in the order given.

    Raises:
        ContractError: A column of the key is called as one that people fill in.
    """
    names = (*_BEFORE_INPUTS, *INPUTS, *_AFTER_INPUTS, *_ORIGIN)
    taken = sorted(set(series_key) & set(names))
    if taken:
        raise ContractError(f"data.columns.series_key: {taken} are columns of a review")
    blank = pl.lit(None, pl.String)
    values = book.with_columns(
        pl.col("reason").alias("proposal_reason"),
        blank.alias("decision"),
        pl.lit(None, pl.Float64).alias("quantity"),
        blank.alias("reason"),
        pl.lit(basis.proposal_id).alias("proposal_id"),
        pl.lit(str(basis)).alias("basis"),
    )
    return values.select(*series_key, *names)


def read_review(
    table: RawTable, book: pl.DataFrame, basis: ReviewBasis, *, series_key: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Reads what people filled in.

    Args:
        table: The file.
        book: The order book as it is now.
        basis: What a review written now would be written from.
        series_key: Columns of the key.

    Returns:
        The rows with something filled in, as `decision_requests.request_schema`; and refusals of
        rows that say something which cannot be read, as `decision_requests.REFUSAL_SCHEMA`.

    Raises:
        BadInputError: Columns are missing or twice, or a row is of another proposal, or of these
            proposals as they were before they changed.
    """
    frame = _frame(table, series_key)
    _check_origin(frame, basis)
    filled = pl.any_horizontal(pl.col(name) != "" for name in INPUTS)
    refusals = [_edited_proposals(table, frame, book, series_key)]
    frame = frame.filter(filled)
    quantity, number = pl.col("quantity"), _with_point(table, pl.col("quantity"))
    readable = (quantity == "") | number.str.contains(_NUMBER)
    example = "24,5, without a mark for thousands" if table.decimal_comma else "24.5"
    refusals += [
        _refusals(frame, ~readable, series_key, "quantity", f"a number such as 24 or {example}"),
        _refusals(
            frame,
            ~pl.col("decision").str.to_lowercase().is_in(ACTIONS),
            series_key,
            "decision",
            f"{', '.join(ACTIONS)}; nothing in all three columns leaves a line as it is",
        ),
    ]
    requests = frame.select(
        *series_key,
        pl.col("#row"),
        pl.col("decision").str.to_lowercase().alias("#action"),
        pl.when(readable & (quantity != "")).then(number).cast(pl.Float64).alias("#quantity"),
        pl.col("reason").alias("#reason"),
        pl.lit(value=False).alias("#forced"),
        pl.col("basis").str.split("@").list.last().cast(pl.Int64).alias("#seen"),
    )
    return requests.select(list(request_schema(series_key))), pl.concat(refusals).sort("row")


def _frame(table: RawTable, series_key: Sequence[str]) -> pl.DataFrame:
    """Takes the columns that count, by name; rows without any value are left out."""
    header = [name.strip() for name in table.header]
    needed = [*series_key, *INPUTS, *_ORIGIN]
    missing = [name for name in needed if name not in header]
    if missing:
        raise BadInputError(
            f"row 1: no column {missing}; expected the columns of a review, of which "
            f"{needed} count; found {[name for name in header if name]}"
        )
    wanted = [*needed, *(name for name in ("order_quantity",) if name in header)]
    twice = [name for name in wanted if header.count(name) > 1]
    if twice:
        raise BadInputError(f"row 1: the columns {twice} are there twice; allowed: once each")
    rows = [(number, cells) for number, cells in table.rows if any(cell.strip() for cell in cells)]
    columns: dict[str, list[Any]] = {"#row": [number for number, _ in rows]}
    for name in wanted:
        columns[name] = [_cell(cells, header.index(name)) for _, cells in rows]
    schema = {"#row": pl.Int64()} | dict.fromkeys(wanted, pl.String())
    inputs = [pl.col(name).str.strip_chars() for name in wanted if name not in series_key]
    return pl.DataFrame(columns, schema=schema).with_columns(inputs)


def _cell(cells: Sequence[str], position: int) -> str:
    """Rows of a CSV file may end early."""
    return cells[position] if position < len(cells) else ""


def _check_origin(frame: pl.DataFrame, basis: ReviewBasis) -> None:
    """Refuses a file as a whole if any row was written from something else."""
    origins = frame.group_by(_ORIGIN, maintain_order=True).agg(pl.col("#row").first())
    for proposal_id, stamp, row in origins.iter_rows():
        found = basis.complaint(proposal_id, stamp)
        if found:
            column, value, allowed = found
            raise BadInputError(
                f"row {row}: column {column!r}: got {value!r}; allowed: {allowed}; "
                "nothing was applied"
            )


def _with_point(table: RawTable, text: pl.Expr) -> pl.Expr:
    """Gives texts of numbers a point; what may mean thousands is no number."""
    if not table.decimal_comma:
        return text
    unclear = text.str.contains(_MAYBE_THOUSANDS)
    return pl.when(unclear).then(pl.lit("")).otherwise(text.str.replace(",", ".", literal=True))


def _edited_proposals(
    table: RawTable, frame: pl.DataFrame, book: pl.DataFrame, series_key: Sequence[str]
) -> pl.DataFrame:
    """Finds rows in which the proposed quantity was overwritten, which would change nothing."""
    if "order_quantity" not in frame.columns:
        return pl.DataFrame(schema=REFUSAL_SCHEMA)
    proposed = book.select(*series_key, pl.col("order_quantity").alias("#proposed"))
    joined = frame.join(proposed, on=list(series_key), how="inner", maintain_order="left")
    text, number = pl.col("order_quantity"), pl.col("#proposed")
    # Spreadsheets show numbers rounded, and may save what they show.
    points = text.str.replace(",", ".", literal=True) if table.decimal_comma else text
    close = (points.cast(pl.Float64, strict=False) - number).abs() <= _SHOWN_DIGITS
    same = pl.when(text == "").then(number.is_null()).otherwise(close)
    return _refusals(
        joined,
        ~same.fill_null(value=False),
        series_key,
        "order_quantity",
        "as proposed; write another in the column quantity, with the decision change",
    )


def _refusals(
    frame: pl.DataFrame, broken: pl.Expr, series_key: Sequence[str], column: str, allowed: str
) -> pl.DataFrame:
    return frame.filter(broken).select(
        pl.col("#row").alias("row"),
        series_text(series_key).alias("series"),
        pl.lit(column).alias("column"),
        pl.col(column).alias("value"),
        pl.lit(allowed).alias("allowed"),
    )
