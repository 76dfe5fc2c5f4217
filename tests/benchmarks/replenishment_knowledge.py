"""What the path mathematics of order proposals loses against perfect knowledge.

    python tests/benchmarks/replenishment_knowledge.py --stores 10 --items 40 --days 84

On a simulated chain three policies meet the same demand and the same lead times:

* `textbook`: mean and sigma of past demand;
* `demandcast`: the levels of `demandcast replenish`, but from the true quantiles and the true mean
  of each period instead of a model's. What it lacks is what quantiles of single periods do not
  tell: how periods go together, and what lies between and beyond the levels;
* `perfect_distribution`: the levels of the true distribution of demand over the interval.

Forecasts at cutoffs before the first day teach copulas and calibrations, and so does each cutoff
once its interval has ended. Terms of supply are those of the sample data, less what has nothing to
do with knowledge: no unit expires, an order costs nothing, and with `--packs units` packs hold one
unit.

Lead times are drawn for each day, so orders overtake each other; with `--crossing counted` both
policies allow for it. `--costs implied` sets each stockout cost so that the target is the cheapest
service there is: then the ratio of costs is the price of not knowing.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.replenishment.interval_levels import implied_stockout_cost
from demandcast.components.replenishment.lead_time_distributions import pmf_mean, point_masses
from demandcast.components.replenishment.order_crossing import effective_lead_times
from demandcast.components.replenishment.perfect_levels import PERFECT, PerfectPlanner
from demandcast.components.replenishment.rolling_policy import (
    RollingPlanner,
    RollingRules,
    SeriesStock,
    SeriesTerms,
)
from demandcast.components.replenishment.rolling_simulation import (
    OURS,
    RollingWorld,
    review_periods,
    simulate_policies,
)
from demandcast.components.replenishment.stock_scenario import StockCosts, UnmetDemand
from demandcast.components.replenishment.wanted import Aim
from demandcast.components.simulation.chain import (
    Chain,
    first_day,
    simulate_chain,
    simulate_conditions,
    simulate_store,
)
from demandcast.components.simulation.config import SimulationConfig
from demandcast.components.simulation.futures import simulate_futures
from demandcast.components.simulation.randomness import stream
from demandcast.components.simulation.supply import draw_lead_times
from demandcast.schema.config.forecast import DEFAULT_QUANTILE_LEVELS
from demandcast.schema.origin_arrays import OriginForecasts

__all__ = ["main", "true_origins"]

DEMANDS = {"all": (0, np.inf), "slow": (0, 3), "fast": (30, np.inf)}
"""Units expected over the interval: from, below."""

HORIZON = 28
LONG_BEFORE = 500  # Days of history before the first cutoff that teaches: last year needs them.
QUARTER = 91  # Days.
STEP_BEFORE = 5  # Days between two cutoffs that teach; no whole weeks, so all weekdays do.
LEAD_TIME_DRAWS = 400_000
Bools = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Case:
    """A chain and when it is looked at.

    Attributes:
        chain: The chain.
        keys: Series: all items of all stores. Shape [N, 2].
        demand: Units asked for, by day of the chain. Shape [D, N].
        cutoffs: Days of the chain, those that teach only first. Shape [C].
        first: Place of the first cutoff with levels.
    """

    chain: Chain
    keys: pl.DataFrame
    demand: FloatArray
    cutoffs: Int64Array
    first: int

    @classmethod
    def make(cls, options: argparse.Namespace) -> Case:
        """Simulates the chain."""
        begin = LONG_BEFORE + options.past * STEP_BEFORE
        config = SimulationConfig(
            stores=options.stores,
            items=options.items,
            periods=begin + options.days + HORIZON + 1,
            seed=options.seed,
        )
        chain = simulate_chain(config)
        pairs = [(s, i) for s in chain.stores.names.tolist() for i in chain.items.names.tolist()]
        demand = [simulate_store(chain, store).demand for store in range(config.stores)]
        before = begin - STEP_BEFORE * np.arange(options.past, 0, -1)
        return cls(
            chain=chain,
            keys=pl.DataFrame(pairs, schema=["store", "item"], orient="row"),
            demand=np.concatenate(demand).T.astype(np.float64),
            cutoffs=np.concatenate([before, begin + np.arange(options.days)]),
            first=options.past,
        )

    @property
    def cutoff_days(self) -> Int64Array:
        """Days since 1970-01-01. Shape [C]."""
        return first_day(self.chain.config) + self.cutoffs

    @property
    def periods(self) -> slice:
        """Days of the chain that are simulated: each follows a cutoff."""
        return slice(int(self.cutoffs[self.first]) + 1, int(self.cutoffs[-1]) + 2)


def main() -> None:
    """Simulates, sets levels, simulates stock, prints."""
    options = arguments()
    logging.basicConfig(level="INFO", format="%(message)s")
    case, began = Case.make(options), time.monotonic()
    origins = true_origins(case, paths=options.marginal_paths)
    say("true quantiles", began)
    pmf = lead_time_probabilities(case.chain, lead_times=options.lead_times)
    terms = series_terms(case, packs=options.packs)
    felt = _FELT[options.crossing](pmf, case.chain.suppliers.review_period)
    planners = make_planners(case, origins, terms, felt=felt, options=options)
    chosen, began = some_series(case, terms, pmf, demand=options.demand), time.monotonic()
    table = compare(case, planners, terms=terms, pmf=pmf, chosen=chosen, options=options)
    say("policies", began)
    show(table)


def some_series(case: Case, terms: SeriesTerms, pmf: FloatArray, *, demand: str) -> Bools:
    """Marks series that are sold all the time, by the demand of an interval. Shape [N]."""
    days, items = case.periods, case.chain.items
    steady = (items.launch < days.start - QUARTER) & (items.end >= days.stop)
    interval = terms.review_period + pmf_mean(pmf)[terms.lead_time_row]
    expected = interval * case.demand[days.start - QUARTER : days.start].mean(axis=0)
    low, high = DEMANDS[demand]
    return np.asarray(
        np.tile(steady, case.chain.config.stores) & (expected >= low) & (expected < high)
    )


def true_origins(case: Case, *, paths: int) -> OriginForecasts:
    """Makes forecasts that are right: quantiles and mean of each period's true distribution."""
    chain, series = case.chain, case.keys.height
    rows = len(case.cutoffs) * series
    levels = np.array(DEFAULT_QUANTILE_LEVELS)
    ranks = np.ceil(levels * paths - 1e-9).astype(np.int64) - 1
    quantiles = np.empty((rows, HORIZON, levels.size), np.float32)
    mean = np.empty((rows, HORIZON), np.float32)
    actual = np.empty((rows, HORIZON))
    items = chain.config.items

    def fill(job: tuple[int, int]) -> None:
        store, place = job
        cutoff = int(case.cutoffs[place])
        futures = simulate_futures(
            chain,
            conditions[store],
            cutoff=cutoff,
            horizon=HORIZON,
            paths=paths,
            draws=stream(chain.config.seed, "marginals", store, cutoff),
        )
        at = slice(place * series + store * items, place * series + (store + 1) * items)
        mean[at] = futures.mean(axis=2).T
        futures.sort(axis=2)
        quantiles[at] = futures[:, :, ranks].swapaxes(0, 1)
        actual[at] = case.demand[cutoff + 1 : cutoff + 1 + HORIZON].T.reshape(-1, items, HORIZON)[
            store
        ]

    conditions = [simulate_conditions(chain, store) for store in range(chain.config.stores)]
    with ThreadPoolExecutor() as pool:
        jobs = [(s, c) for s in range(chain.config.stores) for c in range(len(case.cutoffs))]
        list(pool.map(fill, jobs))
    return OriginForecasts(
        keys=case.keys,
        cutoff_days=case.cutoff_days,
        series_index=np.tile(np.arange(series), len(case.cutoffs)),
        cutoff_index=np.repeat(np.arange(len(case.cutoffs)), series),
        actual=actual,
        observed_mask=np.ones(actual.shape, np.bool_),
        in_stock_fraction=np.ones(actual.shape, np.float32),
        demand_class=np.full(rows, "smooth"),
        quantiles=quantiles,
        mean=mean,
        quantile_levels=DEFAULT_QUANTILE_LEVELS,
        frequency="D",
    )


