"""The shop of docs/orders.md: eight items whose orders `demandcast replenish` really proposes."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from scipy import stats

from demandcast.pipeline.proposal_folder import ProposalFolder, make_proposals
from demandcast.schema.config import RunConfig, parse_config, resolve_paths
from demandcast.schema.forecast_columns import quantile_columns

__all__ = ["CUTOFF", "OrderShop"]

CUTOFF = datetime.date(2026, 6, 30)
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
STORE = "store_001"

_PER_DAY = {1: 60.0, 2: 5.0, 3: 4.0, 4: 2.0, 5: 1.0, 6: 4.0, 8: 3.0}
"""Mean demand of the items that have a forecast."""

_STOCK = {1: 230, 2: 6, 3: 24, 4: 15, 5: 30, 6: 6, 7: 0, 8: 4}
_TERMS: dict[int, dict[str, Any]] = {
    1: {"supplier": "north"},
    2: {"supplier": "south", "available_units": 24},
    3: {"supplier": "north"},
    4: {"supplier": "south"},
    5: {"supplier": "north"},
    6: {"supplier": "north", "moq": 60, "storage_capacity": 46},
    7: {"supplier": "north"},
}
_USUAL = {"unit_cost": 2.5, "pack_size": 12, "holding_cost": 0.1, "stockout_cost": 5.0}


class OrderShop:
    """A folder with the configuration, tables and sales of the shop.

    Attributes:
        root: The folder.
        config: Of the shop.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "demand.yaml").write_text(yaml.safe_dump(self._settings()), encoding="utf-8")
        text = (root / "demand.yaml").read_text(encoding="utf-8")
        self.config: RunConfig = resolve_paths(parse_config(text), root)
        self._write_tables()
        self._forecasts().write_parquet(root / "today.parquet")

    @property
    def log(self) -> Path:
        """The audit log."""
        return self.root / "runs" / "demand" / "orders" / "audit.jsonl"

    def propose(self, proposal_id: str) -> None:
        """Proposes orders as `demandcast replenish` does, under a name that stays."""
        folder = self.root / "runs" / "demand" / "orders" / proposal_id
        target = ProposalFolder(proposal_id, folder)
        make_proposals(self.config, self._forecasts(), origins=None, target=target)

    def sell(self, per_day: float, *, days: int) -> None:
        """Writes the sales table: as many units of each item on each day from before the cutoff."""
        rows = [
            {
                "store": STORE,
                "item": _item(number),
                "date": CUTOFF + datetime.timedelta(days=day),
                "sales": per_day,
            }
            for day in range(-3, days + 1)
            for number in _STOCK
        ]
        pl.DataFrame(rows).write_csv(self.root / "sales.csv")

    def _settings(self) -> dict[str, Any]:
        names = ("inventory", "supply_terms", "suppliers")
        return {
            "name": "demand",
            "workspace": "runs",
            "data": {
                "sales": "sales.csv",
                "columns": {
                    "series_key": ["store", "item"],
                    "timestamp": "date",
                    "target": "sales",
                },
            },
            "forecast": {"frequency": "D", "horizon": 28, "quantile_levels": list(LEVELS)},
            "replenishment": {
                "tables": {name: {"path": f"{name}.csv"} for name in names},
                "currency": "EUR",
                "calibrate": False,
            },
        }

    def _write_tables(self) -> None:
        stock = [
            {"store": STORE, "item": _item(number), "on_hand": units}
            for number, units in _STOCK.items()
        ]
        terms = [{"item": _item(number)} | _USUAL | own for number, own in _TERMS.items()]
        suppliers = [
            {"supplier": name, "quoted_lead_time_days": 3, "review_period": 7}
            for name in ("north", "south")
        ]
        pl.DataFrame(stock).write_csv(self.root / "inventory.csv")
        pl.DataFrame(terms, infer_schema_length=None).write_csv(self.root / "supply_terms.csv")
        pl.DataFrame(suppliers).write_csv(self.root / "suppliers.csv")

    def _forecasts(self) -> pl.DataFrame:
        """Demand by chance, at a steady mean."""
        names = quantile_columns(LEVELS)
        rows = [
            {"store": STORE, "item": _item(number), "cutoff": CUTOFF, "step": step}
            | {"timestamp": CUTOFF + datetime.timedelta(days=step), "mean": mean}
            | {
                name: float(stats.poisson.ppf(level, mean))
                for name, level in zip(names, LEVELS, strict=True)
            }
            for number, mean in _PER_DAY.items()
            for step in range(1, 29)
        ]
        numbers = pl.col("mean", *names).cast(pl.Float32)
        return pl.DataFrame(rows).with_columns(pl.col("step").cast(pl.Int32), numbers)


def _item(number: int) -> str:
    return f"item_{number:03d}"
