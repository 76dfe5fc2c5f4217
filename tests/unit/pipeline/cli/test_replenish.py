"""`demandcast replenish` on forecasts and tables of a folder, without a model."""

import json
from pathlib import Path

import polars as pl
import pytest
import replenishment_world as world

from demandcast.pipeline.cli.main import invoke
from demandcast.schema.proposal_facts import ProposalFacts, check_proposal_terms
from demandcast.schema.proposal_table import check_proposal_table


@pytest.fixture(autouse=True)
def in_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def replenish(tmp_path, *options, output="out", forecasts="forecasts.csv"):
    arguments = ["--config", str(tmp_path / "demand.yaml"), "--output", str(tmp_path / output)]
    return invoke(["replenish", *arguments, "--forecasts", str(tmp_path / forecasts), *options])


def table_of(tmp_path, output="out"):
    return pl.read_parquet(tmp_path / output / "proposals.parquet")


def one_line(text):
    """The error message; it must be one line and no traceback."""
    errors = [line for line in text.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "Traceback" not in text
    return errors[0]


def test_files_are_written_and_the_summary_is_printed(tmp_path, capsys):
    world.write_world(tmp_path)
    assert replenish(tmp_path) == 0
    table = table_of(tmp_path)
    check_proposal_table(table, world.KEYS)
    check_proposal_terms(pl.read_parquet(tmp_path / "out" / "proposal_terms.parquet"), world.KEYS)
    facts = ProposalFacts.model_validate_json((tmp_path / "out" / "proposals.json").read_text())
    assert (facts.cutoff, facts.series_key) == (world.CUTOFF, world.KEYS)
    assert (facts.currency, facts.model_version) == ("EUR", None)
    csv = pl.read_csv(tmp_path / "out" / "proposals.csv", infer_schema=False)
    assert csv["reason"].to_list() == table["reason"].to_list()
    assert csv["item"].to_list() == table["item"].to_list()
    out = capsys.readouterr().out.splitlines()
    worth = (15 + 12 + 9 + 6 + 3) * 2
    assert (
        out[0] == f"5 orders worth {worth:.2f} from the evening of 2026-06-30; 5 wait for approval"
    )
    assert out[1].split() == ["lines", "order", "5,", "covered", "1"]
    assert out[-2].split() == ["files", str(tmp_path / "out")]


def test_json_has_the_same_numbers(tmp_path, capsys):
    world.write_world(tmp_path, inventory=world.inventory({("a", "007"): {"on_hand": -1.0}}))
    assert replenish(tmp_path, "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["lines"], summary["orders"], summary["cutoff"]) == (6, 4, "2026-06-30")
    assert summary["statuses"] == {"order": 4, "covered": 1, "invalid": 1}
    assert summary["problems"] == [
        "1 line without a proposal, first a/007: inventory: on_hand: got '-1.0'; "
        "allowed: a number of at least 0"
    ]


def test_quiet_says_nothing(tmp_path, capsys):
    world.write_world(tmp_path)
    assert replenish(tmp_path, "--quiet") == 0
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_strict_fails_where_a_line_cannot_be_computed_and_keeps_the_others(tmp_path, capsys):
    world.write_world(tmp_path)
    assert replenish(tmp_path, "--strict") == 0
    world.write_world(tmp_path, inventory=world.inventory({("a", "007"): {"on_hand": -1.0}}))
    assert replenish(tmp_path, "--strict", output="again") == 2
    assert "--strict" in one_line(capsys.readouterr().err)
    assert table_of(tmp_path, "again")["status"].to_list().count("order") == 4


@pytest.mark.parametrize("suffix", [".parquet", ".csv.gz"])
def test_other_formats_give_the_same(tmp_path, suffix):
    world.write_world(tmp_path)
    assert replenish(tmp_path) == 0
    world.write_world(tmp_path, suffix=suffix)
    file = tmp_path / f"forecasts{suffix}"
    table = world.forecast_table()
    if suffix == ".parquet":
        table.write_parquet(file)
    else:
        table.write_csv(file, compression="gzip")
    assert replenish(tmp_path, output="again", forecasts=file.name) == 0
    assert table_of(tmp_path).equals(table_of(tmp_path, "again"))


def test_a_cutoff_picks_its_forecasts(tmp_path, capsys):
    world.write_world(tmp_path)
    assert replenish(tmp_path, "--cutoff", "2026-06-30") == 0
    assert replenish(tmp_path, "--cutoff", "2026-06-29", output="again") == 2
    assert "no forecast from 2026-06-29" in one_line(capsys.readouterr().err)


def test_several_cutoffs_in_the_forecasts(tmp_path, capsys):
    world.write_world(tmp_path)
    other = world.forecast_table(cutoff=world.CUTOFF.replace(day=29))
    pl.concat([world.forecast_table(), other]).write_csv(tmp_path / "forecasts.csv")
    assert replenish(tmp_path) == 2
    assert "2 cutoffs (2026-06-29, 2026-06-30)" in one_line(capsys.readouterr().err)
    assert replenish(tmp_path, "--cutoff", "2026-06-30") == 0


def test_a_folder_with_files_is_refused_before_any_work(tmp_path, capsys, monkeypatch):
    world.write_world(tmp_path)
    (tmp_path / "out").mkdir()
    assert replenish(tmp_path) == 0  # An empty one is no harm.
    before = (tmp_path / "out" / "proposals.json").read_text()
    monkeypatch.setattr("demandcast.pipeline.replenish._forecasts", pytest.fail)
    assert replenish(tmp_path) == 2
    assert "is there already; results are never written over" in one_line(capsys.readouterr().err)
    assert (tmp_path / "out" / "proposals.json").read_text() == before


@pytest.mark.parametrize("output", ["demand.yaml/out", "/proc/nowhere/out"])
def test_a_place_that_cannot_be_written(tmp_path, capsys, output):
    world.write_world(tmp_path)
    assert replenish(tmp_path, output=output) == 2
    assert "cannot be made" in one_line(capsys.readouterr().err)


def test_a_disk_that_fills_leaves_nothing_behind(tmp_path, capsys, monkeypatch):
    world.write_world(tmp_path)

    def full(self, *_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    assert replenish(tmp_path) == 2
    assert "cannot be written: No space left on device" in one_line(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".out")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no forecast table that can be read"),
        (b"store,item\na,007\n", "forecast table: no column 'cutoff'"),
        (b"\xff\xfe\x00", "forecast table"),
    ],
)
def test_forecasts_that_cannot_be_read(tmp_path, capsys, content, words):
    world.write_world(tmp_path)
    (tmp_path / "forecasts.csv").write_bytes(content)
    assert replenish(tmp_path) == 2
    err = capsys.readouterr().err
    assert words in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_text_where_a_number_of_the_forecast_should_be(tmp_path, capsys):
    world.write_world(tmp_path)
    table = world.forecast_table().with_columns(mean=pl.lit("much"))
    table.write_csv(tmp_path / "forecasts.csv")
    assert replenish(tmp_path) == 2
    assert "much" in one_line(capsys.readouterr().err)


def test_forecasts_without_a_row(tmp_path, capsys):
    world.write_world(tmp_path)
    world.forecast_table()[:0].write_csv(tmp_path / "forecasts.csv")
    assert replenish(tmp_path) == 2
    assert "no forecast" in one_line(capsys.readouterr().err)


def test_forecasts_that_are_not_there(tmp_path, capsys):
    world.write_world(tmp_path)
    assert replenish(tmp_path, forecasts="nowhere.csv") == 2
    assert "nowhere.csv" in one_line(capsys.readouterr().err)


def test_without_tables_the_configuration_is_at_fault(tmp_path, capsys):
    world.write_world(tmp_path, inventory=None)
    assert replenish(tmp_path) == 2
    assert "replenishment.tables.inventory must be given" in one_line(capsys.readouterr().err)


def test_calibration_without_a_model_in_service_warns_and_goes_on(tmp_path, capsys):
    world.write_world(tmp_path, replenishment={"calibrate": True})
    assert replenish(tmp_path) == 0
    assert "forecasts are taken at their word" in capsys.readouterr().err
    assert table_of(tmp_path).height == 6


def test_rows_of_no_series_and_deliveries_that_cannot_be_read_are_said(tmp_path, capsys):
    terms = pl.concat([world.terms(), world.terms(items=["010"]).with_columns(item=pl.lit(""))])
    history = world.deliveries("north", [2, 2]).with_columns(
        received=pl.Series(["soon", "2026-06-20"])
    )
    world.write_world(tmp_path, supply_terms=terms, lead_times=history)
    assert replenish(tmp_path) == 0
    err = capsys.readouterr().err
    assert "supply_terms: item: no value in 1 rows, first: 3" in err
    assert "received cannot be used: 1 rows" in err
    assert "got 'soon'" in err


def test_columns_with_other_names(tmp_path):
    stock = world.inventory(on_hand=4.0).rename({"on_hand": "stock", "item": "sku"})
    names = {"inventory": {"columns": {"on_hand": "stock", "item": "sku"}}}
    world.write_world(tmp_path, inventory=stock, replenishment={"tables": names})
    assert replenish(tmp_path) == 0
    assert table_of(tmp_path)["on_hand"].to_list() == [4.0] * 6
