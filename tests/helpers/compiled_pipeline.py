"""The compiled example, and what of it must not change unseen.

Written anew by: PYTHONPATH=tests/helpers .venv/bin/python -m compiled_pipeline
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

__all__ = ["CONFIG", "GOLDEN", "compile_example", "normalised"]

_ROOT = Path(__file__).parents[2]
CONFIG = _ROOT / "examples" / "kubeflow.yaml"
GOLDEN = _ROOT / "tests" / "golden" / "kubeflow" / "pipeline.yaml"


def compile_example() -> str:
    """Compiles `examples/kubeflow.yaml`."""
    from demandcast.pipeline.kubeflow.compiling import compile_pipeline
    from demandcast.schema.config import load_config

    return compile_pipeline(load_config(CONFIG), "kubeflow").text


def normalised(text: str) -> str:
    """Replaces what changes with each edit of a source, and with the line of TFX."""
    text = re.sub(r"sdkVersion: tfx-[\d.]+", "sdkVersion: tfx-<version>", text)
    # Each digest by a number of its own, so that two that were equal stay so.
    numbers: dict[str, str] = {}
    count = itertools.count(1)
    return re.sub(
        r"(?<!sha256:)\b[0-9a-f]{64}\b",
        lambda found: numbers.setdefault(found[0], f"<digest {next(count)}>"),
        text,
    )


if __name__ == "__main__":
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(normalised(compile_example()), encoding="utf-8")
