"""A server of one small model, without TensorFlow: gRPC, and REST as its pages describe it.

The model is that of `serving_models`: its mean is the mean of the observed target, for all steps,
and its quantiles are twice the level times the mean.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
import numpy as np
from google.protobuf import json_format
from serving_models import HORIZON, LEVELS

from demandcast.serving import messages
from demandcast.serving.wire import read_tensor, write_typed

__all__ = ["FakeModel", "Refusal", "grpc_server", "rest_server"]

TEXT, NUMBER, WHOLE = "DT_STRING", "DT_FLOAT", "DT_INT64"
INPUTS = {
    "store": (TEXT, 1),
    "cutoff": (WHOLE, 1),
    "target": (NUMBER, 2),
    "observed_mask": (NUMBER, 2),
    "in_stock_fraction": (NUMBER, 2),
    "price": (NUMBER, 2),
    "promotion": (TEXT, 2),
    "weather": (NUMBER, 2),
}
VERSION = 5

_PATH = re.compile(
    r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<what>:predict|/metadata)?"
)
_CODES = {
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "UNAUTHENTICATED": 401,
    "FAILED_PRECONDITION": 400,
}


class Refusal(Exception):  # noqa: N818 - an answer
    """An answer that is a status."""

    def __init__(self, status: str, details: str) -> None:
        super().__init__(details)
        self.status, self.details = status, details


class FakeModel:
    """What the server knows, what it was asked, and with which statuses it fails first.

    Attributes:
        failures: Statuses of the next calls.
        delay_seconds: Before each answer.
        calls: Name of each call that came in.
        specs: Its `ModelSpec`.
        headers: What came with it, names in lower case.
        inputs: Arrays of each prediction.
        peers: Address of each caller.
    """

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.delay_seconds = 0.0
        self.calls: list[str] = []
        self.specs: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.inputs: list[dict[str, np.ndarray]] = []
        self.peers: list[str] = []
        self.running = self.most_running = 0
        self.outputs = {"mean": (HORIZON,), "quantiles": (HORIZON, len(LEVELS))}
        self._lock = threading.Lock()

    def answer(self, name: str, request: Any, headers: dict[str, str], peer: str) -> Any:
        """Answers any call."""
        with self._lock:
            self.calls.append(name)
            self.specs.append(request.model_spec)
            self.headers.append(headers)
            self.peers.append(peer)
            self.running += 1
            self.most_running = max(self.running, self.most_running)
        try:
            time.sleep(self.delay_seconds)
            if self.failures:
                status = self.failures.pop(0)
                raise Refusal(status, f"moody: {status}")
            self._check(request.model_spec)
            return getattr(self, f"_{name}")(request)
        finally:
            with self._lock:
                self.running -= 1

    def signatures(self) -> Any:
        """The `SignatureDefMap`."""
        found = messages.SignatureDefMap()
        default = found.signature_def["serving_default"]
        for name, (kind, rank) in INPUTS.items():
            info = default.inputs[name]
            info.dtype = messages.DATA_TYPES[kind]
            for _ in range(rank):
                info.tensor_shape.dim.add(size=-1)
        for name, shape in self.outputs.items():
            info = default.outputs[name]
            info.dtype = messages.DATA_TYPES[NUMBER]
            for size in (-1, *shape):
                info.tensor_shape.dim.add(size=size)
        # As a SavedModel has it: a signature that is not ours, and text among the outputs.
        echo = found.signature_def["echo"]
        for infos in (echo.inputs, echo.outputs):
            infos["text"].dtype = messages.DATA_TYPES[TEXT]
            infos["text"].tensor_shape.dim.add(size=-1)
        return found

    def _check(self, spec: Any) -> None:
        labelled = spec.WhichOneof("version_choice") == "version_label"
        if labelled and spec.version_label != "stable":
            raise Refusal(
                "INVALID_ARGUMENT", f"Unrecognized servable version label: {spec.version_label}"
            )
        wrong = spec.HasField("version") and spec.version.value != VERSION
        if spec.name != "demand" or wrong:
            which = f"Specific({spec.name}, {spec.version.value})" if wrong else spec.name
            raise Refusal("NOT_FOUND", f"Servable not found for request: {which}")

    def _Predict(self, request: Any) -> Any:  # noqa: N802 - name of the wire
        arrays = {name: read_tensor(name, proto) for name, proto in request.inputs.items()}
        self.inputs.append(arrays)
        response = messages.PredictResponse()
        response.model_spec.CopyFrom(request.model_spec)
        if request.model_spec.signature_name == "echo":
            write_typed(response.outputs["text"], arrays["text"])
            return response
        if set(arrays) != set(INPUTS):
            raise Refusal("INVALID_ARGUMENT", f"input size does not match: {sorted(arrays)}")
        total = (arrays["target"] * arrays["observed_mask"]).sum(axis=1)
        mean = total / np.maximum(arrays["observed_mask"].sum(axis=1), 1)
        steps = np.repeat(mean[:, np.newaxis], HORIZON, axis=1).astype(np.float32)
        levels = np.array(LEVELS, np.float32)
        outputs = {"mean": steps, "quantiles": steps[..., np.newaxis] * 2 * levels}
        for name in request.output_filter or self.outputs:
            if name not in self.outputs:
                raise Refusal("INVALID_ARGUMENT", f"output tensor alias not found: {name}")
            write_typed(response.outputs[name], outputs[name])
        return response

    def _GetModelMetadata(self, request: Any) -> Any:  # noqa: N802 - name of the wire
        response = messages.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = VERSION
        response.metadata["signature_def"].Pack(self.signatures())
        return response

    def _GetModelStatus(self, request: Any) -> Any:  # noqa: N802 - name of the wire
        response = messages.GetModelStatusResponse()
        response.model_version_status.add(version=VERSION, state="AVAILABLE", status={})
        response.model_version_status.add(
            version=VERSION - 1, state="END", status={"error_code": 2, "error_message": "broken"}
        )
        return response


@contextlib.contextmanager
def grpc_server(
    model: FakeModel,
    *,
    credentials: grpc.ServerCredentials | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[str]:
    """Serves over gRPC; yields host and port."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    for service, methods in (
        ("tensorflow.serving.PredictionService", messages.PREDICTION_SERVICE),
        ("tensorflow.serving.ModelService", messages.MODEL_SERVICE),
    ):
        handlers = {
            name: grpc.unary_unary_rpc_method_handler(
                _grpc_handler(model, name),
                request_deserializer=method.request.FromString,
                response_serializer=method.response.SerializeToString,
            )
            for name, method in methods.items()
        }
        generic = grpc.method_handlers_generic_handler(service, handlers)
        server.add_generic_rpc_handlers((generic,))
    wanted = f"{host}:{port}"
    taken = (
        server.add_insecure_port(wanted)
        if credentials is None
        else server.add_secure_port(wanted, credentials)
    )
    server.start()
    try:
        yield f"{host}:{taken}"
    finally:
        server.stop(None).wait()


