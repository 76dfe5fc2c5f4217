"""REST: what is on the wire, HTTPS, and answers that TensorFlow Serving does not give."""

import asyncio
import contextlib
import http.server
import json
import ssl
import threading

import numpy as np
import pytest
from certificates import Authority
from serving_clients_world import opened
from serving_fake import FakeModel, rest_server
from serving_models import HORIZON, tiny_inputs

from demandcast.schema.errors import ConfigurationError
from demandcast.serving.client import AsyncRestDemandClient, Connection, RestDemandClient, Tls
from demandcast.serving.errors import CallError

KINDS = ("rest", "rest aio")


@contextlib.contextmanager
def scripted(*answers):
    """A server that gives these answers (code, body, headers) in turn, and keeps the requests."""
    left, requests = list(answers), []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format, *arguments):
            pass

        def answer(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            requests.append((self.command, self.path, body))
            answer = left.pop(0)
            if answer is None:
                self.close_connection = True
                return
            code, content = answer
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815 - theirs

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def tensor(dtype, *sizes):
    return {
        "dtype": dtype,
        "tensor_shape": {
            "dim": [{"size": str(size), "name": ""} for size in sizes],
            "unknown_rank": False,
        },
        "name": "x:0",
    }


def metadata_answer(**outputs):
    """What the C++ server answers for a model with the input x and these outputs."""
    definition = {
        "inputs": {"x": tensor("DT_FLOAT", -1)},
        "outputs": outputs,
        "method_name": "tensorflow/serving/predict",
        "defaults": {},
    }
    document = {
        "model_spec": {"name": "half", "signature_name": "", "version": "123"},
        "metadata": {"signature_def": {"signature_def": {"serving_default": definition}}},
    }
    return 200, json.dumps(document, indent=1).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_the_documented_walk(kind):
    """The example of TensorFlow Serving's own page on REST, in column form."""
    answer = 200, b'{\n    "outputs": [3.5, 4.0, NaN]\n}'
    with (
        scripted(metadata_answer(y=tensor("DT_FLOAT", -1)), answer) as (address, requests),
        opened(kind, address, model_name="half") as client,
    ):
        found = client.predict({"x": np.array([1.0, 2.0, np.nan], np.float32)})
    assert requests[0] == ("GET", "/v1/models/half/metadata", b"")
    verb, path, body = requests[1]
    assert (verb, path) == ("POST", "/v1/models/half:predict")
    assert body == b'{"signature_name":"serving_default","inputs":{"x":[1.0,2.0,NaN]}}'
    np.testing.assert_array_equal(found["y"], np.array([3.5, 4.0, np.nan], np.float32))
    assert found["y"].dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_the_signature_is_asked_for_once(kind):
    model = FakeModel()
    with rest_server(model) as address, opened(kind, address) as client:
        for _ in range(3):
            client.predict(tiny_inputs())
        client.predict(tiny_inputs(), version=5)
    assert model.calls == [
        "GetModelMetadata",
        *["Predict"] * 3,
        # A version has a signature of its own.
        "GetModelMetadata",
        "Predict",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_of_another_shape_takes_over(kind):
    before = metadata_answer(y=tensor("DT_FLOAT", -1), z=tensor("DT_FLOAT", -1))
    after = metadata_answer(y=tensor("DT_INT64", -1), w=tensor("DT_FLOAT", -1))
    other = 200, b'{"outputs": {"y": [1], "w": [2.0]}}'
    with (
        scripted(before, other, after, other) as (address, _),
        opened(kind, address, model_name="half") as client,
    ):
        x = {"x": np.ones(1, np.float32)}
        with pytest.raises(CallError, match=r"INTERNAL.*outputs are \['w', 'y'\]; .*\['y', 'z'\]"):
            client.predict(x)
        assert client.predict(x)["y"].dtype == np.int64


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("answers", "status", "message"),
    [
        ([(404, b'{ "error": "Servable not found" }')], "NOT_FOUND", "HTTP 404: Servable not"),
        ([(404, b"<html>nothing here</html>")], "NOT_FOUND", "HTTP 404: <html>nothing here"),
        ([(302, b"")], "UNKNOWN", "HTTP 302: "),
        ([(403, b'["no"]')], "PERMISSION_DENIED", r'HTTP 403: \["no"\]'),
        ([(413, b"")], "RESOURCE_EXHAUSTED", "HTTP 413"),
        ([(200, b"not json")], "INTERNAL", "answered 'not json', which cannot be read"),
        ([(200, b'{"model_version_status": 3}')], "INTERNAL", "cannot be read"),
        ([(502, b"bad gateway"), (503, b"")], "UNAVAILABLE", "attempt 2: HTTP 503: "),
        ([None, None], "UNAVAILABLE", "attempt 2: Server disconnected"),
    ],
)
def test_answers_that_are_no_success(kind, answers, status, message):
    with (
        scripted(*answers) as (address, requests),
        opened(kind, address, max_attempts=2) as client,
    ):
        with pytest.raises(CallError, match=message) as caught:
            client.status()
        assert caught.value.status == status
        assert len(requests) == len(answers)


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_that_are_no_tensor(kind):
    ragged = 200, b'{"outputs": {"y": [[1.0], [2.0, 3.0]], "z": [1.0]}}'
    known = metadata_answer(y=tensor("DT_FLOAT", -1), z=tensor("DT_FLOAT", -1))
    with (
        scripted(known, ragged) as (address, _),
        opened(kind, address, model_name="half") as client,
        pytest.raises(CallError, match=r"INTERNAL: Predict of half on .*cannot be read"),
    ):
        client.predict({"x": np.ones(2, np.float32)})


@pytest.mark.parametrize("kind", KINDS)
def test_a_signature_that_is_not_there(kind):
    with (
        scripted(metadata_answer(y=tensor("DT_FLOAT", -1))) as (address, _),
        opened(kind, address, model_name="half") as client,
    ):
        with pytest.raises(
            CallError, match=r'"other" not found; .*\[\'serving_default\'\]'
        ) as caught:
            client.predict({}, signature_name="other")
        assert caught.value.status == "FAILED_PRECONDITION"


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_quoted(kind):
    with (
        scripted((404, b"{}")) as (address, requests),
        opened(kind, address, model_name="a/b c") as client,
        pytest.raises(CallError, match="NOT_FOUND"),
    ):
        client.metadata(version_label="x/y")
    assert requests[0][1] == "/v1/models/a%2Fb%20c/labels/x%2Fy/metadata"


@pytest.mark.parametrize("made", [RestDemandClient, AsyncRestDemandClient])
@pytest.mark.parametrize(
    ("address", "connection", "message"),
    [
        ("127.0.0.1:8501", Connection(), "REST needs one that begins with http:// or https://"),
        ("http://a", Connection(tls=Tls()), "tls is given, but the address is 'http://a'"),
        ("http://a", Connection(compression="gzip"), "compression is for gRPC only"),
    ],
)
def test_connections_that_do_not_fit(made, address, connection, message):
    with pytest.raises(ConfigurationError, match=message):
        made(address, connection=connection)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest.mark.parametrize("kind", KINDS)
def test_an_encrypted_connection(kind, authority, stranger):
    signed = authority.sign("demand.test", address="127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.certificate, signed.key)
    model = FakeModel()
    with rest_server(model, context=context) as address:
        good = Connection(tls=Tls(ca=authority.certificate), token="abc")  # noqa: S106
        with opened(kind, address, connection=good) as client:
            answer = client.predict(tiny_inputs())
            assert answer["mean"].shape == (2, HORIZON)
        assert model.headers[0]["authorization"] == "Bearer abc"
        named = Connection(tls=Tls(ca=authority.certificate, server_name="demand.test"))
        with opened(kind, address, connection=named) as client:
            assert client.status()
        bad = (
            Connection(tls=Tls(ca=stranger.certificate)),
            Connection(tls=Tls(ca=authority.certificate, server_name="other.test")),
            Connection(),
        )
        for connection in bad:
            with (
                opened(kind, address, connection=connection, max_attempts=1) as client,
                pytest.raises(CallError, match=r"UNAVAILABLE.*certificate verify failed"),
            ):
                client.status()


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_knows_its_clients(kind, authority):
    signed = authority.sign("demand.test", address="127.0.0.1")
    own = authority.sign("client.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.certificate, signed.key)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.certificate)
    known = Tls(ca=authority.certificate, certificate=own.certificate, key=own.key)
    with (
        rest_server(FakeModel(), context=context) as address,
        opened(kind, address, connection=Connection(tls=known)) as client,
    ):
        assert client.status()


def test_files_that_do_not_belong_together(authority):
    own, other = authority.sign("one.test"), authority.sign("two.test")
    tls = Tls(ca=authority.certificate, certificate=own.certificate, key=other.key)
    with pytest.raises(ConfigurationError, match="tls: the files cannot be used"):
        RestDemandClient("https://demand.test", connection=Connection(tls=tls))


def test_a_cancelled_call_gives_its_connection_back():
    """So that a program which stops waiting does not run out of connections."""
    model = FakeModel()

    async def walk(address):
        async with AsyncRestDemandClient(address) as client:
            model.delay_seconds = 0.3
            for _ in range(3):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await client.status()
            model.delay_seconds = 0.0
            return await client.status()

    with rest_server(model) as address:
        assert len(asyncio.run(walk(address))) == 2
