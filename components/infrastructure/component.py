"""TFX component: the check of a model in a server, before it may be pushed.

It speaks TFX's own contract of an `InfraBlessing`, so that TFX's Pusher understands it too. The
executor is no subclass of TFX's InfraValidator, which knows two platforms and no third, forgets
why it refused, and takes a server that does not start for a fault of the model
(docs/decisions/0032-infrastructure-check.md).
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import path_utils

from demandcast.components.infrastructure.checking import (
    BATCH_SIZES,
    Candidate,
    Finding,
    check_model,
)
from demandcast.components.infrastructure.sample_requests import read_records
from demandcast.components.storage.files import Files, LocalFiles, copy_folder, join
from demandcast.components.storage.model_digest import model_digest
from demandcast.components.storage.tfx_files import files_of
from demandcast.schema.artifact_names import SERVER_LOG_FILE
from demandcast.schema.config.forecast import ForecastConfig
from demandcast.schema.config.serving import ServingConfig
from demandcast.schema.model_properties import MODEL_DIGEST, REASON

__all__ = ["InfraValidator"]

_LOG = logging.getLogger(__name__)

_EVAL_SPLIT = "eval"
# TFX's own names: tfx/components/infra_validator/executor.py.
_BLESSED, _HAS_MODEL = "blessed", "has_model"
_MARKERS = {True: "INFRA_BLESSED", False: "INFRA_NOT_BLESSED"}

Artifacts = dict[str, list[types.Artifact]]


class _InfraValidatorExecutor(base_executor.BaseExecutor):
    """Tries a model in a server."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `blessing`.

        Raises:
            ServingError: The server itself does not work.
        """
        model = artifact_utils.get_single_instance(input_dict["model"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        forecast = ForecastConfig.model_validate_json(exec_properties["forecast"])
        files = files_of(blessing.uri)
        source = path_utils.serving_model_path(model.uri)
        split = artifact_utils.get_split_uri(input_dict["examples"], _EVAL_SPLIT)
        with tempfile.TemporaryDirectory(prefix="demandcast-check-") as folder:
            candidate = Candidate(
                base=Path(folder, "model"),
                name=exec_properties["model_name"],
                horizon=forecast.horizon,
                levels=len(forecast.quantile_levels),
            )
            copy_folder(source, str(candidate.folder), files)
            digest = model_digest(str(candidate.folder), LocalFiles())
            log = Path(folder, SERVER_LOG_FILE)
            try:
                finding = check_model(
                    candidate,
                    read_records(split, max(BATCH_SIZES)),
                    ServingConfig.model_validate_json(exec_properties["serving"]),
                    log=log,
                )
            finally:
                if log.exists():
                    files.copy(str(log), join(blessing.uri, SERVER_LOG_FILE))
            if finding.blessed:
                copy_folder(
                    str(candidate.folder), path_utils.stamped_model_path(blessing.uri), files
                )
        _bless(blessing, finding, digest=digest, files=files)
        word = "passed" if finding.blessed else "not passed"
        _LOG.info("infrastructure check: %s; %s", word, finding.reason)


def _bless(blessing: types.Artifact, finding: Finding, *, digest: str, files: Files) -> None:
    """Makes the blessing say what was found, and of which model."""
    files.write(join(blessing.uri, _MARKERS[finding.blessed]), b"")
    blessing.set_int_custom_property(_BLESSED, int(finding.blessed))
    blessing.set_int_custom_property(_HAS_MODEL, int(finding.blessed))
    blessing.set_string_custom_property(REASON, finding.reason)
    blessing.set_string_custom_property(MODEL_DIGEST, digest)


class _InfraValidatorSpec(ComponentSpec):
    PARAMETERS: ClassVar = {
        "serving": ExecutionParameter(type=str),
        "model_name": ExecutionParameter(type=str),
        "forecast": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "model": ChannelParameter(type=standard_artifacts.Model),
        "examples": ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS: ClassVar = {"blessing": ChannelParameter(type=standard_artifacts.InfraBlessing)}


class InfraValidator(base_component.BaseComponent):
    """Starts a server on a model and asks it through both signatures.

    Outputs:
        blessing: `InfraBlessing` with custom properties `blessed` and `has_model` (0 or 1),
            `reason` and `model_digest`, the file `server.log`, and, if blessed, a copy of the
            model with its warm-up and a golden request: that copy is what is pushed.
    """

    SPEC_CLASS = _InfraValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_InfraValidatorExecutor)

    def __init__(
        self,
        *,
        model: types.BaseChannel,
        examples: types.BaseChannel,
        serving: ServingConfig,
        model_name: str,
        forecast: ForecastConfig,
        code_digest: str = "",
    ) -> None:
        """Describes the node.

        Args:
            model: Candidate from the Trainer.
            examples: Raw examples with a split `eval`, from which requests are made.
            serving: The server, and whether a warm-up is kept.
            model_name: Name under which applications ask for it.
            forecast: Horizon and quantile levels that it must answer.
            code_digest: Digest of the sources behind this node: part of the cache key.
        """
        super().__init__(
            _InfraValidatorSpec(
                model=model,
                examples=examples,
                serving=_checking_part(serving).model_dump_json(),
                model_name=model_name,
                forecast=_answered_part(forecast).model_dump_json(),
                code_digest=code_digest,
                blessing=types.Channel(type=standard_artifacts.InfraBlessing),
            )
        )


def _checking_part(serving: ServingConfig) -> ServingConfig:
    """Keeps what the check depends on; another address is no reason to check again."""
    defaults = ServingConfig()
    return serving.model_copy(
        update={"address": defaults.address, "smoke_test": defaults.smoke_test}
    )


def _answered_part(forecast: ForecastConfig) -> ForecastConfig:
    return ForecastConfig(horizon=forecast.horizon, quantile_levels=forecast.quantile_levels)
