"""The rows of a table, checked, numbered by series and period, and sorted by both.

table ──► Rows: series 0 0 0 1 1 ...      one sort; after it every series is a slice
                period 7 8 9 8 9 ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demandcast.schema.errors import ContractError
from demandcast.schema.periods import date_of, on_grid, periods_of
from demandcast.serving.client.table_kinds import AnyTable, Texts
from demandcast.serving.client.table_spec import TableSpec

__all__ = ["Rows", "SeriesKeys", "join_keys", "sort_rows"]

Array = NDArray[Any]

_SHOWN = 3
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class SeriesKeys:
    """The series of some tables, in the order of their keys.

    Attributes:
        columns: Names of the key columns.
        values: Text of each key column. Shape [K][N].
    """

    columns: tuple[str, ...]
    values: tuple[Array, ...]

    def __len__(self) -> int:
        return len(self.values[0])

    def name(self, place: int) -> str:
        """A series as people read it."""
        pairs = zip(self.columns, self.values, strict=True)
        return ", ".join(f"{column}={values[place]}" for column, values in pairs)


@dataclass(frozen=True)
class Rows:
    """Rows of a table, sorted by series and period.

    Attributes:
        table: Whose rows they are.
        order: Row of the table at each place. Shape [R].
        series: Number of the series. Shape [R].
        periods: Number of the period. Shape [R].
        starts: Place of the first row of each series, and the end. Shape [N + 1].
    """

    table: AnyTable
    order: NDArray[np.int64]
    series: NDArray[np.int64]
    periods: NDArray[np.int64]
    starts: NDArray[np.int64]

    def kept(self, keep: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        return _rows(
            self.table,
            self.order[keep],
            self.series[keep],
            self.periods[keep],
            count=len(self.starts) - 1,
        )

    def first_periods(self, begin: int, end: int) -> NDArray[np.int64]:
        """First period of some series; later than all for one without rows. Shape [E - B]."""
        starts, ends = self.starts[begin:end], self.starts[begin + 1 : end + 1]
        first = np.full(end - begin, _NEVER)
        first[ends > starts] = self.periods[starts[ends > starts]]
        return first

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column of numbers, sorted. Shape [R]."""
        return self.table.numbers(column)[self.order]

    def texts(self, column: str) -> Texts:
        """A column of text, sorted."""
        texts = self.table.texts(column)
        return Texts(texts.codes[self.order], texts.values)


def join_keys(
    tables: Sequence[AnyTable], columns: tuple[str, ...]
) -> tuple[SeriesKeys, list[NDArray[np.int64]]]:
    """Numbers the series of tables alike.

    Args:
        tables: With all key columns.
        columns: Names of them.

    Returns:
        The series, and the number of it for each row of each table.

    Raises:
        ContractError: A key is missing in some rows.
    """
    joined = [_joined(tables, column) for column in columns]
    numbers = np.zeros_like(joined[0][0])
    for codes, values in joined:
        # Renumbered with each column: the product of many columns would not fit.
        _, numbers = np.unique(numbers * max(len(values), 1) + codes, return_inverse=True)
    _, first = np.unique(numbers, return_index=True)
    texts = tuple(np.array(values, dtype=object)[codes[first]] for codes, values in joined)
    return SeriesKeys(columns, texts), np.split(
        numbers, np.cumsum([table.height for table in tables])[:-1]
    )


def sort_rows(
    table: AnyTable, series: NDArray[np.int64], keys: SeriesKeys, spec: TableSpec
) -> Rows:
    """Sorts the rows of a table.

    Args:
        table: With the column of time.
        series: Number of the series of each row. Shape [R].
        keys: Their names.
        spec: Column and grid.

    Raises:
        ContractError: A date does not begin a period, or a series has one twice.
    """
    days = table.days(spec.timestamp)
    off = ~on_grid(days, spec.frequency)
    if off.any():
        shown = ", ".join(str(date_of(int(day))) for day in days[off][:_SHOWN])
        raise table.error(
            spec.timestamp, f"is not the start of a period of {spec.frequency}: first: {shown}"
        )
    periods = periods_of(days, spec.frequency)
    order = np.lexsort((periods, series)).astype(np.int64)
    rows = _rows(table, order, series[order], periods[order], count=len(keys))
    twice = np.flatnonzero((np.diff(rows.series) == 0) & (np.diff(rows.periods) == 0))
    if len(twice):
        shown = " | ".join(
            f"{keys.name(rows.series[place])} at {date_of(int(days[order[place]]))}"
            for place in twice[:_SHOWN]
        )
        raise ContractError(
            f"{table.name}: a series has a period twice: {len(twice)} rows, first: {shown}"
        )
    return rows


def _rows(
    table: AnyTable,
    order: NDArray[np.int64],
    series: NDArray[np.int64],
    periods: NDArray[np.int64],
    *,
    count: int,
) -> Rows:
    starts = np.searchsorted(series, np.arange(count + 1))
    return Rows(table, order, series, periods, starts)


def _joined(tables: Sequence[AnyTable], column: str) -> tuple[NDArray[np.int64], list[str]]:
    """Codes of a column of all tables, in the order of the text."""
    columns = [table.texts(column) for table in tables]
    for table, texts in zip(tables, columns, strict=True):
        table.check(column, texts.codes < 0, "is a part of the series key, and empty")
    values = sorted(set().union(*(texts.values for texts in columns)))
    places = {value: place for place, value in enumerate(values)}
    codes = [
        np.array([places[value] for value in texts.values], np.int64)[texts.codes]
        for texts in columns
    ]
    return np.concatenate(codes), values
