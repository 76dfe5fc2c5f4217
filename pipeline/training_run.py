"""A run of the pipeline on this machine: lock, log, stages, report.

This module is light; TFX and TensorFlow are imported inside `run`, while their
output already goes to the log.
"""

from __future__ import annotations

import datetime
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from demandcast.components.evaluation.verdict import read_verdict
from demandcast.pipeline.capture import captured_output
from demandcast.pipeline.console import LOG_ONLY, Console
from demandcast.pipeline.lock import run_lock
from demandcast.pipeline.reports import RunReport, StageReport, write_report
from demandcast.schema.config import RunConfig

__all__ = ["RunOptions", "Until", "new_run_id", "run"]

Until = Literal["statistics", "gate", "push"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunOptions:
    """How to run.

    Attributes:
        until: Last stage: the statistics, the gate for data, or the push.
        use_cache: Use earlier results where nothing changed.
    """

    until: Until = "push"
    use_cache: bool = True


def new_run_id(now: datetime.datetime) -> str:
    """Names a run by its time, to the millisecond, so that names sort as runs began.

    >>> new_run_id(datetime.datetime(2026, 11, 20, 9, 30, 5, 123456))
    '20261120-093005-123'
    """
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}"


def run(config: RunConfig, console: Console, options: RunOptions | None = None) -> RunReport:
    """Runs the pipeline of a configuration.

    Args:
        config: The run; paths are absolute.
        console: Shows the progress.
        options: How to run.

    Returns:
        What was done, as written to `<workspace>/<name>/runs/<run_id>/run.json`.

    Raises:
        DemandcastError: A stage stopped the run on purpose, or another run is working there.
        Exception: A bug; its traceback is in the log, whose path it carries as `log_file`.
    """
    options = options or RunOptions()
    run_id = new_run_id(datetime.datetime.now(datetime.UTC))
    folder = Path(config.workspace) / config.name
    log = folder / "runs" / run_id / "run.log"
    with run_lock(folder, run_id=run_id), captured_output(log):
        return _run(config, console, options=options, run_id=run_id, log=log)


def _run(
    config: RunConfig, console: Console, *, options: RunOptions, run_id: str, log: Path
) -> RunReport:
    """Runs the stages and writes the report, whatever happens."""
    begin = time.monotonic()
    stages: list[StageReport] = []
    error: BaseException | None = None
    try:
        with console.following("demandcast"):
            _run_stages(config, console, options=options, run_id=run_id, stages=stages)
    except BaseException as raised:
        error = raised
        _LOG.info("the run failed", exc_info=raised, extra={LOG_ONLY: True})
    report = RunReport(
        pipeline=config.name,
        run_id=run_id,
        status="succeeded" if error is None else "failed",
        seconds=time.monotonic() - begin,
        stages=tuple(stages),
        log=str(log),
        artifacts=str(log.parents[2] / "artifacts"),
        serving_directory=str(config.push.serving_directory),
        error=None if error is None else f"{type(error).__name__}: {error}",
    )
    report = replace(report, verdict=_verdict(report), push=_push(report))
    write_report(report, log.with_name("run.json"))
    if error is not None:
        error.log_file = str(log)  # type: ignore[attr-defined]
        raise error
    return report


def _run_stages(
    config: RunConfig,
    console: Console,
    *,
    options: RunOptions,
    run_id: str,
    stages: list[StageReport],
) -> None:
    """Imports the heavy part, makes the pipeline and runs it; reports go to `stages`."""
    begin = time.monotonic()
    console.say("loading TensorFlow and TFX")
    from demandcast.pipeline import dag
    from demandcast.pipeline.runners.local import LocalRunner

    _LOG.info("loaded in %.1f s", time.monotonic() - begin)
    pipeline = dag.make_pipeline(
        config,
        dag.Surroundings.look(config),
        until=options.until,
        enable_cache=options.use_cache,
    )
    runner = LocalRunner(console, never_cached=dag.NEVER_CACHED, reports=stages)
    runner.run(pipeline, run_id=run_id)


def _verdict(report: RunReport) -> Mapping[str, Any] | None:
    """Reads the verdict of the gate for models, if the run came that far."""
    evaluation = report.artifact("Evaluator", "evaluation")
    return None if evaluation is None else read_verdict(evaluation.uri).model_dump()


def _push(report: RunReport) -> Mapping[str, Any] | None:
    """Reads what the Pusher did, if the run came that far."""
    pushed = report.artifact("Pusher", "pushed_model")
    return None if pushed is None else dict(pushed.properties)
