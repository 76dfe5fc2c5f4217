"""Rows of the tables of an allocation, with the reason of each in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.line_inputs import BoolArray, IntArray
from demandcast.components.replenishment.order_calendar import Calendar
from demandcast.components.replenishment.proposing import Prepared
from demandcast.components.replenishment.supply_columns import PROBLEM
from demandcast.schema.proposal_table import BLOCKED
from demandcast.schema.transfer_table import transfer_schema, warehouse_schema

__all__ = ["Outcome", "Prospects", "transfer_rows", "warehouse_results"]


_FEW = 0.05
"""Units short on average that count as none."""


@dataclass(frozen=True)
class Prospects:
    """What lines (n) have to expect over the protection interval.

    Attributes:
        stockout_probability: That some demand is not met, calibrated. Shape [n].
        expected_lost_sales: Units. Shape [n].
    """

    stockout_probability: FloatArray
    expected_lost_sales: FloatArray


@dataclass(frozen=True)
class Outcome:
    """What was decided about the computed lines (n) and the places (J) that serve them.

    Attributes:
        row: Row of the supply; -1 where no warehouse has units. Shape [J, n].
        quantity: Units from there. Shape [J, n].
        wants_more: Whether one more pack would be worth bringing. Shape [n].
        no_room: Whether it would, had it room. Shape [n].
        room: Units for which there is room. Shape [n].
        stockout_cost: Currency per unit short. Shape [n].
        without: What lines have to expect without transfers.
        with_transfers: With them.
        next_pack: What one more pack would bring, by row of the supply, currency.
    """

    row: IntArray
    quantity: FloatArray
    wants_more: BoolArray
    no_room: BoolArray
    room: FloatArray
    stockout_cost: FloatArray
    without: Prospects
    with_transfers: Prospects
    next_pack: FloatArray


def transfer_rows(
    ready: Prepared,
    rows: pl.DataFrame,
    outcome: Outcome,
    *,
    keys: Sequence[str],
    calendar: Calendar,
) -> pl.DataFrame:
    """Writes the table of transfers: computed lines with their numbers, the others with a reason.

    Args:
        ready: All lines.
        rows: The supply, with `#ship` and `#arrival` in days.
        outcome: What was decided.
        keys: Key columns.
        calendar: When.
    """
    known = _known_lines(ready, outcome)
    sent = _sent(rows, outcome).join(known.select("#line", *keys), on="#line", how="left")
    table = pl.concat(
        [
            known,
            ready.lines.filter(pl.col("status").is_not_null()).select(*keys, "status", "reason"),
        ],
        how="diagonal_relaxed",
    )
    table = table.join(sent.drop(keys), on="#line", how="left")
    served = pl.col("quantity").is_not_null()
    table = table.with_columns(
        quantity=pl.when(~pl.col("status").is_in(sorted(BLOCKED))).then(
            pl.col("quantity").fill_null(0.0)
        ),
        reason=pl.when(served)
        .then(pl.concat_str(_arrives(), "reason", separator="; "))
        .otherwise("reason"),
    )
    return _shaped(_ranked(table, keys), transfer_schema(keys), calendar)


def warehouse_results(rows: pl.DataFrame, outcome: Outcome, on: Sequence[str]) -> pl.DataFrame:
    """Writes the table of warehouses: what was sent, what stays, and why.

    Args:
        rows: The supply.
        outcome: What was decided.
        on: Item columns.
    """
    at, units = outcome.row.ravel(), outcome.quantity.ravel()
    known = at >= 0
    sent = np.bincount(at[known], units[known], rows.height)
    series = np.bincount(at[known], units[known] > 0, rows.height)
    lines = np.bincount(at[known], minlength=rows.height)
    next_pack = np.zeros(rows.height)
    next_pack[: len(outcome.next_pack)] = outcome.next_pack
    left = np.maximum(rows["on_hand"].fill_null(0.0).to_numpy() - sent, 0.0)
    good = pl.col(PROBLEM).is_null()
    table = rows.with_columns(
        sent=pl.Series(sent),
        left_over=pl.Series(np.where(left > 1e-9, left, 0.0)),
        series=pl.Series(series),
        next_pack=pl.Series(next_pack),
        lines=pl.Series(lines),
    ).with_columns(
        *(pl.when(good).then(name).alias(name) for name in ("sent", "left_over", "next_pack")),
        series=pl.when(good).then("series"),
        reason=pl.coalesce(PROBLEM, _why_left()),
    )
    schema = warehouse_schema(on)
    return table.sort("warehouse", *on).select(
        pl.col(name).cast(kind) for name, kind in schema.items()
    )


def _known_lines(ready: Prepared, outcome: Outcome) -> pl.DataFrame:
    """Puts status, numbers and reason beside the computed lines, a row each."""
    without, later = outcome.without, outcome.with_transfers
    avoided = np.maximum(without.expected_lost_sales - later.expected_lost_sales, 0.0)
    total = outcome.quantity.sum(axis=0)
    known = ready.computed.drop("status", "reason").with_columns(
        **{"#line": pl.int_range(pl.len(), dtype=pl.Int64)},
        status=pl.Series(_statuses(outcome, total)),
        total_quantity=pl.Series(total),
        stockout_probability_without=pl.Series(without.stockout_probability),
        stockout_probability=pl.Series(later.stockout_probability),
        expected_lost_sales_without=pl.Series(without.expected_lost_sales),
        expected_lost_sales=pl.Series(later.expected_lost_sales),
        avoided_cost=pl.Series(avoided * outcome.stockout_cost),
        **{"#price": pl.Series(outcome.stockout_cost)},
        **{"#avoided": pl.Series(avoided), "#room": pl.Series(outcome.room)},
        **{"#no_room": pl.Series(outcome.no_room)},
    )
    return known.with_columns(reason=_reason())


def _statuses(outcome: Outcome, total: FloatArray) -> npt.NDArray[np.str_]:
    """Says what became of each line."""
    served = (outcome.row >= 0).any(axis=0)
    short = outcome.wants_more | outcome.no_room
    found = np.select(
        [~served, (total > 0) & short, total > 0, short],
        ["no_supply", "reduced", "sent", "held_back"],
        default="covered",
    )
    return np.asarray(found, np.str_)


def _sent(rows: pl.DataFrame, outcome: Outcome) -> pl.DataFrame:
    """Lists what goes from which row of the supply to which line."""
    place, line = np.nonzero(outcome.quantity > 0)
    sent = pl.DataFrame(
        {
            "#line": line.astype(np.int64),
            "#row": outcome.row[place, line].astype(np.uint32),
            "quantity": outcome.quantity[place, line],
        }
    )
    shipped = rows.select(
        "#row",
        "warehouse",
        "transport_cost",
        ship_date=pl.col("#ship").cast(pl.Int32).cast(pl.Date),
        arrival_date=pl.col("#arrival").cast(pl.Int32).cast(pl.Date),
    )
    return sent.join(shipped, on="#row", how="left").with_columns(
        transport_cost=(pl.col("transport_cost") * pl.col("quantity")).round(6)
    )


def _ranked(table: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Sorts by what is still likely to be lost, and numbers the rows."""
    at_risk = (pl.col("expected_lost_sales") * pl.col("#price")).fill_null(np.inf)
    order = table.sort(
        at_risk, *keys, "arrival_date", "warehouse", descending=[True, *[False] * (len(keys) + 2)]
    )
    return order.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32))


