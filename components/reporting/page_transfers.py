"""What a page shows of an allocation: transfers from warehouses to stores, and what stays."""

from __future__ import annotations

from dataclasses import dataclass

from demandcast.components.reporting.answers import Figure
from demandcast.components.reporting.page import Headline
from demandcast.components.reporting.words import Number, count, money, several, units
from demandcast.schema.transfer_table import TRANSFER_STATUSES

__all__ = [
    "ROWS_SHOWN",
    "TransferRow",
    "TransfersPart",
    "WarehouseRow",
    "transfer_figures",
    "transfer_headline",
]

ROWS_SHOWN = 200
"""Rows of a table on the page; the files have all."""


@dataclass(frozen=True)
class TransferRow:
    """What a series gets from a warehouse, or why nothing.

    Attributes:
        series: Its key in words.
        status: One of `TRANSFER_STATUSES`.
        warehouse: Empty where nothing comes.
        quantity: Units; None where nothing could be computed.
        lost_without: Units expected to be short without any transfer.
        lost: The same with all of them.
        avoided_cost: Of the series, currency units.
        transport_cost: Of this transfer, currency units.
        reason: In words.
    """

    series: str
    status: str
    warehouse: str
    quantity: Number
    lost_without: Number
    lost: Number
    avoided_cost: Number
    transport_cost: Number
    reason: str


@dataclass(frozen=True)
class WarehouseRow:
    """What became of a row of the supply.

    Attributes:
        warehouse: Its name.
        item: Item key in words.
        on_hand: Units that were there.
        sent: Units.
        left_over: Units that stay.
        series: Series that get some.
        reason: In words.
    """

    warehouse: str
    item: str
    on_hand: Number
    sent: Number
    left_over: Number
    series: Number
    reason: str


@dataclass(frozen=True)
class TransfersPart:
    """An allocation.

    Attributes:
        cutoff: Last period that the forecast knows, ISO date.
        currency: Of all costs; empty if not known.
        rows: Transfers, and series that get nothing; most at risk first.
        warehouses: Of the supply.
        counts: Series by status.
        units_sent: Units.
        units_left: Units that stay.
        avoided_cost: Of all series, currency units.
        transport_cost: Of all transfers.
    """

    cutoff: str
    currency: str
    rows: tuple[TransferRow, ...]
    warehouses: tuple[WarehouseRow, ...]
    counts: dict[str, int]
    units_sent: float
    units_left: float
    avoided_cost: float
    transport_cost: float

    @property
    def transfers(self) -> int:
        """Rows that send something."""
        return sum(1 for row in self.rows if row.warehouse)

    def statuses(self) -> tuple[tuple[str, int, str], ...]:
        """Lists status, series and meaning, in the order of the statuses."""
        return tuple(
            (status, self.counts[status], meaning)
            for status, meaning in TRANSFER_STATUSES.items()
            if self.counts.get(status)
        )


def transfer_headline(part: TransfersPart) -> Headline:
    """Says what the allocation comes to."""
    if not part.transfers:
        return Headline("plain", "Nothing is sent", ("No transfer avoids more than it costs.",))
    avoid = "avoids" if part.transfers == 1 else "avoid"
    avoided = money(part.avoided_cost, part.currency)
    title = f"{several(part.transfers, 'transfer')} {avoid} {avoided}"
    left = f"{units(part.units_left)} units stay at the warehouses."
    short = part.counts.get("reduced", 0) + part.counts.get("held_back", 0)
    more = f"{count(short)} series would take more." if short else ""
    return Headline("plain" if short else "good", title, tuple(filter(None, (left, more))))


def transfer_figures(part: TransfersPart) -> tuple[Figure, ...]:
    """Takes the numbers that a reader wants first."""
    return (
        Figure("Sent", units(part.units_sent), f"units, in {count(part.transfers)} transfers"),
        Figure("Left over", units(part.units_left), "units that stay at the warehouses"),
        Figure("Avoided", money(part.avoided_cost, part.currency), "cost of lost sales, expected"),
        Figure("Transport", money(part.transport_cost, part.currency), "cost of bringing it"),
    )
