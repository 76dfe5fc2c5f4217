"""Serialized examples as arrays: histories of different lengths, right-aligned."""

import numpy as np
import pytest

pytestmark = pytest.mark.slow

HORIZON = 3


def serialize(history, *, store="s1", horizon=HORIZON):
    import tensorflow as tf

    def floats(values):
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))

    def text(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))

    features = {
        "target": floats(history),
        "observed_mask": floats([1.0] * len(history)),
        "in_stock_fraction": floats([0.5] * len(history)),
        "future_target": floats(range(horizon)),
        "future_observed_mask": floats([0.0] * horizon),
        "future_in_stock_fraction": floats([0.25] * horizon),
        "naive_forecast": floats([9.0] * horizon),
        "naive_scale": floats([2.0]),
        "naive_rms_scale": floats([3.0]),
        "demand_class": text("smooth"),
        "store": text(store),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def test_histories_end_in_the_last_column():
    from demandcast.components.backtest.decoding import decode_examples

    examples = [serialize([1, 2, 3]), serialize([4], store="s2é"), serialize([])]
    scored = decode_examples(examples, horizon=HORIZON, slices=("demand_class", "store"))
    assert scored.target.tolist() == [[1, 2, 3], [0, 0, 4], [0, 0, 0]]
    assert scored.observed_mask.tolist() == [[1, 1, 1], [0, 0, 1], [0, 0, 0]]
    assert scored.in_stock_fraction.tolist() == [[0.5] * 3, [0, 0, 0.5], [0, 0, 0]]
    assert scored.actual.tolist() == [[0, 1, 2]] * 3
    assert scored.actual_observed_mask.tolist() == [[0, 0, 0]] * 3
    assert scored.actual_in_stock_fraction.tolist() == [[0.25] * 3] * 3
    assert scored.seasonal_naive.tolist() == [[9, 9, 9]] * 3
    assert (scored.naive_scale.tolist(), scored.naive_rms_scale.tolist()) == ([2] * 3, [3] * 3)
    assert scored.slices["store"].tolist() == ["s1", "s2é", "s1"]
    assert scored.slices["demand_class"].tolist() == ["smooth"] * 3
    assert scored.target.dtype == np.float32


def test_sales_are_those_of_the_newest_periods():
    from demandcast.components.backtest.decoding import decode_sales

    examples = [serialize([1, 2, 3, 4]), serialize([5]), serialize([])]
    assert decode_sales(examples, periods=3).tolist() == [[2, 3, 4], [0, 0, 5], [0, 0, 0]]
    assert decode_sales(examples, periods=1).tolist() == [[4], [5], [0]]


def test_sales_of_more_periods_than_there_are_begin_with_nothing():
    from demandcast.components.backtest.decoding import decode_sales

    examples = [serialize([1, 2]), serialize([3])]
    assert decode_sales(examples, periods=4).tolist() == [[0, 0, 1, 2], [0, 0, 0, 3]]
    assert decode_sales([serialize([])], periods=2).tolist() == [[0, 0]]
    assert decode_sales(examples, periods=4).dtype == np.float32
