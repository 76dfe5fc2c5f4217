import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from order_folders import KEY, make_book, make_proposals

from demandcast.components.replenishment.audit_chain import AuditEntry
from demandcast.components.replenishment.purchase_orders import logged_lines, number_lines
from demandcast.components.replenishment.repeated_orders import ordered_before

THURSDAY = datetime.date(2026, 7, 2)


def book(**changes):
    """Two lines of the north that are ordered on Wednesday: 24 units each."""
    return make_book(proposals=make_proposals([{"item": "a"} | changes, {"item": "b"}]))


def export(name, of, *, key=KEY):
    numbered = number_lines(of, f"{name}-E1", series_key=key)
    lines = logged_lines(numbered, series_key=key)
    return AuditEntry(
        "export", "now", "anna", name, details={"export_id": f"{name}-E1", "lines": lines}
    )


def found(lines, *entries, proposal="new"):
    columns = ("item", "ordered_in", "ordered_units")
    before = ordered_before(lines, entries, proposal_id=proposal, series_key=KEY)
    return before.select(columns).rows()


def test_what_was_ordered_of_another_proposal_is_found():
    assert found(book(), export("old", book())) == [("a", "old-E1", 24.0), ("b", "old-E1", 24.0)]
    assert found(book(), export("old", book().head(1))) == [("a", "old-E1", 24.0)]


def test_without_exports_and_for_the_own_ones_nothing_is():
    change = AuditEntry("change", "now", "anna", "old", key={"store": "store_001", "item": "a"})
    assert found(book()) == []
    assert found(book(), change) == []
    assert found(book(), export("new", book())) == []
    assert found(book().clear(), export("old", book())) == []


@pytest.mark.parametrize(
    "changes", [{"supplier": "south"}, {"order_date": THURSDAY}, {"item": "c"}, {"store": "x"}]
)
def test_another_series_supplier_or_day_is_another_order(changes):
    assert found(book(**changes).head(1), export("old", book())) == []


def test_lines_without_a_day_are_compared_by_their_cutoff():
    by_hand = book(order_date=None).head(1)
    assert [item for item, *_ in found(by_hand, export("old", by_hand))] == ["a"]
    later = by_hand.with_columns(cutoff=pl.lit(THURSDAY))
    assert found(later, export("old", by_hand)) == []


@pytest.mark.parametrize(
    ("on_order", "seen"), [(10.0, False), (33.9, False), (34.0, True), (50.0, True)]
)
def test_an_order_is_seen_if_so_much_more_is_on_its_way(on_order, seen):
    """10 units were on their way before the first export, of 24."""
    lines = book(on_order=on_order).head(1)
    assert (found(lines, export("old", book(on_order=10.0))) == []) == seen


def test_orders_of_several_proposals_add_up():
    first, unseen, second = book(), book(), book(on_order=24.0)
    # The second one saw the first: 48 are on their way. Or it ordered the same twice: 48, too.
    for entries in (
        [export("p", first), export("q", second)],
        [export("p", first), export("q", unseen)],
    ):
        assert found(book(on_order=47.0).head(1), *entries) == [("a", "q-E1", 48.0)]
        assert found(book(on_order=48.0).head(1), *entries) == []


def test_lines_of_another_key_or_of_a_log_that_does_not_say_more_are_no_match():
    old = export("old", book())
    short = [{**line, "key": line["key"][:1]} for line in old.details["lines"]]
    bare = [
        {name: line[name] for name in line if name not in {"supplier", "order_day", "on_order"}}
        for line in old.details["lines"]
    ]
    for lines in (short, bare):
        entry = AuditEntry("export", "now", "anna", "old", details=dict(old.details, lines=lines))
        assert found(book(), entry) == []


@given(st.lists(st.sampled_from(["seen", "unseen"]), min_size=1, max_size=5), st.floats(0, 200))
def test_all_that_is_on_its_way_must_be_seen(steps, on_order):
    """Each export is of 24 units; who saw all before has them on order, who did not has none."""
    entries, expected = [], 0.0
    for number, step in enumerate(steps):
        base = 24.0 * number if step == "seen" else 0.0
        entries.append(export(f"p{number}", book(on_order=base)))
    expected = 24.0 * len(steps)
    lines = book(on_order=on_order).head(1)
    assert (found(lines, *entries) == []) == (on_order >= expected)
