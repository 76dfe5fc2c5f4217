"""Rows of the proposal table from what was decided."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import BoolArray, FloatArray
from demandcast.components.replenishment.assessment import Assessment, risk_classes
from demandcast.components.replenishment.line_arrays import LineArrays
from demandcast.components.replenishment.line_inputs import IntArray
from demandcast.components.replenishment.order_calendar import Calendar
from demandcast.components.replenishment.order_lots import LotReason, OrderLots
from demandcast.components.replenishment.reasons import INFEASIBLE, line_reasons
from demandcast.components.replenishment.wanted import Wanted
from demandcast.schema.config import ReplenishmentConfig
from demandcast.schema.proposal_table import (
    RISK_CLASSES,
    check_proposal_table,
    proposal_schema,
)

__all__ = ["Decided", "proposal_rows"]

_FIRST = {
    "invalid": 0,
    "infeasible": 1,
    "held_back": 2,
    "no_lead_time": 3,
    "no_terms": 3,
    "no_inventory": 3,
    "short_forecast": 3,
    "no_forecast": 3,
    "reduced": 4,
}
"""Statuses that come first, in order; all others after them, by what is at risk."""

_OTHERS = 5

_ROUNDING = 1e-9
"""Share of a pack that is rounding and no further pack."""


@dataclass(frozen=True)
class Decided:
    """What was decided about the computed lines (n).

    Attributes:
        wanted: Base-stock levels and the demand behind them.
        wanted_quantity: Base-stock level less position, units. Shape [n].
        lots: Packs and what changed them.
        room: Units that fit, infinite without a limit. Shape [n].
        sellable: Units that sell before they expire, likewise. Shape [n].
        order_quantity: To order now, units. Shape [n].
        supply_cut: Not ordered because the supplier has not enough, units. Shape [n].
        budget_cut: Not ordered for lack of budget, units. Shape [n].
        unit_cost: Currency units per unit. Shape [n].
        outlook: What to expect.
        arrays: The lines.
    """

    wanted: Wanted
    wanted_quantity: FloatArray
    lots: OrderLots
    room: FloatArray
    sellable: FloatArray
    order_quantity: FloatArray
    supply_cut: FloatArray
    budget_cut: FloatArray
    unit_cost: FloatArray
    outlook: Assessment
    arrays: LineArrays


def proposal_rows(
    lines: pl.DataFrame,
    computed: pl.DataFrame,
    decided: Decided,
    *,
    keys: Sequence[str],
    config: ReplenishmentConfig,
    calendar: Calendar,
) -> pl.DataFrame:
    """Writes the table: computed lines with their numbers, the others with their status.

    Args:
        lines: All lines with status and reason.
        computed: Those of them without a status.
        decided: What was decided about these, in their order.
        keys: Key columns.
        config: Risk classes, approval, measure.
        calendar: Last known period, and the frequency.
    """
    numbers = _numbers(computed, decided, config)
    reasons = line_reasons(
        numbers,
        measure=config.service.measure,
        horizon=pl.col("forecast_periods"),
        frequency=calendar.frequency,
    )
    good = numbers.with_columns(reason=reasons)
    # What was worked out with defaults says nothing about a line that cannot be computed.
    blocked = lines.filter(pl.col("status").is_not_null()).drop(
        "order_date", "due_date", "next_order_date", "review_period", "service_target"
    )
    schema = proposal_schema(keys)
    table = pl.concat(
        [_shaped(rows, schema, calendar.cutoff) for rows in (good, blocked)], how="vertical"
    )
    table = _ranked(table, keys)
    check_proposal_table(table, keys)
    return table


def _shaped(rows: pl.DataFrame, schema: pl.Schema, cutoff: datetime.date) -> pl.DataFrame:
    """Picks the columns of the table; null where a row has none."""
    rows = rows.with_columns(cutoff=pl.lit(cutoff, pl.Date))
    return rows.select(
        (pl.col(name) if name in rows.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in schema.items()
    )


def _ranked(table: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Sorts exceptions first, then what stands to be lost, and numbers the rows."""
    first = pl.col("status").replace_strict(_FIRST, default=_OTHERS, return_dtype=pl.Int32)
    at_risk = pl.col("expected_stockout_cost").fill_null(0.0)
    order = table.with_columns(first=first, at_risk=at_risk).sort(
        ["first", "at_risk", *keys], descending=[False, True, *[False] * len(keys)]
    )
    return order.with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32)).drop(
        "first", "at_risk"
    )


def _numbers(computed: pl.DataFrame, decided: Decided, config: ReplenishmentConfig) -> pl.DataFrame:
    """Puts numbers beside the computed lines: those of the table, and what reasons speak of."""
    smallest = _smallest_orders(computed)
    never_fits = smallest > computed["storage_capacity"].cast(pl.Float64).to_numpy()
    columns = {
        "status": _statuses(computed, decided, never_fits),
        "smallest_order": smallest,
        "never_fits": never_fits,
        **_position(computed, decided),
        **_order(decided, config),
        **_prospects(computed, decided),
        "probability": decided.wanted.lasting,
        "lot_reasons": _lot_reasons(computed, decided),
        "raised_to_price_break": decided.lots.raised_to_price_break,
        "room": decided.room,
        "sellable": decided.sellable,
        "supply_cut": decided.supply_cut,
        "budget_cut": decided.budget_cut,
    }
    return computed.with_columns(pl.Series(name, values) for name, values in columns.items())


