"""Checks before any work that a result can be written."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from demandcast.schema.errors import BadInputError

__all__ = ["check_outputs"]


def check_outputs(files: Sequence[Path], *, option: str = "--output") -> None:
    """Makes the folders of files that will be written, and tries them.

    Args:
        files: Written later, replaced if they are there.
        option: Of the command line that names them, for the message.

    Raises:
        BadInputError: A folder cannot be made or written, or a file is a folder.
    """
    for file in files:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=file.parent):
                pass
            taken = file.is_dir()
        except OSError as error:
            raise BadInputError(
                f"{option}: {file.parent} cannot be made or written: {error.strerror or error}; "
                "name a place that this user may write"
            ) from error
        if taken:
            raise BadInputError(f"{option}: {file} is a folder; name a file")
