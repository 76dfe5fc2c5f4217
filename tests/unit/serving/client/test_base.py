"""What every client can be asked, and what it says when it fails: the same over each transport."""

import threading
import time

import numpy as np
import pytest
from serving_clients_world import KINDS, client_class, opened, server_of
from serving_fake import VERSION, FakeModel
from serving_models import HORIZON, LEVELS, tiny_inputs

from demandcast.schema.errors import ConfigurationError
from demandcast.serving.client import Connection, ModelMetadata
from demandcast.serving.errors import CallError
from demandcast.serving.signatures import TensorSpec
from demandcast.serving.version_status import VersionState, VersionStatus

TOKEN = {"connection": Connection(token="abc", allow_token_in_plaintext=True)}  # noqa: S106


@pytest.fixture
def model():
    return FakeModel()


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def client(kind, model):
    with server_of(kind, model) as address, opened(kind, address) as made:
        yield made


def predictions(model):
    return [spec for name, spec in zip(model.calls, model.specs, strict=True) if name == "Predict"]


def test_predict(client, model):
    inputs = tiny_inputs()
    answer = client.predict(inputs)
    assert {name: (a.dtype, a.shape) for name, a in answer.items()} == {
        "mean": (np.dtype("float32"), (2, HORIZON)),
        "quantiles": (np.dtype("float32"), (2, HORIZON, len(LEVELS))),
    }
    np.testing.assert_allclose(answer["mean"][:, 0], inputs["target"].mean(axis=1))
    (spec,) = predictions(model)
    assert (spec.name, spec.signature_name) == ("demand", "serving_default")
    assert spec.WhichOneof("version_choice") is None


def test_all_values_arrive_as_they_were_sent(client, model):
    inputs = tiny_inputs()
    inputs["price"][0, 1:4] = [np.nan, np.inf, -np.inf]
    inputs["price"][0, 0] = 0.1
    inputs["cutoff"][:] = 2**40
    inputs["promotion"][0, :3] = ["ünder", b"\xff\xfe", b""]
    client.predict(inputs)
    (arrived,) = model.inputs
    inputs["promotion"][0, 0] = "ünder".encode()
    for name, array in inputs.items():
        np.testing.assert_array_equal(arrived[name], array, err_msg=name)
        assert arrived[name].dtype == array.dtype


def test_text_comes_back(client):
    texts = np.array([b"plain", "ü".encode(), b"\xff"], dtype=object)
    answer = client.predict({"text": texts}, signature_name="echo")
    assert answer["text"].tolist() == texts.tolist()


@pytest.mark.parametrize(
    ("options", "choice", "value"),
    [
        ({"version": VERSION}, "version", VERSION),
        ({"version_label": "stable"}, "version_label", "stable"),
    ],
)
def test_a_version_by_number_or_label(client, model, options, choice, value):
    client.predict(tiny_inputs(), **options)
    client.metadata(**options)
    for spec in model.specs:
        assert spec.WhichOneof("version_choice") == choice
        found = spec.version.value if choice == "version" else spec.version_label
        assert found == value


def test_a_version_has_one_name(client):
    with pytest.raises(ValueError, match="version 5 and version_label 'stable' are both given"):
        client.predict(tiny_inputs(), version=VERSION, version_label="stable")
    with pytest.raises(ValueError, match="names one of them"):
        client.metadata(VERSION, version_label="stable")


def test_only_the_outputs_that_are_wanted(client):
    assert set(client.predict(tiny_inputs(), outputs=["mean"])) == {"mean"}
    with pytest.raises(CallError, match="median") as caught:
        client.predict(tiny_inputs(), outputs=["median"])
    assert caught.value.status == "INVALID_ARGUMENT"


def test_metadata(client):
    metadata = client.metadata()
    assert isinstance(metadata, ModelMetadata)
    assert metadata.version == VERSION
    default = metadata.signatures["serving_default"]
    assert set(default.inputs) == set(tiny_inputs())
    assert default.inputs["promotion"] == TensorSpec("DT_STRING", (None, None))
    assert default.outputs["mean"] == TensorSpec("DT_FLOAT", (None, HORIZON))


def test_status_and_the_wait_for_a_version(client):
    assert client.status() == [
        VersionStatus(VERSION - 1, VersionState.END, "broken"),
        VersionStatus(VERSION, VersionState.AVAILABLE),
    ]
    assert client.wait_until_available() == VERSION


