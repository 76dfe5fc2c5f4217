"""Who may call the server: TLS, client certificates and a token, over gRPC and REST."""

import http.client
import json
import logging
import ssl

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from pydantic import SecretStr
from serving_certificates import Authority
from serving_fakes import write_version
from serving_wire import PREDICT, STATUS, Doubling, predict_bytes, status_bytes

from demandcast.schema.errors import ConfigurationError
from demandcast.serving import messages
from demandcast.serving.server import AccessConfig, ModelServer, ServerConfig

TOKEN = "a-token-of-the-tests"  # noqa: S105
BODY = json.dumps({"inputs": {"x": [1, 2]}})
METHODS = [
    *(method.path for method in messages.PREDICTION_SERVICE.values()),
    *(method.path for method in messages.MODEL_SERVICE.values()),
]


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def stranger():
    """An authority that nobody here trusts."""
    return Authority("stranger")


@pytest.fixture(scope="module")
def server_pair(authority):
    return authority.issue()


@pytest.fixture
def serve(tmp_path):
    servers = []

    def serve(**access):
        write_version(tmp_path, 1)
        config = ServerConfig(
            serving_directory=tmp_path, port=0, rest_port=0, access=AccessConfig(**access)
        )
        server = ModelServer(config, load=lambda folder, version: Doubling())
        servers.append(server)
        server.start()
        assert server.wait_until_available(10)
        return server

    yield serve
    for server in servers:
        server.stop(0)


def credentials(trusted, client=None):
    return grpc.ssl_channel_credentials(
        root_certificates=trusted.certificate.encode(),
        private_key=client and client.key.encode(),
        certificate_chain=client and client.certificate.encode(),
    )


def ask(server, given=None, *, token="", path=PREDICT, data=None):
    """Name of the status of a call, and its answer."""
    open_channel = (
        grpc.insecure_channel(server.address)
        if given is None
        else grpc.secure_channel(server.address, given)
    )
    metadata = [("authorization", token)] if token else []
    data = predict_bytes({"x": np.array([1, 2], np.float32)}) if data is None else data
    with open_channel as channel:
        try:
            answer = channel.unary_unary(path)(data, timeout=10, metadata=metadata)
        except grpc.RpcError as error:
            return error.code().name, b""
    return "OK", answer


def doubled(answer):
    return list(messages.PredictResponse.FromString(answer).outputs["y"].float_val)


def health(server, given=None):
    open_channel = (
        grpc.insecure_channel(server.address)
        if given is None
        else grpc.secure_channel(server.address, given)
    )
    with open_channel as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def trust(authority, client=None, folder=None):
    """How an HTTP client trusts an authority, and shows its own certificate."""
    context = ssl.create_default_context(cadata=authority.certificate)
    if client is not None:
        path = folder / "client.pem"
        path.write_text(client.certificate + client.key)
        context.load_cert_chain(path)
    return context


