"""Two stores, three items, two suppliers: a small situation of which tests change one thing.

Cutoff is Tuesday, 2026-06-30; orders are placed before Wednesday opens. Demand is the same on
every path unless a test spreads it, so that what is proposed can be worked out by hand.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from demandcast.components.replenishment.forecast_arrays import ForecastArrays
from demandcast.components.replenishment.interval_model import IntervalModel
from demandcast.components.replenishment.line_arrays import LineArrays, Sampler
from demandcast.components.replenishment.lines import SupplyTables
from demandcast.components.replenishment.proposing import Proposals, Situation, propose
from demandcast.components.replenishment.supplier_lead_times import lead_times_of
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.forecast_columns import quantile_columns
from demandcast.schema.periods import Frequency, days_of, period_of

__all__ = [
    "CUTOFF",
    "DEMAND",
    "KEYS",
    "LEVELS",
    "deliveries",
    "forecast_table",
    "forecasts",
    "inventory",
    "line",
    "line_arrays",
    "proposals",
    "proposed",
    "sampler_of",
    "situation",
    "suppliers",
    "terms",
    "write_table",
    "write_world",
]

KEYS = ("store", "item")
CUTOFF = datetime.date(2026, 6, 30)
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)

DEMAND: Mapping[tuple[str, str], float] = {
    ("a", "007"): 2.0,
    ("a", "008"): 3.0,
    ("a", "009"): 4.0,
    ("b", "007"): 5.0,
    ("b", "008"): 1.0,
    ("b", "009"): 0.0,
}
"""Units per period of each series, the same on every path."""

_TABLES = ("inventory", "supply_terms", "suppliers", "lead_times", "open_orders", "price_breaks")


def forecasts(
    demand: Mapping[tuple[str, str], float] = DEMAND, *, horizon: int = 14, spread: float = 0.0
) -> ForecastArrays:
    """Demand uniform between (1 - spread) and (1 + spread) times the mean of the series."""
    keys = sorted(demand)
    mean = np.array([[demand[key]] * horizon for key in keys], np.float32)
    shape = 1 + spread * (2 * np.array(LEVELS) - 1)
    names = pl.DataFrame(keys, schema={name: pl.String() for name in KEYS}, orient="row")
    return ForecastArrays(names, (mean[:, :, None] * shape).astype(np.float32), mean, LEVELS)


def inventory(
    changes: Mapping[tuple[str, str], Mapping[str, Any]] | None = None, **columns: Any
) -> pl.DataFrame:
    """Nothing in stock; `columns` are of all rows, `changes` of the row of a key."""
    base = {"on_hand": 0.0} | columns
    rows = [
        dict(zip(KEYS, key, strict=True)) | base | dict((changes or {}).get(key, {}))
        for key in DEMAND
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def terms(
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    items: Sequence[str] = ("007", "008", "009"),
    **columns: Any,
) -> pl.DataFrame:
    """Every item from `north`, 2.00 a unit, ordered daily; `changes` are of the row of an item."""
    base = {"supplier": "north", "unit_cost": 2.0, "currency": "EUR"} | columns
    rows = [{"item": item} | base | dict((changes or {}).get(item, {})) for item in items]
    return pl.DataFrame(rows, infer_schema_length=None)


def suppliers(
    changes: Mapping[str, Mapping[str, Any]] | None = None, **columns: Any
) -> pl.DataFrame:
    """`north` takes 2 days and `south` 4, by their quotes."""
    rows = [
        {"supplier": name, "quoted_lead_time_days": days}
        | columns
        | dict((changes or {}).get(name, {}))
        for name, days in (("north", 2), ("south", 4))
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def deliveries(supplier: str, days: Sequence[int]) -> pl.DataFrame:
    """A delivery for each number of days, ordered in weekly steps before the cutoff."""
    start = CUTOFF - datetime.timedelta(days=7 * (len(days) + 2))
    ordered = [start + datetime.timedelta(days=7 * at) for at in range(len(days))]
    received = [day + datetime.timedelta(days=int(n)) for day, n in zip(ordered, days, strict=True)]
    return pl.DataFrame(
        {"supplier": [supplier] * len(days), "ordered": ordered, "received": received}
    )


def situation(
    forecast: ForecastArrays | None = None,
    *,
    frequency: Frequency = "D",
    order_moment: str = "before_opening",
    cutoff: datetime.date = CUTOFF,
    **tables: pl.DataFrame | None,
) -> Situation:
    """The usual tables, and those that are given in their place."""
    given = {"inventory": inventory(), "supply_terms": terms(), "suppliers": suppliers()} | tables
    history = given.pop("lead_times", None)
    lead_times = lead_times_of(
        history,
        given["suppliers"],
        cutoff=cutoff,
        frequency=frequency,
        order_moment=order_moment,
    )
    known = forecasts() if forecast is None else forecast
    return Situation(known, cutoff, frequency, SupplyTables(**given), lead_times)


def proposals(of: Situation | None = None, **config: Any) -> Proposals:
    """What is proposed, with few paths; `config` are keys of the section replenishment.

    Unmet demand waits, so that a level is the demand of the interval and nothing else.
    """
    usual = {"paths": 100, "unmet_demand": "backordered"}
    return propose(of or situation(), ReplenishmentConfig(**(usual | config)))


def proposed(of: Situation | None = None, **config: Any) -> pl.DataFrame:
    """The table of what is proposed."""
    return proposals(of, **config).table


def line(table: pl.DataFrame, store: str, item: str) -> dict[str, Any]:
    """The row of a series."""
    (row,) = table.filter((pl.col("store") == store) & (pl.col("item") == item)).to_dicts()
    return row


def forecast_table(
    of: ForecastArrays | None = None,
    *,
    cutoff: datetime.date = CUTOFF,
    frequency: Frequency = "D",
) -> pl.DataFrame:
    """The forecasts as `demandcast forecast` writes them."""
    known = of or forecasts()
    steps = np.arange(1, known.horizon + 1)
    days = days_of(period_of(cutoff, frequency) + steps, frequency).astype(np.int32)
    count = known.keys.height
    quantiles = known.quantiles.reshape(count * known.horizon, -1)
    return known.keys.select(pl.all().repeat_by(known.horizon).explode()).with_columns(
        cutoff=pl.lit(cutoff),
        step=pl.Series(np.tile(steps, count).astype(np.int32)),
        timestamp=pl.Series(np.tile(days, count)).cast(pl.Date),
        mean=pl.Series(known.mean.reshape(-1)),
        **{
            name: pl.Series(quantiles[:, at])
            for at, name in enumerate(quantile_columns(known.quantile_levels))
        },
    )


def write_world(
    folder: Path, *, suffix: str = ".csv", replenishment: Mapping[str, Any] | None = None, **tables
) -> Path:
    """Writes tables, forecasts and a configuration; returns the latter's file.

    Args:
        folder: Where; `forecasts.csv` and `demand.yaml` are among the files.
        suffix: Format of the tables.
        replenishment: Keys of the section, beside the tables.
        tables: In place of the usual ones; None leaves one out.
    """
    usual = {"inventory": inventory(), "supply_terms": terms(), "suppliers": suppliers()}
    given = {name: table for name, table in (usual | tables).items() if table is not None}
    for name, table in given.items():
        write_table(table, folder / f"{name}{suffix}")
    forecast_table().write_csv(folder / "forecasts.csv")
    usual_keys = {"calibrate": False, "paths": 100, "unmet_demand": "backordered"}
    section = usual_keys | dict(replenishment or {})
    section["tables"] = {
        name: {"path": f"{name}{suffix}"} | section.get("tables", {}).get(name, {})
        for name in _TABLES
        if name in given
    }
    config = {
        "name": "shop",
        "data": {
            "sales": "sales.csv",
            "columns": {"series_key": list(KEYS), "timestamp": "date", "target": "sold"},
        },
        "forecast": {"horizon": 14, "quantile_levels": list(LEVELS)},
        "replenishment": section,
    }
    file = folder / "demand.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    return file


def write_table(table: pl.DataFrame, file: Path) -> None:
    """Writes Parquet, CSV, or compressed CSV, by the name of the file."""
    if file.suffix == ".parquet":
        table.write_parquet(file)
    else:
        table.write_csv(file, compression="gzip" if file.suffix == ".gz" else "uncompressed")


def line_arrays(mean: Sequence[float], *, spread: float = 0.0, horizon: int = 8, **changes: Any):
    """Lines of a mean demand each, with plain terms; `changes` are arrays or one number for all."""
    count = len(mean)
    shape = 1 + spread * (2 * np.array(LEVELS) - 1)
    means = np.repeat(np.array(mean, np.float32)[:, None], horizon, axis=1)
    zeros = np.zeros(count)
    usual = {
        "available": zeros,
        "position": zeros,
        "review_period": np.ones(count, np.int64),
        "lead_time_row": np.zeros(count, np.int64),
        "pack_size": zeros + 1,
        "moq": zeros,
        "unit_cost": zeros + 2,
        "holding_cost": zeros + 0.1,
        "stockout_cost": zeros + 1.9,
        "target": zeros + 0.95,
        "shelf_life": np.zeros(count, np.int64),
        "capacity": zeros + np.inf,
    }
    own = {
        name: np.broadcast_to(np.asarray(changes.get(name, values), values.dtype), (count,))
        for name, values in usual.items()
    }
    return LineArrays(
        quantiles=(means[:, :, None] * shape).astype(np.float32),
        mean=means,
        next_lead_time_row=own["lead_time_row"],
        arrivals=np.asarray(changes.get("arrivals", np.zeros((horizon, count))), np.float64),
        **own,
    )


def sampler_of(
    lead_times: Sequence[Sequence[float]] = ((0.0, 1.0),),
    *,
    horizon: int = 8,
    paths: int = 400,
    seed: int = 5,
    model: IntervalModel | None = None,
) -> Sampler:
    """Paths for `line_arrays`; lead times by the probabilities of 0, 1, ... periods."""
    return Sampler.draw(
        model or IntervalModel(),
        np.array(lead_times, np.float64),
        LEVELS,
        horizon=horizon,
        paths=paths,
        seed=seed,
    )
