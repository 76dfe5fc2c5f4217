"""What TFX's output lacks."""

import pytest
from configurations import parse
from kubeflow_specs import IMAGE, make_spec

from demandcast.pipeline.kubeflow.finaliser import (
    NotRunnableError,
    executor_of,
    finalise,
    name_conditions,
    refuse_unrunnable,
)
from demandcast.pipeline.kubeflow.parameters import parameters_of

GPU_IMAGE = IMAGE.replace("1", "2")


def finalised(spec=None, never_cached=(), **changes):
    config = parse(
        **{
            "kubeflow.image": IMAGE,
            "kubeflow.gpu_image": GPU_IMAGE,
            "kubeflow.pipeline_root": "gs://b/root",
            "push.serving_directory": "gs://b/serving",
            **changes,
        }
    )
    return finalise(
        make_spec() if spec is None else spec,
        config.kubeflow,
        parameters=parameters_of(config),
        never_cached=never_cached,
    )


def tasks(spec):
    return spec["root"]["dag"]["tasks"]


def test_what_tfx_wrote_stays_as_it_was():
    spec = make_spec()
    finalised(spec)
    assert spec == make_spec()


@pytest.mark.parametrize("executor", [{"resolver": {}}, {"customJob": {}}, {}])
def test_b3_what_is_neither_container_nor_importer_is_refused_by_name(executor):
    spec = make_spec()
    spec["deploymentSpec"]["executors"]["Evaluator_executor"] = executor
    with pytest.raises(NotRunnableError, match=r"^Evaluator: Kubeflow Pipelines runs containers"):
        finalised(spec)


def test_an_importer_runs():
    spec = make_spec()
    spec["deploymentSpec"]["executors"]["Evaluator_executor"] = {"importer": {}}
    refuse_unrunnable(spec)
    assert "image" not in executor_of(finalised(spec), "Evaluator")


def test_b10_the_driver_that_never_runs_goes():
    result = finalised()
    assert "lifecycle" not in executor_of(result, "SeriesExampleGen")["container"]


def test_b10_what_may_change_unseen_is_never_cached():
    result = finalised(never_cached={"Pusher"})
    assert tasks(result)["Pusher"]["cachingOptions"] == {}
    assert tasks(result)["Evaluator"]["cachingOptions"] == {"enableCache": True}
    off = finalised(**{"kubeflow.cache": False})
    assert {task["cachingOptions"].get("enableCache") for task in tasks(off).values()} == {None}


def test_b11_a_condition_names_its_artifact_as_the_task_does():
    condition = tasks(finalised())["Pusher"]["triggerPolicy"]["condition"]
    assert condition == (
        "(inputs.artifacts['model_blessing'].artifacts[0].metadata['blessed'] == 1.0)"
    )


def test_b11_a_condition_on_an_input_of_that_very_name_is_left_alone():
    spec = make_spec()
    inputs = tasks(spec)["Pusher"]["inputs"]["artifacts"]
    inputs["_Evaluator.blessing"] = inputs.pop("model_blessing")
    name_conditions(spec)
    assert "'_Evaluator.blessing'" in tasks(spec)["Pusher"]["triggerPolicy"]["condition"]


def test_parameters_are_declared_with_their_defaults_and_reach_their_stages():
    result = finalised(**{"training.epochs": 3})
    declared = result["root"]["inputDefinitions"]["parameters"]
    # There is no Trainer here, and the data has no snapshots.
    assert set(declared) == {"gate_thresholds", "serving_directory"}
    assert declared["serving_directory"]["defaultValue"] == "gs://b/serving"
    assert declared["serving_directory"]["parameterType"] == "STRING"
    assert declared["gate_thresholds"]["parameterType"] == "STRUCT"
    given = tasks(result)["Evaluator"]["inputs"]["parameters"]
    assert given["gate_thresholds"] == {"componentInputParameter": "gate_thresholds"}
    assert given["gate"] == {"runtimeValue": {"constant": "{}"}}
    wanted = result["components"]["Evaluator"]["inputDefinitions"]["parameters"]
    assert wanted["gate_thresholds"] == {"parameterType": "STRUCT"}
    # What is a parameter of the node already is no longer a constant.
    pusher = tasks(result)["Pusher"]["inputs"]["parameters"]
    assert pusher == {"serving_directory": {"componentInputParameter": "serving_directory"}}


def test_stages_are_retried_as_configured():
    stages = {"Evaluator": {"retries": 0}, "Pusher": {"retries": 5, "backoff_seconds": 10}}
    result = finalised(**{"kubeflow.stages": stages})
    assert "retryPolicy" not in tasks(result)["Evaluator"]
    assert tasks(result)["Pusher"]["retryPolicy"] == {
        "maxRetryCount": 5,
        "backoffDuration": "10s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "600s",
    }


def test_stages_get_their_image_and_resources():
    stages = {"Evaluator": {"cpu": 4, "memory_gib": 16, "gpus": 2, "disk_gib": 20}}
    result = finalised(**{"kubeflow.stages": stages})
    container = executor_of(result, "Evaluator")["container"]
    assert container["image"] == GPU_IMAGE
    assert container["env"] == [{"name": "TMPDIR", "value": "/scratch"}]
    # 16 GiB in the units of 10^9 bytes that KFP takes.
    assert container["resources"] == {
        "cpuLimit": 4.0,
        "memoryLimit": round(16 * 2**30 / 10**9, 3),
        "accelerator": {"type": "nvidia.com/gpu", "count": "2"},
    }
    other = executor_of(result, "Pusher")["container"]
    assert other["image"] == IMAGE
    assert "accelerator" not in other["resources"]
    assert "env" not in other


def test_the_root_is_in_it_for_people():
    assert finalised()["defaultPipelineRoot"] == "gs://b/root"
