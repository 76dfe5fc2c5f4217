"""A model server that follows a models.config as TensorFlow Serving does, without a model.

As in its `ServerCore::ReloadConfig`: labels are assigned first, and a label that moves to a version
which is not available makes it refuse the whole file; then versions are loaded and unloaded. Here a
new label is refused as well, which TensorFlow Serving does unless a flag says otherwise.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from demandcast.serving.errors import CallError
from demandcast.serving.models_file import Placement, read_placement

__all__ = ["LabelServer", "State", "Status", "models_config"]


class State(enum.Enum):
    LOADING = 20
    AVAILABLE = 30
    END = 50


@dataclass(frozen=True)
class Status:
    version: int
    state: State
    error: str = ""


def models_config(placement: Placement, *, heading: str = "# Ours.\n") -> str:
    """A file with one model."""
    if placement.versions is None:
        policy = "latest { num_versions: 1 }"
    else:
        numbers = " ".join(f"versions: {number}" for number in sorted(placement.versions))
        policy = f"specific {{ {numbers} }}"
    labels = "".join(
        f'    version_labels {{ key: "{label}" value: {version} }}\n'
        for label, version in placement.labels.items()
    )
    return (
        f'{heading}model_config_list {{\n  config {{\n    name: "demand"\n'
        f'    base_path: "/models/demand"\n    model_platform: "tensorflow"\n'
        f"    model_version_policy {{ {policy} }}\n{labels}  }}\n}}\n"
    )


@dataclass
class LabelServer:
    """A server; each question is also a look at its file.

    Attributes:
        path: The file.
        folders: Versions that lie in the serving directory.
        broken: Versions that cannot be loaded.
        looks_to_load: Looks at the file that a version takes to load.
    """

    path: Path
    folders: set[int]
    broken: frozenset[int] = frozenset()
    looks_to_load: int = 1
    available: set[int] = field(default_factory=set)
    labels: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    _loading: dict[int, int] = field(default_factory=dict)

    def start(self) -> LabelServer:
        """Loads what the file says; a server that starts may have labels for what it loads."""
        placement = read_placement(self.path.read_text(), "demand", source="file")
        self.available = self._wanted(placement) - self.broken
        self.labels = dict(placement.labels)
        return self

    def status(self) -> list[Status]:
        self.look()
        return [
            *(Status(version, State.AVAILABLE) for version in sorted(self.available)),
            *(self._unready(version) for version in sorted(self._loading)),
        ]

    def resolve(self, label: str) -> int:
        self.look()
        if label not in self.labels:
            raise CallError("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")
        return self.labels[label]

    def look(self) -> None:
        placement = read_placement(self.path.read_text(), "demand", source="file")
        for label, version in placement.labels.items():
            if self.labels.get(label) != version and version not in self.available:
                self.refused.append(f"{label} {version}")
                return
        self.labels = dict(placement.labels)
        self._load(self._wanted(placement))

    def _wanted(self, placement: Placement) -> set[int]:
        if placement.versions is None:
            return {max(self.folders)}
        return set(placement.versions & self.folders)

    def _load(self, wanted: Iterable[int]) -> None:
        wanted = set(wanted)
        for version in wanted - self.available:
            self._loading[version] = self._loading.get(version, 0) + 1
        ready = {v for v, looks in self._loading.items() if looks > self.looks_to_load}
        self.available = ((self.available | ready) & wanted) - self.broken
        self._loading = {
            v: looks
            for v, looks in self._loading.items()
            if v in wanted and v not in self.available
        }

    def _unready(self, version: int) -> Status:
        if version in self.broken:
            return Status(version, State.END, "DATA_LOSS: bad file")
        return Status(version, State.LOADING)
