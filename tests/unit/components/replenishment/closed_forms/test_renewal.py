"""How long positions stay: by hand, by walks, and in the long run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.replenishment.closed_forms.renewal import Stays


def test_by_hand():
    # At S for two periods on average; half of what leaves takes one unit, half takes two.
    stays = Stays(np.array([0.5, 0.25, 0.25])).until(4)
    expected = [2, 2 * 0.25 * 2, 2 * (0.25 * 1 + 0.25 * 2), 2 * (0.25 * 1.5 + 0.25 * 1)]
    np.testing.assert_allclose(stays, expected)


def test_walks_stay_as_long():
    pmf = np.array([0.2, 0.3, 0.0, 0.5])
    steps = np.random.default_rng(1).choice(4, (20_000, 40), p=pmf)
    walked = np.concatenate([np.zeros((20_000, 1)), np.cumsum(steps, axis=1)], axis=1)
    counted = [(walked == units).sum(axis=1).mean() for units in range(8)]
    np.testing.assert_allclose(Stays(pmf).until(8), counted, atol=0.03)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=6))
def test_in_the_long_run_one_unit_takes_one_over_the_mean(weights):
    pmf = np.array(weights) / np.sum(weights)
    stays = Stays(pmf)
    # Asked for bit by bit or at once, and none is longer than that at S.
    first = stays.until(3).tolist()
    many = stays.until(3000)
    assert many[:3].tolist() == first
    assert many.max() == pytest.approx(many[0])
    assert many[-1] == pytest.approx(1 / (pmf @ np.arange(pmf.size)), rel=1e-6)
