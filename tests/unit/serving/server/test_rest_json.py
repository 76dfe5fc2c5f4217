"""JSON in and out, as TensorFlow Serving's REST interface documents it.

Source: https://www.tensorflow.org/tfx/serving/api_rest, "Predict API" and "JSON mapping".
"""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demandcast.serving import messages
from demandcast.serving.errors import RequestError
from demandcast.serving.server.rest_json import (
    encode_answer,
    message_to_json,
    read_json_inputs,
    read_request,
)
from demandcast.serving.signatures import Signature, TensorSpec


def signature(**inputs):
    return Signature(
        {name: TensorSpec(dtype, shape) for name, (dtype, shape) in inputs.items()}, {}
    )


ONE = signature(x=("DT_FLOAT", (None,)))
TWO = signature(signal=("DT_INT64", (None, None)), sensor=("DT_STRING", (None,)))


def read(body, found=ONE):
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    text = text.encode() if isinstance(text, str) else text
    return read_json_inputs(read_request(text), found)


def refusal(body, found=ONE):
    with pytest.raises(RequestError) as caught:
        read(body, found)
    assert caught.value.status == "INVALID_ARGUMENT"
    return str(caught.value)


def lists(arrays):
    return {name: array.tolist() for name, array in arrays.items()}


def test_rows_of_a_lone_input_need_no_name():
    assert lists(read({"instances": [1.0, 2.0, 5.0]})) == {"x": [1, 2, 5]}
    assert lists(read({"instances": [{"x": 1.0}, {"x": 2}]})) == {"x": [1, 2]}


def test_columns_of_a_lone_input_need_no_name():
    assert lists(read({"inputs": [1.0, 2.0]})) == lists(read({"inputs": {"x": [1.0, 2.0]}}))


def test_rows_and_columns_say_the_same():
    rows = {
        "instances": [
            {"signal": [1, 2, 3], "sensor": "a"},
            {"signal": [4, 5, 6], "sensor": "b"},
        ]
    }
    columns = {"inputs": {"signal": [[1, 2, 3], [4, 5, 6]], "sensor": ["a", "b"]}}
    expected = {"signal": [[1, 2, 3], [4, 5, 6]], "sensor": [b"a", b"b"]}
    assert lists(read(rows, TWO)) == lists(read(columns, TWO)) == expected


def test_the_name_of_the_signature_and_the_form():
    request = read_request(b'{"signature_name": "s", "instances": [1]}')
    assert (request.signature_name, request.form, request.content) == ("s", "row", [1])
    request = read_request(b'{"inputs": 1}')
    assert (request.signature_name, request.form, request.content) == ("", "column", 1)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "JSON Parse error: "),
        ("{", "JSON Parse error: "),
        ('{"instances": [1]} x', "JSON Parse error: "),
        (b'{"instances": ["\xff"]}', "JSON Parse error: "),
        ("[" * 100_000, "JSON Parse error: "),
        ('{"instances": [' + "9" * 10_000 + "]}", "JSON Parse error: "),
        ("[1]", "JSON Parse error: the body must be an object"),
        ("null", "JSON Parse error: the body must be an object"),
        ("{}", "Missing 'inputs' or 'instances' key; exactly one of them is needed"),
        (
            '{"instances": [1], "inputs": [1]}',
            "Missing 'inputs' or 'instances' key; exactly one of them is needed",
        ),
        ('{"instances": []}', "'instances' must be a list with at least one value"),
        ('{"instances": {"x": 1}}', "'instances' must be a list with at least one value"),
        ('{"instances": null}', "'instances' must be a list with at least one value"),
        ('{"signature_name": 1, "inputs": 1}', "'signature_name' key must be a string value."),
    ],
)
def test_bodies_that_are_refused(body, message):
    assert refusal(body).startswith(message)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("-2.5e3", -2500),
        ("NaN", math.nan),
        ("Infinity", math.inf),
        ("-Infinity", -math.inf),
        ("1e400", math.inf),
        ("1e39", math.inf),
    ],
)
def test_numbers_that_are_read(text, expected):
    (found,) = read(f'{{"instances": [{text}]}}')["x"]
    np.testing.assert_equal(found, np.float32(expected))


@pytest.mark.parametrize(
    "value", ["a", None, True, {}, {"y": 1}, {"b64": "AA=="}, 10**400, [[1], [2, 3]], {"x": {}}]
)
def test_what_is_no_number(value):
    assert refusal({"instances": [value, value]})


