"""Finds the error that was raised on purpose under what TFX and Beam made of it."""

from __future__ import annotations

import re

from demandcast.schema.errors import DemandcastError

__all__ = ["purposeful_error"]

# Beam constructs the exception anew with the step's name at the end of its message.
_BEAM_STEP = re.compile(r"(\s*\[while running '[^']*'\])+\s*$")


def purposeful_error(error: BaseException) -> DemandcastError | None:
    """Returns the `DemandcastError` that caused an error, without Beam's additions.

    >>> from demandcast.schema.errors import ContractError
    >>> purposeful_error(ContractError("target: 3 rows below 0 [while running 'Read/Check']"))
    ContractError('target: 3 rows below 0')
    >>> purposeful_error(KeyError("x")) is None
    True
    """
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        if isinstance(current, DemandcastError):
            message = str(current)
            plain = _BEAM_STEP.sub("", message)
            return current if plain == message else type(current)(plain)
        current = current.__cause__ or current.__context__
    return None