_Columns = dict[str, npt.NDArray[Any]]


def _position(computed: pl.DataFrame, decided: Decided) -> _Columns:
    """Says where the line stands, and what it is to cover."""
    wanted, lines = decided.wanted, decided.arrays
    lead_time = computed["lead_time"].to_numpy()
    later = computed["delay"].to_numpy() + computed["closed_periods"].to_numpy()
    return {
        "inventory_position": lines.position,
        "base_stock_level": wanted.base_stock_level,
        "review_period": lines.review_period,
        "lead_time_mean": lead_time,
        "protection_interval": lead_time + later + lines.review_period,
        "expected_demand": wanted.expected_demand,
        "demand_median": wanted.demand_median,
        "demand_at_target": wanted.base_stock_level,
        "excess_units": np.maximum(lines.position - wanted.base_stock_level, 0.0),
    }


def _order(decided: Decided, config: ReplenishmentConfig) -> _Columns:
    """Says what is ordered, and what that costs."""
    value = decided.order_quantity * decided.unit_cost
    bounds = (config.risk.medium, config.risk.high, config.risk.critical)
    risk = risk_classes(decided.outlook.stockout_probability, bounds)
    return {
        "order_quantity": decided.order_quantity,
        "wanted_quantity": decided.wanted_quantity,
        "unit_cost": decided.unit_cost,
        "order_value": value,
        "risk_class": np.array(RISK_CLASSES)[risk],
        "needs_approval": _needs_approval(value, decided, config),
    }


def _prospects(computed: pl.DataFrame, decided: Decided) -> _Columns:
    """Says what is to be expected; of periods beyond the forecast nothing is."""
    outlook, lines = decided.outlook, decided.arrays
    known = computed["forecast_periods"].to_numpy()
    return {
        "stockout_probability": outlook.stockout_probability,
        "stockout_probability_without": outlook.stockout_probability_without,
        "expected_lost_sales": outlook.expected_lost_sales,
        "expected_lost_sales_without": outlook.expected_lost_sales_without,
        "expected_holding_cost": outlook.expected_unit_periods * lines.holding_cost,
        "expected_stockout_cost": outlook.expected_lost_sales * lines.stockout_cost,
        "cover_periods": np.minimum(outlook.cover_periods, known),
    }


def _lot_reasons(computed: pl.DataFrame, decided: Decided) -> IntArray:
    """Keeps the reasons that still hold: a cut order has no price break, and none is not raised."""
    reasons = decided.lots.reasons
    cut = decided.supply_cut + decided.budget_cut > 0
    reasons = np.where(cut, reasons & ~int(LotReason.RAISED_TO_PRICE_BREAK), reasons)
    return np.where(computed["takes_orders"].to_numpy(), reasons, 0)


def _smallest_orders(computed: pl.DataFrame) -> FloatArray:
    """Returns the units of the smallest order of each line, in whole packs. Shape [n]."""
    pack = pl.col("pack_size")
    packs = (pl.max_horizontal("moq", pack) / pack - _ROUNDING).ceil()
    return computed.select(packs * pack).to_series().to_numpy()


def _statuses(
    computed: pl.DataFrame, decided: Decided, never_fits: BoolArray
) -> npt.NDArray[np.str_]:
    """Says what became of each line.

    One of which no order ever fits is infeasible while it is covered, too: its terms can be
    corrected before it runs out.
    """
    lowered = LotReason.LOWERED_BY_CAPACITY | LotReason.LOWERED_BY_SHELF_LIFE
    less = decided.lots.has(lowered) | (decided.supply_cut + decided.budget_cut > 0)
    ordered = decided.order_quantity > 0
    found = np.select(
        [
            never_fits,
            decided.wanted_quantity <= 0,
            ~computed["takes_orders"].to_numpy(),
            decided.lots.has(INFEASIBLE) | (decided.lots.quantity <= 0),
            ~ordered,
            less,
        ],
        ["infeasible", "covered", "not_due", "infeasible", "held_back", "reduced"],
        default="order",
    )
    return np.asarray(found, np.str_)


def _needs_approval(value: FloatArray, decided: Decided, config: ReplenishmentConfig) -> BoolArray:
    """Tells which orders a person must approve: dear ones, and those that leave a large risk."""
    approval = config.approval
    dear = value >= (np.inf if approval.min_value is None else approval.min_value)
    bound = approval.min_stockout_probability
    risky = decided.outlook.stockout_probability >= (np.inf if bound is None else bound)
    return (decided.order_quantity > 0) & (dear | risky)
