"""What gRPC is told: options, several servers in turn, TLS both ways."""

import json

import grpc
import numpy as np
import pytest
from certificates import Authority
from serving_clients_world import opened
from serving_fake import FakeModel, grpc_server
from serving_models import tiny_inputs

from demandcast.schema.errors import ConfigurationError
from demandcast.serving.client import Connection, Tls
from demandcast.serving.client.grpc_channel import channel_options, check_address, compression_of
from demandcast.serving.errors import CallError

KINDS = ("grpc", "grpc aio")


def options(address="127.0.0.1:8500", **values):
    return dict(channel_options(address, Connection(**values)))


def test_options_of_a_plain_connection():
    assert options(max_message_bytes=7) == {
        "grpc.max_receive_message_length": 7,
        "grpc.initial_reconnect_backoff_ms": 100,
        "grpc.min_reconnect_backoff_ms": 100,
        "grpc.max_reconnect_backoff_ms": 1000,
        "grpc.enable_retries": 0,
        "grpc.keepalive_time_ms": 60_000,
        "grpc.keepalive_timeout_ms": 20_000,
        "grpc.keepalive_permit_without_calls": 0,
    }


def test_keepalive():
    assert not {name for name in options(keepalive_seconds=None) if "keepalive" in name}
    asked = options(keepalive_seconds=0.5, keepalive_without_calls=True)
    assert asked["grpc.keepalive_time_ms"] == 500
    assert asked["grpc.keepalive_permit_without_calls"] == 1


@pytest.mark.parametrize(
    ("address", "in_turn"),
    [
        ("dns:///demand.models.svc:8500", True),
        ("ipv4:10.0.0.1:8500,10.0.0.2:8500", True),
        ("demand.models.svc:8500", False),
        ("unix:/run/demand.sock", False),
    ],
)
def test_addresses_of_several_servers_are_asked_in_turn(address, in_turn):
    config = options(address).get("grpc.service_config")
    expected = {"loadBalancingConfig": [{"round_robin": {}}]}
    assert (json.loads(config) if config else None) == (expected if in_turn else None)


@pytest.mark.parametrize("kind", KINDS)
def test_two_servers_share_the_calls(kind):
    first, second = FakeModel(), FakeModel()
    with (
        grpc_server(first) as one,
        grpc_server(second) as two,
        opened(kind, f"ipv4:{one},{two}") as client,
    ):
        # Until both are connected, one of them has all of the calls.
        for _ in range(200):
            client.status()
            if first.calls and second.calls:
                break
        before = len(first.calls), len(second.calls)
        for _ in range(10):
            client.status()
    after = len(first.calls), len(second.calls)
    assert (after[0] - before[0], after[1] - before[1]) == (5, 5)


@pytest.mark.parametrize("kind", KINDS)
def test_one_of_two_servers_may_go(kind):
    first, second = FakeModel(), FakeModel()
    with grpc_server(first) as one:
        with grpc_server(second) as two, opened(kind, f"ipv4:{one},{two}") as client:
            for _ in range(20):
                client.status()
        with opened(kind, f"ipv4:{one},{two}") as client:
            for _ in range(5):
                client.predict(tiny_inputs())
    assert first.calls[-5:] == ["Predict"] * 5


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://127.0.0.1:8501", "is one of REST; this client speaks gRPC"),
        ("https://demand", "RestDemandClient takes that address"),
        (" ", "address is empty"),
    ],
)
def test_addresses_that_gRPC_does_not_know(address, message):  # noqa: N802 - its name
    with pytest.raises(ConfigurationError, match=message):
        check_address(address)


def test_compression():
    assert compression_of(Connection()) is grpc.Compression.NoCompression
    assert compression_of(Connection(compression="gzip")) is grpc.Compression.Gzip


@pytest.mark.parametrize("kind", KINDS)
def test_compressed_requests_arrive(kind):
    model = FakeModel()
    with (
        grpc_server(model) as address,
        opened(kind, address, connection=Connection(compression="gzip")) as client,
    ):
        client.predict(tiny_inputs())
    np.testing.assert_array_equal(model.inputs[0]["target"], tiny_inputs()["target"])


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.fixture(scope="module")
def signed(authority):
    return authority.sign("demand.test")


def server_credentials(signed, *, clients=None):
    pair = (signed.key.read_bytes(), signed.certificate.read_bytes())
    roots = None if clients is None else clients.certificate.read_bytes()
    return grpc.ssl_server_credentials([pair], roots, require_client_auth=clients is not None)


def encrypted(authority, **values):
    tls = Tls(ca=authority.certificate, server_name="demand.test", **values)
    return {"connection": Connection(tls=tls, token="abc"), "max_attempts": 1}  # noqa: S106


@pytest.mark.parametrize("kind", KINDS)
def test_an_encrypted_connection(kind, authority, stranger, signed):
    model = FakeModel()
    with grpc_server(model, credentials=server_credentials(signed)) as address:
        with opened(kind, address, **encrypted(authority)) as client:
            assert client.status()
        assert model.headers[0]["authorization"] == "Bearer abc"
        with (
            opened(kind, address, **encrypted(stranger)) as client,
            pytest.raises(CallError, match="UNAVAILABLE"),
        ):
            client.status()
        with (
            opened(kind, address, max_attempts=1) as client,
            pytest.raises(CallError, match="UNAVAILABLE"),
        ):
            client.status()


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_knows_its_clients(kind, authority, stranger, signed):
    model = FakeModel()
    credentials = server_credentials(signed, clients=authority)
    own = authority.sign("client.test")
    false = stranger.sign("client.test")
    with grpc_server(model, credentials=credentials) as address:
        known = encrypted(authority, certificate=own.certificate, key=own.key)
        with opened(kind, address, **known) as client:
            assert client.status()
        unknown = encrypted(authority, certificate=false.certificate, key=false.key)
        for one in (unknown, encrypted(authority)):
            with (
                opened(kind, address, **one) as client,
                pytest.raises(CallError, match="UNAVAILABLE"),
            ):
                client.status()
