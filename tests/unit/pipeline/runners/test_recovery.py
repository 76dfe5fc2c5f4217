import contextlib
import sqlite3
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TABLES = (
    *("Association", "Attribution", "Event", "EventPath"),
    *("ArtifactProperty", "ContextProperty", "ExecutionProperty"),
)


@pytest.fixture
def connection(tmp_path):
    from tfx.orchestration import metadata

    return metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.db"))


@pytest.fixture
def record(connection):
    """Writes an execution of a stage into the metadata, in a state; returns its number."""
    from ml_metadata.proto import metadata_store_pb2 as proto
    from tfx.orchestration import metadata

    def put(stage, state):
        with metadata.Metadata(connection) as handle:
            store = handle.store
            execution = proto.Execution(
                type_id=store.put_execution_type(proto.ExecutionType(name=f"ours.{stage}")),
                last_known_state=getattr(proto.Execution, state),
            )
            context = proto.Context(
                type_id=store.put_context_type(proto.ContextType(name="node")),
                name=f"demand.{stage}",
            )
            found = store.get_context_by_type_and_name("node", context.name)
            execution_id, _, _ = store.put_execution(execution, [], [found or context])
        return execution_id

    return put


def states(connection):
    from ml_metadata.proto import metadata_store_pb2 as proto
    from tfx.orchestration import metadata

    with metadata.Metadata(connection) as handle:
        return {
            one.id: proto.Execution.State.Name(one.last_known_state)
            for one in handle.store.get_executions()
        }


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_what_did_not_end_is_marked_and_what_it_wrote_is_removed(connection, record, tmp_path):
    from demandcast.pipeline.runners.recovery import clear_unfinished

    done = record("Trainer", "COMPLETE")
    failed = record("Evaluator", "FAILED")
    killed = record("Trainer", "RUNNING")
    trainer = tmp_path / "artifacts" / "Trainer"
    kept = [
        trainer / "model" / str(done) / "saved_model.pb",
        trainer / ".system" / "executor_execution" / str(done) / "x",
        tmp_path / "artifacts" / "Transform" / "transform_graph" / str(killed) / "x",
    ]
    removed = [
        trainer / "model" / str(killed) / "half",
        trainer / "model_run" / str(killed) / "half",
        trainer / ".system" / "executor_execution" / str(killed) / ".temp" / "x",
        trainer / ".system" / "stateful_working_dir" / "by-chance" / "x",
    ]
    touch(*kept, *removed)
    assert clear_unfinished(connection, tmp_path / "artifacts") == ("Trainer",)
    assert states(connection) == {done: "COMPLETE", failed: "FAILED", killed: "CANCELED"}
    assert all(path.exists() for path in kept)
    assert not any(path.parent.exists() for path in removed)
    assert clear_unfinished(connection, tmp_path / "artifacts") == ()


def test_a_new_pipeline_has_nothing_to_clear(connection, tmp_path):
    from demandcast.pipeline.runners.recovery import clear_unfinished

    assert clear_unfinished(connection, tmp_path / "artifacts") == ()


def rows(connection, table):
    with contextlib.closing(sqlite3.connect(connection.sqlite.filename_uri)) as database:
        return database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608


def write(connection, statements):
    with contextlib.closing(sqlite3.connect(connection.sqlite.filename_uri)) as database:
        database.executescript(statements)


def test_rows_of_what_was_never_recorded_are_removed(connection, record, tmp_path):
    from demandcast.pipeline.runners.recovery import clear_unfinished

    assert record("Trainer", "COMPLETE") == 1
    whole = {table: rows(connection, table) for table in TABLES}
    # Execution 2, context 90 and artifact 70 are not there.
    write(
        connection,
        """
        INSERT INTO Association (context_id, execution_id) VALUES (1, 2), (90, 1);
        INSERT INTO Attribution (context_id, artifact_id) VALUES (1, 70);
        INSERT INTO Event (id, artifact_id, execution_id, type) VALUES (7, 70, 2, 4);
        INSERT INTO EventPath (event_id, is_index_step, step_key) VALUES (7, 0, 'model');
        INSERT INTO ExecutionProperty (execution_id, name, is_custom_property) VALUES (2, 'p', 1);
        INSERT INTO ArtifactProperty (artifact_id, name, is_custom_property) VALUES (70, 'p', 1);
        INSERT INTO ContextProperty (context_id, name, is_custom_property) VALUES (90, 'p', 1);
        """,
    )
    assert all(rows(connection, table) != whole[table] for table in TABLES)
    clear_unfinished(connection, tmp_path / "artifacts")
    assert {table: rows(connection, table) for table in TABLES} == whole
    # The number is given again, and nothing of the lost one sticks to it.
    assert record("SchemaImport", "COMPLETE") == 2
    assert rows(connection, "ExecutionProperty") == []


def test_a_file_in_which_nothing_was_written_yet_is_no_hindrance(connection, record, tmp_path):
    from demandcast.pipeline.runners.recovery import clear_unfinished

    Path(connection.sqlite.filename_uri).touch()
    assert clear_unfinished(connection, tmp_path / "artifacts") == ()
    record("Trainer", "RUNNING")
    assert clear_unfinished(connection, tmp_path / "artifacts") == ("Trainer",)
