"""Classify and Regress: which signatures are for them, and what their outputs must look like."""

from types import SimpleNamespace

import numpy as np
import pytest

from demandcast.serving import messages
from demandcast.serving.errors import RequestError
from demandcast.serving.server.examples_api import (
    CLASSIFY,
    REGRESS,
    check_method,
    classifications,
    regressions,
    serialized_examples,
)


def signature(method, inputs=("inputs",), outputs=("outputs",)):
    found = messages.SignatureDef(method_name=method)
    for name in inputs:
        found.inputs[name].SetInParent()
    for name in outputs:
        found.outputs[name].SetInParent()
    return found


def refusal(work, *arguments, **options):
    with pytest.raises(RequestError) as caught:
        work(*arguments, **options)
    assert caught.value.status == "INVALID_ARGUMENT"
    return str(caught.value)


def checked(found, method, name=""):
    servable = SimpleNamespace(signature_defs={"serving_default": found})
    return check_method(servable, name, method)


@pytest.mark.parametrize(
    ("method", "outputs"),
    [
        (REGRESS, ["outputs"]),
        (CLASSIFY, ["classes"]),
        (CLASSIFY, ["scores"]),
        (CLASSIFY, ["classes", "scores"]),
    ],
)
def test_signatures_that_fit(method, outputs):
    found = signature(method, outputs=outputs)
    assert checked(found, method) == checked(found, method, "serving_default") == "serving_default"


@pytest.mark.parametrize(
    ("method", "found", "message"),
    [
        (
            CLASSIFY,
            signature("tensorflow/serving/predict"),
            "Expected classification signature method_name to be tensorflow/serving/classify. "
            "Was: tensorflow/serving/predict",
        ),
        (
            REGRESS,
            signature(CLASSIFY),
            "Expected regression signature method_name to be tensorflow/serving/regress. "
            "Was: tensorflow/serving/classify",
        ),
        (REGRESS, signature(REGRESS, inputs=("a", "b")), "Expected one input Tensor."),
        (REGRESS, signature(REGRESS, inputs=()), "Expected one input Tensor."),
        (
            CLASSIFY,
            signature(CLASSIFY, inputs=("examples",)),
            "No classification inputs found in SignatureDef: serving_default",
        ),
        (
            CLASSIFY,
            signature(CLASSIFY, outputs=("labels",)),
            "Expected classification signature outputs to contain at least one of "
            '"classes" or "scores".',
        ),
        (
            REGRESS,
            signature(REGRESS, outputs=()),
            'Expected regression signature outputs to contain at least one of "outputs".',
        ),
    ],
)
def test_signatures_that_do_not_fit(method, found, message):
    assert refusal(checked, found, method) == message


def test_a_signature_that_is_not_there():
    assert refusal(checked, signature(REGRESS), REGRESS, "s") == (
        "No signature was found with the name: s"
    )


def example(**features):
    found = messages.Example()
    for name, values in features.items():
        found.features.feature[name].float_list.value.extend(values)
    return found


def parsed(request_input):
    array = serialized_examples(request_input)["inputs"]
    assert array.dtype == object
    return [
        {
            name: list(feature.float_list.value)
            for name, feature in messages.Example.FromString(one).features.feature.items()
        }
        for one in array
    ]


def test_examples_are_handed_on():
    found = messages.Input()
    found.example_list.examples.extend([example(x=[1, 2]), example(), example(x=[3])])
    assert parsed(found) == [{"x": [1, 2]}, {}, {"x": [3]}]


def test_a_context_is_put_into_each_example_and_an_examples_own_wins():
    found = messages.Input()
    shared = found.example_list_with_context
    shared.context.CopyFrom(example(store=[7], x=[0]))
    shared.examples.extend([example(x=[1]), example(y=[2])])
    assert parsed(found) == [{"store": [7], "x": [1]}, {"store": [7], "x": [0], "y": [2]}]


@pytest.mark.parametrize("kind", ["", "example_list", "example_list_with_context"])
def test_no_example_at_all(kind):
    found = messages.Input()
    if kind:
        getattr(found, kind).SetInParent()
    assert refusal(serialized_examples, found) == "Input is empty."


def texts(*rows):
    return np.array([[text.encode() for text in row] for row in rows], dtype=object)


def numbers(*rows):
    return np.array(rows, np.float32)


def test_classes_and_scores():
    outputs = {"classes": texts("ab", "cd"), "scores": numbers([0.25, 0.5], [0.75, 1])}
    found = classifications(outputs, rows=2)
    assert [[(one.label, one.score) for one in row.classes] for row in found.classifications] == [
        [("a", 0.25), ("b", 0.5)],
        [("c", 0.75), ("d", 1)],
    ]


def test_classes_or_scores_alone():
    (row,) = classifications({"classes": texts("ab")}, rows=1).classifications
    assert [(one.label, one.score) for one in row.classes] == [("a", 0), ("b", 0)]
    (row,) = classifications({"scores": numbers([2, 3])}, rows=1).classifications
    assert [(one.label, one.score) for one in row.classes] == [("", 2), ("", 3)]


def test_a_label_that_is_no_text_is_still_an_answer():
    found = classifications({"classes": np.array([[b"\xff"]], dtype=object)}, rows=1)
    assert found.classifications[0].classes[0].label == "\ufffd"


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (
            {"scores": np.ones(2, np.float32)},
            "Expected Tensor shape: [batch_size num_classes] but got [2]",
        ),
        ({"scores": numbers([1])}, "Expected scores output batch size of 2. Got: 1"),
        (
            {"classes": texts("a", "b"), "scores": numbers([1, 2], [3, 4])},
            "Tensors class and score should match in dim_size(1). Got 1 vs. 2",
        ),
        ({"scores": np.ones((2, 1))}, "Expected scores Tensor of DT_FLOAT. Got: float64"),
        (
            {"classes": np.ones((2, 1), np.int64)},
            "Expected classes Tensor of DT_STRING. Got: int64",
        ),
    ],
)
def test_classes_of_another_shape_or_type(outputs, message):
    assert refusal(classifications, outputs, rows=2) == message


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_numbers(shape):
    array = np.array([1, 2, 3], np.float32).reshape(shape)
    found = regressions({"outputs": array}, rows=3)
    assert [one.value for one in found.regressions] == [1, 2, 3]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.ones((3, 2), np.float32),
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] "
            "but got [3, 2]",
        ),
        (
            np.ones(2, np.float32),
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [2]",
        ),
        (np.ones(3, np.int64), "Expected output Tensor of DT_FLOAT. Got: int64"),
        (texts("abc").reshape(3), "Expected output Tensor of DT_FLOAT. Got: object"),
    ],
)
def test_numbers_of_another_shape_or_type(array, message):
    assert refusal(regressions, {"outputs": array}, rows=3) == message
