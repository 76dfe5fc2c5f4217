"""Supply: who delivers what, how long it takes, in which packs, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.simulation.assortment import CATEGORIES, FRESH_SHELF_LIFE, Items
from demandcast.components.simulation.config import SimulationConfig
from demandcast.components.simulation.randomness import stream

__all__ = [
    "LONGEST_LEAD_TIME",
    "Suppliers",
    "SupplyTerms",
    "draw_lead_times",
    "simulate_suppliers",
    "simulate_supply_terms",
]

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

LONGEST_LEAD_TIME = 30
"""Days; no order takes longer."""

_PACKS = np.array([1, 2, 4, 6, 8, 12, 24, 48])
_CAPITAL_COST = 0.25  # of the unit cost per year
_LATE_DAYS = (2, 8)  # A delayed delivery is this many days late: at least, less than.


@dataclass(frozen=True)
class Suppliers:
    """Suppliers (V).

    Attributes:
        names: Keys. Shape [V].
        lead_time: Mean time from order to arrival without delays, days. Shape [V].
        variation: Standard deviation over mean of that time. Shape [V].
        review_period: Days between two orders of a store. Shape [V].
        order_cost: Cost of an order, currency units. Shape [V].
    """

    names: npt.NDArray[np.str_]
    lead_time: FloatArray
    variation: FloatArray
    review_period: Int64Array
    order_cost: FloatArray


@dataclass(frozen=True)
class SupplyTerms:
    """Terms by item.

    Attributes:
        supplier: Positions of the suppliers. Shape [I].
        moq: Smallest order, units, a multiple of the pack. Shape [I].
        pack_size: Units per pack. Shape [I].
        unit_cost: Currency units per unit. Shape [I].
        holding_cost: Currency units per unit and period. Shape [I].
        stockout_cost: Currency units per unit short. Shape [I].
        shelf_life: Days. Shape [I].
    """

    supplier: Int64Array
    moq: Int64Array
    pack_size: Int64Array
    unit_cost: FloatArray
    holding_cost: FloatArray
    stockout_cost: FloatArray
    shelf_life: Int64Array


def simulate_suppliers(config: SimulationConfig) -> Suppliers:
    """Draws the suppliers; the first half delivers fresh goods, fast and often."""
    count = config.supply.suppliers
    draws = stream(config.seed, "suppliers")
    fresh = np.arange(count) < (count + 1) // 2
    lead_time = np.where(fresh, draws.uniform(1.0, 2.5, count), draws.uniform(2.0, 9.0, count))
    review = np.where(fresh, draws.integers(1, 4, count), draws.integers(3, 8, count))
    if config.days_per_period > 1:  # The terms count whole periods.
        review = np.where(fresh, 7, 7 * draws.integers(1, 3, count))
    width = max(2, len(str(count)))
    return Suppliers(
        names=np.array([f"supplier_{number:0{width}d}" for number in range(1, count + 1)]),
        lead_time=np.round(lead_time, 1),
        variation=draws.uniform(0.1, 0.45, count),
        review_period=review,
        order_cost=np.round(draws.uniform(8.0, 40.0, count), 2),
    )


def simulate_supply_terms(config: SimulationConfig, items: Items) -> SupplyTerms:
    """Draws terms by item; a pack holds about one to four days of a median store's demand."""
    count, suppliers = config.items, config.supply.suppliers
    draws = stream(config.seed, "supply terms")
    shelf_life = np.array([each.shelf_life for each in CATEGORIES])[items.category]
    half = (suppliers + 1) // 2
    fresh = draws.integers(0, half, count)
    dry = draws.integers(min(half, suppliers - 1), suppliers, count)
    wanted = items.rate * draws.uniform(1.0, 4.0, count)
    pack = _PACKS[np.maximum(np.searchsorted(_PACKS, wanted, side="right") - 1, 0)]
    unit_cost: FloatArray = (items.base_price * draws.uniform(0.5, 0.75, count)).round(2)
    margin: FloatArray = items.base_price - unit_cost
    daily_cost = unit_cost * _CAPITAL_COST / 365
    return SupplyTerms(
        supplier=np.where(shelf_life < FRESH_SHELF_LIFE, fresh, dry),
        moq=pack * draws.choice([1, 1, 2], count),
        pack_size=pack,
        unit_cost=unit_cost,
        holding_cost=np.round(daily_cost * config.days_per_period, 6),
        stockout_cost=(margin * draws.uniform(1.0, 2.0, count)).round(2),
        shelf_life=shelf_life,
    )


def draw_lead_times(
    suppliers: Suppliers, *, days: int, delay_probability: float, draws: np.random.Generator
) -> Int64Array:
    """Draws the lead time of an order placed with each supplier on each day.

    Whole days from a gamma distribution, at least 1, at most `LONGEST_LEAD_TIME`; now and
    then a delay on top. Arrival is before the shop opens on the day of order + lead time.

    Returns:
        Days. Shape [V, days].
    """
    shape = 1 / suppliers.variation[:, None] ** 2
    size = (len(suppliers.lead_time), days)
    lead_time = draws.standard_gamma(np.broadcast_to(shape, size))
    lead_time *= suppliers.lead_time[:, None] / shape
    delayed = draws.random(size) < delay_probability
    lead_time += np.where(delayed, draws.integers(*_LATE_DAYS, size), 0)
    return np.clip(np.round(lead_time), 1, LONGEST_LEAD_TIME).astype(np.int64)
