"""The contract of the forecast table, each way to break it, and an independent oracle."""

import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.schema.config import CovariatesConfig, ForecastConfig, SeriesSpec
from demandcast.schema.errors import ContractError
from demandcast.schema.forecast_table import (
    check_forecast_table,
    forecast_schema,
    quantile_column,
    quantile_columns,
)

MONDAY = datetime.date(2024, 1, 1)
NAN, INF = float("nan"), float("inf")


def spec(frequency="D", horizon=2, keys=("store", "item")):
    return SeriesSpec(
        series_key=keys,
        static=keys,
        known_future=CovariatesConfig(),
        observed_past=CovariatesConfig(),
        forecast=ForecastConfig(
            frequency=frequency, horizon=horizon, quantile_levels=(0.1, 0.5, 0.9)
        ),
    )


def table(days=1, **changes):
    """Two series, two steps."""
    columns = {
        "store": ["a", "a", "b", "b"],
        "item": ["x"] * 4,
        "cutoff": [MONDAY] * 4,
        "step": [1, 2, 1, 2],
        "timestamp": [MONDAY + datetime.timedelta(days * step) for step in (1, 2, 1, 2)],
        "mean": [1.0, 0.0, 2.0, 3.0],
        "q0.1": [0.0, 0.0, 0.0, 1.0],
        "q0.5": [1.0, 0.0, 1.0, 1.0],
        "q0.9": [2.0, 0.0, 2.0, 2.0],
    }
    return pl.DataFrame(columns | changes, schema=forecast_schema(spec()))


def test_columns_and_types():
    assert dict(forecast_schema(spec(keys=("id",)))) == {
        "id": pl.String,
        "cutoff": pl.Date,
        "step": pl.Int32,
        "timestamp": pl.Date,
        "mean": pl.Float32,
        "q0.1": pl.Float32,
        "q0.5": pl.Float32,
        "q0.9": pl.Float32,
    }


@pytest.mark.parametrize(
    ("level", "name"),
    [(0.05, "q0.05"), (0.5, "q0.5"), (0.975, "q0.975"), (0.9999999, "q0.9999999")],
)
def test_quantile_columns_are_named_by_their_level(level, name):
    assert quantile_column(level) == name
    assert quantile_columns([level, 0.99999999]) == (name, "q0.99999999")


@settings(deadline=None)
@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_a_level_can_be_read_back_from_its_column(level):
    assert float(quantile_column(level)[1:]) == level


def test_good_tables_pass_also_empty_weekly_and_all_zero_ones():
    check_forecast_table(table(), spec())
    check_forecast_table(table().clear(), spec())
    check_forecast_table(table(days=7), spec("W-MON"))
    zero = dict.fromkeys(("mean", "q0.1", "q0.5", "q0.9"), [0.0] * 4)
    check_forecast_table(table(**zero), spec())
    check_forecast_table(table().head(0).vstack(table().slice(0, 2)), spec())


def test_one_step_and_several_cutoffs_pass():
    later = table().with_columns(pl.col("cutoff", "timestamp").dt.offset_by("5d"))
    check_forecast_table(pl.concat([table(), later]), spec())
    check_forecast_table(table().filter(pl.col("step") == 1), spec(horizon=1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mean": [-1.0, 0, 0, 0]}, r"negative 'mean': 1 rows, first: .*store=a.*mean=-1\.0"),
        ({"q0.1": [-1.0, 0, 0, 0]}, r"negative 'q0\.1': 1 rows"),
        ({"mean": [NAN, 1, None, INF]}, r"no value, NaN or infinite in 'mean': 3 rows"),
        ({"q0.5": [1.0, 0, NAN, 1]}, r"no value, NaN or infinite in 'q0\.5': 1 rows"),
        ({"q0.1": [3.0, 0, 0, 0]}, r"'q0\.1' exceeds 'q0\.5': 1 rows.*q0\.1=3\.0; q0\.5=1\.0"),
        ({"q0.5": [1.0, 0, 1, 9]}, r"'q0\.5' exceeds 'q0\.9': 1 rows"),
        ({"step": [1, 2, 1, 3]}, r"'step' outside 1 to 2: 1 rows"),
        ({"step": [1, 2, 0, 1]}, r"'step' outside 1 to 2: 1 rows"),
        ({"step": [1, 1, 1, 2]}, r"a step of a cutoff twice: 2 rows"),
        ({"step": [1, 1, 1, 2]}, r"not all 2 steps of a cutoff: 2 rows"),
        ({"step": [1, None, 1, 2]}, r"in 'step': 1 rows"),
        ({"store": ["a", "a", None, None]}, r"in 'store': 2 rows"),
        ({"timestamp": [MONDAY] * 4}, r"'timestamp' is not 'step' periods after 'cutoff': 4 rows"),
        ({"cutoff": [None, MONDAY, MONDAY, MONDAY]}, r"in 'cutoff': 1 rows"),
    ],
)
def test_each_broken_rule_is_named_with_count_and_first_rows(changes, message):
    with pytest.raises(ContractError, match=message):
        check_forecast_table(table(**changes), spec())


def test_weekly_cutoffs_must_lie_on_the_grid():
    with pytest.raises(ContractError, match="'cutoff' does not start a period of W-TUE: 4 rows"):
        check_forecast_table(table(days=7), spec("W-TUE"))
    with pytest.raises(ContractError, match="'timestamp' is not"):
        check_forecast_table(table(days=1), spec("W-MON"))


def test_all_complaints_come_at_once_and_show_three_rows_at_most():
    with pytest.raises(ContractError) as caught:
        check_forecast_table(table(mean=[-1.0] * 4, timestamp=[MONDAY] * 4), spec())
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert all(line.count("cutoff=") == 3 for line in lines)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda good: good.drop("mean"), r"no column 'mean' \(Float32\)"),
        (lambda good: good.with_columns(pl.lit(1).alias("z")), r"unknown column 'z'"),
        (lambda good: good.cast({"step": pl.Int64}), r"'step' is Int64; it must be Int32"),
        (lambda good: good.select(reversed(good.columns)), r"their order is \['store', 'item'"),
    ],
)
def test_wrong_columns_are_named(broken, message):
    with pytest.raises(ContractError, match=message):
        check_forecast_table(broken(table()), spec())


TRIPLE = st.tuples(*[st.floats(0, 100, width=32)] * 3)


@settings(deadline=None)
@given(st.lists(TRIPLE | TRIPLE.map(sorted).map(tuple), min_size=4, max_size=4))
def test_accepts_exactly_the_tables_whose_quantiles_do_not_cross(rows):
    low, middle, high = map(list, zip(*rows, strict=True))
    forecast = table(**{"q0.1": low, "q0.5": middle, "q0.9": high})
    if all(a <= b <= c for a, b, c in rows):
        check_forecast_table(forecast, spec())
        return
    with pytest.raises(ContractError, match="exceeds"):
        check_forecast_table(forecast, spec())