def _shaped(rows: pl.DataFrame, schema: pl.Schema, calendar: Calendar) -> pl.DataFrame:
    """Picks the columns of the table; null where a row has none."""
    rows = rows.with_columns(cutoff=pl.lit(calendar.cutoff, pl.Date))
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in schema.items()
    )


def _number(value: pl.Expr) -> pl.Expr:
    """Writes a number with at most one decimal."""
    rounded = value.round(1)
    whole = rounded.cast(pl.Int64, strict=False).cast(pl.String)
    return pl.when(rounded == rounded.floor()).then(whole).otherwise(rounded.cast(pl.String))


def _units(value: pl.Expr) -> pl.Expr:
    """Writes units with at most one decimal."""
    unit = pl.when(value.round(1) == 1).then(pl.lit("unit")).otherwise(pl.lit("units"))
    return pl.format("{} {}", _number(value), unit)


def _arrives() -> pl.Expr:
    """Says what comes from where, and when."""
    day = pl.col("arrival_date").dt.to_string("%Y-%m-%d")
    return pl.format("{} from {}, there on {}", _units(pl.col("quantity")), "warehouse", day)


def _reason() -> pl.Expr:
    """Says what a line gains, or why it gets nothing or less."""
    lost, status = pl.col("expected_lost_sales_without"), pl.col("status")
    until = "expected to be short until the next order arrives"
    short = pl.format(f"{{}} {until}", _units(lost))
    saved = pl.format(f"saves {{}} of the {{}} {until}", _number(pl.col("#avoided")), _units(lost))
    room = pl.format("there is room for {}", _units(pl.col("#room")))
    more = pl.when(pl.col("#no_room")).then(room)
    nothing_left = pl.lit("more would be worth bringing, and no pack is left")
    others = pl.lit("other stores make more of all there is")
    suffices = pl.lit("stock and orders on their way suffice")
    return (
        pl.when(status == "sent")
        .then(saved)
        .when(status == "reduced")
        .then(pl.format("{}; {}", saved, pl.coalesce(more, nothing_left)))
        .when(status == "held_back")
        .then(pl.format("{}; {}", short, pl.coalesce(more, others)))
        .when(status == "no_supply")
        .then(pl.format("no warehouse has units of it; {}", short))
        .when(lost < _FEW)
        .then(suffices)
        .otherwise(pl.format("{}; a pack avoids less than it costs to bring and to hold", short))
    )


def _why_left() -> pl.Expr:
    """Says why something stays, or what more would bring."""
    left, following = pl.col("left_over"), pl.col("next_pack")
    more = pl.format("one more pack would avoid {} beyond its costs", following.round(2))
    return (
        pl.when(pl.col("on_hand") == 0)
        .then(
            pl.when(following > 0)
            .then(pl.format("nothing is there; {}", more))
            .otherwise(pl.lit("nothing is there"))
        )
        .when(pl.col("lines") == 0)
        .then(pl.lit("no series that can be computed takes the item"))
        .when((left == 0) & (following > 0))
        .then(pl.format("all of it is sent; {}", more))
        .when(left == 0)
        .then(pl.lit("all of it is sent, and no more is worth bringing"))
        .when(following > 0)
        .then(pl.format("what is left is less than a pack; {}", more))
        .otherwise(pl.lit("what is left avoids less than it costs to bring and to hold"))
    )
