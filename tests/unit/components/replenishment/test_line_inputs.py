import numpy as np
import pytest

from demandcast.components.replenishment.line_inputs import (
    as_groups,
    as_lines,
    as_whole_numbers,
    name_lines,
    refuse_cells,
)
from demandcast.schema.errors import BadInputError


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_a_single_number_stands_for_all_lines(lines):
    assert as_lines("moq", 2.0, lines=lines).tolist() == [2.0] * lines


def test_the_message_names_the_value_the_lines_and_what_is_allowed():
    values = [1.0, np.nan, 3.0, np.nan]
    with pytest.raises(BadInputError, match=r"^moq: got nan at lines 1, 3; expected finite num"):
        as_lines("moq", values, lines=4)
    with pytest.raises(BadInputError, match=r"-1.0 at line 0; expected finite numbers of at least"):
        as_lines("moq", [-1.0, 2.0], lines=2, lowest=0)
    with pytest.raises(BadInputError, match=r"got 3.0 at line 2; .* and at most 2"):
        as_lines("moq", [1.0, 2.0, 3.0], lines=3, highest=2)


def test_infinity_is_refused_unless_allowed():
    assert as_lines("room", [np.inf], lines=1, highest=np.inf).tolist() == [np.inf]
    with pytest.raises(BadInputError, match="got inf at line 0"):
        as_lines("room", [np.inf], lines=1)


@pytest.mark.parametrize("values", [[1.0], [[1.0, 2.0]], [1.0, 2.0, 3.0]])
def test_another_shape_is_refused(values):
    with pytest.raises(BadInputError, match=r"moq: shape .* expected \[2\] or one number"):
        as_lines("moq", values, lines=2)


def test_whole_numbers_and_groups():
    assert as_whole_numbers("packs", [0, 3], lines=2).tolist() == [0, 3]
    with pytest.raises(BadInputError, match=r"got 0.5 at line 1; expected whole numbers"):
        as_whole_numbers("packs", [1, 0.5], lines=2)
    assert as_groups("item", [0, 2], lines=2, groups=3).tolist() == [0, 2]
    with pytest.raises(BadInputError, match=r"item: got 3 at line 1; expected an index below 3"):
        as_groups("item", [0, 3], lines=2, groups=3)


def test_a_wrong_cell_is_shown_of_the_first_wrong_line():
    values = np.array([[1.0, 2.0], [3.0, 7.0]])
    with pytest.raises(BadInputError, match=r"got 7.0 at line 1; expected small"):
        refuse_cells("cells", values, values > 5, allowed="small")
    refuse_cells("cells", values, values > 9, allowed="small")


def test_of_many_lines_the_first_are_named_and_the_rest_counted():
    assert name_lines(np.ones(1000, dtype=bool)) == "lines 0, 1, 2, 3, 4 and 995 more"
