"""Groups of series: the same in every run, evenly filled, whole series."""

import numpy as np

from demandcast.components.evaluation.resampling import series_groups
from demandcast.components.metrics.jackknife import GROUPS


def column(values):
    return np.array([value.encode() for value in values], dtype=object)


def test_every_example_of_a_series_is_in_one_group():
    stores, items = column(["a", "b", "a", "b"]), column(["x", "x", "x", "x"])
    first, second, again, once_more = series_groups([stores, items], 4)
    assert (first, second) == (again, once_more)
    assert first != second


def test_columns_are_kept_apart():
    groups = [
        series_groups([column([left]), column([right])], 1)[0]
        for left, right in (("a", "bc"), ("ab", "c"), ("abc", ""))
    ]
    assert len(set(groups)) == 3


def test_groups_never_change():
    """Pinned: another run must put a series where this one does."""
    assert series_groups([column(["s1", "s2"])], 2).tolist() == [174, 61]


def test_groups_are_filled_evenly():
    series = 50 * GROUPS
    groups = series_groups([column([f"s{n}" for n in range(series)])], series)
    sizes = np.bincount(groups, minlength=GROUPS)
    # Of a multinomial: mean 50, standard deviation 7.
    assert sizes.min() > 50 - 5 * 7
    assert sizes.max() < 50 + 5 * 7
    assert sizes.std() < 1.2 * np.sqrt(50)


def test_without_a_key_all_is_one_group():
    assert series_groups([], 3).tolist() == [0, 0, 0]
