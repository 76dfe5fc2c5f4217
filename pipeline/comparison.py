"""Where two runs differ: data, configuration, code, libraries, metrics and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from demandcast.pipeline.history import PastRun

__all__ = ["compare_runs", "flat_values"]


def compare_runs(first: PastRun, second: PastRun) -> dict[str, Any]:
    """Finds where two runs differ.

    Returns:
        By part, the pairs of values of each name: `data`, `config`, `code` and `toolchain`
        hold only what differs; `metrics` and `stages` (seconds) hold all, with the outcomes.
    """
    reports = first.report, second.report
    return {
        "runs": [first.run_id, second.run_id],
        "outcome": [first.outcome, second.outcome],
        "data": _differences(*(_data(run) for run in (first, second))),
        "config": _differences(*(flat_values(report.config) for report in reports)),
        "code": _differences(*(report.code_digests for report in reports)),
        "toolchain": _differences(*(report.toolchain for report in reports)),
        "metrics": _pairs(first.metrics, second.metrics),
        "stages": _pairs(
            *({stage.name: stage.seconds for stage in report.stages} for report in reports)
        ),
    }


def _data(run: PastRun) -> dict[str, Any]:
    known = {key: run.data.get(key) for key in ("rows", "series", "first", "last")}
    return {"fingerprint": run.report.data_fingerprint, **known}


def flat_values(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Names each value by its path, as `--set` does; lists count as one value.

    >>> flat_values({"forecast": {"horizon": 7}, "name": "demand"})
    {'forecast.horizon': 7, 'name': 'demand'}
    """
    values: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            values |= flat_values(value, f"{prefix}{key}.")
        else:
            values[f"{prefix}{key}"] = value
    return values


def _pairs(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Pairs the values of each name; none where one side has no such name."""
    names = [*first, *(name for name in second if name not in first)]
    return {name: [first.get(name), second.get(name)] for name in names}


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Keeps the pairs whose values differ.

    >>> _differences({"a": 1, "b": 2}, {"a": 1, "c": 3})
    {'b': [2, None], 'c': [None, 3]}
    """
    return {name: pair for name, pair in _pairs(first, second).items() if pair[0] != pair[1]}
