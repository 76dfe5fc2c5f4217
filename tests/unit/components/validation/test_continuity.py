"""Data that goes on as it was, and the ways in which it may not."""

import datetime

import numpy as np
import pytest

from demandcast.components.validation.continuity import breaks
from demandcast.schema.config import ContinuityConfig
from demandcast.schema.data_profile import BLOCK, DataProfile

RULES = ContinuityConfig()
FIRST = 20 * BLOCK
PERIODS = 10 * BLOCK
SERIES = 20


def sales(periods=PERIODS, seed=5):
    """Units of some series; a week, levels of their own. Shape [N, T]."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(5, 50, SERIES)[:, None]
    week = 1 + 0.3 * np.sin(np.arange(periods) * 2 * np.pi / 7)
    return rng.poisson(level * week).astype(float)


def profile(units, *, first=FIRST, names=None, frequency="D", **others):
    """Profile of sales; NaN where a period has no record. Shape [N, T]."""
    units = np.asarray(units, float)
    recorded = np.isfinite(units)
    known = np.where(recorded, units, 0.0)
    same = np.zeros_like(recorded)
    same[:, 1:] = (units[:, 1:] == units[:, :-1]) & (units[:, 1:] > 0)
    blocks = (first + np.arange(units.shape[1])) // BLOCK
    names = names or [f"{i:02d}" for i in range(len(units))]
    sample = {
        name: {int(b): float(row[blocks == b].sum()) for b in np.unique(blocks)}
        for name, row in zip(names, known, strict=True)
    }
    values = {
        "recorded": recorded.sum(0).tolist(),
        "selling": (known > 0).sum(0).tolist(),
        "total": known.sum(0).tolist(),
        "repeated": same.sum(0).tolist(),
        "sample": sample,
    }
    return DataProfile(frequency=frequency, first=first, **values | others)


BEFORE = profile(sales())


def grown(days=28):
    """The same history, and some days more."""
    return np.concatenate([sales(), sales(days, seed=6)], axis=1)


def test_the_same_data_and_more_of_it_goes_on():
    assert breaks(BEFORE, BEFORE, RULES) == ()
    assert breaks(profile(grown()), BEFORE, RULES) == ()


def test_without_earlier_data_there_is_nothing_to_compare():
    assert breaks(profile(grown() * 7), None, RULES) == ()


def test_another_frequency_is_another_table():
    weekly = profile(sales(60), frequency="W-MON")
    assert breaks(weekly, BEFORE, RULES) == ()


def test_history_that_rolls_on_is_compared_where_both_know_it():
    assert breaks(profile(grown()[:, 40:], first=FIRST + 40), BEFORE, RULES) == ()


def test_nothing_in_common_is_no_change():
    later = profile(sales(), first=FIRST + 5 * PERIODS)
    assert breaks(later, BEFORE, RULES) == ()


def test_late_corrections_of_the_newest_days_are_allowed():
    corrected = grown()
    corrected[:, PERIODS - 7 : PERIODS] *= 0.5
    assert breaks(profile(corrected), BEFORE, RULES) == ()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("doubled", lambda units: units * 2),
        ("in cases of twelve", lambda units: np.round(units / 12)),
        ("shifted by a day", lambda units: np.roll(units, 1, axis=1)),
        ("shuffled in time", lambda units: np.random.default_rng(1).permutation(units, axis=1)),
        ("frozen", lambda units: np.repeat(units[:, :1], units.shape[1], axis=1)),
        ("half of the stores", lambda units: units[: SERIES // 2]),
        ("swapped with a price", lambda units: np.full_like(units, 2.5)),
    ],
)
def test_another_history_is_seen(name, change):
    found = breaks(profile(change(grown())), BEFORE, RULES)
    assert any("which the model in service knew" in sentence for sentence in found), name
    assert any("continuity.max_history_change: 0.05" in sentence for sentence in found)


def test_the_message_names_the_worst_day_and_both_numbers():
    other = grown()
    other[:, 30] = 1000
    (sentence,) = breaks(profile(other), BEFORE, ContinuityConfig(max_history_change=0.01))
    before, after = BEFORE.total[30], 1000 * SERIES
    assert f"{after:,} units, before {before:,.6g}" in sentence
    day = datetime.date(1970, 1, 1) + datetime.timedelta(days=FIRST + 30)
    assert f"on {day.isoformat()}" in sentence


def test_sales_that_moved_between_series_are_seen():
    """The sums by period are the same."""
    order = np.random.default_rng(3).permutation(SERIES)
    moved = profile(grown()[order])
    (sentence,) = breaks(moved, BEFORE, RULES)
    assert "moved from one series to another" in sentence
    relaxed = ContinuityConfig(max_history_change=2.0, max_changed_series=1.0)
    assert breaks(moved, BEFORE, relaxed) == ()


def with_zeros(units):
    """The same with a tenth of the numbers at 0: rows are there without a sale."""
    return np.where(np.random.default_rng(9).random(units.shape) < 0.1, 0.0, units)


def test_few_series_whose_history_is_gone_are_seen():
    """The smallest two of 20 hold less than 5 % of the sales."""
    smallest = np.argsort(sales().sum(1))[:2]
    kept = [i for i in range(SERIES) if i not in smallest]
    fewer = profile(grown()[kept], names=[f"{i:02d}" for i in kept])
    (sentence,) = breaks(fewer, BEFORE, RULES)
    assert "changed for 10.0% of the series" in sentence
    assert "2 of 20 have none any more" in sentence
    assert "continuity.max_changed_series: 0.05" in sentence
    assert breaks(fewer, BEFORE, ContinuityConfig(max_changed_series=0.1)) == ()


def test_series_that_vanish_of_late_are_seen():
    before, fewer = with_zeros(sales()), with_zeros(grown())
    fewer[:, :PERIODS] = before
    fewer[: SERIES // 4, PERIODS:] = np.nan
    (sentence,) = breaks(profile(fewer), profile(before), RULES)
    assert "15 series were recorded in the newest 7 periods, 20 when" in sentence
    relaxed = ContinuityConfig(max_series_loss=0.25)
    assert breaks(profile(fewer), profile(before), relaxed) == ()


def test_closed_days_lose_no_series():
    before, now = with_zeros(sales()), with_zeros(grown())
    now[:, :PERIODS] = before
    now[:, -3:] = np.nan
    assert breaks(profile(now), profile(before), RULES) == ()


def test_fewer_sales_in_a_table_of_sales_are_no_lost_series():
    """Where a row means a sale, three in ten items fewer after Christmas are a season."""
    fewer = grown()
    fewer[: 3 * SERIES // 10, PERIODS:] = np.nan
    assert breaks(profile(fewer), BEFORE, RULES) == ()


def test_older_data_is_seen():
    (sentence,) = breaks(profile(sales()[:, :-30]), BEFORE, RULES)
    assert "this data is older" in sentence


@pytest.mark.parametrize(("factor", "odd"), [(0.1, True), (0.4, False), (3.0, False), (9.0, True)])
def test_a_level_beyond_any_season_is_seen(factor, odd):
    """Christmas at three times the usual is none; ten times less or nine times more is."""
    units = grown()
    units[:, -7:] = np.round(units[:, -7:] * factor)
    found = breaks(profile(units), BEFORE, RULES)
    assert bool(found) == odd
    assert all("continuity.max_level_ratio: 5.0" in sentence for sentence in found)
    assert breaks(profile(units), BEFORE, ContinuityConfig(max_level_ratio=None)) == ()


def test_a_frozen_feed_is_seen():
    units = grown()
    units[:, -9:] = units[:, -10:-9]
    (sentence,) = breaks(profile(units), BEFORE, RULES)
    assert "100% of the sales repeat the number of the period before" in sentence
    assert breaks(profile(units), BEFORE, ContinuityConfig(max_repeated_share=None)) == ()


def test_slow_movers_that_always_repeat_are_not_frozen():
    ones = np.ones((SERIES, PERIODS + 28))
    assert breaks(profile(ones), profile(ones[:, :-28]), RULES) == ()


@pytest.mark.parametrize(
    ("value", "copy"), [(0.985, True), (-1.0, True), (0.97, False), (None, False)]
)
def test_a_column_that_gives_the_answer_away_is_seen(value, copy):
    found = breaks(profile(grown(), correlation={"forecasted": value}), BEFORE, RULES)
    assert bool(found) == copy
    assert all("'forecasted'" in sentence for sentence in found)


@pytest.mark.parametrize(
    "units",
    [
        np.full((SERIES, 1), 3.0),
        np.zeros((SERIES, PERIODS)),
        np.full((SERIES, PERIODS), np.nan),
        np.full((SERIES, PERIODS), 4.0),
        np.full((SERIES, PERIODS), 1e300),
    ],
    ids=["one period", "all zero", "never recorded", "constant", "huge"],
)
def test_edges_go_on_as_themselves(units):
    assert breaks(profile(units), profile(units), RULES) == ()
    assert breaks(profile(units), None, RULES) == ()


def test_something_after_nothing_is_a_change():
    zero = profile(np.zeros((SERIES, PERIODS)))
    found = breaks(profile(sales()), zero, RULES)
    assert "differ by inf" in found[0]
