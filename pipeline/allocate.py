"""`demandcast allocate`: the limited stock of warehouses, shared among stores, as a folder."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from demandcast.components.replenishment.proposing import prepare
from demandcast.components.replenishment.store_transfers import Transfers, allocate_supply
from demandcast.components.replenishment.supply_columns import PLACE, PROBLEM
from demandcast.components.replenishment.warehouse_rows import item_columns, warehouse_rows
from demandcast.components.reporting.drawing import draw_transfers_page
from demandcast.pipeline.allocation_page import transfers_part
from demandcast.pipeline.console import Console
from demandcast.pipeline.folders import check_whole_folder, whole_folder
from demandcast.pipeline.places import allocations_folder
from demandcast.pipeline.proposal_folder import new_proposal_id, situation_of
from demandcast.pipeline.replenish import ReplenishOptions, known_forecasts
from demandcast.pipeline.supply_files import read_table_file
from demandcast.schema.artifact_names import ALLOCATION_FILE, ALLOCATION_TABLE_FILE
from demandcast.schema.config import RunConfig
from demandcast.schema.whole_file import write_whole

__all__ = ["AllocateOptions", "AllocationSummary", "allocate"]

_ROWS_SHOWN = 3


@dataclass(frozen=True)
class AllocateOptions:
    """What is wanted.

    Attributes:
        supply: Table of what warehouses have.
        forecasts: A forecast table; None: forecast anew.
        cutoff: Last known period; None: the newest in the data.
        output: Folder of the allocation; None: a new one below the workspace.
    """

    supply: Path
    forecasts: Path | None = None
    cutoff: datetime.date | None = None
    output: Path | None = None


@dataclass(frozen=True)
class AllocationSummary:
    """What was allocated.

    Attributes:
        folder: Where its files lie.
        cutoff: Last period that the forecast saw, ISO date.
        series: Series looked at.
        transfers: Rows that send something.
        units_sent: Units.
        units_left: Units that stay at the warehouses.
        avoided_cost: Cost of the sales that are saved, currency units, expected.
        transport_cost: Currency units.
        currency: Of both; empty if not known.
        statuses: Series by status.
        problems: Rows of the supply that cannot be used.
        seconds: Wall time.
    """

    folder: str
    cutoff: str
    series: int
    transfers: int
    units_sent: float
    units_left: float
    avoided_cost: float
    transport_cost: float
    currency: str
    statuses: dict[str, int]
    problems: tuple[str, ...]
    seconds: float


def allocate(config: RunConfig, console: Console, options: AllocateOptions) -> AllocationSummary:
    """Shares the supply among the stores, and writes the files, whole or not at all.

    Args:
        config: The run; paths are absolute.
        console: Shows the progress.
        options: What is wanted.

    Raises:
        BadInputError: A table is missing or breaks its contract, or the folder cannot be written.
        ServingError: Forecasts are wanted and no model is in service.
    """
    begin = time.monotonic()
    name = new_proposal_id(datetime.datetime.now(datetime.UTC))
    folder = options.output or allocations_folder(config) / name
    check_whole_folder(folder)  # Before any work, to say so early.
    keys = config.data.columns.series_key
    supply = read_table_file(str(options.supply), table="supply")
    problems = tuple(_problems(warehouse_rows(supply, keys).with_columns(supply[PLACE])))
    wanted = ReplenishOptions(options.forecasts, options.cutoff)
    known = known_forecasts(config, console, wanted)
    situation = situation_of(config, known.table, known.origins, wrong_forecasts=known.wrong)
    found = allocate_supply(
        prepare(situation, config.replenishment),
        supply,
        keys=keys,
        calendar=situation.calendar(config.replenishment),
    )
    summary = AllocationSummary(
        folder=str(folder),
        cutoff=situation.cutoff.isoformat(),
        problems=problems,
        seconds=round(time.monotonic() - begin, 1),
        **_sums(found, config),
    )
    _write(found, summary, config, item_columns(supply, keys))
    return summary


def _problems(rows: pl.DataFrame) -> Iterator[str]:
    """Words what is wrong with rows of the supply, each reason once."""
    wrong = rows.filter(pl.col(PROBLEM).is_not_null())
    grouped = wrong.group_by(PROBLEM, maintain_order=True).agg(
        pl.len().alias("count"), pl.col(PLACE).head(_ROWS_SHOWN)
    )
    for problem, count, places in grouped.iter_rows():
        shown = ", ".join(places)
        yield f"{count:,} {'row' if count == 1 else 'rows'} left out, first {shown}: {problem}"


def _sums(found: Transfers, config: RunConfig) -> dict[str, Any]:
    """Adds up what was allocated."""
    keys = list(config.data.columns.series_key)
    series, warehouses = found.table.unique(keys), found.warehouses
    counted = series["status"].value_counts(sort=True)
    known = series["currency"].drop_nulls()
    own = str(known.mode().sort()[0]) if known.len() else ""
    return {
        "series": series.height,
        "transfers": int((found.table["quantity"] > 0).sum()),
        "units_sent": float(warehouses["sent"].sum()),
        "units_left": float(warehouses["left_over"].sum()),
        "avoided_cost": round(float(series["avoided_cost"].sum()), 2),
        "transport_cost": round(float(found.table["transport_cost"].sum()), 2),
        "currency": config.replenishment.currency or own,
        "statuses": dict(counted.iter_rows()),
    }


def _write(found: Transfers, summary: AllocationSummary, config: RunConfig, on: list[str]) -> None:
    """Writes the files aside and renames the folder; the facts are the last file."""
    facts = {name: getattr(summary, name) for name in summary.__dataclass_fields__}
    facts |= {
        "pipeline": config.name,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "series_key": list(config.data.columns.series_key),
        "item_key": on,
    }
    del facts["folder"]
    with whole_folder(Path(summary.folder)) as aside:
        found.table.write_parquet(aside / ALLOCATION_TABLE_FILE)
        found.table.write_csv(aside / "allocation.csv")
        found.warehouses.write_csv(aside / "warehouses.csv")
        _as_open_orders(found, config).write_csv(aside / "open_orders.csv")
        part = transfers_part(found.table, found.warehouses, facts)
        write_whole(aside / "allocation.html", draw_transfers_page(part, config.name))
        write_whole(aside / ALLOCATION_FILE, json.dumps(facts, indent=2) + "\n")


def _as_open_orders(found: Transfers, config: RunConfig) -> pl.DataFrame:
    """Takes transfers as lines of the table `open_orders`, on which proposals then count.

    They have no day of order: what is ordered after the cutoff is not on its way at it.
    """
    sent = found.table.filter(pl.col("quantity") > 0)
    return sent.select(
        *config.data.columns.series_key,
        supplier="warehouse",
        quantity="quantity",
        due="arrival_date",
    )
