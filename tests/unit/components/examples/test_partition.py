import numpy as np
import polars as pl
import pytest

from demandcast.components.examples.partition import is_held_out, partition_of, series_hash

KEYS = pl.DataFrame({"store": ["1", "1", "2", "ü"], "item": ["a", "b", "a", ""]})
HASHES = [2997198050002538696, 9437693865730557531, 5912731485901343133, 2726407037503110135]
HELD_OUT = [True, False, False, False]


def test_the_hash_never_changes():
    # Literal values: another value would move series between splits from one release to the next.
    assert series_hash(KEYS, salt="demandcast:parts").tolist() == HASHES
    assert partition_of(KEYS, 16).tolist() == [value % 16 for value in HASHES]


def test_the_hold_out_never_changes():
    assert is_held_out(KEYS, 0.5).tolist() == HELD_OUT


def test_the_hash_depends_on_the_key_alone():
    alone = [series_hash(KEYS[i : i + 1], salt="demandcast:parts")[0] for i in range(len(KEYS))]
    assert alone == HASHES


def test_keys_that_join_to_the_same_text_stay_apart():
    keys = pl.DataFrame({"a": ["x", "xy"], "b": ["yz", "z"]})
    first, second = series_hash(keys, salt="demandcast:parts")
    assert first != second


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.5, 0.9])
def test_about_the_fraction_is_held_out_whatever_the_partition(fraction):
    keys = pl.DataFrame({"item": [str(number) for number in range(20_000)]})
    held_out = is_held_out(keys, fraction)
    # Four standard deviations of a binomial share, overall and in one of 16 partitions.
    bound = 4 * np.sqrt(fraction * (1 - fraction) / len(keys))
    assert abs(held_out.mean() - fraction) < bound
    inside = held_out[partition_of(keys, 16) == 3]
    assert abs(inside.mean() - fraction) < 4 * np.sqrt(fraction * (1 - fraction) / len(inside))


def test_a_larger_fraction_holds_out_the_same_series_and_more():
    keys = pl.DataFrame({"item": [str(number) for number in range(1000)]})
    assert not (is_held_out(keys, 0.1) & ~is_held_out(keys, 0.2)).any()


def test_partitions_are_about_equal():
    keys = pl.DataFrame({"item": [str(number) for number in range(16_000)]})
    counts = np.bincount(partition_of(keys, 16), minlength=16)
    assert abs(counts - 1000).max() < 5 * np.sqrt(1000)


def test_no_keys():
    assert len(series_hash(KEYS.head(0), salt="demandcast:parts")) == 0