def _grpc_handler(model: FakeModel, name: str) -> Callable[..., Any]:
    def handle(request: Any, context: Any) -> Any:
        headers = dict(context.invocation_metadata())
        try:
            return model.answer(name, request, headers, context.peer())
        except Refusal as refusal:
            return context.abort(grpc.StatusCode[refusal.status], refusal.details)

    return handle


@contextlib.contextmanager
def rest_server(model: FakeModel, *, context: Any = None) -> Iterator[str]:
    """Serves over HTTP, or HTTPS with the context of `ssl`; yields the address."""

    class Handler(_RestHandler):
        fake = model

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    scheme = "http" if context is None else "https"
    try:
        yield f"{scheme}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _RestHandler(http.server.BaseHTTPRequestHandler):
    fake: FakeModel
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["content-length"])))

    def _answer(self, body: bytes) -> None:
        match = _PATH.fullmatch(self.path)
        try:
            if match is None:
                raise Refusal("INVALID_ARGUMENT", f"Malformed request: {self.path}")
            code, content = 200, self._dispatch(match, body)
        except Refusal as refusal:
            code, content = _CODES[refusal.status], {"error": refusal.details}
        answer = json.dumps(content, indent=1).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        # A client whose time is up has gone.
        with contextlib.suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(answer)

    def _dispatch(self, match: re.Match[str], body: bytes) -> Any:
        name = {":predict": "Predict", "/metadata": "GetModelMetadata", None: "GetModelStatus"}[
            match["what"]
        ]
        request = messages.PREDICTION_SERVICE.get(name, messages.MODEL_SERVICE.get(name)).request()
        request.model_spec.name = match["name"]
        if match["version"]:
            request.model_spec.version.value = int(match["version"])
        if match["label"]:
            request.model_spec.version_label = match["label"]
        if name == "Predict":
            self._read_inputs(request, json.loads(body))
        if name == "GetModelMetadata":
            request.metadata_field.append("signature_def")
        headers = {key.lower(): value for key, value in self.headers.items()}
        response = self.fake.answer(name, request, headers, str(self.client_address))
        if name == "Predict":
            outputs = {k: read_tensor(k, v) for k, v in response.outputs.items()}
            shown = {k: _shown(v) for k, v in outputs.items()}
            return {"outputs": shown if len(shown) > 1 else next(iter(shown.values()))}
        if name == "GetModelMetadata":
            version = str(response.model_spec.version.value)
            return {
                "model_spec": {"name": match["name"], "signature_name": "", "version": version},
                "metadata": {
                    "signature_def": {
                        "@type": "type.googleapis.com/tensorflow.serving.SignatureDefMap",
                        **json_format.MessageToDict(
                            self.fake.signatures(), preserving_proto_field_name=True
                        ),
                    }
                },
            }
        return _status(response)

    def _read_inputs(self, request: Any, body: dict[str, Any]) -> None:
        request.model_spec.signature_name = body.get("signature_name", "")
        signature = self.fake.signatures().signature_def[
            request.model_spec.signature_name or "serving_default"
        ]
        for name, values in body["inputs"].items():
            kind = signature.inputs[name].dtype if name in signature.inputs else 1
            if kind == messages.DATA_TYPES[TEXT]:
                array = np.vectorize(_text, otypes=[object])(np.asarray(values, dtype=object))
            else:
                whole = kind == messages.DATA_TYPES[WHOLE]
                array = np.asarray(values, np.int64 if whole else np.float32)
            write_typed(request.inputs[name], array)


def _status(response: Any) -> dict[str, Any]:
    """As TensorFlow Serving prints it: numbers of versions are text, and nothing is left out."""
    return {
        "model_version_status": [
            {
                "version": str(one.version),
                "state": messages.ModelVersionStatus.State.Name(one.state),
                "status": {
                    "error_code": "UNKNOWN" if one.status.error_code else "OK",
                    "error_message": one.status.error_message,
                },
            }
            for one in response.model_version_status
        ]
    }


def _text(value: Any) -> bytes:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode()


def _shown(array: np.ndarray) -> Any:
    if array.dtype.kind != "O":
        return array.tolist()
    return [
        {"b64": base64.b64encode(one).decode()} if not _is_text(one) else one.decode()
        for one in array
    ]


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True
