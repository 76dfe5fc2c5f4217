"""What a server would refuse, or fail on later, is refused here."""

import pytest
from kubeflow_specs import make_spec

from demandcast.pipeline.kubeflow.checking import check_platform, check_spec
from demandcast.pipeline.kubeflow.finaliser import NotRunnableError, name_conditions


@pytest.fixture
def spec():
    spec = make_spec()
    name_conditions(spec)
    return spec


def tasks(spec):
    return spec["root"]["dag"]["tasks"]


def test_a_whole_one_passes(spec):
    check_spec(spec)


def unknown_field(spec):
    spec["pipelineInfo"]["title"] = "x"


def old_version(spec):
    spec["schemaVersion"] = "2.0.0"


def resolver(spec):
    spec["deploymentSpec"]["executors"]["Evaluator_executor"] = {"resolver": {}}


def producer(spec):
    source = tasks(spec)["Evaluator"]["inputs"]["artifacts"]["examples"]
    source["taskOutputArtifact"]["producerTask"] = "SeriesExampleGen_task"


def output(spec):
    source = tasks(spec)["Evaluator"]["inputs"]["artifacts"]["examples"]
    source["taskOutputArtifact"]["outputArtifactKey"] = "statistics"


def upstream_value(spec):
    tasks(spec)["Evaluator"]["inputs"]["parameters"]["gate"] = {
        "taskOutputParameter": {"producerTask": "Emit_task", "outputParameterKey": "value"}
    }


def waits(spec):
    tasks(spec)["Pusher"]["dependentTasks"].append("Notify")


def condition(spec):
    trigger = tasks(spec)["Pusher"]["triggerPolicy"]
    trigger["condition"] = trigger["condition"].replace("model_blessing", "_Evaluator.blessing")


def no_default(spec):
    spec["root"]["inputDefinitions"] = {"parameters": {"data_root": {"parameterType": "STRING"}}}


def no_source(spec):
    del tasks(spec)["Evaluator"]["inputs"]["parameters"]["gate"]


def undeclared(spec):
    tasks(spec)["Evaluator"]["inputs"]["parameters"]["gate"] = {"componentInputParameter": "g"}


def no_command(spec):
    spec["deploymentSpec"]["executors"]["Pusher_executor"]["container"]["command"] = []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (unknown_field, r'PipelineSpec: .*no field named "title"'),
        (old_version, r"schemaVersion: got 2\.0\.0; servers accept 2\.1\.0 only"),
        (resolver, r"Evaluator: Kubeflow Pipelines runs containers and importers only"),
        (producer, r"Evaluator: takes examples of SeriesExampleGen_task, which does not exist"),
        (output, r"Evaluator: takes statistics of SeriesExampleGen, which does not exist"),
        (upstream_value, r"Evaluator: takes value of Emit_task, which does not exist"),
        (waits, r"Pusher: waits for Notify, which does not exist"),
        (condition, r"Pusher: its condition reads _Evaluator\.blessing, which it does not get"),
        (no_default, r"parameter data_root has neither a default nor a value"),
        (no_source, r"Evaluator: parameter gate has neither a default nor a value"),
        (undeclared, r"Evaluator: gate takes the parameter g, which is not declared"),
        (no_command, r"Pusher: its container has no command or no image"),
    ],
)
def test_each_fault_is_named(spec, fault, message):
    fault(spec)
    with pytest.raises(NotRunnableError, match=message):
        check_spec(spec)


def platform(**executors):
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}


def test_a_platform_document_belongs_to_its_pipeline(spec):
    check_platform(platform(Pusher_executor={"imagePullPolicy": "Always"}), spec)
    with pytest.raises(NotRunnableError, match=r"no such executor: Trainer_executor"):
        check_platform(platform(Trainer_executor={}), spec)
    with pytest.raises(NotRunnableError, match=r'Pusher_executor: .*no field named "gpus"'):
        check_platform(platform(Pusher_executor={"gpus": 1}), spec)
