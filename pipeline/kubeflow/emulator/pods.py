"""Runs the command of a container in a process of its own.

Importing TFX takes 16 s, so a process that has done it once is forked for each command: the same
empty folder, environment and exit, without the wait. As a script this is that process: a line of
JSON in, a line of JSON out.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demandcast.pipeline.kubeflow.entry_point import ROOT_VARIABLE

__all__ = ["Finished", "OnStart", "PRELOADED", "Pods"]

PRELOADED = (
    "tfx.v1",
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor",
    "demandcast.pipeline.dag",
    "demandcast.components.evaluation.module",
    "demandcast.components.forecasting.module",
    "demandcast.components.preprocessing.module",
)

OnStart = Callable[[int], None]
"""Called with the pid of a process that has begun; may wait for something and kill it."""


@dataclass(frozen=True)
class Finished:
    """What a command came to.

    Attributes:
        code: Exit code; that of a signal is negative.
        peak_memory_bytes: Most memory that it held, with what was loaded before it.
        over_deadline: Whether it was killed because it took too long.
    """

    code: int
    peak_memory_bytes: int
    over_deadline: bool = False


class Pods:
    """Runs commands `python -m MODULE ...`; use as a context manager."""

    def __init__(
        self,
        log: Path,
        *,
        preload: Sequence[str] = PRELOADED,
        python: Sequence[str] = (sys.executable,),
    ) -> None:
        """Starts the process that is forked, and waits until it has imported what it shall.

        Args:
            log: What it prints itself.
            python: Command that starts Python; may lead into an image.
            preload: Modules that it imports once for all commands.
        """
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log
        with log.open("w", encoding="utf-8") as file:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [*python, "-m", __name__, *preload],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )
        self._answer()  # Ready: no command waits for the imports.

    def __enter__(self) -> Pods:
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the process."""
        self.close()

    def close(self) -> None:
        """Ends the process that is forked."""
        with self._process:
            self._process.kill()

    def run(
        self,
        command: Sequence[str],
        *,
        root: Path,
        log: Path,
        environment: dict[str, str],
        deadline_seconds: float | None = None,
        on_start: OnStart | None = None,
    ) -> Finished:
        """Runs a command to its end.

        Args:
            command: `python -m MODULE` and its arguments.
            root: The folder that the command has for itself: its working directory, and where /gcs
                and the like are.
            log: What it prints.
            environment: Variables of the container.
            deadline_seconds: It is killed after that, as Kubernetes does with a pod.
            on_start: Told the pid.

        Raises:
            ValueError: The command is of another kind.
            RuntimeError: The process that is forked has ended.
        """
        if list(command[:2]) != ["python", "-m"]:
            raise ValueError(f"expected python -m MODULE, got {list(command[:3])}")
        variables = {ROOT_VARIABLE: str(root), "TMPDIR": str(root / "tmp"), **environment}
        self._ask({"run": list(command[2:]), "root": str(root), "log": str(log), "env": variables})
        pid = int(self._answer()["pid"])
        if on_start is not None:
            on_start(pid)
        with _killed_after(deadline_seconds, pid) as killed:
            self._ask({"wait": pid})
            answer = self._answer()
        return Finished(**answer, over_deadline=killed.is_set())

    def _ask(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        line = self._process.stdout.readline()
        if not line:
            tail = self._log.read_text(encoding="utf-8")[-3000:]
            raise RuntimeError(f"the process that runs the pods has ended: {tail}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextlib.contextmanager
def _killed_after(seconds: float | None, pid: int) -> Iterator[threading.Event]:
    """Kills a process after some time; tells whether it did."""
    ended, killed = threading.Event(), threading.Event()

    def watch() -> None:
        if not ended.wait(seconds):
            killed.set()
            os.kill(pid, signal.SIGKILL)

    watcher = threading.Thread(target=watch, daemon=True)
    if seconds is not None:
        watcher.start()
    try:
        yield killed
    finally:
        ended.set()
        if seconds is not None:
            watcher.join()


def _serve(modules: Sequence[str]) -> None:
    """Imports modules, then answers requests until there are no more."""
    # Children must not write into the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    for module in modules:
        __import__(module)
    answers.write("{}\n")
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status, usage = os.wait4(request["wait"], 0)
            code = os.waitstatus_to_exitcode(status)
            answer = {"code": code, "peak_memory_bytes": usage.ru_maxrss * 1024}
        else:
            answer = {"pid": os.fork() or _child(request)}
        answers.write(json.dumps(answer) + "\n")


def _child(request: dict[str, Any]) -> int:
    """Becomes the command, as `python -m` would; never returns."""
    code = 1
    try:
        descriptor = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.environ.update(request["env"])
        os.chdir(request["root"])
        module, *arguments = request["run"]
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1:])
