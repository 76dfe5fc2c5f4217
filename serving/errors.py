"""Errors of serving, and the gRPC status that each stands for.

    ServingError
    ├── RequestError    server side: why a request is refused, and its status
    └── CallError       client side: which call failed, and with which status

A status is the name of a gRPC code, such as ``INVALID_ARGUMENT``, so that
nothing below the services depends on the transport.
"""

from __future__ import annotations

from demandcast.schema.errors import ServingError

__all__ = ["CallError", "RequestError"]


class RequestError(ServingError):
    """A request that the server refuses.

    Attributes:
        status: Name of the gRPC code.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class CallError(ServingError):
    """A call that did not get an answer.

    Attributes:
        status: Name of the gRPC code.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
