"""`demandcast simulate`: its options, its words, and the files; the simulation is pretended."""

import datetime
import json
import sys
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from simulation_facts import facts, policy_values

from demandcast.pipeline.cli.main import invoke
from demandcast.schema.errors import BadInputError

_NAMES = sorted(facts().keys() - {"pipeline", "created", "aimed_at", "period_days", "currency"})
_NAMES.remove("policies")
Found = make_dataclass("Found", ["table", *_NAMES], frozen=True)


@dataclass
class Options:
    """What the command asked for."""

    targets: tuple[float, ...]
    run_id: str | None
    start: datetime.date | None
    demand: Path | None
    sample_data: Path | None
    whole_lots: bool
    seed: int


@pytest.fixture
def pretended(monkeypatch):
    """Replaces the simulation, whose module imports TensorFlow; tests change what it finds."""
    world = SimpleNamespace(calls=[], rows=facts()["policies"], error=None)

    def simulate(config, console, options) -> Any:
        sys.stdout.write("a library prints this")
        world.calls.append(options)
        if world.error is not None:
            raise world.error
        values = facts()
        return Found(pl.DataFrame(world.rows), **{name: values[name] for name in _NAMES})

    module = SimpleNamespace(simulate=simulate, SimulateOptions=Options)
    monkeypatch.setitem(sys.modules, "demandcast.pipeline.simulate", module)
    return world


def command(config_file, *arguments):
    return invoke(["simulate", "--config", str(config_file), *arguments])


def test_options_reach_the_simulation(config_file, tmp_path, pretended):
    demand, out = str(tmp_path / "asked.csv"), str(tmp_path / "out")
    arguments = ["--targets", "0.98, 0.9,0.9", "--candidate", "latest", "--start", "2026-03-01"]
    arguments += ["--demand", demand, "--sample-data", str(tmp_path), "--without-lots"]
    assert command(config_file, *arguments, "--seed", "4", "--output", out) == 0
    assert pretended.calls == [
        Options(
            targets=(0.9, 0.98),
            run_id="latest",
            start=datetime.date(2026, 3, 1),
            demand=Path(demand),
            sample_data=tmp_path,
            whole_lots=False,
            seed=4,
        )
    ]


def test_defaults(config_file, tmp_path, pretended):
    assert command(config_file, "--output", str(tmp_path / "out")) == 0
    assert pretended.calls == [Options((0.9, 0.95, 0.98), None, None, None, None, True, 17)]


@pytest.mark.parametrize("targets", ["", ",", "ninety", "0.9,1", "0", "-0.5", "95", "nan", "inf"])
def test_targets_that_are_no_shares_are_refused(config_file, pretended, capsys, targets):
    assert command(config_file, "--targets", targets) == 2
    error = capsys.readouterr().err
    assert f"--targets: got {targets!r}; allowed: shares between 0 and 1" in error
    assert pretended.calls == []


def test_files_are_where_the_last_line_says(config_file, tmp_path, pretended, capsys):
    out = tmp_path / "new" / "out"
    assert command(config_file, "--output", str(out)) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1] == f"files  {out}"
    assert "a library prints this" not in captured.out + captured.err
    names = {path.name for path in out.iterdir()}
    assert names == {"simulation.json", "policies.csv", "simulation.html"}


def test_without_a_folder_they_are_in_the_workspace(config_file, pretended, capsys, monkeypatch):
    monkeypatch.chdir(config_file.parent)
    assert command(config_file, "--json") == 0
    folder = Path(json.loads(capsys.readouterr().out)["folder"])
    assert folder.parent.name == "simulations"
    assert (folder / "simulation.json").is_file()
    assert config_file.parent in folder.parents


def test_the_table_for_people(config_file, tmp_path, pretended, capsys):
    assert command(config_file, "--output", str(tmp_path / "out"), "--targets", "0.9") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "40 series from 2026-03-01 to 2026-06-30, the first 9 periods not counted; "
        "40 cutoffs with decisions, 13 before them taught"
    )
    ours = next(line for line in lines if "demandcast" in line)
    # 10,000 x 1.9 is the textbook's cost at 90 %, ours 0.9 of it.
    assert " ".join(ours.split()) == (
        "90 % demandcast 89.0 % 88.0 to 90.0 98.5 % 12.5 17,100 0.900"
    )
    last_year = next(line for line in lines if "last year" in line)
    assert last_year.split()[-1] == "38,000"  # It has no ratio.


def test_targets_are_shown_as_they_were_given(config_file, tmp_path, pretended, capsys):
    pretended.rows = [policy_values("demandcast", 0.975, 1.0)]
    assert command(config_file, "--output", str(tmp_path / "out")) == 0
    assert "97.5 %  demandcast" in capsys.readouterr().out


def test_an_interval_ends_at_100_percent(config_file, tmp_path, pretended, capsys):
    pretended.rows = [policy_values("demandcast", 0.9, 1.0, cycle_service_level_high=1.08)]
    assert command(config_file, "--output", str(tmp_path / "out")) == 0
    assert " 88.0 to 100.0 " in capsys.readouterr().out


def test_what_is_not_known_is_a_dash(config_file, tmp_path, pretended, capsys):
    nothing = dict.fromkeys(
        [
            "cycle_service_level",
            "cycle_service_level_low",
            "cycle_service_level_high",
            "fill_rate",
        ]
    )
    pretended.rows = [policy_values("demandcast", 0.9, 1.0, **nothing)]
    assert command(config_file, "--output", str(tmp_path / "out")) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "demandcast" in line)
    assert row.split()[3:6] == ["-", "-", "-"]


def test_json_has_what_the_file_has_and_the_folder(config_file, tmp_path, pretended, capsys):
    out = tmp_path / "out"
    assert command(config_file, "--output", str(out), "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((out / "simulation.json").read_text())
    assert printed == written | {"folder": str(out)}
    assert printed["policies"] == facts()["policies"]


def test_quiet_says_nothing(config_file, tmp_path, pretended, capsys):
    assert command(config_file, "--output", str(tmp_path / "out"), "--quiet") == 0
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_a_folder_with_files_is_refused_before_any_work(config_file, tmp_path, pretended, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "old.txt").touch()
    assert command(config_file, "--output", str(out)) == 2
    assert f"{out}: is there already" in capsys.readouterr().err
    assert pretended.calls == []


def test_what_the_simulation_refuses_is_said(config_file, tmp_path, pretended, capsys):
    pretended.error = BadInputError("the model has seen the data until 2026-06-30")
    out = tmp_path / "out"
    assert command(config_file, "--output", str(out)) == 2
    assert "error: the model has seen the data until 2026-06-30" in capsys.readouterr().err
    assert not out.exists()


def test_the_help_promises_what_is_written(capsys):
    assert invoke(["simulate", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for words in ("simulation.json", "policies.csv", "simulation.html", "perfect foresight"):
        assert words in text
