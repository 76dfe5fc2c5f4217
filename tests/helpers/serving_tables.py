"""Tables for the model of `serving_fake`, in every kind of table, and a slow oracle of requests."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from serving_fake import FakeModel
from serving_models import HORIZON, LEVELS

from demandcast.serving.client import TableSpec
from demandcast.serving.client.calls import read_signature_map
from demandcast.serving.forecasting import forecast_request
from demandcast.serving.signatures import Signature

__all__ = [
    "AS_POLARS",
    "CUTOFF",
    "KINDS",
    "SPEC",
    "fake_signature",
    "make_tables",
    "requests_by_hand",
]

CUTOFF = datetime.date(2026, 6, 30)
SPEC = TableSpec(series_key=("store",), quantile_levels=LEVELS)

Columns = dict[str, Any]

KINDS: Mapping[str, Callable[[Columns], Any]] = {
    "arrays": dict,
    "pandas": pd.DataFrame,
    "arrow": pa.table,
    "polars": pl.DataFrame,
}
AS_POLARS: Mapping[str, Callable[[Any], pl.DataFrame]] = {
    "arrays": lambda table: pl.DataFrame(
        {
            name: pl.Series(name, array, dtype=pl.String if array.dtype == object else None)
            for name, array in table.items()
        }
    ),
    "pandas": lambda table: pl.from_pandas(table).with_columns(
        pl.col("cutoff", "timestamp").cast(pl.Date)
    ),
    "arrow": pl.from_arrow,
    "polars": lambda table: table,
}


def fake_signature() -> Signature:
    """Signature of the model of `serving_fake`."""
    return read_signature_map(FakeModel().signatures())["serving_default"]


def make_tables(
    *, stores: Sequence[str] = ("a", "b", "c"), seed: int = 0, step_days: int = 1
) -> tuple[Columns, Columns]:
    """A history with gaps, of several lengths, and a future; rows in disorder."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[Any, ...]] = []
    plan: list[tuple[Any, ...]] = []
    for number, store in enumerate(stores):
        length = int(rng.integers(1, 20))
        ages = np.flatnonzero(rng.random(length) < 0.8)
        # The first series reaches up to the cutoff; others may have ended before.
        ages = np.union1d(ages, [0]) if number == 0 else ages if len(ages) else np.array([3])
        for age in ages:
            when = CUTOFF - datetime.timedelta(days=int(age) * step_days)
            units = None if rng.random() < 0.1 else float(rng.integers(0, 9))
            price = None if rng.random() < 0.1 else round(float(rng.random()), 3)
            promotion = [None, "flyer", "ünder"][rng.integers(0, 3)]
            rows.append((store, when, units, price, promotion, float(rng.integers(0, 30))))
        for step in range(-2, HORIZON + 3):
            when = CUTOFF + datetime.timedelta(days=step * step_days)
            plan.append((store, when, round(float(rng.random()), 3), "flyer"))
    history = dict(
        zip(
            ("store", "timestamp", "target", "price", "promotion", "weather"),
            zip(*[rows[place] for place in rng.permutation(len(rows))], strict=True),
            strict=True,
        )
    )
    future = dict(
        zip(
            ("store", "timestamp", "price", "promotion"),
            zip(*[plan[place] for place in rng.permutation(len(plan))], strict=True),
            strict=True,
        )
    )
    return (
        {name: list(values) for name, values in history.items()},
        {name: list(values) for name, values in future.items()},
    )


def requests_by_hand(
    history: Columns, future: Columns, *, step_days: int = 1
) -> tuple[list[str], dict[str, np.ndarray]]:
    """One request for all series, row by row and period by period.

    Returns:
        The stores in the order of the request, and the request.
    """
    past = {
        (store, when): row
        for store, when, *row in zip(
            *(history[n] for n in ("store", "timestamp", "target", "price", "promotion")),
            history["weather"],
            strict=True,
        )
    }
    plan = {
        (store, when): row
        for store, when, *row in zip(
            *(future[n] for n in ("store", "timestamp", "price", "promotion")), strict=True
        )
    }
    stores = sorted({store for store, _ in (*past, *plan)})
    period = datetime.timedelta(days=step_days)
    series = []
    for store in stores:
        known = sorted(when for key, when in past if key == store)
        count = (CUTOFF - known[0]) // period + 1 if known else 0
        days = [CUTOFF - (count - 1 - place) * period for place in range(count)]
        rows = [past.get((store, day), [None] * 4) for day in days]
        ahead = [plan[store, CUTOFF + step * period] for step in range(1, HORIZON + 1)]
        series.append(
            {
                "store": store,
                "cutoff": CUTOFF,
                "target": [_number(row[0]) for row in rows],
                "price": [_number(row[1]) for row in rows] + [_number(row[0]) for row in ahead],
                "promotion": [row[2] or "" for row in rows] + [row[1] or "" for row in ahead],
                "weather": [_number(row[3]) for row in rows],
            }
        )
    return stores, forecast_request(series, signature=fake_signature())


def _number(value: float | None) -> float:
    return np.nan if value is None else value
