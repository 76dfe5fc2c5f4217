"""Rows of tables: numbered alike, and sorted."""

import datetime

import numpy as np
import pytest

from demandcast.serving.client.table_kinds import open_table
from demandcast.serving.client.table_rows import join_keys, sort_rows
from demandcast.serving.client.table_spec import TableSpec


def table(name="history", **columns):
    return open_table(name, columns)


def test_series_of_two_tables_have_one_number():
    first = table(store=["b", "a", "b"], item=["x", "x", "y"])
    second = table("future", store=["a", "c"], item=["x", "x"])
    keys, (history, future) = join_keys([first, second], ("store", "item"))
    assert [values.tolist() for values in keys.values] == [
        ["a", "b", "b", "c"],
        ["x", "x", "y", "x"],
    ]
    assert (history.tolist(), future.tolist()) == ([1, 0, 2], [0, 3])
    assert (len(keys), keys.name(2)) == (4, "store=b, item=y")


@pytest.mark.parametrize("columns", [1, 2, 8, 70])
def test_any_number_of_key_columns(columns):
    """70 columns of 3 values would be 3 ** 70 series, if they were counted so."""
    rng = np.random.default_rng(columns)
    rows = rng.integers(0, 3, (40, columns)).astype(str)
    names = tuple(f"k{number}" for number in range(columns))
    keys, (numbers,) = join_keys(
        [table(**{name: rows[:, place] for place, name in enumerate(names)})], names
    )
    expected = sorted({tuple(row) for row in rows.tolist()})
    assert list(zip(*(values.tolist() for values in keys.values), strict=True)) == expected
    assert [expected[number] for number in numbers] == [tuple(row) for row in rows.tolist()]


def test_rows_are_sorted_by_series_and_period():
    day = datetime.date(2026, 6, 29)
    days = [day + datetime.timedelta(days=7 * week) for week in (2, 0, 1, 5)]
    opened = table(store=["b", "b", "a", "b"], timestamp=days, target=[1.0, 2.0, 3.0, 4.0])
    keys, (numbers,) = join_keys([opened], ("store",))
    spec = TableSpec(series_key=("store",), quantile_levels=(0.5,), frequency="W-MON")
    rows = sort_rows(opened, numbers, keys, spec)
    assert rows.numbers("target").tolist() == [3.0, 2.0, 1.0, 4.0]
    assert rows.starts.tolist() == [0, 1, 4]
    assert np.diff(rows.periods[1:]).tolist() == [2, 3]
    kept = rows.kept(rows.periods > rows.periods[0])
    assert kept.numbers("target").tolist() == [1.0, 4.0]
    assert kept.starts.tolist() == [0, 0, 2]
    assert kept.first_periods(0, 2).tolist() == [np.iinfo(np.int64).max, rows.periods[2]]