def lead_time_probabilities(chain: Chain, *, lead_times: str) -> FloatArray:
    """Counts drawn lead times. An order of the evening is one before the next day. Shape [V, L]."""
    drawn = draw_lead_times(
        chain.suppliers,
        days=LEAD_TIME_DRAWS,
        delay_probability=chain.config.supply.delay_probability,
        draws=stream(chain.config.seed, "true lead times"),
    )
    if lead_times == "fixed":
        return point_masses(np.round(drawn.mean(axis=1)) - 1)
    counts = [np.bincount(row - 1, minlength=int(drawn.max())) for row in drawn]
    return np.array(counts) / LEAD_TIME_DRAWS


def series_terms(case: Case, *, packs: str) -> SeriesTerms:
    """Spreads the terms of items over the stores."""
    terms, stores = case.chain.terms, case.chain.config.stores
    review = case.chain.suppliers.review_period[terms.supplier]
    pack = terms.pack_size if packs == "terms" else np.ones_like(terms.pack_size)
    return SeriesTerms(
        review_period=np.tile(review, stores),
        lead_time_row=np.tile(terms.supplier, stores),
        next_lead_time_row=np.tile(terms.supplier, stores),
        pack_size=np.tile(pack.astype(np.float64), stores),
        unit_cost=np.tile(terms.unit_cost, stores),
        holding_cost=np.tile(terms.holding_cost, stores),
        stockout_cost=np.tile(terms.stockout_cost, stores),
        shelf_life=np.zeros(case.keys.height, np.int64),
    )


