"""Keeps changes of one serving directory apart: pushes and rollbacks, of any pipeline.

a disk of this machine     the operating system's lock on the directory: it leaves no file
                           behind, and is free again when its holder ends, however it ends
a disk of many machines    that lock, which may reach this machine only, and a lease
gs://                      a lease (`lease.py`)
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from demandcast.components.publishing.lease import Hold, leased
from demandcast.components.storage.files import Files, is_remote
from demandcast.schema.errors import ServingError

__all__ = ["exclusively", "is_of_one_machine"]

_POLL_SECONDS = 0.1
_OF_ONE_MACHINE = {
    0xEF53: "ext2, ext3, ext4",
    0x58465342: "xfs",
    0x9123683E: "btrfs",
    0x2FC12FC1: "zfs",
    0xCA451A4E: "bcachefs",
    0xF2F52010: "f2fs",
    0x3153464A: "jfs",
    0x52654973: "reiserfs",
    0x794C7630: "overlay",
    0x01021994: "tmpfs",
    0x858458F6: "ramfs",
}
"""Numbers of filesystems that one machine mounts at a time, of Linux's `statfs(2)`."""
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
        if is_of_one_machine(path):
            yield Hold()
            return
        with leased(serving_directory, files, patience=patience) as hold:
            yield hold


def is_of_one_machine(path: Path) -> bool:
    """Tells whether no other machine can see a folder; false where that is not known."""
    return _filesystem(path) in _OF_ONE_MACHINE


def _filesystem(path: Path) -> int:
    """Asks for the number of a folder's filesystem, which Python has no function for; 0 if unknown.

    It is the first word of what `statfs(2)` fills, on each Linux of 64 bits. The list of mounts
    would tell it by name, but not in a chroot.
    """
    function = getattr(ctypes.CDLL(None), "statfs", None)
    answer = ctypes.create_string_buffer(512)
    if not sys.platform.startswith("linux") or function is None:
        return 0
    failed = function(os.fsencode(path), answer)
    return 0 if failed else ctypes.c_long.from_buffer(answer).value


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
