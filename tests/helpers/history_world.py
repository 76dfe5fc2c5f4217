"""A made-up pipeline folder: reports, a metadata store, a serving directory; nothing ever ran."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demandcast.components.publishing.push import ModelToPush, push_model
from demandcast.components.storage.files import LocalFiles
from demandcast.pipeline.reports import ArtifactReport, RunReport, StageReport, write_report
from demandcast.schema.config import RunConfig, parse_config, resolve_paths
from demandcast.schema.config.example import example_yaml

_empty_store: list[bytes] = []
"""A store without content, once made: the tables alone take ML Metadata half a second."""

STAGES = ("SeriesExampleGen", "Trainer", "Evaluator", "Pusher")


@dataclass
class World:
    """The folder of a pipeline, and what tests put into it."""

    root: Path

    @property
    def config_file(self) -> Path:
        path = self.root / "demand.yaml"
        if not path.exists():
            path.write_text(example_yaml())
        return path

    @property
    def config(self) -> RunConfig:
        return resolve_paths(parse_config(self.config_file.read_text()), self.root)

    @property
    def folder(self) -> Path:
        return Path(self.config.workspace) / self.config.name

    @property
    def serving(self) -> Path:
        return Path(str(self.config.push.serving_directory))

    def run_folder(self, run_id: str) -> Path:
        path = self.folder / "runs" / run_id
        path.mkdir(parents=True, exist_ok=True)
        return path

    def report(self, run_id: str, **changes: Any) -> RunReport:
        """Writes the `run.json` of a whole run that pushed, with changes."""
        report = make_report(run_id, self.folder, **changes)
        write_report(report, self.run_folder(run_id) / "run.json")
        return report

    def push(self, content: str, run_id: str, *, hour: int = 0) -> int:
        """Pushes a model with some content; returns its version."""
        from publishing_files import write_model

        now = datetime.datetime.fromtimestamp(1_700_000_000 + 3600 * hour, datetime.UTC)
        model = ModelToPush(
            folder=write_model(self.root / "models" / content, content),
            run_id=run_id,
            metrics={"wape": 0.5},
        )
        return push_model(model, str(self.serving), files=LocalFiles(), now=now).pointer.version

    def store(self) -> StoreWriter:
        """Opens the metadata store for writing; it is made if needed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return StoreWriter(self.folder / "metadata.db", self.config.name, self.folder / "artifacts")


def make_report(run_id: str, folder: Path, **changes: Any) -> RunReport:
    """A whole run whose model was pushed as version 7, with changes."""
    stages = tuple(
        StageReport(name, "run", "2026-11-20T09:30:00+00:00", 1.5, 2**30) for name in STAGES
    )
    overall = {"name": "overall", "candidate": {"wape": 0.25, "examples": 24.0}, "in_service": {}}
    values: dict[str, Any] = {
        "pipeline": folder.name,
        "run_id": run_id,
        "status": "succeeded",
        "seconds": 75.0,
        "stages": stages,
        "log": str(folder / "runs" / run_id / "run.log"),
        "artifacts": str(folder / "artifacts"),
        "serving_directory": str(folder.parent / "serving"),
        "verdict": {"blessed": True, "reasons": [], "comparison": "none", "slices": [overall]},
        "push": {"pushed": 1, "pushed_version": "7", "reason": "pushed as version 7"},
        "started": "2026-11-20T09:30:00+00:00",
        "finished": "2026-11-20T09:31:15+00:00",
        "exit_code": 0,
        "config": {"forecast": {"horizon": 7}, "training": {"epochs": 5}},
        "data_fingerprint": "ab" * 32,
        "data": {"rows": 1234, "series": 8, "first": "2023-01-02", "last": "2025-03-11"},
        "code_digests": {"forecasting": "cd" * 32},
        "toolchain": {"tfx": "1.16.0"},
        "model": {"uri": "/artifacts/model/8", "digest": "ef" * 32, "version": 7},
    }
    return RunReport(**{**values, **changes})


