"""Many requests against a server, and what became of its memory."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import grpc
import grpc.aio
import numpy as np
from serving_models import tiny_inputs
from serving_process import ServerProcess
from serving_wire import PREDICT, predict_bytes

from demandcast.serving import messages

SHAPES = ((1, 4), (1, 30), (2, 8), (5, 13), (16, 60))
"""Rows and periods of the requests: what runs together changes all the time."""

WARM_UP_SHARE = 0.1


@dataclass
class Soak:
    """What was measured.

    Attributes:
        seconds: Of each answered request, warm-up excluded.
        errors: What went wrong, by request.
        resident_bytes: Of the server: after the warm-up, and at the end.
        total_seconds: Of all requests.
    """

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    resident_bytes: list[int] = field(default_factory=list)
    total_seconds: float = 0.0

    @property
    def growth_bytes(self) -> int:
        """By how much the server grew after its warm-up."""
        return self.resident_bytes[-1] - self.resident_bytes[0]

    def percentile(self, share: float) -> float:
        """Milliseconds within which that share of the requests was answered."""
        return float(1000 * np.quantile(self.seconds, share))


def soak(
    server: ServerProcess,
    *,
    requests: int,
    clients: int,
    progress: Callable[[int, int], None] = lambda done, resident: None,
) -> Soak:
    """Asks a server of the tiny model that often, and checks each answer byte by byte."""
    return asyncio.run(_soak(server, requests, clients, progress))


async def _soak(
    server: ServerProcess, requests: int, clients: int, progress: Callable[[int, int], None]
) -> Soak:
    found, numbers = Soak(), itertools.count()
    warm_up = int(requests * WARM_UP_SHARE)
    asked = [predict_bytes(tiny_inputs(*shape)) for shape in SHAPES]
    begin = time.perf_counter()

    async def client(expected: Sequence[bytes]) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]  # A connection of its own.
        async with grpc.aio.insecure_channel(server.address, options=options) as channel:
            call = channel.unary_unary(PREDICT)
            for number in numbers:
                if number >= requests:
                    return
                if number == warm_up:
                    found.resident_bytes.append(server.resident_bytes)
                elif number % max(requests // 20, 1) == 0:
                    progress(number, server.resident_bytes)
                kind = number % len(SHAPES)
                start = time.perf_counter()
                try:
                    answer = await call(asked[kind], timeout=60)
                except grpc.aio.AioRpcError as error:
                    found.errors.append(f"{number}: {error.code().name}: {error.details()}")
                    continue
                if number >= warm_up:
                    found.seconds.append(time.perf_counter() - start)
                if answer != expected[kind]:
                    found.errors.append(f"{number}: another answer")

    expected = await _answers(server.address, asked)
    await asyncio.gather(*(client(expected) for _ in range(clients)))
    found.total_seconds = time.perf_counter() - begin
    found.resident_bytes.append(server.resident_bytes)
    return found


async def _answers(address: str, asked: Sequence[bytes]) -> list[bytes]:
    """Answers to requests that are alone, checked against arithmetic."""
    answers = []
    async with grpc.aio.insecure_channel(address) as channel:
        call = channel.unary_unary(PREDICT)
        for shape, request in zip(SHAPES, asked, strict=True):
            answers.append(await call(request))
            found = messages.PredictResponse.FromString(answers[-1]).outputs["mean"].float_val
            means = tiny_inputs(*shape)["target"].mean(axis=1)
            np.testing.assert_allclose(np.reshape(found, (shape[0], -1))[:, 0], means, rtol=1e-6)
    return answers
