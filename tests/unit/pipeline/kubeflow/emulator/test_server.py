"""The server and its driver, launcher and pods: each quirk of KFP by itself, without TFX."""

import json
import os
import signal
from pathlib import Path

import pytest
import yaml
from kubeflow_specs import IMAGE

from demandcast.pipeline.kubeflow.emulator.driver import DriverError
from demandcast.pipeline.kubeflow.emulator.pods import Pods
from demandcast.pipeline.kubeflow.emulator.server import EmulatedServer
from demandcast.pipeline.kubeflow.emulator.versions import KFP_2_5, KFP_2_17, KFP_3

ROOT = "minio://bucket/root"
SCHEMA = "title: tfx.Examples\ntype: object\n"
VERSIONS = pytest.mark.parametrize("version", [KFP_2_5, KFP_2_17, KFP_3], ids=lambda v: v.name)


@pytest.fixture(scope="module")
def pods(tmp_path_factory):
    helpers = Path(__file__).parents[4] / "helpers"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(helpers))
        with Pods(tmp_path_factory.mktemp("pods") / "log.txt", preload=()) as pods:
            yield pods


@pytest.fixture
def server(pods, tmp_path):
    return lambda version=KFP_2_17, folder=tmp_path: EmulatedServer(folder, pods, version)


def task(name, *, after=(), inputs=None, parameters=None, **more):
    return name, {
        "componentRef": {"name": name},
        "dependentTasks": list(after),
        "inputs": {
            "artifacts": {
                key: {"taskOutputArtifact": {"producerTask": producer, "outputArtifactKey": output}}
                for key, (producer, output) in (inputs or {}).items()
            },
            "parameters": parameters or {},
        },
        **more,
    }


def make(*tasks, do=None, outputs=("out",), declared=None, kinds=None, **spec):
    """A pipeline of fake containers; `do` says what each does."""
    names = [name for name, _ in tasks]
    artifact = {"artifactType": {"instanceSchema": SCHEMA}}
    return yaml.safe_dump(
        {
            "pipelineInfo": {"name": "demand"},
            "schemaVersion": "2.1.0",
            "deploymentSpec": {
                "executors": {
                    f"{name}_executor": {
                        "container": {
                            "image": IMAGE,
                            "command": ["python", "-m", "fake_container"],
                            "args": [
                                *("--message", "{{$}}", "--do"),
                                json.dumps((do or {}).get(name, {"write": list(outputs)})),
                                "uri={{$.outputs.artifacts['out'].uri}}",
                                "path={{$.outputs.artifacts['out'].path}}",
                                "x={{$.inputs.parameters['x']}}",
                                "value={{$.inputs.artifacts['a'].value}}",
                            ],
                        }
                    }
                    for name in names
                }
            },
            "components": {
                name: {
                    "executorLabel": f"{name}_executor",
                    "inputDefinitions": {"parameters": kinds or {}},
                    "outputDefinitions": {"artifacts": dict.fromkeys(outputs, artifact)},
                }
                for name in names
            },
            "root": {
                "dag": {"tasks": dict(tasks)},
                "inputDefinitions": {"parameters": declared or {}},
            },
            **spec,
        }
    )


def message_of(tmp_path, name, run="run-1", attempt=1):
    return json.loads((tmp_path / "pods" / run / f"{name}-{attempt}" / "message.json").read_text())


def constant(value):
    return {"runtimeValue": {"constant": value}}


def test_tasks_run_after_those_whose_results_they_need(server):
    text = make(
        task("c", inputs={"a": ("b", "out")}),
        task("b", after=["z"]),
        task("z"),
    )
    run = server().run(text, pipeline_root=ROOT)
    assert list(run.steps) == ["z", "b", "c"]
    assert set(run.statuses.values()) == {"succeeded"}
    assert run.succeeded
    assert all(step.peak_memory_bytes > 2**20 for step in run.steps.values())


def test_b2_a_pipeline_job_is_no_template(server):
    text = yaml.safe_dump(
        {"displayName": "demand", "pipelineSpec": yaml.safe_load(make(task("a")))}
    )
    with pytest.raises(DriverError, match="unknown template format"):
        server().run(text, pipeline_root=ROOT)


def test_b1_another_version_of_the_schema_is_refused(server):
    with pytest.raises(DriverError, match=r"only supports schema version 2\.1\.0, but .* 2\.0\.0"):
        server().run(make(task("a"), schemaVersion="2.0.0"), pipeline_root=ROOT)


def test_b3_a_resolver_is_refused_when_the_run_is_created(server):
    text = make(task("a"), deploymentSpec={"executors": {"a_executor": {"resolver": {}}}})
    with pytest.raises(DriverError, match="non-container and non-importer executor not impl"):
        server().run(text, pipeline_root=ROOT)


