"""`demandcast runs ... --kubeflow`: runs on a server, as tables and as JSON."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from demandcast.pipeline.cli.kubeflow_options import CONNECTION_NAMES, open_server
from demandcast.pipeline.cli.options import print_json
from demandcast.pipeline.cli.results import table_text
from demandcast.pipeline.console import duration_text
from demandcast.schema.errors import BadInputError

if TYPE_CHECKING:
    from demandcast.components.publishing.pointer import Pointer
    from demandcast.pipeline.kubeflow.server_history import ServerHistory, ServerLineage
    from demandcast.pipeline.kubeflow.server_runs import ServerRun
    from demandcast.schema.config import RunConfig

__all__ = ["list_server_runs", "refuse_without_kubeflow", "show_server_run"]

_NOTHING = "-"
_SNAPSHOT = "data_snapshot"


def refuse_without_kubeflow() -> None:
    """Refuses options of a server where none is asked; those of the environment may stay.

    Raises:
        BadInputError: One was given on the command line.
    """
    context = click.get_current_context()
    for name in CONNECTION_NAMES:
        if context.get_parameter_source(name) == click.core.ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            raise BadInputError(
                f"--{option}: is of Kubeflow Pipelines; add --kubeflow to ask for its runs"
            )


def list_server_runs(
    config: RunConfig, connection: Mapping[str, Any], *, limit: int, as_json: bool
) -> None:
    """Prints the newest runs of a pipeline on a server."""
    history = _history(config, connection)
    runs = history.newest(limit or None)
    if as_json:
        print_json([_row(run, history) for run in runs])
    elif runs:
        click.echo(_runs_table([_row(run, history) for run in runs]))
    else:
        click.echo(f"no runs of {config.name} on the server; 'demandcast submit' creates one")


def show_server_run(
    config: RunConfig, connection: Mapping[str, Any], reference: str, *, as_json: bool
) -> None:
    """Prints a run on a server: how it went, from what, and the models that it made."""
    lineage = _history(config, connection).resolve(reference)
    if as_json:
        print_json(_values(lineage))
    else:
        click.echo(_text(lineage, pipeline=config.name))


def _history(config: RunConfig, connection: Mapping[str, Any]) -> ServerHistory:
    from demandcast.pipeline.kubeflow.server_history import ServerHistory

    return ServerHistory(
        open_server(connection),
        pipeline=config.name,
        serving_directory=str(config.push.serving_directory),
    )


def _row(run: ServerRun, history: ServerHistory) -> dict[str, Any]:
    """The values of one row of the list, for scripts."""
    return {
        "run_id": run.run_id,
        "name": run.name,
        "created": _iso(run.created),
        "outcome": history.outcome(run),
        "seconds": run.seconds,
        "data_snapshot": run.parameters.get(_SNAPSHOT),
        "schedule_id": run.schedule_id or None,
        "in_service": history.serves(run.run_id),
    }


def _runs_table(rows: list[dict[str, Any]]) -> str:
    header = ["run", "name", "outcome", "created", "time", "snapshot", "", ""]
    return table_text(
        header,
        [
            [
                row["run_id"],
                row["name"],
                row["outcome"],
                _minute(row["created"]),
                _duration(row["seconds"]),
                row["data_snapshot"] or _NOTHING,
                "scheduled" if row["schedule_id"] else "",
                "in service" if row["in_service"] else "",
            ]
            for row in rows
        ],
        left=4,
    )


def _values(lineage: ServerLineage) -> dict[str, Any]:
    """Everything about a run, for scripts."""
    run = lineage.run
    return {
        "run_id": run.run_id,
        "name": run.name,
        "state": run.progress.state,
        "outcome": lineage.outcome,
        "error": run.progress.error or None,
        "created": _iso(run.created),
        "finished": _iso(run.finished),
        "seconds": run.seconds,
        "schedule_id": run.schedule_id or None,
        "pipeline_version": lineage.version_name or None,
        "parameters": {**lineage.defaults, **run.parameters},
        "pipeline_root": run.pipeline_root,
        "in_service": lineage.in_service,
        "models": [json.loads(pointer.to_json()) for pointer in lineage.models],
        "tasks": [
            {
                "name": task.name,
                "state": task.state,
                "started": _iso(task.started),
                "seconds": task.seconds,
                "error": task.error or None,
            }
            for task in run.tasks
        ],
    }


def _text(lineage: ServerLineage, *, pipeline: str) -> str:
    parts = [_heading(lineage, pipeline), _parameters(lineage), _tasks(lineage), _models(lineage)]
    return "\n\n".join(part for part in parts if part)


def _heading(lineage: ServerLineage, pipeline: str) -> str:
    run = lineage.run
    version = f", version {lineage.version_name}" if lineage.version_name else ""
    fields = {
        "run": run.run_id + (" (in service)" if lineage.in_service else ""),
        "name": run.name or _NOTHING,
        "outcome": lineage.outcome,
        "error": run.progress.error,
        "created": _minute(_iso(run.created)),
        "finished": _minute(_iso(run.finished)),
        "time": _duration(run.seconds),
        "schedule": run.schedule_id,
        "pipeline": pipeline + version,
        "artifacts": _artifacts(run, pipeline),
    }
    width = max(len(name) for name in fields)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in fields.items() if value)


def _artifacts(run: ServerRun, pipeline: str) -> str:
    """Folder of a run's artifacts; empty where it was made without a root, by other hands."""
    root = run.pipeline_root.rstrip("/")
    return f"{root}/{pipeline}/{run.run_id}" if root else ""


def _parameters(lineage: ServerLineage) -> str:
    values = {**lineage.defaults, **lineage.run.parameters}
    rows = [
        [name, json.dumps(value), "given" if name in lineage.run.parameters else "default"]
        for name, value in values.items()
    ]
    return table_text(["parameter", "value", ""], rows, left=3) if rows else ""


def _tasks(lineage: ServerLineage) -> str:
    rows = [
        [
            task.name,
            task.state.lower(),
            _duration(task.seconds),
            task.error.splitlines()[0] if task.error else "",
        ]
        for task in lineage.run.tasks
    ]
    return table_text(["stage", "", "time", ""], rows, left=2) if rows else ""


def _models(lineage: ServerLineage) -> str:
    rows = [
        [str(pointer.version), _minute(pointer.time), _how(pointer), _number(pointer), pointer.uri]
        for pointer in lineage.models
    ]
    return (
        table_text(["model", "in service since", "by", "WAPE", "place"], rows, left=5)
        if rows
        else ""
    )


def _how(pointer: Pointer) -> str:
    if pointer.rollback is None:
        return "push"
    return f"rollback to {pointer.rollback.to_version} by {pointer.rollback.by}"


def _number(pointer: Pointer) -> str:
    value = pointer.metrics.get("wape")
    return _NOTHING if value is None else f"{value:.4f}"


def _iso(moment: datetime.datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(datetime.UTC).isoformat(timespec="seconds")


def _minute(text: str | None) -> str:
    return (text or _NOTHING)[:16].replace("T", " ")


def _duration(seconds: float | None) -> str:
    return _NOTHING if seconds is None else duration_text(seconds)
