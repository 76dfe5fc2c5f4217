"""The origins table as dense arrays, beside a plain loop over its rows."""

import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from origins_world import LEVELS, MONDAY, origin_row, origins_frame_of, spec

from demandcast.schema.errors import BadInputError, ContractError
from demandcast.schema.origin_arrays import origin_cutoffs, read_origins
from demandcast.schema.origins_table import origins_file

WEEK = datetime.timedelta(7)


def write(folder, *tables):
    """Writes tables of one cutoff each."""
    folder.mkdir(exist_ok=True)
    for table in tables:
        table.write_parquet(folder / origins_file(table["cutoff"][0]))
    return folder


def of_series(store, day, *actual, mean=1.0, **changes):
    """The rows of a series at a cutoff."""
    return [
        origin_row(store, day, step, actual=value, mean=mean, **changes)
        for step, value in enumerate(actual, 1)
    ]


@pytest.fixture
def folder(tmp_path):
    """Series b has no forecast at the first cutoff, and c none at the second."""
    first = of_series("a", 0, 3.0, None) + of_series("c", 0, 0.0, 5.0, mean=2.0)
    second = of_series("a", 7, 1.0, 2.0, in_stock_fraction=0.25)
    second += of_series("b", 7, None, None, demand_class="intermittent")
    return write(tmp_path / "origins", origins_frame_of(first), origins_frame_of(second))


def test_rows_are_sorted_by_cutoff_then_series(folder):
    found = read_origins(folder, spec())
    assert found.keys.rows() == [("a", "x"), ("b", "x"), ("c", "x")]
    assert found.cutoff_days.tolist() == [19723, 19730]  # 2024-01-01 and a week later.
    assert found.cutoff_index.tolist() == [0, 0, 1, 1]
    assert found.series_index.tolist() == [0, 2, 0, 1]
    assert found.demand_class.tolist() == ["smooth", "smooth", "smooth", "intermittent"]
    assert (found.quantile_levels, found.frequency) == (LEVELS, "D")


def test_a_series_without_a_forecast_at_a_cutoff_has_no_row(folder):
    assert read_origins(folder, spec()).rows_by_cutoff.tolist() == [[0, -1, 1], [2, 3, -1]]


def test_what_was_not_recorded_is_nan_and_masked(folder):
    found = read_origins(folder, spec())
    np.testing.assert_array_equal(
        found.actual, [[3.0, np.nan], [0.0, 5.0], [1.0, 2.0], [np.nan, np.nan]]
    )
    np.testing.assert_array_equal(found.observed_mask, ~np.isnan(found.actual))
    assert found.in_stock_fraction.tolist() == [[1, 1], [1, 1], [0.25, 0.25], [1, 1]]


def test_forecasts_keep_their_places_and_types(folder):
    found = read_origins(folder, spec())
    assert found.mean.tolist() == [[1, 1], [2, 2], [1, 1], [1, 1]]
    assert found.quantiles[1].tolist() == [[1, 2, 3], [1, 2, 3]]
    assert {found.mean.dtype, found.quantiles.dtype} == {np.dtype(np.float32)}
    assert (found.actual.dtype, found.observed_mask.dtype) == (np.float64, np.bool_)


def test_one_row_is_a_table(tmp_path):
    one = origins_frame_of([origin_row("a", 0, 1, actual=4.0)], horizon=1)
    found = read_origins(write(tmp_path, one), spec(horizon=1))
    assert (found.actual.tolist(), found.quantiles.shape) == ([[4.0]], (1, 1, 3))
    assert found.rows_by_cutoff.tolist() == [[0]]


def test_some_cutoffs_can_be_read_alone(folder):
    found = read_origins(folder, spec(), cutoffs=[MONDAY + WEEK])
    assert found.keys.rows() == [("a", "x"), ("b", "x")]
    assert found.cutoff_days.tolist() == [19730]
    both = read_origins(folder, spec(), cutoffs=[MONDAY + WEEK, MONDAY, MONDAY])
    assert both.cutoff_days.tolist() == [19723, 19730]
    assert origin_cutoffs(folder) == (MONDAY, MONDAY + WEEK)


def test_other_files_are_passed_over(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / ".2024-01-02.parquet").write_text("half")
    assert len(origin_cutoffs(folder)) == 2


@pytest.mark.parametrize("cutoffs", [[MONDAY + datetime.timedelta(1)], []])
def test_a_cutoff_that_is_not_there_is_said(folder, cutoffs):
    with pytest.raises(BadInputError, match="there are 2, from 2024-01-01 to 2024-01-08"):
        read_origins(folder, spec(), cutoffs=cutoffs)


