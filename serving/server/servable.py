"""`Servable`: one loaded version of a model, as the rest of the server sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from demandcast.serving.signatures import Signature

__all__ = ["Loader", "Servable"]


class Servable(Protocol):
    """A loaded version that answers requests; safe to use from many threads."""

    @property
    def version(self) -> int:
        """Number of the version."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """Entry points that can be called, by name."""

    @property
    def signature_defs(self) -> Mapping[str, Any]:
        """The `SignatureDef` messages of the saved model, by name."""

    def predict(
        self, signature_name: str, inputs: Mapping[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """Runs one signature on checked inputs.

        Args:
            signature_name: A key of `signatures`.
            inputs: One array per input, of its type and shape; bytes objects for strings.

        Returns:
            One array per output.

        Raises:
            RequestError: The model itself refuses the values.
        """


Loader = Callable[[Path, int], Servable]
"""Loads the version of that number from that folder; raises whatever is wrong with it."""
