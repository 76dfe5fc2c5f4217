"""Each way out of the gates: what is pushed, what is not, and what the exit code says."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pipeline_tiny import NO_SERVER, Trained

from demandcast.pipeline.cli.main import invoke

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def served(trained: Trained) -> dict[str, str]:
    """What the serving directory holds: every file and its content's size, and the pointer."""
    root = Path(trained.report.serving_directory)
    files = {str(path.relative_to(root)): str(path.stat().st_size) for path in root.rglob("*")}
    return files | {"pointer": (root / "in_service.json").read_text()}


def newest_run(trained: Trained, name: str = "tiny") -> dict:
    reports = (Path(trained.config.workspace) / name / "runs").glob("*/run.json")
    return json.loads(max(reports, key=lambda path: path.stat().st_mtime).read_text())


def command(trained: Trained, *overrides: str, name: str = "run") -> int:
    arguments = [name, "--config", str(trained.config_file), "--quiet"]
    for override in (*NO_SERVER, *overrides):
        arguments += ["--set", override]
    return invoke(arguments)


def test_a_good_model_passes(trained):
    assert trained.report.blessed
    assert any(path.endswith("saved_model.pb") for path in served(trained))


def test_a_worse_second_model_fails_on_the_change_and_is_not_pushed(trained, capsys):
    before = served(trained)
    # A network that never learns, and floors that let it pass, so that only the comparison
    # with the model in service can refuse it.
    floors = (
        "{coverage_tolerance: 1.0, max_absolute_bias: null, "
        "wape_skill: -9, weighted_quantile_loss_skill: -9}"
    )
    worse = ["training.epochs=1", "training.learning_rate=1.0e-9", f"gate.floors={floors}"]
    assert command(trained, *worse) == 4
    assert served(trained) == before
    report = newest_run(trained)
    assert not report["verdict"]["blessed"]
    assert all("model in service" in reason for reason in report["verdict"]["reasons"])
    assert report["push"]["pushed"] == 0
    assert "worse than the model in service" in capsys.readouterr().err


def test_data_that_does_not_go_on_as_it_was_is_refused(trained, tmp_path, capsys):
    """Sales in another unit: a model trained on them would pass every check of accuracy."""
    before = served(trained)
    sales = pl.read_parquet(trained.config_file.parent / "data" / "sales.parquet")
    sales.with_columns(pl.col("sales") * 12).write_parquet(tmp_path / "sales.parquet")
    assert command(trained, f"data.sales={tmp_path / 'sales.parquet'}") == 3
    assert served(trained) == before
    error = capsys.readouterr().err
    assert "which the model in service knew, differ by 1100.0% in sum" in error
    assert "continuity.max_history_change: 0.05" in error
    stages = {stage["name"]: stage["status"] for stage in newest_run(trained)["stages"]}
    assert stages["DataContinuity"] == "failed"
    assert "Transform" not in stages


def weekly_demand(sales: pl.DataFrame) -> pl.DataFrame:
    """Demand with a week of its own for each series, so that last week says nearly all."""
    generator = np.random.default_rng(11)
    keys = sales.select("store", "item").unique(maintain_order=True)
    shapes = keys.with_columns(
        level=pl.Series(generator.uniform(20, 200, len(keys))),
        phase=pl.Series(generator.uniform(0, 2 * np.pi, len(keys))),
    )
    week = 2 * np.pi / 7 * pl.col("date").dt.epoch("d") + pl.col("phase")
    mean = sales.join(shapes, on=["store", "item"]).select(
        mean=pl.col("level") * (1 + 0.8 * week.sin())
    )
    drawn = generator.poisson(mean["mean"].to_numpy()).astype(float)
    return sales.with_columns(pl.Series("sales", drawn), in_stock_fraction=pl.lit(1.0))


@pytest.mark.proof
@pytest.mark.parametrize(("shuffled", "code"), [(False, 0), (True, 4)])
def test_a_model_trained_on_shuffled_targets_fails_on_the_floor(trained, tmp_path, shuffled, code):
    before = served(trained)
    sales = weekly_demand(pl.read_parquet(trained.config_file.parent / "data" / "sales.parquet"))
    # What evaluation sees stays true: its horizon, and the context before it.
    forecast = trained.config.forecast
    kept = datetime.timedelta(days=forecast.context_length + forecast.horizon)
    taught = pl.col("date") <= sales["date"].max() - kept
    if shuffled:
        mixed = sales.filter(taught).with_columns(pl.col("sales").shuffle(seed=5))
        sales = pl.concat([mixed, sales.filter(~taught)])
    sales.write_parquet(tmp_path / "sales.parquet")
    name = f"weekly_{shuffled}"
    overrides = [f"data.sales={tmp_path / 'sales.parquet'}", f"name={name}"]
    own_directory = f"push.serving_directory={tmp_path / 'serving'}"
    assert command(trained, *overrides, own_directory) == code
    assert served(trained) == before
    assert (tmp_path / "serving" / "in_service.json").exists() is not shuffled
    reasons = newest_run(trained, name)["verdict"]["reasons"]
    assert any("of seasonal naive: skill" in reason for reason in reasons) is shuffled


def test_an_anomaly_stops_the_run_before_transform(trained, tmp_path, capsys):
    before = served(trained)
    schema = tmp_path / "schema.pbtxt"
    schema.write_text(
        'feature { name: "category" type: BYTES domain: "categories" }\n'
        'string_domain { name: "categories" value: "only_this" }\n'
    )
    assert command(trained, f"feature_schema={schema}") == 3
    assert served(trained) == before
    report = newest_run(trained)
    assert report["stages"][-1]["name"] == "AnomalyGate"
    assert report["stages"][-1]["status"] == "failed"
    assert "Transform" not in {stage["name"] for stage in report["stages"]}
    error = capsys.readouterr().err
    assert "category" in error
    assert "only_this" in error


def test_bad_input_stops_the_run_before_anything_is_written(trained, tmp_path, capsys):
    before = served(trained)
    sales = pl.read_parquet(trained.config_file.parent / "data" / "sales.parquet")
    pl.concat([sales, sales.head(2)]).write_parquet(tmp_path / "sales.parquet")
    assert command(trained, f"data.sales={tmp_path / 'sales.parquet'}") == 2
    assert served(trained) == before
    error = capsys.readouterr().err
    assert "duplicate" in error
    assert "sales.parquet" in error
    assert "Traceback" not in error


def test_nothing_changed_nothing_is_pushed(trained):
    before = served(trained)
    assert command(trained) == 0
    assert served(trained) == before
    assert newest_run(trained)["push"]["pushed"] == 0
