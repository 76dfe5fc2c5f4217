"""Puts an earlier version back into service.

    3  4  5     5 is in service, 4 was before
    3  4  5  6  after the rollback: 6 is a copy of 4, and the pointer says so

A server that watches the directory loads the highest number, and so does TensorFlow Serving.
Hence the way back is forward: the earlier model becomes the newest version. Nothing is
deleted, the version that was left can be inspected, and it can be put back the same way. It is
a copy and not a hard link, because object stores have none, and damage to one of the two must
not be damage to both; a model takes a few megabytes.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from demandcast.components.publishing.exclusive import exclusively
from demandcast.components.publishing.lease import Hold
from demandcast.components.publishing.pointer import (
    Pointer,
    Rollback,
    read_history,
    read_pointer,
    utc_text,
    write_pointer,
)
from demandcast.components.publishing.push import is_complete, place_model, versions_in
from demandcast.components.storage.files import Files, join
from demandcast.components.storage.model_digest import model_digest
from demandcast.schema.errors import BadInputError, ServingError

__all__ = ["RollbackRequest", "default_target", "roll_back"]


@dataclass(frozen=True)
class RollbackRequest:
    """What a user asks for.

    Attributes:
        to_version: Version to put back; none for the one in service before the present one.
        by: The user.
        reason: Why; may be empty.
    """

    to_version: int | None
    by: str
    reason: str = ""


def roll_back(
    request: RollbackRequest, serving_directory: str, *, files: Files, now: datetime.datetime
) -> Pointer:
    """Puts an earlier version back into service as the newest one.

    The folder appears whole, then the pointer is replaced. A crash in between leaves a whole
    version without a pointer, which the same rollback, said again, takes up.

    Args:
        request: Which version, who, and why.
        serving_directory: Directory that the server watches.
        files: Filesystem.
        now: Time of the rollback; the number of the new version follows from it.

    Returns:
        The pointer to the new version.

    Raises:
        BadInputError: There is no such version, it is damaged, it never served, or its model is
            in service already.
        ServingError: No model is in service, or the pointer cannot be understood.
    """
    _present(serving_directory, files)  # Holding the directory would make it.
    with exclusively(serving_directory, files) as hold:
        return _roll_back(request, serving_directory, files=files, now=now, hold=hold)


def _roll_back(
    request: RollbackRequest,
    serving_directory: str,
    *,
    files: Files,
    now: datetime.datetime,
    hold: Hold,
) -> Pointer:
    """Rolls back in a directory that nobody else changes meanwhile."""
    present = _present(serving_directory, files)
    history = read_history(serving_directory, files)
    version = request.to_version
    if version is None:
        version = _default(history, serving_directory, files)
    past = _check_target(version, history, serving_directory, files)
    folder = join(serving_directory, str(version))
    digest = _check_content(folder, past, present, files=files)
    new = place_model(folder, serving_directory, digest=digest, files=files, now=now, hold=hold)
    pointer = Pointer(
        version=new,
        uri=join(serving_directory, str(new)),
        run_id="" if past is None else past.run_id,
        digest=digest,
        metrics={} if past is None else past.metrics,
        time=utc_text(now),
        rollback=Rollback(version, present.version, by=request.by, reason=request.reason),
    )
    hold.check()
    write_pointer(pointer, serving_directory, files, before=present)
    return pointer


def _present(serving_directory: str, files: Files) -> Pointer:
    present = read_pointer(serving_directory, files)
    if present is None:
        raise ServingError(
            f"{serving_directory}: no model is in service, so there is none to roll back from; "
            "'demandcast run' puts one into service"
        )
    return present


def default_target(history: Sequence[Pointer], serving_directory: str, files: Files) -> int | None:
    """Finds the version that was in service before the present one.

    Args:
        history: Every pointer there was, oldest first.
        serving_directory: Where the versions lie.
        files: Filesystem.

    Returns:
        The last version in the history that is still there and another model than the present
        one; none if there is no such version.
    """
    if not history:
        return None
    earlier = [
        pointer.version
        for pointer in reversed(history[:-1])
        if pointer.digest != history[-1].digest
        and is_complete(join(serving_directory, str(pointer.version)), files)
    ]
    return next(iter(earlier), None)


def _default(history: Sequence[Pointer], serving_directory: str, files: Files) -> int:
    version = default_target(history, serving_directory, files)
    if version is None:
        raise BadInputError(
            f"{serving_directory}: no other model that was in service is still there; "
            f"versions: {sorted(versions_in(serving_directory, files))}"
        )
    return version


def _check_target(
    version: int, history: Sequence[Pointer], serving_directory: str, files: Files
) -> Pointer | None:
    """Returns what the history knows of a version that may be put back.

    A version older than the history was placed by someone else; its number is below the
    present one. A newer one that the history does not know is a push that was interrupted.
    """
    present = history[-1]
    there = sorted(versions_in(serving_directory, files))
    past = next((pointer for pointer in reversed(history) if pointer.version == version), None)
    if version not in there:
        gone = "was in service, but its folder is gone" if past else "is not there"
        raise BadInputError(f"version {version}: {gone} in {serving_directory}; allowed: {there}")
    if version == present.version:
        raise BadInputError(f"version {version}: is in service already")
    if past is None and version > present.version:
        raise BadInputError(
            f"version {version}: never was in service; allowed: "
            f"{[number for number in there if number < present.version]}"
        )
    return past


def _check_content(folder: str, past: Pointer | None, present: Pointer, *, files: Files) -> str:
    """Returns the digest of a version's files, if they are whole."""
    if not is_complete(folder, files):
        raise BadInputError(
            f"{folder}: is broken, there is no saved_model.pb; name another version"
        )
    digest = model_digest(folder, files)
    if past is not None and past.digest != digest:
        raise BadInputError(
            f"{folder}: is broken, its files are not those that were pushed on {past.time}; "
            "name another version"
        )
    if digest == present.digest:
        raise BadInputError(
            f"{folder}: holds the same model as version {present.version}, which is in service"
        )
    return digest
