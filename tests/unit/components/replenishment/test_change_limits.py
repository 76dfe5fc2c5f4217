import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from order_folders import KEY, make_book, make_proposals, make_terms

from demandcast.components.replenishment.change_limits import (
    MOST_UNITS,
    change_doubts,
    change_refusals,
    with_supply_left,
)

LINES = [{"item": "a"}, {"item": "b"}, {"item": "c"}, {"item": "d", "order_quantity": 0.0}]
"""24 units are proposed of each but the last; 22 are asked for, 6 are there."""


def book(**terms):
    """Terms are equal for all lines, without packs and least orders unless they are given."""
    usual = {"pack_size": 1.0, "moq": 0.0}
    proposals = make_proposals(LINES)
    columns = [
        pl.lit(value, pl.Float64).alias(name)
        for name, value in (usual | terms).items()
        if name != "terms_row"
    ]
    rows = pl.Series("terms_row", terms.get("terms_row", [1, 1, 2, 1]), pl.Int64)
    return make_book(proposals=proposals, terms=make_terms(proposals).with_columns(*columns, rows))


def changes(of, **quantities):
    asked = pl.DataFrame(
        {"store": "store_001", "item": list(quantities), "#quantity": list(quantities.values())},
        schema_overrides={"#quantity": pl.Float64},
    )
    return with_supply_left(asked.join(of, on=list(KEY)), of, series_key=KEY)


def refusals(of, **quantities):
    asked = changes(of, **quantities)
    return [
        (item, words)
        for broken, allowed in change_refusals()
        for item, words in asked.filter(broken.fill_null(value=False))
        .select("item", allowed)
        .rows()
    ]


def test_what_is_within_all_limits_is_not_refused():
    assert refusals(book(storage_room=100.0, available_units=100.0), a=28.0) == []


@pytest.mark.parametrize(
    ("terms", "quantity", "allowed"),
    [
        ({"pack_size": 12.0}, 30.0, "whole packs of 12, or --force"),
        ({"pack_size": 0.1}, 30.05, "whole packs of 0.1, or --force"),
        ({"moq": 36.5}, 36.0, "at least 36.5, the least order, or --force"),
        ({"storage_room": 14.0}, 15.0, "at most 14, for which there is room, or --force"),
        ({"storage_room": 0.0}, 1.0, "at most 0, for which there is room, or --force"),
        # Line b has 24 of the 50, and d none.
        ({"available_units": 50.0}, 27.0, "at most 26, which the supplier has left, or --force"),
        # Never less than the line has already.
        ({"available_units": 30.0}, 25.0, "at most 24, which the supplier has left, or --force"),
        ({}, 3001.0, "at most 3000, 100 times what is proposed or needed, or --force"),
        ({}, 1e18, "at most 3000, 100 times what is proposed or needed, or --force"),
    ],
)
def test_each_limit_says_what_is_allowed(terms, quantity, allowed):
    # 30 units cover the demand at the target: the base-stock level of these lines.
    of = book(**terms).with_columns(demand_at_target=pl.lit(30.0))
    assert refusals(of, a=quantity) == [("a", allowed)]


def test_changes_that_are_asked_for_together_share_what_the_supplier_has():
    of = book(available_units=60.0)
    # a, b and d are of the same terms, c of others.
    assert refusals(of, a=36.0) == []
    assert refusals(of, a=36.0, b=24.0) == []
    assert [item for item, _ in refusals(of, a=36.0, b=36.0)] == ["a", "b"]
    assert [item for item, _ in refusals(of, a=36.0, d=12.0)] == ["a", "d"]
    assert refusals(of, a=36.0, b=12.0, d=12.0) == []
    assert refusals(of, c=60.0) == []


def test_what_terms_do_not_say_is_no_limit():
    unknown = book(storage_room=None, available_units=None, pack_size=None, moq=None)
    assert refusals(unknown, a=1000.25) == []
    assert refusals(book(available_units=10.0, terms_row=[None] * 4), a=48.0) == []


@given(st.floats(0.5, MOST_UNITS), st.floats(0, 1e4), st.floats(0, 1e4))
def test_a_larger_room_and_supply_allow_no_less(quantity, capacity, more):
    small = refusals(book(storage_room=capacity, available_units=capacity), a=quantity)
    large = refusals(
        book(storage_room=capacity + more, available_units=capacity + more), a=quantity
    )
    assert len(large) <= len(small)


def test_many_times_the_usual_is_doubted_and_lines_without_numbers_are_not():
    of = book()
    assert change_doubts(changes(of, a=72.0), series_key=KEY) == []
    (doubt,) = change_doubts(changes(of, a=73.0, b=48.0), series_key=KEY)
    assert doubt == (
        "store_001/a: 73 units are 3 times the 24 that are proposed or needed until the next order "
        "is there"
    )
    nothing = of.with_columns(
        pl.lit(None, pl.Float64).alias(name)
        for name in ("order_quantity", "wanted_quantity", "expected_demand", "demand_at_target")
    )
    assert change_doubts(changes(nothing, a=1e6), series_key=KEY) == []
    assert refusals(nothing, a=1e6) == []
