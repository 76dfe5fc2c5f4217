"""The audit log on disk: read under a shared lock, added to under an exclusive one.

Lines are only ever added, in one write that is brought to the disk before anybody is told. What a
crash left of a line is moved to a file beside the log before the next line is written, and an
entry says so. The operating system's lock on the file keeps processes apart, and is free again
when its holder ends, however it ends.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from demandcast.components.replenishment.audit_chain import (
    AuditChain,
    AuditEntry,
    digest_of,
    link,
    read_chain,
)
from demandcast.components.replenishment.decisions import SET_ASIDE
from demandcast.components.storage.files import flush
from demandcast.schema.errors import AnomalyError, BadInputError

__all__ = ["AuditWriter", "audit_writer", "read_audit_log", "trusted", "utc_now"]

_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 30.0
_LOG = logging.getLogger(__name__)


def utc_now() -> str:
    """Returns the present moment, ISO 8601, UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


class AuditWriter:
    """A log that its holder alone may add to.

    Attributes:
        chain: What is in it; whole.
    """

    def __init__(self, file: BinaryIO, path: Path, chain: AuditChain) -> None:
        self.chain = chain
        self._file = file
        self._path = path

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Adds entries that count together: after a crash all of them are there, or none.

        Raises:
            BadInputError: They cannot be written, for the disk is full; none of them counts.
        """
        if not entries:
            return
        lines, _ = link(entries, after=len(self.chain.entries), head=self.chain.head)
        added = b"".join(line + b"\n" for line in lines)
        end = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(added)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(end)
            raise BadInputError(
                f"{self._path}: cannot be written: {error.strerror or error}; nothing was decided"
            ) from error
        self._file.seek(0)
        self.chain = read_chain(self._file.read())


@contextlib.contextmanager
def audit_writer(
    path: Path, *, user: str, now: Callable[[], str] = utc_now
) -> Iterator[AuditWriter]:
    """Opens a log to add to it, after those who came before; it is made if needed.

    Args:
        path: The log.
        user: Who adds; named also where the rest of a torn line is set aside.
        now: Tells the moment.

    Raises:
        AnomalyError: The chain is broken.
        BadInputError: The log cannot be made, written or locked; or another process held it for
            half a minute.
    """
    with _locked(path, fcntl.LOCK_EX) as file:
        chain = trusted(read_chain(file.read()), path)
        writer = AuditWriter(file, path, replace(chain, torn=b""))
        if chain.torn:
            aside = _set_aside(file, path, chain)
            details = {
                "file": aside.name,
                "bytes": len(chain.torn),
                "sha256": digest_of(chain.torn),
            }
            writer.append([AuditEntry(SET_ASIDE, now(), user, details=details)])
        yield writer


def read_audit_log(path: Path) -> AuditChain:
    """Reads a log; an empty chain if there is none. It may be broken or torn.

    Raises:
        BadInputError: It cannot be read.
    """
    if not path.exists():
        return read_chain(b"")
    with _locked(path, fcntl.LOCK_SH) as file:
        return read_chain(file.read())


def trusted(chain: AuditChain, path: Path) -> AuditChain:
    """Gives a chain back that is whole; says on the log if its end is torn.

    Raises:
        AnomalyError: It is broken.
    """
    if chain.broken:
        raise AnomalyError(
            f"{path}: {chain.broken}; nothing is decided on such a log: bring it back from a "
            "backup ('demandcast orders log' shows what is in it)"
        )
    if chain.torn:
        _LOG.warning(
            "%s: its last %d bytes were cut short by a crash and count for nothing; the next "
            "decision sets them aside",
            path,
            len(chain.torn),
        )
    return chain


@contextlib.contextmanager
def _locked(path: Path, kind: int) -> Iterator[BinaryIO]:
    """Opens a log and holds its lock; to read it no right to write is needed."""
    writes = kind == fcntl.LOCK_EX
    try:
        if writes:
            path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        file = path.open("a+b" if writes else "rb")
        if is_new:
            flush(str(path.parent))
    except OSError as error:
        verb = "written" if writes else "read"
        raise BadInputError(f"{path}: cannot be {verb}: {error.strerror or error}") from error
    with file:
        _wait_for(file, path, kind)
        file.seek(0)
        yield file


def _wait_for(file: BinaryIO, path: Path, kind: int) -> None:
    begin = time.monotonic()
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() - begin > _PATIENCE_SECONDS:
                raise BadInputError(
                    f"{path}: another process has been deciding for {_PATIENCE_SECONDS:.0f} s; "
                    f"run again when it has ended; 'fuser {path}' names it"
                ) from None
            time.sleep(_POLL_SECONDS)
        except OSError as error:
            raise BadInputError(
                f"{path}: cannot be locked: {error.strerror or error}; use a workspace on a disk "
                "that has locks, such as a local one"
            ) from error


def _set_aside(file: BinaryIO, path: Path, chain: AuditChain) -> Path:
    """Moves what a crash left at the end of a log to a file of its own."""
    aside = path.with_name(f"{path.stem}.torn-{len(chain.entries) + 1}-{digest_of(chain.torn)[:8]}")
    aside.write_bytes(chain.torn)
    flush(str(aside))
    flush(str(aside.parent))
    file.truncate(file.seek(0, os.SEEK_END) - len(chain.torn))
    os.fsync(file.fileno())
    _LOG.warning("%s: what a crash left at its end is now in %s", path, aside)
    return aside
