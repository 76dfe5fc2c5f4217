"""The supply of warehouses: defaults, and what is wrong with a row."""

import polars as pl
import pytest

from demandcast.components.replenishment.warehouse_rows import (
    WAREHOUSE_COLUMNS,
    item_columns,
    warehouse_rows,
)
from demandcast.schema.errors import ContractError

KEYS = ("store", "item")


def rows(**columns):
    base = {"warehouse": ["w"], "item": ["007"], "on_hand": [6.0]}
    return warehouse_rows(pl.DataFrame(base | columns), KEYS)


def test_what_is_not_given_has_its_default():
    assert rows().row(0, named=True) == {
        "warehouse": "w",
        "item": "007",
        "on_hand": 6.0,
        "transport_days": 0.0,
        "transport_cost": 0.0,
        "pack_size": 1.0,
        "problem": None,
    }
    empty = rows(transport_days=[""], transport_cost=[None], pack_size=[" "])
    assert empty.rows() == rows().rows()


def test_text_is_read_as_numbers_and_keys_keep_their_zeros():
    found = rows(on_hand=[" 6.5 "], transport_days=["2"], transport_cost=["0.25"], pack_size=["6"])
    assert found.row(0) == ("w", "007", 6.5, 2.0, 0.25, 6.0, None)


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({"on_hand": [-1.0]}, "supply: on_hand: got '-1.0'; allowed: a number of at least 0"),
        ({"on_hand": ["much"]}, "supply: on_hand: got 'much'; allowed: a number of at least 0"),
        ({"on_hand": [float("nan")]}, "supply: on_hand: got 'NaN'; "),
        ({"on_hand": [float("inf")]}, "supply: on_hand: got 'inf'; "),
        ({"on_hand": [None]}, "supply: on_hand: no value; it must be given"),
        ({"pack_size": [0]}, "supply: pack_size: got '0'; allowed: a number above 0"),
        ({"transport_days": [-0.5]}, "supply: transport_days: got '-0.5'; "),
        ({"transport_cost": ["x"]}, "supply: transport_cost: got 'x'; "),
        ({"warehouse": [" "]}, "supply: warehouse: no value; it must be given"),
        ({"item": [None]}, "supply: item: no value; it must be given"),
    ],
)
def test_a_wrong_value_stops_its_row(columns, problem):
    (found,) = rows(**columns)["problem"].to_list()
    assert found.startswith(problem)


def test_rows_that_contradict_each_other():
    supply = pl.DataFrame(
        {
            "warehouse": ["w", "w", "w", "v", "v"],
            "item": ["1", "1", "2", "2", "3"],
            "on_hand": [1.0] * 5,
            "pack_size": [1.0, 1.0, 6.0, 12.0, 6.0],
        }
    )
    twice, uneven = (
        "supply: 2 rows of the same warehouse, item; allowed: one",
        "supply: pack_size: several",
    )
    problems = warehouse_rows(supply, KEYS)["problem"].to_list()
    assert problems[:2] == [twice] * 2
    assert [problem.startswith(uneven) for problem in problems[2:4]] == [True, True]
    assert problems[4] is None


def test_columns_of_the_key_that_the_supply_has():
    supply = pl.DataFrame({"warehouse": [], "item": [], "store": [], "on_hand": []})
    assert item_columns(supply, KEYS) == ["store", "item"]
    assert item_columns(supply.drop("store"), KEYS) == ["item"]
    assert warehouse_rows(supply, KEYS).is_empty()


@pytest.mark.parametrize(
    ("columns", "keys", "words"),
    [
        (["warehouse", "item"], KEYS, r"no column \['on_hand'\]"),
        (["item", "on_hand"], KEYS, r"no column \['warehouse'\]"),
        (["warehouse", "on_hand", "sku"], KEYS, r"no column of the series key \['store', 'item'\]"),
        (["warehouse", "on_hand"], ("warehouse", "item"), "series_key: ..warehouse.. are columns"),
    ],
)
def test_a_supply_that_cannot_be_read_is_refused(columns, keys, words):
    with pytest.raises(ContractError, match=words):
        item_columns(pl.DataFrame({name: ["1"] for name in columns}), keys)


def test_each_column_says_what_it_means():
    assert all(column.meaning.endswith(".") for column in WAREHOUSE_COLUMNS.values())
