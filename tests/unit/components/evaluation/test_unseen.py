"""A model that has seen what judges it is found out."""

import datetime
import json

import pytest

from demandcast.components.evaluation.unseen import eval_cutoffs, seen_reason, seen_until
from demandcast.schema.errors import DemandcastError

DAY = datetime.date(2024, 5, 31)
WEEK = datetime.timedelta(days=7)


def summary(*cutoffs: str) -> str:
    splits = {"train": {"cutoffs": []}, "eval": {"cutoffs": cutoffs}}
    return json.dumps({"rows": 3, "splits": splits})


def test_a_model_may_have_seen_all_up_to_the_first_cutoff():
    assert seen_reason(DAY, [DAY + WEEK, DAY]) is None


@pytest.mark.parametrize("days", [1, 14, 400])
def test_one_day_more_is_too_much(days):
    reason = seen_reason(DAY + datetime.timedelta(days=days), [DAY + WEEK, DAY])
    assert "2024-05-31" in reason
    assert str(DAY + datetime.timedelta(days=days)) in reason


def test_the_newest_cutoff_does_not_excuse_the_first():
    assert seen_reason(DAY + WEEK, [DAY + WEEK, DAY]) is not None


def test_without_cutoffs_nothing_is_said():
    assert seen_reason(DAY, []) is None


def test_cutoffs_are_those_of_the_eval_split():
    found = eval_cutoffs(summary("2024-06-07", "2024-05-31"), source="summary.json")
    assert found == (DAY + WEEK, DAY)


@pytest.mark.parametrize("text", ["", "{}", '{"splits": {"eval": {}}}', summary("soon")])
def test_a_damaged_summary_is_named(text):
    with pytest.raises(DemandcastError, match="no cutoffs of the split eval"):
        eval_cutoffs(text, source="examples/summary.json")


def test_until_when_a_model_has_seen_the_data_is_read_whatever_else_it_says():
    text = json.dumps({"seen_until": "2024-05-31", "settings": {"of": "another release"}})
    assert seen_until(text, source="training.json") == DAY


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"seen_until": "soon"}', '{"seen_until": 3}'])
def test_a_model_that_does_not_say_it_rightly_is_named(text):
    with pytest.raises(DemandcastError, match=r"^model/training\.json: no date seen_until"):
        seen_until(text, source="model/training.json")
