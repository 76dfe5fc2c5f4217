"""The smallest configuration, and changes of it by dotted key."""

from __future__ import annotations

from typing import Any

import yaml

from demandcast.schema.config import RunConfig, parse_config

__all__ = ["minimal", "parse", "text_of"]


def minimal(**changes: Any) -> dict[str, Any]:
    """Required keys only; `minimal(**{"forecast.horizon": 7})` sets more."""
    values: dict[str, Any] = {
        "name": "test",
        "data": {
            "sales": "sales.csv",
            "columns": {"series_key": ["store", "item"], "timestamp": "date", "target": "sold"},
        },
    }
    for path, value in changes.items():
        *sections, key = path.split(".")
        section = values
        for part in sections:
            section = section.setdefault(part, {})
        section[key] = value
    return values


def text_of(**changes: Any) -> str:
    """The configuration as YAML."""
    return yaml.safe_dump(minimal(**changes))


def parse(**changes: Any) -> RunConfig:
    """The configuration as a model."""
    return parse_config(text_of(**changes))