def test_errors_name_the_call_the_model_and_the_field(client, model):
    with pytest.raises(CallError) as caught:
        client.predict({"target": np.ones((1, 2), np.float32)})
    assert caught.value.status == "INVALID_ARGUMENT"
    assert str(caught.value).startswith("INVALID_ARGUMENT: Predict of demand on ")
    assert ", attempt 1: " in str(caught.value)
    assert "input size does not match: ['target']" in str(caught.value)
    with pytest.raises(CallError, match="Unrecognized servable version label: canary"):
        client.predict(tiny_inputs(), version_label="canary")
    with pytest.raises(CallError) as caught:
        client.metadata(4)
    assert caught.value.status == "NOT_FOUND"
    with pytest.raises(ValueError, match="input 'price': arrays of complex128 cannot be sent"):
        client.predict({"price": np.array([1j])})


@pytest.mark.parametrize("failures", [1, 2])
def test_unavailable_is_tried_again(client, model, failures):
    model.failures = ["UNAVAILABLE"] * failures
    assert client.status()
    assert model.calls == ["GetModelStatus"] * (1 + failures)


@pytest.mark.parametrize(
    "status", ["INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"]
)
def test_nothing_else_is_tried_again(client, model, status):
    model.failures = [status]
    with pytest.raises(CallError, match=f"attempt 1: .*moody: {status}") as caught:
        client.status()
    assert (caught.value.status, model.calls) == (status, ["GetModelStatus"])


def test_attempts_end(kind, model):
    model.failures = ["UNAVAILABLE"] * 9
    with server_of(kind, model) as address, opened(kind, address, max_attempts=2) as client:
        with pytest.raises(CallError, match=r"UNAVAILABLE.*attempt 2: .*moody"):
            client.status()
        assert len(model.calls) == 2


def test_nobody_there(kind):
    address = "http://127.0.0.1:1" if kind.startswith("rest") else "127.0.0.1:1"
    with opened(kind, address, max_attempts=2) as client:
        with pytest.raises(CallError, match="attempt 2") as caught:
            client.status()
        assert caught.value.status == "UNAVAILABLE"
        with pytest.raises(CallError, match=r"DEADLINE_EXCEEDED.*last seen: UNAVAILABLE"):
            client.wait_until_available(0.3)


def test_the_deadline_holds(kind, model):
    model.delay_seconds = 2.0
    with server_of(kind, model) as address, opened(kind, address, timeout_seconds=0.3) as client:
        started = time.monotonic()
        with pytest.raises(CallError) as caught:
            client.predict(tiny_inputs())
        assert caught.value.status == "DEADLINE_EXCEEDED"
        assert time.monotonic() - started < 1.5


def test_an_answer_that_is_too_large(kind, model):
    small = {"connection": Connection(max_message_bytes=1000)}
    with server_of(kind, model) as address, opened(kind, address, **small) as client:
        # 2,000 rows of 3 steps and 4 numbers.
        with pytest.raises(CallError) as caught:
            client.predict(tiny_inputs(rows=2000), version=VERSION)
        assert caught.value.status == "RESOURCE_EXHAUSTED"


def test_one_connection_for_all_calls(client, model):
    for _ in range(3):
        client.status()
    client.predict(tiny_inputs())
    assert len(set(model.peers)) == 1


def test_a_token_goes_with_every_call(kind, model):
    with server_of(kind, model) as address:
        with opened(kind, address, **TOKEN) as client:
            client.status()
            client.predict(tiny_inputs())
        assert {headers["authorization"] for headers in model.headers} == {"Bearer abc"}
        with pytest.raises(ConfigurationError, match="anyone on the way could read it"):
            client_class(kind)(address, connection=Connection(token="abc"))  # noqa: S106


@pytest.mark.parametrize("options", [{"timeout_seconds": 0}, {"max_attempts": 0}])
def test_options_that_make_no_sense(kind, options):
    address = "http://127.0.0.1:1" if kind.startswith("rest") else "127.0.0.1:1"
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} is 0"):
        client_class(kind)(address, **options)


@pytest.mark.parametrize("kind", ["grpc", "rest"], indirect=True)
def test_many_threads_may_ask_one_client(client, model):
    model.delay_seconds = 0.05
    errors = []

    def ask():
        try:
            client.predict(tiny_inputs())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert model.most_running > 1
