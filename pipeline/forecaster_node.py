"""TFX component: forecasts of every series with the model in service, after the push.

It stands here because it needs the tables of `components/examples`, the pointer of
`components/publishing` and the model of `components/inference`, which know nothing of each other.
"""

from __future__ import annotations

import io
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from demandcast.components.inference.prediction import Predictor
from demandcast.components.storage.files import copy_folder
from demandcast.components.storage.tfx_files import files_of
from demandcast.pipeline.batch_forecast import forecast_with
from demandcast.pipeline.chosen_model import ChosenModel, find_in_service
from demandcast.pipeline.console import Console
from demandcast.pipeline.stage_sections import config_of_sections, sections_of
from demandcast.pipeline.unseen_origins import Unseen
from demandcast.schema.artifact_names import FORECASTS_FILE
from demandcast.schema.config import RunConfig
from demandcast.schema.errors import ServingError

__all__ = ["BatchForecaster", "ModelChoice"]

_LOG = logging.getLogger(__name__)

Artifacts = dict[str, list[types.Artifact]]


class _BatchForecasterExecutor(base_executor.BaseExecutor):
    """Forecasts with the model in service."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `forecasts`.

        Raises:
            ContractError: The tables break their contract, or known-future covariates are missing.
            ServingError: The pointer to the model in service cannot be followed.
        """
        del input_dict  # They are part of the cache key; what serves is looked up.
        artifact = artifact_utils.get_single_instance(output_dict["forecasts"])
        directory = exec_properties["serving_directory"]
        config = config_of_sections(exec_properties, serving_directory=directory)
        model = find_in_service(directory, files_of(directory))
        if model is None:
            _say_nothing(artifact, "no model is in service")
            return
        try:
            Predictor.check_fit(model.folder, config.series)
        except ServingError as error:  # A new configuration whose own model was refused.
            _say_nothing(artifact, str(error))
            return
        with tempfile.TemporaryDirectory(prefix="demandcast-forecasts-") as name:
            folder = Path(name, "whole")
            made = forecast_with(
                model,
                config,
                output=folder / FORECASTS_FILE.removesuffix(".parquet"),
                cutoff=None,
                formats=["parquet"],
            )
            cutoffs = _origins(config, model, folder) if exec_properties["calibrate"] else 0
            copy_folder(str(folder), artifact.uri, files_of(artifact.uri))
        artifact.set_int_custom_property("forecast", 1)
        artifact.set_string_custom_property("finding", f"version {model.version} forecast")
        artifact.set_int_custom_property("series", made.series)
        artifact.set_int_custom_property("unseen_cutoffs", cutoffs)
        artifact.set_string_custom_property("cutoff", made.cutoff)
        artifact.set_int_custom_property("model_version", int(made.model_version or 0))
        _LOG.info(
            "version %s forecast %s series from %s", model.version, f"{made.series:,}", made.cutoff
        )


def _say_nothing(artifact: types.Artifact, reason: str) -> None:
    """Makes the artifact say that there is no forecast, and why."""
    artifact.set_int_custom_property("forecast", 0)
    artifact.set_string_custom_property("finding", reason)
    _LOG.warning("nothing is forecast: %s", reason)


def _origins(config: RunConfig, model: ChosenModel, folder: Path) -> int:
    """Forecasts at cutoffs that the model has not seen; returns their number."""
    # Whoever runs the stage follows the loggers already.
    console = Console(io.StringIO(), quiet=True)
    unseen = Unseen.look(config, console, model)
    unseen.forecast(config, console, model=model, folder=folder)
    return len(unseen.cutoffs)


class _BatchForecasterSpec(ComponentSpec):
    PARAMETERS: ClassVar = {
        "data": ExecutionParameter(type=str),
        "config": ExecutionParameter(type=str),
        "calibrate": ExecutionParameter(type=int),
        "serving_directory": ExecutionParameter(type=str),
        "fingerprint": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "baseline_model": ChannelParameter(type=standard_artifacts.Model, optional=True),
        "model_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        "cost_blessing": ChannelParameter(type=standard_artifacts.ModelBlessing, optional=True),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing, optional=True),
    }
    OUTPUTS: ClassVar = {"forecasts": ChannelParameter(type=standard_artifacts.InferenceResult)}


@dataclass(frozen=True)
class ModelChoice:
    """What decides which model is in service after the push; part of the cache key alone.

    Attributes:
        model: The candidate.
        baseline_model: The model in service before the push.
        model_blessing: Verdict of the gate.
        cost_blessing: Verdict on the cost of stock, if there is one.
        infra_blessing: Verdict of the infrastructure check, if there is one.
    """

    model: types.BaseChannel
    baseline_model: types.BaseChannel
    model_blessing: types.BaseChannel
    cost_blessing: types.BaseChannel | None = None
    infra_blessing: types.BaseChannel | None = None


class BatchForecaster(base_component.BaseComponent):
    """Forecasts every series from its newest period, with whatever model is in service.

    It runs after the Pusher; the order is for the wiring to see to. Where the inputs of
    `ModelChoice` are not given, runners must not cache it: the serving directory changes without
    the pipeline.

    Outputs:
        forecasts: `InferenceResult` with the file `forecasts.parquet`, the folder `origins` if
            wanted and if the model has not seen some cutoffs, and custom properties `forecast` (0
            where no model is in service that fits, or 1), `finding`, `series`, `cutoff`,
            `model_version`, `unseen_cutoffs`.
    """

    SPEC_CLASS = _BatchForecasterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_BatchForecasterExecutor)

    def __init__(
        self,
        *,
        config: RunConfig,
        choice: ModelChoice | None = None,
        fingerprint: str = "",
        code_digest: str = "",
    ) -> None:
        """Describes the node.

        Args:
            config: The run; paths are absolute.
            choice: What decides which model is in service; None where the stage is never cached.
            fingerprint: Of the data: part of the cache key.
            code_digest: Digest of the sources behind this node: part of the cache key.
        """
        super().__init__(
            _BatchForecasterSpec(
                **({} if choice is None else vars(choice)),
                **sections_of(config, "beam"),
                calibrate=int(config.replenishment.calibrate),
                serving_directory=str(config.push.serving_directory),
                fingerprint=fingerprint,
                code_digest=code_digest,
                forecasts=types.Channel(type=standard_artifacts.InferenceResult),
            )
        )
