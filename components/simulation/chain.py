"""The simulation put together: the chain once, then its stores one by one, then their stock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.simulation.assortment import (
    FORMATS,
    Items,
    Stores,
    simulate_items,
    simulate_stores,
)
from demandcast.components.simulation.calendar import Calendar, simulate_calendar
from demandcast.components.simulation.config import SimulationConfig
from demandcast.components.simulation.demand import (
    LUMP_SHAPE,
    LevelParts,
    StoreTraits,
    category_effects,
    draw_demand,
    expected_demand,
    simulate_levels,
)
from demandcast.components.simulation.inventory import (
    InventoryPath,
    InventoryPlan,
    base_stock_levels,
    in_stock_fractions,
    simulate_inventory,
)
from demandcast.components.simulation.plans import (
    Campaigns,
    ChainPrices,
    StorePlan,
    simulate_campaigns,
    simulate_regular_prices,
    simulate_store_plan,
    week_numbers,
)
from demandcast.components.simulation.randomness import stream
from demandcast.components.simulation.supply import (
    Suppliers,
    SupplyTerms,
    draw_lead_times,
    simulate_suppliers,
    simulate_supply_terms,
)
from demandcast.components.simulation.weather import Weather, simulate_weather
from demandcast.schema.periods import date_of, days_of, periods_of

__all__ = [
    "Chain",
    "StoreConditions",
    "StoreDays",
    "StoreStock",
    "first_day",
    "simulate_chain",
    "simulate_conditions",
    "simulate_stock",
    "simulate_store",
]

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

_PLANNED_DAYS = 60  # Orders near the end look this far beyond the last plan that is written.


@dataclass(frozen=True)
class Chain:
    """What all stores share.

    D days: history (T of them), horizon, and some more for the planner.
    """

    config: SimulationConfig
    items: Items
    stores: Stores
    calendar: Calendar
    weeks: Int64Array
    weather: Weather
    campaigns: Campaigns
    prices: ChainPrices
    suppliers: Suppliers
    terms: SupplyTerms

    @property
    def history_days(self) -> int:
        """T: days with sales."""
        return self.config.periods * self.config.days_per_period


@dataclass(frozen=True)
class StoreConditions:
    """What demand in a store depends on, for all days.

    Attributes:
        plan: Prices and promotions. Shape [I, D].
        common: Week, year, holidays and weather by category, log. Shape [K, D].
        parts: What the level of each item is made of.
        traits: The store, with its weather.
        region: Its region.
    """

    plan: StorePlan
    common: FloatArray
    parts: LevelParts
    traits: StoreTraits
    region: int


@dataclass(frozen=True)
class StoreDays:
    """A store before its stock: plan and demand by item and day.

    Attributes:
        plan: Prices and promotions. Shape [I, D].
        mean: Mean demand, units per day. Shape [I, D].
        demand: Demand, units. Shape [I, T].
    """

    plan: StorePlan
    mean: FloatArray
    demand: Int64Array


@dataclass(frozen=True)
class StoreStock:
    """The stock of some stores, their items in order of store and item (N series).

    Attributes:
        path: Sales, stock and orders. Shape [T, N].
        lead_time: Days that an order of the evening takes. Shape [T, N].
        in_stock_fraction: Share of the day in stock. Shape [T, N].
    """

    path: InventoryPath
    lead_time: Int64Array
    in_stock_fraction: FloatArray


def first_day(config: SimulationConfig) -> int:
    """Returns the first day of the first period, days since 1970-01-01."""
    start = np.array([(config.start - date_of(0)).days])
    # The period after that of the day before is the first that starts on the day or later.
    return int(days_of(periods_of(start - 1, config.frequency) + 1, config.frequency)[0])


def simulate_chain(config: SimulationConfig) -> Chain:
    """Draws everything that stores share."""
    length = (config.periods + config.horizon) * config.days_per_period + _PLANNED_DAYS
    calendar = simulate_calendar(first_day(config), length)
    weeks = week_numbers(calendar.days)
    count = int(weeks[-1]) + 1
    items = simulate_items(config)
    return Chain(
        config=config,
        items=items,
        stores=simulate_stores(config),
        calendar=calendar,
        weeks=weeks,
        weather=simulate_weather(calendar.days, regions=config.regions, seed=config.seed),
        campaigns=simulate_campaigns(
            config.promotions, items=config.items, weeks=count, seed=config.seed
        ),
        prices=simulate_regular_prices(items.base_price, weeks=count, seed=config.seed),
        suppliers=simulate_suppliers(config),
        terms=simulate_supply_terms(config, items),
    )


def simulate_conditions(chain: Chain, store: int) -> StoreConditions:
    """Draws what demand in one store depends on from the store's own streams."""
    config, stores = chain.config, chain.stores
    region = stores.region[store]
    traits = StoreTraits(
        format=int(stores.format[store]),
        size=float(stores.size[store]),
        growth=float(stores.growth[store]),
        temperature=chain.weather.temperature[region],
        rain=chain.weather.rain[region],
    )
    plan = simulate_store_plan(
        chain.campaigns,
        chain.prices,
        store_share=config.promotions.store_share,
        price_factor=FORMATS[traits.format].price,
        weeks=chain.weeks,
        draws=stream(config.seed, "store plan", store),
    )
    parts = simulate_levels(
        chain.items,
        traits,
        spread=config.effects.level_spread,
        weeks=chain.weeks,
        draws=stream(config.seed, "level", store),
    )
    common = category_effects(traits, chain.calendar, config.effects)
    return StoreConditions(plan, common, parts, traits, int(region))


