import numpy as np
import polars as pl
from examples_tables import MONDAY_PERIOD

from demandcast.components.examples.lookup import (
    Calendar,
    check_joined,
    concat_files,
    encode_words,
)
from demandcast.components.examples.readers import SOURCE
from demandcast.components.examples.roles import JoinedTable

TABLE = JoinedTable(
    "calendar", ("region",), timestamp="date", numeric=("holiday",), categorical=("event",)
)


def calendar(rows, table=TABLE):
    frame = pl.DataFrame(
        rows, schema=["region", "date", "holiday", "event"], orient="row"
    ).with_columns(pl.Series(SOURCE, range(len(rows)), pl.Int64))
    checked, violations = check_joined(frame, table, frequency="D")
    assert violations == ()
    return Calendar(checked, table)


ROWS = [
    ("north", "2024-01-01", "1", "new year"),
    ("north", "2024-01-03", None, ""),
    ("south", "2024-01-02", "0", "fair"),
]


def test_finds_rows_by_key_and_period():
    found = calendar(ROWS)
    keys = found.locate(pl.DataFrame({"region": ["south", "north", "west"]}))
    at = np.repeat(keys, 4)
    periods = MONDAY_PERIOD + np.tile([-1, 0, 1, 2], 3)
    rows = found.rows_at(at, periods)
    assert found.has(rows).tolist() == [
        *[False, False, True, False],
        *[False, True, False, True],
        *[False] * 4,
    ]
    assert np.nan_to_num(found.numeric["holiday"][rows], nan=-1).tolist() == [
        *[-1, -1, 0, -1],
        *[-1, 1, -1, -1],
        *[-1] * 4,
    ]
    words = found.words["event"]
    assert [words.words[code] for code in words.codes[rows]] == [
        *["", "", "fair", ""],
        *["", "new year", "", ""],
        *[""] * 4,
    ]


def test_knows_which_columns_miss_numbers_up_to_a_period():
    found = calendar(ROWS)
    assert found.misses_until(MONDAY_PERIOD + 1) == frozenset()
    assert found.misses_until(MONDAY_PERIOD + 2) == {"holiday"}


def test_without_further_keys_all_series_share_the_dates():
    table = JoinedTable("calendar", (), timestamp="date", numeric=("holiday",))
    found = calendar(ROWS, table)
    keys = found.locate(pl.DataFrame({"item": ["a", "b"]}))
    assert found.has(found.rows_at(keys, np.full(2, MONDAY_PERIOD))).all()


def test_an_empty_calendar_has_no_row():
    table = JoinedTable("calendar", (), timestamp="date", numeric=("holiday",))
    frame = pl.DataFrame(schema={"date": pl.String, "holiday": pl.String, SOURCE: pl.Int64})
    checked, _ = check_joined(frame, table, frequency="D")
    found = Calendar(checked, table)
    assert not found.has(found.rows_at(np.zeros(3, np.int64), np.arange(3))).any()


def test_words_are_numbered_in_their_order():
    words = encode_words(pl.Series(["b", "a", None, "", "b"]))
    assert words.words == ("", "a", "b")
    assert words.codes.tolist() == [2, 1, 0, 0, 2]
    assert encode_words(pl.Series([None], dtype=pl.String)).words == ("",)


def test_files_with_different_types_join_as_text():
    frames = [pl.DataFrame({"k": [7], "x": [1]}), pl.DataFrame({"k": ["8"], "x": [1.5]})]
    whole = concat_files(frames)
    assert whole["k"].to_list() == ["7", "8"]
    assert whole["x"].to_list() == [1.0, 1.5]
