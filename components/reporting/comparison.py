"""What differs between two runs, value by value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from demandcast.components.reporting.page import Change, MetricChange
from demandcast.components.reporting.words import METRIC_TITLES

__all__ = ["changed_values", "flatten", "metric_changes"]

_LONGEST = 160


def changed_values(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Lists the keys whose values differ, dotted, in the order of the newer one.

    >>> changed_values({"training": {"epochs": 5, "seed": 1}}, {"training": {"epochs": 9}})
    (Change(name='training.epochs', before='5', after='9'), Change(name='training.seed', before='1', after=None))
    """  # noqa: E501  The output of an example cannot be broken.
    old, new = dict(flatten(before)), dict(flatten(after))
    return tuple(
        Change(name, _text(old, name), _text(new, name))
        for name in dict.fromkeys([*new, *old])
        if name not in old or name not in new or old[name] != new[name]
    )


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields each value under its dotted key; an empty mapping is a value.

    >>> list(flatten({"a": {"b": 1, "c": {}}, "d": [2]}))
    [('a.b', 1), ('a.c', {}), ('d', [2])]
    """
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{name}.")
        else:
            yield name, value


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
