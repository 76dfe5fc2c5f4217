"""Measures the pipeline at several sizes of the sample data and writes `docs/benchmarks.md`.

    PYTHONPATH=tests/benchmarks python tests/benchmarks/scaling.py --sizes 1 4 16

A size multiplies the stores of the quick start's sample data. Each size runs the real pipeline
and, in processes of their own, a reference for each of five jobs. What a size came to is kept
in the workspace, so that a command that was stopped goes on with the size at which it was.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml
from scaling_page import Cost, Job, Machine, SizeResult, StageCost, page_text
from watching import watch_run

from demandcast.components.forecasting.report import TrainingReport
from demandcast.components.simulation.config import preset
from demandcast.components.simulation.write import write_sample_data
from demandcast.pipeline.fingerprint import code_digests, toolchain
from demandcast.pipeline.reports import RunReport, read_report
from demandcast.schema.config import RunConfig, load_config

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "examples" / "quickstart.yaml"
_EPOCHS = 4
"""Of size 1; larger sizes train fewer, on about as many windows."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--workspace", type=Path, default=ROOT / "build" / "benchmarks")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "benchmarks.md")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # Ends what it started, too.
    if min(options.sizes) < 1:
        parser.error(f"--sizes: got {min(options.sizes)}; a size is 1 or more")
    results = [_of_size(size, options.workspace) for size in sorted(set(options.sizes))]
    _write_aside(options.output, page_text(results, _machine(), command=_command(options.sizes)))
    print(f"written: {options.output}")


def _of_size(size: int, workspace: Path) -> SizeResult:
    """Measures a size, or reads what it came to with the same code on the same libraries."""
    key = _key()
    kept = workspace / f"size-{size}-{key}.json"
    if kept.exists():
        print(f"size {size}: measured before ({kept})")
        return SizeResult.from_json(kept.read_text(encoding="utf-8"))
    folder = workspace / f"size-{size}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    load = os.getloadavg()[0]
    config_file = _prepare(size, folder)
    result = _measure(size, folder, config_file, load=load)
    _write_aside(kept, result.to_json())
    shutil.rmtree(folder)
    return result


def _prepare(size: int, folder: Path) -> Path:
    """Simulates the sample data and writes the quick start's configuration for them."""
    start = time.monotonic()
    values = load_config(QUICKSTART).model_dump(mode="json", exclude_unset=True)
    sample = preset("quickstart")
    sample = preset(
        "quickstart", stores=size * sample.stores, horizon=values["forecast"]["horizon"]
    )
    files = write_sample_data(folder / "data", sample)
    _say(size, f"{files.rows['sales']:,} rows of sales simulated", start)
    data = values["data"]
    for table in (data, *data["static_tables"], data["calendar"]):
        for key in ("sales", "future", "path"):
            if key in table:
                table[key] = str(folder.resolve() / "data" / Path(table[key]).name)
    # What is measured ends with the push.
    values["replenishment"] = {"enabled": False}
    values["workspace"] = str(folder.resolve() / "runs")
    values["push"]["serving_directory"] = str(folder.resolve() / "serving")
    values["training"] |= {"epochs": max(1, _EPOCHS // size), "patience": _EPOCHS}
    # Forecasts need a model in service; how good one is after an epoch is not the question.
    values["gate"]["floors"] = {
        "weighted_quantile_loss_skill": -1000.0,
        "wape_skill": -1000.0,
        "coverage_tolerance": 1.0,
        "coverage_tolerance_per_slice": 1.0,
        "max_absolute_bias": None,
    }
    path = folder / "demand.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def _measure(size: int, folder: Path, config_file: Path, *, load: float) -> SizeResult:
    """Runs the pipeline, then the batch forecast, then the references."""
    start = time.monotonic()
    config = load_config(config_file)
    runs = Path(config.workspace) / config.name / "runs"
    command = [str(Path(sys.executable).with_name("demandcast")), "run", "--config",
               str(config_file), "--quiet"]  # fmt: skip
    report, cpu = watch_run(command, runs)
    stages = {
        stage["name"]: StageCost(
            stage["name"],
            Cost(stage["seconds"], cpu[stage["name"]], stage["peak_memory_bytes"]),
        )
        for stage in report["stages"]
    }
    _say(size, "pipeline run", start)

    report_file = next(runs.glob("*/run.json"))

    def work(name: str) -> tuple[int, Cost]:
        begin = time.monotonic()
        result = _work(name, str(config_file), str(report_file))
        _say(size, name, begin)
        return result

    rows = report["data"]["rows"]
    series, forecasting = work("forecast")
    return SizeResult(
        size=size,
        rows=rows,
        series=report["data"]["series"],
        load=load,
        stages=tuple(stages.values()),
        jobs=(
            Job("ingest", "rows", rows, stages["SeriesExampleGen"].cost, *work("table-pass")),
            Job("statistics", "rows", rows, stages["StatisticsGen"].cost, *work("describe")),
            Job("transform", "rows", rows, stages["Transform"].cost, *work("bare-graph")),
            Job(
                "training",
                "windows",
                _windows(config, read_report(report_file)),
                stages["Trainer"].cost,
                *work("bare-training"),
            ),
            Job("batch forecast", "series", series, forecasting, *work("bare-inference")),
        ),
    )


def _work(name: str, *arguments: str) -> tuple[int, Cost]:
    """Does a piece of work in a process of its own: how much it was and what it took."""
    script = str(Path(__file__).with_name("scaling_work.py"))
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    said = subprocess.run(
        [sys.executable, script, name, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment,
    ).stdout
    values = json.loads(said.splitlines()[-1])
    return values.pop("amount"), Cost(**values)


def _windows(config: RunConfig, report: RunReport) -> int:
    """Counts the windows that the Trainer learned from."""
    model_run = report.artifact("Trainer", "model_run")
    if model_run is None:
        sys.exit("the run trained nothing")
    training = TrainingReport.model_validate_json(
        Path(model_run.uri, "training.json").read_text(encoding="utf-8")
    )
    return training.series * config.training.windows_per_series * len(training.curves["loss"])


def _key() -> str:
    """Digests all that a result depends on: our code, libraries, these scripts."""
    scripts = {path.name: path.read_text("utf-8") for path in Path(__file__).parent.glob("*.py")}
    del scripts["scaling_page.py"]  # Another layout measures nothing anew.
    parts = [code_digests(), toolchain(), scripts, QUICKSTART.read_text("utf-8")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def _machine() -> Machine:
    info = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    wanted = ("python", "tfx", "tensorflow", "apache-beam", "polars")
    versions = {name: version for name, version in toolchain().items() if name in wanted}
    return Machine(
        processor=models[0] if models else "unknown processor",
        cores=os.cpu_count() or 1,
        memory_bytes=memory,
        versions=versions,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _command(sizes: list[int]) -> str:
    text = " ".join(map(str, sizes))
    return "make bench" if text == "1 4 16" else f"make bench SIZES={shlex.quote(text)}"


def _write_aside(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def _say(size: int, what: str, start: float) -> None:
    print(f"size {size}: {what}, {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
