"""Checks a compiled pipeline as a server would, before anything is uploaded.

A server parses strictly, and finds out only when a run begins, or a task, that a producer does
not exist or a parameter has no value. All of that is seen here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from demandcast.pipeline.kubeflow.finaliser import NotRunnableError, executor_of, refuse_unrunnable

__all__ = ["check_platform", "check_spec"]

_SCHEMA_VERSION = "2.1.0"


def check_spec(spec: Mapping[str, Any]) -> None:
    """Checks a PipelineSpec.

    Args:
        spec: The first document.

    Raises:
        NotRunnableError: It does not parse strictly, or could not run; all reasons are named.
    """
    _parse(spec, pipeline_spec_pb2.PipelineSpec(), "PipelineSpec")
    if spec["schemaVersion"] != _SCHEMA_VERSION:
        # B1: `apiserver/template/v2_template.go NewV2SpecTemplate`.
        raise NotRunnableError(
            f"schemaVersion: got {spec['schemaVersion']}; servers accept {_SCHEMA_VERSION} only"
        )
    refuse_unrunnable(spec)
    wrong = [
        *_unknown_producers(spec),
        *_unknown_conditions(spec),
        *_without_value(spec),
        *_empty_containers(spec),
    ]
    if wrong:
        raise NotRunnableError("; ".join(wrong))


def check_platform(document: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    """Checks the platform document of a PipelineSpec.

    Args:
        document: The second document.
        spec: The first one.

    Raises:
        NotRunnableError: It does not parse strictly, or names an executor that is not there.
    """
    _parse(document, pipeline_spec_pb2.PlatformSpec(), "platform document")
    executors = document["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    unknown = sorted(set(executors) - set(spec["deploymentSpec"]["executors"]))
    if unknown:
        raise NotRunnableError(f"platform document: no such executor: {', '.join(unknown)}")
    for name, executor in executors.items():
        message = kubernetes_executor_config_pb2.KubernetesExecutorConfig()
        _parse(executor, message, f"platform document, {name}")


def _parse(values: Mapping[str, Any], message: Any, what: str) -> None:
    """Parses as protojson does in Go: an unknown field is an error."""
    try:
        json_format.ParseDict(dict(values), message)
    except json_format.ParseError as error:
        raise NotRunnableError(f"{what}: {error}") from error


def _unknown_producers(spec: Mapping[str, Any]) -> Iterator[str]:
    """Yields what takes an output of a task or a key that is not there.

    TFX itself does so for a property from an upstream value: it names `<node>_task`
    (`step_builder.py`), and KFP says "unknown producer task in DAG" when the run begins.
    """
    tasks = spec["root"]["dag"]["tasks"]
    for name, task in tasks.items():
        inputs = task.get("inputs", {})
        sources = [
            (source[kind]["producerTask"], part, source[kind][key])
            for part, kind, key in (
                ("artifacts", "taskOutputArtifact", "outputArtifactKey"),
                ("parameters", "taskOutputParameter", "outputParameterKey"),
            )
            for source in inputs.get(part, {}).values()
            if kind in source
        ]
        for producer, part, key in sources:
            if key not in _outputs(spec, producer).get(part, {}):
                yield f"{name}: takes {key} of {producer}, which does not exist"
        for other in task.get("dependentTasks", []):
            if other not in tasks:
                yield f"{name}: waits for {other}, which does not exist"


def _unknown_conditions(spec: Mapping[str, Any]) -> Iterator[str]:
    """Yields conditions on artifacts that the task does not get: the driver would fail on them."""
    for name, task in spec["root"]["dag"]["tasks"].items():
        condition = task.get("triggerPolicy", {}).get("condition", "")
        given = task.get("inputs", {}).get("artifacts", {})
        for artifact in re.findall(r"inputs\.artifacts\['([^']*)'\]", condition):
            if artifact not in given:
                yield f"{name}: its condition reads {artifact}, which it does not get"


def _outputs(spec: Mapping[str, Any], task: str) -> Mapping[str, Any]:
    reference = spec["root"]["dag"]["tasks"].get(task, {}).get("componentRef", {}).get("name")
    outputs: Mapping[str, Any] = spec["components"].get(reference, {}).get("outputDefinitions", {})
    return outputs


def _without_value(spec: Mapping[str, Any]) -> Iterator[str]:
    """Yields parameters that have neither a default nor a source, or are not declared."""
    declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    for name, parameter in declared.items():
        if "defaultValue" not in parameter:
            yield f"parameter {name} has neither a default nor a value"
    for name, task in spec["root"]["dag"]["tasks"].items():
        component = spec["components"][task["componentRef"]["name"]]
        wanted = component.get("inputDefinitions", {}).get("parameters", {})
        given = task.get("inputs", {}).get("parameters", {})
        for missing in sorted(set(wanted) - set(given)):
            yield f"{name}: parameter {missing} has neither a default nor a value"
        for key, source in given.items():
            parameter = source.get("componentInputParameter", None)
            if parameter is not None and parameter not in declared:
                yield f"{name}: {key} takes the parameter {parameter}, which is not declared"


def _empty_containers(spec: Mapping[str, Any]) -> Iterator[str]:
    """Yields containers that the launcher would refuse: "command and arguments are empty"."""
    for name in spec["root"]["dag"]["tasks"]:
        container = executor_of(spec, name).get("container")
        if container is not None and not (container.get("command") and container.get("image")):
            yield f"{name}: its container has no command or no image"
