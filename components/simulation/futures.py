"""Futures: what demand may become after a cutoff, for one who knows all that is known there.

    known at the cutoff    parameters, plan of prices and promotions, calendar, growth, launches
                           and ends, the wandering level of its week, the weather of the day
    drawn for each path    the weather, the wandering level of later weeks, the footfall of days,
                           demand

Nobody can know more of the demand to come, so policies are measured against it. The level at
which each item sells this week is more than a shop knows, which sees sales: that makes the
reference stronger than any forecast can be.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from demandcast.components.simulation.chain import Chain, StoreConditions
from demandcast.components.simulation.demand import (
    LevelParts,
    continue_wander,
    draw_demand,
    draw_footfall,
    expected_demand,
    weather_changes,
)
from demandcast.components.simulation.weather import continue_weather
from demandcast.schema.errors import BadInputError

__all__ = ["simulate_futures"]

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]


def simulate_futures(
    chain: Chain,
    conditions: StoreConditions,
    *,
    cutoff: int,
    horizon: int,
    paths: int,
    draws: np.random.Generator,
) -> Float32Array:
    """Draws the demand of all items of a store after a cutoff from its true distribution.

    Memory: about 50 bytes per item, day and path (40 items, 28 days, 1,000 paths: 60 MB).

    Args:
        chain: The chain.
        conditions: Of the store, from `simulate_conditions`; what they hold of the wandering
            level, of footfall and of weather after the cutoff does not matter.
        cutoff: Last known period, counted from 0.
        horizon: Periods that follow (H).
        paths: Number of paths (P).
        draws: Source of chance; same stream, same futures.

    Returns:
        Whole units per period, of weekly data sums of days; 0 while an item is not sold. Paths are
        independent; on a path items share weather and footfall of the day. Shape [H, I, P].

    Raises:
        BadInputError: There is no such cutoff, no period or path, or the plan ends before the
            horizon does.
    """
    days = _days_ahead(chain, cutoff, horizon=horizon, paths=paths)
    level = _future_levels(chain, conditions.parts, days, paths=paths, draws=draws)
    level += _other_weather(chain, conditions, days, paths=paths, draws=draws)[chain.items.category]
    mean = expected_demand(
        chain.items,
        conditions.plan.of_days(days),
        common=conditions.common[:, days],
        level=level,
        promotions=chain.config.promotions,
    )
    demand = draw_demand(mean.reshape(len(mean), -1), chain.items, draws)
    by_period = demand.reshape(len(mean), horizon, chain.config.days_per_period, paths)
    return np.ascontiguousarray(by_period.sum(axis=2).swapaxes(0, 1), dtype=np.float32)


def _days_ahead(chain: Chain, cutoff: int, *, horizon: int, paths: int) -> slice:
    """Finds the days of the horizon, and refuses what lies outside of the simulation."""
    length = chain.config.days_per_period
    planned = len(chain.weeks) // length
    if cutoff < 0 or horizon < 1 or cutoff + horizon >= planned:
        raise BadInputError(
            f"futures: got cutoff {cutoff} and horizon {horizon}; expected a cutoff of at least 0 "
            f"and a horizon of at least 1, together at most {planned - 1}, the last planned period"
        )
    if paths < 1:
        raise BadInputError(f"paths: got {paths}; expected at least 1")
    return slice((cutoff + 1) * length, (cutoff + 1 + horizon) * length)


def _future_levels(
    chain: Chain, parts: LevelParts, days: slice, *, paths: int, draws: np.random.Generator
) -> FloatArray:
    """Draws the levels of the days on each path, from the week of the cutoff. Shape [I, D, P]."""
    spread = chain.config.effects.level_spread
    known_week = int(chain.weeks[days.start - 1])
    week = chain.weeks[days] - known_week
    state = parts.wander[:, known_week]
    weeks = int(week[-1])
    wander = continue_wander(state, spread=spread, weeks=weeks, paths=paths, draws=draws)
    footfall = draw_footfall(spread, (len(week), paths), draws=draws)
    steady = parts.steady[:, days] + parts.start[:, days]
    return np.asarray(steady[:, :, None] + wander[:, week] + footfall)


def _other_weather(
    chain: Chain,
    conditions: StoreConditions,
    days: slice,
    *,
    paths: int,
    draws: np.random.Generator,
) -> FloatArray:
    """Draws what weather on each path changes, beside that which came. Shape [K, D, P]."""
    temperature, rain = continue_weather(
        chain.weather, conditions.region, days=days, paths=paths, draws=draws
    )
    return weather_changes(
        conditions.traits,
        days=days,
        temperature=temperature,
        rain=rain,
        strength=chain.config.effects.weather,
    )
