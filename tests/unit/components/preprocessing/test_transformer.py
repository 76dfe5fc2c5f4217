"""What comes out for one raw example: names, what passes through, and each group of features."""

import forecasting_oracle as oracle
import numpy as np
import pytest
import tensorflow as tf
from forecasting_world import HORIZON, raw_example, raw_examples, raw_tensors

from demandcast.schema import series_example, transformed_example
from demandcast.schema.transformed_example import TransformedSpec

pytestmark = pytest.mark.slow

PASSED = (
    series_example.CUTOFF,
    series_example.TARGET,
    series_example.OBSERVED_MASK,
    series_example.IN_STOCK_FRACTION,
    *series_example.LABELS,
    series_example.NAIVE_FORECAST,
)
LENGTH = 30


def names_of(spec):
    """All features that the network reads, by the rules of `TransformedSpec`."""
    names = {
        *spec.indices,
        *spec.known_numeric,
        *spec.past_numeric,
        *spec.known_units,
        *(TransformedSpec.mask_of(name) for name in spec.known_units),
        *spec.past_units,
        transformed_example.TARGET_LEVEL,
    }
    return names | ({transformed_example.HOLIDAY} if spec.has_holiday else set())


def example_of(**columns):
    """One raw example of `LENGTH` periods with some columns of its own."""
    example = raw_example(np.random.default_rng(8), length=LENGTH, number=4)
    for name, values in columns.items():
        assert len(values) == len(example[name]), name
    return example | columns


def transformed(world, *examples):
    return world.transform_layer(raw_tensors(list(examples)))


def row(world, example, name):
    return transformed(world, example)[name].numpy()[0]


def floats(*values):
    return np.array(values, np.float32)


def test_emits_what_the_network_reads_and_what_passes_through(world):
    spec = TransformedSpec.from_config(world.series, world.features)
    found = set(world.transform_output.transformed_feature_spec())
    assert found == names_of(spec) | set(PASSED)


def test_history_labels_and_cutoff_pass_through_bit_by_bit(world):
    examples = raw_examples(20, seed=99)
    inputs, outputs = raw_tensors(examples), transformed(world, *examples)
    for name in PASSED:
        before, after = inputs[name], outputs[name]
        assert before.dtype == after.dtype
        if isinstance(before, tf.RaggedTensor):
            assert before.row_lengths().numpy().tolist() == after.row_lengths().numpy().tolist()
            before, after = before.flat_values, after.flat_values
        assert before.numpy().tobytes() == after.numpy().tobytes()


def test_types_and_lengths(world):
    spec = TransformedSpec.from_config(world.series, world.features)
    outputs = transformed(world, *raw_examples(10, seed=7))
    lengths = outputs[series_example.TARGET].row_lengths().numpy()
    ahead = (*spec.known_numeric, *spec.known_index, *spec.known_units, transformed_example.HOLIDAY)
    for name in names_of(spec):
        values = outputs[name]
        assert values.dtype == (tf.int64 if name in spec.indices else tf.float32)
        if isinstance(values, tf.RaggedTensor):
            expected = lengths + HORIZON if name in ahead or name.endswith("_mask") else lengths
            assert values.row_lengths().numpy().tolist() == expected.tolist(), name
        else:
            assert name in (*spec.static_index, transformed_example.TARGET_LEVEL)


def test_a_serving_request_has_no_labels(world):
    inputs = raw_tensors(raw_examples(3))
    without = {name: value for name, value in inputs.items() if not name.startswith("future_")}
    complete, found = world.transform_layer(inputs), world.transform_layer(without)
    spec = TransformedSpec.from_config(world.series, world.features)
    for name in names_of(spec):
        before, after = (
            values.flat_values if isinstance(values, tf.RaggedTensor) else values
            for values in (complete[name], found[name])
        )
        assert before.numpy().tobytes() == after.numpy().tobytes()


def test_products_are_those_of_the_scaled_columns(world):
    example = example_of()
    price, display = row(world, example, "known_price"), row(world, example, "known_display")
    np.testing.assert_allclose(row(world, example, "known_price_x_display"), price * display)
    assert len(set(display.tolist())) == 2


def vocabulary(world, name):
    return [word.decode() for word in world.transform_output.vocabulary_by_name(name)]


def test_crosses_of_constants(world):
    known = vocabulary(world, "static_store_x_category")
    for store, category in (("s1", "c0"), ("s2", "c1")):
        example = example_of() | {"store": store.encode(), "category": category.encode()}
        found = transformed(world, example)["static_store_x_category"].numpy().item()
        assert found == known.index(f"{store}|{category}")
    example = example_of() | {"store": b"s9"}
    unseen = transformed(world, example)["static_store_x_category"].numpy().item()
    assert unseen == len(known)


