"""Base-stock levels of one who knows the distribution of demand perfectly: the simulator's own.

    chain, store --conditions--> cutoff --futures [H, n, P]--> demand over R + L --> level

It knows neither what will happen nor when deliveries will come, but how likely each is, so no
forecast can do better on average: what a policy costs more than this one is what its forecasts
and its mathematics lose. It exists for simulated chains alone.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.interval_levels import (
    IntervalDemand,
    critical_ratios,
    interval_demand,
    levels_for_fill_rate,
    row_quantiles,
)
from demandcast.components.replenishment.lead_time_distributions import draw_lead_times
from demandcast.components.replenishment.paths import stratified_uniforms
from demandcast.components.replenishment.rolling_levels import RollingRules, SeriesTerms
from demandcast.components.replenishment.wanted import Measure, in_whole_units
from demandcast.components.simulation.chain import (
    Chain,
    StoreConditions,
    first_day,
    simulate_conditions,
)
from demandcast.components.simulation.futures import simulate_futures
from demandcast.components.simulation.randomness import stream
from demandcast.schema.errors import BadInputError
from demandcast.schema.periods import date_of, periods_of

__all__ = ["PERFECT", "perfect_levels"]

PERFECT = "perfect_distribution"
"""Name of the policy."""

_LOG = logging.getLogger(__name__)
_SECONDS_BETWEEN_LINES = 5.0
_STREAM = "futures"

Int64Array = npt.NDArray[np.int64]


def perfect_levels(
    chain: Chain,
    keys: pl.DataFrame,
    *,
    cutoff_days: Int64Array,
    terms: SeriesTerms,
    lead_time_probabilities: FloatArray,
    rules: RollingRules,
) -> dict[float, FloatArray]:
    """Sets levels at each cutoff by the true distribution of demand over the interval.

    Cutoffs of a store draw from streams of their own: levels do not depend on which other stores
    and cutoffs there are. Memory is that of a store's futures at one cutoff, for each core.

    Args:
        chain: Of the sample data.
        keys: The series, in any order. Columns `store` and `item`, shape [N, 2].
        cutoff_days: Last known periods, days since 1970-01-01. Shape [C].
        terms: Of the series.
        lead_time_probabilities: Of 0, 1, ... periods, by distribution. Shape [V, L + 1].
        rules: How levels are set; there is nothing to learn, so `memory` is not looked at.

    Returns:
        By target, units, raised to whole ones as ours are; 0 where the item is not sold during
        the interval. Shapes [C, N].

    Raises:
        BadInputError: A series or a cutoff is not of the chain, or the plan of the chain ends
            before an interval does.
    """
    cutoffs = _positions(chain, cutoff_days)
    supply = _Supply.draw(terms, lead_time_probabilities, rules=rules)
    levels = {target: np.zeros((len(cutoffs), keys.height)) for target in rules.targets}
    jobs = _jobs(chain, keys, cutoffs)

    def work(job: _Job) -> dict[float, FloatArray]:
        return _levels(chain, job, supply=supply, rules=rules)

    total, said = len(cutoffs) * keys["store"].n_unique(), time.monotonic()
    for done, (job, found) in enumerate(_on_all_cores(work, jobs), start=1):
        for target, values in found.items():
            levels[target][job.row, job.series] = values
        if time.monotonic() - said > _SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            _LOG.info("true distribution at %d of %d stores and cutoffs", done, total)
    return levels


def _positions(chain: Chain, cutoff_days: Int64Array) -> Int64Array:
    """Counts cutoffs from the first period of the chain. Shape [C]."""
    frequency, begin = chain.config.frequency, first_day(chain.config)
    before = cutoff_days < begin
    if before.any():
        raise BadInputError(
            f"cutoffs: got {date_of(int(cutoff_days[before][0]))}; expected none before "
            f"{date_of(begin)}, the first period of the simulated chain"
        )
    return periods_of(cutoff_days, frequency) - periods_of(np.array([begin]), frequency)


@dataclass(frozen=True)
class _Supply:
    """Terms of all series, and the lead times of their next orders.

    Attributes:
        terms: Of the series.
        lead_time: On each path, by distribution, periods. Shape [V, P].
    """

    terms: SeriesTerms
    lead_time: Int64Array

    @classmethod
    def draw(
        cls, terms: SeriesTerms, lead_time_probabilities: FloatArray, *, rules: RollingRules
    ) -> _Supply:
        """Draws lead times once, evenly over their distributions."""
        uniforms = stratified_uniforms(rules.paths, np.random.default_rng(rules.seed))
        return cls(terms, draw_lead_times(lead_time_probabilities, uniforms).astype(np.int64))

    def of(self, series: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Returns review period [n] and lead time [n, P] of some series."""
        return (
            self.terms.review_period[series],
            self.lead_time[self.terms.lead_time_row[series]],
        )


