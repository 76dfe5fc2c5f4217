"""Simple forecasts by hand, and what they say where nothing is known."""

import numpy as np
import pytest
import tensorflow as tf

from demandcast.components.forecasting.reference import (
    growth_since,
    recent_level,
    seasonal_profile,
)

pytestmark = pytest.mark.slow

SCALE = tf.constant([2.0])


def row(*values):
    return tf.constant([values], tf.float32)


def test_profile_averages_the_same_phase():
    found = seasonal_profile(
        row(4.0, 1.0, 6.0, 3.0), row(1, 1, 1, 1), scale=SCALE, season=2, horizon=3
    )
    even, odd = (4 + 6 + 2) / 3, (1 + 3 + 2) / 3
    np.testing.assert_allclose(found, [[even, odd, even]])


def test_profile_of_a_phase_out_of_stock_is_the_scale():
    found = seasonal_profile(row(0.0, 5.0), row(0, 1), scale=SCALE, season=2, horizon=2)
    np.testing.assert_allclose(found, [[2.0, (5 + 2) / 2]])


def test_recent_level_counts_exposure_and_no_more_than_the_width():
    found = recent_level(row(90.0, 3.0, 0.0, 1.0), row(1, 1, 0, 0.5), scale=SCALE, width=3)
    np.testing.assert_allclose(found, [(3 + 1 + 0.5 * 2) / (1.5 + 0.5)])


def test_recent_level_of_a_context_shorter_than_the_width():
    found = recent_level(row(3.0), row(1), scale=SCALE, width=7)
    np.testing.assert_allclose(found, [(3 + 0.5 * 2) / 1.5])


def test_growth_compares_what_both_know():
    found = growth_since(row(8.0, 9.0, 5.0), row(2.0, 1.0, 99.0), row(1, 1, 0), scale=SCALE)
    np.testing.assert_allclose(found, [(8 + 9 + 4) / (2 + 1 + 4)])


@pytest.mark.parametrize(
    ("now", "then", "both", "expected"),
    [
        (5.0, 0.0, 0.0, 1.0),  # nothing to compare
        (0.0, 0.0, 1.0, 1.0),  # no demand then, none now
        (1e30, 0.0, 1.0, 4.0),
        (0.0, 1e30, 1.0, 0.25),
    ],
)
def test_growth_at_its_bounds(now, then, both, expected):
    found = growth_since(row(now), row(then), row(both), scale=SCALE)
    np.testing.assert_allclose(found, [expected])
