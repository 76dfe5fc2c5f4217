"""Makes of TFX's output what an open-source Kubeflow Pipelines server accepts and runs.

TFX compiles for Vertex. Nothing is patched: its compiler runs as it is, and its output, a nested
dictionary, is completed here. Each step names the blocker that it cures.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from typing import Any

from demandcast.pipeline.kubeflow.parameters import RunParameter
from demandcast.schema.config import KubeflowConfig
from demandcast.schema.config.kubeflow import stage_of
from demandcast.schema.errors import DemandcastError

__all__ = [
    "NotRunnableError",
    "add_parameters",
    "executor_of",
    "finalise",
    "name_conditions",
    "refuse_unrunnable",
]

Spec = dict[str, Any]
"""A PipelineSpec as JSON."""

SCRATCH = "/scratch"
"""Where an ephemeral volume for temporary files is mounted."""

_GIBIBYTE = 2**30 / 1e9
"""KFP takes memory in units of 10^9 bytes: `driver.go` writes `%vG`."""


class NotRunnableError(DemandcastError):
    """Kubeflow Pipelines could not run what was wired; a bug of the wiring."""


def finalise(
    spec: Mapping[str, Any],
    config: KubeflowConfig,
    *,
    parameters: Mapping[RunParameter, Any],
    never_cached: Collection[str],
) -> Spec:
    """Completes the output of TFX's compiler for open-source Kubeflow Pipelines 2.

    Args:
        spec: PipelineSpec 2.1 as TFX wrote it; it stays as it is.
        config: What the stages get.
        parameters: Run-time parameters and their defaults.
        never_cached: Stages that run each time.

    Returns:
        The PipelineSpec that is uploaded.

    Raises:
        NotRunnableError: A node is of a kind that KFP cannot run.
    """
    result = copy.deepcopy(dict(spec))
    refuse_unrunnable(result)
    name_conditions(result)
    add_parameters(result, parameters)
    if config.pipeline_root is not None:
        # No Go code reads it (2.5 to 2.17): the submitter passes it with each run as well.
        result["defaultPipelineRoot"] = config.pipeline_root
    for name, task in result["root"]["dag"]["tasks"].items():
        _set_task(
            task, config, name=name, cached=config.cache and stage_of(name) not in never_cached
        )
        container = executor_of(result, name).get("container")
        if container is not None:
            _set_container(container, config, name=name)
    return result


def refuse_unrunnable(spec: Mapping[str, Any]) -> None:
    """Refuses nodes that an upload accepts and a run does not.

    B3: `v2/compiler/visitor.go dfs()`: "non-container and non-importer executor not implemented".

    Raises:
        NotRunnableError: It names the nodes.
    """
    wrong = [
        name
        for name in spec["root"]["dag"]["tasks"]
        if not {"container", "importer"} & executor_of(spec, name).keys()
    ]
    if wrong:
        raise NotRunnableError(
            f"{', '.join(wrong)}: Kubeflow Pipelines runs containers and importers only; a "
            "Resolver is Vertex's (ModelInService takes its place)"
        )


def executor_of(spec: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Finds the executor of a task; empty if it has none."""
    component = spec["root"]["dag"]["tasks"][name]["componentRef"]["name"]
    label = spec["components"][component].get("executorLabel")
    executor: dict[str, Any] = spec["deploymentSpec"]["executors"].get(label, {})
    return executor


def add_parameters(spec: Spec, parameters: Mapping[RunParameter, Any]) -> None:
    """Declares run-time parameters with their defaults, and makes them inputs of their stages.

    TFX drops defaults, and a run is then refused: "parameter ... is not optional, yet has neither
    default value nor user provided value" (`apiserver`, on creation of a run).
    """
    tasks = spec["root"]["dag"]["tasks"]
    for parameter, default in parameters.items():
        stages = [task for task in tasks if stage_of(task) in parameter.stages]
        if not stages:
            continue
        declared = spec["root"].setdefault("inputDefinitions", {}).setdefault("parameters", {})
        declared[parameter.name] = {
            "parameterType": parameter.kind,
            "defaultValue": default,
            "description": parameter.description,
        }
        for stage in stages:
            inputs = tasks[stage].setdefault("inputs", {}).setdefault("parameters", {})
            inputs[parameter.name] = {"componentInputParameter": parameter.name}
            component = spec["components"][tasks[stage]["componentRef"]["name"]]
            definitions = component.setdefault("inputDefinitions", {}).setdefault("parameters", {})
            definitions[parameter.name] = {"parameterType": parameter.kind}


def name_conditions(spec: Spec) -> None:
    """Lets conditions name their artifacts as the task's inputs do.

    B11: where a node takes an artifact by a name of its own and a condition reads the same one,
    TFX leaves the condition with its own name for it, `_<producer>.<output>`, which is then no
    input of the task; KFP's driver would fail on it ("no such key").
    """
    for task in spec["root"]["dag"]["tasks"].values():
        trigger = task.get("triggerPolicy", {})
        for name, source in task.get("inputs", {}).get("artifacts", {}).items():
            output = source.get("taskOutputArtifact")
            if output is not None and "condition" in trigger:
                implicit = f"_{output['producerTask']}.{output['outputArtifactKey']}"
                trigger["condition"] = trigger["condition"].replace(f"'{implicit}'", f"'{name}'")


def _set_task(task: dict[str, Any], config: KubeflowConfig, *, name: str, cached: bool) -> None:
    """Sets cache and retries; TFX would cache every node, and retries none."""
    # B10: what KFP does not see in a task's inputs (the serving directory, the files behind a
    # path) is no part of its key (`cacheutils.GenerateCacheKey`).
    task["cachingOptions"] = {"enableCache": True} if cached else {}
    stage = config.stage(name)
    if stage.retries:
        task["retryPolicy"] = {
            "maxRetryCount": stage.retries,
            "backoffDuration": f"{stage.backoff_seconds}s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": f"{stage.backoff_max_seconds}s",
        }


def _set_container(container: dict[str, Any], config: KubeflowConfig, *, name: str) -> None:
    """Sets image and resources."""
    # B10: KFP never runs the driver that TFX puts there.
    container.pop("lifecycle", None)
    container["image"] = config.image_of(name)
    stage = config.stage(name)
    resources: dict[str, Any] = {
        "cpuLimit": stage.cpu,
        "memoryLimit": round(stage.memory_gib * _GIBIBYTE, 3),
    }
    if stage.gpus:
        resources["accelerator"] = {"type": stage.gpu_type, "count": str(stage.gpus)}
    container["resources"] = resources
    if stage.disk_gib is not None:
        container["env"] = [{"name": "TMPDIR", "value": SCRATCH}]
