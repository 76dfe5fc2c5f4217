"""TensorFlow Serving's gRPC services, on messages of our own.

    PredictionService   Predict, Classify, Regress, GetModelMetadata; MultiInference is refused
    ModelService        GetModelStatus, HandleReloadConfigRequest

Requests arrive as bytes and answers leave as bytes, so that what is logged is what was sent.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from demandcast.schema.errors import ConfigurationError
from demandcast.serving import messages
from demandcast.serving.errors import RequestError
from demandcast.serving.server.access import TokenCheck
from demandcast.serving.server.config_files import model_configs
from demandcast.serving.server.examples_api import (
    CLASSIFY,
    REGRESS,
    check_method,
    classifications,
    regressions,
    serialized_examples,
)
from demandcast.serving.server.metrics import Metrics
from demandcast.serving.server.models import Models
from demandcast.serving.server.prediction_logs import PredictionLogs
from demandcast.serving.server.predictions import (
    Choice,
    Predictions,
    choice_of,
    read_choice,
)
from demandcast.serving.server.servable import Servable
from demandcast.serving.server.tensors import encode_predict_response, read_inputs
from demandcast.serving.signatures import (
    DEFAULT_SIGNATURE,
    check_input_names,
    check_output_names,
)

__all__ = ["HEALTH_SERVICES", "UNKNOWN_MODEL", "GrpcServices"]

logger = logging.getLogger(__name__)

HEALTH_SERVICES = (
    "",
    "PredictionService",
    "ModelService",
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
)
"""Names under which health is asked for: overall, TensorFlow Serving's, and the full ones."""

UNKNOWN_MODEL = "unknown"
"""Stands in the metrics for every name that is not served: callers must not make up new series."""

# Details travel in a header of at most 8 KiB; a longer one would hide the status.
_MAX_DETAILS = 2000

_EXAMPLES = {
    CLASSIFY: ("Classify", messages.ClassificationResponse),
    REGRESS: ("Regress", messages.RegressionResponse),
}

Work = Callable[[Any, bytes], Awaitable[bytes]]


