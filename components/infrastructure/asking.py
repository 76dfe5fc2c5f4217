"""Asks a server as its clients will: by TensorFlow Serving's own messages."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from demandcast.components.infrastructure.server_process import ServerProcess
from demandcast.schema.errors import ServingError

__all__ = ["Asking", "RefusedError", "predict_request"]

_STATUS_SECONDS = 5.0
_POLL_SECONDS = 0.1
_SECONDS_TO_END = 2.0
_MESSAGE_BYTES = 64 * 1024 * 1024

_State = get_model_status_pb2.ModelVersionStatus.State
_NOT_THE_MODEL = (
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.UNAVAILABLE,
)
"""What a machine that is busy, or set up otherwise, answers for a sound model as well."""

Arrays = Mapping[str, NDArray[Any]]


class RefusedError(Exception):
    """The server works, and says that it cannot serve the model."""


def predict_request(model_name: str, signature: str, inputs: Arrays) -> predict_pb2.PredictRequest:
    """Makes a request of arrays; bytes objects for strings."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return request


class Asking:
    """A connection to a server of one model, for as long as the ``with`` block lasts."""

    def __init__(self, server: ServerProcess, *, model_name: str, timeout_seconds: float) -> None:
        """Prepares the connection; it is made with the first call.

        Args:
            server: The server.
            model_name: Name under which it serves.
            timeout_seconds: Longest wait for a version, and for each answer.
        """
        self._server = server
        self._timeout_seconds = timeout_seconds
        self._model_name = model_name
        self._channel = grpc.insecure_channel(
            server.address,
            options=[
                ("grpc.max_receive_message_length", _MESSAGE_BYTES),
                # A proxy of the surroundings has no way to this machine's own ports.
                ("grpc.enable_http_proxy", 0),
                # The server takes seconds to listen; a connection that waits longer would be late.
                ("grpc.max_reconnect_backoff_ms", 500),
            ],
        )
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def wait_until_available(self, version: int) -> None:
        """Waits until a version is available.

        Raises:
            RefusedError: The server says that it cannot load it.
            ServerEndedError: The server ended.
            ServingError: It took too long; that says nothing of the model.
        """
        deadline = time.monotonic() + self._timeout_seconds
        seen = "nothing"
        while time.monotonic() < deadline:
            self._server.check()
            try:
                seen, state, error = self._state(version)
            except grpc.RpcError as failed:
                seen = f"{failed.code().name}: {failed.details()}"
            else:
                if state == _State.AVAILABLE:
                    return
                if state == _State.END:
                    raise RefusedError(f"the server cannot load it: {error}")
            time.sleep(_POLL_SECONDS)
        raise ServingError(
            f"the server had no version available after {self._timeout_seconds:g} s "
            f"(serving.timeout_seconds); last seen: {seen}{self._server.last_words()}"
        )

    def predict(self, request: predict_pb2.PredictRequest) -> dict[str, NDArray[Any]]:
        """Sends a request.

        Returns:
            One array per output.

        Raises:
            RefusedError: The server answers that the model fails.
            ServerEndedError: The server ended.
            ServingError: It does not answer, for a reason that says nothing of the model.
        """
        signature = request.model_spec.signature_name
        try:
            response = self._predictions.Predict(request, timeout=self._timeout_seconds)
        except grpc.RpcError as error:
            said = f"{signature}: {error.code().name}: {error.details()}"
            if error.code() not in _NOT_THE_MODEL:
                raise RefusedError(said) from error
            _wait_for_end(self._server)
            raise ServingError(f"{said}{self._server.last_words()}") from error
        return {
            name: np.asarray(tf.make_ndarray(proto)) for name, proto in response.outputs.items()
        }

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *exception: object) -> None:
        self._channel.close()

    def _state(self, version: int) -> tuple[str, int, str]:
        """What the server says of a version: in words, its state, and its error."""
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = self._model_name
        response = self._models.GetModelStatus(request, timeout=_STATUS_SECONDS)
        for found in response.model_version_status:
            if found.version == version:
                name = _State.Name(found.state)
                return f"version {version} {name}", found.state, found.status.error_message
        return "no such version", _State.UNKNOWN, ""


def _wait_for_end(server: ServerProcess) -> None:
    """Gives a server that may have lost its connections the time to be seen as ended.

    Raises:
        ServerEndedError: It ended.
    """
    deadline = time.monotonic() + _SECONDS_TO_END
    while time.monotonic() < deadline:
        server.check()
        time.sleep(_POLL_SECONDS)
