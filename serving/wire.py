"""Tensors on the wire: TensorFlow's `TensorProto` to NumPy and back.

A request may carry its values packed (`tensor_content`) or in the typed field
of its type (`float_val` and so on); TensorFlow Serving reads both and answers
with typed fields, and so do we. Nothing here imports TensorFlow: any message
with the fields of `TensorProto` will do.

Strings are NumPy object arrays of `bytes`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from demandcast.serving.errors import RequestError
from demandcast.serving.signatures import Signature, TensorSpec

__all__ = [
    "DTYPES",
    "MAX_MESSAGE_BYTES",
    "WireType",
    "as_wire_array",
    "numpy_dtype",
    "read_signature",
    "read_spec",
    "read_tensor",
    "write_content",
    "write_typed",
]

Array = NDArray[Any]

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Largest message of server and client if nothing else is said."""


@dataclass(frozen=True)
class WireType:
    """A type of the wire.

    Attributes:
        number: Value of TensorFlow's `DataType`.
        name: Its name.
        numpy: Type of the array; little-endian.
        values: Typed field that holds its values.
    """

    number: int
    name: str
    numpy: np.dtype[Any]
    values: str


def _types() -> tuple[WireType, ...]:
    rows = (
        (1, "DT_FLOAT", "<f4", "float_val"),
        (2, "DT_DOUBLE", "<f8", "double_val"),
        (3, "DT_INT32", "<i4", "int_val"),
        (4, "DT_UINT8", "|u1", "int_val"),
        (5, "DT_INT16", "<i2", "int_val"),
        (6, "DT_INT8", "|i1", "int_val"),
        (7, "DT_STRING", "|O", "string_val"),
        (9, "DT_INT64", "<i8", "int64_val"),
        (10, "DT_BOOL", "|b1", "bool_val"),
        (17, "DT_UINT16", "<u2", "int_val"),
        (19, "DT_HALF", "<f2", "half_val"),
        (22, "DT_UINT32", "<u4", "uint32_val"),
        (23, "DT_UINT64", "<u8", "uint64_val"),
    )
    return tuple(
        WireType(number, name, np.dtype(code), field) for number, name, code, field in rows
    )


DTYPES = _types()
"""The types that are spoken; the numbers are TensorFlow's, pinned by a test."""

_BY_NUMBER = {kind.number: kind for kind in DTYPES}
_BY_NAME = {kind.name: kind for kind in DTYPES}
_BY_NUMPY = {kind.numpy: kind for kind in DTYPES}
# What a typed field is read as, before a narrowing cast as in C++.
_FIELD_DTYPE = {"int_val": np.dtype("<i4"), "half_val": np.dtype("<i4")}


def numpy_dtype(name: str) -> np.dtype[Any]:
    """NumPy's type for TensorFlow's name of it.

    >>> numpy_dtype("DT_FLOAT")
    dtype('float32')

    Raises:
        ValueError: The type is not spoken here.
    """
    if name not in _BY_NAME:
        raise ValueError(f"dtype {name} is not supported; supported: {sorted(_BY_NAME)}")
    return _BY_NAME[name].numpy


def read_spec(proto: Any) -> TensorSpec:
    """Type and shape that a message states: a `TensorProto`, or a `TensorInfo` of a signature."""
    number = int(proto.dtype)
    name = _BY_NUMBER[number].name if number in _BY_NUMBER else f"DT_{number}"
    if proto.tensor_shape.unknown_rank:
        return TensorSpec(name, None)
    sizes = (int(dim.size) for dim in proto.tensor_shape.dim)
    return TensorSpec(name, tuple(None if size < 0 else size for size in sizes))


def read_signature(proto: Any) -> Signature:
    """Inputs and outputs of a `SignatureDef`."""
    return Signature(
        inputs={name: read_spec(info) for name, info in proto.inputs.items()},
        outputs={name: read_spec(info) for name, info in proto.outputs.items()},
    )


def read_tensor(name: str, proto: Any, *, max_elements: int = 2**31 - 1) -> Array:
    """Reads a tensor, packed or typed.

    As in TensorFlow, a typed field may hold fewer values than the shape has
    places: the last one fills the rest, and none at all means zeros. That makes
    a message of a few bytes a tensor of any size, hence the limit.

    Args:
        name: Of the tensor, for messages.
        proto: A `TensorProto`.
        max_elements: Largest number of elements that is read.

    Returns:
        A writable array of the stated type and shape; bytes objects for strings.

    Raises:
        RequestError: INVALID_ARGUMENT; the type is not supported, the shape is not
            known or too large, or the values do not fill it.
    """
    kind = _BY_NUMBER.get(proto.dtype)
    if kind is None:
        raise _parsing_error(name, f"dtype {proto.dtype} is not supported; {sorted(_BY_NAME)} are")
    shape = read_spec(proto).shape
    if shape is None or None in shape:
        raise _parsing_error(name, "every axis needs a size of 0 or more")
    sizes = tuple(size for size in shape if size is not None)
    count = math.prod(sizes)
    if count > max_elements:
        raise _parsing_error(name, f"{count} elements; at most {max_elements} are accepted")
    if not proto.tensor_content:
        return _read_typed(name, proto, kind, count).reshape(sizes)
    if kind.name == "DT_STRING":
        return _read_packed_strings(name, proto.tensor_content, count).reshape(sizes)
    return _read_packed(name, proto.tensor_content, kind, count).reshape(sizes)


