"""Runs a pipeline on this machine, stage by stage, and reports each.

The loop is that of TFX's `LocalDagRunner`, over the same compiled pipeline and
with the same launcher; it is our own so that a stage's time, memory and cache
hit are known, and so that a stage whose inputs could not be resolved stops the
run instead of being passed over (docs/decisions/0004-local-runner.md).
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import metadata
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from demandcast.pipeline.console import Console
from demandcast.pipeline.memory import peak_memory_bytes, reset_peak_memory
from demandcast.pipeline.reports import ArtifactReport, StageReport, StageStatus
from demandcast.pipeline.runners.errors import purposeful_error
from demandcast.pipeline.runners.recovery import clear_unfinished
from demandcast.schema.errors import DemandcastError

__all__ = ["LocalRunner", "StageFailedError"]

_Execution = metadata_store_pb2.Execution


class StageFailedError(DemandcastError):
    """A stage could not start, although no stage before it failed."""


class LocalRunner:
    """Runs pipelines in this process; reports are kept even if a stage fails.

    Attributes:
        reports: Reports of the stages of the last run, so far.
    """

    def __init__(
        self,
        console: Console,
        *,
        never_cached: Collection[str] = (),
        on_change: Callable[[Sequence[StageReport]], None] = lambda reports: None,
    ) -> None:
        """Makes a runner.

        Args:
            console: Shows the progress.
            never_cached: Nodes that run each time, whatever the cache has.
            on_change: Called when a stage begins or ends, with the reports so far; the last may
                be that of a stage that is running.
        """
        self.reports: list[StageReport] = []
        self._on_change = on_change
        self._console = console
        self._never_cached = frozenset(never_cached)

    def run(self, pipeline: tfx_pipeline.Pipeline, *, run_id: str) -> Sequence[StageReport]:
        """Runs a pipeline; what an earlier run left unfinished is cleared away first.

        Args:
            pipeline: Its metadata connection says where metadata are kept.
            run_id: Identity of this run in the metadata.

        Returns:
            A report for each stage.

        Raises:
            DemandcastError: A stage raised it on purpose, directly or in a Beam worker, or could
                not start because an input is missing.
            Exception: What else a stage raised.
        """
        self.reports.clear()
        ir = compiler.Compiler().compile(pipeline)
        runtime_parameter_utils.substitute_runtime_parameter(
            ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
        )
        deployment = runner_utils.extract_local_deployment_config(ir)
        connection = deployment.metadata_connection_config
        store = getattr(connection, connection.WhichOneof("connection_config"))
        clear_unfinished(store, Path(pipeline.pipeline_info.pipeline_root))
        count = len(ir.nodes)
        for position, node in enumerate(ir.nodes, start=1):
            name = node.pipeline_node.node_info.id
            if name in self._never_cached:
                node.pipeline_node.execution_options.caching_options.enable_cache = False
            with self._console.stage(name, position=position, count=count):
                self._on_change((*self.reports, _running(name)))
                error = self._run_stage(ir, node.pipeline_node, deployment, store)
            self._on_change(tuple(self.reports))
            self._console.stage_finished(self.reports[-1], position=position, count=count)
            if error is not None:
                raise purposeful_error(error) or error
        return tuple(self.reports)

    def _run_stage(
        self,
        ir: pipeline_pb2.Pipeline,
        node: pipeline_pb2.PipelineNode,
        deployment: Any,
        store: Any,
    ) -> Exception | None:
        """Runs one node and appends its report; returns what it raised."""
        name = node.node_info.id
        started = _now()
        begin = time.monotonic()
        reset_peak_memory()
        status: StageStatus = "failed"
        outputs: dict[str, ArtifactReport] = {}
        error: Exception | None = None
        try:
            execution = launcher.Launcher(
                pipeline_node=node,
                mlmd_connection=metadata.Metadata(store),
                pipeline_info=ir.pipeline_info,
                pipeline_runtime_spec=ir.runtime_spec,
                executor_spec=runner_utils.extract_executor_spec(deployment, name),
                custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, name),
            ).launch()
            status, outputs = _result(execution, store, name)
        except Exception as raised:
            error = raised
        self.reports.append(
            StageReport(
                name=name,
                status=status,
                started=started,
                seconds=time.monotonic() - begin,
                peak_memory_bytes=peak_memory_bytes(),
                outputs=outputs,
            )
        )
        return error


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def _running(name: str) -> StageReport:
    return StageReport(name, "running", _now(), seconds=0.0, peak_memory_bytes=0)


def _result(
    execution_info: Any, store: Any, name: str
) -> tuple[StageStatus, dict[str, ArtifactReport]]:
    """Asks the metadata what became of a node.

    Raises:
        StageFailedError: Its inputs could not be resolved.
    """
    if execution_info is None or execution_info.execution_id is None:
        return "skipped", {}
    with metadata.Metadata(store) as handle:
        (execution,) = handle.store.get_executions_by_id([execution_info.execution_id])
        outputs = _outputs(handle.store, execution_info.execution_id)
    if execution.last_known_state == _Execution.FAILED:
        raise StageFailedError(f"{name}: its inputs could not be resolved; the log says why")
    return ("cached" if execution.last_known_state == _Execution.CACHED else "run"), outputs


def _outputs(store: Any, execution_id: int) -> dict[str, ArtifactReport]:
    """Reads the first artifact of each output of an execution."""
    output_events = [
        event
        for event in store.get_events_by_execution_ids([execution_id])
        if event.type == metadata_store_pb2.Event.OUTPUT
    ]
    artifacts = {
        artifact.id: artifact
        for artifact in store.get_artifacts_by_id([event.artifact_id for event in output_events])
    }
    return {
        event.path.steps[0].key: ArtifactReport(
            uri=artifacts[event.artifact_id].uri,
            properties={
                key: getattr(value, value.WhichOneof("value"))
                for key, value in artifacts[event.artifact_id].custom_properties.items()
                if value.WhichOneof("value") in {"int_value", "double_value", "string_value"}
            },
        )
        for event in output_events
        if event.path.steps[1:] and event.path.steps[1].index == 0
    }
