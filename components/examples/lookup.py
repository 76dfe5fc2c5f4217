"""Joined tables: static attributes by key, and a calendar by date and key."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.examples.blocks import (
    PERIOD,
    ColumnLog,
    check_periods,
    check_text_types,
    covariate,
    missing_text,
)
from demandcast.components.examples.parsing import parse_numbers, parse_text
from demandcast.components.examples.readers import SOURCE
from demandcast.components.examples.roles import JoinedTable
from demandcast.components.examples.violations import Violation, violation
from demandcast.schema.periods import Frequency

__all__ = ["Calendar", "Words", "check_joined", "concat_files", "encode_words"]

IntArray = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Words:
    """A text column as codes into its distinct words; code 0 is the empty word, missing."""

    codes: npt.NDArray[np.int32]
    words: tuple[str, ...]


def encode_words(column: pl.Series) -> Words:
    """Numbers the distinct words of a column, in alphabetical order.

    >>> encode_words(pl.Series(["b", None, "a"]))
    Words(codes=array([2, 0, 1], dtype=int32), words=('', 'a', 'b'))
    """
    words = column.drop_nulls().unique().sort()
    words = words.filter(words != "")
    table = pl.DataFrame({"word": words, "code": np.arange(1, len(words) + 1, dtype=np.int32)})
    rows = pl.DataFrame({"word": column.cast(pl.String)})
    codes = rows.join(table, on="word", how="left", maintain_order="left")["code"].fill_null(0)
    return Words(codes.to_numpy().astype(np.int32), ("", *words.to_list()))


def concat_files(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Concatenates the blocks of a table; a column stored as text in some is text in all."""
    names = frames[0].columns
    mixed = [
        name
        for name in names
        if not all(frame[name].dtype.is_numeric() for frame in frames)
        and len({frame[name].dtype for frame in frames}) > 1
    ]
    alike = [
        frame.select(names).with_columns(parse_text(frame[name]) for name in mixed)
        for frame in frames
    ]
    return pl.concat(alike, how="vertical_relaxed")


def check_joined(
    frame: pl.DataFrame, table: JoinedTable, *, frequency: Frequency
) -> tuple[pl.DataFrame, tuple[Violation, ...]]:
    """Parses and checks a joined table.

    Args:
        frame: All its rows as they are stored, and `SOURCE`.
        table: Roles of its columns.
        frequency: Grid of a calendar's dates.

    Returns:
        Key columns as text under their names, `PERIOD` for a calendar, static columns as text,
        covariates under `covariate` names; and the violations.
    """
    log = ColumnLog(table.name, frame[SOURCE].to_numpy())
    columns = [frame[SOURCE]]
    usable = ~check_text_types(frame, table.on, log)
    check_text_types(frame, (*table.static, *table.categorical), log)
    for name in table.on:
        text = parse_text(frame[name])
        missing = missing_text(frame[name])
        log.add(frame[name], missing, problem="missing key", expected="a value in each row")
        usable &= text.is_not_null().to_numpy()
        columns.append(text)
    if table.timestamp is not None:
        periods, known = check_periods(frame[table.timestamp], frequency, log)
        usable &= known
        columns.append(pl.Series(PERIOD, periods, pl.Int32))
    columns += [parse_text(frame[name]) for name in table.static]
    for name in table.numeric:
        parsed = parse_numbers(frame[name])
        log.add(
            frame[name], parsed.failed, problem="not a number", expected="a number such as 12.5"
        )
        log.add(
            frame[name],
            parsed.infinite,
            problem="infinite",
            expected="a finite number within float32",
        )
        columns.append(parsed.values.cast(pl.Float32).alias(covariate(name)))
    columns += [parse_text(frame[name]).alias(covariate(name)) for name in table.categorical]
    checked = pl.DataFrame(columns).filter(usable)
    return _without_repetition(checked, frame.filter(usable), table, log.violations)


def _without_repetition(
    checked: pl.DataFrame, raw: pl.DataFrame, table: JoinedTable, violations: list[Violation]
) -> tuple[pl.DataFrame, tuple[Violation, ...]]:
    keys = [*table.on, *([] if table.timestamp is None else [PERIOD])]
    first = checked.select(pl.struct(keys).is_first_distinct()).to_series() if keys else None
    if first is None or first.all():
        return checked, tuple(violations)
    named = [*table.on, *([] if table.timestamp is None else [table.timestamp])]
    repeated = raw.filter(~first)
    item = violation(
        (table.name, ", ".join(named)),
        "key repeated",
        expected="one row per key",
        sources=repeated[SOURCE].to_numpy(),
        values=[", ".join(map(str, row)) for row in repeated.select(named).rows()],
    )
    return checked.filter(first), (*violations, item)


class Calendar:
    """Covariates by key and period, found by position.

    Attributes:
        numeric: Values of each column; the last one, of no row, is NaN. Float32.
        words: The same for text columns; the last code is 0.
        misses: Numeric columns that miss a value up to a period: see `misses_until`.
    """

    def __init__(self, checked: pl.DataFrame, table: JoinedTable) -> None:
        """Indexes what `check_joined` returned."""
        self.table = table
        self._keys = checked.select(table.on).unique(maintain_order=True).with_row_index("#key")
        if not table.on:
            self._keys = pl.DataFrame({"#key": [0]}, schema={"#key": pl.UInt32})
        self._periods = checked[PERIOD].to_numpy().astype(np.int64)
        self._first = int(self._periods.min()) if len(checked) else 0
        width = int(self._periods.max()) - self._first + 1 if len(checked) else 0
        self._rows = np.full((len(self._keys), width), len(checked), np.int64)
        self._rows[self.locate(checked), self._periods - self._first] = np.arange(len(checked))
        self._count = len(checked)
        self.numeric = {
            name: np.append(
                checked[covariate(name)].fill_null(np.nan).to_numpy(), np.float32("nan")
            )
            for name in table.numeric
        }
        self.words = {name: _with_missing(checked[covariate(name)]) for name in table.categorical}

    def locate(self, series: pl.DataFrame) -> IntArray:
        """Finds the number of each series' key; -1 if the calendar does not have it."""
        if not self.table.on:
            return np.zeros(len(series), np.int64)
        keys = series.select(self.table.on)
        joined = keys.join(self._keys, on=self.table.on, how="left", maintain_order="left")
        return joined["#key"].cast(pl.Int64).fill_null(-1).to_numpy()

    def rows_at(self, keys: IntArray, periods: IntArray) -> IntArray:
        """Finds the row of each key and period; `len(values) - 1`, the missing one, if none."""
        column = periods - self._first
        inside = (keys >= 0) & (column >= 0) & (column < self._rows.shape[1])
        found = np.full(len(keys), self._count, np.int64)
        found[inside] = self._rows[keys[inside], column[inside]]
        return found

    def has(self, rows: IntArray) -> npt.NDArray[np.bool_]:
        """Tells which results of `rows_at` are rows."""
        return np.asarray(rows < self._count)

    def misses_until(self, period: int) -> frozenset[str]:
        """Names the numeric columns that miss a value up to a period, or may by configuration."""
        if self.table.missing_date == "empty":
            return frozenset(self.numeric)
        past = self._periods <= period
        return frozenset(
            name for name, values in self.numeric.items() if np.isnan(values[:-1][past]).any()
        )


def _with_missing(column: pl.Series) -> Words:
    words = encode_words(column)
    return Words(np.append(words.codes, np.int32(0)), words.words)
