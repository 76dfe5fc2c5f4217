"""`Connection`: how a client reaches the server. TLS, token, keep-alive, sizes.

Nothing here is of one transport; `grpc_channel` and `rest_client` make theirs of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from demandcast.schema.errors import ConfigurationError
from demandcast.serving.wire import MAX_MESSAGE_BYTES

__all__ = ["Connection", "Tls", "authorization", "read_pem"]


@dataclass(frozen=True)
class Tls:
    """An encrypted connection, and who is who on it.

    Attributes:
        ca: PEM file with the authorities that may vouch for the server; the usual ones if none.
        certificate: PEM file with the certificate of the client, where the server asks for one.
        key: PEM file with the private key that belongs to it.
        server_name: Name in the certificate of the server, if it is not that of the address.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    server_name: str | None = None

    def __post_init__(self) -> None:
        if (self.certificate is None) != (self.key is None):
            given = "certificate" if self.key is None else "key"
            raise ConfigurationError(f"tls: only {given} is given; a client has both, or neither")


@dataclass(frozen=True)
class Connection:
    """How a client reaches the server.

    Attributes:
        tls: None for a connection in plain text.
        token: Sent with each call as ``authorization: Bearer``; a function is asked each time,
            for one that is renewed.
        allow_token_in_plaintext: The token may go over a connection without TLS, because
            something else protects it, such as a mesh.
        keepalive_seconds: Silence of a call after which gRPC asks whether the server is there; a
            connection that is dead is then dropped in 20 s instead of a quarter of an hour. None
            for never.
        keepalive_without_calls: Asks between calls too. Servers refuse that unless they are told
            to allow it, and close the connection.
        max_message_bytes: Largest answer that is accepted.
        compression: Of requests; gRPC only.
    """

    tls: Tls | None = None
    token: str | Callable[[], str] | None = field(default=None, repr=False)
    allow_token_in_plaintext: bool = False
    keepalive_seconds: float | None = 60.0
    keepalive_without_calls: bool = False
    max_message_bytes: int = MAX_MESSAGE_BYTES
    compression: Literal["none", "gzip"] = "none"

    def __post_init__(self) -> None:
        if self.keepalive_seconds is not None and self.keepalive_seconds <= 0:
            raise ConfigurationError(
                f"keepalive_seconds is {self.keepalive_seconds}; it must be above 0, or None"
            )
        if self.max_message_bytes < 1:
            raise ConfigurationError(
                f"max_message_bytes is {self.max_message_bytes}; it must be 1 or more"
            )
        if self.compression not in ("none", "gzip"):
            raise ConfigurationError(f"compression is {self.compression!r}; it is none or gzip")

    def check_token(self, *, encrypted: bool) -> None:
        """Refuses to send a token where others can read it.

        Args:
            encrypted: Whether the connection uses TLS.

        Raises:
            ConfigurationError: It does not, and nothing says that this is safe.
        """
        if self.token is None or encrypted or self.allow_token_in_plaintext:
            return
        raise ConfigurationError(
            "token: the connection is not encrypted, so anyone on the way could read it; set tls, "
            "or allow_token_in_plaintext=True where something else protects the connection"
        )


def authorization(connection: Connection) -> str | None:
    """Value of the header ``authorization``; None without a token.

    >>> authorization(Connection(token="abc"))
    'Bearer abc'

    Raises:
        ConfigurationError: The token is empty or holds what a header cannot.
    """
    if connection.token is None:
        return None
    token = connection.token() if callable(connection.token) else connection.token
    # Not shown: it is a secret, wrong or not.
    if not (token and token.isascii() and token.isprintable()) or " " in token:
        raise ConfigurationError(
            "token: it is empty, or holds spaces, line ends or other letters than ASCII"
        )
    return f"Bearer {token}"


def read_pem(name: str, path: Path | None) -> bytes | None:
    """Reads a file of certificates or a key.

    Args:
        name: Of the setting, for the message.
        path: None is passed through.

    Raises:
        ConfigurationError: It cannot be read, or is not PEM.
    """
    if path is None:
        return None
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"tls: {name} {path} cannot be read: {error.strerror}") from error
    if b"-----BEGIN" not in content:
        raise ConfigurationError(f"tls: {name} {path} is not a PEM file")
    return content
