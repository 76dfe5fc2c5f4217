"""Folders of this machine: what is in them, how large it is, and when it last changed."""

from __future__ import annotations

from pathlib import Path

__all__ = ["folders_in", "last_change", "size_of"]


def folders_in(path: Path) -> list[Path]:
    """Lists the folders in a folder; none if it is not there. Links may lead anywhere: left out."""
    if not path.is_dir():
        return []
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.is_symlink())


def last_change(path: Path) -> float:
    """Finds when a file, or a folder or anything in it, last changed, seconds since 1970."""
    return max(entry.stat().st_mtime for entry in (path, *path.rglob("*")))


def size_of(path: Path) -> int:
    """Adds up a file, or the files below a folder, bytes."""
    return sum(entry.stat().st_size for entry in (path, *path.rglob("*")) if entry.is_file())
