"""Runs the pipeline on Walmart's weekly sales and scores the last 39 weeks.

    python tests/benchmarks/walmart_weekly.py --sales /path/to/folder --workspace /tmp/walmart

The folder holds `train.csv` (or `train.csv.zip`), `stores.csv` and `features.csv`
of the Kaggle competition "Walmart Recruiting - Store Sales Forecasting"; its rules
allow no copy here. Protocol of fev-bench: one window of 39 weeks, the series that
end in the last week and have at least 40 recorded weeks, WAPE over all of them:
sum of |error| / sum of |sales|, returns (negative sales) included. The "seasonal
naive" of fev-bench has season 1 for weekly data: it repeats the last value.
"""

from __future__ import annotations

import argparse
import json
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
from walk import Array, Forecast, print_stages, run_command

from demandcast.components.metrics.baselines import seasonal_naive
from demandcast.schema.config import ForecastConfig, load_config

CONFIG = Path(__file__).parents[2] / "examples" / "walmart_weekly.yaml"
KEY = ["Store", "Dept"]
LEAST_WEEKS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sales", required=True, help="folder of the published tables")
    parser.add_argument("--workspace", required=True, help="folder for artifacts and forecasts")
    parser.add_argument("--set", action="append", default=[], help="passed on to every command")
    options = parser.parse_args()
    folder, workspace = Path(options.sales).resolve(), Path(options.workspace).resolve()
    sales = unzipped(folder, workspace)
    overrides = [
        f"data.sales={sales}",
        f"data.static_tables.0.path={folder / 'stores.csv'}",
        f"data.calendar.path={folder / 'features.csv'}",
        f"workspace={workspace}",
        *options.set,
    ]
    forecast = load_config(CONFIG).forecast
    report = json.loads(run_command("run", CONFIG, overrides, "--json"))
    print_stages("run", report)
    print(f"\nblessed: {report['verdict']['blessed']}")
    for reason in report["verdict"]["reasons"]:
        print(f"- {reason}")
    if report["verdict"]["blessed"]:
        _score(sales, forecast, overrides, workspace / "forecast")


def unzipped(folder: Path, workspace: Path) -> Path:
    table, packed = folder / "train.csv", folder / "train.csv.zip"
    if table.exists():
        return table
    workspace.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(packed) as archive:
        return Path(archive.extract("train.csv", workspace))


def _score(sales: Path, forecast: ForecastConfig, overrides: list[str], output: Path) -> None:
    table = pl.read_csv(sales, try_parse_dates=True)
    weeks = table["Date"].unique().sort()
    cutoff = weeks[-forecast.horizon - 1]
    run_command("forecast", CONFIG, overrides, "--cutoff", str(cutoff), "--output", str(output),
                "--format", "parquet")  # fmt: skip
    said = pl.read_parquet(output.with_suffix(".parquet")).with_columns(pl.col(KEY).cast(pl.Int64))
    keys = _protocol_series(table).join(said.select(KEY).unique(), on=KEY, how="semi").sort(KEY)
    said = said.join(keys, on=KEY).sort(*KEY, "step")
    units = _grid(table, keys, weeks)
    history, actual = units[:, : -forecast.horizon], units[:, -forecast.horizon :]
    known, scored = np.isfinite(history), np.isfinite(actual).astype(float)
    levels = len(forecast.quantile_levels)

    def naive(season: int) -> Forecast:
        points = seasonal_naive(
            np.nan_to_num(history), known, season=season, horizon=forecast.horizon
        )
        return Forecast.of_points(points, levels=levels)

    print(f"\n{len(keys):,} series, {int(scored.sum()):,} weeks")
    print("\n| forecast | WAPE | weighted quantile loss | in 80 % | in 90 % | bias |")
    print("|---|---|---|---|---|---|")
    rows = {
        "demandcast": Forecast.of_table(said, forecast),
        "the same week last year": naive(52),
        "last value (fev-bench's seasonal naive)": naive(1),
    }
    for name, row in rows.items():
        cells = row.scores(np.nan_to_num(actual), scored, forecast.quantile_levels)
        print(f"| {name} | {cells} |")


def _protocol_series(table: pl.DataFrame) -> pl.DataFrame:
    weeks = table.group_by(KEY).agg(pl.len().alias("weeks"), pl.col("Date").max().alias("last"))
    enough = (pl.col("weeks") >= LEAST_WEEKS) & (pl.col("last") == table["Date"].max())
    return weeks.filter(enough).select(KEY)


def _grid(table: pl.DataFrame, keys: pl.DataFrame, weeks: pl.Series) -> Array:
    """Sales by series and week, NaN where there is no row. Shape [N, T]."""
    row = keys.with_row_index("row")
    column = pl.DataFrame({"Date": weeks}).with_row_index("column")
    placed = table.join(row, on=KEY).join(column, on="Date")
    units = np.full((len(keys), len(weeks)), np.nan)
    units[placed["row"].to_numpy(), placed["column"].to_numpy()] = placed["Weekly_Sales"].to_numpy()
    return units


if __name__ == "__main__":
    main()
