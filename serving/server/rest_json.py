"""JSON of TensorFlow Serving's REST interface: requests to arrays, arrays to answers.

    row form       {"instances": [{"target": [...], ...}, ...]}   →  {"predictions": [...]}
    column form    {"inputs": {"target": [[...], ...], ...}}      →  {"outputs": {...}}

Bytes that are no text travel as ``{"b64": "..."}``. NaN, Infinity and -Infinity are read and
written as these words, which JSON does not know but Python's library does.
"""

from __future__ import annotations

import base64
import binascii
import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import orjson
from google.protobuf import json_format
from numpy.typing import NDArray

from demandcast.serving.errors import RequestError
from demandcast.serving.json_text import binary_to_json, bytes_to_json
from demandcast.serving.signatures import Signature, TensorSpec, check_input_names, check_inputs
from demandcast.serving.wire import DTYPES, numpy_dtype

__all__ = ["JsonRequest", "encode_answer", "message_to_json", "read_json_inputs", "read_request"]

_NAMES = {kind.numpy: kind.name for kind in DTYPES}
_PARAMETERS = inspect.signature(json_format.MessageToDict).parameters
_WITH_DEFAULTS = next(
    name
    for name in ("always_print_fields_with_no_presence", "including_default_value_fields")
    if name in _PARAMETERS  # The latter before protobuf 5.26.
)
_MAX_AXES = 32  # Those of NumPy 1; 2 has more.
_BINARY_SUFFIX = "_bytes"
"""Outputs whose names end so are always written as base64."""


@dataclass(frozen=True)
class JsonRequest:
    """A parsed body.

    Attributes:
        signature_name: Entry point; empty for the default one.
        form: Of the request, and so of the answer.
        content: What stands under `instances` or `inputs`.
    """

    signature_name: str
    form: Literal["row", "column"]
    content: Any


def read_request(body: bytes) -> JsonRequest:
    """Reads the body of a request.

    Raises:
        RequestError: INVALID_ARGUMENT; it is no JSON object, or not one of the two forms.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _refused(f"JSON Parse error: {error}") from error
    if not isinstance(found, dict):
        raise _refused("JSON Parse error: the body must be an object")
    name = found.get("signature_name", "")
    if not isinstance(name, str):
        raise _refused("'signature_name' key must be a string value.")
    forms = [key for key in ("instances", "inputs") if key in found]
    if len(forms) != 1:
        raise _refused("Missing 'inputs' or 'instances' key; exactly one of them is needed")
    if forms == ["inputs"]:
        return JsonRequest(name, "column", found["inputs"])
    if not isinstance(found["instances"], list) or not found["instances"]:
        raise _refused("'instances' must be a list with at least one value")
    return JsonRequest(name, "row", found["instances"])


def read_json_inputs(request: JsonRequest, signature: Signature) -> dict[str, NDArray[Any]]:
    """Makes the inputs of a signature.

    Raises:
        RequestError: INVALID_ARGUMENT; names, types or shapes do not fit.
    """
    columns = _columns(request, signature)
    check_input_names(signature, columns)
    arrays = {name: _array(name, columns[name], spec) for name, spec in signature.inputs.items()}
    check_inputs(
        signature,
        {name: TensorSpec(_NAMES[array.dtype], array.shape) for name, array in arrays.items()},
    )
    return arrays


def encode_answer(outputs: Mapping[str, NDArray[Any]], *, form: Literal["row", "column"]) -> bytes:
    """Writes the answer in the form of the request; a lone output stands without its name.

    Raises:
        RequestError: FAILED_PRECONDITION; a row form was asked for of outputs without rows.
    """
    shown = {name: _jsonable(name, array) for name, array in outputs.items()}
    lone = next(iter(shown.values())) if len(shown) == 1 else None
    if form == "column":
        return _dumps({"outputs": shown if lone is None else lone}, outputs)
    rows = {len(array) if array.ndim else -1 for array in outputs.values()}
    if len(rows) != 1 or rows == {-1}:
        raise RequestError("FAILED_PRECONDITION", "outputs have no common rows; ask for 'inputs'")
    names = list(shown)
    predictions = (
        list(lone)
        if lone is not None
        else [dict(zip(names, row, strict=True)) for row in zip(*shown.values(), strict=True)]
    )
    return _dumps({"predictions": predictions}, outputs)


def message_to_json(message: Any) -> dict[str, Any]:
    """A message as TensorFlow Serving prints it: names of the fields, defaults included."""
    options: dict[str, Any] = {"preserving_proto_field_name": True, _WITH_DEFAULTS: True}
    return dict(json_format.MessageToDict(message, **options))


def _dumps(content: Any, outputs: Mapping[str, NDArray[Any]]) -> bytes:
    """JSON text; NaN and Infinity are written as such words, as TensorFlow Serving does."""
    if all(array.dtype.kind != "f" or np.isfinite(array).all() for array in outputs.values()):
        return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return json.dumps(content, default=_as_list).encode()


def _as_list(value: Any) -> Any:
    """A NumPy array or number as Python's own; float32 as short as it is."""
    if isinstance(value, np.ndarray) and value.dtype == np.float32:
        return value.astype(str).astype(float).tolist()
    return value.tolist()


