"""TFX component: the smoke test after a push.

It stands here because it needs both the server process of `components/` and the client of
`serving/`, which know nothing of each other.
"""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from demandcast.components.storage.files import Files, join
from demandcast.components.storage.tfx_files import files_of
from demandcast.pipeline.smoke import InService, ask_in_service
from demandcast.schema.artifact_names import SERVER_LOG_FILE, SMOKE_TEST_FILE
from demandcast.schema.config.serving import ServingConfig

__all__ = ["SmokeTest"]

_LOG = logging.getLogger(__name__)

Artifacts = dict[str, list[types.Artifact]]


class _SmokeTestExecutor(base_executor.BaseExecutor):
    """Asks a server for what was pushed."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `result`.

        Raises:
            ServingError: The server does not serve what was pushed.
        """
        result = artifact_utils.get_single_instance(output_dict["result"])
        pushed = artifact_utils.get_single_instance(input_dict["pushed_model"])
        if pushed.get_int_custom_property("pushed") != 1:
            _record(result, None, "nothing was pushed, so nothing was tested")
            return
        model = InService(
            serving_directory=exec_properties["serving_directory"],
            version=int(pushed.get_string_custom_property("pushed_version")),
            model_name=exec_properties["model_name"],
        )
        config = ServingConfig.model_validate_json(exec_properties["serving"])
        with tempfile.TemporaryDirectory(prefix="demandcast-smoke-") as folder:
            log = Path(folder, SERVER_LOG_FILE)
            try:
                found = ask_in_service(
                    model, config, files=files_of(model.serving_directory), log=log
                )
            finally:
                if log.exists():
                    files_of(result.uri).copy(str(log), join(result.uri, SERVER_LOG_FILE))
        _record(result, found.version, str(found))


def _record(result: types.Artifact, version: int | None, finding: str) -> None:
    """Writes what was found as the artifact's properties and content."""
    result.set_int_custom_property("tested", int(version is not None))
    result.set_string_custom_property("finding", finding)
    files: Files = files_of(result.uri)
    content = {"tested": version is not None, "version": version, "finding": finding}
    files.write(join(result.uri, SMOKE_TEST_FILE), json.dumps(content, indent=2).encode())
    _LOG.info("smoke test: %s", finding)


class _SmokeTestSpec(ComponentSpec):
    PARAMETERS: ClassVar = {
        "serving_directory": ExecutionParameter(type=str),
        "model_name": ExecutionParameter(type=str),
        "serving": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {"pushed_model": ChannelParameter(type=standard_artifacts.PushedModel)}
    OUTPUTS: ClassVar = {"result": ChannelParameter(type=standard_artifacts.ModelEvaluation)}


class SmokeTest(base_component.BaseComponent):
    """Sends a golden request to the server after a push; without a push it does nothing.

    Runners must not cache this node (`pipeline.dag.NEVER_CACHED`): what serves changes without
    the pipeline.

    Outputs:
        result: `ModelEvaluation` with custom properties `tested` (0 or 1) and `finding`, and the
            files `smoke_test.json` and, if a server was started, `server.log`.
    """

    SPEC_CLASS = _SmokeTestSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_SmokeTestExecutor)

    def __init__(
        self,
        *,
        pushed_model: types.BaseChannel,
        serving_directory: str,
        model_name: str,
        serving: ServingConfig,
    ) -> None:
        """Describes the node.

        Args:
            pushed_model: From the Pusher.
            serving_directory: Directory that the server watches.
            model_name: Name under which applications ask for the model.
            serving: The server's address, or the command that is started in its place.
        """
        super().__init__(
            _SmokeTestSpec(
                pushed_model=pushed_model,
                serving_directory=serving_directory,
                model_name=model_name,
                serving=serving.model_dump_json(),
                result=types.Channel(type=standard_artifacts.ModelEvaluation),
            )
        )
