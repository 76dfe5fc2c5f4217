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
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.arrivals import scheduled_arrivals
from demandcast.components.replenishment.cheapest_supplier import (
    Comparison,
    ExpectedDemand,
    Today,
)
from demandcast.components.replenishment.chosen_terms import choose_terms
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
from demandcast.components.replenishment.lead_times import LeadTimes
from demandcast.components.replenishment.line_arrays import (
    LineArrays,
    Sampler,
    sample_lead_times,
)
from demandcast.components.replenishment.line_calendar import (
    delayed_lead_times,
    mark_short_forecasts,
    with_calendar,
    with_closed_suppliers,
)
from demandcast.components.replenishment.lines import (
    SupplyTables,
    closed_days,
    gather_candidates,
    gather_stock,
    open_order_lines,
    with_near_terms,
)
from demandcast.components.replenishment.order_calendar import Calendar, Closures
from demandcast.components.replenishment.order_crossing import felt_lead_times
from demandcast.components.replenishment.order_lots import PriceBreaks
from demandcast.components.replenishment.order_quantities import decide_quantities
from demandcast.components.replenishment.price_breaks import price_breaks_of
from demandcast.components.replenishment.proposal_rows import Decided, proposal_rows
from demandcast.components.replenishment.supplier_choice import CostRates
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.origin_arrays import OriginForecasts
from demandcast.schema.periods import Frequency, season_length

__all__ = ["Prepared", "Proposals", "Situation", "prepare", "propose"]

_DAYS_PER_YEAR = 365.25

_NUMBERS = (
    "on_hand",
    "on_order",
    "reserved",
    "pack_size",
    "moq",
    "unit_cost",
    "holding_cost",
    "stockout_cost",
    "service_target",
    "shelf_life",
    "storage_capacity",
)
"""Columns of lines that are numbers as they are; NaN where null."""


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

    def calendar(self, config: ReplenishmentConfig) -> Calendar:
        """Says when orders are decided."""
        return Calendar(self.cutoff, self.frequency, config.order_moment)

    def closures(self, config: ReplenishmentConfig) -> Closures:
        """Says when suppliers are closed."""
        suppliers = self.lead_times.keys["supplier"].to_list()
        return Closures.of(closed_days(self.tables), suppliers, self.calendar(config))


