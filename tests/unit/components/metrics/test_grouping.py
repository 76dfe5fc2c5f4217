"""Groups of rows: equal to a loop, for any columns."""

import numpy as np
import pytest

from demandcast.components.metrics.grouping import group_rows, sum_groups


@pytest.mark.parametrize("columns", [0, 1, 2, 3])
@pytest.mark.parametrize("rows", [1, 2, 200])
def test_equals_loop(columns, rows):
    rng = np.random.default_rng(columns)
    values = rng.random((rows, 4))
    keys = [
        np.array([f"value {v}".encode() for v in rng.integers(3, size=rows)], dtype=object)
        for _ in range(columns)
    ]
    groups, members = group_rows(keys, rows)
    sums = sum_groups(values, groups, len(members))
    expected = {}
    for row, key in zip(values, zip(*keys, strict=True) if keys else [()] * rows, strict=True):
        expected[key] = expected.get(key, 0) + row
    found = {tuple(key[member] for key in keys): sums[i] for i, member in enumerate(members)}
    assert found.keys() == expected.keys()
    for key, row in expected.items():
        np.testing.assert_allclose(found[key], row)


def test_each_group_names_one_of_its_rows():
    groups, members = group_rows([np.array([3, 1, 3, 2])], 4)
    assert groups[members].tolist() == [0, 1, 2]
