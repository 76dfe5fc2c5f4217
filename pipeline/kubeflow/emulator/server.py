"""The server: takes a compiled file, creates runs, and walks through their tasks."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from demandcast.pipeline.kubeflow.emulator.driver import Driver, DriverError, Outputs, Task
from demandcast.pipeline.kubeflow.emulator.launcher import Launcher, LauncherError
from demandcast.pipeline.kubeflow.emulator.pods import OnStart, Pods
from demandcast.pipeline.kubeflow.emulator.store import ObjectStore
from demandcast.pipeline.kubeflow.emulator.versions import KFP_2_17, Version

__all__ = ["EmulatedServer", "Run", "Step", "Status"]

Status = Literal["succeeded", "cached", "skipped", "failed", "omitted"]

_SCHEMA_VERSION = "2.1.0"


@dataclass(frozen=True)
class Step:
    """What became of a task.

    Attributes:
        name: The task.
        status: "omitted" where a task before it did not succeed.
        attempts: How often its container ran.
        seconds: Wall time of all attempts.
        peak_memory_bytes: Of the last attempt; 0 if it did not run.
        message: Why it failed.
    """

    name: str
    status: Status
    attempts: int = 0
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    message: str = ""


@dataclass(frozen=True)
class Run:
    """What became of a run.

    Attributes:
        run_id: Its identity.
        steps: In the order in which they ended, by task.
        outputs: Of the tasks that succeeded.
    """

    run_id: str
    steps: Mapping[str, Step]
    outputs: Mapping[str, Outputs] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        """Whether no task failed."""
        return all(step.status not in ("failed", "omitted") for step in self.steps.values())

    @property
    def statuses(self) -> dict[str, Status]:
        """Status of each task."""
        return {name: step.status for name, step in self.steps.items()}


class EmulatedServer:
    """A server with its metadata, its cache and its object store."""

    def __init__(self, folder: Path, pods: Pods, version: Version = KFP_2_17) -> None:
        """Sets up a server that has seen nothing yet.

        Args:
            folder: For the store and the pods.
            pods: Runs the containers.
            version: Release whose quirks it has.
        """
        self.store = ObjectStore(folder / "store")
        self._folder = folder
        self._pods = pods
        self._version = version
        self._cache: dict[str, Outputs] = {}
        self._numbers = itertools.count(1)
        self._runs = itertools.count(1)

    def run(
        self,
        text: str,
        *,
        pipeline_root: str,
        parameters: Mapping[str, Any] | None = None,
        on_start: Callable[[str, int], OnStart | None] = lambda name, attempt: None,
    ) -> Run:
        """Runs a pipeline to its end.

        Args:
            text: The compiled file: a PipelineSpec, and maybe a platform document.
            pipeline_root: As passed with the run; `defaultPipelineRoot` is read by nobody.
            parameters: Values of run-time parameters.
            on_start: For a task and the number of an attempt: who is told the pid.

        Raises:
            DriverError: The upload, or the creation of the run, is refused.
        """
        spec, platform = _uploaded(text)
        tasks = _tasks(spec, platform)
        run_id = f"run-{next(self._runs)}"
        ended: dict[str, Outputs] = {}
        driver = Driver(
            version=self._version,
            run_id=run_id,
            root=f"{pipeline_root}/{spec['pipelineInfo']['name']}/{run_id}",
            parameters=_values(spec, parameters or {}),
            ended=ended,
        )
        steps: dict[str, Step] = {}
        while len(steps) < len(tasks):
            task = next(one for one in tasks if one.name not in steps and one.upstream <= {*steps})
            before = {steps[name].status for name in task.upstream}
            if not before.isdisjoint({"failed", "omitted"}):
                steps[task.name] = Step(task.name, "omitted")
            elif "skipped" in before:
                steps[task.name] = Step(task.name, "skipped")
            else:
                steps[task.name] = self._step(driver, task, ended, on_start)
        return Run(run_id, steps, ended)

    def _step(
        self,
        driver: Driver,
        task: Task,
        ended: dict[str, Outputs],
        on_start: Callable[[str, int], OnStart | None],
    ) -> Step:
        """Runs a task, or finds its result, and keeps what it left."""
        try:
            inputs = driver.inputs_of(task)
            if not driver.is_triggered(task, inputs):
                return Step(task.name, "skipped")
        except DriverError as error:
            return Step(task.name, "failed", message=str(error))
        key = driver.cache_key(task, inputs)
        cached = task.spec.get("cachingOptions", {}).get("enableCache", False)
        if cached and key in self._cache:
            ended[task.name] = self._cache[key]
            return Step(task.name, "cached")
        launcher = Launcher(driver, self.store, self._pods)
        begin = time.monotonic()
        limit = task.spec.get("retryPolicy", {}).get("maxRetryCount", 0)
        for attempt in range(1, limit + 2):
            try:
                outputs, finished = launcher.launch(
                    task,
                    inputs,
                    # A retry writes to the places of the attempt before it.
                    place=f"{driver.root}/{task.name}/1",
                    pod=self._folder / "pods" / driver.run_id / f"{task.name}-{attempt}",
                    on_start=on_start(task.name, attempt),
                )
            except LauncherError as error:
                failure = str(error)
                continue
            ended[task.name] = self._numbered(outputs)
            if cached:  # Otherwise the driver keeps no fingerprint of the execution.
                self._cache[key] = ended[task.name]
            seconds = time.monotonic() - begin
            return Step(task.name, "succeeded", attempt, seconds, finished.peak_memory_bytes)
        return Step(task.name, "failed", limit + 1, time.monotonic() - begin, message=failure)

    def _numbered(self, outputs: Outputs) -> Outputs:
        """Gives artifacts their names in the metadata."""
        if self._version.names == "output":
            return outputs
        artifacts = {
            key: {**artifact, "name": str(next(self._numbers))}
            for key, artifact in outputs.artifacts.items()
        }
        return Outputs(artifacts, outputs.parameters)


def _uploaded(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Reads a file as the API server does (`template.go`, `v2_template.go`).

    Raises:
        DriverError: It is no PipelineSpec, or one of another version.
    """
    documents = [document for document in yaml.safe_load_all(text) if document]
    spec = documents[0]
    try:
        json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    except json_format.ParseError as error:
        # B2: a PipelineJob is not taken for a specification.
        raise DriverError(f"unknown template format: {error}") from error
    if spec.get("schemaVersion") != _SCHEMA_VERSION:
        raise DriverError(  # B1
            f"KFP only supports schema version {_SCHEMA_VERSION}, but the pipeline spec has "
            f"version {spec.get('schemaVersion')}"
        )
    platforms = [document for document in documents[1:] if "platforms" in document]
    return spec, platforms[0] if platforms else {}


