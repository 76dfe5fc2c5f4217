import numpy as np
import pytest

from demandcast.schema.golden_request import GoldenRequest, GoldenTensor, differences

INPUTS = {
    "store": np.array([b"s\xc3\xa4", b""], dtype=object),
    "promotion": np.array([[b"", b"sale"], [b"none", b""]], dtype=object),
    "cutoff": np.array([20_000, -(2**62)], dtype=np.int64),
    "price": np.array([[np.nan, 0.1], [1e-30, 3e38]], dtype=np.float32),
}
OUTPUTS = {"mean": np.array([[1 / 3, 0.0]], dtype=np.float32)}


def test_a_request_comes_back_from_json_bit_by_bit():
    text = GoldenRequest.of("serving_default", INPUTS, OUTPUTS).model_dump_json()
    golden = GoldenRequest.model_validate_json(text)
    assert golden.signature == "serving_default"
    for name, array in INPUTS.items():
        back = golden.inputs[name].array()
        np.testing.assert_array_equal(back, array)
        assert back.dtype == array.dtype
    np.testing.assert_array_equal(golden.outputs["mean"].array(), OUTPUTS["mean"])
    assert "NaN" not in text  # Which is no JSON.


def test_the_same_answer_does_not_differ():
    assert GoldenRequest.of("s", INPUTS, OUTPUTS).differences(OUTPUTS) == []


# Of a series whose largest number is 1000, 1 may differ: 0.1 %.
@pytest.mark.parametrize(("by", "differs"), [(0.99, False), (1.01, True), (-1.01, True)])
def test_a_share_of_the_largest_number_of_a_series_may_differ(by, differs):
    expected = {"mean": np.array([[1000.0, 2.0]])}
    assert bool(differences(expected, {"mean": np.array([[1000.0, 2.0 + by]])})) == differs


def test_a_series_is_measured_by_its_own_numbers_and_not_by_those_of_others():
    expected = np.array([[1000.0, 1000.0], [1.0, 1.0]])
    assert differences({"mean": expected}, {"mean": expected + 0.5}) == [
        "mean: series 1 answers 1.5 where 1 was expected"
    ]


def test_series_without_any_demand_must_stay_at_nothing():
    expected = {"mean": np.zeros((1, 2))}
    assert differences(expected, {"mean": np.full((1, 2), 1e-7)}) == []
    assert differences(expected, {"mean": np.full((1, 2), 1e-3)}) != []


def test_every_output_that_differs_is_named():
    expected = {name: np.ones((2, 3)) for name in ("a", "b", "c", "d")}
    answer = {"a": np.ones((2, 3)), "b": np.ones((2, 4)), "c": np.full((2, 3), np.nan)}
    assert differences(expected, answer) == [
        "b: shape [2, 4], expected [2, 3]",
        "c: series 0 answers nan where 1 was expected",
        "d: missing from the answer",
    ]


def test_a_batch_of_no_series_differs_in_nothing():
    empty = {"mean": np.zeros((0, 3))}
    assert differences(empty, empty) == []


def test_a_tensor_of_another_type_is_refused():
    with pytest.raises(ValueError, match="dtype"):
        GoldenTensor(dtype="float64", values=[])
