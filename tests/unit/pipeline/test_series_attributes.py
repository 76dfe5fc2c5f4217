"""Attributes of series: static tables first, then the sales as ingestion reads them."""

import polars as pl
import pytest
import replenishment_world as world
from configurations import parse

from demandcast.pipeline import series_attributes
from demandcast.pipeline.series_attributes import read_attributes

SERIES = pl.DataFrame({"store": ["a", "b"], "item": ["007", "007"]})


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def with_statics(folder, static, *tables, sales="none.csv"):
    return parse(
        **{
            "data.sales": str(folder / sales),
            "data.columns.static": list(static),
            "data.static_tables": [
                {"path": str(folder / path), "on": list(on)} for path, on in tables
            ],
        }
    )


def test_attributes_are_those_of_the_static_tables(folder):
    pl.DataFrame({"item": ["007", "008"], "category": ["tea", "rice"], "x": [1, 2]}).write_csv(
        folder / "items.csv"
    )
    pl.DataFrame({"store": ["b", "a"], "region": ["north", "south"]}).write_csv(
        folder / "stores.csv"
    )
    config = with_statics(
        folder,
        ["category", "region"],
        ("items.csv", ["item"]),
        ("stores.csv", ["store"]),
    )
    series = pl.DataFrame({"store": ["a", "b", "c"], "item": ["007", "009", "008"]})
    found = read_attributes(config, series)
    assert found.columns == ["store", "item", "category", "region"]
    assert found.rows() == [
        ("a", "007", "tea", "south"),
        ("b", "009", None, "north"),
        ("c", "008", "rice", None),
    ]


def test_an_attribute_that_is_given_twice_adds_no_row(folder):
    pl.DataFrame({"item": ["007", "007"], "category": ["tea", "rice"]}).write_csv(
        folder / "items.csv"
    )
    config = with_statics(folder, ["category"], ("items.csv", ["item"]))
    assert read_attributes(config, SERIES)["category"].to_list() == ["tea", "tea"]


def test_without_static_columns_the_sales_are_not_looked_at(folder):
    assert read_attributes(with_statics(folder, []), SERIES).equals(SERIES)


def test_sales_that_are_not_there_are_said(folder, caplog):
    assert read_attributes(with_statics(folder, ["category"]), SERIES).equals(SERIES)
    assert "not grouped by category: sales: no file matches" in caplog.text


def sales(**columns):
    rows = {"store": ["a", "a", "b"], "item": ["007"] * 3, "date": ["2026-06-30"] * 3}
    return pl.DataFrame(rows | {"category": [None, "tea", "rice"]} | columns)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet"])
def test_what_no_static_table_has_is_that_of_the_sales(folder, suffix):
    """The first value that is there, as in ingestion; in files that have the column or not."""
    world.write_table(
        sales(category=["cocoa", None, None]).drop("category"), folder / f"s1{suffix}"
    )
    world.write_table(sales(), folder / f"s2{suffix}")
    config = with_statics(folder, ["category"], sales=f"s*{suffix}")
    series = pl.DataFrame({"store": ["b", "a", "c"], "item": ["007"] * 3})
    found = read_attributes(config, series)
    assert found.columns == ["store", "item", "category"]
    assert found["category"].to_list() == ["rice", "tea", None]


def test_keys_of_the_sales_are_read_as_in_ingestion(folder):
    numbers = sales(item=[7.0] * 3, category=[5.0, None, None])
    numbers.write_parquet(folder / "sales.parquet")
    config = with_statics(folder, ["category"], sales="sales.parquet")
    series = pl.DataFrame({"store": ["a"], "item": ["7"]})
    assert read_attributes(config, series)["category"].to_list() == ["5"]


def test_a_static_table_wins_over_the_sales(folder):
    pl.DataFrame({"item": ["007"], "category": ["cocoa"]}).write_csv(folder / "items.csv")
    sales().write_csv(folder / "sales.csv")
    config = with_statics(folder, ["category"], ("items.csv", ["item"]), sales="sales.csv")
    assert read_attributes(config, SERIES)["category"].to_list() == ["cocoa", "cocoa"]


def test_a_static_table_may_be_joined_by_a_column_of_the_sales(folder):
    pl.DataFrame({"category": ["tea", "rice"], "hall": ["1", "2"]}).write_csv(folder / "halls.csv")
    sales(brand=["x", "x", "y"]).write_csv(folder / "sales.csv")
    halls = ("halls.csv", ["category"])
    config = with_statics(folder, ["hall", "brand"], halls, sales="sales.csv")
    found = read_attributes(config, SERIES)
    assert found.columns == ["store", "item", "hall", "brand"]
    assert found.select("hall", "brand").rows() == [("1", "x"), ("2", "y")]


def test_sales_in_blocks_are_the_same(folder, monkeypatch):
    sales().write_csv(folder / "sales.csv")
    config = with_statics(folder, ["category"], sales="sales.csv")
    whole = read_attributes(config, SERIES)
    monkeypatch.setattr(series_attributes, "_BLOCK_ROWS", 1)
    assert read_attributes(config, SERIES).equals(whole)
