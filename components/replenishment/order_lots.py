"""Lots: from the quantity that is wanted to one that can be ordered, with the reason.

    wanted -> at least the MOQ -> whole packs -> what fits and sells in time -> price break

What lowers a line and what raises it exclude each other: whole packs that fit are fewer than
wanted, or the smallest order does not fit at all. So, for each line,

    quantity = wanted + raised_to_moq + raised_to_pack + raised_to_price_break
                      - lowered_by_capacity - lowered_by_shelf_life
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from demandcast.components.replenishment.line_inputs import (
    LARGEST,
    BoolArray,
    FloatArray,
    IntArray,
    as_lines,
    refuse_cells,
    refuse_lines,
)
from demandcast.schema.errors import BadInputError

__all__ = ["LotReason", "LotTerms", "OrderLots", "PriceBreaks", "round_to_lots", "unit_prices"]

_ROUNDING = 1e-9
"""Share of a pack, or of the quantity, that is rounding and not a quantity."""


class LotReason(enum.IntFlag):
    """What made the quantity of a line another than wanted; several may hold.

    INFEASIBLE: there is room, or time to sell, but not for the smallest order: for one pack, or
    for the MOQ although one pack would fit. Where there is none at all, the line is LOWERED to 0.
    """

    RAISED_TO_MOQ = 1
    RAISED_TO_PACK = 2
    MOQ_NOT_WHOLE_PACKS = 4
    """The MOQ counts, and is not a multiple of the pack: the next multiple takes its place."""
    RAISED_TO_PRICE_BREAK = 8
    LOWERED_BY_CAPACITY = 16
    LOWERED_BY_SHELF_LIFE = 32
    INFEASIBLE_PACK_CAPACITY = 64
    INFEASIBLE_MOQ_CAPACITY = 128
    INFEASIBLE_PACK_SHELF_LIFE = 256
    INFEASIBLE_MOQ_SHELF_LIFE = 512


@dataclass(frozen=True)
class LotTerms:
    """What lines (N) can be ordered in; a single number stands for all lines.

    Attributes:
        pack_size: Units per pack, above 0. Shape [N].
        moq: Smallest order, units; 0: none. Shape [N].
        room: Units that the storage still takes when the order arrives; infinity: no limit,
            below 0: overfull, counts as 0. Shape [N].
        sellable: Units that sell before they expire, at the probability that the caller chose;
            infinity: they do not expire, below 0 counts as 0. Shape [N].
    """

    pack_size: npt.ArrayLike = 1.0
    moq: npt.ArrayLike = 0.0
    room: npt.ArrayLike = np.inf
    sellable: npt.ArrayLike = np.inf


@dataclass(frozen=True)
class PriceBreaks:
    """All-units price breaks of lines (N): an order of a break or more has its price throughout.

    Attributes:
        unit_cost: Price below the first break, currency per unit. Shape [N].
        breakpoints: Units at which a price begins, increasing; infinity after a line's last.
            Shape [N, K].
        prices: Currency per unit from there on; not read where the break is infinite.
            Shape [N, K].
        holding_cost: Currency per unit and period, on evening stock. Shape [N].
        mean_demand: Units per period. Shape [N].
        review_period: Periods between order decisions, at least 1. Shape [N].
    """

    unit_cost: npt.ArrayLike
    breakpoints: npt.ArrayLike
    prices: npt.ArrayLike
    holding_cost: npt.ArrayLike
    mean_demand: npt.ArrayLike
    review_period: npt.ArrayLike = 1.0


@dataclass(frozen=True)
class OrderLots:
    """Quantities of lines (N) that can be ordered, and what changed them; units, shape [N].

    Attributes:
        quantity: To order: 0, or whole packs and at least the MOQ.
        reasons: Bits of `LotReason`; 0: as wanted, or nothing was wanted.
        raised_to_moq: From the wanted quantity to the MOQ as stated.
        raised_to_pack: From there to whole packs.
        raised_to_price_break: From there to the price break.
        lowered_by_capacity: From the wanted quantity to what fits.
        lowered_by_shelf_life: From there to what sells in time.
        price_break_gain: What the raise to a price break saves after holding, currency.
    """

    quantity: FloatArray
    reasons: IntArray
    raised_to_moq: FloatArray
    raised_to_pack: FloatArray
    raised_to_price_break: FloatArray
    lowered_by_capacity: FloatArray
    lowered_by_shelf_life: FloatArray
    price_break_gain: FloatArray

    def has(self, reason: LotReason) -> BoolArray:
        """Tells for which lines at least one of the reasons holds. Shape [N]."""
        return (self.reasons & int(reason)) != 0


@dataclass(frozen=True)
class _Terms:
    """Checked terms, and what follows from them. Each of shape [N]."""

    pack_size: FloatArray
    moq: FloatArray
    smallest: FloatArray
    room: FloatArray
    sellable: FloatArray


@dataclass(frozen=True)
class _Prices:
    """Checked price breaks. Shapes [N], [N, K], [N, K], [N], [N], [N]."""

    unit_cost: FloatArray
    breakpoints: FloatArray
    prices: FloatArray
    holding_cost: FloatArray
    mean_demand: FloatArray
    review_period: FloatArray


def round_to_lots(
    wanted: npt.ArrayLike, terms: LotTerms, *, price_breaks: PriceBreaks | None = None
) -> OrderLots:
    """Turns wanted quantities into quantities that can be ordered.

    Formula: r = smallest multiple of the pack with r >= max(wanted, MOQ); c = largest multiple
    of the pack that fits and sells in time, 0 if below the smallest order; q = min(r, c).
    Of the breaks b_k > q, as whole packs q_k <= c, the order is raised to the one with the
    largest gain, if that is above 0:

        gain = (price(q) - price(q_k)) q - h (q_k - q) (R + (q_k - q) / d) / 2

    The units that are wanted become cheaper; the extra units do not count as a saving: a later
    order may reach the break as well. They stay until demand d has used them up, from one
    review to the next in steps, so their mean stay is half of R plus their cover time.

    The quantity never falls when more is wanted.

    Args:
        wanted: Units; 0 or less: no order and no reason. Shape [N].
        terms: What lines can be ordered in.
        price_breaks: Prices; None: no price depends on the quantity.

    Returns:
        Quantities, and what changed them.

    Raises:
        BadInputError: A number is NaN or out of range, or breaks do not increase; the message
            names the first lines.

    Source:
        All-units discounts: Hadley and Whitin (1963), Analysis of Inventory Systems, 2-11.
        The gain of a single order under a base-stock policy is ours.

    >>> lots = round_to_lots([7.0, 30.0, 0.0], LotTerms(pack_size=12, moq=20, room=[99, 26, 99]))
    >>> lots.quantity.tolist(), lots.raised_to_moq.tolist(), lots.lowered_by_capacity.tolist()
    ([24.0, 24.0, 0.0], [13.0, 0.0, 0.0], [0.0, 6.0, 0.0])
    >>> [LotReason(reason).name for reason in lots.reasons.tolist()][1]
    'LOWERED_BY_CAPACITY'
    """
    asked = np.asarray(wanted, dtype=np.float64)
    if asked.ndim != 1:
        raise BadInputError(f"wanted: shape {list(asked.shape)}; expected one axis [N]")
    asked = as_lines("wanted", asked, lines=asked.size)
    checked = _checked_terms(terms, asked.size)
    # Less than rounding of a pack is a difference of levels and positions, not a wish.
    asked = np.where(asked > _ROUNDING * checked.pack_size, asked, 0.0)
    cap = np.minimum(_fitting(checked.room, checked), _fitting(checked.sellable, checked))
    rounded = _whole_packs(np.ceil, np.maximum(asked, checked.moq), checked.pack_size)
    base = np.where(asked > 0, np.minimum(rounded, cap), 0.0)
    raised = gain = np.zeros(asked.size)
    if price_breaks is not None:
        prices = _checked_prices(price_breaks, asked.size)
        raised, gain = _raise_to_break(base, cap, checked, prices)
    return _explained(asked, base, checked, raised=raised, gain=gain)


def unit_prices(quantity: npt.ArrayLike, price_breaks: PriceBreaks) -> FloatArray:
    """Looks up the price of an order: of the last break that the quantity reaches.

    Args:
        quantity: Units. Shape [N].
        price_breaks: Prices.

    Returns:
        Currency per unit. Shape [N].

    Raises:
        BadInputError: A number is NaN or out of range, or breaks do not increase.

    >>> breaks = PriceBreaks(5.0, [[10.0, 50.0]] * 2, [[4.0, 3.0]] * 2, 0.1, 1.0)
    >>> unit_prices([9.0, 50.0], breaks).tolist()
    [5.0, 3.0]
    """
    units = np.asarray(quantity, dtype=np.float64)
    units = as_lines("quantity", units, lines=units.size)
    return _price_at(units, _checked_prices(price_breaks, units.size))


def _checked_terms(terms: LotTerms, lines: int) -> _Terms:
    """Refuses wrong terms and works out the smallest order."""
    pack = as_lines("pack_size", terms.pack_size, lines=lines)
    refuse_lines("pack_size", pack, pack <= 0, allowed="a number above 0")
    moq = as_lines("moq", terms.moq, lines=lines, lowest=0)
    room = as_lines("room", terms.room, lines=lines, lowest=-np.inf, highest=np.inf)
    sellable = as_lines("sellable", terms.sellable, lines=lines, lowest=-np.inf, highest=np.inf)
    smallest = _whole_packs(np.ceil, np.maximum(moq, pack), pack)
    return _Terms(pack, moq, smallest, np.maximum(room, 0), np.maximum(sellable, 0))


def _checked_prices(breaks: PriceBreaks, lines: int) -> _Prices:
    """Refuses wrong price breaks."""
    points = np.asarray(breaks.breakpoints, dtype=np.float64)
    prices = np.asarray(breaks.prices, dtype=np.float64)
    if points.ndim != 2 or points.shape != prices.shape or len(points) != lines:
        raise BadInputError(
            f"breakpoints and prices: shapes {list(points.shape)} and {list(prices.shape)}; "
            f"expected [{lines}, K] for both"
        )
    rising = np.ones(points.shape, dtype=bool)
    rising[:, 1:] = (points[:, 1:] > points[:, :-1]) | (points[:, 1:] == np.inf)
    refuse_cells(
        "breakpoints", points, ~rising | ~(points >= 0), allowed="increasing units of at least 0"
    )
    refused = np.isfinite(points) & ~((prices >= 0) & (prices <= LARGEST))
    refuse_cells("prices", prices, refused, allowed="finite numbers of at least 0")
    return _Prices(
        unit_cost=as_lines("unit_cost", breaks.unit_cost, lines=lines, lowest=0),
        breakpoints=points,
        prices=prices,
        holding_cost=as_lines("holding_cost", breaks.holding_cost, lines=lines, lowest=0),
        mean_demand=as_lines("mean_demand", breaks.mean_demand, lines=lines, lowest=0),
        review_period=as_lines("review_period", breaks.review_period, lines=lines, lowest=1),
    )


def _whole_packs(
    rounding: Callable[[FloatArray], FloatArray], quantity: FloatArray, pack_size: FloatArray
) -> FloatArray:
    """Rounds to whole packs, up or down; what is whole but for rounding stays."""
    with np.errstate(over="ignore"):
        packs = quantity / pack_size
    nearest = np.rint(packs)
    with np.errstate(invalid="ignore"):
        whole = np.abs(packs - nearest) <= _ROUNDING * np.maximum(packs, 1.0)
    # Beyond 2**53 packs a float holds no part of a pack, and infinity has none.
    countable = packs < 2.0**53
    packs = np.where(whole, nearest, rounding(packs))
    return np.where(countable, np.where(countable, packs, 0.0) * pack_size, quantity)


def _fitting(limit: FloatArray, terms: _Terms) -> FloatArray:
    """Returns the whole packs within a limit, units; 0 if the smallest order is above it."""
    units = _whole_packs(np.floor, limit, terms.pack_size)
    return np.where(units >= terms.smallest, units, 0.0)


def _price_at(quantity: FloatArray, prices: _Prices) -> FloatArray:
    """Returns the price of the last break that each quantity reaches. Shape [N]."""
    price = prices.unit_cost
    for number in range(prices.prices.shape[1]):
        reached = prices.breakpoints[:, number] <= quantity * (1 + _ROUNDING)
        price = np.where(reached, prices.prices[:, number], price)
    return price


def _raise_to_break(
    base: FloatArray, cap: FloatArray, terms: _Terms, prices: _Prices
) -> tuple[FloatArray, FloatArray]:
    """Chooses the break with the largest gain. Returns units more, and the gain; shape [N]."""
    raised, most = np.zeros(base.size), np.zeros(base.size)
    price = _price_at(base, prices)
    # Without demand the extra units stay for ever.
    open_to_raise = (base > 0) & (prices.mean_demand > 0)
    demand = np.where(open_to_raise, prices.mean_demand, 1.0)
    for number in range(prices.breakpoints.shape[1]):
        lot = np.maximum(prices.breakpoints[:, number], terms.smallest)
        lot = _whole_packs(np.ceil, lot, terms.pack_size)
        reachable = open_to_raise & (lot > base) & (lot <= cap) & np.isfinite(lot)
        extra = np.where(reachable, lot - base, 0.0)
        stay = (prices.review_period + extra / demand) / 2
        saving = (price - _price_at(base + extra, prices)) * base
        gain = saving - prices.holding_cost * extra * stay
        better = reachable & (gain > most)
        raised, most = np.where(better, extra, raised), np.where(better, gain, most)
    return raised, most


def _explained(
    asked: FloatArray, base: FloatArray, terms: _Terms, *, raised: FloatArray, gain: FloatArray
) -> OrderLots:
    """Says what changed each line, and by how much."""
    rounding = _ROUNDING * np.maximum(asked, terms.pack_size)
    lowered = base < asked - rounding
    kept = (asked > 0) & ~lowered
    aimed = np.maximum(asked, terms.moq)
    fits, sells = _fitting(terms.room, terms), _fitting(terms.sellable, terms)
    amounts = {
        LotReason.RAISED_TO_MOQ: np.where(kept, aimed - asked, 0.0),
        LotReason.RAISED_TO_PACK: np.where(kept & (base - aimed > rounding), base - aimed, 0.0),
        LotReason.RAISED_TO_PRICE_BREAK: raised,
        LotReason.LOWERED_BY_CAPACITY: np.where(lowered, np.maximum(asked - fits, 0.0), 0.0),
        LotReason.LOWERED_BY_SHELF_LIFE: np.where(
            lowered, np.maximum(np.minimum(asked, fits) - sells, 0.0), 0.0
        ),
    }
    return OrderLots(
        quantity=base + raised,
        reasons=_reasons(asked, amounts, terms),
        raised_to_moq=amounts[LotReason.RAISED_TO_MOQ],
        raised_to_pack=amounts[LotReason.RAISED_TO_PACK],
        raised_to_price_break=raised,
        lowered_by_capacity=amounts[LotReason.LOWERED_BY_CAPACITY],
        lowered_by_shelf_life=amounts[LotReason.LOWERED_BY_SHELF_LIFE],
        price_break_gain=gain,
    )


def _reasons(asked: FloatArray, amounts: dict[LotReason, FloatArray], terms: _Terms) -> IntArray:
    """Collects the reasons of each line as bits. Shape [N]."""
    rounding = _ROUNDING * np.maximum(terms.moq, terms.pack_size)
    uneven = (terms.moq > asked) & (asked > 0) & (terms.smallest - terms.moq > rounding)
    reasons = np.where(uneven, int(LotReason.MOQ_NOT_WHOLE_PACKS), 0)
    for reason, amount in amounts.items():
        reasons |= np.where(amount > 0, int(reason), 0)
    for limit, (lowered, pack_too_large, moq_too_large) in (
        (terms.room, _CAPACITY),
        (terms.sellable, _SHELF_LIFE),
    ):
        # The smallest order is above a limit that is not 0: no quantity would be right.
        misfit = (asked > 0) & (limit > 0) & (_fitting(limit, terms) == 0)
        one_pack_fits = _whole_packs(np.floor, limit, terms.pack_size) > 0
        reasons = np.where(misfit, reasons & ~int(lowered), reasons)
        reasons |= np.where(misfit & one_pack_fits, int(moq_too_large), 0)
        reasons |= np.where(misfit & ~one_pack_fits, int(pack_too_large), 0)
    return reasons.astype(np.int64)


_CAPACITY = (
    LotReason.LOWERED_BY_CAPACITY,
    LotReason.INFEASIBLE_PACK_CAPACITY,
    LotReason.INFEASIBLE_MOQ_CAPACITY,
)
_SHELF_LIFE = (
    LotReason.LOWERED_BY_SHELF_LIFE,
    LotReason.INFEASIBLE_PACK_SHELF_LIFE,
    LotReason.INFEASIBLE_MOQ_SHELF_LIFE,
)
