"""A run of the pipeline on this machine: lock, log, stages, report.

This module is light; TFX and TensorFlow are imported inside `run`, while their
output already goes to the log.
"""

from __future__ import annotations

import datetime
import json
import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from demandcast.components.evaluation.verdict import read_verdict
from demandcast.components.storage.files import LocalFiles
from demandcast.components.storage.model_digest import model_digest
from demandcast.pipeline.capture import captured_output
from demandcast.pipeline.console import LOG_ONLY, Console
from demandcast.pipeline.disk import DiskFullError, check_space, disk_full, scarcity
from demandcast.pipeline.fingerprint import code_digests, toolchain
from demandcast.pipeline.interrupts import terminate_as_interrupt
from demandcast.pipeline.kept_orders import keep_orders
from demandcast.pipeline.lock import run_lock
from demandcast.pipeline.places import (
    REPORT_FILE,
    RUN_LOG_FILE,
    artifacts_folder,
    pipeline_folder,
    run_folder,
    tuning_folder,
)
from demandcast.pipeline.reports import (
    ArtifactReport,
    RunRecord,
    RunReport,
    RunStatus,
)
from demandcast.pipeline.retention import plan_pruning, prune
from demandcast.schema.artifact_names import SUMMARY_FILE
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import DemandcastError, NotBlessedError, exit_code_of

__all__ = ["RunOptions", "Until", "new_run_id", "run"]

Until = Literal["statistics", "gate", "training", "push"]

_UNFINISHED = frozenset({"running", "failed"})
_JUDGES = ("verdict", "cost", "infrastructure")
"""Fields of the report that say whether a model may be pushed."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunOptions:
    """How to run.

    Attributes:
        until: Last stage: the statistics, the gate for data, the training, or the push with what
            follows it.
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
    started = datetime.datetime.now(datetime.UTC)
    run_id = new_run_id(started)
    log = run_folder(config, run_id) / RUN_LOG_FILE
    check_space(config)
    with (
        run_lock(pipeline_folder(config), run_id=run_id) as left,
        captured_output(log),
        terminate_as_interrupt(),
        console.following("demandcast"),
    ):
        if left is not None:
            why = f": {left.end()}" if left.end() else ""
            _LOG.warning("%s did not come to its end%s; its lock is taken over", left, why)
        if warning := scarcity(config):
            _LOG.warning("%s", warning)
        report = RunReport(
            pipeline=config.name,
            run_id=run_id,
            status="running",
            seconds=0.0,
            stages=(),
            log=str(log),
            artifacts=str(artifacts_folder(config)),
            serving_directory=str(config.push.serving_directory),
            started=started.isoformat(timespec="seconds"),
            until=options.until,
            config=config.model_dump(mode="json"),
            code_digests=code_digests(),
            toolchain=toolchain(),
        )
        record = RunRecord(report, log.with_name(REPORT_FILE))
        return _run(config, console, options=options, record=record)


def _run(
    config: RunConfig, console: Console, *, options: RunOptions, record: RunRecord
) -> RunReport:
    """Runs the stages and completes the record, whatever happens."""
    begin = time.monotonic()
    error: BaseException | None = None
    results: dict[str, Any] = {}
    try:
        _run_stages(config, console, options=options, record=record)
    except BaseException as raised:
        error = raised
    try:
        results = _results(record.report)
        results["orders"] = keep_orders(config, record.report)
    except Exception as raised:
        error = error or raised
    if error is not None:
        _LOG.info("the run failed", exc_info=error, extra={LOG_ONLY: True})
        error = _as_disk_full(error, config, record.report)
    try:
        _finish(record, error, seconds=time.monotonic() - begin, results=results)
    except OSError as raised:  # A full disk may have no room for the report of it either.
        error = error or _as_disk_full(raised, config, record.report)
    if not isinstance(error, DiskFullError):
        _draw_page(record, console)
    # Nights that the gates of the data stop fill a disk as well; a bug may have harmed anything.
    if options.until == "push" and (error is None or isinstance(error, DemandcastError)):
        _make_room(config)
    if error is not None:
        error.log_file = record.report.log  # type: ignore[attr-defined]
        raise error
    return record.report


