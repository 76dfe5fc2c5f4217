import polars as pl
import pytest
from proposal_tables import FACTS, KEYS, blocked_row, proposal_row, proposals

from demandcast.components.replenishment.proposal_summary import summarise_proposals
from demandcast.components.reporting.order_answers import (
    order_figures,
    orders_answer,
    orders_headline,
)
from demandcast.components.reporting.page_orders import OrdersPart
from demandcast.schema.stock_projections import StockProjections


def part_of(*rows, facts=FACTS, terms=None):
    summary = summarise_proposals(proposals(*rows), facts, series_key=KEYS, terms=terms)
    return OrdersPart(summary, StockProjections(period_days=facts.period_days))


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def figures_of(part):
    return {one.title: (plain(one.value), plain(one.note)) for one in order_figures(part)}


def test_orders_without_an_exception_are_good_news():
    headline = orders_headline(part_of(proposal_row()))
    assert (headline.tone, plain(headline.title)) == ("good", "1 order worth 48.00 EUR")
    assert headline.reasons == ("No exception.",)
    (remark,) = headline.remarks
    assert "a cycle service level of 95 %" in plain(remark)
    assert remark.endswith("To be placed on 2026-03-15.")


def test_exceptions_and_approvals_are_told():
    rows = [
        proposal_row(needs_approval=True),
        proposal_row(item="b", needs_approval=True),
        blocked_row(item="c"),
    ]
    headline = orders_headline(part_of(*rows))
    assert headline.tone == "plain"
    assert plain(headline.title) == "2 orders worth 96.00 EUR"
    assert headline.reasons == (
        "2 orders need approval.",
        "1 exception to look at, 1 of them without any proposal.",
    )


def test_one_order_needs_approval():
    headline = orders_headline(part_of(proposal_row(needs_approval=True)))
    assert headline.reasons == ("1 order needs approval.",)


def test_nothing_to_order_and_no_lines_are_told():
    covered = proposal_row(status="covered", order_quantity=0.0, order_value=0.0)
    assert orders_headline(part_of(covered)).title == "Nothing is to be ordered"
    assert orders_headline(part_of()).title == "There are no lines"
    assert order_figures(part_of()) == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"measure": "fill_rate", "target": 0.98}, "a fill rate of 98 %"),
        ({"measure": "cost", "target": None}, "the least sum of holding and stockout cost"),
    ],
)
def test_the_aim_is_named_after_its_measure(changes, words):
    facts = FACTS.model_copy(update=changes)
    assert words in plain(orders_headline(part_of(proposal_row(), facts=facts)).remarks[0])


def test_the_answer_says_it_in_one_line():
    answer = orders_answer(part_of(proposal_row()))
    assert plain(answer.text) == "1 order worth 48.00 EUR. No exception."
    assert answer.part == "orders"


def test_figures_compare_with_and_without_orders():
    terms = pl.DataFrame({"item": ["milk"], "holding_cost": [0.01], "stockout_cost": [4.0]})
    found = figures_of(part_of(proposal_row(excess_units=50.0), terms=terms))
    assert found["Order value"] == ("48.00 EUR", "0 % of the budget of 50,000")
    assert found["Fill rate expected"] == ("95.0 %", "45.0 % without the orders")
    assert found["Stockout probability"][0] == "4.0 %"
    assert found["Expected stockout cost"] == ("4.00 EUR", "44.00 EUR without the orders")
    assert found["Stock on hand"] == ("20.00 EUR", "at cost")
    assert found["Excess"] == ("100 EUR", "above the base-stock levels; costs 0.50 a day")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"budget": None}, "no budget is set"),
        ({"budget": 96.0}, "50 % of the budget of 96.00"),
        ({"budget": 0.0}, "more than the budget of 0"),
        (
            {"budget": 48.0, "shadow_price": 0.25},
            "100 % of the budget of 48.00; each EUR more would save 0.25",
        ),
    ],
)
def test_what_of_the_budget_is_used_is_told(changes, words):
    facts = FACTS.model_copy(update=changes)
    assert figures_of(part_of(proposal_row(), facts=facts))["Order value"][1] == words


def test_what_is_not_known_is_not_made_up():
    found = figures_of(part_of(blocked_row(), blocked_row(item="b")))
    assert found["Fill rate expected"] == ("—", "— without the orders")
    assert found["Expected stockout cost"][1] == "over the protection intervals"
    assert found["Stock on hand"][1] == "at cost, less 2 lines of no known cost"
    assert found["Excess"][1] == "above the base-stock levels"
