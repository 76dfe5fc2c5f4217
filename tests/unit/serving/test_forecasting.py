"""Padding of series to a request; no TensorFlow, no server."""

import datetime

import numpy as np
import pytest

from demandcast.schema.errors import ContractError
from demandcast.serving.forecasting import forecast_request
from demandcast.serving.signatures import Signature, TensorSpec

H = 2
VECTOR, TABLE = (None,), (None, None)
INPUTS = {
    "store": TensorSpec("DT_STRING", VECTOR),
    "cutoff": TensorSpec("DT_INT64", VECTOR),
    "target": TensorSpec("DT_FLOAT", TABLE),
    "observed_mask": TensorSpec("DT_FLOAT", TABLE),
    "in_stock_fraction": TensorSpec("DT_FLOAT", TABLE),
    "price": TensorSpec("DT_FLOAT", TABLE),
    "promotion": TensorSpec("DT_STRING", TABLE),
    "weather": TensorSpec("DT_FLOAT", TABLE),
}


def signature(horizon=H):
    outputs = {
        "mean": TensorSpec("DT_FLOAT", (None, horizon)),
        "quantiles": TensorSpec("DT_FLOAT", (None, horizon, 3)),
    }
    return Signature(inputs=INPUTS, outputs=outputs)


def one(periods, **changes):
    return {
        "store": "s1",
        "cutoff": 20_000,
        "target": list(range(1, periods + 1)),
        "price": [0.5 + t for t in range(periods + H)],
        "promotion": ["p"] * (periods + H),
        "weather": [20.0 + t for t in range(periods)],
        **changes,
    }


def request(*series, horizon=H):
    return forecast_request(series, signature=signature(horizon))


def test_series_of_different_lengths():
    made = request(one(3), one(1, store="s2", cutoff=19_990))
    nan = np.nan
    expected = {
        "store": np.array([b"s1", b"s2"], object),
        "cutoff": np.array([20_000, 19_990]),
        "target": [[1, 2, 3], [0, 0, 1]],
        "observed_mask": [[1, 1, 1], [0, 0, 1]],
        "in_stock_fraction": [[1, 1, 1], [1, 1, 1]],
        "price": [[0.5, 1.5, 2.5, 3.5, 4.5], [nan, nan, 0.5, 1.5, 2.5]],
        "promotion": np.array([[b"p"] * 5, [b"", b"", b"p", b"p", b"p"]], object),
        "weather": [[20, 21, 22], [nan, nan, 20]],
    }
    assert set(made) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(made[name], np.asarray(array), err_msg=name)
    assert {made[n].dtype for n in ("target", "price", "weather")} == {np.dtype("float32")}
    assert made["cutoff"].dtype == np.int64


def padded_naively(values, width, filler):
    return [filler] * (width - len(values)) + list(values)


@pytest.mark.parametrize("horizon", [H, None])
@pytest.mark.parametrize("lengths", [[1], [4, 4], [7, 1, 3, 0], [0, 0], [300, 2]], ids=str)
def test_against_a_loop(lengths, horizon):
    series = [one(length, store=f"s{length}") for length in lengths]
    made = request(*series, horizon=horizon)
    width = max(*lengths, 1)
    for row, length in enumerate(lengths):
        assert made["store"][row] == f"s{length}".encode()
        assert made["target"][row].tolist() == padded_naively(series[row]["target"], width, 0)
        assert made["observed_mask"][row].tolist() == padded_naively([1] * length, width, 0)
        np.testing.assert_array_equal(
            made["price"][row], padded_naively(series[row]["price"], width + H, np.nan)
        )
        assert made["promotion"][row].tolist() == padded_naively(
            [b"p"] * (length + H), width + H, b""
        )


def test_unknown_periods_are_masked():
    made = request(one(3, target=[np.nan, 2, np.nan]))
    assert made["target"].tolist() == [[0, 2, 0]]
    assert made["observed_mask"].tolist() == [[0, 1, 0]]


