"""`demandcast simulate`: what orders by our forecasts would have cost, beside other policies.

model ─ cutoffs that it has not seen ─ forecasts beside what happened ─┐
tables of supply ─ terms, lead times ─────────────────────────────────┼─ policies simulated
sales before ─ history for the rules of thumb ────────────────────────┘  on the same demand
"""

from __future__ import annotations

import datetime
import logging
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.backtest.decoding import decode_sales
from demandcast.components.examples.latest import EXAMPLE, latest_ingestion, write_latest_examples
from demandcast.components.replenishment.interval_levels import implied_stockout_cost
from demandcast.components.replenishment.interval_model import memory_of
from demandcast.components.replenishment.lead_time_distributions import pmf_mean
from demandcast.components.replenishment.perfect_levels import PERFECT, PerfectPlanner
from demandcast.components.replenishment.rolling_policy import (
    LevelPlanner,
    RollingPlanner,
    RollingRules,
)
from demandcast.components.replenishment.rolling_simulation import (
    RollingWorld,
    review_periods,
    simulate_policies,
)
from demandcast.components.replenishment.series_supply import SeriesSupply, supply_of_series
from demandcast.components.replenishment.stock_scenario import StockCosts, UnmetDemand
from demandcast.components.replenishment.supplier_lead_times import lead_times_of
from demandcast.components.replenishment.wanted import Aim
from demandcast.components.simulation.chain import simulate_chain
from demandcast.components.simulation.write import read_simulation
from demandcast.pipeline.console import Console
from demandcast.pipeline.model_choice import ChosenModel, model_in_service, model_of_run
from demandcast.pipeline.origin_forecasts import Tables, forecast_origins
from demandcast.pipeline.supply_files import read_demand, read_lead_times, read_terms
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import BadInputError
from demandcast.schema.origin_arrays import OriginForecasts, read_origins
from demandcast.schema.periods import date_of, days_of, period_of, periods_of

__all__ = ["REFERENCE", "SimulateOptions", "Simulated", "simulate"]

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

REFERENCE = "textbook"
"""Policy by which the others are divided."""

_HISTORY = 400
"""Periods before the simulation that rules of thumb look back on, at most."""

_TEACHING_SHARE = 1 / 4
"""Share of the unseen cutoffs that teach only, if nobody says from when to simulate."""

_UNMET = {"lost": UnmetDemand.LOST, "backordered": UnmetDemand.BACKORDERED}


@dataclass(frozen=True)
class SimulateOptions:
    """What is wanted.

    Attributes:
        targets: Of the measure; policies are simulated for each.
        run_id: Run whose model decides; None: the model in service.
        start: Cutoff of the first simulated decision; None: after a quarter of them.
        demand: Table of what was asked for, where it is known; None: what was sold.
        sample_data: Folder of `demandcast sample-data` from which the tables are: adds the policy
            that knows the distribution of its demand, and takes its true demand.
        whole_lots: Order in packs and at least the MOQ; otherwise any whole quantity.
        seed: Of the lead times.
    """

    targets: tuple[float, ...] = (0.9, 0.95, 0.98)
    run_id: str | None = None
    start: datetime.date | None = None
    demand: Path | None = None
    sample_data: Path | None = None
    whole_lots: bool = True
    seed: int = 17


@dataclass(frozen=True)
class Simulated:
    """What the simulation found.

    Attributes:
        table: A row per policy and target, as `compare_chunks` has them.
        series: Series simulated.
        left_out: Series without terms of supply, by reason.
        first: First simulated period, ISO date.
        last: Last one.
        warm_up: First periods that are not counted.
        cutoffs: Cutoffs with decisions.
        teaching: Cutoffs before them.
        measure: What a target is a target of.
        unmet_demand: What became of it.
        lead_times: Mean of the lead times, periods, over the series.
        model: Digest of the model.
        demand: The file that says what was asked for; empty: what was sold.
        whole_lots: Whether orders were packs and at least the MOQ.
        reference: Policy by which the others are divided.
        seconds: Wall time.
    """

    table: pl.DataFrame
    series: int
    left_out: dict[str, int]
    first: str
    last: str
    warm_up: int
    cutoffs: int
    teaching: int
    measure: str
    unmet_demand: str
    lead_times: float
    model: str
    demand: str
    whole_lots: bool
    reference: str
    seconds: float


