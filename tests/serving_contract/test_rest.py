"""REST: predict in row and column form, status and metadata, versions and labels, errors."""

import base64
import json

import pytest
from serving_contract import VERSION
from serving_contract_calls import means
from serving_models import HORIZON, LEVELS, tiny_inputs

pytestmark = pytest.mark.slow

DEMAND = "/v1/models/demand"


def columns(rows=2, periods=4):
    return {
        name: [
            [t.decode() for t in row] if isinstance(row, list) else row.decode() for row in found
        ]
        if array.dtype == object
        else found
        for name, array in tiny_inputs(rows, periods).items()
        for found in (array.tolist(),)
    }


def rows_of(found):
    return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]


def test_rows(rest):
    status, answer = rest("POST", f"{DEMAND}:predict", {"instances": rows_of(columns())})
    assert (status, answer.keys()) == (200, {"predictions"})
    for row, mean in zip(answer["predictions"], means(2, 4).tolist(), strict=True):
        assert row.keys() == {"mean", "quantiles"}
        assert row["mean"] == pytest.approx(mean)
        assert row["quantiles"][HORIZON - 1] == pytest.approx([2 * mean[0] * q for q in LEVELS])


def test_columns(rest):
    status, answer = rest("POST", f"{DEMAND}:predict", {"inputs": columns()})
    assert (status, answer.keys()) == (200, {"outputs"})
    for found, mean in zip(answer["outputs"]["mean"], means(2, 4).tolist(), strict=True):
        assert found == pytest.approx(mean)


def serialized(value):
    import tensorflow as tf

    feature = tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
    example = tf.train.Example(features=tf.train.Features(feature={"target": feature}))
    return {"b64": base64.b64encode(example.SerializeToString()).decode()}


def test_bytes_and_another_signature(rest):
    body = {"signature_name": "serving_examples", "instances": [serialized(3), serialized(5)]}
    status, answer = rest("POST", f"{DEMAND}:predict", body)
    assert status == 200
    assert [row["mean"] for row in answer["predictions"]] == [[3] * HORIZON, [5] * HORIZON]


def test_numbers_that_json_does_not_know(rest):
    found = columns()
    found["target"][0][0], found["target"][1][0] = float("nan"), float("-inf")
    body = json.dumps({"inputs": found})
    assert "NaN" in body
    assert "-Infinity" in body
    status, answer = rest("POST", f"{DEMAND}:predict", body)
    assert status == 200
    mean = answer["outputs"]["mean"]
    assert str(mean[0][0]) == "nan"
    assert mean[1] == [float("-inf")] * HORIZON


@pytest.mark.parametrize(
    ("path", "factor"),
    [("", 2), ("/versions/1", 1), ("/versions/2", 2), ("/labels/stable", 1), ("/labels/canary", 2)],
)
def test_versions_and_labels(rest, path, factor):
    status, answer = rest("POST", f"/v1/models/versions{path}:predict", {"inputs": columns(1, 1)})
    assert (status, answer["outputs"]["mean"]) == (200, [[factor] * HORIZON])


@pytest.mark.parametrize("path", ["", f"/versions/{VERSION}"])
def test_status(rest, path):
    assert rest("GET", DEMAND + path) == (
        200,
        {
            "model_version_status": [
                {
                    "version": str(VERSION),
                    "state": "AVAILABLE",
                    "status": {"error_code": "OK", "error_message": ""},
                }
            ]
        },
    )


def test_status_by_label(rest):
    status, answer = rest("GET", "/v1/models/versions/labels/canary")
    assert status == 200
    assert [found["version"] for found in answer["model_version_status"]] == ["2"]


