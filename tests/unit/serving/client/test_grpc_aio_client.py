"""The asynchronous client in its loop: many calls at once, and calls that are given up."""

import asyncio

import pytest
from serving_fake import FakeModel, grpc_server
from serving_models import tiny_inputs

from demandcast.serving.client import AsyncDemandClient
from demandcast.serving.forecasting import forecast_async


def test_many_calls_share_one_connection():
    model = FakeModel()
    model.delay_seconds = 0.1

    async def walk(address):
        async with AsyncDemandClient(address) as client:
            return await asyncio.gather(*(client.predict(tiny_inputs()) for _ in range(6)))

    with grpc_server(model) as address:
        assert len(asyncio.run(walk(address))) == 6
    assert model.most_running > 1
    assert len(set(model.peers)) == 1


def test_a_pause_between_attempts_lets_others_run():
    model = FakeModel()
    model.failures = ["UNAVAILABLE"] * 3

    async def walk(address):
        ticks = 0

        async def tick():
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        async with AsyncDemandClient(address) as client:
            ticking = asyncio.create_task(tick())
            await client.status()
            ticking.cancel()
        return ticks

    # Pauses of at least (0.1 + 0.2 + 0.4) / 2 seconds.
    with grpc_server(model) as address:
        assert asyncio.run(walk(address)) > 10


def test_a_call_that_is_given_up_is_not_tried_again():
    model = FakeModel()
    model.delay_seconds = 0.5

    async def walk(address):
        async with AsyncDemandClient(address) as client:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await client.status()

    with grpc_server(model) as address:
        asyncio.run(walk(address))
    assert model.calls == ["GetModelStatus"]


def test_forecasts_of_single_series():
    model = FakeModel()
    series = {
        "store": "s",
        "cutoff": 20_000,
        "target": [1.0, 3.0],
        "price": [1.0] * 5,
        "promotion": ["p"] * 5,
        "weather": [0.0, 0.0],
    }

    async def walk(address):
        async with AsyncDemandClient(address) as client:
            return await forecast_async(client, [series])

    with grpc_server(model) as address:
        answer = asyncio.run(walk(address))
    assert answer.mean.tolist() == [[2.0, 2.0, 2.0]]
    assert answer.quantiles.shape == (1, 3, 3)
