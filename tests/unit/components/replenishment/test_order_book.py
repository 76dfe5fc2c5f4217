import polars as pl
import pytest
from order_folders import APPROVAL, KEY, make_book, make_proposals, make_terms

from demandcast.components.replenishment.decisions import LineState
from demandcast.components.replenishment.order_book import (
    BOOK_COLUMNS,
    build_order_book,
    series_text,
)
from demandcast.schema.config import ApprovalConfig
from demandcast.schema.errors import ContractError


def state(name, quantity, **changes):
    return LineState(name, quantity, "anna", "now", "why", 3, **changes)


def line(book, number):
    return book.filter(pl.col("item") == f"item_{number:03d}").row(0, named=True)


def test_without_decisions_lines_are_as_proposed():
    book = make_book()
    assert book.columns == [*make_proposals().columns, *BOOK_COLUMNS]
    assert book["line_state"].unique().to_list() == ["proposed"]
    assert book["final_quantity"].to_list() == [480, 24, 36, 12, 0, 0, 0, 0]
    assert line(book, 1)["final_value"] == 480 * 2.5
    assert book["waiting"].to_list() == [True, True, *[False] * 6]
    assert book["exportable"].to_list() == [False, False, True, True, *[False] * 4]


def test_a_decision_frees_or_stops_a_line():
    book = make_book(
        {
            ("store_001", "item_001"): state("approved", 480.0),
            ("store_001", "item_002"): state("approved", 48.0, override_by="anna"),
            ("store_001", "item_003"): state("rejected", 0.0, override_by="anna"),
            ("store_001", "item_004"): state("exported", 12.0, export_id="E1"),
            ("store_001", "item_006"): state("changed", 40.0, override_by="anna"),
        }
    )
    assert book["exportable"].to_list() == [True, True, False, False, False, True, False, False]
    assert not book["waiting"].any()
    assert line(book, 2)["final_value"] == 48 * 2.5
    assert line(book, 3)["final_quantity"] == 0
    assert line(book, 4)["export_id"] == "E1"


@pytest.mark.parametrize(
    ("number", "quantity", "why"),
    [
        (1, 396.0, "risk up to 90 %, from 40 % on"),  # 990 is below 1,000; less is riskier.
        (1, 492.0, "value 1230, from 1000 on"),
        (2, 48.0, "risk up to 45 %, from 40 % on"),
        (3, 384.0, None),
        (3, 396.0, None),
        (3, 400.0, "value 1000, from 1000 on"),
        (3, 24.0, "risk up to 90 %, from 40 % on"),
        (6, 40.0, None),
        (6, 4000.0, "value 10000, from 1000 on"),
        (7, 12.0, "risk not known"),
        (7, 4000.0, "value 10000, from 1000 on, risk not known"),
    ],
)
def test_who_changes_a_line_does_not_approve_it(number, quantity, why):
    key = ("store_001", f"item_{number:03d}")
    changed = line(make_book({key: state("changed", quantity, override_by="anna")}), number)
    assert changed["approval_reason"] == why
    assert (changed["exportable"], changed["waiting"]) == (why is None, why is not None)
    approved = line(make_book({key: state("approved", quantity, override_by="anna")}), number)
    assert (approved["exportable"], approved["waiting"]) == (True, False)


def test_a_cost_that_is_not_known_counts_as_above():
    proposals = make_proposals([{"item": "item_001", "unit_cost": None}])
    key = ("store_001", "item_001")
    changed = {key: state("changed", 36.0, override_by="anna")}
    assert line(make_book(changed, proposals=proposals), 1)["approval_reason"] == "value not known"
    never = ApprovalConfig(min_value=None, min_stockout_probability=None)
    free = line(make_book(changed, proposals=proposals, approval=never), 1)
    assert (free["approval_reason"], free["exportable"]) == (None, True)


def test_with_four_eyes_an_own_approval_frees_nothing():
    key = ("store_001", "item_001")
    strict = APPROVAL.model_copy(update={"four_eyes": True})
    own = {key: state("approved", 960.0, override_by="Anna")}
    other = {key: state("approved", 960.0, override_by="ben")}
    assert line(make_book(own, approval=strict), 1)["waiting"]
    assert line(make_book(own), 1)["exportable"]
    assert line(make_book(other, approval=strict), 1)["exportable"]
    # As proposed, one person suffices.
    assert line(make_book({key: state("approved", 480.0)}, approval=strict), 1)["exportable"]


def test_a_line_without_a_supplier_waits():
    proposals = make_proposals().with_columns(supplier=pl.lit(None, pl.String))
    book = make_book(proposals=proposals)
    assert not book["exportable"].any()
    assert book["waiting"].to_list() == [True] * 4 + [False] * 4


def test_terms_may_be_missing():
    book = build_order_book(make_proposals(), {}, None, series_key=KEY, approval=APPROVAL)
    assert book["pack_size"].null_count() == book.height
    some = build_order_book(
        make_proposals(),
        {},
        make_terms(make_proposals()).head(1),
        series_key=KEY,
        approval=APPROVAL,
    )
    assert some["pack_size"].null_count() == book.height - 1
    nowhere = make_terms(make_proposals()).with_columns(moq=float("nan"))
    assert make_book(terms=nowhere)["moq"].null_count() == book.height


def test_an_empty_proposal_has_an_empty_book():
    assert make_book(proposals=make_proposals(()), terms=None).height == 0


def test_a_decision_about_a_series_that_is_not_there_is_an_error():
    with pytest.raises(ContractError, match=r"1 series that are not.*'store_009', 'x'"):
        make_book({("store_009", "x"): state("approved", 1.0)})


def test_a_key_cannot_be_called_as_a_column_of_the_book():
    proposals = make_proposals([], series_key=("waiting",))
    with pytest.raises(ContractError, match=r"\['waiting'\] are columns of the order book"):
        build_order_book(proposals, {}, None, series_key=("waiting",), approval=APPROVAL)


def test_a_series_is_written_as_one_word():
    assert make_book().select(series_text(KEY)).item(0, 0) == "store_001/item_001"
