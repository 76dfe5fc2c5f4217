"""Histories of different lengths as one array: padded on the left, as the signatures take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demandcast.schema.series_example import IN_STOCK_FRACTION, OBSERVED_MASK, TARGET

__all__ = ["HISTORY_FILLERS", "filler_of", "pad_left"]

HISTORY_FILLERS = {TARGET: 0.0, OBSERVED_MASK: 0.0, IN_STOCK_FRACTION: 1.0}
"""What stands before a history that is shorter than others, by feature."""


def filler_of(name: str, dtype: np.dtype[Any]) -> Any:
    """Returns what a feature is padded with: NaN in other numbers, nothing in texts.

    >>> filler_of("target", np.dtype("f4")), filler_of("promotion", np.dtype("O"))
    (0.0, b'')
    """
    return b"" if dtype.kind == "O" else HISTORY_FILLERS.get(name, np.nan)


def pad_left(
    values: NDArray[Any], sizes: Sequence[int] | NDArray[Any], *, width: int, filler: Any
) -> NDArray[Any]:
    """Aligns rows of different lengths on the right.

    Args:
        values: The rows, one after the other.
        sizes: Length of each row; none is longer than `width`. Shape [B].
        width: Length of all rows afterwards.
        filler: What stands before.

    Returns:
        The rows, of the type of `values`. Shape [B, width].

    >>> pad_left(np.array([1, 2, 3]), [1, 2], width=3, filler=0)
    array([[0, 0, 1],
           [0, 2, 3]])
    """
    lengths = np.asarray(sizes)
    batch = np.full((len(lengths), width), filler, dtype=values.dtype)
    # Row by row, as the mask and the joined rows both run.
    batch[np.arange(width) >= width - lengths[:, np.newaxis]] = values
    return batch