def _make_room(config: RunConfig) -> None:
    """Removes what `retention` does not keep; trouble there is no trouble of the run."""
    try:
        plan = plan_pruning(config, now=datetime.datetime.now(datetime.UTC))
        if not plan.is_empty:
            _LOG.info("removed %s", prune(plan, config).text)
    except Exception as error:
        _LOG.warning("retention: nothing more was removed: %s", error)
        _LOG.info("retention", exc_info=error, extra={LOG_ONLY: True})


def _run_stages(
    config: RunConfig, console: Console, *, options: RunOptions, record: RunRecord
) -> None:
    """Imports the heavy part, makes the pipeline and runs it; the record follows."""
    begin = time.monotonic()
    console.say("loading TensorFlow and TFX")
    from demandcast.pipeline import dag
    from demandcast.pipeline.runners.local import LocalRunner

    _LOG.info("loaded in %.1f s", time.monotonic() - begin)
    if not options.use_cache and options.until in ("training", "push"):
        shutil.rmtree(tuning_folder(config), ignore_errors=True)  # Earlier trials, too.
    surroundings = dag.Surroundings.look(config)
    record.update(data_fingerprint=surroundings.data_fingerprint)
    pipeline = dag.make_pipeline(
        config, surroundings, until=options.until, enable_cache=options.use_cache
    )
    runner = LocalRunner(
        console,
        never_cached=dag.NEVER_CACHED,
        on_change=lambda stages: record.update(stages=stages),
    )
    runner.run(pipeline, run_id=record.report.run_id)


def _as_disk_full(error: BaseException, config: RunConfig, report: RunReport) -> BaseException:
    """Says in our words that a disk is full, if that is what stopped the run."""
    at_work = next((one.name for one in report.stages if one.status in _UNFINISHED), None)
    return disk_full(error, config, stage=at_work) or error


def _finish(
    record: RunRecord, error: BaseException | None, *, seconds: float, results: Mapping[str, Any]
) -> None:
    """Writes what the run came to."""
    status: RunStatus = "succeeded"
    code = 0
    if error is not None:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        code = exit_code_of(error)
    elif any(results[judge] and not results[judge]["blessed"] for judge in _JUDGES):
        code = NotBlessedError.exit_code
    record.update(
        status=status,
        seconds=seconds,
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        exit_code=code,
        error=None if error is None else f"{type(error).__name__}: {error}",
        # A stage that an interrupt cut off never reported its end.
        stages=tuple(
            replace(stage, status="failed") if stage.status == "running" else stage
            for stage in record.report.stages
        ),
        **results,
    )


def _draw_page(record: RunRecord, console: Console) -> None:
    """Draws the page of the run; what the run came to does not depend on it."""
    try:
        from demandcast.pipeline.run_page import write_run_page

        write_run_page(Path(record.report.log).parent)
    except Exception as error:
        _LOG.info("the report was not drawn", exc_info=error, extra={LOG_ONLY: True})
        console.say(f"warning: the report was not drawn: {error} (traceback: {record.report.log})")


def _results(report: RunReport) -> dict[str, Any]:
    """Reads what the stages left behind, as far as the run came."""
    examples = report.artifact("SeriesExampleGen", "examples")
    evaluation = report.artifact("Evaluator", "evaluation")
    push = report.properties("Pusher", "pushed_model")
    return {
        "data": None if examples is None else _data(examples),
        "model": _model(report, push),
        "verdict": None if evaluation is None else read_verdict(evaluation.uri).model_dump(),
        "cost": report.properties("CostJudge", "blessing"),
        "infrastructure": report.properties("InfraValidator", "blessing"),
        "push": push,
        "smoke_test": report.properties("SmokeTest", "result"),
    }


def _data(examples: ArtifactReport) -> Mapping[str, Any]:
    """Says how much data there was and how far it goes."""
    file = Path(examples.uri, SUMMARY_FILE)
    summary = json.loads(file.read_bytes())
    return {key: summary[key] for key in ("rows", "series", "first", "last")}


def _model(report: RunReport, push: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Names the candidate; it has a version if it is, or already was, in service."""
    model = report.artifact("Trainer", "model")
    if model is None:
        return None
    from tfx.utils import path_utils

    version = (push or {}).get("pushed_version")
    return {
        "uri": model.uri,
        "digest": model_digest(path_utils.serving_model_path(model.uri), LocalFiles()),
        "version": None if version is None else int(version),
    }