def simulate(config: RunConfig, console: Console, options: SimulateOptions) -> Simulated:
    """Simulates policies over the periods that a model has not seen.

    Args:
        config: The run; paths are absolute.
        console: Shows the progress.
        options: What is wanted.

    Raises:
        BadInputError: The model has seen all cutoffs, or a table is missing or wrong.
        ServingError: No model is in service, or it does not fit the configuration.
    """
    begin, asked = time.monotonic(), _demand_file(options)
    tables = Tables.check(config, console)
    model = _model(config, options)
    terms = read_terms(config)
    cutoffs = _cutoffs(config, tables, model, stride=_stride(terms.supply_terms, terms.suppliers))
    first = _first(cutoffs, options, config)
    deliveries, frequency = read_lead_times(config), config.forecast.frequency
    lead_times = lead_times_of(
        deliveries,
        terms.suppliers,
        cutoff=date_of(int(days_of(np.array(cutoffs[first]), frequency))),
        frequency=frequency,
        order_moment=config.replenishment.order_moment,
    )
    with tempfile.TemporaryDirectory(prefix="demandcast-simulate-") as folder:
        table = forecast_origins(config, console, model=model, cutoffs=cutoffs, folder=Path(folder))
        origins = read_origins(table, config.series)
        every, origins = origins.keys.height, _always_forecast(origins, first)
        supply = supply_of_series(origins, terms, lead_times, config.replenishment)
        origins = origins.of_series(supply.rows)
        sales = _sales(config, origins, until=tables.newest, folder=folder)
    left_out = {"no_forecast": every - origins.keys.height - sum(supply.left_out.values())}
    console.say(f"{origins.keys.height:,} series, {len(cutoffs) - first} cutoffs with decisions")
    work = _Work(
        config, options, origins, supply, _split(sales, tables.newest - cutoffs[first]), first
    )
    with console.following("demandcast"):
        found = pl.concat(list(work.tables()))
    return Simulated(
        table=found,
        series=origins.keys.height,
        left_out={name: count for name, count in (left_out | supply.left_out).items() if count},
        first=_date(cutoffs[first] + 1, config),
        last=_date(tables.newest, config),
        warm_up=work.warm_up,
        cutoffs=len(cutoffs) - first,
        teaching=first,
        measure=config.replenishment.service.measure,
        unmet_demand=config.replenishment.unmet_demand,
        lead_times=round(float(work.mean_lead_time.mean()), 2),
        model=model.digest,
        demand=asked.name if asked else "",
        whole_lots=options.whole_lots,
        reference=REFERENCE,
        seconds=round(time.monotonic() - begin, 1),
    )


def _model(config: RunConfig, options: SimulateOptions) -> ChosenModel:
    if options.run_id is not None:
        return model_of_run(config, options.run_id)
    return model_in_service(config)


def _stride(terms: pl.DataFrame, suppliers: pl.DataFrame | None) -> int:
    """Returns the periods between cutoffs that all reviews need: the common divisor of theirs."""
    tables = [table for table in (terms, suppliers) if table is not None]
    for table in tables:
        if "order_days" in table.columns and table["order_days"].drop_nulls().len():
            return 1
    reviews = [
        table["review_period"].cast(pl.Float64, strict=False)
        for table in tables
        if "review_period" in table.columns
    ]
    # Where neither table says how often, it is every period.
    if all(column.null_count() for column in reviews):
        return 1
    values = pl.concat(reviews).drop_nulls().unique().to_list()
    return math.gcd(*(int(value) for value in values if value >= 1)) or 1


def _cutoffs(
    config: RunConfig, tables: Tables, model: ChosenModel, *, stride: int
) -> tuple[int, ...]:
    """Returns all cutoffs that the model has not seen, oldest first."""
    if model.seen_until is None:
        raise BadInputError(
            "the model does not say until when it has seen the data, so a simulation may be "
            "hindsight: train one anew"
        )
    seen = period_of(model.seen_until, config.forecast.frequency)
    cutoffs = tuple(range(seen, tables.newest, stride))
    if len(cutoffs) < 3:
        raise BadInputError(
            f"the model has seen the data until {model.seen_until}, which leaves {len(cutoffs)} "
            f"cutoffs {stride} periods apart; a simulation needs a model that was trained some "
            "months before the data ends: --set sampling.end=DATE with 'demandcast run'"
        )
    return cutoffs


