"""Sums of rows by group, vectorised; no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from demandcast.components.metrics.arrays import FloatArray

__all__ = ["group_rows", "sum_groups"]

Int64Array = npt.NDArray[np.int64]


def group_rows(columns: Sequence[npt.NDArray[Any]], rows: int) -> tuple[Int64Array, Int64Array]:
    """Groups rows that agree in all columns; without columns all rows are one group.

    Args:
        columns: Values to compare, each of shape [B].
        rows: Number of rows, B.

    Returns:
        The group of each row, and for each group (numbered from 0) one of its rows.
        Shapes [B] and [G].

    >>> group_rows([np.array(["b", "a", "b"])], 3)
    (array([1, 0, 1]), array([1, 0]))
    """
    groups = np.zeros(rows, dtype=np.int64)
    for column in columns:
        _, codes = np.unique(column, return_inverse=True)
        paired = groups * (int(codes.max(initial=0)) + 1) + codes.reshape(rows)
        _, groups = np.unique(paired, return_inverse=True)
    _, members = np.unique(groups, return_index=True)
    return groups.astype(np.int64), members.astype(np.int64)


def sum_groups(values: FloatArray, groups: Int64Array, count: int) -> FloatArray:
    """Adds rows by group.

    Args:
        values: One row per example. Shape [B, S].
        groups: Group of each row, from 0 to count - 1. Shape [B].
        count: Number of groups, each with a row.

    Returns:
        Shape [G, S].

    >>> sum_groups(np.array([[1.0], [2.0], [4.0]]), np.array([1, 0, 1]), 2)
    array([[2.],
           [5.]])
    """
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(count))
    return np.asarray(np.add.reduceat(values[order], starts, axis=0))
