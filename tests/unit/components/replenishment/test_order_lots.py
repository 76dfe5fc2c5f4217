"""Lots: worked by hand, a slow rule per line, a simulated price break, and properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.order_lots import (
    LotReason,
    LotTerms,
    PriceBreaks,
    round_to_lots,
    unit_prices,
)
from demandcast.schema.errors import BadInputError

AMOUNTS = (
    "raised_to_moq",
    "raised_to_pack",
    "raised_to_price_break",
    "lowered_by_capacity",
    "lowered_by_shelf_life",
)


def reasons_of(lots):
    return [LotReason(bits) for bits in lots.reasons.tolist()]


def one(wanted, **terms):
    """The quantity, the reasons and the amounts that are not 0 of a single line."""
    lots = round_to_lots([wanted], LotTerms(**terms))
    amounts = {name: getattr(lots, name)[0] for name in AMOUNTS if getattr(lots, name)[0]}
    return lots.quantity[0], reasons_of(lots)[0], amounts


@pytest.mark.parametrize("wanted", [0.0, -5.0, -1e300, 1e-12])
def test_nothing_wanted_is_nothing_ordered_without_a_reason(wanted):
    assert one(wanted, pack_size=12, moq=20, room=5) == (0.0, LotReason(0), {})


def test_what_can_be_ordered_stays_as_it_is():
    assert one(24.0, pack_size=12, moq=24, room=24, sellable=24) == (24.0, LotReason(0), {})


def test_raised_to_the_moq_then_to_whole_packs():
    reasons = LotReason.RAISED_TO_MOQ | LotReason.RAISED_TO_PACK | LotReason.MOQ_NOT_WHOLE_PACKS
    changes = {"raised_to_moq": 20 - 7, "raised_to_pack": 24 - 20}
    assert one(7.0, pack_size=12, moq=20) == (24.0, reasons, changes)


def test_a_moq_that_does_not_count_is_no_reason():
    assert one(22.0, pack_size=12, moq=20) == (
        24.0,
        LotReason.RAISED_TO_PACK,
        {"raised_to_pack": 24 - 22},
    )


def test_lowered_to_whole_packs_that_fit():
    assert one(50.0, pack_size=12, room=47.0) == (
        36.0,
        LotReason.LOWERED_BY_CAPACITY,
        {"lowered_by_capacity": 50 - 36},
    )


def test_both_limits_share_what_they_lower():
    found = one(50.0, pack_size=10, room=44.0, sellable=21.0)
    reasons = LotReason.LOWERED_BY_CAPACITY | LotReason.LOWERED_BY_SHELF_LIFE
    changes = {"lowered_by_capacity": 50 - 40, "lowered_by_shelf_life": 40 - 20}
    assert found == (20.0, reasons, changes)


def test_the_tighter_limit_alone_is_named_if_it_comes_first():
    found = one(50.0, pack_size=10, room=21.0, sellable=44.0)
    assert found == (20.0, LotReason.LOWERED_BY_CAPACITY, {"lowered_by_capacity": 50 - 20})


@pytest.mark.parametrize("room", [0.0, -3.0, -np.inf])
def test_no_room_at_all_lowers_to_nothing(room):
    found = one(5.0, moq=10, room=room)
    assert found == (0.0, LotReason.LOWERED_BY_CAPACITY, {"lowered_by_capacity": 5.0})


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"pack_size": 12, "room": 11}, LotReason.INFEASIBLE_PACK_CAPACITY),
        ({"pack_size": 12, "moq": 24, "room": 23}, LotReason.INFEASIBLE_MOQ_CAPACITY),
        ({"pack_size": 12, "sellable": 11}, LotReason.INFEASIBLE_PACK_SHELF_LIFE),
        ({"pack_size": 12, "moq": 24, "sellable": 23}, LotReason.INFEASIBLE_MOQ_SHELF_LIFE),
        (
            {"pack_size": 12, "moq": 20, "room": 23},
            LotReason.INFEASIBLE_MOQ_CAPACITY | LotReason.MOQ_NOT_WHOLE_PACKS,
        ),
        (
            {"pack_size": 12, "moq": 24, "room": 23, "sellable": 5},
            LotReason.INFEASIBLE_MOQ_CAPACITY | LotReason.INFEASIBLE_PACK_SHELF_LIFE,
        ),
    ],
)
def test_what_does_not_go_together_is_said(terms, reason):
    quantity, reasons, amounts = one(5.0, **terms)
    assert (quantity, reasons) == (0.0, reason)
    assert sum(amounts.values()) == 5.0


def test_an_infeasible_line_that_wants_nothing_has_no_reason():
    assert one(0.0, pack_size=12, moq=24, room=23) == (0.0, LotReason(0), {})


def test_has_finds_the_lines_of_any_of_the_reasons():
    lots = round_to_lots([7.0, 12.0, 50.0], LotTerms(pack_size=12, room=36))
    assert lots.has(LotReason.RAISED_TO_PACK).tolist() == [True, False, False]
    either = LotReason.RAISED_TO_PACK | LotReason.LOWERED_BY_CAPACITY
    assert lots.has(either).tolist() == [True, False, True]


@pytest.mark.parametrize(("wanted", "pack"), [(1.1, 0.1), (0.6, 0.2), (0.7, 0.1)])
def test_rounding_is_not_a_pack(wanted, pack):
    quantity, reasons, _ = one(wanted, pack_size=pack)
    assert quantity == pytest.approx(wanted)
    assert reasons == 0


@pytest.mark.parametrize("wanted", [1e15 + 1, 1e200, 1e300])
def test_huge_quantities_stay_finite(wanted):
    quantity, _, _ = one(wanted, pack_size=1e-9, moq=1)
    assert quantity == pytest.approx(wanted)


def test_no_lines():
    lots = round_to_lots([], LotTerms())
    assert lots.quantity.shape == lots.reasons.shape == (0,)


# --- price breaks -----------------------------------------------------------------------------


def broken(wanted, breakpoints, prices, *, terms=None, unit_cost=10.0, holding=0.1, demand=5.0):
    breaks = PriceBreaks(unit_cost, [breakpoints], [prices], holding, demand)
    return round_to_lots([wanted], terms or LotTerms(), price_breaks=breaks)


def test_a_price_break_pays_by_hand():
    lots = broken(90.0, [100.0], [9.5])
    saving, holding = (10 - 9.5) * 90, 0.1 * 10 * (1 + 10 / 5) / 2
    assert lots.quantity.tolist() == [100.0]
    assert lots.raised_to_price_break.tolist() == [10.0]
    assert reasons_of(lots) == [LotReason.RAISED_TO_PRICE_BREAK]
    np.testing.assert_allclose(lots.price_break_gain, saving - holding)


def test_a_price_break_that_costs_more_than_it_saves_is_left():
    # 0.1 * 60 * (1 + 60 / 5) / 2 = 39 to hold; 40 units are 0.5 cheaper each: 20.
    lots = broken(40.0, [100.0], [9.5])
    assert (lots.quantity[0], lots.reasons[0], lots.price_break_gain[0]) == (40.0, 0, 0.0)


def test_the_break_with_the_largest_gain_is_taken():
    # Gains for 90 wanted: 45 - 1.5, 90 - 3 at 105, and 99 - 105 at 190.
    lots = broken(90.0, [100.0, 105.0, 190.0], [9.5, 9.0, 8.9])
    np.testing.assert_allclose(lots.price_break_gain, 90 * 1.0 - 0.1 * 15 * (1 + 3) / 2)
    assert lots.quantity.tolist() == [105.0]


def test_a_break_is_reached_in_whole_packs():
    lots = broken(84.0, [100.0], [9.5], terms=LotTerms(pack_size=12))
    assert lots.quantity.tolist() == [108.0]


@pytest.mark.parametrize("limit", ["room", "sellable"])
def test_a_break_beyond_a_limit_is_out_of_reach(limit):
    lots = broken(90.0, [100.0], [1.0], terms=LotTerms(**{limit: 99.0}))
    assert (lots.quantity[0], lots.reasons[0]) == (90.0, 0)


@pytest.mark.parametrize(("holding", "demand"), [(0.1, 0.0), (0.0, 0.0)])
def test_without_demand_no_break_is_worth_it(holding, demand):
    lots = broken(90.0, [100.0], [1.0], holding=holding, demand=demand)
    assert lots.quantity.tolist() == [90.0]


def test_nothing_wanted_is_not_raised_to_a_break():
    assert broken(0.0, [0.0, 1.0], [9.0, 0.0]).quantity.tolist() == [0.0]


@pytest.mark.parametrize("review_period", [1, 2, 3])
def test_holding_of_the_extra_units_is_that_of_a_simulated_base_stock_policy(review_period):
    demand, extra, holding, lead_time, level = 5, 30, 0.2, 2, 100

    def evening_stock(first_extra):
        """Total stock over the evenings; the first order is larger by some units."""
        on_hand, due, total = level, {}, 0
        for period in range(60):
            on_hand += due.pop(period, 0)
            if period % review_period == 0:
                short = level - on_hand - sum(due.values())
                order = max(short, 0) + (first_extra if period == 0 else 0)
                due[period + lead_time] = order
                on_hand += due.pop(period, 0)
            on_hand -= demand
            total += on_hand
        return total

    breaks = PriceBreaks(1.0, [[100.0]], [[0.0]], holding, float(demand), review_period)
    gain = round_to_lots([70.0], LotTerms(), price_breaks=breaks).price_break_gain[0]
    assert 70 * 1.0 - gain == pytest.approx(holding * (evening_stock(extra) - evening_stock(0)))


def test_prices_of_quantities():
    breaks = PriceBreaks([5.0] * 4, [[10, np.inf]] * 3 + [[10, 20]], [[4, 0]] * 3 + [[4, 3]], 0, 1)
    assert unit_prices([9.0, 10.0, 1e9, 20.0], breaks).tolist() == [5.0, 4.0, 4.0, 3.0]


# --- a slow rule and properties ---------------------------------------------------------------


def slow_lot(wanted, pack, moq, limit):
    """Tries every number of packs."""
    if wanted <= 0:
        return 0
    candidates = [0] + [n * pack for n in range(1, 400) if moq <= n * pack <= limit]
    enough = [units for units in candidates if units >= wanted]
    return min(enough) if enough else max(candidates)


packs = st.integers(1, 12)
units = st.integers(-20, 300)
limits = st.one_of(st.integers(-5, 300), st.just(math.inf))


@settings(deadline=None)
@given(st.lists(st.tuples(units, packs, st.integers(0, 80), limits, limits), min_size=1))
def test_equals_the_slow_rule_and_explains_every_unit(lines):
    wanted, pack, moq, room, sellable = (np.array(part, float) for part in zip(*lines, strict=True))
    lots = round_to_lots(wanted, LotTerms(pack, moq, room, sellable))
    expected = [slow_lot(w, p, m, min(r, s)) for w, p, m, r, s in lines]
    assert lots.quantity.tolist() == expected
    raised = lots.raised_to_moq + lots.raised_to_pack
    lowered = lots.lowered_by_capacity + lots.lowered_by_shelf_life
    np.testing.assert_array_equal(lots.quantity, np.maximum(wanted, 0) + raised - lowered)
    assert not ((raised > 0) & (lowered > 0)).any()
    # A reason exactly where the quantity is another than wanted.
    differs = lots.quantity != np.maximum(wanted, 0)
    assert (lots.has(~LotReason.MOQ_NOT_WHOLE_PACKS) == differs).all()


@st.composite
def lines_with_breaks(draw):
    points = sorted(draw(st.sets(st.integers(1, 200), min_size=1, max_size=4)))
    prices = draw(st.lists(st.integers(0, 20), min_size=len(points), max_size=len(points)))
    terms = LotTerms(draw(packs), draw(st.integers(0, 60)), draw(limits), draw(limits))
    holding, demand = draw(st.integers(0, 5)), draw(st.integers(0, 9))
    many = len(range(-20, 301))
    breaks = PriceBreaks(
        draw(st.integers(0, 20)), [points] * many, [prices] * many, holding, demand
    )
    return terms, breaks


@settings(deadline=None)
@given(lines_with_breaks())
def test_more_wanted_is_never_less_ordered(case):
    terms, breaks = case
    wanted = np.arange(-20.0, 301.0)
    lots = round_to_lots(wanted, terms, price_breaks=breaks)
    assert (np.diff(lots.quantity) >= 0).all()
    assert (lots.quantity <= max(min(terms.room, terms.sellable), 0)).all()
    assert ((lots.quantity == 0) | (lots.quantity >= max(terms.moq, terms.pack_size))).all()
    assert (lots.quantity % terms.pack_size == 0).all()
    assert (lots.quantity[wanted <= 0] == 0).all()
    assert ((lots.price_break_gain > 0) == (lots.raised_to_price_break > 0)).all()


@pytest.mark.parametrize(
    ("wanted", "terms", "message"),
    [
        ([1.0, np.nan], LotTerms(), "wanted: got nan at line 1"),
        ([np.inf], LotTerms(), "wanted: got inf at line 0"),
        ([[1.0]], LotTerms(), r"wanted: shape \[1, 1\]"),
        ([1.0], LotTerms(pack_size=0.0), "pack_size: got 0.0 at line 0; expected a number above 0"),
        ([1.0], LotTerms(moq=-1.0), "moq: got -1.0"),
        ([1.0], LotTerms(moq=np.nan), "moq: got nan"),
        ([1.0], LotTerms(room=np.nan), "room: got nan"),
        ([1.0], LotTerms(sellable=[np.nan]), "sellable: got nan"),
    ],
)
def test_wrong_terms_are_refused_by_line(wanted, terms, message):
    with pytest.raises(BadInputError, match=message):
        round_to_lots(wanted, terms)


@pytest.mark.parametrize(
    ("breaks", "message"),
    [
        (PriceBreaks(1, [[5, 4]], [[1, 1]], 0, 1), "breakpoints: got 4.0 at line 0"),
        (PriceBreaks(1, [[np.inf, 4]], [[1, 1]], 0, 1), "breakpoints: got 4.0 at line 0"),
        (PriceBreaks(1, [[np.nan, 4]], [[1, 1]], 0, 1), "breakpoints: got nan at line 0"),
        (PriceBreaks(1, [[4.0]], [[np.nan]], 0, 1), "prices: got nan at line 0"),
        (PriceBreaks(1, [[4.0]], [[-1.0]], 0, 1), "prices: got -1.0 at line 0"),
        (PriceBreaks(1, [[4.0]], [[1.0, 2.0]], 0, 1), r"expected \[1, K\] for both"),
        (PriceBreaks(np.nan, [[4.0]], [[1.0]], 0, 1), "unit_cost: got nan"),
        (PriceBreaks(1, [[4.0]], [[1.0]], -1, 1), "holding_cost: got -1.0"),
        (PriceBreaks(1, [[4.0]], [[1.0]], 0, np.nan), "mean_demand: got nan"),
        (PriceBreaks(1, [[4.0]], [[1.0]], 0, 1, 0), "review_period: got 0.0"),
    ],
)
def test_wrong_breaks_are_refused_by_line(breaks, message):
    with pytest.raises(BadInputError, match=message):
        round_to_lots([3.0], LotTerms(), price_breaks=breaks)
