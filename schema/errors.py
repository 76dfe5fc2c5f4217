"""Errors that demandcast raises on purpose, and the exit code of each.

    DemandcastError                     1  something inside demandcast
    ├── BadInputError                   2  what the user gave cannot be used
    │   ├── ConfigurationError             the YAML file: key, value, what is allowed
    │   └── ContractError                  the data: column, count, first rows
    ├── AnomalyError                    3  data contradicts the schema, or its past
    ├── NotBlessedError                 4  the model did not pass the gate
    └── ServingError                    5  no model in service, or the server failed

A message names the thing, the value received, and what is allowed. The command
line prints it without a traceback and exits with `exit_code`. Any other exception is a bug
(1), or an interrupt (130).
"""

__all__ = [
    "AnomalyError",
    "BadInputError",
    "ConfigurationError",
    "ContractError",
    "DemandcastError",
    "NotBlessedError",
    "ServingError",
    "exit_code_of",
]

_INTERNAL_ERROR = 1
_INTERRUPTED = 130


class DemandcastError(Exception):
    """Base of all errors raised on purpose."""

    exit_code = 1


class BadInputError(DemandcastError):
    """What the user gave cannot be used."""

    exit_code = 2


class ConfigurationError(BadInputError):
    """A key or value of the configuration is wrong."""


class ContractError(BadInputError):
    """A table breaks the contract that the configuration states for it."""


class AnomalyError(DemandcastError):
    """The data contradicts the schema, or does not go on as it was."""

    exit_code = 3


class NotBlessedError(DemandcastError):
    """The model did not pass the gate; nothing was pushed."""

    exit_code = 4


class ServingError(DemandcastError):
    """No model is in service, or the server could not start or answer."""

    exit_code = 5


def exit_code_of(error: BaseException) -> int:
    """Returns the exit code with which a command ends that an exception stopped.

    >>> exit_code_of(AnomalyError()), exit_code_of(KeyError()), exit_code_of(KeyboardInterrupt())
    (3, 1, 130)
    """
    if isinstance(error, KeyboardInterrupt):
        return _INTERRUPTED
    return error.exit_code if isinstance(error, DemandcastError) else _INTERNAL_ERROR
