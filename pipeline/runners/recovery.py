"""Clears away what runs left behind that did not come to their end.

A killed process cannot say so: the metadata go on naming its stage as running, and what that
stage wrote stays where it is. Nothing of it is ever used, because a result counts only once
its execution is published; but it takes room, and it misleads whoever reads the metadata.

On a full disk SQLite takes a change of the metadata back while ML Metadata is still writing it,
and what ML Metadata writes after that stays. Such rows name executions and artifacts that were
never recorded, and whose numbers are given again: the next execution of that number would be
taken for that of another stage (docs/decisions/0020-crashes-and-caches.md).
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata

__all__ = ["clear_unfinished"]

_Execution = metadata_store_pb2.Execution
_LOG = logging.getLogger(__name__)

_BELONGS_TO = (
    ("Association", "execution_id", "Execution"),
    ("Association", "context_id", "Context"),
    ("Attribution", "artifact_id", "Artifact"),
    ("Attribution", "context_id", "Context"),
    ("Event", "execution_id", "Execution"),
    ("Event", "artifact_id", "Artifact"),
    ("EventPath", "event_id", "Event"),
    ("ExecutionProperty", "execution_id", "Execution"),
    ("ArtifactProperty", "artifact_id", "Artifact"),
    ("ContextProperty", "context_id", "Context"),
)
"""Tables of ML Metadata's database whose rows belong to one of another table, with the column that
names it; paths after the events that they belong to. The names are those of its schema version 10,
which both lines of TFX use."""


def clear_unfinished(connection: Any, artifacts: Path) -> tuple[str, ...]:
    """Marks the executions that never ended as canceled, and removes what they wrote.

    Args:
        connection: Of the metadata store.
        artifacts: Root of the pipeline's artifacts.

    Returns:
        Names of the stages, in the order in which they began. The caller holds the pipeline's
        lock, so that none of them can still be at work.
    """
    _remove_half_written(Path(connection.sqlite.filename_uri))
    with metadata.Metadata(connection) as handle:
        # Filtered here: ML Metadata 1.21 has no queries any more.
        unfinished = [
            execution
            for execution in handle.store.get_executions()
            if execution.last_known_state == _Execution.RUNNING
        ]
        names = [_stage_of(handle.store, execution) for execution in unfinished]
        for execution, name in zip(unfinished, names, strict=True):
            for folder in _folders_of(execution.id, artifacts / name):
                shutil.rmtree(folder, ignore_errors=True)
            # Last: a crash in between leaves the folders to the next run.
            execution.last_known_state = _Execution.CANCELED
            handle.store.put_executions([execution])
    if names:
        _LOG.info("cleared away what an earlier run left unfinished: %s", ", ".join(names))
    return tuple(names)


def _remove_half_written(file: Path) -> None:
    """Removes the rows that belong to an execution, artifact, context or event that is not there.

    ML Metadata itself removes nothing, so this is done in its file.
    """
    if not file.exists():
        return
    removed = 0
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        for table, column, parent in _BELONGS_TO:
            if {table, parent} <= tables:
                known = f"SELECT id FROM {parent}"  # noqa: S608 - names of ours
                statement = f"DELETE FROM {table} WHERE {column} NOT IN ({known})"  # noqa: S608
                removed += database.execute(statement).rowcount
    if removed:
        _LOG.info("removed %d rows of metadata that a full disk left half-written", removed)


def _stage_of(store: Any, execution: Any) -> str:
    """Reads the node's name off its context, which is called `<pipeline>.<node>`."""
    kind = store.get_context_type("node").id
    contexts = store.get_contexts_by_execution(execution.id)
    return next(one.name.rpartition(".")[2] for one in contexts if one.type_id == kind)


def _folders_of(execution_id: int, stage: Path) -> Iterator[Path]:
    """Yields outputs and working folders; TFX calls them by the number of the execution."""
    system = stage / ".system"
    yield from stage.glob(f"*/{execution_id}")
    yield from system.glob(f"*/{execution_id}")
    # Named by chance; but the folder is one stage's, and that stage is not at work.
    yield from system.glob("stateful_working_dir/*")
