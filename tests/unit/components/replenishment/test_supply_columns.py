"""Columns of the tables beside the forecasts: types, bounds, and one message for what is wrong."""

import datetime
import doctest

import polars as pl
import pytest

from demandcast.components.replenishment import supply_columns
from demandcast.components.replenishment.supply_columns import (
    PLACE,
    PROBLEM,
    TABLES,
    Column,
    check_our_names,
    clean_table,
    misspelt_columns,
    rename_columns,
    unique_rows,
)
from demandcast.schema.errors import ConfigurationError, ContractError


def inventory(**columns):
    """One row of each value."""
    count = max(len(values) for values in columns.values())
    return pl.DataFrame({"item": [f"{at:03}" for at in range(count)]} | columns)


def cleaned(values, name="on_hand", table="inventory", **others):
    """The cleaned column, and what is wrong with each row."""
    frame = clean_table(inventory(**{name: values}, **others), table, keys=["item"])
    return frame[name].to_list(), frame[PROBLEM].to_list()


def test_numbers_may_be_text():
    values, problems = cleaned(["1", " 2.5 ", "0", "1e3"])
    assert values == [1, 2.5, 0, 1000]
    assert problems == [None] * 4


@pytest.mark.parametrize("value", ["-1", "NaN", "inf", "many", "1,5", "1e999", "0x10", "--"])
def test_what_is_no_number_of_at_least_0_is_named(value):
    values, problems = cleaned(["3", value])
    assert values == [3, None]
    words = f"inventory, row 2: on_hand: got '{value}'; allowed: a number of at least 0"
    assert problems == [None, words]


@pytest.mark.parametrize("value", [None, "", "  "])
def test_an_empty_value_is_wrong_only_where_one_must_be(value):
    assert cleaned(["3", value])[1] == [
        None,
        "inventory, row 2: on_hand: no value; it must be given",
    ]
    values, problems = cleaned(["3", value], "on_order", on_hand=[1.0, 1.0])
    assert (values, problems) == ([3, None], [None, None])


def terms(**columns):
    usual = {"supplier": ["north"], "unit_cost": [1.0]}
    frame = pl.DataFrame({"item": ["007"]} | usual | {k: [v] for k, v in columns.items()})
    return clean_table(frame, "supply_terms", keys=["item"]).row(0, named=True)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("review_period", 0, "a whole number of at least 1"),
        ("review_period", 1.5, "a whole number of at least 1"),
        ("shelf_life", 0, "a whole number of at least 1"),
        ("pack_size", 0, "a number of at least 0.000001"),
        ("pack_size", -2, "a number of at least 0.000001"),
        ("moq", -1, "a number of at least 0"),
        ("unit_cost", -1, "a number of at least 0"),
        ("storage_capacity", 0, "a number above 0"),
        ("service_target", 1, "a number above 0 and below 1"),
        ("service_target", 95, "a number above 0 and below 1"),
        ("stockout_cost", float("nan"), "a number of at least 0"),
        ("holding_cost", float("inf"), "a number of at least 0"),
    ],
)
def test_bounds_of_the_terms(name, value, allowed):
    row = terms(**{name: value})
    assert row[name] is None
    assert row[PROBLEM].startswith(f"supply_terms, row 1: {name}: got '")
    assert row[PROBLEM].endswith(f"'; allowed: {allowed}")


@pytest.mark.parametrize(
    ("name", "value"),
    [("review_period", 1), ("moq", 0), ("pack_size", 0.001), ("service_target", 0.999)],
)
def test_the_bounds_themselves(name, value):
    row = terms(**{name: value})
    assert (row[name], row[PROBLEM]) == (value, None)


def test_the_first_of_several_problems_is_named():
    assert "unit_cost" in terms(unit_cost=-1.0, moq=-1.0)[PROBLEM]


def test_dates_are_days_times_or_text():
    day = datetime.date(2026, 7, 3)
    rows = {"store": "a", "item": "007", "quantity": 1.0}
    moments = (day, datetime.datetime(2026, 7, 3, 14), "2026-07-03", "2026-07-03T14:00:00Z")
    for moment in moments:
        frame = pl.DataFrame([rows | {"due": moment}])
        row = clean_table(frame, "open_orders", keys=["store", "item"]).row(0, named=True)
        assert (row["due"], row[PROBLEM]) == (day, None)


def test_a_date_that_is_none_is_named():
    frame = pl.DataFrame({"item": ["1"], "quantity": [1], "due": ["3/7/2026"]})
    (problem,) = clean_table(frame, "open_orders", keys=["item"])[PROBLEM]
    assert problem == "open_orders, row 1: due: got '3/7/2026'; allowed: a date as YYYY-MM-DD"


