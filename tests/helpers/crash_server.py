"""Runs command lines in forked children of a process that has imported TFX once: 16 s saved each.

As a script it is that process: a line of JSON in, a line of JSON out. `CrashServer` is its
client, which needs no TensorFlow.
"""

from __future__ import annotations

import glob
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crash_points import Point, install

KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Done:
    """What a command came to.

    Attributes:
        code: Exit code; that of a signal is negative.
        screen: What it wrote.
    """

    code: int
    screen: str


class CrashServer:
    """Runs `demandcast` command lines, each in a process of its own."""

    def __init__(self, folder: Path) -> None:
        """Starts the server; its log and its children's output go to the folder."""
        self._log = folder / "server.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", __file__, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
            )

    def run(self, arguments: Sequence[str], point: Point | None = None) -> Done:
        """Runs a command line, with a point if given; returns when it has ended."""
        return self.wait(self.start(arguments, point))

    def start(self, arguments: Sequence[str], point: Point | None = None) -> int:
        """Begins a command line; returns its pid."""
        self._ask({"run": list(arguments), "point": asdict(point) if point else None})
        return int(self._answer()["pid"])

    def wait(self, pid: int, *, kill_at: Path | None = None) -> Done:
        """Waits for a command; kills it when there is a new file that fits the pattern.

        A command that stopped itself (SIGSTOP) goes on when the look-out for the file begins.
        """
        self._ask({"wait": pid, "kill_at": str(kill_at) if kill_at else None})
        return Done(**self._answer())

    def close(self) -> None:
        """Ends the server; its children have ended."""
        with self._process:
            self._process.kill()

    def _ask(self, request: dict[str, Any]) -> None:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        assert line, f"the server ended: {self._log.read_text()[-3000:]}"
        return json.loads(line)


def serve(folder: Path) -> None:
    """Answers requests until there are no more."""
    _import_everything()
    screens: dict[int, Path] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "run" in request:
            screen = folder / f"screen-{len(screens)}"
            pid = _fork(request, screen)
            screens[pid] = screen
            answer: dict[str, Any] = {"pid": pid}
        else:
            code = _wait(request["wait"], request["kill_at"])
            answer = {"code": code, "screen": screens[request["wait"]].read_text()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _import_everything() -> None:
    import demandcast.components.evaluation.module
    import demandcast.components.forecasting.module
    import demandcast.components.preprocessing.module
    import demandcast.pipeline.dag
    import demandcast.pipeline.runners.local  # noqa: F401


def _fork(request: dict[str, Any], screen: Path) -> int:
    pid = os.fork()
    if pid:
        return pid
    from demandcast.pipeline.cli.main import invoke

    descriptor = os.open(screen, os.O_WRONLY | os.O_CREAT)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    if request["point"]:
        install(Point(**request["point"]))
    code = 1
    try:
        code = invoke(request["run"])
    finally:
        sys.stdout.flush()
        os._exit(code)


def _wait(pid: int, kill_at: str | None) -> int:
    """Waits for a child; looks out for a file without pause, for it may be there for 1 ms only."""
    known = set(_files(kill_at)) if kill_at else set()
    if kill_at:
        os.kill(pid, signal.SIGCONT)  # It may wait for this look-out to begin.
    while True:
        done, status = os.waitpid(pid, os.WNOHANG if kill_at else 0)
        if done:
            return os.waitstatus_to_exitcode(status)
        if kill_at and not known.issuperset(_files(kill_at)):
            os.kill(pid, signal.SIGKILL)
            kill_at = None
        time.sleep(0)


def _files(pattern: str) -> list[str]:
    # The fast way: pathlib takes five times as long.
    return [path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)]  # noqa: PTH113, PTH207


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
