"""What a proposal table comes to: what is to be ordered, what it leaves at risk, what stands out.

Small whatever the size of the table, so that a page can show it; beside the table as
`PROPOSAL_SUMMARY_FILE`. Money is in currency units; None is what could not be computed.
"""

from __future__ import annotations

from typing import Literal

from demandcast.schema.config.base import Section

__all__ = [
    "AT_RISK",
    "GroupSummary",
    "LineSummary",
    "ProposalException",
    "ProposalSummary",
    "RiskCount",
    "SummaryFacts",
    "SupplierSummary",
    "Totals",
]

AT_RISK = "not_due_at_risk"
"""Exception beside the statuses: nothing can be ordered today, and stock is likely to run out."""


class SummaryFacts(Section):
    """What the table does not say of itself.

    Attributes:
        period_days: Days of a period.
        horizon: Periods that were looked ahead; what covers as many may cover more.
        measure: What `service_target` is a target of.
        target: Where the terms of a line give no other; None for the least cost.
        risk_bounds: Probabilities to run out from which a line is medium, high and critical.
        budget: Most that all orders together may cost; None: no limit.
        currency: Of all money; empty if not said.
        shadow_price: What one more currency unit of budget would save; 0 without a budget.
    """

    period_days: int
    horizon: int
    measure: Literal["cycle_service_level", "fill_rate", "cost"]
    target: float | None
    risk_bounds: tuple[float, float, float]
    budget: float | None = None
    currency: str = ""
    shadow_price: float = 0.0


class Totals(Section):
    """Sums over all lines; probabilities and rates over those that could be computed.

    Attributes:
        lines: Rows of the table.
        computed: Lines for which quantities could be computed.
        orders: Lines with something to order.
        need_approval: Orders that a person must approve.
        suppliers: Suppliers with an order.
        order_value: Of all orders.
        stock_value: Of what is on hand.
        unpriced: Lines with stock whose cost is not known: they are not in `stock_value`.
        excess_value: Of what stands above the base-stock levels, on its way or on hand.
        excess_holding_cost: Of holding that for a period; None without terms.
        expected_demand: Over the protection intervals, units.
        expected_lost_sales: Over the same with the orders, units.
        expected_lost_sales_without: Without them, units.
        fill_rate: 1 - lost sales / demand, with the orders.
        fill_rate_without: Without them.
        stockout_probability: Mean over the lines, with the orders.
        stockout_probability_without: Without them.
        expected_holding_cost: Over the protection intervals, with the orders.
        expected_stockout_cost: With the orders.
        expected_stockout_cost_without: Without them; None without terms.
    """

    lines: int
    computed: int
    orders: int
    need_approval: int
    suppliers: int
    order_value: float
    stock_value: float
    unpriced: int
    excess_value: float
    excess_holding_cost: float | None
    expected_demand: float
    expected_lost_sales: float
    expected_lost_sales_without: float
    fill_rate: float | None
    fill_rate_without: float | None
    stockout_probability: float | None
    stockout_probability_without: float | None
    expected_holding_cost: float
    expected_stockout_cost: float
    expected_stockout_cost_without: float | None


class RiskCount(Section):
    """Computed lines of a risk class, with their orders and without."""

    name: str
    lines: int
    lines_without: int


class SupplierSummary(Section):
    """Orders of one supplier.

    Attributes:
        name: Of the supplier; None where the table names none.
        orders: Lines with something to order.
        need_approval: Those of them that a person must approve.
        order_value: Of all of them.
        first_due: First day on which one is due, ISO date.
        last_due: Last of them.
    """

    name: str | None
    orders: int
    need_approval: int
    order_value: float
    first_due: str | None
    last_due: str | None


class GroupSummary(Section):
    """Lines that have a value of a column in common, such as those of a store.

    Attributes:
        column: A column of the series key, or an attribute.
        value: Its value; None where there is none.
        lines: How many.
        blocked: Those that could not be computed.
        orders: Lines with something to order.
        order_value: Of them.
        expected_demand: Over the protection intervals, units.
        stockout_probability: Mean with the orders, weighted by expected demand.
        expected_lost_sales: Over the same with the orders, units.
        fill_rate: 1 - lost sales / demand, with the orders.
        stock_value: Of what is on hand.
        excess_value: Of what stands above the base-stock levels.
        cover_periods: Median over the lines: how long stock and orders last.
    """

    column: str
    value: str | None
    lines: int
    blocked: int
    orders: int
    order_value: float
    expected_demand: float
    expected_lost_sales: float
    stockout_probability: float | None
    fill_rate: float | None
    stock_value: float
    excess_value: float
    cover_periods: float | None


class LineSummary(Section):
    """One line, as the table has it.

    Attributes:
        series: Series key, column by column.
        covers_beyond: Periods that stock and orders last beyond the protection interval.
        excess_value: Value of `excess_units`.
    """

    series: dict[str, str | None]
    status: str
    risk_class: str | None
    supplier: str | None
    order_quantity: float | None
    wanted_quantity: float | None
    order_value: float | None
    due_date: str | None
    next_order_date: str | None
    on_hand: float | None
    on_order: float | None
    expected_demand: float | None
    stockout_probability: float | None
    stockout_probability_without: float | None
    expected_lost_sales: float | None
    expected_stockout_cost: float | None
    cover_periods: float | None
    covers_beyond: float | None
    excess_units: float | None
    excess_value: float | None
    reason: str


class ProposalException(Section):
    """Lines that a person has to look at, all for the same cause.

    Attributes:
        kind: A status, or `AT_RISK`.
        lines: How many.
        missing_value: Value of what is wanted and not ordered; 0 where it is not known.
        expected_lost_sales: Over the protection intervals, units; 0 where not known.
        first: The first lines in the order of the table.
    """

    kind: str
    lines: int
    missing_value: float
    expected_lost_sales: float
    first: tuple[LineSummary, ...]


class ProposalSummary(Section):
    """What `PROPOSAL_SUMMARY_FILE` holds.

    Attributes:
        facts: What the table does not say.
        cutoff: Last period that the forecast saw, ISO date; None for an empty table.
        order_date: On which the orders are placed, ISO date; the first if there are several.
        totals: Over all lines.
        statuses: Lines of each status, those that occur.
        risk_classes: Computed lines of each class, from low to critical.
        suppliers: The largest by order value.
        groups: By column; within a column the largest expected lost sales first.
        exceptions: Kinds that occur, the most urgent first.
        riskiest: Largest expected stockout cost first.
        overstocked: Largest value above the base-stock level first.
    """

    facts: SummaryFacts
    cutoff: str | None
    order_date: str | None
    totals: Totals
    statuses: dict[str, int]
    risk_classes: tuple[RiskCount, ...]
    suppliers: tuple[SupplierSummary, ...]
    groups: tuple[GroupSummary, ...]
    exceptions: tuple[ProposalException, ...]
    riskiest: tuple[LineSummary, ...]
    overstocked: tuple[LineSummary, ...]
