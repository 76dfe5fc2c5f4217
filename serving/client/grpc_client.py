"""`DemandClient`: asks a running server over gRPC; also one of TensorFlow Serving's own."""

from __future__ import annotations

import time
from typing import TypeVar

import grpc

from demandcast.serving.client.base import AnyClient
from demandcast.serving.client.calls import Call
from demandcast.serving.client.connection import Connection
from demandcast.serving.client.grpc_channel import (
    bind_methods,
    call_metadata,
    check_address,
    open_channel,
)

__all__ = ["DemandClient"]

T = TypeVar("T")


class DemandClient(AnyClient):
    """A connection to one model of one server; safe to use from many threads.

    Keep one and use it for all calls: it holds the connection open.
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
            address: Host and port, such as ``127.0.0.1:8500``; ``dns:///host:port`` for
                several servers that are asked in turn.
            model_name: Model to ask for.
            timeout_seconds: Time for a call, its further attempts included.
            max_attempts: Attempts at a call that the server is not there for
                (UNAVAILABLE); no other failure is tried again.
            connection: TLS, token, keep-alive, sizes; plain text if not given.

        Raises:
            ConfigurationError: The address or the connection cannot be used.
        """
        super().__init__(
            check_address(address),
            model_name=model_name,
            timeout_seconds=timeout_seconds,
            max_attempts=max_attempts,
        )
        self._connection = connection or Connection()
        self._channel = open_channel(grpc, address, self._connection)
        self._methods = bind_methods(self._channel)

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def _run(self, call: Call[T], *, timeout_seconds: float | None = None) -> T:
        """One call; again, after longer and longer pauses, while the server is not there."""
        attempts = self._attempts(timeout_seconds)
        method = self._methods[call.method.path]
        while True:
            try:
                response = method(
                    call.request,
                    timeout=attempts.remaining_seconds(),
                    metadata=call_metadata(self._connection),
                )
            except grpc.RpcError as error:
                number, status = attempts.number, error.code().name
                pause = attempts.pause_after(status)
                if pause is None:
                    raise call.failure(
                        status, error.details(), where=self._where, attempt=number
                    ) from error
            else:
                return call.result(response, where=self._where)
            time.sleep(pause)
