"""The search inside the pipeline: it feeds the Trainer, is cached, and goes on with more time."""

import io
import json
from pathlib import Path

import pytest

from demandcast.components.tuning.results import read_search
from demandcast.pipeline.cli.trials import show_search
from demandcast.pipeline.console import Console
from demandcast.pipeline.training_run import RunOptions, run
from demandcast.schema.config import TuningConfig

pytestmark = [pytest.mark.slow, pytest.mark.proof, pytest.mark.timeout(900)]

UNTUNED = {"network.units": 16, "training.learning_rate": 5e-3}


def tuned(trained, **changes):
    """Trains after a search of few and short trials; nothing is judged or pushed."""
    values = {
        "enabled": True,
        "algorithm": "random",
        "max_trials": 2,
        "epochs": 2,
        "windows_per_series": 4,
        "space": {
            "network": {"units": [8, 12]},
            "training": {"learning_rate": {"low": 1e-3, "high": 2e-2, "scale": "log"}},
        },
    }
    config = trained.config.model_copy(
        update={"tuning": TuningConfig.model_validate(values | changes)}
    )
    screen = io.StringIO()
    report = run(config, Console(screen), RunOptions(until="training"))
    return report, screen.getvalue()


def training_report(report):
    folder = Path(report.artifact("Trainer", "model_run").uri)
    return json.loads((folder / "training.json").read_text())


@pytest.fixture(scope="module")
def first(trained):
    return tuned(trained)


def test_only_the_search_and_the_training_run(first):
    report, _ = first
    statuses = {stage.name: stage.status for stage in report.stages}
    ran = {name for name, status in statuses.items() if status == "run"}
    # Whether a model has come into service since these two ran depends on the tests before.
    assert ran - {"ModelInService", "DataContinuity"} == {"Tuner", "Trainer"}
    assert set(statuses.values()) == {"run", "cached"}


def test_the_trials_are_reported(first, capsys):
    report, screen = first
    search = read_search(report.artifact("Tuner", "tuner_results").uri)
    assert (search.objective, search.stopped_by) == ("val_weighted_quantile_loss", "trials")
    assert [trial.epochs for trial in search.trials] == [2, 2]
    assert search.trials[0].values == UNTUNED
    assert search.best == search.best_first[0].values
    assert "trial 2 of 2: " in screen
    show_search(report)
    assert "1 (untuned)" in capsys.readouterr().out


def test_the_trainer_trains_with_the_best_values_and_the_model_says_so(first):
    report, _ = first
    best = read_search(report.artifact("Tuner", "tuner_results").uri).best
    training = training_report(report)
    settings = training["settings"]
    assert settings["tuned"] == best
    assert settings["network"]["units"] == best["network.units"]
    assert settings["training"]["learning_rate"] == best["training.learning_rate"]
    # What bounds a trial does not bound the training.
    assert (settings["training"]["epochs"], settings["training"]["windows_per_series"]) == (20, 16)
    assert len(training["curves"]["loss"]) > 2
    model = Path(report.artifact("Trainer", "model").uri)
    (written,) = model.rglob("assets.extra/training.json")
    assert json.loads(written.read_text())["settings"] == settings


def test_without_a_search_the_model_has_the_configured_settings(trained):
    settings = training_report(trained.report)["settings"]
    assert settings["tuned"] == {}
    assert settings["network"]["units"] == 16


def test_the_same_search_comes_from_the_cache_and_a_longer_one_goes_on(trained, first):
    report, _ = tuned(trained)
    assert {stage.status for stage in report.stages} == {"cached"}

    report, screen = tuned(trained, max_trials=3)
    assert report.stage("Tuner").status == "run"
    search = read_search(report.artifact("Tuner", "tuner_results").uri)
    before = read_search(first[0].artifact("Tuner", "tuner_results").uri)
    assert search.resumed_trials == 2
    assert search.trials[:2] == before.trials
    assert len(search.trials) == 3
    assert "2 trials were done before" in screen
