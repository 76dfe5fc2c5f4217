"""The wire contract, as an application written against TensorFlow Serving uses it.

Nothing of ours is on the client's side: the published stubs alone. Statuses and
wording are those of the C++ server.
"""

import struct

import grpc
import numpy as np
import pytest
from serving_models import HORIZON, LEVELS, push, tiny_inputs

from demandcast.serving.server import ModelServer
from demandcast.serving.server.config import ServerConfig

pytestmark = pytest.mark.slow

NAMES = "{cutoff,in_stock_fraction,observed_mask,price,promotion,store,target,weather}"


@pytest.fixture(scope="module")
def server(models, tmp_path_factory):
    directory = tmp_path_factory.mktemp("serving")
    push(models[1], directory, 7)
    config = ServerConfig(
        serving_directory=directory, port=0, model_name="demand", max_message_bytes=100_000
    )
    with ModelServer(config) as running:
        assert running.wait_until_available(60)
        yield running


@pytest.fixture(scope="module")
def stubs(server):
    from tensorflow_serving.apis import model_service_pb2_grpc, prediction_service_pb2_grpc

    with grpc.insecure_channel(server.address) as channel:
        yield (
            prediction_service_pb2_grpc.PredictionServiceStub(channel),
            model_service_pb2_grpc.ModelServiceStub(channel),
        )


@pytest.fixture(scope="module")
def predict(stubs):
    return lambda request: stubs[0].Predict(request, timeout=20)


def predict_request(arrays, *, name="demand", signature="", version=None, outputs=()):
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    if version is not None:
        request.model_spec.version.value = version
    for key, array in arrays.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(array))
    return request


def refusal(call, request):
    with pytest.raises(grpc.RpcError) as caught:
        call(request)
    return caught.value.code().name, caught.value.details()


def means(rows, periods):
    target = tiny_inputs(rows, periods)["target"]
    return np.repeat(target.mean(axis=1, keepdims=True), HORIZON, axis=1)


def check_answer(response, mean):
    import tensorflow as tf

    assert set(response.outputs) == {"mean", "quantiles"}
    np.testing.assert_allclose(tf.make_ndarray(response.outputs["mean"]), mean, rtol=1e-6)
    np.testing.assert_allclose(
        tf.make_ndarray(response.outputs["quantiles"]),
        mean[..., np.newaxis] * 2 * np.array(LEVELS),
        rtol=1e-6,
    )


@pytest.mark.parametrize(("rows", "periods"), [(1, 1), (2, 4), (40, 90)])
def test_predict(predict, rows, periods):
    response = predict(predict_request(tiny_inputs(rows, periods)))
    check_answer(response, means(rows, periods))
    assert response.model_spec.name == "demand"
    assert response.model_spec.version.value == 7
    assert response.model_spec.signature_name == "serving_default"


def test_answers_are_typed_not_packed(predict):
    mean = predict(predict_request(tiny_inputs())).outputs["mean"]
    assert (mean.dtype, len(mean.float_val), mean.tensor_content) == (1, 2 * HORIZON, b"")
    assert [dim.size for dim in mean.tensor_shape.dim] == [2, HORIZON]


def test_typed_requests_are_read_too(predict):
    request = predict_request(tiny_inputs())
    for name in ("target", "observed_mask", "price"):
        proto = request.inputs[name]
        assert proto.tensor_content
        proto.float_val.extend(np.frombuffer(proto.tensor_content, "<f4").tolist())
        proto.tensor_content = b""
    check_answer(predict(request), means(2, 4))


def test_serialized_examples(predict):
    import tensorflow as tf

    def serialized(values):
        feature = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        features = tf.train.Features(feature={"target": feature})
        return tf.train.Example(features=features).SerializeToString()

    arrays = {"examples": [serialized([1, 2, 6]), serialized([5])]}
    response = predict(predict_request(arrays, signature="serving_examples"))
    check_answer(response, np.array([[(1 + 2 + 6) / 3] * HORIZON, [5] * HORIZON]))
    assert response.model_spec.signature_name == "serving_examples"


