"""Requests to arrays and arrays to answers, the short way.

`demandcast.serving.wire` reads and writes every tensor there is, one element at a time where the
message asks for it. Nearly all tensors of nearly all requests are packed numbers or text, and
all answers of a demand model are float32, whose typed field holds the very bytes of the array.
These are taken from and put into the message as they are; the rest goes the long way. Both ways
give the same arrays and the same bytes, by test.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demandcast.serving import messages
from demandcast.serving.signatures import Signature, TensorSpec, check_inputs
from demandcast.serving.wire import numpy_dtype, read_spec, read_tensor, write_typed

__all__ = ["encode_predict_response", "encode_tensor", "read_inputs"]

Arrays = Mapping[str, NDArray[Any]]

_DTYPE_NUMBERS = messages.DATA_TYPES
_STRING = _DTYPE_NUMBERS["DT_STRING"]
_FLOAT = np.dtype("<f4")
# Field numbers and wire types of the messages, as one byte each: number << 3 | type.
_OUTPUTS, _MODEL_SPEC = b"\x0a", b"\x12"
_KEY, _VALUE = b"\x0a", b"\x12"
_TENSOR_HEAD_FLOAT = b"\x08\x01\x12"  # dtype: DT_FLOAT, then tensor_shape
_DIM, _SIZE, _FLOAT_VAL = b"\x12", b"\x08", b"\x2a"


def read_inputs(
    signature: Signature, protos: Mapping[str, Any], *, max_elements: int
) -> dict[str, NDArray[Any]]:
    """Reads and checks the tensors of a request.

    Args:
        signature: What is expected.
        protos: A `TensorProto` for each of its inputs; names already checked.
        max_elements: Largest number of elements of one tensor.

    Returns:
        One array per input; numbers may be read-only.

    Raises:
        RequestError: INVALID_ARGUMENT; type, shape or content of a tensor is wrong.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name, wanted in signature.inputs.items():
        array = _read_plain(wanted, protos[name])
        if array is None:
            return _read_any(signature, protos, max_elements)
        arrays[name] = array
    return arrays


def _read_plain(wanted: TensorSpec, proto: Any) -> NDArray[Any] | None:
    """Reads a tensor that is as wanted and holds each of its values; None for any other."""
    plan = _plan(wanted, proto.dtype, proto.tensor_shape.SerializeToString())
    if plan is None:
        return None
    content = proto.tensor_content
    if plan.dtype is None:
        values = list(proto.string_val)
        if content or len(values) != plan.count:
            return None
        texts = np.empty(plan.count, dtype=object)
        texts[:] = values
        return texts.reshape(plan.shape)
    if len(content) != plan.size or not content:
        return None
    return np.ndarray(plan.shape, plan.dtype, content)


@dataclass(frozen=True)
class _Plan:
    """How a tensor of some shape is read.

    Attributes:
        dtype: Of the array; None for text.
        shape: Of the array.
        count: Number of elements.
        size: Bytes.
    """

    dtype: np.dtype[Any] | None
    shape: tuple[int, ...]
    count: int
    size: int


@functools.lru_cache(maxsize=4096)
def _plan(wanted: TensorSpec, dtype: int, shape_bytes: bytes) -> _Plan | None:
    """Looks at the type and the shape of a tensor, once for all that have the same.

    Returns:
        None if they are not as wanted.
    """
    proto = messages.TensorShapeProto.FromString(shape_bytes)
    shape = tuple(dim.size for dim in proto.dim)
    if dtype != _DTYPE_NUMBERS[wanted.dtype] or proto.unknown_rank or min(shape, default=0) < 0:
        return None
    if not wanted.accepts(TensorSpec(wanted.dtype, shape)):
        return None
    count, numpy = math.prod(shape), numpy_dtype(wanted.dtype)
    is_text = dtype == _STRING
    return _Plan(None if is_text else numpy, shape, count, count * numpy.itemsize)


def _read_any(
    signature: Signature, protos: Mapping[str, Any], max_elements: int
) -> dict[str, NDArray[Any]]:
    check_inputs(signature, {name: read_spec(protos[name]) for name in signature.inputs})
    return {
        name: read_tensor(name, protos[name], max_elements=max_elements)
        for name in signature.inputs
    }


def encode_predict_response(
    outputs: Arrays, names: Iterable[str], *, model: str, version: int, signature: str
) -> bytes:
    """Writes a `PredictResponse`.

    Args:
        outputs: Arrays by name.
        names: Which of them are answered.
        model: Name of the model.
        version: Version that answered.
        signature: Signature that answered.
    """
    parts = []
    for name in names:
        tensor = encode_tensor(outputs[name])
        parts.append(_OUTPUTS + _sized(_KEY + _sized(name.encode()) + _VALUE + _sized(tensor)))
    parts.append(_model_spec(model, version, signature))
    return b"".join(parts)


@functools.lru_cache(maxsize=256)
def _model_spec(model: str, version: int, signature: str) -> bytes:
    spec = messages.ModelSpec(name=model, signature_name=signature)
    spec.version.value = version
    return _MODEL_SPEC + _sized(spec.SerializeToString())


def encode_tensor(array: NDArray[Any]) -> bytes:
    """Writes a `TensorProto` whose values are in the typed field, as TensorFlow Serving does."""
    if array.dtype != _FLOAT or not array.size:
        proto = messages.TensorProto()
        write_typed(proto, array)
        return bytes(proto.SerializeToString())
    return _float_head(array.shape) + _FLOAT_VAL + _sized(array.tobytes())


@functools.lru_cache(maxsize=256)
def _float_head(shape: tuple[int, ...]) -> bytes:
    # A dimension of size 0 would be left out; there is none.
    dims = b"".join(_DIM + _sized(_SIZE + _varint(size)) for size in shape)
    return _TENSOR_HEAD_FLOAT + _sized(dims)


def _sized(data: bytes) -> bytes:
    return _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first.

    >>> _varint(300).hex()
    'ac02'
    """
    if value < 0x80:
        return bytes((value,))
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
