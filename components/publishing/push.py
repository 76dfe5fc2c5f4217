"""Pushes a model: a new numbered folder in the serving directory, then the pointer.

    local    copy to .pushing-<version>/  ->  rename to <version>/  ->  pointer
    remote   copy all but saved_model.pb  ->  saved_model.pb        ->  pointer

Where copies are made in place, a version number is claimed first (`.claimed/<version>`, which must
not be there yet): two pushes never write into one folder, even if one of them was overtaken.

A server that watches the directory loads a version when its folder (or, in an
object store, its `saved_model.pb`) appears, so it never sees half a model. What
an interrupted push left half-copied is removed by the next one; a whole version
that only lacks its pointer is given it. A push never removes a complete version.
One push or rollback works in a directory at a time (`exclusive.py`).
"""

from __future__ import annotations

import contextlib
import datetime
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from demandcast.components.publishing.exclusive import exclusively
from demandcast.components.publishing.lease import Hold
from demandcast.components.publishing.pointer import (
    HISTORY_FILE,
    POINTER_FILE,
    Pointer,
    read_history,
    read_pointer,
    utc_text,
    withdrawn,
    write_pointer,
)
from demandcast.components.publishing.profiles import keep_profile
from demandcast.components.storage.files import NEW, ChangedError, Files, is_remote, join
from demandcast.components.storage.model_digest import model_digest
from demandcast.schema.artifact_names import SAVED_MODEL_FILE
from demandcast.schema.errors import ServingError

__all__ = [
    "ASIDE",
    "CLAIMS",
    "FIRST_OF_OUR_VERSIONS",
    "Judged",
    "ModelToPush",
    "Push",
    "is_complete",
    "next_version",
    "place_model",
    "push_model",
    "versions_in",
]

ASIDE = ".pushing-"
"""Begins the name of a folder that is being filled."""

CLAIMS = ".claimed"
"""Folder with a file for each version number that was taken and not committed."""

FIRST_OF_OUR_VERSIONS = 1_000_000_000
"""Versions are Unix times, which have ten digits since 2001."""


@dataclass(frozen=True)
class ModelToPush:
    """A model that passed the gate.

    Attributes:
        folder: Folder that holds its `saved_model.pb`.
        run_id: Run of the pipeline that made it.
        metrics: Metrics with which it passed, by name.
        profile: File with the profile of the data behind it, if there is one.
        judged: What the gate judged; None if it does not say.
    """

    folder: str
    run_id: str
    metrics: Mapping[str, float]
    profile: str | None = None
    judged: Judged | None = None


@dataclass(frozen=True)
class Judged:
    """What a blessing is worth: it holds for one model, and against one in service.

    Attributes:
        digest: Digest of the model that was evaluated.
        baseline_digest: Digest of the model that served then; empty if none did.
    """

    digest: str
    baseline_digest: str


@dataclass(frozen=True)
class Push:
    """What a push came to.

    Attributes:
        pushed: Whether a new version was written.
        pointer: The model in service now.
        reason: One sentence for the user.
        serves: Whether that is the model that was to be pushed.
    """

    pushed: bool
    pointer: Pointer
    reason: str
    serves: bool = True


def next_version(existing: Sequence[int], now: datetime.datetime) -> int:
    """Returns the Unix time, or one more than the newest version if a clock ran ahead.

    >>> moment = datetime.datetime.fromtimestamp(1_700_000_000, datetime.UTC)
    >>> next_version([3], moment), next_version([1_800_000_000], moment)
    (1700000000, 1800000001)
    """
    return max([int(now.timestamp()), *(version + 1 for version in existing)])


def push_model(
    model: ModelToPush, serving_directory: str, *, files: Files, now: datetime.datetime
) -> Push:
    """Puts a model into service, unless it is there already.

    Args:
        model: The model; it must have passed the gate.
        serving_directory: Directory that the server watches.
        files: Filesystem.
        now: Time of the push; the version number follows from it.

    Returns:
        What was done. A model whose digest is already in service is not pushed again, nor is
        one from which a rollback led away.

    Raises:
        FileNotFoundError: The model's folder holds no SavedModel.
        ServingError: The pointer file cannot be understood, others hold the directory, or the
            blessing is for another model or against another one in service.
    """
    digest = model_digest(model.folder, files)
    if model.judged is not None and model.judged.digest != digest:
        raise ServingError(
            f"{model.folder}: these are not the files that were evaluated; somebody changed them "
            "since. Run again with --no-cache: that trains a new model, and searches anew if "
            "tuning is enabled"
        )
    with exclusively(serving_directory, files) as hold:
        return _push(model, serving_directory, digest=digest, files=files, now=now, hold=hold)


