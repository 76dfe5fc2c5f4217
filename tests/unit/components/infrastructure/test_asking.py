"""Which answers are the model's fault; the rest is asked of real servers in `test_component.py`."""

from types import SimpleNamespace

import grpc
import numpy as np
import pytest

from demandcast.components.infrastructure import asking
from demandcast.components.infrastructure.asking import Asking, RefusedError, predict_request
from demandcast.components.infrastructure.server_process import ServerEndedError
from demandcast.schema.errors import ServingError

pytestmark = pytest.mark.slow

REQUEST = predict_request("demand", "serving_default", {"x": np.ones(2, np.float32)})


class Failure(grpc.RpcError):
    def __init__(self, code):
        super().__init__()
        self.code = lambda: code
        self.details = lambda: "why"


@pytest.fixture
def failing(monkeypatch):
    """A connection whose every call fails with a code; the server runs, or has ended."""
    monkeypatch.setattr(asking, "_SECONDS_TO_END", 0.1)

    def connect(code, *, ended=False):
        def check():
            if ended:
                raise ServerEndedError("the server ended")

        server = SimpleNamespace(
            address="127.0.0.1:1", check=check, last_words=lambda: "; it said nothing"
        )
        connection = Asking(server, model_name="demand", timeout_seconds=5)

        def predict(request, timeout):
            assert timeout == 5
            raise Failure(code)

        connection._predictions = SimpleNamespace(Predict=predict)
        return connection

    return connect


MODEL = {"INVALID_ARGUMENT", "FAILED_PRECONDITION", "INTERNAL", "NOT_FOUND", "UNKNOWN", "ABORTED"}
MACHINE = {"DEADLINE_EXCEEDED", "UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"}


@pytest.mark.parametrize("name", sorted(MODEL))
def test_an_error_of_the_model_is_a_refusal(failing, name):
    with pytest.raises(RefusedError, match=f"^serving_default: {name}: why$"):
        failing(grpc.StatusCode[name]).predict(REQUEST)


@pytest.mark.parametrize("name", sorted(MACHINE))
def test_a_busy_machine_condemns_no_model(failing, name):
    """The verdict would be kept in the cache for good."""
    with pytest.raises(ServingError, match=f"^serving_default: {name}: why; it said nothing$"):
        failing(grpc.StatusCode[name]).predict(REQUEST)


def test_a_server_that_ended_is_told_from_one_that_is_busy(failing):
    with pytest.raises(ServerEndedError):
        failing(grpc.StatusCode.UNAVAILABLE, ended=True).predict(REQUEST)


def test_texts_and_numbers_are_sent_by_their_names():
    arrays = {"store": np.array([b"a"], dtype=object), "cutoff": np.array([3])}
    request = predict_request("demand", "serving_default", arrays)
    assert (request.model_spec.name, request.model_spec.signature_name) == (
        "demand",
        "serving_default",
    )
    assert list(request.inputs["store"].string_val) == [b"a"]
    assert request.inputs["cutoff"].tensor_shape.dim[0].size == 1
