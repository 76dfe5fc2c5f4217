"""Shapes, quantiles that cannot cross, and where an untrained network starts."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.forecasting.losses import clip_at_zero
from demandcast.components.forecasting.network import (
    Effects,
    InputSpec,
    OrderedQuantiles,
    Reference,
    build_network,
)
from demandcast.schema.config import NetworkConfig

pytestmark = pytest.mark.slow

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
ONE = (0.5,)
NINE = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def spec_of(context=5, horizon=3, *, static=(4, 2), known=(3,), past=(6,)):
    return InputSpec(
        context_length=context,
        horizon=horizon,
        encoder=7,
        decoder=8,
        reference=4,
        static_sizes=static,
        known_sizes=known,
        past_sizes=past,
    )


def inputs_of(spec, *, batch=2, seed=0, spread=1.0):
    rng = np.random.default_rng(seed)

    def index(shape, sizes):
        columns = [rng.integers(0, size, shape) for size in sizes]
        return np.stack(columns, -1) if columns else np.zeros((*shape, 0), np.int64)

    context, horizon = (batch, spec.context_length), (batch, spec.horizon)
    return {
        "encoder": tf.constant(spread * rng.normal(size=(*context, spec.encoder)), tf.float32),
        "decoder": tf.constant(spread * rng.normal(size=(*horizon, spec.decoder)), tf.float32),
        "reference": tf.ones([batch, spec.horizon, spec.reference]),
        "encoder_index": tf.constant(index(context, spec.known_sizes + spec.past_sizes)),
        "decoder_index": tf.constant(index(horizon, spec.known_sizes)),
        "static_index": tf.constant(index((batch,), spec.static_sizes)),
    }


@pytest.mark.parametrize(
    ("spec", "config", "levels"),
    [
        (spec_of(), NetworkConfig(units=3, head_units=2), LEVELS),
        (spec_of(1, 1), NetworkConfig(units=1, head_units=1, embedding_size=1), ONE),
        (spec_of(static=(1,), known=(), past=()), NetworkConfig(units=2, layers=2), NINE),
        (spec_of(2, 9, known=()), NetworkConfig(units=3, dropout=0.0), (0.5, 0.9)),
        (spec_of(9, 2, past=()), NetworkConfig(units=3, layers=2), LEVELS),
        (spec_of(static=(3, 1000, 2), known=(2, 3)), NetworkConfig(units=5), LEVELS),
    ],
)
def test_shapes(spec, config, levels):
    network = build_network(spec, config, quantile_levels=levels, use_cudnn=False)
    for batch in (1, 4):
        forecast = network(inputs_of(spec, batch=batch), training=False)
        assert forecast.shape == (batch, spec.horizon, len(levels) + 1)
        assert np.isfinite(forecast.numpy()).all()
    tables = [layer for layer in network.layers if isinstance(layer, keras.layers.Embedding)]
    assert all(table.output_dim <= config.embedding_size for table in tables)


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("context", "horizon"), [(1, 1), (5, 3), (2, 9), (56, 28)])
@pytest.mark.parametrize("units", [1, 7, 32])
def test_what_is_exported_says_what_was_trained(layers, context, horizon, units):
    """One operation for a whole sequence, against the loop of Keras; states are set in both."""
    spec = spec_of(context, horizon)
    config = NetworkConfig(units=units, layers=layers, head_units=4, dropout=0.0)
    trained, exported = (
        build_network(spec, config, quantile_levels=LEVELS, use_cudnn=kind)
        for kind in ("auto", False)
    )
    rng = np.random.default_rng(units)
    weights = [0.5 * rng.normal(size=weight.shape) for weight in trained.get_weights()]
    trained.set_weights(weights)
    exported.set_weights(weights)
    for batch, spread in ((1, 1.0), (3, 30.0)):
        inputs = inputs_of(spec, batch=batch, seed=batch, spread=spread)
        expected = trained(inputs, training=False).numpy()
        assert np.ptp(expected) > 0.01
        np.testing.assert_allclose(exported(inputs, training=False), expected, rtol=1e-4, atol=1e-5)


def test_what_is_exported_can_be_trained_on():
    spec = spec_of()
    network = build_network(spec, NetworkConfig(units=4), quantile_levels=ONE, use_cudnn=False)
    network.compile("adam", "mse")
    losses = network.fit(
        inputs_of(spec, batch=16), np.full((16, 3, 2), 3.0), epochs=3, verbose=0
    ).history["loss"]
    assert losses[-1] < losses[0]


@given(
    seed=st.integers(0, 10_000),
    spread=st.sampled_from([0.0, 0.1, 1.0, 30.0, 1e4]),
    size=st.sampled_from([0.0, 1.0, 1e3, 1e15]),
    levels=st.sampled_from([ONE, LEVELS, NINE]),
)
@settings(max_examples=40, deadline=None)
def test_quantiles_cannot_cross_nor_be_negative(seed, spread, size, levels):
    rng = np.random.default_rng(seed)
    layer = OrderedQuantiles(levels)
    layer.build((None, None, 6))
    layer.dense.set_weights(
        [spread * rng.normal(size=weight.shape) for weight in layer.dense.get_weights()]
    )
    inputs = tf.constant(size * rng.normal(size=(3, 4, 6)), tf.float32)
    forecast = clip_at_zero(layer(inputs)).numpy()
    assert np.isfinite(forecast).all()
    assert (forecast >= 0).all()
    assert (np.diff(forecast[..., :-1], axis=2) >= 0).all()


def test_a_whole_network_with_large_weights_does_not_cross():
    spec = spec_of()
    network = build_network(spec, NetworkConfig(units=4), quantile_levels=LEVELS, use_cudnn=False)
    rng = np.random.default_rng(3)
    network.set_weights([3 * rng.normal(size=weight.shape) for weight in network.get_weights()])
    forecast = clip_at_zero(network(inputs_of(spec, spread=100.0, batch=50))).numpy()
    assert (np.diff(forecast[..., :-1], axis=2) >= 0).all()
    assert (forecast >= 0).all()
    assert np.ptp(forecast[..., -1]) > 0


def test_starts_at_the_quantiles_of_a_gamma_distribution():
    spec = spec_of()
    keras.utils.set_random_seed(1)
    network = build_network(spec, NetworkConfig(), quantile_levels=LEVELS, use_cudnn=False)
    forecast = network(inputs_of(spec, batch=8), training=False).numpy()
    shape = 1 / 0.6**2
    demand = np.random.default_rng(0).gamma(shape, 1 / shape, 200_000)  # mean 1, deviation 0.6
    expected = [*np.quantile(demand, LEVELS), demand.mean()]
    np.testing.assert_allclose(forecast, np.broadcast_to(expected, forecast.shape), atol=0.1)


def test_the_reference_is_a_blend_of_what_is_known():
    layer = Reference()
    hidden = tf.constant([[[1.0, 2.0]]])
    simple = tf.constant([[[4.0, -1.0, 0.5]]])
    layer.build([hidden.shape, simple.shape])
    kernel = np.array([[0.0, 0.5, 9.0, 0.0], [0.0, 0.0, 9.0, 0.5]])
    layer.dense.set_weights([kernel, np.array([0.0, 0.0, 9.0, 0.25])])
    # Logits: 0 for the scale, 1 * 0.5 = 0.5 for 4.0, none for -1, 2 * 0.5 + 0.25 = 1.25 for 0.5.
    trust = np.exp([0.0, 0.5, 1.25])
    blend = trust @ [1.0, 4.0, 0.5] / trust.sum()
    np.testing.assert_allclose(layer([hidden, simple]), [[[0.02 + 0.98 * blend]]], rtol=1e-6)


def test_without_any_simple_forecast_the_reference_is_the_scale():
    layer = Reference()
    reference = layer([tf.random.stateless_normal([5, 3, 6], [1, 2]), -tf.ones([5, 3, 2])])
    np.testing.assert_allclose(reference, np.ones((5, 3, 1)), rtol=1e-6)


def test_effects_are_factors_that_multiply():
    layer = Effects()
    layer.build([1, 4, 2])
    layer.dense.set_weights([np.array([[0.1], [0.05]]), np.array([0.0])])
    neither, flyer, holiday, both = layer(
        tf.constant([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]])
    ).numpy()[0, :, 0]
    assert neither == 1.0
    assert flyer == pytest.approx(np.exp(3 * np.tanh(0.1 / 3)), rel=1e-6)
    assert both == pytest.approx(flyer * holiday, rel=1e-3)


def test_effects_have_bounds():
    layer = Effects()
    layer.build([1, 2, 1])
    layer.dense.set_weights([np.array([[1.0]]), np.array([0.0])])
    factors = layer(tf.constant([[[1e6], [-1e6]]])).numpy()[0, :, 0]
    np.testing.assert_allclose(factors, np.exp([3.0, -3.0]), rtol=1e-5)


def test_the_forecast_grows_with_what_a_season_ago_says():
    spec = spec_of()
    network = build_network(spec, NetworkConfig(units=4), quantile_levels=LEVELS, use_cudnn=False)
    inputs = inputs_of(spec)
    quiet, busy = (
        network(inputs | {"reference": tf.fill([2, 3, 4], level)}).numpy() for level in (0.0, 9.0)
    )
    # The scale and 4 forecasts have about equal weights before training: 0.2 against 7.4 scales.
    np.testing.assert_allclose(busy / quiet, (0.02 + 0.98 * 7.4) / (0.02 + 0.98 * 0.2), rtol=0.15)


def test_the_same_seed_gives_the_same_weights():
    def weights(seed):
        keras.utils.set_random_seed(seed)
        return build_network(spec_of(), NetworkConfig(units=4), quantile_levels=ONE).get_weights()

    first, second, other = weights(5), weights(5), weights(6)
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


def test_a_category_known_ahead_has_one_table_for_context_and_horizon():
    network = build_network(
        spec_of(static=(4,), known=(3,), past=(6,)), NetworkConfig(), quantile_levels=ONE
    )
    tables = [layer for layer in network.layers if isinstance(layer, keras.layers.Embedding)]
    assert sorted(table.input_dim for table in tables) == [3, 4, 6]


def test_each_step_sees_its_own_inputs():
    spec = spec_of()
    network = build_network(spec, NetworkConfig(units=4), quantile_levels=ONE, use_cudnn=False)
    inputs = inputs_of(spec)
    decoder = inputs["decoder"].numpy()
    decoder[:, -1] += 1.0
    before, after = network(inputs), network(inputs | {"decoder": tf.constant(decoder)})
    different = (before.numpy() != after.numpy()).any(axis=(0, 2))
    assert different.tolist() == [False, False, True]


def test_the_head_can_be_saved():
    layer = OrderedQuantiles(LEVELS, name="head")
    again = OrderedQuantiles.from_config(layer.get_config())
    assert again.quantile_levels == LEVELS
    assert again.name == "head"
