"""What stock costs decides whether a model is pushed, whatever its WAPE."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from lavish_model import save_lavish_model
from pipeline_tiny import NO_SERVER, Trained

from demandcast.pipeline.cli.main import invoke

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

COST = "gate.cost={enabled: true, interval: 3, min_expected_shortages: 0}"


def command(trained: Trained, *overrides: str) -> int:
    arguments = ["run", "--config", str(trained.config_file), "--quiet"]
    for override in (*NO_SERVER, COST, *overrides):
        arguments += ["--set", override]
    return invoke(arguments)


def newest_run(trained: Trained) -> Path:
    reports = (Path(trained.config.workspace) / "tiny" / "runs").glob("*/run.json")
    return max(reports, key=lambda path: path.stat().st_mtime).parent


def report_of(run: Path) -> dict:
    return json.loads((run / "run.json").read_text())


def pointer(trained: Trained) -> str:
    return (Path(trained.report.serving_directory) / "in_service.json").read_text()


@pytest.fixture(scope="module", autouse=True)
def shared_run_as_it_was(trained, tmp_path_factory):
    """Other tests go on from the shared run: what happened here must not be in it."""
    folder = trained.config_file.parent
    kept = tmp_path_factory.mktemp("kept") / "run"
    shutil.copytree(folder, kept)
    yield
    shutil.rmtree(folder)
    shutil.copytree(kept, folder)


@pytest.fixture
def lavish_trainer(trained, monkeypatch):
    """A training that gives the model in service, nearer to the sales and far too careful."""
    from demandcast.components.forecasting import exporting

    served = Path(json.loads(pointer(trained))["uri"])

    def export(module, directory, **described):
        del module, described
        save_lavish_model(served, Path(directory), trained.config.forecast)

    # Of the module with run_fn TFX makes a new one each time.
    monkeypatch.setattr(exporting, "export", export)


def test_the_same_model_costs_the_same_and_is_compared_once(trained):
    before = pointer(trained)
    assert command(trained) == 0
    report = report_of(newest_run(trained))
    assert report["cost"]["reason"].startswith("stock costs as much as that of version ")
    assert command(trained) == 0
    stages = {stage["name"]: stage["status"] for stage in report_of(newest_run(trained))["stages"]}
    assert stages["CostJudge"] == "cached"
    assert pointer(trained) == before


def test_a_model_with_a_better_wape_and_dearer_stock_is_refused(trained, lavish_trainer, capsys):
    before = pointer(trained)
    # The upper quantiles are so high that the loss would give it away; its WAPE does not.
    lax = (
        "{max_relative_loss_increase: 9, max_unproven_loss_increase: 9, "
        "max_relative_loss_increase_per_slice: 9, max_unproven_loss_increase_per_slice: 9}"
    )
    floors = "{coverage_tolerance: 1.0, coverage_tolerance_per_slice: 1.0}"
    overrides = ["training.epochs=1", f"gate.change={lax}", f"gate.floors={floors}"]
    assert command(trained, *overrides) == 4
    assert pointer(trained) == before
    run = newest_run(trained)
    report = report_of(run)
    overall = report["verdict"]["slices"][0]
    assert report["verdict"]["blessed"]
    assert overall["candidate"]["wape"] < overall["in_service"]["wape"]
    version = json.loads(before)["version"]
    assert report["cost"]["blessed"] == 0
    assert f"more than that of version {version} on " in report["cost"]["reason"]
    assert report["push"]["pushed"] == 0
    assert report["push"]["reason"] == (
        f"the model did not pass the cost check: {report['cost']['reason']}"
    )
    assert report["exit_code"] == 4
    screen = capsys.readouterr().err
    assert f"the model did not pass the cost check: {report['cost']['reason']}" in screen
    page = (run / "report.html").read_text()
    assert "Refused: the model did not pass the cost check" in page
    assert "Cost of stock against the model in service" in page
