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

    Those of this machine are read and written without TFX: TensorFlow has errors of its own.
    What lies elsewhere is compared and then replaced: with two writers at once the last one
    holds. `GcsFiles` does better.
    """

    def exists(self, path: str) -> bool:
        """Tells whether a file or folder is there."""
        return bool(fileio.exists(path)) if is_remote(path) else super().exists(path)

    def folders(self, path: str) -> list[str]:
        """Names of the folders in a folder; none if it is not there."""
        if not is_remote(path):
            return super().folders(path)
        if not fileio.exists(path):
            return []
        names = [str(name).rstrip("/") for name in fileio.listdir(path)]
        return [name for name in names if fileio.isdir(join(path, name))]

    def files_below(self, path: str) -> list[str]:
        """Paths of all files below a folder, relative to it, with '/', sorted."""
        if not is_remote(path):
            return super().files_below(path)
        found = [
            posixpath.relpath(join(str(folder), str(name)), path)
            for folder, _, names in fileio.walk(path)
            for name in names
        ]
        return sorted(found)

    def read(self, path: str) -> bytes:
        """Content of a small file."""
        if not is_remote(path):
            return super().read(path)
        with fileio.open(path, "rb") as file:
            return bytes(file.read())

    def blocks(self, path: str) -> Iterator[bytes]:
        """Content of a file of any size, in blocks of 4 MiB."""
        if not is_remote(path):
            yield from super().blocks(path)
            return
        with fileio.open(path, "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file; its folder is made if needed."""
        if not is_remote(path):
            super().write(path, content)
            return
        fileio.makedirs(posixpath.dirname(path))
        with fileio.open(path, "wb") as file:
            file.write(content)

    def copy(self, source: str, target: str) -> None:
        """Copies a file; the target's folder is made if needed."""
        if not is_remote(source) and not is_remote(target):
            super().copy(source, target)
            return
        fileio.makedirs(posixpath.dirname(target))
        fileio.copy(source, target, overwrite=True)
        flush(target)

    def rename(self, source: str, target: str) -> None:
        """Renames a file (replacing the target) or a folder."""
        if is_remote(source):
            fileio.rename(source, target, overwrite=not fileio.isdir(source))
        else:
            super().rename(source, target)

    def remove_folder(self, path: str) -> None:
        """Removes a folder and everything below it."""
        if is_remote(path):
            fileio.rmtree(path)
        else:
            super().remove_folder(path)

    def look(self, path: str) -> Seen | None:
        """Content and generation of a small file; None if it is not there."""
        if not is_remote(path):
            return super().look(path)
        if not self.exists(path):
            return None
        content = self.read(path)
        return Seen(content, generation_of(content))

    def replace(self, path: str, content: bytes, generation: str | None) -> str:
        """Writes a small file whole, if it is still the one that was looked at."""
        if not is_remote(path):
            return super().replace(path, content, generation)
        aside = aside_of(path)
        self.write(aside, content)
        check_generation(self.look(path), generation, path)
        self.rename(aside, path)
        return generation_of(content)

    def remove(self, path: str, generation: str) -> None:
        """Removes a file, if it is still the one that was looked at."""
        if not is_remote(path):
            super().remove(path, generation)
            return
        check_generation(self.look(path), generation, path)
        fileio.remove(path)
