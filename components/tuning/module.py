"""The Tuner's entry point: transformed examples in, a search ready to run out.

TFX calls `tuner_fn` by its dotted path, with the configuration in `custom_config`
(JSON texts as for the Trainer, `tuning`, `directory` and `code_digest`).
"""

from __future__ import annotations

from typing import Any

import keras
from tfx import v1 as tfx

from demandcast.components.forecasting.job import TrainingJob
from demandcast.components.forecasting.report import TrainingReport
from demandcast.components.tuning.budget import Budget
from demandcast.components.tuning.identity import search_identity
from demandcast.components.tuning.search import Search, open_search
from demandcast.schema.config import NetworkConfig, TrainingConfig, TuningConfig

__all__ = ["tuner_fn"]


def tuner_fn(fn_args: Any) -> Any:
    """Opens the search that the Tuner runs.

    Args:
        fn_args: TFX's `FnArgs`: files of the splits (validation as its eval files), Transform's
            graph, and `custom_config`.

    Returns:
        TFX's `TunerFnResult`.
    """
    custom = fn_args.custom_config
    search = Search(
        TuningConfig.model_validate_json(custom["tuning"]),
        NetworkConfig.model_validate_json(custom["network"]),
        TrainingConfig.model_validate_json(custom["training"]),
    )
    budget = Budget(search.tuning.max_seconds)
    job = TrainingJob.from_arguments(fn_args)
    identity = search_identity(
        search,
        {name: custom[name] for name in ("series", "features", "code_digest")},
        files=job.train_files + job.validation_files,
    )

    def train(network: NetworkConfig, training: TrainingConfig) -> TrainingReport:
        keras.backend.clear_session()  # Or the graphs of all trials stay in memory.
        return job.train(network, training)[1]

    tuner = open_search(search, train, budget=budget, folder=f"{custom['directory']}/{identity}")
    return tfx.components.TunerFnResult(tuner=tuner, fit_kwargs={})
