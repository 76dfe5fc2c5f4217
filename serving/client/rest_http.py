"""What httpx is told about a `Connection`, and what its failures mean."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any

import httpx

from demandcast.schema.errors import ConfigurationError
from demandcast.serving.client.connection import Connection, Tls, authorization, read_pem
from demandcast.serving.client.rest_wire import HttpRequest
from demandcast.serving.errors import RequestError

__all__ = ["Body", "check_url", "client_options", "failure_of", "request_options"]


def check_url(address: str, connection: Connection) -> str:
    """Gives back an address that REST can use.

    Raises:
        ConfigurationError: It is none, or the connection asks for what it does not do.
    """
    if not address.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"address {address!r}: REST needs one that begins with http:// or https://, such as "
            "http://127.0.0.1:8501"
        )
    encrypted = address.startswith("https://")
    if connection.tls is not None and not encrypted:
        raise ConfigurationError(f"tls is given, but the address is {address!r}; write https://")
    if connection.compression != "none":
        raise ConfigurationError("compression is for gRPC only; REST sends plain JSON")
    connection.check_token(encrypted=encrypted)
    return address.rstrip("/")


def client_options(address: str, connection: Connection) -> dict[str, Any]:
    """Options of `httpx.Client` and `httpx.AsyncClient`."""
    options: dict[str, Any] = {"base_url": address}
    if connection.tls is not None:
        options["verify"] = _ssl_context(connection.tls)
    return options


def request_options(http: HttpRequest, connection: Connection, seconds: float) -> dict[str, Any]:
    """Options of one request."""
    headers = {"accept": "application/json"}
    if http.body is not None:
        headers["content-type"] = "application/json"
    value = authorization(connection)
    if value is not None:
        headers["authorization"] = value
    tls = connection.tls
    extensions: Mapping[str, Any] = (
        {} if tls is None or tls.server_name is None else {"sni_hostname": tls.server_name}
    )
    return {
        "method": http.verb,
        "url": http.path,
        "content": http.body,
        "headers": headers,
        "timeout": seconds,
        "extensions": extensions,
    }


def failure_of(error: httpx.HTTPError) -> tuple[str, str]:
    """Status and details of a request that got no answer."""
    details = str(error) or type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return "DEADLINE_EXCEEDED", f"no answer in time: {type(error).__name__}"
    if isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError):
        return "UNAVAILABLE", details
    return "INTERNAL", details


class Body:
    """An answer that arrives in pieces: no larger than allowed, and no later."""

    def __init__(self, connection: Connection, seconds: float) -> None:
        """Starts its time."""
        self._limit = connection.max_message_bytes
        self._deadline = time.monotonic() + seconds
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        """Takes a piece.

        Raises:
            RequestError: RESOURCE_EXHAUSTED or DEADLINE_EXCEEDED.
        """
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._limit:
            raise RequestError(
                "RESOURCE_EXHAUSTED", f"the answer is larger than {self._limit} bytes"
            )
        if time.monotonic() > self._deadline:
            raise RequestError("DEADLINE_EXCEEDED", "the answer did not end in time")

    def content(self) -> bytes:
        """All of it."""
        return b"".join(self._parts)


def _ssl_context(tls: Tls) -> ssl.SSLContext:
    authorities = read_pem("ca", tls.ca)
    read_pem("certificate", tls.certificate)
    read_pem("key", tls.key)
    try:
        context = ssl.create_default_context(
            cadata=None if authorities is None else authorities.decode("ascii")
        )
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key)
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"tls: the files cannot be used: {error}") from error
    return context
