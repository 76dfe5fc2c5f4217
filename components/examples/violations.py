"""What breaks the contract of the tables, merged into one readable error."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from demandcast.components.examples.readers import ReadTask, row_of, source_of
from demandcast.schema.errors import ContractError

__all__ = [
    "Offender",
    "SHOWN",
    "Violation",
    "contract_error",
    "merge_violations",
    "unreadable_file",
    "violation",
]

SHOWN = 5
"""Offending rows that a message shows."""

_LONGEST_VALUE = 100


@dataclasses.dataclass(frozen=True, order=True)
class Offender:
    """One offending row: where it is, and what it says."""

    source: int
    value: str


@dataclasses.dataclass(frozen=True)
class Violation:
    """One way in which a column breaks the contract.

    Attributes:
        table: Name of the table.
        column: Name of the column, or of several.
        problem: What is wrong, such as "not a number".
        expected: What is allowed.
        count: How often, in `unit`.
        offenders: The first ones, at most `SHOWN`.
        unit: What is counted: rows, series, or lines.
    """

    table: str
    column: str
    problem: str
    expected: str
    count: int
    offenders: tuple[Offender, ...] = ()
    unit: str = "rows"

    @property
    def _kind(self) -> tuple[str, str, str, str, str]:
        return self.table, self.column, self.problem, self.expected, self.unit


def violation(
    place: tuple[str, str],
    problem: str,
    *,
    expected: str,
    sources: Any,
    values: Sequence[Any],
    unit: str = "rows",
) -> Violation:
    """Builds a violation from all offending rows.

    Args:
        place: Table and column.
        problem: What is wrong.
        expected: What is allowed.
        sources: Where the offending rows are. Int64, shape [offenders].
        values: What they say, of the first at least; text as it shall be shown.
        unit: What is counted.
    """
    sources = np.asarray(sources, np.int64)
    first = np.argsort(sources, kind="stable")[:SHOWN]
    offenders = tuple(Offender(int(sources[i]), _shown(values[int(i)])) for i in first)
    return Violation(*place, problem, expected, len(sources), offenders, unit)


def unreadable_file(task: ReadTask, error: Exception) -> Violation:
    """Builds the violation of a file that stops being readable; which row does so is unknown."""
    text = (str(error).splitlines() or [type(error).__name__])[0]
    is_encoding = isinstance(error, UnicodeDecodeError) or "invalid UTF8" in text
    return violation(
        (task.table, "(all)"),
        "not UTF-8 text" if is_encoding else "file cannot be read",
        expected="UTF-8 text" if is_encoding else "a readable file",
        sources=[source_of(task.file, 0)],
        values=[text],
        unit="files",
    )


def merge_violations(violations: Iterable[Violation]) -> tuple[Violation, ...]:
    """Adds up counts of the same kind and keeps the first offenders; order does not matter."""
    merged: dict[tuple[str, ...], Violation] = {}
    for item in violations:
        other = merged.get(item._kind)
        if other is not None:
            offenders = heapq.nsmallest(SHOWN, other.offenders + item.offenders)
            item = dataclasses.replace(  # noqa: PLW2901
                item, count=item.count + other.count, offenders=tuple(offenders)
            )
        merged[item._kind] = item
    return tuple(merged[kind] for kind in sorted(merged))


def contract_error(
    violations: Sequence[Violation], files: Mapping[str, Sequence[str]]
) -> ContractError:
    """Words all violations as one error.

    Args:
        violations: Merged violations, at least one.
        files: Paths of each table, in the order of their numbers.
    """
    lines = [
        f"the tables break their contract in {len(violations)} "
        f"{'way' if len(violations) == 1 else 'ways'}; nothing was written "
        "(rows are data rows of the file, counted from 1, without the header)"
    ]
    for item in violations:
        places = _places(files.get(item.table, ()), item.offenders)
        unit = item.unit if item.count != 1 else item.unit.removesuffix("s")
        unit = "series" if item.unit == "series" else unit
        line = (
            f"  {item.table}: column {item.column!r}: {item.problem} "
            f"({item.count:,} {unit}); expected {item.expected}"
        )
        lines.append(f"{line}; first: {', '.join(places)}" if places else line)
    return ContractError("\n".join(lines))


def _places(files: Sequence[str], offenders: Sequence[Offender]) -> list[str]:
    """Words where offenders are; a file is named where it changes, row 0 is the whole file."""
    names = [PurePath(path).name for path in files]
    places, before = [], -1
    for offender in offenders:
        file, row = row_of(offender.source)
        short = file < len(files) and names.count(names[file]) == 1
        name = names[file] if short else (*files[file : file + 1], "?")[0]
        where = [*([] if file == before else [name]), *([f"row {row}"] if row else [])]
        places.append(" ".join([*where, f"({offender.value})"]))
        before = file
    return places


def _shown(value: Any) -> str:
    """Shortens a value for a message."""
    if isinstance(value, float | np.floating):
        return f"{value:g}"
    text = str(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."