def _first(cutoffs: Sequence[int], options: SimulateOptions, config: RunConfig) -> int:
    """Returns the position of the first cutoff with a decision."""
    if options.start is None:
        return int(len(cutoffs) * _TEACHING_SHARE)
    wanted = period_of(options.start, config.forecast.frequency)
    first = int(np.searchsorted(cutoffs, wanted))
    if first >= len(cutoffs) - 1:
        raise BadInputError(
            f"--start: got {options.start}; the cutoffs are from {_date(cutoffs[0], config)} to "
            f"{_date(cutoffs[-1], config)}"
        )
    return first


def _date(period: int, config: RunConfig) -> str:
    day = int(days_of(np.array(period), config.forecast.frequency))
    return date_of(day).isoformat()


def _always_forecast(origins: OriginForecasts, first: int) -> OriginForecasts:
    """Keeps the series with a forecast at each decision: of others some orders would be missing.

    Raises:
        BadInputError: There is none.
    """
    always = (origins.rows_by_cutoff[first:] >= 0).all(axis=0)
    if not always.any():
        raise BadInputError(
            "no series has a forecast at each cutoff: start later, or lower sampling.min_history, "
            "min_demand and min_demand_periods"
        )
    return origins.of_series(np.flatnonzero(always))


def _sales(config: RunConfig, origins: OriginForecasts, *, until: int, folder: str) -> FloatArray:
    """Reads what was sold, up to the longest history. Units per period, shape [T, N]."""
    periods = config.sampling.max_history
    day = datetime.date.fromisoformat(_date(until, config))
    ingestion = latest_ingestion(
        config.data, config.forecast, config.sampling, config.beam, cutoff=day
    )
    # Nothing is forecast from here: plans after the last sale are not needed.
    latest = write_latest_examples(ingestion, f"{folder}/sales")
    keys = origins.keys.columns
    sales = np.zeros((periods, origins.keys.height))
    places = origins.keys.with_row_index("place")
    for batch in latest.batches():
        columns = {name: batch.column(batch.schema.get_field_index(name)) for name in keys}
        found = pl.DataFrame({name: one.to_pylist() for name, one in columns.items()})
        rows = found.with_row_index("row").join(places, on=keys, how="inner")
        examples = batch.column(batch.schema.get_field_index(EXAMPLE)).to_pylist()
        sold = decode_sales(examples, periods=periods)
        sales[:, rows["place"].to_numpy()] = sold[rows["row"].to_numpy()].T
    return sales


def _split(sales: FloatArray, simulated: int) -> _Sales:
    """Parts what was sold in the simulated periods from what was sold before."""
    return _Sales(history=sales[:-simulated][-_HISTORY:], simulated=sales[-simulated:])


@dataclass(frozen=True)
class _Sales:
    """What was sold, units per period.

    Attributes:
        history: Before the simulation, the newest last. Shape [H, N].
        simulated: In the simulated periods. Shape [T, N].
    """

    history: FloatArray
    simulated: FloatArray


def _demand_file(options: SimulateOptions) -> Path | None:
    """Returns the table of what was asked for; that of sample data lies beside it.

    Raises:
        BadInputError: The folder of sample data has none.
    """
    if options.demand is not None or options.sample_data is None:
        return options.demand
    found = sorted(options.sample_data.glob("true_demand.*"))
    if not found:
        raise BadInputError(
            f"--sample-data: {options.sample_data} has no true_demand; 'demandcast sample-data' "
            "writes it"
        )
    return found[0]


