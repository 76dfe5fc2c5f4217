"""Runs the whole walk on the UCI Online Retail invoices and scores the last 14 days.

    python tests/benchmarks/online_retail.py --sales /path/to/online_retail.parquet \
        --workspace /tmp/online_retail

Validates, runs the pipeline, and forecasts from the last cutoff that leaves a whole
horizon. Demand comes a second time from the raw lines, by the slow oracle of the
tests, and must fall to the rules line by line as in the run. The forecast table is
scored against it with NumPy, beside simple forecasts: all series that the gate
judged, and the 800 with most units up to the cutoff.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from transactions_tables import slow_demand

from demandcast.components.metrics.baselines import croston, moving_average, seasonal_naive
from demandcast.components.metrics.point import bias, wape
from demandcast.components.metrics.quantile import (
    coverage,
    naive_quantiles,
    weighted_quantile_loss,
)
from demandcast.schema.config import RunConfig, TransactionsConfig, load_config
from demandcast.schema.forecast_table import MEAN, quantile_columns

CONFIG = Path(__file__).parents[2] / "examples" / "online_retail.yaml"
ORACLE_NAMES = {
    "InvoiceNo": "invoice",
    "StockCode": "item",
    "Quantity": "quantity",
    "InvoiceDate": "time",
    "UnitPrice": "price",
    "CustomerID": "customer",
    "Description": "description",
    "Country": "country",
}
BEST_SELLERS = 800
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """Demand around the cutoff.

    Attributes:
        cutoff: Last day of the history.
        items: Codes. Shape [N].
        history: Units per day up to the cutoff, 0 before the first sale. Shape [N, T].
        observed: 1 from the first sale on, but for days without any sale. Shape [N, T].
        actual: Units per day after the cutoff. Shape [N, H].
    """

    cutoff: datetime.date
    items: list[str]
    history: Array
    observed: Array
    actual: Array

    def of(self, rows: npt.NDArray[np.bool_]) -> Truth:
        """Leaves some of the series."""
        items = [item for item, kept in zip(self.items, rows, strict=True) if kept]
        return Truth(self.cutoff, items, self.history[rows], self.observed[rows], self.actual[rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sales", required=True, help="the lines of the invoices, as Parquet")
    parser.add_argument("--workspace", required=True, help="folder for artifacts and forecasts")
    parser.add_argument("--set", action="append", default=[], help="passed on to every command")
    options = parser.parse_args()
    overrides = [
        f"data.sales={Path(options.sales).resolve()}",
        f"workspace={Path(options.workspace).resolve()}",
        *options.set,
    ]
    config = load_config(CONFIG)
    checked = json.loads(_command("validate", overrides, "--json"))
    report = json.loads(_command("run", overrides, "--json"))
    truth = _truth(pl.read_parquet(options.sales), config, _counts(checked))
    forecast = Path(options.workspace) / "forecast"
    where = ["--cutoff", str(truth.cutoff), "--output", str(forecast), "--format", "parquet"]
    _command("forecast", overrides, *where)
    _print_counts(_counts(checked))
    _print_stages(report)
    print(f"\nblessed: {report['verdict']['blessed']} {report['verdict']['reasons']}")
    table = pl.read_parquet(forecast.with_suffix(".parquet"))
    judged = (truth.history > 0).sum(axis=1) >= config.sampling.min_demand_periods
    _print_scores("judged by the gate", config, truth.of(judged), table)
    best = np.zeros(len(truth.items), np.bool_)
    best[np.argsort(-truth.history.sum(axis=1), kind="stable")[:BEST_SELLERS]] = True
    _print_scores(f"the {BEST_SELLERS} with most units", config, truth.of(best), table)


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


def _counts(report: dict[str, Any]) -> list[dict[str, Any]]:
    """Reads from a run what each rule took."""
    stage = next(stage for stage in report["stages"] if stage["name"] == "SeriesExampleGen")
    counts: list[dict[str, Any]] = json.loads(
        stage["outputs"]["examples"]["properties"]["transactions"]
    )
    return counts


def _truth(lines: pl.DataFrame, config: RunConfig, counts: list[dict[str, Any]]) -> Truth:
    """Settles the raw lines one by one, and checks that each rule took as many in the run."""
    rules = json.loads(config.data.transactions.model_dump_json())  # type: ignore[union-attr]
    text = json.dumps(rules | {"line_columns": list(ORACLE_NAMES)})
    for name, other in ORACLE_NAMES.items():
        text = text.replace(f'"{name}"', f'"{other}"')
    answer = slow_demand(
        lines.rename(ORACLE_NAMES).to_dicts(), TransactionsConfig.model_validate_json(text)
    )
    expected = {rule.replace("price", "UnitPrice"): count for rule, count in answer.counts.items()}
    found = {count["rule"]: (count["lines"], count["units"]) for count in counts}
    if found != expected:
        sys.exit(f"the rules took {found}, the oracle {expected}")
    print("each rule took what a slow loop over the lines gives it")
    return _dense(answer.demand, config.forecast.horizon)


def _dense(demand: dict[tuple[str, str], float], horizon: int) -> Truth:
    items = sorted({item for item, _ in demand})
    days = [datetime.date.fromisoformat(day) for _, day in demand]
    first, size = min(days), (max(days) - min(days)).days + 1
    place = {item: at for at, item in enumerate(items)}
    units = np.zeros((len(items), size))
    for ((item, _), sold), day in zip(demand.items(), days, strict=True):
        units[place[item], (day - first).days] = sold
    observed = (np.cumsum(units > 0, axis=1) > 0).astype(float)
    weekday = (np.arange(size) + first.weekday()) % 7
    empty = ~(units > 0).any(axis=0)
    rest = {day for day in range(7) if empty[weekday == day].all()}
    observed[:, empty & ~np.isin(weekday, list(rest))] = 0
    history = units[:, :-horizon]
    begun = history.any(axis=1)
    return Truth(
        max(days) - datetime.timedelta(days=horizon),
        [item for item in items if begun[place[item]]],
        history[begun],
        observed[begun, :-horizon],
        units[begun, -horizon:],
    )


def _print_counts(counts: list[dict[str, Any]]) -> None:
    print("\n| lines of sales | lines | units |\n|---|---|---|")
    for count in counts:
        print(f"| {count['rule']} | {count['lines']:,} | {count['units']:,.0f} |")


def _print_stages(report: dict[str, Any]) -> None:
    print("\n| stage | wall time, s | peak memory, GiB |\n|---|---|---|")
    for stage in report["stages"]:
        memory = stage["peak_memory_bytes"] / 2**30
        print(f"| {stage['name']} ({stage['status']}) | {stage['seconds']:.1f} | {memory:.2f} |")
    print(f"| whole run | {report['seconds']:.0f} | |")


def _print_scores(title: str, config: RunConfig, truth: Truth, table: pl.DataFrame) -> None:
    levels, horizon = config.forecast.quantile_levels, config.forecast.horizon
    order = pl.DataFrame({"StockCode": truth.items}).with_row_index("#at")
    table = table.join(order, on="StockCode", how="inner").sort("#at", "step")
    quantiles = table.select(quantile_columns(levels)).to_numpy().astype(np.float64)
    quantiles = quantiles.reshape(-1, horizon, len(levels))
    mean = table[MEAN].to_numpy().astype(np.float64).reshape(-1, horizon)
    simple = {
        "seasonal naive": seasonal_naive(truth.history, truth.observed, season=7, horizon=horizon),
        "28-day mean": moving_average(truth.history, truth.observed, window=28, horizon=horizon),
        "Croston": croston(truth.history, truth.observed, horizon=horizon),
    }
    rows = [("demandcast", quantiles[:, :, config.forecast.median_index], mean, quantiles)]
    rows += [
        (name, values, values, naive_quantiles(values, levels=len(levels)))
        for name, values in simple.items()
    ]
    share = float((truth.actual == 0).mean())
    scored = np.ones_like(truth.actual)
    print(
        f"\n{title}: {len(truth.items):,} series, {share:.0%} of the days scored without a sale\n"
    )
    print("| forecast | weighted quantile loss | WAPE | bias of the mean | in 80 % | in 90 % |")
    print("|---|---|---|---|---|---|")
    for name, median, middle, spread in rows:
        loss = weighted_quantile_loss(
            truth.actual, spread, quantile_levels=levels, scored_mask=scored
        )
        inside = [
            coverage(
                truth.actual, spread, quantile_levels=levels, scored_mask=scored, nominal=nominal
            )
            for nominal in (0.8, 0.9)
        ]
        print(
            f"| {name} | {loss:.4f} | {wape(truth.actual, median, scored_mask=scored):.4f} "
            f"| {bias(truth.actual, middle, scored_mask=scored):+.3f} "
            f"| {inside[0]:.3f} | {inside[1]:.3f} |"
        )


if __name__ == "__main__":
    main()
