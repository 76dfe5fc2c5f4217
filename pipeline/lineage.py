"""Reads the lineage of runs from the local metadata store (ML Metadata in SQLite).

TFX keeps there what `run.json` does not: the inputs of each stage, which earlier execution made
a result that came from the cache, and runs whose report was lost. Importing `ml_metadata` takes
a third of a second and no TFX.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from demandcast.pipeline.reports import ArtifactReport, StageReport, StageStatus
from demandcast.schema.errors import DemandcastError

__all__ = ["ArtifactLineage", "MetadataStore", "RunArtifacts", "StageLineage"]

_RUN, _NODE = "pipeline_run", "node"
_ID_BATCH = 500
"""Identities asked for in one query; SQLite takes a limited number of variables."""


@dataclass(frozen=True)
class ArtifactLineage:
    """An artifact, and who made it.

    Attributes:
        artifact_id: Identity in the store.
        uri: Where it lies.
        live: Whether its files are still there, as far as the store knows.
        made_by_run: Run whose stage made it; none if the store does not know.
        made_by_stage: That stage.
        properties: Its custom properties.
    """

    artifact_id: int
    uri: str
    live: bool
    made_by_run: str | None
    made_by_stage: str | None
    properties: dict[str, int | float | str] = field(default_factory=dict)


@dataclass(frozen=True)
class StageLineage:
    """What one stage of a run read and wrote.

    Attributes:
        name: Identity of the node, such as `Trainer`.
        status: As in `StageReport`; running is also the last word of a stage that was killed.
        started: Start, ISO 8601, UTC.
        seconds: Time until the last word, seconds.
        inputs: Artifacts by the name of the input.
        outputs: Artifacts by the name of the output.
    """

    name: str
    status: StageStatus
    started: str
    seconds: float
    inputs: dict[str, tuple[ArtifactLineage, ...]]
    outputs: dict[str, tuple[ArtifactLineage, ...]]

    def to_report(self) -> StageReport:
        """What `run.json` would say of it, but for the memory, which the store does not keep."""
        outputs = {
            name: ArtifactReport(artifacts[0].uri, artifacts[0].properties)
            for name, artifacts in self.outputs.items()
        }
        return StageReport(self.name, self.status, self.started, self.seconds, 0, outputs)


@dataclass(frozen=True)
class RunArtifacts:
    """What the stages of a run touched.

    Attributes:
        run_id: Identity of the run.
        began: Start of its first stage.
        artifact_ids: Artifacts that they read, wrote or took from the cache.
        whole: Whether it came to the stage that was asked about.
    """

    run_id: str
    began: datetime.datetime
    artifact_ids: frozenset[int]
    whole: bool


class MetadataStore:
    """The metadata store of a pipeline, as a run leaves it."""

    def __init__(self, file: Path, *, read_only: bool = True) -> None:
        """Opens the store.

        Args:
            file: `metadata.db` of the pipeline.
            read_only: Only read; a run in progress is not disturbed.

        Raises:
            DemandcastError: The file is missing, or not a metadata store.
        """
        if not file.is_file():
            raise DemandcastError(f"{file}: there is no metadata store; 'demandcast run' makes it")
        from ml_metadata import metadata_store
        from ml_metadata.proto import metadata_store_pb2

        self._proto = metadata_store_pb2
        connection = metadata_store_pb2.ConnectionConfig()
        connection.sqlite.filename_uri = str(file)
        modes = metadata_store_pb2.SqliteMetadataSourceConfig
        connection.sqlite.connection_mode = modes.READONLY if read_only else modes.READWRITE
        try:
            self._store = metadata_store.MetadataStore(connection)
        except Exception as error:  # Its errors have no base of their own.
            raise DemandcastError(f"{file}: not a metadata store: {error}") from error

    def run_ids(self) -> tuple[str, ...]:
        """Runs that started a stage, oldest first."""
        contexts = self._store.get_contexts_by_type(_RUN)
        return tuple(sorted(str(context.name) for context in contexts))

    def stages(self, run_id: str) -> tuple[StageLineage, ...]:
        """Stages of a run in the order in which they began; none for a run it does not know."""
        executions = self._executions(run_id)
        events = self._events([execution.id for execution in executions])
        artifacts = self._artifacts({event.artifact_id for event in events})
        return tuple(
            self._stage(execution, events, artifacts)
            for execution in sorted(executions, key=lambda execution: execution.id)
        )

    def runs(self, *, pipeline: str, node: str) -> tuple[RunArtifacts, ...]:
        """Says what each run touched.

        Args:
            pipeline: Name of the pipeline.
            node: Stage that tells whole runs from partial ones.

        Returns:
            The runs in the order in which they began.
        """
        context = self._store.get_context_by_type_and_name(_NODE, f"{pipeline}.{node}")
        finished = {
            execution.id
            for execution in (
                [] if context is None else self._store.get_executions_by_context(context.id)
            )
            if self._status(execution.last_known_state) in {"run", "cached"}
        }
        runs = []
        for run in self._store.get_contexts_by_type(_RUN):
            executions = [
                execution.id for execution in self._store.get_executions_by_context(run.id)
            ]
            touched = frozenset(event.artifact_id for event in self._events(executions))
            began = datetime.datetime.fromtimestamp(
                run.create_time_since_epoch / 1000, datetime.UTC
            )
            whole = not finished.isdisjoint(executions)
            runs.append(RunArtifacts(str(run.name), began, touched, whole))
        return tuple(sorted(runs, key=lambda run: (run.began, run.run_id)))

    def artifacts(self) -> tuple[ArtifactLineage, ...]:
        """All artifacts; who made them is left out."""
        return tuple(_artifact(artifact, self._proto) for artifact in self._store.get_artifacts())

    def mark_deleted(self, artifact_ids: Collection[int]) -> None:
        """Says that the files of artifacts are gone: TFX's cache passes them over from now on."""
        for batch in _batches(sorted(artifact_ids)):
            artifacts = self._store.get_artifacts_by_id(batch)
            for artifact in artifacts:
                artifact.state = self._proto.Artifact.DELETED
            self._store.put_artifacts(artifacts)

    def _executions(self, run_id: str) -> Sequence[Any]:
        context = self._store.get_context_by_type_and_name(_RUN, run_id)
        return [] if context is None else self._store.get_executions_by_context(context.id)

    def _events(self, execution_ids: Sequence[int]) -> list[Any]:
        return [
            event
            for batch in _batches(execution_ids)
            for event in self._store.get_events_by_execution_ids(batch)
        ]

    def _artifacts(self, artifact_ids: Collection[int]) -> dict[int, ArtifactLineage]:
        ids = sorted(artifact_ids)
        if not ids:
            return {}
        makers: dict[int, tuple[str | None, str | None]] = {}
        events = [
            event
            for event in self._store.get_events_by_artifact_ids(ids)
            if event.type == self._proto.Event.OUTPUT
        ]
        executions = self._store.get_executions_by_id([event.execution_id for event in events])
        states = {execution.id: execution.last_known_state for execution in executions}
        for event in events:
            # A stage that took it from the cache has it as an output as well.
            if states[event.execution_id] != self._proto.Execution.CACHED:
                makers[event.artifact_id] = self._run_and_node(event.execution_id)
        return {
            artifact.id: _artifact(artifact, self._proto, *makers.get(artifact.id, (None, None)))
            for artifact in self._store.get_artifacts_by_id(ids)
        }

    def _run_and_node(self, execution_id: int) -> tuple[str | None, str | None]:
        names = {
            context.type: str(context.name)
            for context in self._store.get_contexts_by_execution(execution_id)
        }
        node = names.get(_NODE)
        # The context is called <pipeline>.<node>, and neither holds a dot.
        return names.get(_RUN), None if node is None else node.rpartition(".")[2]

    def _stage(
        self, execution: Any, events: Sequence[Any], artifacts: dict[int, ArtifactLineage]
    ) -> StageLineage:
        own = [event for event in events if event.execution_id == execution.id]
        kinds = self._proto.Event
        began = execution.create_time_since_epoch / 1000
        return StageLineage(
            name=self._run_and_node(execution.id)[1] or f"execution {execution.id}",
            status=self._status(execution.last_known_state),
            started=datetime.datetime.fromtimestamp(began, datetime.UTC).isoformat(
                timespec="seconds"
            ),
            seconds=execution.last_update_time_since_epoch / 1000 - began,
            inputs=_by_key(own, kinds.INPUT, artifacts),
            outputs=_by_key(own, kinds.OUTPUT, artifacts),
        )

    def _status(self, state: int) -> StageStatus:
        states = self._proto.Execution
        known: dict[int, StageStatus] = {
            states.COMPLETE: "run",
            states.CACHED: "cached",
            states.FAILED: "failed",
        }
        # What was running when its process was killed is marked as canceled by the next run.
        return known.get(state, "running")


def _artifact(
    artifact: Any, proto: Any, run: str | None = None, stage: str | None = None
) -> ArtifactLineage:
    properties = {
        name: getattr(value, value.WhichOneof("value"))
        for name, value in artifact.custom_properties.items()
        if value.WhichOneof("value") in {"int_value", "double_value", "string_value"}
    }
    live = artifact.state == proto.Artifact.LIVE
    return ArtifactLineage(artifact.id, artifact.uri, live, run, stage, properties)


def _by_key(
    events: Sequence[Any], kind: int, artifacts: dict[int, ArtifactLineage]
) -> dict[str, tuple[ArtifactLineage, ...]]:
    """Groups the artifacts of events by the name of the input or output, in their order."""
    groups: dict[str, list[ArtifactLineage]] = {}
    for event in sorted(events, key=lambda event: [step.index for step in event.path.steps]):
        if event.type == kind:
            groups.setdefault(event.path.steps[0].key, []).append(artifacts[event.artifact_id])
    return {key: tuple(found) for key, found in groups.items()}


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _ID_BATCH):
        yield ids[start : start + _ID_BATCH]
