import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from order_folders import KEY, make_book, make_proposals, make_terms

from demandcast.components.replenishment.decision_requests import (
    check_requests,
    doubtful_requests,
    entries_of,
    make_requests,
    request_schema,
    without_repetitions,
)
from demandcast.components.replenishment.decisions import LineState

CHANGED = LineState("changed", 48.0, "ben", "at eight", "festival", 5, "ben", "festival")
REJECTED = LineState("rejected", 0.0, "ben", "at eight", "no room", 5, "ben", "no room")
EXPORTED = LineState("exported", 36.0, "zoe", "at nine", "", 6, export_id="p-E1")


def series(*numbers):
    return pl.DataFrame(
        {"store": ["store_001"] * len(numbers), "item": [f"item_{n:03d}" for n in numbers]},
        schema=dict.fromkeys(KEY, pl.String),
    )


def ask(action, *numbers, quantity=None, reason="why", forced=False):
    return make_requests(series(*numbers), action, quantity=quantity, reason=reason, forced=forced)


def states(**found):
    return {("store_001", f"item_{int(name[1:]):03d}"): one for name, one in found.items()}


def complaints(requests, book=None):
    book = make_book() if book is None else book
    return check_requests(requests, book, series_key=KEY).rows(named=True)


def test_what_can_be_granted_is_not_complained_about():
    for asked in (
        ask("approve", 1, 2, 3, reason=""),
        ask("approve", 1, quantity=480.0),
        ask("reject", 1, 3),
        ask("change", 1, 3, 6, 7, quantity=48.0),
        ask("change", 3, quantity=13.0, forced=True),
        ask("approve", 1, 6, quantity=60.0),
        ask("approve"),
    ):
        assert complaints(asked) == []
        assert asked.schema == pl.Schema(request_schema(KEY))


@pytest.mark.parametrize(
    ("asked", "column", "value", "allowed"),
    [
        (ask("approve", 99), "store, item", "store_001/item_099", "a series of the proposal"),
        (ask("frobnicate", 1), "decision", "frobnicate", "approve, reject, change"),
        (ask("approve", 5), "decision", "approve", "change, with a quantity: the line has no"),
        (ask("approve", 7), "decision", "approve", "change, with a quantity: the line has no"),
        (ask("reject", 6), "decision", "reject", "change, with a quantity: the line has no order"),
        (ask("approve", 1, quantity=13.0), "quantity", "13", "whole packs of 12, or --force"),
        (ask("approve", 1, quantity=12.0, reason=""), "reason", "", "a reason"),
        (ask("reject", 1, quantity=12.0), "quantity", "12", "nothing, with reject"),
        (ask("reject", 1, reason=" "), "reason", "", "a reason"),
        (ask("change", 1, quantity=48.0, reason=""), "reason", "", "a reason"),
        (ask("change", 1), "quantity", "", "units above 0, up to 1,000,000,000; reject"),
        (ask("change", 1, quantity=0.0), "quantity", "0", "units above 0"),
        (ask("change", 1, quantity=-12.0), "quantity", "-12", "units above 0"),
        (ask("change", 1, quantity=math.nan), "quantity", "NaN", "units above 0"),
        (ask("change", 1, quantity=math.inf), "quantity", "inf", "units above 0"),
        (
            ask("change", 1, quantity=1.2e18),
            "quantity",
            "1.2e+18",
            "units above 0, up to 1,000,000",
        ),
        (ask("change", 7, quantity=1.2e18, forced=True), "quantity", "1.2e+18", "units above 0"),
        (ask("change", 1, quantity=480.0), "quantity", "480", "another quantity than the one that"),
        (ask("change", 1, quantity=13.5), "quantity", "13.5", "whole packs of 12, or --force"),
        (ask("change", 8, quantity=12.0), "supplier", "", "lines with a supplier"),
    ],
)
def test_each_rule_names_the_line_the_value_and_what_is_allowed(asked, column, value, allowed):
    (found,) = complaints(asked)
    assert (found["column"], found["value"], found["row"]) == (column, value, None)
    assert found["allowed"].startswith(allowed)
    assert found["series"].startswith("store_001/item_0")


def test_the_least_order_holds_beside_the_pack():
    terms = make_terms(make_proposals()).with_columns(moq=36.0)
    book = make_book(terms=terms)
    (found,) = complaints(ask("change", 1, quantity=24.0), book)
    assert found["allowed"] == "at least 36, the least order, or --force"
    assert complaints(ask("change", 1, quantity=36.0), book) == []
    assert complaints(ask("change", 1, quantity=24.0, forced=True), book) == []


def test_what_terms_do_not_say_is_not_checked():
    unknown = pl.lit(None, pl.Float64)
    terms = make_terms(make_proposals()).with_columns(moq=unknown, pack_size=unknown)
    assert complaints(ask("change", 1, quantity=1.5), make_book(terms=terms)) == []


@given(st.integers(1, 190), st.sampled_from([0.1, 0.3, 1.0, 2.5, 12.0]))
def test_whole_packs_are_granted_whatever_the_pack(packs, pack_size):
    terms = make_terms(make_proposals()).with_columns(moq=0.0, pack_size=pack_size)
    book = make_book(terms=terms, proposals=make_proposals([{"item": "item_001"}]))
    near = abs(packs * pack_size - 24.0) < 1e-6  # That is what is proposed.
    assert bool(complaints(ask("change", 1, quantity=packs * pack_size), book)) == near
    (found,) = complaints(ask("change", 1, quantity=(packs + 0.5) * pack_size), book) or [None]
    assert near or found["allowed"].startswith("whole packs")


