"""Metrics by slice and by range of steps, from the verdict of the gate for models."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from demandcast.components.reporting.page_judged import SliceRow, SlicesPart, StepRange
from demandcast.components.reporting.words import Interval, is_number

__all__ = ["slices_part"]

_STEPS = re.compile(r"(?P<metric>.+)_steps_(?P<first>\d+)_(?P<last>\d+)")


def slices_part(verdict: Mapping[str, Any], *, least_examples: int = 0) -> SlicesPart:
    """Lays out metrics by slice, worst first, and by range of steps.

    Args:
        verdict: As in `verdict.json`.
        least_examples: Slices with fewer are marked as too small to be judged.
    """
    overall, *others = map(_row, _slices(verdict))
    others = [replace(row, too_small=row.examples < least_examples) for row in others]
    return SlicesPart(overall, tuple(sorted(others, key=_badness)), steps=_steps(overall))


def _slices(verdict: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return verdict.get("slices") or [{"name": "overall", "candidate": {}}]


def _row(values: Mapping[str, Any]) -> SliceRow:
    metrics = values.get("candidate") or {}
    intervals = values.get("intervals") or {}
    return SliceRow(
        name=str(values.get("name")),
        examples=round(metrics.get("examples") or 0),
        metrics=metrics,
        in_service=values.get("in_service") or {},
        intervals={name: _interval(bounds) for name, bounds in intervals.items()},
        differences=dict(_differences(values.get("difference") or {})),
    )


def _differences(
    values: Mapping[str, Any],
) -> Iterator[tuple[str, tuple[float, float, float]]]:
    for name, found in values.items():
        value, low, high = ((found or {}).get(key) for key in ("value", "low", "high"))
        if is_number(value) and is_number(low) and is_number(high):
            yield name, (value, low, high)


def _interval(bounds: Any) -> Interval:
    if isinstance(bounds, Sequence) and len(bounds) == 2 and all(map(is_number, bounds)):
        return float(bounds[0]), float(bounds[1])
    return None


def _badness(row: SliceRow) -> tuple[bool, float, str]:
    """Sorts the largest loss first, and what has none last."""
    return not is_number(row.loss), -(row.loss or 0.0) if is_number(row.loss) else 0.0, row.name


def _steps(overall: SliceRow) -> tuple[StepRange, ...]:
    """Collects metrics such as `wape_steps_1_7` by their range."""
    found: dict[tuple[int, int], dict[str, float | None]] = {}
    intervals: dict[tuple[int, int], dict[str, Interval]] = {}
    for name, value in overall.metrics.items():
        match = _STEPS.fullmatch(name)
        if match:
            key = int(match["first"]), int(match["last"])
            found.setdefault(key, {})[match["metric"]] = value
            intervals.setdefault(key, {})[match["metric"]] = overall.intervals.get(name)
    return tuple(
        StepRange(*key, metrics=found[key], intervals=intervals[key]) for key in sorted(found)
    )
