"""A backtest of the trained model, and of models trained for their cutoffs, on weekly data."""

from __future__ import annotations

import csv
import datetime
import itertools
import json
from pathlib import Path

import pytest
from pipeline_tiny import write_config

from demandcast.components.backtest import scoring
from demandcast.components.backtest.result import METRICS, read_backtest
from demandcast.pipeline.cli.main import invoke
from demandcast.schema.config import load_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def backtest(config_file, *arguments):
    return invoke(["backtest", "--config", str(config_file), *arguments])


@pytest.fixture(scope="module")
def at_the_eval_cutoff(trained, tmp_path_factory):
    """The backtest that nobody asked anything of."""
    output = tmp_path_factory.mktemp("backtest")
    assert backtest(trained.config_file, "--output", str(output), "--slices", "store") == 0
    return output


def test_by_default_only_what_the_model_has_not_seen_is_scored(trained, at_the_eval_cutoff):
    found = read_backtest(at_the_eval_cutoff)
    last = datetime.date.fromisoformat(trained.report.data["last"])
    horizon = datetime.timedelta(days=trained.config.forecast.horizon)
    assert found.cutoffs == ((last - horizon).isoformat(),)
    assert found.seen_cutoffs == ()
    assert found.model.seen_until == found.cutoffs[0]
    assert found.model.run_id == trained.report.run_id
    assert found.model.digest == trained.report.model["digest"]


def test_at_the_eval_cutoff_it_says_what_the_gate_said(trained, at_the_eval_cutoff):
    found = read_backtest(at_the_eval_cutoff)
    slices = trained.report.verdict["slices"]
    assert {"overall", "demand_class=smooth"} <= {part["name"] for part in slices}
    for part in slices:
        gate, model = part["candidate"], found.row(of=part["name"])
        naive = found.row(of=part["name"], forecaster="seasonal_naive")
        assert model.examples == naive.examples == gate["examples"]
        for metric in METRICS:
            assert getattr(model, metric) == pytest.approx(gate[metric], rel=1e-4), metric
        for metric in ("weighted_quantile_loss", "wape"):
            assert getattr(naive, metric) == pytest.approx(gate[f"naive_{metric}"], rel=1e-5)


def test_the_table_has_the_rows_of_the_report(at_the_eval_cutoff):
    found = read_backtest(at_the_eval_cutoff)
    with (at_the_eval_cutoff / "metrics.csv").open() as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(found.rows)
    assert {"store=store_001", "store=store_002", "store=store_003"} <= {
        line["slice"] for line in table
    }


def test_cutoffs_that_the_model_has_seen_are_refused(trained, capsys):
    assert backtest(trained.config_file, "--cutoffs", "3") == 2
    error = capsys.readouterr().err
    assert "1 of the 3 cutoffs lies there or later" in error
    assert "--retrain" in error


def test_cutoffs_that_the_model_has_seen_are_marked(trained, capsys):
    """As JSON, from the run that trained it, and in the folder of the workspace."""
    arguments = ["--cutoffs", "3", "--stride", "5", "--allow-seen"]
    assert backtest(trained.config_file, *arguments, "--candidate", "latest", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    dates = [datetime.date.fromisoformat(cutoff) for cutoff in values["cutoffs"]]
    assert [(b - a).days for a, b in itertools.pairwise(dates)] == [5, 5]
    assert values["seen_cutoffs"] == values["cutoffs"][:2]
    assert values["model"]["version"] is None
    folder = Path(trained.config.workspace) / "tiny" / "backtests" / values["backtest_id"]
    assert Path(values["folder"]) == folder
    assert json.loads((folder / "backtest.json").read_text()) == {
        key: value for key, value in values.items() if key != "folder"
    }
    all_of_it = [row for row in values["rows"] if row["slice"] == "overall"]
    assert all_of_it[0]["examples"] == sum(
        row["examples"] for row in all_of_it[4:] if row["forecaster"] == "demandcast"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--allow-seen", "--cutoffs", "500"], 2, "--cutoffs: got 500; 61 fit between"),
        (["--retrain", "--cutoffs", "60"], 2, "--cutoffs: got 60; 59 fit between"),
        (["--model", "3"], 2, "--model: got 3; in "),
        (["--candidate", "2001"], 2, "run '2001': no such run"),
        (["--set", "forecast.horizon=5"], 5, "forecast.horizon: the model has 7, asked is 5"),
        (["--set", "push.serving_directory=/none"], 5, "/none: no model is in service"),
    ],
)
def test_what_cannot_be_scored_is_refused(trained, capsys, arguments, code, message):
    assert backtest(trained.config_file, *arguments) == code
    assert message in capsys.readouterr().err


