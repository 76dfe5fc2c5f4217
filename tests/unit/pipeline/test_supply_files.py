"""Tables of stock and terms: formats, other names, snapshots, files that cannot be read."""

import datetime

import numpy as np
import polars as pl
import pytest
import replenishment_world as world
from configurations import parse
from supply_world import supply_config, write_supply

from demandcast.components.replenishment.supply_columns import PLACE
from demandcast.pipeline.supply_files import (
    read_demand,
    read_lead_times,
    read_supply_tables,
    read_terms,
    supply_fingerprint,
)
from demandcast.schema.errors import BadInputError, ConfigurationError, ContractError
from demandcast.schema.periods import periods_of


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
    assert found.columns == ["store", "item", "on_hand", PLACE]


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
        assert stock.columns == ["store", "item", "on_hand", PLACE]
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
        ("empty.csv", b"", r"inventory: .*empty\.csv: cannot be read: empty CSV"),
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
    with pytest.raises(
        BadInputError, match=r"inventory: .*: line 2 cannot be read: it is no UTF-8"
    ):
        read(folder)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("store,item,on_hand\na,007,1\nb,007,2\n", [2, 3]),
        ("\ufeffstore,item,on_hand\r\na,007,1\r\n\r\nb,007,2\r\n\r\n,,\r\n", [2, 4]),
        ("\n\nstore,item,on_hand\na,007,1\nb,007,2", [4, 5]),
        # A spreadsheet shows a text with a line break in one row.
        ('store,item,on_hand\n"a\nb",007,1\nb,007,2\n', [2, 3]),
    ],
)
def test_rows_are_where_a_spreadsheet_shows_them(folder, text, places):
    (folder / "inventory.csv").write_bytes(text.encode())
    found = read(folder).inventory
    assert found[PLACE].to_list() == [f"line {place}" for place in places]
    assert found["on_hand"].to_list() == ["1", "2"]


def test_rows_of_parquet_and_of_several_files_are_named_too(folder):
    world.inventory().write_parquet(folder / "stock.parquet")
    assert read(folder, inventory="stock.parquet").inventory[PLACE][0] == "row 1"
    world.inventory()[:2].write_csv(folder / "part-1.csv")
    world.inventory()[2:].write_csv(folder / "part-2.csv")
    places = read(folder, inventory="part-*.csv").inventory[PLACE].to_list()
    assert places[1:3] == ["line 3 of 'part-1.csv'", "line 2 of 'part-2.csv'"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "store,item,on_hand\na,007,1\na,tea, green,2\n",
            r"line 3 has 4 fields, and the header has 3; a text with a comma must be in double quo",
        ),
        ("store,item,on_hand,on_hand\na,007,1,2\n", r"the header has \['on_hand'\] twice"),
        ("store;item;on_hand\na;007;1,5\n", "columns are apart by semicolons; expected commas"),
        ("store\titem\ton_hand\na\t007\t1\n", "columns are apart by tabs; expected commas"),
    ],
)
def test_csv_that_cannot_be_meant_is_refused_in_our_words(folder, text, words):
    (folder / "inventory.csv").write_text(text)
    with pytest.raises(BadInputError, match=rf"inventory: .*inventory\.csv: {words}") as caught:
        read(folder)
    assert "polars" not in str(caught.value).lower()
    assert "Schema" not in str(caught.value)


def test_columns_without_a_name_may_be_several(folder):
    (folder / "inventory.csv").write_text("store,item,on_hand,,\na,007,1,,\n")
    assert read(folder).inventory["on_hand"].to_list() == ["1"]


def test_a_column_that_looks_misspelt_is_said(folder, caplog):
    world.inventory().with_columns(reserve=pl.lit(1)).write_csv(folder / "inventory.csv")
    found = read(folder).inventory
    assert "reserve" in found.columns
    words = "inventory: column 'reserve' of inventory.csv is not used; did you mean 'reserved'?"
    assert caplog.messages == [words]


def test_the_series_key_and_the_day_are_no_misspelt_columns(folder, caplog):
    table = world.inventory().with_columns(date=pl.lit("2026-06-30"), colour=pl.lit("red"))
    table.write_csv(folder / "inventory.csv")
    read(folder)
    assert caplog.messages == []


def test_a_name_that_is_none_of_ours_is_refused(folder):
    table = {"path": "inventory.csv", "columns": {"on_handd": "on_hand"}}
    with pytest.raises(
        ConfigurationError, match=r"'on_handd' is no name of ours; did you mean 'on_h"
    ):
        read(folder, inventory=table)


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
    assert table.columns == ["supplier", "ordered", "received", PLACE]


def test_terms_are_read_without_any_stock(folder):
    config = config_of(folder, inventory=None, suppliers="suppliers.csv")
    found = read_terms(config)
    assert found.supply_terms.height == 3
    assert found.suppliers["supplier"].to_list() == ["north", "south"]
    assert found.inventory.is_empty()
    with pytest.raises(ConfigurationError, match=r"tables\.supply_terms must be given"):
        read_terms(config_of(folder, supply_terms=None))


SERIES = pl.DataFrame({"store": ["a", "b"], "item": ["007", "007"]})


