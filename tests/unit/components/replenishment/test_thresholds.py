import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from demandcast.components.replenishment.thresholds import (
    level_out,
    lowest_thresholds,
    packs_above,
)


@pytest.mark.parametrize("most", [0, 1, 2, 32, 33, 63, 64, 65, 200])
def test_counts_equal_a_comparison_of_all(most):
    rng = np.random.default_rng(most)
    values = -np.sort(-rng.integers(-99, 99, (200, most)).astype(float), axis=1)
    threshold = rng.integers(-110, 110, 200).astype(float)
    expected = (values > threshold[:, None]).sum(axis=1)
    assert packs_above(values, threshold).tolist() == expected.tolist()


@settings(deadline=None)
@given(
    arrays.arrays(np.float64, 9, elements=st.floats(0, 1e300)),
    st.integers(0, 10),
)
def test_the_threshold_is_the_very_value_that_does_not_fit(values, supply):
    def asked(threshold):
        return np.array([(values > threshold[0]).sum()], dtype=float)

    found = lowest_thresholds(
        asked, np.array([float(supply)]), lowest=np.zeros(1), highest=np.zeros(1)
    )
    # Of sorted values, the first that is left out; 0 if there is room for all.
    left_out = np.sort(values)[::-1][supply:]
    assert found[0] == (left_out[0] if left_out.size else 0.0)


def test_thresholds_of_groups_do_not_mix_and_never_fall_below_the_lowest():
    group = np.array([0, 0, 1, 1])
    values = np.array([5.0, 3.0, 8.0, 8.0])

    def asked(threshold):
        return np.bincount(group, values > threshold[group], 3)

    found = lowest_thresholds(
        asked, np.array([1.0, 0.0, 0.0]), lowest=np.array([4.0, 0.0, 2.0]), highest=np.full(3, 9.0)
    )
    assert found.tolist() == [4.0, 8.0, 2.0]


def one_by_one(packs, more, supply):
    """Gives a pack at a time to the line with the fewest, the earlier one if equal."""
    given_packs = [0] * len(packs)
    for _ in range(supply):
        open_lines = [i for i in range(len(packs)) if given_packs[i] < more[i]]
        if open_lines:
            given_packs[min(open_lines, key=lambda i: (packs[i] + given_packs[i], i))] += 1
    return given_packs


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5), st.integers(0, 6)), max_size=8),
    st.lists(st.integers(0, 30), min_size=3, max_size=3),
)
def test_levelling_out_equals_one_pack_at_a_time(lines, supply):
    group, packs, more = (np.array([line[part] for line in lines], dtype=int) for part in range(3))
    found = level_out(packs, more, group=group, supply=np.array(supply))
    for number in range(3):
        of_group = group == number
        expected = one_by_one(packs[of_group], more[of_group], supply[number])
        assert found[of_group].tolist() == expected