@dataclass(frozen=True)
class _Work:
    """What the simulation of each target needs."""

    config: RunConfig
    options: SimulateOptions
    origins: OriginForecasts
    supply: SeriesSupply
    sales: _Sales
    first: int

    @property
    def mean_lead_time(self) -> FloatArray:
        """Mean lead time of each series, periods. Shape [N]."""
        pmf = self.supply.lead_time_probabilities
        return np.asarray(pmf_mean(pmf)[self.supply.terms.lead_time_row])

    @property
    def warm_up(self) -> int:
        """Periods until most stock is of the policies' own making: two intervals.

        In the first the opening stock is sold, in the second what was ordered in view of it.
        """
        interval = self.supply.terms.review_period + np.ceil(self.mean_lead_time)
        return min(2 * int(np.quantile(interval, 0.95)), len(self.sales.simulated) // 3)

    def tables(self) -> Iterator[pl.DataFrame]:
        """Simulates all policies for each target."""
        rules = RollingRules(
            aim=Aim(self.config.replenishment.service.measure, self._unmet),
            paths=self.config.replenishment.paths,
            seed=self.config.replenishment.seed,
            memory=memory_of(self.config.replenishment.memory, self.origins.frequency),
        )
        planner = RollingPlanner.prepare(
            self.origins,
            self.supply.terms,
            self.supply.lead_time_probabilities,
            rules=rules,
            first=self.first,
        )
        world = self._world()
        for target in self.options.targets:
            logger.info("policies for a target of %g", target)
            priced = replace(world, costs=self._costs(target))
            found = simulate_policies(
                priced,
                planner,
                levels={},
                targets=[target],
                reference=REFERENCE,
                others=self._others(rules),
            )
            # A policy without a target has its costs at this one's stockout cost.
            yield found.with_columns(pl.col("target").fill_null(target))

    def _others(self, rules: RollingRules) -> dict[str, LevelPlanner]:
        """Adds the planner that knows what sample data are drawn from."""
        if self.options.sample_data is None:
            return {}
        return {
            PERFECT: PerfectPlanner.prepare(
                simulate_chain(read_simulation(self.options.sample_data)),
                self.origins.keys,
                cutoff_days=self.origins.cutoff_days,
                terms=self.supply.terms,
                lead_time_probabilities=self.supply.lead_time_probabilities,
                rules=rules,
            )
        }

    @property
    def _unmet(self) -> Literal["lost", "backordered"]:
        return self.config.replenishment.unmet_demand

    def _world(self) -> RollingWorld:
        """Puts demand and supply together."""
        terms, lots = self.supply.terms, self.options.whole_lots
        demand = self._demand()
        reviewed = self._reviewed(len(demand))
        life = terms.shelf_life.astype(np.float64)
        mean = self.sales.history[-91:].mean(axis=0)
        return RollingWorld(
            demand=demand,
            history=self.sales.history,
            reviewed=reviewed,
            review_period=terms.review_period,
            lead_time_row=terms.lead_time_row,
            lead_time_probabilities=self.supply.lead_time_probabilities,
            pack_size=terms.pack_size if lots else np.ones(len(life)),
            moq=self.supply.moq if lots else np.zeros(len(life)),
            shelf_life=np.where(life > 0, life, np.inf),
            costs=self._costs(self.config.replenishment.service.target),
            unmet_demand=_UNMET[self._unmet],
            # About what a shop has at hand: a mean interval. Rounded down, since a policy can
            # raise stock within the warm-up, but of a slow series it cannot sell it.
            opening=np.floor(mean * (terms.review_period + self.mean_lead_time)),
            frequency=self.origins.frequency,
            warm_up=self.warm_up,
            seed=self.options.seed,
            first=self.first,
        )

    def _demand(self) -> FloatArray:
        """Returns what was asked for, or else sold, in the simulated periods. Shape [T, N]."""
        sold, file = self.sales.simulated, _demand_file(self.options)
        if file is None:
            return sold
        begin = int(periods_of(self.origins.cutoff_days, self.origins.frequency)[self.first]) + 1
        return read_demand(
            file,
            self.config,
            keys=self.origins.keys,
            periods=range(begin, begin + len(sold)),
        )

    def _reviewed(self, periods: int) -> npt.NDArray[np.bool_]:
        cutoffs = periods_of(self.origins.cutoff_days, self.origins.frequency)[self.first :]
        relative = cutoffs - cutoffs[0]
        stride = int(relative[1]) if relative.size > 1 else 1
        review = self.supply.terms.review_period
        # Suppliers do not all come on the same day, where forecasts allow it.
        phase = self.supply.terms.lead_time_row % review // stride * stride
        return review_periods(periods, review, cutoffs=relative, phase=phase)

    def _costs(self, target: float) -> StockCosts:
        """Returns costs; a stockout cost that nobody gives is what the target implies."""
        terms, supply = self.supply.terms, self.supply
        implied = implied_stockout_cost(
            np.full(len(supply.moq), target),
            holding_cost=terms.holding_cost,
            review_period=terms.review_period,
        )
        stockout = np.where(supply.stockout_cost_given, terms.stockout_cost, implied)
        return StockCosts(
            holding_cost=terms.holding_cost,
            stockout_cost=stockout,
            order_cost=supply.order_cost,
            waste_cost=terms.unit_cost,
        )
