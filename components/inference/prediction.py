"""Serialized examples through a SavedModel, batch by batch."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import tensorflow as tf

from demandcast.components.inference.table import forecast_frame
from demandcast.schema.config import SeriesSpec
from demandcast.schema.errors import ServingError
from demandcast.schema.forecast_table import CUTOFF, check_forecast_table
from demandcast.schema.model_series import MODEL_SERIES_FILE, misfits

__all__ = ["Predictor"]

logger = logging.getLogger(__name__)

Float32Array = npt.NDArray[np.float32]

_EXAMPLES_PER_CALL = 2048
_SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True)
class Predictor:
    """A loaded model that forecasts from serialized examples.

    Attributes:
        series: What the examples hold and the model answers.
        model: The SavedModel; held here so that its variables live.
    """

    series: SeriesSpec
    model: Any

    @staticmethod
    def check_fit(directory: str, series: SeriesSpec) -> None:
        """Compares what a model was trained on with a configuration, without loading the model.

        A model that does not say what it was trained on is left to the check of shapes.

        Raises:
            ServingError: Examples of this configuration cannot be given to the model, or its
                answers would mean something else; all differences are listed.
        """
        path = f"{directory}/{MODEL_SERIES_FILE}"
        if not tf.io.gfile.exists(path):
            return
        with tf.io.gfile.GFile(path) as file:
            found = misfits(SeriesSpec.model_validate_json(file.read()), series)
        if found:
            raise ServingError(
                f"the model in {directory} does not fit the configuration; run the pipeline with "
                "it, or use the configuration of the model:\n  " + "\n  ".join(found)
            )

    @classmethod
    def load(cls, directory: str, series: SeriesSpec) -> Predictor:
        """Loads a SavedModel.

        Raises:
            ServingError: It cannot be loaded, or has not the signature `serving_examples`.
        """
        try:
            model = tf.saved_model.load(directory)
        except (OSError, ValueError) as error:
            raise ServingError(f"{directory}: the model cannot be loaded: {error}") from error
        if "serving_examples" not in model.signatures:
            found = sorted(model.signatures)
            raise ServingError(f"{directory}: no signature 'serving_examples'; it has {found}")
        return cls(series, model)

    def answer(self, examples: Sequence[bytes]) -> tuple[Float32Array, Float32Array]:
        """Forecasts from serialized examples, as many at a time as fit into the memory.

        Returns:
            Quantiles and mean, units per period. Shapes [B, H, Q] and [B, H].

        Raises:
            ServingError: The model answers with another horizon or other levels.
        """
        parts = [
            self._answer_at_once(examples[start : start + _EXAMPLES_PER_CALL])
            for start in range(0, len(examples), _EXAMPLES_PER_CALL)
        ]
        quantiles, mean = zip(*parts, strict=True)
        return np.concatenate(quantiles), np.concatenate(mean)

    def forecast(self, batches: Iterable[Any], *, example_column: str) -> Iterator[pl.DataFrame]:
        """Forecasts batch by batch.

        Args:
            batches: Arrow record batches with the series key, `cutoff`, and examples.
            example_column: Column of the serialized examples.

        Yields:
            Parts of the forecast table, checked against its contract.

        Raises:
            ServingError: The model answers with another horizon or other levels.
            ContractError: A forecast breaks the contract of the table.
        """
        done, said = 0, time.monotonic()
        for batch in batches:
            for start in range(0, batch.num_rows, _EXAMPLES_PER_CALL):
                part = batch.slice(start, _EXAMPLES_PER_CALL)
                yield self._forecast_part(part, example_column)
                done += part.num_rows
                if time.monotonic() - said > _SECONDS_BETWEEN_LINES:
                    said = time.monotonic()
                    logger.info("%s series forecast", f"{done:,}")

    def _forecast_part(self, batch: Any, example_column: str) -> pl.DataFrame:
        keys = pl.DataFrame(
            {
                name: pl.Series(name, batch.column(batch.schema.get_field_index(name)).to_pylist())
                for name in (*self.series.series_key, CUTOFF)
            },
            schema_overrides={CUTOFF: pl.Date},
        )
        examples = batch.column(batch.schema.get_field_index(example_column))
        quantiles, mean = self._answer_at_once(examples.to_pylist())
        frame = forecast_frame(keys, quantiles=quantiles, mean=mean, series=self.series)
        check_forecast_table(frame, self.series)
        return frame

    def _answer_at_once(self, examples: Sequence[bytes]) -> tuple[Float32Array, Float32Array]:
        """Asks the model, and checks the shape of what it says."""
        answer = self.model.signatures["serving_examples"](
            examples=tf.constant(list(examples), tf.string)
        )
        quantiles, mean = answer["quantiles"].numpy(), answer["mean"].numpy()
        forecast = self.series.forecast
        expected = (len(examples), forecast.horizon, len(forecast.quantile_levels))
        if quantiles.shape != expected:
            raise ServingError(
                f"the model answers quantiles of shape {quantiles.shape}, but the configuration "
                f"asks for {expected}: run the pipeline with this configuration"
            )
        return quantiles.astype(np.float32), mean.astype(np.float32)
