"""Clients of the serving benchmark: ADDRESS CLIENTS SECONDS WARM_UP, the request on stdin."""

from __future__ import annotations

import asyncio
import json
import sys
import time

import grpc.aio

METHOD = "/tensorflow.serving.PredictionService/Predict"


async def run(address: str, request: bytes, clients: int, seconds: float, warm_up: float) -> None:
    begin = time.perf_counter() + warm_up
    end = begin + seconds
    times: list[float] = []
    calls = 0

    async def client() -> None:
        nonlocal calls
        options = [("grpc.use_local_subchannel_pool", 1)]  # A connection of its own.
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            call = channel.unary_unary(METHOD)
            while (start := time.perf_counter()) < end:
                await call(request)
                calls += 1
                if start >= begin:
                    times.append(time.perf_counter() - start)

    before = time.process_time()
    await asyncio.gather(*(client() for _ in range(clients)))
    cpu = time.process_time() - before
    json.dump({"seconds": times, "calls": calls, "cpu": cpu}, sys.stdout)


if __name__ == "__main__":
    address, clients, seconds, warm_up = sys.argv[1:]
    asyncio.run(run(address, sys.stdin.buffer.read(), int(clients), float(seconds), float(warm_up)))