def _push(
    model: ModelToPush,
    serving_directory: str,
    *,
    digest: str,
    files: Files,
    now: datetime.datetime,
    hold: Hold,
) -> Push:
    """Pushes a model into a directory that nobody else changes meanwhile."""
    _remove_leftovers(serving_directory, files)
    in_service = read_pointer(serving_directory, files)
    if in_service is not None and in_service.digest == digest:
        folder = join(serving_directory, str(in_service.version))
        if is_complete(folder, files):
            reason = f"this model is already in service as version {in_service.version}"
            return Push(pushed=False, pointer=in_service, reason=reason)
    if model.judged is not None:
        _check_baseline(model.judged, in_service, serving_directory)
    rollback = withdrawn(read_history(serving_directory, files)).get(digest)
    if rollback is not None and in_service is not None:
        reason = _withdrawn_reason(rollback)
        return Push(pushed=False, pointer=in_service, reason=reason, serves=False)
    version = place_model(
        model.folder, serving_directory, digest=digest, files=files, now=now, hold=hold
    )
    if model.profile is not None:
        # Before the pointer: a model in service without its profile could not be compared with.
        others = _digests_of_versions(serving_directory, files)
        keep_profile(model.profile, serving_directory, digest=digest, others=others, files=files)
    pointer = Pointer(
        version=version,
        uri=join(serving_directory, str(version)),
        run_id=model.run_id,
        digest=digest,
        metrics=model.metrics,
        time=utc_text(now),
    )
    hold.check()
    write_pointer(pointer, serving_directory, files, before=in_service)
    return Push(pushed=True, pointer=pointer, reason=f"pushed as version {version}")


def _check_baseline(judged: Judged, in_service: Pointer | None, serving_directory: str) -> None:
    """Makes sure that the model in service is the one with which the candidate was compared."""
    serves = "" if in_service is None else in_service.digest
    if serves != judged.baseline_digest:
        raise ServingError(
            f"{serving_directory}: another model was put into service since this one was "
            "evaluated; run again, and it is compared with that one"
        )


def _digests_of_versions(serving_directory: str, files: Files) -> set[str]:
    """Digests of the models whose versions are still there."""
    versions = set(versions_in(serving_directory, files))
    history = read_history(serving_directory, files)
    return {pointer.digest for pointer in history if pointer.version in versions}


def _withdrawn_reason(pointer: Pointer) -> str:
    rollback = pointer.rollback
    if rollback is None:
        return ""
    why = f" ({rollback.reason})" if rollback.reason else ""
    return (
        f"this model was taken out of service by the rollback of {pointer.time}{why}; "
        f"'demandcast rollback --to {rollback.from_version}' would put it back"
    )


def place_model(
    folder: str,
    serving_directory: str,
    *,
    digest: str,
    files: Files,
    now: datetime.datetime,
    hold: Hold,
) -> int:
    """Copies a model to a new version, or finds the copy of an interrupted attempt.

    The caller holds the directory (`exclusive.exclusively`), or the copy of another, which is
    under way, would be taken for a leftover.

    Args:
        folder: Folder that holds its `saved_model.pb`.
        serving_directory: Directory that the server watches.
        digest: Digest of the model.
        files: Filesystem.
        now: The version number follows from it.
        hold: Of the directory.

    Returns:
        The version; only the pointer is missing.

    Raises:
        ServingError: The directory is not held any more.
    """
    _remove_leftovers(serving_directory, files)
    in_service = read_pointer(serving_directory, files)
    version = _uncommitted(serving_directory, in_service, digest=digest, files=files)
    if version is None:
        version = _take_number(serving_directory, in_service, files=files, now=now)
        _copy_model(folder, serving_directory, version=version, files=files, hold=hold)
    return version


