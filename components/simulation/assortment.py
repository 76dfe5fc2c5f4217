"""The chain: categories and formats as they are, items and stores as they are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.simulation.config import SimulationConfig
from demandcast.components.simulation.randomness import stream

__all__ = [
    "CATEGORIES",
    "Category",
    "FORMATS",
    "FRESH_SHELF_LIFE",
    "INTERMITTENT",
    "Items",
    "LUMPY",
    "REGULAR",
    "StoreFormat",
    "Stores",
    "simulate_items",
    "simulate_stores",
    "weekly_profiles",
]

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]
TextArray = npt.NDArray[np.str_]

REGULAR, INTERMITTENT, LUMPY = 0, 1, 2
"""Demand patterns of items. No file tells which item has which."""


@dataclass(frozen=True)
class Category:
    """A category: how its demand answers to the time of year, the week and the weather.

    Attributes:
        name: Text of the items table.
        price: Median base price, currency units.
        shelf_life: Days that a unit can be sold.
        yearly: Amplitude of the yearly wave, log.
        peak: Day of the year on which the wave is highest.
        weekend: Further change of log demand on Saturday and Sunday.
        warmth: Change of log demand per 10 degrees Celsius.
        wetness: Change of log demand per 10 mm of rain.
        festive: Multiple of the positive holiday effects.
    """

    name: str
    price: float
    shelf_life: int
    yearly: float
    peak: int
    weekend: float
    warmth: float
    wetness: float
    festive: float


CATEGORIES = (
    Category("bakery", 2.2, 14, 0.05, 330, 0.15, -0.02, -0.04, 0.8),
    Category("beverages", 3.5, 270, 0.15, 200, 0.10, 0.14, -0.05, 1.2),
    Category("dairy", 1.8, 21, 0.05, 150, -0.05, 0.00, -0.03, 0.6),
    Category("frozen", 4.5, 300, 0.20, 200, 0.00, 0.12, -0.02, 0.7),
    Category("fruit", 2.9, 14, 0.15, 190, 0.00, 0.06, -0.06, 0.7),
    Category("household", 5.5, 720, 0.05, 90, -0.10, 0.00, -0.03, 0.3),
    Category("meat", 6.9, 16, 0.10, 180, 0.20, 0.08, -0.06, 1.2),
    Category("snacks", 2.5, 180, 0.15, 350, 0.20, -0.04, 0.02, 1.6),
)

FRESH_SHELF_LIFE = 30
"""Categories that keep for fewer days come from suppliers of fresh goods."""


@dataclass(frozen=True)
class StoreFormat:
    """A kind of store.

    Attributes:
        name: Text of the stores table.
        share: Probability that a store is of this kind.
        size: Multiple of the demand of a median store.
        price: Multiple of the base price.
        week: Log demand by weekday, Monday first, less its mean.
    """

    name: str
    share: float
    size: float
    price: float
    week: tuple[float, float, float, float, float, float, float]


FORMATS = (
    StoreFormat("convenience", 0.3, 0.5, 1.06, (0.02, 0.0, 0.02, 0.05, 0.13, -0.05, -0.17)),
    StoreFormat("hypermarket", 0.2, 2.0, 0.96, (-0.25, -0.25, -0.2, -0.08, 0.2, 0.5, 0.08)),
    StoreFormat("supermarket", 0.5, 1.0, 1.0, (-0.15, -0.18, -0.12, -0.02, 0.17, 0.35, -0.05)),
)


@dataclass(frozen=True)
class Items:
    """Items (I): what the items table shows, and what only the simulation knows.

    Attributes:
        names: Keys. Shape [I].
        category: Positions in `CATEGORIES`. Shape [I].
        brands: Texts. Shape [I].
        base_price: Price at the start in a store of factor 1, currency units. Shape [I].
        pattern: `REGULAR`, `INTERMITTENT` or `LUMPY`. Shape [I].
        rate: Mean daily demand in a median store, units. Shape [I].
        lump: Mean units per sale of a lumpy item, 1 for others. Shape [I].
        dispersion: a in variance = mean + a mean^2. Shape [I].
        elasticity: Change of log demand per change of log price. Shape [I].
        growth: Change of log demand per year. Shape [I].
        launch: First day, counted from the first of the simulation. Shape [I].
        end: Day after the last; beyond all days if it stays. Shape [I].
    """

    names: TextArray
    category: Int64Array
    brands: TextArray
    base_price: FloatArray
    pattern: Int64Array
    rate: FloatArray
    lump: FloatArray
    dispersion: FloatArray
    elasticity: FloatArray
    growth: FloatArray
    launch: Int64Array
    end: Int64Array


@dataclass(frozen=True)
class Stores:
    """Stores (S): what the stores table shows, and what only the simulation knows.

    Attributes:
        names: Keys. Shape [S].
        region: Numbers of the regions. Shape [S].
        format: Positions in `FORMATS`. Shape [S].
        size: Multiple of the demand of a median store. Shape [S].
        growth: Change of log demand per year. Shape [S].
    """

    names: TextArray
    region: Int64Array
    format: Int64Array
    size: FloatArray
    growth: FloatArray


def simulate_items(config: SimulationConfig) -> Items:
    """Draws the items."""
    draws = stream(config.seed, "items")
    count, effects = config.items, config.effects
    category = draws.permutation(np.arange(count) % len(CATEGORIES))
    brand = draws.integers(0, 4, count)
    price = np.array([each.price for each in CATEGORIES])[category]
    price = np.maximum(np.round(price * draws.lognormal(0.0, 0.35, count) * 20) / 20, 0.2)
    pattern = _patterns(config, draws)
    rate = np.select(
        [pattern == REGULAR, pattern == INTERMITTENT],
        [effects.mean_demand * draws.lognormal(0.0, 0.7, count), draws.uniform(0.08, 0.4, count)],
        draws.uniform(0.1, 0.3, count),
    )
    lump = np.where(pattern == LUMPY, draws.uniform(4.0, 12.0, count), 1.0)
    dispersion = effects.dispersion * draws.lognormal(0.0, 0.7, count)
    launch, end = _lifetimes(config, draws)
    return Items(
        names=_names("item", count),
        category=category,
        brands=np.array([f"brand_{'ABCD'[each]}" for each in brand]),
        base_price=price,
        pattern=pattern,
        rate=rate * lump,
        lump=lump,
        dispersion=np.where(pattern == REGULAR, dispersion, 0.0),
        elasticity=np.minimum(
            effects.price_elasticity + effects.price_elasticity_spread * draws.normal(size=count),
            0.0,
        ),
        growth=effects.trend_spread * draws.normal(size=count),
        launch=launch,
        end=end,
    )


def simulate_stores(config: SimulationConfig) -> Stores:
    """Draws the stores; a store does not depend on how many there are."""
    count, seed = config.stores, config.seed
    edges = np.cumsum([each.share for each in FORMATS])[:-1]
    kind = np.searchsorted(edges, stream(seed, "store formats").random(count), side="right")
    size = np.array([each.size for each in FORMATS])[kind]
    return Stores(
        names=_names("store", count),
        region=np.arange(count) % config.regions,
        format=kind,
        size=size * stream(seed, "store sizes").lognormal(0.0, 0.25, count),
        growth=0.5 * config.effects.trend_spread * stream(seed, "store growth").normal(size=count),
    )


def weekly_profiles() -> FloatArray:
    """Returns log demand by format, category and weekday, Monday first, mean 0. Shape [F, K, 7]."""
    week = np.array([each.week for each in FORMATS])
    weekend = np.array([each.weekend for each in CATEGORIES])
    profiles = week[:, None, :] + weekend[None, :, None] * (np.arange(7) >= 5)
    return np.asarray(profiles - profiles.mean(axis=-1, keepdims=True))


def _patterns(config: SimulationConfig, draws: np.random.Generator) -> Int64Array:
    """Gives the configured shares of items their patterns, at random."""
    intermittent, lumpy = _counts(config.items, config.intermittent_share, config.lumpy_share)
    pattern = np.full(config.items, REGULAR, dtype=np.int64)
    pattern[:intermittent] = INTERMITTENT
    pattern[intermittent : intermittent + lumpy] = LUMPY
    return draws.permutation(pattern)


def _lifetimes(config: SimulationConfig, draws: np.random.Generator) -> tuple[Int64Array, ...]:
    """Draws first day and day after the last of each item, both at the edge of a period.

    New items start in the last third, discontinued ones end in the second half;
    each lives for at least one period.
    """
    count, periods = config.items, config.periods
    new, gone = _counts(count, config.new_share, config.discontinued_share)
    order = draws.permutation(count)
    launch = np.zeros(count, dtype=np.int64)
    end = np.full(count, np.iinfo(np.int32).max, dtype=np.int64)
    launch[order[:new]] = draws.integers(2 * periods // 3, periods, new)
    latest = max(periods - 1, 1)
    gone_items = order[new : new + gone]
    end[gone_items] = draws.integers(min(periods // 2 + 1, latest), latest + 1, gone)
    days = config.days_per_period
    return launch * days, end * days


def _counts(total: int, first: float, second: float) -> tuple[int, int]:
    """Turns two shares that add up to at most 1 into whole counts that fit."""
    first_count = round(first * total)
    return first_count, min(round(second * total), total - first_count)


def _names(prefix: str, count: int) -> TextArray:
    """Numbers names so that their order as text is the order of the numbers."""
    width = max(3, len(str(count)))
    return np.array([f"{prefix}_{number:0{width}d}" for number in range(1, count + 1)])
