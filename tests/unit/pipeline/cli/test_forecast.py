import dataclasses
import datetime
import json
import sys
from types import SimpleNamespace

import pytest

from demandcast.pipeline.cli.main import invoke
from demandcast.schema.errors import ServingError


@dataclasses.dataclass
class Summary:
    series: int
    files: tuple[str, ...]


@pytest.fixture
def batch(monkeypatch):
    """Replaces the batch forecast, whose module imports TensorFlow; returns its calls."""
    calls = []

    def forecast_batch(config, **options):
        calls.append(options)
        sys.stdout.write("a library prints this")
        return Summary(5, ("forecast.parquet",))

    module = SimpleNamespace(forecast_batch=forecast_batch)
    monkeypatch.setitem(sys.modules, "demandcast.pipeline.batch_forecast", module)
    return calls, module


def test_options_reach_the_forecast(config_file, tmp_path, batch, capsys):
    calls, _ = batch
    options = ["--cutoff", "2025-03-05", "--format", "csv", "--format", "parquet"]
    arguments = ["--config", str(config_file), "--output", str(tmp_path / "forecast")]
    assert invoke(["forecast", *arguments, *options, "--json"]) == 0
    assert calls == [
        {
            "output": tmp_path / "forecast",
            "cutoff": datetime.date(2025, 3, 5),
            "formats": ("csv", "parquet"),
        }
    ]
    assert json.loads(capsys.readouterr().out) == {"series": 5, "files": ["forecast.parquet"]}


def test_defaults_and_the_summary(config_file, tmp_path, batch, capsys):
    calls, _ = batch
    arguments = ["--config", str(config_file), "--output", str(tmp_path / "forecast")]
    assert invoke(["forecast", *arguments]) == 0
    assert calls[0]["cutoff"] is None
    assert calls[0]["formats"] == ("parquet",)
    out = capsys.readouterr().out
    assert out.splitlines()[0].split() == ["series", "5"]
    assert "library" not in out


def test_without_a_model_in_service_the_code_is_5(config_file, tmp_path, batch, monkeypatch):
    def forecast_batch(config, **options):
        raise ServingError("no model is in service")

    monkeypatch.setattr(batch[1], "forecast_batch", forecast_batch)
    arguments = ["--config", str(config_file), "--output", str(tmp_path / "forecast")]
    assert invoke(["forecast", *arguments]) == 5


@pytest.mark.parametrize("output", ["file/today", "/proc/x/today", ".", "folder"])
def test_an_output_that_cannot_be_written_is_said_before_any_work(
    config_file, tmp_path, batch, monkeypatch, capsys, output
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.parquet").mkdir()
    assert invoke(["forecast", "--config", str(config_file), "--output", output]) == 2
    assert capsys.readouterr().err.startswith("error: --output: ")
    assert not batch[0]


def test_folders_of_the_output_are_made(config_file, tmp_path, batch, capsys):
    arguments = ["--config", str(config_file), "--output", str(tmp_path / "a" / "b" / "today")]
    assert invoke(["forecast", *arguments, "--quiet"]) == 0
    assert list((tmp_path / "a" / "b").iterdir()) == []
    assert capsys.readouterr() == ("", "")
