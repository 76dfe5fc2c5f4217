"""Keeps two runs of one pipeline apart."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from demandcast.schema.errors import BadInputError

__all__ = ["LOCK_FILE", "RunningError", "run_lock", "running_run"]

LOCK_FILE = "run.lock"


class RunningError(BadInputError):
    """Another run works on the same pipeline."""


@contextlib.contextmanager
def run_lock(folder: Path, *, run_id: str) -> Iterator[None]:
    """Holds the lock of a pipeline's folder.

    The operating system holds the lock for the process, so that the file a crashed run
    leaves behind is stale and does not matter.

    Args:
        folder: Folder of the pipeline in the workspace; made if needed.
        run_id: Said to whoever comes second.

    Raises:
        BadInputError: The folder cannot be made or written.
        RunningError: Another process holds it; the message gives its pid and run.
    """
    path = folder / LOCK_FILE
    with _open(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunningError(_message(path)) from None
        file.truncate(0)
        json.dump({"pid": os.getpid(), "run_id": run_id}, file)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def running_run(folder: Path) -> str | None:
    """Tells which run holds the lock of a pipeline's folder; none if nobody does.

    The name in the file is that of a dead run unless the operating system says that the lock
    is held.
    """
    try:
        with (folder / LOCK_FILE).open(encoding="utf-8") as file:
            holder = file.read()
            if holder:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _run_id(holder)
    except OSError:
        return None
    return None


def _run_id(holder: str) -> str | None:
    try:
        return str(json.loads(holder)["run_id"])
    except (ValueError, KeyError, TypeError):
        return None


def _open(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")
    except OSError as error:
        raise BadInputError(
            f"workspace: {path.parent} cannot be made or written: {error.strerror or error}; "
            "name a folder that this user may write"
        ) from error


def _message(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        who = f"run {holder['run_id']} (pid {holder['pid']})"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another run"
    return (
        f"{who} is working in {path.parent}; wait until it ends, "
        "or give this one another name or workspace"
    )
