"""The client: answers, errors, attempts, and forecasts of plain series."""

import threading
import time
from concurrent import futures

import grpc
import numpy as np
import pytest
from serving_models import HORIZON, LEVELS, push, tiny_inputs

from demandcast.schema.errors import ContractError
from demandcast.serving.client import DemandClient
from demandcast.serving.config import ServerConfig
from demandcast.serving.errors import CallError
from demandcast.serving.forecasting import forecast
from demandcast.serving.server import ModelServer
from demandcast.serving.signatures import TensorSpec
from demandcast.serving.versions import VersionState, VersionStatus

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(models, tmp_path_factory):
    directory = tmp_path_factory.mktemp("serving")
    push(models[2], directory, 5)
    with ModelServer(ServerConfig(serving_directory=directory, port=0)) as server:
        assert server.wait_until_available(60)
        yield server.address


@pytest.fixture
def client(address):
    with DemandClient(address) as made:
        yield made


def test_predict(client):
    inputs = tiny_inputs()
    answer = client.predict(inputs)
    assert {name: (a.dtype, a.shape) for name, a in answer.items()} == {
        "mean": (np.dtype("float32"), (2, HORIZON)),
        "quantiles": (np.dtype("float32"), (2, HORIZON, len(LEVELS))),
    }
    np.testing.assert_allclose(answer["mean"][:, 0], 2 * inputs["target"].mean(axis=1))
    assert set(client.predict(inputs, outputs=["mean"], version=5)) == {"mean"}


def test_metadata_and_status(client):
    metadata = client.metadata()
    assert metadata.version == 5
    assert set(metadata.signatures) >= {"serving_default", "serving_examples"}
    default = metadata.signatures["serving_default"]
    assert set(default.inputs) == set(tiny_inputs())
    assert default.inputs["cutoff"] == TensorSpec("DT_INT64", (None,))
    assert default.inputs["promotion"] == TensorSpec("DT_STRING", (None, None))
    assert default.outputs["mean"] == TensorSpec("DT_FLOAT", (None, HORIZON))
    assert client.status() == [VersionStatus(5, VersionState.AVAILABLE)]
    assert client.wait_until_available() == 5


def series(periods):
    return {
        "store": "s",
        "cutoff": 20_000,
        "target": np.arange(1.0, periods + 1),
        "price": np.ones(periods + HORIZON),
        "promotion": ["p"] * (periods + HORIZON),
        "weather": [np.nan] * periods,
    }


def test_forecast_of_series_of_several_lengths(client):
    lengths = [1, 30, 7, 0]
    answer = forecast(client, [series(length) for length in lengths])
    assert answer.quantiles.shape == (4, HORIZON, len(LEVELS))
    expected = [2 * (1 + length) / 2 if length else 0 for length in lengths]
    np.testing.assert_allclose(answer.mean, np.repeat([expected], HORIZON, axis=0).T)
    with pytest.raises(ContractError, match="'weather'"):
        forecast(client, [series(3) | {"weather": [1.0]}])


def test_errors_name_the_call_and_the_status(client, address):
    with pytest.raises(CallError) as caught:
        client.predict({"target": np.ones((1, 2), np.float32)})
    assert caught.value.status == "INVALID_ARGUMENT"
    assert caught.value.exit_code == 5
    assert str(caught.value).startswith(
        f"INVALID_ARGUMENT: Predict of demand on {address}, attempt 1: input size does not match"
    )
    with pytest.raises(CallError, match="NOT_FOUND: GetModelMetadata of demand"):
        client.metadata(version=4)
    with pytest.raises(ValueError, match="cannot be sent"):
        client.predict({"target": np.array([1j])})


def test_another_model(address):
    with DemandClient(address, model_name="other") as client:
        with pytest.raises(CallError, match=r"Servable not found for request: Latest\(other\)"):
            client.predict({})
        with pytest.raises(CallError, match=r"last seen: NOT_FOUND.*any versions of model other"):
            client.wait_until_available(0.3)


def test_nobody_there():
    with DemandClient("127.0.0.1:1", max_attempts=2) as client:
        with pytest.raises(CallError, match="attempt 2") as caught:
            client.status()
        assert caught.value.status == "UNAVAILABLE"
        with pytest.raises(CallError, match=r"DEADLINE_EXCEEDED.*last seen: UNAVAILABLE"):
            client.wait_until_available(0.3)


class Moody:
    """A server whose GetModelStatus fails with the given codes first."""

    def __init__(self, codes):
        from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

        self.codes = list(codes)
        self.calls = 0
        moody = self

        class Service(model_service_pb2_grpc.ModelServiceServicer):
            def GetModelStatus(self, request, context):  # noqa: N802
                moody.calls += 1
                if moody.codes:
                    context.abort(moody.codes.pop(0), "moody")
                response = get_model_status_pb2.GetModelStatusResponse()
                response.model_version_status.add(version=1, state=30)
                return response

        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        model_service_pb2_grpc.add_ModelServiceServicer_to_server(Service(), self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *exception):
        self.server.stop(None).wait()


GONE = grpc.StatusCode.UNAVAILABLE


def test_unavailable_is_tried_again():
    with Moody([GONE, GONE]) as server, DemandClient(server.address, max_attempts=3) as client:
        assert client.status() == [VersionStatus(1, VersionState.AVAILABLE)]
        assert server.calls == 3


def test_attempts_end():
    with Moody([GONE] * 9) as server, DemandClient(server.address, max_attempts=3) as client:
        with pytest.raises(CallError, match=r"UNAVAILABLE.*attempt 3: moody"):
            client.status()
        assert server.calls == 3


def test_attempts_end_with_the_time():
    with Moody([GONE] * 99) as server:
        options = {"max_attempts": 99, "timeout_seconds": 0.5}
        with DemandClient(server.address, **options) as client:
            started = time.monotonic()
            with pytest.raises(CallError, match="UNAVAILABLE"):
                client.status()
            assert time.monotonic() - started < 2
        assert 2 <= server.calls < 6


@pytest.mark.parametrize(
    "code",
    [
        code
        for code in grpc.StatusCode
        if code not in (grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE)
    ],
    ids=lambda code: code.name,
)
def test_nothing_else_is_tried_again(code):
    with Moody([code]) as server, DemandClient(server.address) as client:
        with pytest.raises(CallError) as caught:
            client.status()
        assert (caught.value.status, server.calls) == (code.name, 1)


def test_a_server_that_comes_back_is_found(models, tmp_path):
    push(models[1], tmp_path, 1)
    config = ServerConfig(serving_directory=tmp_path, port=0, poll_seconds=0.05)
    with ModelServer(config) as first:
        port = first.port
        assert first.wait_until_available(60)
        client = DemandClient(first.address, max_attempts=20)
        client.predict(tiny_inputs())
    second = ModelServer(config.model_copy(update={"port": port}))
    starting = threading.Timer(0.3, second.start)
    starting.start()
    try:
        assert client.wait_until_available() == 1
        client.predict(tiny_inputs())
    finally:
        starting.join()
        client.close()
        second.stop()
