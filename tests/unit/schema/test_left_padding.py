import numpy as np
import pytest

from demandcast.schema.left_padding import filler_of, pad_left


def slowly(rows, width, filler):
    """Oracle: row by row."""
    return [[*[filler] * (width - len(row)), *row] for row in rows]


@pytest.mark.parametrize("width", [4, 6])
@pytest.mark.parametrize(
    "rows", [[[1.0]], [[1.0, 2.0], [], [3.0, 4.0, 5.0, 6.0]], [[], []]], ids=str
)
def test_rows_are_aligned_on_the_right(rows, width):
    joined = np.array([value for row in rows for value in row], dtype=np.float32)
    padded = pad_left(joined, [len(row) for row in rows], width=width, filler=-1.0)
    assert padded.tolist() == slowly(rows, width, -1.0)
    assert padded.dtype == np.float32


def test_texts_are_padded_as_well():
    joined = np.array([b"a", b"b"], dtype=object)
    assert pad_left(joined, [2, 0], width=3, filler=b"").tolist() == [[b"", b"a", b"b"], [b""] * 3]


@pytest.mark.parametrize(
    ("name", "code", "filler"),
    [
        ("target", "f4", 0.0),
        ("observed_mask", "f4", 0.0),
        ("in_stock_fraction", "f4", 1.0),
        ("promotion", "O", b""),
    ],
)
def test_padding_says_that_nothing_was_recorded(name, code, filler):
    assert filler_of(name, np.dtype(code)) == filler


def test_a_missing_number_is_nan():
    assert np.isnan(filler_of("price", np.dtype("f4")))
