"""Refuses numbers that no formula is meant for: NaN, infinite, negative, zero where it divides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from demandcast.schema.errors import BadInputError

__all__ = [
    "BoolArray",
    "FloatArray",
    "finite",
    "levels_in_order",
    "not_negative",
    "positive",
    "share",
    "whole",
]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


def finite(name: str, value: npt.ArrayLike) -> FloatArray:
    """Returns a value as an array of floats.

    Args:
        name: What the message calls it.
        value: A number or an array of any shape.

    Raises:
        BadInputError: It is not a number, or one of its numbers is NaN or infinite.
    """
    try:
        numbers = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{name} must be a number, not {value!r}") from error
    return _kept(name, numbers, np.isfinite(numbers), "a finite number")


def not_negative(name: str, value: npt.ArrayLike) -> FloatArray:
    """Returns a value as an array of floats of at least 0.

    Raises:
        BadInputError: One of its numbers is below 0, NaN or infinite.
    """
    numbers = finite(name, value)
    return _kept(name, numbers, numbers >= 0, "at least 0")


def positive(name: str, value: npt.ArrayLike) -> FloatArray:
    """Returns a value as an array of floats above 0.

    Raises:
        BadInputError: One of its numbers is 0, below 0, NaN or infinite.
    """
    numbers = finite(name, value)
    return _kept(name, numbers, numbers > 0, "above 0")


def share(name: str, value: npt.ArrayLike) -> FloatArray:
    """Returns a value as an array of floats strictly between 0 and 1.

    Raises:
        BadInputError: One of its numbers is not.
    """
    numbers = finite(name, value)
    return _kept(name, numbers, (numbers > 0) & (numbers < 1), "above 0 and below 1")


def whole(name: str, value: npt.ArrayLike) -> FloatArray:
    """Returns a value as an array of floats without fractions.

    Raises:
        BadInputError: One of its numbers has a fraction, or is NaN or infinite.
    """
    numbers = finite(name, value)
    return _kept(name, numbers, numbers == np.rint(numbers), "a whole number")


def levels_in_order(
    reorder_point: npt.ArrayLike, order_up_to_level: npt.ArrayLike, shape: tuple[int, ...]
) -> tuple[list[int], list[int]]:
    """Returns whole levels, s below S, one of each per item.

    Args:
        reorder_point: s, units.
        order_up_to_level: S, units.
        shape: Of the items.

    Raises:
        BadInputError: A level is not whole, or an s is not below its S.
    """
    low = np.broadcast_to(whole("reorder_point", reorder_point), shape)
    high = np.broadcast_to(whole("order_up_to_level", order_up_to_level), shape)
    if not (low < high).all():
        raise BadInputError("reorder_point must be below order_up_to_level")
    return low.astype(np.int64).ravel().tolist(), high.astype(np.int64).ravel().tolist()


def _kept(name: str, numbers: FloatArray, allowed: BoolArray, what: str) -> FloatArray:
    """Returns the numbers, or names the first that is not allowed."""
    if allowed.all():
        return numbers
    position = tuple(int(axis[0]) for axis in np.nonzero(np.atleast_1d(~allowed)))
    value = float(np.atleast_1d(numbers)[position])
    place = f" at position {', '.join(map(str, position))}" if numbers.ndim else ""
    raise BadInputError(f"{name} must be {what}, not {value:g}{place}")
