"""What an application installs to ask a model: it suffices, and nothing of it is superfluous."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from limited_imports import importable_names, loaded_names, run_limited
from serving_clients_world import KINDS, server_of
from serving_fake import FakeModel
from serving_models import HORIZON

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

CLIENTS = {
    "grpc": "DemandClient",
    "grpc aio": "AsyncDemandClient",
    "rest": "RestDemandClient",
    "rest aio": "AsyncRestDemandClient",
}

# A table of two series, asked for over one of the clients.
WALK = """
import asyncio, datetime, json, sys
from demandcast.serving import client as clients
from demandcast.serving import forecasting
day = datetime.date(2026, 6, 30)
ahead = [day + datetime.timedelta(days=step) for step in range(1, {horizon} + 1)]
history = {{"store": ["a", "b"], "timestamp": [day, day], "target": [2.0, 4.0],
            "price": [1.0, 1.0], "promotion": ["x", None], "weather": [1.0, 2.0]}}
future = {{"store": ["a"] * {horizon} + ["b"] * {horizon}, "timestamp": ahead * 2,
           "price": [1.0] * 2 * {horizon}, "promotion": ["x"] * 2 * {horizon}}}
spec = clients.TableSpec(series_key=("store",), quantile_levels=(0.1, 0.5, 0.9))
made = getattr(clients, {name!r})
def plain():
    with made({address!r}) as client:
        client.wait_until_available()
        return clients.forecast_table(client, history, future, spec=spec)
async def waiting():
    async with made({address!r}) as client:
        await client.wait_until_available()
        return await clients.forecast_table_async(client, history, future, spec=spec)
table = asyncio.run(waiting()) if {name!r}.startswith("Async") else plain()
print(json.dumps([table["mean"].tolist(), sorted(sys.modules)]))
"""


def extra(name):
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    return project["dependencies"] + project["optional-dependencies"][name]


@pytest.fixture(scope="module")
def allowed():
    return importable_names(extra("client")) | {"demandcast"}


@pytest.fixture(params=KINDS)
def walk(request, allowed):
    """A client in an interpreter that has nothing else: means, and the modules it loaded."""
    model = FakeModel()
    with server_of(request.param, model) as address:
        program = WALK.format(horizon=HORIZON, address=address, name=CLIENTS[request.param])
        done = run_limited(program, allowed)
    assert done.returncode == 0, done.stderr
    means, modules = json.loads(done.stdout)
    return request.param, means, set(modules)


def test_the_extra_suffices_and_is_used(walk):
    kind, means, modules = walk
    assert means == [2.0] * HORIZON + [4.0] * HORIZON
    needed = {"numpy", "google.protobuf", "httpx" if kind.startswith("rest") else "grpc"}
    assert needed <= modules


def test_the_list_is_short():
    names = {re.match(r"[\w-]+", one)[0] for one in extra("client")}
    assert names == {"grpcio", "httpx", "numpy", "protobuf"}
    assert names <= {re.match(r"[\w-]+", one)[0] for one in extra("pipeline")}


def test_what_is_not_in_the_list_cannot_be_imported(allowed):
    for name in ("polars", "pydantic", "google.auth", "tensorflow"):
        done = run_limited(f"import {name}", allowed)
        assert f"not among the dependencies: {name}" in done.stderr


def test_importing_the_client_is_light():
    loaded = loaded_names("import demandcast.serving.client, demandcast.serving.forecasting")
    heavy = {"tensorflow", "tensorflow_serving", "tfx", "apache_beam", "keras"}
    tables = {"pandas", "pyarrow", "polars"}
    others = {"pydantic", "yaml", "httpx", "httpcore"}
    assert not loaded & (heavy | tables | others)
    assert {"grpc", "numpy"} <= loaded
