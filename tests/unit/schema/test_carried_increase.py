"""Increases that add up from push to push: sums, noise, and the way through the pointer."""

import math

import pytest

from demandcast.schema.carried_increase import CarriedIncrease


def chain(*increases, error=0.0):
    found = CarriedIncrease()
    for increase in increases:
        found = found.after(increase, error)
    return found


def test_increases_multiply():
    found = chain(0.01, 0.02, 0.005)
    assert found.pushes == 3
    assert found.at_least(0) == pytest.approx(1.01 * 1.02 * 1.005 - 1)


def test_errors_of_different_evaluations_add_up_as_squares():
    found = chain(0.0001, 0.0001, 0.0001, 0.0001, error=0.01)
    assert found.error == pytest.approx(0.02, rel=1e-3)
    assert found.at_least(2) == pytest.approx(math.exp(0.0004 - 0.04) - 1, rel=1e-3)


@pytest.mark.parametrize("last", [-0.02, -0.5, -0.009901])
def test_a_model_that_makes_up_for_all_starts_anew(last):
    assert chain(0.005, 0.0049, last) == CarriedIncrease()


def test_a_better_model_makes_up_for_some():
    found = chain(0.02, -0.01)
    assert found.at_least(0) == pytest.approx(1.02 * 0.99 - 1)
    assert found.pushes == 2


def test_nothing_is_carried_from_nothing():
    assert CarriedIncrease().to_metrics() == {}
    assert CarriedIncrease.from_metrics({"wape": 0.3}) == CarriedIncrease()
    assert chain(0.0) == CarriedIncrease()


def test_the_pointer_carries_it():
    found = chain(0.01, 0.02, error=0.004)
    metrics = {"wape": 0.3, **found.to_metrics()}
    assert set(metrics) == {
        "wape", "carried_loss_increase", "carried_loss_error", "carried_loss_pushes",
    }  # fmt: skip
    assert CarriedIncrease.from_metrics(metrics) == found
    assert CarriedIncrease.from_json(found.to_json()) == found
