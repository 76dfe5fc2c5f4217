"""An allocation as a folder of files, and what becomes of transfers afterwards."""

import json

import polars as pl
import pytest
import replenishment_world as world
from transfer_world import supply

from demandcast.pipeline.allocate import AllocateOptions, allocate
from demandcast.pipeline.console import console_for
from demandcast.pipeline.overrides import load_with_overrides
from demandcast.pipeline.proposal_folder import ProposalFolder, make_proposals
from demandcast.pipeline.replenish import read_forecast_table
from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.transfer_table import transfer_schema, warehouse_schema


@pytest.fixture
def config(tmp_path):
    file = world.write_world(tmp_path)
    return load_with_overrides(file, [], folder=tmp_path)


def allocated(config, tmp_path, given=None, *, output="out", suffix=".csv"):
    table = supply(("w", "007", 17.0), ("w", "008", 50.0)) if given is None else given
    file = tmp_path / f"supply{suffix}"
    table.write_parquet(file) if suffix == ".parquet" else table.write_csv(file)
    options = AllocateOptions(file, tmp_path / "forecasts.csv", output=tmp_path / output)
    with (tmp_path / "screen").open("w", encoding="utf-8") as screen:
        return allocate(config, console_for(screen, quiet=True), options)


def test_files_and_sums(config, tmp_path):
    found = allocated(config, tmp_path)
    table = pl.read_parquet(tmp_path / "out" / "allocation.parquet")
    assert table.schema == transfer_schema(world.KEYS)
    assert pl.read_csv(tmp_path / "out" / "allocation.csv").columns == table.columns
    warehouses = pl.read_csv(tmp_path / "out" / "warehouses.csv")
    assert warehouses.columns == warehouse_schema(["item"]).names()
    # All of 007; of 008 what two stores would lose in 3 days.
    assert (found.units_sent, found.units_left) == (17 + 3 * (3 + 1), 50 - 3 * (3 + 1))
    assert found.avoided_cost == pytest.approx(2.0 * found.units_sent)
    assert (found.transport_cost, found.currency, found.transfers) == (0, "EUR", 4)
    assert (found.series, sum(found.statuses.values())) == (6, 6)
    facts = json.loads((tmp_path / "out" / "allocation.json").read_text())
    assert facts["units_sent"] == found.units_sent
    assert (facts["series_key"], facts["item_key"]) == (list(world.KEYS), ["item"])
    assert "Who gets what" in (tmp_path / "out" / "allocation.html").read_text()


def test_a_series_that_two_warehouses_serve_counts_once(config, tmp_path):
    given = supply(("w", "007", 6.0), ("v", "007", 50.0), transport_cost=[0.0, 0.1])
    found = allocated(config, tmp_path, given)
    assert (found.series, found.units_sent, found.transfers) == (6, 21, 3)
    assert found.avoided_cost == pytest.approx(2.0 * 21)
    assert found.transport_cost == pytest.approx(0.1 * 15)


def test_parquet_gives_the_same(config, tmp_path):
    allocated(config, tmp_path)
    allocated(config, tmp_path, output="again", suffix=".parquet")
    one, other = (pl.read_parquet(tmp_path / at / "allocation.parquet") for at in ("out", "again"))
    assert one.equals(other)


def test_proposals_count_on_transfers(config, tmp_path):
    allocated(config, tmp_path)
    forecasts = read_forecast_table(tmp_path / "forecasts.csv", config)

    def wanted(settings, name):
        target = ProposalFolder(name, tmp_path / name)
        make_proposals(settings, forecasts, origins=None, target=target)
        table = pl.read_parquet(tmp_path / name / "proposals.parquet")
        return {(row["store"], row["item"]): row for row in table.to_dicts()}

    before = wanted(config, "before")
    orders = f"replenishment.tables.open_orders={{path: {tmp_path}/out/open_orders.csv}}"
    after = wanted(
        load_with_overrides(tmp_path / "demand.yaml", [orders], folder=tmp_path), "after"
    )
    sent = pl.read_parquet(tmp_path / "out" / "allocation.parquet").filter(pl.col("quantity") > 0)
    for row in sent.to_dicts():
        key = (row["store"], row["item"])
        assert after[key]["on_order"] == row["quantity"]
        assert before[key]["wanted_quantity"] - after[key]["wanted_quantity"] == row["quantity"]


def test_problems_are_named_once_with_their_rows(config, tmp_path):
    given = supply(*[("w", item, 1.0) for item in "abcde"]).with_columns(
        on_hand=pl.Series(["1", "x", "x", "x", "x"])
    )
    (problem,) = allocated(config, tmp_path, given).problems
    assert problem.startswith("4 rows left out, first line 3, line 4, line 5: supply: on_hand: got")


def test_a_folder_with_files_is_refused_before_any_work(config, tmp_path):
    allocated(config, tmp_path)
    with pytest.raises(BadInputError, match="is there already"):
        allocated(config, tmp_path)


def test_a_supply_that_cannot_be_read_is_refused(config, tmp_path):
    with pytest.raises(ContractError, match=r"supply: no column \['on_hand'\]"):
        allocated(config, tmp_path, supply(("w", "007", 1.0)).drop("on_hand"))
    (tmp_path / "supply.csv").unlink()
    options = AllocateOptions(tmp_path / "supply.csv", output=tmp_path / "out")
    with (
        (tmp_path / "screen").open("w", encoding="utf-8") as screen,
        pytest.raises(BadInputError, match=r"supply: .* cannot be read"),
    ):
        allocate(config, console_for(screen, quiet=True), options)
    assert not (tmp_path / "out").exists()
