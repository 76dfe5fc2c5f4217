"""Watches a run of the pipeline from outside: which stage took how many seconds of CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SECONDS_BETWEEN_LOOKS = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")


class StageClock:
    """Notes the CPU time at which each stage of a run began and ended."""

    def __init__(self) -> None:
        self._began: dict[str, float] = {}
        self.seconds: dict[str, float] = {}
        """CPU time of each stage that ended, seconds."""

    def look(self, stages: Sequence[Mapping[str, Any]], cpu: float) -> None:
        """Takes note of what changed.

        Args:
            stages: `stages` of `run.json` as it is now.
            cpu: CPU time of the run so far, seconds.
        """
        for stage in stages:
            name = stage["name"]
            if name not in self._began:
                self._began[name] = cpu
            if stage["status"] != "running" and name not in self.seconds:
                self.seconds[name] = cpu - self._began[name]


def watch_run(command: Sequence[str], runs: Path) -> tuple[dict[str, Any], dict[str, float]]:
    """Runs a command that makes the first run in a folder of runs.

    Returns:
        The report of the run, and the CPU time of each of its stages, seconds.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        report, seconds = _watch(process.pid, runs)
    except BaseException:
        process.terminate()
        raise
    code = process.wait()
    if code != 0 or report is None:
        sys.exit(f"{' '.join(command)} ended with exit code {code}")
    return report, seconds


def _watch(pid: int, runs: Path) -> tuple[dict[str, Any] | None, dict[str, float]]:
    """Looks at a process and the report that it writes until the process has ended."""
    clock, seen, report = StageClock(), 0, None
    while True:
        ended = _status(pid)[0] in ("Z", "X")  # A zombie can still be asked for its CPU time.
        cpu = cpu_seconds(pid)
        file = next(runs.glob("*/run.json"), None)
        if file is not None and (changed := file.stat().st_mtime_ns) != seen:
            seen, report = changed, json.loads(file.read_bytes())
            clock.look(report["stages"], cpu)
        if ended:
            return report, clock.seconds
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of those that it waited for, seconds."""
    return sum(map(int, _status(pid)[11:15])) / _TICKS


def _status(pid: int) -> list[str]:
    """Fields of `/proc/pid/stat` after the name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
