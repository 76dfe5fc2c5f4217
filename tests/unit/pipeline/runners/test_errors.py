import doctest

import pytest

from demandcast.pipeline.runners import errors as module
from demandcast.pipeline.runners.errors import purposeful_error
from demandcast.schema.errors import AnomalyError, ContractError


def test_examples_in_docstrings_are_true():
    assert doctest.testmod(module).failed == 0


def chained(cause):
    try:
        try:
            raise cause
        except type(cause) as error:
            raise RuntimeError("a library failed") from error
    except RuntimeError as error:
        return error


def test_the_cause_is_found_below_other_errors():
    cause = AnomalyError("column 'price'")
    assert purposeful_error(chained(cause)) is cause


def test_the_context_counts_too():
    error = KeyError("x")
    error.__context__ = AnomalyError("column 'price'")
    assert purposeful_error(error) is error.__context__


@pytest.mark.parametrize("steps", [1, 2])
def test_steps_of_beam_are_cut_off(steps):
    error = ContractError("target: 3 rows" + " [while running 'A/B-ptransform-1']" * steps)
    found = purposeful_error(error)
    assert isinstance(found, ContractError)
    assert str(found) == "target: 3 rows"


def test_a_bug_is_not_on_purpose():
    assert purposeful_error(chained(ValueError("x"))) is None


def test_circles_end():
    error = ValueError("x")
    error.__context__ = RuntimeError("y")
    error.__context__.__context__ = error
    assert purposeful_error(error) is None
