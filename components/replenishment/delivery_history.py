"""Order lines of suppliers become deliveries with lead times in whole periods.

    ordered   before opening: the order is placed before this day opens
              after close:    before the next day opens
    received  the goods are there before this day opens

    days      received - ordered (- 1 after close), at least 0
    lead_time days of a period's length begun: a delivery in the middle of a week does not
              serve that week from its opening, so it counts for the next one

On a daily grid an order of Monday evening that is there before opening on Wednesday has a lead
time of 1: one day of demand passes. On a weekly grid an order of Monday that arrives on Wednesday
of the next week (9 days) has one of 2.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import BoolArray, FloatArray
from demandcast.components.replenishment.supply_columns import LONGEST_DAYS, PLACE
from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.periods import FREQUENCIES, Frequency, year_length

__all__ = [
    "QUOTED",
    "DeliveryHistory",
    "HistorySettings",
    "OrderMoment",
    "RefusedLines",
    "collect_deliveries",
]

Int64Array = npt.NDArray[np.int64]
OrderMoment = Literal["before_opening", "after_close"]

QUOTED = "quoted_lead_time"
"""Column of the table of quotes: whole periods."""

_ROWS_SHOWN = 5
_DATES = ("ordered", "received")
_PROBLEMS = {
    "no key": "no supplier",
    "no order date": "no date in ordered",
    "backwards": "received before ordered",
    "too long": f"a lead time above {LONGEST_DAYS} days",
}


@dataclass(frozen=True)
class HistorySettings:
    """How order lines are read.

    Attributes:
        frequency: Of the periods in which lead times count.
        order_moment: When on the day `ordered` the order was placed.
        as_of: Last day whose orders and deliveries are known. What was received later is open
            and what was ordered later is left out, so that a past day can be judged fairly.
        by: Columns that tell apart what has a lead time of its own: the supplier, or more.
        abandoned_after: Periods after which an open order is taken for one that nobody closed;
            it is counted, and left out of the fit. None: two years.
    """

    frequency: Frequency
    order_moment: OrderMoment
    as_of: datetime.date
    by: tuple[str, ...] = ("supplier",)
    abandoned_after: int | None = None

    def __post_init__(self) -> None:
        """Refuses what cannot be meant."""
        if self.frequency not in FREQUENCIES:
            raise BadInputError(
                f"frequency: got {self.frequency!r}; one of {', '.join(FREQUENCIES)} is allowed"
            )
        if self.order_moment not in ("before_opening", "after_close"):
            raise BadInputError(
                f"order_moment: got {self.order_moment!r}; before_opening or after_close is allowed"
            )
        if not self.by:
            raise BadInputError("by: got no column; at least one, such as supplier, is needed")
        if self.abandoned_after is not None and self.abandoned_after < 1:
            raise BadInputError(
                f"abandoned_after: got {self.abandoned_after}; it must be at least 1 period"
            )

    @property
    def days_per_period(self) -> int:
        """Length of a period, days."""
        return 1 if self.frequency == "D" else 7

    @property
    def days_before_placed(self) -> int:
        """Days from `ordered` to the opening before which the order counts as placed."""
        return 1 if self.order_moment == "after_close" else 0

    @property
    def longest_open(self) -> int:
        """Periods after which an open order is abandoned."""
        return self.abandoned_after or 2 * year_length(self.frequency)


@dataclass(frozen=True)
class RefusedLines:
    """Order lines that cannot be used for one reason.

    Attributes:
        problem: What is wrong.
        count: How many.
        rows: The first of them in words, each with its line in the file, or its row, from 1.
    """

    problem: str
    count: int
    rows: tuple[str, ...]


@dataclass(frozen=True)
class DeliveryHistory:
    """Deliveries (B) of suppliers (V).

    Lines of a supplier ordered on the same day are an order, and those of them with the same
    other dates a delivery. Lines of an order travel together more often than not, so they share
    its weight: fifty lines that wait for one ship are not fifty lead times.

    Attributes:
        settings: How the lines were read.
        keys: One row per supplier, sorted; the columns `by`. V rows.
        quoted: Quoted lead time, periods; NaN without one. Shape [V].
        supplier: Row of the supplier. Shape [B].
        ordered: Day of the order since 1970-01-01. Shape [B].
        lead_time: Periods; of an open order the shortest that it can still have. Shape [B].
        arrived: False where the order is open. Shape [B].
        days_late: After the promised day, or the day that the quote gives; below 0 if early, NaN
            without either. Of an open order by the day after `as_of`. Shape [B].
        lines: Order lines of the delivery. Shape [B].
        order: Number of the order, from 0. Shape [B].
        share: Share of the lines of its order; an open order's parts count as well. Shape [B].
        abandoned: Deliveries open for so long that they are left out. Shape [V].
        in_full_share: Share of received lines with the whole quantity; NaN if unknown. Shape [V].
        refused: Lines that are in none of the above, by reason.
    """

    settings: HistorySettings
    keys: pl.DataFrame
    quoted: FloatArray
    supplier: Int64Array
    ordered: Int64Array
    lead_time: Int64Array
    arrived: BoolArray
    days_late: FloatArray
    lines: Int64Array
    order: Int64Array
    share: FloatArray
    abandoned: Int64Array
    in_full_share: FloatArray
    refused: tuple[RefusedLines, ...]


def collect_deliveries(
    lines: pl.DataFrame, settings: HistorySettings, *, quoted: pl.DataFrame | None = None
) -> DeliveryHistory:
    """Turns order lines into deliveries with lead times.

    Args:
        lines: A row per order line: the columns `by` of the settings; `ordered` and `received`
            (dates; null in `received`: still open); optionally `promised` (date), and
            `quantity` with `received_quantity`, units; and `PLACE` for messages.
        settings: How to read them.
        quoted: The columns `by` and `quoted_lead_time`, whole periods, null without a quote; a
            supplier may be in it without any order line.

    Returns:
        The deliveries; suppliers of either table appear, even if all their lines are refused.

    Raises:
        ContractError: A column is missing or has another type, or a supplier has two quotes or
            one that is negative.
    """
    _check_lines(lines, settings)
    quotes = _quotes(lines, settings, quoted)
    by = list(settings.by)
    keys = (
        pl.concat([lines.select(by), quotes.select(by)]).drop_nulls().unique().sort(by)
    ).with_row_index("#supplier")
    keyed = keys.join(quotes, on=by, how="left", maintain_order="left")
    known = _known(lines, settings)
    used = known.filter(pl.col("#problem").is_null()).join(
        keyed, on=by, how="left", maintain_order="left"
    )
    deliveries = _deliveries(used, settings)
    kept = deliveries.filter(~pl.col("abandoned")).with_columns(
        order=pl.struct("#supplier", "ordered").rle_id(),  # They are sorted.
        share=pl.col("lines") / pl.col("lines").sum().over("#supplier", "ordered"),
    )
    dropped = deliveries.filter(pl.col("abandoned"))["#supplier"].to_numpy()
    return DeliveryHistory(
        settings=settings,
        keys=keys.select(by),
        quoted=keyed[QUOTED].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        supplier=kept["#supplier"].cast(pl.Int64).to_numpy(),
        ordered=kept["ordered"].cast(pl.Int32).cast(pl.Int64).to_numpy(),
        lead_time=kept["lead_time"].cast(pl.Int64).to_numpy(),
        arrived=kept["arrived"].to_numpy(),
        days_late=kept["days_late"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        lines=kept["lines"].cast(pl.Int64).to_numpy(),
        order=kept["order"].cast(pl.Int64).to_numpy(),
        share=kept["share"].to_numpy(),
        abandoned=np.bincount(dropped, minlength=len(keys)).astype(np.int64),
        in_full_share=_in_full_share(used, len(keys)),
        refused=_refused(known, settings),
    )


def _known(lines: pl.DataFrame, settings: HistorySettings) -> pl.DataFrame:
    """Leaves what is known on the day, and says of each line what is wrong with it."""
    ordered, received = pl.col("ordered"), pl.col("received")
    missing_key = pl.any_horizontal(pl.col(list(settings.by)).is_null())
    promised = pl.col("promised") if "promised" in lines.columns else pl.lit(None, pl.Date)
    numbered = pl.format("row {}", pl.int_range(1, pl.len() + 1))
    return (
        lines.with_columns(pl.col(PLACE) if PLACE in lines.columns else numbered.alias(PLACE))
        .with_columns(promised.alias("promised"))
        .with_columns(
            pl.when(missing_key)
            .then(pl.lit("no key"))
            .when(ordered.is_null())
            .then(pl.lit("no order date"))
            .when(received < ordered)
            .then(pl.lit("backwards"))
            .when((received - ordered).dt.total_days() > LONGEST_DAYS)
            .then(pl.lit("too long"))
            .alias("#problem")
        )
        .filter(ordered.is_null() | (ordered <= settings.as_of))
        .with_columns(
            pl.when(received <= settings.as_of).then(received).alias("#received"),
        )
    )


def _deliveries(used: pl.DataFrame, settings: HistorySettings) -> pl.DataFrame:
    """Joins lines with the same dates, and computes lead times and lateness."""
    length, before = settings.days_per_period, settings.days_before_placed
    ordered, received = pl.col("ordered"), pl.col("#received")
    # An open order arrives tomorrow at the earliest: tomorrow's lead time bounds its own.
    ended = pl.coalesce(received, pl.lit(settings.as_of + datetime.timedelta(days=1)))
    days = ((ended - ordered).dt.total_days() - before).clip(lower_bound=0)
    due = pl.coalesce(
        pl.col("promised"), ordered + pl.duration(days=before + pl.col(QUOTED) * length)
    )
    delivery = ["#supplier", "ordered", "#received", "arrived", "lead_time", "days_late"]
    return (
        used.with_columns(
            arrived=received.is_not_null(),
            lead_time=(days + length - 1) // length,
            days_late=(ended - due).dt.total_days(),
        )
        .group_by(delivery)
        .agg(lines=pl.len())
        .sort(delivery)
        .with_columns(abandoned=~pl.col("arrived") & (pl.col("lead_time") > settings.longest_open))
    )


def _in_full_share(used: pl.DataFrame, suppliers: int) -> FloatArray:
    """Computes the share of received lines with the whole quantity. Shape [V]."""
    share = np.full(suppliers, np.nan)
    if not {"quantity", "received_quantity"} <= set(used.columns):
        return share
    judged = used.drop_nulls(["#received", "quantity", "received_quantity"])
    table = judged.group_by("#supplier").agg(
        share=(pl.col("received_quantity") >= pl.col("quantity")).mean()
    )
    share[table["#supplier"].to_numpy()] = table["share"].to_numpy()
    return share


def _refused(known: pl.DataFrame, settings: HistorySettings) -> tuple[RefusedLines, ...]:
    """Counts refused lines by reason, and names the first."""
    columns = [PLACE, *settings.by, *_DATES]
    found = []
    for problem, words in _PROBLEMS.items():
        wrong = known.filter(pl.col("#problem") == problem)
        if len(wrong):
            first = wrong.select(columns).head(_ROWS_SHOWN)
            rows = tuple(_row_in_words(row) for row in first.iter_rows(named=True))
            found.append(RefusedLines(words, len(wrong), rows))
    return tuple(found)


def _row_in_words(row: dict[str, object]) -> str:
    said = ", ".join(f"{name} {value}" for name, value in row.items() if name != PLACE)
    return f"{row[PLACE]}: {said}"


def _check_lines(lines: pl.DataFrame, settings: HistorySettings) -> None:
    _check_columns(lines, (*settings.by, *_DATES), "order lines")
    for name in (*_DATES, "promised"):
        if name in lines.columns and lines.schema[name] not in (pl.Date, pl.Null):
            raise ContractError(f"order lines, {name}: got {lines.schema[name]}; expected Date")
    for name in ("quantity", "received_quantity"):
        if name in lines.columns and not lines.schema[name].is_numeric():
            raise ContractError(f"order lines, {name}: got {lines.schema[name]}; expected a number")


def _quotes(
    lines: pl.DataFrame, settings: HistorySettings, quoted: pl.DataFrame | None
) -> pl.DataFrame:
    """Checks the quotes; an empty table without any."""
    by = list(settings.by)
    if quoted is None:
        return lines.select(by).clear().with_columns(pl.lit(None, pl.Int64).alias(QUOTED))
    _check_columns(quoted, (*by, QUOTED), "quotes")
    if not quoted.schema[QUOTED].is_integer() and quoted.schema[QUOTED] != pl.Null:
        raise ContractError(
            f"quotes, {QUOTED}: got {quoted.schema[QUOTED]}; expected whole periods"
        )
    casts = [pl.col(name).cast(lines.schema[name]) for name in by]
    quotes = quoted.select(*casts, pl.col(QUOTED).cast(pl.Int64)).drop_nulls(by)
    wrong = quotes.filter(pl.struct(by).is_duplicated() | (pl.col(QUOTED) < 0))
    if len(wrong):
        rows = "; ".join(str(row) for row in wrong.head(_ROWS_SHOWN).rows())
        raise ContractError(
            f"quotes: {len(wrong)} rows repeat a supplier or are negative, the first: {rows}"
        )
    return quotes


def _check_columns(table: pl.DataFrame, expected: Sequence[str], name: str) -> None:
    missing = [column for column in expected if column not in table.columns]
    if missing:
        raise ContractError(
            f"{name}: no column {', '.join(missing)}; there are {', '.join(table.columns)}"
        )
