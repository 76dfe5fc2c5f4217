"""TFX components: the model in service as baseline, and the push of a blessed one.

Neither asks a metadata store: the pointer file in the serving directory is the
one place that knows which model serves, on every target.
"""

from __future__ import annotations

import datetime
import json
import logging
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from tfx import types
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import path_utils

from demandcast.components.publishing.digest import SAVED_MODEL_FILE
from demandcast.components.publishing.files import Files, join
from demandcast.components.publishing.pointer import NO_POINTER, POINTER_FILE, read_pointer
from demandcast.components.publishing.push import ModelToPush, Push, push_model
from demandcast.schema.errors import ServingError

__all__ = ["ABSENT", "ModelInService", "Pusher", "TfxFiles"]

ABSENT = "absent"
"""Custom property of the baseline: 1 where no model is in service."""

_VERDICT_FILE = "verdict.json"
_BLOCK_BYTES = 1 << 22
_LOG = logging.getLogger(__name__)

Artifacts = dict[str, list[types.Artifact]]


class TfxFiles(Files):
    """Files on every filesystem that TFX reads and writes."""

    def exists(self, path: str) -> bool:
        """Tells whether a file or folder is there."""
        return bool(fileio.exists(path))

    def folders(self, path: str) -> list[str]:
        """Names of the folders in a folder; none if it is not there."""
        if not fileio.exists(path):
            return []
        names = [str(name).rstrip("/") for name in fileio.listdir(path)]
        return [name for name in names if fileio.isdir(join(path, name))]

    def files_below(self, path: str) -> list[str]:
        """Paths of all files below a folder, relative to it, with '/', sorted."""
        found = [
            posixpath.relpath(join(str(folder), str(name)), path)
            for folder, _, names in fileio.walk(path)
            for name in names
        ]
        return sorted(found)

    def read(self, path: str) -> bytes:
        """Content of a small file."""
        with fileio.open(path, "rb") as file:
            return bytes(file.read())

    def blocks(self, path: str) -> Iterator[bytes]:
        """Content of a file of any size, in blocks of 4 MiB."""
        with fileio.open(path, "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block

    def write(self, path: str, content: bytes) -> None:
        """Writes a small file; its folder is made if needed."""
        fileio.makedirs(posixpath.dirname(path))
        with fileio.open(path, "wb") as file:
            file.write(content)

    def copy(self, source: str, target: str) -> None:
        """Copies a file; the target's folder is made if needed."""
        fileio.makedirs(posixpath.dirname(target))
        fileio.copy(source, target, overwrite=True)

    def rename(self, source: str, target: str) -> None:
        """Renames a file (replacing the target) or a folder."""
        fileio.rename(source, target, overwrite=not fileio.isdir(source))

    def remove_folder(self, path: str) -> None:
        """Removes a folder and everything below it."""
        fileio.rmtree(path)


class _ModelInServiceExecutor(base_executor.BaseExecutor):
    """Copies the model in service, or says that there is none."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `model`."""
        del input_dict
        files = TfxFiles()
        model = artifact_utils.get_single_instance(output_dict["model"])
        serving_directory = exec_properties["serving_directory"]
        pointer = read_pointer(serving_directory, files)
        model.set_int_custom_property(ABSENT, int(pointer is None))
        if pointer is None:
            # Kubeflow Pipelines refuses an output that does not exist.
            files.write(join(model.uri, "ABSENT"), b"no model is in service\n")
            _LOG.info("no model is in service in %s", serving_directory)
            return
        source = join(serving_directory, str(pointer.version))
        if not files.exists(join(source, SAVED_MODEL_FILE)):
            raise ServingError(
                f"{join(serving_directory, POINTER_FILE)} names version {pointer.version}, "
                f"but {source} holds no {SAVED_MODEL_FILE}; restore that folder, or remove "
                f"{POINTER_FILE} to start without a model in service"
            )
        target = path_utils.serving_model_dir(model.uri)
        for name in files.files_below(source):
            files.copy(join(source, name), join(target, name))
        model.set_string_custom_property("digest", pointer.digest)
        model.set_string_custom_property("version", str(pointer.version))
        _LOG.info("version %d is in service, pushed %s", pointer.version, pointer.time)


class _ModelInServiceSpec(ComponentSpec):
    PARAMETERS: ClassVar = {
        "serving_directory": ExecutionParameter(type=str),
        "pointer_digest": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {}
    OUTPUTS: ClassVar = {"model": ChannelParameter(type=standard_artifacts.Model)}


class ModelInService(base_component.BaseComponent):
    """Provides the model in service, the baseline of the gate.

    Outputs:
        model: `Model`; custom property `absent` is 1 where nothing serves, otherwise the
            model lies below `Format-Serving` and `version` and `digest` name it.
    """

    SPEC_CLASS = _ModelInServiceSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_ModelInServiceExecutor)

    def __init__(
        self, *, serving_directory: str, pointer_digest: str = NO_POINTER, code_digest: str = ""
    ) -> None:
        """Describes the node.

        Args:
            serving_directory: Directory that the server watches.
            pointer_digest: `pointer.pointer_digest` of it: part of the cache key, so that the
                node runs again when another model is in service.
            code_digest: Of this package's sources, for the same reason.
        """
        model = types.Channel(type=standard_artifacts.Model)
        super().__init__(
            _ModelInServiceSpec(
                serving_directory=serving_directory,
                pointer_digest=pointer_digest,
                code_digest=code_digest,
                model=model,
            )
        )


class _PusherExecutor(base_executor.BaseExecutor):
    """Pushes a blessed model."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `pushed_model` and, if blessed, the serving directory."""
        files = TfxFiles()
        pushed_model = artifact_utils.get_single_instance(output_dict["pushed_model"])
        blessing = artifact_utils.get_single_instance(input_dict["model_blessing"])
        if not model_utils.is_model_blessed(blessing):
            _LOG.info("not blessed: nothing is pushed")
            _record(pushed_model, None, "the model did not pass the gate", files)
            return
        model = artifact_utils.get_single_instance(input_dict["model"])
        push = push_model(
            ModelToPush(
                folder=path_utils.serving_model_path(model.uri),
                run_id=str(self._context.pipeline_run_id) if self._context else "",
                metrics=_metrics(input_dict.get("evaluation", []), files),
            ),
            exec_properties["serving_directory"],
            files=files,
            now=datetime.datetime.now(datetime.UTC),
        )
        _LOG.info("%s", push.reason)
        _record(pushed_model, push, push.reason, files)


def _metrics(evaluations: list[types.Artifact], files: Files) -> Mapping[str, float]:
    """Reads the overall metrics that the gate wrote beside TFMA's files, if it did."""
    for evaluation in evaluations:
        path = join(evaluation.uri, _VERDICT_FILE)
        if files.exists(path):
            slices = json.loads(files.read(path))["slices"]
            overall = [part["candidate"] for part in slices if part["name"] == "overall"]
            return {
                name: float(value)
                for metrics in overall
                for name, value in metrics.items()
                if value is not None
            }
    return {}


def _record(pushed_model: types.Artifact, push: Push | None, reason: str, files: Files) -> None:
    """Writes what was done as the artifact's properties (TFX's own names) and content."""
    pushed = push is not None and push.pushed
    pushed_model.set_int_custom_property("pushed", int(pushed))
    pushed_model.set_string_custom_property("reason", reason)
    content: dict[str, Any] = {"pushed": pushed, "reason": reason}
    if push is not None:
        pushed_model.set_string_custom_property("pushed_destination", push.pointer.uri)
        pushed_model.set_string_custom_property("pushed_version", str(push.pointer.version))
        content["in_service"] = json.loads(push.pointer.to_json())
    files.write(join(pushed_model.uri, "push.json"), json.dumps(content, indent=2).encode())


class _PusherSpec(ComponentSpec):
    PARAMETERS: ClassVar = {"serving_directory": ExecutionParameter(type=str)}
    INPUTS: ClassVar = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
    }
    OUTPUTS: ClassVar = {"pushed_model": ChannelParameter(type=standard_artifacts.PushedModel)}


class Pusher(base_component.BaseComponent):
    """Puts a blessed model into service; without a blessing it does nothing.

    Runners must not cache this node (`pipeline.dag.NEVER_CACHED`): the serving directory
    may have changed since, and a model that serves already is recognised by its digest.

    Outputs:
        pushed_model: `PushedModel` with custom properties `pushed` (0 or 1), `reason`,
            `pushed_destination`, `pushed_version`, and the file `push.json`.
    """

    SPEC_CLASS = _PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_PusherExecutor)

    def __init__(
        self,
        *,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        serving_directory: str,
        evaluation: types.BaseChannel | None = None,
    ) -> None:
        """Describes the node.

        Args:
            model: Candidate from the Trainer.
            model_blessing: Verdict of the gate; a model without blessing is never pushed.
            serving_directory: Directory that the server watches.
            evaluation: Evaluation whose metrics the pointer shall carry.
        """
        super().__init__(
            _PusherSpec(
                model=model,
                model_blessing=model_blessing,
                evaluation=evaluation,
                serving_directory=serving_directory,
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
