"""Made-up proposal tables that look like those of a chain, and their summaries."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.interval_model import IntervalModel
from demandcast.components.replenishment.line_arrays import LineArrays, Sampler
from demandcast.components.replenishment.proposal_summary import summarise_proposals
from demandcast.schema.proposal_summary import ProposalSummary, SummaryFacts
from demandcast.schema.proposal_table import BLOCKED, proposal_schema
from demandcast.schema.stock_projections import StockProjection, StockProjections

KEYS = ("store", "item")
CUTOFF = datetime.date(2026, 3, 14)
FACTS = SummaryFacts(
    period_days=1,
    horizon=28,
    measure="cycle_service_level",
    target=0.95,
    risk_bounds=(0.05, 0.15, 0.4),
    budget=50_000.0,
    currency="EUR",
)
HORIZON = 6
QUANTILE_LEVELS = (0.1, 0.5, 0.9)
CATEGORIES = ("dairy", "bakery", "fruit", "frozen", "drinks")
REASONS = {
    "order": "covers 9 days at 95 %; raised to packs of 12",
    "reduced": "covers 4 days at 95 %; lowered from 48: there is room for 24",
    "held_back": "24 units held back by the budget",
    "infeasible": "30 units are wanted, and a pack of 48 does not fit into room for 20",
    "not_due": "18 units are wanted; the supplier takes orders again on 2026-03-18",
    "covered": "stock and orders on their way cover 14 days at 95 %",
    "no_forecast": "there is no forecast of the series: it is new, or has ended",
    "no_inventory": "the inventory has no row of the series",
    "no_terms": "no row of supply_terms fits the series",
    "no_lead_time": "supplier 'north': neither deliveries nor a quoted lead time",
    "short_forecast": "the forecast has 28 periods, and 35 are needed",
    "invalid": "on_hand: got -4; at least 0",
}


def proposal_row(**changes: Any) -> dict[str, Any]:
    """A computed line that orders 24 units; values may be replaced."""
    values = {
        "store": "s1",
        "item": "milk",
        "cutoff": CUTOFF,
        "rank": 1,
        "status": "order",
        "risk_class": "low",
        "supplier": "north",
        "order_quantity": 24.0,
        "wanted_quantity": 20.0,
        "order_date": CUTOFF + datetime.timedelta(days=1),
        "due_date": CUTOFF + datetime.timedelta(days=4),
        "next_order_date": CUTOFF + datetime.timedelta(days=8),
        "unit_cost": 2.0,
        "order_value": 48.0,
        "currency": "EUR",
        "on_hand": 10.0,
        "on_order": 0.0,
        "reserved": 0.0,
        "inventory_position": 10.0,
        "base_stock_level": 30.0,
        "review_period": 7,
        "lead_time_mean": 3.0,
        "protection_interval": 10.0,
        "expected_demand": 20.0,
        "demand_median": 19.0,
        "demand_at_target": 30.0,
        "service_target": 0.95,
        "stockout_probability_without": 0.9,
        "stockout_probability": 0.04,
        "expected_lost_sales_without": 11.0,
        "expected_lost_sales": 1.0,
        "expected_holding_cost": 3.0,
        "expected_stockout_cost": 4.0,
        "cover_periods": 12.0,
        "excess_units": 0.0,
        "needs_approval": False,
        "reason": REASONS["order"],
    }
    return values | changes


def blocked_row(status: str = "no_terms", **changes: Any) -> dict[str, Any]:
    """A line for which nothing could be computed."""
    empty = dict.fromkeys(proposal_schema(KEYS).names())
    values = {
        "store": "s1",
        "item": "new",
        "cutoff": CUTOFF,
        "rank": 1,
        "status": status,
        "on_hand": 5.0,
        "reason": REASONS[status],
    }
    return empty | values | changes


def proposals(*rows: dict[str, Any]) -> pl.DataFrame:
    """A table of rows."""
    return pl.DataFrame(list(rows), schema=proposal_schema(KEYS))


def chain(stores: int = 12, items: int = 60, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A table of a chain with every status, and attributes of its items."""
    draws = np.random.default_rng(seed)
    count = stores * items
    store = np.repeat([f"store {number + 1:02d}" for number in range(stores)], items)
    item = np.tile([f"item {number + 1:04d}" for number in range(items)], stores)
    demand = draws.gamma(0.8, 30.0, count)
    level = np.round(demand * 1.5 + 3)
    on_hand = np.round(level * draws.gamma(1.2, 0.6, count))
    wanted = np.maximum(level - on_hand, 0.0)
    status = np.where(wanted > 0, "order", "covered").astype(object)
    kinds = draws.random(count)
    for at, name in enumerate(("reduced", "held_back", "infeasible", "not_due")):
        status[(wanted > 0) & (kinds > 0.02 + 0.03 * at) & (kinds < 0.05 + 0.03 * at)] = name
    for at, name in enumerate(sorted(BLOCKED)):
        status[(kinds > 0.9 + 0.01 * at) & (kinds < 0.907 + 0.01 * at)] = name
    ordered = np.where(status == "order", np.ceil(wanted / 12) * 12, 0.0)
    ordered = np.where(status == "reduced", np.floor(wanted / 2), ordered)
    before = 1 / (1 + np.exp(7 * (on_hand / (demand + 1) - 1)))
    after = 1 / (1 + np.exp(7 * ((on_hand + ordered) / (demand + 1) - 1)))
    cost = np.round(draws.gamma(2.0, 2.0, count) + 0.2, 2)
    computed = ~np.isin(status.astype(str), sorted(BLOCKED))
    risk = np.searchsorted(FACTS.risk_bounds, after, side="right")
    numbers = {
        "order_quantity": ordered,
        "wanted_quantity": wanted,
        "unit_cost": cost,
        "order_value": ordered * cost,
        "inventory_position": on_hand,
        "base_stock_level": level,
        "lead_time_mean": np.full(count, 3.0),
        "protection_interval": np.full(count, 10.0),
        "expected_demand": demand,
        "demand_median": demand * 0.95,
        "demand_at_target": level,
        "service_target": np.full(count, 0.95),
        "stockout_probability_without": before,
        "stockout_probability": after,
        "expected_lost_sales_without": before * demand * 0.6,
        "expected_lost_sales": after * demand * 0.4,
        "expected_holding_cost": (on_hand + ordered) * cost * 0.01,
        "expected_stockout_cost": after * demand * 0.4 * cost * 0.6,
        "cover_periods": np.minimum(np.floor((on_hand + ordered) / (demand / 10 + 0.1)), 28.0),
        "excess_units": np.maximum(on_hand - level, 0.0),
    }
    table = pl.DataFrame(
        {
            "store": store,
            "item": item,
            "status": pl.Series(status.tolist(), dtype=pl.String),
            "risk_class": np.array(["low", "medium", "high", "critical"])[risk],
            "supplier": np.array(["north", "south", "dairy union", "import & co"])[
                draws.integers(0, 4, count)
            ],
            "on_hand": on_hand,
            "needs_approval": numbers["order_value"] > 200,
            "place": kinds,
            **numbers,
        }
    )
    nothing = [*numbers, "risk_class", "supplier", "needs_approval"]
    known = pl.Series(computed)
    table = table.with_columns(
        *(pl.when(known).then(pl.col(name)).alias(name) for name in nothing),
        reason=pl.col("status").replace_strict(REASONS),
        cutoff=pl.lit(CUTOFF),
        order_date=pl.lit(CUTOFF + datetime.timedelta(days=1)),
        due_date=pl.when(known).then(
            pl.lit(CUTOFF) + pl.duration(days=(pl.col("place") * 5).ceil().cast(pl.Int64))
        ),
        next_order_date=pl.lit(CUTOFF + datetime.timedelta(days=8)),
        currency=pl.lit("EUR"),
        on_order=pl.lit(0.0),
        reserved=pl.lit(0.0),
        review_period=pl.lit(7),
        rank=pl.int_range(1, pl.len() + 1),
    )
    schema = proposal_schema(KEYS)
    table = table.select(pl.col(name).cast(kind) for name, kind in schema.items())
    attributes = pl.DataFrame(
        {
            "item": [f"item {number + 1:04d}" for number in range(items)],
            "category": [CATEGORIES[number % len(CATEGORIES)] for number in range(items)],
            "shelf_metres": draws.random(items),
        }
    )
    return table, attributes


