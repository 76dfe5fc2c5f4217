"""The Evaluator of the pipeline: TFX's, with an optional baseline and a verdict in words."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, TypeAlias

from tfx import types
from tfx.components.evaluator import component as tfx_component
from tfx.components.evaluator import constants, executor
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs
from tfx.types.component_spec import ExecutionParameter
from tfx.utils import io_utils, json_utils, path_utils, proto_utils

from demandcast.components.evaluation import module
from demandcast.components.evaluation.answers import (
    Shapes,
    asked_shapes,
    shapes_of,
    shapes_reason,
)
from demandcast.components.evaluation.comparable import not_comparable, seen_in_training
from demandcast.components.evaluation.eval_config import make_eval_config
from demandcast.components.evaluation.example_prediction import write_example_forecasts
from demandcast.components.evaluation.judging import judge, refusal
from demandcast.components.evaluation.tfma_results import read_failures, read_slices
from demandcast.components.evaluation.verdict import Verdict
from demandcast.components.storage.model_digest import model_digest
from demandcast.components.storage.tfx_files import TfxFiles
from demandcast.schema.artifact_names import VERDICT_FILE
from demandcast.schema.carried_increase import CarriedIncrease
from demandcast.schema.config.data import CovariatesConfig
from demandcast.schema.config.forecast import ForecastConfig
from demandcast.schema.config.gate import GateConfig
from demandcast.schema.config.run import RunConfig
from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.model_properties import (
    ABSENT,
    BASELINE_DIGEST,
    CARRIED,
    DIGEST,
    MODEL_DIGEST,
)

__all__ = ["Evaluator", "EvaluatorSpec", "Executor"]

logger = logging.getLogger(__name__)

_EVAL_SPLIT = "eval"
_GATE = "gate"
_SERIES = "series"
_CODE_DIGEST = "code_digest"

ArtifactDict: TypeAlias = dict[str, list[types.Artifact]]


class EvaluatorSpec(standard_component_specs.EvaluatorSpec):
    """TFX's specification, with the gate and what makes a changed source run again."""

    PARAMETERS = {  # noqa: RUF012  TFX reads it as a class attribute.
        **standard_component_specs.EvaluatorSpec.PARAMETERS,
        _GATE: ExecutionParameter(type=str),
        _SERIES: ExecutionParameter(type=str),
        _CODE_DIGEST: ExecutionParameter(type=str),
    }


class Executor(executor.Executor):
    """Runs TFX's executor, applies the rule for slices, and writes the verdict."""

    def Do(  # noqa: N802  The name is TFX's.
        self, input_dict: ArtifactDict, output_dict: ArtifactDict, exec_properties: dict[str, Any]
    ) -> None:
        """Evaluates the model; the verdict is in the evaluation and in the log."""
        # Before anything is judged, or a file changed meanwhile would be blessed unseen.
        judged = _judged_digests(input_dict)
        series = SeriesSpec.model_validate_json(exec_properties[_SERIES])
        unfit = _unfit(input_dict, asked_shapes(series))
        if unfit is None:
            verdict = self._evaluate(input_dict, output_dict, exec_properties, series=series)
        else:
            verdict = refusal(unfit)
        evaluation_uri = artifact_utils.get_single_uri(
            output_dict[standard_component_specs.EVALUATION_KEY]
        )
        io_utils.write_string_file(
            f"{evaluation_uri}/{VERDICT_FILE}", verdict.model_dump_json(indent=2)
        )
        blessing = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.BLESSING_KEY]
        )
        _bless(blessing, verdict, judged)
        _log(verdict)
        if unfit is None:
            _write_examples(input_dict, evaluation_uri)

    def _evaluate(
        self,
        input_dict: ArtifactDict,
        output_dict: ArtifactDict,
        exec_properties: dict[str, Any],
        *,
        series: SeriesSpec,
    ) -> Verdict:
        """Lets TFMA compute the metrics, and judges them."""
        inputs, comparison = _with_comparable_baseline(input_dict)
        gate = GateConfig.model_validate_json(exec_properties[_GATE])
        # Made here and no parameter of its own: the gate may be changed for one run.
        eval_config = proto_utils.proto_to_json(make_eval_config(series, gate))
        properties = {**exec_properties, standard_component_specs.EVAL_CONFIG_KEY: eval_config}
        super().Do(inputs, output_dict, properties)
        evaluation_uri = artifact_utils.get_single_uri(
            output_dict[standard_component_specs.EVALUATION_KEY]
        )
        seen = seen_in_training(
            inputs[standard_component_specs.EXAMPLES_KEY][0].uri,
            _folder(inputs[standard_component_specs.MODEL_KEY][0]),
        )
        return judge(
            read_slices(evaluation_uri),
            read_failures(evaluation_uri),
            gate,
            comparison=comparison,
            carried=_carried(inputs),
            beforehand=[] if seen is None else [seen],
        )


