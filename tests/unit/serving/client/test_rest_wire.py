"""Calls as HTTP and JSON, and back."""

import json

import numpy as np
import pytest

from demandcast.serving.client.calls import (
    ModelChoice,
    metadata_call,
    predict_call,
    status_call,
)
from demandcast.serving.client.rest_wire import (
    HttpRequest,
    error_text,
    http_request,
    read_answer,
    status_of,
    takes_outputs,
)
from demandcast.serving.errors import RequestError
from demandcast.serving.signatures import Signature, TensorSpec

FLOATS, WHOLE, TEXT = (TensorSpec(kind, (None,)) for kind in ("DT_FLOAT", "DT_INT64", "DT_STRING"))


def prediction(arrays=None, *, outputs=(), **choice):
    return predict_call(
        ModelChoice("m", **choice), arrays or {}, signature_name="s", outputs=outputs
    )


@pytest.mark.parametrize(
    ("choice", "path"),
    [
        ({}, "/v1/models/m"),
        ({"version": 3}, "/v1/models/m/versions/3"),
        ({"version_label": "stable"}, "/v1/models/m/labels/stable"),
    ],
)
def test_paths(choice, path):
    model = ModelChoice("m", **choice)
    assert http_request(metadata_call(model)) == HttpRequest("GET", f"{path}/metadata")
    assert http_request(prediction(**choice)).path == f"{path}:predict"
    assert http_request(status_call(ModelChoice("m"))) == HttpRequest("GET", "/v1/models/m")


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.array([[1, 2], [3, 4]]), "[[1,2],[3,4]]"),
        (np.array([0.5, np.nan, np.inf, -np.inf]), "[0.5,NaN,Infinity,-Infinity]"),
        (np.array([True, False]), "[true,false]"),
        (np.array(["a", "ü"]), '["a","\\u00fc"]'),
        ([b"a", b"\xff"], '["a",{"b64":"/w=="}]'),
        (np.array(3), "3"),
        (np.zeros((0, 2)), "[]"),
        # As precise as it is, and no more is lost.
        (np.array([0.1], np.float32), "[0.10000000149011612]"),
    ],
)
def test_bodies(array, text):
    body = http_request(prediction({"x": array})).body
    assert body == f'{{"signature_name":"s","inputs":{{"x":{text}}}}}'.encode()


@pytest.mark.parametrize(
    ("outputs", "answer", "expected"),
    [
        ({"y": FLOATS}, [1, 2.5], {"y": np.array([1, 2.5], np.float32)}),
        ({"y": FLOATS}, {"y": [1.0]}, {"y": np.array([1], np.float32)}),
        ({"y": WHOLE, "z": WHOLE}, {"y": [2**40], "z": []}, {"y": [2**40], "z": []}),
        ({"y": TEXT}, ["a", {"b64": "/w=="}], {"y": [b"a", b"\xff"]}),
        ({"y": FLOATS}, [], {"y": np.zeros(0, np.float32)}),
    ],
    ids=["one output", "one by name", "two", "text", "nothing"],
)
def test_outputs(outputs, answer, expected):
    call = prediction()
    body = json.dumps({"outputs": answer}).encode()
    found = call.read(read_answer(call, body, Signature({}, outputs)))
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


def test_outputs_that_are_asked_for():
    signature = Signature({}, {"y": FLOATS, "z": FLOATS})
    body = b'{"outputs": {"y": [1.0], "z": [2.0]}}'
    call = prediction(outputs=["z"])
    assert set(call.read(read_answer(call, body, signature))) == {"z"}
    with pytest.raises(RequestError, match=r"no output 'x'; the model has \['y', 'z'\]") as caught:
        read_answer(prediction(outputs=["x"]), body, signature)
    assert caught.value.status == "INVALID_ARGUMENT"


def test_only_predictions_need_a_signature():
    assert takes_outputs(prediction())
    assert not takes_outputs(status_call(ModelChoice("m")))


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (404, "NOT_FOUND"),
        (429, "RESOURCE_EXHAUSTED"),
        (501, "UNIMPLEMENTED"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
        (418, "UNKNOWN"),
    ],
)
def test_statuses(code, status):
    assert status_of(code) == status


def test_long_errors_are_cut():
    assert len(error_text(500, b"x" * 5000)) == len("HTTP 500: ") + 2000