@dataclass(frozen=True)
class GrpcServices:
    """Both services, on one event loop.

    Attributes:
        predictions: Answers about models.
        models: What is served; reloaded on request.
        metrics: Counts requests.
        logs: Keep a sample of them.
        token: Who may call.
        max_elements: Largest tensor of a request.
        reload_seconds: How long a reload waits for each model.
    """

    predictions: Predictions
    models: Models
    metrics: Metrics
    logs: PredictionLogs
    token: TokenCheck
    max_elements: int
    reload_seconds: float

    def handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        """What a server is to be given."""
        prediction = {
            "Predict": self._counted("Predict", self._predict),
            "Classify": self._counted("Classify", self._on_examples(CLASSIFY, classifications)),
            "Regress": self._counted("Regress", self._on_examples(REGRESS, regressions)),
            "MultiInference": self._counted("MultiInference", _multi_inference),
            "GetModelMetadata": self._plain(self._metadata),
        }
        model = {
            "GetModelStatus": self._plain(self._status),
            "HandleReloadConfigRequest": self._plain(self._reload),
        }
        return (
            _service(messages.PREDICTION_SERVICE, prediction),
            _service(messages.MODEL_SERVICE, model),
        )

    def _counted(self, api: str, work: Work) -> Callable[[Any], Any]:
        """A method whose requests are counted, and how long they took."""

        def bind(method: Any) -> Any:
            async def answer(data: bytes, context: Any) -> bytes:
                begin, seen = time.perf_counter(), _Seen()
                try:
                    return await self._answer(method, work, data, context=context, seen=seen)
                finally:
                    self.metrics.count_request(
                        seen.model if self.models.has(seen.model) else UNKNOWN_MODEL,
                        seen.status,
                        api=api,
                        entrypoint="GRPC",
                        seconds=time.perf_counter() - begin,
                    )

            return answer

        return bind

    def _plain(self, work: Work) -> Callable[[Any], Any]:
        def bind(method: Any) -> Any:
            async def answer(data: bytes, context: Any) -> bytes:
                return await self._answer(method, work, data, context=context, seen=_Seen())

            return answer

        return bind

    async def _answer(
        self, method: Any, work: Work, data: bytes, *, context: Any, seen: _Seen
    ) -> bytes:
        """Does the work; every way out of it is a status, and the server lives on."""
        try:
            self._check_token(context)
            request = _parse(method.request, data)
            seen.model = _model_name(request)
            result = await work(request, data)
        except asyncio.CancelledError:
            seen.status = "CANCELLED"
            raise
        except RequestError as error:
            status, details = error.status, str(error)
        except Exception as error:
            logger.exception("A request failed inside the server")
            status, details = "INTERNAL", f"{type(error).__name__}: {error}"
        else:
            seen.status = "OK"
            return result
        seen.status = status
        await context.abort(grpc.StatusCode[status], details[:_MAX_DETAILS])
        raise RuntimeError("abort returned")

    def _check_token(self, context: Any) -> None:
        if not self.token.needed:
            return
        metadata = dict(context.invocation_metadata() or ())
        if not self.token.passes(metadata.get("authorization")):
            raise RequestError("UNAUTHENTICATED", "a bearer token of this server is needed")

    async def _predict(self, request: Any, data: bytes) -> bytes:
        choice = choice_of(request)
        servable = self.predictions.find(choice)
        signature = self.predictions.signature_of(choice, servable)
        check_input_names(signature, request.inputs)
        check_output_names(signature, request.output_filter)
        inputs = read_inputs(signature, request.inputs, max_elements=self.max_elements)
        outputs = await self._run(choice, servable, inputs, api="Predict")
        response = encode_predict_response(
            outputs,
            request.output_filter or signature.outputs,
            model=choice.name,
            version=servable.version,
            signature=choice.signature or DEFAULT_SIGNATURE,
        )
        self.logs.offer(choice.name, data, response)
        return response

    def _on_examples(self, method: str, result_of: Callable[..., Any]) -> Work:
        """Makes the work of a method that takes `tf.Example`s.

        Args:
            method: As signatures name it.
            result_of: Writes the result of the outputs.
        """
        api, response_class = _EXAMPLES[method]

        async def work(request: Any, data: bytes) -> bytes:
            del data
            choice = choice_of(request)
            servable = self.predictions.find(choice)
            name = check_method(servable, choice.signature, method)
            inputs = serialized_examples(request.input)
            outputs = await self._run(choice, servable, inputs, api=api)
            response = response_class()
            response.model_spec.name = choice.name
            response.model_spec.signature_name = name
            response.model_spec.version.value = servable.version
            response.result.CopyFrom(result_of(outputs, rows=len(inputs["inputs"])))
            return bytes(response.SerializeToString())

        return work

    async def _run(
        self, choice: Choice, servable: Servable, inputs: Mapping[str, Any], *, api: str
    ) -> Mapping[str, Any]:
        # Cancelled with the call: then it is dropped if it has not begun.
        return await self.predictions.submit(choice, servable, inputs, api=api)

    async def _metadata(self, request: Any, data: bytes) -> bytes:
        del data
        return bytes(self.predictions.metadata(request).SerializeToString())

    async def _status(self, request: Any, data: bytes) -> bytes:
        del data
        return bytes(self.predictions.status(read_choice(request)).SerializeToString())

    async def _reload(self, request: Any, data: bytes) -> bytes:
        del data
        if not request.config.HasField("model_config_list"):
            raise RequestError(
                "INVALID_ARGUMENT",
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported",
            )
        try:
            configs = model_configs(request.config, source="ReloadConfigRequest")
        except ConfigurationError as error:
            raise RequestError("INVALID_ARGUMENT", str(error)) from error
        # It waits for models to load; the loop must not.
        await asyncio.to_thread(self.models.change, configs, timeout_seconds=self.reload_seconds)
        response = messages.ReloadConfigResponse()
        response.status.error_code = 0
        return bytes(response.SerializeToString())


@dataclass
class _Seen:
    """What became of a request, for the metrics."""

    model: str = ""
    status: str = "UNKNOWN"


async def _multi_inference(request: Any, data: bytes) -> bytes:
    del request, data
    raise RequestError("UNIMPLEMENTED", "MultiInference is not implemented by this server")


def _service(methods: Mapping[str, Any], bound: Mapping[str, Any]) -> grpc.GenericRpcHandler:
    service = next(iter(methods.values())).path.split("/")[1]
    return grpc.method_handlers_generic_handler(
        service,
        {
            name: grpc.unary_unary_rpc_method_handler(bind(methods[name]))
            for name, bind in bound.items()
        },
    )


def _parse(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise RequestError("INTERNAL", f"the request is no {kind.DESCRIPTOR.name}") from error


def _model_name(request: Any) -> str:
    return str(request.model_spec.name) if hasattr(request, "model_spec") else ""
