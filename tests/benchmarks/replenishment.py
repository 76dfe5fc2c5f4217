"""Times demand over the protection interval and two projections of stock, per series and in sum.

    python tests/benchmarks/replenishment.py --series 100000 --paths 1000 --threads 2

Each chunk of series goes through `cumulative`, `interval_demand`, `row_quantiles` and two
`project` calls, as one order proposal does. Beside it, in the same run, a plain loop over a
sample of the series does the same with NumPy alone, one series at a time; its time is scaled to
all. Both give the levels of the sample, which are compared.

Knots, stock and lead times are made beforehand: some hundred series, repeated. BLAS has one thread
of its own, so that `--threads` says what is used.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # Read when NumPy is imported.

import numpy as np

from demandcast.components.replenishment.copula import Copula
from demandcast.components.replenishment.interval_levels import interval_demand, row_quantiles
from demandcast.components.replenishment.paths import DemandPaths
from demandcast.components.replenishment.quantile_curves import curve_knots
from demandcast.components.replenishment.stock_projection import Stock, project

_QUANTILE_LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99)
_POOL = 512
"""Different series; more of them are repetitions."""

_REVIEW_PERIOD = 7
_TARGET = 0.95
_SEED = 17


@dataclass(frozen=True)
class World:
    """What the chunks read: M different series. Shapes as in the modules, M first."""

    paths: DemandPaths
    knots: Any
    available: Any
    arrivals: Any
    lead_time: Any


def main() -> None:
    options = _arguments()
    world = _world(options.horizon, options.paths)
    chunks = [
        np.arange(start, min(start + options.chunk, options.series)) % _POOL
        for start in range(0, options.series, options.chunk)
    ]
    before = _peak_memory()
    _levels(world, chunks[0])
    wall, cpu = _timed(lambda: _in_threads(world, chunks, options.threads))
    peak = _peak_memory()

    sample = np.arange(min(options.sample, options.series)) % _POOL
    reference: list[float] = []
    loop_wall, loop_cpu = _timed(
        lambda: reference.extend(_reference_level(world, row) for row in sample.tolist())
    )
    np.testing.assert_allclose(_levels(world, sample), reference, rtol=1e-4)

    scale = options.series / sample.size
    print(f"{options.series} series x {options.horizon} periods x {options.paths} paths")
    print("| way | threads | wall s | CPU s | series per CPU s |")
    print("|---|---|---|---|---|")
    print(_row(f"chunks of {options.chunk}", options.threads, wall, cpu, options.series))
    name = f"loop, {sample.size} series scaled"
    print(_row(name, 1, loop_wall * scale, loop_cpu * scale, options.series))
    print(
        f"\nratio: {loop_wall * scale / wall:.1f} by wall time, {loop_cpu * scale / cpu:.1f} by CPU"
    )
    print(f"peak memory: {peak:.0f} MiB, of which {peak - before:.0f} MiB while the chunks ran")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--paths", type=int, default=1000)
    parser.add_argument("--horizon", type=int, default=28)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--chunk", type=int, default=64, help="series at a time")
    parser.add_argument("--sample", type=int, default=200, help="series of the plain loop")
    return parser.parse_args()


def _world(horizon: int, paths: int) -> World:
    draws = np.random.default_rng(_SEED)
    copula = Copula(level=0.1, short=0.3, decay=0.7)
    demand_paths = DemandPaths.draw(
        copula, _QUANTILE_LEVELS, horizon=horizon, paths=paths, seed=_SEED
    )
    mean = draws.gamma(0.7, 10, (_POOL, 1)) * draws.uniform(0.5, 1.5, (_POOL, horizon))
    quantiles = mean[..., None] * -np.log1p(-np.array(_QUANTILE_LEVELS))  # Exponential demand.
    knots = curve_knots(quantiles, mean, _QUANTILE_LEVELS)
    arrivals = np.cumsum(draws.poisson(0.1, (horizon, _POOL)) * mean.T * 5, axis=0)
    suppliers = draws.integers(2, 10, (20, paths))  # Lead times of 20 suppliers.
    return World(
        paths=demand_paths,
        knots=knots,
        available=mean.sum(axis=1) * draws.uniform(0, 1, _POOL),
        arrivals=arrivals,
        lead_time=suppliers[draws.integers(0, 20, _POOL)],
    )


def _levels(world: World, rows: Any) -> Any:
    """Everything that is timed, for some series; returns their base-stock levels."""
    cumulative = world.paths.cumulative(world.knots[rows])
    lead_time = world.lead_time[rows]
    review_period = np.full(rows.size, _REVIEW_PERIOD)
    demand = interval_demand(cumulative, review_period=review_period, lead_time=lead_time)
    levels = row_quantiles(demand.over_interval, np.full(rows.size, _TARGET))
    stock = Stock(
        available=world.available[rows],
        arrivals=world.arrivals[:, rows],
        interval=lead_time + _REVIEW_PERIOD,
    )
    position = stock.available + stock.arrivals[-1]
    for quantity in (np.zeros(rows.size), np.maximum(levels - position, 0)):
        project(cumulative, stock, order_quantity=quantity, order_lead_time=lead_time)
    return levels


def _in_threads(world: World, chunks: list[Any], threads: int) -> None:
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda rows: _levels(world, rows), chunks):
            pass


def _reference_level(world: World, row: int) -> float:
    """The same for one series, as one would write it without thinking of speed."""
    horizon, paths = world.paths.horizon, world.paths.count
    demand = np.stack(
        [world.knots[row, period] @ world.paths.weights[period] for period in range(horizon)]
    )
    cumulative = np.cumsum(demand, axis=0)
    lead_time = world.lead_time[row]
    interval = np.minimum(lead_time + _REVIEW_PERIOD, horizon)
    sums = cumulative[interval - 1, np.arange(paths)]
    level = float(np.sort(sums)[int(np.ceil(_TARGET * paths)) - 1])
    position = world.available[row] + world.arrivals[-1, row]
    for quantity in (0.0, max(level - position, 0.0)):
        on_hand = np.full(paths, world.available[row])
        lost, evenings, arrived = np.zeros(paths), np.zeros(paths), 0.0
        for period in range(horizon):
            on_hand += world.arrivals[period, row] - arrived + quantity * (lead_time == period)
            arrived = world.arrivals[period, row]
            sold = np.minimum(on_hand, demand[period])
            inside = period < interval
            on_hand -= sold
            lost += inside * (demand[period] - sold)
            evenings += inside * on_hand
        _ = (lost > 0).mean(), lost.mean(), evenings.mean()
    return level


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds, of all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _peak_memory() -> float:
    """MiB of this process since it began."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _row(way: str, threads: int, wall: float, cpu: float, series: int) -> str:
    return f"| {way} | {threads} | {wall:.1f} | {cpu:.1f} | {series / cpu:,.0f} |"


if __name__ == "__main__":
    main()
