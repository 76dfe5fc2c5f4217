"""Totals, targets and words of the table of attempts."""

import pytest
from faults.outcome import GATE, Kind, Outcome
from faults.table import Result, met, table_text


def result(*, good, pushed=0, refused=0, runs=3):
    kind = Kind("a kind", good=good, must_stop="" if good else GATE, prepare=lambda *_: None)
    outcomes = [
        Outcome(
            pushed=i < pushed,
            stopped_by=GATE if i < refused else None,
            reason="loss | too high",
            exit_code=0,
            seconds=1.0,
        )
        for i in range(runs)
    ]
    return Result(kind, tuple(outcomes))


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([result(good=False, refused=3)], True),
        ([result(good=False, pushed=1)], False),
        ([result(good=True, runs=50, refused=1)], True),  # 1 of 50 is 2 %.
        ([result(good=True, runs=49, refused=1)], False),
        ([result(good=True, runs=50), result(good=False, pushed=1)], False),
    ],
)
def test_targets(results, expected):
    assert met(results) is expected


def test_the_table_counts_both_sides():
    text = table_text([result(good=False, refused=3), result(good=True, runs=50, refused=2)])
    assert "| a kind | 3 | 0 | gate for models | gate for models 3 | loss \\| too high |" in text
    assert "Pushed that should not have been: 0 of 3, of 1 kinds." in text
    assert "Good, and refused: 2 of 50 (4.0 %; at most 2 % allowed)." in text


def test_what_got_through_stands_out():
    text = table_text([result(good=False, pushed=2)])
    assert "| a kind | 3 | **2** | gate for models | nothing |" in text
