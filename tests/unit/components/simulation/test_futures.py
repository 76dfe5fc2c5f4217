"""Futures have the distribution that the simulation draws what happens from."""

import dataclasses

import numpy as np
import pytest

from demandcast.components.simulation.assortment import (
    CATEGORIES,
    INTERMITTENT,
    LUMPY,
    REGULAR,
)
from demandcast.components.simulation.chain import (
    simulate_chain,
    simulate_conditions,
    simulate_store,
)
from demandcast.components.simulation.config import preset
from demandcast.components.simulation.futures import simulate_futures
from demandcast.components.simulation.randomness import stream
from demandcast.schema.errors import BadInputError

CUTOFF = 399
FIVE_SIGMA = 5.0


def make(**changes):
    chain = simulate_chain(preset("tiny", **changes))
    return chain, simulate_conditions(chain, 0)


def draw(chain, conditions, *, cutoff=CUTOFF, horizon=10, paths=500, seed=1):
    return simulate_futures(
        chain,
        conditions,
        cutoff=cutoff,
        horizon=horizon,
        paths=paths,
        draws=np.random.default_rng(seed),
    )


def assert_means_agree(futures, expected):
    """Means of paths within five standard errors of what is expected. Shapes [H, I, P], [H, I]."""
    error = futures.std(axis=2) / np.sqrt(futures.shape[2])
    # A rare item may have sold on no path at all: 10 / P is then five sigma and more.
    least = 10 / futures.shape[2]
    assert (np.abs(futures.mean(axis=2) - expected) <= FIVE_SIGMA * error + least).all()


@pytest.mark.parametrize("cannibalisation", [0.0, 0.8])
def test_mean_is_the_expected_demand_where_levels_do_not_wander(cannibalisation):
    chain, conditions = make(
        effects={"level_spread": 0.0, "weather": 0.0},
        promotions={"share": 0.3, "cannibalisation": cannibalisation},
        items=24,
    )
    days = simulate_store(chain, 0)
    futures = draw(chain, conditions, horizon=28, paths=4000)
    assert (days.plan.promotion[:, 400:428] > 0).any()
    assert_means_agree(futures, days.mean[:, 400:428].T)


def test_mean_follows_the_level_known_at_the_cutoff():
    """E exp(x(w + k)) = exp(a^k x(w) + s^2 (1 - a^2k) / 2), and footfall adds (s / 3)^2 / 2."""
    spread = 0.3
    chain, conditions = make(
        effects={"level_spread": spread, "weather": 0.0},
        promotions={"share": 0.0},
        items=24,
        new_share=0,
        discontinued_share=0,
    )
    futures = draw(chain, conditions, horizon=28, paths=6000)
    day = slice(400, 428)
    week = chain.weeks[day] - chain.weeks[CUTOFF]
    state = conditions.parts.wander[:, chain.weeks[CUTOFF]]
    left = 0.95 ** week[:, None]
    certain = np.log(simulate_store(chain, 0).mean[:, day]).T
    certain -= conditions.parts.wander[:, chain.weeks[day]].T + conditions.parts.footfall[day, None]
    wander = left * state + spread**2 * (1 - left**2) / 2
    assert week[-1] == 4
    assert np.abs(state).max() > 0.3
    assert_means_agree(futures, np.exp(certain + wander + (spread / 3) ** 2 / 2))


def test_what_happens_after_the_cutoff_is_not_known():
    chain, conditions = make()
    later = conditions.parts.wander.copy()
    later[:, chain.weeks[CUTOFF] + 1 :] = 9.0
    parts = dataclasses.replace(conditions.parts, wander=later, footfall=np.full(518, 9.0))
    other = dataclasses.replace(conditions, parts=parts)
    assert (draw(chain, conditions) == draw(chain, other)).all()


def test_weather_after_the_cutoff_is_not_known():
    chain, _ = make(effects={"level_spread": 0.0, "weather": 3.0})
    warmer, wetter = chain.weather.temperature.copy(), chain.weather.rain.copy()
    warmer[:, CUTOFF + 1 :] += 10.0
    wetter[:, CUTOFF + 1 :] += 20.0
    weather = dataclasses.replace(chain.weather, temperature=warmer, rain=wetter)
    other = dataclasses.replace(chain, weather=weather)
    conditions, others = (simulate_conditions(one, 0) for one in (chain, other))
    assert not np.allclose(conditions.common[:, CUTOFF + 1 :], others.common[:, CUTOFF + 1 :])
    # Sums of the same numbers in another order: a draw in a million may fall on another side.
    same = draw(chain, conditions) == draw(other, others)
    assert same.mean() > 0.9999