def make_planners(
    case: Case,
    origins: OriginForecasts,
    terms: SeriesTerms,
    *,
    felt: FloatArray,
    options: argparse.Namespace,
) -> dict[str, RollingPlanner | PerfectPlanner]:
    """Prepares ours and the perfect one."""
    aim = Aim("cycle_service_level", options.unmet)
    rules = RollingRules(aim, paths=options.paths, seed=options.seed)
    ours = RollingPlanner.prepare(origins, terms, felt, rules=rules, first=case.first)
    perfect = PerfectPlanner.prepare(
        case.chain,
        case.keys,
        cutoff_days=case.cutoff_days,
        terms=terms,
        lead_time_probabilities=felt,
        rules=rules,
    )
    return {OURS: ours, PERFECT: perfect}


def compare(
    case: Case,
    planners: dict[str, RollingPlanner | PerfectPlanner],
    *,
    terms: SeriesTerms,
    pmf: FloatArray,
    chosen: Bools,
    options: argparse.Namespace,
) -> pl.DataFrame:
    """Simulates the stock of some series, for each target."""
    series = np.flatnonzero(chosen)
    picked = {name: Picked(planner, series) for name, planner in planners.items()}
    ours = picked.pop(OURS)
    tables = []
    for target in options.targets:
        cost = terms.stockout_cost
        if options.costs == "implied":
            cost = implied_stockout_cost(
                np.full(cost.size, target),
                holding_cost=terms.holding_cost,
                review_period=terms.review_period,
            )
        priced = dataclasses.replace(terms, stockout_cost=cost)
        world = make_world(case, priced, pmf=pmf, chosen=chosen, options=options)
        tables.append(
            simulate_policies(
                world, ours, levels={}, targets=[target], reference=PERFECT, others=picked
            )
        )
    return pl.concat(tables)


class Picked:
    """A planner of some of its series; a `LevelPlanner`."""

    def __init__(self, planner: RollingPlanner | PerfectPlanner, series: Int64Array) -> None:
        self._planner, self._series = planner, series
        self.cutoffs, self.horizon = planner.cutoffs, planner.horizon
        self.mean_lead_time = planner.mean_lead_time[series]
        self.longest_lead_time = planner.longest_lead_time

    def with_forecast(self, cutoff: int, series: Int64Array) -> Int64Array:
        """All of them have one."""
        del cutoff
        return series

    def levels(
        self, cutoff: int, series: Int64Array, stock: SeriesStock, *, target: float
    ) -> FloatArray:
        """Asks the planner. Shape [n]."""
        return self._planner.levels(cutoff, self._series[series], stock, target=target)


