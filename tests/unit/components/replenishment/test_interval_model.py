"""What backtests teach: groups, lengths of intervals, copulas and calibrations of known errors."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from demandcast.components.replenishment.calibration import fit_calibration
from demandcast.components.replenishment.copula import Copula
from demandcast.components.replenishment.interval_model import (
    EDGES,
    Backtested,
    IntervalModel,
    Intervals,
    interval_groups,
    learn_copulas,
    learn_intervals,
    rank_intervals,
    with_guessed_demand,
)
from demandcast.schema.origin_arrays import OriginForecasts

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


def test_groups_by_the_demand_of_the_interval():
    mean = np.array([[0.25] * 4, [1.0] * 4, [10.0] * 4])
    # 0.5, 3 and 80: the last goes on beyond its horizon.
    assert interval_groups(mean, np.array([2, 3, 8])).tolist() == [0, 2, len(EDGES)]


@pytest.mark.parametrize("group", range(len(EDGES)))
def test_an_edge_begins_its_group(group):
    below, at = np.nextafter(EDGES[group], 0), EDGES[group]
    found = interval_groups(np.array([[below], [at]]), np.array([1, 1]))
    assert found.tolist() == [group, group + 1]


PATHS = 200


def intervals(series, *, review_period=2, lead_times=((1,) * PATHS,)):
    return Intervals(
        review_period=np.full(series, review_period, np.int64),
        lead_time_row=np.zeros(series, np.int64),
        lead_times=np.array(lead_times, np.int64),
        unit=np.zeros(series),
    )


def backtested(rows, *, scale=1.0, together=0.0, horizon=4, cutoffs=25, seed=1, **changes):
    """Demand uniform on [0, 20 x scale]; forecasts say [0, 20]. `together`: share of one draw."""
    draws = np.random.default_rng(seed)
    own, shared = draws.random((rows, horizon)), draws.random((rows, 1))
    uniform = np.where(draws.random((rows, 1)) < together, shared, own)
    mean = np.full((rows, horizon), 10.0)
    of = intervals(rows, **changes)
    return Backtested(
        quantiles=20 * np.broadcast_to(np.array(LEVELS), (rows, horizon, len(LEVELS))),
        mean=mean,
        actual=20 * scale * uniform,
        known=np.ones((rows, horizon), bool),
        in_stock=np.ones((rows, horizon), bool),
        intervals=of,
        length=of.review_period + of.lead_times[0, 0],
        series=np.arange(rows),
        cutoff=np.arange(rows) % cutoffs,
    )


def learnt(of):
    return learn_intervals(of, LEVELS, paths=PATHS, seed=3, memory=28)


def level(model, target):
    """The probability that is asked for in the last group: 30 units and more in 3 periods."""
    return float(model.calibrations[-1].level(np.array([target]))[0])


def test_right_forecasts_are_left_alone():
    model = learnt(backtested(3000))
    for target in (0.5, 0.8, 0.9):
        assert level(model, target) == pytest.approx(target, abs=0.03)
    assert model.intervals == 3000


def test_too_low_forecasts_are_asked_for_more():
    model = learnt(backtested(3000, scale=1.2))
    assert level(model, 0.8) > 0.88


def test_too_high_forecasts_are_asked_for_less():
    model = learnt(backtested(3000, scale=0.8))
    assert level(model, 0.8) < 0.7


@pytest.mark.parametrize(("cutoffs", "spans"), [(1, 1), (4, 2), (22, 8)])
def test_backtests_are_believed_as_far_as_their_time_goes(cutoffs, spans):
    """Intervals of 3 periods; the same ranks from 1, 4 or 22 cutoffs, spans / (spans + 2) of it."""
    of = backtested(3000, scale=1.2, cutoffs=cutoffs)
    ranked = rank_intervals(of, learn_copulas(of, LEVELS, seed=3), LEVELS, paths=PATHS, seed=3)
    group = ranked.groups == len(EDGES)
    seen = fit_calibration(ranked.ranks[group], ranked.censored[group])
    word = fit_calibration(ranked.own_ranks[group], np.zeros(group.sum(), bool))
    weight = spans / (spans + 2)
    for target in np.array([0.5, 0.8, 0.95]):
        mixed = weight * seen.level(target) + (1 - weight) * word.level(target)
        assert level(ranked.learn(), target) == pytest.approx(mixed)


def test_the_forecasts_own_word_knows_that_levels_are_raised_to_units():
    """In units of 30 the demand of 3 periods, up to 60, is 0, 1 or 2: levels are 30 or 60.

    A level of 30 covers all up to 1, of 60 all; so the forecast itself says that asking for less
    than 0.9 covers 90 %. Without units its own word is the share itself.
    """
    of = backtested(2000, cutoffs=1)
    copulas = tuple(Copula(0.0, 0.0, 0.0) for _ in range(len(EDGES) + 1))
    plain = rank_intervals(of, copulas, LEVELS, paths=PATHS, seed=3)
    assert np.quantile(plain.own_ranks, 0.9) == pytest.approx(0.9, abs=0.02)
    unit = replace(of.intervals, unit=np.full(2000, 30.0))
    in_units = rank_intervals(replace(of, intervals=unit), copulas, LEVELS, paths=PATHS, seed=3)
    assert np.quantile(in_units.own_ranks, 0.9) < 0.6


def test_errors_that_go_together_are_learnt():
    alone, together = (learnt(backtested(2000, together=share)) for share in (0.0, 1.0))
    group = len(EDGES)
    apart = alone.copulas[group].correlation(4)[0, 1]
    close = together.copulas[group].correlation(4)[0, 1]
    assert abs(apart) < 0.1
    assert close > 0.7


def test_few_intervals_teach_nothing():
    model = learnt(backtested(50))
    assert model.intervals == 0
    assert level(model, 0.9) == pytest.approx(0.9)


def test_a_model_without_learning_changes_nothing():
    model = IntervalModel()
    assert len(model.copulas) == len(model.calibrations) == len(EDGES) + 1
    assert model.intervals == 0
    assert level(model, 0.3) == 0.3


def test_the_same_seed_teaches_the_same():
    first, again = learnt(backtested(300)), learnt(backtested(300))
    assert first.calibrations == again.calibrations
    assert first.copulas == again.copulas


def test_what_is_not_known_is_not_judged():
    of = backtested(400)
    of.known[:, 1] = False
    assert learnt(of).intervals == 0


def test_intervals_beyond_the_horizon_are_not_judged():
    assert learnt(backtested(400, review_period=4)).intervals == 0


def origins(series=3, cutoffs=5, horizon=4):
    rows = series * cutoffs
    shape = (rows, horizon)
    return OriginForecasts(
        keys=pl.DataFrame({"item": [str(at) for at in range(series)]}),
        series_index=np.repeat(np.arange(series), cutoffs),
        cutoff_days=np.arange(cutoffs),
        cutoff_index=np.tile(np.arange(cutoffs), series),
        frequency="D",
        quantile_levels=LEVELS,
        mean=np.arange(rows * horizon, dtype=np.float32).reshape(shape),
        quantiles=np.zeros((*shape, len(LEVELS)), np.float32),
        actual=np.zeros(shape),
        observed_mask=np.ones(shape, bool),
        in_stock_fraction=np.tile(np.float32([1.0, 0.5, 1.0, 0.0]), (rows, 1)),
        demand_class=np.array(["smooth"] * rows),
    )


def taken(of, **options):
    return Backtested.from_origins(of, intervals(3, lead_times=((1, 5),)), seed=1, **options)


def test_rows_of_a_backtest_are_taken_with_their_lengths():
    found = taken(origins())
    assert len(found.mean) == 15
    assert set(found.length) == {2 + 1, 2 + 5}
    assert found.in_stock[0].tolist() == [True, False, True, False]


def test_of_many_rows_whole_series_are_drawn():
    many = origins(series=100)
    of = intervals(100, lead_times=((1, 5),))
    found = Backtested.from_origins(many, of, seed=1, most=150)
    # Of 500 rows about 150, with all 5 cutoffs of each series that is drawn.
    _, counts = np.unique(found.series, return_counts=True)
    assert set(counts) == {5}
    assert 15 <= len(counts) <= 45
    again = Backtested.from_origins(many, of, seed=1, most=150)
    np.testing.assert_array_equal(found.mean, again.mean)


def test_the_newest_intervals_teach():
    # Forecasts were too low long ago, and are right now.
    old, new = backtested(1000, scale=1.5), backtested(1000, seed=2)
    both = Backtested(
        **{
            name: np.concatenate([getattr(old, name), getattr(new, name)])
            for name in ("quantiles", "mean", "actual", "known", "in_stock", "length")
        },
        intervals=intervals(2000),
        series=np.arange(2000),
        cutoff=np.repeat([0, 100], 1000),
    )
    recent = learn_intervals(both, LEVELS, paths=PATHS, seed=3, memory=28)
    always = learn_intervals(both, LEVELS, paths=PATHS, seed=3, memory=1000)
    # The copula is learnt from all: it is wider than the newest errors ask for.
    assert level(recent, 0.8) == pytest.approx(0.8, abs=0.06)
    assert level(always, 0.8) > 0.9


def test_stock_of_an_earlier_decision_covers_too():
    # Demand is forecast lower and lower: what was ordered before is still there.
    of = backtested(2000)
    chained = Backtested(
        **{
            name: getattr(of, name)
            for name in ("quantiles", "mean", "actual", "known", "in_stock", "length", "intervals")
        },
        series=np.repeat(np.arange(1000), 2),
        cutoff=np.tile([0, 2], 1000),
    )
    later = np.arange(2000) % 2 == 1
    lower = np.where(later[:, None, None], 0.25, 1.0) * chained.quantiles
    fallen = replace(
        chained, quantiles=lower, actual=np.where(later[:, None], 0.25, 1.0) * of.actual
    )
    alone = replace(fallen, series=np.arange(2000))
    assert level(learnt(fallen), 0.8) < level(learnt(alone), 0.8) - 0.02


def test_the_usual_length_of_an_interval():
    assert intervals(2, lead_times=((1, 2, 2),)).usual().tolist() == [4, 4]
    assert intervals(2, lead_times=np.empty((0, 3))).usual().tolist() == [2, 2]


def censored_backtest(rows=3000, **options):
    """Demand as forecast; a shop with 12 units a day sells no more than that."""
    of = backtested(rows, **options)
    sold = np.minimum(of.actual, 12.0)
    return replace(of, actual=sold, in_stock=of.actual <= 12.0), of.actual


def test_demand_before_an_empty_shelf_is_guessed_from_what_was_sold_up():
    censored, demand = censored_backtest()
    guessed = with_guessed_demand(censored, LEVELS, seed=1)
    np.testing.assert_array_equal(
        guessed.actual[censored.in_stock], censored.actual[censored.in_stock]
    )
    empty = ~censored.in_stock
    assert (guessed.actual[empty] >= 12).all()
    # Uniform on 12 to 20, as what was asked for: standard error 8 / sqrt(12 x 4,800).
    assert guessed.actual[empty].mean() == pytest.approx(demand[empty].mean(), abs=0.3)
    again = with_guessed_demand(censored, LEVELS, seed=1)
    np.testing.assert_array_equal(guessed.actual, again.actual)


def test_empty_shelves_do_not_make_a_right_forecast_careful():
    censored, _ = censored_backtest()
    assert level(learnt(censored), 0.8) == pytest.approx(0.8, abs=0.05)
