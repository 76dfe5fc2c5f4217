"""What differs between two runs, value by value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from demandcast.components.reporting.page import Change, MetricChange
from demandcast.components.reporting.words import METRIC_TITLES

__all__ = ["changed_values", "metric_changes"]

_LONGEST = 160


def changed_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Lists the names whose values differ, in the order of the newer ones.

    >>> changed_values({"epochs": 5, "seed": 1}, {"epochs": 9, "seed": 1})
    (Change(name='epochs', before='5', after='9'),)
    """
    return tuple(
        Change(name, _text(before, name), _text(after, name))
        for name in dict.fromkeys([*after, *before])
        if name not in before or name not in after or before[name] != after[name]
    )


def metric_changes(
    before: Mapping[str, float | None], after: Mapping[str, float | None]
) -> tuple[MetricChange, ...]:
    """Puts the metrics of two runs beside each other: those that people read."""
    return tuple(
        MetricChange(name, before.get(name), after.get(name))
        for name in METRIC_TITLES
        if name in before or name in after
    )


def _text(values: Mapping[str, Any], name: str) -> str | None:
    """Writes a value on one line; None where there is none."""
    if name not in values:
        return None
    value = values[name]
    if isinstance(value, str):
        text = value
    elif isinstance(value, Sequence) and all(isinstance(item, str) for item in value):
        text = f"[{', '.join(value)}]"
    else:
        text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
