"""The files of publishing on every filesystem that TFX reads and writes, and the choice of one."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from tfx.dsl.io import fileio

from demandcast.components.storage.files import (
    Files,
    LocalFiles,
    Seen,
    aside_of,
    check_generation,
    flush,
    generation_of,
    is_remote,
    join,
)
from demandcast.components.storage.gcs_files import GcsFiles, is_gcs

__all__ = ["TfxFiles", "files_of"]

_BLOCK_BYTES = 1 << 22


def files_of(folder: str) -> Files:
    """Gives the files of a folder, for copies between it and this machine, too."""
    return GcsFiles() if is_gcs(folder) else TfxFiles()


class TfxFiles(LocalFiles):
    """Files on every filesystem that TFX reads and writes.

    What lies elsewhere than here is compared and then replaced: with two writers at once the
    last one holds. `GcsFiles` does better.
    """

    def exists(self, path: str) -> bool:
        """Tells whether a file or folder is there."""
        return bool(fileio.exists(path))

    def folders(self, path: str) -> list[str]:
        """Names of the folders in a folder; none if it is not there."""
        if not fileio.exists(path):
            return []
        names = [str(name).rstrip("/") for name in fileio.listdir(path)]
        return [name for name in names if fileio.isdir(join(path, name))]

    def files_below(self, path: str) -> list[str]:
        """Paths of all files below a folder, relative to it, with '/', sorted."""
        found = [
            posixpath.relpath(join(str(folder), str(name)), path)
            for folder, _, names in fileio.walk(path)
            for name in names
        ]
        return sorted(found)

    def read(self, path: str) -> bytes:
        """Content of a small file."""
        with fileio.open(path, "rb") as file:
            return bytes(file.read())

    def blocks(self, path: str) -> Iterator[bytes]:
        """Content of a file of any size, in blocks of 4 MiB."""
        with fileio.open(path, "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file; its folder is made if needed."""
        fileio.makedirs(posixpath.dirname(path))
        with fileio.open(path, "wb") as file:
            file.write(content)
        flush(path)

    def copy(self, source: str, target: str) -> None:
        """Copies a file; the target's folder is made if needed."""
        fileio.makedirs(posixpath.dirname(target))
        fileio.copy(source, target, overwrite=True)
        flush(target)

    def rename(self, source: str, target: str) -> None:
        """Renames a file (replacing the target) or a folder."""
        fileio.rename(source, target, overwrite=not fileio.isdir(source))
        flush(posixpath.dirname(target))

    def remove_folder(self, path: str) -> None:
        """Removes a folder and everything below it."""
        fileio.rmtree(path)

    def look(self, path: str) -> Seen | None:
        """Content and generation of a small file; None if it is not there."""
        if not self.exists(path):
            return None
        content = self.read(path)
        return Seen(content, generation_of(content))

    def replace(self, path: str, content: bytes, generation: str | None) -> str:
        """Writes a small file whole, if it is still the one that was looked at."""
        if not is_remote(path):
            return super().replace(path, content, generation)
        self.write(aside_of(path), content)
        check_generation(self.look(path), generation, path)
        self.rename(aside_of(path), path)
        return generation_of(content)

    def remove(self, path: str, generation: str) -> None:
        """Removes a file, if it is still the one that was looked at."""
        if not is_remote(path):
            super().remove(path, generation)
            return
        check_generation(self.look(path), generation, path)
        fileio.remove(path)
