import re

import pytest
from order_folders import APPROVAL, KEY, make_book, make_proposals

from demandcast.components.replenishment.decision_requests import REFUSAL_SCHEMA, request_schema
from demandcast.components.replenishment.order_book import build_order_book
from demandcast.components.replenishment.review_rows import (
    INPUTS,
    RawTable,
    ReviewBasis,
    read_review,
    review_table,
)
from demandcast.schema.errors import BadInputError, ContractError

BASIS = ReviewBasis("p", "0123456789abcdef" * 4, 5)
HEADER = (*KEY, *INPUTS, "proposal_id", "basis")


def row(number, decision="", quantity="", reason="", **changes):
    values = {
        "store": "store_001",
        "item": f"item_{number:03d}",
        "decision": decision,
        "quantity": quantity,
        "reason": reason,
        "proposal_id": "p",
        "basis": "0123456789ab@5",
    }
    return tuple((values | changes)[name] for name in HEADER)


def read(*rows, header=HEADER, decimal_comma=False):
    table = RawTable(header, tuple(enumerate(rows, start=2)), decimal_comma)
    requests, refusals = read_review(table, make_book(), BASIS, series_key=KEY)
    assert dict(requests.schema) == request_schema(KEY)
    assert dict(refusals.schema) == REFUSAL_SCHEMA
    return requests.rows(named=True), refusals.rows(named=True)


def test_a_review_has_every_line_with_nothing_filled_in():
    book = make_book()
    table = review_table(book, BASIS, series_key=KEY)
    assert table["item"].to_list() == book["item"].to_list()
    assert table.columns[:2] == list(KEY)
    assert table.select(INPUTS).null_count().row(0) == (book.height,) * 3
    assert table["proposal_reason"].to_list() == book["reason"].to_list()
    assert table.columns[-2:] == ["proposal_id", "basis"]
    assert table["basis"].unique().to_list() == ["0123456789ab@5"]


def test_a_key_cannot_be_called_as_a_column_of_a_review():
    key = ("quantity",)
    book = build_order_book(
        make_proposals([], series_key=key), {}, None, series_key=key, approval=APPROVAL
    )
    with pytest.raises(ContractError, match=r"\['quantity'\] are columns of a review"):
        review_table(book, BASIS, series_key=key)


def test_only_rows_with_something_filled_in_count():
    requests, refusals = read(row(1), row(2, "approve"), row(3, " Change ", " 48 ", " more "))
    assert refusals == []
    assert [found["#row"] for found in requests] == [3, 4]
    assert requests[1] == {
        "store": "store_001",
        "item": "item_003",
        "#row": 4,
        "#action": "change",
        "#quantity": 48.0,
        "#reason": "more",
        "#forced": False,
        "#seen": 5,
    }
    assert requests[0]["#quantity"] is None


def test_blank_lines_are_passed_over_and_still_count():
    blank = ("",) * len(HEADER)
    requests, _ = read(blank, (), ("", " "), row(1, "approve"))
    assert [found["#row"] for found in requests] == [5]


def test_rows_may_end_early_only_after_what_counts():
    with pytest.raises(BadInputError, match="row 2: column 'proposal_id': got ''"):
        read(row(1, "approve")[:3])


def test_columns_may_come_in_another_order_and_with_others():
    header = ("my notes", *reversed(HEADER), "")
    requests, _ = read(("check!", *reversed(row(1, "approve")), "x"), header=header)
    assert (requests[0]["item"], requests[0]["#action"]) == ("item_001", "approve")


@pytest.mark.parametrize(
    ("cells", "column", "value"),
    [
        (("approve", "1,000"), "quantity", "1,000"),
        (("change", "12 units"), "quantity", "12 units"),
        (("change", "-12"), "quantity", "-12"),
        (("change", "nan"), "quantity", "nan"),
        (("change", "=A1"), "quantity", "=A1"),
        (("ok", ""), "decision", "ok"),
        (("", "12"), "decision", ""),
        (("", "", "why not"), "decision", ""),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_row(cells, column, value):
    _, (refusal,) = read(row(1), row(3, *cells))
    assert (refusal["row"], refusal["column"], refusal["value"]) == (3, column, value)
    assert refusal["series"] == "store_001/item_003"
    assert refusal["allowed"]


def test_numbers_stored_as_text_are_numbers():
    requests, _ = read(row(1, "change", "24"), row(3, "change", "24.50"), row(4, "change", "007"))
    assert [found["#quantity"] for found in requests] == [24.0, 24.5, 7.0]


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("24", 24.0),
        ("24,5", 24.5),
        ("24.5", 24.5),
        ("0,125", 0.125),
        ("1000,25", 1000.25),
        ("1,000", None),
        ("1.000", None),
        ("1.234,5", None),
        ("24,", None),
        (",5", None),
    ],
)
def test_numbers_may_have_a_decimal_comma_but_no_mark_for_thousands(text, quantity):
    requests, refusals = read(row(1, "change", text), decimal_comma=True)
    assert requests[0]["#quantity"] == quantity
    assert bool(refusals) == (quantity is None)
    assert all("without a mark for thousands" in one["allowed"] for one in refusals)


@pytest.mark.parametrize(("text", "refused"), [("480,0", False), ("480.0", False), ("4,8", True)])
def test_proposed_quantities_may_have_a_decimal_comma_too(text, refused):
    header = (*HEADER, "order_quantity")
    assert bool(read((*row(1), text), header=header, decimal_comma=True)[1]) == refused
    assert read((*row(1), "480,0"), header=header)[1]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"proposal_id": "q"}, "proposal_id"),
        ({"proposal_id": ""}, "proposal_id"),
        ({"basis": "ffffffffffff@5"}, "basis"),
        ({"basis": "0123456789ab@6"}, "basis"),
        ({"basis": "0123456789ab@-1"}, "basis"),
        ({"basis": "0123456789ab"}, "basis"),
    ],
)
def test_a_file_of_something_else_is_refused_as_a_whole(changes, column):
    with pytest.raises(BadInputError, match=f"row 3: column '{column}'"):
        read(row(1, "approve"), row(2, **changes))


def test_an_older_review_of_the_same_proposals_says_how_old_it_is():
    requests, _ = read(row(1, "approve", basis="0123456789ab@2"))
    assert requests[0]["#seen"] == 2


def test_columns_that_count_must_be_there_once():
    header = tuple(name for name in HEADER if name not in {"item", "reason"})
    with pytest.raises(BadInputError, match=re.escape("no column ['item', 'reason']")):
        read(header=header)
    with pytest.raises(BadInputError, match=re.escape("the columns ['reason'] are there twice")):
        read(header=(*HEADER, "reason"))


@pytest.mark.parametrize(
    ("number", "text", "refused"),
    [
        (1, "480", False),
        (1, "480.004", False),
        (1, "500", True),
        (1, "", True),
        (1, "x", True),
        (7, "", False),
        (7, "12", True),
    ],
)
def test_a_proposal_that_was_overwritten_is_not_passed_over(number, text, refused):
    found = read((*row(number), text), header=(*HEADER, "order_quantity"))[1]
    assert bool(found) == refused
    assert all("in the column quantity" in one["allowed"] for one in found)
