"""`DemandClient`: asks a running server; also one of TensorFlow Serving's own.

Importing this is light. Making a client imports the published stubs, and with
them TensorFlow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from numpy.typing import ArrayLike, NDArray

from demandcast.serving.errors import CallError
from demandcast.serving.limits import MAX_MESSAGE_BYTES
from demandcast.serving.signatures import DEFAULT_SIGNATURE, Signature
from demandcast.serving.version_status import VersionState, VersionStatus
from demandcast.serving.wire import read_signature, read_tensor, write_content

__all__ = ["DemandClient", "ModelMetadata"]

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 2.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class ModelMetadata:
    """What a version of a model can be asked.

    Attributes:
        version: Its number.
        signatures: Inputs and outputs of each entry point, by name.
    """

    version: int
    signatures: Mapping[str, Signature]


class DemandClient:
    """A connection to one model of one server; safe to use from many threads."""

    def __init__(
        self,
        address: str,
        *,
        model_name: str = "demand",
        timeout_seconds: float = 10.0,
        max_attempts: int = 4,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        """Prepares the connection; it is made with the first call.

        Args:
            address: Host and port, such as ``127.0.0.1:8500``.
            model_name: Model to ask for.
            timeout_seconds: Time for a call, its further attempts included.
            max_attempts: Attempts at a call that the server is not there for
                (UNAVAILABLE); no other failure is tried again.
            max_message_bytes: Largest answer that is accepted.
        """
        self._address = address
        self._model_name = model_name
        self._timeout_seconds = timeout_seconds
        self._max_attempts = max_attempts
        self._channel = grpc.insecure_channel(address, options=_channel_options(max_message_bytes))
        self._open_stubs()

    def predict(
        self,
        arrays: Mapping[str, ArrayLike],
        *,
        signature_name: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        outputs: Iterable[str] = (),
    ) -> dict[str, NDArray[Any]]:
        """Runs a signature.

        Args:
            arrays: One per input, of exactly its type; text is sent as UTF-8.
            signature_name: Entry point of the model.
            version: Version to ask; the newest if not given.
            outputs: Outputs to answer; all if none is named.

        Returns:
            One array per output; bytes objects for strings.

        Raises:
            CallError: The call failed; `status` says how.
            ValueError: An array is of a type that cannot be sent.
        """
        request = self._messages.predict.PredictRequest(output_filter=outputs)
        self._choose_model(request.model_spec, version)
        request.model_spec.signature_name = signature_name
        for name, array in arrays.items():
            write_content(request.inputs[name], array)
        response = self._call("Predict", self._prediction.Predict, request)
        return {name: read_tensor(name, proto) for name, proto in response.outputs.items()}

    def metadata(self, version: int | None = None) -> ModelMetadata:
        """The signatures of a version; of the newest if none is given.

        Raises:
            CallError: The call failed; `status` says how.
        """
        messages = self._messages.metadata
        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        self._choose_model(request.model_spec, version)
        response = self._call("GetModelMetadata", self._prediction.GetModelMetadata, request)
        found = messages.SignatureDefMap()
        response.metadata["signature_def"].Unpack(found)
        return ModelMetadata(
            version=response.model_spec.version.value,
            signatures={name: read_signature(d) for name, d in found.signature_def.items()},
        )

    def status(self) -> list[VersionStatus]:
        """State of each version, by number.

        Raises:
            CallError: The call failed; NOT_FOUND if the server knows no version yet.
        """
        return self._status(self._timeout_seconds)

    def wait_until_available(self, timeout_seconds: float = 60.0) -> int:
        """Waits for a version to be in service.

        Args:
            timeout_seconds: How long.

        Returns:
            Its number; the newest if there are several.

        Raises:
            CallError: DEADLINE_EXCEEDED, and what was seen last.
        """
        deadline = time.monotonic() + timeout_seconds
        seen = "nothing"
        while (remaining := deadline - time.monotonic()) > 0:
            try:
                statuses = self._status(min(remaining, self._timeout_seconds))
            except CallError as error:
                seen = str(error)
            else:
                for status in reversed(statuses):
                    if status.state is VersionState.AVAILABLE:
                        return status.version
                seen = ", ".join(f"{s.version} {s.state.name} {s.error}".strip() for s in statuses)
            time.sleep(_POLL_SECONDS)
        raise CallError(
            "DEADLINE_EXCEEDED",
            f"no version of {self._model_name} on {self._address} is available "
            f"after {timeout_seconds} s; last seen: {seen}",
        )

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def __enter__(self) -> DemandClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _open_stubs(self) -> None:
        from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

        self._messages = _Messages()
        self._prediction = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._model = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def _choose_model(self, spec: Any, version: int | None = None) -> None:
        spec.name = self._model_name
        if version is not None:
            spec.version.value = version

    def _status(self, timeout_seconds: float) -> list[VersionStatus]:
        request = self._messages.status.GetModelStatusRequest()
        self._choose_model(request.model_spec)
        response = self._call(
            "GetModelStatus", self._model.GetModelStatus, request, timeout_seconds=timeout_seconds
        )
        statuses = [
            VersionStatus(found.version, VersionState(found.state), found.status.error_message)
            for found in response.model_version_status
        ]
        return sorted(statuses, key=lambda status: status.version)

    def _call(
        self,
        name: str,
        method: Callable[..., Any],
        request: Any,
        *,
        timeout_seconds: float | None = None,
    ) -> Any:
        """One call; again, after longer and longer pauses, while the server is not there."""
        timeout = self._timeout_seconds if timeout_seconds is None else timeout_seconds
        deadline = time.monotonic() + timeout
        pause = _FIRST_PAUSE_SECONDS
        attempt = 1
        while True:
            try:
                return method(request, timeout=max(deadline - time.monotonic(), 0.001))
            except grpc.RpcError as error:
                in_time = time.monotonic() + pause < deadline
                again = attempt < self._max_attempts and in_time
                if error.code() is not grpc.StatusCode.UNAVAILABLE or not again:
                    what = f"{name} of {self._model_name} on {self._address}"
                    raise CallError(
                        error.code().name, f"{what}, attempt {attempt}: {error.details()}"
                    ) from error
            time.sleep(pause)
            attempt += 1
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


class _Messages:
    """The published messages, imported when the first client is made."""

    def __init__(self) -> None:
        from tensorflow_serving.apis import (
            get_model_metadata_pb2,
            get_model_status_pb2,
            predict_pb2,
        )

        self.predict = predict_pb2
        self.metadata = get_model_metadata_pb2
        self.status = get_model_status_pb2


def _channel_options(max_message_bytes: int) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", max_message_bytes),
        # A server that comes back is found within a pause of ours, not gRPC's own second.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
    ]
