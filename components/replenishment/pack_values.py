"""What one more pack is worth: the stockout it avoids, less the cost of what is left over.

    value of the k-th pack = p A - o (Q - A),   A = n(x) - n(x + Q),   x = position + (k - 1) Q

p is the stockout cost, o the overage cost, Q the pack, n(x) = E[(D - x)^+] the loss function of
demand D over the protection interval; A is the shortage that the pack avoids. Each pack avoids
no more than the one before, so values never rise: that is what makes greedy choices best.

Source: marginal analysis of the newsvendor's cost, Snyder and Shen (2019), Fundamentals of Supply
Chain Theory, 4.3; the first k whose value is not above 0 is the newsvendor's quantile in packs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import check_levels
from demandcast.components.replenishment.line_inputs import (
    FloatArray,
    IntArray,
    as_lines,
    refuse_cells,
    refuse_lines,
)
from demandcast.schema.errors import BadInputError

__all__ = [
    "PackTerms",
    "as_pack_values",
    "marginal_pack_values",
    "marginal_pack_values_of_quantiles",
    "value_of_packs",
]

_NUMBERS_AT_ONCE = 2**17
"""Samples that are worked on together: 1 MiB, so that they stay in the cache."""
_ROUNDING = 1e-9
"""Share of a line's largest value by which a value may rise, as rounding."""


@dataclass(frozen=True)
class PackTerms:
    """What a pack of lines (N) is and costs; a single number stands for all lines.

    Attributes:
        pack_size: Units per pack, above 0. Shape [N].
        stockout_cost: Currency per unit short. Shape [N].
        overage_cost: Currency per unit left at the end of the protection interval: holding cost
            times the periods until it can be used, or what it loses if it cannot. Shape [N].
    """

    pack_size: npt.ArrayLike
    stockout_cost: npt.ArrayLike
    overage_cost: npt.ArrayLike

    def values_of(self, avoided: FloatArray) -> FloatArray:
        """Turns the shortage that packs avoid, units, into their value. Shape [N, K]."""
        lines = len(avoided)
        pack = _checked_pack_size(self.pack_size, lines)
        short = as_lines("stockout_cost", self.stockout_cost, lines=lines, lowest=0)
        left = as_lines("overage_cost", self.overage_cost, lines=lines, lowest=0)
        return avoided * (short + left)[:, None] - (left * pack)[:, None]


