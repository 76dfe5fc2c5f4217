"""Options of the commands that ask model servers."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from demandcast.pipeline.cli.kubeflow_options import read_token

if TYPE_CHECKING:
    from demandcast.serving.client import Connection, DemandClient

__all__ = ["connection_options", "open_clients"]

F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(dir_okay=False, path_type=Path)
_TLS = ("ca_certificate", "client_certificate", "client_key", "server_name")
_OPTIONS = (
    click.option(
        "--address",
        "addresses",
        multiple=True,
        metavar="HOST:PORT",
        help="A server that follows the file, gRPC; may be repeated. A name that stands for "
        "several machines is asked at each.",
    ),
    click.option("--tls", is_flag=True, help="Encrypt; those below do so too."),
    click.option("--ca-certificate", type=_FILE, help="File with the authority to trust, PEM."),
    click.option("--client-certificate", type=_FILE, help="File with a client certificate, PEM."),
    click.option("--client-key", type=_FILE, help="File with its key, PEM."),
    click.option("--server-name", help="Name in the servers' certificate, if not the address's."),
    click.option(
        "--token-file", type=_FILE, help="File with a bearer token; needs an encrypted connection."
    ),
)


def connection_options(function: F) -> F:
    """Adds --address, TLS and --token-file."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@contextlib.contextmanager
def open_clients(options: Mapping[str, Any], model: str) -> Iterator[dict[str, DemandClient]]:
    """Opens a connection to every machine behind the addresses.

    Args:
        options: What `connection_options` adds.
        model: Model to ask for.

    Yields:
        A client for each machine, by its address.

    Raises:
        BadInputError: An address, a certificate or a token cannot be used.
    """
    from demandcast.serving.addresses import every_machine
    from demandcast.serving.client import DemandClient

    clients: dict[str, DemandClient] = {}
    with contextlib.ExitStack() as stack:
        for given in options["addresses"]:
            for machine in every_machine([given]):
                # The certificate of a machine has the name, and seldom its number.
                name = given.rpartition(":")[0] if machine != given else None
                client = DemandClient(
                    machine,
                    model_name=model,
                    max_attempts=1,
                    connection=_connection(options, name),
                )
                clients[machine] = stack.enter_context(client)
        yield clients


def _connection(options: Mapping[str, Any], name: str | None) -> Connection:
    from demandcast.serving.client import Connection, Tls

    file = options["token_file"]
    encrypted = options["tls"] or any(options[key] for key in _TLS)
    tls = Tls(
        ca=options["ca_certificate"],
        certificate=options["client_certificate"],
        key=options["client_key"],
        server_name=options["server_name"] or name,
    )
    return Connection(
        tls=tls if encrypted else None, token=None if file is None else read_token(file)
    )
