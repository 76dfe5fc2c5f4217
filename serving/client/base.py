"""What every client can be asked, whatever it speaks: each has its own `_run` and `close`."""

from __future__ import annotations

import abc
import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeVar

from numpy.typing import ArrayLike, NDArray

from demandcast.serving.client.calls import (
    POLL_SECONDS,
    Call,
    ModelChoice,
    ModelMetadata,
    Waiting,
    metadata_call,
    predict_call,
    status_call,
)
from demandcast.serving.client.retrying import Attempts, RetryPolicy
from demandcast.serving.errors import CallError
from demandcast.serving.signatures import DEFAULT_SIGNATURE
from demandcast.serving.version_status import VersionStatus

__all__ = ["AnyAsyncClient", "AnyClient"]

T = TypeVar("T")


class _Settings:
    """What both kinds keep of how they were made."""

    def __init__(
        self, where: str, *, model_name: str, timeout_seconds: float, max_attempts: int
    ) -> None:
        """Keeps it.

        Args:
            where: Address of the server.
            model_name: Model to ask for.
            timeout_seconds: Time for a call, its further attempts included.
            max_attempts: Attempts at a call.

        Raises:
            ValueError: A number is out of its range.
        """
        if timeout_seconds <= 0:
            raise ValueError(f"timeout_seconds is {timeout_seconds}; it must be above 0")
        self._model_name = model_name
        self._where = f"{model_name} on {where}"
        self._timeout_seconds = timeout_seconds
        self._policy = RetryPolicy(max_attempts)

    def _attempts(self, timeout_seconds: float | None) -> Attempts:
        return Attempts(
            self._policy, self._timeout_seconds if timeout_seconds is None else timeout_seconds
        )


class AnyClient(_Settings, abc.ABC):
    """A client that waits for each answer; safe to use from many threads."""

    def predict(
        self,
        arrays: Mapping[str, ArrayLike],
        *,
        signature_name: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        version_label: str | None = None,
        outputs: Iterable[str] = (),
    ) -> dict[str, NDArray[Any]]:
        """Runs a signature.

        Args:
            arrays: One per input, of exactly its type; text is sent as UTF-8.
            signature_name: Entry point of the model.
            version: Version to ask; the newest if not given.
            version_label: The same by its label, where the server has labels.
            outputs: Outputs to answer; all if none is named.

        Returns:
            One array per output; bytes objects for strings.

        Raises:
            CallError: The call failed; `status` says how.
            ValueError: An array is of a type that cannot be sent; the message names it.
        """
        model = ModelChoice(self._model_name, version, version_label)
        return self._run(
            predict_call(model, arrays, signature_name=signature_name, outputs=outputs)
        )

    def metadata(
        self, version: int | None = None, *, version_label: str | None = None
    ) -> ModelMetadata:
        """The signatures of a version; of the newest if none is given.

        Raises:
            CallError: The call failed; `status` says how.
        """
        return self._run(metadata_call(ModelChoice(self._model_name, version, version_label)))

    def status(self) -> list[VersionStatus]:
        """State of each version, by number.

        Raises:
            CallError: The call failed; NOT_FOUND if the server knows no version yet.
        """
        return self._run(status_call(ModelChoice(self._model_name)))

    def wait_until_available(self, timeout_seconds: float = 60.0) -> int:
        """Waits for a version to be in service.

        Args:
            timeout_seconds: How long.

        Returns:
            Its number; the newest if there are several.

        Raises:
            CallError: DEADLINE_EXCEEDED, and what was seen last.
        """
        waiting = Waiting(self._where, timeout_seconds)
        call = status_call(ModelChoice(self._model_name))
        while True:
            remaining = min(waiting.remaining_seconds(), self._timeout_seconds)
            try:
                version = waiting.see(self._run(call, timeout_seconds=remaining))
            except CallError as error:
                waiting.see_error(error)
            else:
                if version is not None:
                    return version
            time.sleep(POLL_SECONDS)

    @abc.abstractmethod
    def close(self) -> None:
        """Closes the connection."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @abc.abstractmethod
    def _run(self, call: Call[T], *, timeout_seconds: float | None = None) -> T:
        """One call; again, after longer and longer pauses, while the server is not there."""


class AnyAsyncClient(_Settings, abc.ABC):
    """A client for the event loop in which it is made.

    A call that is cancelled is cancelled on the server too, as far as the transport can.
    """

    async def predict(
        self,
        arrays: Mapping[str, ArrayLike],
        *,
        signature_name: str = DEFAULT_SIGNATURE,
        version: int | None = None,
        version_label: str | None = None,
        outputs: Iterable[str] = (),
    ) -> dict[str, NDArray[Any]]:
        """Runs a signature; see `AnyClient.predict`."""
        model = ModelChoice(self._model_name, version, version_label)
        return await self._run(
            predict_call(model, arrays, signature_name=signature_name, outputs=outputs)
        )

    async def metadata(
        self, version: int | None = None, *, version_label: str | None = None
    ) -> ModelMetadata:
        """The signatures of a version; see `AnyClient.metadata`."""
        return await self._run(metadata_call(ModelChoice(self._model_name, version, version_label)))

    async def status(self) -> list[VersionStatus]:
        """State of each version; see `AnyClient.status`."""
        return await self._run(status_call(ModelChoice(self._model_name)))

    async def wait_until_available(self, timeout_seconds: float = 60.0) -> int:
        """Waits for a version to be in service; see `AnyClient.wait_until_available`."""
        waiting = Waiting(self._where, timeout_seconds)
        call = status_call(ModelChoice(self._model_name))
        while True:
            remaining = min(waiting.remaining_seconds(), self._timeout_seconds)
            try:
                version = waiting.see(await self._run(call, timeout_seconds=remaining))
            except CallError as error:
                waiting.see_error(error)
            else:
                if version is not None:
                    return version
            await asyncio.sleep(POLL_SECONDS)

    @abc.abstractmethod
    async def close(self) -> None:
        """Closes the connection."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    @abc.abstractmethod
    async def _run(self, call: Call[T], *, timeout_seconds: float | None = None) -> T:
        """One call; again, after longer and longer pauses, while the server is not there."""
