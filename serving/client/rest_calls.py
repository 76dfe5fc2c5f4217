"""A call over REST: its outcome, and the signature without which its answer cannot be read."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from demandcast.serving.client.calls import Call, ModelChoice, ModelMetadata, metadata_call
from demandcast.serving.client.rest_wire import (
    error_text,
    http_request,
    read_answer,
    status_of,
    takes_outputs,
)
from demandcast.serving.client.retrying import Attempts
from demandcast.serving.errors import CallError, RequestError
from demandcast.serving.signatures import Signature

__all__ = ["Outcome", "RestCall", "SignatureCache"]

T = TypeVar("T")

Outcome = tuple[str, str | bytes]
"""OK and the body, or a status and what is wrong."""

_OK = "OK"


class SignatureCache:
    """Signatures of what was asked before, so that a prediction is one request and not two.

    An answer that does not fit shows that the model was replaced by one of another shape; then
    the signature is asked for again with the next call.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Signature] = {}

    def call_for(self, call: Call[Any]) -> Call[ModelMetadata] | None:
        """The call that has to be made first; None if there is none."""
        if not takes_outputs(call) or _key(call) in self._known:
            return None
        spec = call.request.model_spec
        return metadata_call(
            ModelChoice(
                spec.name,
                version=spec.version.value if spec.HasField("version") else None,
                version_label=spec.version_label if spec.HasField("version_label") else None,
            )
        )

    def keep(self, call: Call[Any], metadata: ModelMetadata) -> None:
        """Keeps the signature of a call.

        Raises:
            CallError: FAILED_PRECONDITION; the model has none of that name.
        """
        name = call.request.model_spec.signature_name
        if name not in metadata.signatures:
            raise CallError(
                "FAILED_PRECONDITION",
                f'Serving signature key "{name}" not found; version {metadata.version} of '
                f"{call.request.model_spec.name} has {sorted(metadata.signatures)}",
            )
        self._known[_key(call)] = metadata.signatures[name]

    def get(self, call: Call[Any]) -> Signature | None:
        """The signature of a call; None for a call that needs none."""
        return self._known.get(_key(call)) if takes_outputs(call) else None

    def forget(self, call: Call[Any]) -> None:
        """Drops a signature that does not fit."""
        self._known.pop(_key(call), None)


class RestCall(Generic[T]):
    """A call on its way: what is sent, whether again, and what came of it."""

    def __init__(
        self, call: Call[T], signature: Signature | None, attempts: Attempts, *, where: str
    ) -> None:
        """Writes it down.

        Args:
            call: What is asked.
            signature: Of a prediction.
            attempts: Of this call.
            where: Model and address, for messages.
        """
        self.http = http_request(call)
        self._call = call
        self._signature = signature
        self._attempts = attempts
        self._where = where
        self._body = b""

    def outcome(self, code: int, body: bytes) -> Outcome:
        """What an answer of the server means."""
        return (_OK, body) if code == 200 else (status_of(code), error_text(code, body))

    def pause(self, outcome: Outcome) -> float | None:
        """Seconds to wait before the next attempt; None if there is an answer.

        Raises:
            CallError: There is none, and no further attempt.
        """
        status, said = outcome
        if isinstance(said, bytes):
            self._body = said
            return None
        number = self._attempts.number
        pause = self._attempts.pause_after(status)
        if pause is None:
            raise self._call.failure(status, said, where=self._where, attempt=number)
        return pause

    def result(self, signatures: SignatureCache) -> T:
        """Reads the answer.

        Raises:
            CallError: It cannot be read, or does not hold what was asked for.
        """
        try:
            response = read_answer(self._call, self._body, self._signature)
        except RequestError as error:
            signatures.forget(self._call)
            raise self._call.failure(
                error.status,
                f"answered {error}" if error.status == "INTERNAL" else str(error),
                where=self._where,
                attempt=self._attempts.number,
            ) from error
        return self._call.result(response, where=self._where)


def _key(call: Call[Any]) -> tuple[Any, ...]:
    spec = call.request.model_spec
    version = spec.version.value if spec.HasField("version") else None
    return spec.name, version, spec.version_label, spec.signature_name
