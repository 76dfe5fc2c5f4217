"""Checks a block of rows and cuts it by series; all work is columnar."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.examples.parsing import (
    is_text_like,
    parse_days,
    parse_numbers,
    parse_text,
)
from demandcast.components.examples.partition import partition_of
from demandcast.components.examples.readers import SOURCE
from demandcast.components.examples.report import Report
from demandcast.components.examples.roles import RowTable
from demandcast.components.examples.violations import SHOWN, Violation, violation
from demandcast.schema.config import AvailabilityConfig
from demandcast.schema.periods import Frequency, on_grid, periods_of

__all__ = [
    "CODE",
    "CheckedBlock",
    "ColumnLog",
    "IN_STOCK",
    "PERIOD",
    "Piece",
    "TARGET",
    "check_block",
    "check_keys",
    "check_periods",
    "check_text_types",
    "covariate",
    "cut_block",
    "missing_text",
    "number_series",
    "read_numbers",
]

CODE = "#series"
PERIOD = "#period"
TARGET = "#target"
IN_STOCK = "#in_stock"

BoolArray = npt.NDArray[np.bool_]

_WEEKDAYS = {
    "W-MON": "a Monday",
    "W-TUE": "a Tuesday",
    "W-WED": "a Wednesday",
    "W-THU": "a Thursday",
    "W-FRI": "a Friday",
    "W-SAT": "a Saturday",
    "W-SUN": "a Sunday",
}


def covariate(name: str) -> str:
    """Names the column of a covariate in a frame of rows, apart from the columns above.

    >>> covariate("price")
    'c:price'
    """
    return f"c:{name}"


@dataclasses.dataclass(frozen=True)
class CheckedBlock:
    """A block after its checks.

    Attributes:
        series: Key and static columns as text, and `SOURCE` of the first row; a series stands
            here once for each combination of its static values.
        rows: `CODE` (row number in `series`), `PERIOD`, `SOURCE`, `TARGET` (float64) and
            `IN_STOCK` (float32) where the table has them, covariates (float32 or text).
        report: Counts and violations.
    """

    series: pl.DataFrame
    rows: pl.DataFrame
    report: Report


@dataclasses.dataclass(frozen=True)
class Piece:
    """The part of a block that belongs to one partition; columns as in `CheckedBlock`."""

    partition: int
    series: pl.DataFrame
    rows: pl.DataFrame


class ColumnLog:
    """Collects the violations of one block of a table."""

    def __init__(self, table: str, sources: npt.NDArray[np.int64]) -> None:
        self.violations: list[Violation] = []
        self._table = table
        self._sources = sources

    def add(self, column: pl.Series, bad: Any, *, problem: str, expected: str) -> None:
        """Records the rows where `bad` holds.

        Args:
            column: The column as it was read: its name, and what the rows say.
            bad: True where a row offends; None if none does. Shape [rows].
            problem: What is wrong.
            expected: What is allowed.
        """
        if bad is None:
            return
        index = np.flatnonzero(np.asarray(bad))
        if len(index):
            self.violations.append(
                violation(
                    (self._table, column.name),
                    problem,
                    expected=expected,
                    sources=self._sources[index],  # Ascending: the first are at the start.
                    values=[
                        repr(value) if isinstance(value, str) else value
                        for value in column.gather(index[:SHOWN]).to_list()
                    ],
                )
            )


def check_block(
    frame: pl.DataFrame,
    table: RowTable,
    *,
    frequency: Frequency,
    negative_target: Literal["error", "clip", "net"] = "error",
) -> CheckedBlock:
    """Parses and checks the rows of a block.

    Args:
        frame: The columns of the table as they are stored, and `SOURCE`.
        table: Roles of the columns.
        frequency: Grid of the timestamps.
        negative_target: What to do with a target below zero.

    Returns:
        The rows that have a series and a period; a value that breaks the contract is missing
        in them, and a violation says so.
    """
    log = ColumnLog(table.name, frame[SOURCE].to_numpy())
    usable = check_keys(frame, table, log)
    periods, has_period = check_periods(frame[table.timestamp], frequency, log)
    usable &= has_period
    columns = [pl.Series(PERIOD, periods, pl.Int32), frame[SOURCE]]
    if table.target is not None:
        columns.append(_check_target(frame[table.target], negative_target, log))
    if table.availability is not None:
        columns.append(_check_availability(frame, table.availability, log))
    columns += _check_covariates(frame, table, log)
    rows = pl.DataFrame(columns)
    if not usable.all():
        frame, rows = frame.filter(usable), rows.filter(usable)
    series, codes = number_series(frame, table)
    rows = rows.with_columns(pl.Series(CODE, codes, pl.UInt32))
    return CheckedBlock(series, rows, _report(rows, table, log.violations))


def cut_block(block: CheckedBlock, partitions: int) -> Iterator[Piece]:
    """Cuts a block into the pieces of its partitions.

    Yields:
        Pieces that have rows, by ascending partition.
    """
    if not len(block.rows):
        return
    keys = [name for name in block.series.columns if name.startswith("k:")]
    part = partition_of(block.series.select(keys), partitions)
    counts = np.bincount(part, minlength=partitions)
    starts = np.concatenate([[0], np.cumsum(counts)])
    order = np.argsort(part, kind="stable")
    place = np.empty(len(part), np.int64)  # Of each series within its partition.
    place[order] = np.arange(len(part)) - starts[part[order]]
    series = block.series[order]

    codes = block.rows[CODE].to_numpy()
    part_of_row = part[codes]
    narrow = np.uint16 if partitions <= 1 << 16 else np.uint32  # Small numbers sort faster.
    rows = block.rows.with_columns(pl.Series(CODE, place[codes], pl.UInt32))
    rows = rows[np.argsort(part_of_row.astype(narrow), kind="stable")]
    row_counts = np.bincount(part_of_row, minlength=partitions)
    row_starts = np.cumsum(row_counts) - row_counts
    for number in np.flatnonzero(row_counts):
        yield Piece(
            int(number),
            series.slice(int(starts[number]), int(counts[number])),
            rows.slice(int(row_starts[number]), int(row_counts[number])),
        )


def check_periods(
    column: pl.Series, frequency: Frequency, log: ColumnLog
) -> tuple[npt.NDArray[np.int64], BoolArray]:
    """Reads timestamps as periods.

    Returns:
        The period of each row, and whether it has one.
    """
    parsed = parse_days(column)
    log.add(column, parsed.missing, problem="missing timestamp", expected="a date in each row")
    log.add(
        column,
        parsed.failed,
        problem="not a date",
        expected="a date, a timestamp, or text as YYYY-MM-DD",
    )
    log.add(
        column,
        parsed.inside_day,
        problem="timestamp inside a day",
        expected="the start of a period, midnight UTC",
    )
    known = ~(parsed.missing | parsed.failed)
    usable = known & ~parsed.inside_day
    if frequency != "D":
        aligned = on_grid(parsed.days, frequency)
        log.add(
            column,
            known & ~aligned,
            problem=f"timestamp off the grid {frequency}",
            expected=_WEEKDAYS[frequency],
        )
        usable &= aligned
    return periods_of(parsed.days, frequency), usable


def check_keys(frame: pl.DataFrame, table: RowTable, log: ColumnLog) -> BoolArray:
    """Reports missing keys, and values that no category can be made of.

    Returns:
        Which rows have a whole key. Shape [rows].
    """
    usable = np.ones(len(frame), np.bool_)
    for name in table.key:
        missing = missing_text(frame[name])
        log.add(frame[name], missing, problem="missing series key", expected="a value in each row")
        usable &= ~missing.to_numpy()
    usable &= ~check_text_types(frame, table.key, log)
    check_text_types(frame, (*table.static, *table.categorical), log)
    return usable


def check_text_types(frame: pl.DataFrame, names: Sequence[str], log: ColumnLog) -> BoolArray:
    """Reports values that no category can be made of, such as lists, times and bytes.

    Returns:
        Which rows have one. Shape [rows].
    """
    bad = np.zeros(len(frame), np.bool_)
    for name in dict.fromkeys(names):
        column = frame[name]
        if column.dtype == pl.Binary:
            unread = (column.bin.size() > 0).fill_null(False) & parse_text(column).is_null()
            log.add(column, unread, problem="not UTF-8 text", expected="text in UTF-8")
        elif not is_text_like(column.dtype):
            unread = column.is_not_null()
            log.add(
                column,
                unread,
                problem="wrong type",
                expected="text, a number or a date, not a list, a time or a duration",
            )
        else:
            continue
        bad |= unread.to_numpy()
    return bad


def missing_text(column: pl.Series) -> pl.Series:
    """Tells where a key is missing: null, empty, or no number."""
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        return (column == "").fill_null(True)
    if column.dtype == pl.Binary:
        return (column.bin.size() == 0).fill_null(True)
    if column.dtype.is_float():
        return column.is_nan().fill_null(True)
    return column.is_null()


def read_numbers(column: pl.Series, log: ColumnLog) -> pl.Series:
    """Reads numbers as float64, and reports what is none; that is null then."""
    parsed = parse_numbers(column)
    log.add(column, parsed.failed, problem="not a number", expected="a number such as 12.5")
    log.add(column, parsed.infinite, problem="infinite", expected="a finite number within float32")
    return parsed.values


def _check_target(
    column: pl.Series, negative_target: Literal["error", "clip", "net"], log: ColumnLog
) -> pl.Series:
    values = read_numbers(column, log)
    if negative_target == "clip":
        values = values.clip(lower_bound=0.0)
    elif negative_target == "error":
        log.add(
            column,
            (values < 0).fill_null(False),
            problem="negative target",
            expected="0 or more (see data.negative_target: clip, net)",
        )
    return values.alias(TARGET)


def _check_availability(
    frame: pl.DataFrame, availability: AvailabilityConfig, log: ColumnLog
) -> pl.Series:
    """Reads any kind of availability as the share of the period in stock; null if unknown."""
    column = frame[availability.column]
    values = read_numbers(column, log)
    if availability.kind == "on_hand":
        return (values > 0).cast(pl.Float32).alias(IN_STOCK)
    top = availability.opening_hours if availability.kind == "stockout_hours" else 1.0
    bad = (values < 0) | (values > top)
    expected = f"{availability.kind} from 0 to {top:g}"
    if availability.kind == "stockout_flag":
        bad, expected = (values != 0) & (values != 1), "0 or 1, false or true"
    log.add(column, bad.fill_null(False), problem="availability out of range", expected=expected)
    if availability.kind != "in_stock_fraction":
        values = 1.0 - values / top
    return values.clip(0.0, 1.0).cast(pl.Float32).alias(IN_STOCK)


def _check_covariates(frame: pl.DataFrame, table: RowTable, log: ColumnLog) -> list[pl.Series]:
    numbers = [
        read_numbers(frame[name], log).cast(pl.Float32).alias(covariate(name))
        for name in table.numeric
    ]
    return numbers + [parse_text(frame[name]).alias(covariate(name)) for name in table.categorical]


def number_series(
    frame: pl.DataFrame, table: RowTable
) -> tuple[pl.DataFrame, npt.NDArray[np.int64]]:
    """Finds the distinct series of a block.

    Returns:
        Key columns as text under "k:" and the name, static columns under "s:", `SOURCE` of
        the first row; and for each row its number in that table.
    """
    columns = [*table.key, *table.static]
    # Tables are mostly sorted by series: runs of equal keys are far fewer than rows.
    changes = [pl.col(name).ne_missing(pl.col(name).shift(1)) for name in columns]
    starts = frame.select(pl.any_horizontal(changes)).to_series().to_numpy().copy()
    starts[:1] = True
    runs = frame.filter(starts).select(*columns, SOURCE)
    groups = runs.group_by(columns, maintain_order=True).agg(pl.col(SOURCE).min())
    numbered = groups.select(columns).with_row_index("#group")
    group_of_run = runs.join(
        numbered, on=columns, how="left", nulls_equal=True, maintain_order="left"
    )["#group"].to_numpy()
    text = [parse_text(groups[name]).alias(f"k:{name}") for name in table.key]
    text += [parse_text(groups[name]).alias(f"s:{name}") for name in table.static]
    codes = group_of_run[np.cumsum(starts) - 1] if len(frame) else np.zeros(0, np.int64)
    return pl.DataFrame([*text, groups[SOURCE]]), codes.astype(np.int64)


def _report(rows: pl.DataFrame, table: RowTable, violations: list[Violation]) -> Report:
    if table.target is None:
        return Report(violations=tuple(violations))
    recorded = rows.filter(pl.col(TARGET).is_not_null())
    names = [name for name in table.numeric if recorded[covariate(name)].null_count()]
    return Report(
        rows=len(rows),
        oldest=recorded[PERIOD].min(),  # type: ignore[arg-type]
        newest=recorded[PERIOD].max(),  # type: ignore[arg-type]
        misses=frozenset(names),
        violations=tuple(violations),
    )