def write_typed(proto: Any, array: ArrayLike) -> None:
    """Writes a tensor into the typed field of its type: TensorFlow Serving's answers.

    Args:
        proto: An empty `TensorProto`.
        array: Numbers, booleans, text or bytes of any shape.

    Raises:
        ValueError: The type of the array is not supported.
    """
    values = as_wire_array(array)
    kind = _write_head(proto, values)
    flat = values.reshape(-1)
    if kind.name == "DT_HALF":
        flat = flat.view("<u2")
    getattr(proto, kind.values).extend(flat.tolist())


def write_content(proto: Any, array: ArrayLike) -> None:
    """Writes a tensor packed, the cheapest way to send numbers; strings go into `string_val`.

    Args:
        proto: An empty `TensorProto`.
        array: Numbers, booleans, text or bytes of any shape.

    Raises:
        ValueError: The type of the array is not supported.
    """
    values = as_wire_array(array)
    kind = _write_head(proto, values)
    if kind.name == "DT_STRING":
        proto.string_val.extend(values.reshape(-1).tolist())
    else:
        proto.tensor_content = values.tobytes()


def as_wire_array(array: ArrayLike) -> Array:
    """An array of a type of the wire; text is encoded as UTF-8.

    >>> as_wire_array(["a", "b"])
    array([b'a', b'b'], dtype=object)

    Raises:
        ValueError: The type of the array is not supported.
    """
    values = np.asarray(array)
    if values.dtype.kind in "USO":
        return _as_bytes(values)
    values = values.astype(values.dtype.newbyteorder("<"), copy=False)
    if values.dtype not in _BY_NUMPY:
        supported = sorted(str(kind) for kind in _BY_NUMPY)
        raise ValueError(f"arrays of {values.dtype} cannot be sent; these can: {supported}")
    return values


def _as_bytes(values: Array) -> Array:
    result = np.empty(values.size, dtype=object)
    for place, value in enumerate(values.reshape(-1).tolist()):
        if not isinstance(value, str | bytes):
            raise ValueError(f"arrays of objects must hold text or bytes, not {value!r}")
        result[place] = value.encode() if isinstance(value, str) else value
    return result.reshape(values.shape)


def _write_head(proto: Any, values: Array) -> WireType:
    kind = _BY_NUMPY[values.dtype]
    proto.dtype = kind.number
    for size in values.shape:
        proto.tensor_shape.dim.add(size=size)
    return kind


def _read_typed(name: str, proto: Any, kind: WireType, count: int) -> Array:
    values = getattr(proto, kind.values)
    sent = len(values)
    if sent > count:
        raise _parsing_error(name, f"{sent} values in {kind.values} for {count} elements")
    if kind.name == "DT_STRING":
        fill: Any = values[-1] if sent else b""
        result = np.full(count, fill, dtype=object)
        result[:sent] = values
        return result
    read_as = _FIELD_DTYPE.get(kind.values, kind.numpy)
    result = np.zeros(count, read_as)
    result[:sent] = np.fromiter(values, read_as, sent)
    if sent:
        result[sent:] = result[sent - 1]
    if kind.name == "DT_HALF":
        return result.astype("<u2").view("<f2")
    return result.astype(kind.numpy, copy=False)


def _read_packed(name: str, content: bytes, kind: WireType, count: int) -> Array:
    expected = count * kind.numpy.itemsize
    if len(content) != expected:
        raise _parsing_error(
            name, f"{len(content)} bytes of tensor_content for {count} {kind.name}: {expected}"
        )
    return np.frombuffer(content, kind.numpy).copy()


def _read_packed_strings(name: str, content: bytes, count: int) -> Array:
    """Reads strings as TensorFlow packs them: all lengths as varints, then all bytes."""
    lengths, place = [], 0
    for _ in range(count):
        length, place = _read_varint(name, content, place)
        lengths.append(length)
    if place + sum(lengths) != len(content):
        raise _parsing_error(name, f"tensor_content does not hold {count} packed strings")
    result = np.empty(count, dtype=object)
    for index, length in enumerate(lengths):
        result[index] = content[place : place + length]
        place += length
    return result


def _read_varint(name: str, content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(content) and shift < 35:
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise _parsing_error(name, "tensor_content does not hold packed strings")


def _parsing_error(name: str, reason: str) -> RequestError:
    return RequestError("INVALID_ARGUMENT", f"tensor parsing error: {name}: {reason}")
