from proposal_tables import FACTS, KEYS, chain_summary, projections, proposal_row, proposals

from demandcast.components.replenishment.proposal_summary import EXCEPTIONS, summarise_proposals
from demandcast.components.reporting.page_orders import EXCEPTION_TITLES, OrdersPart
from demandcast.schema.stock_projections import StockProjections


def test_every_exception_has_a_title_and_a_remedy():
    assert set(EXCEPTION_TITLES) == set(EXCEPTIONS)
    for kind in EXCEPTIONS:
        assert OrdersPart.title_of(kind) != kind
        assert OrdersPart.remedy_of(kind).endswith(".")


def test_an_exception_of_a_later_release_is_shown_by_its_name():
    assert OrdersPart.title_of("held_by_customs") == "held by customs"
    assert OrdersPart.remedy_of("held_by_customs") == ""


def test_groups_of_one_value_are_left_out():
    summary = summarise_proposals(
        proposals(proposal_row(item="a"), proposal_row(item="b")), FACTS, series_key=KEYS
    )
    groups = OrdersPart(summary, StockProjections(period_days=1)).groups()
    assert list(groups) == ["item"]
    assert [one.value for one in groups["item"]] == ["a", "b"]


def test_exceptions_and_blocked_lines_are_counted():
    summary = chain_summary(3, 20)
    part = OrdersPart(summary, projections())
    assert part.exceptions == sum(one.lines for one in summary.exceptions) > part.blocked > 0
    assert part.blocked == summary.totals.lines - summary.totals.computed
