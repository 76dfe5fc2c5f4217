"""Arrays of a batch become rows: order, types and timestamps."""

import datetime

import numpy as np
import polars as pl
import pytest

from demandcast.components.inference.table import forecast_frame
from demandcast.schema.config import ColumnsConfig, ForecastConfig, SeriesSpec
from demandcast.schema.forecast_table import check_forecast_table, forecast_schema

HORIZON, LEVELS = 3, (0.1, 0.5, 0.9)


def spec_of(frequency):
    columns = ColumnsConfig(series_key=("store", "item"), timestamp="date", target="sales")
    forecast = ForecastConfig(frequency=frequency, horizon=HORIZON, quantile_levels=LEVELS)
    return SeriesSpec.from_config(columns, forecast)


def keys_of(*cutoffs):
    return pl.DataFrame(
        {
            "store": [f"s{number}" for number in range(len(cutoffs))],
            "item": [f"i{number}" for number in range(len(cutoffs))],
            "cutoff": list(cutoffs),
        },
        schema_overrides={"store": pl.String, "item": pl.String, "cutoff": pl.Date},
    )


def frame_of(frequency, *cutoffs):
    count = len(cutoffs)
    mean = np.arange(count * HORIZON, dtype=np.float32).reshape(count, HORIZON)
    quantiles = mean[:, :, None] + np.array([0, 0.25, 0.5], np.float32)
    return forecast_frame(
        keys_of(*cutoffs), quantiles=quantiles, mean=mean, series=spec_of(frequency)
    )


@pytest.mark.parametrize(
    ("frequency", "cutoff", "expected"),
    [
        ("D", (2024, 2, 28), [(2024, 2, 29), (2024, 3, 1), (2024, 3, 2)]),
        ("D", (1969, 12, 30), [(1969, 12, 31), (1970, 1, 1), (1970, 1, 2)]),
        ("W-MON", (2024, 12, 23), [(2024, 12, 30), (2025, 1, 6), (2025, 1, 13)]),
        ("W-SUN", (2024, 2, 25), [(2024, 3, 3), (2024, 3, 10), (2024, 3, 17)]),
    ],
)
def test_timestamps_are_the_starts_of_the_periods(frequency, cutoff, expected):
    frame = frame_of(frequency, datetime.date(*cutoff))
    assert frame["timestamp"].to_list() == [datetime.date(*date) for date in expected]
    assert frame["cutoff"].to_list() == [datetime.date(*cutoff)] * HORIZON
    check_forecast_table(frame, spec_of(frequency))


def test_rows_are_series_by_series_and_step_by_step():
    frame = frame_of("D", datetime.date(2024, 5, 1), datetime.date(2023, 5, 1))
    assert frame["store"].to_list() == ["s0"] * 3 + ["s1"] * 3
    assert frame["item"].to_list() == ["i0"] * 3 + ["i1"] * 3
    assert frame["step"].to_list() == [1, 2, 3, 1, 2, 3]
    assert frame["timestamp"].dt.year().to_list() == [2024] * 3 + [2023] * 3
    assert frame["mean"].to_list() == [0, 1, 2, 3, 4, 5]
    assert frame["q0.1"].to_list() == [0, 1, 2, 3, 4, 5]
    assert frame["q0.9"].to_list() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_columns_and_types_are_those_of_the_table(count):
    frame = frame_of("D", *[datetime.date(2024, 5, 1)] * count)
    assert frame.schema == forecast_schema(spec_of("D"))
    assert frame.columns == [
        *("store", "item", "cutoff", "step", "timestamp", "mean"),
        *("q0.1", "q0.5", "q0.9"),
    ]
    assert frame.height == count * HORIZON
