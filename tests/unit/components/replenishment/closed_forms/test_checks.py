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
