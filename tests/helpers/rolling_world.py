"""Backtests of made-up demand, and the planners and worlds that simulate orders on them.

Forecasts say the same at every cutoff: demand uniform between 0 and twice its mean. Cutoffs are a
period apart unless a test says otherwise; cutoff 0 is the day 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from demandcast.components.replenishment.rolling_policy import (
    RollingPlanner,
    RollingRules,
    SeriesTerms,
)
from demandcast.components.replenishment.rolling_simulation import RollingWorld, review_periods
from demandcast.components.replenishment.stock_scenario import StockCosts, UnmetDemand
from demandcast.components.replenishment.wanted import Aim
from demandcast.schema.origin_arrays import OriginForecasts

__all__ = [
    "HORIZON",
    "LEAD_TIMES",
    "LEVELS",
    "PATHS",
    "demand_of",
    "origins_of",
    "planner_of",
    "rules_of",
    "terms_of",
    "without",
    "world_of",
]

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
HORIZON, PATHS = 8, 100
LEAD_TIMES = ((0.0, 0.0, 1.0),)
"""Two periods, always."""


def demand_of(periods: int, series: int, *, mean: float = 5.0, seed: int = 1) -> np.ndarray:
    """Whole units, uniform between 0 and twice the mean. Shape [T, N]."""
    draws = np.random.default_rng(seed)
    return draws.integers(0, int(2 * mean), (periods, series), endpoint=True).astype(np.float64)


def origins_of(
    demand: np.ndarray, cutoffs: Sequence[int] | None = None, *, mean: float = 5.0
) -> OriginForecasts:
    """Forecasts of all series at cutoffs, beside the demand of the periods after each.

    Args:
        demand: From period 1 on, which follows cutoff 0; what lies beyond is not recorded.
        cutoffs: Periods; None: all after which a period is known.
        mean: That the forecasts say.
    """
    periods, series = demand.shape
    at = np.arange(periods) if cutoffs is None else np.asarray(cutoffs)
    steps = at[:, None] + np.arange(HORIZON)
    known = steps < periods
    future = np.where(known[..., None], demand[np.minimum(steps, periods - 1)], np.nan)
    actual = future.transpose(0, 2, 1).reshape(-1, HORIZON)
    rows = len(actual)
    means = np.full((rows, HORIZON), mean, np.float32)
    return OriginForecasts(
        keys=pl.DataFrame({"item": [f"{one:03d}" for one in range(series)]}),
        cutoff_days=at.astype(np.int64),
        series_index=np.tile(np.arange(series), len(at)),
        cutoff_index=np.repeat(np.arange(len(at)), series),
        actual=actual,
        observed_mask=~np.isnan(actual),
        in_stock_fraction=np.ones((rows, HORIZON), np.float32),
        demand_class=np.array(["smooth"] * rows),
        quantiles=(means[..., None] * 2 * np.array(LEVELS)).astype(np.float32),
        mean=means,
        quantile_levels=LEVELS,
        frequency="D",
    )


def without(origins: OriginForecasts, cutoff: int, series: int) -> OriginForecasts:
    """The same without the forecast of a series at a cutoff."""
    keep = np.flatnonzero((origins.cutoff_index != cutoff) | (origins.series_index != series))
    per_row = (
        "series_index",
        "cutoff_index",
        "actual",
        "observed_mask",
        "in_stock_fraction",
        "demand_class",
        "quantiles",
        "mean",
    )
    values = {name: getattr(origins, name) for name in origins.__dataclass_fields__}
    return OriginForecasts(**values | {name: values[name][keep] for name in per_row})


def terms_of(series: int, **changes: Any) -> SeriesTerms:
    """Plain terms; `changes` are arrays or one number for all series."""
    usual = {
        "review_period": np.ones(series, np.int64),
        "lead_time_row": np.zeros(series, np.int64),
        "pack_size": np.ones(series),
        "unit_cost": np.full(series, 2.0),
        "holding_cost": np.full(series, 0.1),
        "stockout_cost": np.full(series, 1.9),
        "shelf_life": np.zeros(series, np.int64),
    }
    own = {
        name: np.broadcast_to(np.asarray(changes.get(name, values), values.dtype), (series,))
        for name, values in usual.items()
    }
    return SeriesTerms(**own, next_lead_time_row=own["lead_time_row"])


def rules_of(**changes: Any) -> RollingRules:
    """Cycle service level of demand that waits, with few paths."""
    usual = {
        "aim": Aim("cycle_service_level", "backordered"),
        "paths": PATHS,
        "seed": 7,
        "memory": None,
    }
    return RollingRules(**usual | changes)


def planner_of(
    origins: OriginForecasts,
    *,
    first: int,
    terms: SeriesTerms | None = None,
    lead_times: Sequence[Sequence[float]] = LEAD_TIMES,
    rules: RollingRules | None = None,
) -> RollingPlanner:
    """A planner with plain terms and rules."""
    return RollingPlanner.prepare(
        origins,
        terms or terms_of(origins.keys.height),
        np.array(lead_times),
        rules=rules or rules_of(),
        first=first,
    )


def world_of(
    demand: np.ndarray,
    *,
    history: np.ndarray,
    first: int,
    review: int = 1,
    lead_times: Sequence[Sequence[float]] = LEAD_TIMES,
    **changes: Any,
) -> RollingWorld:
    """Demand and plain supply of series that are reviewed every so often."""
    periods, series = demand.shape
    review_period = np.full(series, review, np.int64)
    usual = {
        "demand": demand,
        "history": history,
        "reviewed": review_periods(
            periods,
            review_period,
            cutoffs=np.arange(periods),
            phase=np.zeros(series, np.int64),
        ),
        "review_period": review_period,
        "lead_time_row": np.zeros(series, np.int64),
        "lead_time_probabilities": np.array(lead_times),
        "pack_size": np.ones(series),
        "moq": np.zeros(series),
        "shelf_life": np.full(series, np.inf),
        "costs": StockCosts(holding_cost=0.1, stockout_cost=1.9, order_cost=1.0, waste_cost=2.0),
        "unmet_demand": UnmetDemand.BACKORDERED,
        "opening": np.full(series, 10.0),
        "frequency": "D",
        "warm_up": 3,
        "seed": 5,
        "first": first,
    }
    return RollingWorld(**usual | changes)
