"""What a Kubeflow Pipelines server knows of a run, in our words."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from demandcast.schema.config.kubeflow import STAGES, stage_of

__all__ = ["GATES_FOR_DATA", "PUSHER", "RunState", "ServerRun", "ServerTask", "read_run"]

_STAGES = frozenset(STAGES)
GATES_FOR_DATA = ("AnomalyGate", "DataContinuity")
PUSHER = "Pusher"


@dataclass(frozen=True)
class RunState:
    """How far a run is.

    Attributes:
        run_id: Its identity.
        state: PENDING, RUNNING, SUCCEEDED, SKIPPED, FAILED, CANCELING, CANCELED or PAUSED.
        tasks: State of each task that has begun, by name.
        error: What the server says went wrong; may be empty.
    """

    run_id: str
    state: str
    tasks: Mapping[str, str]
    error: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in {"SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"}

    @property
    def was_refused(self) -> bool:
        """Whether the gate kept the model from being pushed."""
        return self.state in ("SUCCEEDED", "SKIPPED") and self.tasks.get(PUSHER) == "SKIPPED"

    @property
    def failed_tasks(self) -> list[str]:
        """Names of the tasks that failed."""
        return [name for name, state in self.tasks.items() if state == "FAILED"]

    @property
    def outcome(self) -> str:
        """How it ended, or how far it is, in the words of `demandcast runs`."""
        failed = self.failed_tasks
        if self.was_refused:
            return "refused"
        if self.state == "SUCCEEDED":
            return "done"
        if self.state == "FAILED":
            if set(failed) & set(GATES_FOR_DATA):
                return "anomalies"
            return f"failed at {failed[0]}" if failed else "failed"
        busy = [name for name, state in self.tasks.items() if state == "RUNNING"]
        if self.state == "RUNNING" and busy:
            return f"running, at {', '.join(busy)}"
        return self.state.lower()


@dataclass(frozen=True)
class ServerTask:
    """A task of a run.

    Attributes:
        name: Of the stage.
        state: As of a run.
        started: When its pod began; None if it never did.
        finished: When it ended.
        error: What the server says went wrong; may be empty.
    """

    name: str
    state: str
    started: datetime.datetime | None = None
    finished: datetime.datetime | None = None
    error: str = ""

    @property
    def seconds(self) -> float | None:
        """How long it took; None if it has not begun or not ended."""
        return _seconds(self.started, self.finished)


@dataclass(frozen=True)
class ServerRun:
    """A run on a server.

    Attributes:
        progress: How far it is.
        name: As it was submitted.
        created: When.
        finished: When it ended; None if it has not.
        pipeline_id: Pipeline of which it is a run.
        version_id: Its version.
        schedule_id: Schedule that began it; empty if somebody submitted it.
        parameters: Values that were given; others have the defaults of the version.
        pipeline_root: Folder of its artifacts.
        tasks: Those that have begun, the earliest first.
    """

    progress: RunState
    name: str = ""
    created: datetime.datetime | None = None
    finished: datetime.datetime | None = None
    pipeline_id: str = ""
    version_id: str = ""
    schedule_id: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    pipeline_root: str = ""
    tasks: tuple[ServerTask, ...] = ()

    @property
    def run_id(self) -> str:
        """Its identity."""
        return self.progress.run_id

    @property
    def seconds(self) -> float | None:
        """How long it took; None if it has not ended."""
        return _seconds(self.created, self.finished)


def read_run(run: Any) -> ServerRun:
    """Takes what is needed from the generated client's run.

    A server lists every node of the workflow as a task: itself, the driver of each task, and its
    executor (`backend/src/apiserver/server/api_converter.go`). Those with the name of a stage are
    meant.
    """
    details = getattr(run.run_details, "task_details", None) or []
    tasks = [
        ServerTask(
            name=str(task.display_name),
            state=str(task.state or "PENDING"),
            started=_moment(task.start_time),
            finished=_moment(task.end_time),
            error=_message(task.error),
        )
        for task in details
        if stage_of(str(task.display_name)) in _STAGES
    ]
    latest = datetime.datetime.max.replace(tzinfo=datetime.UTC)
    tasks.sort(key=lambda task: task.started or latest)
    reference = run.pipeline_version_reference
    runtime = run.runtime_config
    return ServerRun(
        progress=RunState(
            run_id=str(run.run_id),
            state=str(run.state or "PENDING"),
            tasks={task.name: task.state for task in tasks},
            error=_message(run.error),
        ),
        name=str(run.display_name or ""),
        created=_moment(run.created_at),
        finished=_moment(run.finished_at),
        pipeline_id=str(getattr(reference, "pipeline_id", None) or ""),
        version_id=str(getattr(reference, "pipeline_version_id", None) or ""),
        schedule_id=str(run.recurring_run_id or ""),
        parameters=dict(getattr(runtime, "parameters", None) or {}),
        pipeline_root=str(getattr(runtime, "pipeline_root", None) or ""),
        tasks=tuple(tasks),
    )


def _moment(value: datetime.datetime | None) -> datetime.datetime | None:
    """A time of the API; what has not happened is none, or the year 1970."""
    if value is None or value.year <= 1970:
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=datetime.UTC)


def _message(error: Any) -> str:
    return str(getattr(error, "message", "") or "")


def _seconds(start: datetime.datetime | None, end: datetime.datetime | None) -> float | None:
    return None if start is None or end is None else (end - start).total_seconds()
