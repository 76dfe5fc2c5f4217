"""A slow and plain re-implementation of the examples, one series and one period at a time."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from demandcast.schema.config import ForecastConfig

Row = Mapping[str, Any]

DAY_ZERO = datetime.date(1970, 1, 1)


def step_of(forecast: ForecastConfig) -> int:
    return 1 if forecast.frequency == "D" else 7


def slow_example(
    rows: Sequence[Row],
    cutoff: datetime.date,
    forecast: ForecastConfig,
    *,
    max_history: int,
    zero_until: datetime.date | None = None,
) -> dict[str, list[Any]] | None:
    """Builds the time-dependent features of one series.

    Args:
        rows: `date`, `target` (None if unknown), `in_stock`, `price`, `event`, `weather`; one
            row per date.
        cutoff: Last known period.
        forecast: Frequency and horizon.
        max_history: Longest history.
        zero_until: Dates without a row are zeros up to here.

    Returns:
        None if nothing was recorded up to the cutoff.
    """
    step = datetime.timedelta(days=step_of(forecast))
    by_date = {row["date"]: row for row in rows}
    recorded = [row["date"] for row in rows if row["target"] is not None]
    if not recorded or min(recorded) > cutoff:
        return None
    past = []
    date = cutoff
    while date >= min(recorded) and len(past) < max_history:
        past.insert(0, date)
        date -= step
    future = [cutoff + step * (k + 1) for k in range(forecast.horizon)]

    def observe(date: datetime.date) -> tuple[float, float, float]:
        row = by_date.get(date)
        if row is None:
            zero = zero_until is not None and date <= zero_until
            return 0.0, float(zero), 1.0
        if row["target"] is None:
            return 0.0, 0.0, 1.0
        in_stock = 1.0 if row["in_stock"] is None else row["in_stock"]
        return row["target"], 1.0, in_stock

    def number(date: datetime.date, name: str) -> float:
        value = by_date.get(date, {}).get(name)
        return math.nan if value is None else value

    def word(date: datetime.date, name: str) -> bytes:
        return (by_date.get(date, {}).get(name) or "").encode()

    while past and not observe(past[0])[1]:  # Cut inside of a gap: the rest of it says nothing.
        past.pop(0)
    if not past:
        return None
    seen, ahead = [observe(date) for date in past], [observe(date) for date in future]
    return {
        "cutoff": [(cutoff - DAY_ZERO).days],
        "target": [value for value, _, _ in seen],
        "observed_mask": [mask for _, mask, _ in seen],
        "in_stock_fraction": [share for _, _, share in seen],
        "future_target": [value for value, _, _ in ahead],
        "future_observed_mask": [mask for _, mask, _ in ahead],
        "future_in_stock_fraction": [share for _, _, share in ahead],
        "price": [number(date, "price") for date in past + future],
        "event": [word(date, "event") for date in past + future],
        "weather": [number(date, "weather") for date in past],
    }
