"""The newest periods against the past of the same table."""

import numpy as np
import pytest

from demandcast.components.validation.recent import odd_newest_periods
from demandcast.schema.config import ContinuityConfig
from demandcast.schema.data_profile import BLOCK, DataProfile

RULES = ContinuityConfig()
FIRST = 20 * BLOCK
DAYS = 20 * BLOCK
SERIES = 30


def sales(days=DAYS, seed=5):
    """Units with a weekly wave and a December of one and a half. Shape [N, T]."""
    generator = np.random.default_rng(seed)
    level = generator.uniform(5, 50, SERIES)[:, None]
    day = np.arange(days)
    season = np.where((day >= 200) & (day < 228), 1.5, 1.0)
    return generator.poisson(level * season * (1 + 0.3 * np.sin(day * 2 * np.pi / 7))).astype(float)


def profile(units, frequency="D"):
    same = np.zeros(units.shape, bool)
    same[:, 1:] = (units[:, 1:] == units[:, :-1]) & (units[:, 1:] > 0)
    blocks = (FIRST + np.arange(units.shape[1])) // BLOCK
    return DataProfile(
        frequency=frequency,
        first=FIRST,
        recorded=[len(units)] * units.shape[1],
        selling=(units > 0).sum(0).tolist(),
        total=units.sum(0).tolist(),
        repeated=same.sum(0).tolist(),
        sample={
            f"{i:02d}": {int(b): float(row[blocks == b].sum()) for b in np.unique(blocks)}
            for i, row in enumerate(units)
        },
    )


def odd(units, unproven=28, rules=RULES, frequency="D"):
    return tuple(odd_newest_periods(profile(units, frequency), unproven, rules))


@pytest.mark.parametrize("end", range(DAYS - 40, DAYS + 1, 3))
@pytest.mark.parametrize("unproven", [0, 7, 28])
def test_undisturbed_sales_are_not_odd(end, unproven):
    assert odd(sales()[:, :end], unproven) == ()


@pytest.mark.parametrize("days", [7, 14, 21])
@pytest.mark.parametrize("factor", [0.2, 0.4, 2.5, 12.0])
def test_a_level_beyond_the_largest_change_so_far_is_seen(days, factor):
    """The largest is 1.5, so 2.25 is allowed; how many weeks are wrong makes no difference."""
    units = sales()
    units[:, -days:] *= factor
    assert any("of the newest 28 periods sell" in sentence for sentence in odd(units))


def test_a_season_like_the_one_before_is_no_surprise():
    units = sales()
    units[:, -7:] *= 1.5
    assert odd(units) == ()


def test_a_short_history_has_no_surprises():
    units = sales()[:, :200]
    units[:, -7:] *= 2.5
    assert odd(units) == ()
    units[:, -7:] *= 12
    assert "continuity.max_level_ratio: 5.0" in odd(units)[0]


def test_the_key_that_allows_a_level_is_named_and_works():
    units = sales()
    units[:, -7:] *= 3
    (sentence,) = odd(units)
    assert "continuity.max_level_surprise: 1.5" in sentence
    assert odd(units, rules=ContinuityConfig(max_level_surprise=None)) == ()


@pytest.mark.parametrize("days", [10, 14, 20])
def test_series_mixed_up_of_late_are_seen(days):
    """The sums by day stay what they were."""
    units = sales()
    units[:, -days:] = units[np.random.default_rng(1).permutation(SERIES), -days:]
    (sentence,) = odd(units)
    assert "series may be mixed up" in sentence


def test_old_weeks_under_new_dates_are_seen():
    units = sales()
    units[:, -7:] = units[:, -35:-28]
    (sentence,) = odd(units)
    assert "exactly the sums of those 28 periods before them" in sentence


@pytest.mark.parametrize("value", [0.0, 4.0])
def test_a_constant_has_nothing_odd(value):
    assert odd(np.full((SERIES, DAYS), value)) == ()


def test_something_after_nothing_and_nothing_after_something():
    started = np.zeros((SERIES, DAYS))
    started[:, -3:] = sales()[:, -3:]
    assert odd(started) == ()  # Nothing says what is usual.
    stopped = sales()
    stopped[:, -7:] = 0.0
    assert "sell 0 units each" in odd(stopped)[0]


@pytest.mark.parametrize("days", [1, 7, 13])
def test_too_few_periods_are_not_judged(days):
    assert odd(sales()[:, :days]) == ()


def test_without_sampled_series_there_is_no_mix_to_judge():
    whole = profile(sales()).model_copy(update={"sample": {}})
    assert tuple(odd_newest_periods(whole, 28, RULES)) == ()
