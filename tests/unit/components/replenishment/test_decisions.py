import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.replenishment.audit_chain import AuditEntry
from demandcast.components.replenishment.decisions import ACTIONS, STATES, fold_decisions

KEY = ("store", "item")
MILK, EGGS = ("s1", "milk"), ("s1", "eggs")


def decision(action, after, *, key=MILK, user="anna", reason="why", number=1, proposal="p"):
    return AuditEntry(
        action,
        f"2026-07-01T08:00:{number:02d}+00:00",
        user,
        proposal_id=proposal,
        key=dict(zip(KEY, key, strict=True)),
        after=after,
        reason=reason,
        sequence=number,
    )


def export(lines, *, number=9, user="zoe"):
    details = {
        "export_id": "p-E1",
        "lines": [{"key": list(key), "quantity": quantity} for key, quantity in lines.items()],
    }
    return AuditEntry("export", "later", user, "p", details=details, sequence=number)


def fold(*entries):
    return fold_decisions(entries, proposal_id="p", series_key=KEY)


def test_without_entries_everything_is_as_proposed():
    assert fold() == {}


@pytest.mark.parametrize(
    ("action", "after", "state", "overrides"),
    [
        ("approve", 24.0, "approved", ""),
        ("reject", 0.0, "rejected", "anna"),
        ("change", 36.0, "changed", "anna"),
    ],
)
def test_each_decision_leads_to_its_state(action, after, state, overrides):
    (found,) = fold(decision(action, after)).values()
    assert (found.state, found.quantity, found.user) == (state, after, "anna")
    assert (found.override_by, bool(found.override_reason)) == (overrides, bool(overrides))
    assert found.state in STATES


def test_the_last_word_counts():
    found = fold(
        decision("approve", 24.0),
        decision("change", 36.0, number=2),
        decision("reject", 0, number=3),
    )[MILK]
    assert (found.state, found.quantity, found.sequence) == ("rejected", 0.0, 3)


def test_whoever_approves_a_change_agrees_to_it_and_the_change_stays_its_makers():
    found = fold(decision("change", 36.0), decision("approve", 36.0, user="ben", number=2))[MILK]
    assert (found.state, found.quantity, found.user) == ("approved", 36.0, "ben")
    assert found.override_by == "anna"


def test_who_approves_a_rejected_line_orders_as_proposed():
    found = fold(decision("reject", 0.0), decision("approve", 24.0, user="ben", number=2))[MILK]
    assert (found.state, found.quantity, found.override_by) == ("approved", 24.0, "")


def test_an_export_takes_lines_with_and_without_a_decision():
    found = fold(decision("change", 36.0), export({MILK: 36.0, EGGS: 12.0}))
    assert {key: one.state for key, one in found.items()} == {MILK: "exported", EGGS: "exported"}
    assert (found[MILK].override_by, found[EGGS].override_by) == ("anna", "")
    assert found[EGGS].export_id == "p-E1"


def test_what_is_exported_stays_so():
    found = fold(export({MILK: 24.0}), decision("reject", 0.0, number=10), export({MILK: 99.0}))
    assert (found[MILK].state, found[MILK].quantity) == ("exported", 24.0)


def test_other_proposals_and_notes_of_the_log_change_nothing():
    others = [decision("reject", 0.0, proposal="q"), AuditEntry("set_aside", "", "anna")]
    assert fold(*others) == {}


quantities = st.floats(min_value=1, max_value=1e6)
steps = st.lists(
    st.tuples(
        st.sampled_from([*ACTIONS, "export"]),
        quantities,
        st.sampled_from([MILK, EGGS]),
        st.sampled_from(["anna", "ben"]),
    ),
    max_size=12,
)


def entries_for(done):
    return [
        export({key: quantity}, number=number, user=user)
        if action == "export"
        else decision(
            action, 0.0 if action == "reject" else quantity, key=key, user=user, number=number
        )
        for number, (action, quantity, key, user) in enumerate(done, start=1)
    ]


@given(steps)
def test_the_state_is_the_last_decision_before_the_first_export(done):
    found = fold(*entries_for(done))
    for key in (MILK, EGGS):
        mine = [step for step in done if step[2] == key]
        actions = [step[0] for step in mine]
        if "export" in actions:
            step = mine[actions.index("export")]
            assert (found[key].state, found[key].quantity) == ("exported", step[1])
        elif mine:
            action, quantity, _, user = mine[-1]
            expected = 0.0 if action == "reject" else quantity
            names = {"approve": "approved", "reject": "rejected", "change": "changed"}
            assert (found[key].state, found[key].quantity) == (names[action], expected)
            assert found[key].user == user
        else:
            assert key not in found


@given(steps, steps)
def test_decisions_about_one_line_do_not_touch_another(first, second):
    ours = [step for step in first if step[2] == MILK]
    theirs = [step for step in second if step[2] == EGGS]
    together = fold(*entries_for([*ours, *theirs]))
    alone = fold(*entries_for(ours))
    assert together.get(MILK) == alone.get(MILK)
