"""The scorecard of suppliers: how long they take, and whether they keep their word."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray, check_shape
from demandcast.components.replenishment.lead_times import QUANTILE_LEVELS, LeadTimes

__all__ = ["SCORECARD_COLUMNS", "supplier_scorecard"]

SCORECARD_COLUMNS = (
    "status",
    "deliveries",
    "open_orders",
    "abandoned",
    "lead_time_mean",
    "lead_time_std",
    "lead_time_p50",
    "lead_time_p90",
    "lead_time_p95",
    "own_weight",
    "quoted_lead_time",
    "on_time_share",
    "mean_days_late",
    "in_full_share",
    "trend_per_year",
    "trend_standard_error",
    "trend_distinguishable",
    "outliers",
    "cost_of_unreliability",
)
"""Columns of a scorecard behind those of the supplier."""


def supplier_scorecard(
    lead_times: LeadTimes, *, cost_of_unreliability: npt.ArrayLike | None = None
) -> pl.DataFrame:
    """Tabulates the suppliers, those with most deliveries first.

    Args:
        lead_times: Fitted lead times of suppliers (V).
        cost_of_unreliability: Currency per period that varying lead times cost, such as the sum
            over a supplier's items from `cost_of_unreliability`; None: not known. Shape [V].

    Returns:
        The columns of the supplier and `SCORECARD_COLUMNS`: lead times and trend in periods (per
        year), lateness in days, shares from 0 to 1; null where nothing is known. V rows.

    Raises:
        ValueError: The shapes disagree.
    """
    count = len(lead_times.keys)
    cost = np.full(count, np.nan)
    if cost_of_unreliability is not None:
        cost = np.asarray(cost_of_unreliability, dtype=np.float64)
        check_shape("cost_of_unreliability", cost, (count,))
    punctuality, trend = lead_times.punctuality, lead_times.trend
    columns = {
        "status": pl.Series(lead_times.status.tolist(), dtype=pl.String),
        "deliveries": lead_times.deliveries,
        "open_orders": lead_times.open_orders,
        "abandoned": lead_times.abandoned,
        "lead_time_mean": lead_times.mean,
        "lead_time_std": lead_times.std,
        **_quantiles(lead_times.quantiles),
        "own_weight": lead_times.own_weight,
        "quoted_lead_time": lead_times.quoted,
        "on_time_share": punctuality.on_time_share,
        "mean_days_late": punctuality.mean_days_late,
        "in_full_share": lead_times.in_full_share,
        "trend_per_year": trend.slope,
        "trend_standard_error": trend.standard_error,
        "trend_distinguishable": trend.distinguishable,
        "outliers": lead_times.outliers.count,
        "cost_of_unreliability": cost,
    }
    table = pl.concat([lead_times.keys, pl.DataFrame(columns)], how="horizontal")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None)).sort(
        ["deliveries", *lead_times.keys.columns],
        descending=[True, *[False] * len(lead_times.keys.columns)],
    )


def _quantiles(quantiles: FloatArray) -> dict[str, FloatArray]:
    """Names the columns of quantiles by their levels."""
    return {
        f"lead_time_p{100 * level:.0f}": quantiles[:, column]
        for column, level in enumerate(QUANTILE_LEVELS)
    }
