"""Order proposals: from forecasts, stock and terms to what is to be ordered, and why.

stock [N] ─ terms ─> lines that can be computed [n] ── paths ──> base-stock level
          (others keep a status)                                     │ less the position
                                                                   wanted
                                      packs, MOQ, room, shelf life, price breaks ─> lots
                                                                   budgets ─> order
                                              paths ──> what to expect, with and without it
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.arrivals import scheduled_arrivals
from demandcast.components.replenishment.assessment import assess
from demandcast.components.replenishment.budget_limits import limit_to_budgets
from demandcast.components.replenishment.chosen_terms import ExpectedDemand, choose_terms
from demandcast.components.replenishment.forecast_arrays import ForecastArrays, extended
from demandcast.components.replenishment.interval_levels import implied_stockout_cost
from demandcast.components.replenishment.interval_model import (
    MOST_ROWS,
    Backtested,
    IntervalModel,
    Intervals,
    learn_intervals,
    memory_of,
)
from demandcast.components.replenishment.lead_time_distributions import pmf_quantiles
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.line_arrays import (
    LineArrays,
    Sampler,
    sample_lead_times,
)
from demandcast.components.replenishment.lines import (
    SupplyTables,
    gather_candidates,
    gather_stock,
    open_order_lines,
)
from demandcast.components.replenishment.order_calendar import days_until_next, order_day
from demandcast.components.replenishment.order_lots import (
    LotTerms,
    OrderLots,
    round_to_lots,
    unit_prices,
)
from demandcast.components.replenishment.price_breaks import price_breaks_of
from demandcast.components.replenishment.proposal_rows import Decided, proposal_rows
from demandcast.components.replenishment.supplier_choice import CostRates
from demandcast.components.replenishment.wanted import Aim, Wanted, want
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.periods import Frequency, season_length

__all__ = ["Proposals", "Situation", "propose"]

Int64Array = npt.NDArray[np.int64]

_COVERED = 0.99
"""Share of lead times with which the forecast must reach to the end of the protection interval."""

_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Situation:
    """What is known when orders are decided.

    Attributes:
        forecasts: Of all series, from one cutoff.
        cutoff: Last known period.
        frequency: Of the periods.
        tables: Stock, orders on their way, terms, suppliers.
        lead_times: Of the suppliers.
        origins: Forecasts at past cutoffs that the model had not seen; None: nothing is learnt.
    """

    forecasts: ForecastArrays
    cutoff: datetime.date
    frequency: Frequency
    tables: SupplyTables
    lead_times: LeadTimes
    origins: OriginForecasts | None = None

    @property
    def days_per_period(self) -> int:
        """Length of a period, days."""
        return 1 if self.frequency == "D" else 7


@dataclass(frozen=True)
class Proposals:
    """What is proposed.

    Attributes:
        table: As `demandcast.schema.proposal_table` has it, exceptions first.
        terms: Key columns, supplier, `holding_cost`, `stockout_cost`, `pack_size`, `moq` of the
            computed lines.
        shadow_price: What one more currency unit of budget would save; 0 without a budget.
        lines: Arrays of the computed lines, in the order of `computed`.
        computed: Key columns of the computed lines.
        order_quantity: Of the computed lines, units. Shape [n].
        sampler: Paths, to draw pictures of single lines, and what was learnt.
    """

    table: pl.DataFrame
    terms: pl.DataFrame
    shadow_price: float
    lines: LineArrays
    computed: pl.DataFrame
    order_quantity: FloatArray
    sampler: Sampler


def propose(situation: Situation, config: ReplenishmentConfig) -> Proposals:
    """Proposes orders for every series that a forecast, the stock or an open order knows.

    Args:
        situation: What is known.
        config: Service, paths, budget, risk and approval.

    Raises:
        ContractError: A table lacks a column, or nothing in it fits the series.
    """
    keys = situation.forecasts.keys.columns
    lines = _with_calendar(_with_terms(situation, config), situation, config)
    horizon = situation.forecasts.horizon
    if config.extrapolate:
        needed = lines.filter(pl.col("status").is_null())["needed_periods"].max()
        horizon = max(horizon, int(needed or 0))  # type: ignore[arg-type]
    lines = _short_forecasts(lines, horizon)
    forecasts = extended(situation.forecasts, horizon, season=season_length(situation.frequency))
    computed = lines.filter(pl.col("status").is_null())
    arrays = _line_arrays(computed, forecasts, situation)
    pmf = np.nan_to_num(situation.lead_times.pmf)
    model = _learnt(situation.origins, computed, arrays, pmf, config)
    sampler = Sampler.draw(
        model,
        pmf,
        forecasts.quantile_levels,
        horizon=horizon,
        paths=config.paths,
        seed=config.seed,
    )
    decided, shadow_price = _decide(computed, arrays, sampler, config, situation)
    table = proposal_rows(
        lines, computed, decided, keys=keys, config=config, cutoff=situation.cutoff
    )
    return Proposals(
        table,
        _terms_of(computed, arrays, keys),
        shadow_price,
        arrays,
        computed.select(keys),
        decided.order_quantity,
        sampler,
    )


def _learnt(
    origins: OriginForecasts | None,
    computed: pl.DataFrame,
    lines: LineArrays,
    pmf: FloatArray,
    config: ReplenishmentConfig,
) -> IntervalModel:
    """Learns over the intervals that the lines have; series without a line have a usual one."""
    if origins is None or not len(lines):
        return IntervalModel()
    keys = origins.keys.columns
    own = computed.select(keys).with_columns(row=pl.int_range(pl.len()))
    found = origins.keys.join(own, on=keys, how="left", maintain_order="left")["row"]
    # A line that is there now stands for series that are not.
    row = found.fill_null(_middle(lines.review_period)).to_numpy()
    intervals = Intervals(
        review_period=lines.review_period[row],
        lead_time_row=lines.lead_time_row[row],
        lead_times=sample_lead_times(pmf, paths=config.paths, seed=config.seed)[1],
        unit=lines.unit[row],
    )
    backtested = Backtested.from_origins(origins, intervals, seed=config.seed, most=MOST_ROWS)
    return learn_intervals(
        backtested,
        origins.quantile_levels,
        paths=config.paths,
        seed=config.seed,
        memory=memory_of(config.memory, origins.frequency),
    )


def _middle(values: Int64Array) -> int:
    """Returns the position of the median."""
    return int(np.argsort(values, kind="stable")[len(values) // 2])


def _with_terms(situation: Situation, config: ReplenishmentConfig) -> pl.DataFrame:
    """Joins stock and terms; one row per series."""
    forecasts, tables = situation.forecasts, situation.tables
    keys = forecasts.keys.columns
    stock = gather_stock(forecasts.keys, tables, cutoff=situation.cutoff)
    candidates = gather_candidates(stock, tables, keys=keys, currency=config.currency)
    demand = ExpectedDemand(forecasts.mean.mean(axis=1, dtype=np.float64), forecasts.variance())
    per_period = config.holding_cost_rate * situation.days_per_period / _DAYS_PER_YEAR
    lines = choose_terms(
        stock,
        candidates,
        situation.lead_times,
        keys=keys,
        demand=demand,
        rates=CostRates(per_period, 0.0, config.service.target),
    )
    defaults = {"review_period": 1.0, "moq": 0.0, "pack_size": 1.0, "order_cost": 0.0}
    return lines.with_columns(
        **{name: pl.col(name).fill_null(value) for name, value in defaults.items()},
        holding_cost=pl.coalesce("holding_cost", pl.col("unit_cost") * per_period),
        service_target=pl.col("service_target").fill_null(config.service.target),
    )


def _with_calendar(
    lines: pl.DataFrame, situation: Situation, config: ReplenishmentConfig
) -> pl.DataFrame:
    """Adds when orders are placed, when the next chance is, and how many periods that takes."""
    day = order_day(situation.cutoff, situation.frequency, config.order_moment)
    every = [True] * 7
    weekdays = [every if one is None else one for one in lines["weekdays"].to_list()]
    today, ahead = days_until_next(day, np.array(weekdays, np.bool_).reshape(lines.height, 7))
    by_weekday = lines["order_days"].is_not_null().to_numpy()
    length = situation.days_per_period
    review = np.nan_to_num(lines["review_period"].to_numpy(), nan=1.0)
    periods = np.where(by_weekday, np.ceil(ahead / length), review).astype(np.int64)
    until_next = np.where(by_weekday, ahead, periods * length)
    row = lines["lead_time_row"].fill_null(0).to_numpy()
    slow, mean = _slow_and_mean(situation.lead_times, row)
    lead_days = np.ceil(mean - 1e-9).astype(np.int64) * length
    placed_after = 1 if config.order_moment == "after_close" else 0
    return lines.with_columns(
        takes_orders=pl.Series(today),
        periods_to_next=pl.Series(periods),
        order_date=_dates(np.full(lines.height, day)),
        due_date=_dates(day + lead_days + placed_after),
        next_order_date=_dates(day + until_next),
        lead_time=pl.Series(mean),
        needed_periods=pl.Series(periods + slow.astype(np.int64)),
    )


def _slow_and_mean(lead_times: LeadTimes, row: Int64Array) -> tuple[FloatArray, FloatArray]:
    """Returns the lead time that nearly all orders keep, and the mean, periods. Shapes [N]."""
    if not len(lead_times.mean):
        return np.zeros(row.size), np.zeros(row.size)
    slow = np.nan_to_num(pmf_quantiles(lead_times.pmf, [_COVERED])[:, 0])
    return slow[row], np.nan_to_num(lead_times.mean)[row]


def _dates(days: Int64Array) -> pl.Series:
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


def _short_forecasts(lines: pl.DataFrame, horizon: int) -> pl.DataFrame:
    """Marks lines whose protection interval ends after the forecast."""
    short = pl.col("status").is_null() & (pl.col("needed_periods") > horizon)
    words = pl.format(
        "the forecast has {} periods, and {} are needed: {} to the next order and {} until it "
        "arrives; replenishment.extrapolate goes on with the last season",
        pl.lit(horizon),
        "needed_periods",
        "periods_to_next",
        pl.col("needed_periods") - pl.col("periods_to_next"),
    )
    return lines.with_columns(
        status=pl.when(short).then(pl.lit("short_forecast")).otherwise("status"),
        reason=pl.when(short).then(words).otherwise("reason"),
    )


def _line_arrays(
    computed: pl.DataFrame,
    forecasts: ForecastArrays,
    situation: Situation,
) -> LineArrays:
    """Turns the lines that can be computed into arrays."""
    keys = forecasts.keys.columns
    row = computed["forecast_row"].to_numpy()
    open_lines = open_order_lines(situation.tables.open_orders, keys, cutoff=situation.cutoff)
    arrivals = scheduled_arrivals(
        computed,
        open_lines,
        keys=keys,
        cutoff=situation.cutoff,
        frequency=situation.frequency,
        horizon=forecasts.horizon,
    )
    numbers = {
        name: computed[name].to_numpy().astype(np.float64)
        for name in ("on_hand", "on_order", "reserved", "pack_size", "moq", "unit_cost")
    }
    holding = computed["holding_cost"].to_numpy().astype(np.float64)
    target = computed["service_target"].to_numpy().astype(np.float64)
    review = computed["periods_to_next"].to_numpy().astype(np.int64)
    implied = implied_stockout_cost(target, holding_cost=holding, review_period=review)
    given = computed["stockout_cost"].to_numpy().astype(np.float64)
    available = numbers["on_hand"] - numbers["reserved"]
    return LineArrays(
        quantiles=forecasts.quantiles[row],
        mean=forecasts.mean[row],
        available=available,
        position=available + numbers["on_order"],
        arrivals=arrivals,
        review_period=review,
        lead_time_row=computed["lead_time_row"].to_numpy().astype(np.int64),
        pack_size=numbers["pack_size"],
        moq=numbers["moq"],
        unit_cost=numbers["unit_cost"],
        holding_cost=holding,
        stockout_cost=np.where(np.isnan(given), implied, given),
        target=target,
        shelf_life=computed["shelf_life"].fill_null(0).to_numpy().astype(np.int64),
        capacity=computed["storage_capacity"].fill_null(np.inf).to_numpy().astype(np.float64),
    )


def _decide(
    computed: pl.DataFrame,
    lines: LineArrays,
    sampler: Sampler,
    config: ReplenishmentConfig,
    situation: Situation,
) -> tuple[Decided, float]:
    """Chooses the quantities, and says what to expect of them."""
    wanted = want(lines, sampler, Aim(config.service.measure, config.unmet_demand))
    missing = np.maximum(wanted.base_stock_level - lines.position, 0.0)
    lots, unit_cost = _lots(computed, lines, wanted, missing, situation)
    takes_orders = computed["takes_orders"].to_numpy()
    ordered = np.where(takes_orders, lots.quantity, 0.0)
    limited, shadow_price = limit_to_budgets(
        computed, lines, sampler, ordered=ordered, unit_cost=unit_cost, budget=config.budget
    )
    outlook = assess(lines, sampler, order_quantity=limited, probability=wanted.probability)
    decided = Decided(
        wanted=wanted,
        wanted_quantity=missing,
        lots=lots,
        room=np.maximum(lines.capacity - lines.position, 0.0),
        sellable=np.maximum(wanted.shelf_life_cap - lines.position, 0.0),
        order_quantity=limited,
        budget_cut=ordered - limited,
        unit_cost=unit_cost,
        outlook=outlook,
        arrays=lines,
    )
    return decided, shadow_price


def _lots(
    computed: pl.DataFrame,
    lines: LineArrays,
    wanted: Wanted,
    missing: FloatArray,
    situation: Situation,
) -> tuple[OrderLots, FloatArray]:
    """Rounds to what can be ordered; returns the lots and their unit costs."""
    terms = LotTerms(
        pack_size=lines.pack_size,
        moq=lines.moq,
        room=lines.capacity - lines.position,
        sellable=wanted.shelf_life_cap - lines.position,
    )
    prices = price_breaks_of(
        computed,
        situation.tables.price_breaks,
        holding_cost=lines.holding_cost,
        mean_demand=lines.mean.mean(axis=1, dtype=np.float64),
    )
    if prices is None:
        return round_to_lots(missing, terms), lines.unit_cost
    lots = round_to_lots(missing, terms, price_breaks=prices)
    return lots, unit_prices(lots.quantity, prices)


def _terms_of(computed: pl.DataFrame, lines: LineArrays, keys: Sequence[str]) -> pl.DataFrame:
    return computed.select(*keys, "supplier").with_columns(
        holding_cost=pl.Series(lines.holding_cost),
        stockout_cost=pl.Series(lines.stockout_cost),
        pack_size=pl.Series(lines.pack_size),
        moq=pl.Series(lines.moq),
    )
