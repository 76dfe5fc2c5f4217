"""What is done with a pushed model: batch forecasts, and a server that answers over gRPC."""

from __future__ import annotations

import datetime
import io
import json

import numpy as np
import polars as pl
import pytest

from demandcast.pipeline.cli.main import invoke
from demandcast.schema.forecast_table import check_forecast_table, quantile_columns

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def forecast(trained, output, *arguments):
    return invoke(
        ["forecast", "--config", str(trained.config_file), "--output", str(output), *arguments]
    )


def test_the_forecast_table_has_every_series_and_keeps_its_contract(trained, tmp_path, capsys):
    code = forecast(trained, tmp_path / "f", "--format", "parquet", "--format", "csv", "--json")
    assert code == 0
    summary = json.loads(capsys.readouterr().out)
    table = pl.read_parquet(tmp_path / "f.parquet")
    check_forecast_table(table, trained.config.series)
    sales = pl.read_parquet(trained.config_file.parent / "data" / "sales.parquet")
    assert summary["series"] == sales.select("store", "item").n_unique()
    assert summary["rows"] == table.height == summary["series"] * 7
    newest = sales["date"].max()
    assert table["cutoff"].unique().to_list() == [newest]
    assert table["timestamp"].min() == newest + datetime.timedelta(days=1)
    written = pl.read_csv(tmp_path / "f.csv")
    assert written.columns == table.columns
    np.testing.assert_allclose(written["mean"], table["mean"], atol=1e-4)
    assert not list(tmp_path.glob(".*"))


def test_an_earlier_cutoff_sees_no_later_sale(trained, tmp_path):
    cutoff = trained.config.forecast.horizon
    sales = pl.read_parquet(trained.config_file.parent / "data" / "sales.parquet")
    day = sales["date"].max() - datetime.timedelta(days=cutoff)
    assert forecast(trained, tmp_path / "seen", "--cutoff", str(day)) == 0
    changed = sales.with_columns(
        pl.when(pl.col("date") > day).then(999).otherwise(pl.col("sales")).alias("sales")
    )
    changed.write_parquet(tmp_path / "sales.parquet")
    override = ["--set", f"data.sales={tmp_path / 'sales.parquet'}"]
    assert forecast(trained, tmp_path / "changed", "--cutoff", str(day), *override) == 0
    seen = pl.read_parquet(tmp_path / "seen.parquet")
    assert seen.equals(pl.read_parquet(tmp_path / "changed.parquet"))


def test_missing_future_covariates_are_one_clear_error(trained, tmp_path, capsys):
    code = forecast(trained, tmp_path / "f", "--set", "data.future=null")
    assert code == 2
    error = capsys.readouterr().err
    assert "price" in error
    assert "promotion" in error
    assert not list(tmp_path.glob("f*"))


def test_without_a_model_in_service_it_says_so(trained, tmp_path, capsys):
    code = forecast(trained, tmp_path / "f", "--set", f"push.serving_directory={tmp_path}")
    assert code == 5
    assert "no model is in service" in capsys.readouterr().err


def test_the_server_answers_what_the_batch_forecast_says(trained, tmp_path):
    """Same model, same histories, the other door."""
    from demandcast.pipeline.quickstart import read_series
    from demandcast.serving.client import DemandClient
    from demandcast.serving.forecasting import forecast as ask
    from demandcast.serving.server import ModelServer
    from demandcast.serving.server.config import ServerConfig

    spec = trained.config.series
    series = read_series(trained.report, spec)
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=series[0]["cutoff"])
    assert forecast(trained, tmp_path / "f", "--cutoff", str(day)) == 0
    table = pl.read_parquet(tmp_path / "f.parquet")
    server = ServerConfig(serving_directory=trained.report.serving_directory, port=0)
    with ModelServer(server) as running, DemandClient(running.address) as client:
        client.wait_until_available(60)
        inputs = set(client.metadata().signatures["serving_default"].inputs)
        requests = [{k: v for k, v in one.items() if k in inputs} for one in series]
        answer = ask(client, requests)
    for one, quantiles in zip(series, answer.quantiles, strict=True):
        rows = table.filter(
            (pl.col("store") == one["store"]) & (pl.col("item") == one["item"])
        ).sort("step")
        expected = rows.select(quantile_columns(spec.forecast.quantile_levels)).to_numpy()
        np.testing.assert_allclose(quantiles, expected, rtol=1e-5, atol=1e-5)


def test_the_quick_start_shows_a_table_of_forecasts(trained):
    from demandcast.pipeline.console import Console
    from demandcast.pipeline.quickstart import ask_server

    arguments = ["--config", str(trained.config_file)]
    answer = ask_server(
        trained.config, Console(io.StringIO()), report=trained.report, arguments=arguments
    )
    header, *rows = answer.table.splitlines()
    assert header.split() == ["store", "item", "date", "P10", "median", "P90", "sold"]
    assert len(rows) == 3 * 5
    low, median, high = (float(value) for value in rows[0].split()[3:6])
    assert 0 <= low <= median <= high


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["forecast.horizon=5"], "forecast.horizon: the model has 7, asked is 5"),
        (
            ["forecast.quantile_levels=[0.01,0.1,0.2,0.5,0.8,0.9,0.99]"],
            "forecast.quantile_levels: the model has [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]",
        ),
        (
            ["data.columns.observed_past.numeric=[]"],
            "observed_past.numeric: the model reads ['temperature'], which is not given",
        ),
    ],
)
def test_a_configuration_of_another_model_is_refused(
    trained, tmp_path, capsys, overrides, expected
):
    arguments = [argument for override in overrides for argument in ("--set", override)]
    assert forecast(trained, tmp_path / "f", *arguments) == 5
    assert expected in capsys.readouterr().err
    assert not list(tmp_path.glob("f*"))