class Evaluator(tfx_component.Evaluator):
    """Judges a model on the eval split, against the floors and the model in service.

    Component `outputs` contains:

    - `evaluation`: `ModelEvaluation` with TFMA's results, `verdict.json` and
      `forecast_examples.json`.
    - `blessing`: `ModelBlessing`; blessed only if TFMA's thresholds and the rule for slices
      hold.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        *,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        baseline_model: types.BaseChannel,
        schema: types.BaseChannel,
        config: RunConfig,
        code_digest: str,
    ) -> None:
        """Describes the evaluation.

        Args:
            examples: Examples with a split `eval`.
            model: The candidate.
            baseline_model: The model in service; custom property `absent` 1 if there is none.
            schema: The validated schema.
            config: The run; its series and gate are used.
            code_digest: Digest of the sources, so that a change of them runs it again.
        """
        spec = EvaluatorSpec(
            examples=examples,
            model=model,
            baseline_model=baseline_model,
            schema=schema,
            example_splits=json_utils.dumps([_EVAL_SPLIT]),
            fairness_indicator_thresholds=json_utils.dumps(None),
            module_path=module.__name__,
            # What stock costs is judged by a stage of its own.
            gate=config.gate.model_dump_json(exclude={"cost"}),
            series=_judged_series(config.series).model_dump_json(),
            code_digest=code_digest,
            evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
            blessing=types.Channel(type=standard_artifacts.ModelBlessing),
        )
        # TFX's own constructor cannot make another specification than its own.
        base_beam_component.BaseBeamComponent.__init__(self, spec=spec)


def _judged_series(series: SeriesSpec) -> SeriesSpec:
    """Keeps what the judgement depends on: the key, the horizon and the quantile levels."""
    horizon, levels = series.forecast.horizon, series.forecast.quantile_levels
    return SeriesSpec(
        series_key=series.series_key,
        static=series.series_key,
        known_future=CovariatesConfig(),
        observed_past=CovariatesConfig(),
        forecast=ForecastConfig(horizon=horizon, quantile_levels=levels),
    )


def _with_comparable_baseline(inputs: ArtifactDict) -> tuple[ArtifactDict, str]:
    """Drops a baseline that is absent, answers other shapes or has seen what judges it.

    Returns:
        The inputs without it, and in words what is compared.
    """
    key = standard_component_specs.BASELINE_MODEL_KEY
    without = {name: artifacts for name, artifacts in inputs.items() if name != key}
    baselines = inputs.get(key) or []
    if not baselines or baselines[0].get_int_custom_property(ABSENT) == 1:
        return without, "no model in service: only the floors were judged"
    reason = not_comparable(
        inputs[standard_component_specs.EXAMPLES_KEY][0].uri,
        in_service=_folder(baselines[0]),
        candidate=_folder(inputs[standard_component_specs.MODEL_KEY][0]),
    )
    if reason is not None:
        words = f"{reason}: only the floors were judged"
        logger.warning("evaluation: %s", words)
        return without, words
    return inputs, "compared with the model in service"


def _carried(inputs: ArtifactDict) -> CarriedIncrease:
    """Reads by how much the model in service and those before it got worse, if it is compared."""
    for baseline in inputs.get(standard_component_specs.BASELINE_MODEL_KEY, []):
        if baseline.has_custom_property(CARRIED):
            return CarriedIncrease.from_json(baseline.get_string_custom_property(CARRIED))
    return CarriedIncrease()


def _folder(model: types.Artifact) -> str:
    """Folder of a model's `saved_model.pb`."""
    path = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    return str(path)


def _unfit(inputs: ArtifactDict, asked: Shapes) -> str | None:
    """Words why the candidate's answers cannot even be compared with sales; None if they can."""
    model = inputs[standard_component_specs.MODEL_KEY][0]
    return shapes_reason(asked, shapes_of(_folder(model)))


def _judged_digests(inputs: ArtifactDict) -> dict[str, str]:
    """Names what is judged, and the model that serves, for the Pusher to make sure of both."""
    (model,) = inputs[standard_component_specs.MODEL_KEY]
    baselines = inputs.get(standard_component_specs.BASELINE_MODEL_KEY) or []
    in_service = [baseline.get_string_custom_property(DIGEST) for baseline in baselines]
    return {
        MODEL_DIGEST: model_digest(_folder(model), TfxFiles()),
        BASELINE_DIGEST: "".join(in_service),
    }


def _bless(blessing: types.Artifact, verdict: Verdict, judged: Mapping[str, str]) -> None:
    """Makes the blessing say what the verdict says, and of which model."""
    for name, digest in judged.items():
        blessing.set_string_custom_property(name, digest)
    files = {True: constants.BLESSED_FILE_NAME, False: constants.NOT_BLESSED_FILE_NAME}
    values: Mapping[bool, int] = {True: constants.BLESSED_VALUE, False: constants.NOT_BLESSED_VALUE}
    wrong = f"{blessing.uri}/{files[not verdict.blessed]}"
    if fileio.exists(wrong):
        fileio.remove(wrong)
    io_utils.write_string_file(f"{blessing.uri}/{files[verdict.blessed]}", "")
    blessing.set_int_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSED_KEY, values[verdict.blessed]
    )


def _write_examples(inputs: ArtifactDict, evaluation_uri: str) -> None:
    """Leaves forecasts to look at; the verdict stands whether or not that works."""
    model = inputs[standard_component_specs.MODEL_KEY][0]
    try:
        split = artifact_utils.get_split_uri(
            inputs[standard_component_specs.EXAMPLES_KEY], _EVAL_SPLIT
        )
        write_example_forecasts(split, _folder(model), evaluation_uri)
    except Exception as error:
        logger.warning("evaluation: no example forecasts: %s", error, exc_info=True)


def _log(verdict: Verdict) -> None:
    """Tells the user in few lines."""
    metrics = verdict.overall.candidate
    numbers = {name: metrics.get(name) for name in ("weighted_quantile_loss", "wape", "bias")}
    text = ", ".join(
        f"{name.replace('_', ' ')} {'-' if value is None else format(value, '.4f')}"
        for name, value in numbers.items()
    )
    decision = "blessed" if verdict.blessed else "not blessed"
    logger.info("evaluation: %s; %s; %s", decision, text, verdict.comparison)
    for reason in verdict.reasons:
        logger.info("evaluation: not blessed because %s", reason)
    for note in verdict.notes:
        logger.info("evaluation: %s", note)
