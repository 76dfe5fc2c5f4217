"""The few file operations that publishing and evaluation need, on any filesystem.

The pure modules of this folder take a `Files`: `LocalFiles` here, which needs no library;
the one of `tfx_files.py`, which reads and writes everything TFX does; and tests bring one
that breaks on demand.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

__all__ = ["Files", "LocalFiles", "flush", "is_remote", "join"]

_BLOCK_BYTES = 1 << 22


class Files(Protocol):
    """File operations; paths are strings, local or with a scheme such as `gs://`."""

    def exists(self, path: str) -> bool:
        """Tells whether a file or folder is there."""

    def folders(self, path: str) -> list[str]:
        """Names of the folders in a folder; none if it is not there."""

    def files_below(self, path: str) -> list[str]:
        """Paths of all files below a folder, relative to it, with '/', sorted."""

    def read(self, path: str) -> bytes:
        """Content of a small file."""

    def blocks(self, path: str) -> Iterator[bytes]:
        """Content of a file of any size, in blocks."""

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file; its folder is made if needed."""

    def copy(self, source: str, target: str) -> None:
        """Copies a file; the target's folder is made if needed."""

    def rename(self, source: str, target: str) -> None:
        """Renames a file (replacing the target) or a folder."""

    def remove_folder(self, path: str) -> None:
        """Removes a folder and everything below it."""


class LocalFiles(Files):
    """Files of this machine."""

    def exists(self, path: str) -> bool:
        """Tells whether a file or folder is there."""
        return Path(path).exists()

    def folders(self, path: str) -> list[str]:
        """Names of the folders in a folder; none if it is not there."""
        folder = Path(path)
        return (
            [entry.name for entry in folder.iterdir() if entry.is_dir()] if folder.exists() else []
        )

    def files_below(self, path: str) -> list[str]:
        """Paths of all files below a folder, relative to it, with '/', sorted."""
        root = Path(path)
        return sorted(
            entry.relative_to(root).as_posix() for entry in root.rglob("*") if entry.is_file()
        )

    def read(self, path: str) -> bytes:
        """Content of a small file."""
        return Path(path).read_bytes()

    def blocks(self, path: str) -> Iterator[bytes]:
        """Content of a file of any size, in blocks of 4 MiB."""
        with Path(path).open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file; its folder is made if needed."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)
        flush(path)

    def copy(self, source: str, target: str) -> None:
        """Copies a file; the target's folder is made if needed."""
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        flush(target)

    def rename(self, source: str, target: str) -> None:
        """Renames a file (replacing the target) or a folder."""
        Path(source).replace(target)
        flush(str(Path(target).parent))

    def remove_folder(self, path: str) -> None:
        """Removes a folder and everything below it."""
        shutil.rmtree(path)


def flush(path: str) -> None:
    """Brings a local file, or the entries of a local folder, from memory to the disk.

    Without it a machine that loses its power soon after a push may start again with a version
    folder whose files are empty.
    """
    if is_remote(path):
        return
    descriptor = os.open(path.removeprefix("file://"), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_remote(path: str) -> bool:
    """Tells whether a path lies in an object store, where folders cannot be renamed.

    >>> is_remote("gs://bucket/serving"), is_remote("/srv/serving")
    (True, False)
    """
    return "://" in path and not path.startswith("file://")


def join(folder: str, *names: str) -> str:
    """Joins with '/', which every filesystem here understands.

    >>> join("gs://bucket/serving/", "1700000000", "saved_model.pb")
    'gs://bucket/serving/1700000000/saved_model.pb'
    """
    return "/".join([folder.rstrip("/"), *names])
