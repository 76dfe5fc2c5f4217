"""Local files for tests of publishing; can break at the n-th change, as a crash would."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path


class SimulatedCrashError(Exception):
    """The simulated crash."""


class LocalFiles:
    """`Files` over pathlib; every change is recorded, and the one numbered `break_at` crashes."""

    def __init__(self, break_at: int | None = None) -> None:
        self.changes: list[tuple[str, str]] = []
        self._break_at = break_at

    def _change(self, kind: str, path: str) -> None:
        if self._break_at is not None and len(self.changes) == self._break_at:
            raise SimulatedCrashError(f"{kind} {path}")
        self.changes.append((kind, path))

    def exists(self, path: str) -> bool:
        return Path(path).exists()

    def folders(self, path: str) -> list[str]:
        folder = Path(path)
        return [p.name for p in folder.iterdir() if p.is_dir()] if folder.exists() else []

    def files_below(self, path: str) -> list[str]:
        root = Path(path)
        return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())

    def read(self, path: str) -> bytes:
        return Path(path).read_bytes()

    def blocks(self, path: str) -> Iterator[bytes]:
        content = Path(path).read_bytes()
        for start in range(0, len(content), 3):
            yield content[start : start + 3]

    def write(self, path: str, content: bytes) -> None:
        self._change("write", path)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)

    def copy(self, source: str, target: str) -> None:
        self._change("copy", target)
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def rename(self, source: str, target: str) -> None:
        self._change("rename", target)
        Path(source).rename(target)

    def remove_folder(self, path: str) -> None:
        self._change("remove", path)
        shutil.rmtree(path)


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


def write_model(folder: Path, content: str = "weights") -> str:
    """Writes the files of a SavedModel, with the content given; returns the folder."""
    for name in ("saved_model.pb", "variables/variables.index", "assets/vocabulary"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name} {content}")
    (folder / "fingerprint.pb").write_text(f"random {folder}")
    return str(folder)
