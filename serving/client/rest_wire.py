"""TensorFlow Serving's REST: a call as HTTP and JSON, and back, without a transport.

Tensors go in column form (`inputs`), one nested list each. JSON proper has no NaN; TensorFlow
Serving takes and gives `NaN`, `Infinity` and `-Infinity`, as Python's `json` writes them. Text is
a string where it is UTF-8, and `{"b64": ...}` where it is not.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
from google.protobuf import json_format
from numpy.typing import NDArray

from demandcast.serving.client.calls import Call
from demandcast.serving.errors import RequestError
from demandcast.serving.json_text import bytes_to_json
from demandcast.serving.messages import SignatureDefMap
from demandcast.serving.signatures import DEFAULT_SIGNATURE, Signature, TensorSpec
from demandcast.serving.wire import numpy_dtype, read_tensor, write_content

__all__ = ["HttpRequest", "error_text", "http_request", "read_answer", "status_of", "takes_outputs"]

Array = NDArray[Any]

_STATUS_BY_CODE = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_MAX_DETAILS = 2000


@dataclass(frozen=True)
class HttpRequest:
    """What is sent.

    Attributes:
        verb: GET or POST.
        path: From the root of the server.
        body: JSON; None for a GET.
    """

    verb: str
    path: str
    body: bytes | None = None


def http_request(call: Call[Any]) -> HttpRequest:
    """A call as HTTP."""
    path = _model_path(call.request.model_spec)
    if call.name == "Predict":
        return HttpRequest("POST", f"{path}:predict", _predict_body(call.request))
    if call.name == "GetModelMetadata":
        return HttpRequest("GET", f"{path}/metadata")
    return HttpRequest("GET", path)


def takes_outputs(call: Call[Any]) -> bool:
    """Whether its answer can only be read with the types of the signature: JSON has none."""
    return call.name == "Predict"


def read_answer(call: Call[Any], body: bytes, signature: Signature | None) -> Any:
    """An answer as the message that gRPC would bring.

    Args:
        call: What was asked.
        body: JSON.
        signature: Of a prediction.

    Raises:
        RequestError: INTERNAL; it is not what TensorFlow Serving answers. INVALID_ARGUMENT; an
            output was asked for that there is not.
    """
    response = call.method.response()
    try:
        answer = json.loads(body)
        if call.name == "GetModelMetadata":
            _read_metadata(response, answer)
        elif signature is None:
            json_format.ParseDict(answer, response, ignore_unknown_fields=True)
        else:
            _read_outputs(response, answer["outputs"], signature, call.request.output_filter)
    except (KeyError, TypeError, ValueError, json_format.ParseError) as error:
        shown = body[:200].decode(errors="replace")
        raise RequestError("INTERNAL", f"{shown!r}, which cannot be read: {error}") from error
    return response


def status_of(code: int) -> str:
    """Name of the gRPC code that TensorFlow Serving answers with this code of HTTP.

    >>> status_of(404), status_of(302)
    ('NOT_FOUND', 'UNKNOWN')
    """
    return _STATUS_BY_CODE.get(code, "UNKNOWN")


def error_text(code: int, body: bytes) -> str:
    """What an answer that is no success says.

    >>> error_text(404, b'{"error": "Servable not found"}')
    'HTTP 404: Servable not found'
    """
    try:
        said = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        said = body.decode(errors="replace")
    return f"HTTP {code}: {str(said)[:_MAX_DETAILS]}"


def _model_path(spec: Any) -> str:
    path = f"/v1/models/{quote(spec.name, safe='')}"
    if spec.HasField("version"):
        return f"{path}/versions/{spec.version.value}"
    if spec.HasField("version_label"):
        return f"{path}/labels/{quote(spec.version_label, safe='')}"
    return path


def _predict_body(request: Any) -> bytes:
    inputs = {name: _as_json(read_tensor(name, proto)) for name, proto in request.inputs.items()}
    name = request.model_spec.signature_name or DEFAULT_SIGNATURE
    return json.dumps({"signature_name": name, "inputs": inputs}, separators=(",", ":")).encode()


def _as_json(array: Array) -> Any:
    if array.dtype.kind != "O":
        return array.tolist()
    texts = np.empty(array.shape, dtype=object)
    texts.reshape(-1)[:] = [bytes_to_json(value) for value in array.reshape(-1)]
    return texts.tolist()


def _read_metadata(response: Any, answer: Mapping[str, Any]) -> None:
    found = json_format.ParseDict(
        answer["metadata"]["signature_def"], SignatureDefMap(), ignore_unknown_fields=True
    )
    response.metadata["signature_def"].Pack(found)
    json_format.ParseDict(answer["model_spec"], response.model_spec, ignore_unknown_fields=True)


def _read_outputs(response: Any, outputs: Any, signature: Signature, asked: Any) -> None:
    specs = signature.outputs
    # A model with one output has it answered without its name.
    if len(specs) == 1 and not (isinstance(outputs, dict) and outputs.keys() == specs.keys()):
        outputs = dict.fromkeys(specs, outputs)
    if outputs.keys() != specs.keys():
        raise ValueError(f"outputs are {sorted(outputs)}; the model has {sorted(specs)}")
    for name in asked:
        if name not in specs:
            raise RequestError(
                "INVALID_ARGUMENT", f"no output {name!r}; the model has {sorted(specs)}"
            )
    for name in asked or specs:
        write_content(response.outputs[name], _read_array(outputs[name], specs[name]))


def _read_array(values: Any, spec: TensorSpec) -> Array:
    dtype = numpy_dtype(spec.dtype)
    if dtype.kind != "O":
        return np.asarray(values, dtype=dtype)
    texts = np.asarray(values, dtype=object)
    result = np.empty(texts.shape, dtype=object)
    result.reshape(-1)[:] = [
        base64.b64decode(one["b64"]) if isinstance(one, dict) else str(one).encode()
        for one in texts.reshape(-1)
    ]
    return result
