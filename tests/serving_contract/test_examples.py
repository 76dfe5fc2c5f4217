"""Classify, Regress and MultiInference: the calls over `tf.Example`."""

import pytest
from serving_contract_calls import fill, refusal

pytestmark = pytest.mark.slow


def example(**features):
    import tensorflow as tf

    return tf.train.Example(
        features=tf.train.Features(
            feature={
                name: tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
                for name, value in features.items()
            }
        )
    )


def request_of(kind, *examples, name="examples", signature="", context=None, **which):
    from tensorflow_serving.apis import classification_pb2, regression_pb2

    kinds = {
        "classify": classification_pb2.ClassificationRequest,
        "regress": regression_pb2.RegressionRequest,
    }
    request = kinds[kind]()
    request.model_spec.signature_name = signature
    fill(request.model_spec, name, **which)
    if context is None:
        request.input.example_list.examples.extend(examples)
    else:
        request.input.example_list_with_context.context.CopyFrom(context)
        request.input.example_list_with_context.examples.extend(examples)
    return request


def call_of(stubs, kind):
    return {"classify": stubs.prediction.Classify, "regress": stubs.prediction.Regress}[kind]


def ask(stubs, kind, *examples, **options):
    request = request_of(kind, *examples, **{"signature": kind} | options)
    return call_of(stubs, kind)(request, timeout=20)


def test_regress(stubs):
    response = ask(stubs, "regress", example(x=1.5), example(x=-2))
    assert [one.value for one in response.result.regressions] == [3, -4]
    spec = response.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("examples", 1, "regress")


def test_classify(stubs):
    response = ask(stubs, "classify", example(x=0.25), example(x=1))
    assert [
        [(one.label, one.score) for one in row.classes] for row in response.result.classifications
    ] == [[("low", 0.75), ("high", 0.25)], [("low", 0), ("high", 1)]]
    assert response.model_spec.signature_name == "classify"


def test_a_shared_context(stubs):
    response = ask(stubs, "regress", example(y=1), example(y=2), context=example(x=4))
    assert [one.value for one in response.result.regressions] == [8, 8]


@pytest.mark.parametrize("kind", ["classify", "regress"])
@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ({"name": "x"}, "NOT_FOUND", "Servable not found for request: Latest(x)"),
        ({"version": 9}, "NOT_FOUND", "Servable not found for request: Specific(examples, 9)"),
        ({"label": "l"}, "INVALID_ARGUMENT", "Unrecognized servable version label: l"),
        ({"signature": "s"}, "INVALID_ARGUMENT", "No signature was found with the name: s"),
        (
            {"signature": ""},
            "INVALID_ARGUMENT",
            "Expected {} signature method_name to be tensorflow/serving/{}. "
            "Was: tensorflow/serving/predict",
        ),
    ],
)
def test_refused_by_its_spec(stubs, kind, options, status, message):
    request = request_of(kind, example(x=1), **{"signature": kind} | options)
    expected = message.format({"classify": "classification", "regress": "regression"}[kind], kind)
    assert refusal(call_of(stubs, kind), request) == (status, expected)


@pytest.mark.parametrize("kind", ["classify", "regress"])
def test_refused_by_its_examples(stubs, kind):
    nothing = request_of(kind, signature=kind)
    status, message = refusal(call_of(stubs, kind), nothing)
    assert (status, "empty" in message) == ("INVALID_ARGUMENT", True)
    other = request_of(kind, example(y=1), signature=kind)
    status, message = refusal(call_of(stubs, kind), other)
    assert (status, "required but could not be found" in message) == ("INVALID_ARGUMENT", True)


def test_multi_inference(stubs, served, ours):
    from tensorflow_serving.apis import inference_pb2

    if not (served.started or ours):
        pytest.skip("TensorFlow Serving answers it")
    found = refusal(stubs.prediction.MultiInference, inference_pb2.MultiInferenceRequest())
    assert found == ("UNIMPLEMENTED", "MultiInference is not implemented by this server")
