"""The pointer file: which model is in service. Writing it is the commit of a push or rollback.

    in_service.json            the model in service
    in_service.history.jsonl   the pointers that it replaced, oldest first, one per line

A pointer enters the history before its successor is written, so no crash can lose one. It is
replaced only while it is still the one with which the change began, so of two changes at once one
is refused; on gs:// and for the first pointer of all it is the filesystem that compares.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from demandcast.components.storage.files import ChangedError, Files, join
from demandcast.schema.errors import ServingError

__all__ = [
    "ANY_POINTER",
    "HISTORY_FILE",
    "NO_POINTER",
    "POINTER_FILE",
    "Pointer",
    "Rollback",
    "digest_of_pointer",
    "pointer_digest",
    "read_history",
    "read_pointer",
    "utc_text",
    "withdrawn",
    "write_pointer",
]

POINTER_FILE = "in_service.json"
HISTORY_FILE = "in_service.history.jsonl"
NO_POINTER = "none"
"""Digest of a pointer that is not there."""
ANY_POINTER = "any"
"""In place of a digest: whatever is in service."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rollback:
    """Why a version in service is a copy of an earlier one.

    Attributes:
        to_version: The earlier version, which was copied.
        from_version: The version that was in service until then.
        by: User who asked for it.
        reason: Why, in the user's words; may be empty.
    """

    to_version: int
    from_version: int
    by: str
    reason: str


@dataclass(frozen=True)
class Pointer:
    """The model in service.

    Attributes:
        version: Number of its folder in the serving directory.
        uri: That folder, as it was when pushed.
        run_id: Run of the pipeline that pushed it.
        digest: Digest of its content (`digest.model_digest`).
        metrics: Metrics with which it passed the gate, by name; finite ones only.
        time: When it came into service, ISO 8601, UTC.
        rollback: If it came into service by a rollback: from where to where, who, and why.
    """

    version: int
    uri: str
    run_id: str
    digest: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    time: str = ""
    rollback: Rollback | None = None

    def to_json(self, *, indent: int | None = 2) -> str:
        """Text of the pointer file; without indent it is one line."""
        values = asdict(self)
        # JSON has no NaN, and readers in other languages refuse it.
        values["metrics"] = {
            name: float(value) for name, value in self.metrics.items() if math.isfinite(value)
        }
        if self.rollback is None:
            del values["rollback"]
        return json.dumps(values, indent=indent, sort_keys=True) + "\n"

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
                rollback=_rollback(values.get("rollback")),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ServingError(
                f"{source}: not a pointer to the model in service ({error!r}); expected JSON with "
                "version, uri, run_id, digest, metrics, time. Remove it to start without one."
            ) from error


def _rollback(values: Mapping[str, Any] | None) -> Rollback | None:
    if values is None:
        return None
    return Rollback(
        to_version=int(values["to_version"]),
        from_version=int(values["from_version"]),
        by=str(values["by"]),
        reason=str(values["reason"]),
    )


def read_pointer(serving_directory: str, files: Files) -> Pointer | None:
    """Reads the pointer of a serving directory; none if nothing was ever pushed.

    Raises:
        ServingError: The file is there and cannot be understood.
    """
    path = join(serving_directory, POINTER_FILE)
    seen = files.look(path)
    return None if seen is None else _pointer_in(seen.content, path)


def read_history(serving_directory: str, files: Files) -> tuple[Pointer, ...]:
    """Reads every pointer there was, oldest first; the last one is that of the pointer file.

    Lines of the history that cannot be understood are passed over with a warning.

    Raises:
        ServingError: The pointer file is there and cannot be understood.
    """
    path = join(serving_directory, HISTORY_FILE)
    pointers: list[Pointer] = []
    for number, line in enumerate(_history_lines(serving_directory, files), start=1):
        try:
            pointers.append(Pointer.from_json(line, source=f"{path}, line {number}"))
        except ServingError as error:
            _LOG.warning("%s", error)
    present = read_pointer(serving_directory, files)
    # A crash between the two files leaves the present pointer in both.
    if present is not None and pointers[-1:] != [present]:
        pointers.append(present)
    return tuple(pointers)


def withdrawn(history: Sequence[Pointer]) -> dict[str, Pointer]:
    """Finds the models that a rollback took out of service, unless another put them back.

    Without it, the next run would evaluate the same model again and push it again.

    Args:
        history: Every pointer there was, oldest first.

    Returns:
        Pointer of the rollback, by the digest of the model from which it led away.
    """
    digests = {pointer.version: pointer.digest for pointer in history}
    found: dict[str, Pointer] = {}
    for pointer in history:
        found.pop(pointer.digest, None)
        if pointer.rollback is not None and pointer.rollback.from_version in digests:
            found[digests[pointer.rollback.from_version]] = pointer
    return found


def write_pointer(
    pointer: Pointer, serving_directory: str, files: Files, *, before: Pointer | None
) -> None:
    """Keeps the pointer that is there in the history, then replaces it.

    Readers see the old or the new file, never a part of one.

    Args:
        pointer: The model in service from now on.
        serving_directory: Directory that the server watches.
        files: Filesystem.
        before: The pointer with which the change began; it must still be there.

    Raises:
        ServingError: Another change was faster.
    """
    path = join(serving_directory, POINTER_FILE)
    try:
        seen = files.look(path)
        present = None if seen is None else _pointer_in(seen.content, path)
        if present != before:
            raise ChangedError(path)
        if before is not None:
            _keep(before, serving_directory, files)
        files.replace(path, pointer.to_json().encode(), seen and seen.generation)
    except ChangedError as error:
        raise ServingError(
            f"{serving_directory}: another model was put into service at the same time; "
            "run again, and it is compared with that one"
        ) from error


def _keep(pointer: Pointer, serving_directory: str, files: Files) -> None:
    """Writes a pointer at the end of the history, unless it is there."""
    path = join(serving_directory, HISTORY_FILE)
    seen = files.look(path)
    lines = [] if seen is None else _lines_in(seen.content)
    line = pointer.to_json(indent=None).rstrip("\n")
    if lines[-1:] != [line]:
        text = "".join(f"{kept}\n" for kept in (*lines, line))
        files.replace(path, text.encode(), seen and seen.generation)


def _history_lines(serving_directory: str, files: Files) -> list[str]:
    seen = files.look(join(serving_directory, HISTORY_FILE))
    return [] if seen is None else _lines_in(seen.content)


def _lines_in(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()


def _pointer_in(content: bytes, path: str) -> Pointer:
    return Pointer.from_json(content.decode("utf-8", "replace"), source=path)


def pointer_digest(serving_directory: str, files: Files) -> str:
    """Digests what the pointer says, so that a cache notices another model in service.

    Returns:
        64 hexadecimal digits, or `NO_POINTER`.

    Raises:
        ServingError: The file is there and cannot be understood.
    """
    return digest_of_pointer(read_pointer(serving_directory, files))


def digest_of_pointer(pointer: Pointer | None) -> str:
    """Digests a pointer that was read, as `pointer_digest` does."""
    if pointer is None:
        return NO_POINTER
    return hashlib.sha256(f"{pointer.version}\0{pointer.digest}".encode()).hexdigest()


def utc_text(moment: datetime.datetime) -> str:
    """Writes a moment as ISO 8601 in UTC, to the second.

    >>> utc_text(datetime.datetime(2026, 11, 20, 9, 30, tzinfo=datetime.UTC))
    '2026-11-20T09:30:00+00:00'
    """
    return moment.astimezone(datetime.UTC).isoformat(timespec="seconds")
