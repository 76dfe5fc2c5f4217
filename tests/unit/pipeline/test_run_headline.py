import json

import pytest
from run_folders import STAGES, VERDICT, write_run

from demandcast.pipeline.run_files import read_run
from demandcast.pipeline.run_headline import headline_of, outcome_of, why_not_reached

REFUSED = {**VERDICT, "blessed": False, "reasons": ["WAPE is bad", "bias is bad"]}


def headline(tmp_path, **changes):
    return headline_of(read_run(write_run(tmp_path, "r1", **changes)))


def test_a_pushed_model_is_good_news(tmp_path):
    told = headline(tmp_path)
    assert (told.tone, told.title) == ("good", "Pushed as version 7")
    assert told.remarks == ("No model in service: only the floors were judged.",)


def test_a_refusal_comes_with_its_reasons(tmp_path):
    told = headline(tmp_path, verdict=REFUSED, push={"pushed": 0, "reason": "not blessed"})
    assert (told.tone, told.title) == ("bad", "Refused: the model did not pass the gate")
    assert told.reasons == ("WAPE is bad", "bias is bad")
    assert "what served before still serves" in told.remarks[-1]


def test_a_model_that_is_in_service_already_is_not_pushed(tmp_path):
    told = headline(tmp_path, push={"pushed": 0, "reason": "this model is already in service"})
    assert told.title == "Blessed; nothing to push"
    assert told.reasons[-1] == "This model is already in service."


def test_a_check_of_the_data_alone_is_said_to_be_one(tmp_path):
    told = headline(tmp_path / "gate", until="gate", verdict=None, push=None)
    assert told.title == "The data keeps the contract and the schema"
    told = headline(tmp_path / "training", until="training", verdict=None, push=None)
    assert told.title == "A model was trained, and not judged"


@pytest.mark.parametrize(
    ("code", "error", "title"),
    [
        (2, "ContractError: column 'price'", "Refused: bad input"),
        (3, "AnomalyError: 2 anomalies", "Refused: the data contradicts the schema"),
        (5, "ServingError: x", "Failed: the model in service cannot be followed"),
    ],
)
@pytest.mark.parametrize("has_code", [True, False])
def test_errors_on_purpose_are_told_in_their_words(tmp_path, code, error, title, has_code):
    told = headline(
        tmp_path, failed_in="AnomalyGate", exit_code=code if has_code else None, error=error
    )
    assert (told.tone, told.title) == ("bad", title)
    assert told.reasons == (error.partition(": ")[2],)
    assert told.remarks[0].startswith("It ended in AnomalyGate.")


def test_data_that_does_not_go_on_has_a_title_of_its_own(tmp_path):
    error = "AnomalyError: sales of 2025-01-01 differ"
    told = headline(tmp_path, failed_in="DataContinuity", exit_code=3, error=error)
    assert told.title == "Refused: the data does not go on as it was"


@pytest.mark.parametrize("stage", STAGES)
def test_a_bug_names_the_stage_and_the_log(tmp_path, stage):
    told = headline(tmp_path, failed_in=stage)
    assert told.title == f"Failed in {stage}"
    assert told.reasons == ("ZeroDivisionError: division by <zero>",)
    assert told.remarks[-1].endswith("run.log")


@pytest.mark.parametrize("status", ["failed", "interrupted"])
@pytest.mark.parametrize("stage", STAGES)
def test_what_serves_is_left_open_only_where_the_push_had_begun(tmp_path, stage, status):
    told = headline(tmp_path, failed_in=stage, status=status).remarks[0]
    if stage == "SmokeTest":
        assert told.endswith("Before that it pushed version 7, which is in service.")
    elif stage == "Pusher":
        assert "Nothing was pushed" not in told
        assert f"in_service.json in {tmp_path / 'serving'} says what serves" in told
    else:
        assert told.endswith("Nothing was pushed; what served before still serves.")


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_an_end_after_the_push_names_the_version(tmp_path, status):
    told = headline(tmp_path, status=status, exit_code=1, error="OSError: disk full").remarks[0]
    assert told == "Before that it pushed version 7, which is in service."


def test_an_end_after_a_push_that_did_nothing_leaves_what_served(tmp_path):
    push = {"pushed": 0, "reason": "not blessed"}
    told = headline(tmp_path, status="failed", exit_code=1, error="OSError: x", push=push)
    assert told.remarks[0] == "Nothing was pushed; what served before still serves."


def test_runs_without_an_end_are_told(tmp_path):
    assert headline(tmp_path / "a", status="interrupted", stages=[]).title == "Interrupted"
    assert headline(tmp_path / "b", status="running").title == "Not ended"
    failed = headline(tmp_path / "c", status="failed", stages=[], exit_code=1, error="KeyError: 1")
    assert failed.title == "Failed before the first stage"


