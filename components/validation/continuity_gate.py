"""TFX component: the gate that only data which goes on as before passes.

Its result is no input of what follows, so that a new model in service does not make
Transform and Trainer run again; they only wait for it. A module of its own, so that another
rule of continuity is no reason to validate again.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from demandcast.components.validation.continuity import breaks, common_periods
from demandcast.schema.artifact_names import FINDING_OUTPUT
from demandcast.schema.config.continuity import ContinuityConfig
from demandcast.schema.data_profile import PROFILE_FILE, DataProfile
from demandcast.schema.errors import AnomalyError

__all__ = ["DataContinuity"]

_LOG = logging.getLogger(__name__)

Artifacts = dict[str, list[types.Artifact]]


class _DataContinuityExecutor(base_executor.BaseExecutor):
    """Compares two profiles, and refuses the data."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `finding`.

        Raises:
            AnomalyError: The data does not go on as it was; the message lists every break.
        """
        rules = ContinuityConfig.model_validate_json(exec_properties["continuity"])
        now = _read_profile(artifact_utils.get_single_instance(input_dict["examples"]))
        before = _read_profile(artifact_utils.get_single_instance(input_dict["model_in_service"]))
        found = breaks(now, before, rules) if now is not None and rules.enabled else ()
        if found:
            raise AnomalyError(
                "the data does not go on as it was:\n"
                + "\n".join(f"  {sentence}" for sentence in found)
                + "\nMend the data; or, if it is right, raise the limit that is named, "
                "for one run with --set"
            )
        finding = _finding(rules, now, before)
        _LOG.info("%s", finding)
        artifact = artifact_utils.get_single_instance(output_dict[FINDING_OUTPUT])
        artifact.write(finding)


def _read_profile(artifact: types.Artifact) -> DataProfile | None:
    """Reads the profile beside examples or a model; None if there is none."""
    path = f"{artifact.uri}/{PROFILE_FILE}"
    if not fileio.exists(path):
        return None
    with fileio.open(path, "r") as file:
        return DataProfile.model_validate_json(file.read())


def _finding(rules: ContinuityConfig, now: DataProfile | None, before: DataProfile | None) -> str:
    if not rules.enabled:
        return "continuity was not looked at: continuity.enabled is false"
    if now is None:
        return "the examples have no profile: nothing was compared"
    if before is None:
        return (
            "no earlier data to compare with; only the newest periods and the columns were judged"
        )
    if before.frequency != now.frequency:
        return (
            f"the data of the model in service has frequency {before.frequency}, this one "
            f"{now.frequency}: only the newest periods and the columns were judged"
        )
    if not common_periods(now, before, rules):
        return (
            "no period in common with the data of the model in service: "
            "only the newest periods and the columns were judged"
        )
    return "the data goes on as that of the model in service"


class _DataContinuitySpec(ComponentSpec):
    PARAMETERS: ClassVar = {
        "continuity": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model_in_service": ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS: ClassVar = {FINDING_OUTPUT: ChannelParameter(type=standard_artifacts.String)}


class DataContinuity(base_component.BaseComponent):
    """Stops the run where the data does not go on as that of the model in service did.

    Outputs:
        finding: `String`: what was compared, in words.
    """

    SPEC_CLASS = _DataContinuitySpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_DataContinuityExecutor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model_in_service: types.BaseChannel,
        continuity: ContinuityConfig,
        code_digest: str = "",
    ) -> None:
        """Describes the node.

        Args:
            examples: From SeriesExampleGen, with their profile.
            model_in_service: From ModelInService, with the profile of its data if it has one.
            continuity: What may differ.
            code_digest: Digest of the sources behind this node: part of the cache key.
        """
        super().__init__(
            _DataContinuitySpec(
                examples=examples,
                model_in_service=model_in_service,
                continuity=continuity.model_dump_json(),
                code_digest=code_digest,
                finding=types.Channel(type=standard_artifacts.String),
            )
        )
