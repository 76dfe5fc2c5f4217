"""The smoke test against a server in this process, with tiny models."""

import threading

import numpy as np
import pytest
from serving_models import push, tiny_inputs

from demandcast.schema.errors import ServingError
from demandcast.schema.golden_request import GoldenRequest
from demandcast.serving.client import DemandClient
from demandcast.serving.server import ModelServer
from demandcast.serving.server.config import ServerConfig
from demandcast.serving.smoke import smoke_test

pytestmark = pytest.mark.slow


def golden(scale):
    """What the model that multiplies by `scale` answers for 1, 2, 3, 4 and 5, 6, 7, 8."""
    mean = np.repeat(np.array([[2.5], [6.5]], np.float32) * scale, 3, axis=1)
    levels = np.array([0.1, 0.5, 0.9], np.float32)
    outputs = {"mean": mean, "quantiles": mean[..., np.newaxis] * 2 * levels}
    return GoldenRequest.of("serving_default", tiny_inputs(), outputs)


@pytest.fixture
def world(models, tmp_path):
    """A server of version 7 of the first model, and a client."""
    push(models[1], tmp_path / "serving", 7)
    config = ServerConfig(serving_directory=tmp_path / "serving", port=0, poll_seconds=0.05)
    with ModelServer(config) as server, DemandClient(server.address) as client:
        yield client, tmp_path / "serving"


def test_the_same_version_and_numbers_are_said_to_be_so(world):
    client, _ = world
    found = smoke_test(client, version=7, golden=golden(1.0), timeout_seconds=30)
    assert (found.version, found.series) == (7, 2)
    assert str(found) == (
        "version 7 is available and answers 2 golden series as it did when it was checked"
    )


def test_a_model_without_a_golden_request_is_only_looked_for(world):
    client, _ = world
    found = smoke_test(client, version=7, golden=None, timeout_seconds=30)
    assert found.series == 0
    assert "no numbers were compared" in str(found)


def test_changed_numbers_are_named(world):
    client, _ = world
    # 6.5 * 1.01 = 6.565; the model answers 6.5.
    with pytest.raises(ServingError) as raised:
        smoke_test(client, version=7, golden=golden(1.01), timeout_seconds=30)
    assert str(raised.value).startswith(
        "version 7 does not answer as it did when it was checked: "
        "mean: series 1 answers 6.5 where 6.565 was expected; quantiles: series 1 answers "
    )


def test_a_version_that_does_not_come_is_told_with_what_is_there(world):
    client, _ = world
    with pytest.raises(
        ServingError,
        match=r"^version 8 is not available after 0\.3 s; last seen: version 7 AVAILABLE$",
    ):
        smoke_test(client, version=8, golden=golden(1.0), timeout_seconds=0.3)


def test_a_version_that_comes_later_is_waited_for(world, models):
    client, directory = world
    later = threading.Timer(0.5, push, (models[2], directory, 8))
    later.start()
    found = smoke_test(client, version=8, golden=golden(2.0), timeout_seconds=30)
    assert found.version == 8


class Replaced:
    """A server whose newest version is another one than that which was asked for."""

    def __init__(self, client):
        self._client = client
        self.status = client.status

    def metadata(self):
        return self._client.metadata().__class__(version=9, signatures={})


def test_another_version_for_those_who_name_none_is_wrong(world):
    client, _ = world
    with pytest.raises(ServingError, match=r"^version 9 answers where version 7 was expected$"):
        smoke_test(Replaced(client), version=7, golden=golden(1.0), timeout_seconds=30)


def test_waiting_ends_when_there_is_no_hope_any_more():
    def gone():
        raise ServingError("the server ended")

    with (
        DemandClient("127.0.0.1:1", timeout_seconds=0.1) as client,
        pytest.raises(ServingError, match=r"^the server ended$"),
    ):
        smoke_test(client, version=7, golden=None, timeout_seconds=60, check=gone)
