"""The plan of a chain: regular prices, campaigns, and what each store makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.simulation.config import PromotionsConfig
from demandcast.components.simulation.randomness import stream

__all__ = [
    "Campaigns",
    "ChainPrices",
    "PROMOTIONS",
    "StorePlan",
    "category_pressure",
    "simulate_campaigns",
    "simulate_regular_prices",
    "simulate_store_plan",
    "week_numbers",
]

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

PROMOTIONS = ("none", "discount", "display", "flyer")
"""Kinds of promotion; a plan holds their positions."""

_KIND_SHARES = (0.0, 0.4, 0.3, 0.3)
_DEPTHS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4)  # of the price cuts
_MEAN_WEEKS = 1.5  # A campaign lasts one or two weeks.
_REVISION_WEEKS = 26
_REVISION = 0.05  # standard deviation of a regular price around its trend
_INFLATION = 0.02  # per year
_MONDAY_SHIFT = 3  # 1970-01-01 was a Thursday.


@dataclass(frozen=True)
class Campaigns:
    """Campaigns of the chain by item and week (W, Monday to Sunday).

    Attributes:
        kind: Positions in `PROMOTIONS`. Shape [I, W].
        depth: Price cut as a share of the regular price. Shape [I, W].
        first_week: Week in which the running campaign began. Shape [I, W].
    """

    kind: Int64Array
    depth: FloatArray
    first_week: Int64Array


@dataclass(frozen=True)
class ChainPrices:
    """Prices of the chain in a store of factor 1, currency units.

    Attributes:
        base: At the start. Shape [I].
        regular: Without promotions, by week, not rounded. Shape [I, W].
    """

    base: FloatArray
    regular: FloatArray


@dataclass(frozen=True)
class StorePlan:
    """What one store plans by item and day, also for days after the last sale.

    Attributes:
        reference: Price at which an item sells its rate, currency units. Shape [I].
        regular: Price without promotion, currency units. Shape [I, D].
        price: Price to be paid, currency units. Shape [I, D].
        promotion: Positions in `PROMOTIONS`. Shape [I, D].
    """

    reference: FloatArray
    regular: FloatArray
    price: FloatArray
    promotion: Int64Array

    def of_days(self, days: slice) -> StorePlan:
        """Returns the plan of some of the days."""
        return StorePlan(
            reference=self.reference,
            regular=self.regular[:, days],
            price=self.price[:, days],
            promotion=self.promotion[:, days],
        )


def category_pressure(
    plan: StorePlan, *, usual: FloatArray, category: Int64Array
) -> tuple[FloatArray, FloatArray]:
    """Says how much of each item's category is promoted in the store, and how deeply.

    What promoted items sell beyond the usual is taken in part from the rest of their category, so
    whoever forecasts one item wants to know of the others' promotions too.

    Args:
        plan: What the store plans.
        usual: Units that each item sells on a usual day, 0 while it is not sold. Shape [I, D].
        category: Category of each item. Shape [I].

    Returns:
        Share of the usual sales of the category that is promoted, and its mean price cut as a
        share of the regular price, weighted by them; 0 while nothing of it is sold. Each of
        shape [I, D], the same for all items of a category.

    >>> halves = StorePlan(reference=np.ones(2), regular=np.ones((2, 1)),
    ...                    price=np.array([[0.8], [1.0]]), promotion=np.array([[3], [0]]))
    >>> share, cut = category_pressure(  # 6 of 8 units are promoted, at 20 % less
    ...     halves, usual=np.array([[6.0], [2.0]]), category=np.array([0, 0]))
    >>> share[1].tolist(), cut[1].round(2).tolist()
    ([0.75], [0.15])
    """
    member = category == np.unique(category)[:, None]
    total = np.maximum(member @ usual, 1e-12)
    promoted = member @ (usual * (plan.promotion > 0)) / total
    cut = member @ (usual * (1 - plan.price / plan.regular)) / total
    place = member.argmax(axis=0)
    return np.asarray(promoted[place]), np.asarray(cut[place])


def week_numbers(days: Int64Array) -> Int64Array:
    """Numbers the weeks, Monday to Sunday, that the days lie in; the first is 0.

    >>> week_numbers(np.arange(3, 13)).tolist()  # 1970-01-05 was a Monday
    [0, 1, 1, 1, 1, 1, 1, 1, 2, 2]
    """
    weeks = (days + _MONDAY_SHIFT) // 7
    return np.asarray(weeks - weeks[0])


def simulate_campaigns(
    promotions: PromotionsConfig, *, items: int, weeks: int, seed: int
) -> Campaigns:
    """Draws campaigns: an idle item starts one at random, for one or two weeks."""
    draws = stream(seed, "campaigns")
    share = promotions.share
    # Of a renewal process: share = mean run / (mean run + mean idle time).
    start = share / (share + _MEAN_WEEKS * (1 - share))
    starts = draws.random((items, weeks)) < start
    lengths = draws.integers(1, 3, (items, weeks))
    kinds = draws.choice(len(PROMOTIONS), size=(items, weeks), p=_KIND_SHARES)
    depths = np.where(kinds == PROMOTIONS.index("display"), 0.0, draws.choice(_DEPTHS, kinds.shape))
    first_week = np.full((items, weeks), -1, dtype=np.int64)
    until = np.zeros(items, dtype=np.int64)
    current = np.full(items, -1, dtype=np.int64)
    for week in range(weeks):
        begins = (until <= week) & starts[:, week]
        current[begins] = week
        until[begins] = week + lengths[begins, week]
        first_week[:, week] = np.where(until > week, current, -1)
    runs = first_week >= 0
    first_week = np.maximum(first_week, 0)
    return Campaigns(
        kind=np.where(runs, np.take_along_axis(kinds, first_week, axis=1), 0),
        depth=np.where(runs, np.take_along_axis(depths, first_week, axis=1), 0.0),
        first_week=first_week,
    )


def simulate_regular_prices(base_price: FloatArray, *, weeks: int, seed: int) -> ChainPrices:
    """Draws regular prices by week: inflation, revised in each item's own half years.

    Args:
        base_price: Currency units. Shape [I].
        weeks: Number of weeks (W).
        seed: Seed of the simulation.
    """
    draws = stream(seed, "regular prices")
    items = len(base_price)
    phase = draws.integers(0, _REVISION_WEEKS, items)
    block = (np.arange(weeks) + phase[:, None]) // _REVISION_WEEKS
    revision = draws.normal(0.0, _REVISION, (items, weeks // _REVISION_WEEKS + 2))
    revision[:, 0] = 0.0  # It starts at the base price.
    trend = _INFLATION * block * _REVISION_WEEKS / 52
    change = trend + np.take_along_axis(revision, block, axis=1)
    return ChainPrices(base=base_price, regular=base_price[:, None] * np.exp(change))


def simulate_store_plan(
    campaigns: Campaigns,
    prices: ChainPrices,
    *,
    store_share: float,
    price_factor: float,
    weeks: Int64Array,
    draws: np.random.Generator,
) -> StorePlan:
    """Draws in which campaigns a store takes part, and lays prices over the days.

    Args:
        campaigns: Campaigns of the chain. Shape [I, W].
        prices: Prices of the chain.
        store_share: Probability of taking part.
        price_factor: Multiple of the chain's prices.
        weeks: Week of each day. Shape [D].
        draws: The store's stream.
    """
    chance = draws.random(campaigns.kind.shape)
    takes_part = np.take_along_axis(chance, campaigns.first_week, axis=1) < store_share
    promotion = np.where(takes_part, campaigns.kind, 0)
    store_regular = np.maximum(np.round(prices.regular * price_factor, 2), 0.01)
    depth = np.where(promotion > 0, campaigns.depth, 0.0)
    price = np.maximum(np.round(store_regular * (1 - depth), 2), 0.01)
    return StorePlan(
        reference=prices.base * price_factor,
        regular=store_regular[:, weeks],
        price=price[:, weeks],
        promotion=promotion[:, weeks],
    )
