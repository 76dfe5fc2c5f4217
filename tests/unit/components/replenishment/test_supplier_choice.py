"""The choice of suppliers: costs by hand, by a slow loop and by simulation; ties and obstacles."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from supplier_offers import PMF, candidates_of, demand_of, first_of

from demandcast.components.replenishment.lead_time_distributions import (
    discretised_gamma,
    pmf_mean,
    pmf_std,
    point_masses,
)
from demandcast.components.replenishment.supplier_choice import (
    COMPONENTS,
    Candidates,
    CostRates,
    FirstOrders,
    ItemDemand,
    choose_suppliers,
    cost_of_unreliability,
    slowest_mean,
    units_short,
)
from demandcast.components.replenishment.supplier_words import choice_table
from demandcast.schema.errors import BadInputError

RATES = CostRates(holding_cost_rate=0.01, stockout_cost=3.0)


def slow_cost(*, mean, variance, pmf, terms, rates):
    """Cost of one candidate by the words of the docstring, by integrals where there are some."""
    periods = range(len(pmf))
    lead = sum(p * l for p, l in zip(pmf, periods, strict=True))  # noqa: E741
    spread = sum(p * (l - lead) ** 2 for p, l in zip(pmf, periods, strict=True))  # noqa: E741
    review, pack = terms["review_period"], terms["pack_size"]
    sigma = math.sqrt((lead + review) * variance + mean**2 * spread)
    level = stats.norm.ppf(rates.cycle_service_level, mean * (lead + review), sigma)
    moq = math.ceil(max(terms["moq"], pack) / pack) * pack
    quantity = max(mean * review, moq)

    def short_of(centre, deviation):
        value, _ = integrate.quad(
            lambda x: (x - level) * stats.norm.pdf(x, centre, deviation),
            level,
            max(level, centre) + 12 * deviation,
        )
        return value

    slowest, left = 0.0, 0.05
    for l in reversed(periods):  # noqa: E741
        taken = min(left, pmf[l])
        slowest, left = slowest + taken * l, left - taken
    late = slowest / 0.05 + review
    short = short_of(mean * (lead + review), sigma)
    slow = short_of(mean * late, math.sqrt(late * variance))
    orders = mean / quantity
    stock = level - mean * (lead + review) + max(quantity - mean, 0) / 2 + (pack - 1) / 2
    return [
        terms["unit_cost"] * mean,
        terms["order_cost"] * orders,
        rates.holding_cost_rate * terms["unit_cost"] * stock,
        rates.stockout_cost * short * orders,
        rates.risk_aversion * rates.stockout_cost * max(slow - short, 0) * orders,
    ]


@pytest.mark.parametrize(
    ("supplier", "terms"),
    [
        (0, {}),
        (1, {"review_period": 7.0, "pack_size": 6.0}),
        (1, {"moq": 50.0, "pack_size": 12.0, "order_cost": 40.0, "unit_cost": 3.0}),
    ],
)
def test_costs_agree_with_a_slow_computation(supplier, terms):
    candidates = candidates_of([[supplier]], **terms)
    choice = choose_suppliers(demand_of([4.0], [9.0]), candidates, PMF, rates=RATES)
    one = {
        field.name: float(getattr(candidates, field.name)[0, 0])
        for field in dataclasses.fields(candidates)
    }
    expected = slow_cost(mean=4.0, variance=9.0, pmf=PMF[supplier], terms=one, rates=RATES)
    np.testing.assert_allclose(choice.cost[0, 0], expected, rtol=1e-6, atol=1e-9)
    assert choice.total[0, 0] == pytest.approx(sum(expected))


def test_variance_over_the_protection_interval_is_that_of_a_random_sum():
    # All outcomes of Poisson demand over L + R periods, L being 1 or 5: a mixture of Poissons.
    mean, review = 4.0, 2
    counts = np.arange(400)
    probability = sum(
        share * stats.poisson.pmf(counts, mean * (lead + review))
        for lead, share in enumerate(PMF[1])
    )
    expected = probability @ counts
    variance = probability @ (counts - expected) ** 2
    candidates = candidates_of([[1]], review_period=2.0)
    choice = choose_suppliers(demand_of([mean], [mean]), candidates, PMF, rates=RATES)
    z = stats.norm.ppf(0.95)
    assert choice.safety_stock[0, 0] == pytest.approx(z * math.sqrt(variance))
    assert choice.base_stock_level[0, 0] == pytest.approx(expected + z * math.sqrt(variance))


@pytest.mark.parametrize(("lead", "review"), [(0, 1), (2, 1), (3, 7)])
def test_evening_stock_of_steady_demand_is_that_of_a_simulation(lead, review):
    mean, periods = 4.0, 70 * review
    level = mean * (lead + review)
    arrivals = np.zeros(periods + lead + 2)
    on_hand, on_order, evenings = level, 0.0, []
    for period in range(periods):
        if period % review == 0:
            ordered = level - on_hand - on_order
            arrivals[period + lead] += ordered
            on_order += ordered
        on_hand, on_order = on_hand + arrivals[period], on_order - arrivals[period]
        on_hand -= mean
        evenings.append(on_hand)
    stock = np.mean(evenings[-10 * review :])
    candidates = candidates_of([[0]], review_period=float(review))
    choice = choose_suppliers(
        demand_of([mean], [0.0]), candidates, point_masses([lead]), rates=RATES
    )
    assert choice.cost[0, 0, COMPONENTS.index("holding")] == pytest.approx(0.01 * 10 * stock)
    assert choice.cost[0, 0, COMPONENTS.index("shortage")] == 0


def test_slowest_by_hand_and_of_all_is_the_mean():
    pmf = np.array([[0.5, 0.46, 0.0, 0.04], [0.0, 1.0, 0.0, 0.0], [np.nan] * 4])
    expected = [(0.04 * 3 + 0.01 * 1) / 0.05, 1, np.nan]
    np.testing.assert_allclose(slowest_mean(pmf), expected)
    np.testing.assert_allclose(slowest_mean(pmf, 1.0)[:2], pmf_mean(pmf)[:2])


def test_a_cheap_supplier_may_be_too_unreliable():
    steady, wild = 10.0, 9.9
    pmf = np.vstack([discretised_gamma([4.0, 4.0], [0.5, 4.0])])
    candidates = candidates_of([[0, 1]], unit_cost=[[steady, wild]])
    careless = CostRates(holding_cost_rate=0.001, stockout_cost=0.1)
    careful = CostRates(holding_cost_rate=0.01, stockout_cost=20.0)
    demand = demand_of([10.0], [10.0])
    assert choose_suppliers(demand, candidates, pmf, rates=careless).place.tolist() == [1]
    choice = choose_suppliers(demand, candidates, pmf, rates=careful)
    assert (choice.place.tolist(), choice.runner_up.tolist()) == ([0], [1])
    purchase, _, holding, shortage, risk = choice.difference[0]
    assert purchase == pytest.approx(10 * (steady - wild))
    assert max(holding, shortage, risk) < 0
    assert choice.difference.sum() == pytest.approx(choice.total[0, 0] - choice.total[0, 1])


def test_risk_alone_can_decide():
    # Equal mean and deviation; one has a long thin tail.
    pmf = np.zeros((2, 21))
    pmf[0, [2, 6]] = 0.5
    pmf[1, [3, 20]] = 16 / 17, 1 / 17
    np.testing.assert_allclose(pmf_mean(pmf), 4)
    pmf_spread = pmf_std(pmf)
    np.testing.assert_allclose(pmf_spread[0], 2)
    np.testing.assert_allclose(pmf_spread[1], 4)
    candidates = candidates_of([[0, 1]], unit_cost=[[10.0, 9.0]])
    demand = demand_of([10.0], [10.0])

    def place(aversion):
        rates = CostRates(0.001, stockout_cost=1.0, risk_aversion=aversion)
        return choose_suppliers(demand, candidates, pmf, rates=rates).place.tolist()

    assert place(0.0) == [1]
    assert place(1.0) == [0]


def test_ties_go_to_the_steadier_lead_time_and_then_to_the_first_place():
    # Free stock and free shortage: only the purchase counts, and it is equal.
    free = CostRates(holding_cost_rate=0.0, stockout_cost=0.0)
    candidates = candidates_of([[1, 0, 0], [0, 1, -1]])
    choice = choose_suppliers(demand_of([4.0, 4.0], [1.0, 1.0]), candidates, PMF, rates=free)
    assert choice.status.tolist() == ["tie", "tie"]
    assert choice.place.tolist() == [1, 0]
    assert choice.runner_up.tolist() == [2, 1]


def test_every_item_has_a_status_and_every_candidate_its_obstacle():
    candidates = dataclasses.replace(
        candidates_of([[0, 1], [2, 0], [-1, -1], [2, -1], [0, 0]]),
        unit_cost=np.array([[9.0, 10.0], [1.0, 10.0], [1.0, 1.0], [1.0, 1.0], [np.nan, 1.0]]),
        pack_size=np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 0.0]]),
    )
    choice = choose_suppliers(demand_of([4.0] * 5, [1.0] * 5), candidates, PMF, rates=RATES)
    assert choice.status.tolist() == [
        "chosen",
        "single_candidate",
        "no_feasible_supplier",
        "no_feasible_supplier",
        "no_feasible_supplier",
    ]
    assert choice.place.tolist() == [0, 1, -1, -1, -1]
    assert choice.runner_up.tolist() == [1, -1, -1, -1, -1]
    assert choice.obstacle.tolist() == [
        ["", ""],
        ["no_lead_time", ""],
        ["no_offer", "no_offer"],
        ["no_lead_time", "no_offer"],
        ["no_terms", "no_terms"],
    ]
    assert np.isnan(choice.difference[1:]).all()
    assert (np.isnan(choice.total) == (choice.obstacle != "")).all()
    assert (np.isnan(choice.base_stock_level) == (choice.obstacle != "")).all()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("unit_cost", -1.0),
        ("order_cost", np.nan),
        ("moq", -1.0),
        ("review_period", 0.0),
        ("pack_size", 0.0),
        ("pack_size", np.inf),
    ],
)
def test_terms_that_no_order_can_have_are_an_obstacle(name, wrong):
    candidates = candidates_of([[0]], **{name: wrong})
    choice = choose_suppliers(demand_of([4.0], [1.0]), candidates, PMF, rates=RATES)
    assert choice.obstacle.tolist() == [["no_terms"]]


def test_without_demand_all_are_equal():
    choice = choose_suppliers(
        demand_of([0.0], [0.0]), candidates_of([[0, 1]], moq=5.0), PMF, rates=RATES
    )
    np.testing.assert_array_equal(choice.total, [[0, 0]])
    assert choice.status.tolist() == ["tie"]
    assert choice.place.tolist() == [0]


@pytest.mark.parametrize("shape", [(0, 2), (3, 0), (0, 0)])
def test_no_items_or_no_candidates_have_an_answer(shape):
    candidates = candidates_of(np.zeros(shape, dtype=np.int64))
    demand = demand_of(np.ones(shape[0]), np.ones(shape[0]))
    choice = choose_suppliers(demand, candidates, PMF, rates=RATES)
    assert choice.status.tolist() == ["no_feasible_supplier"] * shape[0]
    assert choice.difference.shape == (shape[0], len(COMPONENTS))
    table = choice_table(choice, candidates, items=["i"] * shape[0], suppliers=["a", "b", "c"])
    assert len(table) == shape[0]


def test_no_suppliers_have_an_answer():
    choice = choose_suppliers(
        demand_of([1.0], [1.0]), candidates_of([[-1]]), np.zeros((0, 1)), rates=RATES
    )
    assert choice.obstacle.tolist() == [["no_offer"]]


@settings(max_examples=60, deadline=None)
@given(
    mean=st.floats(0.01, 1e4),
    variation=st.floats(0, 3),
    lead=st.floats(1, 20),
    spread=st.floats(0, 4),
    more=st.floats(0.1, 2),
)
def test_what_is_worse_never_costs_less(mean, variation, lead, spread, more):
    demand = demand_of([mean], [(variation * mean) ** 2])
    pmf = discretised_gamma([lead, lead, lead], [spread, spread, spread + more])
    candidates = candidates_of([[0, 1, 2]], unit_cost=[[10.0, 10.0 + more, 10.0]])
    rates = dataclasses.replace(RATES, risk_aversion=0.0)
    choice = choose_suppliers(demand, candidates, pmf, rates=rates)
    first, dearer, wilder = choice.total[0]
    assert first <= dearer
    assert first <= wilder * (1 + 1e-9)
    assert choice.place[0] == 0
    assert choice.safety_stock[0, 2] >= choice.safety_stock[0, 0] * (1 - 1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_items_do_not_depend_on_each_other(seed):
    rng = np.random.default_rng(seed)
    items, places = 6, 3
    candidates = Candidates(
        supplier=rng.integers(-1, 3, (items, places)),
        unit_cost=rng.uniform(1, 20, (items, places)),
        order_cost=rng.uniform(0, 50, (items, places)),
        review_period=rng.integers(1, 8, (items, places)).astype(float),
        moq=rng.integers(0, 60, (items, places)).astype(float),
        pack_size=rng.integers(1, 13, (items, places)).astype(float),
    )
    demand = demand_of(rng.uniform(0, 9, items), rng.uniform(0, 30, items))
    together = choose_suppliers(demand, candidates, PMF, rates=RATES)
    for item in range(items):
        one = slice(item, item + 1)
        alone = choose_suppliers(
            ItemDemand(demand.mean[one], demand.variance[one]),
            Candidates(
                **{
                    field.name: getattr(candidates, field.name)[one]
                    for field in dataclasses.fields(candidates)
                }
            ),
            PMF,
            rates=RATES,
        )
        np.testing.assert_allclose(together.cost[one], alone.cost)
        assert together.place[item] == alone.place[0]
    taken = together.place >= 0
    least = np.where(np.isnan(together.total), np.inf, together.total).min(axis=1)
    np.testing.assert_allclose(
        together.total[taken, together.place[taken]], least[taken], rtol=1e-9
    )


def test_huge_demand_stays_finite():
    choice = choose_suppliers(demand_of([1e12], [1e24]), candidates_of([[0, 1]]), PMF, rates=RATES)
    assert np.isfinite(choice.cost).all()


def test_cost_of_unreliability_is_the_stock_that_a_steady_lead_time_would_save():
    demand, candidates = demand_of([4.0], [9.0]), candidates_of([[0, 1, 2]])
    cost = cost_of_unreliability(demand, candidates, PMF, rates=RATES)
    z = stats.norm.ppf(0.95)
    # Mean 3, variance 4 of the second; the first never varies.
    expected = 0.01 * 10 * z * (math.sqrt(4 * 9 + 16 * 4) - math.sqrt(4 * 9))
    np.testing.assert_allclose(cost, [[0, expected, np.nan]], atol=1e-12)


@pytest.mark.parametrize(
    ("wait_cost", "position", "place", "status"),
    [
        # Premium 1 x 4 a period; S - position = 4 x 3 - 4 lasts 2 periods: 8.
        ([8.1, 0.0], 4.0, 1, "sooner"),
        ([7.9, 0.0], 4.0, 0, "chosen"),
        # Nothing is there: 3 periods are bought, for 12.
        ([11.9, 0.0], 0.0, 0, "chosen"),
        ([12.1, 0.0], 0.0, 1, "sooner"),
        # Much is there: an order is one review period at least.
        ([4.1, 0.0], 99.0, 1, "sooner"),
        ([0.0, 50.0], 4.0, 0, "chosen"),
        ([50.0, 49.0], 4.0, 0, "chosen"),
    ],
)
def test_the_dearer_is_chosen_where_waiting_costs_more(wait_cost, position, place, status):
    candidates = candidates_of([[0, 0]], unit_cost=[[10.0, 11.0]])
    free = CostRates(holding_cost_rate=0.0, stockout_cost=0.0)
    first = first_of([[False, True]], [wait_cost], [position])
    choice = choose_suppliers(demand_of([4.0], [0.0]), candidates, PMF, rates=free, first=first)
    assert (choice.place.tolist(), choice.status.tolist()) == ([place], [status])
    assert choice.runner_up.tolist() == [1 - place]


def test_the_runner_up_of_who_is_sooner_is_the_cheapest_per_period():
    candidates = candidates_of([[0, 0, 0]], unit_cost=[[12.0, 10.0, 11.0]])
    free = CostRates(holding_cost_rate=0.0, stockout_cost=0.0)
    first = first_of([[True, False, False]], [[0.0, 900.0, 300.0]], [0.0])
    choice = choose_suppliers(demand_of([4.0], [0.0]), candidates, PMF, rates=free, first=first)
    assert (choice.place.item(), choice.runner_up.item()) == (0, 1)
    assert choice.difference.sum() == pytest.approx(4 * (12 - 10))


def test_among_equals_who_lets_nothing_run_short_is_chosen():
    candidates = candidates_of([[1, 0, 0]])
    free = CostRates(holding_cost_rate=0.0, stockout_cost=0.0)
    demand = demand_of([4.0], [1.0])
    waits = first_of([[True, True, True]], [[0.0, 5.0, 5.0]], [0.0])
    assert choose_suppliers(demand, candidates, PMF, rates=free).place.tolist() == [1]
    choice = choose_suppliers(demand, candidates, PMF, rates=free, first=waits)
    assert (choice.place.tolist(), choice.status.tolist()) == ([0], ["chosen"])


def test_a_wait_that_is_rounding_decides_nothing():
    candidates = candidates_of([[0, 0]])
    first = first_of([[True, True]], [[1e-12, 0.0]], [0.0])
    choice = choose_suppliers(demand_of([4.0], [9.0]), candidates, PMF, rates=RATES, first=first)
    assert (choice.place.tolist(), choice.status.tolist()) == ([0], ["tie"])


def test_who_cannot_be_taken_is_not_taken_for_being_sooner():
    candidates = candidates_of([[0, 2]])
    first = first_of([[False, True]], [[900.0, 0.0]], [0.0])
    choice = choose_suppliers(demand_of([4.0], [9.0]), candidates, PMF, rates=RATES, first=first)
    assert (choice.place.tolist(), choice.status.tolist()) == ([0], ["single_candidate"])


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_longer_wait_never_helps_a_candidate(seed):
    rng = np.random.default_rng(seed)
    candidates = candidates_of(
        rng.integers(0, 2, (4, 3)),
        unit_cost=rng.uniform(1, 20, (4, 3)),
        order_cost=rng.uniform(0, 50),
    )
    demand = demand_of(rng.uniform(0.1, 9, 4), rng.uniform(0, 30, 4))
    wait, position = rng.uniform(0, 100, (4, 3)), rng.uniform(-5, 50, 4)
    now = np.ones((4, 3), bool)

    def places(costs):
        first = FirstOrders(now, costs, position)
        return choose_suppliers(demand, candidates, PMF, rates=RATES, first=first).place

    before = places(wait)
    later = wait.copy()
    later[:, 0] += rng.uniform(0, 100)
    after = places(later)
    # Whoever is not the one that delivers later stays, and nobody changes to that one.
    assert (after[before != 0] == before[before != 0]).all()


def test_units_short_is_the_normal_loss():
    value, _ = integrate.quad(lambda x: (x - 1.5) * stats.norm.pdf(x, 0, 2), 1.5, 40)
    assert units_short(np.array([1.5]), np.array([2.0])) == pytest.approx([value])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"holding_cost_rate": -0.1}, "holding_cost_rate: got -0.1"),
        ({"holding_cost_rate": np.nan}, "holding_cost_rate: got nan"),
        ({"risk_aversion": -1.0}, "risk_aversion: got -1.0"),
        ({"cycle_service_level": 1.0}, "cycle_service_level: got 1.0"),
    ],
)
def test_rates_that_no_business_has_are_refused(changes, words):
    with pytest.raises(BadInputError, match=words):
        dataclasses.replace(RATES, **changes)


@pytest.mark.parametrize(
    ("demand", "rates", "words"),
    [
        (demand_of([1.0, -1.0], [1, 1]), RATES, "demand.mean: 1 values .* -1 in row 1"),
        (demand_of([1.0, 1.0], [np.nan, 1]), RATES, "demand.variance: 1 values .* nan in row 0"),
        (
            demand_of([1.0, 1.0], [1, 1]),
            CostRates(0.1, stockout_cost=[1.0, -2.0]),
            "stockout_cost: 1 values .* -2 in row 1",
        ),
    ],
)
def test_numbers_that_cannot_be_computed_with_are_refused(demand, rates, words):
    with pytest.raises(BadInputError, match=words):
        choose_suppliers(demand, candidates_of([[0], [0]]), PMF, rates=rates)


def test_shapes_and_rows_must_agree():
    demand = demand_of([1.0], [1.0])
    with pytest.raises(ValueError, match=r"candidates.supplier: shape \[2, 1\]; expected \[1, K\]"):
        choose_suppliers(demand, candidates_of([[0], [0]]), PMF, rates=RATES)
    with pytest.raises(ValueError, match="a row lies outside of -1 to 2"):
        choose_suppliers(demand, candidates_of([[3]]), PMF, rates=RATES)
    crooked = dataclasses.replace(candidates_of([[0]]), moq=np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"candidates.moq: shape \[1, 2\]; expected \[1, 1\]"):
        choose_suppliers(demand, crooked, PMF, rates=RATES)
