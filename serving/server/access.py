"""Who may call: TLS, client certificates, a bearer token."""

from __future__ import annotations

import hmac
import ssl
import tempfile
from pathlib import Path

import grpc

from demandcast.schema.errors import ConfigurationError
from demandcast.serving.server.config import AccessConfig

__all__ = ["TokenCheck", "server_credentials", "ssl_context"]

_SCHEME = "Bearer "


class TokenCheck:
    """Compares the token of a call; without a token of its own it lets everyone pass."""

    def __init__(self, access: AccessConfig) -> None:
        token = access.token.get_secret_value()
        self._expected = f"{_SCHEME}{token}".encode() if token else b""

    @property
    def needed(self) -> bool:
        """Whether a call needs a token."""
        return bool(self._expected)

    def passes(self, authorization: str | bytes | None) -> bool:
        """Whether a call with that `authorization` may pass; takes as long for any wrong one."""
        if not self._expected:
            return True
        # A header may hold any bytes; those that are no text were read as surrogates.
        given = (
            authorization.encode(errors="surrogateescape")
            if isinstance(authorization, str)
            else authorization or b""
        )
        return hmac.compare_digest(given, self._expected)


def server_credentials(access: AccessConfig) -> grpc.ServerCredentials | None:
    """What gRPC needs for TLS; None for plain text.

    Raises:
        ConfigurationError: Certificate and key do not fit, or are none.
    """
    # gRPC looks at them too late, and does not say what is wrong.
    if ssl_context(access) is None:
        return None
    pair = (access.private_key.get_secret_value().encode(), access.certificate.encode())
    return grpc.ssl_server_credentials(
        [pair],
        root_certificates=access.client_ca.encode() or None,
        require_client_auth=access.require_client_certificate,
    )


def ssl_context(access: AccessConfig) -> ssl.SSLContext | None:
    """What the REST port needs for TLS; None for plain text.

    Raises:
        ConfigurationError: Certificate and key do not fit, or are none.
    """
    if not access.certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # Python reads a key from a file only. This one is ours alone, and gone at once.
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "certificate.pem"), Path(folder, "key.pem")
        certificate.write_text(access.certificate, encoding="utf-8")
        key.touch(mode=0o600)
        key.write_text(access.private_key.get_secret_value(), encoding="utf-8")
        try:
            # A key with a password would otherwise be asked for at the terminal.
            context.load_cert_chain(certificate, key, password="")
            if access.client_ca:
                context.load_verify_locations(cadata=access.client_ca)
        except (ssl.SSLError, TypeError, ValueError) as error:
            why = getattr(error, "reason", None) or "it is no PEM text"
            raise ConfigurationError(
                f"the server's certificate, key or authority cannot be used: {why}"
            ) from None
    if access.require_client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