def test_a_parameter_without_value_and_default_is_refused(server):
    text = make(task("a"), declared={"data_root": {"parameterType": "STRING"}})
    with pytest.raises(DriverError, match="parameter data_root is not optional, yet has neither"):
        server().run(text, pipeline_root=ROOT)


def test_parameters_of_a_run_win_over_their_defaults(server, tmp_path):
    declared = {"epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 3.0}}
    text = make(
        task("a", parameters={"x": {"componentInputParameter": "epochs"}}), declared=declared
    )
    one = server()
    one.run(text, pipeline_root=ROOT)
    one.run(text, pipeline_root=ROOT, parameters={"epochs": 5})
    assert message_of(tmp_path, "a")["inputs"]["parameterValues"] == {"x": 3.0}
    assert message_of(tmp_path, "a", "run-2")["inputs"]["parameterValues"] == {"x": 5}


def test_an_undeclared_parameter_fails_the_task(server):
    text = make(task("a", parameters={"x": {"componentInputParameter": "data_root"}}))
    step = server().run(text, pipeline_root=ROOT).steps["a"]
    assert step.status == "failed"
    assert step.message == "parent DAG does not have input parameter data_root"


def test_a_constant_of_the_old_schema_fails_the_task(server):
    text = make(task("a", parameters={"x": {"runtimeValue": {"constantValue": {"intValue": "1"}}}}))
    assert "of type constantValue not implemented" in (
        server().run(text, pipeline_root=ROOT).steps["a"].message
    )


def test_the_identity_of_the_run_takes_the_place_of_its_placeholder_as_a_whole_only(
    server, tmp_path
):
    parameters = {
        "x": constant("{{$.pipeline_job_uuid}}"),
        "y": constant("run {{$.pipeline_job_uuid}}"),
        "z": constant("{{$.pipeline_task_name}}"),
    }
    server().run(make(task("a", parameters=parameters)), pipeline_root=ROOT)
    assert message_of(tmp_path, "a")["inputs"]["parameterValues"] == {
        "x": "run-1",
        "y": "run {{$.pipeline_job_uuid}}",
        "z": "a",
    }


def test_what_is_declared_as_text_becomes_text(server, tmp_path):
    text = make(
        task("a", parameters={"x": constant({"b": [1]}), "y": constant(2)}),
        kinds={"x": {"parameterType": "STRING"}, "y": {"parameterType": "NUMBER_INTEGER"}},
    )
    server().run(text, pipeline_root=ROOT)
    values = message_of(tmp_path, "a")["inputs"]["parameterValues"]
    assert values == {"x": '{"b": [1]}', "y": 2}


def test_placeholders_of_the_command_are_filled_in_but_for_values_of_artifacts(server, tmp_path):
    text = make(task("a", parameters={"x": constant(7)}))
    server().run(text, pipeline_root=ROOT)
    pod = tmp_path / "pods" / "run-1" / "a-1"
    uri = f"{ROOT}/demand/run-1/a/1/out"
    assert json.loads((pod / "arguments.json").read_text()) == [
        f"uri={uri}",
        f"path={pod}/minio/bucket/root/demand/run-1/a/1/out",
        "x=7",
        "value={{$.inputs.artifacts['a'].value}}",
    ]


@VERSIONS
def test_b4_an_output_for_the_logs_is_added(server, tmp_path, version):
    server(version).run(make(task("a")), pipeline_root=ROOT)
    logs = message_of(tmp_path, "a")["outputs"]["artifacts"]["executor-logs"]["artifacts"][0]
    assert logs["type"] == {"schemaTitle": "system.Artifact"}


@VERSIONS
def test_b6_inputs_lose_their_type_or_have_the_whole_schema_as_title(server, tmp_path, version):
    text = make(task("a"), task("b", inputs={"in": ("a", "out")}))
    server(version).run(text, pipeline_root=ROOT)
    (artifact,) = message_of(tmp_path, "b")["inputs"]["artifacts"]["in"]["artifacts"]
    expected = {"schemaTitle": SCHEMA} if version is KFP_3 else {"instanceSchema": ""}
    assert artifact["type"] == expected
    assert artifact["name"] == ("out" if version is KFP_3 else "1")
    assert ("store_session_info" in artifact.get("metadata", {})) == (version is not KFP_3)
    assert artifact["uri"] == f"{ROOT}/demand/run-1/a/1/out"
    # The outputs of the task itself have it.
    (out,) = message_of(tmp_path, "b")["outputs"]["artifacts"]["out"]["artifacts"]
    assert out["type"] == {"instanceSchema": SCHEMA}


@VERSIONS
def test_b9_an_output_that_was_not_written_fails_the_task_from_kfp_3_on(server, version):
    run = server(version).run(make(task("a"), do={"a": {}}), pipeline_root=ROOT)
    assert run.succeeded == (version is not KFP_3)
    if version is KFP_3:
        assert 'declared output artifact "out" is missing' in run.steps["a"].message


@VERSIONS
def test_the_file_of_what_was_done_lies_beside_the_outputs_since_2_15(server, tmp_path, version):
    server(version).run(make(task("a")), pipeline_root=ROOT)
    file = message_of(tmp_path, "a")["outputs"]["outputFile"]
    pod = tmp_path / "pods" / "run-1" / "a-1"
    expected = {
        True: f"{pod}/tmp/kfp_outputs/output_metadata.json",  # noqa: S108
        False: f"{pod}/minio/bucket/root/demand/run-1/a/1/output_metadata.json",
    }
    assert file == expected[version is KFP_2_5]


def test_properties_come_back_with_numbers_as_doubles_and_without_nulls(server, tmp_path):
    do = {"a": {"write": ["out"], "metadata": {"out": {"rows": 3, "name": "x", "flag": True}}}}
    text = make(task("a"), task("b", inputs={"in": ("a", "out")}), do=do)
    server().run(text, pipeline_root=ROOT)
    (artifact,) = message_of(tmp_path, "b")["inputs"]["artifacts"]["in"]["artifacts"]
    metadata = artifact["metadata"]
    assert (metadata["rows"], metadata["name"], metadata["flag"]) == (3.0, "x", True)
    assert isinstance(metadata["rows"], float)
    null = {"a": {"write": ["out"], "metadata": {"out": {"rows": None}}}}
    other = server(folder=tmp_path / "other")
    step = other.run(make(task("a"), do=null), pipeline_root=ROOT).steps["a"]
    assert step.message == "out: rows: unknown/unsupported value type NullValue"


def test_artifacts_lie_in_the_folder_of_the_run(server):
    do = {"a": {"write": ["out"], "metadata": {"out": {}}, "uri": {"out": "minio://bucket/other"}}}
    step = server().run(make(task("a"), do=do), pipeline_root=ROOT).steps["a"]
    assert "minio://bucket/other does not lie in minio://bucket/root/demand/run-1" in step.message


def test_pods_begin_empty_and_inputs_are_downloaded(server, tmp_path):
    text = make(task("a"), task("b", inputs={"in": ("a", "out")}))
    server().run(text, pipeline_root="gs://bucket/root")
    pod = tmp_path / "pods" / "run-1" / "b-1"
    files = {path.relative_to(pod).as_posix() for path in pod.rglob("content")}
    place = "gcs/bucket/root/demand/run-1"
    assert files == {f"{place}/a/1/out/content", f"{place}/b/1/out/content"}


BLESSED = "(inputs.artifacts['in'].artifacts[0].metadata['blessed'] == 1.0)"


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [({"blessed": 1}, "succeeded"), ({"blessed": 0}, "skipped"), ({}, "failed")],
)
def test_conditions_are_evaluated_by_the_driver(server, metadata, expected):
    do = {"a": {"write": ["out"], "metadata": {"out": metadata}}}
    text = make(
        task("a"),
        task("b", inputs={"in": ("a", "out")}, triggerPolicy={"condition": BLESSED}),
        task("c", inputs={"in": ("b", "out")}),
        do=do,
    )
    run = server().run(text, pipeline_root=ROOT)
    assert run.statuses["b"] == expected
    then = {"succeeded": "succeeded", "skipped": "skipped", "failed": "omitted"}
    assert run.statuses["c"] == then[expected]
    assert run.succeeded == (expected != "failed")


