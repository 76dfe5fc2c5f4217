"""Puts the pieces of a partition together: sorted series, one row per series and period."""

from __future__ import annotations

import dataclasses
import io
import struct
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.examples.blocks import CODE, IN_STOCK, PERIOD, TARGET, Piece
from demandcast.components.examples.lookup import Calendar
from demandcast.components.examples.readers import SOURCE
from demandcast.components.examples.report import Report
from demandcast.components.examples.roles import SALES, JoinedTable, Roles, RowTable
from demandcast.components.examples.settlement import rows_of_lines
from demandcast.components.examples.violations import SHOWN, Violation, violation
from demandcast.schema.config import DataConfig, TransactionsConfig
from demandcast.schema.periods import Frequency, date_of, days_of

__all__ = [
    "Partition",
    "Policies",
    "assemble",
    "pack_frames",
    "unpack_frames",
]

IntArray = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Policies:
    """What to do with odd rows; see `DataConfig`."""

    frequency: Frequency
    duplicates: Literal["error", "sum", "keep_last"] = "error"
    negative_target: Literal["error", "clip", "net"] = "error"
    missing_period: Literal["unknown", "zero"] = "unknown"
    empty_period: Literal["zero", "unknown", "unknown_unless_weekly"] = "zero"
    transactions: TransactionsConfig | None = None

    @classmethod
    def of(cls, data: DataConfig, frequency: Frequency) -> Policies:
        """Takes the policies from the configuration."""
        return cls(
            frequency,
            data.duplicates,
            data.negative_target,
            data.missing_period,
            data.empty_period,
            data.transactions,
        )


@dataclasses.dataclass(frozen=True)
class Partition:
    """The series of one partition.

    Attributes:
        series: Key and static columns as text, by ascending key. Shape [N, ...].
        sales: `CODE` (position in `series`), `PERIOD`, `TARGET`, `IN_STOCK` if given and
            covariates; one row per series and period, in that order.
        future: The same without target, from the table of future covariates.
    """

    series: pl.DataFrame
    sales: pl.DataFrame
    future: pl.DataFrame

    def to_bytes(self) -> bytes:
        """Packs the partition to travel between workers."""
        return pack_frames(self.series, self.sales, self.future)

    @classmethod
    def from_bytes(cls, data: bytes) -> Partition:
        """Unpacks what `to_bytes` packed."""
        return cls(*unpack_frames(data))


def pack_frames(*frames: pl.DataFrame) -> bytes:
    """Packs frames as compressed Arrow, each with its length before it."""
    parts: list[bytes] = []
    for frame in frames:
        buffer = io.BytesIO()
        frame.write_ipc(buffer, compression="lz4", compat_level=pl.CompatLevel.oldest())
        parts += [struct.pack("<Q", buffer.tell()), buffer.getvalue()]
    return b"".join(parts)


def unpack_frames(data: bytes) -> list[pl.DataFrame]:
    """Unpacks what `pack_frames` packed."""
    frames, position = [], 0
    while position < len(data):
        (length,) = struct.unpack_from("<Q", data, position)
        position += 8
        frames.append(pl.read_ipc(io.BytesIO(data[position : position + length])))
        position += length
    return frames


def assemble(
    sales: Sequence[Piece],
    future: Sequence[Piece],
    roles: Roles,
    policies: Policies,
    *,
    joined: Mapping[str, pl.DataFrame],
    calendar: Calendar | None,
) -> tuple[Partition | None, Report]:
    """Puts the pieces of a partition together and checks what only whole series show.

    Args:
        sales: Pieces of the sales table, in any order.
        future: Pieces of the table of future covariates.
        roles: Roles of the columns.
        policies: What to do with odd rows.
        joined: Checked static tables by name.
        calendar: The calendar, if there is one.

    Returns:
        The partition, None if nothing in it was ever sold; and what breaks the contract in it.
    """
    if not sales:
        stacked, _ = _stack(future)
        return None, Report(future_series_unknown=stacked.drop(SOURCE).n_unique())
    violations: list[Violation] = []
    stacked, codes = _stack(sales)
    series, index = _unique_series(stacked, roles.sales, violations)
    series, rows, found = _sales_rows(series, _with_series(codes, index), roles, policies)
    violations += found.violations
    for table in roles.static_tables:
        series = _join_static(series, joined[table.name], table, violations)
    series = _named(series)
    if calendar is not None:
        _check_calendar(series, rows, calendar, violations, policies.frequency)
    ahead, unknown = _future_rows(future, series, roles, policies, violations)
    report = dataclasses.replace(
        found,
        series=len(series),
        future_series_unknown=unknown,
        violations=tuple(violations),
    )
    return Partition(series.drop(SOURCE), rows.drop(SOURCE), ahead.drop(SOURCE)), report


