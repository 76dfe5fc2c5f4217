"""A batch of forecasts as rows of the origins table, beside a loop over series and steps."""

import datetime

import numpy as np
import polars as pl
import pytest
from origins_world import LEVELS, spec

from demandcast.components.backtest.origins import origins_frame
from demandcast.components.backtest.scoring import Scored
from demandcast.schema.origins_table import check_origins_table

HORIZON = 3
MONDAY = 19723  # 2024-01-01


def scored_of(actual, observed, stock, classes):
    """What a batch holds of what happened; histories play no part here."""
    nothing = np.zeros((len(actual), 1), np.float32)
    arrays = (np.asarray(values, np.float32) for values in (actual, observed, stock))
    after, recorded, in_stock = arrays
    return Scored(
        target=nothing,
        observed_mask=nothing,
        in_stock_fraction=nothing,
        actual=after,
        actual_observed_mask=recorded,
        actual_in_stock_fraction=in_stock,
        seasonal_naive=after,
        naive_scale=nothing[:, 0],
        naive_rms_scale=nothing[:, 0],
        slices={"demand_class": np.array(classes, np.str_)},
    )


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("frequency", ["D", "W-MON"])
def test_rows_are_those_of_a_loop(size, frequency):
    rng = np.random.default_rng(size)
    shape = (size, HORIZON)
    series = spec(HORIZON, frequency=frequency)
    actual, observed = rng.integers(0, 9, shape), rng.random(shape) < 0.7
    stock = rng.random(shape).astype(np.float32)
    classes = rng.choice(["smooth", "lumpy", "intermittent"], size)
    quantiles = np.sort(rng.random((*shape, 3)).astype(np.float32), axis=-1)
    mean = rng.random(shape).astype(np.float32)
    stores = [f"s{at}" for at in rng.permutation(size)]  # The batch is in no order.
    frame = origins_frame(
        pl.DataFrame({"store": stores, "item": ["x"] * size}),
        MONDAY,
        scored=scored_of(actual, observed, stock, classes),
        quantiles=quantiles,
        mean=mean,
        series=series,
    )
    check_origins_table(frame, series)
    days = 1 if frequency == "D" else 7
    monday = datetime.date(2024, 1, 1)
    assert frame.rows() == [
        (
            stores[at],
            "x",
            monday,
            step + 1,
            monday + datetime.timedelta(days * (step + 1)),
            float(actual[at, step]) if observed[at, step] else None,
            stock[at, step],
            classes[at],
            mean[at, step],
            *quantiles[at, step],
        )
        for at in np.argsort(stores)
        for step in range(HORIZON)
    ]


def test_what_was_not_recorded_is_null_whatever_the_array_holds():
    frame = origins_frame(
        pl.DataFrame({"store": ["a"], "item": ["x"]}),
        MONDAY,
        scored=scored_of([[5.0]], [[0.0]], [[1.0]], ["smooth"]),
        quantiles=np.zeros((1, 1, len(LEVELS)), np.float32),
        mean=np.zeros((1, 1), np.float32),
        series=spec(1),
    )
    assert frame["actual"].to_list() == [None]
