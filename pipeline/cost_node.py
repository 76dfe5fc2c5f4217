"""TFX component: the comparison of what stock would cost, before a model may be pushed.

It stands here because it needs models, examples, tables of supply and the mathematics of stock,
which know nothing of each other.
"""

from __future__ import annotations

import json
import logging
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import path_utils

from demandcast.components.storage.files import Files, join
from demandcast.components.storage.model_digest import model_digest
from demandcast.components.storage.tfx_files import TfxFiles, files_of
from demandcast.pipeline.cost_judge import CostRules, ModelFolders, compare_stock
from demandcast.pipeline.cost_verdict import CostVerdict, not_compared
from demandcast.schema.artifact_names import COST_VERDICT_FILE
from demandcast.schema.config import (
    CostConfig,
    CovariatesConfig,
    ForecastConfig,
    ReplenishmentConfig,
    ReplenishmentTablesConfig,
    RunConfig,
    SeriesSpec,
)
from demandcast.schema.model_properties import (
    ABSENT,
    BASELINE_DIGEST,
    DIGEST,
    MODEL_DIGEST,
    REASON,
    VERSION,
)

__all__ = ["CostJudge"]

_LOG = logging.getLogger(__name__)

_EVAL_SPLIT = "eval"
# TFX's own names: tfx/components/evaluator/constants.py.
_BLESSED = "blessed"
_MARKERS = {True: "BLESSED", False: "NOT_BLESSED"}

Artifacts = dict[str, list[types.Artifact]]


class _CostJudgeExecutor(base_executor.BaseExecutor):
    """Compares the cost of stock with that of the model in service."""

    def Do(  # noqa: N802
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        """Fills the output `blessing`.

        Raises:
            BadInputError: A table of supply is not there, or breaks its contract.
            ServingError: A model cannot be loaded.
        """
        model = artifact_utils.get_single_instance(input_dict["model"])
        in_service = artifact_utils.get_single_instance(input_dict["model_in_service"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        candidate = str(path_utils.serving_model_path(model.uri))
        # Before anything is judged, or a file changed meanwhile would be blessed unseen.
        blessing.set_string_custom_property(MODEL_DIGEST, model_digest(candidate, TfxFiles()))
        blessing.set_string_custom_property(
            BASELINE_DIGEST, in_service.get_string_custom_property(DIGEST)
        )
        if in_service.get_int_custom_property(ABSENT) == 1:
            verdict = not_compared("no model in service")
        else:
            folders = ModelFolders(
                examples=artifact_utils.get_single_uri(input_dict["examples"]),
                split=artifact_utils.get_split_uri(input_dict["examples"], _EVAL_SPLIT),
                candidate=candidate,
                in_service=str(path_utils.serving_model_path(in_service.uri)),
                in_service_name=_name_of(in_service),
            )
            verdict = compare_stock(folders, _rules(exec_properties))
        _bless(blessing, verdict, files_of(blessing.uri))
        word = "passed" if verdict.blessed else "not passed"
        _LOG.info("cost check: %s; %s", word, verdict.reason)


def _name_of(in_service: types.Artifact) -> str:
    version = in_service.get_string_custom_property(VERSION)
    return f"version {version}" if version else "the model in service"


def _rules(exec_properties: dict[str, Any]) -> CostRules:
    return CostRules(
        cost=CostConfig.model_validate_json(exec_properties["cost"]),
        replenishment=ReplenishmentConfig.model_validate_json(exec_properties["replenishment"]),
        series=SeriesSpec.model_validate_json(exec_properties["series"]),
        snapshot=json.loads(exec_properties["data"])["snapshot"],
    )


def _bless(blessing: types.Artifact, verdict: CostVerdict, files: Files) -> None:
    """Makes the blessing say what the verdict says."""
    files.write(join(blessing.uri, _MARKERS[verdict.blessed]), b"")
    files.write(join(blessing.uri, COST_VERDICT_FILE), verdict.model_dump_json(indent=2).encode())
    blessing.set_int_custom_property(_BLESSED, int(verdict.blessed))
    blessing.set_string_custom_property(REASON, verdict.reason)


class _CostJudgeSpec(ComponentSpec):
    PARAMETERS: ClassVar = {
        "cost": ExecutionParameter(type=str),
        "replenishment": ExecutionParameter(type=str),
        "series": ExecutionParameter(type=str),
        "data": ExecutionParameter(type=str),
        "terms_fingerprint": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_in_service": ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS: ClassVar = {"blessing": ChannelParameter(type=standard_artifacts.ModelBlessing)}


class CostJudge(base_component.BaseComponent):
    """Compares what stock would have cost by a model's forecasts and by those in service.

    Outputs:
        blessing: `ModelBlessing` with custom properties `blessed` (0 or 1), `reason`,
            `model_digest` and `baseline_digest`, and the file `cost_verdict.json`.
    """

    SPEC_CLASS = _CostJudgeSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(_CostJudgeExecutor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        model_in_service: types.BaseChannel,
        config: RunConfig,
        terms_fingerprint: str,
        code_digest: str,
    ) -> None:
        """Describes the node.

        Args:
            examples: Examples with a split `eval`.
            model: The candidate.
            model_in_service: Custom property `absent` 1 if there is none.
            config: The run; what is used of it is part of the cache's key.
            terms_fingerprint: Digest of the tables of supply behind their paths.
            code_digest: Digest of the sources, so that a change of them runs it again.
        """
        super().__init__(
            _CostJudgeSpec(
                examples=examples,
                model=model,
                model_in_service=model_in_service,
                cost=config.gate.cost.model_dump_json(),
                replenishment=_used(config.replenishment).model_dump_json(),
                series=_judged_series(config).model_dump_json(),
                data=config.data.model_dump_json(include={"snapshot"}),
                terms_fingerprint=terms_fingerprint,
                code_digest=code_digest,
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )


def _used(config: ReplenishmentConfig) -> ReplenishmentConfig:
    """Keeps what the cost of stock depends on."""
    kept = ReplenishmentConfig(service=config.service, paths=config.paths, seed=config.seed)
    if config.tables.supply_terms is None:
        return kept
    tables = ReplenishmentTablesConfig(
        supply_terms=config.tables.supply_terms,
        suppliers=config.tables.suppliers,
        lead_times=config.tables.lead_times,
    )
    of_terms = {
        name: getattr(config, name) for name in ("order_moment", "holding_cost_rate", "currency")
    }
    return kept.model_copy(update={**of_terms, "tables": tables})


def _judged_series(config: RunConfig) -> SeriesSpec:
    """Keeps what the cost depends on: the key, frequency, horizon and quantile levels."""
    forecast = config.forecast
    return SeriesSpec(
        series_key=config.series.series_key,
        static=config.series.series_key,
        known_future=CovariatesConfig(),
        observed_past=CovariatesConfig(),
        forecast=ForecastConfig(
            frequency=forecast.frequency,
            horizon=forecast.horizon,
            quantile_levels=forecast.quantile_levels,
        ),
    )
