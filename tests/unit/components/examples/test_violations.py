import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.examples.readers import ReadTask, source_of
from demandcast.components.examples.violations import (
    SHOWN,
    contract_error,
    merge_violations,
    unreadable_file,
    violation,
)


def offend(rows, *, column="qty", unit="rows"):
    return violation(
        ("sales", column),
        "not a number",
        expected="a number",
        sources=[source_of(0, row) for row in rows],
        values=[f"x{row}" for row in rows],
        unit=unit,
    )


@given(rows=st.lists(st.integers(1, 10_000), unique=True, min_size=1), seed=st.integers(0, 99))
def test_merging_parts_in_any_order_equals_the_whole(rows, seed):
    shuffled = np.random.default_rng(seed).permutation(rows)
    parts = [offend(part.tolist()) for part in np.array_split(shuffled, 3) if len(part)]
    (merged,) = merge_violations(parts)
    assert merged == offend(rows)
    assert merged.count == len(rows)
    assert [offender.value for offender in merged.offenders] == [
        f"x{row}" for row in sorted(rows)[:SHOWN]
    ]


def test_the_message_names_table_column_count_file_row_and_value():
    error = contract_error(
        merge_violations([offend([7, 3]), offend([2], column="price")]), {"sales": ["/d/a.csv"]}
    )
    assert str(error).splitlines() == [
        "the tables break their contract in 2 ways; nothing was written "
        "(rows are data rows of the file, counted from 1, without the header)",
        "  sales: column 'price': not a number (1 row); expected a number; first: a.csv row 2 (x2)",
        "  sales: column 'qty': not a number (2 rows); expected a number; first: "
        "a.csv row 3 (x3), row 7 (x7)",
    ]


def test_files_of_the_same_name_are_told_apart_by_their_paths():
    item = violation(
        ("sales", "qty"), "wrong", expected="right", sources=[source_of(1, 4)], values=[1.0]
    )
    text = str(contract_error([item], {"sales": ["/x/a.csv", "/y/a.csv"]}))
    assert text.endswith("first: /y/a.csv row 4 (1)")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            pa.ArrowInvalid("column #5: invalid UTF8 data"),
            "not UTF-8 text (1 file); expected UTF-8 text; "
            "first: a.csv (column #5: invalid UTF8 data)",
        ),
        (OSError(), "file cannot be read (1 file); expected a readable file; first: a.csv (OSErr"),
    ],
)
def test_an_unreadable_file_claims_no_row(error, text):
    task = ReadTask("sales", 0, "/d/a.csv", None, 0)
    message = str(contract_error([unreadable_file(task, error)], {"sales": ["/d/a.csv"]}))
    assert f"sales: column '(all)': {text}" in message


def test_long_values_are_cut():
    item = violation(
        ("sales", "qty"), "wrong", expected="right", sources=[source_of(0, 1)], values=["y" * 500]
    )
    assert len(item.offenders[0].value) == 100


def test_series_are_counted_as_series():
    text = str(contract_error([offend([1], unit="series")], {"sales": ["a.csv"]}))
    assert "(1 series)" in text
