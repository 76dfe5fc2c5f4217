"""The stage: what it writes."""

import json

import pytest
from tuning_fakes import FakeTraining, make_tuner, tuning

from demandcast.components.tuning.results import read_search

pytestmark = pytest.mark.slow


@pytest.fixture
def outputs(tmp_path):
    from tfx.types import standard_artifacts

    artifacts = {
        "best_hyperparameters": standard_artifacts.HyperParameters(),
        "tuner_results": standard_artifacts.TunerResults(),
    }
    for name, artifact in artifacts.items():
        artifact.uri = str(tmp_path / name)
        (tmp_path / name).mkdir()
    return {name: [artifact] for name, artifact in artifacts.items()}


def test_writes_the_best_values_and_all_trials(outputs, tmp_path, monkeypatch):
    from demandcast.components.tuning import component

    def search(*args, **kwargs):
        tuner = make_tuner(tmp_path / "search", FakeTraining(), tuning())
        tuner.search()
        return tuner

    monkeypatch.setattr(component.tuner_executor, "search", search)
    monkeypatch.setattr(component.TunerExecutor, "_get_tmp_dir", lambda _: str(tmp_path))
    component.TunerExecutor().Do({}, outputs, {})
    report = read_search(tmp_path / "tuner_results")
    (file,) = (tmp_path / "best_hyperparameters").iterdir()
    assert json.loads(file.read_text())["values"] == report.best
    assert len(report.trials) == 6
    assert outputs["tuner_results"][0].get_string_custom_property("search") == "search"
    # TFX's own list has the same trials.
    listed = json.loads((tmp_path / "tuner_results" / "tuner_results.json").read_text())
    assert {each["trial_id"]: each["score"] for each in listed} == {
        each.trial: each.score for each in report.trials
    }


def test_the_stage_is_named_as_tfx_names_it():
    from demandcast.components.tuning.component import Tuner, TunerExecutor

    assert Tuner.__name__ == "Tuner"
    assert Tuner.EXECUTOR_SPEC.executor_class is TunerExecutor
