"""The conditions of the gate for models, from its verdict and its configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from demandcast.components.reporting.page import (
    Check,
    GatePart,
    Interval,
    SliceRow,
    SlicesPart,
    StepRange,
)
from demandcast.components.reporting.words import is_number, number

__all__ = ["gate_part", "slices_part"]

_LOSS = "weighted_quantile_loss"
_THRESHOLD_UNKNOWN = "this run did not keep its thresholds"
_STEPS = re.compile(r"(?P<metric>.+)_steps_(?P<first>\d+)_(?P<last>\d+)")


def gate_part(verdict: Mapping[str, Any], gate: Mapping[str, Any] | None) -> GatePart:
    """Lays out what was judged, with thresholds and outcome.

    Args:
        verdict: `verdict.json`.
        gate: Section `gate` of the configuration; None if the run did not keep it, which leaves
            the thresholds open.
    """
    overall = _row(_slices(verdict)[0])
    floors, change = (gate or {}).get("floors", {}), (gate or {}).get("change", {})
    checks = [
        *_skills(overall, floors),
        *_coverages(overall, floors.get("coverage_tolerance")),
        _bias(overall, floors.get("max_absolute_bias")),
        _overall_change(overall, change, verdict),
        *_slice_change([_row(one) for one in _slices(verdict)[1:]], change, verdict),
    ]
    return GatePart(
        blessed=bool(verdict.get("blessed")),
        comparison=str(verdict.get("comparison", "")),
        checks=tuple(checks),
        notes=tuple(map(str, verdict.get("notes", ()))),
    )


def slices_part(verdict: Mapping[str, Any]) -> SlicesPart:
    """Lays out metrics by slice, worst first, and by range of steps."""
    overall, *others = map(_row, _slices(verdict))
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


def _skills(overall: SliceRow, floors: Mapping[str, Any]) -> Iterator[Check]:
    """Judges what must exceed its floor."""
    for name, what in ((f"{_LOSS}_skill", "Quantile loss"), ("wape_skill", "WAPE")):
        value, floor = overall.metrics.get(name), floors.get(name)
        interval = overall.intervals.get(name)
        # The model has to show it: where its interval is known, all of it is above the floor.
        least = interval[0] if is_number(value) and interval else value
        yield Check(
            name=f"{what}: how much lower than that of seasonal naive",
            value=value,
            low=floor,
            passed=None if floor is None else is_number(least) and least > floor,
            interval=interval,
            remark=_THRESHOLD_UNKNOWN if floor is None else "",
            exclusive=True,
        )


def _coverages(overall: SliceRow, tolerance: float | None) -> Iterator[Check]:
    """Judges intervals from both sides: with the bounds from below, without them from above."""
    for percent in (80, 90):
        for prefix, words in (("", "bounds included"), ("strict_", "bounds left out")):
            name = f"{prefix}coverage_{percent}"
            if name not in overall.metrics:
                continue
            value = overall.metrics[name]
            low = high = passed = None
            if tolerance is not None and prefix:
                high = percent / 100 + tolerance
                passed = is_number(value) and value <= high
            elif tolerance is not None:
                low = percent / 100 - tolerance
                passed = is_number(value) and value >= low
            yield Check(
                name=f"Demand inside the {percent} % interval, {words}",
                value=value,
                low=low,
                high=high,
                passed=passed,
                interval=overall.intervals.get(name),
                remark=_THRESHOLD_UNKNOWN if tolerance is None else "",
            )


def _bias(overall: SliceRow, largest: float | None) -> Check:
    value = overall.metrics.get("bias")
    return Check(
        name="Bias of the mean, as a share of demand",
        value=value,
        low=None if largest is None else -largest,
        high=largest,
        passed=None if largest is None else is_number(value) and abs(value) <= largest,
        interval=overall.intervals.get("bias"),
        remark="no limit is configured (gate.floors.max_absolute_bias)" if largest is None else "",
    )


def _increase(row: SliceRow) -> float | None:
    """Computes how much larger the loss is than that of the model in service, as a share."""
    before = row.in_service.get(_LOSS)
    if not is_number(before) or not is_number(row.loss) or before <= 0:
        return None
    return row.loss / before - 1


def _overall_change(
    overall: SliceRow, change: Mapping[str, Any], verdict: Mapping[str, Any]
) -> Check:
    value, allowed = _increase(overall), change.get("max_relative_loss_increase")
    name = "Quantile loss against the model in service"
    if value is None or allowed is None:
        comparison = str(verdict.get("comparison", ""))
        return Check(name, value, remark=comparison or "no model was compared")
    remark = ""
    if _LOSS in overall.differences:
        difference, low, high = map(number, overall.differences[_LOSS])
        remark = f"difference {difference}, 95 % confidence: {low} to {high}"
    if _outcomes(verdict).get(overall.name) == "unproven":
        remark = "; ".join(filter(None, (remark, "noise could be the reason: left to the rest")))
    passed = _is_allowed(overall.name, value, allowed, verdict)
    return Check(name, value, high=allowed, passed=passed, remark=remark)


def _outcomes(verdict: Mapping[str, Any]) -> Mapping[str, str]:
    """Reads how each part compares with the model in service, if the verdict says it."""
    return verdict.get("changes") or {}


def _is_allowed(name: str, increase: float, allowed: float, verdict: Mapping[str, Any]) -> bool:
    """Tells what the gate made of an increase; of an older verdict, what it must have made."""
    outcome = _outcomes(verdict).get(name)
    return increase <= allowed if outcome is None else outcome != "worse"


def _slice_change(
    slices: Sequence[SliceRow], change: Mapping[str, Any], verdict: Mapping[str, Any]
) -> Iterator[Check]:
    """Judges the slice that lost most against the model in service, if any may be judged."""
    allowed = change.get("max_relative_loss_increase_per_slice")
    least = change.get("min_slice_examples")
    if allowed is None or least is None:
        return
    rows = [row for row in slices if row.examples >= least]
    increases = {row.name: value for row in rows if (value := _increase(row)) is not None}
    title = "The same in the slice that changed most for the worse"
    if not increases:
        if any(row.in_service for row in slices):
            yield Check(title, None, remark=f"no slice has {least} examples, the least that counts")
        return
    worst = max(increases, key=lambda slice_name: increases[slice_name])
    failed = sum(
        not _is_allowed(name, value, allowed, verdict) for name, value in increases.items()
    )
    remark = f"{worst}; {len(increases)} slices judged"
    yield Check(
        title,
        increases[worst],
        high=allowed,
        passed=failed == 0,
        remark=f"{remark}, {failed} failed" if failed else remark,
    )
