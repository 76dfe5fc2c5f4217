"""Latency and throughput of the server beside a bare gRPC echo server, in the same run.

    python tests/benchmarks/serving.py --serving runs/serving [--clients 1 16 64] [--seconds 5]

Each client sends the next request when it has the answer to the last one. Requests and answers of
the echo server have the same bytes, so the ratio is what reading, running the model and writing
cost. Servers and clients share this machine, as processes of their own. CPU is what a call costs
each: on two cores the two together cannot be faster than half their sum.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
import numpy as np

from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.model_series import MODEL_SERIES_FILE

METHOD = "/tensorflow.serving.PredictionService/Predict"
WARM_UP_SECONDS = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--serving", type=Path, required=True, help="serving directory")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--seconds", type=float, default=5.0, help="for each number of clients")
    parser.add_argument("--flags", default="", help="further flags of the server")
    options = parser.parse_args()
    with Server(options.serving.resolve(), *options.flags.split()) as server:
        request, answer = example(server.address, options.serving)
        print(f"first answer {server.seconds:.1f} s after the start")
        print(f"request {len(request):,} bytes, answer {len(answer):,} bytes, one series\n")
        print(
            f"{'clients':>7}  {'':6}  {'p50':>8}  {'p99':>8}  {'per second':>10}  ratio"
            f"  {'CPU: its own':>12}  {'clients':>7}"
        )
        with Echo(answer) as echo:
            for clients in options.clients:
                rates = []
                for name, asked in (("echo", echo), ("server", server)):
                    found = ask(asked, request, clients=clients, seconds=options.seconds)
                    rates.append(len(found.seconds) / options.seconds)
                    p50, p99 = (1000 * np.quantile(found.seconds, level) for level in (0.5, 0.99))
                    ratio = f"{rates[-1] / rates[0]:5.2f}" if name == "server" else ""
                    print(
                        f"{clients:7}  {name:6}  {p50:5.2f} ms  {p99:5.2f} ms  {rates[-1]:10,.0f}"
                        f"  {ratio:5}  {found.server_cpu * 1e6:9,.0f} us"
                        f"  {found.client_cpu * 1e6:4,.0f} us",
                        flush=True,
                    )


@dataclass(frozen=True)
class Found:
    """What asking for a while found; seconds: of each answer, and CPU of each call."""

    seconds: list[float]
    server_cpu: float
    client_cpu: float


class Server:
    """`demandcast serve` on a free port, and how long it took to its first answer."""

    def __init__(self, serving: Path, *flags: str) -> None:
        self._serving = serving
        self._flags = flags

    def __enter__(self) -> Server:
        program = Path(sys.executable).with_name("demandcast")
        command = [program, "serve", "--model_base_path", self._serving, "--model_name", "demand"]
        begin = time.monotonic()
        self._process = subprocess.Popen(
            [*command, "--port", "0", "--json", "--quiet", *self._flags],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.address = json.loads(self._process.stdout.readline())["address"]
        self.pid = self._process.pid
        wait_for_model(self.address)
        self.seconds = time.monotonic() - begin
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()


class Echo:
    """A gRPC server that reads nothing and answers the same bytes to everyone."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def __enter__(self) -> Echo:
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        self._process = multiprocessing.get_context("spawn").Process(
            target=echo, args=(self._answer, theirs), daemon=True
        )
        self._process.start()
        self.address = f"127.0.0.1:{ours.recv()}"
        self.pid = self._process.pid
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()


def echo(answer: bytes, pipe: object) -> None:
    async def respond(request: bytes, context: object) -> bytes:
        del request, context
        return answer

    async def run() -> None:
        server = grpc.aio.server()
        handler = grpc.unary_unary_rpc_method_handler(respond)
        service, method = METHOD.strip("/").split("/")
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {method: handler}),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        pipe.send(port)
        await server.wait_for_termination()

    asyncio.run(run())


def wait_for_model(address: str) -> None:
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        while health.Check(health_pb2.HealthCheckRequest()).status != 1:
            time.sleep(0.02)


def example(address: str, serving: Path) -> tuple[bytes, bytes]:
    """A request for one series of the length that the model was trained on, and its answer."""
    files = sorted(serving.glob(f"[0-9]*/{MODEL_SERIES_FILE}"))
    series = SeriesSpec.model_validate_json(files[-1].read_text(encoding="utf-8"))
    context = series.forecast.context_length
    periods = dict.fromkeys(
        (*series.known_future.numeric, *series.known_future.categorical),
        context + series.forecast.horizon,
    )
    from demandcast.serving.client import DemandClient

    with DemandClient(address) as client:
        signature = client.metadata().signatures["serving_default"]
    from tensorflow_serving.apis import predict_pb2

    from demandcast.serving.wire import write_content

    kinds = {"DT_FLOAT": np.float32, "DT_INT64": np.int64, "DT_INT32": np.int32}
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "demand"
    for name, spec in signature.inputs.items():
        shape = (1, periods.get(name, context))[: len(spec.shape)]
        array = (
            np.full(shape, b"x", object)
            if spec.dtype == "DT_STRING"
            else np.ones(shape, kinds[spec.dtype])
        )
        write_content(request.inputs[name], array)
    message = request.SerializeToString()
    with grpc.insecure_channel(address) as channel:
        return message, channel.unary_unary(METHOD)(message)


def ask(asked: Server | Echo, request: bytes, *, clients: int, seconds: float) -> Found:
    """Lets clients ask for a while, from a process of their own."""
    program = Path(__file__).with_name("serving_clients.py")
    arguments = [asked.address, str(clients), str(seconds), str(WARM_UP_SECONDS)]
    before = cpu_seconds(asked.pid)
    done = subprocess.run(
        [sys.executable, str(program), *arguments],
        input=request,
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(done.stdout)
    spent = cpu_seconds(asked.pid) - before
    return Found(found["seconds"], spent / found["calls"], found["cpu"] / found["calls"])


def cpu_seconds(pid: int) -> float:
    """What a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
