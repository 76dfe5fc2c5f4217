"""One window equals a loop over its periods, and no window sees past its cutoff."""

import functools

import forecasting_oracle as oracle
import numpy as np
import pytest
import tensorflow as tf
from forecasting_world import (
    CONTEXT,
    HORIZON,
    features_config,
    raw_example,
    raw_examples,
    raw_tensors,
    series_spec,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from demandcast.components.forecasting.windows import Windows, gather_periods
from demandcast.schema.series_example import (
    IN_STOCK_FRACTION,
    LABELS,
    OBSERVED_MASK,
    TARGET,
)

pytestmark = pytest.mark.slow

FREQUENCIES = ("D", "W-MON")
KNOWN = (
    "known_price",
    "known_display",
    "known_price_x_display",
    "known_average_price",
    "known_relative_price",
)
PAST = ("past_temperature", "past_growth")
AVERAGES = ("moving_average_3", "moving_average_7")
STATIC = ("static_store", "static_item", "static_category", "static_store_x_category")
KNOWN_INDEX = ("known_event", "known_category_x_event")
PAST_INDEX = ("past_sky",)


@functools.cache
def windows_of(frequency):
    return Windows(series_spec(frequency), features_config())


@functools.cache
def compiled(frequency, method):
    """Traced once, as training does; eager calls would take most of the time."""
    windows = windows_of(frequency)
    functions = {
        "at_end": windows.at_end,
        "cut": lambda examples, cutoffs: windows.cut(examples, cutoffs=cutoffs),
        "join and cut": lambda examples, cutoffs: windows.cut(
            windows.join(examples), cutoffs=cutoffs
        ),
    }
    return tf.function(functions[method], autograph=False, reduce_retracing=True)


def by_series(transformed, *, joined=True):
    """Transformed examples as plain dictionaries, histories joined with their labels."""
    rows = []
    for i in range(len(transformed["cutoff"])):
        example = {name: np.asarray(values[i]) for name, values in transformed.items()}
        if joined:
            for past, future in zip(
                (TARGET, OBSERVED_MASK, IN_STOCK_FRACTION), LABELS, strict=True
            ):
                example[past] = np.concatenate([example[past], example[future]])
        rows.append(example)
    return rows


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_equals_a_loop_over_the_periods(world, frequency):
    rng = np.random.default_rng(6)
    raw = raw_examples(10, seed=21)
    cutoffs = [int(rng.integers(0, len(example[TARGET]))) for example in raw]
    transformed = world.transform_layer(raw_tensors(raw))
    found = compiled(frequency, "join and cut")(transformed, tf.constant(cutoffs, tf.int64))
    days = HORIZON * (1 if frequency == "D" else 7)
    for i, (example, cutoff) in enumerate(zip(by_series(transformed), cutoffs, strict=True)):
        example["cutoff"] = example["cutoff"] + days
        slow = oracle.Window(
            example, cutoff=cutoff, series=series_spec(frequency), features=features_config()
        )
        expected = {
            "scale": slow.scale,
            "encoder": slow.encoder(KNOWN, PAST, AVERAGES),
            "decoder": slow.decoder(KNOWN, AVERAGES),
            "reference": slow.reference(),
            "encoder_index": [[slow.at(n, t) for n in KNOWN_INDEX + PAST_INDEX] for t in slow.past],
            "decoder_index": [[slow.at(name, t) for name in KNOWN_INDEX] for t in slow.future],
            "static_index": [example[name] for name in STATIC],
        }
        assert set(found) == set(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(found[name][i], values, rtol=1e-4, atol=1e-5, err_msg=name)


def changed_after(raw, cutoffs, seed):
    """The same series until their cutoffs; another world after them."""
    rng = np.random.default_rng(seed)
    others = []
    for example, cutoff in zip(raw, cutoffs, strict=True):
        other, length = dict(example), len(example[TARGET])
        history = {
            TARGET: rng.choice([0, 3, 1e6], length),
            OBSERVED_MASK: rng.integers(0, 2, length),
            IN_STOCK_FRACTION: rng.random(length),
            "temperature": rng.choice([np.nan, -50, 1e9], length),
        }
        sky = rng.choice(np.array([b"", b"clear", b"hail"], object), length)
        for name, values in (history | {"sky": sky}).items():
            kept = example[name][: cutoff + 1]
            other[name] = np.concatenate([kept, values[cutoff + 1 :].astype(kept.dtype)])
        for name in LABELS:
            other[name] = rng.integers(0, 2, HORIZON).astype(np.float32) * 7
        others.append(other)
    return others


@pytest.mark.parametrize("frequency", FREQUENCIES)
@given(seed=st.integers(0, 100_000))
@settings(max_examples=25, deadline=None)
def test_nothing_after_the_cutoff_is_seen(world, frequency, seed):
    rng = np.random.default_rng(seed)
    lengths = [1, 2, *rng.integers(1, 70, 8).tolist()]
    raw = [raw_example(rng, length=int(n), number=i) for i, n in enumerate(lengths)]
    cutoffs = [int(rng.integers(0, n)) for n in lengths]
    cut = compiled(frequency, "join and cut")
    before, after = (
        cut(world.transform_layer(raw_tensors(examples)), tf.constant(cutoffs, tf.int64))
        for examples in (raw, changed_after(raw, cutoffs, seed))
    )
    for name, values in before.items():
        assert values.numpy().tobytes() == after[name].numpy().tobytes(), name


def test_what_is_known_ahead_is_seen(world):
    raw = raw_examples(8, seed=2)
    others = [dict(example) for example in raw]
    for other in others:
        other["price"] = other["price"].copy()
        other["price"][-1] = 10.01
        other["event"] = other["event"].copy()
        other["event"][-1] = b"" if other["event"][-1] else b"feast"
    at_end = compiled("D", "at_end")
    before, after = (at_end(world.transform_layer(raw_tensors(e))) for e in (raw, others))
    assert (before["decoder"][:, -1].numpy() != after["decoder"][:, -1].numpy()).any(axis=1).all()
    assert (before["decoder_index"][:, -1] != after["decoder_index"][:, -1]).numpy().any(1).all()
    assert before["scale"].numpy().tolist() == after["scale"].numpy().tolist()


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_the_own_cutoff_is_the_last_period_before_the_labels(world, frequency):
    raw = raw_examples(12, seed=5)
    transformed = world.transform_layer(raw_tensors(raw))
    last = tf.constant([len(example[TARGET]) - 1 for example in raw], tf.int64)
    at_end = compiled(frequency, "at_end")(transformed)
    cut = compiled(frequency, "cut")(transformed, last)
    joined = compiled(frequency, "join and cut")(transformed, last)
    for name, values in at_end.items():
        np.testing.assert_allclose(cut[name], values, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(joined[name], values, atol=1e-6, err_msg=name)


def test_shapes(world):
    windows = windows_of("D")
    inputs = compiled("D", "at_end")(world.transform_layer(raw_tensors(raw_examples(5))))
    shapes = {name: tuple(values.shape) for name, values in inputs.items()}
    dates = 2 * len(windows.features.calendar) + 3
    assert shapes == {
        # Target, mask, stock, full stock; covariates; averages; two lags and their masks; dates.
        "encoder": (5, CONTEXT, 4 + len(KNOWN + PAST) + len(AVERAGES) + 2 * 2 + dates),
        # Covariates, and their changes; lags; dates; profile, step; three levels, growth, averages,
        # level, two shares.
        "decoder": (5, HORIZON, 2 * len(KNOWN) + 2 * 2 + dates + 2 + 3 + 2 + len(AVERAGES) + 3),
        # Profile, two levels; each lag as it is and grown.
        "reference": (5, HORIZON, 3 + 2 * 2),
        "encoder_index": (5, CONTEXT, len(KNOWN_INDEX + PAST_INDEX)),
        "decoder_index": (5, HORIZON, len(KNOWN_INDEX)),
        "static_index": (5, len(STATIC)),
        "scale": (5,),
    }


EDGES = {
    "one period": ([4.0], [1.0], [1.0]),
    "one period, not recorded": ([0.0], [0.0], [1.0]),
    "never sold": ([0.0] * 30, [1.0] * 30, [1.0] * 30),
    "never recorded": ([0.0] * 30, [0.0] * 30, [1.0] * 30),
    "always out of stock": ([0.0] * 30, [1.0] * 30, [0.0] * 30),
    "hardly ever in stock": ([1.0] * 30, [1.0] * 30, [1e-6] * 30),
    "a long gap": ([9.0] + [0.0] * 29, [1.0] + [0.0] * 29, [1.0] * 30),
    "constant": ([3.0] * 30, [1.0] * 30, [1.0] * 30),
    "huge": ([1e30] * 30, [1.0] * 30, [1.0] * 30),
    "huge once": ([1.0] * 29 + [1e12], [1.0] * 30, [1.0] * 30),
}


def edge_example(target, observed, stock):
    example = raw_example(np.random.default_rng(1), length=len(target), number=1)
    values = zip((TARGET, OBSERVED_MASK, IN_STOCK_FRACTION), (target, observed, stock), strict=True)
    return example | {name: np.array(value, np.float32) for name, value in values}


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_edges_are_finite_and_their_scale_positive(world, frequency):
    raw = [edge_example(*edge) for edge in EDGES.values()]
    inputs = compiled(frequency, "at_end")(world.transform_layer(raw_tensors(raw)))
    scale = dict(zip(EDGES, inputs["scale"].numpy(), strict=True))
    assert all(0 < value < np.inf for value in scale.values()), scale
    for name, values in inputs.items():
        assert np.isfinite(values.numpy()).all(), name
    level = world.transform_layer(raw_tensors(raw))["target_level"].numpy()[0]
    assert scale["never recorded"] == pytest.approx(level)
    assert scale["never sold"] == pytest.approx(0.1 * level / (CONTEXT + 0.1))
    assert scale["constant"] == pytest.approx((CONTEXT * 3 + 0.1 * level) / (CONTEXT + 0.1))
    assert scale["one period"] == pytest.approx((4 + 0.1 * level) / 1.1)


def test_sales_are_divided_by_the_share_of_the_period_in_stock(world):
    half = edge_example([2.0] * 30, [1.0] * 30, [0.5] * 30)
    inputs = compiled("D", "at_end")(world.transform_layer(raw_tensors([half])))
    level = world.transform_layer(raw_tensors([half]))["target_level"].numpy()[0]
    expected = (CONTEXT * 2 + 0.1 * level) / (CONTEXT * 0.5 + 0.1)
    assert inputs["scale"].numpy()[0] == pytest.approx(expected)


def test_labels_weigh_nothing_where_demand_is_unknown_or_censored(world):
    example = raw_example(np.random.default_rng(1), length=20, number=1)
    example |= {
        "future_target": np.array([5, 0, 2, 7, 0, 9, 1], np.float32),
        "future_observed_mask": np.array([1, 0, 1, 1, 1, 1, 1], np.float32),
        "future_in_stock_fraction": np.array([1, 1, 0.5, 0.9995, 0, 1, 0.998], np.float32),
    }
    windows = windows_of("D")
    joined = windows.join(world.transform_layer(raw_tensors([example])))
    labels = windows.labels(joined, cutoffs=tf.constant([19], tf.int64))
    assert labels["units"].numpy().tolist() == [[5, 0, 2, 7, 0, 9, 1]]
    assert labels["weight"].numpy().tolist() == [[1, 0, 0, 1, 0, 1, 0]]


def test_labels_are_what_happened_after_each_cutoff(world):
    raw = raw_examples(10, seed=4)
    rng = np.random.default_rng(0)
    cutoffs = [int(rng.integers(0, len(example[TARGET]))) for example in raw]
    windows = windows_of("D")
    joined = windows.join(world.transform_layer(raw_tensors(raw)))
    labels = windows.labels(joined, cutoffs=tf.constant(cutoffs, tf.int64))
    for i, (example, cutoff) in enumerate(zip(raw, cutoffs, strict=True)):
        ahead = slice(cutoff + 1, cutoff + 1 + HORIZON)
        target, observed, stock = (
            np.concatenate([example[past], example[future]])[ahead]
            for past, future in zip((TARGET, OBSERVED_MASK, IN_STOCK_FRACTION), LABELS, strict=True)
        )
        assert labels["units"][i].numpy().tolist() == target.tolist()
        assert labels["weight"][i].numpy().tolist() == (observed * (stock >= 0.999)).tolist()


def test_gather_periods():
    values = tf.ragged.constant([[1.0, 2.0], [3.0], [4.0, 5.0, 6.0]])
    positions = tf.constant([[-1, 0, 1, 2], [0, 1, -5, 9], [2, 1, 0, 3]], tf.int64)
    assert gather_periods(values, positions).numpy().tolist() == [
        [0, 1, 2, 0],
        [3, 0, 0, 0],
        [6, 5, 4, 0],
    ]


def test_gather_periods_of_a_row_without_any():
    values = tf.ragged.constant([[1.0], []], ragged_rank=1)
    positions = tf.constant([[0, 1], [0, 1]], tf.int64)
    assert gather_periods(values, positions).numpy().tolist() == [[1, 0], [0, 0]]
    assert gather_periods(values[1:], positions[1:]).numpy().tolist() == [[0, 0]]


@pytest.mark.parametrize(
    "without",
    [
        {"lags": ()},
        {"moving_averages": ()},
        {"interactions": ()},
        {"calendar": ()},
        {"price_column": None, "holiday_column": None, "interactions": ()},
        {
            "lags": (),
            "moving_averages": (),
            "interactions": (),
            "calendar": (),
            "price_column": None,
            "holiday_column": None,
        },
    ],
    ids=" ".join,
)
def test_what_a_configuration_leaves_out_is_not_needed(world, without):
    transformed = world.transform_layer(raw_tensors(raw_examples(6)))
    features = features_config().model_copy(update=without)
    least = tf.function(Windows(series_spec("D"), features).at_end, autograph=False)(transformed)
    full = compiled("D", "at_end")(transformed)
    lags = 2 * len(features.lags)
    assert least["reference"].shape == (6, HORIZON, 3 + lags)
    # Profile and levels look at sales alone, and so do the lags that are there.
    expected = full["reference"][..., : 3 + lags]
    np.testing.assert_array_equal(least["reference"], expected)
    assert least["scale"].numpy().tolist() == full["scale"].numpy().tolist()
    for name in ("encoder", "decoder"):
        assert least[name].shape[:2] == full[name].shape[:2]
        assert least[name].shape[2] < full[name].shape[2] or set(without) == {"interactions"}
