import doctest
from pathlib import Path

from history_world import make_report, stages_of

from demandcast.pipeline import comparison
from demandcast.pipeline.comparison import compare_runs
from demandcast.pipeline.history import PastRun


def run(run_id, **changes):
    return PastRun(make_report(run_id, Path("/runs/demand"), **changes))


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(comparison).failed == 0


def test_equal_runs_differ_in_nothing():
    found = compare_runs(run("one"), run("two"))
    assert found["runs"] == ["one", "two"]
    assert all(found[part] == {} for part in ("data", "config", "code", "toolchain"))
    assert found["metrics"] == {"wape": [0.25, 0.25], "examples": [24.0, 24.0]}
    assert found["stages"]["Trainer"] == [1.5, 1.5]


def test_differences_are_named_by_their_keys():
    found = compare_runs(
        run("one"),
        run(
            "two",
            config={"forecast": {"horizon": 14}, "training": {"epochs": 5, "patience": 3}},
            data_fingerprint="00" * 32,
            data={"rows": 1300, "series": 8, "first": "2023-01-02", "last": "2025-03-12"},
            code_digests={"forecasting": "99" * 32, "tuning": "11" * 32},
            toolchain={"tfx": "1.21.0"},
            verdict=None,
            stages=stages_of(("Trainer", "cached"), ("Tuner", "run")),
        ),
    )
    assert found["config"] == {"forecast.horizon": [7, 14], "training.patience": [None, 3]}
    assert found["data"] == {
        "fingerprint": ["ab" * 32, "00" * 32],
        "rows": [1234, 1300],
        "last": ["2025-03-11", "2025-03-12"],
    }
    assert found["code"] == {
        "forecasting": ["cd" * 32, "99" * 32],
        "tuning": [None, "11" * 32],
    }
    assert found["toolchain"] == {"tfx": ["1.16.0", "1.21.0"]}
    assert found["metrics"] == {"wape": [0.25, None], "examples": [24.0, None]}
    assert found["stages"]["Tuner"] == [None, 1.0]
    assert list(found["stages"]) == ["SeriesExampleGen", "Trainer", "Evaluator", "Pusher", "Tuner"]