def chain_summary(stores: int = 12, items: int = 60) -> ProposalSummary:
    """What the table of a chain comes to."""
    table, attributes = chain(stores, items)
    terms = table.filter(pl.col("order_quantity").is_not_null()).select(
        *KEYS, holding_cost=pl.lit(0.01), stockout_cost=pl.col("unit_cost") * 0.6
    )
    return summarise_proposals(table, FACTS, series_key=KEYS, attributes=attributes, terms=terms)


def projection(why: str = "riskiest", **changes: Any) -> StockProjection:
    """Stock that falls by 4 a day, and 40 that arrive on the fourth day."""
    horizon = 14
    days = np.arange(1, horizon + 1)
    median = 22 - 4.0 * days + 40 * (days >= 4)
    spread = np.sqrt(days) * 3
    bands = np.maximum(median[:, None] + spread[:, None] * np.array([-1.6, -0.7, 0, 0.7, 1.6]), 0)
    values = {
        "series": {"store": "store 01", "item": "item 0007"},
        "why": why,
        "status": "order",
        "reason": REASONS["order"],
        "order_quantity": 40.0,
        "due_date": "2026-03-18",
        "interval_end": "2026-03-24",
        "base_stock_level": 62.0,
        "available": 22.0,
        "cutoff": CUTOFF.isoformat(),
        "timestamps": tuple(
            (CUTOFF + datetime.timedelta(days=int(day))).isoformat() for day in days
        ),
        "levels": (0.05, 0.25, 0.5, 0.75, 0.95),
        "bands": tuple(tuple(evening) for evening in bands.round(2).tolist()),
        "without": tuple(np.maximum(22 - 4.0 * days, 0).tolist()),
    }
    return StockProjection(**values | changes)


