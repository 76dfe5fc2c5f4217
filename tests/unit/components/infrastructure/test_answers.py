import numpy as np
import pytest

from demandcast.components.infrastructure.answers import answer_reasons


def answer(rows=2, horizon=3, **changes):
    steps = np.ones((rows, horizon))
    sound = {"mean": steps, "quantiles": steps[..., np.newaxis] * [0.5, 1.0, 1.0]}
    return {**sound, **changes}


def reasons(given):
    return answer_reasons(given, rows=2, horizon=3, levels=3)


def test_equal_quantiles_and_zeros_are_a_forecast():
    assert reasons(answer()) == []
    assert reasons(answer(mean=np.zeros((2, 3)))) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_counted(value):
    mean = np.ones((2, 3))
    mean[1, 2] = value
    assert reasons(answer(mean=mean)) == ["mean: 1 of 6 numbers are not finite"]


def test_all_reasons_are_given_at_once():
    quantiles = np.array([[[-1.0, -2.0, 3.0]] * 3, [[1.0, 2.0, 3.0]] * 3])
    assert reasons(answer(mean=np.ones((2, 4)), quantiles=quantiles)) == [
        "mean: shape [2, 4], expected [2, 3]",
        "quantiles: 6 of 18 numbers are negative",
        "quantiles: 3 of 6 forecasts cross",
    ]


def test_a_missing_output_is_named_beside_those_there_are():
    assert reasons({"mean": np.ones((2, 3))}) == ["quantiles: missing; the answer has ['mean']"]
