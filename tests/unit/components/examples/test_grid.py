import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from demandcast.components.examples.grid import ragged_offsets, ragged_ranges, right_aligned

RUNS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 9)), max_size=12)


@given(RUNS)
def test_ranges_equal_a_loop(runs):
    starts = np.array([start for start, _ in runs], np.int64)
    lengths = np.array([length for _, length in runs], np.int64)
    slow = [start + k for start, length in runs for k in range(length)]
    assert ragged_ranges(starts, lengths).tolist() == slow
    assert ragged_offsets(lengths).tolist() == np.cumsum([0, *lengths]).tolist()


@given(RUNS)
def test_right_aligned_equals_a_loop(runs):
    values = np.arange(1, 100, dtype=np.float32)
    starts = np.array([start for start, _ in runs], np.int64)
    lengths = np.array([length for _, length in runs], np.int64)
    dense = right_aligned(values, starts, lengths)
    assert dense.shape == (len(runs), max(lengths, default=0))
    for row, (start, length) in zip(dense, runs, strict=True):
        assert row.tolist() == [0.0] * (dense.shape[1] - length) + list(values[start:][:length])


def test_no_runs():
    nothing = np.zeros(0, np.int64)
    assert len(ragged_ranges(nothing, nothing)) == 0
    assert right_aligned(np.zeros(0, np.float32), nothing, nothing).shape == (0, 0)
