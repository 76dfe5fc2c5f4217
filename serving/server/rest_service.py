"""TensorFlow Serving's REST interface, and the page for Prometheus.

POST /v1/models/NAME[/versions/N|/labels/L]:predict
GET  /v1/models/NAME[/versions/N|/labels/L]              state of versions
GET  /v1/models/NAME[/versions/N|/labels/L]/metadata     signatures
GET  /monitoring/prometheus/metrics
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from demandcast.serving import messages
from demandcast.serving.errors import RequestError
from demandcast.serving.server.access import TokenCheck
from demandcast.serving.server.grpc_services import UNKNOWN_MODEL
from demandcast.serving.server.metrics import Metrics
from demandcast.serving.server.prediction_logs import PredictionLogs
from demandcast.serving.server.predictions import Choice, Predictions, signature_map
from demandcast.serving.server.rest_json import (
    encode_answer,
    message_to_json,
    read_json_inputs,
    read_request,
)
from demandcast.serving.server.tensors import encode_predict_response
from demandcast.serving.signatures import DEFAULT_SIGNATURE
from demandcast.serving.wire import write_content

__all__ = ["HTTP_STATUS", "RestService"]

logger = logging.getLogger(__name__)

HTTP_STATUS = {
    "OK": 200,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""HTTP's number for each status; 500 for the others."""

_MODEL = (
    r"/v1/models/(?P<name>[^/:]+)"
    r"(?:(?:/versions/(?P<version>[0-9]+))|(?:/labels/(?P<label>[^/:]+)))?"
)
_CALL = re.compile(_MODEL + r":(?P<method>classify|regress|predict)")
_LOOK = re.compile(r"/v1/models/?|" + _MODEL + r"(?P<metadata>/metadata)?")
_JSON = "application/json"
_MAX_VERSION = 2**63 - 1


@dataclass(frozen=True)
class RestService:
    """The REST interface, on one event loop; attributes as for `GrpcServices`.

    Attributes:
        metrics_path: Where Prometheus is answered; None for nowhere.
        max_message_bytes: Largest body.
    """

    predictions: Predictions
    metrics: Metrics
    logs: PredictionLogs
    token: TokenCheck
    metrics_path: str | None
    max_message_bytes: int

    def application(self) -> web.Application:
        """What an HTTP server is to be given."""
        application = web.Application(
            client_max_size=self.max_message_bytes, middlewares=[self._middleware]
        )
        if self.metrics_path is not None:
            application.router.add_get(self.metrics_path, self._metrics)
        application.router.add_route("*", "/{path:.*}", self._dispatch)
        return application

    @web.middleware
    async def _middleware(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Makes every way out an answer, and the server lives on."""
        try:
            if not self.token.passes(request.headers.get("Authorization")):
                raise RequestError("UNAUTHENTICATED", "a bearer token of this server is needed")
            return await handler(request)
        except RequestError as error:
            status, details = HTTP_STATUS.get(error.status, 500), str(error)
        except web.HTTPRequestEntityTooLarge:
            status, details = 413, f"the body is larger than {self.max_message_bytes} bytes"
        except (web.HTTPException, asyncio.CancelledError):
            raise
        except Exception as error:
            logger.exception("A request failed inside the server")
            status, details = 500, f"{type(error).__name__}: {error}"
        return web.json_response({"error": details}, status=status)

    async def _metrics(self, request: web.Request) -> web.Response:
        del request
        return web.Response(text=self.metrics.exposition(), content_type="text/plain")

    async def _dispatch(self, request: web.Request) -> web.Response:
        if request.method == "POST" and (call := _CALL.fullmatch(request.path)):
            return await self._call(request, call)
        if request.method == "GET" and (look := _LOOK.fullmatch(request.path)):
            if look["name"] is None:
                raise RequestError("INVALID_ARGUMENT", "Missing model name in request.")
            return self._metadata(look) if look["metadata"] else self._status(look)
        raise RequestError(
            "INVALID_ARGUMENT", f"Malformed request: {request.method} {request.path}"
        )

    async def _call(self, request: web.Request, call: re.Match[str]) -> web.Response:
        if call["method"] != "predict":
            raise RequestError(
                "UNIMPLEMENTED", f"{call['method']} is answered over gRPC, not over REST"
            )
        begin, status = time.perf_counter(), "UNKNOWN"
        try:
            body = await self._predict(await request.read(), call)
            status = "OK"
        except RequestError as error:
            status = error.status
            raise
        except web.HTTPRequestEntityTooLarge:
            status = "RESOURCE_EXHAUSTED"
            raise
        except asyncio.CancelledError:
            status = "CANCELLED"
            raise
        finally:
            name = call["name"]
            self.metrics.count_request(
                name if self.predictions.knows(name) else UNKNOWN_MODEL,
                status,
                api="Predict",
                entrypoint="REST",
                seconds=time.perf_counter() - begin,
            )
        return web.Response(body=body, content_type=_JSON)

    async def _predict(self, body: bytes, call: re.Match[str]) -> bytes:
        parsed = read_request(body)
        choice = _choice(call, signature=parsed.signature_name)
        servable = self.predictions.find(choice)
        signature = self.predictions.signature_of(choice, servable)
        inputs = read_json_inputs(parsed, signature)
        outputs = await self.predictions.submit(choice, servable, inputs)
        if self.logs.wants(choice.name):
            self._log(choice, inputs, outputs, servable.version)
        return encode_answer({name: outputs[name] for name in signature.outputs}, form=parsed.form)

    def _log(self, choice: Choice, inputs: Any, outputs: Any, version: int) -> None:
        """Keeps the request as if it had come over gRPC."""
        request = messages.PredictRequest()
        request.model_spec.name = choice.name
        request.model_spec.signature_name = choice.signature
        for name, array in inputs.items():
            write_content(request.inputs[name], array)
        response = encode_predict_response(
            outputs,
            outputs,
            model=choice.name,
            version=version,
            signature=choice.signature or DEFAULT_SIGNATURE,
        )
        self.logs.offer(choice.name, request.SerializeToString(), response)

    def _status(self, look: re.Match[str]) -> web.Response:
        return _json_response(message_to_json(self.predictions.status(_choice(look))))

    def _metadata(self, look: re.Match[str]) -> web.Response:
        choice = _choice(look)
        servable = self.predictions.find(choice)
        spec = messages.ModelSpec(name=choice.name)
        spec.version.value = servable.version
        return _json_response(
            {
                "model_spec": message_to_json(spec),
                "metadata": {"signature_def": message_to_json(signature_map(servable))},
            }
        )


def _choice(match: re.Match[str], *, signature: str = "") -> Choice:
    return Choice(
        name=match["name"],
        version=None if match["version"] is None else _version(match["version"]),
        label=match["label"],
        signature=signature,
    )


def _version(text: str) -> int:
    if len(text) > len(str(_MAX_VERSION)) or int(text) > _MAX_VERSION:
        raise RequestError("INVALID_ARGUMENT", f"Failed to convert version: {text} to numeric.")
    return int(text)


def _json_response(content: dict[str, Any]) -> web.Response:
    return web.Response(text=json.dumps(content, indent=1), content_type=_JSON)
