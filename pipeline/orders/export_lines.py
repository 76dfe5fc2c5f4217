"""Which lines an export takes, and what it says of those that it leaves out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from demandcast.components.replenishment.approvals import number_text
from demandcast.components.replenishment.order_book import series_text
from demandcast.components.replenishment.repeated_orders import ordered_before
from demandcast.pipeline.orders.desk import Desk
from demandcast.pipeline.orders.words import counted
from demandcast.schema.errors import BadInputError

__all__ = ["Leave", "lines_to_export", "waiting_lines"]

_SHOWN = 10


@dataclass(frozen=True)
class Leave:
    """Which lines an export leaves out.

    Attributes:
        waiting: If lines wait for a person: "refuse" the export, or "skip" them.
        ordered_before: Lines that another proposal has ordered already, and this one knew nothing
            of: "skip" them, or "order" them once more.
    """

    waiting: Literal["refuse", "skip"] = "refuse"
    ordered_before: Literal["skip", "order"] = "skip"


def lines_to_export(desk: Desk, leave: Leave) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Takes the lines that go out, and words those that another proposal has ordered.

    Raises:
        BadInputError: Lines wait that are not to be skipped; or none is left to go out.
    """
    names = waiting_lines(desk)
    if names and leave.waiting != "skip":
        raise BadInputError(
            f"nothing was exported: {counted(len(names), 'line')} "
            f"{'waits' if len(names) == 1 else 'wait'} for a person; approve or reject what "
            f"waits, or leave it for later with --skip-waiting:{_listed(names)}"
        )
    lines = desk.book.filter("exportable")
    if not lines.height:
        done = desk.book["export_id"].drop_nulls().unique().sort().to_list()
        again = f"; lines were exported in {', '.join(done)}: --again writes that file" * bool(done)
        raise BadInputError(
            f"proposal {desk.proposal.facts.proposal_id}: nothing to export: no line has an order "
            f"that is agreed to and was not exported{again}"
        )
    if leave.ordered_before == "order":
        return lines, ()
    return _without_ordered(desk, lines)


def _without_ordered(desk: Desk, lines: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Takes away what another proposal has ordered already, and words it."""
    key = list(desk.series_key)
    proposal_id = desk.proposal.facts.proposal_id
    ordered = ordered_before(lines, desk.chain.entries, proposal_id=proposal_id, series_key=key)
    words = pl.format(
        "{}: {} units are in {} from {} for the same day, and not in the open orders",
        series_text(key),
        number_text(pl.col("ordered_units")),
        "ordered_in",
        "supplier",
    )
    names = tuple(ordered.select(words).to_series().to_list())
    left = lines.join(ordered, on=key, how="anti", maintain_order="left")
    if not left.height:
        raise BadInputError(
            f"nothing was exported: another proposal has ordered all {counted(len(names), 'line')} "
            f"already; tell the open orders of it and propose anew, or order them once more with "
            f"--order-twice:{_listed(names)}"
        )
    return left, names


def _listed(names: Sequence[str]) -> str:
    """Writes the first of some lines below each other."""
    shown = "".join(f"\n  {name}" for name in names[:_SHOWN])
    more = f"\n  and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return shown + more


def waiting_lines(desk: Desk) -> tuple[str, ...]:
    """Names the lines that wait, and what for."""
    why = pl.when(pl.col("supplier").is_null()).then(pl.lit("no supplier"))
    rows = desk.book.filter("waiting").select(
        pl.format(
            "{}: {} units, {}",
            series_text(desk.series_key),
            pl.col("final_quantity").cast(pl.String).str.strip_suffix(".0"),
            why.otherwise(pl.format("needs approval: {}", pl.col("approval_reason"))),
        )
    )
    return tuple(rows.to_series().to_list())
