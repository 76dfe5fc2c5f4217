import datetime
import math
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from demandcast.components.examples.parsing import parse_days, parse_numbers, parse_text

DAY = datetime.date(2024, 2, 29)
NUMBER_OF_DAY = (DAY - datetime.date(1970, 1, 1)).days


@pytest.mark.parametrize(
    "column",
    [
        pl.Series([DAY]),
        pl.Series(["2024-02-29"]),
        pl.Series([" 2024-02-29 "]),
        pl.Series(["2024-02-29 00:00:00"]),
        pl.Series(["2024-02-29T00:00Z"]),
        pl.Series(["2024-02-29"], dtype=pl.Categorical),
        pl.Series([datetime.datetime(2024, 2, 29)], dtype=pl.Datetime("us")),
        pl.Series([datetime.datetime(2024, 2, 29)], dtype=pl.Datetime("ns")),
        pl.Series([datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC)]),
    ],
)
def test_reads_the_same_date_from_every_type(column):
    parsed = parse_days(column)
    assert parsed.days.tolist() == [NUMBER_OF_DAY]
    assert not (parsed.missing | parsed.failed | parsed.inside_day).any()


@pytest.mark.parametrize(
    "text", ["29.02.2024", "2024-02-30", "tomorrow", "2024-02-29x", "20240229"]
)
def test_refuses_what_is_no_date(text):
    parsed = parse_days(pl.Series([text, "2024-02-29"]))
    assert parsed.failed.tolist() == [True, False]
    assert parsed.days[1] == NUMBER_OF_DAY


@pytest.mark.parametrize("column", [pl.Series([20240229]), pl.Series([1.5]), pl.Series([[1]])])
def test_numbers_and_lists_are_no_dates(column):
    assert parse_days(column).failed.tolist() == [True]


@pytest.mark.parametrize("missing", [None, "", "NA", "null", "NaN"])
def test_missing_dates_did_not_fail(missing):
    parsed = parse_days(pl.Series([missing], dtype=pl.String))
    assert (parsed.missing.tolist(), parsed.failed.tolist()) == ([True], [False])


@pytest.mark.parametrize(
    "column",
    [
        pl.Series(["2024-02-29 12:30"]),
        pl.Series([datetime.datetime(2024, 2, 29, 12)]),
        pl.Series([datetime.datetime(2024, 2, 29)]).dt.replace_time_zone("Europe/Berlin"),
    ],
)
def test_a_time_of_day_is_noticed(column):
    parsed = parse_days(column)
    assert parsed.inside_day.tolist() == [True]
    assert parsed.failed.tolist() == [False]


def test_dates_before_1970():
    assert parse_days(pl.Series(["1969-12-31"])).days.tolist() == [-1]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pl.Series([1, 2], dtype=pl.Int8), [1.0, 2.0]),
        (pl.Series([0.5, math.nan]), [0.5, None]),
        (pl.Series([True, None]), [1.0, None]),
        (pl.Series([Decimal("1.25")]), [1.25]),
        (pl.Series(["1", " 2.5", "1e3", "TRUE", "false"]), [1.0, 2.5, 1000.0, 1.0, 0.0]),
        (pl.Series(["", "NA", "None", None, "nan"]), [None] * 5),
        (pl.Series(["3"], dtype=pl.Categorical), [3.0]),
        (pl.Series([None, None]), [None, None]),
    ],
)
def test_reads_numbers_from_every_type(column, expected):
    parsed = parse_numbers(column)
    assert parsed.values.to_list() == expected
    assert parsed.failed is None or not parsed.failed.any()
    assert parsed.infinite is None


def test_text_that_is_no_number_failed():
    parsed = parse_numbers(pl.Series(["1", "1,5", "x", None]))
    assert parsed.failed.to_list() == [False, True, True, False]
    assert parsed.values.to_list() == [1.0, None, None, None]


def test_dates_are_no_numbers():
    assert parse_numbers(pl.Series([DAY, None])).failed.to_list() == [True, False]


@pytest.mark.parametrize(
    "column", [pl.Series([np.inf, 1.0]), pl.Series(["-inf", "1"]), pl.Series([1e39, 1.0])]
)
def test_infinite_and_too_large_for_float32(column):
    parsed = parse_numbers(column)
    assert parsed.infinite.to_list() == [True, False]
    assert parsed.values.to_list() == [None, 1.0]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pl.Series(["a", "", None, "NA"]), ["a", None, None, "NA"]),
        (pl.Series([5, None]), ["5", None]),
        (pl.Series([5.0, 0.25, math.nan]), ["5", "0.25", None]),
        (pl.Series([True, False]), ["true", "false"]),
        (pl.Series([DAY]), ["2024-02-29"]),
        (pl.Series(["x"], dtype=pl.Categorical), ["x"]),
        (pl.Series([[1]]), [None]),
        (pl.Series([datetime.timedelta(1)]), [None]),
        (pl.Series([datetime.time(8)]), [None]),
        (pl.Series([b"a", b"", None]), ["a", None, None]),
        (pl.Series([b"a", b"\xff", b"", None]), ["a", None, None, None]),
    ],
)
def test_reads_categories_as_text(column, expected):
    assert parse_text(column).to_list() == expected
