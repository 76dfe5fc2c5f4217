"""Lowest levels at which something is reached."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.replenishment.closed_forms.search import lowest_between, lowest_from

THRESHOLDS = st.lists(st.floats(0.0, 1e6), min_size=1, max_size=5)


@settings(deadline=None)
@given(THRESHOLDS)
def test_lowest_real_level_is_the_threshold(thresholds):
    wanted = np.array(thresholds)
    found = lowest_from(
        lambda level: level >= wanted, np.zeros(wanted.shape), scale=np.ones(1), step=0.0
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-15, atol=1e-12)


@settings(deadline=None)
@given(THRESHOLDS)
def test_lowest_whole_level_is_the_threshold_rounded_up(thresholds):
    wanted = np.array(thresholds)
    found = lowest_from(
        lambda level: level >= wanted, np.zeros(wanted.shape), scale=np.ones(1), step=1.0
    )
    assert found.tolist() == np.ceil(wanted).tolist()


def test_a_floor_that_reaches_is_the_answer():
    found = lowest_from(lambda level: level > -5, np.zeros(2), scale=np.ones(2), step=1.0)
    assert found.tolist() == [0, 0]


@pytest.mark.parametrize("step", [0.0, 1.0])
def test_between_never_looks_outside(step):
    seen = []

    def reached(level):
        seen.append(level)
        return level >= 3

    found = lowest_between(reached, np.array([-4.0]), np.array([9.0]), step=step)
    assert found.tolist() == [3]
    assert min(level.item() for level in seen) > -4
    assert max(level.item() for level in seen) < 9


def test_an_interval_of_one_unit_ends_at_its_high_end():
    found = lowest_between(lambda level: level >= 0, np.array([2.0]), np.array([3.0]), step=1.0)
    assert found.tolist() == [3]
