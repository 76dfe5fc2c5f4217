"""The demand model: encoder LSTM, decoder LSTM, and quantiles that cannot cross.

What is forecast is a multiple of the reference, a blend of simple forecasts such
as the same week last year, whose weights the network learns for each step, times
the effects of what is known of it.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import tensorflow as tf
from keras import layers

from demandcast.schema.config import NetworkConfig

__all__ = ["Effects", "InputSpec", "OrderedQuantiles", "Reference", "build_network"]


_SMALLEST_REFERENCE = 0.02
"""In scales of the window."""

_LARGEST_EFFECT = 3.0
"""Change of log demand: beyond 20 times the reference, or a twentieth, nothing is learnt."""


@dataclass(frozen=True)
class InputSpec:
    """Shapes of the network's inputs; training, tests and export read them here.

    Attributes:
        context_length: C.
        horizon: H.
        encoder: Width of `encoder`, shape [B, C, encoder].
        decoder: Width of `decoder`, shape [B, H, decoder].
        reference: Simple forecasts in `reference`, shape [B, H, reference].
        static_sizes: Number of categories of each column of `static_index`, shape [B, S].
        known_sizes: The same of `decoder_index`, shape [B, H, K]; `encoder_index` begins with them.
        past_sizes: The same of the columns that `encoder_index` has after those.
    """

    context_length: int
    horizon: int
    encoder: int
    decoder: int
    reference: int
    static_sizes: tuple[int, ...]
    known_sizes: tuple[int, ...]
    past_sizes: tuple[int, ...]


@keras.saving.register_keras_serializable(package="demandcast")
class OrderedQuantiles(layers.Layer):
    """Turns free numbers into quantiles that cannot cross, and a mean that is not negative.

    Formula: q_1 = a_1, q_k = q_(k-1) + softplus(a_k), mean = softplus(b).

    The quantiles are those of `shift_zeros(demand)`; `clip_at_zero` turns them into those of
    demand, which are ordered too, never negative, and exactly 0 where demand mostly is.
    The biases start where demand of mean 1 with a deviation of 0.6 has its quantiles.
    """

    def __init__(self, quantile_levels: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.quantile_levels = tuple(quantile_levels)
        self.dense = layers.Dense(
            len(self.quantile_levels) + 1,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            bias_initializer=_start_of(self.quantile_levels),
            dtype="float32",
        )

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        self.dense.build(input_shape)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Maps shape [B, H, D] to [B, H, Q + 1]: quantiles, then the mean."""
        free = self.dense(inputs)
        steps = tf.concat([free[..., :1], tf.nn.softplus(free[..., 1:-1])], axis=-1)
        return tf.concat([tf.cumsum(steps, axis=-1), tf.nn.softplus(free[..., -1:])], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Returns what rebuilds the layer."""
        return super().get_config() | {"quantile_levels": self.quantile_levels}


@keras.saving.register_keras_serializable(package="demandcast")
class Reference(layers.Layer):
    """Blends the scale of the window and simple forecasts of each step.

    Formula: r = 0.02 + 0.98 * sum of w_k f_k, w = softmax of a dense layer over the forecasts
    that there are; f_0 = 1 is the scale, so there is always one.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dense: Any = None

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        hidden, simple = input_shape
        self.dense = layers.Dense(
            1 + simple[-1],
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
            dtype="float32",
            name="trust",
        )
        self.dense.build(hidden)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Maps [B, H, D] and forecasts [B, H, R], -1 where there is none, to [B, H, 1]."""
        hidden, simple = inputs
        forecasts = tf.concat([tf.ones_like(simple[..., :1]), simple], axis=-1)
        trust = tf.nn.softmax(tf.where(forecasts >= 0, self.dense(hidden), -1e9))
        blend = tf.reduce_sum(trust * tf.nn.relu(forecasts), axis=-1, keepdims=True)
        # Never zero: the forecast is a multiple of it, and a season ago may have had no demand.
        return _SMALLEST_REFERENCE + (1.0 - _SMALLEST_REFERENCE) * blend


@keras.saving.register_keras_serializable(package="demandcast")
class Effects(layers.Layer):
    """What acts on demand in a step, as a factor: a promotion before Christmas on a Saturday.

    Formula: exp(m tanh(x / m)), x linear in what is known of the step, m = 3. Effects multiply in
    trade, so in the logarithm they add up, and one that was learnt alone holds beside others.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # From zero: an untrained network knows of no effects.
        self.dense = layers.Dense(1, kernel_initializer="zeros", dtype="float32")

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        self.dense.build(input_shape)
        super().build(input_shape)

    def call(self, inputs: Any) -> Any:
        """Maps [B, H, D] to factors [B, H, 1]."""
        return tf.exp(_LARGEST_EFFECT * tf.tanh(self.dense(inputs) / _LARGEST_EFFECT))


def build_network(
    spec: InputSpec,
    config: NetworkConfig,
    *,
    quantile_levels: Sequence[float],
    use_cudnn: Literal["auto"] | bool = "auto",
) -> keras.Model:
    """Builds the network.

    Args:
        spec: Shapes of the inputs.
        config: Sizes.
        quantile_levels: Levels of the head, Q of them.
        use_cudnn: `auto` to train; False to export, for a server without a GPU.

    Returns:
        Model from the tensors of `Windows.cut` (without `scale`) to forecasts in units of the
        window's scale, shape [B, H, Q + 1]: quantiles before `clip_at_zero`, then the mean.
    """
    inputs = _inputs(spec)
    embed = _Embeddings(spec, config)
    static = layers.Dense(config.units // 2 + 1, activation="relu", name="static_dense")(
        layers.Dropout(config.dropout)(embed.static(inputs["static_index"]))
    )
    past = _joined(
        [
            inputs["encoder"],
            *embed.over_time(inputs["encoder_index"], spec.known_sizes + spec.past_sizes),
        ],
        name="past",
    )
    future = _joined(
        [inputs["decoder"], *embed.over_time(inputs["decoder_index"], spec.known_sizes)],
        name="future",
    )
    states, decoded = [], future
    for depth in range(config.layers):
        # What is constant in time sets where the LSTM starts: repeated in each period, it would
        # take a seventh of the time and teach no more.
        start = [
            layers.Dense(config.units, activation="tanh", name=f"start_{part}_{depth}")(static)
            for part in ("output", "cell")
        ]
        past, *state = _lstm(config, use_cudnn, name=f"encoder_{depth}", return_state=True)(
            past, initial_state=start
        )
        states.append(state)
    for depth, state in enumerate(states):
        decoded = _lstm(config, use_cudnn, name=f"decoder_{depth}", return_state=False)(
            decoded, initial_state=state
        )
    # The head also sees the inputs of its step: what is known ahead acts without delay.
    constant = layers.RepeatVector(spec.horizon)(static)
    seen = layers.Dropout(config.dropout)(_joined([decoded, future, constant], name="seen"))
    hidden = layers.Dense(config.head_units, activation="relu", name="head")(seen)
    multiples = OrderedQuantiles(quantile_levels, name="quantiles_and_mean")(hidden)
    reference = Reference(name="reference_blend")([hidden, inputs["reference"]])
    effects = Effects(name="effects")(future)
    forecast = layers.Multiply(name="forecast")([multiples, reference, effects])
    return keras.Model(inputs, forecast, name="demand")


def _joined(parts: list[Any], *, name: str) -> Any:
    return layers.Concatenate(name=name)(parts) if len(parts) > 1 else parts[0]


class _Embeddings:
    """One table per category; a category known ahead has the same in context and horizon."""

    def __init__(self, spec: InputSpec, config: NetworkConfig) -> None:
        self._static = self._tables("static", spec.static_sizes, config)
        self._timed = self._tables("timed", spec.known_sizes + spec.past_sizes, config)

    def static(self, index: Any) -> Any:
        """Embeds [B, S] to [B, D]."""
        parts = [table(index[:, column]) for column, table in enumerate(self._static)]
        return _joined(parts, name="static")

    def over_time(self, index: Any, sizes: tuple[int, ...]) -> list[Any]:
        """Embeds [B, L, K] to K tensors of [B, L, D]."""
        return [self._timed[column](index[:, :, column]) for column in range(len(sizes))]

    @staticmethod
    def _tables(kind: str, sizes: tuple[int, ...], config: NetworkConfig) -> list[Any]:
        return [
            layers.Embedding(
                size, min(config.embedding_size, round(size**0.5) + 1), name=f"{kind}_{column}"
            )
            for column, size in enumerate(sizes)
        ]


def _inputs(spec: InputSpec) -> Mapping[str, Any]:
    context, horizon = spec.context_length, spec.horizon
    known, past = len(spec.known_sizes), len(spec.past_sizes)
    shapes = {
        "encoder": ((context, spec.encoder), "float32"),
        "decoder": ((horizon, spec.decoder), "float32"),
        "reference": ((horizon, spec.reference), "float32"),
        "encoder_index": ((context, known + past), "int64"),
        "decoder_index": ((horizon, known), "int64"),
        "static_index": ((len(spec.static_sizes),), "int64"),
    }
    return {
        name: keras.Input(shape, dtype=dtype, name=name) for name, (shape, dtype) in shapes.items()
    }


class _WholeSequenceLSTM(layers.LSTM):
    """LSTM that forecasts in one operation for all periods, instead of a loop over them.

    Weights and numbers are those of Keras' LSTM. Trained, it runs as that one does.
    """

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = False
    ) -> Any:
        """Maps [B, L, D] and the states before it, both [B, units], to what LSTM returns."""
        if training:
            return super().call(sequences, initial_state, mask=mask, training=training)
        output, cell = initial_state
        unused = tf.zeros([self.units])  # Peepholes, which Keras does not have.
        # Both have the gates in the order input, forget, cell, output.
        periods = tf.raw_ops.BlockLSTMV2(
            seq_len_max=tf.constant(sequences.shape[1], tf.int64),
            x=tf.transpose(sequences, [1, 0, 2]),
            cs_prev=cell,
            h_prev=output,
            w=tf.concat([self.cell.kernel, self.cell.recurrent_kernel], axis=0),
            wci=unused,
            wcf=unused,
            wco=unused,
            b=self.cell.bias,
        )
        outputs = tf.transpose(periods.h, [1, 0, 2])
        return (outputs, periods.h[-1], periods.cs[-1]) if self.return_state else outputs


def _lstm(
    config: NetworkConfig, use_cudnn: Literal["auto"] | bool, *, name: str, return_state: bool
) -> Any:
    kind = layers.LSTM if use_cudnn else _WholeSequenceLSTM
    return kind(
        config.units,
        return_sequences=True,
        return_state=return_state,
        dropout=config.dropout if name[-1] != "0" else 0.0,
        use_cudnn=use_cudnn,
        name=name,
    )


def _start_of(levels: Sequence[float]) -> Any:
    """Biases for which the untrained head says the quantiles of a gamma distribution."""
    shape = 1 / 0.6**2
    normal = [statistics.NormalDist().inv_cdf(level) for level in levels]
    # Wilson-Hilferty: the cube root of a gamma variable is nearly normal.
    quantiles = [max(1 - 1 / (9 * shape) + z / (3 * shape**0.5), 0.05) ** 3 for z in normal]
    steps = [max(high - low, 1e-3) for low, high in itertools.pairwise(quantiles)]
    biases = [math.log(math.expm1(step)) for step in steps]
    return keras.initializers.Constant([quantiles[0], *biases, math.log(math.expm1(1.0))])