def test_a_warm_day_makes_the_next_ones_likely_to_be_warm():
    """Ten degrees more today are 10 a^k after k days, a = 0.8, each a tenth of the warmth."""
    chain, _ = make(effects={"level_spread": 0.0, "dispersion": 0.0, "mean_demand": 100.0})
    warmer = chain.weather.temperature.copy()
    warmer[:, CUTOFF] += 10.0
    warm = dataclasses.replace(
        chain, weather=dataclasses.replace(chain.weather, temperature=warmer)
    )
    usual, risen = (
        draw(one, simulate_conditions(one, 0), horizon=5, paths=4000).mean(axis=2)
        for one in (chain, warm)
    )
    regular = (chain.items.pattern == REGULAR) & (usual > 0).all(axis=0)
    warmth = np.array([each.warmth for each in CATEGORIES])[chain.items.category]
    expected = np.exp(warmth[None] * 0.8 ** np.arange(1, 6)[:, None])
    assert regular.any()
    assert (risen / np.maximum(usual, 1e-9))[:, regular] == pytest.approx(
        expected[:, regular], rel=0.03
    )


def test_the_level_at_the_cutoff_is_known():
    chain, conditions = make()
    now = conditions.parts.wander.copy()
    now[:, chain.weeks[CUTOFF]] += np.log(2)
    parts = dataclasses.replace(conditions.parts, wander=now)
    twice = draw(chain, dataclasses.replace(conditions, parts=parts), horizon=1, paths=4000)
    once = draw(chain, conditions, horizon=1, paths=4000)
    regular = chain.items.pattern == REGULAR
    ratio = twice.mean(axis=2)[:, regular] / once.mean(axis=2)[:, regular]
    assert chain.weeks[CUTOFF + 1] == chain.weeks[CUTOFF]  # No week has passed.
    assert ratio == pytest.approx(np.full(ratio.shape, 2.0), rel=0.05)


def test_items_share_the_footfall_of_a_day():
    chain, conditions = make(
        effects={"level_spread": 0.6, "weather": 0.0, "dispersion": 0.0, "mean_demand": 10_000},
        promotions={"share": 0.0},
        intermittent_share=0,
        lumpy_share=0,
        new_share=0,
        discontinued_share=0,
    )
    logs = np.log(draw(chain, conditions, horizon=2, paths=4000))
    first, second = (np.corrcoef(logs[day]) for day in (0, 1))
    across = np.corrcoef(logs[:, 0])[0, 1]
    # Within the week of the cutoff footfall is all that moves logs; Poisson noise is 1 % of it.
    assert min(first.min(), second.min()) > 0.98
    assert abs(across) < FIVE_SIGMA / np.sqrt(4000)


LIFETIMES = {"new_share": 0.25, "discontinued_share": 0.25}


def test_an_item_that_is_not_sold_has_no_demand():
    chain, conditions = make(items=40, **LIFETIMES)
    items = chain.items
    for cutoff in (300, 350, 400):
        futures = draw(chain, conditions, cutoff=cutoff, horizon=28, paths=100)
        day = np.arange(cutoff + 1, cutoff + 29)[:, None]
        sold = (day >= items.launch) & (day < items.end)
        assert (futures[~sold] == 0).all()
        some = sold & (items.pattern == REGULAR)
        assert (futures[some].mean(axis=1) > 0).all()
        assert (~sold).any()


def tie_broken_ranks(actual, futures, draws):
    """Ranks of what happened among the futures, ties at random: uniform if both are alike."""
    below = (futures < actual[:, None]).sum(axis=1)
    ties = (futures == actual[:, None]).sum(axis=1)
    return (below + draws.integers(0, ties + 1)) / futures.shape[1]


@pytest.fixture(scope="module")
def worlds():
    """Demand over 1 and 14 days of 150 worlds: pattern of items, which begin or end, ranks."""
    draws = np.random.default_rng(5)
    patterns, edges, ranks, covered = [], [], {1: [], 14: []}, {0.9: [], 0.95: []}
    for seed in range(150):
        chain, conditions = make(
            seed=seed, items=24, intermittent_share=0.25, lumpy_share=0.25, **LIFETIMES
        )
        demand, items = simulate_store(chain, 0).demand, chain.items
        cutoff = 380 + seed % 28
        futures = draw(chain, conditions, cutoff=cutoff, horizon=14, paths=499, seed=seed)
        inside = [(edge > cutoff + 1) & (edge <= cutoff + 14) for edge in (items.launch, items.end)]
        alive = (items.launch <= cutoff + 14) & (items.end > cutoff + 1)
        patterns.append(items.pattern[alive])
        edges.append((inside[0] | inside[1])[alive])
        for days, found in ranks.items():
            actual = demand[:, cutoff + 1 : cutoff + 1 + days].sum(axis=1)
            found.append(tie_broken_ranks(actual, futures[:days].sum(axis=0), draws)[alive])
        for level, found in covered.items():
            bound = np.quantile(futures.sum(axis=0), level, axis=1, method="inverted_cdf")
            found.append((actual <= bound)[alive])
    return patterns, edges, ranks, covered


