"""What is exported: raw history in, forecast out, in one graph.

The graph holds Transform's graph, the window function and the network, so that
an application sends what it knows about a series and nothing else has to agree.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from demandcast.components.forecasting import histories
from demandcast.components.forecasting.inlining import inlined
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


@dataclass(frozen=True)
class _Untracked:
    """What the signatures are made of, hidden from what TensorFlow saves as objects of their own.

    Keras would save a copy of each variable of a network and let a loader without Python restore
    nothing else, so that TensorFlow Serving finds no weights.
    """

    network: keras.Model
    predicted: Callable[[Mapping[str, Any]], tf.Tensor]
    transformed: Callable[[Mapping[str, Any]], dict[str, Any]]


class ForecastModule(tf.Module):
    """Everything that serves a forecast.

    Attributes:
        transform: Layer with Transform's graph; an attribute, so that its tables are saved.
    """

    def __init__(self, *, windows: Windows, transform: Any, network: keras.Model) -> None:
        super().__init__()
        self.transform = transform
        self._parts = _Untracked(
            network=network,
            predicted=_with_constants(network),
            transformed=inlined(transform, _ragged_signature(windows.series)),
        )
        series = windows.series
        self._ahead = dict.fromkeys(series.known_future.names, series.forecast.horizon)
        self._windows = windows
        self._request_spec = request_spec(series)

    @property
    def network(self) -> keras.Model:
        """The network whose weights serve."""
        return self._parts.network

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
        return self._forecast(self.network_inputs(raw))

    def _forecast(self, inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        scale = inputs.pop("scale")[:, None, None]
        forecast = clip_at_zero(self._parts.predicted(inputs)) * scale
        return {"quantiles": forecast[..., :-1], "mean": forecast[..., -1]}

    def network_inputs(self, raw: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """Makes what the network sees of raw examples; arguments and errors as for `forecast`.

        Returns:
            What `Windows.at_end` returns.
        """
        shared = histories.with_shared_rows(raw, ahead=self._ahead)
        return self._network_inputs(shared)

    def _network_inputs(self, raw: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        recorded = histories.from_first_record(raw, ahead=self._ahead)
        return self._windows.at_end(self._parts.transformed(recorded))

    def serve_raw(self, **tensors: tf.Tensor) -> dict[str, tf.Tensor]:
        """Signature `serving_default`: named tensors, histories left-padded with mask 0."""
        padded = histories.from_padded(tensors, ahead=self._ahead)
        return self._forecast(self._network_inputs(padded))

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


def _with_constants(network: keras.Model) -> Callable[[Mapping[str, Any]], tf.Tensor]:
    """The network with its weights as constants of the graph; they change no more."""
    predict = functools.partial(network, training=False)
    if not isinstance(network, keras.Model):  # A function has no weights.
        return predict
    spec = {name: tf.TensorSpec(value.shape, value.dtype) for name, value in network.input.items()}
    return inlined(predict, spec)


def raw_signature(series: SeriesSpec) -> dict[str, tf.TensorSpec]:
    """Names, types and shapes of `serving_default`."""
    specs = {name: tf.TensorSpec([None], tf.string, name=name) for name in series.static}
    specs[series_example.CUTOFF] = tf.TensorSpec([None], tf.int64, name=series_example.CUTOFF)
    floats = (*_HISTORY, *series.known_future.numeric, *series.observed_past.numeric)
    texts = (*series.known_future.categorical, *series.observed_past.categorical)
    specs |= {name: tf.TensorSpec([None, None], tf.float32, name=name) for name in floats}
    specs |= {name: tf.TensorSpec([None, None], tf.string, name=name) for name in texts}
    return specs


def _ragged_signature(series: SeriesSpec) -> dict[str, Any]:
    """Types of what Transform's graph is given."""
    return {
        name: spec
        if spec.shape.rank == 1
        else tf.RaggedTensorSpec([None, None], spec.dtype, ragged_rank=1)
        for name, spec in raw_signature(series).items()
    }


def request_spec(series: SeriesSpec) -> dict[str, Any]:
    """Tells how the features of a request are parsed from a `tf.Example`."""
    return {
        name: tf.io.FixedLenFeature([], spec.dtype)
        if spec.shape.rank == 1
        else tf.io.RaggedFeature(spec.dtype, row_splits_dtype=tf.int64)
        for name, spec in raw_signature(series).items()
    }