@pytest.mark.parametrize(
    ("dtype", "good", "bad"),
    [
        ("DT_INT64", 2**63 - 1, 2**63),
        ("DT_INT64", -(2**63), -(2**63) - 1),
        ("DT_UINT64", 2**64 - 1, 2**64),
        ("DT_INT32", -(2**31), 2**31),
        ("DT_UINT8", 255, -1),
        ("DT_INT8", -128, 128),
        ("DT_INT64", 1, 1.0),
        ("DT_INT64", 1, True),
        ("DT_BOOL", True, 1),
        ("DT_FLOAT", 1, "1"),
        ("DT_HALF", 0.5, None),
    ],
)
def test_types_and_their_bounds(dtype, good, bad):
    found = signature(x=(dtype, (None,)))
    assert read({"inputs": [good]}, found)["x"].tolist() == [good]
    assert refusal({"inputs": [bad]}, found).startswith("input 'x': ")


@pytest.mark.parametrize("value", [[[1, 2], [3]], [[1], 2], [[[1]], [[2, 3]]], [1, [2]]])
@pytest.mark.parametrize("dtype", ["DT_FLOAT", "DT_STRING"])
def test_lists_of_different_lengths(dtype, value):
    as_text = json.loads(json.dumps(value), parse_int=str)
    found = signature(x=(dtype, (None, None)))
    message = refusal({"inputs": as_text if dtype == "DT_STRING" else value}, found)
    assert message == "input 'x': its lists are not of the same length"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1.0]], 'input "x": expected DT_FLOAT [?], got DT_FLOAT [1, 1]'),
        (1.0, 'input "x": expected DT_FLOAT [?], got DT_FLOAT []'),
    ],
)
def test_other_shapes(value, message):
    assert refusal({"inputs": {"x": value}}) == message


@pytest.mark.parametrize("depth", [33, 40, 400, 900])
@pytest.mark.parametrize(("dtype", "leaf"), [("DT_FLOAT", 1), ("DT_STRING", "a")])
@pytest.mark.parametrize("shape", [(None,), None])
def test_lists_within_lists_within_lists(dtype, leaf, shape, depth):
    value = leaf
    for _ in range(depth):
        value = [value]
    body = json.dumps({"inputs": value}) if depth < 500 else None
    if body is None:
        body = '{"inputs": ' + "[" * depth + json.dumps(leaf) + "]" * depth + "}"
    assert refusal(body, signature(x=(dtype, shape)))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"inputs": {"signal": [[1]]}},
            "input size does not match signature: 1!=2 len({signal}) != len({sensor,signal}). "
            "Sent extra: {}. Missing but required: {sensor}.",
        ),
        (
            {"inputs": {"signal": [[1]], "other": [1]}},
            "input tensor alias not found in signature: other. "
            "Inputs expected to be in the set {sensor,signal}.",
        ),
        (
            {"instances": [{"signal": [1], "sensor": "a"}, {"signal": [1]}]},
            "instances: 1 has the names ['signal'], 0 has ['sensor', 'signal']",
        ),
        ({"instances": [[1]]}, "inputs need names: the signature has more than one"),
        ({"instances": [{"b64": "AA=="}]}, "inputs need names: the signature has more than one"),
        ({"instances": [{}]}, "input size does not match signature: 0!=2"),
        ({"inputs": {}}, "input size does not match signature: 0!=2"),
        ({"inputs": 1}, "inputs need names: the signature has more than one"),
    ],
)
def test_names(body, message):
    assert refusal(body, TWO).startswith(message)


TEXT = signature(x=("DT_STRING", (None,)))


def test_text_and_bytes():
    found = read({"instances": ["ü", {"b64": "AP8="}, {"b64": ""}, ""]}, TEXT)
    assert found["x"].tolist() == ["ü".encode(), b"\x00\xff", b"", b""]
    found = read({"inputs": {"x": [{"b64": "aGVsbG8="}]}}, TEXT)
    assert found["x"].tolist() == [b"hello"]
    # A lone value in column form may be bytes, too.
    scalar = signature(x=("DT_STRING", ()))
    assert read({"inputs": {"b64": "YQ=="}}, scalar)["x"].tolist() == b"a"


@pytest.mark.parametrize("value", ["!!!", "YQ", "YQ=", 1, None, ["YQ=="], "ü"])
def test_bytes_that_are_no_base64(value):
    message = refusal({"inputs": {"x": [{"b64": value}]}}, TEXT)
    assert message == "input 'x': b64 is not valid base64"


@pytest.mark.parametrize("value", [1, None, True, {"b64": "YQ==", "x": 1}, {"c": "a"}])
def test_what_is_no_text(value):
    assert refusal({"inputs": {"x": [value]}}, TEXT).startswith("input 'x': expected DT_STRING")


