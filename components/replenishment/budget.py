"""Budget: which packs to order when money, or anything else that lines share, does not go round.

    1. shadow prices of the limits: at them, what the lines take fits    (Lagrangian relaxation)
    2. what is left is filled with the next best lots that still fit     (greedy)
    3. if the bound leaves a lot open: the best single line first, then 1 and 2 for the rest
    4. few lots: the integer program

The bound of the shadow prices tells how far from the best a choice can be at most. With one limit,
steps 1 and 2 lose less than the shadow price times what one lot takes of it, as step 1 leaves less
than a lot; with step 3 a choice is never worth less than half of the best.

With several limits the prices are set in turns and not by a linear program: its bound is lower by
0.1 % for 100 lines and by less than 0.001 % from 1,000 lines, its choices are no better, and for
100,000 lines it takes minutes instead of seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.budget_exact import best_packs, count_lots
from demandcast.components.replenishment.budget_prices import (
    ShadowPrices,
    bound_of,
    kept_packs,
    pack_prices,
    shadow_prices,
)
from demandcast.components.replenishment.budget_problem import (
    PackProblem,
    SharedLimit,
    fill_up,
    pack_problem,
)
from demandcast.components.replenishment.line_inputs import BoolArray, FloatArray, IntArray
from demandcast.components.replenishment.pack_values import value_of_packs
from demandcast.components.replenishment.thresholds import packs_above

__all__ = ["EXACT_UP_TO", "PackChoice", "SharedLimit", "choose_packs"]

EXACT_UP_TO = 200
"""Lots up to which the integer program decides, if nobody says otherwise."""
_CLOSE = 0.01
"""Share of the bound that may stay open before the best single line is tried first."""


@dataclass(frozen=True)
class PackChoice:
    """Packs of lines (N) within limits (R), and what the limits cost.

    Attributes:
        packs: To order; 0, or at least the smallest order. Shape [N].
        unlimited_packs: What each line would take without limits. Shape [N].
        value: Value of the packs, currency.
        bound: Value that no choice within the limits passes, currency.
        shadow_prices: Currency that one more unit of each limit would bring, for small
            changes, by group. R arrays of shape [G].
        used: What the packs take of each limit, by group. R arrays of shape [G].
        limited_by: Which limits hold a line back, wholly (0 packs) or in part: it would take
            more, and the limit has a price for it or no room for its next lot. Shape [R, N].
    """

    packs: IntArray
    unlimited_packs: IntArray
    value: float
    bound: float
    shadow_prices: ShadowPrices
    used: tuple[FloatArray, ...]
    limited_by: BoolArray

    @property
    def gap(self) -> float:
        """Value that the best choice could have more at most, currency."""
        return max(self.bound - self.value, 0.0)


def choose_packs(
    pack_values: npt.ArrayLike,
    limits: Sequence[SharedLimit],
    *,
    smallest_packs: npt.ArrayLike = 1,
    exact_up_to: int = EXACT_UP_TO,
) -> PackChoice:
    """Chooses the packs of largest value within limits that lines share.

    Formula: maximise sum_i sum_(k <= n_i) v_ik, n_i = 0 or n_i >= smallest_i, with
    sum_(i in group) usage_i n_i <= supply for each limit and group. Packs of value 0 or less are
    ordered only as part of a smallest order that is worth it as a whole.

    Args:
        pack_values: Value of the k-th pack, currency, not rising; a line takes at most K.
            Shape [N, K].
        limits: A budget, budgets of suppliers, volumes of stores ...; none: all that is worth it.
        smallest_packs: The MOQ in packs. Shape [N] or [].
        exact_up_to: Lots of positive value up to which the integer program decides; 0: never.

    Returns:
        A choice that keeps every limit, to 1e-12 of it, and to which no lot can be added.

    Raises:
        BadInputError: A number is NaN or out of range, or values rise; the message names the
            limit and the lines.

    Source:
        Everett (1963), Operations Research 11(3), 399-417; greedy filling and its bound as for
        the knapsack: Martello and Toth (1990), Knapsack Problems, 2.4.

    >>> budget = SharedLimit("budget", usage_per_pack=[10.0, 20.0], supply=50.0)
    >>> choice = choose_packs([[8.0, 6.0, 1.0], [9.0, 7.0, 0.0]], [budget])
    >>> choice.packs.tolist(), choice.value, choice.limited_by.tolist()
    ([3, 1], 24.0, [[False, True]])
    """
    problem = pack_problem(pack_values, limits, smallest_packs=smallest_packs)
    prices = shadow_prices(problem)
    packs = _filled(problem, prices)
    bound = bound_of(problem, prices)
    if bound - problem.value(packs) > _CLOSE * bound:
        packs = _better(problem, packs, _best_line_first(problem))
    if count_lots(problem) <= exact_up_to:
        exact = best_packs(problem)
        if exact is not None:
            packs = _better(problem, packs, fill_up(problem, exact, pack_prices(problem, prices)))
    return _choice(problem, packs, prices, bound=bound)


def _filled(problem: PackProblem, prices: ShadowPrices) -> IntArray:
    """Takes what is worth its price and fills the rest. Shape [N]."""
    return fill_up(problem, kept_packs(problem, prices), pack_prices(problem, prices))


def _better(problem: PackProblem, packs: IntArray, other: IntArray) -> IntArray:
    """Returns the choice of larger value; the first if equal."""
    return other if problem.value(other) > problem.value(packs) else packs


def _best_line_first(problem: PackProblem) -> IntArray:
    """Gives the line that is worth most alone all that fits, and the others the rest. Shape [N]."""
    alone = problem.packs_at(np.zeros(problem.most.size))
    packs = np.zeros_like(alone)
    line = value_of_packs(problem.worth, alone).argmax()
    packs[line] = alone[line]
    limits = tuple(
        replace(limit, supply=np.maximum(limit.supply - limit.used(packs), 0.0))
        for limit in problem.limits
    )
    others = problem.most.copy()
    others[line] = 0
    rest = replace(problem, most=others, limits=limits)
    return packs + _filled(rest, shadow_prices(rest))


def _choice(
    problem: PackProblem, packs: IntArray, prices: ShadowPrices, *, bound: float
) -> PackChoice:
    """Says what the limits held back."""
    unlimited = packs_above(problem.worth, np.zeros(packs.size))
    more = packs < unlimited
    lots = problem.lots_after(packs)
    limited = np.zeros((len(problem.limits), packs.size), dtype=bool)
    for row, (limit, price) in enumerate(zip(problem.limits, prices, strict=True)):
        priced = (price[limit.group] > 0) & (limit.usage > 0)
        full = limit.fitting(limit.left(packs), np.arange(packs.size)) < lots
        limited[row] = more & (priced | full)
    return PackChoice(
        packs=packs,
        unlimited_packs=unlimited,
        value=problem.value(packs),
        bound=bound,
        shadow_prices=prices,
        used=tuple(limit.used(packs) for limit in problem.limits),
        limited_by=limited,
    )
