"""`RestDemandClient`: what `DemandClient` does, over HTTP and JSON.

For networks that let nothing else through. It costs more: numbers travel as text.
"""

from __future__ import annotations

import time
from typing import TypeVar

import httpx

from demandcast.serving.client.base import AnyClient
from demandcast.serving.client.calls import Call
from demandcast.serving.client.connection import Connection
from demandcast.serving.client.rest_calls import RestCall, SignatureCache
from demandcast.serving.client.rest_http import (
    Body,
    check_url,
    client_options,
    failure_of,
    request_options,
)
from demandcast.serving.errors import RequestError

__all__ = ["RestDemandClient"]

T = TypeVar("T")


class RestDemandClient(AnyClient):
    """A connection to one model of one server; safe to use from many threads.

    Keep one and use it for all calls: it holds connections open.
    """

    def __init__(
        self,
        address: str,
        *,
        model_name: str = "demand",
        timeout_seconds: float = 10.0,
        max_attempts: int = 4,
        connection: Connection | None = None,
    ) -> None:
        """Prepares the connection; it is made with the first call.

        Args:
            address: Such as ``http://127.0.0.1:8501`` or ``https://...``.
            model_name: Model to ask for.
            timeout_seconds: Time for a call, its further attempts included.
            max_attempts: Attempts at a call that the server is not there for (UNAVAILABLE, HTTP
                503 or 502); no other failure is tried again.
            connection: TLS, token, sizes.

        Raises:
            ConfigurationError: The address or the connection cannot be used.
        """
        self._connection = connection or Connection()
        url = check_url(address, self._connection)
        super().__init__(
            url, model_name=model_name, timeout_seconds=timeout_seconds, max_attempts=max_attempts
        )
        self._http = httpx.Client(**client_options(url, self._connection))
        self._signatures = SignatureCache()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _run(self, call: Call[T], *, timeout_seconds: float | None = None) -> T:
        """One call; again, after longer and longer pauses, while the server is not there."""
        attempts = self._attempts(timeout_seconds)
        asked = self._signatures.call_for(call)
        if asked is not None:
            metadata = self._run(asked, timeout_seconds=attempts.remaining_seconds())
            self._signatures.keep(call, metadata)
        rest = RestCall(call, self._signatures.get(call), attempts, where=self._where)
        while True:
            pause = rest.pause(self._exchange(rest, attempts.remaining_seconds()))
            if pause is None:
                return rest.result(self._signatures)
            time.sleep(pause)

    def _exchange(self, rest: RestCall[T], seconds: float) -> tuple[str, str | bytes]:
        """One request: OK and the body, or a status and what is wrong."""
        body = Body(self._connection, seconds)
        try:
            options = request_options(rest.http, self._connection, seconds)
            with self._http.stream(**options) as response:
                for part in response.iter_bytes():
                    body.add(part)
        except httpx.HTTPError as error:
            return failure_of(error)
        except RequestError as error:
            return error.status, str(error)
        return rest.outcome(response.status_code, body.content())
