"""Every machine behind an address: a headless Service has one name for all of its pods."""

from __future__ import annotations

import socket
from collections.abc import Iterable

from demandcast.schema.errors import BadInputError

__all__ = ["every_machine"]


def every_machine(addresses: Iterable[str]) -> list[str]:
    """Replaces names that stand for several machines by the addresses of all of them.

    Args:
        addresses: Each ``host:port``.

    Returns:
        Each once, in order. A name with one address stays as it is.

    Raises:
        BadInputError: One is not ``host:port``, or nobody knows the host.

    >>> every_machine(["127.0.0.1:8500", "127.0.0.1:8500"])
    ['127.0.0.1:8500']
    """
    return list(dict.fromkeys(found for address in addresses for found in _machines(address)))


def _machines(address: str) -> list[str]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise BadInputError(f"address {address!r}: expected host:port, such as 10.0.0.7:8500")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except OSError as error:
        raise BadInputError(f"address {address!r}: {error}") from error
    ips = sorted({(family, str(place[0])) for family, _, _, _, place in found})
    # A machine with an address of both kinds is one machine.
    ips = [(family, ip) for family, ip in ips if family == ips[0][0]]
    if len(ips) == 1:
        return [address]
    return [f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}" for _, ip in ips]
