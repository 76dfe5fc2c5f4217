"""The four clients behind one face, so that one test asks them all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from serving_fake import FakeModel, grpc_server, rest_server

from demandcast.serving.client import (
    AsyncDemandClient,
    AsyncRestDemandClient,
    DemandClient,
    RestDemandClient,
)

__all__ = ["KINDS", "Awaited", "client_class", "opened", "server_of"]

KINDS = ("grpc", "grpc aio", "rest", "rest aio")

_CLASSES = {
    "grpc": DemandClient,
    "grpc aio": AsyncDemandClient,
    "rest": RestDemandClient,
    "rest aio": AsyncRestDemandClient,
}


class Awaited:
    """An asynchronous client whose methods wait for their answer."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = self.loop.run_until_complete(self._made(make))

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.client, name)
        return lambda *args, **options: self.loop.run_until_complete(method(*args, **options))

    def end(self) -> None:
        self.loop.run_until_complete(self.client.close())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    @staticmethod
    async def _made(make: Callable[[], Any]) -> Any:
        return make()


def client_class(kind: str) -> Any:
    """Class of a kind of client."""
    return _CLASSES[kind]


@contextmanager
def server_of(kind: str, model: FakeModel) -> Iterator[str]:
    """A server that the kind can ask; yields its address."""
    with (rest_server if kind.startswith("rest") else grpc_server)(model) as address:
        yield address


@contextmanager
def opened(kind: str, address: str, **options: Any) -> Iterator[Any]:
    """A client whose methods wait for their answer."""
    made = _CLASSES[kind]
    if not kind.endswith("aio"):
        with made(address, **options) as client:
            yield client
        return
    awaited = Awaited(lambda: made(address, **options))
    try:
        yield awaited
    finally:
        awaited.end()
