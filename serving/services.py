"""Adapter: TensorFlow Serving's gRPC services, on the published stubs.

Importing this imports TensorFlow, because the stubs do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from typing import Any

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from demandcast.serving.batching import Arrays, Batcher
from demandcast.serving.errors import RequestError
from demandcast.serving.servable import Servable
from demandcast.serving.signatures import (
    DEFAULT_SIGNATURE,
    check_input_names,
    check_inputs,
    check_output_names,
)
from demandcast.serving.versions import ModelVersions, VersionState, VersionStatus
from demandcast.serving.wire import read_spec, read_tensor, write_typed

__all__ = ["HEALTH_SERVICES", "ModelService", "PredictionService", "add_services"]

logger = logging.getLogger(__name__)

HEALTH_SERVICES = (
    "",
    "PredictionService",
    "ModelService",
    "tensorflow.serving.PredictionService",
    "tensorflow.serving.ModelService",
)
"""Names under which health is asked for: overall, TensorFlow Serving's, and the full ones."""

# Details travel in a header of at most 8 KiB; a longer one would hide the status.
_MAX_DETAILS = 2000
_SIGNATURE_DEF = "signature_def"


def add_services(
    server: grpc.Server,
    models: Mapping[str, ModelVersions],
    batcher: Batcher,
    *,
    max_elements: int,
) -> None:
    """Registers both services.

    Args:
        server: Not yet started.
        models: What is served, by name.
        batcher: Runs the models.
        max_elements: Largest tensor that a request may hold.
    """
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(models, batcher, max_elements=max_elements), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(models), server)


def _refuse_method(self: object, request: Any, context: grpc.ServicerContext) -> Any:
    return context.abort(
        grpc.StatusCode.UNIMPLEMENTED,
        "this server implements Predict, GetModelMetadata and GetModelStatus",
    )


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predictions, and what can be asked for."""

    Classify = Regress = MultiInference = _refuse_method

    def __init__(
        self, models: Mapping[str, ModelVersions], batcher: Batcher, *, max_elements: int
    ) -> None:
        self._models = models
        self._batcher = batcher
        self._max_elements = max_elements

    def Predict(  # noqa: N802 - name of the wire
        self, request: Any, context: grpc.ServicerContext
    ) -> Any:
        """Runs a signature on named tensors."""
        return _answer(context, lambda: self._predict(request, context.is_active))

    def GetModelMetadata(  # noqa: N802 - name of the wire
        self, request: Any, context: grpc.ServicerContext
    ) -> Any:
        """Gives the signatures of the version in service, or of the one asked for."""
        return _answer(context, lambda: self._metadata(request))

    def _predict(self, request: Any, is_wanted: Callable[[], bool]) -> Any:
        servable = _find_servable(self._models, request)
        name = request.model_spec.signature_name or DEFAULT_SIGNATURE
        signature = servable.signatures.get(name)
        if signature is None:
            raise RequestError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
        check_input_names(signature, request.inputs)
        check_output_names(signature, request.output_filter)
        check_inputs(signature, {key: read_spec(proto) for key, proto in request.inputs.items()})
        inputs = {
            key: read_tensor(key, proto, max_elements=self._max_elements)
            for key, proto in request.inputs.items()
        }
        outputs = self._run(servable, name, inputs, is_wanted)
        response = predict_pb2.PredictResponse()
        _write_spec(response.model_spec, request.model_spec.name, servable)
        response.model_spec.signature_name = name
        for key in request.output_filter or signature.outputs:
            write_typed(response.outputs[key], outputs[key])
        return response

    def _run(
        self, servable: Servable, name: str, inputs: Arrays, is_wanted: Callable[[], bool]
    ) -> Arrays:
        """Runs a signature, together with what else is waiting."""
        batches = servable.signatures[name].batches
        try:
            return self._batcher.submit(
                servable.predict, name, inputs, batches=batches, is_wanted=is_wanted
            ).result()
        except CancelledError as error:
            # Nobody reads it: the deadline has passed, or the client has gone.
            raise RequestError("CANCELLED", "the call ended before its turn came") from error

    def _metadata(self, request: Any) -> Any:
        _require_spec(request)
        if not request.metadata_field:
            raise RequestError(
                "INVALID_ARGUMENT",
                "GetModelMetadataRequest must specify at least one metadata_field",
            )
        for field in request.metadata_field:
            if field != _SIGNATURE_DEF:
                raise RequestError("INVALID_ARGUMENT", f"Metadata field {field} is not supported")
        servable = _find_servable(self._models, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for key, signature_def in servable.signature_defs.items():
            signatures.signature_def[key].CopyFrom(signature_def)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        _write_spec(response.model_spec, request.model_spec.name, servable)
        response.metadata[_SIGNATURE_DEF].Pack(signatures)
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """State of the versions."""

    HandleReloadConfigRequest = _refuse_method

    def __init__(self, models: Mapping[str, ModelVersions]) -> None:
        self._models = models

    def GetModelStatus(  # noqa: N802 - name of the wire
        self, request: Any, context: grpc.ServicerContext
    ) -> Any:
        """Gives the state of all versions, or of the one asked for."""
        return _answer(context, lambda: self._status(request))

    def _status(self, request: Any) -> Any:
        _require_spec(request)
        name = request.model_spec.name
        model = self._models.get(name)
        statuses = model.statuses() if model is not None else []
        choice = _version_choice(request.model_spec)
        if choice is not None:
            statuses = [status for status in statuses if status.version == choice]
        if not statuses:
            which = "any versions" if choice is None else f"version {choice}"
            raise RequestError("NOT_FOUND", f"Could not find {which} of model {name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for status in statuses:
            _write_status(response.model_version_status.add(), status)
        return response


def _answer(context: grpc.ServicerContext, work: Callable[[], Any]) -> Any:
    """Does the work; every way out of it is a status, and the server lives on."""
    try:
        return work()
    except RequestError as error:
        status, details = grpc.StatusCode[error.status], str(error)
    except Exception as error:
        logger.exception("A request failed inside the server")
        status, details = grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}"
    return context.abort(status, details[:_MAX_DETAILS])


def _require_spec(request: Any) -> None:
    if not request.HasField("model_spec"):
        raise RequestError("INVALID_ARGUMENT", "Missing ModelSpec")


def _find_servable(models: Mapping[str, ModelVersions], request: Any) -> Servable:
    _require_spec(request)
    spec = request.model_spec
    if not spec.name:
        raise RequestError("INVALID_ARGUMENT", "ModelSpec has no name specified.")
    version = _version_choice(spec)
    model = models.get(spec.name)
    if model is None:
        which = f"Latest({spec.name})" if version is None else f"Specific({spec.name}, {version})"
        raise RequestError("NOT_FOUND", f"Servable not found for request: {which}")
    return model.get(version)


def _version_choice(spec: Any) -> int | None:
    if spec.HasField("version_label"):
        raise RequestError(
            "INVALID_ARGUMENT", f"Unrecognized servable version label: {spec.version_label}"
        )
    return int(spec.version.value) if spec.HasField("version") else None


def _write_spec(spec: Any, name: str, servable: Servable) -> None:
    spec.name = name
    spec.version.value = servable.version


def _write_status(message: Any, status: VersionStatus) -> None:
    message.version = status.version
    message.state = int(status.state)
    if status.state is VersionState.END and status.error:
        message.status.error_code = grpc.StatusCode.UNKNOWN.value[0]
        message.status.error_message = status.error[:_MAX_DETAILS]
