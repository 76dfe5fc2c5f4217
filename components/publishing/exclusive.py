"""Keeps changes of one serving directory apart: pushes and rollbacks, of any pipeline.

The lock is the operating system's, on the directory itself: it leaves no file behind,
and it is free again at the moment at which its holder ends, however it ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

from demandcast.components.storage.files import is_remote
from demandcast.schema.errors import ServingError

__all__ = ["exclusively"]

_POLL_SECONDS = 0.1
_LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def exclusively(serving_directory: str, *, patience: float = 600.0) -> Iterator[None]:
    """Holds a serving directory for a change, after those who came before.

    An object store has no locks, nor have some network disks: there, what wrote last holds.

    Args:
        serving_directory: Directory that the server watches; made if needed.
        patience: For how long to wait, seconds; a change takes as long as a copy of a model.

    Raises:
        ServingError: Another one held it for all that time.
    """
    if is_remote(serving_directory):
        yield
        return
    path = Path(serving_directory.removeprefix("file://"))
    path.mkdir(parents=True, exist_ok=True)
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
        _LOG.warning(
            "%s cannot be locked (%s): one pipeline only may push to it",
            serving_directory,
            error.strerror,
        )
    return True
