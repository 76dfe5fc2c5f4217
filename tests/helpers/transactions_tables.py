"""Small tables of lines of sales, and a slow, plain way from their lines to demand."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from examples_tables import check_purely

from demandcast.components.examples.report import Report
from demandcast.schema.config import ColumnsConfig, DataConfig, ForecastConfig, TransactionsConfig
from demandcast.schema.periods import date_of, days_of

__all__ = ["Answer", "data_of", "demand_of", "line", "slow_demand", "write_lines"]

Line = dict[str, Any]

SCHEMA = {
    "invoice": pl.String,
    "item": pl.String,
    "quantity": pl.Int64,
    "time": pl.Datetime("us"),
    "price": pl.Float64,
    "customer": pl.String,
}


def line(time: str, quantity: int | None = 1, **others: Any) -> Line:
    """Makes a line of a sale; a time is "day hour:minute" of January 2024, or "day"."""
    day, _, clock = time.partition(" ")
    hour, minute = map(int, (clock or "0:0").split(":"))
    base = {
        "invoice": "1",
        "item": "a",
        "quantity": quantity,
        "time": datetime.datetime(2024, 1, int(day), hour, minute),
        "price": 2.0,
        "customer": "anna",
    }
    return base | others


def write_lines(path: Path, lines: Sequence[Line]) -> Path:
    """Writes lines as CSV or Parquet, by the suffix."""
    frame = pl.DataFrame(lines, schema=SCHEMA, orient="row")
    if path.suffix == ".csv":
        frame.write_csv(path, datetime_format="%Y-%m-%d %H:%M:%S")
    else:
        frame.write_parquet(path, row_group_size=5)
    return path


def data_of(path: Path, rules: dict[str, Any] | None = None, **changes: Any) -> DataConfig:
    """Describes such a table."""
    columns = ColumnsConfig(series_key=("item",), timestamp="time", target="quantity")
    values = {"sales": str(path), "columns": columns, "transactions": rules or {}}
    return DataConfig.model_validate(values | changes)


@dataclasses.dataclass(frozen=True)
class Answer:
    """Demand by item and date, and lines and units by rule."""

    demand: dict[tuple[str, str], float]
    counts: dict[str, tuple[int, float]]
    report: Report


def demand_of(data: DataConfig, forecast: ForecastConfig | None = None, **sizes: int) -> Answer:
    """Reads, settles and adds up as the Beam steps do, without laying it on a grid."""
    forecast = forecast or ForecastConfig()
    partitions, report, _, _ = check_purely(data, forecast, **sizes)
    demand = {}
    for partition in partitions:
        keys = partition.series["item"].to_list()
        for code, period, units in partition.sales.select("#series", "#period", "#target").rows():
            day = date_of(int(days_of(period, forecast.frequency)))
            demand[keys[code], day.isoformat()] = units
    counts = {count.rule: (count.lines, count.units) for count in report.lines}
    return Answer(demand, counts, report)


def slow_demand(lines: Sequence[Line], rules: TransactionsConfig) -> Answer:
    """Settles lines one after the other, with dictionaries and lists."""
    left = [dict(entry, order=order) for order, entry in enumerate(lines)]
    for entry in left:
        entry["units"] = entry["quantity"]
        if rules.cancelled and re.search(rules.cancelled.matches, entry["invoice"] or ""):
            entry["units"] = -abs(entry["quantity"])
    counts = {"read": _count(left)}
    for rule in rules.exclude:
        taken = [entry for entry in left if _is_excluded(entry, rule)]
        counts[rule.name], left = _count(taken), _without(left, taken)
    for name in rules.positive:
        taken = [entry for entry in left if not (entry[name] is not None and entry[name] > 0)]
        counts[f"{name} not above 0"], left = _count(taken), _without(left, taken)
    if rules.repeated_lines == "drop":
        seen, taken = set(), []
        for entry in left:
            identity = tuple(entry[name] for name in rules.line_columns or SCHEMA)
            identity += (entry["item"], entry["time"].date(), entry["units"])
            (taken.append(entry) if identity in seen else seen.add(identity))
        counts["repeated lines"], left = _count(taken), _without(left, taken)
    if rules.pairs is not None:
        sales, others = _slow_pairs(left, rules)
        left = _without(left, sales + others)
        days = f"{rules.pairs.within_days:g} day{'' if rules.pairs.within_days == 1 else 's'}"
        counts[f"sales taken back within {days}"] = _count(sales)
        counts[f"what took them back within {days}"] = _count(others)
    returned = [entry for entry in left if entry["units"] < 0]
    sold = _without(left, returned)
    counts["returns ignored" if rules.returns == "ignore" else "returns subtracted"] = _count(
        returned
    )
    counts["sales"] = _count(sold)
    demand: dict[tuple[str, str], float] = defaultdict(float)
    for entry in sold if rules.returns == "ignore" else left:
        demand[entry["item"], entry["time"].date().isoformat()] += entry["units"]
    if rules.returns == "net":
        beyond = [units for units in demand.values() if units < 0]
        counts["returns beyond the sales of their period (rows, set to 0)"] = (
            len(beyond),
            float(sum(beyond)),
        )
    demand = {place: max(units, 0.0) for place, units in demand.items()}
    counts["demand (rows of a series and period)"] = len(demand), float(sum(demand.values()))
    return Answer(demand, counts, Report())


def _slow_pairs(left: list[Line], rules: TransactionsConfig) -> tuple[list[Line], list[Line]]:
    """Lets each line that takes back look for the latest sale that is still open."""
    assert rules.pairs is not None
    longest = datetime.timedelta(days=rules.pairs.within_days)
    open_sales: dict[Any, list[Line]] = defaultdict(list)
    sales, others = [], []
    for entry in sorted(left, key=lambda one: (one["time"], one["units"] < 0, one["order"])):
        shared = [entry[name] for name in rules.pairs.columns]
        if None in shared or not entry["units"]:
            continue
        stack = open_sales[entry["item"], abs(entry["units"]), *shared]
        if entry["units"] > 0:
            stack.append(entry)
        elif stack and entry["time"] - stack[-1]["time"] <= longest:
            sales.append(stack.pop())
            others.append(entry)
    return sales, others


def _is_excluded(entry: Line, rule: Any) -> bool:
    text = entry[rule.column]
    if rule.matches is not None:
        return text is not None and bool(re.search(rule.matches, text))
    return text is None or not re.search(rule.unless, text)


def _count(entries: Sequence[Line]) -> tuple[int, float]:
    return len(entries), float(sum(entry["units"] for entry in entries))


def _without(entries: list[Line], taken: Sequence[Line]) -> list[Line]:
    orders = {entry["order"] for entry in taken}
    return [entry for entry in entries if entry["order"] not in orders]
