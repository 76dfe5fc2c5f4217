"""Base-stock levels of one who knows the distribution of demand perfectly: the simulator's own.

    chain, store --conditions--> cutoff --futures [H, n, P]--> demand over R + L --> level

It knows neither what will happen nor when deliveries will come, but how likely each is, so no
forecast can do better on average: what a policy costs more than this one is what its forecasts
and its mathematics lose. It exists for simulated chains alone.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.calibration import Calibration
from demandcast.components.replenishment.lead_time_distributions import pmf_mean
from demandcast.components.replenishment.line_arrays import LineArrays, Part, sample_lead_times
from demandcast.components.replenishment.rolling_policy import (
    RollingRules,
    SeriesStock,
    SeriesTerms,
)
from demandcast.components.replenishment.wanted import want_part
from demandcast.components.simulation.chain import Chain, first_day, simulate_conditions
from demandcast.components.simulation.futures import simulate_futures
from demandcast.components.simulation.randomness import stream
from demandcast.schema.errors import BadInputError
from demandcast.schema.periods import date_of, periods_of

__all__ = ["PERFECT", "PerfectPlanner", "perfect_levels"]

PERFECT = "perfect_distribution"
"""Name of the policy."""

_LOG = logging.getLogger(__name__)
_SECONDS_BETWEEN_LINES = 5.0
_STREAM = "futures"

Int64Array = npt.NDArray[np.int64]
Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class PerfectPlanner:
    """Sets levels by the true distribution; a `LevelPlanner`.

    Each store and cutoff has a stream of its own: levels do not depend on which others there are.
    Memory is that of a store's futures at one cutoff, for each core.

    Attributes:
        chain: Of the sample data.
        stores: Number of the store of each series. Shape [N].
        items: Number of its item. Shape [N].
        cutoffs: Periods, on the grid of the frequency. Shape [C].
        first_period: First period of the chain, likewise.
        terms: Of the series.
        lead_times: Of an order now and of the next one, by distribution, periods. Shapes [V, P].
        mean_lead_time: Periods. Shape [N].
        rules: How levels are set; there is nothing to learn, so `memory` is not looked at.
    """

    chain: Chain
    stores: Int64Array
    items: Int64Array
    cutoffs: Int64Array
    first_period: int
    terms: SeriesTerms
    lead_times: tuple[Int64Array, Int64Array]
    mean_lead_time: FloatArray
    rules: RollingRules

    @classmethod
    def prepare(
        cls,
        chain: Chain,
        keys: pl.DataFrame,
        *,
        cutoff_days: Int64Array,
        terms: SeriesTerms,
        lead_time_probabilities: FloatArray,
        rules: RollingRules,
    ) -> PerfectPlanner:
        """Finds the series in the chain and draws lead times.

        Args:
            chain: Of the sample data.
            keys: The series, in any order. Columns `store` and `item`, N rows.
            cutoff_days: Last known periods, days since 1970-01-01, increasing. Shape [C].
            terms: Of the series.
            lead_time_probabilities: Of 0, 1, ... periods, by distribution. Shape [V, L + 1].
            rules: How levels are set.

        Raises:
            BadInputError: A series or a cutoff is not of the chain.
        """
        frequency, begin = chain.config.frequency, first_day(chain.config)
        before = cutoff_days < begin
        if before.any():
            raise BadInputError(
                f"cutoffs: got {date_of(int(cutoff_days[before][0]))}; expected none before "
                f"{date_of(begin)}, the first period of the simulated chain"
            )
        return cls(
            chain=chain,
            stores=_places("store", keys["store"], chain.stores.names),
            items=_places("item", keys["item"], chain.items.names),
            cutoffs=periods_of(cutoff_days, frequency),
            first_period=int(periods_of(np.array([begin]), frequency)[0]),
            terms=terms,
            lead_times=sample_lead_times(
                lead_time_probabilities, paths=rules.paths, seed=rules.seed
            ),
            mean_lead_time=pmf_mean(lead_time_probabilities)[terms.lead_time_row],
            rules=rules,
        )

    @property
    def longest_lead_time(self) -> int:
        """Periods; the longest that was drawn."""
        return int(max(one.max(initial=0) for one in self.lead_times))

    @property
    def horizon(self) -> int:
        """Periods that it looks ahead: as long as an interval may be."""
        return int(self.terms.review_period.max(initial=1)) + self.longest_lead_time

    def with_forecast(self, cutoff: int, series: Int64Array) -> Int64Array:
        """Returns all of the series: it knows of each."""
        del cutoff
        return series

    def levels(
        self, cutoff: int, series: Int64Array, stock: SeriesStock, *, target: float
    ) -> FloatArray:
        """Sets base-stock levels of some series.

        Args:
            cutoff: Position of the cutoff.
            series: Positions. Shape [n].
            stock: Their stock.
            target: Of the measure.

        Returns:
            Units, raised to whole ones as ours are; 0 where the item is not sold during the
            interval. Shape [n].

        Raises:
            BadInputError: The plan of the chain ends before an interval does.
        """
        stores = self.stores[series]
        members = [np.flatnonzero(stores == store) for store in np.unique(stores)]

        def work(rows: Int64Array) -> FloatArray:
            part = self._part(cutoff, series[rows], stock.of(rows))
            return self._level(part, target)

        found = np.empty(series.size)
        for rows, levels in _on_all_cores(work, members):
            found[rows] = levels
        return found

    def _part(self, cutoff: int, series: Int64Array, stock: SeriesStock) -> Part:
        """Draws the futures of series of one store."""
        store = int(self.stores[series[0]])
        position = int(self.cutoffs[cutoff]) - self.first_period
        now = self.lead_times[0][self.terms.lead_time_row[series]]
        following = self.lead_times[1][self.terms.next_lead_time_row[series]]
        lines = self._lines(series, stock)
        futures = simulate_futures(
            self.chain,
            simulate_conditions(self.chain, store),
            cutoff=position,
            # Periods beyond the longest interval would be drawn for nothing.
            horizon=int((lines.review_period + np.maximum(now, following).max(axis=1)).max()),
            paths=self.rules.paths,
            draws=stream(self.rules.seed, _STREAM, store, position),
        )[:, self.items[series]]
        for period in range(1, len(futures)):
            futures[period] += futures[period - 1]
        lines = dataclasses.replace(lines, arrivals=lines.arrivals[: len(futures)])
        return Part(np.arange(series.size), lines, 0, futures, now, following)

    def _level(self, part: Part, target: float) -> FloatArray:
        lines = dataclasses.replace(part.lines, target=np.full(len(part.lines), target))
        part = dataclasses.replace(part, lines=lines)
        return want_part(part, Calibration(), self.rules.aim).base_stock_level

    def _lines(self, series: Int64Array, stock: SeriesStock) -> LineArrays:
        """Puts terms and stock of some series together; there is no forecast."""
        lines = self.terms.lines(
            series,
            stock,
            quantiles=np.zeros((series.size, 0, 0)),
            mean=np.zeros((series.size, 0)),
            target=np.zeros(series.size),
        )
        return dataclasses.replace(lines, shelf_life=np.zeros(series.size, np.int64))


def perfect_levels(planner: PerfectPlanner, *, targets: Iterable[float]) -> dict[float, FloatArray]:
    """Sets levels at each cutoff as if unmet demand waited: then they need no stock to be known.

    Futures are drawn once for all targets. Where unmet demand is lost, levels depend on the stock,
    and a `RollingPolicy` asks the planner for them.

    Args:
        planner: Knows the chain.
        targets: Of the measure.

    Returns:
        By target, units, 0 where the item is not sold during the interval. Shapes [C, N].

    Raises:
        BadInputError: The plan of the chain ends before an interval does.
    """
    aim = dataclasses.replace(planner.rules.aim, unmet_demand="backordered")
    waiting = dataclasses.replace(planner, rules=dataclasses.replace(planner.rules, aim=aim))
    shape = (len(planner.cutoffs), len(planner.stores))
    levels = {target: np.zeros(shape) for target in targets}
    stores = np.unique(planner.stores)
    jobs = ((cutoff, store) for store in stores.tolist() for cutoff in range(shape[0]))

    def work(job: tuple[int, int]) -> tuple[Int64Array, list[FloatArray]]:
        cutoff, store = job
        series = np.flatnonzero(planner.stores == store)
        part = waiting._part(cutoff, series, SeriesStock.none(series.size, planner.horizon))
        return series, [waiting._level(part, target) for target in levels]

    said = time.monotonic()
    for done, ((cutoff, _), (series, found)) in enumerate(_on_all_cores(work, jobs), start=1):
        for target, values in zip(levels, found, strict=True):
            levels[target][cutoff, series] = values
        if time.monotonic() - said > _SECONDS_BETWEEN_LINES:
            said = time.monotonic()
            total = stores.size * shape[0]
            _LOG.info("true distribution at %d of %d stores and cutoffs", done, total)
    return levels


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
    work: Callable[[Job], Result], jobs: Iterable[Job]
) -> Iterator[tuple[Job, Result]]:
    """Works on as many jobs at once as there are cores; NumPy lets threads run side by side."""
    cores, waiting = os.cpu_count() or 1, iter(jobs)
    with ThreadPoolExecutor(cores) as pool:
        while some := [job for _, job in zip(range(cores), waiting, strict=False)]:
            yield from zip(some, pool.map(work, some), strict=True)
