"""The contract tests: what applications rely on, whoever serves.

Nothing of ours is on the client's side: the published stubs and plain HTTP. By default they ask an
embedded server that they start. Any other is asked with

    make contract-models DIR=/tmp/models [SEEN_AS=/models]
    tensorflow_model_server --port=8500 --rest_api_port=8501 \\
        --model_config_file=/models/models.config \\
        --monitoring_config_file=/models/monitoring.config \\
        --allow_version_labels_for_unavailable_models=true \\
        --enable_grpc_healthcheck_service=true
    make contract TARGET=localhost:8500 REST=localhost:8501 MODELS=/models

`demandcast serve` takes the same flags. MODELS is DIR as the server sees it: tests of reloads name
directories there. The server may be used by nobody else meanwhile; at the end it serves what it
served before.

TensorFlow Serving differs from us on purpose in a few places, and there `ours` decides what is
expected: it runs MultiInference, Classify and Regress over REST, it takes messages of any size,
it tells only the first input of a wrong type or shape, in words of its kernels, and it says
SERVING before a model is there.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from types import SimpleNamespace

import grpc
import pytest
from serving_contract import models_config, write_models
from serving_contract_calls import refusal, states
from serving_models import eventually

MAX_MESSAGE_BYTES = 100_000
"""Of the embedded server."""


@dataclass(frozen=True)
class Served:
    """A server under test.

    Attributes:
        grpc: Host and port.
        rest: Host and port; empty if REST is not tested.
        models: Directory of the models, as the server sees it.
        started: Whether the tests started it themselves.
    """

    grpc: str
    rest: str
    models: str
    started: bool


@pytest.fixture(scope="session")
def served(request, tmp_path_factory):
    """The server that the command line names, or an embedded one."""
    option = request.config.getoption
    if option("serving_target"):
        yield Served(
            option("serving_target"),
            option("serving_rest"),
            option("serving_models"),
            started=False,
        )
        return
    from demandcast.serving.server import ModelServer, ServerConfig

    directory = tmp_path_factory.mktemp("contract")
    write_models(directory, seen_as=str(directory))
    config = ServerConfig(
        model_config_file=directory / "models.config",
        allow_labels_for_unavailable=True,
        port=0,
        rest_port=0,
        poll_seconds=0.1,
        max_message_bytes=MAX_MESSAGE_BYTES,
    )
    with ModelServer(config) as server:
        rest = f"127.0.0.1:{server.rest_port}"
        found = Served(server.address, rest, str(directory), started=True)
        with grpc.insecure_channel(found.grpc) as channel:
            _wait_for_all(_stubs(channel).model)
        yield found


@pytest.fixture(scope="session")
def ours(stubs):
    """Whether the server is of our kind: it says so by what it refuses."""
    from tensorflow_serving.apis import inference_pb2

    request = inference_pb2.MultiInferenceRequest()
    return refusal(stubs.prediction.MultiInference, request)[0] == "UNIMPLEMENTED"


@pytest.fixture(scope="session")
def channel(served):
    with grpc.insecure_channel(served.grpc) as channel:
        yield channel


@pytest.fixture(scope="session")
def stubs(channel):
    """`prediction` and `model`: the published stubs of both services."""
    return _stubs(channel)


@pytest.fixture
def rest(served):
    """Asks over HTTP: status and text, or the content if that is JSON."""
    if not served.rest:
        pytest.skip("no address of REST: REST=host:port")
    host, port = served.rest.rsplit(":", 1)

    def ask(method, path, body=None, **headers):
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        content = body if body is None or isinstance(body, bytes | str) else json.dumps(body)
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        is_json = "json" in answer.headers.get("Content-Type", "")
        return answer.status, json.loads(text) if is_json else text

    return ask


@pytest.fixture
def reload(served, stubs):
    """Gives the server another models.config, as text; afterwards it has its own again."""
    if not served.models:
        pytest.skip("no directory of the models: MODELS=/as/the/server/sees/it")

    def reload(text):
        from google.protobuf import text_format
        from tensorflow_serving.apis import model_management_pb2

        request = model_management_pb2.ReloadConfigRequest()
        text_format.Parse(text, request.config)
        return stubs.model.HandleReloadConfigRequest(request, timeout=120)

    yield reload
    reload(models_config(served.models))


def _stubs(channel):
    from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

    return SimpleNamespace(
        prediction=prediction_service_pb2_grpc.PredictionServiceStub(channel),
        model=model_service_pb2_grpc.ModelServiceStub(channel),
    )


def _wait_for_all(stub):
    wanted = {"demand": 1, "versions": 2, "examples": 1}
    eventually(
        lambda: all(
            list(states(stub, name).values()).count("AVAILABLE") == n for name, n in wanted.items()
        ),
        seconds=120,
    )
