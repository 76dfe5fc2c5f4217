"""From the sales table to what the network sees: nothing that happened after the cutoff gets there.

The walk is that of ingestion, Transform's graph and the window function; two tables that differ
after the cutoff only must give the same inputs, bit by bit.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import examples_tables
import numpy as np
import polars as pl
import pytest
import tensorflow as tf
from examples_tables import batches_of, make_data
from forecasting_world import HORIZON, features_config, raw_tensors, series_spec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from demandcast.components.examples.splits import SplitPlan
from demandcast.components.forecasting.windows import Windows, gather_periods
from demandcast.schema import series_example
from demandcast.schema.config import AvailabilityConfig, ColumnsConfig, CovariatesConfig, SeriesSpec

pytestmark = pytest.mark.slow

FREQUENCIES = ("D", "W-MON")
SERIES, PERIODS = 6, 60
FIRST = datetime.date(2024, 1, 1)

COLUMNS = ColumnsConfig(
    series_key=("store", "item"),
    timestamp="date",
    target="sales",
    static=("category",),
    known_future=CovariatesConfig(numeric=("price", "display"), categorical=("event",)),
    observed_past=CovariatesConfig(numeric=("temperature",), categorical=("sky",)),
    availability=AvailabilityConfig(column="in_stock"),
)

PROPERTY = settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def words(rng: np.random.Generator, choices: list[str | None], size: int) -> pl.Series:
    """Draws words, or none."""
    return pl.Series(choices, dtype=pl.String)[rng.integers(0, len(choices), size).tolist()]


def sales_table(rng: np.random.Generator, *, days: int) -> pl.DataFrame:
    """Random series with gaps, unknown sales, stockouts and missing covariates."""
    series, period = (a.ravel() for a in np.mgrid[:SERIES, :PERIODS])
    size = len(series)
    frame = pl.DataFrame(
        {
            "store": series % 2,
            "item": series,
            "period": period,
            "date": np.datetime64(FIRST) + period * days,
            "sales": rng.choice([0.0, 1.0, 7.0, 300.0], size),
            "category": np.array(["dairy", "fruit"])[series % 2],
            "price": rng.choice([1.0, 2.5, np.nan], size),
            "display": rng.integers(0, 2, size).astype(float),
            "event": words(rng, ["feast", None], size),
            "temperature": rng.normal(15, 8, size),
            "sky": words(rng, ["clear", "cloudy", None], size),
            "in_stock": rng.choice([1.0, 1.0, 0.3, 0.0], size),
        }
    ).with_columns(pl.col("price").fill_nan(None))
    unknown = pl.Series(rng.random(size) < 0.1)
    frame = frame.with_columns(sales=pl.when(unknown).then(None).otherwise(pl.col("sales")))
    start = rng.integers(0, PERIODS // 2, SERIES)
    kept = (period >= start[series]) & (rng.random(size) > rng.choice([0.0, 0.5]))
    # One row at each end, so that both tables span the same periods.
    return frame.filter(pl.Series(kept | (period == PERIODS - 1) | (period == 0) & (series == 0)))


def altered_after(table: pl.DataFrame, cutoff: int, rng: np.random.Generator) -> pl.DataFrame:
    """Changes all that only the future knows: sales, stock, weather. What is planned stays."""
    size = len(table)
    changes = {
        "sales": pl.Series(rng.choice([0.0, 55.0, 1e6], size)),
        "in_stock": pl.Series(rng.choice([0.0, 0.5, 1.0], size)),
        "temperature": pl.Series(rng.choice([-60.0, 1e9], size)),
        "sky": words(rng, ["hail", None], size),
    }
    return table.with_columns(
        pl.when(pl.col("period") > cutoff).then(values).otherwise(pl.col(name)).alias(name)
        for name, values in changes.items()
    )


def eval_examples(
    path: Path, table: pl.DataFrame, series: SeriesSpec, *, cutoff: int
) -> list[dict[str, Any]]:
    """Builds the examples at one cutoff, as ingestion does."""
    table.drop("period").write_parquet(path)
    batches = batches_of(
        make_data(path, columns=COLUMNS),
        series.forecast,
        lambda newest: [SplitPlan("eval", (newest - (PERIODS - 1) + cutoff,))],
        max_history=40,
    )
    return [
        {name: unpacked(name, value) for name, value in example.items()}
        for batch in batches
        for example in batch.columns.to_pylist()
    ]


def unpacked(name: str, values: list[Any]) -> Any:
    """One feature as the helpers of forecasting expect it: scalars bare, lists as arrays."""
    if name == series_example.CUTOFF or (len(values) == 1 and isinstance(values[0], bytes)):
        if name in ("event", "sky"):
            return np.array(values, object)
        return values[0]
    if name in (series_example.NAIVE_SCALE, series_example.NAIVE_RMS_SCALE):
        return values[0]
    return np.array(values, object if isinstance(values[0], bytes) else np.float32)


@functools.cache
def window_function(
    frequency: str, make: Callable[..., Windows] = Windows
) -> Callable[..., dict[str, tf.Tensor]]:
    """Inputs at the example's own cutoff and at one inside its history, as training cuts them."""
    windows = make(series_spec(frequency), features_config())

    def both(transformed: dict[str, Any]) -> dict[str, tf.Tensor]:
        own = windows.at_end(transformed)
        last = transformed[series_example.TARGET].row_lengths() - 1
        joined = windows.cut(windows.join(transformed), cutoffs=last)
        return own | {f"{name} after joining": value for name, value in joined.items()}

    return tf.function(both, autograph=False, reduce_retracing=True)


