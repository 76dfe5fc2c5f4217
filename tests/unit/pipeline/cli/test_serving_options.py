from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from demandcast.pipeline.cli.serving_options import connection_options, open_clients
from demandcast.schema.errors import BadInputError
from demandcast.serving import addresses, client
from demandcast.serving.client import Connection, Tls


@pytest.fixture
def opened(monkeypatch):
    """Asks a command with options for its connections, and gives what clients were made with."""
    made, closed = {}, []

    class Client:
        def __init__(self, address, *, model_name, max_attempts, connection):
            assert (model_name, max_attempts) == ("demand", 1)
            made[address] = connection

        def __enter__(self):
            return self

        def __exit__(self, *exception):
            closed.append(self)

    monkeypatch.setattr(client, "DemandClient", Client)
    machines = {"pods:8500": ["10.0.0.1:8500", "10.0.0.2:8500"]}
    monkeypatch.setattr(
        addresses, "every_machine", lambda given: machines.get(given[0], list(given))
    )

    @click.command()
    @connection_options
    def command(**options):
        with open_clients(options, "demand") as clients:
            assert not closed
            assert set(clients) == set(made)

    def call(*arguments):
        done = CliRunner().invoke(command, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert len(closed) == len(made)
        return made

    return call


def test_plain_text_if_nothing_is_said(opened):
    assert opened("--address", "one:8500") == {"one:8500": Connection()}


def test_every_address_and_every_machine_behind_it(opened):
    made = opened("--address", "pods:8500", "--address", "one:8500")
    assert list(made) == ["10.0.0.1:8500", "10.0.0.2:8500", "one:8500"]


def test_a_machine_proves_the_name_by_which_it_was_found(opened):
    made = opened("--address", "pods:8500", "--address", "one:8500", "--tls")
    assert made["10.0.0.2:8500"].tls == Tls(server_name="pods")
    assert made["one:8500"].tls == Tls()


def test_certificates_and_a_token(opened, tmp_path):
    token = tmp_path / "token"
    token.write_text("secret\n")
    made = opened(
        *("--address", "one:8500", "--ca-certificate", "ca.pem", "--server-name", "demand"),
        *("--client-certificate", "me.pem", "--client-key", "me.key", "--token-file", str(token)),
    )
    assert made["one:8500"].tls == Tls(
        ca=Path("ca.pem"),
        certificate=Path("me.pem"),
        key=Path("me.key"),
        server_name="demand",
    )
    assert made["one:8500"].token == "secret"  # noqa: S105 - not one


@pytest.mark.parametrize("option", ["--client-certificate", "--client-key"])
def test_half_a_certificate_is_refused(opened, option):
    with pytest.raises(BadInputError, match="a client has both, or neither"):
        opened("--address", "one:8500", option, "me.pem")


def test_a_token_that_is_not_there_is_refused(opened, tmp_path):
    with pytest.raises(BadInputError, match="cannot be read"):
        opened("--address", "one:8500", "--token-file", str(tmp_path / "none"))
