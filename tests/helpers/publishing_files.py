"""Local files for tests of publishing; can break at the n-th change, as a crash would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from demandcast.components.publishing.lease import LOCK_FILE
from demandcast.components.storage import files


class SimulatedCrashError(Exception):
    """The simulated crash."""


class LocalFiles(files.LocalFiles):
    """The real ones; every change is recorded, and from the one numbered `break_at` on all crash.

    What is done about locks does not count: it depends on time.
    """

    def __init__(self, break_at: int | None = None) -> None:
        self.changes: list[tuple[str, str]] = []
        self._break_at = break_at

    def _change(self, kind: str, path: str) -> None:
        if self._break_at is not None and len(self.changes) == self._break_at:
            raise SimulatedCrashError(f"{kind} {path}")
        if LOCK_FILE in path:
            return
        self.changes.append((kind, path))

    def write(self, path: str, content: bytes) -> None:
        self._change("write", path)
        super().write(path, content)

    def copy(self, source: str, target: str) -> None:
        self._change("copy", target)
        super().copy(source, target)

    def rename(self, source: str, target: str) -> None:
        self._change("rename", target)
        super().rename(source, target)

    def make(self, source: str, target: str) -> None:
        self._change("make", target)
        super().make(source, target)

    def remove(self, path: str, generation: str) -> None:
        self._change("remove", path)
        super().remove(path, generation)

    def remove_folder(self, path: str) -> None:
        self._change("remove", path)
        super().remove_folder(path)


class RemoteFiles(LocalFiles):
    """`LocalFiles` behind the scheme `mem://`; folders cannot be renamed."""

    def __init__(self, root: Path, break_at: int | None = None) -> None:
        super().__init__(break_at)
        self._root = root

    def _local(self, path: str) -> str:
        return str(self._root / path.removeprefix("mem://")) if "://" in path else path

    def exists(self, path: str) -> bool:
        return super().exists(self._local(path))

    def folders(self, path: str) -> list[str]:
        return super().folders(self._local(path))

    def files_below(self, path: str) -> list[str]:
        return super().files_below(self._local(path))

    def read(self, path: str) -> bytes:
        return super().read(self._local(path))

    def blocks(self, path: str) -> Iterator[bytes]:
        return super().blocks(self._local(path))

    def write(self, path: str, content: bytes) -> None:
        super().write(self._local(path), content)

    def copy(self, source: str, target: str) -> None:
        super().copy(self._local(source), self._local(target))

    def rename(self, source: str, target: str) -> None:
        if Path(self._local(source)).is_dir():
            raise OSError(f"folders cannot be renamed here: {source}")
        super().rename(self._local(source), self._local(target))

    def remove_folder(self, path: str) -> None:
        super().remove_folder(self._local(path))

    def replace(self, path: str, content: bytes, generation: str | None) -> str:
        return super().replace(self._local(path), content, generation)

    def remove(self, path: str, generation: str) -> None:
        super().remove(self._local(path), generation)


def write_model(folder: Path, content: str = "weights") -> str:
    """Writes the files of a SavedModel, with the content given; returns the folder."""
    for name in ("saved_model.pb", "variables/variables.index", "assets/vocabulary"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} {content}")
    (folder / "fingerprint.pb").write_text(f"random {folder}")
    return str(folder)
