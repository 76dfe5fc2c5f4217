"""Columns of every kind of table, read alike."""

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from serving_tables import KINDS

from demandcast.schema.errors import ContractError
from demandcast.serving.client.table_kinds import open_table

DAY = datetime.date(2026, 6, 30)
DAYS = (DAY - datetime.date(1970, 1, 1)).days


@pytest.fixture(params=sorted(KINDS))
def kind(request):
    return request.param


def opened(kind, **columns):
    return open_table("history", KINDS[kind](columns))


def written(texts):
    return [None if code < 0 else texts.values[code] for code in texts.codes]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["b", "a", "b"], ["b", "a", "b"]),
        (["b", None, "ü"], ["b", None, "ü"]),
        ([7, 10, 7], ["7", "10", "7"]),
        ([True, False, True], ["true", "false", "true"]),
        ([DAY, DAY, DAY], ["2026-06-30"] * 3),
        ([None, None], [None, None]),
    ],
    ids=["text", "nothing", "whole numbers", "truth", "dates", "all nothing"],
)
def test_texts(kind, values, expected):
    assert written(opened(kind, store=values).texts("store")) == expected


def test_texts_are_not_fractions(kind):
    with pytest.raises(ContractError, match=r"^history: column 'store' holds 1\.5; it must be"):
        opened(kind, store=[1.0, 1.5][::-1]).texts("store")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.5, 2.0], [1.5, 2.0]),
        ([1, 2], [1.0, 2.0]),
        ([True, False], [1.0, 0.0]),
        ([1.5, None], [1.5, np.nan]),
        ([None, None], [np.nan, np.nan]),
        ([2, None], [2.0, np.nan]),
        ([decimal.Decimal("1.5"), decimal.Decimal("2.0")], [1.5, 2.0]),
    ],
    ids=["numbers", "whole", "truth", "nothing", "all nothing", "whole or nothing", "decimals"],
)
def test_numbers(kind, values, expected):
    numbers = opened(kind, target=values).numbers("target")
    assert numbers.dtype == np.float64
    np.testing.assert_array_equal(numbers, expected)


@pytest.mark.parametrize("values", [["5", "6"], ["5", None], [DAY, DAY]])
def test_text_is_no_number(kind, values):
    with pytest.raises(ContractError, match=r"^history: column 'target' must hold numbers; its ty"):
        opened(kind, target=values).numbers("target")


@pytest.mark.parametrize(
    "values",
    [
        [DAY, datetime.date(1969, 12, 31)],
        ["2026-06-30", "1969-12-31"],
        [datetime.datetime(2026, 6, 30), datetime.datetime(1969, 12, 31)],
        np.array(["2026-06-30", "1969-12-31"], "datetime64[ns]"),
        np.array(["2026-06-30", "1969-12-31"], "datetime64[s]"),
    ],
    ids=["dates", "text", "moments", "nanoseconds", "seconds"],
)
def test_days(kind, values):
    if kind == "polars" and isinstance(values, np.ndarray):
        values = values.astype("datetime64[ms]")
    days = opened(kind, timestamp=values).days("timestamp")
    assert days.dtype == np.int64
    assert days.tolist() == [DAYS, -1]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([DAY, None], "holds no date: 1 rows, first: 1"),
        (["2026-06-30", "30.6.2026"], "must hold dates: "),
        ([20_000, 20_001], "must hold dates without a time zone, or text as YYYY-MM-DD; its type"),
        (
            [datetime.datetime(2026, 6, 30, 12), datetime.datetime(2026, 6, 30)],
            "holds a time of day; periods begin at midnight: 1 rows, first: 0",
        ),
        (
            [datetime.datetime(2026, 6, 30, tzinfo=datetime.UTC)],
            "must hold dates without a time zone",
        ),
    ],
    ids=["nothing", "other text", "numbers", "noon", "zone"],
)
def test_other_dates_are_refused(kind, values, message):
    with pytest.raises(ContractError, match=f"^history: column 'timestamp' {message}"):
        opened(kind, timestamp=values).days("timestamp")


def test_categories_of_the_libraries():
    values = ["b", None, "a", "b"]
    for table in (
        pd.DataFrame({"store": pd.Categorical(values)}),
        pl.DataFrame({"store": pl.Series(values, dtype=pl.Categorical)}),
        pl.DataFrame({"store": pl.Series(values, dtype=pl.Enum(["a", "b"]))}),
        pa.table({"store": pa.array(values).dictionary_encode()}),
        pa.table({"store": pa.chunked_array([["b", None], ["a", "b"]])}),
        pa.table({"store": pa.array(values, pa.large_string())}),
        {"store": np.array(["b", None, "a", b"b"], dtype=object)},
    ):
        opened_table = open_table("history", table)
        assert opened_table.height == 4
        assert written(opened_table.texts("store")) == values


def test_numbers_of_the_libraries():
    for table in (
        pd.DataFrame({"target": pd.array([1, None], dtype="Int64")}),
        pl.DataFrame({"target": pl.Series([1, None], dtype=pl.Int16)}),
        pa.table({"target": pa.chunked_array([[1], [None]], pa.int32())}),
        {"target": [1, None]},
    ):
        numbers = open_table("history", table).numbers("target")
        np.testing.assert_array_equal(numbers, [1.0, np.nan])


def test_text_in_a_chunked_column_of_time():
    table = pa.table({"timestamp": pa.chunked_array([["2026-06-30"], ["2026-06-30"]])})
    assert open_table("history", table).days("timestamp").tolist() == [DAYS, DAYS]


def test_empty_tables(kind):
    empty = {
        "arrays": {"store": np.array([], dtype=object), "target": np.zeros(0)},
        "pandas": pd.DataFrame({"store": pd.Series([], dtype=object), "target": np.zeros(0)}),
        "arrow": pa.schema([("store", pa.string()), ("target", pa.float64())]).empty_table(),
        "polars": pl.DataFrame(schema={"store": pl.String, "target": pl.Float64}),
    }
    table = open_table("history", empty[kind])
    assert (table.height, table.columns) == (0, ["store", "target"])
    assert table.texts("store").codes.tolist() == []
    assert table.numbers("target").tolist() == []


def test_tables_like_the_one_that_came_in(kind):
    columns = {
        "store": np.array(["a", "b"], dtype=object),
        "timestamp": np.array(["2026-06-30", "2026-07-01"], "datetime64[D]"),
        "step": np.array([1, 2], np.int32),
        "mean": np.array([0.5, 1.5], np.float32),
    }
    made = opened(kind, x=[1]).like(columns)
    again = open_table("forecast", made)
    assert again.columns == list(columns)
    assert written(again.texts("store")) == ["a", "b"]
    assert again.days("timestamp").tolist() == [DAYS, DAYS + 1]
    assert again.numbers("mean").tolist() == [0.5, 1.5]
    assert type(made) is type(KINDS[kind]({"x": [1]}))


@pytest.mark.parametrize("table", [None, [1, 2], "table", pd.Series([1])])
def test_what_is_no_table(table):
    with pytest.raises(ContractError, match=r"^history: a .* is no table; a pandas or polars Data"):
        open_table("history", table)


@pytest.mark.parametrize("columns", [{"a": [1], "b": [1, 2]}, {"a": [[1]]}, {"a": 1}])
def test_columns_of_several_lengths(columns):
    with pytest.raises(ContractError, match="history: every column must be one list of values"):
        open_table("history", columns)
