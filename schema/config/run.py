"""`RunConfig`: one YAML file describes a run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator, model_validator

from demandcast.schema.config.base import Section
from demandcast.schema.config.continuity import ContinuityConfig
from demandcast.schema.config.data import DataConfig
from demandcast.schema.config.features import WEEKLY_DEFAULTS, FeaturesConfig
from demandcast.schema.config.forecast import ForecastConfig, SamplingConfig
from demandcast.schema.config.gate import GateConfig, PushConfig
from demandcast.schema.config.kubeflow import KubeflowConfig
from demandcast.schema.config.model import NetworkConfig, TrainingConfig
from demandcast.schema.config.replenishment import ReplenishmentConfig
from demandcast.schema.config.retention import RetentionConfig
from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.config.serving import ServingConfig
from demandcast.schema.config.tuning import TuningConfig

__all__ = ["BeamConfig", "RunConfig"]


class BeamConfig(Section):
    """How Beam runs."""

    args: tuple[str, ...] = Field(
        (),
        description=(
            "Beam pipeline options, such as --runner=DataflowRunner; "
            "in-memory DirectRunner if none."
        ),
    )
    partitions: int = Field(
        16, ge=1, le=100_000, description="Parts into which series are hashed; bounds the memory."
    )
    block_rows: int = Field(
        262_144, ge=1_000, description="Rows read and checked at a time; bounds the memory."
    )


class RunConfig(Section):
    """A run of the pipeline."""

    name: str = Field(description="Name of the pipeline; letters, digits, '_' and '-'.")
    workspace: str = Field(
        "runs", description="Directory of artifacts, metadata and logs; relative to this file."
    )
    data: DataConfig = Field(description="Tables and columns.")
    forecast: ForecastConfig = Field(ForecastConfig(), description="Shape of the forecast.")
    sampling: SamplingConfig = Field(SamplingConfig(), description="History and splits.")
    feature_schema: str | None = Field(
        None,
        description=(
            "Reviewed schema (.pbtxt) of the data's own columns; 'demandcast schema infer' writes "
            "a first one. Without it only types, shapes and the curated rules are checked."
        ),
    )
    features: FeaturesConfig = Field(FeaturesConfig(), description="What the network sees.")
    network: NetworkConfig = Field(NetworkConfig(), description="The LSTM.")
    training: TrainingConfig = Field(TrainingConfig(), description="How it learns.")
    tuning: TuningConfig = Field(
        TuningConfig(), description="Search for better values of network and training."
    )
    gate: GateConfig = Field(GateConfig(), description="What a model must show.")
    push: PushConfig = Field(PushConfig(), description="Where it goes.")
    serving: ServingConfig = Field(
        ServingConfig(), description="How a server shows that it can serve it."
    )
    continuity: ContinuityConfig = Field(
        ContinuityConfig(),
        description="How far the data may differ from that of the model in service.",
    )
    replenishment: ReplenishmentConfig = Field(
        ReplenishmentConfig(), description="From forecasts to order proposals."
    )
    retention: RetentionConfig = Field(
        RetentionConfig(), description="How much of the past is kept."
    )
    beam: BeamConfig = Field(BeamConfig(), description="How Beam runs.")
    kubeflow: KubeflowConfig = Field(
        KubeflowConfig(),
        description="How the compiled pipeline runs on Kubeflow Pipelines; local runs ignore it.",
    )

    @property
    def series(self) -> SeriesSpec:
        """Names, types and shapes of an example, which every stage shares."""
        return SeriesSpec.from_config(self.data.columns, self.forecast)

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_frequency(cls, values: Any) -> Any:
        """Fills in what `features` means by its defaults where a period is a week."""
        if not isinstance(values, Mapping):
            return values
        forecast, features = values.get("forecast", {}), values.get("features", {})
        weekly = isinstance(forecast, Mapping) and str(forecast.get("frequency")).startswith("W-")
        if not weekly or not isinstance(features, Mapping):
            return values
        return {**values, "features": {**WEEKLY_DEFAULTS, **features}}

    @field_validator("workspace")
    @classmethod
    def _is_local(cls, value: str) -> str:
        if "://" in value:
            raise ValueError("workspace must be a folder of this machine")
        return value

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
            raise ValueError("name may hold letters, digits, '_' and '-' only")
        return value

    @model_validator(mode="after")
    def _sections_agree(self) -> RunConfig:
        _check_history(self)
        _check_lags(self)
        _check_step_ranges(self)
        _check_cost_interval(self)
        _check_columns_exist(self)
        _check_interactions(self)
        _check_names(self)
        return self


def _check_history(config: RunConfig) -> None:
    longest, context = config.sampling.max_history, config.forecast.context_length
    if longest < context:
        raise ValueError(
            f"sampling.max_history: got {longest}; allowed: forecast.context_length ({context}) "
            "or more, or the network would never see a whole context"
        )


def _check_lags(config: RunConfig) -> None:
    horizon = config.forecast.horizon
    short = [lag for lag in config.features.lags if lag < horizon]
    if short:
        raise ValueError(
            f"features.lags must be at least forecast.horizon ({horizon}), "
            f"or the decoder would see the future; these are shorter: {short}"
        )


def _check_step_ranges(config: RunConfig) -> None:
    horizon = config.forecast.horizon
    beyond = [list(steps) for steps in config.gate.step_ranges if steps[1] > horizon]
    if beyond:
        raise ValueError(
            f"gate.step_ranges: steps are counted from 1 to forecast.horizon ({horizon}); "
            f"these go beyond it: {beyond}"
        )


def _check_cost_interval(config: RunConfig) -> None:
    cost, horizon = config.gate.cost, config.forecast.horizon
    by_terms = config.replenishment.tables.supply_terms is not None
    if cost.enabled and not by_terms and cost.interval > horizon:
        raise ValueError(
            f"gate.cost.interval: got {cost.interval}; allowed: forecast.horizon ({horizon}) or "
            "less, for stock is judged by what was forecast"
        )


def _check_names(config: RunConfig) -> None:
    """Names of columns become inputs of the served model, and names in its graph."""
    columns = config.data.columns
    names = columns.all_static + columns.known_future.names + columns.observed_past.names
    odd = [name for name in names if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)]
    if odd:
        raise ValueError(
            "data.columns: names of static, known_future and observed_past columns become inputs "
            "of the served model; they start with a letter and hold letters, digits and '_' only; "
            f"rename these in the table: {odd}"
        )
    from demandcast.schema.transformed_example import TransformedSpec

    features = TransformedSpec.from_config(config.series, config.features).names
    repeated = sorted({name for name in features if features.count(name) > 1})
    if repeated:
        raise ValueError(
            f"features: these features would be made twice: {repeated}; rename the column of "
            "that name, or leave out the feature that makes the other"
        )


def _check_interactions(config: RunConfig) -> None:
    numeric = set(config.data.columns.known_future.numeric)
    mixed = [
        list(pair.columns)
        for pair in config.features.interactions
        if len(numeric & set(pair.columns)) == 1
    ]
    if mixed:
        raise ValueError(
            "features.interactions: both columns must be numeric or both categorical; "
            f"mixed: {mixed}"
        )


def _check_columns_exist(config: RunConfig) -> None:
    columns = config.data.columns
    known = columns.known_future
    uses = [
        ("gate.slices", config.gate.slices, columns.all_static),
        ("features.price_column", (config.features.price_column,), known.numeric),
        ("features.holiday_column", (config.features.holiday_column,), known.names),
        (
            "features.imputation.numeric_by_column",
            tuple(config.features.imputation.numeric_by_column),
            known.numeric + columns.observed_past.numeric,
        ),
        *(
            ("features.interactions", interaction.columns, columns.all_static + known.names)
            for interaction in config.features.interactions
        ),
    ]
    for key, names, allowed in uses:
        missing = [name for name in names if name is not None and name not in allowed]
        if missing:
            raise ValueError(f"{key}: no such column {missing}; allowed: {list(allowed)}")
