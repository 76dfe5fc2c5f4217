"""Counts how often the continuity of good weekly data would be refused.

    python tests/benchmarks/continuity.py --sales /folder/of/walmart

The sales of the Kaggle competition "Walmart Recruiting - Store Sales Forecasting" (see
`walmart_weekly.py`) are cut off at each of the last weeks, Christmas among them, as if a run
took place then and the model in service had been made some weeks before. Every table is good,
so every refusal is a false alarm. Exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import polars as pl
from examples_tables import check_purely
from walmart_weekly import CONFIG, unzipped

from demandcast.components.examples.profile import count_partition, profile_of
from demandcast.components.examples.report import Report, merge_reports
from demandcast.components.validation.continuity import breaks
from demandcast.schema.config import CovariatesConfig, DataConfig, RunConfig, load_config
from demandcast.schema.data_profile import DataProfile

RUNS = 50
WEEKS_BETWEEN = (1, 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sales", required=True, help="folder of the published tables")
    options = parser.parse_args()
    config = load_config(CONFIG)
    with tempfile.TemporaryDirectory() as folder:
        file = unzipped(Path(options.sales).resolve(), Path(folder))
        sales = pl.read_csv(file, try_parse_dates=True)
        profiles = _profiles(sales, config, Path(folder))
    refused = tried = 0
    for position in range(len(profiles) - RUNS, len(profiles)):
        for between in WEEKS_BETWEEN:
            found = breaks(profiles[position], profiles[position - between], config.continuity)
            tried += 1
            refused += bool(found)
            for sentence in found:
                print(f"refused, {between} weeks after the model in service: {sentence}")
    print(f"{refused} of {tried} good tables refused")
    sys.exit(1 if refused else 0)


def _profiles(sales: pl.DataFrame, config: RunConfig, folder: Path) -> list[DataProfile]:
    """Profiles of the table as it was in each of the last weeks, the newest last."""
    weeks = sales["Date"].unique().sort()[-RUNS - max(WEEKS_BETWEEN) :]
    return [_profile(sales.filter(pl.col("Date") <= week), config, folder) for week in weeks]


def _profile(sales: pl.DataFrame, config: RunConfig, folder: Path) -> DataProfile:
    """Reads and checks the sales as ingestion does, and counts them."""
    path = folder / "sales.parquet"
    sales.drop("IsHoliday").write_parquet(path)
    columns = config.data.columns.model_copy(
        update={"static": (), "known_future": CovariatesConfig()}
    )
    data = DataConfig(sales=str(path), columns=columns, negative_target=config.data.negative_target)
    partitions, report, _, _ = check_purely(data, config.forecast, block_rows=100_000, partitions=1)
    if not report.is_good:
        sys.exit(f"the table is refused by its contract: {report.violations[:3]}")
    key = columns.series_key
    parts = [Report(counts=count_partition(p, key=key, known=())) for p in partitions]
    return profile_of(merge_reports(parts).counts, frequency=config.forecast.frequency)


if __name__ == "__main__":
    main()