def _columns(request: JsonRequest, signature: Signature) -> Mapping[str, Any]:
    """Values by the name of their input."""
    lone = next(iter(signature.inputs)) if len(signature.inputs) == 1 else None
    content = request.content
    if request.form == "column":
        if isinstance(content, dict) and not _is_binary(content):
            return content
        return {_lone(lone): content}
    if not all(isinstance(one, dict) and not _is_binary(one) for one in content):
        return {_lone(lone): content}
    names = content[0].keys()
    for place, one in enumerate(content):
        if one.keys() != names:
            raise _refused(f"instances: {place} has the names {sorted(one)}, 0 has {sorted(names)}")
    return {name: [one[name] for one in content] for name in names}


def _lone(name: str | None) -> str:
    if name is None:
        raise _refused("inputs need names: the signature has more than one")
    return name


def _array(name: str, value: Any, spec: TensorSpec) -> NDArray[Any]:
    dtype = numpy_dtype(spec.dtype)
    if dtype.kind == "O":
        return _texts(name, value)
    try:
        found = np.asarray(value)
    except ValueError as error:
        raise _refused(f"input {name!r}: its lists are not of the same length") from error
    if found.ndim > _MAX_AXES:
        raise _too_deep(name)
    kinds = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}[dtype.kind]
    if found.size and found.dtype.kind not in kinds:
        raise _refused(f"input {name!r}: expected {spec}, got values of another type")
    if dtype.kind in "iu" and found.size:
        limits = np.iinfo(dtype)
        if found.min() < limits.min or found.max() > limits.max:
            raise _refused(f"input {name!r}: a value does not fit {spec.dtype}")
    with np.errstate(over="ignore"):
        return found.astype(dtype)


def _texts(name: str, value: Any) -> NDArray[Any]:
    flat: list[bytes] = []
    shape = _flatten(name, value, flat, axes=_MAX_AXES)
    array = np.empty(len(flat), dtype=object)
    array[:] = flat
    return array.reshape(shape)


def _flatten(name: str, value: Any, flat: list[bytes], *, axes: int) -> tuple[int, ...]:
    """Appends the texts of nested lists; returns the shape of what was appended."""
    if isinstance(value, list):
        if not axes:
            raise _too_deep(name)
        shapes = {_flatten(name, one, flat, axes=axes - 1) for one in value}
        if len(shapes) > 1:
            raise _refused(f"input {name!r}: its lists are not of the same length")
        return (len(value), *(shapes.pop() if shapes else ()))
    if isinstance(value, str):
        try:
            flat.append(value.encode())
        except UnicodeEncodeError as error:  # JSON may escape half of a pair.
            raise _refused(f"input {name!r}: a text is no Unicode") from error
        return ()
    if _is_binary(value):
        try:
            flat.append(base64.b64decode(value["b64"], validate=True))
        except (binascii.Error, TypeError, ValueError) as error:
            raise _refused(f"input {name!r}: b64 is not valid base64") from error
        return ()
    raise _refused(f"input {name!r}: expected DT_STRING, got {json.dumps(value)[:40]}")


def _is_binary(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"b64"}


def _jsonable(name: str, array: NDArray[Any]) -> Any:
    if array.dtype.kind != "O":
        if array.dtype == np.float16:
            array = array.astype(np.float32)
        return np.ascontiguousarray(array)
    write = binary_to_json if name.endswith(_BINARY_SUFFIX) else bytes_to_json
    flat = [write(value) for value in array.reshape(-1)]
    nested = np.empty(len(flat), dtype=object)
    nested[:] = flat
    return nested.reshape(array.shape).tolist()


def _too_deep(name: str) -> RequestError:
    return _refused(f"input {name!r}: more than {_MAX_AXES} lists within each other")


def _refused(message: str) -> RequestError:
    return RequestError("INVALID_ARGUMENT", message)
