"""What the planner gives for each order line (N): one number each, refused by line if wrong."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from demandcast.schema.errors import BadInputError

__all__ = [
    "LARGEST",
    "BoolArray",
    "FloatArray",
    "IntArray",
    "as_groups",
    "as_lines",
    "as_whole_numbers",
    "name_lines",
    "refuse_cells",
    "refuse_lines",
]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

LARGEST = float(np.finfo(np.float64).max)
"""Largest number that is not infinite."""

_NAMED = 5
"""Lines that a message names; of the others it gives the count."""


def as_lines(
    name: str,
    values: npt.ArrayLike,
    *,
    lines: int,
    lowest: float = -LARGEST,
    highest: float = LARGEST,
) -> FloatArray:
    """Reads one number per line; a single number stands for all lines.

    Args:
        name: What the numbers are, for the message.
        values: The numbers. Shape [N] or [].
        lines: N.
        lowest: Smallest that is allowed.
        highest: Largest that is allowed; infinity allows infinity.

    Returns:
        A view that cannot be written to, or the values. Shape [N].

    Raises:
        BadInputError: The shape is another, or a number is NaN or out of range; the message
            names the first lines.

    >>> as_lines("moq", 12, lines=2, lowest=0).tolist()
    [12.0, 12.0]
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape not in ((), (lines,)):
        raise BadInputError(
            f"{name}: shape {list(numbers.shape)}; expected [{lines}] or one number"
        )
    each = np.broadcast_to(numbers, (lines,))
    outside = ~((each >= lowest) & (each <= highest))
    refuse_lines(name, each, outside, allowed=_range_in_words(lowest, highest))
    return each


def as_whole_numbers(name: str, values: npt.ArrayLike, *, lines: int, lowest: int = 0) -> IntArray:
    """Reads one whole number per line; a single number stands for all lines.

    Args:
        name: What the numbers are, for the message.
        values: The numbers. Shape [N] or [].
        lines: N.
        lowest: Smallest that is allowed.

    Returns:
        Shape [N].

    Raises:
        BadInputError: The shape is another, or a number is NaN, too small or not whole.
    """
    # Above 2**53 not every whole number is a float; nobody orders as many packs.
    numbers = as_lines(name, values, lines=lines, lowest=lowest, highest=2.0**53)
    refuse_lines(name, numbers, numbers != np.rint(numbers), allowed="whole numbers")
    return numbers.astype(np.int64)


def as_groups(name: str, values: npt.ArrayLike, *, lines: int, groups: int) -> IntArray:
    """Reads the group of each line, an index of another array.

    Args:
        name: What the groups are, for the message.
        values: Indices. Shape [N].
        lines: N.
        groups: How many groups there are.

    Returns:
        Shape [N].

    Raises:
        BadInputError: The shape is another, or an index is not one of a group.
    """
    each = as_whole_numbers(name, values, lines=lines)
    refuse_lines(name, each, each >= groups, allowed=f"an index below {groups}")
    return each


def refuse_lines(
    name: str, values: npt.NDArray[np.generic], refused: BoolArray, *, allowed: str
) -> None:
    """Refuses lines, naming the first of them with what was received.

    Args:
        name: What the values are.
        values: What was received. Shape [N].
        refused: Which lines are refused. Shape [N].
        allowed: What would be right, in words.

    Raises:
        BadInputError: A line is refused.
    """
    if refused.any():
        first = values[np.argmax(refused)].item()
        raise BadInputError(f"{name}: got {first} at {name_lines(refused)}; expected {allowed}")


def refuse_cells(name: str, values: FloatArray, refused: BoolArray, *, allowed: str) -> None:
    """Refuses lines of which a number is wrong, naming the first of them with what was received.

    Args:
        name: What the values are.
        values: What was received. Shape [N, K].
        refused: Which of them are refused. Shape [N, K].
        allowed: What would be right, in words.

    Raises:
        BadInputError: A number is refused.
    """
    if refused.any():
        first = np.take_along_axis(values, refused.argmax(axis=1)[:, None], axis=1)[:, 0]
        refuse_lines(name, first, refused.any(axis=1), allowed=allowed)


def name_lines(marked: BoolArray) -> str:
    """Names the first marked lines by number, from 0, and counts the others.

    >>> name_lines(np.array([True, False, True]))
    'lines 0, 2'
    >>> name_lines(np.ones(9, dtype=bool))
    'lines 0, 1, 2, 3, 4 and 4 more'
    """
    numbers = np.flatnonzero(marked)
    named = ", ".join(str(number) for number in numbers[:_NAMED].tolist())
    more = f" and {numbers.size - _NAMED} more" if numbers.size > _NAMED else ""
    return f"{'line' if numbers.size == 1 else 'lines'} {named}{more}"


def _range_in_words(lowest: float, highest: float) -> str:
    """Says which numbers are allowed."""
    above = "" if lowest <= -LARGEST else f" of at least {lowest:g}"
    finite = "numbers" if highest == np.inf else "finite numbers"
    return f"{finite}{above}" if highest >= LARGEST else f"{finite}{above} and at most {highest:g}"
