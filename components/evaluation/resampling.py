"""Which group of series an example belongs to; no TensorFlow."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from demandcast.components.metrics.jackknife import GROUPS

__all__ = ["series_groups"]

_SALT = "demandcast:noise"  # 16 bytes, as the hash wants them.
_SEPARATOR = b"\x1f"  # Keeps ("a", "bc") and ("ab", "c") apart.


def series_groups(key: Sequence[npt.NDArray[Any]], rows: int) -> npt.NDArray[np.int64]:
    """Hashes series into groups: every example of a series is in the same one, in every run.

    Args:
        key: Columns that together name a series, as text in bytes. Each of shape [N].
        rows: Number of examples, N. Without columns all are in group 0, and noise is unknown.

    Returns:
        Group of each example, from 0 to `GROUPS - 1`. Shape [N].

    >>> series_groups([np.array([b"s1", b"s1", b"s2"], object)], 3)
    array([174, 174,  61])
    """
    if not key:
        return np.zeros(rows, np.int64)
    columns = [np.asarray(column, dtype=object) for column in key]
    joined = functools.reduce(lambda left, right: left + _SEPARATOR + right, columns)
    hashed = pd.util.hash_array(joined, hash_key=_SALT, categorize=False)
    return (np.asarray(hashed, np.uint64) % np.uint64(GROUPS)).astype(np.int64)
