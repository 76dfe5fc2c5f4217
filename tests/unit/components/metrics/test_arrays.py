"""Shape checks, masked means, ratios."""

import numpy as np
import pytest

from demandcast.components.metrics import arrays


def test_shape_complaint_gives_both_shapes():
    with pytest.raises(ValueError, match=r"mask: shape \[2, 3\]; expected \[3, 2\]"):
        arrays.check_shape("mask", np.zeros((2, 3)), (3, 2))


@pytest.mark.parametrize("levels", [[], [0.0, 0.5], [0.5, 1.0], [0.5, 0.5], [0.9, 0.1], [[0.5]]])
def test_wrong_levels_are_refused(levels):
    with pytest.raises(ValueError, match="increase strictly"):
        arrays.check_levels(levels)


def test_count_below_one_is_refused():
    with pytest.raises(ValueError, match="season: got 0"):
        arrays.check_positive("season", 0)


def test_history_of_whole_numbers_becomes_float_and_hides_what_is_not_observed():
    values, known = arrays.as_history([[1, 2, 3]], [[1, 0, 1]])
    assert values.tolist() == [[1.0, 0.0, 3.0]]
    assert known.tolist() == [[True, False, True]]


def test_nan_counts_as_not_observed():
    values, known = arrays.as_history([[np.nan, 2.0]], [[1, 1]])
    assert values.tolist() == [[0.0, 2.0]]
    assert known.tolist() == [[False, True]]


def test_history_needs_two_axes():
    with pytest.raises(ValueError, match=r"target: shape \[3\]"):
        arrays.as_history([1.0, 2.0, 3.0], [1, 1, 1])


@pytest.mark.parametrize("denominator", [0.0, -1.0, np.nan])
def test_ratio_is_nan_where_the_denominator_is_not_above_zero(denominator):
    assert np.isnan(arrays.ratio(1.0, denominator))


def test_masked_mean_of_huge_single_precision_values_does_not_overflow():
    huge = np.full((1, 4), 3e38, dtype=np.float32)
    assert arrays.masked_mean(huge, np.ones((1, 4), bool)) == pytest.approx([3e38])
