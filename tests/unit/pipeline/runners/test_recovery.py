from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


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
