"""What lines share: money, and units that a supplier has not enough of; each goes furthest.

A supplier's units are shared first: money is not kept for what cannot be had.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.budget import SharedLimit, choose_packs
from demandcast.components.replenishment.interval_levels import (
    implied_stockout_cost,
    interval_demand,
)
from demandcast.components.replenishment.line_arrays import LineArrays, Part, Sampler, over_parts
from demandcast.components.replenishment.pack_values import PackTerms, marginal_pack_values

__all__ = ["limit_to_budgets", "share_scarce_units"]

_Limit = tuple[str, FloatArray | float, npt.NDArray[np.int64] | None]
"""Name, supply by group, group of each line."""

PriceOf = Callable[[FloatArray], FloatArray]

_ROUNDING = 1 + 1e-9
"""What sums of money may exceed a limit by."""

_MOST_LOTS = 48
"""Lots per line that are weighed against others; larger orders go in lots of several packs."""


def limit_to_budgets(
    computed: pl.DataFrame,
    lines: LineArrays,
    sampler: Sampler,
    *,
    ordered: FloatArray,
    price_of: PriceOf,
    budget: float | None,
) -> tuple[FloatArray, float]:
    """Lowers orders to the budgets, those first that avoid the least cost per unit of money.

    Args:
        computed: `supplier` and `supplier_budget` (null: none) of the lines.
        lines: Their arrays.
        sampler: Paths.
        ordered: Orders without a budget, units. Shape [n].
        price_of: Unit costs of quantities, shapes [n]: with price breaks less is dearer.
        budget: Of all orders together; None: none.

    Returns:
        Orders, units, shape [n], and what one more currency unit of the common budget would save.
    """
    unit_cost = price_of(ordered)
    limits = _exceeded(computed, ordered * unit_cost, budget)
    if not limits:
        return ordered, 0.0
    lot, values, smallest = _lots(lines, sampler, ordered)

    def choose(prices: FloatArray) -> tuple[FloatArray, float]:
        shared = [
            SharedLimit(name, usage_per_pack=lot * prices, supply=supply, group=group)
            for name, supply, group in limits
        ]
        choice = choose_packs(values, shared, smallest_packs=smallest)
        common = limits[0][0] == "budget"
        # The last lot of a line may be smaller than the others.
        kept = np.minimum(choice.packs * lot, ordered)
        return kept, float(choice.shadow_prices[0][0]) if common else 0.0

    def fits(kept: FloatArray) -> bool:
        return not _exceeded(computed, kept * price_of(kept), budget)

    chosen = choose(unit_cost)
    if fits(chosen[0]):
        return chosen
    # What was cut lost its price break and costs more than was counted: with the highest price of
    # each line all fits, and what is then kept whole has its break, and leaves money for others.
    highest = _highest_prices(price_of, lot, ordered)
    chosen = choose(highest)
    mixed = choose(np.where(chosen[0] == ordered, unit_cost, highest))
    return mixed if fits(mixed[0]) else chosen


def share_scarce_units(
    computed: pl.DataFrame, lines: LineArrays, sampler: Sampler, *, ordered: FloatArray
) -> FloatArray:
    """Shares the units that suppliers have where they avoid most, in whole packs.

    Args:
        computed: `#terms_row` and `available_units` (null: enough) of the lines.
        lines: Their arrays.
        sampler: Paths.
        ordered: Orders as if there were enough, units. Shape [n].

    Returns:
        Orders, units. Shape [n].
    """
    available = computed["available_units"].fill_null(np.inf).to_numpy()
    rows, group = np.unique(computed["#terms_row"].to_numpy(), return_inverse=True)
    supply = np.full(len(rows), np.inf)
    np.minimum.at(supply, group, available)
    scarce = np.bincount(group, ordered, len(rows)) > supply * _ROUNDING
    if not scarce.any():
        return ordered
    lot, values, smallest = _lots(lines, sampler, ordered)
    shared = SharedLimit("available_units", usage_per_pack=lot, supply=supply, group=group)
    choice = choose_packs(values, [shared], smallest_packs=smallest)
    return np.where(scarce[group], np.minimum(choice.packs * lot, ordered), ordered)


def _highest_prices(price_of: PriceOf, lot: FloatArray, ordered: FloatArray) -> FloatArray:
    """Returns the highest price of any number of lots up to what is ordered. Shape [n]."""
    counts = range(1, int(np.ceil(ordered / lot).max(initial=1)) + 1)
    return np.max([price_of(np.minimum(count * lot, ordered)) for count in counts], axis=0)


def _lots(
    lines: LineArrays, sampler: Sampler, ordered: FloatArray
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Divides orders into lots: units of a lot, values by lot, the smallest order in lots."""
    packs = np.round(ordered / lines.pack_size)
    packs_per_lot = np.maximum(np.ceil(packs / _MOST_LOTS), 1.0)
    lot = packs_per_lot * lines.pack_size
    values = _lot_values(lines, sampler, lot=lot, ordered=ordered)
    smallest = np.ceil(np.maximum(lines.moq, lot) / lot - 1e-9)
    # A line that orders nothing has no lot, whatever its smallest order.
    smallest = np.clip(smallest, 1, max(values.shape[1], 1)).astype(np.int64)
    return lot, values, smallest