def ask_rest(server, context=None, *, method="POST", path="/v1/models/demand:predict", token=b""):
    """Status and content of an answer."""
    if context is None:
        connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=10)
    else:
        connection = http.client.HTTPSConnection(
            "127.0.0.1", server.rest_port, timeout=10, context=context
        )
    headers = {"Authorization": token} if token else {}
    try:
        connection.request(method, path, BODY if method == "POST" else None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def pair_of(pair):
    return {"certificate": pair.certificate, "private_key": SecretStr(pair.key)}


def test_tls(serve, authority, stranger, server_pair):
    server = serve(**pair_of(server_pair))
    status, answer = ask(server, credentials(authority))
    assert (status, doubled(answer)) == ("OK", [2, 4])
    assert server.rest_address.startswith("https://")
    assert ask_rest(server, trust(authority)) == (200, b'{"outputs":[2.0,4.0]}')
    assert health(server, credentials(authority)) == "SERVING"
    # In plain text, or trusting somebody else, nobody gets anywhere.
    for given in (None, credentials(stranger)):
        assert ask(server, given)[0] == "UNAVAILABLE"
    with pytest.raises((http.client.HTTPException, OSError)):
        ask_rest(server)
    with pytest.raises(ssl.SSLCertVerificationError):
        ask_rest(server, trust(stranger))
    # And the server is as it was.
    assert ask(server, credentials(authority))[0] == "OK"


def test_mutual_tls(serve, authority, stranger, server_pair, tmp_path):
    server = serve(
        **pair_of(server_pair), client_ca=authority.certificate, require_client_certificate=True
    )
    client, other = authority.issue("client"), stranger.issue("client")
    status, answer = ask(server, credentials(authority, client))
    assert (status, doubled(answer)) == ("OK", [2, 4])
    assert ask_rest(server, trust(authority, client, tmp_path))[0] == 200
    for given in (None, credentials(authority), credentials(authority, other)):
        assert ask(server, given)[0] == "UNAVAILABLE"
    for context in (trust(authority), trust(authority, other, tmp_path)):
        with pytest.raises((http.client.HTTPException, OSError)):
            ask_rest(server, context)
    assert ask(server, credentials(authority, client))[0] == "OK"


def test_a_client_certificate_is_not_needed_if_it_is_not_required(serve, authority, server_pair):
    server = serve(**pair_of(server_pair), client_ca=authority.certificate)
    assert ask(server, credentials(authority))[0] == "OK"
    assert ask_rest(server, trust(authority))[0] == 200


WRONG = ["", "Bearer wrong", "Bearer ", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x"]


def test_token(serve):
    server = serve(token=SecretStr(TOKEN))
    status, answer = ask(server, token=f"Bearer {TOKEN}")
    assert (status, doubled(answer)) == ("OK", [2, 4])
    assert ask_rest(server, token=f"Bearer {TOKEN}".encode())[0] == 200
    for token in WRONG:
        assert ask(server, token=token) == ("UNAUTHENTICATED", b"")
        status, content = ask_rest(server, token=token.encode())
        assert status == 401
        assert json.loads(content) == {"error": "a bearer token of this server is needed"}


@pytest.mark.parametrize("token", [b"\xff", b"Bearer \xe4\xf6", b"Bearer " + b"x" * 7000])
def test_tokens_of_any_bytes(serve, token, caplog):
    server = serve(token=SecretStr(TOKEN))
    assert ask_rest(server, token=token)[0] == 401
    assert "A request failed inside the server" not in caplog.messages


def test_each_call_needs_the_token_but_for_health(serve):
    server = serve(token=SecretStr(TOKEN))
    assert len(METHODS) == 7
    for path in METHODS:
        # Also one that is no message at all: nothing is read before.
        for data in (b"", b"\xff\xff"):
            assert ask(server, path=path, data=data)[0] == "UNAUTHENTICATED"
    for method, path in (
        ("GET", "/v1/models/demand"),
        ("GET", "/v1/models/demand/metadata"),
        ("GET", "/monitoring/prometheus/metrics"),
        ("GET", "/"),
        ("POST", "/v1/models/demand:predict"),
    ):
        assert ask_rest(server, method=method, path=path)[0] == 401
    assert health(server) == "SERVING"
    found = ask(server, token=f"Bearer {TOKEN}", path=STATUS, data=status_bytes())
    assert found[0] == "OK"


def test_all_of_it_together(serve, authority, server_pair, tmp_path):
    server = serve(
        **pair_of(server_pair),
        client_ca=authority.certificate,
        require_client_certificate=True,
        token=SecretStr(TOKEN),
    )
    client = authority.issue("client")
    given = credentials(authority, client)
    assert ask(server, given)[0] == "UNAUTHENTICATED"
    assert ask(server, given, token=f"Bearer {TOKEN}")[0] == "OK"
    context = trust(authority, client, tmp_path)
    assert ask_rest(server, context)[0] == 401
    assert ask_rest(server, context, token=f"Bearer {TOKEN}".encode())[0] == 200
    assert health(server, given) == "SERVING"


def test_a_certificate_that_cannot_be_used_ends_the_start(serve, server_pair, authority):
    with pytest.raises(ConfigurationError, match="certificate, key or authority cannot be used"):
        serve(certificate=server_pair.certificate, private_key=SecretStr(authority.issue().key))
    with pytest.raises(ConfigurationError, match="certificate, key or authority cannot be used"):
        serve(certificate="c", private_key=SecretStr("k"))


def test_no_secret_is_ever_logged(serve, authority, server_pair, caplog):
    # Not those of gRPC: it logs a server while that is freed, and to read that later is fatal.
    with caplog.at_level(logging.DEBUG, "demandcast"), caplog.at_level(logging.DEBUG, "aiohttp"):
        server = serve(**pair_of(server_pair), token=SecretStr(TOKEN))
        ask(server, credentials(authority), token=WRONG[1])
        ask(server, credentials(authority), token=f"Bearer {TOKEN}")
        server.stop(0)
    secrets = (TOKEN, server_pair.key.splitlines()[1])
    assert "Listening on" in caplog.text
    assert not any(secret in caplog.text for secret in secrets)
