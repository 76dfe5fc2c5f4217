"""Keeps changes of one serving directory apart where the operating system's locks do not reach.

    in_service.lock     whoever makes it holds the directory, and writes it anew all the time

Whoever waits for it watches it. Left unwritten for a minute by the watcher's own clock, it is of
somebody who ended without giving it back, and is removed: the clocks of two machines are never
compared. A holder that only slept for so long finds out before it commits (`Hold.check`), and
the pointer itself is replaced only if it is still the one that the change began with
(`pointer.write_pointer`), so what comes late is refused and not written over what is newer.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
import uuid
from collections.abc import Iterator

from demandcast.components.storage.files import ChangedError, Files, Seen, join
from demandcast.schema.errors import ServingError

__all__ = ["ABANDONED_SECONDS", "BEAT_SECONDS", "LOCK_FILE", "Hold", "Lease", "leased"]

LOCK_FILE = "in_service.lock"
ABANDONED_SECONDS = 60.0
"""So long unwritten, a lock is nobody's."""
BEAT_SECONDS = 15.0
"""So often its holder writes it anew."""

_POLL_SECONDS = 0.5
_LOG = logging.getLogger(__name__)


class Hold:
    """A serving directory that is ours for as long as the process lives."""

    def check(self) -> None:
        """Makes sure that it still is.

        Raises:
            ServingError: Somebody else took it.
        """


@contextlib.contextmanager
def leased(serving_directory: str, files: Files, *, patience: float) -> Iterator[Hold]:
    """Holds a serving directory by a file in it, after those who came before.

    Args:
        serving_directory: Directory that the server watches.
        files: Filesystem.
        patience: For how long to wait, seconds.

    Raises:
        ServingError: Another one held it for all that time, or took it meanwhile.
    """
    lease = Lease(serving_directory, files)
    _wait_for(lease, patience=patience)
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(lease, ended), name="lease", daemon=True)
    beating.start()
    try:
        yield lease
    except OSError:
        # What is missing now may be what others took for a leftover; then that is the reason.
        lease.check()
        raise
    finally:
        ended.set()
        beating.join()
        _give_back(lease)


class Lease(Hold):
    """The file that says who holds a serving directory."""

    def __init__(self, serving_directory: str, files: Files) -> None:
        """Describes it; nothing is held yet."""
        self.serving_directory = serving_directory
        self._path = join(serving_directory, LOCK_FILE)
        self._files = files
        self._holder = uuid.uuid4().hex
        self._beats = 0
        self._writing = threading.Lock()

    def take(self) -> bool:
        """Tries to become the holder."""
        try:
            self._files.replace(self._path, self._content(), None)
        except ChangedError:
            return False
        return True

    def seen(self) -> str | None:
        """Generation of the file, whoever wrote it; None if nobody holds the directory."""
        seen = self._files.look(self._path)
        return None if seen is None else seen.generation

    def clear(self, generation: str) -> None:
        """Removes the file of somebody else, if it is still that one."""
        with contextlib.suppress(ChangedError):
            self._files.remove(self._path, generation)

    def renew(self) -> None:
        """Shows that the holder lives.

        Raises:
            ServingError: Somebody else took the directory.
        """
        with self._writing:
            self._beats += 1
            try:
                self._files.replace(self._path, self._content(), self._own())
            except ChangedError as error:
                raise _lost(self.serving_directory) from error

    def check(self) -> None:
        """Makes sure that the directory is still ours."""
        with self._writing:
            self._own()

    def give_back(self) -> None:
        """Ends the hold; what others hold meanwhile stays theirs."""
        with self._writing:
            seen = self._files.look(self._path)
            if seen is not None and self._is_ours(seen):
                self.clear(seen.generation)

    def _own(self) -> str:
        """Generation of the file, if it is ours: what was written last may be of a lost answer.

        Raises:
            ServingError: It is of somebody else, or gone.
        """
        seen = self._files.look(self._path)
        if seen is None or not self._is_ours(seen):
            raise _lost(self.serving_directory)
        return seen.generation

    def _is_ours(self, seen: Seen) -> bool:
        return self._holder.encode() in seen.content

    def _content(self) -> bytes:
        """Text of the file: no two of them are alike."""
        return json.dumps({"holder": self._holder, "beat": self._beats}).encode()


def _wait_for(lease: Lease, *, patience: float) -> None:
    begin = since = time.monotonic()
    last: str | None = None
    while not lease.take():
        now = time.monotonic()
        present = lease.seen()
        if present is None:
            continue
        if present != last:
            if last is None:
                _LOG.info(
                    "another push or rollback works in %s; waiting for it", lease.serving_directory
                )
            last, since = present, now
        if now - since >= ABANDONED_SECONDS:
            _LOG.warning(
                "%s: whoever held it with %s ended without giving it back",
                lease.serving_directory,
                LOCK_FILE,
            )
            lease.clear(present)
            continue
        if now - begin > patience:
            raise ServingError(
                f"{lease.serving_directory}: another push or rollback has been working here for "
                f"{patience:.0f} s; run again when it has ended"
            )
        time.sleep(min(_POLL_SECONDS, ABANDONED_SECONDS / 4))


def _beat(lease: Lease, ended: threading.Event) -> None:
    while not ended.wait(BEAT_SECONDS):
        try:
            lease.renew()
        except Exception as error:
            # `check` decides, before anything is committed; the next beat may reach it again.
            _LOG.warning("%s cannot be renewed (%s)", LOCK_FILE, error)


def _give_back(lease: Lease) -> None:
    try:
        lease.give_back()
    except Exception as error:
        # The change itself is done; the next one waits for a minute.
        _LOG.warning("%s cannot be removed (%s)", LOCK_FILE, error)


def _lost(serving_directory: str) -> ServingError:
    return ServingError(
        f"{serving_directory}: another push or rollback took it over, because this one seemed to "
        "have ended; nothing was put into service. Run again"
    )
