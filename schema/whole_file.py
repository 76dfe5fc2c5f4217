"""Writes a file of this machine so that readers see the old content or the new, never a part."""

from __future__ import annotations

from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, text: str) -> None:
    """Writes a text aside, in the folder of its file, then renames it.

    A process may be killed at any point. After a loss of power the new content may be lost as
    well: what a model in service depends on is written by `storage.files`, which waits for the
    disk.

    Args:
        path: The file; its folder is there.
        text: All of its content.

    Raises:
        OSError: It cannot be written; nothing is left beside it.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
