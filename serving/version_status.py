"""`VersionStatus`: what a server says of one version of a model."""

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

    def __str__(self) -> str:
        """Number, state, and what is wrong if anything is.

        >>> str(VersionStatus(7, VersionState.LOADING))
        '7 LOADING'
        """
        return f"{self.version} {self.state.name} {self.error}".strip()
