"""`demandcast replenish` on forecasts and tables of a folder, without a model."""

import datetime
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
        "1 line without a proposal, first a/007: inventory, line 2: on_hand: got '-1.0'; "
        "allowed: a number of at least 0"
    ]


def test_quiet_says_nothing(tmp_path, capsys):
    world.write_world(tmp_path)
    assert replenish(tmp_path, "--quiet") == 0
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_quiet_and_strict_name_what_could_not_be_computed(tmp_path, capsys):
    world.write_world(tmp_path, inventory=world.inventory({("a", "007"): {"on_hand": -1.0}}))
    assert replenish(tmp_path, "--quiet", "--strict") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines()[0] == (
        "1 line without a proposal, first a/007: inventory, line 2: on_hand: got '-1.0'; allowed: "
        "a number of at least 0"
    )
    assert "--strict" in one_line(captured.err)
    assert replenish(tmp_path, "--quiet", "--strict", "--json", output="again") == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["problems"]
    assert len(captured.err.splitlines()) == 1


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
    error = one_line(capsys.readouterr().err)
    assert "forecasts.csv: 2 cutoffs (2026-06-29, 2026-06-30); --cutoff picks one" in error
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
        (b"", "forecasts.csv: cannot be read: empty CSV"),
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
    assert "supply_terms: item: no value in 1 row, first: line 5; left out" in err
    assert "received cannot be used: 1 row, first: line 2: received: got 'soon'" in err
    assert "got 'soon'" in err


def test_columns_with_other_names(tmp_path):
    stock = world.inventory(on_hand=4.0).rename({"on_hand": "stock", "item": "sku"})
    names = {"inventory": {"columns": {"on_hand": "stock", "item": "sku"}}}
    world.write_world(tmp_path, inventory=stock, replenishment={"tables": names})
    assert replenish(tmp_path) == 0
    assert table_of(tmp_path)["on_hand"].to_list() == [4.0] * 6


ONE = (pl.col("store") == "a") & (pl.col("item") == "007")


def write_forecasts(tmp_path, change):
    change(world.forecast_table()).write_csv(tmp_path / "forecasts.csv")


def status_of_the_first(tmp_path, output="out"):
    """Status and reason of the series a/007; all others must be as ever."""
    table = table_of(tmp_path, output)
    others = table.filter(~ONE)
    assert others["status"].sort().to_list() == ["covered", *["order"] * 4]
    row = world.line(table, "a", "007")
    return row["status"], row["reason"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda table: table.filter(~ONE | (pl.col("step") <= 2)),
            (
                "short_forecast",
                "the forecast has 2 periods, and 3 are needed: 1 to the next order and 2 until it "
                "arrives; replenishment.extrapolate goes on with the last season",
            ),
        ),
        (
            lambda table: table.filter(~ONE | (pl.col("step") != 4)),
            ("invalid", "forecasts 'forecasts.csv': a gap: 13 of the steps 1 to 14 are there"),
        ),
        (
            lambda table: table.with_columns(
                mean=pl.when(ONE & (pl.col("step") == 4)).then(float("nan")).otherwise("mean")
            ),
            (
                "invalid",
                "forecasts 'forecasts.csv': step 4: no value, NaN or infinite in 'mean'",
            ),
        ),
        (
            lambda table: table.with_columns(
                mean=pl.when(ONE).then(pl.lit("much")).otherwise(pl.col("mean").cast(pl.String))
            ),
            ("invalid", "forecasts 'forecasts.csv': step 1: mean: got 'much'"),
        ),
    ],
)
def test_a_series_with_a_wrong_forecast_stops_itself_alone(tmp_path, capsys, change, expected):
    world.write_world(tmp_path)
    write_forecasts(tmp_path, change)
    assert replenish(tmp_path) == 0
    assert status_of_the_first(tmp_path) == expected
    assert "1 line without a proposal, first a/007" in capsys.readouterr().out


def test_a_series_that_ends_after_its_protection_interval_is_proposed(tmp_path):
    world.write_world(tmp_path, inventory=world.inventory({("a", "007"): {"on_hand": 99.0}}))
    write_forecasts(tmp_path, lambda table: table.filter(~ONE | (pl.col("step") <= 3)))
    assert replenish(tmp_path) == 0
    status, reason = status_of_the_first(tmp_path)
    assert status == "covered"
    # What lies beyond the three periods is not known.
    assert reason.startswith("stock and orders on their way cover 3 days or more at 95 %")


def test_a_short_series_goes_on_where_that_is_asked_for(tmp_path):
    world.write_world(tmp_path, replenishment={"extrapolate": True})
    write_forecasts(tmp_path, lambda table: table.filter(~ONE | (pl.col("step") <= 2)))
    assert replenish(tmp_path) == 0
    assert status_of_the_first(tmp_path) == (
        "order",
        "covers 3 days at 95 %; may run out before an order arrives (100 %)",
    )


def test_forecasts_of_which_none_can_be_used_are_refused_with_their_file(tmp_path, capsys):
    world.write_world(tmp_path)
    write_forecasts(tmp_path, lambda table: table.with_columns(mean=pl.lit(-1.0)))
    assert replenish(tmp_path) == 2
    error = one_line(capsys.readouterr().err)
    assert f"{tmp_path / 'forecasts.csv'}: no series can be used: negative 'mean'" in error


def test_forecasts_of_no_series_are_left_out_and_said(tmp_path, capsys):
    world.write_world(tmp_path)
    extra = world.forecast_table()[:2].with_columns(item=pl.lit(None, pl.String))
    write_forecasts(tmp_path, lambda table: pl.concat([table, extra]))
    assert replenish(tmp_path) == 0
    assert "forecasts.csv: 2 rows without a series or a cutoff; left out" in capsys.readouterr().err
    assert table_of(tmp_path)["status"].to_list().count("order") == 5


