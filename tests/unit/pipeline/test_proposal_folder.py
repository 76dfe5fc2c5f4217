"""What a proposal comes to in a line; how it is made and written is in `test_replenish.py`."""

import dataclasses
import datetime
import doctest

from demandcast.pipeline import proposal_folder
from demandcast.pipeline.proposal_folder import ReplenishSummary, new_proposal_id

SUMMARY = ReplenishSummary(
    proposal_id="p",
    folder="/orders/p",
    cutoff="2026-06-30",
    lines=1200,
    orders=1193,
    order_value=15680.284,
    waiting=15,
    statuses={"order": 1193, "covered": 7},
    risk_classes={"low": 1184, "critical": 16},
    problems=(),
    seconds=0.5,
)


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(proposal_folder).failed == 0


def test_a_line_says_what_was_proposed():
    assert SUMMARY.text == "1,193 worth 15,680.28; 15 wait for approval; 16 critical"
    calm = dataclasses.replace(SUMMARY, risk_classes={"low": 1200})
    assert calm.text.endswith("0 critical")


def test_names_sort_as_proposals_are_made():
    first = datetime.datetime(2026, 11, 20, 9, 30, 5, 1_000)
    moments = [first + datetime.timedelta(milliseconds=step) for step in (0, 1, 1_000, 90_000_000)]
    names = [new_proposal_id(moment) for moment in moments]
    assert names == sorted(set(names))