CACHED = {"cachingOptions": {"enableCache": True}}


def test_results_are_found_in_the_cache_and_those_after_them_as_well(server, tmp_path):
    text = make(
        task("a", **CACHED),
        task("b", inputs={"in": ("a", "out")}, **CACHED),
        task("c", after=["b"]),
    )
    one = server()
    assert set(one.run(text, pipeline_root=ROOT).statuses.values()) == {"succeeded"}
    again = one.run(text, pipeline_root=ROOT)
    assert again.statuses == {"a": "cached", "b": "cached", "c": "succeeded"}
    other = server(folder=tmp_path / "other")
    assert other.run(text, pipeline_root=ROOT).statuses["a"] == "succeeded"


def test_b10_the_cache_sees_parameters_images_and_inputs_and_nothing_behind_a_path(
    server, tmp_path
):
    one = server()

    def statuses(**changes):
        text = make(
            task("a", parameters={"x": constant(str(tmp_path / "sales.csv"))}, **CACHED),
            task("b", inputs={"in": ("a", "out")}, **CACHED),
        )
        for old, new in changes.values():
            text = text.replace(old, new)
        return list(one.run(text, pipeline_root=ROOT).statuses.values())

    assert statuses() == ["succeeded", "succeeded"]
    (tmp_path / "sales.csv").write_text("changed")
    assert statuses() == ["cached", "cached"]
    assert statuses(x=("sales.csv", "other.csv")) == ["succeeded", "succeeded"]
    assert statuses(image=("sha256:1", "sha256:2")) == ["succeeded", "succeeded"]


