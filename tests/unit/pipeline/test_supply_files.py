"""Tables of stock and terms: formats, other names, snapshots, files that cannot be read."""

import datetime

import polars as pl
import pytest
import replenishment_world as world
from configurations import parse

from demandcast.pipeline.supply_files import read_lead_times, read_supply_tables
from demandcast.schema.errors import BadInputError, ConfigurationError, ContractError


def config_of(folder, *, snapshot="", **tables):
    """A configuration whose tables lie in a folder."""
    usual = {"inventory": "inventory.csv", "supply_terms": "supply_terms.csv"}
    section = {
        name: table if isinstance(table, dict) else {"path": table}
        for name, table in (usual | tables).items()
        if table is not None
    }
    for table in section.values():
        table["path"] = str(folder / table["path"])
    extra = {"data.snapshot": snapshot, "data.sales": "{snapshot}/sales.csv"} if snapshot else {}
    return parse(**{"replenishment.tables": section}, **extra)


@pytest.fixture
def folder(tmp_path):
    world.write_world(tmp_path)
    return tmp_path


def read(folder, **tables):
    return read_supply_tables(config_of(folder, **tables), cutoff=world.CUTOFF)


def test_csv_is_read_as_text_so_that_keys_keep_their_zeros(folder):
    tables = read(folder, suppliers="suppliers.csv")
    assert tables.inventory["item"].to_list()[:3] == ["007", "008", "009"]
    assert set(tables.inventory.dtypes) == {pl.String()}
    assert tables.suppliers["supplier"].to_list() == ["north", "south"]
    assert tables.open_orders is None
    assert tables.price_breaks is None


@pytest.mark.parametrize("suffix", [".parquet", ".csv.gz"])
def test_other_formats(tmp_path, suffix):
    world.write_world(tmp_path, suffix=suffix)
    tables = read(tmp_path, inventory=f"inventory{suffix}", supply_terms=f"supply_terms{suffix}")
    assert tables.inventory["item"].to_list()[:3] == ["007", "008", "009"]
    assert tables.supply_terms.height == 3


def test_several_files_are_one_table(folder):
    world.inventory()[:2].write_csv(folder / "part-1.csv")
    world.inventory()[2:].write_csv(folder / "part-2.csv")
    assert read(folder, inventory="part-*.csv").inventory.height == 6


def test_columns_get_our_names(folder):
    world.inventory().rename({"on_hand": "stock", "item": "sku"}).write_csv(folder / "other.csv")
    names = {"on_hand": "stock", "item": "sku"}
    found = read(folder, inventory={"path": "other.csv", "columns": names}).inventory
    assert found.columns == ["store", "item", "on_hand"]


def test_a_column_of_our_name_makes_way_for_the_one_that_is_meant(folder):
    table = world.inventory().with_columns(stock=pl.lit("8"))
    table.write_csv(folder / "other.csv")
    found = read(folder, inventory={"path": "other.csv", "columns": {"on_hand": "stock"}})
    assert found.inventory["on_hand"].to_list() == ["8"] * 6


def test_a_snapshot_is_part_of_the_path(folder):
    (folder / "2026-06-30").mkdir()
    world.inventory()[:1].write_csv(folder / "2026-06-30" / "stock.csv")
    config = config_of(folder, snapshot="2026-06-30", inventory="{snapshot}/stock.csv")
    assert read_supply_tables(config, cutoff=world.CUTOFF).inventory.height == 1


def test_a_snapshot_that_nobody_named(folder):
    with pytest.raises(
        ConfigurationError, match=r"tables\.inventory: .*\{snapshot\}.*data\.snapshot"
    ):
        read(folder, inventory="{snapshot}/stock.csv")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_of_the_stock_of_several_days_the_cutoffs_is_taken(tmp_path, suffix):
    days = [world.CUTOFF - datetime.timedelta(days=one) for one in (0, 1)]
    table = pl.concat(
        world.inventory(on_hand=float(at)).with_columns(date=pl.lit(day))
        for at, day in enumerate(days)
    )
    world.write_world(tmp_path, suffix=suffix, inventory=table)
    files = {"inventory": f"inventory{suffix}", "supply_terms": f"supply_terms{suffix}"}
    config = config_of(tmp_path, **files)
    for at, day in enumerate(days):
        stock = read_supply_tables(config, cutoff=day).inventory
        assert stock.columns == ["store", "item", "on_hand"]
        assert stock["on_hand"].cast(pl.Float64).to_list() == [at] * 6
    with pytest.raises(ContractError, match=r"inventory: no row of 2026-07-01.*'2026-06-30'"):
        read_supply_tables(config, cutoff=datetime.date(2026, 7, 1))


def test_times_of_the_day_are_of_that_day(folder):
    table = world.inventory().with_columns(date=pl.lit("2026-06-30T22:15:00"))
    table.write_csv(folder / "inventory.csv")
    assert read(folder).inventory.height == 6


def test_without_inventory_or_terms_nothing_can_be_proposed(folder):
    for name in ("inventory", "supply_terms"):
        config = config_of(folder, **{name: None})
        with pytest.raises(ConfigurationError, match=f"tables.{name} must be given"):
            read_supply_tables(config, cutoff=world.CUTOFF)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("missing.csv", None, r"inventory: no file matches"),
        ("broken.parquet", b"no parquet", r"inventory: .*broken\.parquet cannot be read"),
        ("broken.csv.gz", b"no gzip", r"inventory: .*broken\.csv\.gz cannot be read"),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00\x00", r"inventory: .*cut\.csv\.gz cannot be read"),
        ("empty.csv", b"", r"inventory: .*empty\.csv cannot be read"),
        ("stock.xlsx", b"PK", r"inventory: cannot tell the format"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_message(folder, file, content, words):
    if content is not None:
        (folder / file).write_bytes(content)
    with pytest.raises(BadInputError, match=words) as caught:
        read(folder, inventory=file)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text(folder):
    (folder / "inventory.csv").write_bytes(b"store,item,on_hand\n\xff\xfe,1,2\n")
    with pytest.raises(BadInputError, match=r"inventory: .*cannot be read"):
        read(folder)


def test_files_with_other_columns_are_no_table(folder):
    world.inventory().write_csv(folder / "part-1.csv")
    world.terms().write_csv(folder / "part-2.csv")
    with pytest.raises(ContractError, match="have different columns"):
        read(folder, inventory="part-*.csv")


def test_a_column_to_rename_that_is_not_there(folder):
    table = {"path": "inventory.csv", "columns": {"on_hand": "stock"}}
    with pytest.raises(ContractError, match=r"inventory: no column \['stock'\]; there are"):
        read(folder, inventory=table)


def test_deliveries_are_read_if_they_are_configured(folder):
    assert read_lead_times(config_of(folder)) is None
    world.deliveries("north", [2, 3]).write_csv(folder / "deliveries.csv")
    table = read_lead_times(config_of(folder, lead_times="deliveries.csv"))
    assert table.columns == ["supplier", "ordered", "received"]
