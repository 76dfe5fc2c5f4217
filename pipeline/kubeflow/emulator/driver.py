"""What KFP's driver does before a pod starts: inputs, condition, cache key, places of outputs."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from demandcast.pipeline.kubeflow.emulator.versions import Version
from demandcast.schema.errors import DemandcastError

__all__ = ["Driver", "DriverError", "Outputs", "Task"]

_STORES = {"gs": "gcs", "s3": "s3", "minio": "minio"}
_LOGS = "executor-logs"


class DriverError(DemandcastError):
    """The driver, or the server, would have refused."""


@dataclass(frozen=True)
class Task:
    """A task of a compiled pipeline with all that belongs to it.

    Attributes:
        name: Its name.
        spec: PipelineTaskSpec.
        component: ComponentSpec.
        executor: ExecutorSpec.
        pod: Its part of the platform document.
    """

    name: str
    spec: Mapping[str, Any]
    component: Mapping[str, Any]
    executor: Mapping[str, Any]
    pod: Mapping[str, Any]

    @property
    def upstream(self) -> frozenset[str]:
        """Tasks that must have ended before it."""
        inputs = self.spec.get("inputs", {})
        producers = {
            source[kind]["producerTask"]
            for part, kind in (
                ("artifacts", "taskOutputArtifact"),
                ("parameters", "taskOutputParameter"),
            )
            for source in inputs.get(part, {}).values()
            if kind in source
        }
        return frozenset(producers | set(self.spec.get("dependentTasks", [])))


@dataclass(frozen=True)
class Outputs:
    """What a task left.

    Attributes:
        artifacts: By output, as the next driver finds them.
        parameters: By output.
    """

    artifacts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Driver:
    """The driver of one run.

    Attributes:
        version: Release whose quirks it has.
        run_id: Identity of the run.
        root: Folder of the run's artifacts in the store.
        parameters: Values of the run's parameters.
        ended: Outputs of the tasks that have ended, by name.
    """

    version: Version
    run_id: str
    root: str
    parameters: Mapping[str, Any]
    ended: Mapping[str, Outputs]

    def inputs_of(self, task: Task) -> dict[str, Any]:
        """Resolves the inputs of a task.

        Raises:
            DriverError: An output does not exist, or a value is of a kind that it cannot resolve.
        """
        inputs = task.spec.get("inputs", {})
        types = task.component.get("inputDefinitions", {}).get("parameters", {})
        values = {
            name: _as_declared(self._parameter(source, task), types.get(name, {}))
            for name, source in inputs.get("parameters", {}).items()
        }
        artifacts = {
            name: {"artifacts": [self._artifact(source["taskOutputArtifact"])]}
            for name, source in inputs.get("artifacts", {}).items()
        }
        return {"parameterValues": values, "artifacts": artifacts}

    def _parameter(self, source: Mapping[str, Any], task: Task) -> Any:
        if "componentInputParameter" in source:
            name = source["componentInputParameter"]
            if name not in self.parameters:
                raise DriverError(f"parent DAG does not have input parameter {name}")
            return self.parameters[name]
        if "taskOutputParameter" in source:
            output = source["taskOutputParameter"]
            producer, key = output["producerTask"], output["outputParameterKey"]
            if key not in self.ended[producer].parameters:
                raise DriverError(f"cannot find output parameter {key} of task {producer}")
            return self.ended[producer].parameters[key]
        value = source["runtimeValue"]
        if "constant" not in value:  # B1: that of specification 2.0 is `constantValue`.
            raise DriverError(
                f"param runtime value spec of type {next(iter(value))} not implemented"
            )
        # `driver/resolve.go`: these, as the whole value only.
        known = {
            "{{$.pipeline_job_uuid}}": self.run_id,
            "{{$.pipeline_job_name}}": f"run of {self.run_id}",
            "{{$.pipeline_task_name}}": task.name,
        }
        constant = value["constant"]
        return known.get(constant, constant) if isinstance(constant, str) else constant

    def _artifact(self, source: Mapping[str, str]) -> dict[str, Any]:
        producer, key = source["producerTask"], source["outputArtifactKey"]
        if key not in self.ended[producer].artifacts:
            raise DriverError(f"cannot find output artifact {key} of task {producer}")
        return copy.deepcopy(dict(self.ended[producer].artifacts[key]))

    def is_triggered(self, task: Task, inputs: Mapping[str, Any]) -> bool:
        """Evaluates the condition of a task.

        Raises:
            DriverError: It reads something that is not there.
        """
        import celpy

        condition = task.spec.get("triggerPolicy", {}).get("condition")
        if not condition:
            return True
        environment = celpy.Environment()
        program = environment.program(environment.compile(condition))
        try:
            return bool(program.evaluate({"inputs": celpy.json_to_cel(_as_doubles(inputs))}))
        except celpy.CELEvalError as error:
            raise DriverError(f"{task.name}: {condition}: {error}") from error

    def cache_key(self, task: Task, inputs: Mapping[str, Any]) -> str:
        """Digests what a result depends on for KFP (`cacheutils.GenerateCacheKey`).

        Artifacts count by name, which is a number of its own for each; nothing of the code and
        nothing behind a path does, but for image and command (B10).
        """
        container = task.executor["container"]
        key = {
            "inputs": inputs["parameterValues"],
            "artifacts": {
                name: artifacts["artifacts"][0]["name"]
                if self.version.names == "number"
                else artifacts["artifacts"][0]["uri"]
                for name, artifacts in inputs["artifacts"].items()
            },
            "outputs": task.component.get("outputDefinitions", {}),
            "container": [container.get(part) for part in ("image", "command", "args")],
            "volumes": task.pod.get("pvcMount", []),
        }
        return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()

    def provisioned(self, task: Task, place: str, *, scratch: str) -> dict[str, Any]:
        """Names the places of a task's outputs (`driver.go provisionOutputs`).

        Args:
            task: The task.
            place: Folder of this attempt in the store.
            scratch: Root folder of the pod.
        """
        definitions = task.component.get("outputDefinitions", {})
        artifacts = {
            name: {
                "artifacts": [
                    {
                        "name": name,
                        "uri": f"{place}/{name}",
                        "type": dict(artifact["artifactType"]),
                        **({"metadata": artifact["metadata"]} if "metadata" in artifact else {}),
                    }
                ]
            }
            for name, artifact in definitions.get("artifacts", {}).items()
        }
        if self.version.publishes_logs:
            logs = {
                "name": _LOGS,
                "uri": f"{place}/{_LOGS}",
                "type": {"schemaTitle": "system.Artifact"},
            }
            artifacts[_LOGS] = {"artifacts": [logs]}
        in_store = f"{local_path(place, scratch)}/output_metadata.json"
        in_tmp = f"{scratch}/tmp/kfp_outputs/output_metadata.json"  # noqa: S108 - in the pod
        return {
            "artifacts": artifacts,
            "parameters": {
                name: {"outputFile": f"{scratch}/tmp/kfp/outputs/{name}"}  # noqa: S108
                for name in definitions.get("parameters", {})
            },
            "outputFile": in_tmp if self.version.output_file == "tmp" else in_store,
        }


def local_path(uri: str, scratch: str) -> str:
    """Returns where the launcher puts an object (`LocalPathForURI`).

    Raises:
        DriverError: The scheme is none of KFP's.
    """
    scheme, _, key = uri.partition("://")
    if scheme not in _STORES:
        raise DriverError(f"unknown scheme of {uri}: expected gs, s3 or minio")
    return f"{scratch}/{_STORES[scheme]}/{key.partition('?')[0]}"


def _as_declared(value: Any, declared: Mapping[str, Any]) -> Any:
    """Makes text of what is declared as text."""
    if declared.get("parameterType") == "STRING" and not isinstance(value, str):
        return json.dumps(value)
    return value


def _as_doubles(value: Any) -> Any:
    """Makes every number one with a fraction: that of protobuf's JSON."""
    if isinstance(value, Mapping):
        return {key: _as_doubles(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_doubles(inner) for inner in value]
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_number else value
