"""Keeps runs, rollbacks and prunings of one pipeline apart.

The operating system holds the lock for a process, so that it is free again at the moment at
which the process ends, however it ends: nothing has to decide whether a lock is stale. What
the file says is for people, and tells the next run that the last one did not end properly.
"""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from demandcast.schema.errors import BadInputError

__all__ = ["LOCK_FILE", "Holder", "RunningError", "run_lock", "running_run"]

LOCK_FILE = "run.lock"

_ATTEMPTS = 5
_SECONDS_BETWEEN_ATTEMPTS = 0.05
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TIME_FIELD = 19
"""Of what follows the name in /proc/<pid>/stat: field 22 of the whole, in ticks since boot."""


class RunningError(BadInputError):
    """Something else works on the same pipeline."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock, or held it to the end of its life.

    Attributes:
        run_id: The run; none if it is other work.
        pid: Its process.
        host: Machine of the process.
        since: When it took the lock, ISO 8601, UTC.
        boot: Identity of the machine's last start; empty where the kernel does not tell.
        ticks: When the process began, in ticks since then, so that a pid that was given to
            another process is not taken for it; 0 where the kernel does not tell.
        work: What it does, with its article; a run has its identity instead.
    """

    run_id: str | None
    pid: int
    host: str
    since: str
    boot: str
    ticks: int
    work: str = "a run"

    @classmethod
    def present(cls, run_id: str | None, work: str = "a run") -> Holder:
        """Describes this process."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        pid = os.getpid()
        return cls(run_id, pid, socket.gethostname(), now, _boot(), _ticks(pid), work)

    def __str__(self) -> str:
        """Names it for people."""
        return f"{self._name} (pid {self.pid} on {self.host}, since {self.since})"

    @property
    def _name(self) -> str:
        return f"run {self.run_id}" if self.run_id else self.work

    def working_in(self, folder: Path) -> str:
        """Says what it does to a folder.

        >>> Holder(None, 7, "host", "2026-11-20", "", 0, "a rollback").working_in(Path("demand"))
        'a rollback (pid 7 on host) has been working in demand since 2026-11-20'
        """
        process = f"(pid {self.pid} on {self.host})"
        return f"{self._name} {process} has been working in {folder} since {self.since}"

    def end(self) -> str:
        """Says what became of the process; empty if it lives, or nobody here can tell."""
        if self.host != socket.gethostname():
            return ""
        if self.boot != _boot():
            return "the machine was started again since"
        ticks = _ticks(self.pid)
        if ticks == 0:
            return "its process is gone"
        return "" if ticks == self.ticks else "its pid belongs to another process now"


@contextlib.contextmanager
def run_lock(
    folder: Path, *, run_id: str | None = None, work: str = "a run"
) -> Iterator[Holder | None]:
    """Holds the lock of a pipeline's folder.

    Args:
        folder: Folder of the pipeline in the workspace; made if needed.
        run_id: Of a run; said to whoever comes second.
        work: What is done, with its article, by something that is no run.

    Yields:
        Who held it last and did not give it back, because it was killed; none if all is well.

    Raises:
        BadInputError: The folder cannot be made, written or locked.
        RunningError: Another process holds it; the message says which.
    """
    path = folder / LOCK_FILE
    with _taken(path) as file:
        left = _read(path)
        _write(file, Holder.present(run_id, work))
        try:
            yield left
        finally:
            file.truncate(0)


def running_run(folder: Path) -> str | None:
    """Tells which run holds the lock of a pipeline's folder; none if none does.

    The name in the file is that of a dead run unless the operating system says that the lock
    is held.
    """
    path = folder / LOCK_FILE
    try:
        with path.open("rb") as file:
            if path.stat().st_size:
                # Shared, and given back at once: whoever only looks keeps no run out for long.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _read(path)
        return None if holder is None else holder.run_id
    except OSError:
        return None
    return None


@contextlib.contextmanager
def _taken(path: Path) -> Iterator[TextIO]:
    """Opens the file of a lock and takes the lock.

    Who waits for a pruning may be given the lock of a file that the pruning has removed, which
    keeps out nobody: then the next file of that name is taken.
    """
    while True:
        with _open(path) as file:
            _take(file, path)
            if _is_there(file, path):
                yield file
                return


def _is_there(file: TextIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _open(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise BadInputError(
            f"workspace: {path.parent} cannot be made or written: {error.strerror or error}; "
            "name a folder that this user may write"
        ) from error


def _take(file: TextIO, path: Path) -> None:
    """Takes the lock; tries again for a moment, because `running_run` holds it for one."""
    for attempt in range(_ATTEMPTS):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if attempt + 1 == _ATTEMPTS:
                raise RunningError(_message(path)) from None
            time.sleep(_SECONDS_BETWEEN_ATTEMPTS)
        except OSError as error:
            raise BadInputError(
                f"workspace: {path.parent} cannot be locked: {error.strerror or error}; "
                "name a folder on a disk that has locks, such as a local one"
            ) from error


def _write(file: TextIO, holder: Holder) -> None:
    # The lock is what counts: a disk without room for a line about it is found out later.
    with contextlib.suppress(OSError):
        file.truncate(0)
        json.dump(asdict(holder), file)
        file.flush()


def _read(path: Path) -> Holder | None:
    """Reads who holds it; none if the file is empty or says something else."""
    try:
        return Holder(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def _message(path: Path) -> str:
    holder = _read(path)
    free = "or give this one another name or workspace"
    if holder is None:
        return f"another process is working in {path.parent}; wait until it ends, {free}"
    where = holder.working_in(path.parent)
    end = holder.end()
    if end:  # A process that it began inherited the lock, and outlived it.
        return (
            f"{where}: {end}, but a process that it began still holds {path}; "
            f"'fuser {path}' names that process; end it, {free}"
        )
    return f"{where}; wait until it ends, stop it with 'kill {holder.pid}', {free}"


def _boot() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _ticks(pid: int) -> int:
    """Returns when a process began, ticks since boot; 0 if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        # The name of the command comes before, in parentheses, and may hold anything.
        fields = text.rpartition(")")[2].split()
        return 0 if fields[0] == "Z" else int(fields[_START_TIME_FIELD])
    except (OSError, ValueError, IndexError):
        return 0
