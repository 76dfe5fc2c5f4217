"""`demandcast runs --kubeflow` against a small API."""

import json

import pytest
from compiled_pipeline import CONFIG
from fake_kfp import FakeKfp
from kubeflow_runs import PARAMETERS, api_run

from demandcast.components.publishing.pointer import Pointer, write_pointer
from demandcast.components.storage.files import LocalFiles
from demandcast.pipeline.cli import kubeflow_options
from demandcast.pipeline.cli.main import invoke

NO_GPU = {"message": "no GPU"}


@pytest.fixture
def kfp(monkeypatch, tmp_path):
    with FakeKfp() as kfp:
        monkeypatch.setenv("DEMANDCAST_KFP_HOST", kfp.host)
        kfp.pipelines = {"demand": "p-1"}
        kfp.versions = {"abc": "v-1"}
        kfp.specs = {"v-1": PARAMETERS}
        pushed = {"Trainer": "SUCCEEDED", "Pusher": "SUCCEEDED"}
        kfp.runs = [
            api_run("r-3", state="RUNNING", tasks={"Trainer": "RUNNING"}, recurring_run_id="s-1"),
            api_run(
                "r-2", state="FAILED", tasks={"Trainer": "FAILED"}, error={"message": "no GPU"}
            ),
            api_run("r-1", tasks=pushed, parameters={"data_snapshot": "2026-11-20"}),
        ]
        pointer = Pointer(
            1700000000, "uri", "r-1", "aa" * 32, {"wape": 0.25}, "2026-11-20T02:59:00+00:00"
        )
        (tmp_path / "serving").mkdir()
        write_pointer(pointer, str(tmp_path / "serving"), LocalFiles(), before=None)
        yield kfp


def run(tmp_path, *arguments):
    place = f"push.serving_directory={tmp_path / 'serving'}"
    return invoke(["runs", *arguments, "--config", str(CONFIG), "--set", place, "--kubeflow"])


def words(text):
    return [line.split() for line in text.splitlines()]


def test_runs_are_listed_the_newest_first(kfp, tmp_path, capsys):
    assert run(tmp_path, "list") == 0
    lines = words(capsys.readouterr().out)
    when, hour = ["2026-11-20", "02:00"], ["1", "h", "00", "min"]
    pushed = ["pushed", "as", "version", "1700000000"]
    assert lines[1:] == [
        ["r-3", "demand", "r-3", "running,", "at", "Trainer", *when, "-", "-", "scheduled"],
        ["r-2", "demand", "r-2", "failed", "at", "Trainer", *when, *hour, "-"],
        ["r-1", "demand", "r-1", *pushed, *when, *hour, "2026-11-20", "in", "service"],
    ]


def test_a_run_is_shown_with_what_it_was_made_from(kfp, tmp_path, capsys):
    assert run(tmp_path, "show", "in-service") == 0
    screen = capsys.readouterr().out
    assert words(screen)[0] == ["run", "r-1", "(in", "service)"]
    for line in (
        ["outcome", "pushed", "as", "version", "1700000000"],
        ["pipeline", "demand,", "version", "abc"],
        ["artifacts", "gs://bucket/demandcast/demand/r-1"],
        ["training_epochs", "20", "default"],
        ["data_snapshot", '"2026-11-20"', "given"],
        ["Trainer", "succeeded", "10.0", "s"],
        ["1700000000", "2026-11-20", "02:59", "push", "0.2500", "uri"],
    ):
        assert line in words(screen)


def test_a_failed_run_says_why(kfp, tmp_path, capsys):
    assert run(tmp_path, "show", "r-2") == 0
    assert ["error", "no", "GPU"] in words(capsys.readouterr().out)


def test_scripts_get_json(kfp, tmp_path, capsys):
    assert run(tmp_path, "list", "--json", "--limit", "1") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["run_id"], row["outcome"], row["seconds"]) == ("r-3", "running, at Trainer", None)
    assert run(tmp_path, "show", "1700000000", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert values["parameters"] == {"training_epochs": 20, "data_snapshot": "2026-11-20"}
    assert [model["version"] for model in values["models"]] == [1700000000]
    assert [task["name"] for task in values["tasks"]] == ["Trainer", "Pusher"]


def test_a_server_without_runs_says_what_makes_one(kfp, tmp_path, capsys):
    kfp.runs = []
    assert run(tmp_path, "list") == 0
    assert "no runs of demand on the server; 'demandcast submit'" in capsys.readouterr().out


def test_a_server_that_refuses_is_one_sentence(kfp, tmp_path, capsys):
    kfp.refuse = {"/runs": 403}
    assert run(tmp_path, "list") == 5
    assert "cannot list the runs of demand" in capsys.readouterr().err


def test_without_the_flag_it_is_this_machine_that_is_asked(kfp, tmp_path, capsys):
    asked = len(kfp.requests)
    workspace = f"workspace={tmp_path}"
    assert invoke(["runs", "list", "--config", str(CONFIG), "--set", workspace]) == 0
    assert "no runs in" in capsys.readouterr().out
    assert len(kfp.requests) == asked


@pytest.mark.parametrize("command", [["list"], ["show", "latest"]])
def test_options_of_a_server_need_the_flag(kfp, capsys, command):
    assert invoke(["runs", *command, "--config", str(CONFIG), "--host", kfp.host]) == 2
    assert "--host: is of Kubeflow Pipelines; add --kubeflow" in capsys.readouterr().err


def test_the_names_of_the_options_are_all_of_them():
    @kubeflow_options.connection_options
    def command(**connection):
        del connection

    assert {option.name for option in command.__click_params__} == set(
        kubeflow_options.CONNECTION_NAMES
    )
