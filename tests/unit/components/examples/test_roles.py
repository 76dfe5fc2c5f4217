import pytest
from examples_tables import COLUMNS, make_data

from demandcast.components.examples.roles import resolve_roles, table_paths
from demandcast.schema.config import CalendarConfig, TableConfig
from demandcast.schema.errors import ContractError

SALES = ("store", "item", "date", "target", "category", "price", "event", "weather", "in_stock")
ALL = {"sales": [("s.csv", SALES)]}


def without(*names):
    return tuple(name for name in SALES if name not in names)


def test_all_columns_from_the_sales_table():
    roles = resolve_roles(make_data("s.csv"), ALL)
    assert set(roles.sales.columns) == set(SALES)
    assert roles.sales.static == ("category",)
    assert (roles.future, roles.static_tables, roles.calendar) == (None, (), None)


def test_joined_tables_give_what_they_have():
    data = make_data(
        "s.csv",
        static_tables=(TableConfig(path="items.csv", on=("item",)),),
        calendar=CalendarConfig(path="days.csv", on=("date", "region")),
        future="f.csv",
    )
    roles = resolve_roles(
        data,
        {
            "sales": [("s.csv", (*without("event", "weather"), "region"))],
            "static_tables[0]": [("items.csv", ("item", "category", "colour"))],
            "calendar": [("days.csv", ("date", "region", "event", "weather"))],
            "future": [("f.csv", ("store", "item", "date", "price"))],
        },
    )
    assert roles.static_tables[0].static == ("category",)
    # The region is no feature, but the calendar is joined by it.
    assert roles.sales.static == ("region",)
    assert roles.sales.numeric == ("price",)
    assert roles.calendar.on == ("region",)
    assert (roles.calendar.numeric, roles.calendar.categorical) == (("weather",), ("event",))
    assert roles.future.columns == ("store", "item", "date", "price")


def test_a_calendar_may_be_joined_by_what_a_static_table_gives():
    data = make_data(
        "s.csv",
        static_tables=(TableConfig(path="stores.csv", on=("store",)),),
        calendar=CalendarConfig(path="days.csv", on=("date", "region")),
    )
    headers = ALL | {
        "static_tables[0]": [("stores.csv", ("store", "region"))],
        "calendar": [("days.csv", ("date", "region", "event"))],
    }
    roles = resolve_roles(data, headers)
    assert roles.static_tables[0].static == ("region",)
    assert roles.sales.static == ("category",)


def test_missing_columns_are_all_named_with_their_files():
    headers = {"sales": [("a.csv", without("price")), ("b.csv", without("price", "target"))]}
    with pytest.raises(ContractError) as caught:
        resolve_roles(make_data("*.csv"), headers)
    text = str(caught.value)
    assert "sales: column 'price' is missing in 2 of 2 files; first: a.csv, which has [" in text
    assert "sales: column 'target' is missing in 1 of 2 files; first: b.csv" in text


def test_a_future_table_must_have_the_covariates():
    headers = ALL | {"future": [("f.csv", ("store", "item", "date", "price"))]}
    with pytest.raises(ContractError, match="future: column 'event' is missing in 1 of 1 files"):
        resolve_roles(make_data("s.csv", future="f.csv"), headers)


def test_a_join_by_an_unknown_column():
    data = make_data("s.csv", static_tables=(TableConfig(path="x.csv", on=("region",)),))
    headers = ALL | {"static_tables[0]": [("x.csv", ("region", "category"))]}
    with pytest.raises(ContractError, match=r"static_tables\[0\]: joined on \['region'\], which"):
        resolve_roles(data, headers)


def test_paths_of_all_tables():
    data = make_data(
        "s.csv", static_tables=(TableConfig(path="i.csv", on=("item",)),), future="f.csv"
    )
    assert table_paths(data) == {"sales": "s.csv", "static_tables[0]": "i.csv", "future": "f.csv"}
    assert COLUMNS.timestamp == "date"


def test_a_snapshot_takes_its_place_in_the_paths():
    data = make_data("{snapshot}/s.csv", future="f-{snapshot}.csv", snapshot="2026-11-20")
    assert table_paths(data) == {"sales": "2026-11-20/s.csv", "future": "f-2026-11-20.csv"}
