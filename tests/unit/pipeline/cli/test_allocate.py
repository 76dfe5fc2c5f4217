"""`demandcast allocate` on forecasts and tables of a folder, without a model."""

import json

import pytest
import replenishment_world as world
from transfer_world import supply

from demandcast.pipeline.cli.main import invoke


@pytest.fixture(autouse=True)
def in_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.write_world(tmp_path)
    supply(("w", "007", 17.0), ("w", "008", 50.0)).write_csv("supply.csv")


def command(*options, output="out"):
    usual = ["--config", "demand.yaml", "--supply", "supply.csv", "--forecasts", "forecasts.csv"]
    return invoke(["allocate", *usual, *(["--output", output] if output else []), *options])


def one_line(text):
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "Traceback" not in text
    return errors[0]


def test_what_is_printed(capsys):
    assert command() == 0
    assert capsys.readouterr().out.splitlines() == [
        "4 transfers of 29 units from the evening of 2026-06-30; 38 units stay",
        "avoided      58.00 EUR of lost sales",
        "transport    0.00 EUR",
        "series       sent 3, no_supply 2, reduced 1",
        "files        out",
    ]


def test_json_has_the_same_numbers(tmp_path, capsys):
    assert command("--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["transfers"], printed["units_sent"], printed["units_left"]) == (4, 29, 38)
    written = json.loads((tmp_path / "out" / "allocation.json").read_text())
    assert {name: written[name] for name in printed if name != "folder"} == {
        name: value for name, value in printed.items() if name != "folder"
    }


def test_quiet_says_nothing(capsys):
    assert command("--quiet") == 0
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_without_a_folder_files_are_in_the_workspace(tmp_path, capsys):
    assert command("--json", output="") == 0
    folder = json.loads(capsys.readouterr().out)["folder"]
    assert "/allocations/" in folder
    assert (tmp_path / folder / "allocation.html").is_file()


def test_rows_that_cannot_be_used_are_said_and_the_others_go_on(capsys):
    supply(("w", "007", 17.0), ("v", "007", -1.0)).write_csv("supply.csv")
    assert command() == 0
    assert "1 row left out, first line 3: supply: on_hand: got '-1.0'" in (capsys.readouterr().out)


def test_a_cutoff_picks_its_forecasts(capsys):
    assert command("--cutoff", "2026-06-30") == 0
    assert command("--cutoff", "2026-06-29", output="again") == 2
    assert "no forecast from 2026-06-29" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("warehouse,item\nw,007\n", "supply: no column ['on_hand']"),
        ("warehouse,on_hand,sku\nw,3,007\n", "supply: no column of the series key"),
        ("", "supply: "),
    ],
)
def test_a_supply_that_cannot_be_used(tmp_path, capsys, content, words):
    (tmp_path / "supply.csv").write_text(content)
    assert command() == 2
    assert words in one_line(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_a_folder_with_files_is_refused(tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").touch()
    assert command() == 2
    assert "is there already" in one_line(capsys.readouterr().err)


def test_the_help_promises_what_is_written(capsys):
    assert invoke(["allocate", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for words in ("allocation.parquet", "warehouses.csv", "open_orders.csv", "transport_days"):
        assert words in text
