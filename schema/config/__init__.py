"""The configuration of a run: frozen models, one per concern, read once from YAML."""

from demandcast.schema.config.continuity import ContinuityConfig
from demandcast.schema.config.data import (
    AvailabilityConfig,
    CalendarConfig,
    ColumnsConfig,
    CovariatesConfig,
    DataConfig,
    TableConfig,
)
from demandcast.schema.config.features import (
    FeaturesConfig,
    ImputationConfig,
    Interaction,
    OutlierConfig,
    VocabularyConfig,
)
from demandcast.schema.config.forecast import (
    DEFAULT_QUANTILE_LEVELS,
    ForecastConfig,
    SamplingConfig,
    ValidationConfig,
)
from demandcast.schema.config.gate import (
    ChangeConfig,
    CostConfig,
    FloorsConfig,
    GateConfig,
    PushConfig,
)
from demandcast.schema.config.kubeflow import (
    KubeflowConfig,
    StageConfig,
    TolerationConfig,
    VolumeConfig,
)
from demandcast.schema.config.loading import load_config, parse_config, resolve_paths
from demandcast.schema.config.model import NetworkConfig, TrainingConfig
from demandcast.schema.config.replenishment import (
    ApprovalConfig,
    ReplenishmentConfig,
    ReplenishmentTableConfig,
    ReplenishmentTablesConfig,
    RiskConfig,
    ServiceConfig,
)
from demandcast.schema.config.retention import RetentionConfig
from demandcast.schema.config.run import BeamConfig, RunConfig
from demandcast.schema.config.series import SeriesSpec
from demandcast.schema.config.serving import ServingConfig
from demandcast.schema.config.transactions import (
    CancelledConfig,
    ExclusionConfig,
    PairsConfig,
    TransactionsConfig,
)
from demandcast.schema.config.tuning import (
    Candidates,
    SpaceConfig,
    TuningConfig,
    Value,
    with_values,
)

__all__ = [
    "ApprovalConfig",
    "AvailabilityConfig",
    "BeamConfig",
    "CalendarConfig",
    "CancelledConfig",
    "Candidates",
    "ChangeConfig",
    "ColumnsConfig",
    "ContinuityConfig",
    "CostConfig",
    "CovariatesConfig",
    "DEFAULT_QUANTILE_LEVELS",
    "DataConfig",
    "ExclusionConfig",
    "FeaturesConfig",
    "FloorsConfig",
    "ForecastConfig",
    "GateConfig",
    "ImputationConfig",
    "Interaction",
    "KubeflowConfig",
    "NetworkConfig",
    "PairsConfig",
    "OutlierConfig",
    "PushConfig",
    "ReplenishmentConfig",
    "ReplenishmentTableConfig",
    "ReplenishmentTablesConfig",
    "RetentionConfig",
    "RiskConfig",
    "RunConfig",
    "SamplingConfig",
    "SeriesSpec",
    "ServiceConfig",
    "ServingConfig",
    "SpaceConfig",
    "StageConfig",
    "TableConfig",
    "TolerationConfig",
    "TrainingConfig",
    "TransactionsConfig",
    "TuningConfig",
    "ValidationConfig",
    "Value",
    "VocabularyConfig",
    "VolumeConfig",
    "load_config",
    "parse_config",
    "resolve_paths",
    "with_values",
]
