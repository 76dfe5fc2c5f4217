"""Levels of one who knows the distribution: that of a known distribution, and what happens then."""

import dataclasses
import logging

import numpy as np
import polars as pl
import pytest
from scipy import stats

from demandcast.components.replenishment import perfect_levels as module
from demandcast.components.replenishment.perfect_levels import PerfectPlanner, perfect_levels
from demandcast.components.replenishment.rolling_policy import (
    RollingPolicy,
    RollingRules,
    SeriesStock,
    SeriesTerms,
)
from demandcast.components.replenishment.stock_scenario import (
    StockScenario,
    StockSupply,
    UnmetDemand,
)
from demandcast.components.replenishment.stock_simulation import simulate_stock
from demandcast.components.replenishment.wanted import Aim
from demandcast.components.simulation.chain import first_day, simulate_chain, simulate_store
from demandcast.components.simulation.config import preset
from demandcast.schema.errors import BadInputError

TARGETS = (0.5, 0.9, 0.98)
POISSON = {
    "effects": {
        **dict.fromkeys(("weekly", "yearly", "holiday", "weather", "level_spread"), 0.0),
        "price_elasticity": 0.0,
        "price_elasticity_spread": 0.0,
        "dispersion": 0.0,
    },
    "promotions": {"share": 0.0},
    "lumpy_share": 0,
    "new_share": 0,
    "discontinued_share": 0,
}
"""A chain whose demand is Poisson, and independent of that of other days."""

FIXED = np.array([[0.0, 0.0, 1.0]])
"""A lead time of 2 periods."""


def keys_of(chain):
    pairs = [(s, i) for s in chain.stores.names.tolist() for i in chain.items.names.tolist()]
    return pl.DataFrame(pairs, schema=["store", "item"], orient="row")


def terms_of(series, **changes):
    ones = np.ones(series)
    terms = SeriesTerms(
        review_period=np.full(series, 3),
        lead_time_row=np.zeros(series, np.int64),
        next_lead_time_row=np.zeros(series, np.int64),
        pack_size=ones,
        unit_cost=ones,
        holding_cost=0.01 * ones,
        stockout_cost=ones,
        shelf_life=np.zeros(series, np.int64),
    )
    changes = {"next_lead_time_row": changes.get("lead_time_row", terms.lead_time_row), **changes}
    return dataclasses.replace(terms, **changes)


def days_of_cutoffs(chain, *cutoffs):
    return first_day(chain.config) + np.array(cutoffs) * chain.config.days_per_period


def rules_of(*, measure="cycle_service_level", unmet="backordered", paths=400, seed=3):
    return RollingRules(Aim(measure, unmet), paths=paths, seed=seed)


def planner_of(chain, *cutoffs, keys=None, terms=None, pmf=FIXED, rules=None):
    keys = keys_of(chain) if keys is None else keys
    return PerfectPlanner.prepare(
        chain,
        keys,
        cutoff_days=days_of_cutoffs(chain, *cutoffs),
        terms=terms_of(keys.height) if terms is None else terms,
        lead_time_probabilities=pmf,
        rules=rules_of() if rules is None else rules,
    )


def levels_of(chain, *cutoffs, targets=TARGETS, **settings):
    return perfect_levels(planner_of(chain, *cutoffs, **settings), targets=targets)


def assert_is_quantile(levels, cdf, target, *, paths):
    """The level covers the target, and one unit less does not, within four standard errors."""
    error = 4 * np.sqrt(target * (1 - target) / paths) + 1 / paths
    assert (cdf(levels) >= target - error).all()
    assert (cdf(levels - 1) <= target + error).all()


@pytest.mark.parametrize("target", TARGETS)
def test_level_is_the_poisson_quantile_of_the_interval(target):
    chain = simulate_chain(preset("tiny", **POISSON))
    levels = levels_of(chain, 200, rules=rules_of(paths=4000))[target][0]
    means = [simulate_store(chain, store).mean[:, 201:206].sum(axis=1) for store in range(3)]
    poisson = stats.poisson(np.concatenate(means))
    assert_is_quantile(levels, poisson.cdf, target, paths=4000)