@dataclass(frozen=True)
class Proposals:
    """What is proposed.

    Attributes:
        table: As `demandcast.schema.proposal_table` has it, exceptions first.
        terms: Key columns, supplier, `holding_cost`, `stockout_cost`, `pack_size`, `moq`,
            `storage_room`, `available_units` and `terms_row` (lines of the same share those
            units) of the computed lines.
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


@dataclass(frozen=True)
class Prepared:
    """Series ready to be decided about.

    Attributes:
        lines: One row per series that any table knows, with `status` and `reason` where it cannot
            be computed.
        computed: Those without a status.
        arrays: Numbers of these, in their order.
        sampler: Paths.
    """

    lines: pl.DataFrame
    computed: pl.DataFrame
    arrays: LineArrays
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
    ready = prepare(situation, config)
    computed, arrays, sampler = ready.computed, ready.arrays, ready.sampler
    prices = _prices(computed, arrays, situation)
    decided, shadow_price = decide_quantities(
        computed, arrays, sampler, price_breaks=prices, config=config
    )
    table = proposal_rows(
        ready.lines,
        computed,
        decided,
        keys=keys,
        config=config,
        calendar=situation.calendar(config),
    )
    terms, known = _terms_of(computed, arrays, decided, keys=keys), computed.select(keys)
    quantity = decided.order_quantity
    return Proposals(table, terms, shadow_price, arrays, known, quantity, sampler)


def prepare(situation: Situation, config: ReplenishmentConfig) -> Prepared:
    """Gathers the series with their stock and terms, and draws paths of their demand.

    Args:
        situation: What is known.
        config: Service and paths.

    Raises:
        ContractError: A table lacks a column, or nothing in it fits the series.
    """
    lines, horizon = _lines(situation, config)
    forecasts = extended(situation.forecasts, horizon, season=season_length(situation.frequency))
    computed = lines.filter(pl.col("status").is_null())
    arrays = _line_arrays(computed, forecasts, situation, situation.calendar(config))
    arrays, pmf = _felt(arrays, situation.lead_times)
    model = _learnt(situation.origins, computed, arrays, pmf, config)
    sampler = Sampler.draw(
        model,
        pmf,
        forecasts.quantile_levels,
        horizon=horizon,
        paths=config.paths,
        seed=config.seed,
    )
    sampler, arrays = with_closed_suppliers(sampler, arrays, situation.closures(config))
    return Prepared(lines, computed, arrays, sampler)


def _felt(lines: LineArrays, lead_times: LeadTimes) -> tuple[LineArrays, FloatArray]:
    """Adds what lines feel whose orders overtake each other, if those of the suppliers do."""
    pmf = delayed_lead_times(lead_times)
    if not lead_times.overtaken.independent or not len(lines):
        return lines, pmf
    pmf, row = felt_lead_times(pmf, lines.lead_time_row, lines.review_period)
    return replace(lines, next_lead_time_row=row), pmf


def _lines(situation: Situation, config: ReplenishmentConfig) -> tuple[pl.DataFrame, int]:
    """Gathers a row per series, with a status where it cannot be computed; and the horizon."""
    closures = situation.closures(config)
    lines = with_calendar(_with_terms(situation, config), situation.lead_times, closures)
    horizon = _horizon(lines, situation, config)
    known = np.full(situation.forecasts.keys.height, horizon)
    if not config.extrapolate:
        known = situation.forecasts.known_periods
    periods = pl.lit(pl.Series(known)).gather(pl.col("forecast_row").fill_null(0))
    lines = lines.with_columns(forecast_periods=periods)
    return mark_short_forecasts(lines, pl.col("forecast_periods")), horizon


def _horizon(lines: pl.DataFrame, situation: Situation, config: ReplenishmentConfig) -> int:
    """Returns the periods that are forecast, or with extrapolation those that are needed."""
    horizon = situation.forecasts.horizon
    if not config.extrapolate:
        return horizon
    needed = lines.filter(pl.col("status").is_null())["needed_periods"].max()
    return max(horizon, int(needed or 0))  # type: ignore[arg-type]


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
    # Names with # are none of a key column.
    own = computed.select(keys).with_columns(pl.int_range(pl.len()).alias("#row"))
    found = origins.keys.join(own, on=keys, how="left", maintain_order="left")["#row"]
    # A line that is there now stands for series that are not.
    row = found.fill_null(_middle(lines.review_period)).to_numpy()
    intervals = Intervals(
        review_period=lines.review_period[row],
        lead_time_row=lines.next_lead_time_row[row],
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


def _middle(values: npt.NDArray[np.int64]) -> int:
    """Returns the position of the median."""
    return int(np.argsort(values, kind="stable")[len(values) // 2])


def _with_terms(situation: Situation, config: ReplenishmentConfig) -> pl.DataFrame:
    """Joins stock and terms; one row per series."""
    forecasts, tables = situation.forecasts, situation.tables
    keys = forecasts.keys.columns
    evening = situation.calendar(config).evening
    stock = gather_stock(
        forecasts.keys, tables, evening=evening, wrong_forecasts=forecasts.problems
    )
    candidates = gather_candidates(stock, tables, keys=keys, currency=config.currency)
    closures = situation.closures(config)
    length = closures.calendar.days_per_period
    per_period = config.holding_cost_rate * length / _DAYS_PER_YEAR
    open_lines = open_order_lines(tables.open_orders, keys, evening=evening)
    comparison = Comparison(
        ExpectedDemand(forecasts.mean.mean(axis=1, dtype=np.float64), forecasts.variance()),
        CostRates(per_period, 0.0, config.service.target),
        situation.frequency,
        price_breaks=tables.price_breaks,
        today=Today(closures, open_lines, forecasts.mean),
    )
    lines = choose_terms(stock, candidates, situation.lead_times, keys=keys, comparison=comparison)
    defaults = {"review_period": 1.0, "moq": 0.0, "pack_size": 1.0, "order_cost": 0.0}
    lines = with_near_terms(lines, tables, keys)
    return lines.with_columns(
        **{name: pl.col(name).fill_null(value) for name, value in defaults.items()},
        holding_cost=pl.coalesce("holding_cost", pl.col("unit_cost") * per_period),
        service_target=pl.col("service_target").fill_null(config.service.target),
    )


def _line_arrays(
    computed: pl.DataFrame,
    forecasts: ForecastArrays,
    situation: Situation,
    calendar: Calendar,
) -> LineArrays:
    """Turns the lines that can be computed into arrays."""
    keys = forecasts.keys.columns
    open_lines = open_order_lines(situation.tables.open_orders, keys, evening=calendar.evening)
    arrivals = scheduled_arrivals(
        computed, open_lines, keys=keys, calendar=calendar, horizon=forecasts.horizon
    )
    delayed = computed["delay"].to_numpy() * len(situation.lead_times.pmf)
    # What no line has is null throughout, and then of no type that NumPy knows.
    numbers = {name: computed[name].cast(pl.Float64).to_numpy() for name in _NUMBERS}
    holding, target = numbers["holding_cost"], numbers["service_target"]
    review = computed["periods_to_next"].to_numpy().astype(np.int64)
    implied = implied_stockout_cost(target, holding_cost=holding, review_period=review)
    given, row = numbers["stockout_cost"], computed["forecast_row"].to_numpy()
    available = numbers["on_hand"] - numbers["reserved"]
    capacity = numbers["storage_capacity"] - numbers["reserved"]
    lead_time_row = computed["lead_time_row"].to_numpy().astype(np.int64) + delayed
    return LineArrays(
        quantiles=forecasts.quantiles[row],
        mean=forecasts.mean[row],
        available=available,
        position=available + numbers["on_order"],
        arrivals=arrivals,
        review_period=review,
        lead_time_row=lead_time_row,
        next_lead_time_row=lead_time_row,
        pack_size=numbers["pack_size"],
        moq=numbers["moq"],
        unit_cost=numbers["unit_cost"],
        holding_cost=holding,
        stockout_cost=np.where(np.isnan(given), implied, given),
        target=target,
        shelf_life=np.nan_to_num(numbers["shelf_life"]).astype(np.int64),
        capacity=np.where(np.isnan(capacity), np.inf, capacity),
    )


def _prices(computed: pl.DataFrame, lines: LineArrays, situation: Situation) -> PriceBreaks | None:
    """Looks up the prices by quantity of the lines."""
    return price_breaks_of(
        computed,
        situation.tables.price_breaks,
        keys=situation.forecasts.keys.columns,
        holding_cost=lines.holding_cost,
        mean_demand=lines.mean.mean(axis=1, dtype=np.float64),
    )


def _terms_of(
    computed: pl.DataFrame, lines: LineArrays, decided: Decided, *, keys: Sequence[str]
) -> pl.DataFrame:
    """Says what a person who orders another quantity has to know."""
    terms = computed.select(*keys, "supplier").with_columns(
        holding_cost=pl.Series(lines.holding_cost),
        stockout_cost=pl.Series(lines.stockout_cost),
        pack_size=pl.Series(lines.pack_size),
        moq=pl.Series(lines.moq),
        storage_room=pl.Series(np.where(np.isfinite(decided.room), decided.room, np.nan)),
        available_units=computed["available_units"].cast(pl.Float64),
        terms_row=computed["#terms_row"].cast(pl.Int64),
    )
    return terms.with_columns(pl.col("storage_room").fill_nan(None))
