"""TFX component: the model in service as baseline.

It asks no metadata store: the pointer file in the serving directory is the one place
that knows which model serves, on every target. A module of its own, so that another way to
push is no reason to evaluate again.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import path_utils

from demandcast.components.publishing.pointer import (
    ANY_POINTER,
    NO_POINTER,
    POINTER_FILE,
    digest_of_pointer,
    read_pointer,
)
from demandcast.components.publishing.profiles import profile_file
from demandcast.components.storage.files import copy_folder, join
from demandcast.components.storage.tfx_files import files_of
from demandcast.schema.artifact_names import SAVED_MODEL_FILE
from demandcast.schema.carried_increase import CarriedIncrease
from demandcast.schema.data_profile import PROFILE_FILE
from demandcast.schema.errors import ServingError
from demandcast.schema.model_properties import ABSENT, CARRIED, DIGEST, VERSION

__all__ = ["ModelInService"]

_LOG = logging.getLogger(__name__)

Artifacts = dict[str, list[types.Artifact]]


class _ModelInServiceExecutor(base_executor.BaseExecutor):
    """Copies the model in service, or says that there is none."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `model`."""
        del input_dict
        model = artifact_utils.get_single_instance(output_dict["model"])
        serving_directory = exec_properties["serving_directory"]
        files = files_of(serving_directory)
        pointer = read_pointer(serving_directory, files)
        expected = exec_properties["pointer_digest"]
        if expected not in (ANY_POINTER, digest_of_pointer(pointer)):
            # The result would be kept under the key of the model that served before.
            raise ServingError(
                f"{serving_directory}: another model was put into service since this run began; "
                "run again, and the candidate is compared with that one"
            )
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
        copy_folder(source, path_utils.serving_model_dir(model.uri), files)
        profile = profile_file(serving_directory, pointer.digest)
        if files.exists(profile):
            files.copy(profile, join(model.uri, PROFILE_FILE))
        model.set_string_custom_property(DIGEST, pointer.digest)
        model.set_string_custom_property(VERSION, str(pointer.version))
        carried = CarriedIncrease.from_metrics(pointer.metrics)
        model.set_string_custom_property(CARRIED, carried.to_json())
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
            model lies below `Format-Serving`, `version` and `digest` name it, and `carried`
            says by how much models got worse up to it;
            `profile.json` beside it is that of the data behind it, if known.
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
                node runs again when another model is in service. `pointer.ANY_POINTER` where
                nobody can look beforehand; then the node must never be cached.
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
