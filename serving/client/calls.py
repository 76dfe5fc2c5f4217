"""The calls of a client, without a transport: what is sent, and how the answer is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from numpy.typing import ArrayLike, NDArray

from demandcast.serving.errors import CallError, RequestError
from demandcast.serving.messages import (
    MODEL_SERVICE,
    PREDICTION_SERVICE,
    GetModelMetadataRequest,
    GetModelStatusRequest,
    Method,
    PredictRequest,
    SignatureDefMap,
)
from demandcast.serving.signatures import Signature
from demandcast.serving.version_status import VersionState, VersionStatus
from demandcast.serving.wire import read_signature, read_tensor, write_content

__all__ = [
    "POLL_SECONDS",
    "Call",
    "ModelChoice",
    "ModelMetadata",
    "Waiting",
    "metadata_call",
    "predict_call",
    "read_signature_map",
    "read_statuses",
    "status_call",
]

POLL_SECONDS = 0.1
"""Between two looks for a version."""

_SIGNATURE_DEF = "signature_def"

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class ModelMetadata:
    """What a version of a model can be asked.

    Attributes:
        version: Its number.
        signatures: Inputs and outputs of each entry point, by name.
    """

    version: int
    signatures: Mapping[str, Signature]


@dataclass(frozen=True)
class ModelChoice:
    """A model, and which of its versions.

    Attributes:
        name: Of the model.
        version: By number.
        version_label: By label, such as ``stable``; the newest version without either.
    """

    name: str
    version: int | None = None
    version_label: str | None = None

    def __post_init__(self) -> None:
        if self.version is not None and self.version_label is not None:
            raise ValueError(
                f"version {self.version} and version_label {self.version_label!r} are both given; "
                "a request names one of them, or neither for the newest"
            )

    def write(self, spec: Any) -> None:
        """Writes it into a `ModelSpec`."""
        spec.name = self.name
        if self.version is not None:
            spec.version.value = self.version
        if self.version_label is not None:
            spec.version_label = self.version_label


@dataclass(frozen=True)
class Call(Generic[T_co]):
    """A call that a transport makes.

    Attributes:
        name: For messages.
        method: Path and classes of it.
        request: What is sent.
        read: Makes the result of the answer.
    """

    name: str
    method: Method
    request: Any
    read: Callable[[Any], T_co]

    def result(self, response: Any, *, where: str) -> T_co:
        """Reads the answer.

        Args:
            response: Of the method's class.
            where: Model and address, for the message.

        Raises:
            CallError: INTERNAL; the server answered what cannot be read.
        """
        try:
            return self.read(response)
        except RequestError as error:
            raise CallError("INTERNAL", f"{self.name} of {where} was answered: {error}") from error

    def failure(self, status: str, details: str | None, *, where: str, attempt: int) -> CallError:
        """The error for a call that failed for good."""
        return CallError(status, f"{self.name} of {where}, attempt {attempt}: {details}")


def predict_call(
    model: ModelChoice,
    arrays: Mapping[str, ArrayLike],
    *,
    signature_name: str,
    outputs: Iterable[str],
) -> Call[dict[str, NDArray[Any]]]:
    """Runs a signature.

    Raises:
        ValueError: An array is of a type that cannot be sent; the message names it.
    """
    request = PredictRequest(output_filter=outputs)
    model.write(request.model_spec)
    request.model_spec.signature_name = signature_name
    for name, array in arrays.items():
        try:
            write_content(request.inputs[name], array)
        except ValueError as error:
            raise ValueError(f"input {name!r}: {error}") from error
    return Call("Predict", PREDICTION_SERVICE["Predict"], request, _read_outputs)


def metadata_call(model: ModelChoice) -> Call[ModelMetadata]:
    """Asks for the signatures of a version."""
    request = GetModelMetadataRequest(metadata_field=[_SIGNATURE_DEF])
    model.write(request.model_spec)
    return Call("GetModelMetadata", PREDICTION_SERVICE["GetModelMetadata"], request, _read_metadata)


def status_call(model: ModelChoice) -> Call[list[VersionStatus]]:
    """Asks for the state of all versions."""
    request = GetModelStatusRequest()
    model.write(request.model_spec)
    return Call("GetModelStatus", MODEL_SERVICE["GetModelStatus"], request, read_statuses)


def read_signature_map(found: Any) -> dict[str, Signature]:
    """Signatures of a `SignatureDefMap`, by name."""
    return {name: read_signature(one) for name, one in found.signature_def.items()}


def read_statuses(response: Any) -> list[VersionStatus]:
    """States of a `GetModelStatusResponse`, by number; one that we do not know is UNKNOWN."""
    known = {int(state) for state in VersionState}
    statuses = [
        VersionStatus(
            version=one.version,
            state=VersionState(one.state if one.state in known else 0),
            error=one.status.error_message,
        )
        for one in response.model_version_status
    ]
    return sorted(statuses, key=lambda status: status.version)


def _read_outputs(response: Any) -> dict[str, NDArray[Any]]:
    return {name: read_tensor(name, proto) for name, proto in response.outputs.items()}


def _read_metadata(response: Any) -> ModelMetadata:
    found = SignatureDefMap()
    response.metadata[_SIGNATURE_DEF].Unpack(found)
    return ModelMetadata(response.model_spec.version.value, read_signature_map(found))


class Waiting:
    """The wait for a version to be in service: what was seen, and when it is over."""

    def __init__(
        self,
        what: str,
        timeout_seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Starts to wait.

        Args:
            what: Model and address, for the message.
            timeout_seconds: How long.
            clock: Seconds; never goes back.
        """
        self._what = what
        self._timeout_seconds = timeout_seconds
        self._clock = clock
        self._deadline = clock() + timeout_seconds
        self._seen = "nothing"

    def remaining_seconds(self) -> float:
        """Time that is left.

        Raises:
            CallError: DEADLINE_EXCEEDED, and what was seen last.
        """
        remaining = self._deadline - self._clock()
        if remaining > 0:
            return remaining
        raise CallError(
            "DEADLINE_EXCEEDED",
            f"no version of {self._what} is available after {self._timeout_seconds} s; "
            f"last seen: {self._seen}",
        )

    def see(self, statuses: Sequence[VersionStatus]) -> int | None:
        """The newest version in service; None if there is none yet."""
        for status in reversed(statuses):
            if status.state is VersionState.AVAILABLE:
                return status.version
        self._seen = ", ".join(map(str, statuses))
        return None

    def see_error(self, error: CallError) -> None:
        """Keeps what went wrong for the message."""
        self._seen = str(error)
