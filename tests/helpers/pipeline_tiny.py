"""A tiny configuration, and the folder of a run of it, for tests of the whole pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from model_server import command

from demandcast.pipeline.reports import RunReport
from demandcast.schema.config import RunConfig

NO_SERVER = ("serving.infra_validation=false", "serving.smoke_test=false")
"""For runs that are about something else: each start of a server takes seconds, and `trained` has
them."""


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Attributes:
        config_file: Its configuration, for tests that go through the command line.
        config: The same, read.
        report: What it did.
        screen: What it said on the screen.
    """

    config_file: Path
    config: RunConfig
    report: RunReport
    screen: str


def tiny_values(**changes: dict[str, Any]) -> dict[str, Any]:
    """Values of a configuration for the tiny sample data; sections may be changed key by key."""
    values: dict[str, Any] = {
        "name": "tiny",
        "data": {
            "sales": "data/sales.parquet",
            "columns": {
                "series_key": ["store", "item"],
                "timestamp": "date",
                "target": "sales",
                "static": ["category", "region"],
                "known_future": {"numeric": ["price"], "categorical": ["promotion", "holiday"]},
                "observed_past": {"numeric": ["temperature"]},
                "availability": {"column": "in_stock_fraction"},
            },
            "static_tables": [
                {"path": "data/items.parquet", "on": ["item"]},
                {"path": "data/stores.parquet", "on": ["store"]},
            ],
            "calendar": {"path": "data/calendar.parquet", "on": ["date"]},
            "future": "data/future.parquet",
        },
        "forecast": {"context_length": 28, "horizon": 7},
        "features": {"lags": [7, 364], "price_column": "price", "holiday_column": "holiday"},
        "network": {"units": 16, "head_units": 16, "embedding_size": 4},
        "training": {
            "epochs": 20,
            "windows_per_series": 16,
            "batch_size": 64,
            "learning_rate": 5e-3,
        },
        # 168 periods cannot show coverage well; the other floors are the defaults.
        "gate": {"floors": {"coverage_tolerance": 0.35}},
        # A busy machine is no reason to fail.
        "serving": {"command": list(command()), "timeout_seconds": 900},
        "beam": {"partitions": 2},
    }
    for section, keys in changes.items():
        values[section] = {**values.get(section, {}), **keys}
    return values


def write_config(folder: Path, **changes: dict[str, Any]) -> Path:
    """Writes `tiny_values` as the configuration of a folder."""
    path = folder / "demand.yaml"
    path.write_text(yaml.safe_dump(tiny_values(**changes)), encoding="utf-8")
    return path