def test_columns_that_are_not_there_are_null_and_others_go():
    frame = clean_table(inventory(on_hand=[1], colour=["red"]), "inventory", keys=["item"])
    assert frame.columns == [
        "item",
        "on_hand",
        "on_order",
        "reserved",
        "storage_capacity",
        PROBLEM,
        PLACE,
    ]
    assert frame.row(0) == ("000", 1.0, None, None, None, None, "row 1")


@pytest.mark.parametrize("table", list(TABLES))
def test_a_table_without_rows_is_typed_all_the_same(table):
    names = ["item", *TABLES[table]]
    empty = pl.DataFrame({name: [] for name in names})
    frame = clean_table(empty, table, keys=["item"])
    assert frame.height == 0
    kinds = {"date": pl.Date(), "text": pl.String()}
    for name, column in TABLES[table].items():
        assert frame.schema[name] == kinds.get(column.kind, pl.Float64())


@pytest.mark.parametrize("names", [["on_hand"], ["item"], []])
def test_a_missing_column_stops_everything(names):
    frame = pl.DataFrame({name: ["1"] for name in names} | {"other": ["1"]})
    with pytest.raises(ContractError, match=r"inventory: no column \['") as caught:
        clean_table(frame, "inventory", keys=["item"])
    for name in {"item", "on_hand"} - set(names):
        assert f"'{name}'" in str(caught.value)
    assert "there are: " in str(caught.value)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("on_hand", [True], "on_hand: a column of Boolean; allowed: numbers"),
        ("on_hand", [datetime.date(2026, 1, 1)], "on_hand: a column of Date"),
        ("on_hand", [[1.0]], r"on_hand: a column of List\(Float64\)"),
        ("item", [7.0], "item: a column of Float64; allowed: text or whole numbers"),
        ("item", [True], "item: a column of Boolean"),
    ],
)
def test_a_column_of_a_type_that_cannot_be_meant(name, values, words):
    frame = pl.DataFrame({"item": ["007"], "on_hand": [1.0]} | {name: values})
    with pytest.raises(ContractError, match=f"inventory: {words}"):
        clean_table(frame, "inventory", keys=["item"])


def test_a_number_is_no_date():
    frame = pl.DataFrame({"item": ["007"], "quantity": [1.0], "due": [20260703]})
    with pytest.raises(ContractError, match=r"open_orders: due: a column of Int64; allowed: dates"):
        clean_table(frame, "open_orders", keys=["item"])


def test_an_optional_column_that_pandas_left_empty_is_no_harm():
    frame = pl.DataFrame({"item": ["1"], "quantity": [1.0], "due": [float("nan")]})
    row = clean_table(frame, "open_orders", keys=["item"]).row(0, named=True)
    assert (row["due"], row[PROBLEM]) == (None, None)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["007", "7"], ["007", "7"]),
        ([7, 8], ["7", "8"]),
        (pl.Series(["007", "7"], dtype=pl.Categorical), ["007", "7"]),
    ],
)
def test_keys_are_text_as_they_are(keys, expected):
    frame = pl.DataFrame({"item": keys, "on_hand": [1, 1]})
    assert clean_table(frame, "inventory", keys=["item"])["item"].to_list() == expected


def test_a_key_without_a_value_is_empty_and_named():
    frame = pl.DataFrame({"item": [None, "", "1"], "on_hand": [1, 1, 1]})
    found = clean_table(frame, "inventory", keys=["item"])
    assert found["item"].to_list() == ["", "", "1"]
    words = "inventory, row {}: item: no value; it must be given"
    assert found[PROBLEM].to_list() == [words.format(1), words.format(2), None]


def test_a_supplier_is_stripped_and_may_be_a_number():
    assert terms(supplier=" north ")["supplier"] == "north"
    assert terms(supplier=7)["supplier"] == "7"
    assert (
        terms(supplier="")[PROBLEM] == "supply_terms, row 1: supplier: no value; it must be given"
    )


def test_renaming():
    frame = pl.DataFrame({"sku": ["1"], "stock": ["2"], "on_hand": ["old"]})
    found = rename_columns(frame, {"item": "sku", "on_hand": "stock"}, table="inventory")
    assert found.to_dicts() == [{"item": "1", "on_hand": "2"}]


def test_names_may_change_places():
    frame = pl.DataFrame({"on_hand": ["1"], "on_order": ["2"]})
    names = {"on_hand": "on_order", "on_order": "on_hand"}
    found = rename_columns(frame, names, table="inventory")
    assert found.to_dicts() == [{"on_order": "1", "on_hand": "2"}]