def test_one_version_and_one_output(predict):
    response = predict(predict_request(tiny_inputs(), version=7, outputs=["mean"]))
    assert set(response.outputs) == {"mean"}


def test_empty_batch_has_an_empty_answer(predict):
    response = predict(predict_request(tiny_inputs(rows=0)))
    assert [d.size for d in response.outputs["quantiles"].tensor_shape.dim] == [0, HORIZON, 3]


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ({"name": "other"}, "NOT_FOUND", "Servable not found for request: Latest(other)"),
        (
            {"name": "other", "version": 7},
            "NOT_FOUND",
            "Servable not found for request: Specific(other, 7)",
        ),
        ({"version": 3}, "NOT_FOUND", "Servable not found for request: Specific(demand, 3)"),
        ({"version": -1}, "NOT_FOUND", "Servable not found for request: Specific(demand, -1)"),
        ({"name": ""}, "INVALID_ARGUMENT", "ModelSpec has no name specified."),
        (
            {"signature": "s"},
            "FAILED_PRECONDITION",
            'Serving signature key "s" not found.',
        ),
        (
            {"signature": "__saved_model_init_op"},
            "FAILED_PRECONDITION",
            'Serving signature key "__saved_model_init_op" not found.',
        ),
        (
            {"outputs": ["median"]},
            "INVALID_ARGUMENT",
            "output tensor alias not found in signature: median "
            "Outputs expected to be in the set {mean,quantiles}.",
        ),
        (
            {"outputs": ["mean", "mean"]},
            "INVALID_ARGUMENT",
            "duplicate output tensor alias: mean",
        ),
    ],
)
def test_refused_by_its_spec(predict, options, status, message):
    assert refusal(predict, predict_request(tiny_inputs(), **options)) == (status, message)


def test_labels_are_not_known(predict):
    request = predict_request(tiny_inputs())
    request.model_spec.version_label = "canary"
    assert refusal(predict, request) == (
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: canary",
    )


def test_no_spec_at_all(stubs):
    from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2, predict_pb2

    for call, request in (
        (stubs[0].Predict, predict_pb2.PredictRequest()),
        (stubs[0].GetModelMetadata, get_model_metadata_pb2.GetModelMetadataRequest()),
        (stubs[1].GetModelStatus, get_model_status_pb2.GetModelStatusRequest()),
    ):
        assert refusal(call, request) == ("INVALID_ARGUMENT", "Missing ModelSpec")


def changed(**changes):
    arrays = tiny_inputs() | changes
    return {name: array for name, array in arrays.items() if array is not None}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {},
            f"input size does not match signature: 0!=8 len({{}}) != len({NAMES}). "
            f"Sent extra: {{}}. Missing but required: {NAMES}.",
        ),
        (
            changed(price=None, cost=1.0, extra=1.0),
            "input size does not match signature: 9!=8 len({cost,cutoff,extra,in_stock_fraction,"
            f"observed_mask,promotion,store,target,weather}}) != len({NAMES}). "
            "Sent extra: {cost,extra}. Missing but required: {price}.",
        ),
        (
            changed(price=None, cost=1.0),
            f"input tensor alias not found in signature: cost. "
            f"Inputs expected to be in the set {NAMES}.",
        ),
        (
            changed(cutoff=np.array([1, 2], np.int32), target=np.ones(3, np.float32)),
            'input "cutoff": expected DT_INT64 [?], got DT_INT32 [2]; '
            'input "target": expected DT_FLOAT [?, ?], got DT_FLOAT [3]',
        ),
        (
            changed(store=np.array([1.0, 2.0])),
            'input "store": expected DT_STRING [?], got DT_DOUBLE [2]',
        ),
    ],
    ids=["nothing", "too many", "other name", "dtype and rank", "number for text"],
)
def test_refused_by_its_tensors(predict, arrays, message):
    assert refusal(predict, predict_request(arrays)) == ("INVALID_ARGUMENT", message)
    check_answer(predict(predict_request(tiny_inputs())), means(2, 4))


