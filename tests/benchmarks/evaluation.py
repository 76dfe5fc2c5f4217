"""Measures the Evaluator on synthetic series: seconds and peak memory.

    PYTHONPATH=tests/helpers python tests/benchmarks/evaluation.py --workspace /tmp/bench

Two toy models answer forecasts that are part of the examples, so what is measured is the
evaluation itself: reading, scoring, adding up by slice, intervals, thresholds, the verdict.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=50_000)
    parser.add_argument("--slices", type=int, default=60, help="values of the column of slices")
    parser.add_argument("--horizon", type=int, default=28)
    parser.add_argument("--step-ranges", type=json.loads, default=[[1, 7], [8, 28]])
    parser.add_argument("--workspace", type=Path, required=True, help="folder that may be filled")
    options = parser.parse_args()

    from evaluation_models import (
        make_eval_set,
        make_series,
        save_model,
        write_examples,
        write_schema,
    )
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts
    from tfx.utils import json_utils

    from demandcast.components.evaluation import component
    from demandcast.components.evaluation.verdict import format_verdict, read_verdict
    from demandcast.schema.config.gate import GateConfig

    horizon, folder = options.horizon, options.workspace
    eval_set = make_eval_set(examples=options.series, horizon=horizon, stores=options.slices)
    inputs = {
        "examples": [write_examples(eval_set, folder / "examples")],
        "schema": [write_schema(horizon, folder / "schema")],
        "model": [save_model(folder / "candidate", horizon=horizon, factor=1.01)],
        "baseline_model": [save_model(folder / "baseline", horizon=horizon)],
    }
    del eval_set
    ranges = [tuple(steps) for steps in options.step_ranges]
    gate = GateConfig(slices=("store",), **({"step_ranges": ranges} if ranges else {}))
    evaluation, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
    evaluation.uri, blessing.uri = str(folder / "evaluation"), str(folder / "blessing")
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=["--direct_running_mode=in_memory", "--sdk_container_image=unused"],
        tmp_dir=str(folder / "tmp"),
        unique_id="1",
    )
    before, start, cpu = _peak_gib(), time.monotonic(), time.process_time()
    component.Executor(context).Do(
        inputs,
        {"evaluation": [evaluation], "blessing": [blessing]},
        {
            "series": make_series(horizon).model_dump_json(),
            "example_splits": json_utils.dumps(["eval"]),
            "module_path": "demandcast.components.evaluation.module",
            "gate": gate.model_dump_json(),
            "code_digest": "1",
        },
    )
    print(format_verdict(read_verdict(evaluation.uri), max_slices=5))
    print(
        f"\n{options.series:,} series, {options.slices} slices, step ranges {ranges}: "
        f"{time.monotonic() - start:.1f} s, CPU {time.process_time() - cpu:.1f} s, "
        f"peak memory {_peak_gib():.2f} GiB, before it {before:.2f} GiB, verdict.json "
        f"{(Path(evaluation.uri) / 'verdict.json').stat().st_size / 2**20:.2f} MiB"
    )


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
