"""What the checks found: counts, the span of the data, violations."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from demandcast.components.examples.violations import Offender, Violation, merge_violations

__all__ = [
    "SAMPLED_SERIES",
    "FutureGap",
    "LineCount",
    "ProfileCounts",
    "Report",
    "merge_reports",
    "report_from_json",
    "report_to_json",
]


SAMPLED_SERIES = 400
"""Series whose sales a profile keeps: those with the lowest hashes, so a sample of the whole."""

Key = TypeVar("Key", int, str)


@dataclasses.dataclass(frozen=True)
class FutureGap:
    """A known-future column without values where a forecast needs them.

    Attributes:
        column: Name of the column.
        series: Series with a gap.
        first: First period without a value.
        last: Last period without a value.
        example: Key of one such series, in words.
    """

    column: str
    series: int
    first: int
    last: int
    example: str


@dataclasses.dataclass(frozen=True, order=True)
class LineCount:
    """Lines of transactions that fell to one rule.

    Attributes:
        place: Where the rule comes among the others.
        rule: What it is, in words.
        lines: How many lines.
        units: Their units; negative where sales were taken back.
    """

    place: int
    rule: str
    lines: int
    units: float


@dataclasses.dataclass(frozen=True)
class ProfileCounts:
    """What the profile of the data is made of; see `profile.py`, which counts and adds up.

    Attributes:
        periods: Period, series with a record, series that sold, units, series that repeat.
        sample: Hash of a series, and its units by number of the block.
        moments: Name of a column, and count and sums of x, y, x x, y y and x y.
    """

    periods: tuple[tuple[int, int, int, float, int], ...] = ()
    sample: tuple[tuple[str, tuple[tuple[int, float], ...]], ...] = ()
    moments: tuple[tuple[str, *tuple[float, ...]], ...] = ()


@dataclasses.dataclass(frozen=True)
class Report:
    """Findings about a block, a partition, or all tables; reports add up.

    Attributes:
        rows: Rows of the sales table.
        series: Series with a row.
        future_series_unknown: Series of the future table that have no sales.
        oldest: First period with a target; None without any.
        newest: Last period with a target.
        misses: Covariates that miss values in recorded periods.
        examples: Examples by split.
        left_out: Series with too short a history or too little demand, by split and cutoff; under
            `splits.ENDED` those that have ended where a forecast is to be made.
        lines: Lines of transactions by rule, in the order of the rules.
        selling: Periods in which some series sold; collected only if something depends on it.
        violations: What breaks the contract.
        gaps: Missing future values of known-future columns.
        counts: What the profile of the data is made of.
    """

    rows: int = 0
    series: int = 0
    future_series_unknown: int = 0
    oldest: int | None = None
    newest: int | None = None
    misses: frozenset[str] = frozenset()
    examples: tuple[tuple[str, int], ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    lines: tuple[LineCount, ...] = ()
    selling: frozenset[int] = frozenset()
    violations: tuple[Violation, ...] = ()
    gaps: tuple[FutureGap, ...] = ()
    counts: ProfileCounts = ProfileCounts()

    @property
    def is_good(self) -> bool:
        """Whether nothing breaks the contract."""
        return not self.violations and not self.gaps


def merge_reports(reports: Iterable[Report]) -> Report:
    """Adds up reports; order does not matter.

    >>> merge_reports([Report(rows=1, newest=4), Report(rows=2)]).newest
    4
    """
    parts = list(reports)
    return Report(
        rows=sum(part.rows for part in parts),
        series=sum(part.series for part in parts),
        future_series_unknown=sum(part.future_series_unknown for part in parts),
        oldest=min((part.oldest for part in parts if part.oldest is not None), default=None),
        newest=max((part.newest for part in parts if part.newest is not None), default=None),
        misses=frozenset().union(*(part.misses for part in parts)),
        examples=_add_up(item for part in parts for item in part.examples),
        left_out=_add_up(item for part in parts for item in part.left_out),
        lines=_merge_lines(item for part in parts for item in part.lines),
        selling=frozenset().union(*(part.selling for part in parts)),
        violations=merge_violations(item for part in parts for item in part.violations),
        gaps=_merge_gaps([gap for part in parts for gap in part.gaps]),
        counts=_merge_counts([part.counts for part in parts]),
    )


def _add_up(counts: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    total: dict[str, int] = {}
    for name, count in counts:
        total[name] = total.get(name, 0) + count
    return tuple(sorted(total.items()))


def _merge_lines(counts: Iterable[LineCount]) -> tuple[LineCount, ...]:
    total: dict[tuple[int, str], LineCount] = {}
    for item in counts:
        kind = item.place, item.rule
        before = total.get(kind, LineCount(*kind, 0, 0.0))
        total[kind] = LineCount(*kind, before.lines + item.lines, before.units + item.units)
    return tuple(sorted(total.values()))


def _merge_gaps(gaps: list[FutureGap]) -> tuple[FutureGap, ...]:
    by_column: dict[str, list[FutureGap]] = {}
    for gap in gaps:
        by_column.setdefault(gap.column, []).append(gap)
    return tuple(
        FutureGap(
            column,
            series=sum(gap.series for gap in group),
            first=min(gap.first for gap in group),
            last=max(gap.last for gap in group),
            example=min(gap.example for gap in group),
        )
        for column, group in sorted(by_column.items())
    )


def _merge_counts(parts: list[ProfileCounts]) -> ProfileCounts:
    periods: dict[int, list[float]] = {}
    sample: dict[str, tuple[tuple[int, float], ...]] = {}
    moments: dict[str, list[float]] = {}
    for part in parts:
        for period, *counts in part.periods:
            _add(periods, period, counts)
        for name, *sums in part.moments:
            _add(moments, name, sums)
        sample.update(part.sample)
    return ProfileCounts(
        periods=tuple(
            (period, int(a), int(b), c, int(d)) for period, (a, b, c, d) in sorted(periods.items())
        ),
        sample=tuple(sorted(sample.items())[:SAMPLED_SERIES]),
        moments=tuple((name, *sums) for name, sums in sorted(moments.items())),
    )


def _add(total: dict[Key, list[float]], key: Key, values: Sequence[float]) -> None:
    before = total.get(key, [0.0] * len(values))
    total[key] = [a + b for a, b in zip(before, values, strict=True)]


def _counts_from_json(values: dict[str, Any]) -> ProfileCounts:
    return ProfileCounts(
        periods=tuple(tuple(row) for row in values["periods"]),
        sample=tuple(
            (series, tuple((block, units) for block, units in blocks))
            for series, blocks in values["sample"]
        ),
        moments=tuple(tuple(row) for row in values["moments"]),
    )


def report_to_json(report: Report) -> str:
    """Writes a report as text that another process reads."""
    sets = {"misses": sorted(report.misses), "selling": sorted(report.selling)}
    values = dataclasses.asdict(report) | sets
    return json.dumps(values, indent=1)


def report_from_json(text: str) -> Report:
    """Reads what `report_to_json` wrote."""
    values: dict[str, Any] = json.loads(text)
    violations = tuple(
        Violation(**item | {"offenders": tuple(Offender(**row) for row in item["offenders"])})
        for item in values.pop("violations")
    )
    return Report(
        **values
        | {
            "misses": frozenset(values["misses"]),
            "selling": frozenset(values["selling"]),
            "examples": tuple((split, count) for split, count in values["examples"]),
            "left_out": tuple((split, count) for split, count in values["left_out"]),
            "lines": tuple(LineCount(**item) for item in values["lines"]),
            "violations": violations,
            "gaps": tuple(FutureGap(**gap) for gap in values["gaps"]),
            "counts": _counts_from_json(values["counts"]),
        }
    )