def stages_of(*states: tuple[str, str]) -> tuple[StageReport, ...]:
    """Stages with a status each."""
    return tuple(
        StageReport(
            name,
            status,  # type: ignore[arg-type]
            "2026-11-20T09:30:00+00:00",
            1.0,
            0,
            {"out": ArtifactReport(f"/artifacts/{name}/out/1")},
        )
        for name, status in states
    )


class StoreWriter:
    """Writes a metadata store as TFX leaves it: contexts, executions, artifacts, events."""

    def __init__(self, file: Path, pipeline: str, artifacts: Path) -> None:
        from ml_metadata import metadata_store
        from ml_metadata.proto import metadata_store_pb2

        self._proto = metadata_store_pb2
        if _empty_store and not file.exists():
            file.write_bytes(_empty_store[0])
        connection = metadata_store_pb2.ConnectionConfig()
        connection.sqlite.filename_uri = str(file)
        connection.sqlite.connection_mode = 3  # Read, write, and create.
        self.store = metadata_store.MetadataStore(connection)
        if not _empty_store:
            _empty_store.append(file.read_bytes())
        self._pipeline, self._artifacts = pipeline, artifacts
        put = self.store.put_context_type
        self._contexts = {
            kind: put(metadata_store_pb2.ContextType(name=kind))
            for kind in ("pipeline_run", "node")
        }
        self._kind = self.store.put_execution_type(metadata_store_pb2.ExecutionType(name="Stage"))
        self._artifact = self.store.put_artifact_type(metadata_store_pb2.ArtifactType(name="Any"))

    def stage(
        self,
        run_id: str,
        name: str,
        *,
        state: str = "COMPLETE",
        inputs: Mapping[str, int] | None = None,
        outputs: Mapping[str, int] | Sequence[str] = ("out",),
        properties: Mapping[str, Any] | None = None,
    ) -> dict[str, int]:
        """Adds an execution; named outputs are made with a file each, given ones are cached.

        Returns:
            Identities of its outputs by name.
        """
        proto = self._proto
        execution = proto.Execution(
            type_id=self._kind, last_known_state=getattr(proto.Execution, state)
        )
        (execution_id,) = self.store.put_executions([execution])
        made = isinstance(outputs, Mapping)
        ids = (
            dict(outputs)  # type: ignore[arg-type]
            if made
            else {key: self._make(name, key, execution_id, properties or {}) for key in outputs}
        )
        events = [
            self._event(execution_id, key, id_, "INPUT") for key, id_ in (inputs or {}).items()
        ]
        events += [self._event(execution_id, key, id_, "OUTPUT") for key, id_ in ids.items()]
        self.store.put_events(events)
        contexts = [
            self._context("pipeline_run", run_id),
            self._context("node", f"{self._pipeline}.{name}"),
        ]
        self.store.put_attributions_and_associations(
            [], [proto.Association(execution_id=execution_id, context_id=id_) for id_ in contexts]
        )
        return ids

    def uri(self, artifact_id: int) -> Path:
        (artifact,) = self.store.get_artifacts_by_id([artifact_id])
        return Path(artifact.uri)

    def _make(self, stage: str, key: str, number: int, properties: Mapping[str, Any]) -> int:
        folder = self._artifacts / stage / key / str(number)
        folder.mkdir(parents=True)
        (folder / "file").write_text("x" * 1000)
        artifact = self._proto.Artifact(
            type_id=self._artifact, uri=str(folder), state=self._proto.Artifact.LIVE
        )
        for name, value in properties.items():
            kind = "int_value" if isinstance(value, int) else "string_value"
            setattr(artifact.custom_properties[name], kind, value)
        return int(self.store.put_artifacts([artifact])[0])

    def _event(self, execution_id: int, key: str, artifact_id: int, kind: str) -> Any:
        event = self._proto.Event(
            execution_id=execution_id,
            artifact_id=artifact_id,
            type=getattr(self._proto.Event, kind),
        )
        event.path.steps.add().key = key
        event.path.steps.add().index = 0
        return event

    def _context(self, kind: str, name: str) -> int:
        found = self.store.get_context_by_type_and_name(kind, name)
        if found is not None:
            return int(found.id)
        context = self._proto.Context(type_id=self._contexts[kind], name=name)
        return int(self.store.put_contexts([context])[0])
