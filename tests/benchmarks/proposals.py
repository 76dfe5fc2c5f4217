"""Times order proposals from forecasts, stock and terms: seconds, CPU time, peak memory.

    python tests/benchmarks/proposals.py --series 100000 --horizon 28 --paths 1000

First in memory, `propose` alone; then, under `on_disk`, what `demandcast replenish` does once the
forecasts are made, in a process of its own: it reads the forecast table and the other tables,
learns from forecasts at `--past-cutoffs` cutoffs, proposes, and writes the folder with its page.

The inputs are random: mean demand log-normal (many slow items, few fast ones), lead times of 40
suppliers from 30 deliveries each, half of the series with an order on its way, packs, smallest
orders, order days, some shelf lives, capacities and price breaks. Beside it, in the same process:
a loop over `--reference` of the series, in NumPy, that draws the paths of each, sums them over its
interval and projects the stock with and without an order; scaled up to all of them.
"""

from __future__ import annotations

import argparse
import cProfile
import dataclasses
import datetime
import json
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
import yaml
from scipy import special

from demandcast.components.replenishment.forecast_arrays import ForecastArrays
from demandcast.components.replenishment.lines import SupplyTables
from demandcast.components.replenishment.proposing import Proposals, Situation, propose
from demandcast.components.replenishment.supplier_lead_times import lead_times_of
from demandcast.pipeline.proposal_folder import ProposalFolder, make_proposals
from demandcast.pipeline.replenish import read_forecast_table
from demandcast.schema.config import ReplenishmentConfig, load_config
from demandcast.schema.origin_arrays import OriginForecasts

__all__ = ["main", "situation_of"]

CUTOFF = datetime.date(2026, 6, 30)
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
STORES = 50
SUPPLIERS = 40
DELIVERIES = 30
SLOWEST = 9
"""Periods of the longest lead time."""

Result = TypeVar("Result")


