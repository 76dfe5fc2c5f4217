"""Shadow prices: what one more unit of each limit would bring, and the bound that they prove.

    bound(prices) = sum_i max_n (value_i(n) - n u_i) + sum prices x supply,   u_i = price of a pack

No choice that keeps the limits is worth more, at any prices of at least 0 (weak duality).
"""

from __future__ import annotations

import numpy as np

from demandcast.components.replenishment.budget_problem import PackLimit, PackProblem
from demandcast.components.replenishment.line_inputs import FloatArray, IntArray
from demandcast.components.replenishment.thresholds import lowest_thresholds

__all__ = ["ShadowPrices", "bound_of", "kept_packs", "pack_prices", "shadow_prices"]

ShadowPrices = tuple[FloatArray, ...]
"""Currency per unit of each limit, and of each of its groups. Shapes [G]."""

_MOST_SWEEPS = 30
"""How often the prices of all limits are set in turn, at most."""
_SETTLED = 1e-6
"""Share of the bound below which a sweep that lowers it was the last."""
_EXACT_STEPS = 64
"""Halvings that find the very price; enough for one limit, whose price is set once."""
_TURN_STEPS = 32
"""Halvings while limits take turns: a price to about 6 digits, which the next turn moves anyway."""


def shadow_prices(problem: PackProblem) -> ShadowPrices:
    """Finds prices at which what the lines take keeps the limits, with a low bound.

    The prices of one limit's groups are exact, given those of the others. With one limit they
    are the best; with several, limits take turns until the bound no longer falls, which may be
    above the lowest.

    Args:
        problem: Lines and limits.

    Returns:
        Prices, at least 0; 0 where a limit does not bind.

    Source:
        Everett (1963), Generalized Lagrange Multiplier Method for Solving Problems of Optimum
        Allocation of Resources, Operations Research 11(3), 399-417.
    """
    prices = best = tuple(np.zeros(limit.supply.size) for limit in problem.limits)
    lowest = bound_of(problem, prices)
    for _ in range(_MOST_SWEEPS):
        for turn in range(len(prices)):
            floor = np.zeros(prices[turn].size)
            prices = _with(prices, turn, _price_in_turn(problem, prices, turn, floor=floor))
        bound = bound_of(problem, prices)
        settled = bound > lowest - _SETTLED * abs(lowest)
        if bound < lowest:
            lowest, best = bound, prices
        if settled or len(prices) <= 1:
            break
    return best


def bound_of(problem: PackProblem, prices: ShadowPrices) -> float:
    """Computes the value that no choice within the limits passes, currency."""
    price = pack_prices(problem, prices)
    packs = problem.packs_at(price)
    total = problem.value(packs) - float((price * packs).sum())
    for each, limit in zip(prices, problem.limits, strict=True):
        total += float(np.sum(each * np.where(each > 0, limit.supply, 0.0)))
    return total


def pack_prices(problem: PackProblem, prices: ShadowPrices) -> FloatArray:
    """Computes what a pack of each line takes of all limits, currency. Shape [N]."""
    total = np.zeros(problem.smallest.size)
    for each, limit in zip(prices, problem.limits, strict=True):
        total = total + each[limit.group] * limit.usage
    return total


def kept_packs(problem: PackProblem, prices: ShadowPrices) -> IntArray:
    """Takes the packs that are worth their price, at prices raised until all limits are kept.

    A price that rises never makes a line take more, so one turn of each limit is enough.

    Args:
        problem: Lines and limits.
        prices: Where the prices start.

    Returns:
        A choice that keeps the limits. Shape [N].
    """
    for turn in range(len(prices)):
        prices = _with(prices, turn, _price_in_turn(problem, prices, turn, floor=prices[turn]))
    return problem.packs_at(pack_prices(problem, prices))


def _price_in_turn(
    problem: PackProblem, prices: ShadowPrices, turn: int, *, floor: FloatArray
) -> FloatArray:
    """Sets the prices of one limit as low as it allows, at least the floor. Shape [G]."""
    limit = problem.limits[turn]
    others = pack_prices(problem, _with(prices, turn, np.zeros(limit.supply.size)))

    def used_at(price: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            total = others + price[limit.group] * limit.usage
        return limit.used(problem.packs_at(total))

    # Where nothing is left to take, no price is too low.
    supply = limit.left(np.zeros_like(problem.most))
    highest = _highest(problem, limit, others)
    steps = _TURN_STEPS if len(prices) > 1 else _EXACT_STEPS
    return lowest_thresholds(used_at, supply, lowest=floor, highest=highest, steps=steps)


def _highest(problem: PackProblem, limit: PackLimit, others: FloatArray) -> FloatArray:
    """Finds the price of each group at which its best lot is no longer worth it. Shape [G]."""
    gain = problem.worth.max(axis=1, initial=0.0) - others
    using = (limit.usage > 0) & (gain > 0)
    with np.errstate(over="ignore"):
        ratio = np.divide(gain, limit.usage, out=np.zeros(gain.size), where=using)
    highest = np.zeros(limit.supply.size)
    np.maximum.at(highest, limit.group, np.minimum(ratio, np.finfo(np.float64).max / 4))
    return highest


def _with(prices: ShadowPrices, turn: int, price: FloatArray) -> ShadowPrices:
    """Replaces the prices of one limit."""
    return (*prices[:turn], price, *prices[turn + 1 :])