def test_a_series_may_be_asked_about_once():
    asked = pl.concat([ask("approve", 1), ask("reject", 1)])
    assert [found["allowed"] for found in complaints(asked)] == ["each series once"] * 2


def test_what_is_exported_cannot_be_changed():
    book = make_book(states(i3=EXPORTED))
    for asked in (ask("approve", 3), ask("reject", 3), ask("change", 3, quantity=12.0)):
        (found,) = complaints(asked, book)
        assert found["allowed"] == "nothing more: it is in export p-E1"


def test_a_line_that_somebody_decided_since_is_refused():
    book = make_book(states(i1=CHANGED))
    asked = ask("approve", 1).with_columns(pl.lit(4, pl.Int64).alias("#seen"))
    (found,) = complaints(asked, book)
    assert found["allowed"] == "a newer review: ben decided about it at at eight"
    assert complaints(asked.with_columns(pl.lit(5, pl.Int64).alias("#seen")), book) == []


def test_a_change_of_a_rejected_line_may_be_to_any_quantity():
    assert complaints(ask("change", 3, quantity=36.0), make_book(states(i3=REJECTED))) == []


def test_what_is_already_so_is_left_out():
    book = make_book(states(i1=CHANGED, i3=REJECTED))
    again = pl.concat(
        [
            ask("change", 1, quantity=48.0, reason="festival"),
            ask("reject", 3, reason="no room"),
            ask("approve", 2),
        ]
    )
    assert without_repetitions(again, book, series_key=KEY)["item"].to_list() == ["item_002"]
    # Another reason, another quantity, or none at all is something else.
    others = pl.concat(
        [
            ask("change", 1, quantity=48.0, reason="rain"),
            ask("approve", 3),
        ]
    )
    assert without_repetitions(others, book, series_key=KEY).height == 2
    assert without_repetitions(ask("change", 1), book, series_key=KEY).height == 1


def test_entries_have_what_was_to_be_ordered_before_and_is_after():
    book = make_book(states(i1=CHANGED, i3=REJECTED))

    def quantities(asked):
        return [(one.before, one.after) for one in entries_of(asked, book, series_key=KEY)]

    assert quantities(ask("approve", 1, 2, 3)) == [(48, 48), (24, 24), (0, 36)]
    assert quantities(ask("reject", 1, 2)) == [(48, 0), (24, 0)]
    assert quantities(ask("change", 2, 6, 7, quantity=60.0)) == [(24, 60), (0, 60), (None, 60)]


def test_who_approves_another_quantity_changes_the_line_and_approves_it():
    entries = entries_of(ask("approve", 2, 6, quantity=60.0), make_book(), series_key=KEY)
    assert [(one.action, one.before, one.after) for one in entries] == [
        ("change", 24, 60),
        ("approve", 60, 60),
        ("change", 0, 60),
        ("approve", 60, 60),
    ]
    assert {one.reason for one in entries} == {"why"}
    # The same as what stands is no other quantity.
    (same,) = entries_of(ask("approve", 1, quantity=480.0), make_book(), series_key=KEY)
    assert same.action == "approve"


@pytest.mark.parametrize("approver", ["ben", " Ben", "BEN "])
def test_with_four_eyes_nobody_approves_what_they_changed(approver):
    proposals = make_proposals([{"item": "item_001"}, {"item": "item_002"}])
    large = LineState("changed", 480.0, "ben", "at eight", "festival", 5, "ben", "festival")
    book = make_book(states(i1=large, i2=CHANGED), proposals=proposals)

    def refused(asked, by):
        return check_requests(asked, book, series_key=KEY, approver=by).rows(named=True)

    (found,) = refused(ask("approve", 1), approver)
    assert found["allowed"] == (
        "approve, by another person than ben (replenishment.approval.four_eyes)"
    )
    assert refused(ask("approve", 1), "anna") == []
    assert refused(ask("approve", 1), None) == []
    # 48 units are below all thresholds: nobody need approve them.
    assert refused(ask("approve", 2), approver) == []
    (found,) = refused(ask("approve", 2, quantity=60.0), "anna")
    assert found["allowed"].startswith("change; another person approves it")


def test_what_is_doubtful_is_said_and_granted():
    asked = ask("change", 2, 3, quantity=120.0)
    assert complaints(asked) == []
    # 5 times 24; and 36 were proposed of the other: no more than 3.3 times.
    assert doubtful_requests(asked, make_book(), series_key=KEY) == [
        "store_001/item_002: 120 units are 5 times the 24 that are proposed or needed until the "
        "next order is there",
        "store_001/item_003: 120 units are 3.3 times the 36 that are proposed or needed until the "
        "next order is there",
    ]
    assert doubtful_requests(ask("approve", 3), make_book(), series_key=KEY) == []


def test_entries_say_who_overruled_the_terms():
    (forced,) = entries_of(
        ask("change", 2, quantity=13.0, forced=True), make_book(), series_key=KEY
    )
    assert (forced.forced, forced.reason, forced.action) == (True, "why", "change")
    assert forced.key == {"store": "store_001", "item": "item_002"}
