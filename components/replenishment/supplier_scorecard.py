"""The scorecard of suppliers: how long they take, and whether they keep their word."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray, check_shape, ratio
from demandcast.components.replenishment.forecast_arrays import ForecastArrays
from demandcast.components.replenishment.lead_times import QUANTILE_LEVELS, LeadTimes
from demandcast.components.replenishment.proposing import Proposals
from demandcast.components.replenishment.supplier_choice import (
    Candidates,
    CostRates,
    ItemDemand,
    cost_of_unreliability,
)

__all__ = ["SCORECARD_COLUMNS", "costs_of_unreliability", "supplier_scorecard"]

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
    "lower_fence",
    "upper_fence",
    "cost_of_unreliability",
)
"""Columns of a scorecard behind those of the supplier."""


def supplier_scorecard(
    lead_times: LeadTimes, *, cost_of_unreliability: npt.ArrayLike | None = None
) -> pl.DataFrame:
    """Tabulates the suppliers, those with most deliveries first.

    Args:
        lead_times: Fitted lead times of suppliers (V).
        cost_of_unreliability: Currency per period that varying lead times cost, such as from
            `costs_of_unreliability`; None: not known. Shape [V].

    Returns:
        The columns of the supplier and `SCORECARD_COLUMNS`: lead times, fences of outliers and
        trend in periods (per year), lateness in days, shares from 0 to 1; null where nothing is
        known. V rows.

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
        "lower_fence": lead_times.outliers.lower_fence,
        "upper_fence": lead_times.outliers.upper_fence,
        "cost_of_unreliability": cost,
    }
    table = pl.concat([lead_times.keys, pl.DataFrame(columns)], how="horizontal")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None)).sort(
        ["deliveries", *lead_times.keys.columns],
        descending=[True, *[False] * len(lead_times.keys.columns)],
    )


def costs_of_unreliability(
    lead_times: LeadTimes, proposals: Proposals, *, cycle_service_level: float
) -> FloatArray:
    """Sums what varying lead times cost over the lines that a supplier has been chosen for.

    Formula: the sum over lines of h z (sqrt((E[L] + R) v + m^2 Var(L)) - sqrt((E[L] + R) v)), h the
    holding cost, m and v mean and variance of a period's demand, z the normal quantile of the
    target: the holding cost of the safety stock that a steady lead time of the same mean would
    save.

    Args:
        lead_times: Of the suppliers (V).
        proposals: With the computed lines.
        cycle_service_level: One target for all, in (0, 1), so that suppliers can be compared.

    Returns:
        Currency per period; NaN for a supplier of no computed line. Shape [V].

    Source:
        `cost_of_unreliability` of `supplier_choice`; the sum is ours.
    """
    count, lines = len(lead_times.keys), proposals.lines
    if not count or not len(lines):
        return np.full(count, np.nan)
    rows = {name: row for row, name in enumerate(lead_times.keys["supplier"])}
    supplier = proposals.terms["supplier"].replace_strict(rows, return_dtype=pl.Int64).to_numpy()
    levels = proposals.sampler.quantile_levels
    forecasts = ForecastArrays(proposals.computed, lines.quantiles, lines.mean, levels)
    demand = ItemDemand(lines.mean.mean(axis=1, dtype=np.float64), forecasts.variance())
    nothing = np.zeros((len(lines), 1))
    terms = Candidates(
        supplier=supplier[:, None],
        # The rate is of the unit cost; a rate of 1 makes the holding cost what counts.
        unit_cost=lines.holding_cost[:, None],
        order_cost=nothing,
        review_period=lines.review_period[:, None].astype(np.float64),
        moq=nothing,
        pack_size=nothing + 1,
    )
    rates = CostRates(1.0, 0.0, cycle_service_level)
    cost = cost_of_unreliability(demand, terms, lead_times.pmf, rates=rates)[:, 0]
    chosen = np.bincount(supplier, minlength=count)
    return ratio(np.bincount(supplier, cost, count), np.where(chosen > 0, 1.0, 0.0))


def _quantiles(quantiles: FloatArray) -> dict[str, FloatArray]:
    """Names the columns of quantiles by their levels."""
    return {
        f"lead_time_p{100 * level:.0f}": quantiles[:, column]
        for column, level in enumerate(QUANTILE_LEVELS)
    }