def test_a_task_that_fails_starts_again_and_writes_to_the_same_places(
    server, tmp_path, monkeypatch
):
    retried = {"retryPolicy": {"maxRetryCount": 2}}
    text = make(
        task("a", **retried), task("b", after=["a"]), do={"a": {"write": ["out"], "fail": 1}}
    )
    attempts = tmp_path / "attempts"
    text = text.replace(
        f"image: {IMAGE}",
        f"image: {IMAGE}\n        env: [{{name: FAKE_ATTEMPTS, value: {attempts}}}]",
        1,
    )
    one = server()
    run = one.run(text, pipeline_root=ROOT)
    assert run.steps["a"].attempts == 2
    assert run.succeeded
    content = one.store.path(f"{ROOT}/demand/run-1/a/1/out") / "content"
    assert content.read_text() == "out of attempt 2"


def test_a_task_that_goes_on_failing_fails_the_run_and_says_why(server):
    text = make(
        task("a", retryPolicy={"maxRetryCount": 1}), task("b", after=["a"]), do={"a": {"exit": 3}}
    )
    run = server().run(text, pipeline_root=ROOT)
    assert run.statuses == {"a": "failed", "b": "omitted"}
    assert run.steps["a"].attempts == 2
    assert run.steps["a"].message.startswith("a: exit code 3: it ran")
    assert not run.succeeded


def test_a_pod_may_be_killed(server):
    def on_start(name, attempt):
        return (lambda pid: os.kill(pid, signal.SIGKILL)) if attempt == 1 else None

    text = make(task("a", retryPolicy={"maxRetryCount": 1}), do={"a": {"sleep": 1}})
    run = server().run(text, pipeline_root=ROOT, on_start=on_start)
    assert run.steps["a"].attempts == 2
    assert run.succeeded


def test_a_pod_that_works_for_too_long_is_killed_and_each_attempt_has_all_its_time(server):
    """`activeDeadlineSeconds` of a pod, in the second document."""
    text = make(task("a", retryPolicy={"maxRetryCount": 1}), do={"a": {"sleep": 60}})
    pods = {"a_executor": {"activeDeadlineSeconds": "1"}}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": pods}}}}
    run = server().run(f"{text}---\n{yaml.safe_dump(platform)}", pipeline_root=ROOT)
    assert (run.steps["a"].status, run.steps["a"].attempts) == ("failed", 2)
    assert run.steps["a"].message == "a: active for longer than 1 s"
    assert 2 <= run.steps["a"].seconds < 30


def test_a_scratch_volume_is_a_folder_of_the_pod(server, tmp_path):
    text = make(task("a")).replace(
        f"image: {IMAGE}", f"image: {IMAGE}\n        env: [{{name: TMPDIR, value: /scratch}}]"
    )
    server().run(text, pipeline_root=ROOT)
    assert (tmp_path / "pods" / "run-1" / "a-1" / "scratch").is_dir()


def test_an_unknown_producer_is_refused_and_an_unknown_output_fails_the_task(server):
    text = make(task("a"), task("b", inputs={"in": ("Emit_task", "out")}))
    with pytest.raises(DriverError, match="unknown producer task Emit_task in DAG"):
        server().run(text, pipeline_root=ROOT)
    value = {"taskOutputParameter": {"producerTask": "a", "outputParameterKey": "value"}}
    text = make(
        task("a"), task("b", parameters={"x": value}), task("c", inputs={"in": ("a", "other")})
    )
    steps = server().run(text, pipeline_root=ROOT).steps
    assert steps["b"].message == "cannot find output parameter value of task a"
    assert steps["c"].message == "cannot find output artifact other of task a"


def test_a_value_of_another_task_is_a_parameter(server, tmp_path):
    value = {"taskOutputParameter": {"producerTask": "a", "outputParameterKey": "value"}}
    do = {"a": {"write": ["out"], "values": {"value": 7}}}
    server().run(make(task("a"), task("b", parameters={"x": value}), do=do), pipeline_root=ROOT)
    assert message_of(tmp_path, "b")["inputs"]["parameterValues"] == {"x": 7}


def test_only_modules_of_python_are_run(pods, tmp_path):
    with pytest.raises(ValueError, match=r"expected python -m MODULE, got \['sh', '-c', 'x'\]"):
        pods.run(["sh", "-c", "x"], root=tmp_path, log=tmp_path / "log", environment={})
