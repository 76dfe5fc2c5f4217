"""Whatever goes wrong around the server: a clear status, no crash, nothing lost that it accepted.

The server is a process of its own wherever a crash, its log or its memory is looked at.
"""

import asyncio
import contextlib
import http.client
import logging
import os
import random
import shutil
import signal
import socket
import struct
import threading
import time
from collections import Counter
from concurrent import futures

import grpc
import grpc.aio
import numpy as np
import pytest
from google.protobuf.message import DecodeError
from serving_fuzz import fuzzed_bytes, fuzzed_json, fuzzed_request
from serving_models import HORIZON, eventually, push, save_tiny_model, tiny_inputs
from serving_process import ServerProcess
from serving_soak import soak
from serving_wire import PREDICT, STATUS, Doubling, predict_bytes, status_bytes
from small_disk import small_disk

from demandcast.serving import messages
from demandcast.serving.server import ModelServer, ServerConfig
from demandcast.serving.server.records import read_records

pytestmark = pytest.mark.slow

TRACEBACK = ("Traceback", "ERROR", "CRITICAL")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Folders of two models, which multiply by 1 and by 2."""
    folder = tmp_path_factory.mktemp("saved")
    for number in (1, 2):
        save_tiny_model(folder / str(number), scale=float(number))
    return {number: folder / str(number) for number in (1, 2)}


@pytest.fixture(scope="module")
def server(saved, tmp_path_factory):
    """A process that serves the first model; most faults share it, none may harm it."""
    directory = tmp_path_factory.mktemp("serving")
    push(saved[1], directory, 1)
    with ServerProcess(serving_directory=directory, max_message_bytes=2**20) as server:
        server.wait_until_available()
        yield server


@pytest.fixture
def unharmed(server):
    """Afterwards a good request still gets its exact answer, and no error is in the log."""
    length = len(server.log())
    before = exact(server)
    yield
    assert exact(server) == before
    assert server.process.poll() is None
    said = server.log()[length:]
    assert not any(word in said for word in TRACEBACK), said


def exact(server):
    """Bytes of the answer to a good request; its numbers are checked."""
    inputs = tiny_inputs()
    with grpc.insecure_channel(server.address) as channel:
        answer = channel.unary_unary(PREDICT)(predict_bytes(inputs), timeout=30)
    found = messages.PredictResponse.FromString(answer).outputs["mean"].float_val
    means = inputs["target"].mean(axis=1)
    assert list(found) == np.repeat(means, HORIZON).tolist()
    return answer


@contextlib.contextmanager
def calling(address, path=PREDICT):
    """Asks with bytes; name of the status and details."""
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(path)

        def ask(data, timeout=30):
            try:
                call(data, timeout=timeout)
            except grpc.RpcError as error:
                return error.code().name, error.details()
            return "OK", ""

        yield ask


@contextlib.contextmanager
def posting(server):
    """Posts bodies over one connection; status of each."""
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=30)

    def post(body, path="/v1/models/demand:predict"):
        connection.request("POST", path, body)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200 or content.startswith(b'{"error": ')
        return answer.status, content

    yield post
    connection.close()


CLEAR = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"}


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("begin", range(0, 1500, 500))
def test_fuzzed_tensors(server, begin):
    """Wrong types, shapes, sizes, NaN, empty and huge batches, names, models."""
    seen = Counter()
    with calling(server.address) as ask:
        for seed in range(begin, begin + 500):
            status, details = ask(fuzzed_request(seed))
            assert status in CLEAR, (seed, status, details)
            assert status == "OK" or details, seed
            seen[status] += 1
    # The mutations reach all of it, and leave some as good as before.
    assert seen.keys() >= {"OK", "INVALID_ARGUMENT", "NOT_FOUND"}, seen


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("begin", range(0, 1500, 500))
def test_fuzzed_bytes(server, begin):
    """INTERNAL is for bytes that are no protobuf, as in TensorFlow Serving, and for those alone."""
    seen = Counter()
    with calling(server.address) as ask:
        for seed in range(begin, begin + 500):
            data = fuzzed_bytes(seed)
            status, details = ask(data)
            expected = CLEAR if parses(data) else {"INTERNAL"}
            assert status in expected, (seed, status, details)
            seen[status] += 1
    assert seen.keys() >= {"OK", "INTERNAL", "INVALID_ARGUMENT"}, seen


def parses(data):
    try:
        messages.PredictRequest.FromString(data)
    except DecodeError:
        return False
    return True


@pytest.mark.usefixtures("unharmed")
def test_bytes_for_the_other_calls(server):
    choice = random.Random(7)  # noqa: S311 - the same each time
    methods = (*messages.PREDICTION_SERVICE.values(), *messages.MODEL_SERVICE.values())
    allowed = CLEAR | {"INTERNAL", "UNIMPLEMENTED"}
    for method in methods:
        with calling(server.address, method.path) as ask:
            for number in range(60):
                data = choice.randbytes(choice.randint(0, 60)) if number % 2 else status_bytes()
                status, details = ask(data[: choice.randint(0, len(data))])
                assert status in allowed, (method.path, number, status, details)
                assert status != "INTERNAL" or "the request is no" in details


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("begin", range(0, 1000, 500))
def test_fuzzed_json(server, begin):
    seen = Counter()
    with posting(server) as post:
        for seed in range(begin, begin + 500):
            status, content = post(fuzzed_json(seed))
            assert status in {200, 400, 404, 413}, (seed, status, content)
            seen[status] += 1
    assert seen.keys() >= {200, 400}, seen


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 100,
        b"GET",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/models/demand:predict HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/models/demand:predict HTTP/1.1\r\nHost: h\r\nContent-Length: 99\r\n\r\n{",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /v1/models/%ff%00%2e%2e HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03",
    ],
    ids=range(10),
)
@pytest.mark.parametrize("door", ["grpc", "rest"])
def test_bytes_that_are_no_request_at_all(server, door, data):
    port = server.rest_port if door == "rest" else int(server.address.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(data)
        connection.settimeout(0.5)
        with contextlib.suppress(OSError):
            connection.recv(4096)


@pytest.mark.usefixtures("unharmed")
def test_messages_of_many_sizes_around_the_limit(server):
    with calling(server.address) as ask, posting(server) as post:
        for size in (2**20 - 1000, 2**20 + 1000, 2**22):
            name = "x" * size
            expected = "NOT_FOUND" if size < 2**20 else "RESOURCE_EXHAUSTED"
            assert ask(predict_bytes({}, model=name))[0] == expected
            body = b'{"instances": [' + b" " * size + b"1]}"
            assert post(body)[0] == (400 if size < 2**20 else 413)


@pytest.mark.usefixtures("unharmed")
def test_clients_that_go_away(server):
    """In the middle of a call, over either door, without a word."""
    data = predict_bytes(tiny_inputs(rows=200, periods=100))

    async def leave(number):
        channel = grpc.aio.insecure_channel(
            server.address, options=[("grpc.use_local_subchannel_pool", 1)]
        )
        call = channel.unary_unary(PREDICT)(data)
        await asyncio.sleep(0.002 * (number % 10))
        if number % 2:
            call.cancel()
        await channel.close(0)
        with contextlib.suppress(asyncio.CancelledError, grpc.aio.AioRpcError):
            await call

    async def all_leave():
        for _ in range(5):
            await asyncio.gather(*(leave(number) for number in range(40)))

    asyncio.run(all_leave())
    head = b"POST /v1/models/demand:predict HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n"
    for number in range(40):
        connection = socket.create_connection(("127.0.0.1", server.rest_port), timeout=10)
        connection.sendall(head + b"{" * (20_000 if number % 2 else 100))
        # With a reset, not with a goodbye.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


@pytest.mark.usefixtures("unharmed")
def test_two_hundred_clients_at_once(server):
    """Each with a connection and numbers of its own; each gets its own answers."""

    async def client(number, begin):
        inputs = tiny_inputs(rows=1 + number % 3, periods=4)
        inputs["target"] += np.float32(number)
        expected = np.repeat(inputs["target"].mean(axis=1), HORIZON)
        data, right = predict_bytes(inputs), 0
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(server.address, options=options) as channel:
            await begin.wait()
            for _ in range(5):
                answer = await channel.unary_unary(PREDICT)(data, timeout=60)
                found = messages.PredictResponse.FromString(answer).outputs["mean"].float_val
                right += np.allclose(found, expected, rtol=1e-6)
        return right

    async def run():
        begin = asyncio.Event()
        clients = [asyncio.create_task(client(number, begin)) for number in range(200)]
        begin.set()
        return await asyncio.gather(*clients)

    assert asyncio.run(run()) == [5] * 200


def test_a_soak_leaves_memory_as_it_was(saved, tmp_path):
    """3,000 requests here; `make soak` asks 100,000 times."""
    push(saved[1], tmp_path / "serving", 1)
    log = {"directory": tmp_path / "log", "max_waiting": 10_000}
    with ServerProcess(
        serving_directory=tmp_path / "serving", prediction_log={k: str(v) for k, v in log.items()}
    ) as server:
        server.wait_until_available()
        found = soak(server, requests=3000, clients=16)
        assert found.errors == []
        assert len(found.seconds) == 2700
        # 3 kB a request; `make soak` looks 30 times as closely.
        assert found.growth_bytes < 8 * 2**20
        server.process.terminate()
        assert server.process.wait(60) == 0
        assert "ERROR" not in server.log()
    # And each of them is in the log, with the few that asked for the expected answers.
    assert len(logged(tmp_path / "log")) == 3000 + 5


def logged(directory):
    return [
        messages.PredictionLog.FromString(record)
        for path in sorted(directory.glob("*.tfrecord"))
        for record in read_records(path)
    ]


class Load:
    """Clients that ask until the server is gone; what was sent, answered, refused."""

    def __init__(self, address, *, clients):
        self.address = address
        self.statuses = Counter()
        self.answered = []
        self.pool = futures.ThreadPoolExecutor(clients)
        self.finished = threading.Event()
        self.running = [self.pool.submit(self._ask, number) for number in range(clients)]

    def _ask(self, client):
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        with grpc.insecure_channel(self.address, options=options) as channel:
            call = channel.unary_unary(PREDICT)
            for number in range(10**6):
                if self.finished.is_set():
                    return
                inputs = tiny_inputs(rows=1, periods=2)
                # Says who asked, in numbers that float32 holds.
                inputs["target"][:] = mark = client * 10_000 + number
                try:
                    answer = call(predict_bytes(inputs), timeout=30)
                except grpc.RpcError as error:
                    self.statuses[error.code().name] += 1
                    if error.code() is grpc.StatusCode.UNAVAILABLE:
                        return
                    continue
                found = messages.PredictResponse.FromString(answer).outputs["mean"].float_val
                assert found[0] in {mark, 2 * mark}, (found[0], mark)
                self.answered.append(float(mark))

    def wait(self):
        """Ends when all clients have; what went wrong in one is raised."""
        for client in self.running:
            client.result(60)
        self.pool.shutdown()


def test_a_server_that_is_told_to_stop_answers_what_it_accepted_and_logs_it(saved, tmp_path):
    """SIGTERM under load: an answer or a refusal for each request, and each answer is on disk."""
    push(saved[1], tmp_path / "serving", 1)
    log = {"directory": str(tmp_path / "log"), "max_waiting": 100_000}
    with ServerProcess(serving_directory=tmp_path / "serving", prediction_log=log) as server:
        server.wait_until_available()
        load = Load(server.address, clients=8)
        eventually(lambda: len(load.answered) > 400)
        server.process.send_signal(signal.SIGTERM)
        load.wait()
        assert server.process.wait(60) == 0
        said = server.log()
    assert "Traceback" not in said
    assert said.rstrip().endswith("Stopped")
    # gRPC itself answers CANCELLED to what arrives in the moment in which the port closes.
    assert load.statuses.keys() <= {"UNAVAILABLE", "CANCELLED"}
    kept = Counter(
        float(np.frombuffer(one.predict_log.request.inputs["target"].tensor_content, "<f4")[0])
        for one in logged(tmp_path / "log")
    )
    assert not Counter(load.answered) - kept
    assert list((tmp_path / "log").glob("*.open")) == []


def test_a_server_that_is_killed_leaves_whole_files(saved, tmp_path):
    """SIGKILL under load: what was answered more than a second before is on disk."""
    push(saved[1], tmp_path / "serving", 1)
    config = {
        "serving_directory": tmp_path / "serving",
        "prediction_log": {"directory": str(tmp_path / "log"), "max_waiting": 100_000},
    }
    with ServerProcess(**config) as server:
        server.wait_until_available()
        load = Load(server.address, clients=4)
        eventually(lambda: len(load.answered) > 100)
        certain = list(load.answered)
        time.sleep(3)
        server.process.kill()
        load.wait()
    with ServerProcess(**config) as server:
        server.wait_until_available()
        exact(server)
    kept = Counter(
        float(np.frombuffer(one.predict_log.request.inputs["target"].tensor_content, "<f4")[0])
        for one in logged(tmp_path / "log")
    )
    assert not Counter(certain) - kept
    assert list((tmp_path / "log").glob("*.open")) == []


def test_versions_that_go_and_come_under_load(saved, tmp_path):
    """The one in service is deleted, a broken one appears, a good one: no request notices."""
    push(saved[1], tmp_path, 1)
    with ServerProcess(serving_directory=tmp_path, poll_seconds=0.05) as server:
        server.wait_until_available()
        load = Load(server.address, clients=4)

        def versions():
            with grpc.insecure_channel(server.address) as channel:
                answer = channel.unary_unary(STATUS)(status_bytes(), timeout=30)
            found = messages.GetModelStatusResponse.FromString(answer)
            return {one.version: one.state for one in found.model_version_status}

        eventually(lambda: len(load.answered) > 20)
        shutil.rmtree(tmp_path / "1")  # It was the only one.
        time.sleep(0.3)
        assert versions() == {1: 30}
        truncated = tmp_path / ".2"
        shutil.copytree(saved[2], truncated)
        path = truncated / "variables" / "variables.data-00000-of-00001"
        os.truncate(path, path.stat().st_size // 2)
        truncated.rename(tmp_path / "2")
        eventually(lambda: versions() == {1: 30, 2: 50})
        push(saved[2], tmp_path, 3)
        eventually(lambda: versions() == {3: 30})
        count = len(load.answered)
        eventually(lambda: len(load.answered) > count + 20)
        load.finished.set()
        load.wait()
        said = server.log()
    assert not load.statuses
    assert "Traceback" not in said
    assert said.count("Cannot load demand version 2 (version 1 stays)") == 1


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 0.99])
@pytest.mark.parametrize("file", ["saved_model.pb", "variables/variables.index"])
def test_a_truncated_model_is_reported(saved, tmp_path, file, share):
    """Wherever it is cut: it is never in service, and a good one is as soon as it appears."""
    push(saved[1], tmp_path, 1)
    path = tmp_path / "1" / file
    os.truncate(path, int(path.stat().st_size * share))
    config = ServerConfig(serving_directory=tmp_path, port=0, poll_seconds=0.05)
    with ModelServer(config) as server, calling(server.address) as ask:
        good = predict_bytes(tiny_inputs())
        with calling(server.address, STATUS) as status:
            eventually(lambda: status(status_bytes())[0] == "OK")
        eventually(lambda: [s.error for s in server._models.statuses("demand") if s.error])
        assert ask(good) == ("NOT_FOUND", "Servable not found for request: Latest(demand)")
        push(saved[2], tmp_path, 2)
        assert server.wait_until_available(30)
        assert ask(good)[0] == "OK"


@pytest.fixture
def doubling(tmp_path):
    """Starts servers that need no TensorFlow, in this process."""
    with contextlib.ExitStack() as stack:

        def start(servable=None, **options):
            (tmp_path / "serving" / "1").mkdir(parents=True)
            (tmp_path / "serving" / "1" / "saved_model.pb").touch()
            config = ServerConfig(
                serving_directory=tmp_path / "serving", port=0, rest_port=0, **options
            )
            server = ModelServer(config, load=lambda folder, version: servable or Doubling())
            stack.enter_context(server)
            assert server.wait_until_available(10)
            return server

        yield start


def test_a_full_disk_loses_records_and_counts_them_but_no_answer(doubling, tmp_path):
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", mebibytes=1) as folder:
        log = {"directory": folder, "max_file_bytes": 100_000, "max_waiting": 10_000}
        server = doubling(prediction_log=log)
        large = predict_bytes({"x": np.arange(1000, dtype=np.float32)})  # 8 kB a record.
        with calling(server.address) as ask:
            assert {ask(large)[0] for _ in range(300)} == {"OK"}
            server.stop()
        kept = len(logged(folder))
        assert (server._logs.written, server._logs.dropped) == (kept, 300 - kept)
        assert 0 < kept < 300
        assert list(folder.glob("*.open")) == []


class Gated(Doubling):
    """Answers when told to."""

    def __init__(self):
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.rows = []

    def predict(self, signature_name, inputs):
        self.rows.append(inputs["x"].tolist())
        self.entered.set()
        assert self.go_on.wait(30)
        return super().predict(signature_name, inputs)


def rows(*values):
    return predict_bytes({"x": np.array(values, np.float32)})


def test_what_is_too_much_is_refused_at_once_and_what_waits_is_answered(doubling):
    servable = Gated()
    server = doubling(servable, model_workers=1, max_waiting_rows=4)
    with grpc.insecure_channel(server.address) as channel, calling(server.address) as ask:
        call = channel.unary_unary(PREDICT)
        first = call.future(rows(1), timeout=30)
        assert servable.entered.wait(10)
        waiting = [call.future(rows(value), timeout=30) for value in (2, 3, 4, 5)]
        eventually(lambda: server._batcher.waiting_rows == 4)
        assert ask(rows(6)) == ("RESOURCE_EXHAUSTED", "4 rows wait, and 4 may; try again later")
        with posting(server) as post:
            assert post(b'{"inputs": {"x": [7]}}')[0] == 429
        servable.go_on.set()
        answers = [
            messages.PredictResponse.FromString(one.result()).outputs["y"].float_val[0]
            for one in (first, *waiting)
        ]
    assert answers == [2, 4, 6, 8, 10]


@pytest.mark.parametrize("door", ["grpc", "rest"])
def test_work_of_a_client_that_went_away_is_dropped(doubling, door):
    servable = Gated()
    server = doubling(servable, model_workers=1)
    with grpc.insecure_channel(server.address) as channel:
        call = channel.unary_unary(PREDICT)
        first = call.future(rows(1), timeout=30)
        assert servable.entered.wait(10)
        if door == "grpc":
            gone = call.future(rows(2), timeout=30)
            eventually(lambda: server._batcher.waiting_rows == 1)
            gone.cancel()
        else:
            connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=30)
            connection.request("POST", "/v1/models/demand:predict", b'{"inputs": {"x": [2]}}')
            eventually(lambda: server._batcher.waiting_rows == 1)
            connection.close()
        kept = call.future(rows(3), timeout=30)
        eventually(lambda: server._batcher.waiting_rows == 2)
        eventually(lambda: any(one.result.cancelled() for one in server._batcher._waiting))
        servable.go_on.set()
        first.result()
        kept.result()
    assert servable.rows == [[1], [3]]


def test_shutdown_answers_what_is_in_flight_over_rest_too(doubling):
    servable = Gated()
    server = doubling(servable, model_workers=1)
    with futures.ThreadPoolExecutor(2) as pool, posting(server) as post:
        call = pool.submit(post, b'{"inputs": {"x": [1]}}')
        assert servable.entered.wait(10)
        stopping = pool.submit(server.stop)
        eventually(lambda: refuses(server.rest_port))
        assert not stopping.done()
        servable.go_on.set()
        assert call.result(30) == (200, b'{"outputs":[2.0]}')
        stopping.result(30)


def refuses(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


class Failing(Doubling):
    """A model with a bug."""

    def predict(self, signature_name, inputs):
        del signature_name
        if inputs["x"][0] < 0:
            raise ZeroDivisionError("a bug")
        return {"y": inputs["x"] * np.float32(2)}


def test_a_bug_of_a_model_is_internal_over_both_doors_and_logged(doubling, caplog):
    server = doubling(Failing())
    with calling(server.address) as ask, posting(server) as post:
        assert ask(rows(-1)) == ("INTERNAL", "ZeroDivisionError: a bug")
        assert post(b'{"inputs": {"x": [-1]}}') == (500, b'{"error": "ZeroDivisionError: a bug"}')
        assert ask(rows(1))[0] == "OK"
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage() for record in errors] == ["A request failed inside the server"] * 2
    assert all(record.exc_info for record in errors)
