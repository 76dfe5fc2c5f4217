"""`AsyncDemandClient`: what `DemandClient` does, in an event loop."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from grpc import aio

from demandcast.serving.client.base import AnyAsyncClient
from demandcast.serving.client.calls import Call
from demandcast.serving.client.connection import Connection
from demandcast.serving.client.grpc_channel import (
    bind_methods,
    call_metadata,
    check_address,
    open_channel,
)

__all__ = ["AsyncDemandClient"]

T = TypeVar("T")


class AsyncDemandClient(AnyAsyncClient):
    """A connection to one model of one server, for the event loop in which it is made.

    Keep one and use it for all calls: it holds the connection open. A call that is cancelled is
    cancelled on the server.
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
        """Prepares the connection; see `DemandClient`. To be made where the loop runs."""
        super().__init__(
            check_address(address),
            model_name=model_name,
            timeout_seconds=timeout_seconds,
            max_attempts=max_attempts,
        )
        self._connection = connection or Connection()
        self._channel = open_channel(aio, address, self._connection)
        self._methods = bind_methods(self._channel)

    async def close(self) -> None:
        """Closes the connection."""
        await self._channel.close()

    async def _run(self, call: Call[T], *, timeout_seconds: float | None = None) -> T:
        """One call; again, after longer and longer pauses, while the server is not there."""
        attempts = self._attempts(timeout_seconds)
        method = self._methods[call.method.path]
        while True:
            try:
                response = await method(
                    call.request,
                    timeout=attempts.remaining_seconds(),
                    metadata=aio.Metadata(*call_metadata(self._connection)),
                )
            except aio.AioRpcError as error:
                number, status = attempts.number, error.code().name
                pause = attempts.pause_after(status)
                if pause is None:
                    raise call.failure(
                        status, error.details(), where=self._where, attempt=number
                    ) from error
            else:
                return call.result(response, where=self._where)
            await asyncio.sleep(pause)
