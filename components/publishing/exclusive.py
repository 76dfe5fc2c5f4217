"""Keeps changes of one serving directory apart: pushes and rollbacks, of any pipeline.

a disk of this machine     the operating system's lock on the directory: it leaves no file
                           behind, and is free again when its holder ends, however it ends
a disk of many machines    that lock, which may reach this machine only, and a lease
gs://                      a lease (`lease.py`)
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from demandcast.components.publishing.lease import Hold, leased
from demandcast.components.storage.files import Files, is_remote
from demandcast.schema.errors import ServingError

__all__ = ["exclusively", "filesystem_type"]

_POLL_SECONDS = 0.1
_OF_ONE_MACHINE = frozenset(
    [
        *("apfs", "bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "overlay", "ramfs"),
        *("reiserfs", "tmpfs", "xfs", "zfs"),
    ]
)
_MOUNTS = Path("/proc/self/mountinfo")
_LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def exclusively(serving_directory: str, files: Files, *, patience: float = 600.0) -> Iterator[Hold]:
    """Holds a serving directory for a change, after those who came before.

    Args:
        serving_directory: Directory that the server watches; made if needed.
        files: Its filesystem.
        patience: For how long to wait, seconds; a change takes as long as a copy of a model.

    Yields:
        The hold; whoever holds it by a lease checks it before a commit.

    Raises:
        ServingError: Another one held it for all that time.
    """
    if is_remote(serving_directory):
        with leased(serving_directory, files, patience=patience) as hold:
            yield hold
        return
    path = Path(serving_directory.removeprefix("file://"))
    path.mkdir(parents=True, exist_ok=True)
    with _locked(path, serving_directory, patience=patience):
        if filesystem_type(path, _mounts()) in _OF_ONE_MACHINE:
            yield Hold()
            return
        with leased(serving_directory, files, patience=patience) as hold:
            yield hold


def filesystem_type(path: Path, mounts: str) -> str:
    r"""Finds the type of the filesystem on which a folder lies.

    Args:
        path: The folder.
        mounts: Text of /proc/self/mountinfo, Linux's proc_pid_mountinfo(5).

    Returns:
        The type of the longest mount point that holds it; empty if that is not known.

    >>> filesystem_type(Path("/data/serving"), "36 35 98:0 / / rw - ext4 /dev/sda rw\n"
    ...     "40 36 0:9 / /data rw,noatime shared:1 - nfs4 10.0.0.1:/exports rw")
    'nfs4'
    """
    resolved = path.resolve()
    best, found = -1, ""
    for line in mounts.splitlines():
        place, _, kind = line.partition(" - ")
        point = place.split(" ")[4].replace("\\040", " ")
        # Of two mounts on one point the later one is seen.
        if resolved.is_relative_to(point) and len(point) >= best:
            best, found = len(point), kind.split(" ")[0]
    return found


def _mounts() -> str:
    return _MOUNTS.read_text(encoding="utf-8") if _MOUNTS.exists() else ""


@contextlib.contextmanager
def _locked(path: Path, serving_directory: str, *, patience: float) -> Iterator[None]:
    """Holds a folder by the operating system's lock."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _wait_for(descriptor, serving_directory, patience=patience)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, serving_directory: str, *, patience: float) -> None:
    begin = time.monotonic()
    said = False
    while not _take(descriptor, serving_directory):
        if not said:
            _LOG.info("another push or rollback works in %s; waiting for it", serving_directory)
            said = True
        if time.monotonic() - begin > patience:
            raise ServingError(
                f"{serving_directory}: another push or rollback has been working here for "
                f"{patience:.0f} s; run again when it has ended"
            )
        time.sleep(_POLL_SECONDS)


def _take(descriptor: int, serving_directory: str) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # What cannot be locked is no disk of one machine: the lease holds it.
        _LOG.info("%s has no locks of its own (%s)", serving_directory, error.strerror)
    return True
