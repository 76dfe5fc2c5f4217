"""The contract of the origins table, and each way to break it."""

import datetime

import polars as pl
import pytest
from origins_world import MONDAY, origin_row, origins_frame_of, spec

from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.origins_table import (
    check_origins_table,
    cutoff_of_file,
    origins_file,
    origins_order,
    origins_schema,
)

NAN, INF = float("nan"), float("inf")


def table(**changes):
    """Two series at one cutoff, two steps; one period was not recorded."""
    rows = [
        origin_row(store, 0, step, actual=actual)
        for store, step, actual in (("a", 1, 3.0), ("a", 2, None), ("b", 1, 0.0), ("b", 2, 4.0))
    ]
    schema = origins_schema(spec())
    good = origins_frame_of(rows)
    return good.with_columns(
        pl.Series(name, values, dtype=schema[name]) for name, values in changes.items()
    )


def test_columns_and_types():
    assert dict(origins_schema(spec(keys=("id",)))) == {
        "id": pl.String,
        "cutoff": pl.Date,
        "step": pl.Int32,
        "timestamp": pl.Date,
        "actual": pl.Float64,
        "in_stock_fraction": pl.Float32,
        "demand_class": pl.String,
        "mean": pl.Float32,
        "q0.1": pl.Float32,
        "q0.5": pl.Float32,
        "q0.9": pl.Float32,
    }


def test_rows_are_ordered_by_cutoff_then_key_then_step():
    assert origins_order(spec()) == ["cutoff", "store", "item", "step"]


def test_a_key_column_may_not_have_the_name_of_a_column_of_the_table():
    with pytest.raises(BadInputError, match=r"series_key: .* column 'actual' of its own"):
        origins_schema(spec(keys=("actual",)))


def test_a_file_is_named_by_its_cutoff():
    assert cutoff_of_file(origins_file(MONDAY)) == MONDAY
    others = ("20240101.parquet", "2024-01-01", "2024-13-01.parquet", ".2024-01-01.parquet", "")
    assert [cutoff_of_file(name) for name in others] == [None] * len(others)


def test_good_tables_pass_also_one_row_all_zero_and_empty_ones():
    check_origins_table(table(), spec())
    check_origins_table(table().clear(), spec())
    one = origins_frame_of([origin_row("a", 0, 1, actual=2.0)], horizon=1)
    assert one.height == 1
    check_origins_table(one, spec(horizon=1))
    names = ("actual", "in_stock_fraction", "mean", "q0.1", "q0.5", "q0.9")
    check_origins_table(table(**dict.fromkeys(names, [0.0] * 4)), spec())
    check_origins_table(table(actual=[None] * 4), spec())


def test_a_return_is_no_broken_contract():
    """Where `data.negative_target` lets units come back, a period may end below zero."""
    check_origins_table(table(actual=[-2.0, None, 0.0, 1e12]), spec())


def test_a_series_may_be_missing_at_a_cutoff():
    later = [origin_row("b", 5, step, actual=1.0) for step in (1, 2)]
    check_origins_table(pl.concat([table(), origins_frame_of(later)]), spec())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"actual": [NAN, 1, 1, 1]}, r"NaN or infinite in 'actual', null where not .*: 1 rows"),
        ({"actual": [1, 1, INF, 1]}, r"in 'actual'.*: 1 rows, first: store=b"),
        ({"in_stock_fraction": [1, None, 1, 1]}, r"'in_stock_fraction' missing .*: 1 rows"),
        ({"in_stock_fraction": [1, 1.5, -0.5, NAN]}, r"'in_stock_fraction' .*: 3 rows"),
        ({"demand_class": ["odd", "odd", None, None]}, r"'demand_class' not in .*: 4 rows"),
        ({"demand_class": ["smooth", "lumpy"] * 2}, r"'demand_class' changes .*: 4 rows"),
        ({"mean": [-1, 0, 0, 0]}, r"negative 'mean': 1 rows"),
        ({"q0.5": [NAN, 0, 0, 0]}, r"NaN or infinite in 'q0\.5': 1 rows"),
        ({"q0.1": [9.0, 0, 0, 0]}, r"'q0\.1' exceeds 'q0\.5': 1 rows"),
        ({"step": [1, 1, 1, 2]}, r"a step of a cutoff twice: 2 rows"),
        ({"timestamp": [MONDAY] * 4}, r"'timestamp' is not 'step' periods after 'cutoff'"),
        ({"store": ["b", "b", "a", "a"]}, r"not sorted by \['cutoff', 'store', 'item', 'step'\]"),
    ],
)
def test_each_broken_rule_names_the_column(changes, message):
    with pytest.raises(ContractError, match=rf"^origins table: (.*\n)*?.*{message}"):
        check_origins_table(table(**changes), spec())


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda good: good.drop("actual"), r"no column 'actual' \(Float64\)"),
        (lambda good: good.with_columns(pl.lit(1).alias("z")), r"unknown column 'z'"),
        (lambda good: good.cast({"actual": pl.Float32}), r"'actual' is Float32; it must be"),
        (lambda good: good.select(reversed(good.columns)), r"their order is \['store', 'item'"),
        (lambda good: good.drop("q0.9"), r"no column 'q0\.9'"),
    ],
)
def test_wrong_columns_are_named(broken, message):
    with pytest.raises(ContractError, match=rf"origins table: .*{message}"):
        check_origins_table(broken(table()), spec())


def test_all_complaints_come_at_once():
    with pytest.raises(ContractError) as caught:
        check_origins_table(table(actual=[INF] * 4, mean=[-1.0] * 4), spec())
    assert len(str(caught.value).splitlines()) == 2


def test_weekly_cutoffs_must_lie_on_the_grid():
    rows = [origin_row("a", 1, 1, actual=1.0, timestamp=MONDAY + datetime.timedelta(8))]
    table_of_a_tuesday = origins_frame_of(rows, horizon=1)
    check_origins_table(table_of_a_tuesday, spec(1, frequency="W-TUE"))
    with pytest.raises(ContractError, match="'cutoff' does not start a period of W-MON"):
        check_origins_table(table_of_a_tuesday, spec(1, frequency="W-MON"))
