"""The Trainer's entry point: transformed examples in, SavedModel out.

TFX calls `run_fn` by its dotted path, with the configuration in `custom_config`
(JSON texts under `series`, `features`, `network` and `training`).
"""

from __future__ import annotations

import logging
from pathlib import PurePosixPath
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from demandcast.components.forecasting.dataset import WindowDataset
from demandcast.components.forecasting.exporting import ForecastModule, export
from demandcast.components.forecasting.network import InputSpec, build_network
from demandcast.components.forecasting.report import TrainingReport
from demandcast.components.forecasting.training import train
from demandcast.components.forecasting.windows import Windows
from demandcast.schema.config import FeaturesConfig, NetworkConfig, SeriesSpec, TrainingConfig
from demandcast.schema.errors import DemandcastError

__all__ = ["run_fn"]

logger = logging.getLogger(__name__)


def run_fn(fn_args: Any) -> None:
    """Trains the demand model and exports it.

    Args:
        fn_args: TFX's `FnArgs`: files of the splits (validation as its eval files), Transform's
            output, directories of the model and of the run, and `custom_config`.

    Raises:
        DemandcastError: No epoch had a finite validation loss.
    """
    custom = fn_args.custom_config
    series = SeriesSpec.model_validate_json(custom["series"])
    features = FeaturesConfig.model_validate_json(custom["features"])
    network_config = NetworkConfig.model_validate_json(custom["network"])
    levels = series.forecast.quantile_levels
    transform_output = tft.TFTransformOutput(fn_args.transform_output)
    windows = Windows(series, features)
    dataset = WindowDataset(
        windows,
        transform_output.transformed_feature_spec(),
        TrainingConfig.model_validate_json(custom["training"]),
    )
    keras.utils.set_random_seed(dataset.training.seed)
    spec = _input_spec(dataset, transform_output, fn_args.train_files)
    network = build_network(spec, network_config, quantile_levels=levels)
    logger.info("network of %s weights", f"{network.count_params():,}")
    report = train(
        network,
        dataset,
        train_files=_expand(fn_args.train_files),
        validation_files=_expand(fn_args.eval_files),
        levels=levels,
    )
    _write_report(report, fn_args.model_run_dir)
    # What serves has the same weights, but neither dropout's random state nor GPU-only operations.
    without_dropout = network_config.model_copy(update={"dropout": 0.0})
    served = build_network(spec, without_dropout, quantile_levels=levels, use_cudnn=False)
    served.set_weights(network.get_weights())
    module = ForecastModule(
        windows=windows,
        transform=transform_output.transform_features_layer(),
        network=served,
    )
    export(module, fn_args.serving_model_dir, series=series)


def _input_spec(
    dataset: WindowDataset, transform_output: tft.TFTransformOutput, files: list[str]
) -> InputSpec:
    """Takes widths from the window function itself and sizes from the vocabularies."""
    inputs, _ = dataset.evaluation(_expand(files)).element_spec
    buckets = dataset.windows.features.vocabulary.oov_buckets
    transformed = dataset.windows.spec

    def sizes(names: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(transform_output.vocabulary_size_by_name(name) + buckets for name in names)

    return InputSpec(
        context_length=dataset.windows.series.forecast.context_length,
        horizon=dataset.windows.series.forecast.horizon,
        encoder=inputs["encoder"].shape[-1],
        decoder=inputs["decoder"].shape[-1],
        static_sizes=sizes(transformed.static_index),
        known_sizes=sizes(transformed.known_index),
        past_sizes=sizes(transformed.past_index),
    )


def _expand(patterns: list[str]) -> list[str]:
    return sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))


def _write_report(report: TrainingReport, directory: str) -> None:
    """Writes `training.json`, says what a reader must know, refuses a model that is NaN."""
    tf.io.gfile.makedirs(directory)
    path = str(PurePosixPath(directory) / "training.json")
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