def asked_for(folder, rows, *, periods=range(10, 13), suffix=".csv", frequency="D", keys=SERIES):
    """Writes rows of store, item, day and demand, and reads them."""
    table = pl.DataFrame(rows, schema=["store", "item", "date", "demand"], orient="row")
    file = folder / f"asked{suffix}"
    if suffix == ".csv":
        table.write_csv(file)
    else:
        table.with_columns(pl.col("date").str.to_date()).write_parquet(file)
    config = config_of(folder)
    forecast = config.forecast.model_copy(update={"frequency": frequency})
    config = config.model_copy(update={"forecast": forecast})
    return read_demand(file, config, keys=keys, periods=periods)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_demand_is_laid_out_by_period_and_series(folder, suffix):
    # Period 10 is the day 10 since 1970-01-01.
    rows = [
        ("a", "007", "1970-01-11", 3.0),
        ("a", "007", "1970-01-13", 4.5),
        ("b", "007", "1970-01-12", 1.0),
        ("b", "008", "1970-01-12", 9.0),
        ("a", "007", "1970-01-10", 9.0),
        ("a", "007", "1970-01-14", 9.0),
    ]
    assert asked_for(folder, rows, suffix=suffix).tolist() == [[3.0, 0.0], [0.0, 1.0], [4.5, 0.0]]


def test_rows_of_the_same_period_add_up(folder):
    rows = [("a", "007", "1970-01-11", 3.0), ("a", "007", "1970-01-11 18:30:00", 4.0)]
    assert asked_for(folder, rows).tolist() == [[7.0, 0.0], [0.0, 0.0], [0.0, 0.0]]


def test_days_of_a_week_are_of_its_period(folder):
    monday = periods_of(np.array([4]), "W-MON")[0]  # 1970-01-05 is a Monday.
    rows = [("a", "007", "1970-01-05", 3.0), ("a", "007", "1970-01-12", 5.0)]
    periods = range(int(monday), int(monday) + 2)
    found = asked_for(folder, rows, periods=periods, frequency="W-MON")
    assert found[:, 0].tolist() == [3.0, 5.0]


def test_demand_of_no_row_and_of_empty_values_is_0(folder):
    rows = [("a", "007", "1970-01-11", None), ("b", "007", None, 1.0), (None, "007", "soon", 1.0)]
    assert not asked_for(folder, rows).any()
    assert asked_for(folder, []).shape == (3, 2)


@pytest.mark.parametrize("column", ["store", "date", "demand"])
def test_demand_without_a_column_is_refused(folder, column):
    table = pl.DataFrame({"store": ["a"], "item": ["007"], "date": ["1970-01-11"], "demand": [1.0]})
    table.drop(column).write_csv(folder / "asked.csv")
    with pytest.raises(ContractError, match=rf"demand: no column \['{column}'\]; there are: "):
        read_demand(folder / "asked.csv", config_of(folder), keys=SERIES, periods=range(10, 13))


@pytest.mark.parametrize(
    ("day", "demand", "words"),
    [
        ("1970-01-11", "-1", "'1970-01-11 -1'"),
        ("1970-01-11", "many", "'1970-01-11 many'"),
        ("1970-01-11", "nan", "'1970-01-11 nan'"),
        ("1970-01-11", "inf", "'1970-01-11 inf'"),
        ("11.01.1970", "1", "'11.01.1970 1'"),
    ],
)
def test_demand_that_cannot_be_used_is_refused(folder, day, demand, words):
    rows = [("a", "007", "1970-01-11", "1"), ("a", "007", day, demand)]
    with pytest.raises(ContractError, match=rf"demand: 1 rows have no date .*first: {words}"):
        asked_for(folder, rows)


def test_demand_that_is_not_there_is_refused(folder):
    with pytest.raises(BadInputError, match=r"demand: .*none\.csv"):
        read_demand(folder / "none.csv", config_of(folder), keys=SERIES, periods=range(10, 13))


def test_the_same_tables_have_the_same_digest_wherever_they_lie(tmp_path):
    found = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        write_supply(folder)
        found.add(supply_fingerprint(supply_config(folder)))
    assert len(found) == 1


def test_other_stock_has_another_digest_and_the_other_tables_keep_theirs(tmp_path):
    write_supply(tmp_path)
    config = supply_config(tmp_path)
    before = supply_fingerprint(config).split()
    write_supply(tmp_path, on_hand=1.0)
    after = supply_fingerprint(config).split()
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True, True]


def test_a_table_that_is_not_there_counts_as_that(tmp_path):
    write_supply(tmp_path)
    (tmp_path / "suppliers.csv").unlink()
    first, second, third = supply_fingerprint(supply_config(tmp_path)).split()
    assert len(first) == len(second) == 64
    assert third == "none"


def test_another_snapshot_is_another_file(tmp_path):
    changes = {
        "data.sales": "{snapshot}/sales.csv",
        "data.snapshot": "1",
        "replenishment.tables": {
            "inventory": {"path": "{snapshot}/inventory.csv"},
            "supply_terms": {"path": "supply_terms.csv"},
        },
    }
    for snapshot, stock in (("1", 0.0), ("2", 4.0)):
        (tmp_path / snapshot).mkdir()
        write_supply(tmp_path / snapshot, on_hand=stock)
    write_supply(tmp_path)
    config = supply_config(tmp_path, **changes)
    other = supply_config(tmp_path, **(changes | {"data.snapshot": "2"}))
    (one, terms), (two, same) = (supply_fingerprint(each).split() for each in (config, other))
    assert one != two
    assert terms == same