def test_no_table_is_said(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(BadInputError, match="backtest --forecasts"):
            read_origins(folder, spec())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda good: good.drop("mean"), "no column 'mean'"),
        (lambda good: good.with_columns(actual=pl.lit(np.nan)), "NaN or infinite in 'actual'"),
        (lambda good: good.reverse(), "not sorted"),
        (lambda good: good.head(3), "not all 2 steps of a cutoff"),
        (
            lambda good: good.with_columns(pl.col("cutoff", "timestamp").dt.offset_by("1d")),
            "column 'cutoff' has .'2024-01-02'.; a file holds the cutoff of its name, 2024-01-01",
        ),
    ],
)
def test_a_file_that_breaks_the_contract_is_named_with_the_column(folder, change, message):
    file = folder / "2024-01-01.parquet"
    change(pl.read_parquet(file)).write_parquet(file)
    with pytest.raises(ContractError, match=rf"2024-01-01\.parquet:(.*\n)*.*{message}"):
        read_origins(folder, spec())


def test_a_file_of_another_kind_is_named(folder):
    (folder / "2024-01-08.parquet").write_text("no Parquet")
    with pytest.raises(ContractError, match=r"2024-01-08\.parquet: not a Parquet file"):
        read_origins(folder, spec())


PLACES = st.sets(st.tuples(st.sampled_from("abcd"), st.integers(0, 3)), min_size=1)


@settings(deadline=None, max_examples=30)
@given(PLACES, st.integers(1, 3), st.integers(0, 1000))
def test_arrays_hold_what_a_loop_over_rows_finds(tmp_path_factory, places, horizon, seed):
    rng = np.random.default_rng(seed)
    rows = [
        row
        for store, day in sorted(places)
        for row in of_series(
            store,
            day,
            *(None if rng.random() < 0.3 else float(rng.integers(9)) for _ in range(horizon)),
            mean=float(rng.integers(1, 99)),
        )
    ]
    table = origins_frame_of(rows, horizon=horizon)
    folder = write(tmp_path_factory.mktemp("origins"), *table.partition_by("cutoff"))
    found = read_origins(folder, spec(horizon))
    assert len(found.actual) == len(places)
    stores = found.keys["store"].to_list()
    for row in rows:
        day = found.cutoff_days.tolist().index((row["cutoff"] - datetime.date(1970, 1, 1)).days)
        at = found.rows_by_cutoff[day, stores.index(row["store"])], row["step"] - 1
        assert found.mean[at] == row["mean"]
        assert found.quantiles[at].tolist() == [row["q0.1"], row["q0.5"], row["q0.9"]]
        expected = np.nan if row["actual"] is None else row["actual"]
        np.testing.assert_equal(found.actual[at], expected)


def test_of_some_series_only_their_rows_stay(folder):
    found = read_origins(folder, spec()).of_series(np.array([1, 2]))
    assert found.keys.rows() == [("b", "x"), ("c", "x")]
    assert found.rows_by_cutoff.tolist() == [[-1, 0], [1, -1]]
    assert found.series_index.tolist() == [1, 0]
    assert found.cutoff_index.tolist() == [0, 1]
    assert found.mean.tolist() == [[2, 2], [1, 1]]
    np.testing.assert_array_equal(found.actual, [[0.0, 5.0], [np.nan, np.nan]])
    assert found.observed_mask.tolist() == [[True, True], [False, False]]
    assert found.demand_class.tolist() == ["smooth", "intermittent"]
    assert found.quantiles.shape == (2, 2, 3)
    # Cutoffs stay, also those without a row.
    assert found.cutoff_days.tolist() == [19723, 19730]


def test_all_series_are_the_same_table_and_none_an_empty_one(folder):
    every = read_origins(folder, spec())
    same = every.of_series(np.arange(3))
    for name in every.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(same, name), getattr(every, name), err_msg=name)
    none = every.of_series(np.array([], np.int64))
    assert (none.keys.height, len(none.actual)) == (0, 0)
    assert none.rows_by_cutoff.shape == (2, 0)


@given(st.data())
def test_a_series_has_the_same_rows_whichever_others_are_picked(tmp_path_factory, data):
    chosen = sorted(data.draw(st.sets(st.integers(0, 2), min_size=1)))
    folder = tmp_path_factory.mktemp("origins")
    rows = [of_series(store, 0, float(at), mean=1.0 + at) for at, store in enumerate("abc")]
    write(folder, origins_frame_of([row for one in rows for row in one], horizon=1))
    found = read_origins(folder, spec(horizon=1)).of_series(np.array(chosen))
    assert found.actual[:, 0].tolist() == chosen
    assert (found.mean[:, 0] - 1).tolist() == chosen