@pytest.mark.parametrize("path", ["", f"/versions/{VERSION}"])
def test_metadata(rest, path):
    status, answer = rest("GET", f"{DEMAND}{path}/metadata")
    assert status == 200
    spec = answer["model_spec"]
    assert (spec["name"], spec["version"], spec["signature_name"]) == ("demand", str(VERSION), "")
    found = answer["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert found["method_name"] == "tensorflow/serving/predict"
    assert found["inputs"]["target"]["dtype"] == "DT_FLOAT"
    sizes = [dim["size"] for dim in found["inputs"]["target"]["tensor_shape"]["dim"]]
    assert sizes == ["-1", "-1"]
    assert set(found["outputs"]) == {"mean", "quantiles"}


@pytest.mark.parametrize(
    ("method", "path", "body", "number", "message"),
    [
        ("GET", "/v1/models/x", None, 404, "Could not find any versions of model x"),
        ("GET", f"{DEMAND}/versions/9", None, 404, "Could not find version 9 of model demand"),
        ("GET", f"{DEMAND}/labels/l", None, 400, "Unrecognized servable version label: l"),
        ("GET", f"{DEMAND}/versions/{10**19}", None, 400, "Failed to convert version"),
        (
            "GET",
            "/v1/models/x/metadata",
            None,
            404,
            "Servable not found for request: Latest(x)",
        ),
        ("GET", "/v1/models", None, 400, "Missing model name in request."),
        ("GET", "/v1/other", None, 400, "Malformed request: GET /v1/other"),
        ("GET", f"{DEMAND}:predict", None, 400, f"Malformed request: GET {DEMAND}:predict"),
        ("POST", DEMAND, "{}", 400, f"Malformed request: POST {DEMAND}"),
        ("DELETE", DEMAND, None, 400, f"Malformed request: DELETE {DEMAND}"),
        (
            "POST",
            "/v1/models/x:predict",
            '{"instances": [1]}',
            404,
            "Servable not found for request: Latest(x)",
        ),
        (
            "POST",
            f"{DEMAND}/versions/9:predict",
            '{"instances": [1]}',
            404,
            "Servable not found for request: Specific(demand, 9)",
        ),
        (
            "POST",
            f"{DEMAND}:predict",
            '{"signature_name": "s", "instances": [1]}',
            400,
            'Serving signature key "s" not found.',
        ),
        ("POST", f"{DEMAND}:predict", "{", 400, "JSON Parse error: "),
        ("POST", f"{DEMAND}:predict", "{}", 400, "Missing 'inputs' or 'instances' key"),
        ("POST", f"{DEMAND}:predict", '{"instances": []}', 400, ""),
        ("POST", f"{DEMAND}:predict", '{"instances": [1]}', 400, ""),
        ("POST", f"{DEMAND}:predict", '{"instances": [{"target": [1]}]}', 400, ""),
    ],
)
def test_refused(rest, method, path, body, number, message):
    status, answer = rest(method, path, body)
    assert (status, list(answer)) == (number, ["error"])
    assert message in answer["error"]


@pytest.mark.parametrize(
    "changes",
    [
        {"target": [["a"] * 4] * 2},
        {"target": [[1, 2, 3, 4], [1, 2]]},
        {"target": [1, 2]},
        {"cutoff": [1.5, 2]},
        {"cutoff": [None, 2]},
        {"store": [1, 2]},
        {"store": [{"b64": "!"}, "s"]},
    ],
    ids=str,
)
def test_refused_by_its_values(rest, changes):
    for body in ({"inputs": columns() | changes}, {"instances": rows_of(columns() | changes)}):
        status, answer = rest("POST", f"{DEMAND}:predict", body)
        assert (status, list(answer)) == (400, ["error"])
        assert answer["error"]


def test_a_body_that_is_too_large(rest, served):
    if not served.started:
        pytest.skip("how much it takes is not known")
    status, answer = rest("POST", f"{DEMAND}:predict", {"inputs": columns(100, 200)})
    assert (status, answer["error"]) == (413, "the body is larger than 100000 bytes")


@pytest.mark.parametrize("method", ["classify", "regress"])
def test_classify_and_regress(rest, ours, method):
    body = {"signature_name": method, "examples": [{"x": 0.25}]}
    status, answer = rest("POST", f"/v1/models/examples:{method}", body)
    if ours:
        assert (status, answer["error"]) == (
            501,
            f"{method} is answered over gRPC, not over REST",
        )
    else:
        assert status == 200
