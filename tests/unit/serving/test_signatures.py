"""The check of a request against a signature."""

import doctest

import pytest

from demandcast.serving import signatures
from demandcast.serving.errors import RequestError
from demandcast.serving.signatures import (
    Signature,
    TensorSpec,
    check_input_names,
    check_inputs,
    check_output_names,
)

SIGNATURE = Signature(
    inputs={"a": TensorSpec("DT_FLOAT", (None, 2)), "b": TensorSpec("DT_STRING", (None,))},
    outputs={"x": TensorSpec("DT_FLOAT", None), "y": TensorSpec("DT_FLOAT", None)},
)


def refusal(check, *args):
    with pytest.raises(RequestError) as caught:
        check(*args)
    assert caught.value.status == "INVALID_ARGUMENT"
    return str(caught.value)


def test_examples_in_docstrings():
    assert doctest.testmod(signatures).failed == 0


def test_right_request_passes():
    check_input_names(SIGNATURE, ["b", "a"])
    check_output_names(SIGNATURE, ["y", "x"])
    check_output_names(SIGNATURE, [])
    check_inputs(
        SIGNATURE, {"a": TensorSpec("DT_FLOAT", (0, 2)), "b": TensorSpec("DT_STRING", (0,))}
    )


def test_other_number_of_inputs():
    assert refusal(check_input_names, SIGNATURE, ["a", "c", "d"]) == (
        "input size does not match signature: 3!=2 len({a,c,d}) != len({a,b}). "
        "Sent extra: {c,d}. Missing but required: {b}."
    )
    assert refusal(check_input_names, SIGNATURE, []) == (
        "input size does not match signature: 0!=2 len({}) != len({a,b}). "
        "Sent extra: {}. Missing but required: {a,b}."
    )


def test_other_name_of_an_input():
    assert refusal(check_input_names, SIGNATURE, ["a", "c"]) == (
        "input tensor alias not found in signature: c. Inputs expected to be in the set {a,b}."
    )


def test_unknown_and_repeated_outputs():
    assert refusal(check_output_names, SIGNATURE, ["z"]) == (
        "output tensor alias not found in signature: z Outputs expected to be in the set {x,y}."
    )
    assert refusal(check_output_names, SIGNATURE, ["x", "x"]) == "duplicate output tensor alias: x"


def test_all_wrong_tensors_in_one_message():
    received = {"a": TensorSpec("DT_DOUBLE", (4, 3)), "b": TensorSpec("DT_STRING", (4, 1))}
    assert refusal(check_inputs, SIGNATURE, received) == (
        'input "a": expected DT_FLOAT [?, 2], got DT_DOUBLE [4, 3]; '
        'input "b": expected DT_STRING [?], got DT_STRING [4, 1]'
    )


@pytest.mark.parametrize(
    ("wanted", "given", "fits"),
    [
        (None, (1, 2), True),
        (None, None, True),
        ((None,), None, False),
        ((), (), True),
        ((), (1,), False),
        ((2,), (3,), False),
    ],
)
def test_accepts(wanted, given, fits):
    assert TensorSpec("DT_FLOAT", wanted).accepts(TensorSpec("DT_FLOAT", given)) is fits
    assert not TensorSpec("DT_FLOAT", wanted).accepts(TensorSpec("DT_INT32", given))