def simulate_store(chain: Chain, store: int) -> StoreDays:
    """Draws plan and demand of one store from the store's own streams."""
    config, items = chain.config, chain.items
    conditions = simulate_conditions(chain, store)
    mean = expected_demand(
        items,
        conditions.plan,
        common=conditions.common,
        level=conditions.parts.level(chain.weeks),
        promotions=config.promotions,
    )
    demand = draw_demand(mean[:, : chain.history_days], items, stream(config.seed, "demand", store))
    return StoreDays(plan=conditions.plan, mean=mean, demand=demand)


def simulate_stock(chain: Chain, stores: Sequence[int], days: Sequence[StoreDays]) -> StoreStock:
    """Runs the stock of some stores side by side; each keeps its own streams."""
    plans = [_inventory_plan(chain, store, each) for store, each in zip(stores, days, strict=True)]
    plan = InventoryPlan.side_by_side(plans)
    demand = np.concatenate([each.demand.T for each in days], axis=1)
    path = simulate_inventory(demand, plan)
    fractions, width = [], chain.config.items
    for position, store in enumerate(stores):
        part = slice(position * width, (position + 1) * width)
        draws = stream(chain.config.seed, "time of sale", store)
        fractions.append(
            in_stock_fractions(demand[:, part], path.sales[:, part], path.on_hand[:, part], draws)
        )
    return StoreStock(path, plan.lead_time, np.concatenate(fractions, axis=1))


def _inventory_plan(chain: Chain, store: int, days: StoreDays) -> InventoryPlan:
    """Sets the levels of a store and draws its deliveries."""
    config, items, terms, suppliers = chain.config, chain.items, chain.terms, chain.suppliers
    supply, length = config.supply, chain.history_days
    draws = stream(config.seed, "deliveries", store)
    lead_time = draw_lead_times(
        suppliers, days=length, delay_probability=supply.delay_probability, draws=draws
    )
    interval = suppliers.review_period + np.ceil(suppliers.lead_time).astype(np.int64)
    interval = interval[terms.supplier]
    evenings = _order_evenings(chain, interval=interval, draws=draws)
    weeks = chain.weeks[-1] + 1
    error = np.exp(draws.normal(0.0, supply.forecast_error, (config.items, weeks)))
    level = base_stock_levels(
        days.mean,
        protection_interval=interval,
        variance_ratio=_variance_ratios(items),
        error=error[:, chain.weeks],
        safety_factor=supply.safety_factor,
    )
    opening_day = np.minimum(items.launch, length - 1)
    every = np.arange(config.items)
    opening = level[every, opening_day] + days.mean[every, opening_day]
    packs = np.ceil(np.maximum(opening, 1) / terms.pack_size).astype(np.int64)
    return InventoryPlan(
        base_stock_level=level[:, :length].T,
        reviewed=evenings.T,
        lead_time=lead_time[terms.supplier].T,
        pack_size=terms.pack_size,
        moq=terms.moq,
        opening_day=opening_day,
        opening_stock=packs * terms.pack_size,
    )


def _order_evenings(
    chain: Chain, *, interval: Int64Array, draws: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Tells on which evenings a store may order an item. Shape [I, T].

    These are the review days of its supplier, from its launch until what is ordered
    would come too late to be sold.
    """
    items, day = chain.items, np.arange(chain.history_days)
    review = chain.suppliers.review_period
    offset = draws.integers(0, review)
    reviewed = (day + offset[:, None]) % review[:, None] == 0
    sold = (day >= items.launch[:, None]) & (day < (items.end - interval)[:, None])
    return np.asarray(reviewed[chain.terms.supplier] & sold)


def _variance_ratios(items: Items) -> FloatArray:
    """Returns about variance over mean of the demand of some days: what a planner would see."""
    size_variance = (items.lump - 1) + (items.lump - 1) ** 2 / LUMP_SHAPE
    lumps = items.lump + size_variance / items.lump
    return np.asarray(lumps + items.dispersion * items.rate)
