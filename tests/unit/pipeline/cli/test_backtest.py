import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from demandcast.components.backtest.result import Backtest, BacktestModel
from demandcast.pipeline.cli.main import invoke
from demandcast.schema.errors import BadInputError

FOUND = Backtest(
    backtest_id="20240601-120000-000",
    created="2024-06-01T12:00:01+00:00",
    pipeline="quickstart",
    model=BacktestModel(version=7, digest="d", run_id=None, seen_until=None),
    retrain=False,
    models={},
    cutoffs=("2024-05-01",),
    seen_cutoffs=(),
    horizon=7,
    frequency="D",
    seconds=1.0,
    rows=(),
)


@dataclass
class Options:
    """What the command asked for."""

    count: int | None
    stride: int | None
    slices: tuple[str, ...]
    version: int | None
    run_id: str | None
    retrain: bool
    allow_seen: bool
    forecasts: bool
    recorded: int | None
    output: Path | None


@pytest.fixture
def asked(monkeypatch):
    """Replaces the backtest, whose module imports TensorFlow; returns what was asked of it."""
    calls: list[Any] = []

    def backtest(config, console, options):
        sys.stdout.write("a library prints this")
        calls.append(options)
        return FOUND.model_copy(update={"origins": "origins"} if options.forecasts else {}), Path(
            "folder"
        )

    module = SimpleNamespace(backtest=backtest, BacktestOptions=Options)
    monkeypatch.setitem(sys.modules, "demandcast.pipeline.backtest", module)
    return calls


def command(config_file, *arguments):
    return invoke(["backtest", "--config", str(config_file), *arguments])


def test_options_reach_the_backtest(config_file, tmp_path, asked, capsys):
    arguments = ["--cutoffs", "3", "--stride", "2", "--slices", "category, store", "--json"]
    assert command(config_file, *arguments, "--retrain", "--output", str(tmp_path / "out")) == 0
    assert asked == [
        Options(3, 2, ("category", "store"), None, None, True, False, False, None, tmp_path / "out")
    ]
    out = capsys.readouterr().out
    assert json.loads(out)["backtest_id"] == "20240601-120000-000"
    assert json.loads(out)["folder"] == "folder"
    assert json.loads(out)["origins"] is None


def test_kept_forecasts_are_asked_for_and_shown(config_file, asked, capsys):
    assert command(config_file, "--forecasts", "--recorded", "3", "--json") == 0
    assert command(config_file, "--forecasts") == 0
    assert [(options.forecasts, options.recorded) for options in asked] == [(True, 3), (True, None)]
    first, _, rest = capsys.readouterr().out.partition("\n}\n")
    assert json.loads(first + "}")["origins"] == "origins"
    assert rest.endswith("\nfiles      folder\nforecasts  folder/origins\n")


def test_defaults_and_the_table(config_file, asked, capsys):
    assert command(config_file) == 0
    (options,) = asked
    assert options.slices == ("category",)  # gate.slices of the example.
    assert (options.count, options.stride, options.version) == (None, None, None)
    out = capsys.readouterr().out
    assert out.startswith("Version 7, at cutoff 2024-05-01, 7 days each.")
    assert out.endswith("\nfiles      folder\n")
    assert "library" not in out


def test_quiet_says_nothing(config_file, asked, capsys):
    assert command(config_file, "--quiet") == 0
    assert asked
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "7", "--retrain"], "give one of --model, --candidate and --retrain"),
        (["--model", "7", "--candidate", "r"], "give one of --model, --candidate and --retrain"),
        (["--retrain", "--allow-seen"], "--allow-seen says nothing with --retrain"),
        (["--retrain", "--recorded", "3"], "--recorded says nothing with --retrain"),
        (["--recorded", "0"], "--recorded"),
        (["--cutoffs", "0"], "--cutoffs"),
        (["--stride", "0"], "--stride"),
        (["--slices", "colour"], "--slices: no static column ['colour']; allowed: ['store',"),
        (["--output", "/proc/x"], "--output: /proc/x cannot be made or written"),
    ],
)
def test_wrong_arguments_are_said_before_any_work(config_file, asked, capsys, arguments, message):
    assert command(config_file, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not asked


def test_a_refusal_has_its_code(config_file, asked, monkeypatch, capsys):
    def backtest(*_):
        raise BadInputError("--cutoffs: got 40; 23 fit")

    monkeypatch.setattr(sys.modules["demandcast.pipeline.backtest"], "backtest", backtest)
    assert command(config_file, "--cutoffs", "40") == 2
    assert "23 fit" in capsys.readouterr().err
