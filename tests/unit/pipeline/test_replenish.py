"""From a configuration to a folder of proposals: what is read, what is forecast, what is said."""

import sys
from types import SimpleNamespace

import polars as pl
import pytest
import replenishment_world as world

from demandcast.pipeline import replenish as module
from demandcast.pipeline.console import console_for
from demandcast.pipeline.overrides import load_with_overrides
from demandcast.pipeline.proposal_folder import ProposalFolder, make_proposals
from demandcast.pipeline.replenish import ReplenishOptions, read_forecast_table, replenish
from demandcast.schema.errors import BadInputError, ContractError, ServingError
from demandcast.schema.usable_forecasts import UNREADABLE


@pytest.fixture
def config_of(tmp_path, monkeypatch):
    """Writes a world; returns its configuration."""
    monkeypatch.chdir(tmp_path)

    def written(**options):
        return load_with_overrides(world.write_world(tmp_path, **options), [], folder=tmp_path)

    return written


@pytest.fixture
def console(tmp_path):
    with (tmp_path / "screen.txt").open("w") as stream:
        yield console_for(stream, quiet=True)


def made(config, folder, **options):
    target = ProposalFolder("one", folder)
    return make_proposals(config, world.forecast_table(), origins=None, target=target, **options)


def test_a_new_proposal_lies_in_the_workspace_under_its_moment(config_of):
    config = config_of()
    target = ProposalFolder.new(config, output=None)
    assert target.folder.name == target.proposal_id
    assert target.folder.parent.name == "orders"
    assert ProposalFolder.new(config, output=target.folder).folder == target.folder


def test_the_summary_counts_what_the_table_holds(config_of, tmp_path):
    stock = world.inventory({("a", "007"): {"on_hand": 99.0}, ("b", "007"): {"on_hand": -1.0}})
    summary = made(config_of(inventory=stock), tmp_path / "out")
    table = pl.read_parquet(tmp_path / "out" / "proposals.parquet")
    assert summary.lines == table.height == 6
    assert summary.statuses == {"order": 3, "covered": 2, "invalid": 1}
    assert summary.orders == 3
    assert summary.order_value == table["order_value"].sum() == (9 + 12 + 3) * 2
    assert sum(summary.risk_classes.values()) == 5
    assert summary.waiting == table["needs_approval"].sum()


def test_problems_of_a_kind_are_one_with_their_first_lines(config_of, tmp_path):
    stock = world.inventory(on_hand=-2.0)
    stock = stock.with_columns(on_hand=pl.Series([-1.0, -2.0, -3.0, -4.0, 1.0, None]))
    summary = made(config_of(inventory=stock), tmp_path / "out")
    assert summary.problems == (
        "4 lines without a proposal, first a/007, a/008, a/009: inventory, line 2: on_hand: got "
        "'-1.0'; allowed: a number of at least 0",
        "1 line without a proposal, first b/009: inventory, line 7: on_hand: no value; it must be "
        "given",
    )


def test_terms_that_fit_no_series_are_said_and_no_line(config_of, tmp_path):
    terms = world.terms(items=["007", "008", "009", "500"])
    summary = made(config_of(supply_terms=terms), tmp_path / "out")
    assert summary.problems == ()
    assert summary.remarks == (
        "supply_terms: 1 of no series that is forecast, in stock or on order, first 500: item "
        "alone names no line",
    )


def test_forecasts_are_made_where_none_are_given(config_of, tmp_path, monkeypatch, console):
    calls = []

    def forecast_batch(config, *, output, cutoff, formats):
        calls.append((cutoff, formats))
        file = output.with_suffix(".parquet")
        world.forecast_table().write_parquet(file)
        return SimpleNamespace(files=[str(file)], model_version=7)

    stand_in = SimpleNamespace(forecast_batch=forecast_batch)
    monkeypatch.setitem(sys.modules, "demandcast.pipeline.batch_forecast", stand_in)
    options = ReplenishOptions(output=tmp_path / "out", cutoff=world.CUTOFF)
    assert replenish(config_of(), console, options).lines == 6
    assert calls == [(world.CUTOFF, ["parquet"])]
    assert '"model_version": 7' in (tmp_path / "out" / "proposals.json").read_text()


def test_without_a_model_and_forecasts_nothing_is_left(config_of, tmp_path, monkeypatch, console):
    def forecast_batch(config, **_):
        raise ServingError("no model is in service")

    stand_in = SimpleNamespace(forecast_batch=forecast_batch)
    monkeypatch.setitem(sys.modules, "demandcast.pipeline.batch_forecast", stand_in)
    with pytest.raises(ServingError):
        replenish(config_of(), console, ReplenishOptions(output=tmp_path / "new" / "out"))
    assert list((tmp_path / "new").iterdir()) == []


def test_a_table_that_breaks_off_the_work_leaves_nothing(config_of, tmp_path, console):
    config = config_of(inventory=world.inventory().drop("on_hand"))
    options = ReplenishOptions(output=tmp_path / "out", forecasts=tmp_path / "forecasts.csv")
    with pytest.raises(ContractError, match=r"inventory: no column \['on_hand'\]"):
        replenish(config, console, options)
    assert not (tmp_path / "out").exists()
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".out")]


def test_what_was_learnt_is_looked_for_only_if_asked(config_of, tmp_path, monkeypatch, console):
    monkeypatch.setattr(module, "_origins", pytest.fail)
    options = ReplenishOptions(output=tmp_path / "out", forecasts=tmp_path / "forecasts.csv")
    assert replenish(config_of(), console, options).orders == 5


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_forecasts_are_read_from_any_format(config_of, tmp_path, suffix):
    config = config_of()
    file = tmp_path / f"table{suffix}"
    if suffix == ".parquet":
        world.forecast_table().write_parquet(file)
    else:
        compression = "gzip" if suffix == ".csv.gz" else "uncompressed"
        world.forecast_table().write_csv(file, compression=compression)
    assert read_forecast_table(file, config).equals(world.forecast_table())


def test_forecasts_of_another_kind_are_refused(config_of, tmp_path):
    config = config_of()
    (tmp_path / "table.xlsx").write_bytes(b"PK")
    with pytest.raises(BadInputError, match="cannot tell the format"):
        read_forecast_table(tmp_path / "table.xlsx", config)
    world.forecast_table().drop("mean").write_csv(tmp_path / "table.csv")
    with pytest.raises(ContractError, match="no column 'mean'"):
        read_forecast_table(tmp_path / "table.csv", config)


def test_text_is_no_value_and_the_row_says_which(config_of, tmp_path):
    config = config_of()
    first = (pl.col("store") == "a") & (pl.col("item") == "007") & (pl.col("step") == "3")
    texts = world.forecast_table().with_columns(pl.all().cast(pl.String))
    for name, kind in (("mean", pl.Float32), ("step", pl.Int32), ("cutoff", pl.Date)):
        wrong = pl.when(first).then(pl.lit("much")).otherwise(name)
        texts.with_columns(wrong.alias(name)).write_csv(tmp_path / "table.csv")
        found = read_forecast_table(tmp_path / "table.csv", config)
        assert found.schema[name] == kind
        said = found.filter(pl.col(UNREADABLE).is_not_null())
        assert said.select(name, UNREADABLE).rows() == [(None, f"{name}: got 'much'")]
