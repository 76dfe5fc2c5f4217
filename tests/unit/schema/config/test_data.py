"""Roles of the columns, and what to do with odd rows."""

import pytest
from configurations import parse

from demandcast.schema import series_example
from demandcast.schema.errors import ConfigurationError


def test_defaults_are_pinned():
    values = parse().data.model_dump(mode="json")
    assert values == {
        "sales": "sales.csv",
        "snapshot": "",
        "columns": {
            "series_key": ["store", "item"],
            "timestamp": "date",
            "target": "sold",
            "static": [],
            "known_future": {"numeric": [], "categorical": []},
            "observed_past": {"numeric": [], "categorical": []},
            "availability": None,
        },
        "static_tables": [],
        "calendar": None,
        "future": None,
        "transactions": None,
        "duplicates": "error",
        "negative_target": "error",
        "missing_period": "unknown",
        "empty_period": "zero",
    }


def test_defaults_of_availability_are_pinned():
    availability = parse(**{"data.columns.availability": {"column": "hours"}}).data.columns
    assert availability.availability.model_dump() == {
        "column": "hours",
        "kind": "in_stock_fraction",
        "opening_hours": 24.0,
    }


def test_key_columns_come_first_among_static_ones():
    assert parse(**{"data.columns.static": ["a"]}).data.columns.all_static == ("store", "item", "a")


@pytest.mark.parametrize(
    ("changes", "repeated"),
    [
        ({"data.columns.static": ["store"]}, "store"),
        ({"data.columns.known_future": {"numeric": ["x"], "categorical": ["x"]}}, "x"),
        ({"data.columns.known_future": {"numeric": ["item"]}}, "item"),
        ({"data.columns.static": ["a", "a"]}, "a"),
        ({"data.columns.static": ["date"]}, "date"),
        ({"data.columns.observed_past": {"numeric": ["sold"]}}, "sold"),
        ({"data.columns.timestamp": "sold"}, "sold"),
    ],
)
def test_a_column_has_one_role(changes, repeated):
    with pytest.raises(ConfigurationError, match=rf"one role only.*\['{repeated}'\]"):
        parse(**changes)


@pytest.mark.parametrize("name", sorted(series_example.RESERVED_NAMES))
def test_names_of_features_are_reserved(name):
    with pytest.raises(ConfigurationError, match=rf"reserved by demandcast: \['{name}'\]"):
        parse(**{"data.columns.static": [name]})


def test_the_target_and_availability_columns_may_have_the_features_names():
    columns = parse(
        **{
            "data.columns.target": series_example.TARGET,
            "data.columns.availability": {"column": series_example.IN_STOCK_FRACTION},
        }
    ).data.columns
    assert columns.target == series_example.TARGET


def test_defaults_of_a_calendar_are_pinned():
    calendar = parse(**{"data.calendar": {"path": "c.csv", "on": ["date"]}}).data.calendar
    assert calendar.model_dump() == {"path": "c.csv", "on": ("date",), "missing_date": "error"}


def test_a_calendar_is_joined_by_the_timestamp():
    with pytest.raises(
        ConfigurationError,
        match=r"data\.calendar\.on: got \['item'\]; .* the timestamp column; allowed: \['date'\]",
    ):
        parse(**{"data.calendar": {"path": "c.csv", "on": ["item"]}})
    assert parse(**{"data.calendar": {"path": "c.csv", "on": ["region", "date"]}})


def test_net_needs_sums():
    with pytest.raises(ConfigurationError, match="use duplicates: sum"):
        parse(**{"data.negative_target": "net", "data.duplicates": "keep_last"})
    assert parse(**{"data.negative_target": "net", "data.duplicates": "sum"})


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("data.columns.series_key", [], r"data\.columns\.series_key: got \[\].*at least 1 item"),
        ("data.duplicates", "first", r"data\.duplicates: got 'first'; .*'keep_last'"),
        ("data.calendar", {"path": "c.csv"}, r"data\.calendar\.on: missing"),
        ("data.static_tables", [{"path": "a", "on": []}], r"data\.static_tables\.0\.on: got \[\]"),
        (
            "data.columns.availability",
            {"column": "h", "opening_hours": 0},
            r"availability\.opening_hours: got 0; .*greater than 0",
        ),
    ],
)
def test_wrong_values_are_refused_with_path_value_and_what_is_allowed(key, value, message):
    with pytest.raises(ConfigurationError, match=message):
        parse(**{key: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data.sales": "sales/{snapshot}/*.csv"},
            r"data\.snapshot: missing; data\.sales has \{snapshot\} in its path",
        ),
        (
            {"data.future": "future-{snapshot}.csv"},
            r"data\.snapshot: missing; data\.future has \{snapshot\} in its path",
        ),
        (
            {"data.snapshot": "2026-11-20"},
            r"got '2026-11-20', but data\.sales has no \{snapshot\} in its path",
        ),
        (
            {"data.snapshot": "../up", "data.sales": "{snapshot}.csv"},
            r"data\.snapshot may hold letters, digits",
        ),
    ],
)
def test_a_snapshot_and_its_place_in_the_paths_go_together(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        parse(**changes)


def test_a_snapshot_may_also_stand_in_other_paths_than_that_of_the_sales():
    data = parse(
        **{
            "data.snapshot": "2026-11-20",
            "data.sales": "gs://b/{snapshot}/sales.parquet",
            "data.future": "gs://b/{snapshot}/future.parquet",
        }
    ).data
    assert data.has_snapshots
    assert data.paths == {
        "sales": "gs://b/{snapshot}/sales.parquet",
        "future": "gs://b/{snapshot}/future.parquet",
    }
    assert not parse().data.has_snapshots
