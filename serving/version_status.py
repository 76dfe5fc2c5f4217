"""State of a version of a model, as server and clients say it."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["VersionState", "VersionStatus"]


class VersionState(enum.IntEnum):
    """Life of a version; the numbers are those of TensorFlow Serving."""

    UNKNOWN = 0
    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class VersionStatus:
    """State of a version, and what is wrong with it.

    Attributes:
        version: Its number.
        state: Where it is in its life.
        error: Why it could not be loaded; empty if nothing is wrong.
    """

    version: int
    state: VersionState
    error: str = ""
