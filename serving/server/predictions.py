"""`Predictions`: answers questions about models, whichever way they came in.

    gRPC service ─┐                                    ┌─ Batcher ─ Servable
                  ├─ Predictions ─ Models ─ Servable ──┤
    REST service ─┘                                    └─ PredictionLog (a sample)

Statuses and wording are those of TensorFlow Serving.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from demandcast.serving import messages
from demandcast.serving.errors import RequestError
from demandcast.serving.server.batching import Arrays, Batcher
from demandcast.serving.server.metrics import Metrics
from demandcast.serving.server.models import Models
from demandcast.serving.server.servable import Servable
from demandcast.serving.signatures import DEFAULT_SIGNATURE, Signature
from demandcast.serving.version_status import VersionState, VersionStatus

__all__ = [
    "Choice",
    "Predictions",
    "choice_of",
    "read_choice",
    "signature_map",
    "status_response",
]

SIGNATURE_DEF = "signature_def"
_MAX_DETAILS = 2000
_UNKNOWN = 2
"""gRPC's number for a failure without a better name."""

Outputs = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Choice:
    """Which model is asked.

    Attributes:
        name: Of the model.
        version: Number of a version; the newest if neither this nor the label is given.
        label: Label of a version.
        signature: Entry point; the default one if empty.
    """

    name: str
    version: int | None = None
    label: str | None = None
    signature: str = ""


def choice_of(request: Any) -> Choice:
    """Reads the `ModelSpec` of a request.

    Raises:
        RequestError: INVALID_ARGUMENT; there is none, or it names no model.
    """
    return _named(read_choice(request))


def read_choice(request: Any) -> Choice:
    """Reads the `ModelSpec` of a request that may name no model.

    Raises:
        RequestError: INVALID_ARGUMENT; there is none.
    """
    if not request.HasField("model_spec"):
        raise RequestError("INVALID_ARGUMENT", "Missing ModelSpec")
    spec = request.model_spec
    which = spec.WhichOneof("version_choice")
    return Choice(
        name=spec.name,
        version=int(spec.version.value) if which == "version" else None,
        label=spec.version_label if which == "version_label" else None,
        signature=spec.signature_name,
    )


def _named(choice: Choice) -> Choice:
    if not choice.name:
        raise RequestError("INVALID_ARGUMENT", "ModelSpec has no name specified.")
    return choice


class Predictions:
    """Answers questions about the models of a server."""

    def __init__(self, models: Models, batcher: Batcher, metrics: Metrics) -> None:
        self._models = models
        self._batcher = batcher
        self._metrics = metrics

    def find(self, choice: Choice) -> Servable:
        """The version that is asked.

        Raises:
            RequestError: NOT_FOUND, it is not in service; INVALID_ARGUMENT, no such label.
        """
        return self._models.get(choice.name, choice.version, choice.label)

    def knows(self, name: str) -> bool:
        """Whether there is a model of that name."""
        return self._models.has(name)

    def submit(
        self,
        choice: Choice,
        servable: Servable,
        inputs: Arrays,
        *,
        api: str = "Predict",
    ) -> asyncio.Future[Outputs]:
        """Hands checked inputs to the model; to be called on the server's loop.

        Args:
            choice: What is asked.
            servable: The version that was found for it.
            inputs: One array per input of its signature.
            api: Method of the wire, for the metrics.

        Returns:
            The outputs, later. Cancelling it drops the request if it has not yet begun.

        Raises:
            RequestError: RESOURCE_EXHAUSTED, too much waits; UNAVAILABLE, the server stops.
        """
        name = choice.signature or DEFAULT_SIGNATURE
        signature = servable.signatures[name]
        # Requests for the same version may run together, and one for the next may not.
        run = _Timed(servable, choice.name, api, self._metrics)
        return self._batcher.submit(run, name, inputs, batches=signature.batches)

    def signature_of(self, choice: Choice, servable: Servable) -> Signature:
        """The signature that is asked.

        Raises:
            RequestError: FAILED_PRECONDITION; the model has no such signature.
        """
        name = choice.signature or DEFAULT_SIGNATURE
        signature = servable.signatures.get(name)
        if signature is None:
            raise RequestError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
        return signature

    def metadata(self, request: Any) -> Any:
        """Answers `GetModelMetadata`.

        Raises:
            RequestError: As for `find`; INVALID_ARGUMENT for a field that is not known.
        """
        asked = read_choice(request)
        if not request.metadata_field:
            raise RequestError(
                "INVALID_ARGUMENT",
                "GetModelMetadataRequest must specify at least one metadata_field",
            )
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise RequestError("INVALID_ARGUMENT", f"Metadata field {field} is not supported")
        choice = _named(asked)
        servable = self.find(choice)
        response = messages.GetModelMetadataResponse()
        response.model_spec.name = choice.name
        response.model_spec.version.value = servable.version
        response.metadata[SIGNATURE_DEF].Pack(signature_map(servable))
        return response

    def status(self, choice: Choice) -> Any:
        """Answers `GetModelStatus`: all versions, or the one asked for.

        Raises:
            RequestError: NOT_FOUND; there is no such model or version.
        """
        version = choice.version
        if choice.label:
            version = self._labelled(choice.name, choice.label)
        return status_response(choice.name, self._models.statuses(choice.name), version=version)

    def _labelled(self, name: str, label: str) -> int:
        labels = self._models.labels(name)
        if label not in labels:
            raise RequestError("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")
        return labels[label]


@dataclass(frozen=True)
class _Timed:
    """Runs a servable and counts how long it took; equal if it is the same servable."""

    servable: Servable
    model: str
    api: str
    metrics: Metrics

    def __call__(self, signature: str, inputs: Arrays) -> Outputs:
        begin = time.perf_counter()
        outputs = self.servable.predict(signature, inputs)
        seconds = time.perf_counter() - begin
        self.metrics.time_model(self.model, api=self.api, seconds=seconds)
        return outputs


def signature_map(servable: Servable) -> Any:
    """The signatures of a version as a `SignatureDefMap`."""
    result = messages.SignatureDefMap()
    for name, signature_def in servable.signature_defs.items():
        # Those of the saved model are TensorFlow's own class.
        result.signature_def[name].ParseFromString(signature_def.SerializeToString())
    return result


def status_response(name: str, statuses: Sequence[VersionStatus], *, version: int | None) -> Any:
    """Writes a `GetModelStatusResponse`.

    Args:
        name: Of the model.
        statuses: Of its versions.
        version: The only one that is asked for, if there is one.

    Raises:
        RequestError: NOT_FOUND; there is none, or not that one.
    """
    wanted = [status for status in statuses if version in {None, status.version}]
    if not wanted:
        which = "any versions" if version is None else f"version {version}"
        raise RequestError("NOT_FOUND", f"Could not find {which} of model {name}")
    response = messages.GetModelStatusResponse()
    for status in wanted:
        found = response.model_version_status.add(version=status.version, state=int(status.state))
        found.status.error_code = 0
        if status.state is VersionState.END and status.error:
            found.status.error_code = _UNKNOWN
            found.status.error_message = status.error[:_MAX_DETAILS]
    return response
