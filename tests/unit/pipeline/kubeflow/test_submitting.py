"""Parameters of a run, waiting for its end, and what that means."""

import pytest
from configurations import parse

from demandcast.pipeline.kubeflow.server_runs import RunState
from demandcast.pipeline.kubeflow.submitting import (
    check_cron,
    given_parameters,
    raise_verdict,
    scheduled_parameters,
    wait_for_end,
)
from demandcast.schema.errors import (
    AnomalyError,
    BadInputError,
    DemandcastError,
    NotBlessedError,
    ServingError,
)

SNAPSHOTS = {"data.sales": "gs://b/{snapshot}.csv", "data.snapshot": "2026-11-20"}


def test_values_have_the_types_of_their_parameters():
    config = parse(**SNAPSHOTS)
    assert given_parameters(
        config,
        [
            "data_snapshot=2026-11-21",
            "training_epochs=5",
            'gate_thresholds={"floors": {"wape_skill": 0.1}}',
            "serving_directory=gs://b/a=b",
        ],
    ) == {
        "data_snapshot": "2026-11-21",
        "training_epochs": 5,
        "gate_thresholds": {"floors": {"wape_skill": 0.1}},
        "serving_directory": "gs://b/a=b",
    }


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("epochs=5", r"got 'epochs=5'; expected NAME=VALUE with one of training_epochs"),
        ("training_epochs", r"got 'training_epochs'; expected NAME=VALUE"),
        ("training_epochs=5.5", r"training_epochs: got '5\.5'; expected a whole number"),
        ("training_epochs=true", r"expected a whole number"),
        ("gate_thresholds=[1]", r"expected JSON in braces"),
        ("gate_thresholds={", r"expected JSON in braces"),
        ("data_snapshot=1", r"expected NAME=VALUE with one of"),
        ("serving_directory=s3://b/x", r"got 's3://b/x'; pods cannot see it; expected gs://"),
        ("serving_directory=/tmp/x", r"serving_directory: got '/tmp/x'; pods cannot see it"),
        ("serving_directory=", r"serving_directory: got ''; pods cannot see it"),
    ],
)
def test_other_values_are_refused(assignment, message):
    with pytest.raises(BadInputError, match=message):
        given_parameters(parse(), [assignment])


def test_a_schedule_reads_the_snapshot_of_its_date():
    dated = {"data_snapshot": "[[ScheduledTime.%Y-%m-%d]]"}
    config = parse(**SNAPSHOTS)
    assert scheduled_parameters(config, []) == dated
    assert scheduled_parameters(config, ["training_epochs=5"]) == {**dated, "training_epochs": 5}
    given = "data_snapshot=[[ScheduledTime.%Y%m%d]]"
    assert scheduled_parameters(config, [given]) == {"data_snapshot": "[[ScheduledTime.%Y%m%d]]"}
    assert scheduled_parameters(parse(), []) == {}


def test_cron_has_six_fields_for_the_server():
    assert check_cron("30 2 * * *") == "0 30 2 * * *"
    assert check_cron("15 30 2 * * 1") == "15 30 2 * * 1"
    for text in ("", "daily", "* * * *", "* * * * * * *"):
        with pytest.raises(BadInputError, match="--cron: got"):
            check_cron(text)


class Server:
    """Answers one state after the other."""

    def __init__(self, *states):
        self.states = list(states)

    def state_of(self, run_id):
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


def state(name, **tasks):
    return RunState("r-1", name, tasks)


def test_changes_are_told_until_the_end():
    told = []
    server = Server(
        state("PENDING"),
        state("RUNNING", Trainer="RUNNING"),
        state("RUNNING", Trainer="RUNNING"),
        state("SUCCEEDED", Trainer="SUCCEEDED", Pusher="SUCCEEDED"),
    )
    ended = wait_for_end(
        server,
        "r-1",
        timeout_seconds=None,
        on_change=lambda *change: told.append(change),
        pause_seconds=0,
    )
    assert ended.state == "SUCCEEDED"
    assert told == [("Trainer", "RUNNING"), ("Trainer", "SUCCEEDED"), ("Pusher", "SUCCEEDED")]


def test_a_run_that_takes_too_long_goes_on_without_us():
    with pytest.raises(DemandcastError, match=r"run r-1 is RUNNING after 0 s; it goes on"):
        wait_for_end(
            Server(state("RUNNING")),
            "r-1",
            timeout_seconds=0.01,
            on_change=lambda *change: None,
            pause_seconds=0.02,
        )


@pytest.mark.parametrize(
    ("ended", "error", "message"),
    [
        (state("SUCCEEDED", Pusher="SKIPPED"), NotBlessedError, "did not pass; nothing was"),
        (state("FAILED", AnomalyGate="FAILED"), AnomalyError, "ended as FAILED in AnomalyGate"),
        (state("FAILED", DataContinuity="FAILED"), AnomalyError, "in DataContinuity"),
        (state("FAILED", SmokeTest="FAILED"), ServingError, "ended as FAILED in SmokeTest; the"),
        (state("FAILED", InfraValidator="FAILED"), ServingError, "in InfraValidator"),
        (state("FAILED", Trainer="FAILED"), DemandcastError, "ended as FAILED in Trainer; the log"),
        (state("CANCELED"), DemandcastError, "ended as CANCELED; the log"),
        (RunState("r-1", "FAILED", {}, "no quota"), DemandcastError, "FAILED: no quota; the log"),
    ],
)
def test_the_end_of_a_run_is_that_of_the_command(ended, error, message):
    with pytest.raises(error, match=message) as raised:
        raise_verdict(ended)
    assert raised.value.exit_code == error.exit_code


def test_a_pushed_model_is_no_error():
    raise_verdict(state("SUCCEEDED", Pusher="SUCCEEDED"))
    raise_verdict(state("SUCCEEDED"))
