"""What stockpyl says, from the environment that holds it; see tests/oracles/stockpyl_oracle.py."""

from __future__ import annotations

import fcntl
import json
import subprocess
from pathlib import Path

import numpy as np
from missing_tools import missing

__all__ = ["RELATIVE", "close", "columns", "evaluations", "values_from"]

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / "build/oracles/bin/python"
RELATIVE = 1e-6


def values_from(folder: Path) -> dict[str, list[dict]]:
    """Returns all families of cases; runs the oracle if its answer is not in the folder yet.

    Args:
        folder: Shared by the workers of a test run: one runs the oracle, the others wait.
    """
    if not PYTHON.exists():
        missing("environment with stockpyl", "run make oracles")
    answer = folder / "stockpyl.json"
    with (folder / "stockpyl.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists():
            program = ROOT / "tests/oracles/stockpyl_oracle.py"
            told = subprocess.run([PYTHON, program], capture_output=True, text=True, check=False)
            assert told.returncode == 0, told.stderr[-2000:]
            answer.write_text(told.stdout)
    return json.loads(answer.read_text())


def columns(cases: list[dict], *names: str) -> list[np.ndarray]:
    """Returns parameters or answers of all cases, each as one array; absent ones are 0."""
    return [
        np.array([case["parameters"].get(name, case.get(name, 0)) for case in cases], dtype=float)
        for name in names
    ]


def evaluations(cases: list[dict]) -> np.ndarray:
    """Returns the evaluated levels and their costs. Shape [evaluations, columns, cases]."""
    return np.moveaxis(np.array([case["evaluated"] for case in cases], dtype=float), 0, -1)


def close(ours, theirs, *, relative: float = RELATIVE) -> None:
    """Asserts agreement with stockpyl."""
    np.testing.assert_allclose(ours, theirs, rtol=relative, atol=1e-9)
