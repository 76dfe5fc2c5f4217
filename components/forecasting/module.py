"""The Trainer's entry point: transformed examples in, SavedModel out.

TFX calls `run_fn` by its dotted path, with the configuration in `custom_config`
(JSON texts under `series`, `features`, `network` and `training`).
"""

from __future__ import annotations

import logging
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import tensorflow as tf

from demandcast.components.forecasting.dataset import newest_cutoff
from demandcast.components.forecasting.exporting import ForecastModule, export
from demandcast.components.forecasting.job import TrainingJob
from demandcast.components.forecasting.report import TrainingReport
from demandcast.schema.artifact_names import TRAINING_FILE
from demandcast.schema.config import NetworkConfig, TrainingConfig
from demandcast.schema.errors import DemandcastError
from demandcast.schema.model_settings import ModelSettings, values_text
from demandcast.schema.model_training import ModelTraining
from demandcast.schema.periods import date_of, days_of, periods_of

__all__ = ["run_fn"]

logger = logging.getLogger(__name__)


def run_fn(fn_args: Any) -> None:
    """Trains the demand model and exports it.

    Args:
        fn_args: TFX's `FnArgs`: files of the splits (validation as its eval files), Transform's
            output, directories of the model and of the run, `custom_config`, and the best
            values of the Tuner as `hyperparameters`.

    Raises:
        DemandcastError: No epoch had a finite validation loss.
    """
    settings = _settings(fn_args)
    job = TrainingJob.from_arguments(fn_args)
    trained, report = job.train(settings.network, settings.training)
    _write_report(report.model_copy(update={"settings": settings}), fn_args.model_run_dir)
    # What serves has the same weights, but neither dropout's random state nor GPU-only operations.
    without_dropout = settings.network.model_copy(update={"dropout": 0.0})
    served = job.build(without_dropout, use_cudnn=False)
    served.set_weights(trained.get_weights())
    module = ForecastModule(
        windows=job.windows,
        transform=job.transform_output.transform_features_layer(),
        network=served,
    )
    export(
        module,
        fn_args.serving_model_dir,
        series=job.windows.series,
        training=_what_it_was_made_from(job, settings),
    )


def _what_it_was_made_from(job: TrainingJob, settings: ModelSettings) -> ModelTraining:
    """Finds the end of the newest horizon among the examples that taught or stopped training."""
    forecast = job.windows.series.forecast
    newest = np.array(newest_cutoff((*job.train_files, *job.validation_files)))
    last = periods_of(newest, forecast.frequency) + forecast.horizon
    seen_until = date_of(int(days_of(last, forecast.frequency)))
    return ModelTraining(seen_until=seen_until, settings=settings)


def _settings(fn_args: Any) -> ModelSettings:
    """Puts the best values of the Tuner, if there is one, into the configured sections."""
    custom = fn_args.custom_config
    settings = ModelSettings.combine(
        NetworkConfig.model_validate_json(custom["network"]),
        TrainingConfig.model_validate_json(custom["training"]),
        tuned=(fn_args.hyperparameters or {}).get("values", {}),
    )
    if settings.tuned:
        logger.info("tuned: %s", values_text(settings.tuned))
    return settings


def _write_report(report: TrainingReport, directory: str) -> None:
    """Writes `training.json`, says what a reader must know, refuses a model that is NaN."""
    tf.io.gfile.makedirs(directory)
    path = str(PurePosixPath(directory) / TRAINING_FILE)
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(report.model_dump_json(indent=2))
    for warning in report.warnings:
        logger.warning("training: %s", warning)
    if report.best_epoch is None:
        raise DemandcastError(
            "training: no epoch had a finite validation loss; "
            "lower training.learning_rate, or look at the validation split: it may be empty"
        )
    logger.info(
        "best epoch %d: validation quantile loss %.4f, seasonal naive %s",
        report.best_epoch,
        report.validation_loss,
        "unknown" if report.naive_loss is None else f"{report.naive_loss:.4f}",
    )
