"""Two models one after the other, the way back, and what the commands say of it all."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pipeline_tiny import NO_SERVER

from demandcast.pipeline.cli.main import invoke
from demandcast.pipeline.console import Console
from demandcast.pipeline.overrides import load_with_overrides
from demandcast.pipeline.reports import RunReport
from demandcast.pipeline.training_run import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# Both models shall pass: what is tested is what comes after the gate.
LENIENT = (
    "gate.floors.coverage_tolerance=1.0",
    "gate.floors.weighted_quantile_loss_skill=-10",
    "gate.floors.wape_skill=-10",
    "gate.floors.max_absolute_bias=null",
    "gate.change.max_relative_loss_increase=10",
    "gate.change.max_relative_loss_increase_per_slice=10",
    *NO_SERVER,
)
WORSE = ("training.epochs=1",)


@dataclass(frozen=True)
class Story:
    """A good model, a worse one after it, the way back, and the same run as before once more.

    Attributes:
        arguments: `--config` and `--set` of all commands.
        serving: Directory of the versions.
        good: Run of the first model, the one that all tests share.
        worse: Run of the second.
        again: The second run once more, after the rollback.
        answers: What a server that was never stopped answered before and after, by version.
    """

    arguments: list[str]
    serving: Path
    good: RunReport
    worse: RunReport
    again: RunReport
    answers: dict[int, np.ndarray]

    def call(self, capsys, *command):
        assert invoke([*command, *self.arguments]) == 0
        return capsys.readouterr().out


@pytest.fixture(scope="module")
def story(trained, tmp_path_factory):
    from demandcast.pipeline.quickstart import read_series
    from demandcast.serving.client import DemandClient
    from demandcast.serving.forecasting import forecast
    from demandcast.serving.server import ModelServer
    from demandcast.serving.server.config import ServerConfig

    serving = tmp_path_factory.mktemp("history") / "serving"
    common = (*LENIENT, f"push.serving_directory={serving}")

    def run_with(*overrides):
        config = load_with_overrides(trained.config_file, overrides, folder=Path.cwd())
        return run(config, Console(io.StringIO()))

    arguments = [f"--set={override}" for override in common]
    arguments = ["--config", str(trained.config_file), *arguments]
    series = read_series(trained.report, trained.config.series)[:2]
    answers = {}

    good, worse = run_with(*common), run_with(*common, *WORSE)
    watching = ServerConfig(serving_directory=serving, port=0, poll_seconds=0.1)
    with ModelServer(watching) as server, DemandClient(server.address) as client:
        answers |= {client.wait_until_available(60): _ask(client, forecast, series)}
        assert invoke(["rollback", "--reason", "worse", "--quiet", *arguments]) == 0
        version = json.loads((serving / "in_service.json").read_text())["version"]
        deadline = time.monotonic() + 60
        while [one.version for one in client.status()] != [version]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        answers |= {version: _ask(client, forecast, series)}
    again = run_with(*common, *WORSE)
    return Story(arguments, serving, good, worse, again, answers)


def _ask(client, forecast, series):
    inputs = set(client.metadata().signatures["serving_default"].inputs)
    requests = [{key: value for key, value in one.items() if key in inputs} for one in series]
    return forecast(client, requests).quantiles


def pointer(story):
    return json.loads((story.serving / "in_service.json").read_text())


def test_the_worse_model_was_pushed_over_the_good_one(story):
    assert story.good.push["pushed"] == story.worse.push["pushed"] == 1
    assert story.worse.model["version"] > story.good.model["version"]


def test_the_rollback_puts_the_good_model_on_top(story):
    now = pointer(story)
    assert now["digest"] == story.good.model["digest"]
    assert now["run_id"] == story.good.run_id
    assert now["rollback"]["to_version"] == story.good.model["version"]
    assert now["rollback"]["from_version"] == story.worse.model["version"]
    versions = sorted(int(path.name) for path in story.serving.iterdir() if path.name.isdecimal())
    assert versions == [story.good.model["version"], story.worse.model["version"], now["version"]]


def test_a_server_that_runs_takes_it_up_by_itself(story):
    assert list(story.answers) == [story.worse.model["version"], pointer(story)["version"]]
    worse, good = story.answers.values()
    assert good.shape == worse.shape
    assert not np.allclose(good, worse)


def test_the_next_run_is_compared_with_the_model_put_back(story):
    baseline = story.again.artifact("ModelInService", "model")
    assert baseline.properties["digest"] == story.good.model["digest"]
    assert story.again.verdict["comparison"] == "compared with the model in service"
    good = story.good.verdict["slices"][0]["candidate"]["wape"]
    assert story.again.verdict["slices"][0]["in_service"]["wape"] == pytest.approx(good)


def test_the_model_that_was_left_is_not_pushed_again(story):
    assert story.again.blessed
    assert story.again.push["pushed"] == 0
    assert "was taken out of service by the rollback of" in story.again.push["reason"]
    assert "(worse)" in story.again.push["reason"]
    assert story.again.model["digest"] == story.worse.model["digest"]
    assert story.again.model["version"] is None


def test_the_list_tells_the_story(story, capsys):
    rows = json.loads(story.call(capsys, "runs", "list", "--json", "--limit", "0"))
    outcome = {row["run_id"]: row["outcome"] for row in rows}
    assert outcome[story.good.run_id] == f"pushed as version {story.good.model['version']}"
    assert outcome[story.worse.run_id] == f"pushed as version {story.worse.model['version']}"
    assert outcome[story.again.run_id] == "not pushed: rolled back"
    assert [row["run_id"] for row in rows if row["in_service"]] == [story.good.run_id]


def test_a_cached_result_names_the_run_that_made_it(story, trained, capsys):
    shown = json.loads(story.call(capsys, "runs", "show", story.good.run_id, "--json"))
    made_by = {
        stage["stage"]: output["made_by_run"]
        for stage in shown["lineage"]
        for outputs in stage["outputs"].values()
        for output in outputs
    }
    assert made_by["Trainer"] == trained.report.run_id
    assert made_by["Pusher"] == story.good.run_id
    read = {stage["stage"]: set(stage["inputs"]) for stage in shown["lineage"]}
    assert read["Pusher"] == {"model", "model_blessing", "evaluation", "examples"}


def test_the_comparison_names_the_key_that_changed(story, capsys):
    found = json.loads(
        story.call(
            capsys, "runs", "compare", "in-service", str(story.worse.model["version"]), "--json"
        )
    )
    assert found["runs"] == [story.good.run_id, story.worse.run_id]
    assert found["config"] == {"training.epochs": [20, 1]}
    assert found["data"] == found["code"] == found["toolchain"] == {}
    good, worse = found["metrics"]["wape"]
    assert 0 < good < worse


def test_a_run_without_its_report_is_told_from_the_store(story, capsys):
    report = Path(story.worse.log).with_name("run.json")
    text = report.read_text()
    report.unlink()
    try:
        shown = json.loads(story.call(capsys, "runs", "show", story.worse.run_id, "--json"))
    finally:
        report.write_text(text)
    assert (shown["source"], shown["note"]) == ("metadata store", "run.json is missing")
    assert shown["outcome"] == f"pushed as version {story.worse.model['version']}"
    told = {stage["name"]: stage["status"] for stage in shown["stages"]}
    assert told == {stage.name: stage.status for stage in story.worse.stages}
    assert shown["verdict"] == json.loads(text)["verdict"]


def test_what_is_in_service_and_the_way_back_are_kept(story, capsys):
    tight = ["--set=retention.runs=1", "--set=retention.versions=1"]
    plan = json.loads(story.call(capsys, "runs", "prune", "--dry-run", "--json", *tight))
    assert plan["removed"] is False
    assert plan["versions"] == [story.good.model["version"]]
    kept = {story.good.run_id, story.worse.run_id, story.again.run_id}
    assert kept.isdisjoint(plan["runs"])


@pytest.mark.parametrize("command", [["list"], ["show", "latest"]], ids=" ".join)
def test_the_history_is_read_without_tfx(story, command):
    code = (
        "import sys; from demandcast.pipeline.cli import invoke\n"
        "code = invoke(sys.argv[1:])\n"
        "heavy = sorted({'tensorflow', 'tfx', 'apache_beam', 'polars'} & set(sys.modules))\n"
        "print(code, heavy, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "runs", *command, *story.arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONSAFEPATH": "1"},
    )
    assert done.stderr == "0 []\n"
