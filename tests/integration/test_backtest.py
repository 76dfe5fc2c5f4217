"""A backtest of the trained model, and of models trained for their cutoffs, on weekly data."""

from __future__ import annotations

import csv
import datetime
import itertools
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pipeline_tiny import write_config
from polars.testing import assert_frame_equal

from demandcast.components.backtest import scoring
from demandcast.components.backtest.result import METRICS, read_backtest
from demandcast.components.metrics.point import bias, scored_periods, wape
from demandcast.components.metrics.quantile import coverage, weighted_quantile_loss
from demandcast.pipeline.cli.main import invoke
from demandcast.schema.config import load_config
from demandcast.schema.origin_arrays import read_origins

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
def kept(trained, tmp_path_factory):
    """Three cutoffs that the model has not seen; the horizon of two is recorded in part."""
    output = tmp_path_factory.mktemp("kept")
    arguments = ["--forecasts", "--stride", "3", "--recorded", "1", "--output", str(output)]
    assert backtest(trained.config_file, *arguments) == 0
    return output


def test_kept_forecasts_are_those_of_the_forecast_at_that_cutoff(trained, kept, tmp_path):
    """Which reads nothing after its cutoff but plans: nothing that came later is in them."""
    found = read_backtest(kept)
    assert len(found.cutoffs) == 3
    assert found.seen_cutoffs == ()
    for cutoff in found.cutoffs:
        output = str(tmp_path / cutoff)
        arguments = ["--cutoff", cutoff, "--output", output, "--quiet"]
        assert invoke(["forecast", "--config", str(trained.config_file), *arguments]) == 0
        alone = pl.read_parquet(f"{output}.parquet").sort("store", "item", "step")
        beside = pl.read_parquet(kept / "origins" / f"{cutoff}.parquet")
        assert_frame_equal(alone, beside.select(alone.columns), rel_tol=1e-5)


def test_kept_forecasts_stand_beside_what_was_sold(trained, kept):
    found = read_origins(kept / read_backtest(kept).origins, trained.config.series)
    sales = pl.read_parquet(trained.config.data.sales)
    sold = {
        (store, item, date): units
        for store, item, date, units in sales.select("store", "item", "date", "sales").rows()
    }
    keys, horizon = found.keys.rows(), trained.config.forecast.horizon
    last = datetime.date.fromisoformat(trained.report.data["last"])
    for row, (series, cutoff) in enumerate(
        zip(found.series_index, found.cutoff_index, strict=True)
    ):
        day = datetime.date(1970, 1, 1) + datetime.timedelta(int(found.cutoff_days[cutoff]))
        dates = [day + datetime.timedelta(step) for step in range(1, horizon + 1)]
        expected = [sold.get((*keys[series], date)) for date in dates]
        np.testing.assert_array_equal(found.actual[row], np.array(expected, np.float64))
        assert not any(
            mask for mask, date in zip(found.observed_mask[row], dates, strict=True) if date > last
        )
    assert (found.rows_by_cutoff >= 0).all(axis=1).any()


def test_scores_from_kept_forecasts_are_those_of_the_backtest(trained, kept):
    found, origins = (
        read_backtest(kept),
        read_origins(kept / "origins", trained.config.series),
    )
    levels = origins.quantile_levels
    middle = levels.index(0.5)
    for at, cutoff in enumerate([*found.cutoffs, "all"]):
        rows = origins.cutoff_index == at if cutoff != "all" else slice(None)
        actual, quantiles = origins.actual[rows], origins.quantiles[rows]
        mask = scored_periods(origins.observed_mask[rows], origins.in_stock_fraction[rows])
        row = found.row(cutoff=cutoff)
        assert row.examples == mask.any(axis=1).sum()
        loss = weighted_quantile_loss(actual, quantiles, quantile_levels=levels, scored_mask=mask)
        assert row.weighted_quantile_loss == pytest.approx(loss, rel=1e-6)
        error = wape(actual, quantiles[..., middle], scored_mask=mask)
        assert row.wape == pytest.approx(error, rel=1e-6)
        over = bias(actual, origins.mean[rows], scored_mask=mask)
        assert row.bias == pytest.approx(over, rel=1e-6, abs=1e-9)
        for nominal, name in ((0.8, "coverage_80"), (0.9, "coverage_90")):
            share = coverage(
                actual, quantiles, quantile_levels=levels, nominal=nominal, scored_mask=mask
            )
            assert getattr(row, name) == pytest.approx(share), name


def test_the_same_forecasts_without_scores(trained, kept, tmp_path):
    """As other commands ask for them."""
    import io

    from demandcast.pipeline.console import Console
    from demandcast.pipeline.model_choice import model_in_service
    from demandcast.pipeline.origin_forecasts import forecast_origins
    from demandcast.schema.periods import period_of

    dates = map(datetime.date.fromisoformat, read_backtest(kept).cutoffs)
    folder = forecast_origins(
        trained.config,
        Console(io.StringIO()),
        model=model_in_service(trained.config),
        cutoffs=[period_of(date, "D") for date in dates],
        folder=tmp_path,
    )
    assert folder == tmp_path / "origins"
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in (kept / "origins").iterdir())
    for name in names:
        assert_frame_equal(
            pl.read_parquet(folder / name), pl.read_parquet(kept / "origins" / name), rel_tol=1e-5
        )


def test_forecasts_are_kept_beside_the_report_and_named(trained, capsys):
    assert backtest(trained.config_file, "--forecasts") == 0
    out = capsys.readouterr().out
    folder = Path(out.rsplit("\nfiles ", 1)[1].split()[0])
    assert out.endswith(f"forecasts  {folder}/origins\n")
    assert json.loads((folder / "backtest.json").read_text())["origins"] == "origins"
    assert len(list((folder / "origins").iterdir())) == 1


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


@pytest.mark.proof
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


@pytest.mark.proof
def test_no_model_has_seen_what_follows_its_cutoff(weekly, capsys):
    """The same models come from the cache."""
    assert backtest(weekly, "--retrain", "--cutoffs", "2", "--forecasts", "--json") == 0
    values = json.loads(capsys.readouterr().out)
    assert values["model"] is None
    kept = read_origins(Path(values["folder"]) / "origins", load_config(weekly).series)
    dates = [datetime.date(1970, 1, 1) + datetime.timedelta(int(d)) for d in kept.cutoff_days]
    assert [date.isoformat() for date in dates] == values["cutoffs"]
    for at, cutoff in enumerate(values["cutoffs"]):  # Each from the model of its cutoff.
        rows = kept.cutoff_index == at
        mask = scored_periods(kept.observed_mask[rows], kept.in_stock_fraction[rows])
        over = bias(kept.actual[rows], kept.mean[rows], scored_mask=mask)
        row = read_backtest(Path(values["folder"])).row(cutoff=cutoff)
        assert row.bias == pytest.approx(over, rel=1e-6)
    assert values["seen_cutoffs"] == []
    assert {cutoff: model["seen_until"] for cutoff, model in values["models"].items()} == {
        cutoff: cutoff for cutoff in values["cutoffs"]
    }
    first, last = map(datetime.date.fromisoformat, values["cutoffs"])
    assert (last - first).days == 7 * 4
    overall = [row for row in values["rows"] if row["cutoff"] == "all"][:4]
    assert all(row["wape"] is not None for row in overall)
