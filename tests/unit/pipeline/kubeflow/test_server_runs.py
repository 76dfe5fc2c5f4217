"""Runs of the API in our words."""

import datetime

import kfp_server_api
import pytest
from kubeflow_runs import api_run

from demandcast.pipeline.kubeflow.server_runs import RunState, read_run


def parsed(values):
    """As the generated client reads it."""

    class Answer:
        data = __import__("json").dumps(values)

    return kfp_server_api.ApiClient().deserialize(Answer, "V2beta1Run")


@pytest.mark.parametrize(
    ("state", "tasks", "outcome"),
    [
        ("SUCCEEDED", {"Pusher": "SUCCEEDED"}, "done"),
        ("SUCCEEDED", {"Pusher": "SKIPPED"}, "refused"),
        ("SUCCEEDED", {}, "done"),
        ("FAILED", {"Trainer": "FAILED", "Pusher": "SKIPPED"}, "failed at Trainer"),
        ("FAILED", {"AnomalyGate": "FAILED"}, "anomalies"),
        ("FAILED", {}, "failed"),
        ("RUNNING", {"Transform": "SUCCEEDED", "Trainer": "RUNNING"}, "running, at Trainer"),
        ("RUNNING", {}, "running"),
        ("CANCELED", {"Trainer": "CANCELED"}, "canceled"),
        ("PENDING", {}, "pending"),
    ],
)
def test_the_outcome_is_in_the_words_of_the_command(state, tasks, outcome):
    assert RunState("r", state, tasks).outcome == outcome


def test_a_run_has_its_tasks_in_the_order_of_their_start():
    run = read_run(
        parsed(
            api_run(
                "r-1",
                tasks={"Transform": "SUCCEEDED", "Trainer": "SUCCEEDED"},
                parameters={"training_epochs": 5},
                recurring_run_id="s-1",
            )
        )
    )
    assert [task.name for task in run.tasks] == ["Transform", "Trainer"]
    assert [task.seconds for task in run.tasks] == [10.0, 10.0]
    assert run.created == datetime.datetime(2026, 11, 20, 2, tzinfo=datetime.UTC)
    assert run.seconds == 3600.0
    assert (run.pipeline_id, run.version_id, run.schedule_id) == ("p-1", "v-1", "s-1")
    assert run.parameters == {"training_epochs": 5}


def test_nodes_of_the_workflow_that_are_no_stages_are_left_out():
    run = read_run(parsed(api_run("r-1", state="FAILED", tasks={"Trainer": "FAILED"})))
    assert list(run.progress.tasks) == ["Trainer"]
    assert run.progress.outcome == "failed at Trainer"


def test_both_tasks_of_a_stage_are_shown():
    tasks = {"Replenisher": "SKIPPED", "Replenisher-not-pushed": "SUCCEEDED"}
    run = read_run(parsed(api_run("r-1", tasks=tasks)))
    assert run.progress.tasks == tasks


def test_what_has_not_happened_has_no_time():
    run = read_run(parsed(api_run("r-1", state="RUNNING")))
    assert (run.finished, run.seconds) == (None, None)


def test_a_run_of_which_nothing_is_known_is_pending():
    run = read_run(parsed({"run_id": "r-1"}))
    assert (run.progress.state, run.tasks, run.parameters, run.version_id) == (
        "PENDING",
        (),
        {},
        "",
    )
