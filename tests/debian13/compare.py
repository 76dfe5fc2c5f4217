"""Compares the quick start of two TFX lines: examples exactly, the model within a tolerance.

    python tests/debian13/compare.py WORKSPACE WORKSPACE

The two train with different releases of TensorFlow and Keras from the same seeds and data. What
does not depend on training has to agree; what does has to agree within `TOLERANCES`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COUNTS = ("rows", "series", "examples_train", "examples_validation", "examples_eval")
"""Properties of the examples, equal."""

TOLERANCES = {
    "weighted_quantile_loss": ("relative", 0.02),
    "wape": ("relative", 0.02),
    "rmsse": ("relative", 0.02),
    "bias": ("absolute", 0.02),
    "coverage_80": ("absolute", 0.02),
    "coverage_90": ("absolute", 0.02),
}
"""How far metrics of the trained model may lie apart, overall."""


def newest_run(workspace: Path) -> dict[str, Any]:
    """Reads the report of a workspace's newest run."""
    files = sorted(workspace.glob("*/runs/*/run.json"))
    if not files:
        raise SystemExit(f"{workspace}: no run")
    report: dict[str, Any] = json.loads(files[-1].read_text(encoding="utf-8"))
    return report


def examples_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """Picks the counts of the examples."""
    (stage,) = (stage for stage in report["stages"] if stage["name"] == "SeriesExampleGen")
    properties = stage["outputs"]["examples"]["properties"]
    return {name: properties[name] for name in COUNTS}


def naive_loss(metrics: Mapping[str, float]) -> float:
    """Loss of the seasonal-naive forecast, which no training touches."""
    return metrics["weighted_quantile_loss"] / (1 - metrics["weighted_quantile_loss_skill"])


def compare(here: Mapping[str, Any], there: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Lays two runs side by side.

    Returns:
        Lines of a table, and in words what does not agree.
    """
    lines = [f"{'':24}{'here':>12}{'Debian 13':>12}"]
    problems = []
    old, new = examples_of(here), examples_of(there)
    for name in COUNTS:
        lines.append(f"{name:24}{old[name]:12}{new[name]:12}")
        if old[name] != new[name]:
            problems.append(f"{name}: {old[name]} here, {new[name]} there; expected the same")
    (ours, theirs) = (run["verdict"]["slices"][0]["candidate"] for run in (here, there))
    a, b = naive_loss(ours), naive_loss(theirs)
    lines.append(f"{'loss of seasonal naive':24}{a:12.6f}{b:12.6f}")
    if abs(a - b) > 1e-5 * a:
        problems.append(f"loss of seasonal naive: {a} here, {b} there; expected the same")
    for name, (kind, tolerance) in TOLERANCES.items():
        a, b = ours[name], theirs[name]
        lines.append(f"{name:24}{a:12.4f}{b:12.4f}  {kind} tolerance {tolerance}")
        distance = abs(a - b) / (abs(a) if kind == "relative" else 1.0)
        if not distance <= tolerance:
            problems.append(f"{name}: {a:.4f} here, {b:.4f} there; {kind} tolerance {tolerance}")
    return lines, problems


def main(here: str, there: str) -> None:
    """Prints the comparison; exit code 1 if the lines do not agree."""
    lines, problems = compare(newest_run(Path(here)), newest_run(Path(there)))
    print("\n".join(lines))
    if problems:
        raise SystemExit("test-tfx121: the two lines do not agree:\n  " + "\n  ".join(problems))
    print("test-tfx121: the two lines agree")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