def projections() -> StockProjections:
    """Two of each kind; those with too much stock order nothing."""
    much = {
        "status": "covered",
        "reason": REASONS["covered"],
        "order_quantity": 0.0,
        "base_stock_level": 12.0,
        "due_date": None,
    }
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("riskiest", {}),
        ("overstocked", much),
        ("typical", {}),
    )
    return StockProjections(
        period_days=1,
        projections=tuple(
            projection(why, series={"store": f"store {number:02d}", "item": why}, **changes)
            for why, changes in kinds
            for number in (1, 2)
        ),
    )


def line_arrays(
    available: Sequence[float], demand: Sequence[float], arrivals: FloatArray | None = None
) -> LineArrays:
    """Lines whose demand is certain: all quantiles are equal."""
    count = len(available)
    mean = np.tile(np.asarray(demand, float)[:, None], (1, HORIZON))
    zero = np.zeros(count)
    return LineArrays(
        quantiles=np.repeat(mean[:, :, None], len(QUANTILE_LEVELS), axis=2),
        mean=mean,
        available=np.asarray(available, float),
        position=np.asarray(available, float),
        arrivals=np.zeros((HORIZON, count)) if arrivals is None else arrivals,
        review_period=np.full(count, 2),
        lead_time_row=np.zeros(count, np.int64),
        next_lead_time_row=np.zeros(count, np.int64),
        pack_size=zero + 1,
        moq=zero,
        unit_cost=zero + 2,
        holding_cost=zero + 0.01,
        stockout_cost=zero + 1,
        target=zero + 0.95,
        shelf_life=np.zeros(count, np.int64),
        capacity=zero + np.inf,
    )


def sampler(lead_time: int = 2) -> Sampler:
    """Paths with a lead time that is certain."""
    probabilities = np.eye(lead_time + 1)[[lead_time]]
    return Sampler.draw(
        IntervalModel(), probabilities, QUANTILE_LEVELS, horizon=HORIZON, paths=64, seed=1
    )
