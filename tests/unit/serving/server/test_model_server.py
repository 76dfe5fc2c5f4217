"""Life of a server: health, hot reload under load, broken versions, shutdown, signals."""

import logging
import os
import shutil
import signal
import threading
from concurrent import futures

import grpc
import numpy as np
import pytest
from serving_models import HORIZON, eventually, push, tiny_inputs

from demandcast.schema.errors import ServingError
from demandcast.serving.client import DemandClient
from demandcast.serving.errors import CallError
from demandcast.serving.server import ModelServer, serve
from demandcast.serving.server.config import ServerConfig
from demandcast.serving.signatures import Signature, TensorSpec
from demandcast.serving.version_status import VersionState

pytestmark = pytest.mark.slow


def config(directory, **options):
    return ServerConfig(serving_directory=directory, port=0, **{"poll_seconds": 0.05} | options)


class SlowServable:
    """Answers when told to; no TensorFlow."""

    version = 1
    signature_defs = {}  # noqa: RUF012
    signatures = {  # noqa: RUF012
        "serving_default": Signature(
            {"x": TensorSpec("DT_FLOAT", (None,))}, {"x": TensorSpec("DT_FLOAT", (None,))}
        )
    }

    def __init__(self):
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.rows = []

    def predict(self, signature_name, inputs):
        self.rows.append(len(inputs["x"]))
        self.entered.set()
        assert self.go_on.wait(30)
        if np.isnan(inputs["x"]).any():
            raise KeyError("a bug")
        return inputs


@pytest.fixture
def slow(tmp_path):
    """A server of a `SlowServable`, and the servable."""
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "saved_model.pb").touch()
    servable = SlowServable()
    server = ModelServer(config(tmp_path, model_workers=1), load=lambda folder, version: servable)
    server.start()
    assert server.wait_until_available(30)
    yield server, servable
    servable.go_on.set()
    server.stop()


def health(address, service=""):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


@pytest.mark.parametrize("service", ["", "PredictionService", "tensorflow.serving.ModelService"])
def test_health_follows_the_model(models, tmp_path, service):
    with ModelServer(config(tmp_path / "later")) as server, DemandClient(server.address) as client:
        assert health(server.address, service) == "NOT_SERVING"
        assert not server.wait_until_available(0.2)
        with pytest.raises(CallError, match="Could not find any versions of model demand"):
            client.status()
        push(models[1], tmp_path / "later", 1)
        assert client.wait_until_available() == 1
        assert server.wait_until_available(10)
        assert health(server.address, service) == "SERVING"


def test_hot_reload_under_load_loses_no_request(models, tmp_path):
    push(models[1], tmp_path, 1)
    inputs = tiny_inputs()
    expected = inputs["target"].mean(axis=1)
    finished = threading.Event()

    def ask(client):
        factors = []
        while not finished.is_set():
            mean = client.predict(inputs)["mean"]
            factors.append(float(mean[0, 0] / expected[0]))
        return factors

    with ModelServer(config(tmp_path)) as server, futures.ThreadPoolExecutor(4) as pool:
        assert server.wait_until_available(60)
        with DemandClient(server.address, max_attempts=1) as client:
            running = [pool.submit(ask, client) for _ in range(4)]
            try:
                push(models[2], tmp_path, 2)
                eventually(lambda: [s.version for s in client.status()] == [2])
            finally:
                finished.set()
            answered = [future.result() for future in running]
    for factors in answered:
        # First the old one, then the new one, never anything else, never back.
        assert factors == sorted(factors)
        assert set(factors) <= {1.0, 2.0}
    assert {1.0, 2.0} <= {factor for factors in answered for factor in factors}


def test_a_half_written_version_is_never_loaded(models, tmp_path, caplog):
    push(models[1], tmp_path, 1)
    with (
        caplog.at_level(logging.INFO, "demandcast.serving"),
        ModelServer(config(tmp_path)) as server,
        DemandClient(server.address) as client,
    ):
        assert client.wait_until_available() == 1
        half = tmp_path / "2"
        shutil.copytree(models[2], half, ignore=shutil.ignore_patterns("saved_model.pb"))
        threading.Event().wait(0.5)
        assert [s.version for s in client.status()] == [1]
        shutil.copy(models[2] / "saved_model.pb", half / "aside")
        (half / "aside").rename(half / "saved_model.pb")
        eventually(lambda: client.wait_until_available() == 2)
    assert [m for m in caplog.messages if m.startswith("Loading")] == [
        "Loading demand version 1",
        "Loading demand version 2",
    ]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda f: (f / "saved_model.pb").write_bytes(b"no model"), id="garbage"),
        pytest.param(lambda f: (f / "saved_model.pb").write_bytes(b""), id="empty"),
        pytest.param(lambda f: shutil.rmtree(f / "variables"), id="no variables"),
        pytest.param(
            lambda f: os.truncate(f / "variables" / "variables.data-00000-of-00001", 1),
            id="cut variables",
        ),
    ],
)
def test_a_broken_version_keeps_the_good_one(models, tmp_path, damage, caplog):
    push(models[1], tmp_path, 1)
    broken = tmp_path / ".aside"
    shutil.copytree(models[2], broken)
    damage(broken)
    with ModelServer(config(tmp_path)) as server, DemandClient(server.address) as client:
        assert client.wait_until_available() == 1
        broken.rename(tmp_path / "2")
        eventually(lambda: [s.version for s in client.status()] == [1, 2])
        eventually(lambda: client.status()[1].state is VersionState.END)
        good, bad = client.status()
        assert (good.state, good.error) == (VersionState.AVAILABLE, "")
        assert bad.error
        inputs = tiny_inputs()
        np.testing.assert_allclose(
            client.predict(inputs)["mean"][:, 0], inputs["target"].mean(axis=1)
        )
        assert health(server.address) == "SERVING"
    assert sum("Cannot load demand version 2 (version 1 stays)" in m for m in caplog.messages) == 1