def test_another_cutoff_may_be_wrong(tmp_path):
    world.write_world(tmp_path)
    other = world.forecast_table(cutoff=world.CUTOFF.replace(day=29)).with_columns(
        mean=pl.lit(-1.0)
    )
    other = other.cast({"mean": pl.Float32})
    write_forecasts(tmp_path, lambda table: pl.concat([table, other]))
    assert replenish(tmp_path, "--cutoff", "2026-06-30") == 0
    assert table_of(tmp_path)["status"].to_list().count("order") == 5


HUGE = [
    ("inventory", "on_hand", 1e300),
    ("inventory", "reserved", 1e300),
    ("inventory", "storage_capacity", 1e300),
    ("supply_terms", "moq", 1e300),
    ("supply_terms", "pack_size", 1e-300),
    ("supply_terms", "unit_cost", 1e308),
    ("supply_terms", "holding_cost", 1e308),
    ("supply_terms", "stockout_cost", 1e308),
    ("supply_terms", "order_cost", 1e308),
    ("supply_terms", "available_units", 1e308),
    ("supply_terms", "review_period", 1e23),
    ("supply_terms", "shelf_life", 1e23),
]


@pytest.mark.parametrize(("table", "name", "value"), HUGE)
def test_numbers_that_no_business_has_stop_their_lines_alone(tmp_path, table, name, value):
    stock, terms = world.inventory(), world.terms()
    if table == "inventory":
        stock = world.inventory({("a", "007"): {name: value}}, **{name: None} | {"on_hand": 0.0})
    else:
        terms = world.terms({"007": {name: value}}, **{name: None} | {"unit_cost": 2.0})
    world.write_world(tmp_path, inventory=stock, supply_terms=terms)
    assert replenish(tmp_path) == 0
    found = table_of(tmp_path)
    row = world.line(found, "a", "007")
    assert row["status"] == "invalid"
    assert row["reason"].startswith(f"{table}, line 2: {name}: got '")
    assert set(found.filter(pl.col("item") == "008")["status"]) == {"order"}


@pytest.mark.parametrize(("moq", "pack"), [(0.0, 1e-6), (1e12, 1.0), (0.0, 1e12), (1e12, 1e-6)])
def test_the_bounds_themselves_can_be_computed(tmp_path, moq, pack):
    """The largest and smallest values that are let in, in one line and all at once."""
    own = {"moq": moq, "pack_size": pack, "unit_cost": 1e12, "holding_cost": 1e12}
    own |= {"stockout_cost": 1e12, "order_cost": 1e12, "available_units": 1e12, "shelf_life": 1e6}
    own |= {"service_target": 1 - 1e-15, "storage_capacity": 1e12}
    usual = dict.fromkeys(own) | {"unit_cost": 2.0}
    stock = world.inventory({("a", "007"): {"on_hand": 1e12, "reserved": 1e12}}, reserved=0.0)
    orders = pl.DataFrame({"store": "a", "item": "007", "quantity": [1e12] * 2, "due": None})
    world.write_world(
        tmp_path,
        inventory=stock,
        supply_terms=world.terms({"007": own}, **usual),
        suppliers=world.suppliers(budget=1e18, order_cost=1e12, lead_time_std_days=1.0),
        open_orders=orders,
        replenishment={"budget": 1e15},
    )
    assert replenish(tmp_path) == 0
    found = table_of(tmp_path)
    assert set(found["status"]) <= {"order", "covered", "reduced", "held_back", "infeasible"}
    assert set(found.filter(pl.col("item") == "008")["status"]) == {"order"}


def test_a_promise_of_no_days_with_a_deviation_is_proposed(tmp_path):
    quotes = world.suppliers(quoted_lead_time_days=0, lead_time_std_days=1)
    for moment, output in (("before_opening", "one"), ("after_close", "two")):
        world.write_world(tmp_path, suppliers=quotes, replenishment={"order_moment": moment})
        assert replenish(tmp_path, output=output) == 0
        assert status_of_the_first(tmp_path, output)[0] == "order"


def test_orders_that_are_long_overdue(tmp_path):
    days = [world.CUTOFF - datetime.timedelta(days) for days in (29, 400)]
    orders = pl.DataFrame(
        {"store": "a", "item": ["007", "008"], "quantity": [3.0, 4.0], "due": days}
    )
    world.write_world(tmp_path, open_orders=orders)
    assert replenish(tmp_path) == 0
    first, second = (world.line(table_of(tmp_path), "a", item) for item in ("007", "008"))
    assert (first["on_order"], first["order_quantity"]) == (3, 6 - 3)
    assert "; 3 units on the way are overdue, the oldest since 2026-06-01" in first["reason"]
    assert (second["on_order"], second["order_quantity"]) == (0, 9)
    words = "; 4 units on order are not counted, too long overdue, the oldest since 2025-05-26"
    assert words in second["reason"]


def test_a_column_that_looks_misspelt_is_said(tmp_path, capsys):
    world.write_world(tmp_path, inventory=world.inventory(reserve=1.0))
    assert replenish(tmp_path) == 0
    assert "column 'reserve' of inventory.csv is not used; did you mean 'reserved'?" in (
        capsys.readouterr().err
    )


def test_one_order_is_one(tmp_path, capsys):
    stock = world.inventory(on_hand=99.0).filter(ONE).with_columns(on_hand=pl.lit(0.0))
    world.write_world(tmp_path, inventory=stock)
    assert replenish(tmp_path) == 0
    out = capsys.readouterr().out
    assert out.startswith(
        "1 order worth 12.00 from the evening of 2026-06-30; 1 waits for approval"
    )
