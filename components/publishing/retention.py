"""Removes old versions from the serving directory, never one that serves or may have to.

    3  4  5  6      6 is in service, 4 was before it (5 was put there by someone, and never
    -  x  ?  x      served); 4 and 6 stay whatever the limits say, 5 stays within them

A folder is renamed before it is emptied: a server sees a whole version or none.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from demandcast.components.publishing.exclusive import exclusively
from demandcast.components.publishing.pointer import read_history, read_pointer
from demandcast.components.publishing.push import FIRST_OF_OUR_VERSIONS, versions_in
from demandcast.components.publishing.rollback import default_target
from demandcast.components.storage.files import Files, is_remote, join

__all__ = ["REMOVING", "VersionLimits", "remove_versions", "versions_to_remove"]

REMOVING = ".removing-"
"""Begins the name of a folder that is being emptied."""


@dataclass(frozen=True)
class VersionLimits:
    """How many versions are kept.

    Attributes:
        count: The newest ones, the one in service among them; none for no limit.
        age: From this age on they go all the same; none for no limit.
    """

    count: int | None = None
    age: datetime.timedelta | None = None


def versions_to_remove(
    serving_directory: str, limits: VersionLimits, *, files: Files, now: datetime.datetime
) -> tuple[int, ...]:
    """Finds the versions that are too many or too old.

    Never among them: the version in service, the one to which a rollback would lead, versions
    newer than the one in service (an interrupted push), and numbers that are no times (placed
    by hand). Where no model is in service, nothing is known and nothing goes.

    Args:
        serving_directory: Directory that the server watches.
        limits: What is kept.
        files: Filesystem.
        now: Ages are counted back from it.

    Returns:
        Versions, oldest first.
    """
    present = read_pointer(serving_directory, files)
    if present is None:
        return ()
    history = read_history(serving_directory, files)
    back = default_target(history, serving_directory, files)
    ours = sorted(
        (
            version
            for version in versions_in(serving_directory, files)
            if FIRST_OF_OUR_VERSIONS <= version <= present.version
        ),
        reverse=True,
    )
    kept = ours if limits.count is None else ours[: limits.count]
    if limits.age is not None:
        oldest = (now - limits.age).timestamp()
        kept = [version for version in kept if version > oldest]
    return tuple(sorted(set(ours) - set(kept) - {present.version, back}))


def remove_versions(
    versions: Iterable[int],
    serving_directory: str,
    *,
    files: Files,
    leftovers: Collection[str] = (),
) -> None:
    """Removes versions, and what an interrupted removal left.

    Args:
        versions: As `versions_to_remove` found them.
        serving_directory: Directory that the server watches.
        files: Filesystem.
        leftovers: Names of further folders there that go, if they are still there.

    Raises:
        ServingError: A push or rollback holds the directory for long.
    """
    with exclusively(serving_directory, files) as hold:
        for version in versions:
            hold.check()
            folder = join(serving_directory, str(version))
            if not is_remote(serving_directory):
                aside = join(serving_directory, f"{REMOVING}{version}")
                files.rename(folder, aside)
                folder = aside
            files.remove_folder(folder)
        for name in files.folders(serving_directory):
            if name.startswith(REMOVING) or name in leftovers:
                files.remove_folder(join(serving_directory, name))
