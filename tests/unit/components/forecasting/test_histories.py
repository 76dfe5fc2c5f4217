"""Histories of a request begin where those of examples do, and share their rows."""

import numpy as np
import pytest
import tensorflow as tf

from demandcast.components.forecasting.histories import (
    from_first_record,
    from_padded,
    with_shared_rows,
)

pytestmark = pytest.mark.slow

AHEAD = {"price": 2, "event": 2}


def tensors_of(rows=2, periods=3, **changes):
    def numbers(length):
        return tf.constant(np.arange(rows * length).reshape(rows, length), tf.float32)

    return {
        "store": tf.constant([b"s"] * rows, tf.string),
        "target": numbers(periods),
        "observed_mask": tf.ones([rows, periods]),
        "price": numbers(periods + 2),
        "event": tf.fill([rows, periods + 2], b"x"),
    } | changes


def ragged_of(rows, **changes):
    """One row per entry: a target of 1, 2, 3, ..., and prices of 10, 20, 30, ..."""
    lengths = [len(observed) for observed in rows]

    def ragged(make, more=0):
        return tf.ragged.constant(
            [make(length + more) for length in lengths], tf.float32, ragged_rank=1
        )

    return {
        "target": ragged(lambda length: list(range(1, length + 1))),
        "observed_mask": tf.ragged.constant(rows, tf.float32, ragged_rank=1),
        "price": ragged(lambda length: [10 * (i + 1) for i in range(length)], more=2),
        "event": ragged(lambda length: [7] * length, more=2),
    } | changes


def test_padded_histories_become_rows_of_one_length():
    found = from_padded(tensors_of(), ahead=AHEAD)
    assert found["target"].to_list() == [[0, 1, 2], [3, 4, 5]]
    assert found["price"].to_list() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert found["event"].to_list() == [[b"x"] * 5] * 2
    assert found["store"].numpy().tolist() == [b"s"] * 2


def test_features_of_equal_lengths_share_their_rows():
    raw = ragged_of([[1, 1], [1], []])
    both = (from_padded(tensors_of(), ahead=AHEAD), with_shared_rows(raw, ahead=AHEAD))
    for found in (*both, from_first_record(both[0], ahead=AHEAD)):
        assert found["target"].row_splits is found["observed_mask"].row_splits
        assert found["price"].row_splits is found["event"].row_splits
    assert both[1]["price"].to_list() == raw["price"].to_list()


def test_all_wrong_lengths_are_named():
    message = (
        "observed_mask: expected one value per period of target; "
        "price: expected one value per period of target and 2 after it"
    )
    wrong = tensors_of(observed_mask=tf.ones([2, 4]), price=tf.ones([2, 3]))
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        from_padded(wrong, ahead=AHEAD)
    wrong = {
        "observed_mask": tf.ragged.constant([[1.0], [1, 1]]),
        "price": tf.ragged.constant([[1.0], []]),
    }
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        with_shared_rows(ragged_of([[1, 1], [1]], **wrong), ahead=AHEAD)


def test_another_number_of_rows_is_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="price: expected"):
        from_padded(tensors_of(price=tf.ones([1, 5])), ahead=AHEAD)


def test_begins_with_the_first_record():
    raw = with_shared_rows(ragged_of([[0, 0, 1, 0], [1, 0], [0, 0, 0], [], [0]]), ahead=AHEAD)
    found = from_first_record(raw, ahead=AHEAD)
    # Never recorded: the last period stays, masked, so that there is a cutoff.
    assert found["observed_mask"].to_list() == [[1, 0], [1, 0], [0], [], [0]]
    assert found["target"].to_list() == [[3, 0], [1, 0], [0], [], [0]]
    assert found["price"].to_list() == [
        [30, 40, 50, 60],
        [10, 20, 30, 40],
        [30, 40, 50],
        [10, 20],
        [10, 20, 30],
    ]


def test_what_is_no_number_was_not_recorded():
    raw = ragged_of([[1, 1, 1, 1]], target=tf.ragged.constant([[np.nan, 2, -3, np.inf]]))
    found = from_first_record(with_shared_rows(raw, ahead=AHEAD), ahead=AHEAD)
    assert found["target"].to_list() == [[2, 0, 0]]
    assert found["observed_mask"].to_list() == [[1, 1, 0]]


@pytest.mark.parametrize("seed", range(5))
def test_equals_a_loop_over_the_rows(seed):
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, 2, (6, 9)) * (np.arange(9) >= rng.integers(0, 9, (6, 1)))
    tensors = tensors_of(6, 9, observed_mask=tf.constant(masks, tf.float32))
    found = from_first_record(from_padded(tensors, ahead=AHEAD), ahead=AHEAD)
    for row, mask in enumerate(masks):
        first = mask.tolist().index(1) if mask.any() else 8
        assert found["observed_mask"].to_list()[row] == mask[first:].tolist()
        assert found["price"].to_list()[row] == tensors["price"].numpy()[row, first:].tolist()


@pytest.mark.parametrize(("rows", "periods"), [(0, 3), (2, 0), (0, 0)])
def test_nothing_at_all(rows, periods):
    found = from_padded(tensors_of(rows, periods), ahead=AHEAD)
    found = from_first_record(found, ahead=AHEAD)
    assert found["target"].row_lengths().numpy().tolist() == [periods and 3] * rows
    assert found["price"].row_lengths().numpy().tolist() == [periods + 2] * rows
