"""Status, metadata, versions, labels and reloads."""

import pytest
from serving_contract import VERSION, model, models_config
from serving_contract_calls import (
    check_answer,
    means,
    metadata_request,
    predict_request,
    refusal,
    states,
    status_request,
)
from serving_models import eventually, tiny_inputs

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("version", [None, VERSION])
def test_status(stubs, version):
    from tensorflow_serving.apis import get_model_status_pb2

    response = stubs.model.GetModelStatus(status_request(version=version), timeout=20)
    (found,) = response.model_version_status
    assert found.version == VERSION
    assert found.state == get_model_status_pb2.ModelVersionStatus.AVAILABLE
    assert (found.status.error_code, found.status.error_message) == (0, "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "m"}, "Could not find any versions of model m"),
        ({"version": 8}, "Could not find version 8 of model demand"),
        ({"name": "m", "version": 7}, "Could not find version 7 of model m"),
    ],
)
def test_status_refused(stubs, options, message):
    found = refusal(stubs.model.GetModelStatus, status_request(**options))
    assert found == ("NOT_FOUND", message)


def test_no_spec_at_all(stubs):
    from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

    for call, request in (
        (stubs.prediction.Predict, predict_pb2.PredictRequest()),
        (stubs.prediction.GetModelMetadata, get_model_metadata_pb2.GetModelMetadataRequest()),
        (stubs.model.GetModelStatus, get_model_status_pb2.GetModelStatusRequest()),
    ):
        assert refusal(call, request) == ("INVALID_ARGUMENT", "Missing ModelSpec")


def test_metadata(stubs):
    from tensorflow_serving.apis import get_model_metadata_pb2

    response = stubs.prediction.GetModelMetadata(metadata_request(), timeout=20)
    assert (response.model_spec.name, response.model_spec.version.value) == ("demand", VERSION)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    default = found.signature_def["serving_default"]
    assert default.method_name == "tensorflow/serving/predict"
    assert {name: info.dtype for name, info in default.inputs.items()} == {
        "store": 7,
        "cutoff": 9,
        "target": 1,
        "observed_mask": 1,
        "in_stock_fraction": 1,
        "price": 1,
        "promotion": 7,
        "weather": 1,
    }
    assert [dim.size for dim in default.inputs["target"].tensor_shape.dim] == [-1, -1]
    assert set(default.outputs) == {"mean", "quantiles"}
    assert "serving_examples" in found.signature_def


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ({"name": "x"}, "NOT_FOUND", "Servable not found for request: Latest(x)"),
        ({"version": 1}, "NOT_FOUND", "Servable not found for request: Specific(demand, 1)"),
        (
            {"fields": ()},
            "INVALID_ARGUMENT",
            "GetModelMetadataRequest must specify at least one metadata_field",
        ),
        ({"fields": ["x"]}, "INVALID_ARGUMENT", "Metadata field x is not supported"),
    ],
)
def test_metadata_refused(stubs, options, status, message):
    found = refusal(stubs.prediction.GetModelMetadata, metadata_request(**options))
    assert found == (status, message)


def answered_by(stubs, **which):
    """Version that answers; its answer is its number times that of the first version."""
    request = predict_request(tiny_inputs(), name="versions", **which)
    response = stubs.prediction.Predict(request, timeout=20)
    version = response.model_spec.version.value
    check_answer(response, version * means(2, 4))
    return version


def test_versions_and_labels(stubs):
    assert states(stubs.model, "versions") == {1: "AVAILABLE", 2: "AVAILABLE"}
    assert answered_by(stubs) == answered_by(stubs, version=2) == 2
    assert answered_by(stubs, version=1) == answered_by(stubs, label="stable") == 1
    assert answered_by(stubs, label="canary") == 2
    with_label = status_request("versions", label="canary")
    (found,) = stubs.model.GetModelStatus(with_label, timeout=20).model_version_status
    assert found.version == 2
    response = stubs.prediction.GetModelMetadata(metadata_request("versions", label="stable"))
    assert response.model_spec.version.value == 1


def test_labels_that_are_not_known(stubs):
    message = "Unrecognized servable version label: best"
    for call, request in (
        (stubs.prediction.Predict, predict_request(tiny_inputs(), label="best")),
        (stubs.prediction.GetModelMetadata, metadata_request(label="best")),
        (stubs.model.GetModelStatus, status_request(label="best")),
    ):
        assert refusal(call, request) == ("INVALID_ARGUMENT", message)


def versions(served, policy, *labels, name="versions"):
    """A models.config with another policy for the model with several versions."""
    listed = " ".join(
        f'version_labels {{ key: "{label}" value: {version} }}' for label, version in labels
    )
    rest = f"model_version_policy {{ {policy} }} {listed}"
    return (
        "model_config_list { "
        + model("demand", f"{served.models}/demand")
        + model("examples", f"{served.models}/examples")
        + model(name, f"{served.models}/versions", rest)
        + " }"
    )


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("latest { num_versions: 1 }", {3}),
        ("latest { num_versions: 2 }", {2, 3}),
        ("all {}", {1, 2, 3}),
        ("specific { versions: 2 }", {2}),
        ("specific { versions: 1 versions: 3 }", {1, 3}),
    ],
)
def test_a_reload_changes_the_policy(served, stubs, reload, policy, expected):
    response = reload(versions(served, policy))
    assert (response.status.error_code, response.status.error_message) == (0, "")

    def available():
        found = states(stubs.model, "versions")
        return {version for version, state in found.items() if state == "AVAILABLE"}

    eventually(lambda: available() == expected)
    assert answered_by(stubs) == max(expected)
    assert states(stubs.model, "demand") == {VERSION: "AVAILABLE"}


def test_a_reload_adds_and_removes_models(served, stubs, reload):
    more = model("again", f"{served.models}/demand")
    reload(models_config(served.models, more=more))
    check_answer(
        stubs.prediction.Predict(predict_request(tiny_inputs(), name="again"), timeout=20),
        means(2, 4),
    )
    reload(models_config(served.models))
    gone = predict_request(tiny_inputs(), name="again")
    eventually(lambda: "AVAILABLE" not in states(stubs.model, "again").values())
    status, message = refusal(stubs.prediction.Predict, gone)
    assert (status, message) == ("NOT_FOUND", "Servable not found for request: Latest(again)")


def test_a_reload_moves_labels(served, stubs, reload):
    both = "specific { versions: 1 versions: 2 }"
    reload(versions(served, both, ("stable", 2), ("new", 1)))
    assert answered_by(stubs, label="stable") == 2
    assert answered_by(stubs, label="new") == 1
    request = predict_request(tiny_inputs(), name="versions", label="canary")
    assert refusal(stubs.prediction.Predict, request)[0] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", "INVALID_ARGUMENT"),
        ("custom_model_config {}", "INVALID_ARGUMENT"),
        ('model_config_list { config { name: "a" base_path: "relative" } }', "INVALID_ARGUMENT"),
    ],
    ids=["nothing", "custom", "relative path"],
)
def test_a_reload_that_is_refused_changes_nothing(stubs, reload, text, status):
    import grpc

    before = {name: states(stubs.model, name) for name in ("demand", "versions", "examples")}
    with pytest.raises(grpc.RpcError) as caught:
        reload(text)
    assert caught.value.code().name == status
    assert {name: states(stubs.model, name) for name in before} == before
    assert answered_by(stubs, label="stable") == 1
