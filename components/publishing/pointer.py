"""The pointer file: which model is in service. Writing it is the commit of a push."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from demandcast.components.publishing.files import Files, join
from demandcast.schema.errors import ServingError

__all__ = [
    "NO_POINTER",
    "POINTER_FILE",
    "Pointer",
    "pointer_digest",
    "read_pointer",
    "utc_text",
    "write_pointer",
]

POINTER_FILE = "in_service.json"
NO_POINTER = "none"


@dataclass(frozen=True)
class Pointer:
    """The model in service.

    Attributes:
        version: Number of its folder in the serving directory.
        uri: That folder, as it was when pushed.
        run_id: Run of the pipeline that pushed it.
        digest: Digest of its content (`digest.model_digest`).
        metrics: Metrics with which it passed the gate, by name; finite ones only.
        time: When it was pushed, ISO 8601, UTC.
    """

    version: int
    uri: str
    run_id: str
    digest: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    time: str = ""

    def to_json(self) -> str:
        """Text of the pointer file."""
        values = asdict(self)
        # JSON has no NaN, and readers in other languages refuse it.
        values["metrics"] = {
            name: float(value) for name, value in self.metrics.items() if math.isfinite(value)
        }
        return json.dumps(values, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, *, source: str) -> Pointer:
        """Reads the text of a pointer file; keys that later versions add are ignored.

        Raises:
            ServingError: It is not what `to_json` writes; the message names the source.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            return cls(
                version=int(values["version"]),
                uri=str(values["uri"]),
                run_id=str(values["run_id"]),
                digest=str(values["digest"]),
                metrics={name: float(value) for name, value in values["metrics"].items()},
                time=str(values["time"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ServingError(
                f"{source}: not a pointer to the model in service ({error!r}); expected JSON with "
                "version, uri, run_id, digest, metrics, time. Remove it to start without one."
            ) from error


def read_pointer(serving_directory: str, files: Files) -> Pointer | None:
    """Reads the pointer of a serving directory; none if nothing was ever pushed.

    Raises:
        ServingError: The file is there and cannot be understood.
    """
    path = join(serving_directory, POINTER_FILE)
    if not files.exists(path):
        return None
    return Pointer.from_json(files.read(path).decode("utf-8", "replace"), source=path)


def write_pointer(pointer: Pointer, serving_directory: str, files: Files) -> None:
    """Writes the pointer aside, then renames it: readers see the old or the new one."""
    path = join(serving_directory, POINTER_FILE)
    aside = join(serving_directory, f".{POINTER_FILE}.new")
    files.write(aside, pointer.to_json().encode())
    files.rename(aside, path)


def pointer_digest(serving_directory: str, files: Files) -> str:
    """Digests what the pointer says, so that a cache notices another model in service.

    Returns:
        64 hexadecimal digits, or `NO_POINTER`.

    Raises:
        ServingError: The file is there and cannot be understood.
    """
    pointer = read_pointer(serving_directory, files)
    if pointer is None:
        return NO_POINTER
    return hashlib.sha256(f"{pointer.version}\0{pointer.digest}".encode()).hexdigest()


def utc_text(moment: datetime.datetime) -> str:
    """Writes a moment as ISO 8601 in UTC, to the second.

    >>> utc_text(datetime.datetime(2026, 11, 20, 9, 30, tzinfo=datetime.UTC))
    '2026-11-20T09:30:00+00:00'
    """
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds")
