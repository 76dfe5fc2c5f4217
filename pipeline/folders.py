"""Folders of this machine: what is in them, how large it is, and when it last changed."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from demandcast.schema.errors import BadInputError

__all__ = [
    "aside_prefix",
    "check_whole_folder",
    "folders_in",
    "last_change",
    "size_of",
    "whole_folder",
]


def folders_in(path: Path) -> list[Path]:
    """Lists the folders in a folder; none if it is not there. Links may lead anywhere: left out."""
    if not path.is_dir():
        return []
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink())


def last_change(path: Path, *, but: Collection[str] = ()) -> float:
    """Finds when a file, or a folder or anything in it, last changed, seconds since 1970.

    Args:
        path: File or folder; 0 if it is gone.
        but: Names of files that do not count, nor then that they were made in this folder.
    """
    return max((found.st_mtime for found in _all(path, but=but)), default=0.0)


def size_of(path: Path) -> int:
    """Adds up a file, or the files below a folder, bytes."""
    return sum(found.st_size for found in _all(path) if stat.S_ISREG(found.st_mode))


@contextlib.contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Gives a folder aside that takes its place at the end, or goes.

    What a killed process leaves has a hidden name, and no file of its own: who lists the folders
    beside it takes it for nothing.

    Args:
        folder: Appears whole; it may be there if it is empty.

    Raises:
        BadInputError: There is such a folder already, or it cannot be made or written.
    """
    aside = _made_aside(folder)
    try:
        whole = aside / folder.name
        whole.mkdir()
        yield whole
        if folder.exists():
            folder.rmdir()
        whole.rename(folder)
    except OSError as error:
        raise BadInputError(f"{folder}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def check_whole_folder(folder: Path) -> None:
    """Tells early whether `whole_folder` could begin.

    Raises:
        BadInputError: There is such a folder already, or it cannot be made.
    """
    _made_aside(folder).rmdir()


def _made_aside(folder: Path) -> Path:
    """Makes an empty folder beside the one that is to be.

    Raises:
        BadInputError: There is such a folder already, or it cannot be made.
    """
    try:
        if folder.exists() and any(folder.iterdir()):
            raise BadInputError(f"{folder}: is there already; results are never written over")
        folder.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=aside_prefix(folder), dir=folder.parent))
    except OSError as error:
        raise BadInputError(
            f"{folder}: cannot be made: {error.strerror or error}; name a place that this user "
            "may write"
        ) from error


def aside_prefix(folder: Path) -> str:
    """How the name begins under which `whole_folder` writes a folder.

    >>> aside_prefix(Path("orders/20261120-093005-123"))
    '.20261120-093005-123-'
    """
    return f".{folder.name}-"


def _all(path: Path, *, but: Collection[str] = ()) -> Iterator[os.stat_result]:
    """What is known of a file or folder and of all below it; others may be at work there."""
    if not but:
        yield from _known(path)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            if name not in but:
                yield from _known(Path(folder, name))


def _known(path: Path) -> Iterator[os.stat_result]:
    """A link is looked at, not followed; what has vanished meanwhile is passed over."""
    with contextlib.suppress(FileNotFoundError):
        yield path.lstat()