def test_refused_by_the_model(predict):
    uneven = tiny_inputs() | {"observed_mask": np.ones((3, 5), np.float32)}
    status, message = refusal(predict, predict_request(uneven))
    assert status == "INVALID_ARGUMENT"
    assert "Incompatible shapes" in message
    broken = predict_request({"examples": [b"no example"]}, signature="serving_examples")
    status, message = refusal(predict, broken)
    assert status == "INVALID_ARGUMENT"
    assert "Could not parse example input" in message
    check_answer(predict(predict_request(tiny_inputs())), means(2, 4))


def test_tensors_that_lie_about_their_size(predict):
    request = predict_request(tiny_inputs())
    request.inputs["target"].tensor_content = struct.pack("<3f", 1, 2, 3)
    status, message = refusal(predict, request)
    assert (status, "tensor parsing error: target: 12 bytes" in message) == (
        "INVALID_ARGUMENT",
        True,
    )
    request.inputs["target"].tensor_content = b""
    for dim in request.inputs["target"].tensor_shape.dim:
        dim.size = 2**40
    status, message = refusal(predict, request)
    assert (status, "at most 25000 are accepted" in message) == ("INVALID_ARGUMENT", True)


def test_a_message_that_is_too_large(predict):
    request = predict_request(tiny_inputs(rows=100, periods=200))
    status, message = refusal(predict, request)
    assert status == "RESOURCE_EXHAUSTED"
    assert "larger than max" in message
    check_answer(predict(predict_request(tiny_inputs())), means(2, 4))


def test_a_long_refusal_still_has_its_status(predict):
    many = {f"{'x' * 30}{index}": 1.0 for index in range(500)}
    status, message = refusal(predict, predict_request(many))
    assert status == "INVALID_ARGUMENT"
    assert len(message) == 2000


def test_garbage_is_refused(server, predict):
    with grpc.insecure_channel(server.address) as channel:
        call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        with pytest.raises(grpc.RpcError) as caught:
            call(b"\xff\xff\xff", timeout=20)
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    check_answer(predict(predict_request(tiny_inputs())), means(2, 4))


def test_multi_inference_is_not_implemented(stubs):
    from tensorflow_serving.apis import inference_pb2

    request = inference_pb2.MultiInferenceRequest()
    assert refusal(stubs[0].MultiInference, request)[0] == "UNIMPLEMENTED"


def metadata_request(name="demand", *, version=None, fields=("signature_def",)):
    from tensorflow_serving.apis import get_model_metadata_pb2

    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    return request


def test_metadata(stubs, models):
    from tensorflow.core.protobuf import saved_model_pb2
    from tensorflow_serving.apis import get_model_metadata_pb2

    response = stubs[0].GetModelMetadata(metadata_request(), timeout=20)
    assert (response.model_spec.name, response.model_spec.version.value) == ("demand", 7)
    found = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    saved = saved_model_pb2.SavedModel.FromString((models[1] / "saved_model.pb").read_bytes())
    assert dict(found.signature_def) == dict(saved.meta_graphs[0].signature_def)
    assert set(found.signature_def["serving_default"].inputs) == set(tiny_inputs())


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
    call = stubs[0].GetModelMetadata
    assert refusal(call, metadata_request(**options)) == (status, message)


def status_request(name="demand", *, version=None):
    from tensorflow_serving.apis import get_model_status_pb2

    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    return request


@pytest.mark.parametrize("version", [None, 7])
def test_status(stubs, version):
    from tensorflow_serving.apis import get_model_status_pb2

    (found,) = stubs[1].GetModelStatus(status_request(version=version)).model_version_status
    assert found.version == 7
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
    call = stubs[1].GetModelStatus
    assert refusal(call, status_request(**options)) == ("NOT_FOUND", message)


def test_states_have_the_numbers_of_the_wire():
    from tensorflow_serving.apis import get_model_status_pb2

    from demandcast.serving.version_status import VersionState

    states = get_model_status_pb2.ModelVersionStatus.State
    assert {state.name: int(state) for state in VersionState} == dict(states.items())
