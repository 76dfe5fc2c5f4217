"""Terms of supply of the series of a backtest: those of today's tables, without any stock."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.cheapest_supplier import Comparison, ExpectedDemand
from demandcast.components.replenishment.chosen_terms import choose_terms
from demandcast.components.replenishment.interval_levels import implied_stockout_cost
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.lines import SupplyTables, gather_candidates
from demandcast.components.replenishment.order_calendar import longest_review_periods
from demandcast.components.replenishment.order_crossing import felt_lead_times
from demandcast.components.replenishment.rolling_policy import SeriesTerms
from demandcast.components.replenishment.supplier_choice import CostRates
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.errors import BadInputError
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.periods import Frequency

__all__ = ["SeriesSupply", "supply_of_series"]

_DAYS_PER_YEAR = 365.25
_SHOWN = 3


@dataclass(frozen=True)
class SeriesSupply:
    """Supply of series (N) of a backtest.

    Attributes:
        keys: Of the series that have terms. N rows.
        rows: Their positions among all series of the backtest. Shape [N].
        terms: As the planner uses them.
        moq: Units. Shape [N].
        order_cost: Currency units per order. Shape [N].
        stockout_cost_given: Whether the terms give one; otherwise the target implies it. Shape [N].
        lead_time_probabilities: Of 0, 1, ... periods, by distribution; after those of the
            suppliers what is felt of them where orders overtake each other. Shape [V, L + 1].
        left_out: Series without terms, by reason.
    """

    keys: pl.DataFrame
    rows: npt.NDArray[np.int64]
    terms: SeriesTerms
    moq: FloatArray
    order_cost: FloatArray
    stockout_cost_given: npt.NDArray[np.bool_]
    lead_time_probabilities: FloatArray
    left_out: dict[str, int]


def supply_of_series(
    origins: OriginForecasts,
    tables: SupplyTables,
    lead_times: LeadTimes,
    config: ReplenishmentConfig,
) -> SeriesSupply:
    """Looks up the terms of the series of a backtest.

    Args:
        origins: Forecasts of the backtest.
        tables: Terms and suppliers; stock is not looked at.
        lead_times: Of the suppliers.
        config: Defaults of costs, the target.

    Raises:
        BadInputError: No series has terms.
        ContractError: A table lacks a column.
    """
    keys = origins.keys.columns
    length = 1 if origins.frequency == "D" else 7
    per_period = config.holding_cost_rate * length / _DAYS_PER_YEAR
    lines = origins.keys.with_columns(
        forecast_row=pl.int_range(pl.len()),
        storage_capacity=pl.lit(None, pl.Float64),
        status=pl.lit(None, pl.String),
        reason=pl.lit(None, pl.String),
    )
    candidates = gather_candidates(lines, tables, keys=keys, currency=config.currency)
    chosen = choose_terms(
        lines,
        candidates,
        lead_times,
        keys=keys,
        comparison=_comparison(origins, tables, per_period, config),
    )
    good = chosen.filter(pl.col("status").is_null())
    if not good.height:
        first = "; ".join(chosen["reason"].unique(maintain_order=True).head(_SHOWN).to_list())
        raise BadInputError(f"no series has terms of supply: {first}")
    left_out = chosen.filter(pl.col("status").is_not_null())["status"].value_counts()
    terms = _series_terms(good, per_period, config, origins.frequency)
    # Lead times of a simulation are drawn for each order: they overtake each other.
    pmf, felt = felt_lead_times(
        np.nan_to_num(lead_times.pmf), terms.lead_time_row, terms.review_period
    )
    return SeriesSupply(
        keys=good.select(keys),
        rows=good["forecast_row"].to_numpy().astype(np.int64),
        terms=replace(terms, next_lead_time_row=felt),
        moq=_numbers(good, "moq", 0.0),
        order_cost=_numbers(good, "order_cost", 0.0),
        stockout_cost_given=good["stockout_cost"].is_not_null().to_numpy(),
        lead_time_probabilities=pmf,
        left_out=dict(left_out.iter_rows()),
    )


def _comparison(
    origins: OriginForecasts, tables: SupplyTables, per_period: float, config: ReplenishmentConfig
) -> Comparison:
    """Says what suppliers are compared by; there is no stock of today."""
    return Comparison(
        _mean_demand(origins),
        CostRates(per_period, 0.0, config.service.target),
        origins.frequency,
        price_breaks=tables.price_breaks,
    )


def _mean_demand(origins: OriginForecasts) -> ExpectedDemand:
    """Averages the forecasts of each series over its cutoffs; their variance is not looked at."""
    count = origins.keys.height
    sums = np.bincount(
        origins.series_index, origins.mean.mean(axis=1, dtype=np.float64), minlength=count
    )
    rows = np.maximum(np.bincount(origins.series_index, minlength=count), 1)
    mean = sums / rows
    return ExpectedDemand(mean, mean)


def _series_terms(
    good: pl.DataFrame, per_period: float, config: ReplenishmentConfig, frequency: Frequency
) -> SeriesTerms:
    review = longest_review_periods(good, frequency)
    unit_cost = _numbers(good, "unit_cost", 0.0)
    holding = np.where(
        good["holding_cost"].is_null().to_numpy(),
        unit_cost * per_period,
        _numbers(good, "holding_cost", 0.0),
    )
    target = _numbers(good, "service_target", config.service.target)
    implied = implied_stockout_cost(target, holding_cost=holding, review_period=review)
    row = good["lead_time_row"].to_numpy().astype(np.int64)
    given = good["stockout_cost"].to_numpy().astype(np.float64)
    return SeriesTerms(
        review_period=review,
        lead_time_row=row,
        next_lead_time_row=row,
        pack_size=_numbers(good, "pack_size", 1.0),
        unit_cost=unit_cost,
        holding_cost=holding,
        stockout_cost=np.where(np.isnan(given), implied, given),
        shelf_life=_numbers(good, "shelf_life", 0.0).astype(np.int64),
    )


def _numbers(frame: pl.DataFrame, name: str, default: float) -> FloatArray:
    return frame[name].fill_null(default).to_numpy().astype(np.float64)