def _take_number(
    serving_directory: str, in_service: Pointer | None, *, files: Files, now: datetime.datetime
) -> int:
    """Chooses the number of a new version; remotely nobody else gets the same one ever again."""
    taken = versions_in(serving_directory, files)
    version = next_version(taken if in_service is None else [*taken, in_service.version], now)
    claimant = secrets.token_bytes(16)  # The content tells one's own claim from another's.
    while is_remote(serving_directory):
        try:
            files.replace(join(serving_directory, CLAIMS, str(version)), claimant, None)
        except ChangedError:
            version += 1
        else:
            break
    return version


def versions_in(serving_directory: str, files: Files) -> list[int]:
    """Numbers of the version folders, in any order; not each need be complete."""
    return [int(name) for name in files.folders(serving_directory) if _is_version(name)]


def _is_version(name: str) -> bool:
    """Tells a version folder of ours: its number has no leading zeros."""
    return name.isascii() and name.isdecimal() and str(int(name)) == name


def is_complete(folder: str, files: Files) -> bool:
    """Tells whether a version folder holds the file that is written last."""
    return files.exists(join(folder, SAVED_MODEL_FILE))


def _remove_leftovers(serving_directory: str, files: Files) -> None:
    """Removes half-copied folders of ours; complete versions are never touched.

    Locally those are the folders aside: a numbered one appears complete. Remotely a copy is
    made in place, under a number that is a time; smaller numbers are not ours to remove.
    """
    remote = is_remote(serving_directory)
    for name in files.folders(serving_directory):
        folder = join(serving_directory, name)
        half_copied = (
            remote
            and _is_version(name)
            and int(name) >= FIRST_OF_OUR_VERSIONS
            and not is_complete(folder, files)
        )
        if name.startswith(ASIDE) or half_copied:
            files.remove_folder(folder)
    if remote:
        _forget_claims(serving_directory, files)
    else:
        _remove_asides(serving_directory, files)


def _forget_claims(serving_directory: str, files: Files) -> None:
    """Removes claims of numbers that nobody will choose: those up to the version in service."""
    in_service = read_pointer(serving_directory, files)
    claims = join(serving_directory, CLAIMS)
    if in_service is None or not files.exists(claims):
        return
    for name in files.files_below(claims):
        if _is_version(name) and int(name) <= in_service.version:
            _remove_file(join(claims, name), files)


def _remove_asides(serving_directory: str, files: Files) -> None:
    """Removes what was to become a pointer or a history when its writer died."""
    for name in files.files_below(serving_directory):
        if name.startswith((f".{POINTER_FILE}{NEW}", f".{HISTORY_FILE}{NEW}")):
            _remove_file(join(serving_directory, name), files)


def _remove_file(path: str, files: Files) -> None:
    seen = files.look(path)
    if seen is not None:
        with contextlib.suppress(ChangedError):
            files.remove(path, seen.generation)


def _uncommitted(
    serving_directory: str, in_service: Pointer | None, *, digest: str, files: Files
) -> int | None:
    """Finds this model among complete versions that only lack their pointer."""
    newest_committed = in_service.version if in_service is not None else -1
    same = [
        version
        for version in versions_in(serving_directory, files)
        if version > newest_committed
        and model_digest(join(serving_directory, str(version)), files) == digest
    ]
    return max(same, default=None)


def _copy_model(
    source: str, serving_directory: str, *, version: int, files: Files, hold: Hold
) -> None:
    """Copies a model so that a watching server sees all of it or nothing."""
    target = join(serving_directory, str(version))
    remote = is_remote(serving_directory)
    # Another folder each time: whoever was overtaken must not write into that of others.
    name_aside = f"{ASIDE}{version}-{secrets.token_hex(4)}"
    aside = target if remote else join(serving_directory, name_aside)
    names = files.files_below(source)
    try:
        for name in sorted(names, key=lambda name: (name == SAVED_MODEL_FILE, name)):
            if name == SAVED_MODEL_FILE:
                hold.check()
            files.copy(join(source, name), join(aside, name))
        # Whoever took the directory over took what is half-copied for a leftover.
        hold.check()
        if not remote:
            files.rename(aside, target)
    except Exception:
        # Half a model is of no use, and on a full disk its room is what is missing. Who was
        # overtaken removes nothing: others may have taken the copy up.
        with contextlib.suppress(Exception):
            hold.check()
            files.remove_folder(aside)
        raise