def situation_of(series: int, horizon: int, *, seed: int = 1) -> Situation:
    """Makes a random situation of about so many series."""
    draws = np.random.default_rng(seed)
    items = -(-series // STORES)
    at = np.arange(series)
    keys = pl.DataFrame(
        {
            "store": np.char.add("s", (at // items).astype(str)),
            "item": np.char.add("i", np.char.zfill((at % items).astype(str), 6)),
        }
    ).sort("store", "item")
    suppliers = _suppliers(draws)
    forecasts = _forecasts(keys, horizon, draws)
    tables = SupplyTables(
        inventory=_inventory(keys, forecasts, draws),
        supply_terms=_terms(items, suppliers["supplier"].to_numpy(), draws),
        open_orders=_open_orders(keys, forecasts, draws),
        suppliers=suppliers,
        price_breaks=_price_breaks(items, draws),
    )
    lead_times = lead_times_of(
        _deliveries(suppliers, draws),
        suppliers,
        cutoff=CUTOFF,
        frequency="D",
        order_moment="before_opening",
    )
    return Situation(forecasts, CUTOFF, "D", tables, lead_times)


def _forecasts(keys: pl.DataFrame, horizon: int, draws: np.random.Generator) -> ForecastArrays:
    """Gamma demand with a weekly season; its quantiles by Wilson and Hilferty."""
    count = keys.height
    level = np.exp(draws.normal(0.5, 1.2, count))[:, None]
    season = 1 + 0.3 * np.sin(2 * np.pi * (np.arange(horizon) + draws.integers(7)) / 7)
    mean = (level * season).astype(np.float32)
    shape = np.maximum(mean / draws.uniform(1.0, 3.0, (count, 1)), 0.05)[:, :, None]
    scores = special.ndtri(LEVELS)
    cube = 1 - 1 / (9 * shape) + scores / np.sqrt(9 * shape)
    quantiles = mean[:, :, None] * np.maximum(cube, 0.0) ** 3
    return ForecastArrays(keys, quantiles.astype(np.float32), mean, LEVELS)


def _inventory(
    keys: pl.DataFrame, forecasts: ForecastArrays, draws: np.random.Generator
) -> pl.DataFrame:
    daily = forecasts.mean.mean(axis=1)
    return keys.with_columns(
        on_hand=pl.Series(np.round(daily * draws.uniform(0, 8, keys.height))),
        reserved=pl.Series((draws.random(keys.height) < 0.05).astype(np.float64)),
        storage_capacity=pl.Series(
            np.where(draws.random(keys.height) < 0.2, np.ceil(daily * 12 + 12), np.nan)
        ).fill_nan(None),
    ).sample(fraction=1.0, shuffle=True, seed=1)


def _open_orders(
    keys: pl.DataFrame, forecasts: ForecastArrays, draws: np.random.Generator
) -> pl.DataFrame:
    some = np.flatnonzero(draws.random(keys.height) < 0.5)
    daily = forecasts.mean[some].mean(axis=1)
    days = draws.integers(1, 6, some.size)
    due = np.datetime64(CUTOFF) + days.astype("timedelta64[D]")
    return keys[some].with_columns(
        quantity=pl.Series(np.ceil(daily * draws.uniform(1, 5, some.size))),
        due=pl.Series(due).cast(pl.Date),
    )


def _terms(items: int, suppliers: np.ndarray, draws: np.random.Generator) -> pl.DataFrame:
    pack = draws.choice([1.0, 6.0, 12.0, 24.0], items)
    return pl.DataFrame(
        {
            "item": np.char.add("i", np.char.zfill(np.arange(items).astype(str), 6)),
            "supplier": draws.choice(suppliers, items),
            "unit_cost": np.round(np.exp(draws.normal(1.0, 0.8, items)), 2),
            "pack_size": pack,
            "moq": pack * draws.integers(0, 3, items),
            "shelf_life": np.where(draws.random(items) < 0.1, draws.integers(5, 20, items), np.nan),
            "currency": ["EUR"] * items,
        }
    ).with_columns(pl.col("shelf_life").fill_nan(None))


def _suppliers(draws: np.random.Generator) -> pl.DataFrame:
    days = ["mon thu", "mon wed fri", "tue", None]
    return pl.DataFrame(
        {
            "supplier": [f"supplier {at}" for at in range(SUPPLIERS)],
            "quoted_lead_time_days": draws.integers(1, 7, SUPPLIERS),
            "order_days": [days[at] for at in draws.integers(0, 4, SUPPLIERS)],
        },
        schema_overrides={"order_days": pl.String},
    )


def _deliveries(suppliers: pl.DataFrame, draws: np.random.Generator) -> pl.DataFrame:
    quoted = np.repeat(suppliers["quoted_lead_time_days"].to_numpy(), DELIVERIES)
    ago = 20 + draws.integers(0, 300, quoted.size)
    ordered = np.datetime64(CUTOFF) - ago.astype("timedelta64[D]")
    days = np.clip(quoted + draws.poisson(0.7, quoted.size), 0, SLOWEST)
    return pl.DataFrame(
        {
            "supplier": np.repeat(suppliers["supplier"].to_numpy(), DELIVERIES),
            "ordered": pl.Series(ordered).cast(pl.Date),
            "received": pl.Series(ordered + days.astype("timedelta64[D]")).cast(pl.Date),
        }
    )


def _price_breaks(items: int, draws: np.random.Generator) -> pl.DataFrame:
    some = np.flatnonzero(draws.random(items) < 0.1)
    names = np.char.add("i", np.char.zfill(some.astype(str), 6))
    return pl.DataFrame(
        {
            "item": names,
            "supplier": draws.choice([f"supplier {at}" for at in range(SUPPLIERS)], some.size),
            "from_quantity": [48.0] * some.size,
            "unit_cost": draws.uniform(0.5, 1.5, some.size),
        }
    )


def loop_over_series(situation: Situation, paths: int, count: int) -> None:
    """Does the arithmetic of a proposal series by series, as one would write it first."""
    draws = np.random.default_rng(1)
    forecasts = situation.forecasts
    levels = np.array(forecasts.quantile_levels)
    for row in range(count):
        uniforms = draws.random((forecasts.horizon, paths))
        curves = forecasts.quantiles[row]
        demand = np.array(
            [np.interp(at, levels, curve) for at, curve in zip(uniforms, curves, strict=True)]
        )
        total = np.cumsum(demand, axis=0)
        lead_time = draws.integers(1, SLOWEST, paths)
        level = np.quantile(total[lead_time, np.arange(paths)], 0.95)
        for ordered in (0.0, level):
            stock = np.zeros(paths)
            short = np.zeros(paths)
            for period in range(int(lead_time.max()) + 1):
                stock = stock + ordered * (lead_time == period)
                short += np.maximum(demand[period] - stock, 0)
                stock = np.maximum(stock - demand[period], 0)


def write_situation(situation: Situation, folder: Path, settings: dict[str, Any]) -> None:
    """Writes the tables of a situation, a history of deliveries, and a configuration."""
    tables = dataclasses.asdict(situation.tables)
    tables["lead_times"] = _deliveries(tables["suppliers"], np.random.default_rng(2))
    given = {name: table for name, table in tables.items() if table is not None}
    for name, table in given.items():
        table.write_parquet(folder / f"{name}.parquet")
    forecasts = situation.forecasts
    _forecast_table(forecasts).write_parquet(folder / "forecasts.parquet")
    items = forecasts.keys.select(pl.col("item").unique()).with_columns(
        category=pl.col("item").str.tail(1)
    )
    items.write_parquet(folder / "items.parquet")
    paths = {name: {"path": f"{name}.parquet"} for name in given}
    columns = {"series_key": ["store", "item"], "timestamp": "date", "target": "units"}
    config = {
        "name": "bench",
        "workspace": "runs",
        "data": {
            "sales": "sales.parquet",
            "columns": {**columns, "static": ["category"]},
            "static_tables": [{"path": "items.parquet", "on": ["item"]}],
        },
        "forecast": {"horizon": forecasts.horizon, "quantile_levels": list(LEVELS)},
        "replenishment": {**settings, "tables": paths},
    }
    (folder / "demand.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def _forecast_table(forecasts: ForecastArrays) -> pl.DataFrame:
    steps = pl.select(step=pl.int_range(1, forecasts.horizon + 1, dtype=pl.Int32))
    rows = forecasts.keys.join(steps, how="cross", maintain_order="left_right")
    quantiles = forecasts.quantiles.reshape(-1, len(LEVELS))
    return rows.select(
        "store",
        "item",
        pl.lit(CUTOFF).alias("cutoff"),
        "step",
        timestamp=pl.lit(CUTOFF) + pl.duration(days=pl.col("step")),
        mean=pl.Series(forecasts.mean.reshape(-1)),
        **{f"q{level:g}": pl.Series(quantiles[:, at]) for at, level in enumerate(LEVELS)},
    )


def origins_of(situation: Situation, cutoffs: int) -> OriginForecasts | None:
    """Makes forecasts at past cutoffs, a week apart, and what was sold: the same distributions."""
    if not cutoffs:
        return None
    draws = np.random.default_rng(3)
    forecasts = situation.forecasts
    count = forecasts.keys.height
    actual = draws.poisson(np.tile(forecasts.mean, (cutoffs, 1))).astype(np.float64)
    last = (CUTOFF - datetime.date(1970, 1, 1)).days - forecasts.horizon
    return OriginForecasts(
        keys=forecasts.keys,
        cutoff_days=last - 7 * np.arange(cutoffs)[::-1],
        series_index=np.tile(np.arange(count), cutoffs),
        cutoff_index=np.repeat(np.arange(cutoffs), count),
        actual=actual,
        observed_mask=np.ones(actual.shape, np.bool_),
        in_stock_fraction=np.ones(actual.shape, np.float32),
        demand_class=np.full(len(actual), "smooth"),
        quantiles=np.tile(forecasts.quantiles, (cutoffs, 1, 1)),
        mean=np.tile(forecasts.mean, (cutoffs, 1)),
        quantile_levels=LEVELS,
        frequency="D",
    )


def propose_from_disk(folder: Path, origins: OriginForecasts | None) -> dict[str, Any]:
    """Does what `demandcast replenish` does with forecasts that are there."""
    config = load_config(folder / "demand.yaml")
    before = _peak_gib()
    (reading, result), total = _timed(lambda: _read_and_propose(folder, config, origins))
    return {
        **total,
        "reading_the_forecasts": reading,
        "peak_gib": _peak_gib(),
        "peak_gib_with_the_past": before,
        "statuses": result.statuses,
    }


def _read_and_propose(folder: Path, config: Any, origins: OriginForecasts | None) -> Any:
    begin = time.perf_counter()
    table = read_forecast_table(folder / "forecasts.parquet", config)
    reading = round(time.perf_counter() - begin, 3)
    target = ProposalFolder("bench", folder / "proposal")
    return reading, make_proposals(config, table, origins=origins, target=target)


def _on_disk(options: argparse.Namespace, situation: Situation) -> dict[str, Any]:
    """Writes the tables and proposes from them in a process of its own, with a peak of its own."""
    settings = {"paths": options.paths, "service": {"measure": options.measure}}
    with tempfile.TemporaryDirectory(prefix="demandcast-bench-") as name:
        write_situation(situation, Path(name), settings)
        arguments = ["--series", options.series, "--horizon", options.horizon]
        arguments += ["--past-cutoffs", options.past_cutoffs, "--from-disk", name]
        command = [sys.executable, __file__, *map(str, arguments)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> None:
    """Prints what it took, as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--horizon", type=int, default=28)
    parser.add_argument("--paths", type=int, default=1_000)
    parser.add_argument("--measure", default="cycle_service_level")
    parser.add_argument("--budget-share", type=float, help="budget, as a share of all that is due")
    parser.add_argument("--reference", type=int, default=200, help="series of the plain loop")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    parser.add_argument("--past-cutoffs", type=int, default=4, help="on disk: cutoffs that teach")
    parser.add_argument("--from-disk", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    situation = situation_of(options.series, options.horizon)
    if options.from_disk:
        origins = origins_of(situation, options.past_cutoffs)
        del situation
        sys.stdout.write(json.dumps(propose_from_disk(options.from_disk, origins)))
        return
    config = ReplenishmentConfig(paths=options.paths, service={"measure": options.measure})
    before = _peak_gib()
    profile = cProfile.Profile() if options.profile else None
    found, result = _timed(lambda: _proposed(situation, config, profile))
    if options.budget_share is not None:
        budget = float(found.table["order_value"].sum()) * options.budget_share
        limited = config.model_copy(update={"budget": budget})
        _, with_budget = _timed(lambda: _proposed(situation, limited, profile))
        result["with_budget"] = with_budget
    _, loop = _timed(lambda: loop_over_series(situation, options.paths, options.reference))
    scale = options.series / max(options.reference, 1)
    result["loop_scaled_up"] = {name: round(value * scale, 1) for name, value in loop.items()}
    counted = found.table["status"].value_counts(sort=True)
    result |= {
        "peak_gib": _peak_gib(),
        "peak_gib_with_the_inputs": before,
        "statuses": dict(counted.iter_rows()),
    }
    result["on_disk"] = _on_disk(options, situation)
    sys.stdout.write(json.dumps(result, indent=2) + "\n")
    if profile is not None:
        pstats.Stats(profile, stream=sys.stdout).sort_stats("cumulative").print_stats(45)


def _proposed(
    situation: Situation, config: ReplenishmentConfig, profile: cProfile.Profile | None
) -> Proposals:
    if profile is None:
        return propose(situation, config)
    return profile.runcall(propose, situation, config)


def _timed(work: Callable[[], Result]) -> tuple[Result, dict[str, float]]:
    """Works, and says how many seconds and CPU seconds that took."""
    wall, cpu = time.perf_counter(), _cpu_seconds()
    found = work()
    seconds = {"seconds": time.perf_counter() - wall, "cpu_seconds": _cpu_seconds() - cpu}
    return found, {name: round(value, 3) for name, value in seconds.items()}


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_gib() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


if __name__ == "__main__":
    main()
