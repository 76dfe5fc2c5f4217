"""Runs a compiled pipeline on the emulated Kubeflow Pipelines, and prints what each step took.

    python tests/benchmarks/kubeflow.py --config examples/freshretailnet.yaml \\
        --sales /path/to/sales.parquet --workspace /tmp/kubeflow

The table and the serving directory lie on a shared volume, artifacts behind `minio://`. The second
run is the same again: what is served from the cache.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from demandcast.pipeline.cli.results import table_text
from demandcast.pipeline.console import duration_text, memory_text
from demandcast.pipeline.kubeflow.compiling import compile_pipeline
from demandcast.pipeline.kubeflow.emulator.pods import Pods
from demandcast.pipeline.kubeflow.emulator.server import EmulatedServer, Run
from demandcast.pipeline.kubeflow.emulator.versions import KFP_2_17
from demandcast.pipeline.overrides import load_with_overrides

ROOT = "minio://mlpipeline/v2/artifacts"
IMAGE = f"registry.example/demandcast@sha256:{'0' * 64}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--sales", type=Path, required=True)
    parser.add_argument("--workspace", type=Path, required=True, help="an empty folder")
    parser.add_argument("--set", action="append", default=[], help="changes of the configuration")
    options = parser.parse_args()
    sales, workspace = options.sales.resolve(), options.workspace.resolve()
    volumes = [
        {"claim": "sales", "mount_path": str(sales.parent)},
        {"claim": "serving", "mount_path": str(workspace)},
    ]
    config = load_with_overrides(
        options.config,
        [
            f"data.sales={sales}",
            f"push.serving_directory={workspace}/serving",
            f"kubeflow.image={IMAGE}",
            f"kubeflow.pipeline_root={ROOT}",
            f"kubeflow.volumes={volumes}",
            *options.set,
        ],
        folder=Path.cwd(),
    )
    begin = time.monotonic()
    text = compile_pipeline(config, "kubeflow").text
    print(f"compiled in {time.monotonic() - begin:.1f} s after TFX was imported")
    with Pods(workspace / "pods.log") as pods:
        server = EmulatedServer(workspace / "kfp", pods, KFP_2_17)
        for title in ("first run", "the same again"):
            begin = time.monotonic()
            run = server.run(text, pipeline_root=ROOT)
            print(f"\n{title}\n{_table(run, time.monotonic() - begin)}", flush=True)


def _table(run: Run, seconds: float) -> str:
    rows = [
        [
            step.name,
            step.status,
            duration_text(step.seconds) if step.attempts else "-",
            memory_text(step.peak_memory_bytes) if step.peak_memory_bytes else "-",
        ]
        for step in run.steps.values()
    ]
    rows.append(["whole run", "", duration_text(seconds), ""])
    failures = [step.message for step in run.steps.values() if step.status == "failed"]
    return "\n".join([table_text(["step", "", "time", "peak memory"], rows, left=2), *failures])


if __name__ == "__main__":
    main()
