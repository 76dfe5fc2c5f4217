import io

import pytest

from demandcast.pipeline.console import Console
from demandcast.schema.errors import AnomalyError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def pipeline_fakes():
    """Imported when a test runs: collecting must not take the 16 s of TFX."""
    import pipeline_fakes

    return pipeline_fakes


@pytest.fixture(scope="module")
def make_runner(pipeline_fakes):
    from demandcast.pipeline.runners.local import LocalRunner

    return lambda **options: LocalRunner(Console(io.StringIO()), **options)


def test_stages_are_reported_and_cached_the_second_time(pipeline_fakes, make_runner, tmp_path):
    runner = make_runner()
    first = runner.run(pipeline_fakes.make_pipeline(tmp_path, "abc"), run_id="one")
    second = runner.run(pipeline_fakes.make_pipeline(tmp_path, "abc"), run_id="two")
    assert [(s.name, s.status) for s in first] == [("Source", "run"), ("Gate", "run")]
    assert [(s.name, s.status) for s in second] == [("Source", "cached"), ("Gate", "cached")]
    assert first[0].outputs["examples"].uri == second[0].outputs["examples"].uri
    assert second[0].outputs["examples"].properties["text"] == "abc"
    assert all(stage.seconds > 0 for stage in first)


def test_a_changed_parameter_runs_the_stage_and_those_after_it(
    pipeline_fakes, make_runner, tmp_path
):
    runner = make_runner()
    runner.run(pipeline_fakes.make_pipeline(tmp_path, "abc"), run_id="one")
    second = runner.run(pipeline_fakes.make_pipeline(tmp_path, "abcd"), run_id="two")
    assert [stage.status for stage in second] == ["run", "run"]


def test_a_stage_that_is_never_cached_runs_each_time(pipeline_fakes, make_runner, tmp_path):
    runner = make_runner(never_cached=["Gate"])
    runner.run(pipeline_fakes.make_pipeline(tmp_path, "abc"), run_id="one")
    second = runner.run(pipeline_fakes.make_pipeline(tmp_path, "abc"), run_id="two")
    assert [stage.status for stage in second] == ["cached", "run"]


def test_without_cache_everything_runs(pipeline_fakes, make_runner, tmp_path):
    runner = make_runner()
    for run_id in ("one", "two"):
        pipeline = pipeline_fakes.make_pipeline(tmp_path, "abc", enable_cache=False)
        assert [s.status for s in runner.run(pipeline, run_id=run_id)] == ["run", "run"]


def test_an_error_on_purpose_reaches_the_caller_as_itself(pipeline_fakes, make_runner, tmp_path):
    runner = make_runner()
    with pytest.raises(AnomalyError, match=r"^column 'target': 3 values below 0$"):
        runner.run(pipeline_fakes.make_pipeline(tmp_path, "anomaly"), run_id="one")
    assert [stage.status for stage in runner.reports] == ["run", "failed"]


def test_a_failed_stage_runs_again_while_those_before_it_are_cached(
    pipeline_fakes, make_runner, tmp_path
):
    runner = make_runner()
    for run_id in ("one", "two"):
        with pytest.raises(ZeroDivisionError, match="a bug"):
            runner.run(pipeline_fakes.make_pipeline(tmp_path, "bug"), run_id=run_id)
    assert [stage.status for stage in runner.reports] == ["cached", "failed"]


def test_a_cached_result_that_was_deleted_is_made_again(pipeline_fakes, make_runner, tmp_path):
    runner = make_runner()
    runner.run(pipeline_fakes.make_pipeline(tmp_path, "abc"), run_id="one")
    (tmp_path / "artifacts").rename(tmp_path / "elsewhere")
    second = runner.run(pipeline_fakes.make_pipeline(tmp_path, "abc"), run_id="two")
    assert [stage.status for stage in second] == ["run", "run"]


def test_the_memory_of_a_stage_is_its_own_peak(pipeline_fakes, make_runner, tmp_path):
    stages = make_runner().run(pipeline_fakes.make_pipeline(tmp_path, "grow"), run_id="one")
    assert stages[1].peak_memory_bytes - stages[0].peak_memory_bytes > 250_000_000


def test_a_stage_without_its_inputs_stops_the_run(pipeline_fakes, tmp_path):
    """TFX writes a failed execution and goes on; we do not."""
    from types import SimpleNamespace

    from ml_metadata.proto import metadata_store_pb2
    from tfx.orchestration import metadata

    from demandcast.pipeline.runners.local import StageFailedError, _result

    store = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.db"))
    with metadata.Metadata(store) as handle:
        kind = handle.store.put_execution_type(metadata_store_pb2.ExecutionType(name="Gate"))
        failed = metadata_store_pb2.Execution(
            type_id=kind, last_known_state=metadata_store_pb2.Execution.FAILED
        )
        (execution_id,) = handle.store.put_executions([failed])
    with pytest.raises(StageFailedError, match="Gate: its inputs could not be resolved"):
        _result(SimpleNamespace(execution_id=execution_id), store, "Gate")


def test_a_stage_that_was_not_due_is_skipped(pipeline_fakes):
    from types import SimpleNamespace

    from demandcast.pipeline.runners.local import _result

    assert _result(None, None, "Gate") == ("skipped", {})
    assert _result(SimpleNamespace(execution_id=None), None, "Gate") == ("skipped", {})