def _tasks(spec: Mapping[str, Any], platform: Mapping[str, Any]) -> list[Task]:
    """Lists the tasks by name, as Argo's compiler visits them.

    Raises:
        DriverError: An executor is neither a container nor an importer, or a producer is unknown.
    """
    kubernetes = platform.get("platforms", {}).get("kubernetes", {})
    pods = kubernetes.get("deploymentSpec", {}).get("executors", {})
    tasks = []
    for name, task in sorted(spec["root"]["dag"]["tasks"].items()):
        component = spec["components"][task["componentRef"]["name"]]
        label = component["executorLabel"]
        executor = spec["deploymentSpec"]["executors"][label]
        if "container" not in executor:  # B3: `v2/compiler/visitor.go dfs()`
            raise DriverError(
                f'executor(label="{label}"): non-container and non-importer executor not '
                "implemented"
            )
        tasks.append(Task(name, task, component, executor, pods.get(label, {})))
    names = {task.name for task in tasks}
    for task in tasks:
        for other in sorted(task.upstream - names):
            raise DriverError(f"unknown producer task {other} in DAG")
    return tasks


def _values(spec: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Completes the parameters of a run with their defaults.

    Raises:
        DriverError: One has neither.
    """
    declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    values = {}
    for name, parameter in declared.items():
        if name not in given and "defaultValue" not in parameter:
            raise DriverError(
                f"parameter {name} is not optional, yet has neither default value nor user "
                "provided value"
            )
        values[name] = given.get(name, parameter.get("defaultValue"))
    return values
