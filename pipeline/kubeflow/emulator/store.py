"""An object store in a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

__all__ = ["ObjectStore"]


class ObjectStore:
    """Objects of gs://, s3:// and minio://, each scheme with buckets of its own."""

    def __init__(self, folder: Path) -> None:
        """Opens a store; the folder is made when something is put there."""
        self._folder = folder

    def path(self, uri: str) -> Path:
        """Returns where an object, or a folder of objects, is kept.

        >>> ObjectStore(Path("/objects")).path("gs://bucket/a/b").as_posix()
        '/objects/gs/bucket/a/b'
        """
        scheme, _, key = uri.partition("://")
        return self._folder / scheme / key.partition("?")[0]

    def upload(self, path: Path, uri: str) -> None:
        """Puts a file, or a folder and all below it, into the store."""
        _copy(path, self.path(uri))

    def download(self, uri: str, path: Path) -> None:
        """Gets a file, or a folder and all below it; nothing if there is none."""
        if self.path(uri).exists():
            _copy(self.path(uri), path)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
