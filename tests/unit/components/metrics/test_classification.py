"""Demand classes: against a loop, at the limits, and edge series."""

import metrics_oracles as oracle
import numpy as np
import pytest

from demandcast.components.metrics import classification
from demandcast.schema import series_example


def classify(target, mask=None):
    return classification.demand_class([target], [mask or [1] * len(target)])[0]


def test_equals_loop():
    rng = np.random.default_rng(3)
    size = (300, 40)
    demand = rng.random(size) < rng.choice([0.05, 0.4, 0.75, 1.0], (300, 1))
    target = demand * rng.lognormal(0, rng.choice([0.1, 0.6, 1.2], (300, 1)), size)
    mask = (rng.random(size) < 0.8).astype(float)
    classes = classification.demand_class(target.astype(np.float32), mask)
    assert classes.tolist() == oracle.demand_class(target.tolist(), mask.tolist())
    assert set(classes) <= set(series_example.DEMAND_CLASSES)
    assert len(set(classes)) >= 4


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ([5, 5, 5, 5], "smooth"),
        ([1, 1, 1, 20], "erratic"),
        ([0, 5, 0, 5], "intermittent"),
        ([0, 1, 0, 0, 1, 0, 0, 20], "lumpy"),
        ([0, 0, 0], "no_demand"),
        ([7], "smooth"),
        ([-2, -3], "no_demand"),
        ([3e38, 3e38], "smooth"),
        ([np.nan, np.nan], "no_demand"),
    ],
)
def test_by_hand(target, expected):
    assert classify(target) == expected


def test_a_demand_every_1_32_periods_is_intermittent():
    assert classify([1.0] * 25 + [0.0] * 8) == "intermittent"  # 33 / 25 = 1.32
    assert classify([1.0] * 26 + [0.0] * 8) == "smooth"  # 34 / 26 = 1.3077


def test_a_squared_variation_of_0_49_is_erratic():
    assert classify([0.29, 1.71]) == "erratic"  # (0.71 / 1)^2 = 0.5041
    assert classify([0.31, 1.69]) == "smooth"  # (0.69 / 1)^2 = 0.4761


def test_gaps_are_no_periods_without_demand():
    assert classify([0, 4, 0, 4], mask=[0, 1, 0, 1]) == "smooth"


def test_nothing_observed():
    assert classify([4, 4], mask=[0, 0]) == "no_demand"
