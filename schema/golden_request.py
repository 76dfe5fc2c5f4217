"""A request with the answer that a model gave to it when it was checked, kept beside the model.

Whoever serves the model later must give the same answer: the file is JSON, and every value is
exact (float32 through its shortest text). NaN, a missing value, is null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from demandcast.schema.config.base import Section

__all__ = ["TOLERANCE", "GoldenRequest", "GoldenTensor", "differences"]

TOLERANCE = 1e-3
"""Share of the largest number of a series by which an answer may differ from another one.

Other processors, and batches of other sizes, add float32 in another order: some 1e-6 of it. Other
weights differ by more than this somewhere.
"""

_SMALLEST = 1e-6
"""Units per period below which numbers are the same."""

Array = NDArray[Any]


class GoldenTensor(Section):
    """An array as JSON."""

    dtype: Literal["float32", "int64", "string"] = Field(description="Type of the values.")
    values: list[Any] = Field(description="Nested lists; null where NaN.")

    @classmethod
    def of(cls, array: Array) -> GoldenTensor:
        """Takes an array of numbers, or of bytes that are UTF-8.

        >>> GoldenTensor.of(np.array([[1.5, np.nan]], np.float32)).values
        [[1.5, None]]
        """
        if array.dtype.kind == "O":
            return cls(dtype="string", values=_decoded(array.tolist()))
        if array.dtype.kind == "i":
            return cls(dtype="int64", values=array.tolist())
        values = array.astype(np.float32).astype(object)
        values[np.isnan(array)] = None
        return cls(dtype="float32", values=values.tolist())

    def array(self) -> Array:
        """Gives the array back; bytes objects for strings.

        >>> GoldenTensor(dtype="float32", values=[[1.5, None]]).array()
        array([[1.5, nan]], dtype=float32)
        """
        if self.dtype == "string":
            return np.array(_encoded(self.values), dtype=object)
        return np.array(self.values, dtype=self.dtype)


class GoldenRequest(Section):
    """A request and its answer."""

    signature: str = Field(description="Entry point that was asked.")
    inputs: dict[str, GoldenTensor] = Field(description="One per input.")
    outputs: dict[str, GoldenTensor] = Field(description="One per output.")
    tolerance: float = Field(TOLERANCE, gt=0, description="See TOLERANCE.")

    @classmethod
    def of(
        cls, signature: str, inputs: Mapping[str, Array], outputs: Mapping[str, Array]
    ) -> GoldenRequest:
        """Takes what was asked and what was answered."""
        return cls(
            signature=signature,
            inputs={name: GoldenTensor.of(array) for name, array in inputs.items()},
            outputs={name: GoldenTensor.of(array) for name, array in outputs.items()},
        )

    def differences(self, answer: Mapping[str, Array]) -> list[str]:
        """Says how another answer differs from this one; nothing if it does not."""
        expected = {name: tensor.array() for name, tensor in self.outputs.items()}
        return differences(expected, answer, tolerance=self.tolerance)


def differences(
    expected: Mapping[str, Array], answer: Mapping[str, Array], *, tolerance: float = TOLERANCE
) -> list[str]:
    """Compares two answers, output by output.

    Args:
        expected: Numbers by output; the first axis is that of the series.
        answer: The other answer; outputs beyond the expected ones do not count.
        tolerance: Share of the largest number of a series, in that output, that is allowed.

    Returns:
        One sentence per output that differs.

    >>> differences({"mean": np.array([[10.0, 2.0]])}, {"mean": np.array([[10.0, 2.1]])})
    ['mean: series 0 answers 2.1 where 2 was expected']
    """
    found = []
    for name, wanted in sorted(expected.items()):
        got = answer.get(name)
        if got is None:
            found.append(f"{name}: missing from the answer")
        elif got.shape != wanted.shape:
            found.append(f"{name}: shape {list(got.shape)}, expected {list(wanted.shape)}")
        elif (wrong := _farthest(wanted, got, tolerance)) is not None:
            found.append(
                f"{name}: series {wrong[0]} answers {got[wrong]:.6g} "
                f"where {wanted[wrong]:.6g} was expected"
            )
    return found


def _farthest(wanted: Array, got: Array, tolerance: float) -> tuple[int, ...] | None:
    """Place of the number that is farthest outside of what is allowed; None if none is."""
    if not wanted.size:
        return None
    axes = tuple(range(1, wanted.ndim))
    largest = np.abs(wanted.astype(np.float64)).max(axis=axes, keepdims=True)
    apart = np.abs(got.astype(np.float64) - wanted.astype(np.float64))
    # NaN is never near.
    beyond = np.where(np.isnan(apart), np.inf, apart) - (tolerance * largest + _SMALLEST)
    place = np.unravel_index(int(np.argmax(beyond)), beyond.shape)
    return tuple(int(index) for index in place) if beyond[place] > 0 else None


def _decoded(values: Any) -> Any:
    return [_decoded(one) for one in values] if isinstance(values, list) else values.decode()


def _encoded(values: Any) -> Any:
    return [_encoded(one) for one in values] if isinstance(values, list) else values.encode()