def test_renaming_a_column_that_is_not_there():
    with pytest.raises(
        ContractError, match=r"inventory: no column \['stock'\]; there are: \['x'\]"
    ):
        rename_columns(pl.DataFrame({"x": [1]}), {"on_hand": "stock"}, table="inventory")


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (Column("", above=0, below=1), "a number above 0 and below 1"),
        (Column("", "whole", least=1), "a whole number of at least 1"),
        (Column("", least=0, most=1e12), "a number of at least 0 and at most 1,000,000,000,000"),
        (Column("", "date"), "a date as YYYY-MM-DD"),
        (Column("", "text"), "text"),
        (Column(""), "a number"),
    ],
)
def test_what_is_allowed_in_words(column, words):
    assert column.allowed == words


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(supply_columns).failed == 0


BOUNDED = [
    (table, name, column.most)
    for table, columns in TABLES.items()
    for name, column in columns.items()
    if column.most is not None
]


@pytest.mark.parametrize(("table", "name", "most"), BOUNDED)
def test_what_no_business_has_is_named(table, name, most):
    required = {
        other: {"text": "s", "date": "2026-06-30"}.get(column.kind, 1.0)
        for other, column in TABLES[table].items()
        if column.required
    }
    values = [float(most), most * 1.01, 1e300]
    frame = pl.DataFrame({"item": ["1"] * 3} | {k: [v] * 3 for k, v in required.items()})
    frame = frame.with_columns(pl.Series(name, values))
    found = clean_table(frame, table, keys=["item"])
    assert found[name].to_list() == [most, None, None]
    assert found[PROBLEM][0] is None
    for row in (1, 2):
        problem = found[PROBLEM][row]
        assert problem.startswith(f"{table}, row {row + 1}: {name}: got '")
        assert problem.endswith(f"allowed: {TABLES[table][name].allowed}")


def test_every_number_but_a_share_has_a_largest_value():
    without = {
        name
        for columns in TABLES.values()
        for name, column in columns.items()
        if column.kind in ("number", "whole") and column.most is None
    }
    assert without == {"service_target"}


def test_a_row_is_where_the_file_has_it():
    frame = inventory(on_hand=["1", "-1"]).with_columns(pl.Series(PLACE, ["line 2", "line 9"]))
    found = clean_table(frame, "inventory", keys=["item"])
    assert found[PLACE].to_list() == ["line 2", "line 9"]
    assert found[PROBLEM][1].startswith("inventory, line 9: on_hand: got '-1'")


def test_a_message_lists_the_columns_of_the_file_and_no_other():
    frame = pl.DataFrame({"item": ["1"], PLACE: ["line 2"]})
    with pytest.raises(ContractError, match=r"there are: \['item'\]$"):
        clean_table(frame, "inventory", keys=["item"])
    with pytest.raises(ContractError, match=r"there are: \['item'\]$"):
        rename_columns(frame, {"on_hand": "stock"}, table="inventory")


def test_of_several_rows_the_first_is_kept_and_the_lines_are_named():
    frame = pl.DataFrame({"item": ["1", "2", "1", "1", "1"], "on_hand": [1.0, 2.0, 3.0, 4.0, 5.0]})
    found = unique_rows(clean_table(frame, "inventory", keys=["item"]), ["item"], "inventory")
    assert found["on_hand"].to_list() == [1, 2]
    assert found[PROBLEM].to_list() == [
        "inventory: 4 rows of the same item, first: row 1, row 3, row 4; allowed: one",
        None,
    ]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["item", "on_hand", "reserve"], [("reserve", "reserved")]),
        (["on_hand", "Storage Capacity"], [("Storage Capacity", "storage_capacity")]),
        (["on_hand", "reserve", "reserved"], []),  # The right one is there as well.
        (["on_hand", "colour", "warehouse"], []),
        (["on_hand", "reserve"], []),  # It is a key, too.
    ],
)
def test_columns_that_look_misspelt(columns, expected):
    keys = ["item"] if len(expected) or "reserved" in columns else ["item", "reserve"]
    assert list(misspelt_columns(columns, "inventory", keys=keys)) == expected


def test_a_name_that_is_none_of_ours_is_refused_with_the_nearest():
    check_our_names(["item", "on_hand"], "inventory", keys=["item"])
    with pytest.raises(
        ConfigurationError,
        match=r"replenishment.tables.inventory.columns: 'on_hnd' is no name of ours; did you mean "
        r"'on_hand'\?; allowed: \['on_hand', .*'item'\]",
    ):
        check_our_names(["on_hnd"], "inventory", keys=["item"])
    with pytest.raises(ConfigurationError, match=r"'colour' is no name of ours; allowed: "):
        check_our_names(["colour"], "inventory", keys=["item"])