@dataclass(frozen=True)
class _Job:
    """A store at a cutoff.

    Attributes:
        store: Number in the chain.
        conditions: Of the store.
        items: Number of the item of each of its series. Shape [n].
        series: Place of each in `keys`. Shape [n].
        cutoff: Last known period, counted from the first of the chain.
        row: Place of the cutoff.
    """

    store: int
    conditions: StoreConditions
    items: Int64Array
    series: Int64Array
    cutoff: int
    row: int


def _jobs(chain: Chain, keys: pl.DataFrame, cutoffs: Int64Array) -> Iterator[_Job]:
    """Yields stores and cutoffs; the conditions of a store are there as long as it is worked on."""
    stores = _places("store", keys["store"], chain.stores.names)
    items = _places("item", keys["item"], chain.items.names)
    for store in np.unique(stores).tolist():
        series = np.flatnonzero(stores == store)
        conditions = simulate_conditions(chain, store)
        for row, cutoff in enumerate(cutoffs.tolist()):
            yield _Job(store, conditions, items[series], series, cutoff, row)


def _places(name: str, keys: pl.Series, known: npt.NDArray[np.str_]) -> Int64Array:
    """Finds keys among those of the chain. Shape [N]."""
    place = {key: position for position, key in enumerate(known.tolist())}
    unknown = sorted(set(keys.to_list()) - place.keys())
    if unknown:
        raise BadInputError(
            f"{name}: got {unknown[0]!r} and {len(unknown) - 1} more that the simulated chain does "
            f"not have; it has {known[0]} to {known[-1]}"
        )
    return np.array([place[key] for key in keys.to_list()], np.int64)


def _on_all_cores(
    work: Callable[[_Job], dict[float, FloatArray]], jobs: Iterator[_Job]
) -> Iterator[tuple[_Job, dict[float, FloatArray]]]:
    """Works on as many jobs at once as there are cores; NumPy lets threads run side by side."""
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        while some := [job for _, job in zip(range(cores), jobs, strict=False)]:
            yield from zip(some, pool.map(work, some), strict=True)


def _levels(
    chain: Chain, job: _Job, *, supply: _Supply, rules: RollingRules
) -> dict[float, FloatArray]:
    """Sets the levels of the series of a store at a cutoff. Shapes [n]."""
    review_period, lead_time = supply.of(job.series)
    futures = simulate_futures(
        chain,
        job.conditions,
        cutoff=job.cutoff,
        # Periods beyond the longest interval would be drawn for nothing.
        horizon=int((review_period + lead_time.max(axis=1)).max()),
        paths=rules.paths,
        draws=stream(rules.seed, _STREAM, job.store, job.cutoff),
    )[:, job.items]
    for period in range(1, len(futures)):
        futures[period] += futures[period - 1]
    demand = interval_demand(futures, review_period=review_period, lead_time=lead_time)
    setter, terms = _SETTERS[rules.measure], supply.terms
    return {
        target: in_whole_units(
            setter(demand, target, terms=terms, series=job.series), terms.unit[job.series]
        )
        for target in rules.targets
    }


def _by_cycle_service_level(
    demand: IntervalDemand, target: float, *, terms: SeriesTerms, series: Int64Array
) -> FloatArray:
    del terms
    return row_quantiles(demand.over_interval, np.full(series.size, target))


def _by_fill_rate(
    demand: IntervalDemand, target: float, *, terms: SeriesTerms, series: Int64Array
) -> FloatArray:
    del terms
    return levels_for_fill_rate(demand, np.full(series.size, target))


def _by_cost(
    demand: IntervalDemand, target: float, *, terms: SeriesTerms, series: Int64Array
) -> FloatArray:
    del target
    ratios = critical_ratios(
        stockout_cost=terms.stockout_cost[series],
        holding_cost=terms.holding_cost[series],
        review_period=terms.review_period[series],
    )
    return row_quantiles(demand.over_interval, ratios)


_SETTERS: dict[Measure, Callable[..., FloatArray]] = {
    "cycle_service_level": _by_cycle_service_level,
    "fill_rate": _by_fill_rate,
    "cost": _by_cost,
}
