"""Costs of two models: numbers by hand, who is cheapest, and what must not matter."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.metrics.jackknife import estimate
from demandcast.components.replenishment.model_cost import (
    CostTerms,
    IntervalCosts,
    JudgedOrigins,
    ModelForecasts,
    PathRules,
    compare_costs,
    counted_intervals,
    interval_costs,
    without_tail,
)

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
RULES = PathRules(LEVELS, paths=400, seed=3)
HORIZON = 4


def terms(series=1, **changes):
    """One period of review, no lead time, a unit short costs nine times a unit left."""
    usual = CostTerms(
        known=np.ones(series, np.bool_),
        review_period=np.ones(series, np.int64),
        lead_time_row=np.zeros(series, np.int64),
        pack_size=np.ones(series),
        holding_cost=np.ones(series),
        stockout_cost=np.full(series, 9.0),
        lead_time_probabilities=np.ones((1, 1)),
    )
    return replace(usual, **changes)


def origins(actual, **changes):
    """Each row a series of its own, all of it recorded and in stock."""
    values = np.asarray(actual, np.float64)
    there = np.ones(values.shape, np.bool_)
    return replace(JudgedOrigins(np.arange(len(values)), values, there, there), **changes)


def certain(units):
    """A forecast that knows each period. Shape [B, H]."""
    mean = np.asarray(units, np.float64)
    return ModelForecasts(np.repeat(mean[..., None], len(LEVELS), axis=-1), mean)


@pytest.fixture(scope="module")
def world():
    """Normal demand of 600 series around 100, and a forecast that is its true distribution."""
    from scipy import stats

    draws = np.random.default_rng(5)
    level = draws.uniform(50, 150, (600, 1))
    actual = draws.normal(level, 10.0, (600, HORIZON))
    quantiles = level[..., None] + 10.0 * stats.norm.ppf(LEVELS)
    truth = ModelForecasts(
        np.broadcast_to(quantiles, (600, HORIZON, len(LEVELS))),
        np.broadcast_to(level, (600, HORIZON)),
    )
    return origins(actual), truth, terms(600)


def scaled(forecasts, *, centre=1.0, spread=1.0):
    """Moves a forecast up or down, and makes it more or less sure."""
    middle = forecasts.mean[..., None]
    quantiles = centre * middle + spread * (forecasts.quantiles - middle)
    return ModelForecasts(quantiles, centre * forecasts.mean)


def test_what_is_left_and_what_is_short_cost_by_hand():
    """The level is what is forecast for two periods; it lies there for a review of two."""
    found = interval_costs(
        certain([[5, 5, 0, 0], [5, 5, 0, 0]]),
        origins([[4, 3, 9, 9], [6, 7, 9, 9]]),
        terms(2, review_period=np.array([2, 2]), holding_cost=np.array([0.5, 0.5])),
        rules=RULES,
    )
    assert found.level.tolist() == [10, 10]
    assert found.holding.tolist() == [0.5 * 2 * (10 - 7), 0]
    assert found.stockout.tolist() == [0, 9 * (13 - 10)]
    assert found.total.tolist() == [3, 27]


def test_shortages_are_expected_as_often_as_the_costs_say():
    found = interval_costs(
        certain(np.ones((3, HORIZON))),
        origins(np.ones((3, HORIZON))),
        terms(3, review_period=np.array([1, 1, 2]), stockout_cost=np.array([9.0, 3.0, 6.0])),
        rules=RULES,
    )
    expected = [1 / 10, 1 / 4, 2 / 8]
    assert found.shortage_probability == pytest.approx(expected)
    zero = np.zeros(3, int)
    compared = compare_costs(found, found, series_index=zero, groups=zero)
    assert compared.expected_shortages == pytest.approx(sum(expected))


def test_a_random_lead_time_counts_as_often_as_it_comes():
    """Half of the orders take a period: 5 or 10 are asked for, and the level is the larger."""
    found = interval_costs(
        certain([[5, 5, 5, 5]]),
        origins([[5, 6, 5, 5]]),
        terms(lead_time_probabilities=np.array([[0.5, 0.5]])),
        rules=RULES,
    )
    assert found.level.tolist() == [10]
    assert found.holding.tolist() == [0.5 * (10 - 5)]
    assert found.stockout.tolist() == [0.5 * 9 * (11 - 10)]


def test_levels_are_whole_units_where_packs_hold_whole_units():
    found = interval_costs(
        certain([[2.5, 0, 0, 0], [2.5, 0, 0, 0]]),
        origins([[2, 0, 0, 0], [2, 0, 0, 0]]),
        terms(2, pack_size=np.array([1.0, 0.5])),
        rules=RULES,
    )
    assert found.level.tolist() == [3, 2.5]
    assert found.holding.tolist() == [1, 0.5]


@pytest.mark.parametrize(
    "wrong",
    [
        {"centre": 1.1},
        {"centre": 0.9},
        {"spread": 2.5},
        {"spread": 0.3},
    ],
    ids=["too much", "too little", "too careful", "too sure"],
)
@pytest.mark.parametrize("review_period", [1, 3])
def test_the_true_distribution_costs_least(world, wrong, review_period):
    happened, truth, terms_of_all = world
    known = replace(terms_of_all, review_period=np.full(600, review_period))
    right = interval_costs(truth, happened, known, rules=RULES).total.sum()
    other = interval_costs(scaled(truth, **wrong), happened, known, rules=RULES).total.sum()
    assert other > 1.02 * right


def test_the_least_cost_is_that_of_the_newsvendor(world):
    """(h + p) sigma phi(z) at z = F^-1(p / (p + h)), for demand of one normal period."""
    from scipy import stats

    happened, truth, terms_of_all = world
    found = interval_costs(truth, happened, terms_of_all, rules=RULES)
    expected = 10 * 10.0 * stats.norm.pdf(stats.norm.ppf(0.9))
    error = found.total.std() / np.sqrt(600)
    assert found.total.mean() == pytest.approx(expected, abs=3 * error)


def test_equal_models_differ_by_nothing_at_all(world):
    happened, truth, terms_of_all = world
    one, other = (interval_costs(truth, happened, terms_of_all, rules=RULES) for _ in range(2))
    found = compare_costs(
        one, other, series_index=happened.series_index, groups=np.arange(600) % 256
    )
    assert found.increase.value == 0
    assert found.increase.interval() == (0, 0)
    assert (found.intervals, found.series) == (600, 600)


def test_the_currency_does_not_matter(world):
    happened, truth, terms_of_all = world
    in_cents = replace(
        terms_of_all,
        holding_cost=100 * terms_of_all.holding_cost,
        stockout_cost=100 * terms_of_all.stockout_cost,
    )
    found = []
    for each in (terms_of_all, in_cents):
        costs = [
            interval_costs(model, happened, each, rules=RULES)
            for model in (scaled(truth, centre=1.05), truth)
        ]
        groups = np.arange(600) % 256
        found.append(compare_costs(*costs, series_index=happened.series_index, groups=groups))
    assert found[1].stockout == pytest.approx(100 * found[0].stockout)
    assert found[1].increase.value == pytest.approx(found[0].increase.value)
    assert found[1].increase.error == pytest.approx(found[0].increase.error)


def test_dear_series_weigh_more(world):
    """The same fault in half of the series costs more where a unit is dear."""
    happened, truth, terms_of_all = world
    half = np.arange(600) < 300
    wrong = scaled(truth, centre=1.1)
    mixed = ModelForecasts(
        np.where(half[:, None, None], wrong.quantiles, truth.quantiles),
        np.where(half[:, None], wrong.mean, truth.mean),
    )
    increases = []
    for dear in (half, ~half):
        price = np.where(dear, 20.0, 1.0)
        priced = replace(terms_of_all, holding_cost=price, stockout_cost=9 * price)
        costs = [interval_costs(model, happened, priced, rules=RULES) for model in (mixed, truth)]
        groups = np.arange(600) % 256
        found = compare_costs(*costs, series_index=happened.series_index, groups=groups)
        increases.append(found.increase.value)
    assert increases[0] > 5 * increases[1] > 0


def test_what_is_unknown_or_beyond_the_forecast_does_not_count():
    known = np.ones((5, HORIZON), np.bool_)
    in_stock = known.copy()
    known[0, 1], in_stock[1, 0], in_stock[2, 2] = False, False, False
    world = origins(np.zeros((5, HORIZON)), known=known, in_stock=in_stock)
    each = terms(
        5,
        review_period=np.array([2, 2, 2, 5, 2]),
        known=np.array([True, True, True, True, False]),
    )
    # Not recorded, out of stock on the way, out of stock afterwards, too long, without terms.
    assert counted_intervals(world, each).tolist() == [False, False, True, False, False]


def test_no_interval_counts_costs_nothing():
    world = origins([[1, 1, 1, 1]], known=np.zeros((1, HORIZON), np.bool_))
    costs = interval_costs(certain([[1, 1, 1, 1]]), world, terms(), rules=RULES)
    assert costs.rows.size == 0
    found = compare_costs(costs, costs, series_index=world.series_index, groups=np.zeros(1, int))
    assert (found.intervals, found.increase.value) == (0, 0)
    assert np.isnan(found.increase.interval()).all()


def test_edge_series_have_costs():
    """All zero, huge, of a single period, and one for which nothing costs anything."""
    found = interval_costs(
        certain([[0.0], [1e9], [3.0], [3.0]]),
        origins([[0.0], [2e9], [3.0], [5.0]]),
        terms(
            4,
            holding_cost=np.array([1.0, 1.0, 1.0, 0.0]),
            stockout_cost=np.array([9.0, 9.0, 9.0, 0.0]),
        ),
        rules=RULES,
    )
    assert found.total[[0, 2, 3]].tolist() == [0, 0, 0]
    assert found.stockout[1] == pytest.approx(9e9, rel=1e-6)  # Paths are of float32.


def test_forecasts_say_what_is_wrong_with_them():
    good = certain([[1.0, 2.0]])
    assert good.fault is None
    for bad in (np.nan, np.inf):
        for wrong in (
            replace(good, mean=np.array([[1.0, bad]])),
            replace(good, quantiles=np.full((1, 2, len(LEVELS)), bad)),
        ):
            assert wrong.fault == "a forecast is not a number"
    crossed = good.quantiles.copy()
    crossed[0, 1, 3] = 1.9
    fault = replace(good, quantiles=crossed).fault
    assert fault == "a quantile lies below that of a lower level"


def costs_of(totals, rows=None):
    values = np.asarray(totals, np.float64)
    at = np.arange(len(values)) if rows is None else np.asarray(rows)
    return IntervalCosts(at, np.zeros(len(values)), values, *np.zeros((2, len(values))))


def test_the_increase_and_its_noise_by_hand():
    """Three groups, one with two intervals; leaving one out after the other."""
    found = compare_costs(
        costs_of([2, 3, 4, 6]),
        costs_of([1, 3, 4, 4]),
        series_index=np.array([0, 0, 1, 2]),
        groups=np.array([7, 7, 9, 200]),
    )
    expected = estimate(15 / 12 - 1, [10 / 8 - 1, 11 / 8 - 1, 9 / 8 - 1])
    assert found.increase == expected
    assert (found.intervals, found.series) == (4, 3)
    assert (found.holding, found.holding_in_service) == (15, 12)


def test_rows_that_do_not_count_belong_to_no_group():
    found = compare_costs(
        costs_of([2, 4], rows=[1, 3]),
        costs_of([1, 4], rows=[1, 3]),
        series_index=np.array([0, 1, 2, 3]),
        groups=np.array([0, 5, 0, 9]),
    )
    assert found.increase == estimate(6 / 5 - 1, [0.0, 1.0])


@pytest.mark.parametrize(("new", "expected"), [(0, 0), (2, np.inf)])
def test_without_a_cost_in_service_any_cost_is_infinitely_more(new, expected):
    one = np.zeros(1, int)
    found = compare_costs(costs_of([new]), costs_of([0]), series_index=one, groups=one)
    assert found.increase.value == expected


def test_noise_is_unknown_where_one_series_has_all_the_cost_in_service():
    found = compare_costs(
        costs_of([1, 2]), costs_of([1, 0]), series_index=np.arange(2), groups=np.arange(2)
    )
    assert found.increase.value == 2
    assert np.isnan(found.increase.interval()).all()


def test_other_intervals_are_refused():
    with pytest.raises(ValueError, match="over the same intervals"):
        compare_costs(
            costs_of([1], rows=[0]),
            costs_of([1], rows=[1]),
            series_index=np.zeros(2, int),
            groups=np.zeros(2, int),
        )


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12).filter(lambda each: sum(each) > 0.01),
)
def test_a_cut_tail_keeps_the_whole_probability(weights):
    probabilities = np.array([weights]) / sum(weights)
    cut = without_tail(probabilities)
    assert cut.sum() == pytest.approx(1)
    last = np.flatnonzero(cut[0])[-1]
    assert probabilities[0, :last].sum() < 0.99
    assert cut[0, :last] == pytest.approx(probabilities[0, :last])


def test_an_unknown_lead_time_stays_unknown():
    assert without_tail(np.zeros((1, 3))).tolist() == [[0, 0, 0]]
    assert terms(lead_time_probabilities=np.zeros((1, 3))).longest_interval.tolist() == [1]
