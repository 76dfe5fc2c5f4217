"""Providers that answer over unix sockets, which Terraform takes instead of starting its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent import futures
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc

from schema_provider.checks import set_but_only_read
from schema_provider.packages import load
from schema_provider.schema import ProviderSchema
from schema_provider.values import imported, planned, realised
from schema_provider.wire import decode, encode, metadata, schema_message, unconfigurable

__all__ = ["SchemaProvider", "serving"]

_ANY_SIZE = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class SchemaProvider(rpc.ProviderServicer):
    """A provider of protocol 6 with a schema and no cloud; keeps nothing between calls."""

    def __init__(self, schema: ProviderSchema) -> None:
        self._schema = schema
        self._message = cache(lambda: schema_message(schema))

    def GetMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Names of resources and data sources."""
        return metadata(self._schema)

    def GetProviderSchema(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The whole schema."""
        return self._message()

    def GetFunctions(self, request: Any, context: Any) -> Any:  # noqa: N802
        """None: the packages say nothing of a provider's functions."""
        return pb.GetFunctions.Response()

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Terraform has compared the block with the schema; there is nothing to add."""
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Finds what is set and only read; Terraform leaves this to the provider."""
        found = set_but_only_read(self._schema.resources[request.type_name], decode(request.config))
        return pb.ValidateResourceConfig.Response(diagnostics=map(unconfigurable, found))

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        """As for a resource."""
        found = set_but_only_read(
            self._schema.data_sources[request.type_name], decode(request.config)
        )
        return pb.ValidateDataResourceConfig.Response(diagnostics=map(unconfigurable, found))

    def ConfigureProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Credentials are not looked at."""
        return pb.ConfigureProvider.Response()

    def StopProvider(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Nothing runs that could be stopped."""
        return pb.StopProvider.Response()

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The state is of this schema already."""
        return pb.UpgradeResourceState.Response(
            upgraded_state=pb.DynamicValue(json=request.raw_state.json)
        )

    def PlanResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What is proposed, with unknowns where the cloud would answer."""
        state = planned(
            self._schema.resources[request.type_name],
            decode(request.proposed_new_state),
            decode(request.prior_state),
        )
        # As the older SDK says of itself: what is planned may differ from what is configured.
        return pb.PlanResourceChange.Response(
            planned_state=encode(state),
            planned_private=request.prior_private,
            legacy_type_system=True,
        )

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        """The plan, with invented values for its unknowns."""
        block = self._schema.resources[request.type_name]
        state = realised(block, decode(request.planned_state), request.type_name)
        return pb.ApplyResourceChange.Response(new_state=encode(state), legacy_type_system=True)

    def ReadResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Nothing has changed since."""
        return pb.ReadResource.Response(new_state=request.current_state, private=request.private)

    def ImportResourceState(self, request: Any, context: Any) -> Any:  # noqa: N802
        """An object of which no more is known than its id."""
        block = self._schema.resources[request.type_name]
        state = imported(block, request.type_name, request.id)
        found = pb.ImportResourceState.ImportedResource(
            type_name=request.type_name, state=encode(state)
        )
        return pb.ImportResourceState.Response(imported_resources=[found])

    def ReadDataSource(self, request: Any, context: Any) -> Any:  # noqa: N802
        """What was asked, with invented values for what the cloud would answer."""
        block = self._schema.data_sources[request.type_name]
        name = f"data.{request.type_name}"
        state = realised(block, planned(block, decode(request.config)), name)
        return pb.ReadDataSource.Response(state=encode(state))


@contextmanager
def serving(names: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """Serves providers as long as the context lasts.

    Yields:
        What has to be in the environment of terraform.
    """
    with ExitStack() as stack:
        # Sockets have short names: a path of more than 107 bytes is refused.
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tf-")))
        attach = {}
        for name in names:
            socket = folder / name
            server = grpc.server(futures.ThreadPoolExecutor(8), options=_ANY_SIZE)
            rpc.add_ProviderServicer_to_server(SchemaProvider(load(name)), server)
            server.add_insecure_port(f"unix://{socket}")
            server.start()
            stack.callback(_stop, server)
            attach[f"registry.terraform.io/hashicorp/{name}"] = {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": os.getpid(),
                "Test": True,
                "Addr": {"Network": "unix", "String": str(socket)},
            }
        yield {"TF_REATTACH_PROVIDERS": json.dumps(attach)}


def _stop(server: Any) -> None:
    server.stop(grace=None).wait()
