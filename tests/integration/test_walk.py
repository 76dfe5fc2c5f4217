"""The walk from sales tables to a pushed model, asserted on what it leaves behind."""

import io
import json
from pathlib import Path

import pytest

from demandcast.pipeline.console import Console
from demandcast.pipeline.training_run import RunOptions, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_every_stage_runs_and_the_model_is_pushed(trained):
    report = trained.report
    assert report.status == "succeeded"
    assert {stage.status for stage in report.stages} == {"run"}
    assert len(report.stages) == 13
    assert report.blessed
    assert report.push["pushed"] == 1


def test_the_report_names_data_code_and_model(trained):
    report = trained.report
    assert report.exit_code == 0
    assert report.data["rows"] == report.artifact("SeriesExampleGen", "examples").properties["rows"]
    assert report.data["first"] < report.data["last"]
    assert report.config == trained.config.model_dump(mode="json")
    pointer = json.loads(Path(report.serving_directory, "in_service.json").read_text())
    assert report.model == {
        "uri": report.artifact("Trainer", "model").uri,
        "digest": pointer["digest"],
        "version": pointer["version"],
    }


def test_the_serving_directory_holds_what_the_pointer_names(trained):
    serving = Path(trained.report.serving_directory)
    pointer = json.loads((serving / "in_service.json").read_text())
    assert pointer["run_id"] == trained.report.run_id
    assert {"wape", "weighted_quantile_loss"} <= set(pointer["metrics"])
    assert (serving / str(pointer["version"]) / "saved_model.pb").exists()
    assert sorted(path.name for path in serving.iterdir()) == [
        str(pointer["version"]),
        "in_service.json",
        "profiles",
    ]


def test_the_screen_shows_our_words_and_the_log_the_rest(trained):
    assert "[ 9/13]" in trained.screen
    assert "absl" not in trained.screen
    log = Path(trained.report.log).read_text()
    assert "INFO absl" in log
    assert "PrismRunner" not in log
    assert "sdist" not in log


def test_a_second_run_trains_nothing_and_pushes_nothing(trained):
    """It evaluates once more: the model now has a baseline, itself."""
    report = run(trained.config, Console(io.StringIO()))
    ran = {stage.name for stage in report.stages if stage.status == "run"}
    assert ran <= {"ModelInService", "DataContinuity", "Evaluator", "Pusher", "SmokeTest"}
    assert report.blessed
    assert report.verdict["comparison"] == "compared with the model in service"
    assert report.push["pushed"] == 0
    assert report.push["reason"].startswith("this model is already in service as version")

    report = run(trained.config, Console(io.StringIO()))
    assert {stage.name for stage in report.stages if stage.status == "run"} == {
        "Pusher",
        "SmokeTest",
    }


def test_validation_alone_comes_from_the_cache(trained):
    report = run(trained.config, Console(io.StringIO()), RunOptions(until="gate"))
    assert [stage.status for stage in report.stages] == ["cached"] * 7
