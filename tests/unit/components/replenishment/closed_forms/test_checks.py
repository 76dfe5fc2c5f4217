"""Numbers that are refused, and how the message names them."""

import numpy as np
import pytest

from demandcast.components.replenishment.closed_forms import checks
from demandcast.schema.errors import BadInputError


@pytest.mark.parametrize(
    ("check", "value", "message"),
    [
        (checks.finite, np.nan, "level must be a finite number, not nan"),
        (checks.finite, [1.0, np.inf], "level must be a finite number, not inf at position 1"),
        (checks.finite, "much", "level must be a number, not 'much'"),
        (checks.not_negative, -0.5, "level must be at least 0, not -0.5"),
        (checks.not_negative, [[1, 2], [3, -4]], "at least 0, not -4 at position 1, 1"),
        (checks.positive, 0, "level must be above 0, not 0"),
        (checks.positive, np.nan, "level must be a finite number, not nan"),
        (checks.share, 1.0, "level must be above 0 and below 1, not 1"),
        (checks.share, 0.0, "level must be above 0 and below 1, not 0"),
        (checks.whole, [1, 2.5], "level must be a whole number, not 2.5 at position 1"),
    ],
)
def test_what_is_refused_is_named_with_its_place(check, value, message):
    with pytest.raises(BadInputError, match=message):
        check("level", value)


@pytest.mark.parametrize(
    ("check", "value"),
    [
        (checks.finite, [-1.0, 0.0]),
        (checks.not_negative, [0, 1]),
        (checks.positive, [1e-300, 1e300]),
        (checks.share, [0.001, 0.999]),
        (checks.whole, [-2, 0, 3]),
        (checks.positive, []),
    ],
)
def test_what_is_allowed_comes_back_as_floats(check, value):
    numbers = check("level", value)
    assert numbers.dtype == np.float64
    assert numbers.tolist() == value


def test_levels_come_back_one_of_each_item():
    assert checks.levels_in_order(2, [5, 7], (2,)) == ([2, 2], [5, 7])


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (0.5, 2, "reorder_point must be a whole number"),
        (0, np.inf, "order_up_to_level must be a finite number"),
        ([1, 3], [2, 3], "reorder_point must be below order_up_to_level"),
    ],
)
def test_levels_out_of_order_are_refused(low, high, message):
    with pytest.raises(BadInputError, match=message):
        checks.levels_in_order(low, high, (2,))
