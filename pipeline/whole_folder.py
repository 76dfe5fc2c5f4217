"""A folder of results that is there whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demandcast.schema.errors import BadInputError

__all__ = ["check_free", "whole_folder"]


def check_free(folder: Path) -> None:
    """Refuses a folder that holds something: results are never written over.

    Raises:
        BadInputError: There is a file of this name, or a folder with something in it.
    """
    try:
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise BadInputError(f"{folder}: cannot be read: {error.strerror or error}") from error
    if taken:
        raise BadInputError(f"{folder}: is there already; expected a new folder, or an empty one")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Gives a folder aside that takes its place at the end, or goes.

    A process may be killed at any point: what it leaves then begins with a dot.

    Args:
        folder: The folder to be; its parents are made.

    Yields:
        Where to write.

    Raises:
        BadInputError: There is such a folder already, or it cannot be made or written.
    """
    check_free(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise BadInputError(f"{folder}: cannot be made: {error.strerror or error}") from error
    try:
        yield aside
        aside.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)
    except OSError as error:
        raise BadInputError(f"{folder}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
