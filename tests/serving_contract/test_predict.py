"""Predict: answers, both encodings of tensors, statuses and wording."""

import struct

import grpc
import numpy as np
import pytest
from serving_contract import VERSION
from serving_contract_calls import check_answer, means, predict_request, refusal
from serving_models import HORIZON, tiny_inputs

pytestmark = pytest.mark.slow

NAMES = "{cutoff,in_stock_fraction,observed_mask,price,promotion,store,target,weather}"


@pytest.fixture
def predict(stubs):
    return lambda request, timeout=20: stubs.prediction.Predict(request, timeout=timeout)


@pytest.mark.parametrize(("rows", "periods"), [(1, 1), (2, 4), (40, 90)])
def test_predict(predict, rows, periods):
    response = predict(predict_request(tiny_inputs(rows, periods)))
    check_answer(response, means(rows, periods))
    assert response.model_spec.name == "demand"
    assert response.model_spec.version.value == VERSION
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
    response = predict(predict_request(tiny_inputs(), version=VERSION, outputs=["mean"]))
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
def test_refused_by_its_tensors(predict, ours, arrays, message):
    status, found = refusal(predict, predict_request(arrays))
    assert status == "INVALID_ARGUMENT"
    assert found == message or not (ours or "size does not match" in message)
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


def test_tensors_that_lie_about_their_size(predict, ours):
    request = predict_request(tiny_inputs())
    request.inputs["target"].tensor_content = struct.pack("<3f", 1, 2, 3)
    status, message = refusal(predict, request)
    assert (status, "tensor parsing error: target" in message) == ("INVALID_ARGUMENT", True)
    assert not ours or "12 bytes of tensor_content for 8 DT_FLOAT: 32" in message
    request.inputs["target"].tensor_content = b""
    for dim in request.inputs["target"].tensor_shape.dim:
        dim.size = 2**40
    status, message = refusal(predict, request)
    assert status == "INVALID_ARGUMENT"
    assert not ours or f"{2**80} elements; at most" in message


def test_a_message_that_is_too_large(predict, served):
    if not served.started:
        pytest.skip("how much it takes is not known")
    request = predict_request(tiny_inputs(rows=100, periods=200))
    status, message = refusal(predict, request)
    assert status == "RESOURCE_EXHAUSTED"
    assert "larger than max" in message
    check_answer(predict(predict_request(tiny_inputs())), means(2, 4))


def test_a_long_refusal_still_has_its_status(predict, ours):
    many = {f"{'x' * 30}{index}": 1.0 for index in range(500)}
    status, message = refusal(predict, predict_request(many))
    assert status == "INVALID_ARGUMENT"
    assert len(message) == 2000 or not ours


def test_garbage_is_refused(channel, predict):
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    assert refusal(call, b"\xff\xff\xff")[0] == "INTERNAL"
    check_answer(predict(predict_request(tiny_inputs())), means(2, 4))


def test_typed_values_that_are_fewer_are_repeated(predict):
    """As in TensorFlow: the last value fills the rest of the tensor."""
    request = predict_request(tiny_inputs())
    for name, value in (("observed_mask", 1.0), ("target", 5.0)):
        request.inputs[name].tensor_content = b""
        request.inputs[name].float_val.append(value)
    check_answer(predict(request), np.full((2, HORIZON), 5.0))


def test_numbers_beside_the_numbers(predict):
    """NaN and infinity are numbers: what they come to is up to the model."""
    inputs = tiny_inputs()
    inputs["target"][0, 0], inputs["target"][1, 0] = np.nan, np.inf
    response = predict(predict_request(inputs))
    found = np.array(response.outputs["mean"].float_val).reshape(2, HORIZON)
    assert np.isnan(found[0]).all()
    assert np.isposinf(found[1]).all()


def test_a_deadline_that_has_passed(predict):
    with pytest.raises(grpc.RpcError) as caught:
        predict(predict_request(tiny_inputs()), timeout=-1)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    check_answer(predict(predict_request(tiny_inputs())), means(2, 4))


def test_a_method_that_there_is_not(channel):
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Guess")
    assert refusal(call, b"")[0] == "UNIMPLEMENTED"