@pytest.mark.parametrize("target", TARGETS)
def test_random_lead_times_mix_intervals(target):
    chain = simulate_chain(preset("tiny", **POISSON))
    pmf = np.array([[0.6, 0.0, 0.0, 0.4], [0.0, 1.0, 0.0, 0.0]])
    terms = terms_of(24, review_period=np.arange(24) % 2 + 1, lead_time_row=np.arange(24) // 12)
    levels = levels_of(chain, 200, terms=terms, pmf=pmf, rules=rules_of(paths=4000))[target][0]
    mean = np.concatenate([simulate_store(chain, store).mean[:, 201:] for store in range(3)])

    def cdf(units):
        each = [
            [stats.poisson(row[: review + lead].sum()).cdf(own) for lead in range(4)]
            for row, review, own in zip(mean, terms.review_period, units, strict=True)
        ]
        return (pmf[terms.lead_time_row] * np.array(each)).sum(axis=1)

    assert_is_quantile(levels, cdf, target, paths=4000)


def test_lead_time_of_nothing_and_daily_reviews_cover_one_day():
    chain = simulate_chain(preset("tiny", **POISSON))
    terms = terms_of(24, review_period=np.ones(24, np.int64))
    levels = levels_of(chain, 200, terms=terms, pmf=np.ones((1, 1)), rules=rules_of(paths=4000))
    mean = np.concatenate([simulate_store(chain, store).mean[:, 201] for store in range(3)])
    assert_is_quantile(levels[0.9][0], stats.poisson(mean).cdf, 0.9, paths=4000)


def test_fill_rate_is_reached_to_a_unit():
    """Textbook, R = 1, L = 0: fill rate 1 - E(D - S)+ / E D of a Poisson day."""
    chain = simulate_chain(preset("tiny", **POISSON))
    terms = terms_of(24, review_period=np.ones(24, np.int64))
    rules = rules_of(measure="fill_rate", paths=20_000)
    levels = levels_of(chain, 200, targets=(0.95,), terms=terms, pmf=np.ones((1, 1)), rules=rules)
    found = levels[0.95][0]
    mean = np.concatenate([simulate_store(chain, store).mean[:, 201] for store in range(3)])

    def fill_rate(level):
        units = np.arange(400)
        short = np.maximum(units - level[:, None], 0) * stats.poisson(mean[:, None]).pmf(units)
        return 1 - short.sum(axis=1) / mean

    regular = mean > 1  # Of rarer items 20,000 paths see too few sales for three digits.
    assert regular.sum() > 10
    assert (fill_rate(found + 1)[regular] >= 0.95 - 0.005).all()
    assert (fill_rate(found - 1)[regular] <= 0.95 + 0.005).all()


def test_cost_is_the_quantile_at_the_critical_ratio():
    """p / (p + h R) = 1 / (1 + 0.0125 x 20) = 0.8."""
    chain = simulate_chain(preset("tiny"))
    terms = terms_of(24, holding_cost=np.full(24, 0.25 / 3))
    by_cost = levels_of(
        chain, 200, targets=(0.5, 0.99), terms=terms, rules=rules_of(measure="cost")
    )
    by_target = levels_of(chain, 200, targets=(0.8,))[0.8]
    assert (by_cost[0.5] == by_target).all()
    assert (by_cost[0.99] == by_target).all()


def test_more_is_wanted_for_more_service():
    levels = levels_of(simulate_chain(preset("tiny")), 200, 300)
    assert (levels[0.5] <= levels[0.9]).all()
    assert (levels[0.9] <= levels[0.98]).all()
    assert (levels[0.5] < levels[0.98]).any()


def test_series_are_in_the_order_of_the_keys():
    chain = simulate_chain(preset("tiny"))
    keys = keys_of(chain)
    order = np.random.default_rng(1).permutation(keys.height)
    terms = terms_of(keys.height, review_period=np.arange(keys.height) % 3 + 1)
    mixed = dataclasses.replace(terms, review_period=terms.review_period[order])
    straight = levels_of(chain, 200, terms=terms)[0.9]
    shuffled = levels_of(chain, 200, keys=keys[order].select("item", "store"), terms=mixed)[0.9]
    assert (shuffled == straight[:, order]).all()
    assert len(np.unique(straight)) > 5


def test_levels_do_not_depend_on_which_others_are_set():
    chain = simulate_chain(preset("tiny"))
    every = levels_of(chain, 200, 250, 300)[0.9]
    assert (levels_of(chain, 250)[0.9] == every[1:2]).all()
    some = np.array([3, 9, 20])
    assert (levels_of(chain, 250, keys=keys_of(chain)[some])[0.9] == every[1, some]).all()


def test_same_seed_same_levels_and_another_seed_others():
    chain = simulate_chain(preset("tiny"))
    first, again, other = (levels_of(chain, 200, rules=rules_of(seed=s))[0.9] for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_an_item_that_is_not_sold_needs_nothing():
    chain = simulate_chain(preset("tiny", new_share=0.25, discontinued_share=0.25))
    cutoffs = (215, 300, 420)
    levels = levels_of(chain, *cutoffs)[0.98].reshape(3, 3, 8)
    start = np.array(cutoffs)[:, None] + 1
    sold = (chain.items.launch < start + 5) & (chain.items.end > start)
    assert (~sold).any()
    assert (levels.swapaxes(1, 2)[~sold] == 0).all()
    assert (levels.sum(axis=1)[sold] > 0).all()


def test_weekly_levels_cover_weeks():
    weekly = {"frequency": "W-MON", "periods": 60, "start": "2024-01-01", "horizon": 8}
    chain = simulate_chain(preset("tiny", **POISSON, **weekly))
    levels = levels_of(chain, 30, rules=rules_of(paths=4000))[0.9][0]
    days = slice(31 * 7, 36 * 7)
    means = [simulate_store(chain, store).mean[:, days].sum(axis=1) for store in range(3)]
    assert_is_quantile(levels, stats.poisson(np.concatenate(means)).cdf, 0.9, paths=4000)


@pytest.mark.parametrize("target", [0.9, 0.98])
def test_what_happens_is_covered_as_often_as_was_aimed_at(target):
    """Worlds are independent of each other, series of one are not; ties are covered, so >=."""
    shares = []
    for seed in range(40):
        chain = simulate_chain(preset("tiny", seed=seed, intermittent_share=0, lumpy_share=0))
        levels = levels_of(chain, 300)[target][0]
        demand = [simulate_store(chain, store).demand[:, 301:306] for store in range(3)]
        shares.append((np.concatenate(demand).sum(axis=1) <= levels).mean())
    error = np.std(shares) / np.sqrt(len(shares))
    ties = 0.04  # Of whole units: half of P(demand = level) at a level of some 40 units, and more.
    assert target - 3 * error <= np.mean(shares) <= target + 3 * error + ties


def stock_of(planner, on_hand):
    series = len(planner.stores)
    return SeriesStock(
        np.full(series, on_hand), np.full(series, on_hand), np.zeros((planner.horizon, series))
    )


def test_the_planner_sets_the_same_levels_where_unmet_demand_waits():
    planner = planner_of(simulate_chain(preset("tiny")), 200, 250)
    every = perfect_levels(planner, targets=(0.9,))[0.9]
    some = np.array([20, 3, 9])
    stock = stock_of(planner, 7.0).of(some)
    assert (planner.levels(1, some, stock, target=0.9) == every[1, some]).all()
    assert planner.with_forecast(1, some).tolist() == some.tolist()


def test_what_is_lost_before_the_order_arrives_need_not_be_covered():
    """Ample stock loses nothing; without any all demand of the lead time is lost."""
    chain = simulate_chain(preset("tiny", **POISSON))
    planner = planner_of(chain, 200, rules=rules_of(unmet="lost", paths=4000))
    every = np.arange(24)
    ample = planner.levels(0, every, stock_of(planner, 1e6), target=0.9)
    assert (ample == perfect_levels(planner, targets=(0.9,))[0.9][0]).all()
    none = planner.levels(0, every, stock_of(planner, 0.0), target=0.9)
    # The order of now arrives after two days and serves the three from then on.
    means = [simulate_store(chain, store).mean[:, 203:206].sum(axis=1) for store in range(3)]
    assert_is_quantile(none, stats.poisson(np.concatenate(means)).cdf, 0.9, paths=4000)


def test_the_mean_and_the_longest_lead_time_are_those_of_the_distribution():
    pmf = np.array([[0.25, 0.0, 0.75], [0.0, 1.0, 0.0]])
    terms = terms_of(24, lead_time_row=np.arange(24) % 2)
    planner = planner_of(simulate_chain(preset("tiny")), 200, terms=terms, pmf=pmf)
    assert planner.mean_lead_time.tolist() == [1.5, 1.0] * 12
    assert planner.longest_lead_time == 2
    assert planner.horizon == 3 + 2


@pytest.mark.parametrize("unmet", ["lost", "backordered"])
def test_a_policy_that_asks_it_reaches_the_target(unmet):
    """Regular items of 30 worlds, reviewed every 3 days, a lead time of 2."""
    clean, cycles = [], []
    changes = {"intermittent_share": 0, "lumpy_share": 0, "new_share": 0, "discontinued_share": 0}
    for seed in range(30):
        chain = simulate_chain(preset("tiny", seed=seed, stores=1, **changes))
        cutoffs = np.arange(300, 342)
        planner = planner_of(chain, *cutoffs, rules=rules_of(unmet=unmet, paths=300))
        reviewed = np.broadcast_to(np.arange(42)[:, None] % 3 == 0, (42, 8))
        policy = RollingPolicy(planner, np.arange(8), target=0.9, first=0, reviewed=reviewed)
        scenario = StockScenario(
            supply=StockSupply(lead_time=2, review=reviewed),
            unmet_demand=UnmetDemand(unmet),
            warm_up=12,
        )
        demand = simulate_store(chain, 0).demand[:, 301:343].T.astype(float)
        result = simulate_stock(demand, policy, scenario=scenario)
        clean.append(result.cycles_without_stockout.sum())
        cycles.append(result.cycles.sum())
    share = np.sum(clean) / np.sum(cycles)
    error = np.sqrt(((clean - share * np.array(cycles)) ** 2).sum()) / np.sum(cycles)
    ties = 0.015  # Of whole units, at levels of some 40 units: half of P(demand = level).
    assert 0.9 - 3 * error <= share <= 0.9 + 3 * error + ties


def test_progress_is_logged(monkeypatch, caplog):
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_LINES", -1.0)
    with caplog.at_level(logging.INFO, logger="demandcast"):
        levels_of(simulate_chain(preset("tiny")), 200, 201)
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "true distribution at 1 of 6 stores and cutoffs"
    assert lines[-1] == "true distribution at 6 of 6 stores and cutoffs"


@pytest.mark.parametrize(("column", "key"), [("store", "store_999"), ("item", "item_9999")])
def test_a_series_that_the_chain_does_not_have_is_refused(column, key):
    chain = simulate_chain(preset("tiny"))
    keys = keys_of(chain).with_columns(pl.lit(key).alias(column))
    with pytest.raises(BadInputError, match=f"{column}: got '{key}' and 0 more"):
        levels_of(chain, 200, keys=keys)


def test_a_cutoff_outside_of_the_chain_is_refused():
    chain = simulate_chain(preset("tiny"))
    with pytest.raises(BadInputError, match="got 2023-12-31; expected none before 2024-01-01"):
        levels_of(chain, -1)
    with pytest.raises(BadInputError, match="cutoff 513 and horizon 5"):
        levels_of(chain, 513)
