"""Versions of models that need no TensorFlow: a file that says whether it loads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

BROKEN = "OSError: bytes make no model"
"""What is said of a version whose file says `broken`."""


class FakeServable:
    """A loaded version; knows from where."""

    def __init__(self, folder: Path, version: int) -> None:
        self.folder = folder
        self.version = version


class FakeLoader:
    """Loads unless the file says `broken`; counts its loads."""

    def __init__(self) -> None:
        self.loads: list[int] = []
        self.during: Callable[[int], object] = lambda version: None

    def __call__(self, folder: Path, version: int) -> FakeServable:
        self.loads.append(version)
        self.during(version)
        if (folder / "saved_model.pb").read_text() == "broken":
            raise OSError("bytes make no model")
        return FakeServable(folder, version)


def write_version(directory: Path, version: object, text: str = "good") -> None:
    """Publishes a version in one step, as the product does."""
    folder = directory / str(version)
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / "aside"
    aside.write_text(text)
    aside.rename(folder / "saved_model.pb")
