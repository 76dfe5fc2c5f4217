"""Budget: by hand, every way on small cases, integer and linear programs, and properties."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from demandcast.components.replenishment.allocation import allocate
from demandcast.components.replenishment.budget import SharedLimit, choose_packs
from demandcast.schema.errors import BadInputError

ALWAYS_EXACT = 10**6
NEVER_EXACT = 0


def falling(rng, lines, most, *, low=-5.0, high=20.0):
    return -np.sort(-rng.uniform(low, high, (lines, most)), axis=1)


def money(cost, supply, group=None):
    return SharedLimit("budget", usage_per_pack=cost, supply=supply, group=group)


def check_promises(choice, values, limits, smallest):
    """What every choice keeps, whatever the method."""
    lines = len(values)
    smallest = np.maximum(np.broadcast_to(smallest, lines), 1)
    assert ((choice.packs == 0) | (choice.packs >= smallest)).all()
    lots = np.where(choice.packs == 0, smallest, 1)
    wants_more = choice.packs < choice.unlimited_packs
    for limit, used in zip(limits, choice.used, strict=True):
        group = np.zeros(lines, int) if limit.group is None else np.asarray(limit.group)
        supply = np.atleast_1d(limit.supply)
        taken = np.bincount(group, limit.usage_per_pack * choice.packs, supply.size)
        np.testing.assert_array_equal(used, taken)
        assert (used <= supply * (1 + 1e-11)).all()
    # Nothing is left that could be added, and each line that wants more knows what is in the way.
    np.testing.assert_array_equal(choice.limited_by.any(axis=0), wants_more)
    for line in np.flatnonzero(wants_more):
        assert not all(
            used[g] + limit.usage_per_pack[line] * lots[line] <= np.atleast_1d(limit.supply)[g]
            for limit, used in zip(limits, choice.used, strict=True)
            for g in [0 if limit.group is None else limit.group[line]]
        )
    value = sum(values[line, :packs].sum() for line, packs in enumerate(choice.packs))
    assert choice.value == pytest.approx(value)
    assert choice.value <= choice.bound * (1 + 1e-9) + 1e-9


def best_by_trying(values, limits, smallest):
    """The largest value of all choices."""
    best = 0.0
    for way in itertools.product(range(values.shape[1] + 1), repeat=len(values)):
        packs = np.array(way)
        whole = ((packs == 0) | (packs >= smallest)).all()
        if whole and all((each.usage_per_pack * packs).sum() <= each.supply for each in limits):
            best = max(best, sum(values[line, :n].sum() for line, n in enumerate(way)))
    return best


def program_of(values, limits):
    """The linear program over packs without smallest orders; its value is the lowest bound."""
    lines, most = values.shape
    rows, supply = [], []
    for limit in limits:
        group = np.zeros(lines, int) if limit.group is None else limit.group
        for number, units in enumerate(np.atleast_1d(limit.supply)):
            rows.append(np.repeat(np.where(group == number, limit.usage_per_pack, 0.0), most))
            supply.append(units)
    solved = optimize.linprog(-values.ravel(), A_ub=np.array(rows), b_ub=supply, bounds=(0, 1))
    return -solved.fun


def test_by_hand():
    # Worth per euro 0.8, 0.6 and 0.45, 0.4: the first three packs leave 10 of 50 and are worth 24.
    limits = [money(np.array([10.0, 20.0]), 50.0)]
    values = np.array([[8.0, 7.0], [9.0, 8.0]])
    choice = choose_packs(values, limits, exact_up_to=NEVER_EXACT)
    np.testing.assert_allclose(choice.shadow_prices[0], [8 / 20])
    assert choice.bound == pytest.approx(8 + 7 + 9 + (50 - 40) * 8 / 20)
    # That is a lot, so the best single line is tried first: both packs of the second.
    assert choice.packs.tolist() == [1, 2]
    assert choice.value == 8 + 9 + 8
    assert choice.gap == pytest.approx(3.0)
    assert choice.limited_by.tolist() == [[True, False]]
    assert choice.used[0].tolist() == [10 + 2 * 20]


def test_a_smallest_order_comes_whole_or_not_at_all():
    values = np.array([[9.0, 5.0, 1.0], [6.0, 6.0, 6.0]])
    limits = [money(np.array([1.0, 1.0]), 3.0)]
    for exact in (NEVER_EXACT, ALWAYS_EXACT):
        # Three packs of the second are worth 18; of the first 15, as two come together.
        choice = choose_packs(values, limits, smallest_packs=[2, 3], exact_up_to=exact)
        assert choice.packs.tolist() == [0, 3]
        assert choice.limited_by.tolist() == [[True, False]]


def test_a_smallest_order_that_is_not_worth_it_as_a_whole_is_left():
    values = [[5.0, -3.0, -3.0], [5.0, -1.0, -3.0]]
    assert choose_packs(values, [], smallest_packs=3).packs.tolist() == [0, 3]


@pytest.mark.parametrize("limits", [[], [money(np.ones(2), np.inf)], [money(np.zeros(2), 0.0)]])
def test_without_a_limit_everything_worth_something_is_ordered(limits):
    choice = choose_packs([[3.0, 2.0], [1.0, 0.0]], limits)
    assert choice.packs.tolist() == choice.unlimited_packs.tolist() == [2, 1]
    assert (choice.value, choice.gap) == (6.0, 0.0)
    assert not choice.limited_by.any()
    assert all((price == 0).all() for price in choice.shadow_prices)


@pytest.mark.parametrize("exact", [NEVER_EXACT, ALWAYS_EXACT])
def test_a_budget_of_nothing_buys_nothing_and_is_worth_the_best_lot(exact):
    limits = [money(np.array([2.0, 4.0]), 0.0)]
    choice = choose_packs([[3.0, 2.0], [9.0, 0.0]], limits, exact_up_to=exact)
    assert choice.packs.tolist() == [0, 0]
    assert choice.limited_by.tolist() == [[True, True]]
    # What does not fit alone is no part of the bound, nor of the price.
    assert choice.value == choice.bound == 0.0


@pytest.mark.parametrize("exact", [NEVER_EXACT, ALWAYS_EXACT])
def test_edge_series(exact):
    one = [money(np.array([2.0]), 5.0)]
    assert choose_packs([[4.0, 3.0, 2.0]], one, exact_up_to=exact).packs.tolist() == [2]
    assert choose_packs([[0.0, 0.0]], one, exact_up_to=exact).packs.tolist() == [0]
    assert choose_packs(np.empty((1, 0)), one, exact_up_to=exact, smallest_packs=0).value == 0.0
    none = choose_packs(np.empty((0, 3)), [money(np.empty(0), 5.0)], exact_up_to=exact)
    assert (none.packs.size, none.value, none.limited_by.shape) == (0, 0.0, (1, 0))


@pytest.mark.parametrize("scale", [1e-100, 1e-9, 1e9, 1e100])
def test_magnitudes_do_not_matter(scale):
    rng = np.random.default_rng(1)
    values, cost = falling(rng, 40, 5), rng.uniform(1, 9, 40)
    plain = choose_packs(values, [money(cost, 200.0)], exact_up_to=NEVER_EXACT)
    scaled = choose_packs(
        values * scale, [money(cost / scale, 200.0 / scale)], exact_up_to=NEVER_EXACT
    )
    assert scaled.packs.tolist() == plain.packs.tolist()


def test_cents_add_up_to_the_budget():
    assert choose_packs([[1.0] * 3], [money(np.array([0.1]), 0.3)]).packs.tolist() == [3]


def test_equal_lines_are_served_in_their_order_and_use_all_of_the_budget():
    limits = [money(np.ones(3), 2500.0)]
    choice = choose_packs(np.ones((3, 1000)), limits, exact_up_to=NEVER_EXACT)
    assert choice.packs.tolist() == [1000, 1000, 500]


def test_a_large_lot_is_not_lost_to_a_small_one_of_better_ratio():
    # Worth per euro 2 against 1, but 2 euros against 100.
    limits = [money(np.array([1.0, 100.0]), 100.0)]
    choice = choose_packs([[2.0], [100.0]], limits, exact_up_to=NEVER_EXACT)
    assert (choice.packs.tolist(), choice.value) == ([0, 1], 100.0)


@pytest.mark.parametrize("seed", range(15))
def test_the_integer_program_equals_trying_every_choice(seed):
    rng = np.random.default_rng(seed)
    values, smallest = falling(rng, 4, 3), rng.integers(1, 4, 4)
    limits = [money(rng.uniform(1, 9, 4), 25.0), SharedLimit("volume", rng.uniform(0, 2, 4), 6.0)]
    choice = choose_packs(values, limits, smallest_packs=smallest, exact_up_to=ALWAYS_EXACT)
    assert choice.value == pytest.approx(best_by_trying(values, limits, smallest))
    check_promises(choice, values, limits, smallest)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.booleans())
def test_one_limit_loses_less_than_a_lot_and_never_half(seed, share, lumpy):
    rng = np.random.default_rng(seed)
    lines = int(rng.integers(1, 15))
    values, cost = falling(rng, lines, 5), rng.uniform(0.1, 9, lines)
    smallest = rng.integers(1, 6, lines) if lumpy else 1
    limits = [money(cost, share * 4 * cost.sum())]
    fast = choose_packs(values, limits, smallest_packs=smallest, exact_up_to=NEVER_EXACT)
    best = choose_packs(values, limits, smallest_packs=smallest, exact_up_to=ALWAYS_EXACT)
    check_promises(fast, values, limits, smallest)
    check_promises(best, values, limits, smallest)
    assert fast.value <= best.value * (1 + 1e-9) <= fast.bound * (1 + 2e-9)
    assert fast.value >= fast.bound / 2 * (1 - 1e-9)
    dearest_lot = (cost * smallest).max()
    assert fast.gap <= fast.shadow_prices[0][0] * dearest_lot + 1e-9 * fast.bound


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_several_limits_are_all_kept(seed):
    rng = np.random.default_rng(seed)
    lines = int(rng.integers(1, 25))
    values, cost, volume = falling(rng, lines, 4), rng.uniform(1, 9, lines), rng.random(lines)
    store = rng.integers(0, 3, lines)
    smallest = rng.integers(1, 5, lines)
    limits = [
        money(cost, rng.random() * 3 * cost.sum()),
        SharedLimit("volume", volume, rng.random(3) * volume.sum(), store),
    ]
    fast = choose_packs(values, limits, smallest_packs=smallest, exact_up_to=NEVER_EXACT)
    check_promises(fast, values, limits, smallest)
    best = choose_packs(values, limits, smallest_packs=smallest, exact_up_to=ALWAYS_EXACT)
    check_promises(best, values, limits, smallest)
    assert fast.value <= best.value * (1 + 1e-9) <= fast.bound * (1 + 2e-9)


def test_the_bound_of_one_limit_is_that_of_the_linear_program():
    rng = np.random.default_rng(2)
    values, cost = falling(rng, 60, 6), rng.uniform(1, 9, 60)
    limits = [money(cost, 500.0)]
    choice = choose_packs(values, limits, exact_up_to=NEVER_EXACT)
    assert choice.bound == pytest.approx(program_of(values, limits))


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_of_several_limits_is_close_to_that_of_the_linear_program(seed):
    rng = np.random.default_rng(seed)
    values, cost = falling(rng, 300, 5), rng.uniform(1, 9, 300)
    store, volume = rng.integers(0, 5, 300), rng.random(300)
    limits = [
        money(cost, 0.4 * 4 * cost.sum()),
        SharedLimit("volume", volume, np.bincount(store, volume) * 2, store),
    ]
    choice = choose_packs(values, limits, exact_up_to=NEVER_EXACT)
    lowest = program_of(values, limits)
    assert lowest * (1 - 1e-9) <= choice.bound <= lowest * 1.001
    assert choice.value >= lowest * 0.99


def test_budgets_of_suppliers_are_choices_of_their_own():
    rng = np.random.default_rng(3)
    values, cost = falling(rng, 40, 5), rng.uniform(1, 9, 40)
    supplier, supply = np.arange(40) % 4, np.array([0.0, 50.0, 90.0, np.inf])
    together = choose_packs(values, [money(cost, supply, supplier)], exact_up_to=NEVER_EXACT)
    for number in range(4):
        own = supplier == number
        alone = choose_packs(
            values[own], [money(cost[own], supply[number])], exact_up_to=NEVER_EXACT
        )
        np.testing.assert_array_equal(alone.shadow_prices[0], together.shadow_prices[0][number])
        assert together.packs[own].tolist() == alone.packs.tolist()


def test_a_limit_on_packs_alone_is_an_allocation():
    values = falling(np.random.default_rng(4), 30, 6)
    item, supply = np.arange(30) % 3, np.array([7.0, 20.0, 500.0])
    limits = [SharedLimit("supply", np.ones(30), supply, item)]
    choice = choose_packs(values, limits, exact_up_to=NEVER_EXACT)
    shared = allocate(supply, values, item=item)
    assert choice.packs.tolist() == shared.packs.tolist()
    np.testing.assert_array_equal(choice.shadow_prices[0], shared.value_of_next_pack)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(10, 300), st.floats(0.1, 200))
def test_a_little_more_budget_brings_the_shadow_price_and_more_brings_less(seed, supply, change):
    rng = np.random.default_rng(seed)
    # Packs that always fit alone: the bound is then concave in the budget.
    values, cost = falling(rng, 20, 4), rng.uniform(0.1, 2.5, 20)
    bounds, prices = [], []
    for money_there in (supply, supply + change):
        choice = choose_packs(values, [money(cost, money_there)], exact_up_to=NEVER_EXACT)
        bounds.append(choice.bound)
        prices.append(choice.shadow_prices[0][0])
    assert prices[1] <= prices[0]
    slack = 1e-9 * bounds[1]
    assert prices[1] * change - slack <= bounds[1] - bounds[0] <= prices[0] * change + slack


def test_the_limit_that_holds_a_line_back_is_named():
    limits = [
        money(np.array([1.0, 1.0, 1.0]), 4.0),
        SharedLimit("volume", np.array([1.0, 1.0, 1.0]), [1.0, 9.0], group=np.array([0, 1, 1])),
    ]
    values = [[9.0, 8.0], [3.0, 2.0], [3.0, 2.0]]
    choice = choose_packs(values, limits, exact_up_to=NEVER_EXACT)
    assert choice.packs.tolist() == [1, 2, 1]
    # The first by the room of its store, and by money, which has a price; the last by money.
    assert choice.limited_by.tolist() == [[True, False, True], [True, False, False]]


def test_few_lots_are_decided_exactly_unless_asked_otherwise():
    # Worth per euro prefers the first; the best is the other two.
    limits = [money(np.array([6.0, 5.0, 5.0]), 10.0)]
    values = [[6.6], [5.4], [5.3]]
    assert choose_packs(values, limits).packs.tolist() == [0, 1, 1]
    assert choose_packs(values, limits, exact_up_to=NEVER_EXACT).packs.tolist() == [1, 0, 0]


@pytest.mark.parametrize(
    ("values", "limits", "smallest", "message"),
    [
        ([[1.0], [np.nan]], [], 1, "pack_values: got nan at line 1"),
        ([[1.0, 2.0]], [], 1, "pack_values: got 2.0 at line 0"),
        ([[1.0]], [money([np.nan], 1.0)], 1, "budget, usage_per_pack: got nan at line 0"),
        ([[1.0]], [money([-1.0], 1.0)], 1, "budget, usage_per_pack: got -1.0"),
        ([[1.0]], [money([1.0], np.nan)], 1, "budget, supply: got nan"),
        ([[1.0]], [money([1.0], -1.0)], 1, "budget, supply: got -1.0"),
        ([[1.0]], [money([1.0], [1.0, 2.0])], 1, r"budget, supply: shape \[2\]; expected one"),
        ([[1.0]], [money([1.0], [1.0], [1])], 1, "budget, group: got 1 at line 0"),
        ([[1.0]], [], 2, "smallest_packs: got 2 at line 0; expected at most 1 packs"),
        ([[1.0]], [], -1, "smallest_packs: got -1"),
    ],
)
def test_wrong_input_is_refused_by_line(values, limits, smallest, message):
    with pytest.raises(BadInputError, match=message):
        choose_packs(values, limits, smallest_packs=smallest)