def _sales_rows(
    series: pl.DataFrame, rows: pl.DataFrame, roles: Roles, policies: Policies
) -> tuple[pl.DataFrame, pl.DataFrame, Report]:
    """Brings the rows of the sales table in order, one for each series and period.

    Returns:
        The series, without those of which no line is left; their rows; and what was found.
    """
    violations: list[Violation] = []
    report = Report()
    if policies.transactions is None:
        rows = _in_order(rows, roles.sales, policies, violations)
    else:
        rows, lines = rows_of_lines(rows, policies.transactions)
        periods = rows[PERIOD]
        report = Report(lines=lines, oldest=periods.min(), newest=periods.max())  # type: ignore[arg-type]
        series, rows = _with_rows(series, rows)
    if policies.empty_period != "zero":
        selling = rows[PERIOD].filter(rows[TARGET] > 0).unique().to_list()
        report = dataclasses.replace(report, selling=frozenset(selling))
    return series, rows, dataclasses.replace(report, violations=tuple(violations))


def _with_rows(series: pl.DataFrame, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Leaves out series without a row; rows are in order."""
    codes = rows[CODE].to_numpy()
    at, index = np.unique(codes, return_inverse=True)
    return series[at], rows.with_columns(pl.Series(CODE, index, pl.UInt32))


def _stack(pieces: Sequence[Piece]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Concatenates pieces; codes of series are shifted so that they stay apart."""
    shift, rows = 0, []
    for piece in pieces:
        rows.append(piece.rows.with_columns((pl.col(CODE) + shift).cast(pl.UInt32)))
        shift += len(piece.series)
    return pl.concat([piece.series for piece in pieces]), pl.concat(rows)


def _unique_series(
    stacked: pl.DataFrame, table: RowTable, violations: list[Violation]
) -> tuple[pl.DataFrame, IntArray]:
    """Merges the entries of a series.

    Returns:
        One row per series by ascending key, `SOURCE` the first row of it; and for each row of
        `stacked` its position there.
    """
    keys = [f"k:{name}" for name in table.key]
    static = [f"s:{name}" for name in table.static]
    ordered = stacked.sort(SOURCE)
    series = (
        ordered.group_by(keys)
        .agg(pl.col(SOURCE).first(), *(pl.col(name).drop_nulls().first() for name in static))
        .sort(keys)
    )
    positions = stacked.select(keys).join(
        series.select(keys).with_row_index("#at"), on=keys, how="left", maintain_order="left"
    )
    index = positions["#at"].to_numpy().astype(np.int64)
    if len(series) < len(stacked):
        for name in table.static:
            violations += _changes(stacked, series, index, table=table.name, column=name)
    return series, index


def _changes(
    stacked: pl.DataFrame, series: pl.DataFrame, index: IntArray, *, table: str, column: str
) -> list[Violation]:
    """Finds series whose attribute has more than one value."""
    now, first = stacked[f"s:{column}"], series[f"s:{column}"].gather(index)
    changed = (now != first).fill_null(False)
    if not changed.any():
        return []
    frame = pl.DataFrame({"at": index, SOURCE: stacked[SOURCE], "first": first, "now": now}).filter(
        changed
    )
    frame = frame.sort(SOURCE).unique("at", keep="first", maintain_order=True)
    return [
        violation(
            (table, column),
            "static attribute changes within a series",
            expected="one value per series (see columns.known_future for what changes in time)",
            sources=frame[SOURCE].to_numpy(),
            values=[f"{now!r} after {first!r}" for first, now in frame[["first", "now"]].rows()],
            unit="series",
        )
    ]


def _with_series(rows: pl.DataFrame, index: IntArray) -> pl.DataFrame:
    return rows.with_columns(pl.Series(CODE, index[rows[CODE].to_numpy()], pl.UInt32))


def _in_order(
    rows: pl.DataFrame,
    table: RowTable,
    policies: Policies,
    violations: list[Violation],
) -> pl.DataFrame:
    """Sorts rows by series and period, and leaves one row for each."""
    key = (rows[CODE].to_numpy().astype(np.int64) << 32) + rows[PERIOD].to_numpy()
    if not np.all(key[1:] > key[:-1]):
        order = np.lexsort((rows[SOURCE].to_numpy(), key))
        rows, key = rows[order], key[order]
        repeated = np.concatenate([[False], key[1:] == key[:-1]])
        if repeated.any():
            rows = _merge_repeated(rows, repeated, table, policies, violations)
    if policies.negative_target == "net" and TARGET in rows.columns:
        rows = rows.with_columns(pl.col(TARGET).clip(lower_bound=0.0))
    return rows


def _merge_repeated(
    rows: pl.DataFrame,
    repeated: npt.NDArray[np.bool_],
    table: RowTable,
    policies: Policies,
    violations: list[Violation],
) -> pl.DataFrame:
    """Applies the policy to rows of the same series and period; rows are in order."""
    place = [CODE, PERIOD]
    netted = pl.lit(False)
    if policies.negative_target == "net" and table.target is not None:
        netted = (pl.col(TARGET) < 0).any()
    if policies.duplicates == "error":
        refused = rows.with_columns(pl.Series("#repeated", repeated)).filter(
            pl.col("#repeated") & ~netted.over(place)
        )
        if len(refused):
            violations.append(_repetition(refused, table, policies.frequency))
    others = [name for name in rows.columns if name not in (*place, TARGET, IN_STOCK, SOURCE)]
    merged = [pl.col(SOURCE).last(), *(pl.col(name).drop_nulls().last() for name in others)]
    adds_up = policies.duplicates == "sum" or policies.negative_target == "net"
    for name in {TARGET, IN_STOCK} & {*rows.columns}:
        column = pl.col(name)
        if not adds_up:
            merged.append(column.last())
        elif name == TARGET:  # A sum of nothing is unknown, not zero.
            merged.append(pl.when(column.count() > 0).then(column.sum()).alias(name))
        else:  # If one part of the period's sales was censored, their sum is.
            merged.append(column.min())
    if not adds_up:
        merged = [pl.col(name).last() for name in rows.columns if name not in place]
    return rows.group_by(place, maintain_order=True).agg(merged).select(rows.columns)


def _repetition(refused: pl.DataFrame, table: RowTable, frequency: Frequency) -> Violation:
    days = days_of(refused[PERIOD].to_numpy(), frequency)
    return violation(
        (table.name, ", ".join((*table.key, table.timestamp))),
        "duplicate key",
        expected="one row per series and period (see data.duplicates: sum, keep_last)",
        sources=refused[SOURCE].to_numpy(),
        values=[date_of(day).isoformat() for day in days],
    )


def _join_static(
    series: pl.DataFrame, values: pl.DataFrame, table: JoinedTable, violations: list[Violation]
) -> pl.DataFrame:
    """Adds the attributes of a static table, and reports series it does not know."""
    on = [_column_of(series, name) for name in table.on]
    right = values.select(
        *(pl.col(name).alias(left) for name, left in zip(table.on, on, strict=True)),
        *(pl.col(name).alias(f"s:{name}") for name in table.static),
        pl.lit(True).alias("#known"),
    )
    result = series.join(right, on=on, how="left", maintain_order="left")
    unknown = result.filter(pl.col("#known").is_null())
    if len(unknown):
        violations.append(
            violation(
                (SALES, ", ".join(table.on)),
                f"key without a row in {table.name}",
                expected="a row there for each key",
                sources=unknown[SOURCE].to_numpy(),
                values=[", ".join(map(str, row)) for row in unknown.select(on).rows()],
                unit="series",
            )
        )
    return result.drop("#known")


def _column_of(series: pl.DataFrame, name: str) -> str:
    return f"k:{name}" if f"k:{name}" in series.columns else f"s:{name}"


def _named(series: pl.DataFrame) -> pl.DataFrame:
    """Gives key and static columns their own names back."""
    return series.rename({name: name[2:] for name in series.columns if name != SOURCE})


def _check_calendar(
    series: pl.DataFrame,
    rows: pl.DataFrame,
    calendar: Calendar,
    violations: list[Violation],
    frequency: Frequency,
) -> None:
    """Reports sales on dates that the calendar should have and does not."""
    if calendar.table.missing_date == "empty":
        return
    keys = calendar.locate(series)[rows[CODE].to_numpy()]
    periods = rows[PERIOD].to_numpy().astype(np.int64)
    unknown = np.flatnonzero(~calendar.has(calendar.rows_at(keys, periods)))
    if not len(unknown):
        return
    at = rows[unknown].sort(SOURCE)
    days = days_of(at[PERIOD].to_numpy()[:SHOWN], frequency)
    of_series = series[at[CODE].to_numpy()[:SHOWN]].select(SOURCE, *calendar.table.on).rows()
    values = [
        ", ".join([date_of(day).isoformat(), *map(str, key[1:])])
        for day, key in zip(days, of_series, strict=True)
    ]
    violations.append(
        violation(
            (SALES, ", ".join((calendar.table.timestamp or "", *calendar.table.on))),
            "date without a row in the calendar",
            expected="a row there for each date and key (data.calendar.missing_date: empty, "
            "if a date without a row has no event)",
            sources=at[SOURCE].to_numpy(),
            values=values,
        )
    )


def _future_rows(
    pieces: Sequence[Piece],
    series: pl.DataFrame,
    roles: Roles,
    policies: Policies,
    violations: list[Violation],
) -> tuple[pl.DataFrame, int]:
    """Brings the rows of the future table in order; returns also the series without sales."""
    if roles.future is None or not pieces:
        return pl.DataFrame(schema={CODE: pl.UInt32, PERIOD: pl.Int32, SOURCE: pl.Int64}), 0
    stacked, rows = _stack(pieces)
    keys = list(roles.future.key)
    named = stacked.rename({f"k:{name}": name for name in keys})
    joined = named.join(
        series.select(keys).with_row_index("#at"), on=keys, how="left", maintain_order="left"
    )
    unknown = joined.filter(pl.col("#at").is_null()).select(keys).n_unique()
    index = joined["#at"].cast(pl.Int64).fill_null(-1).to_numpy()
    codes = index[rows[CODE].to_numpy()]
    rows = rows.filter(codes >= 0).with_columns(pl.Series(CODE, codes[codes >= 0], pl.UInt32))
    return _in_order(rows, roles.future, policies, violations), unknown
