"""The client of a model in service: over gRPC or REST, waiting or asynchronous.

    table ──► tables ──► requests ──► calls ──► grpc_client, grpc_aio_client ──► server
                                        └─────► rest_client, rest_aio_client ──┘
    retrying: when again      connection: TLS, token, keep-alive

Importing this is light: no TensorFlow, no table library. It asks TensorFlow Serving's own server
as well as ours.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from demandcast.serving.client.base import AnyAsyncClient, AnyClient
from demandcast.serving.client.calls import ModelMetadata
from demandcast.serving.client.connection import Connection, Tls
from demandcast.serving.client.grpc_aio_client import AsyncDemandClient
from demandcast.serving.client.grpc_client import DemandClient

if TYPE_CHECKING:
    from demandcast.serving.client.rest_aio_client import AsyncRestDemandClient
    from demandcast.serving.client.rest_client import RestDemandClient

__all__ = [
    "AnyAsyncClient",
    "AnyClient",
    "AsyncDemandClient",
    "AsyncRestDemandClient",
    "Connection",
    "DemandClient",
    "ModelMetadata",
    "RestDemandClient",
    "Tls",
]

# Imported when first asked for: the library of HTTP takes as long as all of the rest.
_REST = {"AsyncRestDemandClient": "rest_aio_client", "RestDemandClient": "rest_client"}


def __getattr__(name: str) -> Any:
    if name in _REST:
        return getattr(importlib.import_module(f"{__name__}.{_REST[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