def test_given_mask_and_availability_are_kept():
    made = request(one(3, observed_mask=[1, 0, 1], in_stock_fraction=[1, 0.5, 0]), one(3))
    assert made["observed_mask"].tolist() == [[1, 0, 1], [1, 1, 1]]
    assert made["in_stock_fraction"].tolist() == [[1, 0.5, 0], [1, 1, 1]]


def test_a_mask_cannot_call_nan_observed():
    made = request(one(2, target=[np.nan, 2], observed_mask=[1, 1]))
    assert made["observed_mask"].tolist() == [[0, 1]]


@pytest.mark.parametrize("target", [[0, 0], [5, 5], [np.nan, np.nan], [3e38, 1e-40]], ids=str)
def test_edge_histories(target):
    made = request(one(2, target=target))
    np.testing.assert_array_equal(made["target"], np.nan_to_num([target]).astype(np.float32))
    np.testing.assert_array_equal(made["observed_mask"], 1.0 - np.isnan([target]))


def test_missing_values_of_covariates_stay():
    made = request(one(1, price=[np.nan, 1, 2], promotion=["", "a", ""], weather=[np.nan]))
    np.testing.assert_array_equal(made["price"], np.array([[np.nan, 1, 2]], np.float32))
    assert made["promotion"].tolist() == [[b"", b"a", b""]]
    assert np.isnan(made["weather"]).all()


@pytest.mark.parametrize(
    "day", [datetime.date(2024, 10, 4), np.datetime64("2024-10-04"), np.datetime64("2024-10-04T00")]
)
def test_cutoff_as_a_date(day):
    expected = (datetime.date(2024, 10, 4) - datetime.date(1970, 1, 1)).days
    assert request(one(1, cutoff=day))["cutoff"].tolist() == [expected]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weather": [1.0]}, "'weather' must have T, or T . 2 where known ahead, values"),
        ({"price": [1.0] * 6}, "1 do not: 6 in series 1 .T 3."),
        ({"price": [1.0] * 3}, "'price' must have"),
        ({"observed_mask": [1.0] * 5}, "'observed_mask' must have T values"),
        ({"in_stock_fraction": [1.0]}, "'in_stock_fraction' must have T values"),
        ({"extra": 1}, r"series 1: missing \[\], not an input \['extra'\]. Inputs of the model"),
        ({"target": [1, np.inf, 3]}, "series 1: 'target' holds infinite values"),
        ({"target": ["a", "b", "c"]}, "series 1: target and mask must be numbers"),
        ({"target": [1e39, 1, 1]}, "'target' must hold values of type float32: overflow"),
        ({"target": [[1.0], [2.0], [3.0]]}, "'target' must be a list of values"),
        ({"price": ["a"] * 5}, "'price' must hold values of type float32"),
        ({"promotion": [None] * 5}, "'promotion' must hold values of type text"),
        ({"cutoff": 20_000.5}, "'cutoff' must hold values of type int64"),
        ({"store": 7}, "'store' must hold values of type text"),
    ],
)
def test_refused(changes, message):
    with pytest.raises(ContractError, match=message):
        request(one(3), one(3, **changes))


def test_a_list_where_one_value_belongs():
    with pytest.raises(ContractError, match="'store' must be one value per series"):
        request(one(3, store=["a", "b"]), one(3, store=["a", "b"]))


def test_missing_names_are_listed_and_counted():
    broken = {"target": [1.0]}
    with pytest.raises(ContractError, match=r"\['cutoff', 'price',.*\(and 2 more\)"):
        request(*[broken] * 7)


def test_all_wrong_inputs_in_one_message():
    with pytest.raises(ContractError, match=r"'cutoff'.*'price'"):
        request(one(3, cutoff=1.5, price=[1.0]))


def test_no_series():
    with pytest.raises(ContractError, match="at least one series"):
        request()


def test_a_signature_of_another_kind():
    other = Signature(inputs={"examples": TensorSpec("DT_STRING", VECTOR)}, outputs={})
    with pytest.raises(ContractError, match="takes no 'target'"):
        forecast_request([one(1)], signature=other)
