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
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
from walk import Forecast, print_stages, run_command

from demandcast.components.metrics.baselines import moving_average, seasonal_naive
from demandcast.components.metrics.point import wape_per_step
from demandcast.schema.config import RunConfig, load_config

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
    checked = json.loads(run_command("validate", CONFIG, overrides, "--json"))
    report = json.loads(run_command("run", CONFIG, overrides, "--json"))
    run_command("forecast", CONFIG, overrides, "--cutoff", day, "--output", str(forecast),
                "--format", "parquet", "--format", "csv")  # fmt: skip
    print_stages("validate", checked)
    print_stages("run", report)
    _print_scores(config, _truth(table, config.forecast.horizon), forecast)


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


def _print_scores(config: RunConfig, truth: Truth, forecast: Path) -> None:
    levels, horizon = config.forecast.quantile_levels, config.forecast.horizon
    table = pl.read_parquet(forecast.with_suffix(".parquet")).sort(
        pl.col("store_id").cast(pl.Int64), pl.col("product_id").cast(pl.Int64), "step"
    )
    observed = np.ones_like(truth.history)
    week = moving_average(truth.history, observed, window=7, horizon=horizon)
    naive = seasonal_naive(truth.history, observed, season=7, horizon=horizon)
    rows = {
        "demandcast": Forecast.of_table(table, config.forecast),
        "7-day mean": Forecast.of_points(week, levels=len(levels)),
        "seasonal naive": Forecast.of_points(naive, levels=len(levels)),
    }
    print(
        "\n| forecast | WAPE per day | WAPE | weighted quantile loss | in 80 % | in 90 % | bias |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, said in rows.items():
        per_day = wape_per_step(truth.actual, said.median, scored_mask=truth.scored)
        cells = said.scores(truth.actual, truth.scored, levels)
        print(f"| {name} | {per_day:.4f} | {cells} |")


if __name__ == "__main__":
    main()
