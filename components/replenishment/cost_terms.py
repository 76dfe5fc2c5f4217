"""Terms by which the stock of two models is costed: of the supply tables, or the same for all.

Costs and levels fit together: where stock has to keep a target, the cost of a unit short is what
makes that target the cheapest, whatever the terms say it costs; only `measure: cost` takes theirs.
With a cost that the level does not aim at, a model that forecasts too much could come out cheaper
than one that is right.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.chosen_terms import ExpectedDemand, choose_terms
from demandcast.components.replenishment.interval_levels import implied_stockout_cost
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.lines import SupplyTables, gather_candidates
from demandcast.components.replenishment.model_cost import CostTerms, Int64Array
from demandcast.components.replenishment.supplier_choice import CostRates
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.config.gate import CostConfig
from demandcast.schema.config.replenishment import ServiceConfig

__all__ = ["equal_terms", "supply_cost_terms"]

_DAYS_PER_YEAR = 365.25
_DAYS_PER_WEEK = 7


def equal_terms(series: int, cost: CostConfig, service: ServiceConfig) -> CostTerms:
    """Gives all series the same terms: an order arrives at once and lasts for the interval.

    Args:
        series: N.
        cost: Interval, and costs per unit.
        service: What stock has to achieve.
    """
    holding = np.full(series, cost.holding_cost)
    review = np.full(series, cost.interval, np.int64)
    given = np.nan if cost.stockout_cost is None else cost.stockout_cost
    return CostTerms(
        known=np.ones(series, np.bool_),
        review_period=review,
        lead_time_row=np.zeros(series, np.int64),
        pack_size=np.ones(series),
        holding_cost=holding,
        stockout_cost=_stockout_cost(
            service,
            given=np.full(series, given),
            target=np.full(series, service.target),
            holding_cost=holding,
            review_period=review,
        ),
        lead_time_probabilities=np.ones((1, 1)),
    )


def supply_cost_terms(
    keys: pl.DataFrame,
    tables: SupplyTables,
    lead_times: LeadTimes,
    *,
    demand: ExpectedDemand,
    config: ReplenishmentConfig,
    days_per_period: int,
) -> CostTerms:
    """Takes the terms of each series from the supply tables, as order proposals do.

    Order days count as evenly spread over the week; shelf lives and minimum orders are not
    looked at.

    Args:
        keys: Series key as text. N rows.
        tables: Terms and suppliers; stock is not looked at.
        lead_times: Of the suppliers.
        demand: Of the series, to choose among several suppliers.
        config: Service, rate of the holding cost, currency.
        days_per_period: Length of a period.

    Returns:
        Terms; a series without usable ones is not known.

    Raises:
        ContractError: A table lacks a column, or nothing in it fits the series.
    """
    names = keys.columns
    lines = keys.with_columns(
        forecast_row=pl.int_range(pl.len(), dtype=pl.Int64),
        storage_capacity=pl.lit(None, pl.Float64),
        status=pl.lit(None, pl.String),
        reason=pl.lit(None, pl.String),
    )
    candidates = gather_candidates(lines, tables, keys=names, currency=config.currency)
    per_period = config.holding_cost_rate * days_per_period / _DAYS_PER_YEAR
    rates = CostRates(per_period, 0.0, config.service.target)
    chosen = choose_terms(lines, candidates, lead_times, keys=names, demand=demand, rates=rates)
    holding = _numbers(chosen, pl.coalesce("holding_cost", pl.col("unit_cost") * per_period), 0.0)
    review = _review_periods(chosen, days_per_period)
    return CostTerms(
        known=chosen["status"].is_null().to_numpy(),
        review_period=review,
        lead_time_row=chosen["lead_time_row"].fill_null(0).to_numpy().astype(np.int64),
        pack_size=_numbers(chosen, pl.col("pack_size"), 1.0),
        holding_cost=holding,
        stockout_cost=_stockout_cost(
            config.service,
            given=_numbers(chosen, pl.col("stockout_cost"), np.nan),
            target=_numbers(chosen, pl.col("service_target"), config.service.target),
            holding_cost=holding,
            review_period=review,
        ),
        lead_time_probabilities=_probabilities(lead_times),
    )


def _probabilities(lead_times: LeadTimes) -> FloatArray:
    """Returns the distributions; without any supplier one of no lead time, which nobody uses."""
    found = np.nan_to_num(lead_times.pmf)
    return found if found.size else np.ones((1, 1))


def _numbers(table: pl.DataFrame, column: pl.Expr, missing: float) -> FloatArray:
    found = table.select(column.cast(pl.Float64).fill_null(missing)).to_series()
    return np.asarray(found.to_numpy(), np.float64)


def _review_periods(chosen: pl.DataFrame, days_per_period: int) -> Int64Array:
    """Returns the periods between two orders; of order days the mean distance, rounded up."""
    given = _numbers(chosen, pl.col("review_period"), 1.0)
    days = _numbers(chosen, pl.col("weekdays").list.sum(), 0.0)
    spread = np.ceil(_DAYS_PER_WEEK / np.maximum(days, 1.0) / days_per_period)
    by_weekday = chosen["order_days"].is_not_null().to_numpy() & (days > 0)
    return np.maximum(np.where(by_weekday, spread, given), 1.0).astype(np.int64)


def _stockout_cost(
    service: ServiceConfig,
    *,
    given: FloatArray,
    target: FloatArray,
    holding_cost: FloatArray,
    review_period: Int64Array,
) -> FloatArray:
    """Returns the cost of a unit short at which the level of least cost is the one aimed at."""
    implied = implied_stockout_cost(target, holding_cost=holding_cost, review_period=review_period)
    if service.measure != "cost":
        return implied
    return np.where(np.isnan(given), implied, given)