def test_text_that_is_no_unicode():
    """JSON may escape half of a pair; no bytes are that."""
    assert refusal('{"inputs": ["\\ud800"]}', TEXT) == "input 'x': a text is no Unicode"


def answer(outputs, form="row"):
    return encode_answer(outputs, form=form)


def test_answers_have_the_form_of_the_request():
    outputs = {"a": np.array([[1, 2], [3, 4]], np.float32), "b": np.array([5, 6])}
    assert json.loads(answer(outputs)) == {
        "predictions": [{"a": [1, 2], "b": 5}, {"a": [3, 4], "b": 6}]
    }
    assert json.loads(answer(outputs, "column")) == {
        "outputs": {"a": [[1, 2], [3, 4]], "b": [5, 6]}
    }


def test_a_lone_output_stands_without_its_name():
    outputs = {"a": np.array([1, 2], np.float32)}
    assert json.loads(answer(outputs)) == {"predictions": [1, 2]}
    assert json.loads(answer(outputs, "column")) == {"outputs": [1, 2]}


def test_numbers_are_as_short_as_they_are():
    assert (
        answer({"a": np.array([0.1, 1, 1e-30], np.float32)}) == b'{"predictions":[0.1,1.0,1e-30]}'
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("form", ["row", "column"])
@pytest.mark.parametrize("lone", [True, False])
def test_numbers_that_json_does_not_know(dtype, form, lone):
    array = np.array([[np.nan, 0.1], [np.inf, -np.inf]], dtype)
    outputs = {"a": array} if lone else {"a": array, "b": np.array([1, 2])}
    text = answer(outputs, form).decode()
    assert all(word in text for word in ("NaN", "Infinity", "-Infinity"))
    found = json.loads(text)["predictions" if form == "row" else "outputs"]
    if not lone:
        found = [row["a"] for row in found] if form == "row" else found["a"]
    np.testing.assert_array_equal(np.array(found, dtype), array)
    if dtype is np.float32:
        assert "0.1" in text
        assert "0.10000000149" not in text


@pytest.mark.parametrize("rows", [{"a": 2, "b": 3}, {"a": None}, {"a": None, "b": 2}])
def test_outputs_without_common_rows(rows):
    outputs = {name: np.ones(() if n is None else (n,), np.float32) for name, n in rows.items()}
    with pytest.raises(RequestError, match="no common rows") as caught:
        answer(outputs)
    assert caught.value.status == "FAILED_PRECONDITION"
    assert json.loads(answer(outputs, "column"))["outputs"]


def test_no_rows():
    assert json.loads(answer({"a": np.ones((0, 3), np.float32)})) == {"predictions": []}


def test_texts_are_text_where_they_can_be():
    texts = np.array([["ü".encode(), b"\xff"]], dtype=object)
    assert json.loads(answer({"a": texts})) == {"predictions": [["ü", {"b64": "/w=="}]]}
    # By its name, an output is always bytes.
    found = answer({"a_bytes": texts, "b": texts})
    assert json.loads(found)["predictions"][0]["a_bytes"][0] == {"b64": "w7w="}


@pytest.mark.parametrize("dtype", ["<i8", "|i1", "|u1", "<u8", "|b1", "<f8", "<i2", "<u2"])
def test_all_types_are_written(dtype):
    array = np.array([[0, 1], [1, 0]]).astype(dtype).T
    assert json.loads(answer({"a": array})) == {"predictions": array.tolist()}


@given(st.lists(st.lists(st.floats(width=32), min_size=2, max_size=2), min_size=1, max_size=4))
def test_there_and_back(rows):
    found = signature(x=("DT_FLOAT", (None, 2)))
    expected = np.array(rows, np.float32)
    text = answer({"x": expected})
    again = read({"instances": json.loads(text)["predictions"]}, found)["x"]
    np.testing.assert_array_equal(again, expected)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["x", "signal", "sensor", "b64"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["instances", "inputs"]), st.sampled_from([ONE, TWO, TEXT]))
def test_any_json_is_read_or_refused(content, form, found):
    refused = []
    try:
        arrays = read({form: content}, found)
    except RequestError as error:
        refused.append(error.status)
    assert refused == ["INVALID_ARGUMENT"] or arrays.keys() == found.inputs.keys()


def test_messages_are_printed_with_their_defaults_and_field_names():
    response = messages.GetModelStatusResponse()
    response.model_version_status.add(version=7, state=30).status.error_code = 0
    assert message_to_json(response) == {
        "model_version_status": [
            {
                "version": "7",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