def test_what_a_worker_refuses_is_said_as_plainly(trained, monkeypatch, capsys):
    monkeypatch.setattr(scoring, "_MOST_VALUES", 5)  # As many as there are demand classes.
    assert backtest(trained.config_file, "--slices", "item") == 2
    error = capsys.readouterr().err
    assert "error: slices: column 'item' has more than 5 values; slices are groups" in error
    assert "while running" not in error


@pytest.fixture(scope="module")
def weekly(tmp_path_factory):
    """A small weekly chain and its configuration."""
    from demandcast.components.simulation.config import preset
    from demandcast.components.simulation.write import write_sample_data

    folder = tmp_path_factory.mktemp("weekly")
    size = preset("tiny", frequency="W-MON", periods=150, horizon=4)
    write_sample_data(folder / "data", size)
    return write_config(
        folder,
        forecast={"frequency": "W-MON", "context_length": 13, "horizon": 4},
        features={"lags": [52], "moving_averages": [4], "growth_window": 4, "calendar": ["month"]},
        training={"epochs": 1, "windows_per_series": 2},
        network={"units": 4, "head_units": 4},
    )


def stages(weekly, cutoff):
    """The states of the stages of the newest run for a cutoff."""
    folder = weekly.parent / "runs" / "tiny" / "backtests" / "retrained" / cutoff / "runs"
    newest = max(folder.iterdir())
    report = json.loads((newest / "run.json").read_text())
    return {stage["name"]: stage["status"] for stage in report["stages"]}


def test_models_are_trained_for_their_cutoffs_and_not_trained_again(weekly, capsys):
    assert backtest(weekly, "--retrain", "--cutoffs", "1", "--json") == 0
    (last,) = json.loads(capsys.readouterr().out)["cutoffs"]
    assert stages(weekly, last)["Trainer"] == "run"
    assert not {"Evaluator", "Pusher"} & set(stages(weekly, last))
    # As after an interruption: one cutoff is done, one is not.
    assert backtest(weekly, "--retrain", "--cutoffs", "2", "--json") == 0
    captured = capsys.readouterr()
    values = json.loads(captured.out)
    first = values["cutoffs"][0]
    assert values["cutoffs"] == [first, last]
    assert set(stages(weekly, last).values()) == {"cached"}
    assert stages(weekly, first)["Trainer"] == "run"
    assert "cutoff 1 of 2 done, " in captured.err
    assert not (Path(load_config(weekly).push.serving_directory)).exists()


def test_no_model_has_seen_what_follows_its_cutoff(weekly, capsys):
    """The same models come from the cache."""
    assert backtest(weekly, "--retrain", "--cutoffs", "2", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert values["model"] is None
    assert values["seen_cutoffs"] == []
    assert {cutoff: model["seen_until"] for cutoff, model in values["models"].items()} == {
        cutoff: cutoff for cutoff in values["cutoffs"]
    }
    first, last = map(datetime.date.fromisoformat, values["cutoffs"])
    assert (last - first).days == 7 * 4
    overall = [row for row in values["rows"] if row["cutoff"] == "all"][:4]
    assert all(row["wape"] is not None for row in overall)
