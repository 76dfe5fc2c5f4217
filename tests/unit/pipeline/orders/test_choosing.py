import pytest
from order_folders import make_book

from demandcast.components.replenishment.audit_chain import AuditEntry
from demandcast.components.replenishment.decisions import LineState
from demandcast.pipeline.orders.choosing import choose_lines, filter_book, filter_log
from demandcast.schema.errors import BadInputError

REJECTED = LineState("rejected", 0.0, "ben", "", "why", 1, "ben", "why")


@pytest.fixture
def book():
    return make_book({("store_001", "item_003"): REJECTED})


def items(lines):
    return [int(item[-1]) for item in lines["item"]]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"status": ["covered", "infeasible"]}, [5, 6]),
        ({"risk": ["high", "critical"]}, [2, 6]),
        ({"supplier": "south"}, [2, 4]),
        ({"state": ["rejected"]}, [3]),
        ({"state": ["waiting"]}, [1, 2]),
        ({"state": ["waiting", "rejected"]}, [1, 2, 3]),
        ({"state": ["waiting"], "supplier": "south"}, [2]),
    ],
)
def test_lines_fit_all_that_is_asked_for(book, filters, expected):
    assert items(filter_book(book, **filters)) == expected


def test_exceptions_come_first_whatever_the_order_of_the_table(book):
    assert items(filter_book(book.reverse())) == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"status": ["odd"]}, "--status: got 'odd'; allowed: order, "),
        ({"risk": ["odd"]}, "--risk: got 'odd'; allowed: low, medium, high, critical"),
        ({"state": ["odd"]}, "--state: got 'odd'; allowed: proposed, .*waiting"),
        ({"supplier": "odd"}, "--supplier: got 'odd'; allowed: north, south"),
    ],
)
def test_unknown_words_are_refused(book, filters, message):
    with pytest.raises(BadInputError, match=message):
        filter_book(book, **filters)


@pytest.mark.parametrize(
    ("action", "supplier", "below", "expected"),
    [
        ("approve", None, None, [1, 2]),
        ("approve", "south", None, [2]),
        ("approve", None, 1200.0, [2]),
        ("approve", None, 1200.01, [1, 2]),
        ("reject", "north", None, [1]),
        ("reject", None, 61.0, [2, 4]),
    ],
)
def test_lines_for_a_decision_about_many(book, action, supplier, below, expected):
    assert items(choose_lines(book, action, supplier=supplier, below=below)) == expected


def test_no_line_for_a_decision_about_many_is_said(book):
    with pytest.raises(BadInputError, match="no line to approve fits"):
        choose_lines(book, "approve", supplier=None, below=60.0)


def test_entries_of_the_log_fit_all_that_is_asked_for():
    key = {"store": "s1", "item": "milk"}
    lines = [{"key": ["s1", "milk"]}, {"key": ["s1", "eggs"]}]
    entries = [
        AuditEntry("approve", "", "anna", "p", key=key),
        AuditEntry("reject", "", "ben", "p", key={**key, "item": "eggs"}),
        AuditEntry("export", "", "anna", "q", details={"lines": lines}),
        AuditEntry("set_aside", "", "anna"),
    ]
    assert filter_log(entries) == entries
    assert filter_log(entries, user="anna", proposal="p") == entries[:1]
    assert filter_log(entries, action="reject") == entries[1:2]
    assert filter_log(entries, series="s1/milk") == [entries[0], entries[2]]
