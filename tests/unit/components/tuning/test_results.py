"""`trials.json`, as others read it."""

import json

import pytest

from demandcast.components.tuning.results import (
    SearchReport,
    TrialReport,
    best_first,
    read_search,
    searched_names,
)
from demandcast.schema.artifact_names import TRIALS_FILE


def trial(name, score=None, **changes):
    values = {"status": "failed" if score is None else "completed", "seconds": 1.5, "epochs": 3}
    return TrialReport(trial=name, score=score, values={"network.units": 8}, **(values | changes))


REPORT = SearchReport(
    objective="val_weighted_quantile_loss",
    direction="min",
    algorithm="random",
    budget_seconds=60,
    max_trials=4,
    stopped_by="time",
    seconds=61.5,
    resumed_trials=1,
    best={"network.units": 8},
    trials=(trial("000", 0.3), trial("001"), trial("002", 0.2), trial("003", 0.2)),
)


def test_the_file_is_what_the_contract_says(tmp_path):
    (tmp_path / TRIALS_FILE).write_text(REPORT.model_dump_json())
    assert read_search(tmp_path) == REPORT
    written = json.loads((tmp_path / TRIALS_FILE).read_text())
    assert set(written) == {
        "objective",
        "direction",
        "algorithm",
        "budget_seconds",
        "max_trials",
        "stopped_by",
        "seconds",
        "resumed_trials",
        "best",
        "trials",
    }
    assert written["trials"][1] == {
        "trial": "001",
        "status": "failed",
        "score": None,
        "seconds": 1.5,
        "epochs": 3,
        "values": {"network.units": 8},
        "cut_short": False,
    }


def test_types_of_values_survive(tmp_path):
    values = {"network.units": 8, "network.dropout": 0.0, "training.weighting": "volume"}
    text = REPORT.model_copy(update={"best": values}).model_dump_json()
    (tmp_path / TRIALS_FILE).write_text(text)
    best = read_search(tmp_path).best
    assert [type(value) for value in best.values()] == [int, float, str]


def test_the_best_comes_first_and_the_failed_last():
    assert [each.trial for each in REPORT.best_first] == ["002", "003", "000", "001"]
    assert best_first([]) == []


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["network.units", "network.layers"], ["units", "layers"]),
        (["network.units", "training.units"], ["network.units", "training.units"]),
    ],
)
def test_headings_are_short_where_they_are_clear(paths, names):
    assert list(searched_names(dict.fromkeys(paths, 1)).values()) == names


def test_a_folder_without_trials_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_search(tmp_path)
