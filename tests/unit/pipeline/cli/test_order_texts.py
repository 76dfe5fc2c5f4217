import polars as pl
from order_folders import KEY, make_book

from demandcast.components.replenishment.audit_chain import AuditEntry
from demandcast.components.replenishment.decisions import LineState
from demandcast.pipeline.cli.order_texts import (
    book_rows,
    book_table,
    decided_text,
    log_table,
    score_table,
    totals_table,
)

CHANGED = LineState("changed", 48.0, "ben", "now", "more\n\x1b[31mred", 1, "ben", "more")


def words(line):
    return " ".join(line.split())


def test_the_book_has_a_row_per_line_and_says_who_waits():
    book = make_book({("store_001", "item_002"): CHANGED})
    header, first, second, *others, note = book_table(book, KEY).splitlines()
    assert header.split()[0] == "series"
    assert words(first) == (
        "store_001/item_001 order low north proposed * - 480 480 1,200.00 "
        "covers 10 days at 95 %; raised to the pack of 12"
    )
    assert "changed * ben 24 48 120.00 more [31mred" in words(second)
    assert "\x1b" not in second
    assert (
        words(others[5])
        == "store_001/item_008 no_terms - - proposed - - 0 - no terms of supply fit"
    )
    assert note == "* 2 wait for a person"


def test_rows_for_scripts_have_every_column():
    (row, *_) = book_rows(make_book(), KEY)
    assert row["series"] == "store_001/item_001"
    assert set(make_book().columns) < set(row)


def test_the_log_says_what_an_export_and_a_torn_line_were():
    details = {"export_id": "p-E1", "file": "orders.csv", "lines": [1, 2]}
    torn = {"file": "audit.torn-3-ab", "bytes": 17}
    moment = "2026-07-01T08:00:00.123+00:00"
    entries = [
        AuditEntry(
            "change", moment, "ben", "p", key={"a": "x"}, after=12.0, forced=True, sequence=1
        ),
        AuditEntry("export", moment, "zoe", "p", details=details, sequence=2),
        AuditEntry("set_aside", moment, "zoe", details=torn, sequence=3),
    ]
    lines = [words(line) for line in log_table(entries).splitlines()]
    assert lines[1] == "1 2026-07-01 08:00:00 ben change (forced) p x - 12"
    assert lines[2] == "2 2026-07-01 08:00:00 zoe export p - - - p-E1: 2 lines in orders.csv"
    assert lines[3].endswith("set_aside - - - - 17 bytes in audit.torn-3-ab")


def test_what_was_decided_is_counted_by_kind():
    entries = [AuditEntry("approve", "", "a", after=12.0)] * 2 + [AuditEntry("reject", "", "a")]
    assert (
        decided_text(entries, verb="was") == "2 lines were approved: 24 units\n1 line was rejected"
    )
    assert decided_text(entries[:1], verb="would be") == "1 line would be approved: 12 units"
    assert decided_text([], verb="was") == "nothing to decide: all of it is so already"


def test_scores_say_what_was_saved_or_why_there_is_none():
    row = {
        "store": "s",
        "item": "i",
        "user": "anna",
        "line_state": "changed",
        "demand": 50.0,
        "censored": True,
        "proposed_quantity": 24.0,
        "person_quantity": 48.0,
        "proposed_short": 20.0,
        "person_short": 0.0,
        "proposed_left_over": 0.0,
        "person_left_over": 4.0,
        "saved": 97.2,
        "why_unscored": None,
        "reason": "festival",
    }
    blank = dict.fromkeys(name for name in row if name.endswith(("short", "left_over")))
    early = row | blank | {"demand": None, "censored": None, "saved": None}
    scores = pl.DataFrame([row, early | {"why_unscored": "too early"}])
    _, first, second = (words(line) for line in score_table(scores, KEY).splitlines())
    assert first == "s/i anna changed at least 50 24 48 20 0 0 4 97.20 festival"
    assert second == "s/i anna changed - 24 48 - - - - - too early"


def test_totals_have_a_row_per_user():
    names = ["user", "overrides", "scored", "saved_money", "lost_money", "saved", "lost", "net"]
    totals = pl.DataFrame([("anna", 2, 2, 1, 1, 97.2, 1.0, 96.2)], names, orient="row")
    assert words(totals_table(totals, "user").splitlines()[1]) == "anna 2 2 1 1 97.20 1.00 96.20"
