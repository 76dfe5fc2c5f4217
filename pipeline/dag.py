"""The order of the stages. One factory for every target.

    SeriesExampleGen ─ StatisticsGen ─ ExampleValidator ─ AnomalyGate ─┐ validated schema
          │                 SchemaImport ──┘                           │
          ├─ profile ─ DataContinuity                                  │
          │                  │  └(waits)┐                              │
          ├──────────────────┼───── Transform ─ (Tuner) ─ Trainer ─────┤
          │           ModelInService                         │         │
          │                  └───────────────────────────┐   │         │
          ├─ eval split ────────────────────────────── Evaluator ─┬─ Pusher ─ SmokeTest
          ├─ eval split ───────────────────────────── (CostJudge) ┤
          └─ eval split ──────────────────────── InfraValidator ──┘

The Tuner is there if `tuning.enabled` says so, CostJudge, which looks at the model in service as
the Evaluator does, if `gate.cost.enabled` does, and so are InfraValidator and SmokeTest by their
switches in `serving`. With `replenishment.enabled` forecasts and orders follow (`order_stages.py`).

Each stage is given only the part of the configuration that it uses, and a digest
of its own code: its cache key then changes when, and only when, its result may.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfx import v1 as tfx
from tfx.orchestration import metadata

from demandcast.components.evaluation.component import Evaluator
from demandcast.components.examples.component import SeriesExampleGen
from demandcast.components.examples.fingerprint import data_fingerprint
from demandcast.components.infrastructure.component import InfraValidator
from demandcast.components.publishing.baseline import ModelInService
from demandcast.components.publishing.component import Pusher
from demandcast.components.publishing.pointer import ANY_POINTER, pointer_digest
from demandcast.components.storage.tfx_files import files_of
from demandcast.components.tuning.component import Tuner
from demandcast.components.validation.component import AnomalyGate, SchemaImport
from demandcast.components.validation.continuity_gate import DataContinuity
from demandcast.pipeline.beam_flags import beam_flags
from demandcast.pipeline.cost_node import CostJudge
from demandcast.pipeline.fingerprint import stage_digest
from demandcast.pipeline.forecaster_node import ModelChoice
from demandcast.pipeline.order_stages import (
    Fingerprints,
    conditional_order_stages,
    is_blessed,
    order_stages,
)
from demandcast.pipeline.places import artifacts_folder, metadata_file, tuning_folder
from demandcast.pipeline.smoke_node import SmokeTest
from demandcast.pipeline.supply_files import supply_fingerprint, terms_fingerprint
from demandcast.pipeline.training_run import Until
from demandcast.schema.config import FeaturesConfig, ForecastConfig, RunConfig
from demandcast.schema.errors import ConfigurationError
from demandcast.schema.feature_schema import compose_schema_text

__all__ = ["NEVER_CACHED", "Surroundings", "Target", "make_pipeline"]

NEVER_CACHED = frozenset({"Pusher", "SmokeTest"})
"""Nodes that look at the serving directory, which changes without the pipeline, and whose cache
key says nothing of it."""

_COMPONENTS = "demandcast.components"
_TRAINING_SPLITS = {
    "train_args": tfx.proto.TrainArgs(splits=["train"]),
    "eval_args": tfx.proto.EvalArgs(splits=["validation"]),
}


@dataclass(frozen=True)
class Surroundings:
    """What a run finds outside of its configuration; each is part of a cache key.

    Attributes:
        data_fingerprint: Of the files behind the data's paths.
        feature_schema_text: Content of the reviewed schema, if there is one.
        pointer_digest: Of the model in service.
        supply_fingerprint: Of the tables of stock and terms, if orders are proposed.
        terms_fingerprint: Of the tables of supply, where the gate uses them.
    """

    data_fingerprint: str
    feature_schema_text: str | None
    pointer_digest: str
    supply_fingerprint: str = ""
    terms_fingerprint: str = ""

    @classmethod
    def look(cls, config: RunConfig) -> Surroundings:
        """Reads them from the paths of a configuration.

        Raises:
            BadInputError: There is no data, or the reviewed schema cannot be read.
            ServingError: The pointer to the model in service cannot be understood.
        """
        serving_directory = str(config.push.serving_directory)
        return cls(
            data_fingerprint=data_fingerprint(config.data),
            feature_schema_text=_read_schema(config.feature_schema),
            pointer_digest=pointer_digest(serving_directory, files_of(serving_directory)),
            supply_fingerprint=supply_fingerprint(config) if config.replenishment.enabled else "",
            terms_fingerprint=_terms_of(config),
        )

    @classmethod
    def unseen(cls, config: RunConfig) -> Surroundings:
        """Stands for what can only be seen where the stages run; reads the reviewed schema.

        Raises:
            ConfigurationError: The reviewed schema cannot be read.
        """
        return cls(
            data_fingerprint="",
            feature_schema_text=_read_schema(config.feature_schema),
            pointer_digest=ANY_POINTER,
        )


@dataclass(frozen=True)
class Target:
    """Where the stages run, as far as their wiring depends on it.

    Attributes:
        artifacts: Root of the artifacts.
        tuning: Folder of searches, from which an interrupted one goes on.
        metadata: Connection to the metadata store; None where the orchestrator has its own.
        run_id: What names the run that pushes; empty where TFX does.
        push_if_blessed: Leave the Pusher out where the gate said no; otherwise it runs, and says
            why it pushed nothing.
    """

    artifacts: str
    tuning: str
    metadata: Any = None
    run_id: str = ""
    push_if_blessed: bool = False

    @classmethod
    def local(cls, config: RunConfig) -> Target:
        """This machine: everything in the workspace."""
        return cls(
            artifacts=str(artifacts_folder(config)),
            tuning=str(tuning_folder(config)),
            metadata=metadata.sqlite_metadata_connection_config(str(metadata_file(config))),
        )


@dataclass(frozen=True)
class _Checked:
    """Channels that the stages after the gates for data take.

    Attributes:
        examples: From SeriesExampleGen.
        schema: Validated.
        model_in_service: The baseline, or a model that says that there is none.
        terms_fingerprint: Of the tables of supply.
    """

    examples: Any
    schema: Any
    model_in_service: Any
    terms_fingerprint: str


def make_pipeline(
    config: RunConfig,
    surroundings: Surroundings,
    *,
    target: Target | None = None,
    until: Until = "push",
    enable_cache: bool = True,
) -> tfx.dsl.Pipeline:
    """Wires the stages of a run.

    Args:
        config: The run; paths are absolute.
        surroundings: What lies behind its paths.
        target: Where it runs; this machine if not given.
        until: Last stage: the statistics, the gate for data, the training, or the push with what
            follows it. Name and root stay the same, so that a later whole run takes the first
            stages from the cache.
        enable_cache: Use earlier results where nothing changed.
    """
    target = target or Target.local(config)
    checked, components = _data_stages(config, surroundings)
    if until == "statistics":
        components = components[:2]
    elif until != "gate":
        components += _model_stages(
            config, target, surroundings=surroundings, checked=checked, after=components[-1]
        )
    if until == "training":
        names = [component.id for component in components]
        components = components[: names.index("Trainer") + 1]
    return tfx.dsl.Pipeline(
        pipeline_name=config.name,
        pipeline_root=target.artifacts,
        components=components,
        enable_cache=enable_cache,
        beam_pipeline_args=beam_flags(config.beam.args),
        metadata_connection_config=target.metadata,
    )


def _data_stages(config: RunConfig, surroundings: Surroundings) -> tuple[_Checked, list[Any]]:
    """Returns what the data stages give, and the components up to the gates for data."""
    generator = SeriesExampleGen(
        data=config.data,
        forecast=_grid_of(config.forecast),
        sampling=config.sampling,
        beam=config.beam,
        fingerprint=surroundings.data_fingerprint,
        code_digest=stage_digest("SeriesExampleGen"),
    )
    examples = generator.outputs["examples"]
    statistics = tfx.components.StatisticsGen(examples=examples)
    schema = SchemaImport(
        schema_text=compose_schema_text(config.series, surroundings.feature_schema_text),
        code_digest=stage_digest("SchemaImport"),
    )
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    gate = AnomalyGate(
        anomalies=validator.outputs["anomalies"],
        schema=schema.outputs["schema"],
        code_digest=stage_digest("AnomalyGate"),
    )
    in_service = ModelInService(
        serving_directory=str(config.push.serving_directory),
        pointer_digest=surroundings.pointer_digest,
        code_digest=stage_digest("ModelInService"),
    )
    continuity = DataContinuity(
        examples=examples,
        model_in_service=in_service.outputs["model"],
        continuity=config.continuity,
        code_digest=stage_digest("DataContinuity"),
    )
    stages = [generator, statistics, schema, validator, gate, in_service, continuity]
    checked = _Checked(
        examples,
        gate.outputs["schema"],
        in_service.outputs["model"],
        surroundings.terms_fingerprint,
    )
    return checked, stages


def _model_stages(
    config: RunConfig,
    target: Target,
    *,
    surroundings: Surroundings,
    checked: _Checked,
    after: Any,
) -> list[Any]:
    """Returns the components after the gates for data; `after` is the last of these."""
    examples, schema = checked.examples, checked.schema
    transform = _transform(config, examples=examples, schema=schema)
    transform.add_upstream_node(after)
    training_inputs: dict[str, Any] = {
        "examples": transform.outputs["transformed_examples"],
        "transform_graph": transform.outputs["transform_graph"],
        "schema": schema,
    }
    tuners = [_tuner(config, target, training_inputs)] if config.tuning.enabled else []
    for tuner in tuners:
        training_inputs["hyperparameters"] = tuner.outputs["best_hyperparameters"]
    trainer = _trainer(config, training_inputs)
    evaluator = Evaluator(
        examples=examples,
        model=trainer.outputs["model"],
        baseline_model=checked.model_in_service,
        schema=schema,
        config=config,
        code_digest=stage_digest("Evaluator"),
    )
    model = trainer.outputs["model"]
    checked_in_server = config.serving.infra_validation
    checks = [_infra_validator(config, model, examples)] if checked_in_server else []
    cost_judges = [_cost_judge(config, model, checked)] if config.gate.cost.enabled else []
    judges = [evaluator, *cost_judges, *checks]
    with contextlib.ExitStack() as conditions:
        for judge in judges if target.push_if_blessed else ():
            conditions.enter_context(tfx.dsl.Cond(is_blessed(judge)))
        pusher = Pusher(
            model=model,
            model_blessing=evaluator.outputs["blessing"],
            cost_blessing=cost_judges[0].outputs["blessing"] if cost_judges else None,
            infra_blessing=checks[0].outputs["blessing"] if checks else None,
            evaluation=evaluator.outputs["evaluation"],
            examples=examples,
            serving_directory=str(config.push.serving_directory),
            run_id=target.run_id,
        )
        tests = [_smoke_test(config, pusher)] if config.serving.smoke_test else []
    stages = [transform, *tuners, trainer, *judges, pusher, *tests]
    if not config.replenishment.enabled:
        return stages
    choice = ModelChoice(
        model=model,
        baseline_model=checked.model_in_service,
        model_blessing=evaluator.outputs["blessing"],
        cost_blessing=cost_judges[0].outputs["blessing"] if cost_judges else None,
        infra_blessing=checks[0].outputs["blessing"] if checks else None,
    )
    known = Fingerprints(surroundings.data_fingerprint, surroundings.supply_fingerprint)
    if target.push_if_blessed:
        return [*stages, *conditional_order_stages(config, judges=judges, after=[pusher, *tests])]
    return [*stages, *order_stages(config, known, choice=choice, after=[pusher, *tests])]


def _cost_judge(config: RunConfig, model: Any, checked: _Checked) -> Any:
    return CostJudge(
        examples=checked.examples,
        model=model,
        model_in_service=checked.model_in_service,
        config=config,
        terms_fingerprint=checked.terms_fingerprint,
        code_digest=stage_digest("CostJudge"),
    )


def _infra_validator(config: RunConfig, model: Any, examples: Any) -> Any:
    return InfraValidator(
        model=model,
        examples=examples,
        serving=config.serving,
        model_name=config.push.model_name,
        forecast=config.forecast,
        code_digest=stage_digest("InfraValidator"),
    )


def _smoke_test(config: RunConfig, pusher: Any) -> Any:
    return SmokeTest(
        pushed_model=pusher.outputs["pushed_model"],
        serving_directory=str(config.push.serving_directory),
        model_name=config.push.model_name,
        serving=config.serving,
    )


def _transform(config: RunConfig, *, examples: Any, schema: Any) -> Any:
    return tfx.components.Transform(
        examples=examples,
        schema=schema,
        disable_statistics=True,  # Nobody reads them, and they take longer than the transform.
        preprocessing_fn=f"{_COMPONENTS}.preprocessing.module.preprocessing_fn",
        splits_config=tfx.proto.SplitsConfig(
            analyze=["train"], transform=["train", "validation", "eval"]
        ),
        custom_config={
            "series": config.series.model_copy(
                update={"forecast": _grid_of(config.forecast)}
            ).model_dump_json(),
            "features": _features_of_transform(config.features).model_dump_json(),
            "code_digest": stage_digest("Transform"),
        },
    )


def _tuner(config: RunConfig, target: Target, inputs: Mapping[str, Any]) -> Any:
    return Tuner(
        **inputs,
        **_TRAINING_SPLITS,
        tuner_fn=f"{_COMPONENTS}.tuning.module.tuner_fn",
        custom_config={
            **_training_config(config),
            "tuning": config.tuning.model_dump_json(exclude={"enabled"}),
            "directory": target.tuning,
            "code_digest": stage_digest("Tuner"),
        },
    )


def _trainer(config: RunConfig, inputs: Mapping[str, Any]) -> Any:
    return tfx.components.Trainer(
        **inputs,
        **_TRAINING_SPLITS,
        run_fn=f"{_COMPONENTS}.forecasting.module.run_fn",
        custom_config={
            **_training_config(config),
            "code_digest": stage_digest("Trainer"),
        },
    )


def _training_config(config: RunConfig) -> dict[str, str]:
    """The parts of the configuration that a training uses, a trial of the Tuner too."""
    return {
        "series": config.series.model_dump_json(),
        "features": config.features.model_dump_json(),
        "network": config.network.model_dump_json(),
        "training": config.training.model_dump_json(),
    }


def _grid_of(forecast: ForecastConfig) -> ForecastConfig:
    """Keeps what examples and their transformation depend on: frequency and horizon.

    Another context length or other quantile levels then leave their results in the cache.
    """
    return ForecastConfig(frequency=forecast.frequency, horizon=forecast.horizon)


def _features_of_transform(features: FeaturesConfig) -> FeaturesConfig:
    """Leaves out what is computed when a window is cut, so that it reaches the Trainer only."""
    defaults = FeaturesConfig()
    scale = {"target_scale_multiple": defaults.outliers.target_scale_multiple}
    return features.model_copy(
        update={
            "calendar": defaults.calendar,
            "outliers": features.outliers.model_copy(update=scale),
        }
    )


def _terms_of(config: RunConfig) -> str:
    """Digests the tables of supply if the gate looks at them."""
    if not config.gate.cost.enabled:
        return ""
    tables = config.replenishment.tables
    return terms_fingerprint(tables, snapshot=config.data.snapshot)


def _read_schema(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        return files_of(path).read(path).decode("utf-8")
    except Exception as error:  # Each filesystem has its own.
        raise ConfigurationError(f"feature_schema: {path} cannot be read: {error}") from error