def test_crosses_of_a_constant_with_a_covariate(world):
    known = vocabulary(world, "known_category_x_event")
    event = np.array([b""] * (LENGTH + HORIZON), object)
    event[[2, LENGTH]] = b"feast"
    for category in ("c0", "c1"):
        example = example_of(event=event) | {"category": category.encode()}
        found = row(world, example, "known_category_x_event").tolist()
        words = [f"{category}|{word.decode()}" for word in event]
        assert found == [known.index(word) if word in known else len(known) for word in words]


def test_relative_price_is_over_the_average_so_far(world):
    start = floats(np.nan, 10, np.nan, 20, 0, 30, -5, np.inf)
    price = np.r_[start, np.full(LENGTH + HORIZON - 8, np.nan, np.float32)]
    found = row(world, example_of(price=price), "known_relative_price")
    # Prices of the training data lie within a tenth of their average: beyond are the bounds.
    assert found[1] < found[3] == found[5] == found.max()
    # Missing ones are the mean over the training data, which scales to 0.
    np.testing.assert_array_equal(found[[0, 2, 4, 6, 7, 8]], 0.0)


def test_relative_price_is_a_log_ratio_scaled(world):
    price = np.full(LENGTH + HORIZON, np.nan, np.float32)
    price[:4] = [10.0, 10.2, 9.9, 10.3]
    found = row(world, example_of(price=price), "known_relative_price")
    averages = np.cumsum(price[:4]) / np.arange(1, 5)
    logs = np.log(price[:4] / averages)
    # Scaled is shifted and stretched: differences keep their ratios.
    ratio = (found[1:4] - found[0]) / (found[1] - found[0])
    np.testing.assert_allclose(ratio, (logs[1:] - logs[0]) / (logs[1] - logs[0]), rtol=1e-3)
    assert found[1] > found[0]


def test_average_price_is_missing_before_the_first_price(world):
    price = np.full(LENGTH + HORIZON, 10.75, np.float32)
    price[:5] = np.nan
    price[-1] = 10.25
    found = row(world, example_of(price=price), "known_average_price")
    # Imputed by the mean over the training data, which scales to 0.
    np.testing.assert_allclose(found[:5], 0.0, atol=1e-6)
    assert len(set(found[5:-1].tolist())) == 1
    assert found[-1] < found[-2]
    assert np.abs(found).max() < 50


def test_holidays_are_where_the_column_is_not_empty(world):
    event = np.array([b""] * (LENGTH + HORIZON), object)
    event[[0, 7, LENGTH + HORIZON - 1]] = (b"feast", b"new", b"feast")
    found = row(world, example_of(event=event), transformed_example.HOLIDAY)
    assert np.flatnonzero(found).tolist() == [0, 7, LENGTH + HORIZON - 1]
    assert set(found.tolist()) == {0.0, 1.0}


def test_demand_history(world):
    target = np.arange(1, LENGTH + 1, dtype=np.float32)
    observed = np.where(np.arange(LENGTH) == 9, 0, 1).astype(np.float32)
    stock = np.ones(LENGTH, np.float32)
    stock[[11, 12]] = (0.5, 0.0)
    example = example_of(target=target, observed_mask=observed, in_stock_fraction=stock)
    exposure = observed * stock
    units = target * (exposure > 0)
    for lag in (7, 21):
        expected = oracle.lagged(units, lag=lag, horizon=HORIZON)
        assert row(world, example, f"lag_{lag}").tolist() == expected
        usable = oracle.lagged(exposure > 0, lag=lag, horizon=HORIZON)
        assert row(world, example, f"lag_{lag}_mask").tolist() == usable
    for window in (3, 7):
        expected = oracle.trailing_mean(units, exposure, window=window)
        found = row(world, example, f"moving_average_{window}")
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    expected = oracle.growth_rate(units, exposure, window=7)
    np.testing.assert_allclose(row(world, example, "past_growth"), expected, rtol=1e-5, atol=1e-6)


def test_target_level_is_the_median_of_the_means_of_the_series(world):
    means = []
    for example in world.examples:
        exposure = example["observed_mask"] * example["in_stock_fraction"]
        units = (example["target"] * (exposure > 0)).sum()
        if units > 0:
            means.append(units / exposure.sum())
    low, high = np.quantile(means, (0.47, 0.53))
    levels = transformed(world, *world.examples[:4])[transformed_example.TARGET_LEVEL].numpy()
    assert low <= levels[0] <= high
    assert len(set(levels.tolist())) == 1
