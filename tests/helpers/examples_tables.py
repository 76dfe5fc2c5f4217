"""Small tables and the pure walk from their rows to examples, without Beam."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from demandcast.components.examples.assembly import Partition, Policies, assemble
from demandcast.components.examples.blocks import cut_block
from demandcast.components.examples.closures import closed_periods
from demandcast.components.examples.features import ExampleBatch, build_examples, grid_span
from demandcast.components.examples.grid import lay_on_grid
from demandcast.components.examples.lines import check_rows
from demandcast.components.examples.lookup import Calendar, check_joined
from demandcast.components.examples.readers import read_blocks
from demandcast.components.examples.report import Report, merge_reports
from demandcast.components.examples.splits import SplitPlan
from demandcast.components.examples.tables import Tables, open_tables
from demandcast.components.examples.violations import contract_error
from demandcast.schema.config import (
    AvailabilityConfig,
    ColumnsConfig,
    CovariatesConfig,
    DataConfig,
    ForecastConfig,
    SeriesSpec,
)

Examples = dict[tuple[str, tuple[str, ...], str], dict[str, list[Any]]]

COLUMNS = ColumnsConfig(
    series_key=("store", "item"),
    timestamp="date",
    target="target",
    static=("category",),
    known_future=CovariatesConfig(numeric=("price",), categorical=("event",)),
    observed_past=CovariatesConfig(numeric=("weather",)),
    availability=AvailabilityConfig(column="in_stock"),
)

MONDAY_PERIOD = (datetime.date(2024, 1, 1) - datetime.date(1970, 1, 1)).days

SCHEMA = {
    "store": pl.Int64,
    "item": pl.String,
    "date": pl.Date,
    "target": pl.Float64,
    "category": pl.String,
    "price": pl.Float64,
    "event": pl.String,
    "weather": pl.Float64,
    "in_stock": pl.Float64,
}


def row(day: int | datetime.date, target: float | None = 1.0, **others: Any) -> dict[str, Any]:
    """Makes a sales row; a day is counted from Monday 2024-01-01."""
    date = datetime.date(2024, 1, 1) + datetime.timedelta(days=day) if isinstance(day, int) else day
    base = {
        "store": 1,
        "item": "a",
        "date": date,
        "target": target,
        "category": "food",
        "price": 2.0,
        "event": None,
        "weather": 20.0,
        "in_stock": 1.0,
    }
    return base | others


def write_rows(path: Path, rows: Sequence[dict[str, Any]], **schema: Any) -> Path:
    """Writes rows as CSV or Parquet, by the suffix."""
    names = list(rows[0]) if rows else list(SCHEMA)
    types = {name: (SCHEMA | schema).get(name) for name in names}
    frame = pl.DataFrame(rows, schema=types, orient="row")
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path, row_group_size=7)
    return path


def make_data(sales: Path | str, **changes: Any) -> DataConfig:
    return DataConfig(**({"sales": str(sales), "columns": COLUMNS} | changes))


def check_purely(
    data: DataConfig, forecast: ForecastConfig, *, block_rows: int = 1000, partitions: int = 3
) -> tuple[list[Partition], Report, Tables, Calendar | None]:
    """Reads, checks and assembles as the Beam steps do."""
    tables = open_tables(data)
    policies = Policies.of(data, forecast.frequency)
    roles, reports = tables.roles, []
    joined: dict[str, pl.DataFrame] = {}
    calendar = None
    for table in (*roles.static_tables, *([roles.calendar] if roles.calendar else [])):
        frames = [
            frame
            for task in tables.tasks[table.name]
            for frame in read_blocks(task, table.columns, block_rows=block_rows, malformed=[])
        ]
        checked, violations = check_joined(pl.concat(frames), table, frequency=forecast.frequency)
        reports.append(Report(violations=violations))
        if table.timestamp is None:
            joined[table.name] = checked
        else:
            calendar = Calendar(checked, table)
    pieces: dict[tuple[int, str], list[Any]] = {}
    for table in (roles.sales, *([roles.future] if roles.future else [])):
        for task in tables.tasks[table.name]:
            for frame in read_blocks(task, table.columns, block_rows=block_rows, malformed=[]):
                block = check_rows(frame, table, data, frequency=forecast.frequency)
                reports.append(block.report)
                for piece in cut_block(block, partitions):
                    pieces.setdefault((piece.partition, table.name), []).append(piece)
    assembled = []
    for number in sorted({number for number, _ in pieces}):
        partition, report = assemble(
            pieces.get((number, "sales"), [])[::-1],  # Order must not matter.
            pieces.get((number, "future"), []),
            roles,
            policies,
            joined=joined,
            calendar=calendar,
        )
        if partition is not None:
            assembled.append(Partition.from_bytes(partition.to_bytes()))
        reports.append(report)
    return assembled, merge_reports(reports), tables, calendar


def complaint(data: DataConfig, forecast: ForecastConfig | None = None) -> str:
    """Returns the text of the contract error."""
    _, report, tables, _ = check_purely(data, forecast or ForecastConfig())
    assert report.violations, "nothing breaks the contract"
    return str(contract_error(report.violations, tables.files))


def batches_of(
    data: DataConfig,
    forecast: ForecastConfig,
    plan: Callable[[int], Sequence[SplitPlan]],
    *,
    max_history: int = 1000,
    left_out: Counter[str] | None = None,
    **sizes: int,
) -> Iterator[ExampleBatch]:
    """Builds all examples; `plan` is given the newest period with a target."""
    partitions, report, tables, calendar = check_purely(data, forecast, **sizes)
    assert not report.violations, contract_error(report.violations, tables.files)
    assert report.newest is not None
    spec, plans = SeriesSpec.from_config(data.columns, forecast), plan(report.newest)
    span = grid_span(
        plans,
        spec,
        max_history=max_history,
        zero_until=report.newest if data.missing_period == "zero" else None,
    )
    closed = closed_periods(report, data.empty_period, frequency=forecast.frequency)
    span = dataclasses.replace(span, closed=closed)
    for partition in partitions:
        lay = functools.partial(lay_on_grid, roles=tables.roles, span=span, calendar=calendar)
        yield from build_examples(partition, lay, plans, spec, span=span, left_out=left_out)


def examples_of(
    data: DataConfig, forecast: ForecastConfig, plans: Sequence[SplitPlan], **options: Any
) -> Examples:
    """Builds all examples, as lists by split, series and date of the cutoff."""
    return _unpack(batches_of(data, forecast, lambda newest: plans, **options))


def _unpack(batches: Iterable[Any]) -> Examples:
    found: Examples = {}
    for batch in batches:
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days=batch.cutoff_day)
        for key, example in zip(batch.keys.rows(), batch.columns.to_pylist(), strict=True):
            place = (batch.split, key, date.isoformat())
            assert place not in found
            found[place] = example
    return found