def assert_covered(ranks_by_world, level):
    """Worlds are independent, items of one are not: the error is that of a mean over worlds."""
    counts = np.array([ranks.size for ranks in ranks_by_world])
    hits = np.array([(ranks <= level).sum() for ranks in ranks_by_world])
    share = hits.sum() / counts.sum()
    error = np.sqrt(((hits - share * counts) ** 2).sum()) / counts.sum()
    binomial = np.sqrt(level * (1 - level) / counts.sum())
    assert abs(share - level) <= 4 * max(error, binomial) + 1 / 499


@pytest.mark.parametrize("days", [1, 14])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9, 0.95])
@pytest.mark.parametrize("pattern", [REGULAR, INTERMITTENT, LUMPY])
def test_what_happens_lies_below_a_quantile_as_often_as_it_says(worlds, pattern, level, days):
    patterns, _, ranks, _ = worlds
    chosen = [rank[own == pattern] for rank, own in zip(ranks[days], patterns, strict=True)]
    assert sum(map(len, chosen)) > 500
    assert_covered(chosen, level)


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_also_where_an_item_is_launched_or_ends_on_the_way(worlds, level):
    _, edges, ranks, _ = worlds
    chosen = [rank[edge] for rank, edge in zip(ranks[14], edges, strict=True)]
    assert sum(map(len, chosen)) > 100
    assert_covered(chosen, level)


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_whole_units_never_cover_less_than_the_quantile_says(worlds, level):
    """Demand at or below the quantile, as a base-stock level meets it; ties are covered too."""
    _, _, _, covered = worlds
    counts = np.array([row.size for row in covered[level]])
    share = sum(row.sum() for row in covered[level]) / counts.sum()
    assert share >= level - 4 * np.sqrt(level * (1 - level) / counts.sum())


def test_same_stream_same_futures_and_another_stream_others():
    chain, conditions = make()
    first = draw(chain, conditions, seed=4)
    assert (first == draw(chain, conditions, seed=4)).all()
    assert (first != draw(chain, conditions, seed=5)).any()


def test_a_cutoff_does_not_depend_on_which_others_are_drawn():
    chain, conditions = make()

    def at(cutoff):
        place = stream(chain.config.seed, "futures", 0, cutoff)
        return simulate_futures(chain, conditions, cutoff=cutoff, horizon=3, paths=7, draws=place)

    together = [at(cutoff) for cutoff in (300, 301, 302)]
    assert (together[2] == at(302)).all()


@pytest.mark.parametrize("horizon", [1, 2, 28])
@pytest.mark.parametrize("paths", [1, 3])
def test_shape_and_whole_units(horizon, paths):
    chain, conditions = make()
    futures = draw(chain, conditions, horizon=horizon, paths=paths)
    assert futures.shape == (horizon, 8, paths)
    assert futures.dtype == np.float32
    assert (futures == np.round(futures)).all()
    assert (futures >= 0).all()


def test_a_week_is_the_sum_of_its_days():
    """Same chain by days and by weeks: the same stream gives the same days."""
    same = {"new_share": 0, "discontinued_share": 0}
    daily, by_day = make(periods=70, horizon=14, **same)
    weekly, by_week = make(frequency="W-MON", periods=10, horizon=2, **same)
    days = draw(daily, by_day, cutoff=27, horizon=21)
    weeks = draw(weekly, by_week, cutoff=3, horizon=3)
    assert (weeks == days.reshape(3, 7, 8, 500).sum(axis=1)).all()


def test_the_plan_beyond_the_history_can_be_drawn():
    chain, conditions = make()
    last = chain.history_days - 1
    futures = draw(chain, conditions, cutoff=last, horizon=28, paths=10)
    assert futures.sum() > 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"cutoff": -1}, "got cutoff -1 and horizon 10; expected a cutoff of at least 0"),
        ({"horizon": 0}, "got cutoff 399 and horizon 0"),
        ({"horizon": 119}, "got cutoff 399 and horizon 119; .*at most 517, the last"),
        ({"paths": 0}, "paths: got 0; expected at least 1"),
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong, message):
    chain, conditions = make()
    assert len(chain.weeks) == 430 + 28 + 60
    with pytest.raises(BadInputError, match=message):
        draw(chain, conditions, **wrong)


def test_the_last_planned_period_can_be_drawn():
    chain, conditions = make()
    assert draw(chain, conditions, horizon=118, paths=2).shape == (118, 8, 2)
