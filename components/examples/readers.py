"""Reads tables as blocks: columnar, of bounded size, each row with its file and number."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from demandcast.components.examples.files import file_format, open_file

__all__ = [
    "MalformedRow",
    "ReadTask",
    "SOURCE",
    "plan_reading",
    "read_blocks",
    "read_header",
    "row_of",
    "source_of",
]

SOURCE = "#source"
"""Column that tells where a row came from: see `source_of`."""

_ROW_BITS = 40
_CSV_BYTES = 4 << 20  # Parsed at a time: enough to amortise, little to hold.


def source_of(file: int, row: int) -> int:
    """Packs file number and 1-based data row into one integer that sorts in reading order.

    >>> row_of(source_of(2, 7))
    (2, 7)
    """
    return (file << _ROW_BITS) | row


def row_of(source: int) -> tuple[int, int]:
    """Unpacks file number and 1-based data row."""
    return source >> _ROW_BITS, source & ((1 << _ROW_BITS) - 1)


@dataclasses.dataclass(frozen=True)
class ReadTask:
    """What one worker reads: a row group of a Parquet file, or a whole CSV file.

    Attributes:
        table: Name of the table.
        file: Number of the file within the table.
        path: Where it is.
        row_group: Row group; None for CSV.
        rows_before: Rows of the file before this task.
    """

    table: str
    file: int
    path: str
    row_group: int | None
    rows_before: int


@dataclasses.dataclass(frozen=True)
class MalformedRow:
    """A line of a CSV file with too few or too many values."""

    row: int
    expected_values: int
    values: int


def read_header(path: str, *, table: str) -> tuple[str, ...]:
    """Reads the names of the columns.

    Raises:
        ContractError: The suffix of the file is unknown.
        pyarrow.ArrowInvalid: The file is no Parquet, or no CSV with a header.
        UnicodeDecodeError: The header of a CSV file is not UTF-8.
    """
    with open_file(path) as stream:
        if file_format(path, table=table) == "parquet":
            return tuple(pa.parquet.ParquetFile(stream).schema_arrow.names)
        # An empty file has no header; a file with a header alone is a table without rows.
        options = pa.csv.ReadOptions(block_size=_CSV_BYTES, use_threads=False)
        parse = pa.csv.ParseOptions(invalid_row_handler=lambda row: "skip")
        with pa.csv.open_csv(stream, read_options=options, parse_options=parse) as reader:
            return tuple(reader.schema.names)


def plan_reading(paths: Sequence[str], *, table: str) -> list[ReadTask]:
    """Cuts the files of a table into tasks that can be read side by side.

    Raises:
        ContractError: The suffix of a file is unknown.
    """
    tasks: list[ReadTask] = []
    for number, path in enumerate(paths):
        if file_format(path, table=table) == "csv":
            tasks.append(ReadTask(table, number, path, None, 0))
            continue
        before = 0
        with open_file(path) as stream:
            metadata = pa.parquet.ParquetFile(stream).metadata
            for group in range(metadata.num_row_groups):
                tasks.append(ReadTask(table, number, path, group, before))
                before += metadata.row_group(group).num_rows
    return tasks


def read_blocks(
    task: ReadTask, columns: Sequence[str], *, block_rows: int, malformed: list[MalformedRow]
) -> Iterator[pl.DataFrame]:
    """Reads a task block by block.

    Args:
        task: What to read.
        columns: Names of the columns to read; the file has them.
        block_rows: Rows of a block at most.
        malformed: Lines that are no rows are appended here; a CSV file only.

    Yields:
        The columns as they are stored (text for CSV) and `SOURCE`.

    Raises:
        pyarrow.ArrowInvalid: The file is damaged.
    """
    batches = (_csv_batches if task.row_group is None else _parquet_batches)(
        task, list(dict.fromkeys(columns)), block_rows=block_rows, malformed=malformed
    )
    for rows, frame in _rebatch(batches, block_rows):
        yield frame.with_columns(pl.Series(SOURCE, source_of(task.file, 0) + rows, pl.Int64))


_NumberedFrame = tuple[Any, pl.DataFrame]


def _parquet_batches(
    task: ReadTask, columns: list[str], *, block_rows: int, malformed: list[MalformedRow]
) -> Iterator[_NumberedFrame]:
    del malformed  # A format with types has none.
    first = task.rows_before + 1
    with open_file(task.path) as stream:
        file = pa.parquet.ParquetFile(stream)
        for batch in file.iter_batches(
            batch_size=block_rows, row_groups=[task.row_group], columns=columns
        ):
            frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
            yield np.arange(first, first + frame.height), frame
            first += frame.height


def _csv_batches(
    task: ReadTask, columns: list[str], *, block_rows: int, malformed: list[MalformedRow]
) -> Iterator[_NumberedFrame]:
    """Yields text columns; parsing them is the contract's work, which can name the rows."""
    del block_rows  # Blocks are put together from smaller batches.
    skipped: list[int] = []

    def skip(row: Any) -> str:
        skipped.append(row.number - 1)  # The header is line 1.
        malformed.append(MalformedRow(row.number - 1, row.expected_columns, row.actual_columns))
        return "skip"

    with (
        open_file(task.path) as stream,
        pa.csv.open_csv(
            stream,
            read_options=pa.csv.ReadOptions(block_size=_CSV_BYTES, use_threads=False),
            parse_options=pa.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=pa.csv.ConvertOptions(
                include_columns=columns,
                column_types={name: pa.string() for name in columns},
                strings_can_be_null=True,
                null_values=[""],
            ),
        ) as reader,
    ):
        kept = 0
        for batch in reader:
            frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
            yield _rows_in_file(np.arange(kept, kept + frame.height), skipped), frame
            kept += frame.height


def _rows_in_file(kept: Any, skipped: Sequence[int]) -> Any:
    """Converts positions among the good rows to 1-based rows of the file.

    >>> _rows_in_file(np.array([0, 1, 2]), [2])
    array([1, 3, 4])
    """
    good_rows_before = np.asarray(skipped, np.int64) - np.arange(len(skipped)) - 1
    return kept + 1 + np.searchsorted(good_rows_before, kept, side="right")


def _rebatch(batches: Iterable[_NumberedFrame], block_rows: int) -> Iterator[_NumberedFrame]:
    """Joins small batches and cuts large ones, so that a block has `block_rows` but the last."""
    waiting: list[_NumberedFrame] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch[1].height
        while count >= block_rows:
            rows, frame = _concat(waiting)
            yield rows[:block_rows], frame.head(block_rows)
            count -= block_rows
            waiting = [(rows[block_rows:], frame.slice(block_rows))] if count else []
    if count:
        yield _concat(waiting)


def _concat(batches: Sequence[_NumberedFrame]) -> _NumberedFrame:
    if len(batches) == 1:
        return batches[0]
    frames = pl.concat([frame for _, frame in batches], rechunk=True)
    return np.concatenate([rows for rows, _ in batches]), frames