def assert_blind(
    world: Any, folder: Path, frequency: str, seed: int, make: Callable[..., Windows] = Windows
) -> None:
    """Compares the inputs of a table with those of one that differs after the cutoff.

    Raises:
        AssertionError: Some input differs.
    """
    rng = np.random.default_rng(seed)
    series = series_spec(frequency)
    cutoff = int(rng.integers(PERIODS // 2, PERIODS - HORIZON))
    table = sales_table(rng, days=1 if frequency == "D" else 7)
    pair = []
    for name, each in (("one", table), ("two", altered_after(table, cutoff, rng))):
        examples = eval_examples(folder / f"{name}.parquet", each, series, cutoff=cutoff)
        inputs = window_function(frequency, make)(world.transform_layer(raw_tensors(examples)))
        pair.append((examples, inputs))
    (examples, before), (others, after) = pair
    assert examples, "nothing was compared"
    labels = series_example.FUTURE_TARGET
    assert any((a[labels] != b[labels]).any() for a, b in zip(examples, others, strict=True))
    for name, values in before.items():
        assert values.numpy().tobytes() == after[name].numpy().tobytes(), name


@pytest.mark.parametrize("frequency", FREQUENCIES)
@PROPERTY
@given(seed=st.integers(0, 1_000_000))
def test_no_input_knows_what_came_after_the_cutoff(world, tmp_path, frequency, seed):
    assert_blind(world, tmp_path, frequency, seed)


class _KnowsTheWeek(Windows):
    """Scales by the week after the cutoff: what a careless 'recent level' comes to."""

    def cut(self, examples: Any, *, cutoffs: tf.Tensor) -> Any:
        window = super().cut(examples, cutoffs=cutoffs)
        sold = _after(examples[series_example.TARGET], cutoffs, self)
        return {**window, "scale": window["scale"] + tf.reduce_mean(sold, axis=1)}


class _KnowsTheWeather(Windows):
    """Reads a column that is measured, not planned, along the horizon."""

    def cut(self, examples: Any, *, cutoffs: tf.Tensor) -> Any:
        window = super().cut(examples, cutoffs=cutoffs)
        stock = _after(examples[series_example.IN_STOCK_FRACTION], cutoffs, self)
        decoder = tf.concat([window["decoder"], stock[..., None]], axis=2)
        return {**window, "decoder": decoder}


def _after(values: tf.RaggedTensor, cutoffs: tf.Tensor, windows: Windows) -> tf.Tensor:
    """Reads a feature along the horizon; shape [B, H]."""
    steps = tf.range(1, windows.series.forecast.horizon + 1, dtype=tf.int64)
    return gather_periods(values, cutoffs[:, None] + steps[None])


@pytest.mark.parametrize("frequency", FREQUENCIES)
@pytest.mark.parametrize("leaky", [_KnowsTheWeek, _KnowsTheWeather])
def test_a_planted_feature_that_knows_the_future_is_caught(world, tmp_path, frequency, leaky):
    with pytest.raises(AssertionError, match="after joining"):
        assert_blind(world, tmp_path, frequency, 7, leaky)


def test_a_planted_column_that_is_one_period_off_is_caught(world, tmp_path, monkeypatch):
    """Ingestion that gives the sales of tomorrow as the temperature of today."""
    lay_on_grid = examples_tables.lay_on_grid

    def with_the_sales_of_tomorrow(*arguments: Any, **options: Any) -> Any:
        grid = lay_on_grid(*arguments, **options)
        grid.numeric["temperature"] = np.roll(grid.target, -1)
        return grid

    monkeypatch.setattr(examples_tables, "lay_on_grid", with_the_sales_of_tomorrow)
    with pytest.raises(AssertionError, match="encoder"):
        assert_blind(world, tmp_path, "D", 7)
