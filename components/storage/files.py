"""The few file operations that publishing and evaluation need, on any filesystem.

The pure modules of this folder take a `Files`: `LocalFiles` here, which needs no library;
`GcsFiles` (`gcs_files.py`) for gs://; `TfxFiles` (`tfx_files.py`) for everything else that TFX
reads and writes; and tests bring one that breaks on demand.

Changes that others may make at the same time go by `look` and `replace`:

    seen = files.look(path)                          what is there, and which generation of it
    files.replace(path, content, seen.generation)    only if it is still that one
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

__all__ = [
    "NEW",
    "ChangedError",
    "Files",
    "LocalFiles",
    "Seen",
    "aside_of",
    "check_generation",
    "copy_folder",
    "flush",
    "generation_of",
    "is_remote",
    "join",
]

NEW = ".new-"
"""In the name of a file that is written aside."""

_BLOCK_BYTES = 1 << 22
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


class ChangedError(Exception):
    """A file is not as it was when it was looked at."""


class Seen(NamedTuple):
    """A small file as it was at a moment.

    Attributes:
        content: What was in it.
        generation: Tells it from what it was before and after.
    """

    content: bytes
    generation: str


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

    def look(self, path: str) -> Seen | None:
        """Content and generation of a small file; None if it is not there."""

    def replace(self, path: str, content: bytes, generation: str | None) -> str:
        """Writes a small file whole: readers see the old or the new one.

        Args:
            path: The file; its folder is there.
            content: New content.
            generation: As `look` gave it; None if there must be no such file yet. Then content
                that nobody else would write tells a repeated attempt from another writer.

        Returns:
            The new generation.

        Raises:
            ChangedError: Somebody else wrote or removed it since.
        """

    def remove(self, path: str, generation: str) -> None:
        """Removes a file.

        Raises:
            ChangedError: It is not there any more, or is another generation.
        """


class LocalFiles(Files):
    """Files of this machine, or of a disk that machines share.

    Without a lock there is a moment between comparing and replacing in which another machine
    may replace, too. A file that must not be there yet has no such moment.
    """

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

    def look(self, path: str) -> Seen | None:
        """Content and generation of a small file; None if it is not there."""
        try:
            content = self.read(path)
        except FileNotFoundError:
            return None
        return Seen(content, generation_of(content))

    def replace(self, path: str, content: bytes, generation: str | None) -> str:
        """Writes a small file whole, if it is still the one that was looked at."""
        aside = aside_of(path)
        self.write(aside, content)
        try:
            if generation is None:
                self.make(aside, path)
            else:
                check_generation(self.look(path), generation, path)
                self.rename(aside, path)
        except (ChangedError, OSError):
            Path(aside).unlink(missing_ok=True)
            raise
        return generation_of(content)

    def make(self, source: str, target: str) -> None:
        """Renames a file to one that must not be there yet.

        Where a disk has no hard links, readers may see an empty file for an instant.

        Raises:
            ChangedError: It is there.
        """
        try:
            os.link(source, target)
        except FileExistsError as error:
            raise ChangedError(target) from error
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            _make_without_links(source, target)
        else:
            Path(source).unlink()
        flush(str(Path(target).parent))

    def remove(self, path: str, generation: str) -> None:
        """Removes a file, if it is still the one that was looked at."""
        aside = aside_of(path)
        try:
            Path(path).rename(aside)  # One only of those who remove it at once gets it.
        except FileNotFoundError as error:
            raise ChangedError(path) from error
        try:
            check_generation(self.look(aside), generation, path)
        except ChangedError:
            _put_back(aside, path)
            raise
        Path(aside).unlink()


def _make_without_links(source: str, target: str) -> None:
    """Takes the name first, and then puts the content there."""
    try:
        Path(target).open("xb").close()
    except FileExistsError as error:
        raise ChangedError(target) from error
    try:
        Path(source).replace(target)
    except OSError:
        Path(target).unlink(missing_ok=True)
        raise


def _put_back(aside: str, path: str) -> None:
    """Gives a file that was taken by mistake its name again, unless there is a newer one."""
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    except OSError:
        if not Path(path).exists():
            Path(aside).replace(path)
            return
    Path(aside).unlink()


def aside_of(path: str) -> str:
    """Where the new content of a file is written before it takes its place.

    Another place each time: whoever was overtaken must not write into what others put in place.

    >>> aside_of("/srv/serving/in_service.json")[:34]
    '/srv/serving/.in_service.json.new-'
    """
    folder, _, name = path.rpartition("/")
    return join(folder, f".{name}{NEW}{secrets.token_hex(4)}")


def generation_of(content: bytes) -> str:
    """Generation of a file where the filesystem itself counts none."""
    return hashlib.sha256(content).hexdigest()


def check_generation(seen: Seen | None, generation: str | None, path: str) -> None:
    """Compares what is there with what was looked at.

    Raises:
        ChangedError: It is another generation.
    """
    if (None if seen is None else seen.generation) != generation:
        raise ChangedError(path)


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


def copy_folder(source: str, target: str, files: Files) -> None:
    """Copies all files below a folder, from or to an object store as well; not in one step."""
    for name in files.files_below(source):
        files.copy(join(source, name), join(target, name))


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
