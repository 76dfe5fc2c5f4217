"""What the metrics share about arrays: types, shape checks, masked means."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "AnyFloats",
    "BoolArray",
    "FloatArray",
    "as_history",
    "check_levels",
    "check_positive",
    "check_shape",
    "masked_mean",
    "ratio",
]

AnyFloats = npt.NDArray[np.floating[Any]]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def check_shape(name: str, values: npt.NDArray[Any], expected: tuple[int, ...]) -> None:
    """Refuses an array of another shape.

    Raises:
        ValueError: The shapes differ; the message gives both.
    """
    if values.shape != expected:
        raise ValueError(f"{name}: shape {list(values.shape)}; expected {list(expected)}")


def check_positive(name: str, value: int) -> None:
    """Refuses a count below one.

    Raises:
        ValueError: The value is below 1.
    """
    if value < 1:
        raise ValueError(f"{name}: got {value}; it must be at least 1")


def check_levels(quantile_levels: npt.ArrayLike) -> FloatArray:
    """Refuses levels that no quantile forecast can have.

    Returns:
        The levels. Shape [Q].

    Raises:
        ValueError: There is no level, one lies outside (0, 1), or they do not increase.
    """
    levels = np.asarray(quantile_levels, dtype=np.float64)
    inside = (levels > 0) & (levels < 1)
    if levels.ndim != 1 or not levels.size or not inside.all() or (np.diff(levels) <= 0).any():
        raise ValueError(
            f"quantile_levels: got {levels.tolist()}; they must increase strictly within (0, 1)"
        )
    return levels


def as_history(
    target: npt.ArrayLike, observed_mask: npt.ArrayLike
) -> tuple[npt.NDArray[np.floating[Any]], BoolArray]:
    """Prepares a history for arithmetic: 0 where nothing is known, and where something is.

    Args:
        target: Units per period, right-aligned. Shape [N, T].
        observed_mask: Above 0 where the period was recorded. Shape [N, T].

    Returns:
        The target, 0 where not observed, and the mask. A NaN target counts as not observed.
        Shapes [N, T] and [N, T].

    Raises:
        ValueError: The shapes differ or do not have two axes.
    """
    values = np.asarray(target)
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    if values.ndim != 2:
        raise ValueError(f"target: shape {list(values.shape)}; expected two axes [N, T]")
    mask = np.asarray(observed_mask)
    check_shape("observed_mask", mask, values.shape)
    known = (mask > 0) & ~np.isnan(values)
    return np.where(known, values, np.zeros((), values.dtype)), known


def masked_mean(values: npt.NDArray[np.floating[Any]], mask: BoolArray) -> FloatArray:
    """Averages the last axis where the mask holds; NaN where it never does.

    >>> masked_mean(np.array([[1.0, 3.0], [5.0, 7.0]]), np.array([[True, True], [False, False]]))
    array([ 2., nan])
    """
    return ratio(np.sum(values, axis=-1, dtype=np.float64, where=mask), mask.sum(axis=-1))


def ratio(numerator: npt.ArrayLike, denominator: npt.ArrayLike) -> FloatArray:
    """Divides; NaN where the denominator is not above 0, without a warning.

    >>> ratio([1.0, 1.0], [4.0, 0.0])
    array([0.25,  nan])
    """
    above, below = np.asarray(numerator, np.float64), np.asarray(denominator, np.float64)
    out = np.full(np.broadcast_shapes(above.shape, below.shape), np.nan)
    return np.divide(above, below, out=out, where=below > 0)
