"""Batches of windows: how many, in which order, at which cutoffs."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from forecasting_world import HORIZON

from demandcast.components.forecasting.dataset import (
    WindowDataset,
    count_examples,
    newest_cutoff,
    read_records,
)
from demandcast.components.forecasting.windows import Windows
from demandcast.schema.config import TrainingConfig

pytestmark = pytest.mark.slow

WINDOWS, BATCH = 3, 16


class CutoffsOnly(Windows):
    """Instead of network inputs: which series, how long, and where its window ends."""

    def cut(self, examples, *, cutoffs):
        lengths = examples["target"].row_lengths()
        return {
            "series": tf.reduce_sum(examples["target"], axis=1)
            + 1000.0 * tf.cast(lengths, "float"),
            "last": lengths - 1 - HORIZON,
            "cutoff": cutoffs,
            "scale": tf.ones_like(cutoffs, tf.float32),
        }


@pytest.fixture(scope="module")
def files(world, tmp_path_factory):
    """The transformed examples in two uncompressed files."""
    records = [record.numpy() for record in read_records(world.transformed_files)]
    folder = tmp_path_factory.mktemp("records")
    paths = [str(folder / "a"), str(folder / "b")]
    for path, part in zip(paths, (records[:25], records[25:]), strict=True):
        with tf.io.TFRecordWriter(path) as writer:
            for record in part:
                writer.write(record)
    return paths


@pytest.fixture(scope="module")
def dataset(world):
    return WindowDataset(
        CutoffsOnly(world.series, world.features),
        world.transform_output.transformed_feature_spec(),
        TrainingConfig(batch_size=BATCH, windows_per_series=WINDOWS, seed=4),
    )


def epoch_of(batches):
    """Series, last possible cutoff and cutoff of each window of an epoch. Shape [3, windows]."""
    parts = [
        [inputs[name].numpy() for name in ("series", "last", "cutoff")] for inputs, _ in batches
    ]
    return np.concatenate([np.stack(part) for part in parts], axis=1)


def test_each_series_gives_its_windows_in_each_epoch(dataset, files):
    series, _, _ = epoch_of(dataset.train(files))
    _, counts = np.unique(series, return_counts=True)
    assert set(counts.tolist()) == {WINDOWS}
    assert len(counts) == count_examples(files) == 60


def test_no_batch_holds_a_series_twice(dataset, files):
    batches = [inputs["series"].numpy() for inputs, _ in dataset.train(files)]
    assert len(batches) == -(-60 // BATCH) * WINDOWS
    assert all(len(set(batch)) == len(batch) <= BATCH for batch in batches)


@pytest.mark.parametrize("cached", [True, False])
def test_epochs_differ_in_order_and_cutoffs_and_runs_do_not(dataset, files, cached):
    training = dataset.training.model_copy(update={"cache_in_memory": cached})
    dataset = dataclasses.replace(dataset, training=training)
    batches = dataset.train(files)
    first, second = epoch_of(batches), epoch_of(batches)
    assert first[0].tolist() != second[0].tolist()
    assert sorted(first[0].tolist()) == sorted(second[0].tolist())
    cutoffs = [
        {series: row[2][row[0] == series].tolist() for series in row[0]} for row in (first, second)
    ]
    assert np.mean([cutoffs[0][series] != cutoffs[1][series] for series in cutoffs[0]]) > 0.8
    again = dataset.train(files)
    assert epoch_of(again).tolist() == first.tolist()
    assert epoch_of(again).tolist() == second.tolist()


def test_repeated_without_end_it_is_one_epoch_after_the_other(dataset, files):
    batches = dataset.train(files)
    epochs = [epoch_of(batches) for _ in range(3)]
    repeated = epoch_of(dataset.train(files).repeat(3))
    assert repeated.tolist() == np.concatenate(epochs, axis=1).tolist()


def test_another_seed_gives_other_cutoffs(dataset, files):
    other = dataclasses.replace(dataset, training=dataset.training.model_copy(update={"seed": 5}))
    one, two = epoch_of(dataset.train(files)), epoch_of(other.train(files))
    assert one.tolist() != two.tolist()


def test_cutoffs_leave_a_season_before_and_a_horizon_after(dataset, files):
    epochs = [epoch_of(dataset.train(files)) for _ in range(2)]
    _, last, cutoff = np.concatenate(epochs, axis=1).astype(int)
    first = np.minimum(last, 7 - 1)
    assert (first <= cutoff).all()
    assert (cutoff <= last).all()
    assert (cutoff[last == 0] == 0).all()  # a history of one period has one cutoff
    assert (last == 0).any()
    long = last > 20
    position = (cutoff - first)[long] / (last - first)[long]
    assert position.mean() == pytest.approx(0.5, abs=0.1)
    assert position.min() < 0.1
    assert position.max() > 0.9


def test_evaluation_goes_through_the_files_in_order_at_the_own_cutoff(dataset, files, world):
    series, last, cutoff = epoch_of(dataset.evaluation(files))
    assert cutoff.tolist() == last.tolist()
    spec = world.transform_output.transformed_feature_spec()
    expected = []
    for path in files:
        for record in tf.data.TFRecordDataset(path):
            example = tf.io.parse_single_example(record, spec)
            values = np.concatenate([example["target"], example["future_target"]])
            expected.append(values.sum() + 1000 * len(values))
    assert series.tolist() == expected
    assert epoch_of(dataset.evaluation(files[::-1]))[0].tolist() != expected


def test_labels_are_packed_with_their_weight_and_the_scale(dataset, files, world):
    _, packed = next(iter(dataset.evaluation(files)))
    assert packed.shape == (BATCH, HORIZON, 3)
    records = next(iter(read_records(files).batch(BATCH)))
    examples = tf.io.parse_example(records, world.transform_output.transformed_feature_spec())
    observed, stock = (
        examples[name].numpy() for name in ("future_observed_mask", "future_in_stock_fraction")
    )
    assert packed[..., 0].numpy().tolist() == examples["future_target"].numpy().tolist()
    assert packed[..., 1].numpy().tolist() == (observed * (stock >= 0.999)).tolist()
    assert set(packed[..., 2].numpy().ravel().tolist()) == {1.0}


def test_counts_examples(files, world):
    assert count_examples(world.transformed_files) == len(world.examples)
    assert count_examples(files[:1]) == 25


def test_the_newest_cutoff_of_all_files(world, files):
    assert newest_cutoff(files) == max(example["cutoff"] for example in world.examples)
    assert newest_cutoff(files[:1]) == max(example["cutoff"] for example in world.examples[:25])
