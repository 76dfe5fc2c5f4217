"""Runs the whole walk on FreshRetailNet-50K and scores the last 14 days.

    python tests/benchmarks/freshretailnet.py --sales /path/to/sales.parquet --workspace /tmp/fresh

Validates, runs the pipeline, forecasts from the last cutoff that leaves a whole
horizon, and scores that forecast table, with NumPy, against sales of days in
stock: beside the 7-day mean and seasonal naive. The metric is that of the data's
authors: WAPE per day over series in stock all day, then the mean over days.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.baselines import moving_average, seasonal_naive
from demandcast.components.metrics.point import bias, wape, wape_per_step
from demandcast.components.metrics.quantile import (
    coverage,
    naive_quantiles,
    weighted_quantile_loss,
)
from demandcast.schema.config import RunConfig, load_config
from demandcast.schema.forecast_table import MEAN, quantile_columns

CONFIG = Path(__file__).parents[2] / "examples" / "freshretailnet.yaml"
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """Sales and stock around the cutoff.

    Attributes:
        history: Units per day up to the cutoff. Shape [N, T].
        actual: Units per day after it. Shape [N, H].
        scored: 1 where the item was in stock all day. Shape [N, H].
    """

    history: Array
    actual: Array
    scored: Array


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sales", required=True, help="the published table, as Parquet")
    parser.add_argument("--workspace", required=True, help="folder for artifacts and forecasts")
    parser.add_argument("--set", action="append", default=[], help="passed on to every command")
    options = parser.parse_args()
    overrides = [
        f"data.sales={Path(options.sales).resolve()}",
        f"workspace={Path(options.workspace).resolve()}",
        *options.set,
    ]
    config = load_config(CONFIG)
    table = pl.read_parquet(options.sales).sort("store_id", "product_id", "dt")
    cutoff = table["dt"].max() - pl.duration(days=config.forecast.horizon)
    day = str(pl.select(cutoff).item())[:10]
    forecast = Path(options.workspace) / "forecast"
    checked = json.loads(_command("validate", overrides, "--json"))
    report = json.loads(_command("run", overrides, "--json"))
    _command("forecast", overrides, "--cutoff", day, "--output", str(forecast), "--format",
             "parquet", "--format", "csv")  # fmt: skip
    _print_stages("validate", checked)
    _print_stages("run", report)
    _print_scores(config, _truth(table, config.forecast.horizon), forecast)


def _command(name: str, overrides: list[str], *arguments: str) -> str:
    """Runs a demandcast command and says what it took; its exit code 4 is a result too."""
    command = [str(Path(sys.executable).with_name("demandcast")), name, "--config", str(CONFIG)]
    for override in overrides:
        command += ["--set", override]
    start = time.monotonic()
    process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True)
    output = process.stdout.read() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    print(
        f"{name}: {time.monotonic() - start:.0f} s, CPU {usage.ru_utime + usage.ru_stime:.0f} s, "
        f"peak memory {usage.ru_maxrss / 2**20:.2f} GiB, exit code {code}",
        flush=True,
    )
    if code not in (0, 4):
        sys.exit(f"{name} failed")
    return output


def _truth(table: pl.DataFrame, horizon: int) -> Truth:
    days = table["dt"].n_unique()

    def grid(column: str) -> Array:
        return table[column].cast(pl.Float64).to_numpy().reshape(-1, days)

    units, stockout = grid("sale_amount"), grid("stockout_hours_6_22")
    return Truth(
        history=units[:, :-horizon],
        actual=units[:, -horizon:],
        scored=(stockout[:, -horizon:] == 0).astype(float),
    )


def _print_stages(name: str, report: dict[str, object]) -> None:
    print(f"\n| stage of {name} | wall time, s | peak memory, GiB |\n|---|---|---|")
    stages = report["stages"]
    for stage in stages if isinstance(stages, list) else []:
        memory = stage["peak_memory_bytes"] / 2**30
        print(f"| {stage['name']} ({stage['status']}) | {stage['seconds']:.1f} | {memory:.2f} |")
    print(f"| whole run | {report['seconds']:.0f} | |")


def _print_scores(config: RunConfig, truth: Truth, forecast: Path) -> None:
    levels = config.forecast.quantile_levels
    horizon = config.forecast.horizon
    table = pl.read_parquet(forecast.with_suffix(".parquet")).sort(
        pl.col("store_id").cast(pl.Int64), pl.col("product_id").cast(pl.Int64), "step"
    )
    quantiles = table.select(quantile_columns(levels)).to_numpy().astype(np.float64)
    quantiles = quantiles.reshape(-1, horizon, len(levels))
    mean = table[MEAN].to_numpy().astype(np.float64).reshape(-1, horizon)
    observed = np.ones_like(truth.history)
    naive = seasonal_naive(truth.history, observed, season=7, horizon=horizon)
    week = moving_average(truth.history, observed, window=7, horizon=horizon)
    rows = [
        ("demandcast", quantiles[:, :, config.forecast.median_index], mean, quantiles),
        ("7-day mean", week, week, naive_quantiles(week, levels=len(levels))),
        ("seasonal naive", naive, naive, naive_quantiles(naive, levels=len(levels))),
    ]
    print(
        "\n| forecast | WAPE per day | WAPE | weighted quantile loss | in 80 % | in 90 % | bias |"
    )
    print("|---|---|---|---|---|---|---|")
    scored = truth.scored
    for name, median, middle, spread in rows:
        loss = weighted_quantile_loss(
            truth.actual, spread, quantile_levels=levels, scored_mask=scored
        )
        inside = [
            coverage(
                truth.actual, spread, quantile_levels=levels, scored_mask=scored, nominal=level
            )
            for level in (0.8, 0.9)
        ]
        print(
            f"| {name} | {wape_per_step(truth.actual, median, scored_mask=scored):.4f} "
            f"| {wape(truth.actual, median, scored_mask=scored):.4f} | {loss:.4f} "
            f"| {inside[0]:.3f} | {inside[1]:.3f} "
            f"| {bias(truth.actual, middle, scored_mask=scored):+.3f} |"
        )


if __name__ == "__main__":
    main()
