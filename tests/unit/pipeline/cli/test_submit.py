"""The commands against a small API; the compilation is a stand-in but for the last test."""

import json

import pytest
from compiled_pipeline import CONFIG
from fake_kfp import API, FakeKfp

from demandcast.pipeline.cli import kubeflow_options, submit
from demandcast.pipeline.cli.main import invoke
from demandcast.pipeline.kubeflow import submitting

TEXT = "schemaVersion: 2.1.0\n---\nplatforms: {}\n"


@pytest.fixture
def kfp(monkeypatch):
    def upload(config, server, console):
        version = submitting.version_name(TEXT)
        return server.upload(TEXT, pipeline=config.name, version=version)

    monkeypatch.setattr(submit, "upload_compiled", upload)
    monkeypatch.setattr(submitting.time, "sleep", lambda seconds: None)
    with FakeKfp() as kfp:
        monkeypatch.setenv("DEMANDCAST_KFP_HOST", kfp.host)
        yield kfp


def run(command, *arguments):
    return invoke([command, "--config", str(CONFIG), *arguments])


def test_a_run_is_watched_to_its_end(kfp, capsys):
    kfp.states = [
        ("RUNNING", {"Trainer": "RUNNING"}),
        ("SUCCEEDED", {"Trainer": "SUCCEEDED", "Pusher": "SUCCEEDED"}),
    ]
    assert run("submit", "--parameter", "training_epochs=5") == 0
    screen = capsys.readouterr()
    assert screen.out == "r-1 succeeded\n"
    lines = [line.split() for line in screen.err.splitlines()]
    assert lines[-3:] == [["Trainer", "running"], ["Trainer", "succeeded"], ["Pusher", "succeeded"]]
    (body,) = kfp.bodies(f"{API}/runs")
    content = json.loads(body)
    assert content["runtime_config"] == {
        "parameters": {"training_epochs": 5},
        "pipeline_root": "gs://your-project-demand-pipeline-root/demandcast",
    }
    assert content["service_account"] == "pipeline-runner"
    assert content["display_name"] == f"demand {submitting.version_name(TEXT)}"


@pytest.mark.parametrize(
    ("states", "code", "said"),
    [
        (("SUCCEEDED", {"Pusher": "SKIPPED"}), 4, "the model did not pass; nothing was pushed"),
        (("FAILED", {"AnomalyGate": "FAILED"}), 3, "ended as FAILED in AnomalyGate"),
        (("FAILED", {"Trainer": "FAILED"}), 1, "ended as FAILED in Trainer: a task failed"),
    ],
)
def test_the_exit_code_is_the_verdict(kfp, capsys, states, code, said):
    kfp.states = [states]
    assert run("submit", "--json") == code
    screen = capsys.readouterr()
    assert f"error: run r-1{' ' if code != 4 else ': '}{said}" in screen.err
    assert json.loads(screen.out)["state"] == states[0]


def test_nobody_has_to_wait(kfp, capsys):
    assert run("submit", "--no-wait", "--quiet") == 0
    assert not any(path.startswith(f"{API}/runs/") for _, path, *_ in kfp.requests)
    assert run("submit", "--no-wait", "--json") == 0
    assert json.loads(capsys.readouterr().out)["run_id"] == "r-1"


def test_a_schedule_has_its_cron_and_the_snapshot_of_its_date(kfp, capsys):
    assert run("schedule", "--cron", "30 2 * * *", "--name", "nightly", "--json") == 0
    assert json.loads(capsys.readouterr().out)["schedule_id"] == "s-1"
    (body,) = kfp.bodies(f"{API}/recurringruns")
    content = json.loads(body)
    assert content["display_name"] == "nightly"
    assert content["trigger"]["cron_schedule"]["cron"] == "0 30 2 * * *"
    parameters = content["runtime_config"]["parameters"]
    assert parameters == {"data_snapshot": "[[ScheduledTime.%Y-%m-%d]]"}


@pytest.mark.parametrize("command", [["submit"], ["schedule", "--cron", "30 2 * * *"]])
def test_what_is_wrong_is_said_before_the_server_is_asked(kfp, capsys, command):
    assert run(*command, "--parameter", "epochs=5") == 2
    assert "expected NAME=VALUE with one of data_snapshot" in capsys.readouterr().err
    assert kfp.requests == []


def test_a_cron_that_is_none_is_refused(kfp, capsys):
    assert run("schedule", "--cron", "daily") == 2
    assert "--cron: got 'daily'" in capsys.readouterr().err
    assert kfp.requests == []


def test_a_server_that_refuses_is_exit_code_5(kfp, capsys):
    kfp.refuse = {"healthz": 401}
    assert run("submit") == 5
    error = capsys.readouterr().err
    assert "cannot ask for its health: 401" in error
    assert "--token-file" in error


def test_tokens_come_from_a_file_or_the_environment_and_the_file_wins(
    kfp, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("DEMANDCAST_KFP_TOKEN", "of-the-environment")
    assert run("submit", "--no-wait") == 0
    assert kfp.requests[-1][3]["authorization"] == "Bearer of-the-environment"
    file = tmp_path / "token"
    file.write_text("of-the-file\n")
    assert run("submit", "--no-wait", "--token-file", str(file)) == 0
    assert kfp.requests[-1][3]["authorization"] == "Bearer of-the-file"
    assert run("submit", "--token-file", str(tmp_path / "none")) == 2
    assert "--token-file" in capsys.readouterr().err


@pytest.mark.slow
def test_what_is_uploaded_is_what_is_compiled(capsys):
    import sys

    from demandcast.pipeline.console import console_for
    from demandcast.pipeline.kubeflow.server_api import Connection, KubeflowServer
    from demandcast.schema.config import load_config

    config = load_config(CONFIG)
    console = console_for(sys.stderr, quiet=False)
    with FakeKfp() as kfp:
        server = KubeflowServer(Connection(host=kfp.host))
        first = kubeflow_options.upload_compiled(config, server, console)
        again = kubeflow_options.upload_compiled(config, server, console)
    assert first.is_new
    assert not again.is_new
    assert f"demand, version {first.name}: on the server already" in capsys.readouterr().err


def test_the_line_end_of_a_token_is_none_of_it(kfp, monkeypatch, tmp_path):
    """Editors and secrets add one."""
    monkeypatch.setenv("DEMANDCAST_KFP_TOKEN", "of-the-environment\n")
    assert run("submit", "--no-wait") == 0
    assert kfp.requests[-1][3]["authorization"] == "Bearer of-the-environment"
    (tmp_path / "token").write_text("of-the-file\r\n")
    assert run("submit", "--no-wait", "--token-file", str(tmp_path / "token")) == 0
    assert kfp.requests[-1][3]["authorization"] == "Bearer of-the-file"


@pytest.mark.parametrize("content", [b"sec\nret", b"sec ret", "secr\u00e9t".encode(), b"\xff\xfe"])
def test_what_is_no_token_is_refused_and_not_shown(kfp, tmp_path, capsys, content):
    (tmp_path / "token").write_bytes(content)
    assert run("submit", "--no-wait", "--token-file", str(tmp_path / "token")) == 2
    error = capsys.readouterr().err
    assert "--token-file" in error
    assert "sec" not in error.replace("second", "").replace(str(tmp_path), "")
    assert not kfp.requests
