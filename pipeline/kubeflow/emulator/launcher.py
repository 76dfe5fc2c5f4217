"""What KFP's launcher does in a pod: download, placeholders, the command, what it left, upload."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demandcast.pipeline.kubeflow.emulator.driver import Driver, Outputs, Task, local_path
from demandcast.pipeline.kubeflow.emulator.pods import Finished, OnStart, Pods
from demandcast.pipeline.kubeflow.emulator.store import ObjectStore
from demandcast.schema.errors import DemandcastError

__all__ = ["Launcher", "LauncherError"]

_LOGS = "executor-logs"


class LauncherError(DemandcastError):
    """The launcher would have failed the task."""


@dataclass(frozen=True)
class Launcher:
    """Runs the container of a task once, in an empty pod.

    Attributes:
        driver: That of the run.
        store: Where inputs come from and outputs go.
        pods: Runs the command.
    """

    driver: Driver
    store: ObjectStore
    pods: Pods

    def launch(
        self,
        task: Task,
        inputs: Mapping[str, Any],
        *,
        place: str,
        pod: Path,
        on_start: OnStart | None = None,
    ) -> tuple[Outputs, Finished]:
        """Runs the container.

        Args:
            task: The task.
            inputs: From the driver.
            place: Folder of the task's outputs in the store.
            pod: The pod's folder; it is made.
            on_start: Told the pid of the command.

        Returns:
            What the task left, by its own account, and its process.

        Raises:
            LauncherError: The command failed, or what it left is not as the launcher wants it.
        """
        outputs = self.driver.provisioned(task, place, scratch=str(pod))
        message = {"inputs": inputs, "outputs": outputs}
        self._prepare(message, pod)
        log = pod / "log.txt"
        deadline = task.pod.get("activeDeadlineSeconds")
        finished = self.pods.run(
            _command(task.executor["container"], message, str(pod)),
            root=pod,
            log=log,
            environment=_environment(task.executor["container"], pod),
            deadline_seconds=None if deadline is None else float(deadline),
            on_start=on_start,
        )
        if finished.over_deadline:
            raise LauncherError(f"{task.name}: active for longer than {deadline} s")
        if finished.code:
            raise LauncherError(f"{task.name}: exit code {finished.code}: {_tail(log)}")
        return self._collect(task, outputs, pod), finished

    def _prepare(self, message: Mapping[str, Any], pod: Path) -> None:
        """Downloads every input, wanted or not (#5672), and makes the folders above the outputs."""
        (pod / "tmp").mkdir(parents=True)
        for artifacts in message["inputs"]["artifacts"].values():
            for artifact in artifacts["artifacts"]:
                path = Path(local_path(artifact["uri"], str(pod)))
                self.store.download(artifact["uri"], path)
        for artifacts in message["outputs"]["artifacts"].values():
            for artifact in artifacts["artifacts"]:
                folder = Path(local_path(artifact["uri"], str(pod))).parent
                folder.mkdir(parents=True, exist_ok=True)
        Path(message["outputs"]["outputFile"]).parent.mkdir(parents=True, exist_ok=True)

    def _collect(self, task: Task, outputs: Mapping[str, Any], pod: Path) -> Outputs:
        """Reads what the command says it did, uploads its outputs, and records them."""
        file = Path(outputs["outputFile"])
        said = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        artifacts = {}
        for name, provisioned in outputs["artifacts"].items():
            if name == _LOGS:
                continue
            artifact = _merged(provisioned["artifacts"][0], said.get("artifacts", {}).get(name, {}))
            self._upload(task, name, artifact["uri"], pod)
            artifacts[name] = self._recorded(name, artifact)
        return Outputs(artifacts, dict(said.get("parameterValues", {})))

    def _upload(self, task: Task, name: str, uri: str, pod: Path) -> None:
        """Uploads an output.

        Raises:
            LauncherError: It lies elsewhere than in this run's folder, or (KFP 3) nowhere.
        """
        # `KeyFromURI`: an artifact of another run cannot be passed on.
        if not uri.startswith(f"{self.driver.root}/"):
            raise LauncherError(f"{task.name}: {name}: {uri} does not lie in {self.driver.root}")
        path = Path(local_path(uri, str(pod)))
        if path.exists():
            self.store.upload(path, uri)
        elif self.driver.version.missing_outputs == "error":
            # B9: `component/launcher_v2.go` of KFP 3.
            raise LauncherError(
                f'{task.name}: declared output artifact "{name}" is missing at "{path}"'
            )

    def _recorded(self, name: str, artifact: Mapping[str, Any]) -> dict[str, Any]:
        """Returns an artifact as the next driver finds it.

        Raises:
            LauncherError: A property is null.
        """
        metadata = {}
        for key, value in artifact.get("metadata", {}).items():
            if value is None:
                raise LauncherError(f"{name}: {key}: unknown/unsupported value type NullValue")
            is_number = isinstance(value, int) and not isinstance(value, bool)
            metadata[key] = float(value) if is_number else value
        version = self.driver.version
        if version.input_types == "lost":
            metadata |= {"display_name": name, "store_session_info": "{}"}
            kind: dict[str, Any] = {"instanceSchema": ""}
        else:
            schema = artifact["type"]
            kind = {"schemaTitle": schema.get("instanceSchema") or schema.get("schemaTitle")}
        return {"uri": artifact["uri"], "metadata": metadata, "type": kind, "name": name}


def _tail(log: Path) -> str:
    """Returns the end of a log; a pod may have been killed before it began one."""
    return log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.exists() else ""


def _merged(provisioned: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Puts what a command says of an output over what the driver said."""
    artifact = copy.deepcopy(dict(provisioned))
    for given in said.get("artifacts", [])[:1]:
        artifact["uri"] = given.get("uri") or artifact["uri"]
        artifact["metadata"] = {**artifact.get("metadata", {}), **given.get("metadata", {})}
    return artifact


def _command(container: Mapping[str, Any], message: Mapping[str, Any], scratch: str) -> list[str]:
    """Fills in the placeholders of command and arguments (`compileCmdAndArgs`).

    Others, such as `.value` of an artifact, are left as they are.
    """
    words = [*container.get("command", []), *container.get("args", [])]
    if not words:
        raise LauncherError("command and arguments are empty")
    values = {"$": json.dumps(message)}
    for name, value in message["inputs"]["parameterValues"].items():
        text = value if isinstance(value, str) else json.dumps(value)
        values[f"$.inputs.parameters['{name}']"] = text
    for side in ("inputs", "outputs"):
        for name, artifacts in message[side]["artifacts"].items():
            uri = artifacts["artifacts"][0]["uri"]
            values[f"$.{side}.artifacts['{name}'].uri"] = uri
            values[f"$.{side}.artifacts['{name}'].path"] = local_path(uri, scratch)

    def fill(found: re.Match[str]) -> str:
        return values.get(found[1], found[0])

    return [re.sub(r"\{\{(\$[^{}]*)\}\}", fill, word) for word in words]


def _environment(container: Mapping[str, Any], pod: Path) -> dict[str, str]:
    """Returns the variables of a container; a mounted scratch volume is a folder of the pod."""
    variables = {one["name"]: one["value"] for one in container.get("env", [])}
    if "TMPDIR" in variables:
        folder = pod / variables["TMPDIR"].lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        variables["TMPDIR"] = str(folder)
    return variables
