"""The smoke test: does a server have a version, and does it answer as the model did when checked?

wait for the version ─► is it the newest? ─► golden request ─► the same numbers?
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from demandcast.schema.errors import ServingError
from demandcast.schema.golden_request import GoldenRequest
from demandcast.serving.client import DemandClient
from demandcast.serving.errors import CallError
from demandcast.serving.version_status import VersionState

__all__ = ["SmokeResult", "smoke_test"]

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class SmokeResult:
    """What a server was seen to do.

    Attributes:
        version: The version that answered.
        series: Series of the golden request; 0 if the model has none.
    """

    version: int
    series: int

    def __str__(self) -> str:
        if not self.series:
            return (
                f"version {self.version} is available; it has no golden request, "
                "so no numbers were compared"
            )
        return (
            f"version {self.version} is available and answers {self.series} golden series as "
            "it did when it was checked"
        )


def smoke_test(
    client: DemandClient,
    *,
    version: int,
    golden: GoldenRequest | None,
    timeout_seconds: float,
    check: Callable[[], None] = lambda: None,
) -> SmokeResult:
    """Asks a server for a version.

    Args:
        client: Connection to the server.
        version: The version that must be in service.
        golden: Request and answer from the model's folder, if it has them.
        timeout_seconds: How long to wait for the version.
        check: Called while it is waited for; raises where there is no hope any more.

    Returns:
        What was compared.

    Raises:
        ServingError: The version does not come, another one serves whoever names none, or the
            answer differs; the message says how.
    """
    _wait_for(client, version, timeout_seconds, check)
    newest = client.metadata().version
    if newest != version:
        raise ServingError(f"version {newest} answers where version {version} was expected")
    if golden is None:
        return SmokeResult(version, series=0)
    inputs = {name: tensor.array() for name, tensor in golden.inputs.items()}
    # As applications ask, without a version.
    answer = client.predict(inputs, signature_name=golden.signature)
    apart = golden.differences(answer)
    if apart:
        raise ServingError(
            f"version {version} does not answer as it did when it was checked: {'; '.join(apart)}"
        )
    return SmokeResult(version, series=len(next(iter(inputs.values()))))


def _wait_for(
    client: DemandClient, version: int, timeout_seconds: float, check: Callable[[], None]
) -> None:
    deadline = time.monotonic() + timeout_seconds
    while True:
        check()
        try:
            statuses = client.status()
            seen = ", ".join(f"version {status}" for status in statuses) or "no version"
        except CallError as error:
            statuses, seen = [], str(error)
        if any(s.version == version and s.state is VersionState.AVAILABLE for s in statuses):
            return
        if time.monotonic() >= deadline:
            raise ServingError(
                f"version {version} is not available after {timeout_seconds:g} s; last seen: {seen}"
            )
        time.sleep(_POLL_SECONDS)
