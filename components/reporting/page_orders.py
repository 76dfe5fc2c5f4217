"""What a page shows of order proposals."""

from __future__ import annotations

from dataclasses import dataclass

from demandcast.components.reporting.supplier_charts import SuppliersPart
from demandcast.schema.proposal_summary import AT_RISK, GroupSummary, ProposalSummary
from demandcast.schema.proposal_table import STATUSES
from demandcast.schema.stock_projections import StockProjections

__all__ = ["EXCEPTION_TITLES", "OrdersPart"]

EXCEPTION_TITLES = {
    "invalid": "A value cannot be used",
    "infeasible": "Terms contradict each other",
    "held_back": "Held back: no money or units left",
    AT_RISK: "Likely to run out, and no order possible today",
    "no_lead_time": "No lead time",
    "no_terms": "No terms of supply",
    "no_inventory": "No stock figure",
    "no_forecast": "No forecast",
    "short_forecast": "Forecast too short",
    "reduced": "Less ordered than wanted",
}
"""Kinds of exceptions for people."""

_REMEDIES = {
    "invalid": "Correct the value in the table that the reason names.",
    "infeasible": "Change the terms, make room, or decide by hand.",
    "held_back": "Raise the budget, ask another supplier, or order one in place of another.",
    AT_RISK: "Ask the supplier for an order outside of its calendar, or move stock.",
    "no_lead_time": "Give deliveries of the supplier, or a lead time that it quotes.",
    "no_terms": "Add a row of supply terms.",
    "no_inventory": "Add the stock of the series, 0 if there is none.",
    "no_forecast": "Decide by hand: it is new, or has ended.",
    "short_forecast": "Forecast further ahead, or let the last season go on.",
    "reduced": "Check room, shelf life, budget, and what the supplier has.",
}


@dataclass(frozen=True)
class OrdersPart:
    """Order proposals.

    Attributes:
        summary: What they come to.
        stock: Projected stock of a few series.
        suppliers: How long suppliers take and whether they keep their word; None: not known.
    """

    summary: ProposalSummary
    stock: StockProjections
    suppliers: SuppliersPart | None = None

    @property
    def exceptions(self) -> int:
        """Lines that a person has to look at."""
        return sum(one.lines for one in self.summary.exceptions)

    @property
    def blocked(self) -> int:
        """Lines for which nothing could be computed."""
        return self.summary.totals.lines - self.summary.totals.computed

    def groups(self) -> dict[str, tuple[GroupSummary, ...]]:
        """Groups by column; a column with a single value tells nothing and is left out."""
        found: dict[str, list[GroupSummary]] = {}
        for group in self.summary.groups:
            found.setdefault(group.column, []).append(group)
        return {column: tuple(rows) for column, rows in found.items() if len(rows) > 1}

    @staticmethod
    def title_of(kind: str) -> str:
        """Names an exception."""
        return EXCEPTION_TITLES.get(kind, kind.replace("_", " "))

    @staticmethod
    def remedy_of(kind: str) -> str:
        """Says what a person can do about an exception."""
        return _REMEDIES.get(kind, STATUSES.get(kind, ""))