def marginal_pack_values(
    demand_samples: npt.NDArray[np.floating[Any]],
    position: npt.ArrayLike,
    *,
    terms: PackTerms,
    packs: int,
) -> FloatArray:
    """Values each pack by sample paths of demand; memory beyond the result is bounded.

    Formula: above, with A = mean over paths of min((D - x)^+, Q).

    Args:
        demand_samples: Demand over the protection interval, units. Shape [N, P].
        position: Inventory position before the order, units; below 0: backorders. Shape [N].
        terms: What a pack is and costs.
        packs: K, most packs to value.

    Returns:
        Currency per pack, never rising along the last axis. Shape [N, K].

    Raises:
        BadInputError: A number is NaN, infinite or out of range; the message names the lines.

    >>> terms = PackTerms(pack_size=2.0, stockout_cost=10.0, overage_cost=1.0)
    >>> marginal_pack_values(np.array([[1.0, 3.0]]), 0.0, terms=terms, packs=3).tolist()
    [[14.5, 3.5, -2.0]]
    """
    samples = np.asarray(demand_samples)
    if samples.ndim != 2 or not samples.shape[1]:
        raise BadInputError(f"demand_samples: shape {list(samples.shape)}; expected [N, P], P > 0")
    lines, paths = samples.shape
    start = as_lines("position", position, lines=lines)
    pack = _checked_pack_size(terms.pack_size, lines)
    _refuse_samples(samples)
    avoided = np.empty((lines, packs))
    size = max(1, _NUMBERS_AT_ONCE // paths)
    for first in range(0, lines, size):
        rows = slice(first, first + size)
        avoided[rows] = _avoided_in_block(samples[rows], start[rows], pack[rows], packs=packs)
    return terms.values_of(avoided)


def marginal_pack_values_of_quantiles(
    quantiles: npt.ArrayLike,
    position: npt.ArrayLike,
    *,
    quantile_levels: Sequence[float],
    terms: PackTerms,
    packs: int,
) -> FloatArray:
    """Values each pack by quantiles of demand.

    Formula: above, with the quantile function linear between the levels and flat beyond the
    outer ones: demand is never below the lowest quantile or above the highest.

    Args:
        quantiles: Quantiles of demand over the protection interval, units, not falling along
            the last axis. Shape [N, Q].
        position: Inventory position before the order, units. Shape [N].
        quantile_levels: Levels of the last axis, strictly increasing in (0, 1).
        terms: What a pack is and costs.
        packs: K, most packs to value.

    Returns:
        Currency per pack, never rising along the last axis but for rounding. Shape [N, K].

    Raises:
        BadInputError: A number is NaN, infinite or out of range, or quantiles cross; the message
            names the lines.
        ValueError: A level lies outside (0, 1) or the levels do not increase.

    >>> terms = PackTerms(pack_size=2.0, stockout_cost=10.0, overage_cost=0.0)
    >>> values = marginal_pack_values_of_quantiles(
    ...     [[0.0, 4.0]], 0.0, quantile_levels=[0.25, 0.75], terms=terms, packs=3
    ... )
    >>> values.tolist()
    [[12.5, 7.5, 0.0]]
    """
    levels = check_levels(quantile_levels)
    knots = np.asarray(quantiles, dtype=np.float64)
    if knots.ndim != 2 or knots.shape[1] != levels.size:
        raise BadInputError(f"quantiles: shape {list(knots.shape)}; expected [N, {levels.size}]")
    refuse_cells("quantiles", knots, ~np.isfinite(knots), allowed="finite numbers")
    crossing = np.zeros(knots.shape, dtype=bool)
    crossing[:, 1:] = knots[:, 1:] < knots[:, :-1]
    refuse_cells("quantiles", knots, crossing, allowed="quantiles that do not cross")
    start = as_lines("position", position, lines=len(knots))
    pack = _checked_pack_size(terms.pack_size, len(knots))
    avoided = np.empty((len(knots), packs))
    before = _loss_of_quantiles(knots, levels, start)
    for number in range(packs):
        after = _loss_of_quantiles(knots, levels, start + (number + 1) * pack)
        avoided[:, number] = before - after
        before = after
    return terms.values_of(avoided)


def as_pack_values(pack_values: npt.ArrayLike) -> FloatArray:
    """Reads values of packs and refuses those of which a later pack is worth more.

    Args:
        pack_values: Currency per pack; a value may rise by rounding. Shape [N, K].

    Returns:
        A copy in which no value rises. Shape [N, K].

    Raises:
        BadInputError: The shape is another, a value is NaN or infinite, or one rises; the
            message names the first lines.
    """
    # Values of each k side by side: counting over all lines reads memory in order.
    values = np.asfortranarray(pack_values, dtype=np.float64)
    if values.ndim != 2:
        raise BadInputError(f"pack_values: shape {list(np.shape(pack_values))}; expected [N, K]")
    refuse_cells("pack_values", values, ~np.isfinite(values), allowed="finite numbers")
    falling = np.minimum.accumulate(values, axis=1, out=np.empty_like(values, order="F"))
    slack = _ROUNDING * np.abs(values).max(axis=1, initial=0.0)
    rising = values - falling > slack[:, None]
    refuse_cells("pack_values", values, rising, allowed="no more than the pack before is worth")
    return falling


def value_of_packs(pack_values: FloatArray, packs: IntArray) -> FloatArray:
    """Sums the values of the first packs of each line. Shape [N].

    >>> value_of_packs(np.array([[5.0, 3.0]] * 3), np.array([0, 1, 2])).tolist()
    [0.0, 5.0, 8.0]
    """
    taken = np.arange(pack_values.shape[1]) < packs[:, None]
    return np.asarray(np.sum(pack_values, axis=1, where=taken))


def _checked_pack_size(pack_size: npt.ArrayLike, lines: int) -> FloatArray:
    """Refuses packs of no units."""
    pack = as_lines("pack_size", pack_size, lines=lines)
    refuse_lines("pack_size", pack, pack <= 0, allowed="a number above 0")
    return pack


def _refuse_samples(samples: npt.NDArray[np.floating[Any]]) -> None:
    """Refuses samples that are no numbers, some lines at a time."""
    size = max(1, _NUMBERS_AT_ONCE // samples.shape[1])
    finite = np.ones(len(samples), dtype=bool)
    for first in range(0, len(samples), size):
        finite[first : first + size] = np.isfinite(samples[first : first + size]).all(axis=1)
    if not finite.all():
        line = samples[np.argmin(finite)]
        wrong = line[~np.isfinite(line)][:1].repeat(finite.size)
        refuse_lines("demand_samples", wrong, ~finite, allowed="finite numbers")


def _avoided_in_block(
    samples: npt.NDArray[np.floating[Any]], position: FloatArray, pack: FloatArray, *, packs: int
) -> FloatArray:
    """Averages the shortage that each pack avoids. Shape [N, K]."""
    avoided = np.empty((len(samples), packs))
    short = np.empty(samples.shape)
    for number in range(packs):
        np.subtract(samples, (position + number * pack)[:, None], out=short)
        np.maximum(short, 0.0, out=short)
        np.minimum(short, pack[:, None], out=short)
        avoided[:, number] = short.mean(axis=1)
    return avoided


def _loss_of_quantiles(knots: FloatArray, levels: FloatArray, level: FloatArray) -> FloatArray:
    """Computes E[(D - x)^+] of piecewise uniform demand at one level x per line. Shape [N]."""
    loss = levels[0] * np.maximum(knots[:, 0] - level, 0.0)
    loss = loss + (1 - levels[-1]) * np.maximum(knots[:, -1] - level, 0.0)
    for number in range(levels.size - 1):
        low, high = knots[:, number], knots[:, number + 1]
        width = high - low
        within = np.clip(high - level, 0.0, width)
        part = within * np.divide(within, 2 * width, out=np.zeros_like(width), where=width > 0)
        share = levels[number + 1] - levels[number]
        loss = loss + share * (np.maximum(low - level, 0.0) + part)
    return np.asarray(loss)
