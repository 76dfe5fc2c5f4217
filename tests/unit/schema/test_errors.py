"""The tree of errors and the exit codes that scripts rely on."""

import pytest

from demandcast.schema import errors

EXIT_CODES = {
    "DemandcastError": 1,
    "BadInputError": 2,
    "ConfigurationError": 2,
    "ContractError": 2,
    "AnomalyError": 3,
    "NotBlessedError": 4,
    "ServingError": 5,
}


def test_the_tree_is_complete():
    assert set(errors.__all__) == {*EXIT_CODES, "exit_code_of"}


@pytest.mark.parametrize(("name", "code"), EXIT_CODES.items())
def test_exit_codes_are_pinned(name, code):
    error = getattr(errors, name)
    assert error.exit_code == code
    assert error("why").exit_code == code
    assert issubclass(error, errors.DemandcastError)
    assert str(error("why")) == "why"
    assert errors.exit_code_of(error("why")) == code


def test_bugs_and_interrupts_have_exit_codes_too():
    assert errors.exit_code_of(KeyError("x")) == 1
    assert errors.exit_code_of(KeyboardInterrupt()) == 130


def test_bad_input_is_the_base_of_what_the_user_can_repair():
    assert issubclass(errors.ConfigurationError, errors.BadInputError)
    assert issubclass(errors.ContractError, errors.BadInputError)
    assert not issubclass(errors.AnomalyError, errors.BadInputError)