def test_requests_that_wait_run_together_and_each_gets_its_own_answer(slow):
    server, servable = slow
    with DemandClient(server.address) as client, futures.ThreadPoolExecutor(4) as pool:
        first = pool.submit(client.predict, {"x": np.zeros(1, np.float32)})
        assert servable.entered.wait(10)
        calls = [
            pool.submit(client.predict, {"x": np.full(size, size, np.float32)})
            for size in (1, 2, 3)
        ]
        eventually(lambda: server._batcher.waiting_rows == 6)
        servable.go_on.set()
        assert first.result(30)["x"].tolist() == [0]
        answers = [call.result(30)["x"].tolist() for call in calls]
    assert answers == [[1], [2, 2], [3, 3, 3]]
    assert servable.rows == [1, 6]


def test_a_call_whose_deadline_passed_while_it_waited_is_not_run(slow):
    server, servable = slow
    with (
        DemandClient(server.address) as client,
        DemandClient(server.address, timeout_seconds=0.3, max_attempts=1) as hasty,
        futures.ThreadPoolExecutor(1) as pool,
    ):
        first = pool.submit(client.predict, {"x": np.zeros(1, np.float32)})
        assert servable.entered.wait(10)
        with pytest.raises(CallError, match="DEADLINE_EXCEEDED"):
            hasty.predict({"x": np.ones(1, np.float32)})
        # The server's clock is not the client's.
        eventually(lambda: all(one.result.cancelled() for one in server._batcher._waiting))
        servable.go_on.set()
        first.result(30)
        client.predict({"x": np.ones(1, np.float32)})
    assert servable.rows == [1, 1]


def test_shutdown_finishes_calls_in_flight(slow):
    server, servable = slow
    with (
        DemandClient(server.address) as client,
        DemandClient(server.address, max_attempts=1) as late,
        futures.ThreadPoolExecutor(2) as pool,
    ):
        late.status()
        call = pool.submit(client.predict, {"x": np.ones(2, np.float32)})
        assert servable.entered.wait(10)
        stopping = pool.submit(server.stop)

        refusals = []

        def refused():
            try:
                late.status()
            except CallError as error:
                refusals.append(error.status)
            return refusals[-1:] == ["UNAVAILABLE"]

        eventually(refused)
        # gRPC cancels a call that arrives in the moment in which the port closes.
        assert set(refusals) <= {"CANCELLED", "UNAVAILABLE"}
        assert not stopping.done()
        servable.go_on.set()
        assert call.result(30)["x"].tolist() == [1, 1]
        stopping.result(30)


def test_shutdown_does_not_wait_for_ever(slow):
    server, servable = slow
    with DemandClient(server.address, max_attempts=1) as client, futures.ThreadPoolExecutor(1) as p:
        call = p.submit(client.predict, {"x": np.ones(2, np.float32)})
        assert servable.entered.wait(10)
        server.stop(grace_seconds=0.2)
        with pytest.raises(CallError):
            call.result(30)


def test_a_bug_is_internal_and_logged_and_the_server_lives_on(slow, caplog):
    server, servable = slow
    servable.go_on.set()
    with DemandClient(server.address) as client:
        with pytest.raises(CallError, match=r"INTERNAL.*KeyError: 'a bug'") as caught:
            client.predict({"x": np.array([np.nan], np.float32)})
        assert caught.value.status == "INTERNAL"
        assert client.predict({"x": np.array([2], np.float32)})["x"].tolist() == [2]
    assert caplog.messages == ["A request failed inside the server"]


def test_a_port_that_is_taken(slow, tmp_path):
    server, _ = slow
    second = ModelServer(config(tmp_path).model_copy(update={"port": server.port}))
    with pytest.raises(
        ServingError, match=f"cannot listen on 127.0.0.1:{server.port}: .*another server"
    ):
        second.start()


def test_stop_twice_and_stop_without_start(slow, tmp_path):
    slow[1].go_on.set()
    slow[0].stop()
    slow[0].stop()
    with (
        DemandClient(slow[0].address, max_attempts=1) as client,
        pytest.raises(CallError, match="UNAVAILABLE"),
    ):
        client.status()
    ModelServer(config(tmp_path)).stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_with_a_signal(models, tmp_path, number, caplog):
    push(models[1], tmp_path, 1)
    before = signal.getsignal(number)
    answers = []

    def ask_then_stop(server):
        with DemandClient(server.address) as client:
            client.wait_until_available()
            answers.append(client.predict(tiny_inputs())["mean"].shape)
        os.kill(os.getpid(), number)

    def started(server):
        pool.submit(ask_then_stop, server)

    with caplog.at_level(logging.INFO, "demandcast.serving"), futures.ThreadPoolExecutor(1) as pool:
        serve(config(tmp_path, shutdown_seconds=5), on_started=started)
    assert answers == [(2, HORIZON)]
    assert signal.getsignal(number) is before
    assert caplog.messages[-1] == "Stopped"
