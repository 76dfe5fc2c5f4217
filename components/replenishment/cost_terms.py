"""Terms by which the stock of two models is costed: of the supply tables, or the same for all.

Costs and levels fit together: where stock has to keep a target, the cost of a unit short is what
makes that target the cheapest, whatever the terms say it costs; only `measure: cost` takes theirs.
With a cost that the level does not aim at, a model that forecasts too much could come out cheaper
than one that is right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.interval_levels import implied_stockout_cost
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.lines import SupplyTables
from demandcast.components.replenishment.model_cost import CostTerms
from demandcast.components.replenishment.series_supply import supply_of_series
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.config.gate import CostConfig
from demandcast.schema.config.replenishment import ServiceConfig
from demandcast.schema.origin_arrays import OriginForecasts

__all__ = ["equal_terms", "supply_cost_terms"]


def equal_terms(series: int, cost: CostConfig, service: ServiceConfig) -> CostTerms:
    """Gives all series the same terms: an order arrives at once and lasts for the interval.

    Args:
        series: N.
        cost: Interval, and costs per unit.
        service: What stock has to achieve.
    """
    holding = np.full(series, cost.holding_cost)
    review = np.full(series, cost.interval, np.int64)
    given = cost.stockout_cost if service.measure == "cost" else None
    implied = implied_stockout_cost(
        np.full(series, service.target), holding_cost=holding, review_period=review
    )
    return CostTerms(
        known=np.ones(series, np.bool_),
        review_period=review,
        lead_time_row=np.zeros(series, np.int64),
        pack_size=np.ones(series),
        holding_cost=holding,
        stockout_cost=implied if given is None else np.full(series, given),
        lead_time_probabilities=np.ones((1, 1)),
    )


def supply_cost_terms(
    origins: OriginForecasts,
    tables: SupplyTables,
    lead_times: LeadTimes,
    *,
    config: ReplenishmentConfig,
) -> CostTerms:
    """Takes the terms of each series from the supply tables, as simulations of backtests do.

    Shelf lives and minimum orders are not looked at.

    Args:
        origins: Forecasts of the series (N), to choose among several suppliers.
        tables: Terms and suppliers; stock is not looked at.
        lead_times: Of the suppliers.
        config: Service, rate of the holding cost, currency.

    Returns:
        Terms; a series without usable ones is not known.

    Raises:
        BadInputError: No series has terms.
        ContractError: A table lacks a column, or nothing in it fits the series.
    """
    terms = tables.supply_terms
    if config.service.measure != "cost":
        terms = terms.drop("stockout_cost", strict=False)
    supply = supply_of_series(origins, replace(tables, supply_terms=terms), lead_times, config)
    count = origins.keys.height

    def spread(values: npt.NDArray[Any], usual: float) -> npt.NDArray[Any]:
        every = np.full(count, usual, values.dtype)
        every[supply.rows] = values
        return every

    return CostTerms(
        known=np.isin(np.arange(count), supply.rows),
        review_period=spread(supply.terms.review_period, 1),
        lead_time_row=spread(supply.terms.lead_time_row, 0),
        pack_size=spread(supply.terms.pack_size, 1),
        holding_cost=spread(supply.terms.holding_cost, 0),
        stockout_cost=spread(supply.terms.stockout_cost, 0),
        lead_time_probabilities=supply.lead_time_probabilities,
    )