def make_world(
    case: Case,
    terms: SeriesTerms,
    *,
    pmf: FloatArray,
    chosen: Bools,
    options: argparse.Namespace,
) -> RollingWorld:
    """Puts demand and supply of some series together."""
    days, series = case.periods, int(chosen.sum())
    periods, review = days.stop - days.start, terms.review_period[chosen]
    phase = np.random.default_rng(options.seed).integers(0, review)
    moq = np.tile(case.chain.terms.moq, case.chain.config.stores).astype(np.float64)
    return RollingWorld(
        demand=case.demand[days, chosen],
        history=case.demand[: days.start, chosen],
        reviewed=review_periods(periods, review, cutoffs=np.arange(periods), phase=phase),
        review_period=review,
        lead_time_row=terms.lead_time_row[chosen],
        lead_time_probabilities=pmf,
        pack_size=terms.pack_size[chosen],
        moq=moq[chosen] if options.packs == "terms" else np.zeros(series),
        shelf_life=np.full(series, np.inf),
        costs=StockCosts(
            holding_cost=terms.holding_cost[chosen], stockout_cost=terms.stockout_cost[chosen]
        ),
        unmet_demand=UnmetDemand(options.unmet),
        # About what an interval needs; the warm-up forgets it.
        opening=np.ceil(14 * case.demand[days.start - QUARTER : days.start, chosen].mean(axis=0)),
        frequency="D",
        warm_up=min(HORIZON, periods // 3),
        seed=options.seed,
        first=case.first,
    )


def show(table: pl.DataFrame) -> None:
    """Prints what was reached."""
    columns = {
        "policy": "policy",
        "target": "target",
        "series": "series",
        "cycles": "cycles",
        "cycle_service_level": "service",
        "cycle_service_level_low": "low",
        "cycle_service_level_high": "high",
        "fill_rate": "fill rate",
        "mean_on_hand": "stock",
        "mean_on_hand_ratio": "stock ratio",
        "operating_cost_ratio": "cost ratio",
        "operating_cost_ratio_low": "cost low",
        "operating_cost_ratio_high": "cost high",
    }
    chosen = table.filter(pl.col("policy").is_in(["textbook", OURS, PERFECT]))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_width_chars=200, float_precision=3):
        print(chosen.select(**{new: pl.col(old) for old, new in columns.items()}))


def say(what: str, began: float) -> None:
    """Tells how long something took."""
    logging.getLogger().info("%s: %.0f s", what, time.monotonic() - began)


def arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_AsWritten)
    parser.add_argument("--stores", default=10, type=int, help="stores of the chain")
    parser.add_argument("--items", default=40, type=int, help="items of each store")
    parser.add_argument("--days", default=84, type=int, help="days simulated, a cutoff before each")
    parser.add_argument("--past", default=26, type=int, help="cutoffs before that only teach")
    parser.add_argument("--paths", default=1000, type=int, help="sample paths of both policies")
    parser.add_argument(
        "--marginal-paths", default=1000, type=int, help="draws for the true quantiles"
    )
    parser.add_argument("--targets", default=(0.9, 0.95, 0.98), type=float, nargs="+")
    parser.add_argument("--seed", default=17, type=int, help="same seed, same numbers")
    parser.add_argument("--demand", default="all", choices=tuple(DEMANDS), help="which series")
    parser.add_argument("--lead-times", default="random", choices=("random", "fixed"))
    parser.add_argument("--crossing", default="ignored", choices=tuple(_FELT))
    parser.add_argument("--packs", default="units", choices=("units", "terms"))
    parser.add_argument("--costs", default="implied", choices=("implied", "terms"))
    parser.add_argument("--unmet", default="lost", choices=[one.value for one in UnmetDemand])
    options = parser.parse_args()
    options.targets = tuple(options.targets)
    return options


def _as_they_are(pmf: FloatArray, review_period: Int64Array) -> FloatArray:
    del review_period
    return pmf


_FELT = {"ignored": _as_they_are, "counted": effective_lead_times}
"""Lead times by which both policies set their levels."""


class _AsWritten(argparse.RawDescriptionHelpFormatter):
    """Leaves the text of this file as it is."""


if __name__ == "__main__":
    main()