def test_the_outcome_stands_inside_of_a_sentence(tmp_path):
    assert outcome_of(read_run(write_run(tmp_path, "r1"))) == "pushed as version 7"


def test_missing_parts_have_their_reason(tmp_path):
    def reason(name, **changes):
        return why_not_reached(read_run(write_run(tmp_path, name, **changes)))

    assert reason("1", failed_in="Trainer") == "The run did not get here: it ended in Trainer."
    assert "before its first stage" in reason("2", status="failed", stages=[])
    assert "was not to get here" in reason("3", until="gate")
    assert reason("4") == "The run left nothing for this part."


def test_a_model_that_no_server_can_serve_is_refused_with_the_reason(tmp_path):
    found = {"blessed": 0, "reason": "serving_default answers no forecast"}
    told = headline(tmp_path, infrastructure=found, push={"pushed": 0, "reason": "not blessed"})
    assert (told.tone, told.title) == (
        "bad",
        "Refused: the model did not pass the infrastructure check",
    )
    assert told.reasons == ("serving_default answers no forecast.",)
    assert told.remarks[-1] == "Nothing was pushed; what served before still serves."


@pytest.mark.parametrize(
    ("stage", "title", "serves"),
    [
        (
            "InfraValidator",
            "Failed: the server that tries models does not work",
            "Nothing was pushed; what served before still serves.",
        ),
        (
            "SmokeTest",
            "Failed: the server does not serve what was pushed",
            "Before that it pushed version 7, which is in service.",
        ),
    ],
)
def test_trouble_with_a_server_is_told_by_its_stage(tmp_path, stage, title, serves):
    told = headline(tmp_path, failed_in=stage, exit_code=5, error="ServingError: it ended")
    assert (told.tone, told.title, told.reasons) == ("bad", title, ("it ended",))
    assert told.remarks == (f"It ended in {stage}. {serves}",)


DEAR = {"blessed": 0, "reason": "stock costs 3.4 % more than that of version 12"}


def test_a_model_whose_stock_costs_too_much_is_refused_with_the_reason(tmp_path):
    told = headline(tmp_path, cost=DEAR, push={"pushed": 0, "reason": "too dear"})
    assert (told.tone, told.title) == ("bad", "Refused: the model did not pass the cost check")
    assert told.reasons == ("stock costs 3.4 % more than that of version 12.",)
    assert told.remarks[-1] == "Nothing was pushed; what served before still serves."


def test_a_model_that_is_worse_and_dearer_is_refused_for_both(tmp_path):
    verdict = {**VERDICT, "blessed": False, "reasons": ["it is worse"]}
    told = headline(tmp_path, verdict=verdict, cost=DEAR)
    assert told.title == "Refused: the model did not pass the gate"
    assert told.reasons == ("it is worse", DEAR["reason"])


def test_a_model_that_costs_no_more_is_pushed_as_ever(tmp_path):
    told = headline(tmp_path, cost={"blessed": 1, "reason": "stock costs as much"})
    assert told.title == "Pushed as version 7"


ORDERS = {"proposed": 1, "finding": "193 worth 15,680.28; 15 wait for approval; 16 critical"}


def test_orders_are_told_beside_the_push(tmp_path):
    told = headline(tmp_path / "pushed", orders=ORDERS)
    assert told.title == "Pushed as version 7"
    assert told.remarks[-1] == "Orders: 193 worth 15,680.28; 15 wait for approval; 16 critical."
    told = headline(tmp_path / "refused", verdict=REFUSED, push={"pushed": 0}, orders=ORDERS)
    assert told.title == "Refused: the model did not pass the gate"
    assert told.remarks[-1].startswith("Orders: 193 worth")


@pytest.mark.parametrize(
    ("stage", "title"),
    [
        ("BatchForecaster", "Failed: nothing was forecast"),
        ("Replenisher", "Failed: no orders were proposed"),
    ],
)
def test_trouble_after_the_push_says_what_serves(tmp_path, stage, title):
    error = "ContractError: inventory: no file matches 'stock.csv'"
    folder = write_run(tmp_path, "r1", status="failed", exit_code=2, error=error)
    values = json.loads((folder / "run.json").read_text())
    values["stages"].append(values["stages"][-1] | {"name": stage, "status": "failed"})
    (folder / "run.json").write_text(json.dumps(values))
    told = headline_of(read_run(folder))
    assert (told.tone, told.title) == ("bad", title)
    assert told.reasons == ("inventory: no file matches 'stock.csv'",)
    pushed = "Before that it pushed version 7, which is in service."
    assert told.remarks == (f"It ended in {stage}. {pushed}",)
