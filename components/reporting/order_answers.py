"""What a planner wants to know first of order proposals, in a sentence and a few numbers."""

from __future__ import annotations

from collections.abc import Iterator

from demandcast.components.reporting.answers import Answer, Figure
from demandcast.components.reporting.page import Headline
from demandcast.components.reporting.page_orders import OrdersPart
from demandcast.components.reporting.words import count, is_number, money, number, percent, several

__all__ = ["order_figures", "orders_answer", "orders_headline"]

_MEASURES = {"cycle_service_level": "cycle service level", "fill_rate": "fill rate"}


def orders_headline(part: OrdersPart) -> Headline:
    """Says what is proposed, and what keeps a planner from sending it off."""
    totals, currency = part.summary.totals, part.summary.facts.currency
    if not totals.lines:
        return Headline("plain", "There are no lines", ("Neither forecasts nor stock have any.",))
    title = "Nothing is to be ordered"
    if totals.orders:
        title = f"{several(totals.orders, 'order')} worth {money(totals.order_value, currency)}"
    reasons = []
    if totals.need_approval:
        needs = "needs" if totals.need_approval == 1 else "need"
        reasons.append(f"{several(totals.need_approval, 'order')} {needs} approval.")
    if part.exceptions:
        to_look_at = several(part.exceptions, "exception")
        reasons.append(
            f"{to_look_at} to look at, {count(part.blocked)} of them without any proposal."
        )
    return Headline(
        tone="plain" if part.exceptions else "good",
        title=title,
        reasons=tuple(reasons) or ("No exception.",),
        remarks=(_target(part),),
    )


def orders_answer(part: OrdersPart) -> Answer:
    """Says the same among the answers of a run."""
    headline = orders_headline(part)
    text = " ".join([f"{headline.title}.", *headline.reasons])
    return Answer("What is to be ordered?", text, "orders")


def order_figures(part: OrdersPart) -> tuple[Figure, ...]:
    """Takes the numbers that a planner wants first."""
    return tuple(_figures(part)) if part.summary.totals.lines else ()


def _figures(part: OrdersPart) -> Iterator[Figure]:
    totals, facts = part.summary.totals, part.summary.facts
    currency = facts.currency
    yield Figure("Order value", money(totals.order_value, currency), _budget(part))
    yield Figure(
        "Fill rate expected",
        percent(totals.fill_rate),
        f"{percent(totals.fill_rate_without)} without the orders",
    )
    yield Figure(
        "Stockout probability",
        percent(totals.stockout_probability),
        f"mean of the lines; {percent(totals.stockout_probability_without)} without the orders",
    )
    yield Figure(
        "Expected stockout cost",
        money(totals.expected_stockout_cost, currency),
        _without(totals.expected_stockout_cost_without, currency),
    )
    unpriced = f", less {several(totals.unpriced, 'line')} of no known cost"
    yield Figure(
        "Stock on hand",
        money(totals.stock_value, currency),
        f"at cost{unpriced if totals.unpriced else ''}",
    )
    yield Figure("Excess", money(totals.excess_value, currency), _excess(part))


def _budget(part: OrdersPart) -> str:
    facts, value = part.summary.facts, part.summary.totals.order_value
    if facts.budget is None:
        return "no budget is set"
    unit = facts.currency or "unit of money"
    worth = f"; each {unit} more would save {number(facts.shadow_price, 2)}"
    used = f"{percent(value / facts.budget, 0)} of" if facts.budget > 0 else "more than"
    return f"{used} the budget of {money(facts.budget)}{worth if facts.shadow_price > 0 else ''}"


def _without(cost: float | None, currency: str) -> str:
    if not is_number(cost):
        return "over the protection intervals"
    return f"{money(cost, currency)} without the orders"


def _excess(part: OrdersPart) -> str:
    cost = part.summary.totals.excess_holding_cost
    if not is_number(cost):
        return "above the base-stock levels"
    period = {1: "day", 7: "week"}.get(part.summary.facts.period_days, "period")
    return f"above the base-stock levels; costs {money(cost)} a {period}"


def _target(part: OrdersPart) -> str:
    """Says what the orders are to achieve."""
    facts = part.summary.facts
    aim = "the least sum of holding and stockout cost"
    if facts.measure != "cost" and facts.target is not None:
        aim = f"a {_MEASURES[facts.measure]} of {percent(facts.target, 0)}"
    when = f" To be placed on {part.summary.order_date}." if part.summary.order_date else ""
    return f"The orders aim at {aim}, unless the terms of a line say otherwise.{when}"
