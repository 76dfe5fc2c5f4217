"""What all trainings on the same examples share, and the training of a network on them.

The Trainer runs one; the Tuner runs one per trial. Nothing else builds and trains
a network, so that a trial is what the Trainer would have done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import tensorflow as tf
import tensorflow_transform as tft

from demandcast.components.forecasting.dataset import WindowDataset
from demandcast.components.forecasting.network import InputSpec, build_network
from demandcast.components.forecasting.report import TrainingReport
from demandcast.components.forecasting.training import train
from demandcast.components.forecasting.windows import Windows
from demandcast.schema.config import FeaturesConfig, NetworkConfig, SeriesSpec, TrainingConfig

__all__ = ["TrainingJob"]


@dataclass(frozen=True)
class TrainingJob:
    """Examples to train on, and how windows are cut out of them.

    Attributes:
        windows: The window function.
        transform_output: What Transform left.
        train_files: Transformed examples of the train split.
        validation_files: Transformed examples of the validation split.
    """

    windows: Windows
    transform_output: tft.TFTransformOutput
    train_files: tuple[str, ...]
    validation_files: tuple[str, ...]

    @classmethod
    def from_arguments(cls, fn_args: Any) -> TrainingJob:
        """Reads what TFX gives to a Trainer or a Tuner.

        Args:
            fn_args: TFX's `FnArgs`, with the JSON of `series` and `features` in `custom_config`.
        """
        custom = fn_args.custom_config
        return cls(
            windows=Windows(
                SeriesSpec.model_validate_json(custom["series"]),
                FeaturesConfig.model_validate_json(custom["features"]),
            ),
            transform_output=tft.TFTransformOutput(fn_args.transform_graph_path),
            train_files=_expand(fn_args.train_files),
            validation_files=_expand(fn_args.eval_files),
        )

    @property
    def levels(self) -> tuple[float, ...]:
        """Quantile levels."""
        return self.windows.series.forecast.quantile_levels

    def build(
        self, network: NetworkConfig, *, use_cudnn: Literal["auto"] | bool = "auto"
    ) -> keras.Model:
        """Builds an untrained network; arguments as for `build_network`."""
        return build_network(
            self._input_spec(), network, quantile_levels=self.levels, use_cudnn=use_cudnn
        )

    def train(
        self, network: NetworkConfig, training: TrainingConfig
    ) -> tuple[keras.Model, TrainingReport]:
        """Builds a network and trains it.

        Returns:
            The network with its best weights, and what happened.
        """
        keras.utils.set_random_seed(training.seed)
        model = self.build(network)
        report = train(
            model,
            self._dataset(training),
            train_files=self.train_files,
            validation_files=self.validation_files,
            levels=self.levels,
        )
        return model, report

    def _dataset(self, training: TrainingConfig) -> WindowDataset:
        feature_spec = self.transform_output.transformed_feature_spec()
        return WindowDataset(self.windows, feature_spec, training)

    def _input_spec(self) -> InputSpec:
        """Takes widths from the window function itself and sizes from the vocabularies."""
        dataset = self._dataset(TrainingConfig())
        inputs, _ = dataset.evaluation(self.train_files).element_spec
        buckets = self.windows.features.vocabulary.oov_buckets
        transformed = self.windows.spec
        vocabulary_size = self.transform_output.vocabulary_size_by_name

        def sizes(names: tuple[str, ...]) -> tuple[int, ...]:
            return tuple(vocabulary_size(name) + buckets for name in names)

        return InputSpec(
            context_length=self.windows.series.forecast.context_length,
            horizon=self.windows.series.forecast.horizon,
            encoder=inputs["encoder"].shape[-1],
            decoder=inputs["decoder"].shape[-1],
            reference=inputs["reference"].shape[-1],
            static_sizes=sizes(transformed.static_index),
            known_sizes=sizes(transformed.known_index),
            past_sizes=sizes(transformed.past_index),
        )


def _expand(patterns: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern)))
