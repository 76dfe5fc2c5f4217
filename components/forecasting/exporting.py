"""What is exported: raw history in, forecast out, in one graph.

The graph holds Transform's graph, the window function and the network, so that
an application sends what it knows about a series and nothing else has to agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from demandcast.components.forecasting.losses import clip_at_zero
from demandcast.components.forecasting.windows import Windows
from demandcast.schema import series_example
from demandcast.schema.config import SeriesSpec
from demandcast.schema.model_series import MODEL_SERIES_FILE
from demandcast.schema.model_training import MODEL_TRAINING_FILE, ModelTraining

__all__ = ["ForecastModule", "export", "raw_signature", "request_spec"]

_HISTORY = (
    series_example.TARGET,
    series_example.OBSERVED_MASK,
    series_example.IN_STOCK_FRACTION,
)


class ForecastModule(tf.Module):
    """Everything that serves a forecast.

    Attributes:
        transform: Layer with Transform's graph; an attribute, so that its tables are saved.
        network: Network without cuDNN operations.
    """

    def __init__(self, *, windows: Windows, transform: Any, network: keras.Model) -> None:
        super().__init__()
        self.transform = transform
        self.network = network
        self._windows = windows
        self._request_spec = request_spec(windows.series)

    def forecast(self, raw: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """Forecasts from raw examples.

        Args:
            raw: Features of a request by name; histories ragged [B, T], T = 0 for a new series.

        Returns:
            `quantiles` [B, H, Q] and `mean` [B, H], units per period.

        Raises:
            tf.errors.InvalidArgumentError: A covariate does not have T values, or, where it is
                known ahead, T + H.
        """
        inputs = self.network_inputs(raw)
        scale = inputs.pop("scale")[:, None, None]
        forecast = clip_at_zero(self.network(inputs, training=False)) * scale
        return {"quantiles": forecast[..., :-1], "mean": forecast[..., -1]}

    def network_inputs(self, raw: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """Makes what the network sees of raw examples; arguments and errors as for `forecast`.

        Returns:
            What `Windows.at_end` returns.
        """
        with tf.control_dependencies(self._length_checks(raw)):
            requests = _from_first_record(raw)
        return self._windows.at_end(self.transform(requests))

    def _length_checks(self, raw: Mapping[str, Any]) -> list[tf.Operation]:
        """Refuses covariates of a wrong length, which would be read as missing values."""
        series, periods = self._windows.series, raw[series_example.TARGET].row_lengths()
        ahead = dict.fromkeys(series.known_future.names, series.forecast.horizon)
        return [
            tf.debugging.assert_equal(
                values.row_lengths(),
                periods + ahead.get(name, 0),
                message=f"{name}: expected one value per period of {series_example.TARGET}"
                + (f" and {ahead[name]} after it" if name in ahead else ""),
            )
            for name, values in raw.items()
            if isinstance(values, tf.RaggedTensor)
        ]

    def serve_raw(self, **tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        """Signature `serving_default`: named tensors, histories left-padded with mask 0."""
        return self.forecast(
            {
                name: tensor if tensor.shape.rank == 1 else tf.RaggedTensor.from_tensor(tensor)
                for name, tensor in tensors.items()
            }
        )

    def serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Signature `serving_examples`: serialized `tf.Example`s."""
        return self.forecast(tf.io.parse_example(examples, self._request_spec))


def export(
    module: ForecastModule, directory: str, *, series: SeriesSpec, training: ModelTraining
) -> None:
    """Writes the SavedModel with both signatures, and beside it what it was trained on."""
    # There is no Python control flow on tensors to convert, and converting takes most of the time.
    raw = tf.function(module.serve_raw, autograph=False).get_concrete_function(
        **raw_signature(series)
    )
    examples = tf.function(module.serve_examples, autograph=False).get_concrete_function(
        examples=tf.TensorSpec([None], tf.string, name="examples")
    )
    tf.saved_model.save(
        module, directory, signatures={"serving_default": raw, "serving_examples": examples}
    )
    for name, content in ((MODEL_SERIES_FILE, series), (MODEL_TRAINING_FILE, training)):
        path = f"{directory}/{name}"
        tf.io.gfile.makedirs(path.rpartition("/")[0])
        with tf.io.gfile.GFile(path, "w") as file:
            file.write(content.model_dump_json(indent=2))


def raw_signature(series: SeriesSpec) -> dict[str, tf.TensorSpec]:
    """Names, types and shapes of `serving_default`."""
    specs = {name: tf.TensorSpec([None], tf.string, name=name) for name in series.static}
    specs[series_example.CUTOFF] = tf.TensorSpec([None], tf.int64, name=series_example.CUTOFF)
    floats = (*_HISTORY, *series.known_future.numeric, *series.observed_past.numeric)
    texts = (*series.known_future.categorical, *series.observed_past.categorical)
    specs |= {name: tf.TensorSpec([None, None], tf.float32, name=name) for name in floats}
    specs |= {name: tf.TensorSpec([None, None], tf.string, name=name) for name in texts}
    return specs


def request_spec(series: SeriesSpec) -> dict[str, Any]:
    """Tells how the features of a request are parsed from a `tf.Example`."""
    return {
        name: tf.io.FixedLenFeature([], spec.dtype)
        if spec.shape.rank == 1
        else tf.io.RaggedFeature(spec.dtype, row_splits_dtype=tf.int64)
        for name, spec in raw_signature(series).items()
    }


def _from_first_record(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Lets each history begin at its first recorded period, as examples do.

    A history that was never recorded keeps its last period, which is masked.
    """
    raw = _with_sound_history(raw)
    observed = raw[series_example.OBSERVED_MASK]
    position = _positions(observed)
    recorded = tf.where(observed.flat_values > 0, position, position.dtype.max)
    first = tf.reduce_min(observed.with_flat_values(recorded), axis=1)
    first = tf.maximum(tf.minimum(first, observed.row_lengths() - 1), 0)
    return {
        name: _without_first(values, first) if isinstance(values, tf.RaggedTensor) else values
        for name, values in raw.items()
    }


def _with_sound_history(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Reads a history as examples have it: 0 where not recorded, never NaN, never negative."""
    observed, target = raw[series_example.OBSERVED_MASK], raw[series_example.TARGET]
    recorded = (observed.flat_values > 0) & tf.math.is_finite(target.flat_values)
    units = tf.where(recorded, tf.maximum(target.flat_values, 0.0), 0.0)
    return {
        **raw,
        series_example.TARGET: target.with_flat_values(units),
        series_example.OBSERVED_MASK: observed.with_flat_values(tf.cast(recorded, tf.float32)),
    }


def _without_first(values: tf.RaggedTensor, count: tf.Tensor) -> tf.RaggedTensor:
    """Drops the first `count` [B] periods of each row."""
    kept = _positions(values) >= tf.gather(count, values.value_rowids())
    return tf.RaggedTensor.from_row_lengths(
        tf.boolean_mask(values.flat_values, kept), tf.maximum(values.row_lengths() - count, 0)
    )


def _positions(values: tf.RaggedTensor) -> tf.Tensor:
    """Position of each value in its row; int64, shape of the flat values."""
    rows = values.value_rowids()
    return tf.range(tf.size(rows, tf.int64)) - tf.gather(values.row_starts(), rows)
