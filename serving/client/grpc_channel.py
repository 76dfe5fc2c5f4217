"""What gRPC is told about a `Connection`: the same for both kinds of channel."""

from __future__ import annotations

import json
from typing import Any

import grpc

from demandcast.schema.errors import ConfigurationError
from demandcast.serving.client.connection import Connection, authorization, read_pem
from demandcast.serving.messages import MODEL_SERVICE, PREDICTION_SERVICE

__all__ = [
    "bind_methods",
    "call_metadata",
    "channel_options",
    "check_address",
    "compression_of",
    "credentials_of",
    "open_channel",
]

_KEEPALIVE_ANSWER_SECONDS = 20
_SEVERAL = ("dns:", "ipv4:", "ipv6:")
_ROUND_ROBIN = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})


def check_address(address: str) -> str:
    """Gives back an address that gRPC can use.

    Raises:
        ConfigurationError: It is empty, or one of HTTP.
    """
    if address.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"address {address!r} is one of REST; this client speaks gRPC and takes host:port, "
            "dns:///host:port or unix:path. RestDemandClient takes that address"
        )
    if not address.strip():
        raise ConfigurationError("address is empty; host:port, dns:///host:port or unix:path")
    return address


def open_channel(library: Any, address: str, connection: Connection) -> Any:
    """Opens a channel; the connection is made with the first call.

    Args:
        library: ``grpc``, or ``grpc.aio``: each has channels of its own.
        address: As of `check_address`.
        connection: What it is told.

    Raises:
        ConfigurationError: A file cannot be read, or a token would be readable by others.
    """
    settings = {
        "options": channel_options(address, connection),
        "compression": compression_of(connection),
    }
    credentials = credentials_of(connection)
    if credentials is None:
        return library.insecure_channel(address, **settings)
    return library.secure_channel(address, credentials, **settings)


def bind_methods(channel: Any) -> dict[str, Any]:
    """What can be called on a channel, by its path."""
    return {
        method.path: channel.unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        for method in (*PREDICTION_SERVICE.values(), *MODEL_SERVICE.values())
    }


def channel_options(address: str, connection: Connection) -> list[tuple[str, int | str]]:
    """Options of a channel.

    An address that stands for several servers, such as ``dns:///`` and a headless service of
    Kubernetes, or ``ipv4:`` and a list, is asked in turn; gRPC itself would stay with the first.
    """
    options: list[tuple[str, int | str]] = [
        ("grpc.max_receive_message_length", connection.max_message_bytes),
        # A server that comes back is found within a pause of ours, not gRPC's own second.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
        # What is tried again, and when, is ours to say.
        ("grpc.enable_retries", 0),
    ]
    if connection.keepalive_seconds is not None:
        options += [
            ("grpc.keepalive_time_ms", round(1000 * connection.keepalive_seconds)),
            ("grpc.keepalive_timeout_ms", 1000 * _KEEPALIVE_ANSWER_SECONDS),
            ("grpc.keepalive_permit_without_calls", int(connection.keepalive_without_calls)),
        ]
    if connection.tls is not None and connection.tls.server_name is not None:
        options.append(("grpc.ssl_target_name_override", connection.tls.server_name))
    if address.startswith(_SEVERAL):
        options.append(("grpc.service_config", _ROUND_ROBIN))
    return options


def credentials_of(connection: Connection) -> grpc.ChannelCredentials | None:
    """Credentials of a channel with TLS; None for one without.

    Raises:
        ConfigurationError: A file cannot be read, or a token would be readable by others.
    """
    connection.check_token(encrypted=connection.tls is not None)
    if connection.tls is None:
        return None
    tls = connection.tls
    return grpc.ssl_channel_credentials(
        root_certificates=read_pem("ca", tls.ca),
        private_key=read_pem("key", tls.key),
        certificate_chain=read_pem("certificate", tls.certificate),
    )


def compression_of(connection: Connection) -> grpc.Compression:
    """Compression of requests."""
    return (
        grpc.Compression.Gzip
        if connection.compression == "gzip"
        else grpc.Compression.NoCompression
    )


def call_metadata(connection: Connection) -> tuple[tuple[str, str | bytes], ...]:
    """Headers of a call."""
    value = authorization(connection)
    return () if value is None else (("authorization", value),)
