"""How much each line orders: what it wants, in lots, within budgets, and what to expect of it."""

from __future__ import annotations

import numpy as np
import polars as pl

from demandcast.components.metrics.arrays import FloatArray
from demandcast.components.replenishment.assessment import assess
from demandcast.components.replenishment.budget_limits import (
    limit_to_budgets,
    share_scarce_units,
)
from demandcast.components.replenishment.line_arrays import LineArrays, Sampler
from demandcast.components.replenishment.order_lots import (
    LotTerms,
    PriceBreaks,
    round_to_lots,
    unit_prices,
)
from demandcast.components.replenishment.proposal_rows import Decided
from demandcast.components.replenishment.storage_room import storage_room
from demandcast.components.replenishment.wanted import Aim, want
from demandcast.schema.config import ReplenishmentConfig

__all__ = ["decide_quantities"]


def decide_quantities(
    computed: pl.DataFrame,
    lines: LineArrays,
    sampler: Sampler,
    *,
    price_breaks: PriceBreaks | None,
    config: ReplenishmentConfig,
) -> tuple[Decided, float]:
    """Chooses the quantities, and says what to expect of them.

    Args:
        computed: `takes_orders`, `supplier`, `supplier_budget`, `available_units` and
            `#terms_row` of the lines.
        lines: Their arrays.
        sampler: Paths.
        price_breaks: Prices by quantity; None: no price depends on it.
        config: What is aimed at, and the budget.

    Returns:
        The decisions, and what one more currency unit of the common budget would save.
    """
    wanted = want(lines, sampler, Aim(config.service.measure, config.unmet_demand))
    missing = _missing(wanted.base_stock_level, lines)
    room, sellable = storage_room(lines, sampler), wanted.shelf_life_cap - lines.position
    terms = LotTerms(lines.pack_size, lines.moq, room, sellable)
    lots = round_to_lots(missing, terms, price_breaks=price_breaks)

    def price_of(quantity: FloatArray) -> FloatArray:
        return lines.unit_cost if price_breaks is None else unit_prices(quantity, price_breaks)

    ordered = np.where(computed["takes_orders"].to_numpy(), lots.quantity, 0.0)
    shared = share_scarce_units(computed, lines, sampler, ordered=ordered)
    limited, shadow_price = limit_to_budgets(
        computed, lines, sampler, ordered=shared, price_of=price_of, budget=config.budget
    )
    decided = Decided(
        wanted=wanted,
        wanted_quantity=missing,
        lots=lots,
        room=np.maximum(room, 0.0),
        sellable=np.maximum(sellable, 0.0),
        order_quantity=limited,
        supply_cut=ordered - shared,
        budget_cut=shared - limited,
        unit_cost=price_of(np.where(limited > 0, limited, lots.quantity)),
        outlook=assess(lines, sampler, order_quantity=limited, probability=wanted.lasting),
        arrays=lines,
    )
    return decided, shadow_price


def _missing(level: FloatArray, lines: LineArrays) -> FloatArray:
    """Returns what the position lacks, units; less than a rounding of the pack is nothing."""
    missing = np.maximum(level - lines.position, 0.0)
    return np.where(missing > 1e-9 * lines.pack_size, missing, 0.0)
