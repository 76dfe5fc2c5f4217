"""Looks into an image, and runs a compiled pipeline inside of it: `make test-image`.

    python tests/image/walk.py IMAGE WORKSPACE

The emulator of Kubeflow Pipelines runs here; every pod runs in the image, as its user.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
from pathlib import Path

from kubeflow_world import write_kubeflow_config, write_snapshot

from build import Image, enter
from demandcast.pipeline.cli.results import table_text
from demandcast.pipeline.console import duration_text, memory_text
from demandcast.pipeline.kubeflow.emulator.pods import Pods
from demandcast.pipeline.kubeflow.emulator.server import EmulatedServer, Run
from demandcast.pipeline.kubeflow.emulator.versions import KFP_2_17, KFP_3
from demandcast.schema.config import load_config
from demandcast.schema.config.serving import ServingConfig

# Nothing that makes programs, nor what the tests need.
FORBIDDEN = ("cc", "gcc", "g++", "c++", "clang", "ld", "as", "make", "git", "uv", "pytest", "mypy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path)
    parser.add_argument("workspace", type=Path)
    options = parser.parse_args()
    image = Image.load(options.image.resolve())
    workspace = options.workspace.resolve()
    if workspace.exists():
        shutil.rmtree(workspace)
    os.umask(0)  # What this machine's root makes, the user of the image may change.
    workspace.mkdir(parents=True)
    look_into(image)
    run_pipeline(image, workspace)


def look_into(image: Image) -> None:
    """Checks what a platform team would ask about an image."""
    size = subprocess.run(["du", "-sm", image.root], check=True, stdout=subprocess.PIPE, text=True)
    print(f"image: {int(size.stdout.split()[0]):,} MiB, user {image.user}")
    if not image.user.split(":")[0].isdecimal() or image.user.startswith("0"):
        raise SystemExit(f"USER is {image.user!r}, expected a number that is not root's")
    # One by one: dash looks at the first name only. Python shows that the question is asked.
    ask = f"for name in python {' '.join(FORBIDDEN)}; do command -v $name || true; done"
    found = say(image, "sh", "-c", ask).split()
    if found != ["/opt/demandcast/bin/python"]:
        raise SystemExit(f"expected python alone to be inside, found {found}")
    if say(image, "id", "-u").strip() != image.user.split(":")[0]:
        raise SystemExit("a command in the image is not run by USER")
    writable = say(image, "sh", "-c", "find /opt /usr/local -writable ! -type l | head").split()
    if writable:
        raise SystemExit(f"its own user may change the image: {writable}")
    locked = say(
        image,
        "python",
        "-c",
        "import importlib.metadata as m, sys;"
        "print(sys.version.split()[0], *(f'{n} {m.version(n)}' for n in ('tfx', 'tensorflow')))",
    )
    print(f"inside: Python {locked.strip()}")


def say(image: Image, *command: str, binds: dict[str, Path] | None = None) -> str:
    """Runs a command in the image; returns what it prints."""
    done = subprocess.run(
        enter(image, list(command), binds=binds or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def run_pipeline(image: Image, workspace: Path) -> None:
    """Compiles in the image, and runs what it wrote with every pod in the image."""
    write_snapshot(workspace / "volume", "1")
    file = write_kubeflow_config(
        workspace,
        training={"epochs": 2, "windows_per_series": 4},
        # The image's own server, as everywhere but in tests.
        serving={"command": list(ServingConfig().command), "timeout_seconds": 900},
    )
    binds = {str(workspace): workspace}
    compiled = workspace / "pipeline.yaml"
    compile_ = (*image.entry_point, "compile", "--config", str(file), "--output", str(compiled))
    print(say(image, *compile_, binds=binds).strip().splitlines()[-1])
    root = load_config(file).kubeflow.pipeline_root
    text = compiled.read_text(encoding="utf-8")
    with Pods(workspace / "pods.log", python=enter(image, ["python"], binds=binds)) as pods:
        newest = EmulatedServer(workspace / "kfp", pods, KFP_2_17)
        report("first run", newest.run(text, pipeline_root=root))
        report("the same again", newest.run(text, pipeline_root=root))
        announced = EmulatedServer(workspace / "kfp3", pods, KFP_3)
        report("on KFP 3 as announced", announced.run(text, pipeline_root=root))


def report(title: str, run: Run) -> None:
    """Prints the steps of a run; one that failed ends it all."""
    rows = [
        [step.name, step.status, duration_text(step.seconds), memory_text(step.peak_memory_bytes)]
        for step in run.steps.values()
    ]
    print(f"\n{title}\n{table_text(['step', '', 'time', 'peak memory'], rows, left=2)}", flush=True)
    failed = [step.message for step in run.steps.values() if step.status == "failed"]
    if failed:
        raise SystemExit("\n".join(failed))


if __name__ == "__main__":
    main()
