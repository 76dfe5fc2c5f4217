"""Two stores that sell one item: forecasts, stock and terms for tests of the stages of orders."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import polars as pl
from configurations import parse

from demandcast.schema.config import RunConfig, resolve_paths
from demandcast.schema.forecast_table import forecast_schema

__all__ = ["CUTOFF", "forecast_table", "supply_config", "write_supply"]

CUTOFF = datetime.date(2026, 6, 30)
_HORIZON = 14
_TABLES = ("inventory", "supply_terms", "suppliers")
_DEMAND = {"a": 2.0, "b": 5.0}


def supply_config(folder: Path, **changes: Any) -> RunConfig:
    """A configuration that proposes orders from the tables of `write_supply`."""
    tables = {name: {"path": f"{name}.csv"} for name in _TABLES}
    values = {
        "forecast.horizon": _HORIZON,
        "forecast.quantile_levels": [0.1, 0.5, 0.9],
        "features.lags": [],
        "replenishment.enabled": True,
        "replenishment.paths": 50,
        "replenishment.tables": tables,
    }
    return resolve_paths(parse(**(values | changes)), folder)


def write_supply(folder: Path, *, on_hand: float = 0.0) -> None:
    """Writes stock and terms: an order takes two days, and every day takes one."""
    stores = list(_DEMAND)
    stock = {"store": stores, "item": ["007"] * 2, "on_hand": [on_hand] * 2}
    pl.DataFrame(stock).write_csv(folder / "inventory.csv")
    terms = {"item": ["007"], "supplier": ["s"], "unit_cost": [3.0]}
    pl.DataFrame(terms).write_csv(folder / "supply_terms.csv")
    suppliers = {"supplier": ["s"], "quoted_lead_time_days": [2]}
    pl.DataFrame(suppliers).write_csv(folder / "suppliers.csv")


def forecast_table(config: RunConfig) -> pl.DataFrame:
    """Every series at each step: the same demand at every level."""
    rows = [
        {
            "store": store,
            "item": "007",
            "cutoff": CUTOFF,
            "step": step,
            "timestamp": CUTOFF + datetime.timedelta(days=step),
            **dict.fromkeys(("mean", "q0.1", "q0.5", "q0.9"), demand),
        }
        for store, demand in _DEMAND.items()
        for step in range(1, _HORIZON + 1)
    ]
    return pl.DataFrame(rows, schema=forecast_schema(config.series))
