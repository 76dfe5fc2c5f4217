"""Runs a program in an interpreter that can import only what some distributions bring."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import PurePosixPath

from packaging.requirements import Requirement

__all__ = ["importable_names", "loaded_names", "run_limited"]

_HOOK = """
import sys
ALLOWED = {allowed!r}
class Refuse:
    def find_spec(self, name, path=None, target=None):
        parts = name.split(".")
        for size in (1, 2):
            if ".".join(parts[:size]) in ALLOWED:
                return None
        if parts[0] in sys.stdlib_module_names or any(a.startswith(name + ".") for a in ALLOWED):
            return None
        raise ModuleNotFoundError("not among the dependencies: " + name, name=name)
sys.meta_path.insert(0, Refuse())
"""


def importable_names(requirements: Iterable[str]) -> set[str]:
    """Packages that distributions bring, and those that these need; of `google`, its parts."""
    names: set[str] = set()
    seen: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = Requirement(waiting.pop())
        marker = requirement.marker
        if requirement.name in seen or (marker and not marker.evaluate({"extra": ""})):
            continue
        seen.add(requirement.name)
        distribution = importlib.metadata.distribution(requirement.name)
        waiting += distribution.requires or []
        for file in distribution.files or []:
            names |= _package_of(PurePosixPath(file))
    return names


def run_limited(program: str, allowed: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Runs a program that finds the standard library and these packages, and no other."""
    code = _HOOK.format(allowed=sorted(allowed)) + program
    return subprocess.run(
        [sys.executable, "-P", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def loaded_names(program: str) -> set[str]:
    """Names of all modules that are loaded at the end of a program."""
    code = program + "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def _package_of(file: PurePosixPath) -> set[str]:
    if file.suffix not in (".py", ".so") or file.parts[0] in ("..", "bin"):
        return set()
    first = file.parts[0].partition(".")[0]
    # Many distributions share this one.
    return {f"google.{file.parts[1].partition('.')[0]}"} if first == "google" else {first}
