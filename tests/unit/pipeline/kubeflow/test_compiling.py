"""The compiled pipeline: what TFX wires, made fit for servers, without a word to the network."""

import json
import socket

import pytest
import yaml
from compiled_pipeline import CONFIG, GOLDEN, compile_example, normalised
from configurations import parse

from demandcast.pipeline.kubeflow.emulator.driver import Driver, Task
from demandcast.pipeline.kubeflow.emulator.versions import KFP_2_17
from demandcast.schema.config import CostConfig, load_config
from demandcast.schema.config.kubeflow import NOT_PUSHED, STAGES
from demandcast.schema.errors import ConfigurationError

pytestmark = pytest.mark.slow


ORDERS = ("BatchForecaster", "Replenisher")


def no_network(*args, **kwargs):
    raise AssertionError("a compilation asked the network")


@pytest.fixture(scope="module")
def text():
    """The compiled example; no host is asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", no_network)
        patch.setattr(socket.socket, "connect", no_network)
        return compile_example()


@pytest.fixture(scope="module")
def spec(text):
    return next(yaml.safe_load_all(text))


def compile_for(target, **changes):
    from demandcast.pipeline.kubeflow.compiling import compile_pipeline

    config = load_config(CONFIG)
    for name, section in changes.items():
        config = config.model_copy(update={name: getattr(config, name).model_copy(update=section)})
    return compile_pipeline(config, target)


def test_it_is_the_golden_one(text):
    """Also the same bytes each time: another process wrote that, with another seed of hashes."""
    assert normalised(text) == GOLDEN.read_text(encoding="utf-8"), (
        "the compiled example changed; if that is meant, write it anew: "
        "PYTHONPATH=tests/helpers .venv/bin/python -m compiled_pipeline"
    )


def test_every_stage_is_a_container_of_ours_by_digest(spec):
    executors = spec["deploymentSpec"]["executors"]
    twins = [f"{name}{NOT_PUSHED}" for name in ORDERS]
    wired = [name for name in [*STAGES, *twins] if name not in {"Tuner", "CostJudge"}]
    assert set(executors) == {f"{name}_executor" for name in wired}
    for name, executor in executors.items():
        container = executor["container"]
        command = ["python", "-m", "demandcast.pipeline.kubeflow.entry_point"]
        assert container["command"] == command, name
        assert "@sha256:" in container["image"]
        assert container["args"][0] == "--executor_class_path"
        assert container["args"][2:4] == ["--json_serialized_invocation_args", "{{$}}"]
        assert "lifecycle" not in container


def test_executors_can_be_imported_by_their_names(spec):
    from tfx.utils import import_utils

    for executor in spec["deploymentSpec"]["executors"].values():
        assert hasattr(import_utils.import_class_by_path(executor["container"]["args"][1]), "Do")


def test_the_push_depends_on_the_blessing(spec):
    condition = spec["root"]["dag"]["tasks"]["Pusher"]["triggerPolicy"]["condition"]
    assert "inputs.artifacts['model_blessing']" in condition
    assert condition.endswith("metadata['blessed'] == 1.0)")


def waits_for(spec, name):
    """Tasks that must have succeeded, or KFP skips this one (`argocompiler/dag.go depends`)."""
    task = spec["root"]["dag"]["tasks"][name]
    artifacts = task["inputs"]["artifacts"].values()
    producers = {source["taskOutputArtifact"]["producerTask"] for source in artifacts}
    return producers | set(task.get("dependentTasks", []))


def test_orders_after_a_push_wait_for_it(spec):
    assert waits_for(spec, "BatchForecaster") >= {"Pusher", "SmokeTest"}
    assert "BatchForecaster" in waits_for(spec, "Replenisher")


def test_orders_without_a_push_wait_for_nothing_that_is_skipped_then(spec):
    judges = {"Evaluator", "InfraValidator"}
    assert waits_for(spec, f"BatchForecaster{NOT_PUSHED}") == judges
    assert waits_for(spec, f"Replenisher{NOT_PUSHED}") == {*judges, f"BatchForecaster{NOT_PUSHED}"}


@pytest.mark.parametrize("gate", [0.0, 1.0])
@pytest.mark.parametrize("server", [0.0, 1.0])
@pytest.mark.parametrize("stage", ORDERS)
def test_one_task_of_each_stage_runs_whatever_the_judges_say(spec, stage, gate, server):
    blessings = {"Evaluator": gate, "InfraValidator": server}

    def runs(name):
        task = spec["root"]["dag"]["tasks"][name]
        driver = Driver(version=KFP_2_17, run_id="r", root="", parameters={}, ended={})
        given = {
            key: {"artifacts": [{"metadata": {"blessed": blessings.get(producer, 0.0)}}]}
            for key, source in task["inputs"]["artifacts"].items()
            for producer in [source["taskOutputArtifact"]["producerTask"]]
        }
        made = Task(name, task, component={}, executor={}, pod={})
        return driver.is_triggered(made, {"artifacts": given})

    pushed = bool(gate and server)
    assert (runs("Pusher"), runs(stage), runs(f"{stage}{NOT_PUSHED}")) == (
        *(pushed, pushed, not pushed),
    )


def test_orders_take_the_snapshot_and_the_serving_directory_of_a_run(spec):
    for name in (*ORDERS, *(f"{stage}{NOT_PUSHED}" for stage in ORDERS)):
        task = spec["root"]["dag"]["tasks"][name]
        given = task["inputs"]["parameters"]
        assert given["data_snapshot"] == {"componentInputParameter": "data_snapshot"}
        assert task["cachingOptions"] == {}
        directory = given.get("serving_directory")
        assert (directory is None) == name.startswith("Replenisher")
        assert directory in (None, {"componentInputParameter": "serving_directory"})


def test_without_replenishment_there_are_no_orders():
    compiled = compile_for("kubeflow", replenishment={"enabled": False})
    assert set(STAGES) - set(compiled.stages) == {"Tuner", "CostJudge", *ORDERS}
    tasks = compiled.documents[0]["root"]["dag"]["tasks"]
    assert not [name for name in tasks if name.endswith(NOT_PUSHED)]


def test_the_run_that_pushes_is_named_by_the_server(spec):
    parameters = spec["root"]["dag"]["tasks"]["Pusher"]["inputs"]["parameters"]
    assert parameters["run_id"] == {"runtimeValue": {"constant": "{{$.pipeline_job_uuid}}"}}


def test_beam_stages_take_options_of_their_own():
    stages = {"Transform": {"beam_args": ["--direct_num_workers=4"]}}
    config = parse(**{"kubeflow.stages": stages}).kubeflow
    spec = compile_for("kubeflow", kubeflow={"stages": config.stages}).documents[0]

    def options(stage):
        args = spec["deploymentSpec"]["executors"][f"{stage}_executor"]["container"]["args"]
        return [arg for arg in args if "direct_num_workers" in arg]

    assert options("Transform") == ["--direct_num_workers=4"]
    assert options("StatisticsGen") == []


def test_a_tuner_is_a_stage_like_the_others():
    compiled = compile_for("kubeflow", tuning={"enabled": True})
    assert compiled.stages == tuple(name for name in STAGES if name != "CostJudge")
    tuner = compiled.documents[0]["root"]["dag"]["tasks"]["Tuner"]["inputs"]["parameters"]
    custom = json.loads(tuner["custom_config"]["runtimeValue"]["constant"])
    assert custom["directory"] == "gs://your-project-demand-pipeline-root/demandcast/demand/tuning"
    assert tuner["training_epochs"] == {"componentInputParameter": "training_epochs"}


def test_what_stock_costs_is_a_condition_of_the_push():
    gate = {"cost": CostConfig(enabled=True)}
    compiled = compile_for("kubeflow", gate=gate)
    assert compiled.stages == tuple(name for name in STAGES if name != "Tuner")
    tasks = compiled.documents[0]["root"]["dag"]["tasks"]
    condition = tasks["Pusher"]["triggerPolicy"]["condition"]
    for blessing in ("model_blessing", "cost_blessing", "infra_blessing"):
        assert f"inputs.artifacts['{blessing}']" in condition
    assert tasks["CostJudge"]["inputs"]["artifacts"].keys() == {
        "examples",
        "model",
        "model_in_service",
    }


def test_vertex_gets_the_job_that_tfx_writes_and_the_parameters():
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2

    compiled = compile_for("vertex")
    job = json.loads(compiled.text)
    json_format.ParseDict(job, pipeline_spec_pb2.PipelineJob())
    assert (
        job["runtimeConfig"]["gcsOutputDirectory"]
        == "gs://your-project-demand-pipeline-root/demandcast"
    )
    assert "training_epochs" in job["pipelineSpec"]["root"]["inputDefinitions"]["parameters"]
    assert compiled.stages[-4:] == ("Pusher", "SmokeTest", *ORDERS)


def test_what_pods_cannot_see_is_refused():
    with pytest.raises(ConfigurationError, match=r"data\.sales: got '/x\.csv'; pods cannot see"):
        compile_for("kubeflow", data={"sales": "/x.csv"})
