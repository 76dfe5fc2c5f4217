"""Demand: its mean from everything that acts on it, and draws around that mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.simulation.assortment import (
    CATEGORIES,
    INTERMITTENT,
    Items,
    weekly_profiles,
)
from demandcast.components.simulation.calendar import Calendar, weekday_of
from demandcast.components.simulation.config import EffectsConfig, PromotionsConfig
from demandcast.components.simulation.plans import PROMOTIONS, StorePlan
from demandcast.components.simulation.weather import MEAN_TEMPERATURE, year_angle

__all__ = [
    "LUMP_SHAPE",
    "LevelParts",
    "StoreTraits",
    "cannibalise",
    "category_effects",
    "continue_wander",
    "draw_demand",
    "draw_footfall",
    "expected_demand",
    "promotion_uplift",
    "simulate_levels",
    "weather_changes",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

LUMP_SHAPE = 0.7
"""Shape of the gamma distribution behind the size of a lump; smaller is more varied."""

_LEVEL_PERSISTENCE = 0.95  # of the wandering level from week to week
_LAUNCH_DIP, _LAUNCH_DAYS = 0.7, 21.0  # A new item starts at 30 % and closes in.
_MOST_TAKEN = 0.5  # Promoted items never take a larger share of the others' demand.
_LEAST_DISPERSION = 1e-6  # Below, gamma noise cannot be told from none.
_DAYS_PER_YEAR = 365.2425


@dataclass(frozen=True)
class StoreTraits:
    """A store as its demand feels it.

    Attributes:
        format: Position in `FORMATS`.
        size: Multiple of the demand of a median store.
        growth: Change of log demand per year.
        temperature: Degrees Celsius. Shape [D].
        rain: Sum of the day, mm. Shape [D].
    """

    format: int
    size: float
    growth: float
    temperature: FloatArray
    rain: FloatArray


def category_effects(store: StoreTraits, calendar: Calendar, effects: EffectsConfig) -> FloatArray:
    """Adds up what acts on all items of a category alike: week, year, holidays, weather.

    Returns:
        Change of log demand. Shape [K, D], K categories.
    """
    yearly = np.array([each.yearly for each in CATEGORIES])[:, None]
    peak = np.array([each.peak for each in CATEGORIES])[:, None] * 2 * np.pi / _DAYS_PER_YEAR
    festive = np.array([each.festive for each in CATEGORIES])[:, None]
    week = weekly_profiles()[store.format][:, weekday_of(calendar.days)]
    year = yearly * np.cos(year_angle(calendar.days) - peak)
    holiday = festive * calendar.gain + calendar.loss
    weather = _weather_effects(store.temperature - MEAN_TEMPERATURE, store.rain)
    return np.asarray(
        effects.weekly * week
        + effects.yearly * year
        + effects.holiday * holiday
        + effects.weather * weather
    )


def weather_changes(
    store: StoreTraits, *, days: slice, temperature: FloatArray, rain: FloatArray, strength: float
) -> FloatArray:
    """Computes what other weather than that of the store would change.

    Args:
        store: With the weather that `category_effects` has.
        days: Some of its days (D).
        temperature: Other temperatures, degrees Celsius. Shape [D, P].
        rain: Other sums of the day, mm. Shape [D, P].
        strength: Multiple of the weather effects.

    Returns:
        Change of log demand. Shape [K, D, P], K categories.
    """
    warmer = temperature - store.temperature[days, None]
    return strength * _weather_effects(warmer, rain - store.rain[days, None])


def _weather_effects(warmer: FloatArray, rain: FloatArray) -> FloatArray:
    """Computes changes of log demand by degrees and mm. Shapes [...] to [K, ...]."""
    warmth = np.array([each.warmth for each in CATEGORIES])
    wetness = np.array([each.wetness for each in CATEGORIES])
    return np.asarray(
        np.multiply.outer(warmth, warmer) / 10 + np.multiply.outer(wetness, rain) / 10
    )


@dataclass(frozen=True)
class LevelParts:
    """What the level around which each item of a store sells is made of, log of units per day.

    Attributes:
        steady: Rate, size and growth. Shape [I, D].
        wander: The level that wanders from week to week. Shape [I, W].
        footfall: Of the day, the same for all items. Shape [D].
        start: Slow start of a new item; minus infinity while the item is not sold. Shape [I, D].
    """

    steady: FloatArray
    wander: FloatArray
    footfall: FloatArray
    start: FloatArray

    def level(self, weeks: Int64Array) -> FloatArray:
        """Adds them up.

        Args:
            weeks: Week of each day. Shape [D].

        Returns:
            Log of units per day; minus infinity while the item is not sold. Shape [I, D].
        """
        return np.asarray(self.steady + self.wander[:, weeks] + self.footfall + self.start)


def simulate_levels(
    items: Items,
    store: StoreTraits,
    *,
    spread: float,
    weeks: Int64Array,
    draws: np.random.Generator,
) -> LevelParts:
    """Draws the level around which each item of a store sells.

    It holds rate, size, growth, a level that wanders from week to week, the footfall
    of the day, and the slow start of a new item.

    Args:
        items: Items of the chain.
        store: The store.
        spread: Standard deviation of the wandering level, log.
        weeks: Week of each day. Shape [D].
        draws: The store's stream.
    """
    size = np.where(items.pattern == INTERMITTENT, np.sqrt(store.size), store.size)
    day = np.arange(len(weeks))
    growth = (items.growth + store.growth)[:, None] * day / _DAYS_PER_YEAR
    wander = _wander(draws.normal(0.0, spread, (len(items.rate), weeks[-1] + 1)))
    footfall = draw_footfall(spread, len(weeks), draws=draws)
    age = day - items.launch[:, None]
    starts_late = (items.launch > 0)[:, None]
    dip = np.where(starts_late, _LAUNCH_DIP * np.exp(-np.maximum(age, 0) / _LAUNCH_DAYS), 0.0)
    sold = (age >= 0) & (day < items.end[:, None])
    return LevelParts(
        steady=np.log(items.rate * size)[:, None] + growth,
        wander=wander,
        footfall=footfall,
        start=np.where(sold, np.log1p(-dip), -np.inf),
    )


def draw_footfall(
    spread: float, shape: int | tuple[int, ...], *, draws: np.random.Generator
) -> FloatArray:
    """Draws the footfall of days, log; what one day has tells nothing of the next.

    Args:
        spread: Standard deviation of the wandering level, log; that of footfall is a third.
        shape: Of the result.
        draws: Source of chance.
    """
    return np.asarray(draws.normal(0.0, spread / 3, shape))


def continue_wander(
    state: FloatArray, *, spread: float, weeks: int, paths: int, draws: np.random.Generator
) -> FloatArray:
    """Draws how the wandering level goes on from a week in which it is known.

    Formula: x(w + 1) = a x(w) + sqrt(1 - a^2) e, a the persistence, e normal with the spread.

    Args:
        state: The level in the known week, log. Shape [I].
        spread: Standard deviation of the wandering level in the long run, log.
        weeks: Weeks that follow (V).
        paths: Number of paths (P).
        draws: Source of chance.

    Returns:
        The known week first, then those that follow. Shape [I, 1 + V, P].
    """
    path = draws.normal(0.0, spread, (len(state), 1 + weeks, paths))
    path[:, 0] = state[:, None]
    return _wander(path)


def promotion_uplift(
    plan: StorePlan, elasticity: FloatArray, promotions: PromotionsConfig
) -> FloatArray:
    """Multiplies the lift of a promotion with the effect of its price.

    Formula: lift of the kind x (price / regular price) ^ elasticity; 1 without promotion.

    Returns:
        Multiple of the demand without promotion. Shape [I, D].
    """
    lifts = {
        "none": 1.0,
        "discount": promotions.discount_lift,
        "display": promotions.display_lift,
        "flyer": promotions.flyer_lift,
    }
    lift = np.array([lifts[kind] for kind in PROMOTIONS])[plan.promotion]
    return np.asarray(lift * (plan.price / plan.regular) ** elasticity[:, None])


def cannibalise(
    quiet: FloatArray,
    uplift: FloatArray,
    *,
    promoted: BoolArray,
    category: Int64Array,
    share: float,
) -> FloatArray:
    """Lifts promoted items and takes a share of the extra volume from the rest of the category.

    Items without promotion lose in proportion to their demand, at most half of it.

    Args:
        quiet: Mean demand without promotions, units per day. Shape [I, D, ...].
        uplift: Multiple of it by the item's own promotion. Shape [I, D, ...], or what
            broadcasts to it.
        promoted: Whether the item is promoted. Shape as of uplift.
        category: Category of each item. Shape [I].
        share: Share of the extra volume that comes from the others.

    >>> cannibalise(  # 0.5 x (20 - 10) = 5 units of 20 are taken from the other item
    ...     np.array([[10.0], [20.0]]), np.array([[2.0], [1.0]]), share=0.5,
    ...     promoted=np.array([[True], [False]]), category=np.array([0, 0])).tolist()
    [[20.0], [15.0]]
    """
    lifted = quiet * uplift
    extra = np.where(promoted, np.maximum(lifted - quiet, 0.0), 0.0)
    rest = np.where(promoted, 0.0, quiet)
    for each in np.unique(category):
        members = category == each
        taken = share * extra[members].sum(axis=0)
        available = rest[members].sum(axis=0)
        loss = np.minimum(taken / np.maximum(available, 1e-12), _MOST_TAKEN)
        lifted[members] -= rest[members] * loss
    return lifted


def expected_demand(
    items: Items,
    plan: StorePlan,
    *,
    common: FloatArray,
    level: FloatArray,
    promotions: PromotionsConfig,
) -> FloatArray:
    """Puts all effects together.

    Args:
        items: Items of the chain.
        plan: Prices and promotions of the store.
        common: Effects by category, log. Shape [K, D].
        level: Level of each item, log; minus infinity while it is not sold. Shape [I, D], or
            [I, D, P] on each of P paths.
        promotions: Strength of the promotions.

    Returns:
        Mean demand, units per day; 0 while the item is not sold. Shape as of the level.
    """
    elasticity = items.elasticity[:, None]
    price_effect = elasticity * np.log(plan.regular / plan.reference[:, None])
    # Levels may differ by path, what is planned does not.
    same = (*plan.promotion.shape, *[1] * (level.ndim - 2))
    quiet = np.exp(level + common[items.category].reshape(same) + price_effect.reshape(same))
    return cannibalise(
        quiet,
        promotion_uplift(plan, items.elasticity, promotions).reshape(same),
        promoted=(plan.promotion > 0).reshape(same),
        category=items.category,
        share=promotions.cannibalisation,
    )


def draw_demand(mean: FloatArray, items: Items, draws: np.random.Generator) -> Int64Array:
    """Draws demand around its mean; the mean is exact for every pattern.

    Regular items: negative binomial, as Poisson with a gamma-distributed mean, so that
    variance = mean + dispersion x mean^2. Intermittent items: Poisson at a low rate.
    Lumpy items: a Poisson number of sales, each of one unit and more, gamma-Poisson.

    Args:
        mean: Units per day. Shape [I, D].
        items: Items, for dispersion and lump.
        draws: The store's stream.

    Returns:
        Whole units. Shape [I, D].
    """
    shape = 1 / np.maximum(items.dispersion, _LEAST_DISPERSION)[:, None]
    noise = draws.standard_gamma(np.broadcast_to(shape, mean.shape)) / shape
    demand = draws.poisson(mean / items.lump[:, None] * noise)
    lumpy = items.lump > 1
    sales = demand[lumpy]
    per_sale = (items.lump[lumpy] - 1)[:, None] / LUMP_SHAPE
    demand[lumpy] += draws.poisson(draws.standard_gamma(LUMP_SHAPE * sales) * per_sale)
    return np.asarray(demand, dtype=np.int64)


def _wander(normal: FloatArray) -> FloatArray:
    """Turns white noise into a stationary first-order autoregression. Shape [I, W, ...].

    The first week stays as it is.
    """
    innovation = np.sqrt(1 - _LEVEL_PERSISTENCE**2)
    for week in range(1, normal.shape[1]):
        normal[:, week] = _LEVEL_PERSISTENCE * normal[:, week - 1] + innovation * normal[:, week]
    return normal
