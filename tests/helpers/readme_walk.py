"""The walk of the README on small tables: its commands, its blocks, and the data they need."""

from __future__ import annotations

import datetime
import shlex
from pathlib import Path

import numpy as np
import polars as pl
from docs_pages import blocks, command_lines

__all__ = ["DAYS", "FIRST", "PLANNED", "SMALL", "command", "commands", "readme", "write_tables"]

DAYS, PLANNED = 200, 28
FIRST = datetime.date(2026, 1, 1)

# Small and quick; 12 series cannot show coverage or skill.
SMALL = shlex.split(
    "--set training.epochs=1 --set network.units=4 --set network.head_units=4 "
    "--set beam.partitions=2 --set features.lags=[28] --set gate.floors.coverage_tolerance=1.0 "
    "--set gate.floors.weighted_quantile_loss_skill=-10 --set gate.floors.wape_skill=-10 "
    "--set gate.floors.max_absolute_bias=null"
)


def readme(language: str) -> list[str]:
    """Blocks of the README in a language."""
    return [block.text for block in blocks(language) if block.page == "README.md"]


def commands(name: str) -> list[list[str]]:
    """The arguments of each such command of the README, made small."""
    found = [arguments for where, arguments in command_lines() if where.startswith("README.md")]
    return [[*one, *SMALL] for one in found if one[: len(name.split())] == name.split()]


def command(name: str) -> list[str]:
    """The arguments of the one such command of the README, made small."""
    (arguments,) = commands(name)
    return arguments


def write_tables(folder: Path) -> None:
    """Two files of sales, the plan, stock and terms, with the columns that the README names."""
    generator = np.random.default_rng(17)
    stores, items = ["s1", "s2", "s3"], ["milk", "butter", "beer", "bread"]
    keys = pl.DataFrame({"store": stores}).join(
        pl.DataFrame({"item": items, "category": ["dairy", "dairy", "drinks", "bakery"]}),
        how="cross",
    )
    days = [FIRST + datetime.timedelta(days=day) for day in range(DAYS + PLANNED)]
    table = keys.join(pl.DataFrame({"date": days}), how="cross").with_columns(
        price=pl.Series(generator.choice([0.99, 1.29], len(keys) * len(days))),
        promotion=pl.Series(generator.choice(["none", "flyer"], len(keys) * len(days))),
        units=pl.Series(generator.poisson(6, len(keys) * len(days))),
        stockout=pl.Series(generator.choice([0, 1], len(keys) * len(days), p=[0.95, 0.05])),
    )
    last = days[DAYS - 1]
    sales = table.filter(pl.col("date") <= last)
    folder.mkdir()
    sales.filter(pl.col("store") == "s1").write_csv(folder / "sales-1.csv")
    sales.filter(pl.col("store") != "s1").write_csv(folder / "sales-2.csv")
    plan = table.filter(pl.col("date") > last).drop("units", "stockout", "category")
    plan.write_csv(folder / "plan.csv")
    _write_supply(folder, keys)


def _write_supply(folder: Path, keys: pl.DataFrame) -> None:
    """Shelves that are empty, low or full, by the store; bread has no terms."""
    on_hand = pl.col("store").replace_strict({"s1": 0, "s2": 4, "s3": 100_000})
    keys.select("store", "item", on_hand=on_hand).write_csv(folder / "stock.csv")
    terms = {
        "item": ["milk", "butter", "beer"],
        "supplier": ["dairy", "dairy", "drinks"],
        "unit_cost": [0.8, 1.6, 0.9],
        "pack_size": [12, 12, 24],
    }
    pl.DataFrame(terms).write_csv(folder / "terms.csv")
    suppliers = {
        "supplier": ["dairy", "drinks"],
        "quoted_lead_time_days": [2, 3],
        "order_days": ["mon tue wed thu fri sat sun", None],
    }
    pl.DataFrame(suppliers).write_csv(folder / "suppliers.csv")
