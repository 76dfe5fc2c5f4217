"""What can be used of a forecast table: series by series, with the first problem of the others."""

import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.schema.config import CovariatesConfig, ForecastConfig, SeriesSpec
from demandcast.schema.errors import ContractError
from demandcast.schema.forecast_table import check_forecast_table, forecast_schema
from demandcast.schema.usable_forecasts import MOST_DEMAND, UNREADABLE, usable_forecasts

MONDAY = datetime.date(2024, 1, 1)
SPEC = SeriesSpec(
    series_key=("store", "item"),
    static=("store", "item"),
    known_future=CovariatesConfig(),
    observed_past=CovariatesConfig(),
    forecast=ForecastConfig(frequency="D", horizon=4, quantile_levels=(0.1, 0.5, 0.9)),
)
FIRST = (pl.col("store") == "a") & (pl.col("step") == 2)
"""The second step of the first series."""


def table():
    """Two series, four steps."""
    rows = [
        {"store": store, "item": "x", "cutoff": MONDAY, "step": step}
        | {"timestamp": MONDAY + datetime.timedelta(step)}
        | {"mean": 1.0, "q0.1": 0.0, "q0.5": 1.0, "q0.9": 2.0}
        for store in ("a", "b")
        for step in (1, 2, 3, 4)
    ]
    return pl.DataFrame(rows, schema=forecast_schema(SPEC))


def changed(name, value):
    """The table with one value of the first series changed."""
    kind = table().schema[name]
    return table().with_columns(
        pl.when(FIRST).then(pl.lit(value, kind)).otherwise(name).alias(name)
    )


def test_a_good_table_is_used_as_it_is():
    found = usable_forecasts(table(), SPEC)
    assert found.table.equals(table())
    assert found.problems.schema == {"store": pl.String, "item": pl.String, "problem": pl.String}
    assert (found.problems.height, found.nameless) == (0, 0)
    empty = usable_forecasts(table().clear(), SPEC)
    assert (empty.table.height, empty.problems.height) == (0, 0)


@pytest.mark.parametrize("steps", [1, 3])
def test_a_series_may_end_before_the_others(steps):
    short = table().filter((pl.col("store") == "b") | (pl.col("step") <= steps))
    found = usable_forecasts(short, SPEC)
    assert found.table.equals(short)
    assert found.problems.height == 0


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("mean", float("nan"), "step 2: no value, NaN or infinite in 'mean'"),
        ("mean", None, "step 2: no value, NaN or infinite in 'mean'"),
        ("q0.9", float("inf"), "step 2: no value, NaN or infinite in 'q0.9'"),
        ("q0.1", -1.0, "step 2: negative 'q0.1'"),
        ("q0.5", 3.0, "step 2: 'q0.5' exceeds 'q0.9'"),
        ("mean", MOST_DEMAND * 1.01, "step 2: more than a forecast can be in 'mean'"),
        ("step", 5, "step 5: 'step' outside 1 to 4"),
        ("step", 1, "step 1: a series has a step of a cutoff twice"),
        ("step", None, "step without a number: no value, NaN or infinite in 'step'"),
        ("timestamp", MONDAY, "step 2: 'timestamp' is not 'step' periods after 'cutoff'"),
        ("timestamp", None, "step 2: no value, NaN or infinite in 'timestamp'"),
    ],
)
def test_a_wrong_value_stops_its_series_alone(name, value, problem):
    found = usable_forecasts(changed(name, value), SPEC)
    assert found.problems.rows() == [("a", "x", problem)]
    assert found.table.equals(table().filter(pl.col("store") == "b"))


def test_a_gap_stops_its_series_alone():
    found = usable_forecasts(table().filter(~FIRST), SPEC)
    assert found.problems.rows() == [("a", "x", "a gap: 3 of the steps 1 to 4 are there")]
    assert found.table["store"].unique().to_list() == ["b"]


def test_what_could_not_be_read_is_said_first():
    text = pl.when(FIRST).then(pl.lit("mean: got 'much'")).alias(UNREADABLE)
    found = usable_forecasts(changed("mean", None).with_columns(text), SPEC)
    assert found.problems.rows() == [("a", "x", "step 2: mean: got 'much'")]
    assert UNREADABLE not in found.table.columns


@pytest.mark.parametrize("name", ["store", "item", "cutoff"])
def test_rows_of_no_series_are_counted(name):
    found = usable_forecasts(
        pl.concat([table(), changed(name, None).filter(pl.col(name).is_null())]), SPEC
    )
    assert found.nameless == 1
    assert found.table.equals(table())


def test_where_no_series_is_left_the_table_is_refused():
    wrong = table().with_columns(mean=pl.lit(-1.0, pl.Float32))
    with pytest.raises(ContractError, match="no series can be used: negative 'mean': 8 rows"):
        usable_forecasts(wrong, SPEC)
    text = table().with_columns(pl.lit("mean: got 'much'").alias(UNREADABLE))
    with pytest.raises(ContractError, match="no series can be used: step 1: mean: got 'much'"):
        usable_forecasts(text, SPEC)


@settings(deadline=None)
@given(rows=st.sets(st.integers(0, 7)), value=st.sampled_from([-1.0, float("nan"), 5.0, None]))
def test_what_is_used_keeps_the_contract(rows, value):
    bad = pl.int_range(pl.len()).is_in(sorted(rows))
    broken = table().with_columns(
        pl.when(bad).then(pl.lit(value, pl.Float32)).otherwise("q0.5").alias("q0.5")
    )
    stores = {"a" if row < 4 else "b" for row in rows}
    if stores == {"a", "b"}:
        with pytest.raises(ContractError, match="no series can be used"):
            usable_forecasts(broken, SPEC)
        return
    found = usable_forecasts(broken, SPEC)
    check_forecast_table(found.table, SPEC)
    assert set(found.problems["store"]) == stores
    assert set(found.table["store"]) == {"a", "b"} - stores
