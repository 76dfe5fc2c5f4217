"""What a test needs and this machine lacks."""

from __future__ import annotations

import os

import pytest

__all__ = ["missing"]


def missing(what: str, cure: str, *, from_make: bool = True) -> None:
    """Skips a test with the reason.

    Args:
        what: That there is not.
        cure: How one gets it.
        from_make: Whether a target of make brings it; then CI fails, or nobody would notice.
    """
    message = f"there is no {what} here: {cure}"
    if from_make and os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
