"""Orders on the UCI Online Retail invoices: which service they reach, and what they cost.

    python tests/benchmarks/replenishment_service.py --sales /path/to/online_retail.parquet \
        --workspace /tmp/online_retail_orders

Trains on the invoices up to 2011-08-28, of which the last three weeks test the model, and simulates
every week from then on with `demandcast simulate`: a review each week, lead times of 7 days, and
random ones of 7 days with a deviation of 2. Unit costs are six tenths of the median price, holding
a unit costs a quarter of that per year, and a stockout what the target implies.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

CONFIG = Path(__file__).parents[2] / "examples" / "online_retail.yaml"
TRAINED_UNTIL = "2011-08-28"
LEAD_TIMES = {"fixed": "7,0", "random": "7,2"}
TOLERANCE = 0.015
COST_SHARE = 0.6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sales", required=True, help="the lines of the invoices, as Parquet")
    parser.add_argument("--workspace", required=True, help="folder for artifacts and tables")
    parser.add_argument("--trained", action="store_true", help="the workspace has a model already")
    parser.add_argument("--set", action="append", default=[], help="passed on to every command")
    options = parser.parse_args()
    workspace = Path(options.workspace).resolve()
    tables = write_supply(Path(options.sales), workspace / "supply")
    common = [
        f"data.sales={Path(options.sales).resolve()}",
        f"workspace={workspace}",
        "forecast.horizon=21",
        f"replenishment.tables.supply_terms={{path: {tables / 'supply_terms.csv'}}}",
        *options.set,
    ]
    if not options.trained:
        begin = time.monotonic()
        # A model that the gate refuses decides all the same: it is the forecasts that are tried.
        demandcast("run", common, f"sampling.end={TRAINED_UNTIL}", allowed=(0, 4))
        print(f"trained in {time.monotonic() - begin:.0f} s")
    missed = 0
    for name in LEAD_TIMES:
        supplier = f"replenishment.tables.suppliers={{path: {tables / f'{name}.csv'}}}"
        arguments = ["--candidate", "latest", "--json"]
        found = json.loads(demandcast("simulate", common, supplier, arguments=arguments))
        missed += show(name, found)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    print(f"peak memory {peak:.1f} GiB")
    print("all within the tolerance" if not missed else f"{missed} outside of the tolerance")
    return 0


def write_supply(sales: Path, folder: Path) -> Path:
    """Writes terms for every product, and a supplier for each kind of lead time."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = pl.read_parquet(sales).filter((pl.col("UnitPrice") > 0) & (pl.col("Quantity") > 0))
    prices = lines.group_by("StockCode").agg(pl.col("UnitPrice").median()).sort("StockCode")
    prices.select(
        "StockCode",
        supplier=pl.lit("warehouse"),
        unit_cost=(pl.col("UnitPrice") * COST_SHARE).round(2),
        review_period=pl.lit(7),
    ).write_csv(folder / "supply_terms.csv")
    for name, days in LEAD_TIMES.items():
        text = f"supplier,quoted_lead_time_days,lead_time_std_days\nwarehouse,{days}\n"
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def demandcast(
    command: str,
    overrides: list[str],
    *more: str,
    arguments: list[str] | None = None,
    allowed: tuple[int, ...] = (0,),
) -> str:
    """Runs a command and returns what it wrote to standard output."""
    sets = [word for value in (*overrides, *more) for word in ("--set", value)]
    program = [str(Path(sys.executable).with_name("demandcast")), command]
    call = [*program, "--config", str(CONFIG), *sets, *(arguments or [])]
    done = subprocess.run(call, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in allowed:
        sys.exit(done.returncode)
    return done.stdout


def show(name: str, found: dict[str, Any]) -> int:
    """Prints the policies, and counts the targets that ours misses."""
    print(
        f"\nlead times {name}: {found['series']:,} series from {found['first']} to "
        f"{found['last']}, {found['cutoffs']} decisions, {found['seconds']:.0f} s"
    )
    print(
        f"{'target':>6}  {'policy':<18} {'service':>8} {'fill':>7} {'stock':>8} {'cost ratio':>10}"
    )
    missed = 0
    for row in found["policies"]:
        ratio = row["operating_cost_ratio"]
        print(
            f"{row['target']:>6.0%}  {row['policy']:<18} {row['cycle_service_level']:>8.2%} "
            f"{row['fill_rate']:>7.2%} {row['mean_on_hand']:>8.1f} "
            f"{'' if ratio is None else format(ratio, '.3f'):>10}"
        )
        ours = row["policy"] == "demandcast"
        missed += ours and abs(row["cycle_service_level"] - row["target"]) > TOLERANCE
    return missed


if __name__ == "__main__":
    sys.exit(main())