def _exceeded(computed: pl.DataFrame, value: FloatArray, budget: float | None) -> list[_Limit]:
    """Returns the limits that the orders exceed, the common one first."""
    limits: list[_Limit] = []
    if budget is not None and value.sum() > budget * _ROUNDING:
        limits.append(("budget", budget, None))
    suppliers = computed.select("supplier", "supplier_budget").with_row_index("row")
    if suppliers["supplier_budget"].is_null().all():
        return limits
    names = suppliers["supplier"].unique(maintain_order=True)
    group = suppliers["supplier"].replace_strict(
        names, np.arange(len(names)), return_dtype=pl.Int64
    )
    of_group = (
        suppliers.group_by("supplier", maintain_order=True)
        .agg(pl.col("supplier_budget").first())["supplier_budget"]
        .fill_null(np.inf)
        .to_numpy()
    )
    spent = np.bincount(group.to_numpy(), value, len(names))
    if (spent > of_group * _ROUNDING).any():
        limits.append(("supplier_budget", of_group, group.to_numpy()))
    return limits


def _lot_values(
    lines: LineArrays, sampler: Sampler, *, lot: FloatArray, ordered: FloatArray
) -> FloatArray:
    """Values each lot up to what is ordered; lots beyond it are worth nothing. Shape [n, K]."""
    wanted = np.ceil(ordered / lot - 1e-9)
    most = int(wanted.max(initial=0.0))
    values = np.zeros((len(lines), most))
    implied = implied_stockout_cost(
        lines.target, holding_cost=lines.holding_cost, review_period=lines.review_period
    )
    # A target may ask for more than the stockout cost is worth: then the target says what it is.
    stockout_cost = np.maximum(lines.stockout_cost, implied)

    def work(part: Part) -> FloatArray:
        demand = interval_demand(
            part.cumulative,
            review_period=part.lines.review_period,
            lead_time=part.next_lead_time,
        )
        terms = PackTerms(
            pack_size=lot[part.rows],
            stockout_cost=stockout_cost[part.rows],
            overage_cost=part.lines.holding_cost * part.lines.review_period,
        )
        return marginal_pack_values(
            demand.over_interval, part.lines.position, terms=terms, packs=most
        )

    for part, found in over_parts(sampler, lines, work):
        # What was wanted is worth something, however little: it is not dropped while money is left.
        values[part.rows] = np.maximum(found, 1e-9 / np.arange(1, most + 1))
    return np.where(np.arange(most) < wanted[:, None], values, 0.0)
