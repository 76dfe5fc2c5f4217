"""Moments of a run at which a test kills it, interrupts it, or fills its disk.

A point wraps a function of the product or of TFX in a forked child (`crash_server`), so that
the product needs no hooks for tests.
"""

from __future__ import annotations

import functools
import importlib
import os
import shutil
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAUNCHER = "tfx.orchestration.portable.launcher:Launcher"
FILES = "demandcast.components.storage.tfx_files:TfxFiles"


@dataclass(frozen=True)
class Point:
    """A moment of a run, and what happens then.

    Attributes:
        target: Function, `package.module:Class.method`.
        when: before it, after it, or halfway: for a function that copies (source, target), when
            half of the bytes are there.
        call: Which call of it, from 1.
        stage: Only calls of this stage's launcher count.
        text: Only calls count whose arguments, as text, hold this.
        action: kill, SIGINT, SIGTERM, or fill: leaves the disk of `folder` `room` bytes.
        folder: See action.
        room: See action.
    """

    target: str
    when: str = "before"
    call: int = 1
    stage: str = ""
    text: str = ""
    action: str = "kill"
    folder: str = ""
    room: int = 0

    def __str__(self) -> str:
        function = self.target.rpartition(":")[2].rpartition(".")[2]
        parts = [self.stage, self.when, function, self.text]
        return " ".join(filter(None, [*parts, f"call {self.call}" if self.call > 1 else ""]))


def before_executor(stage: str, **changes: Any) -> Point:
    """The execution is written down as running; its outputs have no folders yet."""
    return Point(f"{LAUNCHER}._run_executor", stage=stage, **changes)


def before_publishing(stage: str, **changes: Any) -> Point:
    """The outputs are complete; the metadata do not know it yet."""
    return Point(f"{LAUNCHER}._publish_successful_execution", stage=stage, **changes)


def after_publishing(stage: str, **changes: Any) -> Point:
    """The metadata know the outputs; the runner does not know it yet."""
    return Point(f"{LAUNCHER}._publish_successful_execution", when="after", stage=stage, **changes)


def install(point: Point) -> None:
    """Wraps the function of a point; for a process of its own."""
    module_name, _, path = point.target.partition(":")
    owner: Any = importlib.import_module(module_name)
    *classes, name = path.split(".")
    for attribute in classes:
        owner = getattr(owner, attribute)
    original = getattr(owner, name)
    calls = _Calls(point)

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        due = calls.due(args, kwargs)
        if due and point.when == "halfway":
            _copy_half(*args[-2:])
        if due and point.when != "after":
            act(point)
        result = original(*args, **kwargs)
        if due and point.when == "after":
            act(point)
        return result

    setattr(owner, name, wrapper)


def act(point: Point) -> None:
    """Does what happens at a point."""
    if point.action == "fill":
        fill(Path(point.folder), room=point.room)
    elif point.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    else:
        signal.raise_signal(getattr(signal, point.action))


def fill(folder: Path, *, room: int) -> None:
    """Leaves the disk of a folder so many bytes, by a file called `filler`."""
    size = shutil.disk_usage(folder).free - room
    with (folder / "filler").open("ab") as file:
        os.posix_fallocate(file.fileno(), file.tell(), size)


class _Calls:
    """Counts the calls that match a point."""

    def __init__(self, point: Point) -> None:
        self._point = point
        self._seen = 0
        self._lock = threading.Lock()

    def due(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        if self._point.stage and self._point.stage != _stage(args[0]):
            return False
        if self._point.text not in f"{args} {kwargs}":
            return False
        with self._lock:
            self._seen += 1
            return self._seen == self._point.call


def _stage(launcher: Any) -> str:
    return str(launcher._pipeline_node.node_info.id)


def _copy_half(source: str, target: str) -> None:
    content = Path(source).read_bytes()
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    Path(target).write_bytes(content[: len(content) // 2])
