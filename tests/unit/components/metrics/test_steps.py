"""Ranges of steps: bounds and names."""

import pytest

from demandcast.components.metrics.steps import check_steps, split_metric_name, steps_metric_name


@pytest.mark.parametrize("steps", [(1, 1), (1, 28), (28, 28), (8, 14)])
def test_a_range_within_the_horizon_is_kept(steps):
    assert check_steps(steps, 28) == steps


@pytest.mark.parametrize("steps", [(0, 7), (-1, 7), (8, 7), (1, 29), (29, 30)])
def test_a_range_outside_the_horizon_is_refused(steps):
    with pytest.raises(ValueError, match=f"got {steps[0]} to {steps[1]}; allowed: 1 to 28"):
        check_steps(steps, 28)


@pytest.mark.parametrize("metric", ["wape", "wape_per_step", "strict_coverage_80"])
@pytest.mark.parametrize("steps", [None, (1, 7), (8, 28)])
def test_a_name_is_read_as_it_was_written(metric, steps):
    assert split_metric_name(steps_metric_name(metric, steps)) == (metric, steps)


def test_the_name_is_that_of_the_verdict():
    assert steps_metric_name("wape", (1, 7)) == "wape_steps_1_7"
